/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the device by a function of the caller's, as buffers of their own and as parts of one: all of it comes
 * back, and what is not given, or is not what was asked for, is refused with its name. Host memory where the host
 * serves.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <clquant/opencl.h>

#include "engine/staging.h"
#include "memory_work.h"
#include "opencl/choice/variant.h"
#include "opencl/runtime/context.h"
#include "refusal.h"

enum { ARENA_BYTES = 192 << 20, PART_BYTES = 64 << 10 };

typedef struct device_pool {
    cl_mem arena; /* NULL: each is a buffer of its own */
    uint64_t used, alignment;
    int calls, failing;
    cl_mem_flags flags; /* to be made with; 0: as asked */
    uint64_t lacks;     /* bytes fewer than asked for */
    uint64_t most;      /* bytes of one; 0: any number */
    cl_context other;   /* not NULL: the wrong one */
    int pinned;
    atomic_int live;
} device_pool;

static void CL_CALLBACK gone(cl_mem memory, void *cookie)
{
    device_pool *p = cookie;
    (void)memory;
    (void)atomic_fetch_sub(&p->live, 1);
}

static cl_mem allocate(void *cookie, cl_context opencl, cl_mem_flags flags, uint64_t bytes)
{
    device_pool *p = cookie;
    cl_int code = CL_SUCCESS;
    cl_mem made;
    if (++p->calls == p->failing || (p->most != 0 && bytes > p->most)) {
        return NULL;
    }
    p->pinned += (flags & CL_MEM_ALLOC_HOST_PTR) != 0;
    flags = p->flags != 0 ? p->flags : flags;
    if (p->arena != NULL) {
        const cl_buffer_region region = {(size_t)p->used, (size_t)bytes};
        assert_true(p->used + bytes <= ARENA_BYTES);
        p->used += (bytes + p->alignment - 1) / p->alignment * p->alignment;
        made = clCreateSubBuffer(p->arena, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    } else {
        made = clCreateBuffer(p->other != NULL ? p->other : opencl, flags, (size_t)(bytes - p->lacks), NULL, &code);
    }
    assert_int_equal(code, CL_SUCCESS);
    (void)atomic_fetch_add(&p->live, 1);
    assert_int_equal(clSetMemObjectDestructorCallback(made, gone, p), CL_SUCCESS);
    return made;
}

static void all_is_gone(device_pool *p)
{
    for (int i = 0; i < 1000 && atomic_load(&p->live) != 0; i++) { /* a driver may tell a little later */
        (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    assert_int_equal(atomic_load(&p->live), 0);
}

static clq_context *open_context(device_pool *p)
{
    clq_context *context = NULL;
    ACCEPTED(clq_context_create(check_device_spec(), &context, e));
    ACCEPTED(clq_context_set_opencl_allocator(context, allocate, p, e));
    return context;
}

static int has_opencl(void)
{
    return check_device() != NULL && check_device()->cl != NULL;
}

static void all_memory_of_the_device_comes_back(void **state)
{
    (void)state;
    for (int in_arena = 0; in_arena < 2 && has_opencl() && (!in_arena || check_device_holds(ARENA_BYTES)); in_arena++) {
        memory_results *r = check_allocate(sizeof *r);
        device_pool p = {.arena = NULL};
        clq_context *context = open_context(&p);
        clq_staging *staging = NULL;
        if (in_arena) {
            cl_uint bits = 0;
            cl_int code = CL_SUCCESS;
            assert_int_equal(
                clGetDeviceInfo(context->cl->device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL), 0);
            p.alignment = bits / 8 > 16 ? bits / 8 : 16;
            p.arena = clCreateBuffer(context->cl->context, CL_MEM_READ_WRITE, ARENA_BYTES, NULL, &code);
            assert_int_equal(code, CL_SUCCESS);
        }
        ACCEPTED(memory_work(context, r, e));
        memory_work_check(in_arena ? "parts of an arena" : "buffers", r);
        p.pinned = 0;
        ACCEPTED(clq_staging_create_as(context, 1000, 1, &staging, e)); /* as on a device with memory of its own */
        assert_int_equal(p.pinned, 1);
        clq_staging_destroy(&staging);
        assert_true(p.calls >= 12); /* buffers, packed B, scratch memory, trials */
        clq_context_destroy(&context);
        all_is_gone(&p);
        if (p.arena != NULL) {
            assert_int_equal(clReleaseMemObject(p.arena), CL_SUCCESS);
        }
        free(r);
    }
    check_needs_device();
}

/* Parts of one buffer that overlap are seen wherever they come from. */
static void parts_of_one_buffer_are_told_apart(void **state)
{
    (void)state;
    if (has_opencl()) {
        device_pool p = {.alignment = 4096};
        clq_context *context = open_context(&p);
        clq_buffer *part = NULL;
        clq_buffer *whole = NULL;
        cl_int code = CL_SUCCESS;
        clq_quantization q;
        clq_quantization_init(&q);
        q.layout.rank = 1;
        q.layout.shape[0] = 256;
        p.arena = clCreateBuffer(context->cl->context, CL_MEM_READ_WRITE, PART_BYTES, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        p.used = 4096;
        ACCEPTED(clq_buffer_create(context, 4096, &part, e));
        ACCEPTED(clq_buffer_from_opencl(context, p.arena, 0, PART_BYTES, &whole, e));
        REFUSED(CLQ_INVALID_ARGUMENT, "overlap",
                clq_minmax(context, &q, (clq_operand){part, 0}, (clq_operand){whole, 1024},
                           (clq_operand){whole, 1 << 10}, e));
        clq_buffer_destroy(&part);
        clq_buffer_destroy(&whole);
        clq_context_destroy(&context);
        all_is_gone(&p);
        assert_int_equal(clReleaseMemObject(p.arena), CL_SUCCESS);
    }
    check_needs_device();
}

/* What a trial can do with less of is no failure; everything else is, and the next call goes on. */
static void memory_that_is_not_given_is_told(void **state)
{
    (void)state;
    if (has_opencl()) {
        memory_results *r = check_allocate(sizeof *r);
        int refused = 0;
        for (int failing = 0, calls = 0; failing <= calls; failing += 1 + (failing > 10) * 3) {
            device_pool p = {.failing = failing};
            clq_context *context = open_context(&p);
            clq_error error;
            const clq_status status = memory_work(context, r, &error);
            calls = failing == 0 ? p.calls : calls;
            assert_true(failing != 0 || status == CLQ_OK);
            if (status != CLQ_OK) {
                assert_int_equal(status, CLQ_OUT_OF_MEMORY);
                assert_non_null(strstr(error.message, "clq_context_set_opencl_allocator gave none"));
                ACCEPTED(memory_work(context, r, e));
                refused++;
            }
            memory_work_check("after a failure", r);
            clq_context_destroy(&context);
            all_is_gone(&p);
        }
        assert_true(refused >= 8);
        free(r);
    }
    check_needs_device();
}

/* Scratch memory grows ahead of what is needed; where there is not that much, what is needed does. */
static void scratch_memory_ahead_is_no_need(void **state)
{
    (void)state;
    if (has_opencl()) {
        device_pool p = {.arena = NULL};
        clq_context *context = open_context(&p);
        clq_gemm_problem problem;
        clq_plan plan;
        clq_gemm_init(&problem);
        problem.m = 1;
        problem.n = problem.k = 2048;
        ACCEPTED(clq_gemm_prepare(context, &problem, 1, 1, e));
        problem.n += 128;
        ACCEPTED(clq_gemm_plan(context, &problem, 0, &plan, e));
        p.most = plan.workspace_bytes;
        if (!plan.by_host && p.most > 0) {
            ACCEPTED(clq_gemm_prepare(context, &problem, 1, 1, e));
            p.most--;
            problem.n += 128;
            REFUSED(CLQ_OUT_OF_MEMORY, "scratch memory", clq_gemm_prepare(context, &problem, 1, 1, e));
            p.most = 0;
            ACCEPTED(clq_gemm_prepare(context, &problem, 1, 1, e));
        }
        clq_context_destroy(&context);
        all_is_gone(&p);
    }
    check_needs_device();
}

static void wrong_memory_is_refused(void **state)
{
    clq_context *context = NULL;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_set_opencl_allocator(NULL, allocate, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "has no cl_mem",
            clq_context_set_opencl_allocator(check_reference(), allocate, NULL, e));
    if (has_opencl()) {
        device_pool p = {.lacks = 1};
        clq_buffer *buffer = NULL;
        cl_int code = CL_SUCCESS;
        context = open_context(&p);
        REFUSED(CLQ_INVALID_ARGUMENT, "a buffer has 99 bytes", clq_buffer_create(context, 100, &buffer, e));
        p.lacks = 0;
        p.flags = CL_MEM_READ_ONLY;
        REFUSED(CLQ_INVALID_ARGUMENT, "for one of the two", clq_buffer_create(context, 100, &buffer, e));
        p.flags = CL_MEM_HOST_NO_ACCESS;
        REFUSED(CLQ_INVALID_ARGUMENT, "was made with a CL_MEM_HOST_ flag", clq_buffer_create(context, 100, &buffer, e));
        p.flags = 0;
        p.other = clCreateContext(NULL, 1, &context->cl->device, NULL, NULL, &code);
        assert_int_equal(code, CL_SUCCESS);
        REFUSED(CLQ_INVALID_ARGUMENT, "another cl_context", clq_buffer_create(context, 100, &buffer, e));
        assert_null(buffer);
        all_is_gone(&p);
        assert_int_equal(clReleaseContext(p.other), CL_SUCCESS);
        p.other = NULL;
        ACCEPTED(clq_context_set_opencl_allocator(context, NULL, NULL, e));
        p.calls = 0;
        ACCEPTED(clq_buffer_create(context, 100, &buffer, e));
        clq_buffer_destroy(&buffer);
        assert_int_equal(p.calls, 0);
        clq_context_destroy(&context);
    }
    check_needs_device();
}

/* The host in place of the device: its copies of the operands, and weights that lie on it. */
static void host_memory_of_a_device_comes_back(void **state)
{
    (void)state;
    if (has_opencl()) {
        memory_results *r = check_allocate(sizeof *r);
        int refused = 0;
        for (int failing = 0, calls = 0; failing <= calls; failing += 1 + (failing > 8) * 3) {
            memory_pool p = {0, failing, 0, 0, 0, 0};
            clq_context *context = NULL;
            clq_error error;
            clq_status status;
            ACCEPTED(clq_context_create(check_device_spec(), &context, e));
            ACCEPTED(clq_context_set_allocator(context, memory_pool_allocate, memory_pool_release, &p, e));
            for (size_t i = 0; i < clq_cl_verdict_count(); i++) {
                clq_verdict_tell(&context->cl->verdicts, i, CLQ_VERDICT_DIFFERS);
            }
            status = memory_work(context, r, &error);
            calls = failing == 0 ? p.calls : calls;
            if (failing != 0) {
                assert_int_equal(status, CLQ_OUT_OF_MEMORY);
                assert_non_null(strstr(error.message, "clq_context_set_allocator"));
                assert_int_equal(p.pieces, 0);
                status = memory_work(context, r, &error);
                refused++;
            }
            check_ok(status, &error, "by the host");
            memory_work_check("by the host", r);
            assert_true(p.pieces == 0 && p.bytes == 0);
            clq_context_destroy(&context);
        }
        assert_true(refused >= 5);
        free(r);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_memory_of_the_device_comes_back),
    cmocka_unit_test(parts_of_one_buffer_are_told_apart),
    cmocka_unit_test(memory_that_is_not_given_is_told),
    cmocka_unit_test(scratch_memory_ahead_is_no_need),
    cmocka_unit_test(wrong_memory_is_refused),
    cmocka_unit_test(host_memory_of_a_device_comes_back),
};

CHECK_MAIN("opencl_allocator", tests)

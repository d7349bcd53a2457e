/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strided tensors where something fails: each OpenCL call and each allocation of enqueuing one, of a batch of several
 * and of a record fails once: the story names it, nothing is left behind or handed out, and the same works afterwards.
 */
#include <stdio.h>
#include <string.h>

#include "batch_case.h"
#include "counted_memory.h"
#include "failing_opencl.h"
#include "inputs.h"
#include "own_opencl.h"
#include "refusal.h"
#include "strided_case.h"

enum { TENSORS = 3, WORKSPACE_BYTES = 1 << 16 };

/* The first tensor; all of them, a batch that is made, enqueued and dropped; one that is recorded and enqueued. */
typedef enum kind { ONE, BATCH, RECORD, KINDS } kind;

static const char *const kind_names[KINDS] = {"a tensor", "a batch", "a record"};

typedef struct scene {
    own_opencl own;
    batch_case b;
    batch_place p;
    cl_mem workspace;
} scene;

static clq_launch launch_of(const scene *s)
{
    const clq_launch launch = {.struct_size = sizeof launch,
                               .queue = s->own.queue,
                               .workspace = s->workspace,
                               .workspace_bytes = WORKSPACE_BYTES};
    return launch;
}

/* `done` receives an event where all went well. */
static clq_status perform(scene *s, kind what, cl_event *done, clq_error *error)
{
    const clq_batch_item *items = s->p.items;
    const clq_operation operation = s->b.operation;
    clq_context *context = s->own.clquant;
    clq_launch launch = launch_of(s);
    clq_record *record = NULL;
    clq_batch *batch = NULL;
    clq_status status;
    *done = NULL;
    if (what == RECORD) {
        status = clq_record_create(context, operation, items[0].q, &items[0].operands, &launch, &record, error);
        status = status == CLQ_OK ? clq_record_enqueue(record, 0, NULL, NULL, done, error) : status;
        clq_record_destroy(&record);
        return status;
    }
    launch.event = done;
    if (what == ONE) {
        return clq_enqueue(context, operation, items[0].q, &items[0].operands, &launch, error);
    }
    status = clq_batch_create(context, operation, items, s->b.count, &batch, error);
    status = status == CLQ_OK ? clq_enqueue_batch(batch, &launch, error) : status;
    clq_batch_destroy(&batch);
    return status;
}

static void finish(const scene *s)
{
    assert_int_equal(clFinish(s->own.queue), CL_SUCCESS);
    ACCEPTED(clq_finish(s->own.clquant, e));
}

/* All kernels are trusted, and what is kept for the next call is there. */
static void scene_begin(scene *s, clq_operation operation)
{
    cl_int code = CL_SUCCESS;
    memset(s, 0, sizeof *s);
    own_opencl_begin(&s->own, 0, 64);
    s->workspace = clCreateBuffer(s->own.context, CL_MEM_READ_WRITE, WORKSPACE_BYTES, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    batch_case_init(&s->b, "strided", operation, TENSORS);
    for (size_t i = 0; i < TENSORS; i++) {
        clq_quantization *q = &s->b.cases[i].q;
        strided_small(q, CLQ_S8, i + (uint64_t)operation);
        inputs_scheme(&q->scheme, CLQ_S8, (unsigned)i);
    }
    batch_case_fill(&s->b);
    batch_place_begin(&s->p, s->own.clquant, &s->b);
    for (int i = 0; i < 2 * KINDS; i++) {
        cl_event done;
        ACCEPTED(perform(s, (kind)(i % KINDS), &done, e));
        clReleaseEvent(done);
        finish(s);
    }
}

static void scene_end(scene *s)
{
    batch_place_end(&s->p, &s->b);
    batch_case_free(&s->b);
    clReleaseMemObject(s->workspace);
    own_opencl_end(&s->own);
}

/* After failures, to the bytes of the reference. */
static void check_works(scene *s, kind what)
{
    batch_place reference;
    batch_result want, got;
    cl_event done = NULL;
    batch_place_begin(&reference, check_reference(), &s->b);
    for (size_t i = 0; i < (what == BATCH ? s->b.count : 1); i++) {
        ACCEPTED(batch_item_call(check_reference(), s->b.operation, &reference.items[i], e));
    }
    batch_place_read(&reference, &s->b, &want);
    batch_place_reset(&s->p, &s->b);
    ACCEPTED(clq_finish(s->own.clquant, e));
    ACCEPTED(perform(s, what, &done, e));
    finish(s);
    batch_place_read(&s->p, &s->b, &got);
    batch_same(&s->b, kind_names[what], &want, &got);
    clReleaseEvent(done);
    batch_result_free(&want);
    batch_result_free(&got);
    batch_place_end(&reference, &s->b);
}

/* With call `number` failing, or where `of_memory` that allocation; returns whether one failed. */
static int perform_with_failure(scene *s, kind what, int number, int of_memory)
{
    const int references = failing_opencl_references();
    const long pieces = counted_memory_pieces();
    cl_event done = NULL;
    char failed[64] = "";
    clq_error error;
    clq_status status;
    memset(&error, 0, sizeof error);
    counted_memory_fail(of_memory ? number : 0);
    failing_opencl_fail(of_memory ? 0 : number, NULL, CL_OUT_OF_RESOURCES);
    status = perform(s, what, &done, &error);
    snprintf(failed, sizeof failed, "%s",
             !of_memory                ? failing_opencl_failed()
             : counted_memory_failed() ? "an allocation"
                                       : "");
    counted_memory_fail(0);
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    if (status != (failed[0] == '\0' ? CLQ_OK
                   : of_memory       ? CLQ_OUT_OF_MEMORY
                                     : CLQ_DEVICE_ERROR) ||
        (done == NULL) != (failed[0] != '\0') ||
        (!of_memory && failed[0] != '\0' && strcmp(error.opencl_call, failed) != 0)) {
        fail_msg("%s, %s, number %d, %s: status %s, message '%s'", kind_names[what], clq_operation_name(s->b.operation),
                 number, failed, clq_status_name(status), error.message);
    }
    if (done != NULL) {
        clReleaseEvent(done);
    }
    finish(s);
    if (failing_opencl_references() != references || counted_memory_pieces() != pieces) {
        fail_msg("%s, %s: %d references to OpenCL objects and %ld pieces of memory were left behind", kind_names[what],
                 failed, failing_opencl_references() - references, counted_memory_pieces() - pieces);
    }
    return failed[0] != '\0';
}

static void failures(void **state)
{
    (void)state;
    for (int operation = 0; operation < CLQ_OP_COUNT && check_device() != NULL; operation++) {
        scene s;
        if (!strided_takes((clq_operation)operation)) {
            continue;
        }
        scene_begin(&s, (clq_operation)operation);
        for (int what = 0; what < KINDS; what++) {
            for (int of_memory = 0; of_memory < 2; of_memory++) {
                int number = 1;
                while (perform_with_failure(&s, (kind)what, number, of_memory)) {
                    number++;
                }
                assert_true(number > (of_memory ? what != ONE : 3));
            }
            check_works(&s, (kind)what);
        }
        scene_end(&s);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(failures),
};

CHECK_MAIN("strides_failures", tests)

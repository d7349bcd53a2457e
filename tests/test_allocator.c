/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host memory by the caller's functions: every byte that was taken comes back, from whatever call, and one that gets
 * none says so and leaves the results of the next one right.
 */
#include <stdlib.h>
#include <string.h>

#include "memory_work.h"
#include "refusal.h"

/* Without a failure, then with each call failing in turn. */
static void host_memory(const char *spec, int least_calls)
{
    memory_results *r = check_allocate(sizeof *r);
    int failed = 0;
    for (int failing = 0, calls = 0; failing <= calls; failing += 1 + (failing > 12) * (calls / 12)) {
        clq_context *context = NULL;
        memory_pool p = {0, failing, 0, 0, 0, 0};
        clq_error error;
        clq_status status;
        ACCEPTED(clq_context_create(spec, &context, e));
        ACCEPTED(clq_context_set_allocator(context, memory_pool_allocate, memory_pool_release, &p, e));
        status = memory_work(context, r, &error);
        if (failing == 0) {
            calls = p.calls;
            check_ok(status, &error, spec);
            memory_work_check(spec, r);
            assert_true(calls >= least_calls && (p.most > 0 || calls == 0));
        } else {
            assert_int_equal(status, CLQ_OUT_OF_MEMORY);
            assert_non_null(strstr(error.message, "clq_context_set_allocator"));
            assert_int_equal(p.pieces, 0);
            ACCEPTED(memory_work(context, r, e)); /* the same context goes on */
            memory_work_check(spec, r);
            failed++;
        }
        assert_true(p.pieces == 0 && p.bytes == 0);
        clq_context_destroy(&context);
    }
    assert_true(failed >= (least_calls < 12 ? least_calls : 12));
    free(r);
}

static void all_host_memory_comes_back(void **state)
{
    (void)state;
    host_memory("reference", 10);
    host_memory("native", 12);
    if (check_device() != NULL && !check_device_is_native()) {
        clq_device_info info;
        clq_context_device(check_device(), &info);
        host_memory(check_device_spec(), info.type == CLQ_DEVICE_CPU); /* staging, which elsewhere is pinned */
    }
    check_needs_device();
}

static void wrong_functions_are_refused(void **state)
{
    clq_context *context = NULL;
    clq_buffer *buffer = NULL;
    memory_pool p = {0};
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL",
            clq_context_set_allocator(NULL, memory_pool_allocate, memory_pool_release, &p, e));
    ACCEPTED(clq_context_create("reference", &context, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_set_allocator(context, memory_pool_allocate, NULL, &p, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_set_allocator(context, NULL, memory_pool_release, &p, e));
    ACCEPTED(clq_context_set_allocator(context, memory_pool_allocate, memory_pool_release, &p, e));
    p.misplaces = 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "no multiple of", clq_buffer_create(context, 100, &buffer, e));
    assert_null(buffer);
    assert_int_equal(p.pieces, 0);
    p.misplaces = 0;
    ACCEPTED(clq_buffer_create(context, 100, &buffer, e));
    assert_int_equal(p.pieces, 1);
    REFUSED(CLQ_INVALID_ARGUMENT, "1 pieces", clq_context_set_allocator(context, NULL, NULL, NULL, e));
    clq_buffer_destroy(&buffer);
    ACCEPTED(clq_context_set_allocator(context, NULL, NULL, NULL, e));
    ACCEPTED(clq_buffer_create(context, 100, &buffer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "1 pieces",
            clq_context_set_allocator(context, memory_pool_allocate, memory_pool_release, &p, e));
    clq_buffer_destroy(&buffer);
    assert_int_equal(p.pieces, 0);
    clq_context_destroy(&context);
}

/* A handle is all that keeps the context: its memory goes back by functions that are still known. */
static void memory_outlives_the_contexts_handle(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        clq_context *context = NULL;
        clq_buffer *buffer = NULL;
        clq_staging *staging = NULL;
        memory_pool p = {0};
        ACCEPTED(clq_context_create(i == 0 ? "reference" : "native", &context, e));
        ACCEPTED(clq_context_set_allocator(context, memory_pool_allocate, memory_pool_release, &p, e));
        ACCEPTED(clq_buffer_create(context, 1000, &buffer, e));
        ACCEPTED(clq_staging_create(context, 1000, &staging, e));
        clq_context_destroy(&context);
        assert_int_equal(p.pieces, 2);
        clq_buffer_destroy(&buffer);
        clq_staging_destroy(&staging);
        assert_true(p.pieces == 0 && p.bytes == 0);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_host_memory_comes_back),
    cmocka_unit_test(wrong_functions_are_refused),
    cmocka_unit_test(memory_outlives_the_contexts_handle),
};

CHECK_MAIN("allocator", tests)

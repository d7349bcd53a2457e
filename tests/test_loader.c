/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL that is loaded at run time, by a program that is not linked with it. `test_loader absent` is run where it
 * cannot be loaded: every way to it tells so, and the devices of the library's own are there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <pthread.h>

#include <clquant/opencl.h>

enum { THREADS = 8 };

/* Handles of nobody's, which must not be looked at. */
static cl_context no_context(void)
{
    return (cl_context)(uintptr_t)16;
}

static cl_device_id no_device(void)
{
    return (cl_device_id)(uintptr_t)16;
}

static void assert_told(clq_status status, const clq_error *error)
{
    assert_int_equal(status, CLQ_NO_DEVICE);
    assert_non_null(strstr(error->message, "libOpenCL.so.1"));
    assert_non_null(strstr(error->message, "install a loader of OpenCL"));
    assert_null(strchr(error->message, '\n'));
}

static void absent_is_told(void **state)
{
    clq_context *context = NULL;
    clq_error error;
    (void)state;
    for (int again = 0; again < 2; again++) {
        assert_told(clq_opencl_available(&error), &error);
    }
    assert_int_equal(clq_opencl_available(NULL), CLQ_NO_DEVICE);
    assert_told(clq_context_create("cpu", &context, &error), &error);
    assert_told(clq_context_create("0:0", &context, &error), &error);
    assert_told(clq_context_from_opencl(no_context(), no_device(), &context, &error), &error);
    assert_null(context);
}

static void absent_leaves_native(void **state)
{
    clq_device_info infos[4];
    clq_context *context = NULL;
    clq_buffer *buffer = NULL;
    clq_launch launch = {.struct_size = sizeof launch};
    clq_operands operands = {.struct_size = sizeof operands};
    clq_quantization q;
    size_t count = 0;
    clq_error error;
    (void)state;
    assert_int_equal(clq_devices(4, infos, &count, &error), CLQ_OK);
    assert_int_equal(count, CLQ_OWN_DEVICES);
    assert_string_equal(infos[0].name, "native");
    assert_int_equal(clq_context_create("auto", &context, &error), CLQ_OK);
    clq_context_device(context, &infos[1]);
    assert_string_equal(infos[1].name, "native");
    clq_quantization_init(&q);
    assert_int_equal(clq_enqueue(context, CLQ_OP_MINMAX, &q, &operands, &launch, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_buffer_from_opencl(context, (cl_mem)(uintptr_t)16, 0, 16, &buffer, &error),
                     CLQ_INVALID_ARGUMENT);
    clq_context_destroy(&context);
}

/* ---- where it can be loaded ---- */

static pthread_barrier_t barrier;

static void *ask(void *cookie)
{
    clq_status *answer = cookie;
    (void)pthread_barrier_wait(&barrier);
    *answer = clq_opencl_available(NULL); /* and no device: PoCL 3.1 does not survive two threads that ask first */
    return NULL;
}

static void many_ask_first(void **state)
{
    pthread_t threads[THREADS];
    clq_status answers[THREADS];
    void *loader = NULL;
    size_t count = 0;
    (void)state;
    assert_null(dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_NOLOAD)); /* else this is no test of loading */
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &answers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(answers[i], CLQ_OK);
    }
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
    loader = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_NOLOAD); /* one that others in the process share */
    assert_non_null(loader);
    assert_int_equal(dlclose(loader), 0);
    assert_int_equal(clq_devices(0, NULL, &count, NULL), CLQ_OK);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest absent[] = {
        cmocka_unit_test(absent_is_told),
        cmocka_unit_test(absent_leaves_native),
    };
    const struct CMUnitTest present[] = {
        cmocka_unit_test(many_ask_first),
    };
    return argc > 1 && strcmp(argv[1], "absent") == 0 ? cmocka_run_group_tests(absent, NULL, NULL)
                                                      : cmocka_run_group_tests(present, NULL, NULL);
}

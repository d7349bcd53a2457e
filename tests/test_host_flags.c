/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the caller's whose flags keep the host from reading it, writing it, or both: the host serves with it all
 * the same, what the caller asks for against a flag is refused by its name, and what the flag leaves goes. Bytes come
 * and go by copies on queues of the caller's. And memory that is too large for kernels on Intel's GPUs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/context.h"
#include "failing_opencl.h"
#include "flagged_memory.h"
#include "inputs.h"
#include "refusal.h"

enum { ROWS = 7, COLUMNS = 5, GAP = 3, BYTES = 1 << 16, PIECES_ELEMENTS = 300000, SCRATCH = 1 << 16 };

/* ---- operations ---- */

static void fill(clq_argument argument, unsigned char *bytes)
{
    const clq_nonfinite none = {0, UINT64_MAX};
    float *reals = (float *)(void *)bytes;
    memset(bytes, argument == CLQ_ARG_COUNTS || argument == CLQ_ARG_AVERAGING ? 0 : 0xAA, BYTES);
    for (int i = 0; i < ROWS * (COLUMNS + GAP); i++) {
        if (argument == CLQ_ARG_X) {
            reals[i] = (float)(i * 37 % 200 - 90) * 0.31f;
        } else if (argument == CLQ_ARG_SCALE) {
            reals[i] = 0.125f;
        } else if (argument == CLQ_ARG_ZERO_POINT) {
            ((int32_t *)(void *)bytes)[i] = i % 5;
        } else if (argument == CLQ_ARG_RANGE || argument == CLQ_ARG_STATE) {
            reals[2 * i] = -20.0f;
            reals[2 * i + 1] = 30.0f;
        }
    }
    if (argument == CLQ_ARG_NONFINITE) {
        memcpy(bytes, &none, sizeof none);
    }
}

/* Codes of 8 bits, with gaps between rows where devices take them, or of 4 bits, of which two share a byte. */
static void describe(clq_quantization *q, clq_operation operation, int is_of_bytes)
{
    const int has_gaps = is_of_bytes && operation != CLQ_OP_MERGE_RANGE && operation != CLQ_OP_HISTOGRAM;
    clq_quantization_init(q);
    q->layout.rank = 2;
    q->layout.shape[0] = ROWS;
    q->layout.shape[1] = COLUMNS;
    q->layout.granularity = operation == CLQ_OP_HISTOGRAM ? CLQ_PER_TENSOR : CLQ_PER_CHANNEL;
    q->layout.axis = 1;
    inputs_scheme(&q->scheme, is_of_bytes ? CLQ_U8 : CLQ_U4, 0);
    q->real_strides.stride[0] = q->code_strides.stride[0] = has_gaps ? COLUMNS + GAP : 0;
    q->real_strides.stride[1] = q->code_strides.stride[1] = has_gaps ? 1 : 0;
}

static void want_operation(clq_operation operation, const clq_quantization *q, unsigned char want[][BYTES])
{
    clq_operand arguments[CLQ_ARG_COUNT];
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        fill((clq_argument)i, want[i]);
        ACCEPTED(clq_buffer_wrap(check_reference(), want[i], BYTES, &arguments[i].buffer, e));
        arguments[i].offset = 0;
    }
    ACCEPTED(clq_run(check_reference(), operation, q, arguments, NULL, e));
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        clq_buffer_destroy(&arguments[i].buffer);
    }
}

static void check_operation(const own_opencl *own, clq_operation operation, size_t kind, int where,
                            const clq_quantization *q, unsigned char want[][BYTES])
{
    clq_operand arguments[CLQ_ARG_COUNT];
    unsigned char bytes[BYTES];
    memset(arguments, 0, sizeof arguments);
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        const int is_output = clq_argument_is_output(operation, (clq_argument)i);
        const int has_flag = (where & (is_output ? FLAGGED_OUTPUTS : FLAGGED_INPUTS)) != 0;
        if (clq_argument_is_used(operation, (clq_argument)i)) {
            fill((clq_argument)i, bytes);
            arguments[i].buffer = flagged_buffer(own, has_flag ? flagged_kinds[kind].flags : 0, bytes, BYTES, i % 2);
        }
    }
    ACCEPTED(clq_run(own->clquant, operation, q, arguments, NULL, e));
    ACCEPTED(clq_finish(own->clquant, e));
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (arguments[i].buffer != NULL) {
            flagged_check(own, arguments[i].buffer, want[i], clq_operation_name(operation), flagged_kinds[kind].name);
        }
        clq_buffer_destroy(&arguments[i].buffer);
    }
}

static void host_serves_every_operation(void **state)
{
    static unsigned char want[CLQ_ARG_COUNT][BYTES];
    (void)state;
    for (size_t order = 0; order < 2 && check_device() != NULL; order++) {
        own_opencl own;
        own_opencl_begin(&own, flagged_orders[order], 64);
        flagged_set_aside(own.clquant);
        for (int turn = 0; turn < 2 * CLQ_OP_COUNT; turn++) {
            const clq_operation operation = (clq_operation)(turn / 2);
            clq_quantization q;
            if ((turn / 2 + turn) % 2 != (int)order) {
                continue; /* each layout of codes on one of the queues */
            }
            describe(&q, operation, turn % 2);
            want_operation(operation, &q, want);
            for (size_t kind = 0; kind < FLAGGED_KINDS; kind++) {
                for (int where = kind == 0 ? 0 : FLAGGED_INPUTS; where <= (FLAGGED_INPUTS | FLAGGED_OUTPUTS); where++) {
                    check_operation(&own, operation, kind, where, &q, want);
                }
            }
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* More than goes through a bounce buffer at once; and calls that fail on the way, after which the next one passes. */
static void large_operands_go_in_pieces(void **state)
{
    (void)state;
    if (check_device() != NULL && check_device_holds(sizeof(float) * PIECES_ELEMENTS)) {
        static const char *const calls[] = {"clEnqueueCopyBuffer", "clEnqueueReadBuffer", "clEnqueueWriteBuffer",
                                            "clWaitForEvents"};
        float *x = check_allocate(sizeof *x * PIECES_ELEMENTS);
        own_opencl own;
        clq_operand in = {NULL, 0};
        clq_operand out = {NULL, 0};
        clq_operand one = {NULL, 0};
        clq_quantization q;
        const float scale = 1.0f;
        own_opencl_begin(&own, 0, 64);
        flagged_set_aside(own.clquant);
        for (int i = 0; i < PIECES_ELEMENTS; i++) {
            x[i] = (float)(i % 251 - 125);
        }
        clq_quantization_init(&q);
        q.layout.rank = 1;
        q.layout.shape[0] = PIECES_ELEMENTS;
        in.buffer = flagged_buffer(&own, CL_MEM_HOST_NO_ACCESS, x, sizeof *x * PIECES_ELEMENTS, 0);
        out.buffer = flagged_buffer(&own, CL_MEM_HOST_NO_ACCESS, x, sizeof *x * PIECES_ELEMENTS, 0);
        one.buffer = flagged_buffer(&own, CL_MEM_HOST_NO_ACCESS, &scale, sizeof scale, 0);
        {
            const int32_t none = 0;
            clq_operand zero = {flagged_buffer(&own, CL_MEM_HOST_NO_ACCESS, &none, sizeof none, 0), 0};
            clq_error error;
            for (size_t i = 0; i < 2 * sizeof calls / sizeof calls[0]; i++) {
                failing_opencl_fail(1 + (int)(i % 2), calls[i / 2], CL_OUT_OF_RESOURCES);
                refusal_check(clq_fake_quantize(own.clquant, &q, in, one, zero, out, &error), CLQ_DEVICE_ERROR, &error,
                              "fake-quantize by the host", __FILE__, __LINE__);
                failing_opencl_fail(0, NULL, CL_SUCCESS);
            }
            ACCEPTED(clq_fake_quantize(own.clquant, &q, in, one, zero, out, e));
            clq_buffer_destroy(&zero.buffer);
        }
        flagged_check(&own, out.buffer, x, "fake_quantize", "CL_MEM_HOST_NO_ACCESS");
        clq_buffer_destroy(&in.buffer);
        clq_buffer_destroy(&out.buffer);
        clq_buffer_destroy(&one.buffer);
        own_opencl_end(&own);
        free(x);
    }
    check_needs_device();
}

/* Of two outputs one needs a bounce buffer, and there is no memory for it. */
static void no_memory_leaves_all_as_it_was(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        static const clq_argument used[] = {CLQ_ARG_X, CLQ_ARG_RANGE, CLQ_ARG_NONFINITE};
        clq_operand arguments[CLQ_ARG_COUNT] = {{NULL, 0}};
        unsigned char bytes[BYTES];
        clq_quantization q;
        clq_error error;
        own_opencl own;
        own_opencl_begin(&own, 0, 64);
        flagged_set_aside(own.clquant);
        describe(&q, CLQ_OP_MINMAX, 1);
        for (size_t i = 0; i < 3; i++) {
            fill(used[i], bytes);
            arguments[used[i]].buffer =
                flagged_buffer(&own, used[i] == CLQ_ARG_NONFINITE ? CL_MEM_HOST_READ_ONLY : 0, bytes, BYTES, 0);
        }
        failing_opencl_fail(1, "clCreateBuffer", CL_MEM_OBJECT_ALLOCATION_FAILURE);
        refusal_check(clq_run(own.clquant, CLQ_OP_MINMAX, &q, arguments, NULL, &error), CLQ_OUT_OF_MEMORY, &error,
                      "minmax by the host", __FILE__, __LINE__);
        failing_opencl_fail(0, NULL, CL_SUCCESS);
        for (size_t i = 0; i < 3; i++) {
            fill(used[i], bytes);
            flagged_check(&own, arguments[used[i]].buffer, bytes, "minmax", "no memory");
            clq_buffer_destroy(&arguments[used[i]].buffer);
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* Kernels do not mind. */
static void kernels_serve_on_either_queue(void **state)
{
    (void)state;
    for (size_t order = 0; order < 2 && check_device() != NULL; order++) {
        static unsigned char want[CLQ_ARG_COUNT][BYTES];
        unsigned char bytes[BYTES];
        clq_operand arguments[CLQ_ARG_COUNT];
        clq_operands o = {.struct_size = sizeof o};
        cl_event done = NULL;
        clq_quantization q;
        own_opencl own;
        clq_launch launch = {.struct_size = sizeof launch, .event = &done, .workspace_bytes = SCRATCH};
        own_opencl_begin(&own, flagged_orders[order], 64);
        describe(&q, CLQ_OP_MINMAX, 1);
        want_operation(CLQ_OP_MINMAX, &q, want);
        for (int i = 0; i < CLQ_ARG_COUNT; i++) {
            fill((clq_argument)i, bytes);
            arguments[i].buffer = flagged_buffer(&own, flagged_kinds[i % FLAGGED_KINDS].flags, bytes, BYTES, 0);
            arguments[i].offset = 0;
        }
        o.x = arguments[CLQ_ARG_X];
        o.range = arguments[CLQ_ARG_RANGE];
        o.nonfinite = arguments[CLQ_ARG_NONFINITE];
        launch.queue = own.queue;
        launch.workspace = flagged_memory(&own, CL_MEM_HOST_NO_ACCESS, SCRATCH, 0);
        ACCEPTED(clq_enqueue(own.clquant, CLQ_OP_MINMAX, &q, &o, &launch, e));
        assert_int_equal(clWaitForEvents(1, &done), CL_SUCCESS);
        assert_int_equal(clReleaseEvent(done), CL_SUCCESS);
        for (int i = 0; i < CLQ_ARG_COUNT; i++) {
            flagged_check(&own, arguments[i].buffer, want[i], "minmax", "flags");
            clq_buffer_destroy(&arguments[i].buffer);
        }
        assert_int_equal(clReleaseMemObject(launch.workspace), CL_SUCCESS);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* ---- what the caller asks for ---- */

static void check_map(const own_opencl *own, clq_buffer *buffer, size_t kind, unsigned char *bytes)
{
    void *mapped = NULL;
    char told[100];
    snprintf(told, sizeof told, "clq_buffer_map: the memory was made with %s", flagged_kinds[kind].name);
    if (!flagged_kinds[kind].reads && !flagged_kinds[kind].writes) {
        REFUSED(CLQ_INVALID_ARGUMENT, told, clq_buffer_map(buffer, &mapped, e));
        return;
    }
    ACCEPTED(clq_buffer_map(buffer, &mapped, e));
    if (flagged_kinds[kind].reads) {
        assert_memory_equal(mapped, bytes, BYTES);
    } else {
        memset(mapped, 0x33, BYTES / 2); /* the other half stays */
        memset(bytes, 0x33, BYTES / 2);
    }
    ACCEPTED(clq_buffer_unmap(buffer, e));
    flagged_check(own, buffer, bytes, "clq_buffer_map", flagged_kinds[kind].name);
}

static void check_transfers(const own_opencl *own, clq_buffer *buffer, size_t kind, unsigned char *bytes)
{
    unsigned char moved[BYTES];
    char read[100];
    char written[100];
    snprintf(read, sizeof read, "clq_buffer_read: the memory was made with %s", flagged_kinds[kind].name);
    snprintf(written, sizeof written, "clq_buffer_write: the memory was made with %s", flagged_kinds[kind].name);
    if (flagged_kinds[kind].reads) {
        ACCEPTED(clq_buffer_read(buffer, 0, moved, BYTES, e));
        assert_memory_equal(moved, bytes, BYTES);
    } else {
        REFUSED(CLQ_INVALID_ARGUMENT, read, clq_buffer_read(buffer, 0, moved, BYTES, e));
    }
    memset(moved, 0x77, BYTES);
    if (flagged_kinds[kind].writes) {
        ACCEPTED(clq_buffer_write(buffer, 16, moved, 100, e));
        memset(bytes + 16, 0x77, 100);
    } else {
        REFUSED(CLQ_INVALID_ARGUMENT, written, clq_buffer_write(buffer, 16, moved, 100, e));
    }
    flagged_check(own, buffer, bytes, "clq_buffer_write", flagged_kinds[kind].name);
}

static void flags_are_heeded(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * FLAGGED_KINDS && check_device() != NULL; i++) {
        const size_t kind = i / 2;
        unsigned char bytes[BYTES];
        own_opencl own;
        clq_buffer *buffer;
        clq_buffer *copy = NULL;
        own_opencl_begin(&own, 0, 64);
        for (int j = 0; j < BYTES; j++) {
            bytes[j] = (unsigned char)(j * 11);
        }
        buffer = flagged_buffer(&own, flagged_kinds[kind].flags, bytes, BYTES, i % 2);
        check_transfers(&own, buffer, kind, bytes);
        check_map(&own, buffer, kind, bytes);
        copy = flagged_buffer(&own, flagged_kinds[kind].flags, bytes + BYTES / 2, BYTES / 2, 0);
        ACCEPTED(clq_buffer_copy(buffer, 0, copy, 0, BYTES / 2, e)); /* on the device, which they do not concern */
        ACCEPTED(clq_finish(own.clquant, e));
        flagged_check(&own, copy, bytes, "clq_buffer_copy", flagged_kinds[kind].name);
        clq_buffer_destroy(&copy);
        clq_buffer_destroy(&buffer);
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* ---- memory beyond the largest buffer ---- */

/* Of the zoo only: a buffer one byte larger than the device's largest, which says that it has more than 4 GiB. */
static void memory_out_of_reach_is_refused(void **state)
{
    const char *zoo = getenv("CLQ_ZOO");
    (void)state;
    if (zoo != NULL && strstr(zoo, "unrestricted=") != NULL) {
        const cl_mem_flags unrestricted = (cl_mem_flags)1 << 23; /* CL_MEM_ALLOW_UNRESTRICTED_SIZE_INTEL */
        const int is_of_intel = strstr(zoo, "vendor=32902") != NULL && strstr(zoo, "type=gpu") != NULL;
        own_opencl own;
        clq_device_info info;
        clq_buffer *buffer = NULL;
        cl_mem memory;
        size_t has = 0;
        own_opencl_begin(&own, 0, 64);
        clq_context_device(own.clquant, &info);
        memory = flagged_memory(&own, unrestricted, info.maximum_allocation_bytes + 1, 0);
        assert_int_equal(clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof has, &has, NULL), CL_SUCCESS);
        assert_true(has > info.maximum_allocation_bytes);
        if (is_of_intel && has > (size_t)1 << 32) {
            char told[400];
            snprintf(told, sizeof told,
                     "clq_buffer_from_opencl: the memory has %zu bytes: of a buffer beyond "
                     "CL_DEVICE_MAX_MEM_ALLOC_SIZE, %llu, kernels on %s reach 4 GiB",
                     has, (unsigned long long)info.maximum_allocation_bytes, info.name);
            REFUSED(CLQ_UNSUPPORTED, told, clq_buffer_from_opencl(own.clquant, memory, 0, 64, &buffer, e));
            assert_null(buffer);
        } else {
            ACCEPTED(clq_buffer_from_opencl(own.clquant, memory, 0, 64, &buffer, e));
            clq_buffer_destroy(&buffer);
        }
        assert_int_equal(clReleaseMemObject(memory), CL_SUCCESS);
        own_opencl_end(&own);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(host_serves_every_operation),
    cmocka_unit_test(large_operands_go_in_pieces),
    cmocka_unit_test(no_memory_leaves_all_as_it_was),
    cmocka_unit_test(kernels_serve_on_either_queue),
    cmocka_unit_test(flags_are_heeded),
    cmocka_unit_test(memory_out_of_reach_is_refused),
};

CHECK_MAIN("host_flags", tests)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors of very many bands (host/core/layout.h): what launches and scratch memory make of them, on a device that
 * takes no more work-groups than CUDA does, which PoCL and others are built on.
 */
#include <stdlib.h>
#include <string.h>

#include <clquant/opencl.h>

#include "engine/context.h"
#include "refusal.h"

enum { MOST_GROUPS_BEHIND_FIRST = 65535, BANDS = 70000, LINES = 2, CHANNELS = 8, ELEMENTS = BANDS * LINES * CHANNELS };

/* ---- the device ---- */

cl_int CL_API_CALL __real_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event);
cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event);

cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event)
{
    for (cl_uint d = 1; d < dimensions; d++) {
        if (global[d] / (local != NULL ? local[d] : 1) > MOST_GROUPS_BEHIND_FIRST) {
            return CL_INVALID_VALUE;
        }
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

/* ---- tensors ---- */

/* Each slab is one band. */
static clq_quantization bands_of(uint64_t bands, uint64_t lines, uint64_t channels)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 3;
    q.layout.shape[0] = bands;
    q.layout.shape[1] = lines;
    q.layout.shape[2] = channels;
    q.layout.granularity = CLQ_PER_BLOCK;
    q.layout.axis = 1;
    q.layout.group_size = lines;
    return q;
}

static clq_operand make(clq_context *context, const void *data, uint64_t bytes)
{
    clq_operand made = {NULL, 0};
    ACCEPTED(clq_buffer_create(context, bytes, &made.buffer, e));
    ACCEPTED(clq_buffer_write(made.buffer, 0, data, bytes, e));
    return made;
}

/* Ranges, then codes. */
enum { PARAMETERS = BANDS * CHANNELS, RANGE_BYTES = 8 * PARAMETERS, RESULT_BYTES = RANGE_BYTES + ELEMENTS };

static void compute(clq_context *context, const float *x, const float *scales, const void *zeros,
                    unsigned char *results)
{
    const clq_quantization q = bands_of(BANDS, LINES, CHANNELS);
    const clq_operand o[] = {
        make(context, x, sizeof *x * ELEMENTS),      make(context, scales, sizeof *scales * PARAMETERS),
        make(context, zeros, 4 * PARAMETERS),        make(context, zeros, RANGE_BYTES),
        make(context, zeros, sizeof(clq_nonfinite)), make(context, zeros, ELEMENTS)};
    ACCEPTED(clq_minmax(context, &q, o[0], o[3], o[4], e));
    ACCEPTED(clq_quantize(context, &q, o[0], o[1], o[2], o[5], e));
    ACCEPTED(clq_buffer_read(o[3].buffer, 0, results, RANGE_BYTES, e));
    ACCEPTED(clq_buffer_read(o[5].buffer, 0, results + RANGE_BYTES, ELEMENTS, e));
    for (size_t i = 0; i < sizeof o / sizeof o[0]; i++) {
        clq_buffer *buffer = o[i].buffer;
        clq_buffer_destroy(&buffer);
    }
}

/* ---- tests ---- */

static void bands_are_more_than_groups_in_a_second_dimension(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        float *x = check_allocate(sizeof *x * ELEMENTS);
        float *scales = check_allocate(sizeof *scales * PARAMETERS);
        void *zeros = check_allocate(RANGE_BYTES);
        unsigned char *want = check_allocate(RESULT_BYTES);
        unsigned char *got = check_allocate(RESULT_BYTES);
        for (uint32_t i = 0; i < ELEMENTS; i++) {
            x[i] = (float)(i * UINT32_C(2654435761) >> 16) - 30000.0f;
        }
        for (uint32_t p = 0; p < PARAMETERS; p++) {
            scales[p] = 200.0f + (float)(p % 331);
        }
        memset(zeros, 0, RANGE_BYTES);
        compute(check_reference(), x, scales, zeros, want);
        compute(check_device(), x, scales, zeros, got);
        assert_memory_equal(want, got, RESULT_BYTES);
        free(x);
        free(scales);
        free(zeros);
        free(want);
        free(got);
    }
    check_needs_device();
}

/* Scratch memory of minmax: a few times what is read, and a quarter of the largest buffer. */
static void scratch_memory_is_in_proportion(void **state)
{
    static const uint64_t shapes[][3] = {{1 << 20, 2, 2}, {1 << 19, 3, 3}, {1 << 16, 32, 9}, {1 << 10, 128, 32}};
    (void)state;
    if (check_device() != NULL) {
        clq_device_info *device = &check_device()->device;
        const clq_device_info before = *device;
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            const clq_quantization q = bands_of(shapes[i][0], shapes[i][1], shapes[i][2]);
            const uint64_t bytes = 4 * shapes[i][0] * shapes[i][1] * shapes[i][2];
            clq_plan plan;
            device->maximum_allocation_bytes = UINT64_C(256) << 20;
            ACCEPTED(clq_plan_operation(check_device(), CLQ_OP_MINMAX, &q, &plan, e));
            *device = before;
            if (plan.workspace_bytes > 3 * bytes || plan.workspace_bytes > UINT64_C(64) << 20) {
                fail_msg("minmax of %llu bytes as %llu x %llu x %llu takes %llu bytes of scratch memory",
                         (unsigned long long)bytes, (unsigned long long)shapes[i][0], (unsigned long long)shapes[i][1],
                         (unsigned long long)shapes[i][2], (unsigned long long)plan.workspace_bytes);
            }
        }
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bands_are_more_than_groups_in_a_second_dimension),
    cmocka_unit_test(scratch_memory_is_in_proportion),
};

CHECK_MAIN("bands", tests)

/* SPDX-License-Identifier: Apache-2.0 */
#include "quantized_matrix.h"

#include <math.h>
#include <stdlib.h>

#include "device_memory.h"

quantized_matrix quantized_matrix_make(clq_context *context, clq_operand x, uint64_t rows, uint64_t columns,
                                       clq_granularity granularity, clq_preset preset)
{
    const uint64_t parameters = granularity == CLQ_PER_CHANNEL ? rows : 1;
    clq_operand range = device_memory(context, parameters * 2 * sizeof(float), NULL);
    clq_operand nonfinite = device_memory(context, sizeof(clq_nonfinite), NULL);
    clq_quantization q;
    clq_error error;
    quantized_matrix y;
    y.codes = device_memory(context, rows * columns, NULL);
    y.scale = device_memory(context, parameters * sizeof(float), NULL);
    y.zero_point = device_memory(context, parameters * sizeof(int32_t), NULL);
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = rows;
    q.layout.shape[1] = columns;
    q.layout.granularity = granularity;
    check_ok(clq_scheme_from_preset(preset, (clq_dtype)0, &q.scheme, &error), &error, clq_preset_name(preset));
    check_ok(clq_dynamic_quantize(context, &q, x, y.codes, y.scale, y.zero_point, range, nonfinite, &error), &error,
             "clq_dynamic_quantize");
    device_memory_free(&range);
    device_memory_free(&nonfinite);
    return y;
}

void quantized_matrix_free(quantized_matrix *q)
{
    device_memory_free(&q->codes);
    device_memory_free(&q->scale);
    device_memory_free(&q->zero_point);
}

static quantized_copy make_on(clq_context *context, const float *x, uint64_t rows, uint64_t columns,
                              clq_granularity granularity, clq_preset preset)
{
    clq_operand real = device_memory(context, rows * columns * sizeof *x, x);
    quantized_matrix q = quantized_matrix_make(context, real, rows, columns, granularity, preset);
    quantized_copy y;
    y.codes = device_memory_read(q.codes);
    y.scale = device_memory_read(q.scale);
    y.zero_point = device_memory_read(q.zero_point);
    quantized_matrix_free(&q);
    device_memory_free(&real);
    return y;
}

quantized_copy quantized_copy_make(const float *x, uint64_t rows, uint64_t columns, clq_granularity granularity,
                                   clq_preset preset)
{
    const uint64_t parameters = granularity == CLQ_PER_CHANNEL ? rows : 1;
    quantized_copy y = make_on(check_reference(), x, rows, columns, granularity, preset);
    if (check_device() != NULL) {
        quantized_copy again = make_on(check_device(), x, rows, columns, granularity, preset);
        assert_memory_equal(again.codes, y.codes, rows * columns);
        assert_memory_equal(again.scale, y.scale, parameters * sizeof(float));
        assert_memory_equal(again.zero_point, y.zero_point, parameters * sizeof(int32_t));
        quantized_copy_free(&again);
    }
    return y;
}

void quantized_copy_free(quantized_copy *q)
{
    free(q->codes);
    free(q->scale);
    free(q->zero_point);
}

clq_parameters choose_for_range_of(clq_preset preset, const double *x, size_t count)
{
    double lo = x[0];
    double hi = x[0];
    clq_scheme scheme;
    clq_parameters p;
    clq_error error;
    for (size_t i = 1; i < count; i++) {
        lo = fmin(lo, x[i]);
        hi = fmax(hi, x[i]);
    }
    check_ok(clq_scheme_from_preset(preset, (clq_dtype)0, &scheme, &error), &error, clq_preset_name(preset));
    check_ok(clq_choose_parameters(&scheme, lo, hi, &p, &error), &error, "clq_choose_parameters");
    return p;
}

void fill_normal(float *x, size_t count, double mean, double deviation)
{
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)(mean + deviation * check_normal());
    }
}

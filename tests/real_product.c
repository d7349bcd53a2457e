/* SPDX-License-Identifier: Apache-2.0 */
#include "real_product.h"

#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "refusal.h"

static uint64_t matrix_bytes(const clq_gemm_problem *p, const clq_matrix *matrix, uint64_t rows, uint64_t columns)
{
    const uint64_t lines = matrix->transposed ? columns : rows;
    const uint64_t length = matrix->transposed ? rows : columns;
    const uint64_t leading = matrix->leading_dimension != 0 ? matrix->leading_dimension : length;
    return clq_dtype_bytes(matrix->dtype, (p->batch - 1) * matrix->batch_stride + (lines - 1) * leading + length);
}

static uint64_t groups_of(const clq_gemm_problem *p)
{
    return p->k_group == 0 ? 1 : (p->k + p->k_group - 1) / p->k_group;
}

static uint64_t count_of(const clq_gemm_problem *p, clq_gemm_values values)
{
    const uint64_t columns = p->n * (p->b.batch_stride != 0 ? p->batch : 1);
    return values == CLQ_GEMM_ABSENT       ? 0
           : values == CLQ_GEMM_PER_TENSOR ? 1
           : values == CLQ_GEMM_PER_GROUP  ? columns * groups_of(p)
                                           : columns;
}

static clq_operand in_buffer(clq_context *context, const void *memory, uint64_t bytes)
{
    clq_operand operand = {NULL, 0};
    if (bytes > 0) {
        ACCEPTED(clq_buffer_create(context, bytes, &operand.buffer, e));
        ACCEPTED(clq_buffer_write(operand.buffer, 0, memory, bytes, e));
    }
    return operand;
}

void real_product_operands(const real_product *r, clq_context *context, clq_gemm_operands *o)
{
    unsigned char *gaps = check_allocate(r->c_bytes);
    const clq_nonfinite unknown = {77, 77};
    memset(gaps, 0xA5, (size_t)r->c_bytes);
    memset(o, 0, sizeof *o);
    o->struct_size = sizeof *o;
    o->a = in_buffer(context, r->a, r->a_bytes);
    o->b = in_buffer(context, r->b, r->b_bytes);
    o->b_scale = in_buffer(context, r->b_scale, r->scale_bytes);
    o->b_zero_point = in_buffer(context, r->b_zero_point, r->zero_point_bytes);
    o->bias = in_buffer(context, r->bias, r->bias_bytes);
    o->c = in_buffer(context, gaps, r->c_bytes);
    o->a_nonfinite = in_buffer(context, &unknown, sizeof unknown);
    free(gaps);
}

void real_product_release(clq_gemm_operands *o)
{
    clq_operand *const all[] = {&o->a, &o->b, &o->b_scale, &o->b_zero_point, &o->bias, &o->c, &o->a_nonfinite};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clq_buffer_destroy(&all[i]->buffer);
    }
}

void real_product_check(const real_product *r, const clq_gemm_operands *o, const char *where)
{
    const clq_gemm_problem *p = &r->problem;
    unsigned char *got = check_allocate(r->c_bytes);
    clq_nonfinite nonfinite;
    ACCEPTED(clq_buffer_read(o->c.buffer, 0, got, r->c_bytes, e));
    if (memcmp(got, r->want, (size_t)r->c_bytes) != 0) {
        uint64_t at = 0;
        while (got[at] == r->want[at]) {
            at++;
        }
        fail_msg("%s: %llu x %llu x %llu, A of %s, k_group %llu, batch %llu: C differs from byte %llu of %llu on",
                 where, (unsigned long long)p->m, (unsigned long long)p->n, (unsigned long long)p->k,
                 clq_dtype_name(p->a.dtype), (unsigned long long)p->k_group, (unsigned long long)p->batch,
                 (unsigned long long)at, (unsigned long long)r->c_bytes);
    }
    if (o->a_nonfinite.buffer != NULL) {
        ACCEPTED(clq_buffer_read(o->a_nonfinite.buffer, 0, &nonfinite, sizeof nonfinite, e));
        assert_int_equal(nonfinite.count, r->nonfinite.count);
        assert_int_equal(nonfinite.first_index, r->nonfinite.first_index);
    }
    free(got);
}

/* ---- what it must be ---- */

/* The rows of A, of all batches, one after the other. */
static unsigned char *gather(const real_product *r, uint64_t rows, uint64_t size)
{
    const clq_gemm_problem *p = &r->problem;
    const uint64_t leading = p->a.leading_dimension != 0 ? p->a.leading_dimension : p->a.transposed ? p->m : p->k;
    unsigned char *dense = check_allocate(rows * p->k * size);
    for (uint64_t row = 0; row < rows; row++) {
        for (uint64_t i = 0; i < p->k; i++) {
            const uint64_t within = row % p->m;
            const uint64_t from =
                row / p->m * p->a.batch_stride + (p->a.transposed ? i * leading + within : within * leading + i);
            memcpy(dense + (row * p->k + i) * size, r->a + from * size, (size_t)size);
        }
    }
    return dense;
}

static void expect(real_product *r)
{
    clq_context *reference = check_reference();
    const clq_gemm_problem *p = &r->problem;
    const uint64_t rows = p->m * (p->a.batch_stride != 0 ? p->batch : 1);
    const uint64_t size = clq_dtype_bytes(p->a.dtype, 1);
    const uint64_t parameters = rows * (p->a_scale == CLQ_GEMM_PER_GROUP ? groups_of(p) : 1);
    unsigned char *dense = gather(r, rows, size);
    clq_gemm_problem product = *p;
    clq_gemm_operands o;
    clq_operand x = in_buffer(reference, dense, rows * p->k * size);
    clq_operand codes = in_buffer(reference, dense, rows * p->k);
    clq_operand scale = {NULL, 0};
    clq_operand zero_point = {NULL, 0};
    clq_operand range = {NULL, 0};
    clq_quantization q;
    clq_quantization_init(&q);
    q.real = p->a.dtype;
    q.scheme = p->a_scheme;
    q.layout.rank = 2;
    q.layout.shape[0] = rows;
    q.layout.shape[1] = p->k;
    q.layout.granularity = p->a_scale == CLQ_GEMM_PER_GROUP ? CLQ_PER_GROUP : CLQ_PER_CHANNEL;
    q.layout.group_size = p->a_scale == CLQ_GEMM_PER_GROUP ? p->k_group : 0;
    ACCEPTED(clq_buffer_create(reference, 4 * parameters, &scale.buffer, e));
    ACCEPTED(clq_buffer_create(reference, 4 * parameters, &zero_point.buffer, e));
    ACCEPTED(clq_buffer_create(reference, 8 * parameters, &range.buffer, e));
    real_product_operands(r, reference, &o);
    ACCEPTED(clq_dynamic_quantize(reference, &q, x, codes, scale, zero_point, range, o.a_nonfinite, e));
    product.a.dtype = p->a_scheme.dtype;
    product.a.transposed = 0;
    product.a.leading_dimension = 0;
    product.a.batch_stride = p->a.batch_stride != 0 ? p->m * p->k : 0;
    /* In groups zero points are fixed, so that the first of them is that of every row. */
    product.a_zero_point = p->a_scale == CLQ_GEMM_PER_GROUP ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_PER_ROW;
    clq_buffer_destroy(&o.a.buffer);
    o.a = codes;
    o.a_scale = scale;
    o.a_zero_point = zero_point;
    ACCEPTED(clq_gemm(reference, &product, &o, e));
    ACCEPTED(clq_buffer_read(o.c.buffer, 0, r->want, r->c_bytes, e));
    ACCEPTED(clq_buffer_read(o.a_nonfinite.buffer, 0, &r->nonfinite, sizeof r->nonfinite, e));
    o.a.buffer = NULL;
    real_product_release(&o);
    clq_buffer_destroy(&x.buffer);
    clq_buffer_destroy(&codes.buffer);
    clq_buffer_destroy(&scale.buffer);
    clq_buffer_destroy(&zero_point.buffer);
    clq_buffer_destroy(&range.buffer);
    free(dense);
}

static unsigned char *floats(uint64_t bytes, double spread)
{
    unsigned char *made = check_allocate(bytes + 1);
    for (uint64_t i = 0; i < bytes; i += 4) {
        const float value = (float)(check_normal() * spread);
        memcpy(made + i, &value, sizeof value);
    }
    return made;
}

void real_product_begin(real_product *r, const clq_gemm_problem *problem)
{
    const clq_gemm_problem *p = &r->problem;
    clq_quantization q;
    const float scale = 0.01f;
    const int32_t zero_point = 3;
    memset(r, 0, sizeof *r);
    r->problem = *problem;
    r->a_bytes = matrix_bytes(p, &p->a, p->m, p->k);
    r->b_bytes = matrix_bytes(p, &p->b, p->k, p->n);
    r->c_bytes = matrix_bytes(p, &p->c, p->m, p->n);
    r->scale_bytes = 4 * count_of(p, p->b_scale);
    r->zero_point_bytes = 4 * count_of(p, p->b_zero_point);
    r->bias_bytes = p->bias != CLQ_GEMM_ABSENT ? 4 * p->n : 0;
    r->a = check_allocate(r->a_bytes);
    r->b = check_allocate(r->b_bytes);
    r->b_scale = floats(r->scale_bytes, 0.01);
    r->b_zero_point = check_allocate(r->zero_point_bytes + 1);
    r->bias = floats(r->bias_bytes, 1);
    r->want = check_allocate(r->c_bytes);
    clq_quantization_init(&q);
    q.real = p->a.dtype;
    inputs_elements((inputs_kind)check_below(INPUTS_KINDS), &q, &scale, &zero_point,
                    r->a_bytes / clq_dtype_bytes(p->a.dtype, 1), r->a);
    for (uint64_t i = 0; i < r->b_bytes; i++) {
        r->b[i] = (unsigned char)check_below(256);
    }
    for (uint64_t i = 0; i < r->zero_point_bytes; i += 4) {
        const int32_t value = (int32_t)check_between(-9, 9);
        memcpy(r->b_zero_point + i, &value, sizeof value);
    }
    expect(r);
}

void real_product_end(real_product *r)
{
    unsigned char *const all[] = {r->a, r->b, r->b_scale, r->b_zero_point, r->bias, r->want};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
}

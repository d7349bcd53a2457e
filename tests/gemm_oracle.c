/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_oracle.h"

#include <inttypes.h>
#include <string.h>

#include "oracle.h"

__extension__ typedef __int128 wide;

static int32_t modulo(wide value)
{
    const wide size = (wide)1 << 32;
    wide rest = value % size;
    rest = rest < 0 ? rest + size : rest;
    return (int32_t)(rest > INT32_MAX ? rest - size : rest);
}

/* A factor is below 2^31 + 2^8 in magnitude, so that int64 holds a product; the sum of them has 128 bits. */
int32_t gemm_oracle_sum(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column)
{
    const clq_gemm_problem *p = &c->problem;
    const int64_t a_zero_point = (int32_t)check_gemm_value(c, CHECK_GEMM_A_ZERO_POINT, batch, row, column, 0);
    const int64_t b_zero_point = (int32_t)check_gemm_value(c, CHECK_GEMM_B_ZERO_POINT, batch, row, column, 0);
    wide sum = (int32_t)check_gemm_value(c, CHECK_GEMM_BIAS, batch, row, column, 0);
    for (uint64_t k = 0; k < p->k; k++) {
        const uint64_t a_index = check_gemm_index(c, CHECK_GEMM_A, batch, row, k);
        const uint64_t b_index = check_gemm_index(c, CHECK_GEMM_B, batch, k, column);
        sum += (oracle_load_code(p->a.dtype, c->in[CHECK_GEMM_A], a_index) - a_zero_point) *
               (oracle_load_code(p->b.dtype, c->in[CHECK_GEMM_B], b_index) - b_zero_point);
    }
    return modulo(sum);
}

int32_t gemm_oracle_row_sum(const check_gemm *c, uint64_t batch, uint64_t row)
{
    wide sum = 0;
    for (uint64_t k = 0; k < c->problem.k; k++) {
        sum +=
            oracle_load_code(c->problem.a.dtype, c->in[CHECK_GEMM_A], check_gemm_index(c, CHECK_GEMM_A, batch, row, k));
    }
    return modulo(sum);
}

/* The bounds as integers; an infinite one, or one outside, is that of the type. */
static int32_t bounded(double bound, double least, double greatest)
{
    return (int32_t)(bound < least ? least : bound > greatest ? greatest : bound);
}

clq_requantization gemm_oracle_stage(const check_gemm *c, uint64_t column)
{
    const clq_gemm_problem *p = &c->problem;
    const double least = oracle_type_minimum(p->c.dtype);
    const double greatest = oracle_type_maximum(p->c.dtype);
    const uint32_t multiplier = check_gemm_value(c, CHECK_GEMM_MULTIPLIER, 0, 0, column, 0);
    clq_requantization stage;
    memset(&stage, 0, sizeof stage);
    stage.struct_size = sizeof stage;
    stage.mode = p->requantize;
    if (p->requantize == CLQ_REQUANTIZE_FLOAT) {
        stage.real = oracle_float(multiplier);
    } else {
        stage.multiplier = (int32_t)multiplier;
        stage.shift = (int32_t)check_gemm_value(c, CHECK_GEMM_SHIFT, 0, 0, column, 0);
    }
    stage.zero_point = (int32_t)check_gemm_value(c, CHECK_GEMM_C_ZERO_POINT, 0, 0, column, 0);
    stage.minimum = bounded(p->minimum, least, greatest);
    stage.maximum = bounded(p->maximum, least, greatest);
    return stage;
}

static uint32_t dequantized(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column, int32_t sum)
{
    const uint32_t one = oracle_bits(1.0f);
    const uint32_t scale = oracle_multiply(check_gemm_value(c, CHECK_GEMM_A_SCALE, batch, row, column, one),
                                           check_gemm_value(c, CHECK_GEMM_B_SCALE, batch, row, column, one));
    const uint32_t y = oracle_multiply(oracle_from_int32(sum), scale);
    const float least = (float)c->problem.minimum;
    const float greatest = (float)c->problem.maximum;
    return oracle_float(y) < least ? oracle_bits(least) : oracle_float(y) > greatest ? oracle_bits(greatest) : y;
}

uint32_t gemm_oracle_output(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column, int32_t sum)
{
    if (c->problem.c.dtype == CLQ_F32) {
        return dequantized(c, batch, row, column, sum);
    }
    if (c->problem.c.dtype == CLQ_S32) {
        const int32_t least = bounded(c->problem.minimum, INT32_MIN, INT32_MAX);
        const int32_t greatest = bounded(c->problem.maximum, INT32_MIN, INT32_MAX);
        return (uint32_t)(sum < least ? least : sum > greatest ? greatest : sum);
    }
    {
        const clq_requantization stage = gemm_oracle_stage(c, column);
        return (uint32_t)oracle_requantize(&stage, sum);
    }
}

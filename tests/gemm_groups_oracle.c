/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle of products with groups along K (docs/numerics.md, section 5.1): element by element, as it is written. */
#include "check_internal.h"
#include "gemm_oracle.h"
#include "oracle.h"

/* Modulo 2^32: a product of two differences fits int64, and the sum wraps as unsigned. */
int32_t gemm_oracle_group_sum(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column, uint64_t group)
{
    const clq_gemm_problem *p = &c->problem;
    const int64_t a_zero_point = (int32_t)check_gemm_value(c, CHECK_GEMM_A_ZERO_POINT, batch, row, column, 0);
    const int64_t b_zero_point =
        (int32_t)check_gemm_group_value(c, CHECK_GEMM_B_ZERO_POINT, batch, row, column, group, 0);
    uint64_t sum = 0;
    for (uint64_t k = group * p->k_group; k < p->k && k < (group + 1) * p->k_group; k++) {
        const uint64_t a_index = check_gemm_index(c, CHECK_GEMM_A, batch, row, k);
        const uint64_t b_index = check_gemm_index(c, CHECK_GEMM_B, batch, k, column);
        sum += (uint64_t)((oracle_load_code(p->a.dtype, c->in[CHECK_GEMM_A], a_index) - a_zero_point) *
                          (oracle_load_code(p->b.dtype, c->in[CHECK_GEMM_B], b_index) - b_zero_point));
    }
    return (int32_t)(uint32_t)sum;
}

static int is_nan(uint32_t bits)
{
    return (bits & UINT32_C(0x7FFFFFFF)) > UINT32_C(0x7F800000);
}

static uint32_t clamped(const check_gemm *c, uint32_t y)
{
    const float least = (float)c->problem.minimum;
    const float greatest = (float)c->problem.maximum;
    return oracle_float(y) < least ? oracle_bits(least) : oracle_float(y) > greatest ? oracle_bits(greatest) : y;
}

uint32_t gemm_oracle_group_output(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column)
{
    const clq_gemm_problem *p = &c->problem;
    const uint32_t minus_zero = UINT32_C(0x80000000); /* x * y + -0 is the rounded product, of either sign of 0 */
    uint32_t y = 0;
    for (uint64_t j = 0; j < check_gemm_groups(c); j++) {
        uint32_t scale = check_gemm_group_value(c, CHECK_GEMM_B_SCALE, batch, row, column, j, 0);
        if (p->a_scale == CLQ_GEMM_PER_GROUP) {
            scale =
                oracle_fma(check_gemm_group_value(c, CHECK_GEMM_A_SCALE, batch, row, column, j, 0), scale, minus_zero);
        }
        y = oracle_fma(oracle_from_int32(gemm_oracle_group_sum(c, batch, row, column, j)), scale, y);
    }
    if (p->a_scale == CLQ_GEMM_PER_TENSOR || p->a_scale == CLQ_GEMM_PER_ROW) {
        y = oracle_fma(y, check_gemm_value(c, CHECK_GEMM_A_SCALE, batch, row, column, 0), minus_zero);
    }
    if (p->bias != CLQ_GEMM_ABSENT) {
        y = oracle_fma(y, oracle_bits(1.0f), check_gemm_value(c, CHECK_GEMM_BIAS, batch, row, column, 0));
    }
    if (is_nan(y)) {
        return p->c.dtype == CLQ_F32 ? UINT32_C(0x7FC00000) : p->c.dtype == CLQ_F16 ? 0x7E00 : 0x7FC0;
    }
    return oracle_narrow(p->c.dtype, clamped(c, y));
}

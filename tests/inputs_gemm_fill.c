/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gemm_oracle.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "oracle.h"

int32_t inputs_gemm_int32(void)
{
    static const int32_t ends[] = {INT32_MIN, INT32_MIN + 1, INT32_MAX, INT32_MAX - 1, 0, 1, -1, 1 << 30, -(1 << 30)};
    switch (check_below(4)) {
    case 0:
        return ends[check_below(sizeof ends / sizeof ends[0])];
    case 1: /* around a power of two */
        return (int32_t)((check_chance(2) ? 1 : -1) * (INT64_C(1) << check_below(31)) + check_between(-1, 1));
    default:
        return (int32_t)check_between(INT32_MIN, INT32_MAX);
    }
}

/* ---- codes and zero points ---- */

static int32_t draw_code(clq_dtype dtype, inputs_gemm_codes codes)
{
    const int32_t least = oracle_type_minimum(dtype);
    const int32_t greatest = oracle_type_maximum(dtype);
    switch (codes) {
    case INPUTS_GEMM_ENDS:
        return check_chance(2) ? least : greatest;
    case INPUTS_GEMM_SMALL:
        return (int32_t)check_between(least < 0 ? -3 : 0, 3);
    case INPUTS_GEMM_LEAST:
        return least;
    case INPUTS_GEMM_GREATEST:
        return greatest;
    default:
        return (int32_t)check_between(least, greatest);
    }
}

static void set_code(clq_dtype dtype, unsigned char *bytes, uint64_t index, int32_t code)
{
    if (clq_dtype_bits(dtype) == 8) {
        bytes[index] = (unsigned char)code;
    } else {
        const int shift = index % 2 == 0 ? 0 : 4;
        bytes[index / 2] = (unsigned char)((bytes[index / 2] & (0xF0 >> shift)) | (code & 15) << shift);
    }
}

void inputs_gemm_refill_matrix(check_gemm *c, check_gemm_operand matrix, inputs_gemm_codes codes)
{
    const clq_gemm_problem *p = &c->problem;
    const int is_a = matrix == CHECK_GEMM_A;
    const clq_dtype dtype = is_a ? p->a.dtype : p->b.dtype;
    const uint64_t rows = is_a ? p->m : p->k;
    const uint64_t columns = is_a ? p->k : p->n;
    unsigned char *bytes = c->in[matrix];
    for (uint64_t z = 0; z < p->batch; z++) {
        for (uint64_t row = 0; row < rows; row++) {
            for (uint64_t column = 0; column < columns; column++) {
                set_code(dtype, bytes, check_gemm_index(c, matrix, z, row, column), draw_code(dtype, codes));
            }
        }
    }
}

static void fill_matrix(check_gemm *c, check_gemm_operand matrix, inputs_gemm_codes codes)
{
    const uint64_t count = check_gemm_bytes(c, matrix, check_gemm_elements(c, matrix));
    unsigned char *bytes = check_allocate(count);
    for (uint64_t i = 0; i < count; i++) {
        bytes[i] = (unsigned char)check_random();
    }
    c->in[matrix] = bytes;
    if (codes != INPUTS_GEMM_RANDOM) {
        inputs_gemm_refill_matrix(c, matrix, codes);
    }
}

static void fill_reals(check_gemm *c)
{
    const uint64_t count = check_gemm_elements(c, CHECK_GEMM_A);
    const float scale = 0.01f;
    const int32_t zero_point = 3;
    clq_quantization q;
    clq_quantization_init(&q);
    q.real = c->problem.a.dtype;
    c->in[CHECK_GEMM_A] = check_allocate(check_gemm_bytes(c, CHECK_GEMM_A, count));
    inputs_elements((inputs_kind)check_below(INPUTS_KINDS), &q, &scale, &zero_point, count, c->in[CHECK_GEMM_A]);
}

static int32_t draw_zero_point(clq_dtype dtype, inputs_gemm_zeros zeros)
{
    const int32_t least = oracle_type_minimum(dtype);
    const int32_t greatest = oracle_type_maximum(dtype);
    switch (zeros) {
    case INPUTS_GEMM_WITHIN:
        return (int32_t)check_between(least, greatest);
    case INPUTS_GEMM_AT_ENDS:
        return check_chance(2) ? least : greatest;
    case INPUTS_GEMM_BEYOND:
        return check_chance(2) ? inputs_gemm_int32() : (int32_t)check_between(least - 300, greatest + 300);
    default:
        return draw_zero_point(dtype, (inputs_gemm_zeros)check_below(INPUTS_GEMM_ANY));
    }
}

void inputs_gemm_refill_zero_points(check_gemm *c, check_gemm_operand zero_point, inputs_gemm_zeros zeros)
{
    const clq_dtype dtype = zero_point == CHECK_GEMM_A_ZERO_POINT   ? c->problem.a.dtype
                            : zero_point == CHECK_GEMM_B_ZERO_POINT ? c->problem.b.dtype
                                                                    : c->problem.c.dtype;
    int32_t *values = c->in[zero_point];
    for (uint64_t i = 0; i < check_gemm_elements(c, zero_point); i++) {
        values[i] = draw_zero_point(dtype, zeros);
    }
}

/* ---- the output stage ---- */

static void fill_bias(check_gemm *c)
{
    int32_t *values = c->in[CHECK_GEMM_BIAS];
    const unsigned shift = (unsigned)check_below(31);
    for (uint64_t i = 0; i < check_gemm_elements(c, CHECK_GEMM_BIAS); i++) {
        values[i] = inputs_gemm_int32() >> shift;
    }
}

/* Products of two lie in 2^-60 to 2^50: neither they nor an output are ever subnormal or infinite. */
static float draw_scale(void)
{
    const double scale = ldexp(check_chance(4) ? 1.0 : 1.0 + check_uniform(), (int)check_between(-30, 24));
    return (float)(check_chance(12) ? -scale : scale);
}

static void fill_scales(check_gemm *c, check_gemm_operand operand)
{
    float *values = c->in[operand];
    for (uint64_t i = 0; i < check_gemm_elements(c, operand); i++) {
        values[i] = draw_scale();
    }
}

/* The largest sum of a few elements. */
static double typical_sum(const check_gemm *c)
{
    const clq_gemm_problem *p = &c->problem;
    double largest = 1.0;
    for (int i = 0; i < 6; i++) {
        const int32_t sum = gemm_oracle_sum(c, check_below(p->batch), check_below(p->m), check_below(p->n));
        largest = fmax(largest, fabs((double)sum));
    }
    return largest;
}

/* A multiplier of the problem's mode near `real`, in [2^-31, 2^30]. */
static void set_multiplier(check_gemm *c, uint64_t i, double real)
{
    int32_t *multiplier = c->in[CHECK_GEMM_MULTIPLIER];
    int32_t *shift = c->in[CHECK_GEMM_SHIFT];
    int exponent = 0;
    const double fraction = frexp(real, &exponent); /* 1/2 to 1 */
    const double q31 = fraction * 0x1p31;
    if (c->problem.requantize == CLQ_REQUANTIZE_FLOAT) {
        ((float *)c->in[CHECK_GEMM_MULTIPLIER])[i] = (float)real;
    } else if (c->problem.requantize == CLQ_REQUANTIZE_SHIFT) {
        const int bits = (int)check_between(1, 16);
        const int n = bits - exponent < 0 ? 0 : bits - exponent > 62 ? 62 : bits - exponent;
        multiplier[i] = (int32_t)fmin(ldexp(real, n), 0x1.fffffffcp30);
        shift[i] = n;
    } else {
        multiplier[i] = q31 > INT32_MAX ? INT32_MAX : (int32_t)q31;
        shift[i] = exponent < -31 ? -31 : exponent > 30 ? 30 : exponent;
    }
}

/* What the mode allows and a search would hardly give. */
static void set_odd_multiplier(check_gemm *c, uint64_t i)
{
    static const int32_t ends[] = {1 << 30, INT32_MAX, 0, 1, (1 << 30) + 1, INT32_MAX - 1};
    int32_t *multiplier = c->in[CHECK_GEMM_MULTIPLIER];
    int32_t *shift = c->in[CHECK_GEMM_SHIFT];
    switch (c->problem.requantize) {
    case CLQ_REQUANTIZE_FLOAT:
        ((float *)c->in[CHECK_GEMM_MULTIPLIER])[i] =
            (float)ldexp(check_chance(2) ? -1.0 - check_uniform() : 0.5, (int)check_between(-80, 60));
        break;
    case CLQ_REQUANTIZE_SHIFT:
        multiplier[i] = inputs_gemm_int32();
        shift[i] = (int32_t)check_between(0, 62);
        break;
    default:
        multiplier[i] = ends[check_below(sizeof ends / sizeof ends[0])];
        shift[i] = (int32_t)check_between(-31, c->problem.requantize == CLQ_REQUANTIZE_DOUBLE ||
                                                       c->problem.requantize == CLQ_REQUANTIZE_DOUBLE_UP
                                                   ? 31
                                                   : 30);
        break;
    }
}

/* Powers of two make ties of small sums. */
static void fill_multipliers(check_gemm *c)
{
    const int are_any = check_gemm_elements(c, CHECK_GEMM_MULTIPLIER) > 0;
    const double fitting = are_any ? 100.0 / typical_sum(c) : 1.0;
    const uint64_t kind = check_below(6);
    for (uint64_t i = 0; i < check_gemm_elements(c, CHECK_GEMM_MULTIPLIER); i++) {
        if (kind == 0) {
            set_odd_multiplier(c, i);
        } else if (kind == 1) {
            set_multiplier(c, i, ldexp(0.5 + check_uniform() / 2, (int)check_between(-30, 30)));
        } else if (kind == 2) {
            set_multiplier(c, i, ldexp(1.0, (int)check_between(-7, 0)));
        } else {
            set_multiplier(c, i, fitting * ldexp(1.0 + check_uniform(), (int)check_between(-3, 1)));
        }
    }
}

static void fill_c_zero_point(check_gemm *c)
{
    inputs_gemm_refill_zero_points(c, CHECK_GEMM_C_ZERO_POINT,
                                   check_chance(4) ? INPUTS_GEMM_BEYOND : INPUTS_GEMM_WITHIN);
}

void inputs_gemm_fill(check_gemm *c, inputs_gemm_codes codes, inputs_gemm_zeros zeros)
{
    for (int i = CHECK_GEMM_A_ZERO_POINT; i < CHECK_GEMM_OPERANDS; i++) {
        if (check_gemm_elements(c, (check_gemm_operand)i) > 0) {
            c->in[i] = check_allocate(4 * check_gemm_elements(c, (check_gemm_operand)i));
        }
    }
    if (clq_dtype_bits(c->problem.a.dtype) > 8) {
        fill_reals(c);
    } else {
        fill_matrix(c, CHECK_GEMM_A, codes);
    }
    fill_matrix(c, CHECK_GEMM_B, codes);
    inputs_gemm_refill_zero_points(c, CHECK_GEMM_A_ZERO_POINT, zeros);
    inputs_gemm_refill_zero_points(c, CHECK_GEMM_B_ZERO_POINT, zeros);
    if (c->problem.k_group != 0) {
        fill_scales(c, CHECK_GEMM_BIAS);
    } else {
        fill_bias(c);
    }
    fill_scales(c, CHECK_GEMM_A_SCALE);
    fill_scales(c, CHECK_GEMM_B_SCALE);
    fill_multipliers(c);
    fill_c_zero_point(c);
}

void inputs_gemm_free(check_gemm *c)
{
    for (int i = 0; i < CHECK_GEMM_OPERANDS; i++) {
        free(c->in[i]);
        c->in[i] = NULL;
    }
}

void inputs_gemm_check(check_gemm *c, inputs_gemm_codes codes, inputs_gemm_zeros zeros)
{
    inputs_gemm_fill(c, codes, zeros);
    check_gemm_fully(c);
    inputs_gemm_free(c);
}

void inputs_gemm_chosen_sums(check_gemm *c, const char *name, clq_requantize_mode mode, clq_dtype dtype, uint64_t n)
{
    enum { ROWS = 3, DEPTH = 4 }; /* of two some are made together */
    check_gemm_init(c, name, ROWS, n, DEPTH);
    c->problem.bias = CLQ_GEMM_PER_COLUMN;
    c->problem.c.dtype = dtype;
    if (dtype == CLQ_S8 || dtype == CLQ_U8) {
        c->problem.requantize = mode;
        c->problem.multiplier = CLQ_GEMM_PER_COLUMN;
        c->problem.c_zero_point = CLQ_GEMM_PER_TENSOR;
    }
    inputs_gemm_fill(c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
    memset(c->in[CHECK_GEMM_A], 0, (size_t)ROWS * DEPTH);
}

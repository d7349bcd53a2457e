/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clq_quantize on a sweep over all 2^32 patterns of an f32, for both arithmetics, roundings and orders and for scales
 * of every kind: device == reference, and on a sparser sweep reference == oracle.
 *
 * The stride is the first argument or CLQ_SWEEP_STRIDE; 1 takes every pattern (the better part of an hour on a small
 * CPU). By default every 97th is taken, the parameters by turns, so that each goes through all magnitudes; with a
 * stride of 8 or less every parameter takes all of them.
 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"

enum { BLOCK = 1 << 20, EVERY_PARAMETER = 8, ORACLE_STRIDE = 4099 };

static const struct {
    float scale;
    int32_t zero_point;
    clq_dtype dtype;
} parameters[] = {
    {0x1.414142p-6f, 153, CLQ_U8},        /* of a published example: 0x3ca0a0a1 */
    {0x1p-7f, -3, CLQ_S8},                /* a power of two: every boundary is a float */
    {0x1.fffffep-4f, 1, CLQ_S8},          /* an all-ones mantissa: its reciprocal rounds up to a power of two */
    {0x1p-100f, 7, CLQ_U8},               /* the least scale */
    {0x1p126f, -128, CLQ_S8},             /* the largest */
    {0x1.000002p-24f, 0, CLQ_S16},        /* just above a power of two */
    {0x1.555556p+3f, 2147483647, CLQ_S8}, /* zero points that no float holds */
    {0x1.8p-9f, -2000000001, CLQ_S8},     /* the same on the other side */
    {0x1p+60f, -4194301, CLQ_U16},        /* one behind which quotients still have halves */
};

enum { PARAMETERS = sizeof parameters / sizeof parameters[0] };

static uint64_t stride = 97;

static void check_block(const check_case *c, uint64_t n)
{
    const uint32_t scale = oracle_load_real(CLQ_F32, c->in[CHECK_SCALE], 0);
    const int32_t zero_point = (int32_t)oracle_load_real(CLQ_F32, c->in[CHECK_ZERO_POINT], 0);
    check_result want;
    check_everywhere(c, &want);
    for (uint64_t i = check_below(ORACLE_STRIDE); i < n; i += ORACLE_STRIDE) {
        const uint32_t x = oracle_load_real(CLQ_F32, c->in[CHECK_X], i);
        const int32_t code = oracle_code(&c->q.scheme, x, scale, zero_point);
        const int32_t got = oracle_load_code(c->q.scheme.dtype, want.out[CHECK_CODES], i);
        if (got != code) {
            fail_msg("x 0x%08" PRIx32 ", scale 0x%08" PRIx32 ", zero point %" PRId32 ", rounding %d, order %d, "
                     "arithmetic %d: the reference gives %" PRId32 ", the oracle %" PRId32,
                     x, scale, zero_point, (int)c->q.scheme.rounding, (int)c->q.scheme.zero_point_order,
                     (int)c->q.scheme.arithmetic, got, code);
        }
    }
    check_result_free(&want);
}

/* Patterns first, first + step, ... below 2^32 with parameter p. */
static void sweep_one(unsigned option, size_t p, uint64_t first, uint64_t step, uint32_t *x)
{
    const uint64_t end = UINT64_C(1) << 32;
    check_case c;
    check_case_init(&c, "sweep", CLQ_OP_QUANTIZE);
    inputs_scheme(&c.q.scheme, parameters[p].dtype, option);
    c.in[CHECK_X] = x;
    c.in[CHECK_SCALE] = &parameters[p].scale;
    c.in[CHECK_ZERO_POINT] = &parameters[p].zero_point;
    while (first < end) {
        uint64_t n = 0;
        for (; n < BLOCK && first < end; first += step) {
            x[n++] = (uint32_t)first;
        }
        c.q.layout = inputs_layout_flat(n);
        check_block(&c, n);
    }
}

static void sweep(unsigned option)
{
    const uint64_t offset = check_below(stride);
    uint32_t *x = check_allocate(BLOCK * sizeof *x);
    for (size_t p = 0; p < PARAMETERS; p++) {
        if (stride <= EVERY_PARAMETER) {
            sweep_one(option, p, offset, stride, x);
        } else {
            sweep_one(option, p, offset + p * stride, stride * PARAMETERS, x);
        }
    }
    free(x);
}

static void even_after_divide(void **state)
{
    (void)state;
    sweep(0);
    check_needs_device();
}

static void away_after_divide(void **state)
{
    (void)state;
    sweep(1);
    check_needs_device();
}

static void even_before_divide(void **state)
{
    (void)state;
    sweep(2);
    check_needs_device();
}

static void away_before_divide(void **state)
{
    (void)state;
    sweep(3);
    check_needs_device();
}

static void even_after_reciprocal(void **state)
{
    (void)state;
    sweep(4);
    check_needs_device();
}

static void away_after_reciprocal(void **state)
{
    (void)state;
    sweep(5);
    check_needs_device();
}

static void even_before_reciprocal(void **state)
{
    (void)state;
    sweep(6);
    check_needs_device();
}

static void away_before_reciprocal(void **state)
{
    (void)state;
    sweep(7);
    check_needs_device();
}

/* Where codes change: each pattern within 64 of every boundary of every parameter above, whatever the stride. */
static void boundaries(void **state)
{
    enum { SIDE = 64, CODES = 260 };
    uint32_t *x = check_allocate((2 * SIDE + 1) * CODES * sizeof *x);
    check_case c;
    (void)state;
    check_case_init(&c, "boundaries", CLQ_OP_QUANTIZE);
    for (size_t p = 0; p < PARAMETERS; p++) {
        for (unsigned option = 0; option < INPUTS_OPTIONS; option++) {
            uint64_t n = 0;
            inputs_scheme(&c.q.scheme, parameters[p].dtype, option);
            for (int32_t k = 0; k < CODES; k++) {
                const int64_t code = k < CODES / 2 ? c.q.scheme.qmin - 2 + k : c.q.scheme.qmax + 2 - (k - CODES / 2);
                const double boundary = ((double)code + 0.5 - parameters[p].zero_point) * (double)parameters[p].scale;
                for (uint32_t step = 0; step < 2 * SIDE + 1; step++) {
                    x[n++] = oracle_bits((float)boundary) - SIDE + step;
                }
            }
            c.q.layout = inputs_layout_flat(n);
            c.in[CHECK_X] = x;
            c.in[CHECK_SCALE] = &parameters[p].scale;
            c.in[CHECK_ZERO_POINT] = &parameters[p].zero_point;
            check_case_fully(&c);
        }
    }
    free(x);
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(boundaries),
    cmocka_unit_test(even_after_divide),
    cmocka_unit_test(away_after_divide),
    cmocka_unit_test(even_before_divide),
    cmocka_unit_test(away_before_divide),
    cmocka_unit_test(even_after_reciprocal),
    cmocka_unit_test(away_after_reciprocal),
    cmocka_unit_test(even_before_reciprocal),
    cmocka_unit_test(away_before_reciprocal),
};

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : getenv("CLQ_SWEEP_STRIDE");
    if (text != NULL && text[0] != '\0') {
        char *end = NULL;
        stride = strtoull(text, &end, 10);
        if (*end != '\0' || stride == 0) {
            fprintf(stderr, "test_sweep: the stride is '%s', a number of at least 1 is needed\n", text);
            return 2;
        }
    }
    return check_main("sweep", tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* clq_quantize: device == reference == oracle (docs/numerics.md, section 3). */
#include "check.h"
#include "inputs.h"
#include "oracle.h"
#include "properties.h"

/* The oracle itself, against the floating-point unit: it would be no help if both were wrong in the same way. */
static void oracle_agrees_with_ieee(void **state)
{
    (void)state;
    for (int i = 0; i < 300000; i++) {
        uint32_t a = (uint32_t)check_random();
        uint32_t b = (uint32_t)check_random();
        const int32_t integer = (int32_t)((int64_t)(check_random() >> 32) - INT64_C(0x80000000)) >> check_below(31);
        if (check_chance(3)) { /* exponents close enough for sums to cancel and products to be subnormal */
            b = (a & UINT32_C(0x7F800000)) + (b & UINT32_C(0x80FFFFFF));
        }
        if ((a & UINT32_C(0x7F800000)) == UINT32_C(0x7F800000) || (b & UINT32_C(0x7F800000)) == UINT32_C(0x7F800000)) {
            continue;
        }
        {
            const volatile float x = oracle_float(a);
            const volatile float y = oracle_float(b);
            const volatile float sum = x + y;
            const volatile float product = x * y;
            assert_int_equal(oracle_add(a, b), oracle_bits(sum));
            assert_int_equal(oracle_multiply(a, b), oracle_bits(product));
            if ((b & UINT32_C(0x7FFFFFFF)) != 0) {
                const volatile float quotient = x / y;
                assert_int_equal(oracle_divide(a, b), oracle_bits(quotient));
            }
        }
        assert_int_equal(oracle_from_int32(integer), oracle_bits((float)integer));
    }
    for (uint32_t pattern = 0; pattern < 65536; pattern++) { /* widening and narrowing are inverse but for NaN */
        if ((pattern & 0x7C00) != 0x7C00) {
            assert_int_equal(oracle_narrow(CLQ_F16, oracle_widen(CLQ_F16, pattern)), pattern);
        }
        if ((pattern & 0x7F80) != 0x7F80) {
            assert_int_equal(oracle_narrow(CLQ_BF16, oracle_widen(CLQ_BF16, pattern)), pattern);
        }
    }
}

static void every_layout(void **state)
{
    (void)state;
    properties_every_layout(CLQ_OP_QUANTIZE);
    check_needs_device();
}

static void every_option(void **state)
{
    (void)state;
    properties_every_option(CLQ_OP_QUANTIZE);
    check_needs_device();
}

static void every_preset(void **state)
{
    (void)state;
    properties_every_preset(CLQ_OP_QUANTIZE);
    check_needs_device();
}

static void narrowed_codes(void **state)
{
    (void)state;
    properties_narrowed_codes(CLQ_OP_QUANTIZE);
    check_needs_device();
}

static void every_offset(void **state)
{
    (void)state;
    properties_every_offset(CLQ_OP_QUANTIZE);
    check_needs_device();
}

static void every_pattern_of_16_bits(void **state)
{
    (void)state;
    properties_every_pattern_of_16_bits(CLQ_OP_QUANTIZE);
    check_needs_device();
}

static void many_elements(void **state)
{
    (void)state;
    properties_many_elements(CLQ_OP_QUANTIZE);
    check_needs_device();
}

/* Every boundary between two codes of s8 and u8, 8 steps to each side, for scales of every kind. */
static void every_boundary(void **state)
{
    enum { SIDES = 17, CODES = 258 };
    static float x[SIDES * CODES];
    check_case c;
    (void)state;
    check_case_init(&c, "every boundary", CLQ_OP_QUANTIZE);
    c.q.layout = inputs_layout_flat(SIDES * CODES);
    c.in[CHECK_X] = x;
    for (unsigned turn = 0; turn < 8 * INPUTS_OPTIONS; turn++) {
        float scale;
        int32_t zero_point;
        inputs_scheme(&c.q.scheme, turn % 2 == 0 ? CLQ_S8 : CLQ_U8, turn / 8);
        inputs_parameters(turn % 4 < 2 ? INPUTS_PLAIN : INPUTS_EXTREME_SCALE, &c.q.scheme, 1, &scale, &zero_point);
        for (int32_t k = 0; k < CODES; k++) {
            const double boundary = ((double)(c.q.scheme.qmin + k - 1) + 0.5 - zero_point) * (double)scale;
            for (int32_t side = 0; side < SIDES; side++) {
                const int64_t bits = (int64_t)oracle_bits((float)boundary) + side - SIDES / 2;
                x[k * SIDES + side] = oracle_float((uint32_t)(bits < 0 ? 0 : bits));
            }
        }
        c.in[CHECK_SCALE] = &scale;
        c.in[CHECK_ZERO_POINT] = &zero_point;
        check_case_fully(&c);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(oracle_agrees_with_ieee),
    cmocka_unit_test(every_layout),
    cmocka_unit_test(every_option),
    cmocka_unit_test(every_preset),
    cmocka_unit_test(narrowed_codes),
    cmocka_unit_test(every_offset),
    cmocka_unit_test(every_pattern_of_16_bits),
    cmocka_unit_test(every_boundary),
    cmocka_unit_test(many_elements),
};

CHECK_MAIN("quantize", tests)

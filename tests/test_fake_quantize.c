/* SPDX-License-Identifier: Apache-2.0 */
/* clq_fake_quantize: device == reference == oracle == dequantize(quantize(x)) (docs/numerics.md, section 3). */
#include "check.h"

#include <string.h>

#include "inputs.h"
#include "properties.h"

static void every_layout(void **state)
{
    (void)state;
    properties_every_layout(CLQ_OP_FAKE_QUANTIZE); /* a third of them in place */
    check_needs_device();
}

static void every_option(void **state)
{
    (void)state;
    properties_every_option(CLQ_OP_FAKE_QUANTIZE);
    check_needs_device();
}

static void every_preset(void **state)
{
    (void)state;
    properties_every_preset(CLQ_OP_FAKE_QUANTIZE);
    check_needs_device();
}

static void narrowed_codes(void **state)
{
    (void)state;
    properties_narrowed_codes(CLQ_OP_FAKE_QUANTIZE);
    check_needs_device();
}

static void every_offset(void **state)
{
    (void)state;
    properties_every_offset(CLQ_OP_FAKE_QUANTIZE);
    check_needs_device();
}

static void every_pattern_of_16_bits(void **state)
{
    (void)state;
    properties_every_pattern_of_16_bits(CLQ_OP_FAKE_QUANTIZE);
    check_needs_device();
}

static void many_elements(void **state)
{
    (void)state;
    properties_many_elements(CLQ_OP_FAKE_QUANTIZE);
    check_needs_device();
}

/* In place gives what two buffers give, and one pass what two passes give. */
static void equals_its_two_steps(void **state)
{
    check_case one;
    (void)state;
    check_case_init(&one, "fake-quantize in one pass", CLQ_OP_FAKE_QUANTIZE);
    for (uint64_t turn = 0; turn < 200; turn++) {
        check_case two;
        check_result codes;
        check_result y;
        check_result separate;
        check_result in_place;
        inputs_scheme(&one.q.scheme, inputs_code_types[turn % INPUTS_CODES], (unsigned)check_below(INPUTS_OPTIONS));
        one.q.real = inputs_real_types[turn % INPUTS_REALS];
        one.q.layout = inputs_layout_small();
        inputs_case(&one, inputs_parameters_kind_of_turn(turn), inputs_kind_of_turn(check_random()));
        one.in_place = 0;
        two = one;
        two.operation = CLQ_OP_QUANTIZE;
        check_everywhere(&two, &codes);
        two.operation = CLQ_OP_DEQUANTIZE;
        two.in[CHECK_CODES] = codes.out[CHECK_CODES];
        check_everywhere(&two, &y);
        check_everywhere(&one, &separate);
        check_same(&one, "two steps", &y, &separate);
        one.in_place = 1;
        check_everywhere(&one, &in_place);
        check_same(&one, "in place", &y, &in_place);
        check_result_free(&codes);
        check_result_free(&y);
        check_result_free(&separate);
        check_result_free(&in_place);
        inputs_free(&one);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_layout),  cmocka_unit_test(every_option),
    cmocka_unit_test(every_preset),  cmocka_unit_test(narrowed_codes),
    cmocka_unit_test(every_offset),  cmocka_unit_test(every_pattern_of_16_bits),
    cmocka_unit_test(many_elements), cmocka_unit_test(equals_its_two_steps),
};

CHECK_MAIN("fake-quantize", tests)

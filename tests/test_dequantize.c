/* SPDX-License-Identifier: Apache-2.0 */
/* clq_dequantize: device == reference == oracle (docs/numerics.md, section 3). */
#include "check.h"
#include "inputs.h"
#include "oracle.h"
#include "properties.h"

static void every_layout(void **state)
{
    (void)state;
    properties_every_layout(CLQ_OP_DEQUANTIZE);
    check_needs_device();
}

static void every_option(void **state)
{
    (void)state;
    properties_every_option(CLQ_OP_DEQUANTIZE);
    check_needs_device();
}

static void every_preset(void **state)
{
    (void)state;
    properties_every_preset(CLQ_OP_DEQUANTIZE);
    check_needs_device();
}

static void every_offset(void **state)
{
    (void)state;
    properties_every_offset(CLQ_OP_DEQUANTIZE);
    check_needs_device();
}

static void many_elements(void **state)
{
    (void)state;
    properties_many_elements(CLQ_OP_DEQUANTIZE);
    check_needs_device();
}

/*
 * Every code of every type, those outside [qmin, qmax] too, with scales and zero points of every kind: products that
 * round, overflow to infinity and, in f16, become subnormal or 0.
 */
static void every_code(void **state)
{
    static uint16_t codes[65536];
    check_case c;
    check_result result;
    (void)state;
    check_case_init(&c, "every code", CLQ_OP_DEQUANTIZE);
    for (uint64_t turn = 0; turn < 6 * INPUTS_CODES * INPUTS_REALS; turn++) {
        const clq_dtype dtype = inputs_code_types[turn % INPUTS_CODES];
        const uint32_t bits = clq_dtype_bits(dtype);
        const uint64_t count = UINT64_C(1) << bits;
        float scale;
        int32_t zero_point;
        inputs_scheme(&c.q.scheme, dtype, 0);
        c.q.real = inputs_real_types[turn / INPUTS_CODES % INPUTS_REALS];
        c.q.layout = inputs_layout_flat(count);
        for (uint32_t i = 0; i < count; i++) {
            if (bits == 16) {
                oracle_store_real(CLQ_F16, codes, i, i);
            } else if (bits == 8) {
                ((unsigned char *)codes)[i] = (unsigned char)i;
            } else if (i % 2 == 0) {
                ((unsigned char *)codes)[i / 2] = (unsigned char)(i | (i + 1) << 4);
            }
        }
        inputs_parameters(inputs_parameters_kind_of_turn(turn / INPUTS_CODES), &c.q.scheme, 1, &scale, &zero_point);
        if (c.q.real == CLQ_F16 && check_chance(2)) { /* products around the subnormals of f16 */
            scale = oracle_float(oracle_bits(0x1p-27f) + (uint32_t)check_below(0x2000000));
        }
        c.in[CHECK_CODES] = codes;
        c.in[CHECK_SCALE] = &scale;
        c.in[CHECK_ZERO_POINT] = &zero_point;
        check_everywhere(&c, &result);
        check_oracle(&c, &result, 65536);
        check_result_free(&result);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_layout), cmocka_unit_test(every_option), cmocka_unit_test(every_preset),
    cmocka_unit_test(every_offset), cmocka_unit_test(every_code),   cmocka_unit_test(many_elements),
};

CHECK_MAIN("dequantize", tests)

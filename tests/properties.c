/* SPDX-License-Identifier: Apache-2.0 */
#include "properties.h"

#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"

void properties_every_layout(clq_operation operation)
{
    uint64_t turn = check_below(1000);
    check_case c;
    check_case_init(&c, "every layout", operation);
    for (size_t i = 0; i < inputs_layout_count(); i++) {
        c.q.layout = inputs_layout(i);
        for (size_t d = 0; d < INPUTS_CODES; d++) {
            inputs_scheme(&c.q.scheme, inputs_code_types[d], (unsigned)check_below(INPUTS_OPTIONS));
            c.q.real = inputs_real_types[(i + d) % INPUTS_REALS];
            c.in_place = operation == CLQ_OP_FAKE_QUANTIZE && check_chance(3);
            inputs_check(&c, check_chance(4) ? INPUTS_CHOSEN : INPUTS_PLAIN, inputs_kind_of_turn(turn++));
        }
    }
}

void properties_every_option(clq_operation operation)
{
    uint64_t turn = check_below(1000);
    check_case c;
    check_case_init(&c, "every option", operation);
    for (unsigned option = 0; option < INPUTS_OPTIONS; option++) {
        for (size_t pair = 0; pair < INPUTS_CODES * INPUTS_REALS; pair++) {
            inputs_scheme(&c.q.scheme, inputs_code_types[pair % INPUTS_CODES], option);
            c.q.real = inputs_real_types[pair / INPUTS_CODES];
            for (int kind = 0; kind < INPUTS_PARAMETERS_KINDS; kind++) {
                c.q.layout = inputs_layout_small();
                inputs_check(&c, (inputs_parameters_kind)kind, INPUTS_TIES);
                c.q.layout = inputs_layout_small();
                inputs_check(&c, (inputs_parameters_kind)kind, inputs_kind_of_turn(turn++));
            }
        }
    }
}

void properties_every_preset(clq_operation operation)
{
    uint64_t turn = check_below(1000);
    check_case c;
    clq_error error;
    check_case_init(&c, "every preset", operation);
    for (int preset = 0; preset < CLQ_PRESET_COUNT; preset++) {
        for (size_t pair = 0; pair < INPUTS_CODES * INPUTS_REALS; pair++) {
            const clq_dtype dtype = inputs_code_types[pair % INPUTS_CODES];
            if (!inputs_preset_exists((clq_preset)preset, dtype)) {
                continue;
            }
            check_ok(clq_scheme_from_preset((clq_preset)preset, dtype, &c.q.scheme, &error), &error,
                     clq_preset_name((clq_preset)preset));
            c.name = clq_preset_name((clq_preset)preset);
            c.q.real = inputs_real_types[pair / INPUTS_CODES];
            for (int repeat = 0; repeat < 3; repeat++) {
                c.q.layout = inputs_layout_small();
                inputs_check(&c, INPUTS_CHOSEN, repeat == 0 ? INPUTS_TIES : inputs_kind_of_turn(turn++));
            }
        }
    }
}

void properties_narrowed_codes(clq_operation operation)
{
    check_case c;
    check_case_init(&c, "narrowed codes", operation);
    for (uint64_t turn = 0; turn < 150; turn++) {
        clq_scheme *s = &c.q.scheme;
        const clq_dtype dtype = inputs_code_types[turn % INPUTS_CODES];
        inputs_scheme(s, dtype, (unsigned)check_below(INPUTS_OPTIONS));
        s->qmin = (int32_t)check_between(oracle_type_minimum(dtype), oracle_type_maximum(dtype) - 1);
        s->qmax = (int32_t)check_between(s->qmin + 1, oracle_type_maximum(dtype));
        s->divisor = (double)s->qmax - s->qmin;
        c.q.real = inputs_real_types[check_below(INPUTS_REALS)];
        c.q.layout = inputs_layout_small();
        inputs_check(&c, inputs_parameters_kind_of_turn(turn / INPUTS_CODES), inputs_kind_of_turn(check_random()));
    }
}

void properties_every_offset(clq_operation operation)
{
    check_case c;
    check_case_init(&c, "every offset", operation);
    for (uint64_t offset = 0; offset < 18; offset++) {
        for (size_t d = 0; d < INPUTS_CODES; d++) {
            const int nibbles = clq_dtype_bits(inputs_code_types[d]) == 4;
            inputs_scheme(&c.q.scheme, inputs_code_types[d], (unsigned)check_below(INPUTS_OPTIONS));
            c.q.real = inputs_real_types[(offset + d) % INPUTS_REALS];
            c.q.layout = inputs_layout_flat(200 + offset);
            if (offset % 3 == 1) { /* rows of 67: the alignment changes inside the tensor as well */
                c.q.layout.rank = 2;
                c.q.layout.shape[0] = 5;
                c.q.layout.shape[1] = 67;
                c.q.layout.granularity = CLQ_PER_CHANNEL;
            } else if (offset % 3 == 2) {
                c.q.layout.granularity = CLQ_PER_GROUP;
                c.q.layout.group_size = 33;
            }
            inputs_case(&c, INPUTS_PLAIN, INPUTS_MIXED);
            for (int i = 0; i < CHECK_OPERANDS; i++) {
                c.offset[i] = i % 2 == 0 ? offset : 17 - offset;
            }
            c.offset[CHECK_CODES] = nibbles ? 2 * offset : offset;
            check_case_fully(&c);
            inputs_free(&c);
        }
    }
}

void properties_every_pattern_of_16_bits(clq_operation operation)
{
    enum { PATTERNS = 65536 };
    check_case c;
    check_result result;
    uint16_t *x = check_allocate(PATTERNS * sizeof *x);
    check_case_init(&c, "every 16-bit pattern", operation);
    for (uint32_t i = 0; i < PATTERNS; i++) {
        oracle_store_real(CLQ_F16, x, i, i);
    }
    for (unsigned turn = 0; turn < 2 * INPUTS_OPTIONS; turn++) {
        float scale;
        int32_t zero_point;
        inputs_scheme(&c.q.scheme, inputs_code_types[check_below(INPUTS_CODES)], turn / 2);
        inputs_parameters(check_chance(4) ? INPUTS_HUGE_ZERO_POINT : INPUTS_PLAIN, &c.q.scheme, 1, &scale, &zero_point);
        c.q.real = turn % 2 == 0 ? CLQ_F16 : CLQ_BF16;
        c.q.layout = inputs_layout_flat(PATTERNS);
        c.in[CHECK_X] = x;
        c.in[CHECK_SCALE] = &scale;
        c.in[CHECK_ZERO_POINT] = &zero_point;
        check_everywhere(&c, &result);
        check_oracle(&c, &result, PATTERNS);
        check_result_free(&result);
    }
    free(x);
}

/* Fill `memory` by repeating its first `block_bytes`; doubled each time, so that it is fast. */
static void fill_by_repeating(void *memory, uint64_t bytes, uint64_t block_bytes)
{
    for (uint64_t done = block_bytes; done < bytes;) {
        const uint64_t now = done < bytes - done ? done : bytes - done;
        memcpy((char *)memory + done, memory, (size_t)now);
        done += now;
    }
}

/* The first input of the case, of `n` elements: a block of a prime length made element by element, then repeated. */
static void *large_input(const check_case *c, uint64_t n)
{
    enum { BLOCK = 100003 };
    const uint64_t block = n < 2 * BLOCK ? n : 2 * BLOCK; /* even, for 4-bit codes */
    clq_quantization flat = c->q;
    flat.layout = inputs_layout_flat(block);
    if (c->operation == CLQ_OP_DEQUANTIZE) {
        void *codes = check_allocate(check_operand_bytes(c, CHECK_CODES));
        inputs_codes(c->q.scheme.dtype, block, codes);
        fill_by_repeating(codes, check_operand_bytes(c, CHECK_CODES), block * clq_dtype_bits(c->q.scheme.dtype) / 8);
        return codes;
    } else {
        const uint64_t size = c->q.real == CLQ_F32 ? 4 : 2;
        void *x = check_allocate(n * size);
        inputs_elements(INPUTS_SPREAD, &flat, NULL, NULL, block, x);
        fill_by_repeating(x, n * size, block * size);
        return x;
    }
}

static void check_large(check_case *c, uint64_t offset, check_result *result)
{
    uint64_t elements = 0;
    uint64_t parameters = 0;
    float *scale;
    int32_t *zero_point;
    clq_error error;
    check_ok(clq_layout_count(&c->q.layout, &elements, &parameters, &error), &error, c->name);
    scale = check_allocate(parameters * sizeof *scale);
    zero_point = check_allocate(parameters * sizeof *zero_point);
    inputs_parameters(INPUTS_PLAIN, &c->q.scheme, parameters, scale, zero_point);
    c->in[CHECK_SCALE] = scale;
    c->in[CHECK_ZERO_POINT] = zero_point;
    if (c->operation == CLQ_OP_MINMAX || c->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        c->in[CHECK_SCALE] = NULL;
        c->in[CHECK_ZERO_POINT] = NULL;
    }
    c->offset[CHECK_X] = offset;
    c->offset[CHECK_Y] = offset;
    c->offset[CHECK_CODES] = 2 * offset;
    check_everywhere(c, result);
    check_oracle(c, result, 5000);
    free(scale);
    free(zero_point);
}

/* One parameter, and a number that is not finite behind an index that no float holds. */
static void large_flat(clq_operation operation, uint64_t offset)
{
    const uint64_t n = (UINT64_C(1) << 24) + 1003;
    const uint32_t infinity = 0x7F800000;
    check_case c;
    check_result result;
    void *input;
    check_case_init(&c, "many elements", operation);
    inputs_scheme(&c.q.scheme, CLQ_S8, (unsigned)check_below(INPUTS_OPTIONS));
    c.q.layout = inputs_layout_flat(n);
    input = large_input(&c, n);
    if (operation == CLQ_OP_DEQUANTIZE) {
        c.in[CHECK_CODES] = input;
    } else {
        oracle_store_real(CLQ_F32, input, n - 4, infinity); /* an odd index above 2^24 */
        oracle_store_real(CLQ_F32, input, n - 9, infinity - 1);
        c.in[CHECK_X] = input;
    }
    check_large(&c, offset, &result);
    if (operation == CLQ_OP_MINMAX) {
        clq_nonfinite found;
        memcpy(&found, result.out[CHECK_NONFINITE], sizeof found);
        assert_true(found.count == 1 && found.first_index == n - 4);
        assert_true(oracle_load_real(CLQ_F32, result.out[CHECK_RANGE], 1) == infinity - 1);
    }
    check_result_free(&result);
    free(input);
}

/* Results larger than a cache, which some kernels write past it, in other types and layouts; aligned and not. */
static void large_layouts(clq_operation operation)
{
    static const struct {
        clq_dtype dtype, real;
        uint64_t shape[2];
        clq_granularity granularity;
        uint32_t axis;
        uint64_t group_size, offset;
    } rows[] = {
        {CLQ_U4, CLQ_F32, {3, 3000017}, CLQ_PER_CHANNEL, 0, 1, 0},
        {CLQ_S4, CLQ_F32, {2001, 5002}, CLQ_PER_GROUP, 0, 1000, 8},
        {CLQ_U16, CLQ_BF16, {1000, 10007}, CLQ_PER_GROUP, 0, 1021, 0},
        {CLQ_S16, CLQ_F16, {10, 1000003}, CLQ_PER_CHANNEL, 0, 1, 8},
        {CLQ_U8, CLQ_F32, {400009, 5}, CLQ_PER_CHANNEL, 1, 1, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint64_t n = rows[i].shape[0] * rows[i].shape[1];
        check_case c;
        check_result result;
        void *input;
        check_case_init(&c, "many elements", operation);
        inputs_scheme(&c.q.scheme, rows[i].dtype, (unsigned)check_below(INPUTS_OPTIONS));
        c.q.real = rows[i].real;
        c.q.layout = inputs_layout_flat(n);
        c.q.layout.rank = 2;
        memcpy(c.q.layout.shape, rows[i].shape, sizeof rows[i].shape);
        c.q.layout.granularity = rows[i].granularity;
        c.q.layout.axis = rows[i].axis;
        c.q.layout.group_size = rows[i].group_size;
        input = large_input(&c, n);
        c.in[operation == CLQ_OP_DEQUANTIZE ? CHECK_CODES : CHECK_X] = input;
        check_large(&c, rows[i].offset, &result);
        check_result_free(&result);
        free(input);
    }
}

void properties_many_elements(clq_operation operation)
{
    large_flat(operation, 0);
    /* The steps of dynamic quantization are met here as operations of their own. */
    if (operation != CLQ_OP_DYNAMIC_QUANTIZE && check_stride() == 1) {
        large_flat(operation, 1);
        large_layouts(operation);
    }
}

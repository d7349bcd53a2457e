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
            check_ok(clq_scheme_from_preset(&c.q.scheme, (clq_preset)preset, dtype, &error), &error,
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

/* Repeats a block of inputs made with care; a prime period, so that no two rows are alike. */
static void fill_by_repeating(void *memory, uint64_t bytes, uint64_t block_bytes)
{
    for (uint64_t done = block_bytes; done < bytes;) {
        const uint64_t now = done < bytes - done ? done : bytes - done;
        memcpy((char *)memory + done, memory, (size_t)now);
        done += now;
    }
}

void properties_many_elements(clq_operation operation)
{
    enum { BLOCK = 100003 };
    const uint64_t n = (UINT64_C(1) << 24) + 1003;
    const uint32_t infinity = 0x7F800000;
    clq_layout layout = inputs_layout_flat(n);
    check_result result;
    check_case c;
    void *first;
    check_case_init(&c, "many elements", operation);
    inputs_scheme(&c.q.scheme, CLQ_S8, (unsigned)check_below(INPUTS_OPTIONS));
    c.q.layout = inputs_layout_flat(BLOCK); /* one parameter: made from a block, used for all */
    inputs_case(&c, INPUTS_PLAIN, INPUTS_SPREAD);
    c.q.layout = layout;
    for (int i = CHECK_X; i <= CHECK_CODES; i++) {
        if (c.in[i] != NULL) {
            const uint64_t size = i == CHECK_CODES ? 1 : 4;
            memcpy(&first, &c.in[i], sizeof first);
            first = realloc(first, (size_t)(n * size));
            assert_non_null(first);
            fill_by_repeating(first, n * size, BLOCK * size);
            if (i == CHECK_X) {
                oracle_store_real(CLQ_F32, first, n - 5, infinity); /* the index does not fit a float */
                oracle_store_real(CLQ_F32, first, n - 9, infinity - 1);
            }
            c.in[i] = first;
        }
    }
    check_everywhere(&c, &result);
    check_oracle(&c, &result, 5000);
    if (operation == CLQ_OP_MINMAX) {
        clq_nonfinite found;
        memcpy(&found, result.out[CHECK_NONFINITE], sizeof found);
        assert_true(found.count == 1 && found.first_index == n - 5);
        assert_true(oracle_load_real(CLQ_F32, result.out[CHECK_RANGE], 1) == infinity - 1);
    }
    check_result_free(&result);
    inputs_free(&c);
}

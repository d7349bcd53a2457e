/* SPDX-License-Identifier: Apache-2.0 */
/* Results of whole operations compared with the oracle of single elements. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "oracle.h"
#include "strided_case.h"

static void oracle_element(const check_case *c, const check_result *result, const void *scales, const void *zero_points,
                           uint64_t i)
{
    const clq_scheme *scheme = &c->q.scheme;
    const uint64_t p = oracle_parameter(&c->q.layout, i);
    const uint32_t scale = check_word_at(scales, p);
    const int32_t zero_point = (int32_t)check_word_at(zero_points, p);
    int32_t code;
    uint32_t want;
    uint32_t got;
    if (c->operation == CLQ_OP_DEQUANTIZE) {
        code = oracle_load_code(scheme->dtype, c->in[CHECK_CODES], i);
    } else {
        code = oracle_code(scheme, oracle_widen(c->q.real, oracle_load_real(c->q.real, c->in[CHECK_X], i)), scale,
                           zero_point);
    }
    if (result->out[CHECK_CODES] != NULL) {
        const int32_t stored = oracle_load_code(scheme->dtype, result->out[CHECK_CODES], i);
        if (stored != code) {
            check_print_case(c, "oracle");
            check_print_inputs_of_element(c, scales, zero_points, i);
            fail_msg("%s: codes[%" PRIu64 "] is %" PRId32 ", the oracle says %" PRId32, c->name, i, stored, code);
        }
        return;
    }
    want = oracle_narrow(c->q.real, oracle_real(code, scale, zero_point));
    got = oracle_load_real(c->q.real, result->out[CHECK_Y], i);
    if (got != want) {
        check_print_case(c, "oracle");
        check_print_inputs_of_element(c, scales, zero_points, i);
        fail_msg("%s: y[%" PRIu64 "] is 0x%" PRIx32 ", the oracle says 0x%" PRIx32, c->name, i, got, want);
    }
}

/* Least and greatest finite element of each parameter, in full. */
static void oracle_ranges(const check_case *c, const check_result *result, uint64_t elements, uint64_t parameters)
{
    float *range = check_allocate(2 * parameters * sizeof *range);
    unsigned char *seen = check_allocate(parameters);
    clq_nonfinite nonfinite = {0, UINT64_MAX};
    clq_nonfinite stored;
    memset(seen, 0, (size_t)parameters);
    memset(range, 0, (size_t)parameters * 2 * sizeof *range);
    for (uint64_t i = 0; i < elements; i++) {
        const uint32_t bits = oracle_widen(c->q.real, oracle_load_real(c->q.real, c->in[CHECK_X], i));
        const uint64_t p = oracle_parameter(&c->q.layout, i);
        const float x = bits == UINT32_C(0x80000000) ? 0.0f : oracle_float(bits);
        if ((bits & UINT32_C(0x7F800000)) == UINT32_C(0x7F800000)) {
            nonfinite.first_index = nonfinite.count++ == 0 ? i : nonfinite.first_index;
            continue;
        }
        range[2 * p] = !seen[p] || x < range[2 * p] ? x : range[2 * p];
        range[2 * p + 1] = !seen[p] || x > range[2 * p + 1] ? x : range[2 * p + 1];
        seen[p] = 1;
    }
    for (uint64_t i = 0; i < 2 * parameters; i++) {
        if (check_word_at(result->out[CHECK_RANGE], i) != oracle_bits(range[i])) {
            check_print_case(c, "oracle");
            check_print_f32("want", oracle_bits(range[i]));
            check_print_f32("got ", check_word_at(result->out[CHECK_RANGE], i));
            fail_msg("%s: range[%" PRIu64 "] is not the oracle's", c->name, i);
        }
    }
    memcpy(&stored, result->out[CHECK_NONFINITE], sizeof stored);
    if (stored.count != nonfinite.count || stored.first_index != nonfinite.first_index) {
        check_print_case(c, "oracle");
        fail_msg("%s: %" PRIu64 " not finite, first %" PRIu64 "; the oracle says %" PRIu64 " and %" PRIu64, c->name,
                 stored.count, stored.first_index, nonfinite.count, nonfinite.first_index);
    }
    free(range);
    free(seen);
}

/* The device's parameters are those of the pure function for the ranges it found or was given. */
static void oracle_parameters(const check_case *c, const check_result *result, uint64_t parameters)
{
    const void *range = c->in[CHECK_RANGE] != NULL ? c->in[CHECK_RANGE] : result->out[CHECK_RANGE];
    for (uint64_t p = 0; p < parameters; p++) {
        const float lo = oracle_float(check_word_at(range, 2 * p));
        const float hi = oracle_float(check_word_at(range, 2 * p + 1));
        clq_parameters chosen = {1.0f, 0, 1.0, 0.0, 0.0};
        (void)clq_choose_parameters(&c->q.scheme, (double)lo, (double)hi, &chosen, NULL);
        if (check_word_at(result->out[CHECK_SCALE], p) != oracle_bits(chosen.scale) ||
            (int32_t)check_word_at(result->out[CHECK_ZERO_POINT], p) != chosen.zero_point) {
            check_print_case(c, "clq_choose_parameters");
            check_print_range_of_parameter(c, result, p);
            check_print_f32("scale is ", check_word_at(result->out[CHECK_SCALE], p));
            check_print_f32("should be", oracle_bits(chosen.scale));
            fail_msg("%s: parameter %" PRIu64 ": zero point %" PRId32 ", should be %" PRId32, c->name, p,
                     (int32_t)check_word_at(result->out[CHECK_ZERO_POINT], p), chosen.zero_point);
        }
    }
}

void check_oracle(const check_case *c, const check_result *result, uint64_t samples)
{
    const void *scales = c->in[CHECK_SCALE] != NULL ? c->in[CHECK_SCALE] : result->out[CHECK_SCALE];
    const void *zero_points = c->in[CHECK_ZERO_POINT] != NULL ? c->in[CHECK_ZERO_POINT] : result->out[CHECK_ZERO_POINT];
    uint64_t elements = 0;
    uint64_t parameters = 0;
    check_count_layout(c, &elements, &parameters);
    if (result->out[CHECK_RANGE] != NULL && elements <= samples) {
        oracle_ranges(c, result, elements, parameters);
    }
    if (result->out[CHECK_SCALE] != NULL && parameters <= samples) {
        oracle_parameters(c, result, parameters);
    }
    if (elements == 0 || (result->out[CHECK_CODES] == NULL && result->out[CHECK_Y] == NULL)) {
        return;
    }
    oracle_element(c, result, scales, zero_points, 0);
    oracle_element(c, result, scales, zero_points, elements - 1);
    for (uint64_t i = 0; i < samples && i < elements; i++) {
        oracle_element(c, result, scales, zero_points, elements <= samples ? i : check_below(elements));
    }
}

void check_case_fully(const check_case *c)
{
    check_result result;
    if (!check_takes_case(c)) {
        return;
    }
    check_everywhere(c, &result);
    if (!strided_is(c)) { /* test_strides has the reference's bytes of strided tensors */
        check_oracle(c, &result, 5000);
    }
    check_result_free(&result);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What two results of a case differ in: the first difference, with all that decided it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check_internal.h"
#include "oracle.h"

static const char *granularity_text(const clq_layout *layout, char text[64])
{
    if (layout->granularity == CLQ_PER_CHANNEL) {
        snprintf(text, 64, "per channel of axis %" PRIu32, layout->axis);
    } else if (layout->granularity == CLQ_PER_GROUP) {
        snprintf(text, 64, "per group of %" PRIu64, layout->group_size);
    } else if (layout->granularity == CLQ_PER_BLOCK) {
        snprintf(text, 64, "per group of %" PRIu64 " along axis %" PRIu32, layout->group_size, layout->axis);
    } else {
        snprintf(text, 64, "per tensor");
    }
    return text;
}

void check_print_case(const check_case *c, const char *where)
{
    const clq_scheme *s = &c->q.scheme;
    char text[256] = "";
    char granularity[64];
    size_t used = 0;
    for (uint32_t d = 0; d < c->q.layout.rank; d++) {
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu64, d == 0 ? "" : ", ", c->q.layout.shape[d]);
    }
    check_print("%s: %s on %s (seed %" PRIu64 ")", c->name, clq_operation_name(c->operation), where, check_seed());
    check_print("    shape [%s], %s, %s -> %s, codes %" PRId32 " to %" PRId32 "%s", text,
                granularity_text(&c->q.layout, granularity), clq_dtype_name(c->q.real), clq_dtype_name(s->dtype),
                s->qmin, s->qmax, c->in_place ? ", in place" : "");
    check_print("    rounding %s, zero point %s, %s", s->rounding == CLQ_ROUND_EVEN ? "even" : "away",
                s->zero_point_order == CLQ_ZERO_POINT_AFTER ? "after" : "before",
                s->arithmetic == CLQ_DIVIDE ? "divide" : "reciprocal");
    check_print("    range: symmetric %" PRId32 ", widen %" PRId32 ", divisor %.17g, minimum width %.17g, scale %.17g",
                s->symmetric, s->widen_to_zero, s->divisor, s->minimum_width, s->minimum_scale);
    check_print("    zero point: rule %d, fixed %" PRId32 ", rounding %d, clamp %" PRId32 " [%" PRId32 ", %" PRId32
                "], precision %d, degenerate %d",
                (int)s->zero_point_rule, s->zero_point_fixed, (int)s->zero_point_rounding, s->zero_point_clamp,
                s->zero_point_min, s->zero_point_max, (int)s->precision, (int)s->degenerate);
    check_print("    offsets x %" PRIu64 ", y %" PRIu64 ", codes %" PRIu64 ", scale %" PRIu64 ", zero_point %" PRIu64
                ", range %" PRIu64,
                c->offset[CHECK_X], c->offset[CHECK_Y], c->offset[CHECK_CODES], c->offset[CHECK_SCALE],
                c->offset[CHECK_ZERO_POINT], c->offset[CHECK_RANGE]);
}

void check_print_f32(const char *what, uint32_t bits)
{
    check_print("    %s 0x%08" PRIx32 " (%.9g)", what, bits, (double)oracle_float(bits));
}

uint32_t check_word_at(const void *array, uint64_t index)
{
    return oracle_load_real(CLQ_F32, array, index);
}

/* All that decided the value of element `index` of an elementwise operation. */
void check_print_inputs_of_element(const check_case *c, const void *scale, const void *zero_point, uint64_t index)
{
    const uint64_t p = oracle_parameter(&c->q.layout, index);
    if (c->in[CHECK_X] != NULL) {
        const uint32_t pattern = oracle_load_real(c->q.real, c->in[CHECK_X], index);
        check_print("    x pattern 0x%" PRIx32, pattern);
        check_print_f32("x", oracle_widen(c->q.real, pattern));
    }
    if (c->in[CHECK_CODES] != NULL) {
        check_print("    code %" PRId32, oracle_load_code(c->q.scheme.dtype, c->in[CHECK_CODES], index));
    }
    if (scale != NULL && zero_point != NULL) {
        check_print("    parameter %" PRIu64, p);
        check_print_f32("scale", check_word_at(scale, p));
        check_print("    zero point %" PRId32, (int32_t)check_word_at(zero_point, p));
    }
}

void check_print_range_of_parameter(const check_case *c, const check_result *result, uint64_t p)
{
    const void *range = c->in[CHECK_RANGE] != NULL ? c->in[CHECK_RANGE] : result->out[CHECK_RANGE];
    if (range != NULL) {
        check_print_f32("lo", check_word_at(range, 2 * p));
        check_print_f32("hi", check_word_at(range, 2 * p + 1));
    }
}

static void report_difference(const check_case *c, const char *where, check_operand operand, uint64_t index,
                              const check_result *want, const check_result *got)
{
    const void *a = want->out[operand];
    const void *b = got->out[operand];
    const void *scale = c->in[CHECK_SCALE] != NULL ? c->in[CHECK_SCALE] : want->out[CHECK_SCALE];
    const void *zero_point = c->in[CHECK_ZERO_POINT] != NULL ? c->in[CHECK_ZERO_POINT] : want->out[CHECK_ZERO_POINT];
    check_print_case(c, where);
    check_print("    %s[%" PRIu64 "] differs", check_operand_name(operand), index);
    switch (operand) {
    case CHECK_CODES:
        check_print("    got %" PRId32 ", want %" PRId32, oracle_load_code(c->q.scheme.dtype, b, index),
                    oracle_load_code(c->q.scheme.dtype, a, index));
        check_print_inputs_of_element(c, scale, zero_point, index);
        break;
    case CHECK_X:
    case CHECK_Y:
        check_print_f32("got ", oracle_widen(c->q.real, oracle_load_real(c->q.real, b, index)));
        check_print_f32("want", oracle_widen(c->q.real, oracle_load_real(c->q.real, a, index)));
        check_print_inputs_of_element(c, scale, zero_point, index);
        break;
    case CHECK_ZERO_POINT:
        check_print("    got %" PRId32 ", want %" PRId32, (int32_t)check_word_at(b, index),
                    (int32_t)check_word_at(a, index));
        check_print_range_of_parameter(c, want, index);
        break;
    case CHECK_SCALE:
        check_print_f32("got ", check_word_at(b, index));
        check_print_f32("want", check_word_at(a, index));
        check_print_range_of_parameter(c, want, index);
        break;
    case CHECK_RANGE:
    case CHECK_STATE:
        check_print_f32("got ", check_word_at(b, index));
        check_print_f32("want", check_word_at(a, index));
        break;
    case CHECK_COUNTS:
        check_print("    bin %" PRIu64 " of parameter %" PRIu64 ": got %" PRIu64 ", want %" PRIu64,
                    index % clq_histogram_bins(&c->q.scheme), index / clq_histogram_bins(&c->q.scheme),
                    ((const uint64_t *)b)[index], ((const uint64_t *)a)[index]);
        check_print_range_of_parameter(c, want, index / clq_histogram_bins(&c->q.scheme));
        break;
    default:
        check_print("    got count %" PRIu64 ", first %" PRIu64 "; want count %" PRIu64 ", first %" PRIu64,
                    ((const clq_nonfinite *)b)->count, ((const clq_nonfinite *)b)->first_index,
                    ((const clq_nonfinite *)a)->count, ((const clq_nonfinite *)a)->first_index);
        break;
    }
    fail_msg("%s: %s differs on %s", c->name, check_operand_name(operand), where);
}

static int element_differs(const check_case *c, check_operand operand, uint64_t index, const void *a, const void *b)
{
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
        return oracle_load_real(c->q.real, a, index) != oracle_load_real(c->q.real, b, index);
    case CHECK_CODES:
        return oracle_load_code(c->q.scheme.dtype, a, index) != oracle_load_code(c->q.scheme.dtype, b, index);
    case CHECK_NONFINITE:
        return memcmp(a, b, sizeof(clq_nonfinite)) != 0;
    case CHECK_COUNTS:
        return ((const uint64_t *)a)[index] != ((const uint64_t *)b)[index];
    default:
        return check_word_at(a, index) != check_word_at(b, index);
    }
}

/* Causes before effects: a wrong range is told before the wrong codes it leads to. */
static const check_operand report_order[] = {CHECK_NONFINITE,  CHECK_RANGE, CHECK_STATE, CHECK_COUNTS, CHECK_SCALE,
                                             CHECK_ZERO_POINT, CHECK_CODES, CHECK_X,     CHECK_Y};

void check_same(const check_case *c, const char *where, const check_result *want, const check_result *got)
{
    for (size_t k = 0; k < sizeof report_order / sizeof report_order[0]; k++) {
        const check_operand operand = report_order[k];
        const uint64_t bytes = want->bytes[operand];
        uint64_t count = operand == CHECK_NONFINITE ? 1 : operand == CHECK_COUNTS ? bytes / 8 : bytes / 4;
        if (want->out[operand] == NULL || memcmp(want->out[operand], got->out[operand], (size_t)bytes) == 0) {
            continue;
        }
        if (operand == CHECK_X || operand == CHECK_Y || operand == CHECK_CODES) {
            uint64_t parameters = 0;
            check_count_layout(c, &count, &parameters);
        }
        for (uint64_t i = 0; i < count; i++) {
            if (element_differs(c, operand, i, want->out[operand], got->out[operand])) {
                report_difference(c, where, operand, i, want, got);
            }
        }
        check_print_case(c, where);
        fail_msg("%s: the unused half of the last byte of %s differs on %s", c->name, check_operand_name(operand),
                 where);
    }
}

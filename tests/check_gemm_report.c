/* SPDX-License-Identifier: Apache-2.0 */
/* What a failed product prints. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check_gemm.h"
#include "check_internal.h"
#include "gemm_oracle.h"
#include "oracle.h"

static const char *values_text(clq_gemm_values values)
{
    static const char *const texts[] = {"absent", "per tensor", "per row", "per column", "per group"};
    return texts[values];
}

static void print_matrix(const check_gemm *c, check_gemm_operand operand, const clq_matrix *matrix)
{
    check_print("    %s: %s%s, leading dimension %" PRIu64 ", batch stride %" PRIu64 ", offset %" PRIu64,
                check_gemm_operand_name(operand), clq_dtype_name(matrix->dtype),
                matrix->transposed ? " transposed" : "", matrix->leading_dimension, matrix->batch_stride,
                c->offset[operand]);
}

void check_gemm_print(const check_gemm *c, const char *where)
{
    static const char *const modes[] = {"double", "single", "shift", "float", "single-away", "double-up"};
    static const char *const memories[] = {"", ", ends at a fence", ", begins at a fence"};
    const clq_gemm_problem *p = &c->problem;
    check_print("%s: gemm %" PRIu64 " x %" PRIu64 " x %" PRIu64 " (m, n, k), groups of %" PRIu64 ", batch %" PRIu64
                "%s, on %s (seed %" PRIu64 ")",
                c->name, p->m, p->n, p->k, p->k_group, p->batch, memories[c->memory], where, check_seed());
    print_matrix(c, CHECK_GEMM_A, &p->a);
    print_matrix(c, CHECK_GEMM_B, &p->b);
    print_matrix(c, CHECK_GEMM_C, &p->c);
    check_print("    zero points: a %s, b %s, c %s; bias %s", values_text(p->a_zero_point),
                values_text(p->b_zero_point), values_text(p->c_zero_point), values_text(p->bias));
    check_print("    scales: a %s, b %s; requantize %s, multiplier %s; bounds %.17g to %.17g", values_text(p->a_scale),
                values_text(p->b_scale), modes[p->requantize], values_text(p->multiplier), p->minimum, p->maximum);
}

static void print_parameter(const check_gemm *c, check_gemm_operand parameter, uint64_t batch, uint64_t row,
                            uint64_t column)
{
    const int is_real = parameter == CHECK_GEMM_A_SCALE || parameter == CHECK_GEMM_B_SCALE ||
                        (parameter == CHECK_GEMM_BIAS && c->problem.k_group != 0) ||
                        (parameter == CHECK_GEMM_MULTIPLIER && c->problem.requantize == CLQ_REQUANTIZE_FLOAT);
    if (c->in[parameter] == NULL || check_gemm_elements(c, parameter) == 0) {
        return;
    }
    if (is_real) {
        check_print_f32(check_gemm_operand_name(parameter), check_gemm_value(c, parameter, batch, row, column, 0));
    } else {
        check_print("    %s %" PRId32, check_gemm_operand_name(parameter),
                    (int32_t)check_gemm_value(c, parameter, batch, row, column, 0));
    }
}

static void print_element(const check_gemm *c, const char *what, uint32_t pattern)
{
    if (c->problem.c.dtype == CLQ_F32) {
        check_print_f32(what, pattern);
    } else {
        check_print("    %s %" PRId32, what, (int32_t)pattern);
    }
}

void check_gemm_print_element(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column, uint32_t want,
                              uint32_t got)
{
    const int in_groups = c->problem.k_group != 0 && c->problem.k != 0;
    check_print("    element (%" PRIu64 ", %" PRIu64 ") of batch %" PRIu64 ": the oracle's sum%s is %" PRId32, row,
                column, batch, in_groups ? " of the first group" : "",
                in_groups ? gemm_oracle_group_sum(c, batch, row, column, 0) : gemm_oracle_sum(c, batch, row, column));
    for (int i = CHECK_GEMM_A_ZERO_POINT; i < CHECK_GEMM_OPERANDS; i++) {
        print_parameter(c, (check_gemm_operand)i, batch, row, column);
    }
    print_element(c, "got ", got);
    print_element(c, "want", want);
}

void check_gemm_same(const check_gemm *c, const char *where, const check_gemm_result *want,
                     const check_gemm_result *got)
{
    const clq_gemm_problem *p = &c->problem;
    const uint64_t elements = p->batch * p->m * p->n;
    uint64_t first = elements;
    uint64_t last = 0;
    uint64_t different = 0;
    if (memcmp(want->c, got->c, (size_t)want->bytes) == 0) {
        return;
    }
    for (uint64_t i = 0; i < elements; i++) {
        const uint64_t z = i / p->n / p->m;
        const uint64_t row = i / p->n % p->m;
        if (check_gemm_output(c, want, z, row, i % p->n) != check_gemm_output(c, got, z, row, i % p->n)) {
            first = different++ == 0 ? i : first;
            last = i;
        }
    }
    check_gemm_print(c, where);
    check_print("    %" PRIu64 " of %" PRIu64 " elements differ, the last is (%" PRIu64 ", %" PRIu64
                ") of batch %" PRIu64,
                different, elements, last / p->n % p->m, last % p->n, last / p->n / p->m);
    {
        const uint64_t z = first / p->n / p->m;
        const uint64_t row = first / p->n % p->m;
        const uint64_t column = first % p->n;
        check_gemm_print_element(c, z, row, column, check_gemm_output(c, want, z, row, column),
                                 check_gemm_output(c, got, z, row, column));
    }
    fail_msg("%s: c differs on %s", c->name, where);
}

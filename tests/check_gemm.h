/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness of the matrix product, beside that of check.h: one problem on host arrays, run on any context in any way
 * (B as it is or packed, with or without the sums of A's rows), between guards, and compared byte for byte.
 */
#ifndef CLQ_TESTS_CHECK_GEMM_H
#define CLQ_TESTS_CHECK_GEMM_H

#include "check.h"

typedef enum check_gemm_operand {
    CHECK_GEMM_A,
    CHECK_GEMM_B,
    CHECK_GEMM_C,
    CHECK_GEMM_A_ZERO_POINT,
    CHECK_GEMM_B_ZERO_POINT,
    CHECK_GEMM_C_ZERO_POINT,
    CHECK_GEMM_A_SUMS,
    CHECK_GEMM_BIAS,
    CHECK_GEMM_A_SCALE,
    CHECK_GEMM_B_SCALE,
    CHECK_GEMM_MULTIPLIER,
    CHECK_GEMM_SHIFT,
    CHECK_GEMM_OPERANDS
} check_gemm_operand;

/* Where operands lie: between guard bytes, or with their last or first byte at memory that nothing may touch. */
typedef enum check_gemm_memory {
    CHECK_GEMM_GUARDED,
    CHECK_GEMM_ENDS_AT_FENCE, /* `offset` is not used: the buffer's size decides */
    CHECK_GEMM_BEGINS_AT_FENCE
} check_gemm_memory;

/* One product on host arrays. */
typedef struct check_gemm {
    const char *name;                     /* for messages */
    clq_gemm_problem problem;             /* a_sums stays absent: `sums` adds them */
    void *in[CHECK_GEMM_OPERANDS];        /* inputs as they lie in memory, rows and batches apart as the problem says */
    uint64_t offset[CHECK_GEMM_OPERANDS]; /* elements before each operand in its buffer */
    check_gemm_memory memory;
    int packed; /* B and its zero points go through clq_gemm_weights */
    int sums;   /* the sums of A's rows come from clq_gemm_row_sums */
} check_gemm;

/* The elements of the output, row by row and batch by batch without what lies between them; owned. */
typedef struct check_gemm_result {
    void *c;
    uint64_t bytes;
} check_gemm_result;

/* The kernel variants that clq_context_force_variant knows for the product. */
size_t check_gemm_variant_count(void);
const char *check_gemm_variant(size_t index);

/* A product of that shape, all else as clq_gemm_init has it. */
void check_gemm_init(check_gemm *c, const char *name, uint64_t m, uint64_t n, uint64_t k);

/* ---- the description of memory ---- */

const char *check_gemm_operand_name(check_gemm_operand operand);

/* Elements of an operand from its offset on, gaps included; 0 when the problem has no such operand. */
uint64_t check_gemm_elements(const check_gemm *c, check_gemm_operand operand);
uint32_t check_gemm_element_bits(const check_gemm *c, check_gemm_operand operand);
uint64_t check_gemm_bytes(const check_gemm *c, check_gemm_operand operand, uint64_t elements);

/* Groups into which K is cut; 0 without k_group. */
uint64_t check_gemm_groups(const check_gemm *c);

/* Where element (row, column) of A, B or C lies. */
uint64_t check_gemm_index(const check_gemm *c, check_gemm_operand matrix, uint64_t batch, uint64_t row,
                          uint64_t column);

/* The pattern of a parameter as it serves one element of the output, or a group of k of it (the first); `absent` when
 * the problem has none. */
uint32_t check_gemm_group_value(const check_gemm *c, check_gemm_operand parameter, uint64_t batch, uint64_t row,
                                uint64_t column, uint64_t group, uint32_t absent);
uint32_t check_gemm_value(const check_gemm *c, check_gemm_operand parameter, uint64_t batch, uint64_t row,
                          uint64_t column, uint32_t absent);

/* An element of the output: an integer, or the bits of a real. */
uint32_t check_gemm_output(const check_gemm *c, const check_gemm_result *result, uint64_t batch, uint64_t row,
                           uint64_t column);

/* ---- running ---- */

/*
 * Run the product as `packed`, `sums` and `memory` say. Fails the test when the product fails, when anything but
 * elements of the output changed, in the gaps between rows and batches too, and when the sums of A's rows are wrong.
 */
void check_gemm_run(clq_context *context, const char *where, const check_gemm *c, check_gemm_result *result);
void check_gemm_result_free(check_gemm_result *result);

/* Fail with the first difference, what decided it, and all that is needed to reproduce it. */
void check_gemm_same(const check_gemm *c, const char *where, const check_gemm_result *want,
                     const check_gemm_result *got);

/*
 * Run on the reference and on the device, under the variant that it chooses and under each that can be forced, with B
 * as it is, packed, and with sums, and compare. When `reference` is not NULL it receives the reference's result, which
 * the caller frees. `packed` and `sums` of the case are not looked at.
 */
void check_gemm_everywhere(const check_gemm *c, check_gemm_result *reference);

/* check_takes, by its dimensions, types and mode. */
int check_takes_gemm(const check_gemm *c);

/* check_gemm_everywhere, and the oracle on what came out, if the case is taken: what most tests do with one. */
void check_gemm_fully(const check_gemm *c);

/* The description of the case, and of one element, for a failure about to be reported. */
void check_gemm_print(const check_gemm *c, const char *where);
void check_gemm_print_element(const check_gemm *c, uint64_t batch, uint64_t row, uint64_t column, uint32_t want,
                              uint32_t got);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A matrix product with every argument there is, for tests of what is refused: each is just as large as it must be. */
#ifndef CLQ_TESTS_FULL_GEMM_H
#define CLQ_TESTS_FULL_GEMM_H

#include "check.h"

/* All operands are full of this byte: values do not matter where a call is to be refused. */
enum { FULL_GEMM_FILL = 0x11 };

/* Two batches of 3 x 5 times 5 x 4, none of the matrices dense. */
typedef struct full_gemm {
    clq_context *context;
    int is_real; /* the output is f32, else u8 */
    clq_gemm_problem problem;
    clq_gemm_operands o;
    clq_context *other;
    clq_operand foreign; /* of `other` */
} full_gemm;

/* Which calls look at an argument. */
typedef enum full_gemm_reader { FULL_GEMM_MULTIPLY = 1, FULL_GEMM_PACK = 2, FULL_GEMM_SUM = 4 } full_gemm_reader;

/* C is there twice, as codes and as reals. */
enum { FULL_GEMM_ARGUMENTS = 13 };
typedef struct full_gemm_argument {
    const char *name; /* as in messages */
    size_t place;     /* in clq_gemm_operands */
    uint64_t elements, bytes;
    int readers;
    int for_codes, for_reals; /* the outputs that have it */
} full_gemm_argument;
extern const full_gemm_argument full_gemm_arguments[FULL_GEMM_ARGUMENTS];

int full_gemm_is_used(const full_gemm *g, size_t argument);
clq_operand *full_gemm_operand_of(full_gemm *g, size_t argument);

void full_gemm_begin(full_gemm *g, clq_context *context, int is_real);
void full_gemm_end(full_gemm *g);

/* `check` on the reference and on the device, each with an output of codes and of reals; the last line of a test. */
void full_gemm_for_all(void (*check)(full_gemm *));

clq_status full_gemm_pack(const full_gemm *g, clq_gemm_weights **weights, clq_error *e);

/* A buffer full of FULL_GEMM_FILL, and whether it still is. */
clq_operand full_gemm_filled(clq_context *context, uint64_t bytes);
void full_gemm_check_untouched(clq_operand operand);

#endif

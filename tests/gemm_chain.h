/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantize, multiply, dequantize with OpenCL objects of one's own: x -> codes (A) -> C -> y, all operands in one cl_mem
 * whose every byte is known beforehand from the reference.
 */
#ifndef CLQ_TESTS_GEMM_CHAIN_H
#define CLQ_TESTS_GEMM_CHAIN_H

#include "own_opencl.h"

enum { CHAIN_ROWS = 37, CHAIN_INNER = 70, CHAIN_COLUMNS = 45 };

typedef enum chain_operand {
    CHAIN_X,
    CHAIN_A_SCALE,
    CHAIN_A_ZERO_POINT,
    CHAIN_CODES,
    CHAIN_B,
    CHAIN_B_ZERO_POINT,
    CHAIN_BIAS,
    CHAIN_MULTIPLIER,
    CHAIN_SHIFT,
    CHAIN_C_ZERO_POINT,
    CHAIN_C_SCALE,
    CHAIN_C,
    CHAIN_Y,
    CHAIN_OPERANDS
} chain_operand;

/* What each operand holds when all is done: random inputs and the reference's outputs. */
typedef struct chain_contents {
    unsigned char *values[CHAIN_OPERANDS];
} chain_contents;

void chain_contents_make(chain_contents *v);
void chain_contents_free(chain_contents *v);

uint64_t chain_bytes(chain_operand operand);
clq_gemm_problem chain_problem(void);

/* Unused parts of the memory, outputs that were not written and the ends of a workspace are full of these. */
enum { CHAIN_UNUSED = 0xAA, CHAIN_GUARD = 0xA5, CHAIN_GUARD_BYTES = 64 };

typedef struct gemm_chain {
    own_opencl own;
    uint64_t memory_bytes;
    clq_operand o[CHAIN_OPERANDS]; /* each begins one element behind the start of its buffer */
    uint64_t at[CHAIN_OPERANDS];   /* where the elements begin in own.memory */
    clq_gemm_weights *weights;     /* or NULL */
    clq_launch launch;
    cl_event last;
} gemm_chain;

/* All inputs but x are there. `packed`: make the weights. */
void gemm_chain_begin(gemm_chain *p, cl_command_queue_properties properties, const chain_contents *v, int packed);
void gemm_chain_end(gemm_chain *p);

clq_gemm_operands gemm_chain_operands(const gemm_chain *p);

/* Give the launch scratch memory of just the bytes that the product needs, between guards; none when it needs none. */
void gemm_chain_give_workspace(gemm_chain *p, const clq_gemm_problem *problem);

/* When all commands have ended: the guards must be whole. */
void gemm_chain_take_workspace(gemm_chain *p);

/* Enqueue: x comes when `gate` does; then each waits for the one before it and leaves its event in `last`. */
void gemm_chain_write(gemm_chain *p, const chain_contents *v, cl_event gate);
void gemm_chain_quantize(gemm_chain *p);
void gemm_chain_multiply(gemm_chain *p);
void gemm_chain_dequantize(gemm_chain *p);

/* Compare `got`, all of the memory, with what must be in it. */
void gemm_chain_check_memory(const gemm_chain *p, const unsigned char *got, const chain_contents *v);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Integer matrix multiplication. */
#ifndef CLQUANT_GEMM_H
#define CLQUANT_GEMM_H

#include <clquant/operations.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * C = output(bias[n] + sum over k of (A[m,k] - Za)(B[k,n] - Zb)), the sum in int32 modulo 2^32 (docs/numerics.md,
 * section 5). It cannot overflow up to K = 131071 for s8 x s8 without zero points and up to K = 33025 for any 8-bit
 * types and zero points within them; a larger K is accepted and wraps. K = 0 gives the bias.
 *
 * With `k_group` the scales of B change along K, as engines quantize weights (W8A8, W4A8 in groups of 32 or 128): the
 * sum of each group is scaled by itself, in f32 and in order (docs/numerics.md, section 5.1).
 */

/*
 * One matrix in memory, row-major: element (row, column) is at row * leading_dimension + column. Of 4-bit codes two
 * share a byte, the element with the even index in the low nibble; the index counts from the beginning of the memory,
 * so that rows may begin within a byte, and an operand's offset is even.
 */
typedef struct clq_matrix {
    clq_dtype dtype;            /* of its elements: clq_gemm_problem says which there are */
    int32_t transposed;         /* not 0: the memory holds the transpose (A and B only) */
    uint64_t leading_dimension; /* of the memory as stored; 0: its rows are dense */
    uint64_t batch_stride;      /* elements between two batches; 0: one matrix serves all batches (A or B only; its
                                   parameters too) */
} clq_matrix;

/* How many values a parameter of the product has. */
typedef enum clq_gemm_values {
    CLQ_GEMM_ABSENT = 0,     /* none: a zero point, bias or sum of 0, a scale of 1 */
    CLQ_GEMM_PER_TENSOR = 1, /* one */
    CLQ_GEMM_PER_ROW = 2,    /* m values, for each batch of A where A has its own */
    CLQ_GEMM_PER_COLUMN = 3, /* n values, for each batch of B where B has its own (bias, multiplier, shift: always n) */
    CLQ_GEMM_PER_GROUP = 4   /* with k_group: of A m, of B n times ceil(k / k_group) values, for each batch likewise;
                                those of one row of A or column of B lie next to each other, in order of k */
} clq_gemm_values;

/* A whole product: shapes, types and numeric mode. Fill in with clq_gemm_init, then set what differs. */
typedef struct clq_gemm_problem {
    uint32_t struct_size;         /* sizeof(clq_gemm_problem), set by clq_gemm_init */
    uint64_t m, n, k;             /* m and n at least 1; k may be 0 */
    uint64_t batch;               /* at least 1 (default 1) */
    clq_matrix a;                 /* m x k, s8 or u8 (default s8); f32, f16 or bf16: see a_scheme */
    clq_matrix b;                 /* k x n, s8, u8, s4 or u4 (default s8) */
    clq_matrix c;                 /* m x n, s32, s8, u8 or f32, with k_group f32, f16 or bf16 (default s32); its batches
                                     must not overlap */
    clq_gemm_values a_zero_point; /* absent, per tensor or per row */
    clq_gemm_values b_zero_point; /* absent, per tensor or per column; with k_group per group too */
    clq_gemm_values a_sums;       /* absent or per row: the sums of A's rows are known already; absent with k_group */
    clq_gemm_values bias;         /* absent or per column */
    /* Output f32: y = (f32)acc * (a_scale * b_scale), each operation rounded to f32. */
    clq_gemm_values a_scale; /* absent, per tensor or per row; with k_group per group too */
    clq_gemm_values b_scale; /* absent, per tensor or per column; with k_group per group, and never absent */
    /* Output s8 and u8: requantized (docs/numerics.md, section 6). */
    clq_requantize_mode requantize; /* (default CLQ_REQUANTIZE_DOUBLE) */
    clq_gemm_values multiplier;     /* per tensor or per column; `shift` has as many values, and none in mode float */
    clq_gemm_values c_zero_point;   /* absent or per tensor */
    /* Fused activation: bounds of the output, integers but for f32 (default -INFINITY, INFINITY: those of its type).
     * ReLU: the output's zero point, INFINITY. */
    double minimum, maximum;
    /*
     * Elements of K that share a scale of B, 1 to 33025 (default 0: no groups); the last group may be short. b_scale is
     * per group then, a_scale absent, per tensor, per row or per group, the bias float, and with j over the groups
     *     y = +0;  y = fma((float)sum_j, b_scale_j * a_scale_j, y) for each;  y = y * a_scale + bias;  clamp; narrow
     * where a_scale is one of the two. f16 or bf16 are rounded to once, after the clamp. A NaN is 0x7FC00000, in f16
     * 0x7E00, in bf16 0x7FC0.
     */
    uint64_t k_group;
    /*
     * Of an A of f32, f16 or bf16: the product quantizes it to s8 or u8 first, by this scheme (default symmetric, s8),
     * as clq_dynamic_quantize does: a_scale says whether a row has one scale or one for each group. The scales and zero
     * points are not the caller's then: operands.a_scale is not read, a_zero_point and a_sums are absent. Zero points
     * per group there are none, so that a_scale per group needs a scheme that fixes them. A bias needs k_group, since
     * only there it is float. k is at least 1, and batches of A do not overlap.
     */
    clq_scheme a_scheme;
} clq_gemm_problem;

/* Set `problem` to the defaults given above: s8 times s8 to s32, dense; m, n and k are 0 and yours to set. */
CLQ_API void clq_gemm_init(clq_gemm_problem *problem);

/* Check all of the problem: CLQ_OK, or CLQ_INVALID_ARGUMENT with the field, what was given and what is required. */
CLQ_API clq_status clq_gemm_check(const clq_gemm_problem *problem, clq_error *error);

/* B made ready for multiplication. May be used by many operations and threads at once; never changes. */
typedef struct clq_gemm_weights clq_gemm_weights;

/*
 * The operands by name; those that the problem calls absent are ignored. Types: a, b, c as the problem says; zero
 * points, sums and bias int32_t (bias with k_group: float); scales float; multiplier int32_t (Q31, or F0 in mode shift)
 * or float (mode float); shift int32_t. Values in these buffers are not checked: those outside the bounds that
 * clq_requantization gives lead to unspecified codes and nothing worse. Zero points are any int32_t.
 */
typedef struct clq_gemm_operands {
    uint32_t struct_size;                                 /* sizeof(clq_gemm_operands); zero all, then set it */
    clq_operand a, b, c;                                  /* the matrices; c is written */
    clq_operand a_zero_point, b_zero_point, c_zero_point; /* int32_t, as many as the problem says */
    clq_operand a_sums;                                   /* of the codes as stored, without zero point */
    clq_operand bias;                                     /* n values */
    clq_operand a_scale, b_scale;                         /* float, as many as the problem says */
    clq_operand multiplier, shift;                        /* of an output of s8 or u8 */
    const clq_gemm_weights *weights;                      /* not NULL: used in place of b and b_zero_point */
    clq_operand a_nonfinite; /* of an A of reals: one clq_nonfinite, of its elements by flat index, no byte of which is
                                another operand's; may be absent (a buffer of NULL). NaN and infinities become codes as
                                clq_quantize has it */
} clq_gemm_operands;

/*
 * Multiply. No byte of the output may be one of an input, but rows and batches may lie between those of another matrix.
 * Errors as for the other operations; CLQ_UNSUPPORTED when a variant is forced that this device cannot run.
 */
CLQ_API clq_status clq_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            clq_error *error);

/*
 * Pack B once: panels, column sums and the corrections for its zero points. Reads of the problem n, k, k_group, batch,
 * b and b_zero_point; the weights serve every problem that agrees in these and in whether B has batches of its own,
 * whatever its m. They hold no scales; 4-bit codes stay so on OpenCL devices, elsewhere they become 8 bits each. The
 * problem is checked as a whole all the same.
 * Returns when the work is done: `b` and `b_zero_point` may change or go afterwards. Keeps the context alive. A device
 * packs them whenever it can; where it cannot, the host does, and serves all products then, of which each plan says so.
 */
CLQ_API clq_status clq_gemm_weights_create(clq_context *context, const clq_gemm_problem *problem, clq_operand b,
                                           clq_operand b_zero_point, clq_gemm_weights **weights, clq_error *error);
CLQ_API void clq_gemm_weights_destroy(clq_gemm_weights **weights); /* operations that use them may still be to run */
CLQ_API uint64_t clq_gemm_weights_bytes(const clq_gemm_weights *weights); /* of memory that they take */

/*
 * Packed weights as bytes, so that an engine packs once, writes a file, and maps it from then on. They begin with a
 * header, which says what was packed, and how: import checks it against the problem. Export waits, and copies to host
 * memory of exactly clq_gemm_weights_export_bytes. Import copies nothing: the weights lie in the buffer, for example
 * one that clq_buffer_wrap made of a mapped file, from `exported.offset` (in bytes) on, so that the buffer and its
 * memory must stay as they are until the weights are destroyed and the operations that use them are done; but those
 * that the host is to multiply for an OpenCL device which cannot pack it copies, and waits. They begin at a multiple of
 * CLQ_GEMM_WEIGHTS_ALIGNMENT bytes of the buffer's memory. The bytes behind the header are not checked.
 *
 * All OpenCL devices pack alike, whatever their kernels, so that weights of one serve the others; native and reference
 * have forms of their own, and so have weights that the host had to pack for a device (docs/library.md). Errors:
 * CLQ_UNSUPPORTED for another form than this context multiplies: pack B there; CLQ_INVALID_ARGUMENT for bytes that are
 * none, are cut off, hold another B than the problem's, or 4-bit codes as they lay before they stayed so.
 */
enum { CLQ_GEMM_WEIGHTS_ALIGNMENT = 64 };
CLQ_API uint64_t clq_gemm_weights_export_bytes(const clq_gemm_weights *weights);
CLQ_API clq_status clq_gemm_weights_export(const clq_gemm_weights *weights, void *memory, uint64_t bytes,
                                           clq_error *error);
CLQ_API clq_status clq_gemm_weights_import(clq_context *context, const clq_gemm_problem *problem, clq_operand exported,
                                           clq_gemm_weights **weights, clq_error *error);

/* What would run: variant, tile and reason, and scratch memory without (`packed` 0) or with packed weights, which does
 * for every smaller m too. It is never more than the device's largest buffer: a product with A of reals whose codes and
 * scratch memory together are more runs by clq_gemm, and the caller's queue refuses it. */
CLQ_API clq_status clq_gemm_plan(clq_context *context, const clq_gemm_problem *problem, int32_t packed, clq_plan *plan,
                                 clq_error *error);

/*
 * clq_prepare for products that differ from this one in m alone, of every m from `m_least` to `m_greatest`: with packed
 * weights and without, and for packing and clq_gemm_row_sums. The m of the problem does not count. CLQ_OK also where
 * the host will serve some of them: for each m clq_gemm_plan then says `by_host`, with nothing compiled.
 */
CLQ_API clq_status clq_gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_least,
                                    uint64_t m_greatest, clq_error *error);

/* sums[row] = sum of the codes of each row of A (m int32_t for each batch of A), for a_sums: worth it where one A meets
 * several B. Reads of the problem m, k, batch and a. */
CLQ_API clq_status clq_gemm_row_sums(clq_context *context, const clq_gemm_problem *problem, clq_operand a,
                                     clq_operand sums, clq_error *error);

/* One product of a batch. */
typedef struct clq_gemm_batch_item {
    const clq_gemm_problem *problem; /* as clq_gemm takes it; m may be 0: there is nothing to do then, and the operands
                                        are not looked at */
    clq_gemm_operands operands;      /* likewise */
    /* The B of weights that hold several (packed with a batch and b.batch_stride), counted from 0, for a problem whose
     * batch is 1: experts that are packed together. Else 0; weights of one B are a batch of 1. */
    uint64_t weights_batch;
} clq_gemm_batch_item;

/* Products of any shapes and types, checked and prepared once, to be run many times. */
typedef struct clq_gemm_batch clq_gemm_batch;

/*
 * Check every item as clq_gemm would, and prepare a run over all of them in a few launches, which compiles kernels and
 * compares them with the reference; the bytes are those of one call for each item. `items` and what their `problem`
 * point at may go afterwards; buffers and weights must outlive the batch's last run. No item may write what another one
 * reads or writes: such items are refused, with their numbers. `count` may be 0.
 *
 * Items share a launch where one kernel in tiles of one size serves them and their operands lie in the same buffers:
 * let A, C and each parameter of all be parts of one buffer each, and pack B of all together (`weights_batch`), or
 * import all weights from one buffer. On an OpenCL device the batch has scratch memory of its own where items need
 * some.
 *
 * Each A of reals is quantized before, into memory of the batch's own, so that products share launches whatever their
 * types and schemes are: in a few launches for all A of one type and code type in one buffer, with their a_nonfinite in
 * one; in several more for each A that is transposed or has gaps between rows; once for items near each other with one
 * A (docs/library.md). No a_nonfinite lies between the first and the last byte of another item's operand.
 */
CLQ_API clq_status clq_gemm_batch_create(clq_context *context, const clq_gemm_batch_item *items, size_t count,
                                         clq_gemm_batch **batch, clq_error *error);
CLQ_API void clq_gemm_batch_destroy(clq_gemm_batch **batch); /* runs of it may still be to run */

/* Enqueue every product. One batch is run by one thread at a time. */
CLQ_API clq_status clq_gemm_batch_run(clq_gemm_batch *batch, clq_error *error);

/* What would run for the first item that has rows, and in how many launches all do; no workspace is needed. */
CLQ_API clq_status clq_gemm_batch_plan(clq_gemm_batch *batch, clq_plan *plan, clq_error *error);

#ifdef __cplusplus
}
#endif

#endif

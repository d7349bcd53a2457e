/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the matrix product. */
#ifndef CLQ_HOST_OPENCL_LAUNCH_GEMM_H
#define CLQ_HOST_OPENCL_LAUNCH_GEMM_H

#include "opencl/choice/gemm.h"
#include "opencl/runtime/launch.h"

/* ---- opencl/launch/gemm_pack.c ---- */

/* Packed B: panels of 32 columns, of 4-bit codes where B is of such, then S and Zb' of every column of every part and
 * batch (kernels/gemm_call.h). Offsets and strides in 32-bit words from its start. */
typedef struct clq_gemm_packed {
    uint64_t panels; /* of one batch */
    uint64_t groups;
    uint64_t lines;          /* of a panel, a word of each column: groups, or pairs of them of 4-bit codes */
    uint64_t batch_words;    /* from one batch's panels to the next's */
    uint64_t expanded_words; /* the same of panels of 8-bit codes */
    uint64_t parts;          /* of K with S and Zb' of their own: the groups along K, or 1 */
    uint64_t columns;        /* where S begins */
    uint64_t columns_part, columns_batch;
    uint64_t zero_points; /* from S to Zb' */
    uint64_t bytes;
} clq_gemm_packed;

clq_gemm_packed clq_cl_gemm_packed_of(const clq_gemm_task *task);

/* What is taken from the codes of B as they are packed, and so from its zero points: Zb' is Zb less this. */
uint32_t clq_cl_gemm_code_offset(clq_dtype b);

/* Pack B of the task into `memory` from word `offset_words` on. */
clq_status clq_cl_gemm_pack(clq_cl_stream *stream, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                            cl_mem memory, uint64_t offset_words, clq_error *error);

/* Panels of 4-bit codes, which begin at word `offset_words` of `packed`, as panels of 8-bit ones. */
clq_status clq_cl_gemm_expand(clq_cl_stream *stream, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                              cl_mem packed, uint64_t offset_words, cl_mem memory, uint64_t memory_words,
                              clq_error *error);

/* Sum the codes of A's rows, part by part, into 32-bit elements of `memory` from `offset` on. */
clq_status clq_cl_gemm_sum_rows(clq_cl_stream *stream, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                                cl_mem memory, uint64_t offset, clq_error *error);

/* A in the form that the decision asks for, from `offset` of `memory` on: codes (`pitch` from row to row) or words. */
clq_status clq_cl_gemm_pack_a(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_decision *decision,
                              cl_mem memory, uint64_t offset, clq_error *error);

/* What that takes up: from one row (codes) or tile (words) to the next, from one batch to the next, and in all. */
typedef struct clq_gemm_packed_a {
    uint64_t row, batch, bytes;
} clq_gemm_packed_a;

clq_gemm_packed_a clq_cl_gemm_packed_a_of(const clq_gemm_task *task, const clq_gemm_decision *decision);

/* ---- opencl/launch/gemm_workspace.c ---- */

/* The parts of the scratch memory, in bytes from its start; each is a multiple of 64. */
typedef struct clq_gemm_workspace {
    uint64_t packed, expanded, a, sums, partial, reals;
    int has_packed, has_expanded, has_a, has_sums, has_partial;
    uint64_t bytes;
} clq_gemm_workspace;

clq_gemm_workspace clq_cl_gemm_workspace_of(const clq_gemm_task *task, const clq_gemm_decision *decision,
                                            int is_packed);

/* Whether sums of A's rows go into the product. */
int clq_cl_gemm_needs_sums(const clq_gemm_task *task);

/* No less than that for any smaller m whose tiles are as high, down to that from which on all have them
 * (clq_gemm_decision.most_partial), and never less for a larger m. */
uint64_t clq_cl_gemm_workspace_most(const clq_gemm_task *task, const clq_gemm_decision *decision, int is_packed);

enum { CLQ_GEMM_GROUP_ROWS = 4 }; /* of a work-item of kernels/gemm_groups.cl, where there are as many */

/* Rounds of loops that a work-item makes at most (opencl/rounds.h): of packing and sums of rows, and of what follows.
 */
uint64_t clq_cl_gemm_pack_rounds(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task);
uint64_t clq_cl_gemm_rounds(const clq_gemm_task *task, const clq_gemm_decision *decision);

/* ---- opencl/launch/gemm_describe.c ---- */

/* What is added to the codes of A where they are multiplied: a' of kernels/gemm_call.h is a and this. */
int32_t clq_cl_gemm_a_code_offset(const clq_gemm_task *task, const clq_gemm_decision *decision);

/* The memory objects of a kernel's parameters (kernels/gemm_rows.clh), in their order; NULL: absent, another stands in
 * its place and is not read. */
typedef enum clq_gemm_object {
    CLQ_GEMM_OBJECT_A = 0,
    CLQ_GEMM_OBJECT_PANELS = 1,
    CLQ_GEMM_OBJECT_COLUMNS = 2,
    CLQ_GEMM_OBJECT_SUMS = 6,
    CLQ_GEMM_OBJECT_PARTIAL = 12,
    CLQ_GEMM_OBJECTS = 13
} clq_gemm_object;

typedef struct clq_gemm_objects {
    cl_mem of[CLQ_GEMM_OBJECTS];
} clq_gemm_objects;

/* The product's numbers and memory, with scratch memory from byte `base` of `workspace` on. */
void clq_cl_gemm_describe(const clq_gemm_task *task, const clq_gemm_decision *decision, cl_mem workspace, uint64_t base,
                          clq_gemm_objects *objects, gemm_call *call);

/* Of a product its batches, or its rows, from `first` on: all that these have of their own begins further on. Partial
 * sums do not, of which a part has those of no other. */
void clq_cl_gemm_move_to_batches(gemm_call *call, uint64_t first, uint64_t count);
void clq_cl_gemm_move_to_rows(const clq_gemm_decision *decision, gemm_call *call, uint64_t first, uint64_t count);

/* ---- opencl/launch/gemm_multiply.c ---- */

/* The commands that fill that scratch memory. */
clq_status clq_cl_gemm_pack_operands(clq_cl_stream *stream, const clq_gemm_task *task,
                                     const clq_gemm_decision *decision, cl_mem workspace, uint64_t base,
                                     clq_error *error);

/* Of a product of a table (clq_gemm_decision.in_table): its work-groups, which are entered but for where they end. */
uint64_t clq_cl_gemm_place_in_table(const clq_gemm_decision *decision, gemm_call *call);

/* `count` products of a table from `first` on, whose work-groups are `groups` together. */
typedef struct clq_gemm_rows_of_table {
    cl_mem table;
    uint32_t first, count;
    size_t groups;
} clq_gemm_rows_of_table;

/* The launch that these share, of the decision that is all of theirs. */
void clq_cl_gemm_table_launch(const clq_gemm_decision *decision, const clq_gemm_objects *objects,
                              const clq_gemm_rows_of_table *rows, clq_cl_launch *launch);

/* All commands of one product. */
clq_status clq_cl_gemm_multiply(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_decision *decision,
                                clq_error *error);

#endif

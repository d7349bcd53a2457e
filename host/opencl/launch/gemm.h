/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the matrix product on OpenCL (cl_gemm*.c) share. */
#ifndef CLQ_HOST_OPENCL_LAUNCH_GEMM_H
#define CLQ_HOST_OPENCL_LAUNCH_GEMM_H

#include "opencl/runtime/state.h"

#include "gemm_call.h"

/* How a kernel takes A (kernels/gemm_pack.cl). */
typedef enum clq_gemm_a_form {
    CLQ_GEMM_A_CODES = 0, /* rows of consecutive codes, in place where they are that */
    CLQ_GEMM_A_FLOATS = 1,
    CLQ_GEMM_A_PAIRS = 2
} clq_gemm_a_form;

/* Which kernel multiplies, how it is built and how the problem is cut up for it. */
typedef struct clq_gemm_choice {
    clq_variant variant; /* of the kernel that multiplies */
    const char *name;    /* what the caller is told: that variant, or split-k */
    const char *file;
    const char *kernel;
    char reason[160];
    uint32_t tile_rows; /* 0: not a build option of the kernel */
    uint32_t vector_width;
    uint32_t vectors; /* gemv: vectors of columns in a work-item */
    clq_gemm_a_form a_form;
    uint32_t slices, slice_groups;
    uint32_t tiles_per_item;
} clq_gemm_choice;

/* ---- opencl/choice/gemm.c ---- */

/* By shape, device, what is forced and what is set aside. CLQ_UNSUPPORTED when a forced variant cannot run. */
clq_status clq_cl_gemm_choose(const clq_context *context, const clq_gemm_task *task, clq_gemm_choice *choice,
                              clq_error *error);

/* ---- opencl/launch/gemm_pack.c ---- */

/* Packed B: panels of 32 columns, then S and Zb' of every column of every batch (kernels/gemm_call.h). Offsets and
 * strides in 32-bit words from its start. */
typedef struct clq_gemm_packed {
    uint64_t panels; /* of one batch */
    uint64_t groups;
    uint64_t batch_words; /* from one batch's panels to the next's */
    uint64_t columns;     /* where S begins */
    uint64_t columns_batch;
    uint64_t zero_points; /* from S to Zb' */
    uint64_t bytes;
} clq_gemm_packed;

clq_gemm_packed clq_cl_gemm_packed_of(const clq_gemm_task *task);

/* Pack B of the task into `memory` from word `offset_words` on. */
clq_status clq_cl_gemm_pack(clq_cl_stream *stream, const clq_gemm_task *task, cl_mem memory, uint64_t offset_words,
                            clq_error *error);

/* Sum the codes of A's rows into 32-bit elements of `memory` from `offset` on. */
clq_status clq_cl_gemm_sum_rows(clq_cl_stream *stream, const clq_gemm_task *task, cl_mem memory, uint64_t offset,
                                clq_error *error);

/* A in the form that the choice asks for, from `offset` of `memory` on: codes (`pitch` from row to row) or words. */
clq_status clq_cl_gemm_pack_a(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_choice *choice,
                              cl_mem memory, uint64_t offset, clq_error *error);

/* What that takes up: from one row (codes) or tile (words) to the next, from one batch to the next, and in all. */
typedef struct clq_gemm_packed_a {
    uint64_t row, batch, bytes;
} clq_gemm_packed_a;

clq_gemm_packed_a clq_cl_gemm_packed_a_of(const clq_gemm_task *task, const clq_gemm_choice *choice);

/* ---- opencl/launch/gemm_multiply.c ---- */

/* The parts of the scratch memory, in bytes from its start; each is a multiple of 64. */
typedef struct clq_gemm_workspace {
    uint64_t packed, a, sums, partial;
    int has_packed, has_a, has_sums, has_partial;
    uint64_t bytes;
} clq_gemm_workspace;

clq_gemm_workspace clq_cl_gemm_workspace_of(const clq_gemm_task *task, const clq_gemm_choice *choice, int is_packed);

/* All commands of one product. */
clq_status clq_cl_gemm_multiply(clq_cl_stream *stream, const clq_gemm_task *task, const clq_gemm_choice *choice,
                                clq_error *error);

/* ---- trial/gemm.c ---- */

/*
 * The variant that runs the task, after its comparison with the reference, once for each variant and height of tile.
 * One that differs or does not build is set aside with a warning and the next one is taken; CLQ_MISMATCH when none is
 * left.
 */
clq_status clq_cl_gemm_trusted_choice(clq_context *context, const clq_gemm_task *task, clq_gemm_choice *choice,
                                      clq_error *error);

#endif

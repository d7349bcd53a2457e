/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel multiplies, and why. */
#ifndef CLQ_HOST_OPENCL_CHOICE_GEMM_H
#define CLQ_HOST_OPENCL_CHOICE_GEMM_H

#include "opencl/choice/by_host.h"
#include "opencl/choice/variant.h"

#include "gemm_call.h"

/* How a kernel takes A (kernels/gemm_pack.cl). */
typedef enum clq_gemm_a_form {
    CLQ_GEMM_A_CODES = 0, /* rows of consecutive codes, in place where they are that */
    CLQ_GEMM_A_FLOATS = 1,
    CLQ_GEMM_A_PAIRS = 2
} clq_gemm_a_form;

/* Which kernel multiplies, how it is built and how the problem is cut up for it: made once a call, and handed down. */
typedef struct clq_gemm_decision {
    const clq_cl_tuning *tuning; /* by which it was made */
    clq_variant variant;         /* of the kernel that multiplies */
    const char *name;            /* what the caller is told: that variant, or split-k */
    const char *file;
    const char *kernel, *fused_kernel;    /* the second where is_fused */
    const char *options, *device_options; /* of its build, "" none: those of its line in kernels.def */
    int is_emulated;                      /* CLQ_EMULATE is among them, in the place of the line's device_options */
    char reason[160];
    uint32_t tile_rows;              /* of a tile in registers; 0: a work-group makes one of `tile_height` rows */
    uint32_t tile_height, tile_edge; /* and so many columns, as many but for low tiles of matrices */
    uint32_t vector_width;
    uint32_t vectors; /* gemv: vectors of columns in a work-item */
    uint32_t group;   /* gemv: work-items of a group */
    clq_gemm_a_form a_form;
    int reads_nibbles; /* B of 4-bit codes goes into the kernel as it is packed, not as panels of 8-bit ones */
    uint32_t slices, slice_groups;
    int in_groups;         /* the slices are groups along K: */
    int is_fused;          /* one kernel adds the groups of its tiles or columns up: no rounds, else */
    uint32_t round_slices; /* so many of them are summed before their sums are used, */
    uint64_t block_rows;   /* of so many rows of A at a time, the last block has up to twice as many */
    uint64_t most_partial; /* sums that wait for others, in 32-bit words: at most, of any m up to this one that has
                              tiles as high as this one, and is no less than those from which on all have */
    uint32_t tiles_per_item;
    size_t verdict_entry;
    int in_table;                 /* it may share a launch with other products: K is not cut */
    uint64_t most_rounds;         /* of loops, by what was known of the device then (opencl/rounds.h) */
    clq_host_cause by_host;       /* every variant is set aside, or packing, and none was forced: the host serves */
    clq_host_cause packs_by_host; /* packing is set aside, or no kernel takes such a product, whatever m is */
    int only_sums_slices;         /* of a trial: what the slices give is in the scratch memory already */
} clq_gemm_decision;

/* B has codes of 4 bits, two in a byte. */
int clq_cl_gemm_has_nibbles(const clq_gemm_problem *p);

/* Why the host serves such a product on every device; no reason where there are kernels for it. */
clq_host_cause clq_cl_gemm_host_cause(const clq_gemm_task *task);

/* By shape, device, what is forced and what is set aside. CLQ_UNSUPPORTED when a forced variant cannot run. */
clq_status clq_cl_gemm_decide(const clq_context *context, clq_variant forced, const clq_gemm_task *task,
                              clq_gemm_decision *decision, clq_error *error);

/* Let it share a launch with others, where there is a kernel for that which is not set aside: `in_table` says so then.
 */
void clq_cl_gemm_take_table(const clq_context *context, clq_variant forced, const clq_gemm_task *task,
                            clq_gemm_decision *decision);

/* Which program of a variant is tried: of tiles of this height and edge where a work-group makes one, 0 as the product
 * has it; of panels of 4-bit codes. */
typedef struct clq_gemm_program {
    uint32_t tile_height, tile_edge;
    int reads_nibbles;
} clq_gemm_program;

/* Whether the variant has a program for B of 4-bit codes as they are packed, and it is the better one. */
int clq_cl_gemm_reads_nibbles(clq_variant variant, const clq_gemm_problem *p);

/* That program of this variant by that table, in one slice of K or, where their sum is not set aside, in three; in
 * groups along K all of them at once or two at a time, a tile of rows after the other. */
clq_status clq_cl_gemm_decide_trial(const clq_context *context, const clq_cl_tuning *tuning, const clq_gemm_task *task,
                                    clq_variant variant, clq_gemm_program program, int in_slices,
                                    clq_gemm_decision *decision, clq_error *error);

#endif

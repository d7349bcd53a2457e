/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in the scratch memory of a product, and how much of it there may be. */
#include <string.h>

#include "core/size.h"
#include "opencl/launch/gemm.h"

enum { ALIGNMENT_BYTES = 64 };

static int needs_packed_a(const clq_gemm_task *task, const clq_gemm_decision *decision)
{
    return task->problem->k > 0 && (decision->a_form != CLQ_GEMM_A_CODES || task->a.column_stride != 1);
}

int clq_cl_gemm_needs_sums(const clq_gemm_task *task)
{
    return clq_cl_gemm_code_offset(task->problem->b.dtype) != 0 || task->problem->b_zero_point != CLQ_GEMM_ABSENT;
}

static uint64_t reserve(uint64_t *used, uint64_t bytes)
{
    const uint64_t at = *used;
    *used += (bytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    return at;
}

clq_gemm_workspace clq_cl_gemm_workspace_of(const clq_gemm_task *task, const clq_gemm_decision *decision, int is_packed)
{
    const clq_gemm_problem *p = task->problem;
    clq_gemm_workspace w;
    memset(&w, 0, sizeof w);
    w.has_packed = !is_packed;
    w.has_expanded = p->k > 0 && clq_cl_gemm_has_nibbles(p) && !decision->reads_nibbles && !decision->only_sums_slices;
    w.has_a = needs_packed_a(task, decision) && !decision->only_sums_slices; /* which multiplies nothing */
    w.has_sums = clq_cl_gemm_needs_sums(task) && p->a_sums == CLQ_GEMM_ABSENT;
    w.has_partial = decision->in_groups ? !decision->is_fused : decision->slices > 1;
    if (w.has_expanded) { /* first, so that a trial sees panels of 4-bit codes that do not begin the memory */
        w.expanded = reserve(&w.bytes, 4 * task->b_batches * clq_cl_gemm_packed_of(task).expanded_words);
    }
    if (w.has_packed) {
        w.packed = reserve(&w.bytes, clq_cl_gemm_packed_of(task).bytes);
    }
    if (w.has_a) {
        w.a = reserve(&w.bytes, clq_cl_gemm_packed_a_of(task, decision).bytes);
    }
    if (w.has_sums) {
        w.sums = reserve(&w.bytes, 4 * task->a_batches * p->m * clq_cl_gemm_packed_of(task).parts);
    }
    if (decision->in_groups && !decision->is_fused) {
        const uint64_t rows = decision->block_rows + p->m % decision->block_rows;
        const uint64_t kept = decision->only_sums_slices ? decision->slices : decision->round_slices;
        w.partial = reserve(&w.bytes, 4 * kept * p->batch * rows * p->n);
        w.reals = reserve(&w.bytes, decision->round_slices < decision->slices ? 4 * p->batch * rows * p->n : 0);
    } else if (w.has_partial) {
        w.partial = reserve(&w.bytes, 4 * decision->slices * p->batch * p->m * p->n);
    }
    return w;
}

uint64_t clq_cl_gemm_workspace_most(const clq_gemm_task *task, const clq_gemm_decision *decision, int is_packed)
{
    const clq_gemm_workspace w = clq_cl_gemm_workspace_of(task, decision, is_packed);
    uint64_t bytes = w.has_partial ? w.partial : w.bytes; /* what lies before the sums, which come last */
    (void)reserve(&bytes, 4 * decision->most_partial);
    /* Of groups they are two, each with its own rest; of any product, since a smaller m may be one that has them. */
    return bytes + (decision->most_partial > 0 ? ALIGNMENT_BYTES : 0);
}

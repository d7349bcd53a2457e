/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all variants of the product share, tried without any of them: the host multiplies what the device has packed,
 * and gives the device slices to sum. A variant that fails is then not at fault for these.
 */
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/launch/gemm.h"
#include "opencl/machine.h"
#include "opencl/runtime/error.h"
#include "reference/element.h"

/* The operands of a case, and what the device has made of them, on the host. */
typedef struct image {
    const unsigned char *arena;
    unsigned char *words;  /* packed B */
    unsigned char *sums;   /* of A's rows; with `words` one piece of memory, */
    unsigned char *panels; /* and so are panels of 8-bit codes: those of B, or made of these by the device */
} image;

static clq_status read_memory(const clq_cl_machine *m, cl_mem memory, uint64_t at, void *to, uint64_t bytes,
                              clq_error *error)
{
    CLQ_CL(clEnqueueReadBuffer, m->stream.queue, memory, CL_TRUE, (size_t)at, (size_t)bytes, to, 0, NULL, NULL);
    return CLQ_OK;
}

static clq_status write_memory(const clq_cl_machine *m, cl_mem memory, uint64_t at, const void *from, uint64_t bytes,
                               clq_error *error)
{
    CLQ_CL(clEnqueueWriteBuffer, m->stream.queue, memory, CL_TRUE, (size_t)at, (size_t)bytes, from, 0, NULL, NULL);
    return CLQ_OK;
}

static uint64_t sums_bytes(const clq_gemm_task *task)
{
    return 4 * task->a_batches * task->problem->m * clq_cl_gemm_packed_of(task).parts;
}

/* Of panels that are made of those of B; 0: these are of 8-bit codes. */
static uint64_t expanded_bytes(const clq_gemm_task *task)
{
    return clq_cl_gemm_has_nibbles(task->problem) ? 4 * task->b_batches * clq_cl_gemm_packed_of(task).expanded_words
                                                  : 0;
}

/* Where those lie in the scratch memory: behind all that a case needs of it. */
static uint64_t expanded_at(const clq_gemm_task *task, uint64_t workspace)
{
    return clq_size_divide_up(clq_size_max(workspace, sums_bytes(task)), 64) * 64;
}

/* The sums of rows lie at the beginning of the scratch memory. */
static clq_status read_image(const clq_cl_machine *m, const clq_gemm_task *task, uint64_t workspace, image *to,
                             clq_error *error)
{
    const uint64_t packed = clq_cl_gemm_packed_of(task).bytes;
    const uint64_t sums = sums_bytes(task);
    const uint64_t expanded = expanded_bytes(task);
    const uint64_t at = m->stream.workspace_offset_bytes + expanded_at(task, workspace);
    to->arena = m->written;
    to->words = malloc((size_t)(packed + sums + expanded));
    if (to->words == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
    }
    to->sums = to->words + packed;
    to->panels = expanded > 0 ? to->sums + sums : to->words;
    CLQ_TRY(read_memory(m, m->packed.object, CLQ_CL_MACHINE_PACKED_OFFSET, to->words, packed, error));
    CLQ_TRY(read_memory(m, m->workspace.object, 0, to->sums, sums, error));
    return expanded > 0 ? read_memory(m, m->workspace.object, at, to->panels, expanded, error) : CLQ_OK;
}

static uint32_t word_of(const unsigned char *words, uint64_t i)
{
    uint32_t word;
    memcpy(&word, words + 4 * i, sizeof word);
    return word;
}

/* Of the groups of four k from `first` to before `end`: a' times b' (kernels/gemm_call.h). */
static uint32_t sum_groups(const clq_gemm_task *task, const image *from, uint64_t z, uint64_t row, uint64_t column,
                           uint64_t first, uint64_t end, int32_t code_offset)
{
    const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
    const uint64_t panel = (task->b_batches > 1 ? z * packed.expanded_words : 0) +
                           column / PANEL_COLUMNS * packed.groups * PANEL_COLUMNS + column % PANEL_COLUMNS;
    const uint64_t a = task->arguments[CLQ_GEMM_A].offset_bytes + (task->a_batches > 1 ? z * task->a.batch : 0) +
                       row * task->a.row_stride;
    uint32_t sum = 0;
    for (uint64_t k = first * GROUP_DEPTH; k < clq_size_min(end * GROUP_DEPTH, task->problem->k); k++) {
        const uint32_t word = word_of(from->panels, panel + k / GROUP_DEPTH * PANEL_COLUMNS);
        const int32_t code = clq_load_code(task->problem->a.dtype, from->arena, a + k * task->a.column_stride);
        sum += (uint32_t)(code + code_offset) * (uint32_t)(int8_t)(word >> k % GROUP_DEPTH * 8);
    }
    return sum;
}

/* The value for a row or column; 0: there is none. */
static uint32_t value_of(const clq_gemm_task *task, const image *from, clq_gemm_argument argument, uint64_t i)
{
    const uint64_t values = task->values[argument];
    return values == 0 ? 0 : word_of(from->arena + task->arguments[argument].offset_bytes, values == 1 ? 0 : i);
}

/* An element of C, modulo 2^32: by packed codes, S, Zb' and sums of rows as kernels take them. */
static uint32_t element_of(const clq_gemm_task *task, const image *from, uint64_t z, uint64_t row, uint64_t column)
{
    const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
    const uint64_t in_columns = packed.columns + (task->b_batches > 1 ? z * packed.columns_batch : 0) + column;
    const uint64_t in_rows = (task->a_batches > 1 ? z * task->problem->m : 0) + row;
    return sum_groups(task, from, z, row, column, 0, packed.groups, 0) + value_of(task, from, CLQ_GEMM_BIAS, column) -
           value_of(task, from, CLQ_GEMM_A_ZERO_POINT, in_rows) * word_of(from->words, in_columns) -
           word_of(from->words, in_columns + packed.zero_points) * word_of(from->sums, in_rows);
}

/* All of C, which has no gaps in these cases. */
static clq_status write_product(const clq_cl_machine *m, const clq_gemm_task *task, const image *from, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t count = p->batch * p->m * p->n;
    int32_t *c = malloc((size_t)(4 * count));
    clq_status status;
    if (c == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t row = i / p->n;
        const int32_t sum = (int32_t)element_of(task, from, row / p->m, row % p->m, i % p->n);
        c[i] = sum < task->minimum ? task->minimum : sum > task->maximum ? task->maximum : sum;
    }
    status = write_memory(m, m->arena.object, task->arguments[CLQ_GEMM_C].offset_bytes, c, 4 * count, error);
    free(c);
    return status;
}

/* Packed B, the same of 8-bit codes, and the sums of A's rows. */
static clq_status pack(clq_cl_machine *m, const clq_gemm_task *task, clq_gemm_weights *weights, uint64_t workspace,
                       clq_error *error)
{
    const uint64_t at = expanded_at(task, workspace);
    CLQ_TRY(clq_cl_machine_reserve(m, at + expanded_bytes(task), error));
    CLQ_TRY(clq_cl_machine_pack(m, task, weights, error));
    if (expanded_bytes(task) > 0) {
        CLQ_TRY(clq_cl_gemm_expand(&m->stream, m->tuning, task, m->packed.object, CLQ_CL_MACHINE_PACKED_OFFSET / 4,
                                   m->stream.workspace, (m->stream.workspace_offset_bytes + at) / 4, error));
    }
    return clq_cl_gemm_sum_rows(&m->stream, m->tuning, task, m->stream.workspace, 0, error);
}

static clq_status run_packing(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_cl_machine *m = cookie;
    clq_gemm_weights weights = {0};
    image in = {NULL, NULL, NULL, NULL};
    clq_status status;
    CLQ_TRY(pack(m, &c->product, &weights, 0, error));
    if (m->stream.queue == NULL) {
        return CLQ_OK;
    }
    status = read_image(m, &c->product, 0, &in, error);
    if (status == CLQ_OK) {
        status = write_product(m, &c->product, &in, error);
    }
    free(in.words);
    return status;
}

/* What the slices of K give, where the kernel that multiplies would leave it. */
static clq_status write_slices(clq_cl_machine *m, const clq_gemm_task *task, const clq_gemm_decision *decision,
                               const clq_gemm_workspace *w, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t all = p->batch * p->m * p->n;
    const int32_t code_offset = clq_cl_gemm_a_code_offset(task, decision);
    image in = {NULL, NULL, NULL, NULL};
    uint32_t *partial = malloc((size_t)(4 * decision->slices * all));
    clq_status status = CLQ_OK;
    if (partial == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
    }
    CLQ_TRY_TO(read_image(m, task, w->bytes, &in, error));
    for (uint64_t i = 0; i < decision->slices * all; i++) {
        const uint64_t first = i / all * decision->slice_groups;
        const uint64_t row = i % all / p->n;
        partial[i] =
            sum_groups(task, &in, row / p->m, row % p->m, i % p->n, first, first + decision->slice_groups, code_offset);
    }
    CLQ_TRY_TO(write_memory(m, m->workspace.object, m->stream.workspace_offset_bytes + w->partial, partial,
                            4 * decision->slices * all, error));
done:
    free(in.words);
    free(partial);
    return status;
}

/* Those of portable, whose codes of A are those of s8 for u8; where work-groups are too small for it of cpu, which has
 * the codes as they are. */
static clq_status decide_slices(const clq_cl_machine *m, const clq_gemm_task *task, clq_gemm_decision *decision,
                                clq_error *error)
{
    static const clq_gemm_program any = {0, 0, 0};
    const clq_context *context = m->stream.context;
    return clq_cl_gemm_decide_trial(context, m->tuning, task, CLQ_VARIANT_PORTABLE, any, 1, decision, NULL) == CLQ_OK
               ? CLQ_OK
               : clq_cl_gemm_decide_trial(context, m->tuning, task, CLQ_VARIANT_CPU, any, 1, decision, error);
}

/* No variant multiplies: what its slices would give is written. */
static clq_status run_slices(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_cl_machine *m = cookie;
    clq_gemm_task task = c->product;
    clq_gemm_weights weights = {0};
    clq_gemm_decision decision;
    clq_gemm_workspace w;
    CLQ_TRY(decide_slices(m, &task, &decision, error));
    decision.only_sums_slices = 1;
    if (decision.in_groups) {
        decision.block_rows = task.problem->m; /* what the slices give is of all rows */
    } else {
        decision.slices += decision.slices == 1; /* the second may be empty */
    }
    w = clq_cl_gemm_workspace_of(&task, &decision, 1);
    CLQ_TRY(pack(m, &task, &weights, w.bytes, error));
    if (m->stream.queue != NULL) {
        CLQ_TRY(write_slices(m, &task, &decision, &w, error));
    }
    task.weights = &weights;
    return clq_cl_gemm_multiply(&m->stream, &task, &decision, error);
}

clq_trial_candidate clq_cl_machine_for_packing(clq_cl_machine *machine)
{
    return clq_cl_machine_candidate(machine, run_packing);
}

clq_trial_candidate clq_cl_machine_for_slices(clq_cl_machine *machine)
{
    return clq_cl_machine_candidate(machine, run_slices);
}

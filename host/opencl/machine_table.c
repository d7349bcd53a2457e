/* SPDX-License-Identifier: Apache-2.0 */
/* Products that share a launch, as a trial has them: parts of one, by a table that is made for it. */
#include <string.h>

#include "core/size.h"
#include "opencl/launch/gemm.h"
#include "opencl/machine.h"
#include "opencl/runtime/memory.h"

/* Batches of a trial's product, two parts of each, and an empty one; before them what belongs to another launch. */
enum { MOST_ROWS = 1 + 2 * 4 + 1 };

typedef struct rows_of_trial {
    gemm_call calls[MOST_ROWS];
    uint32_t count;
    uint64_t groups;
} rows_of_trial;

static void add(rows_of_trial *rows, const clq_gemm_decision *decision, const gemm_call *call)
{
    gemm_call *to = &rows->calls[rows->count++];
    *to = *call;
    rows->groups += clq_cl_gemm_place_in_table(decision, to);
    to->end = (call_u32)rows->groups;
}

static gemm_call batch_of(const gemm_call *all, uint64_t z)
{
    gemm_call call = *all;
    clq_cl_gemm_move_to_batches(&call, z, 1);
    return call;
}

/* Its columns from `first` on, which begin a panel of so many lines; not with groups along K, whose numbers follow by
 * all columns. */
static gemm_call columns_of(const gemm_call *all, uint64_t lines, uint32_t first, uint32_t count)
{
    gemm_call call = *all;
    call.n = count;
    call.b_offset += first * lines;
    call.columns_offset += first;
    call.c_offset += first;
    call.bias_offset += all->bias == VALUES_PER_COLUMN ? first : 0;
    call.b_scale_offset += all->b_scale == VALUES_PER_COLUMN ? first : 0;
    call.multiplier_offset += all->multiplier == VALUES_PER_COLUMN ? first : 0;
    call.shift_offset += all->multiplier == VALUES_PER_COLUMN ? first : 0;
    return call;
}

static void cut(const gemm_call *all, const clq_gemm_decision *decision, rows_of_trial *rows)
{
    const uint64_t lines = decision->reads_nibbles ? clq_size_divide_up(all->groups, NIBBLE_GROUPS) : all->groups;
    memset(rows, 0, sizeof *rows);
    rows->calls[rows->count++].end = UINT32_MAX;
    for (uint32_t z = 0; z < all->batch; z++) {
        const gemm_call call = batch_of(all, z);
        if (z == 1) { /* nothing is to be found between two */
            rows->calls[rows->count] = call;
            rows->calls[rows->count++].end = (call_u32)rows->groups;
        }
        if (call.n > PANEL_COLUMNS && !decision->in_groups) {
            const gemm_call first = columns_of(&call, lines, 0, PANEL_COLUMNS);
            const gemm_call others = columns_of(&call, lines, PANEL_COLUMNS, call.n - PANEL_COLUMNS);
            add(rows, decision, &first);
            add(rows, decision, &others);
        } else {
            add(rows, decision, &call);
        }
    }
}

static void take_table(const clq_gemm_task *task, clq_gemm_decision *decision)
{
    decision->in_table = 1;
    decision->is_fused = decision->in_groups;
    if (!decision->in_groups) {
        decision->slices = 1;
        decision->slice_groups = (uint32_t)clq_size_divide_up(task->problem->k, GROUP_DEPTH);
    }
}

static clq_status run_table(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_cl_machine *m = cookie;
    clq_cl_stream *const stream = &m->stream;
    clq_gemm_rows_of_table in = {NULL, 0, 0, 0};
    clq_gemm_task task;
    clq_gemm_weights weights;
    clq_gemm_decision decision;
    clq_gemm_objects objects;
    gemm_call call;
    rows_of_trial rows;
    clq_cl_launch launch;
    clq_status status;
    CLQ_TRY(clq_cl_machine_decide(m, c, &task, &weights, &decision, error));
    take_table(&task, &decision);
    CLQ_TRY(clq_cl_machine_reserve(m, clq_cl_gemm_workspace_of(&task, &decision, m->packs).bytes, error));
    clq_cl_gemm_describe(&task, &decision, stream->workspace, stream->workspace_offset_bytes, &objects, &call);
    CLQ_TRY(
        clq_cl_gemm_pack_operands(stream, &task, &decision, stream->workspace, stream->workspace_offset_bytes, error));
    call.slices = 1;
    cut(&call, &decision, &rows);
    in.first = 1;
    in.count = rows.count - in.first;
    in.groups = (size_t)rows.groups;
    clq_cl_machine_needs(m, rows.count * sizeof rows.calls[0]);
    CLQ_TRY(clq_cl_memory_create(stream->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 rows.count * sizeof rows.calls[0], rows.calls, "a table for a trial", &in.table,
                                 error));
    clq_cl_gemm_table_launch(&decision, &objects, &in, &launch);
    status = clq_cl_launch_enqueue(&launch, stream, error);
    (void)clReleaseMemObject(in.table);
    return status;
}

clq_trial_candidate clq_cl_machine_for_tables(clq_cl_machine *machine)
{
    return clq_cl_machine_candidate(machine, run_table);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* minmax on a device: partial ranges, then one kernel that folds them (kernels/minmax.cl). */
#include "opencl/launch/minmax.h"

#include <string.h>

#include "core/size.h"
#include "opencl/launch/tensor.h"
#include "opencl/runtime/memory.h"

enum { TWO_VECTORS = 32 };

/* Elements of a piece, and groups that fold partial ranges side by side; less of both where a kernel is compared with
 * the reference on small problems (trial/cases_walk.c). */
enum {
    LEAST_PIECE_IN_TRIAL = 96,
    MOST_FINAL_GROUPS = 4096,
    MOST_FINAL_GROUPS_IN_TRIAL = 64,
    SEGMENT_GROUPS_IN_TRIAL = 3
};

static uint64_t items_of(const clq_cl_minmax_cut *s, const clq_context *context)
{
    if (s->is_trial && s->is_by_segments) {
        return SEGMENT_GROUPS_IN_TRIAL;
    }
    return clq_size_max(clq_cl_target_items(context, s->tuning->values[CLQ_TUNE_MINMAX_ITEMS], s->is_trial),
                        clq_cl_least_items(context, s->call.elements));
}

/* Work-items that work together: those of grid, and of columns elsewhere than on CPU devices. */
static size_t group_of(const clq_cl_minmax_cut *s, const clq_context *context)
{
    const int is_group = s->choice.variant == CLQ_VARIANT_GRID ||
                         (s->choice.variant == CLQ_VARIANT_COLUMNS && context->device.type != CLQ_DEVICE_CPU);
    return is_group ? s->tuning->values[CLQ_TUNE_MINMAX_GROUP] : 1;
}

static void cut_columns(clq_cl_minmax_cut *s, const clq_context *context, const clq_geometry *g)
{
    const uint64_t items = clq_cl_column_items(context, s->tuning->values[CLQ_TUNE_MINMAX_ITEMS], s->is_trial);
    const clq_columns c = clq_columns_of(context, s->tuning, g, s->choice.vector_width, s->choice.column_blocks, items);
    s->partials = clq_cl_tensor_cut_columns(&s->call, &c);
    s->call.items = clq_size_divide_up(s->call.tasks, group_of(s, context));
}

/* What partial ranges, of which there is one for each segment, leave of a buffer. */
static uint64_t room_beside(const clq_cl_minmax_cut *s, const clq_context *context)
{
    const uint64_t most = context->device.maximum_allocation_bytes;
    return most - clq_size_min(most, s->partials * CLQ_CL_PARTIAL_BYTES);
}

static void cut_tasks(clq_cl_minmax_cut *s, const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const int is_strip = s->choice.variant != CLQ_VARIANT_GRID;
    const uint64_t least_piece = s->is_trial ? LEAST_PIECE_IN_TRIAL : s->tuning->values[CLQ_TUNE_MINMAX_PIECE];
    const uint64_t wanted = items_of(s, context);
    const uint64_t segments = g->rows * g->segments_per_row;
    tensor_call *call = &s->call;
    uint64_t pieces = clq_size_divide_up(wanted, clq_size_max(segments, 1));
    pieces = clq_size_min(pieces, clq_size_divide_up(g->segment, least_piece));
    pieces = clq_size_min(pieces, clq_cl_scratch_items(context, CLQ_CL_PARTIAL_BYTES * clq_size_max(segments, 1)));
    pieces = s->is_by_segments ? 1 : clq_size_max(pieces, 1);
    s->partials = clq_cl_tensor_cut(call, g, pieces, g->parameters > 1 || s->is_by_segments);
    call->items =
        clq_size_min(clq_size_max(call->tasks, 1), is_strip || s->is_by_segments || !s->is_trial ? wanted : 8 * wanted);
    call->items = clq_size_min(call->items, clq_cl_scratch_items(context, CLQ_CL_FOUND_BYTES));
    call->items = clq_size_min(call->items, clq_size_max(room_beside(s, context) / CLQ_CL_FOUND_BYTES, 1));
    call->per_item = clq_size_divide_up(call->tasks, call->items);
    if (s->choice.vector_width == 16 && g->segment <= TWO_VECTORS) { /* whole sixteens: kernels/minmax_short.clh */
        call->per_item = clq_size_divide_up(call->per_item, 16) * 16;
    }
    if (is_strip && call->per_item > 0) {
        call->items = clq_size_divide_up(call->tasks, call->per_item);
    }
}

/* In one dimension: launch/walk.c. Of the elements of an item's tasks, where it has less than one share of them. */
static void size_partial(clq_cl_minmax_cut *s, const clq_context *context, const clq_geometry *g)
{
    const tensor_call *call = &s->call;
    const size_t group = group_of(s, context);
    uint64_t elements;
    s->partial.dimensions = 1;
    s->partial.global[0] = (size_t)call->items;
    s->partial.grouping = group > 1 ? CLQ_CL_GROUPS_BUILT : CLQ_CL_GROUPS_GIVEN;
    s->partial.local[0] = group;
    if (s->choice.variant == CLQ_VARIANT_RUNS && context->device.type != CLQ_DEVICE_CPU) {
        clq_cl_launch_items(&s->partial, call->items);
    }
    if (s->choice.variant == CLQ_VARIANT_COLUMNS) {
        const uint64_t tile = (uint64_t)s->choice.column_blocks * s->choice.vector_width;
        elements =
            2 * (clq_size_min(call->per_item * tile, call->elements) + tile); /* again where some is not finite */
    } else {
        const uint64_t own = clq_geometry_has_bands(g)
                                 ? clq_size_divide_up(call->band, call->channels)
                                 : clq_size_divide_up(call->segment, clq_size_max(call->pieces, 1));
        elements = call->per_item * (own / group + s->choice.vector_width);
    }
    s->partial.rounds = g->elements == 0 ? 0 : CLQ_CL_ELEMENT_ROUNDS * elements;
}

/* Of eight parameters' partial ranges, or of what all items found. */
static void size_final(clq_cl_minmax_cut *s, const clq_context *context)
{
    const tensor_call *call = &s->call;
    const size_t group = group_of(s, context);
    const uint64_t parameters = call->direct ? 0 : call->parameters;
    if (group > 1) { /* at least one group for parameters, and the last for the non-finite elements */
        const uint64_t most = s->is_trial ? MOST_FINAL_GROUPS_IN_TRIAL : MOST_FINAL_GROUPS;
        s->final.grouping = CLQ_CL_GROUPS_BUILT;
        s->final.dimensions = 1;
        s->final.local[0] = group;
        s->final.global[0] = (size_t)(clq_size_min(clq_size_max(parameters, 1), most) + 1);
    } else { /* one work-item more than there are eights */
        clq_cl_launch_items(&s->final, clq_size_divide_up(parameters, 8) + 1);
    }
    s->final.rounds = clq_size_max(2 * 8 * (call->direct ? 0 : call->count), call->items) / group;
}

void clq_cl_minmax_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision,
                            clq_cl_minmax_cut *s)
{
    memset(s, 0, sizeof *s);
    s->choice = decision->minmax;
    s->tuning = decision->tuning;
    s->is_trial = decision->is_trial;
    s->is_by_segments = decision->is_by_segments;
    clq_cl_tensor_describe(task, CLQ_OP_MINMAX, 0, &s->call);
    if (s->choice.variant == CLQ_VARIANT_COLUMNS) {
        cut_columns(s, context, &task->geometry);
    } else {
        cut_tasks(s, context, task);
    }
    s->workspace_bytes = s->call.items * CLQ_CL_FOUND_BYTES + s->partials * CLQ_CL_PARTIAL_BYTES;
    size_partial(s, context, &task->geometry);
    size_final(s, context);
}

/* Found, then partial ranges. */
void clq_cl_minmax_place(clq_cl_minmax_cut *s, const clq_cl_stream *stream)
{
    s->call.own = stream->workspace_offset_bytes / CLQ_CL_FOUND_BYTES;
    s->call.partial = (stream->workspace_offset_bytes + s->call.items * CLQ_CL_FOUND_BYTES) / CLQ_CL_PARTIAL_BYTES;
}

static void set_options(clq_cl_launch *launch, const clq_cl_minmax_cut *s, const clq_task *task)
{
    launch->file = s->choice.file;
    clq_cl_tensor_options(launch, clq_cl_variant_option(s->choice.variant), s->choice.vector_width,
                          s->choice.column_blocks, task->q->real);
    if (s->choice.variant != CLQ_VARIANT_RUNS) { /* kernels/runs.clh */
        clq_cl_reading_options(launch, s->tuning, s->choice.vector_width);
    }
}

static clq_status enqueue_partial(clq_cl_stream *stream, const clq_task *task, clq_cl_minmax_cut *s, clq_error *error)
{
    clq_cl_launch *launch = &s->partial;
    runs_call runs;
    clq_cl_minmax_place(s, stream);
    set_options(launch, s, task);
    launch->kernel = s->choice.kernel;
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_X].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_RANGE].object);
    clq_cl_launch_memory(launch, stream->workspace);
    clq_cl_launch_memory(launch, stream->workspace);
    clq_cl_launch_large(launch, &s->call, sizeof s->call);
    if (s->choice.variant == CLQ_VARIANT_RUNS) {
        clq_cl_runs_describe(task, CLQ_OP_MINMAX, &runs);
        clq_cl_launch_large(launch, &runs, sizeof runs);
    }
    return clq_cl_launch_enqueue(launch, stream, error);
}

clq_status clq_cl_minmax_final(clq_cl_stream *stream, const clq_task *task, clq_cl_minmax_cut *s, clq_error *error)
{
    clq_cl_launch *launch = &s->final;
    set_options(launch, s, task);
    launch->kernel = group_of(s, stream->context) > 1 ? "minmax_final_grid" : "minmax_final_strip";
    clq_cl_launch_memory(launch, stream->workspace);
    clq_cl_launch_memory(launch, stream->workspace);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_RANGE].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_NONFINITE].object);
    clq_cl_launch_large(launch, &s->call, sizeof s->call);
    return clq_cl_launch_enqueue(launch, stream, error);
}

clq_status clq_cl_minmax(clq_cl_stream *stream, const clq_task *task, clq_cl_minmax_cut *cut, clq_error *error)
{
    CLQ_TRY(enqueue_partial(stream, task, cut, error));
    return clq_cl_minmax_final(stream, task, cut, error);
}

clq_status clq_cl_minmax_partial(clq_cl_stream *stream, const clq_task *task, clq_cl_minmax_cut *cut, tensor_call *call,
                                 clq_error *error)
{
    CLQ_TRY(enqueue_partial(stream, task, cut, error));
    call->partial = cut->call.partial;
    call->own = cut->call.own;
    call->items = cut->call.items;
    call->stride = cut->call.stride;
    call->inner = cut->call.inner;
    call->count = cut->call.count;
    return CLQ_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* minmax on a device: partial ranges, then one kernel that folds them (kernels/minmax.cl). */
#include "opencl/launch/minmax.h"

#include <stdio.h>
#include <string.h>

#include "core/size.h"

enum { GROUP_SIZE = 128, TWO_VECTORS = 32, FOUND_BYTES = 16, RANGE_BYTES = 8 };

/* Elements of a piece, and groups that fold partial ranges side by side; less of both where a kernel is compared with
 * the reference on small problems (trial/cases_walk.c). */
enum { LEAST_PIECE = 8192, LEAST_PIECE_IN_TRIAL = 96, MOST_FINAL_GROUPS = 4096, MOST_FINAL_GROUPS_IN_TRIAL = 64 };

/* How a task is cut up: what the first kernel writes and how the second one finds it. */
typedef struct shape {
    clq_choice choice;
    int is_trial;
    uint64_t items; /* entries of found */
    uint64_t partials;
    uint64_t pieces, tasks, tasks_per_item; /* strip and grid */
    uint64_t line, lines_per_item;          /* columns */
    uint64_t stride, inner, count;          /* for minmax_final */
    int direct;                             /* ranges are written at once, and only the counts remain to be folded */
    size_t global[2];                       /* work-items, or work-groups of grid */
} shape;

static void shape_columns(shape *s, const clq_context *context, const clq_geometry *g)
{
    const clq_columns c = clq_columns_of(context, g, s->choice.vector_width);
    const uint64_t period = g->channels * g->row;
    s->line = c.line;
    s->lines_per_item = c.lines_per_item;
    s->global[0] = (size_t)c.across;
    s->global[1] = (size_t)c.slices;
    s->items = c.across * c.slices;
    s->partials = c.slices * c.line;
    s->stride = period;
    s->inner = g->row;
    s->count = c.slices * (c.line / period) * g->row;
}

static void shape_tasks(shape *s, const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t least_piece = s->is_trial ? LEAST_PIECE_IN_TRIAL : LEAST_PIECE;
    const uint64_t wanted = clq_cl_target_items(context);
    const uint64_t segments = g->rows * g->segments_per_row;
    uint64_t pieces = clq_size_divide_up(wanted, clq_size_max(segments, 1));
    pieces = clq_size_min(pieces, clq_size_divide_up(g->segment, least_piece));
    s->pieces = clq_size_max(pieces, 1);
    s->tasks = segments * s->pieces;
    s->items = clq_size_min(clq_size_max(s->tasks, 1), s->choice.variant == CLQ_VARIANT_GRID ? 4 * wanted : wanted);
    s->tasks_per_item = clq_size_divide_up(s->tasks, s->items);
    if (s->choice.vector_width == 16 && g->segment <= TWO_VECTORS) { /* whole sixteens: kernels/minmax_short.clh */
        s->tasks_per_item = clq_size_divide_up(s->tasks_per_item, 16) * 16;
    }
    if (s->choice.variant == CLQ_VARIANT_STRIP && s->tasks_per_item > 0) {
        s->items = clq_size_divide_up(s->tasks, s->tasks_per_item);
    }
    s->stride = g->parameters * s->pieces;
    s->inner = s->pieces;
    s->count = g->parameters == 0 ? 0 : s->tasks / g->parameters;
    s->direct = s->choice.variant == CLQ_VARIANT_STRIP && s->tasks == g->parameters && g->parameters > 1;
    s->partials = s->direct ? 0 : s->tasks;
    s->global[0] = (size_t)s->items;
    s->global[1] = 1;
}

static shape shape_of(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    shape s;
    memset(&s, 0, sizeof s);
    s.choice = decision->minmax;
    s.is_trial = decision->is_trial;
    if (s.choice.variant == CLQ_VARIANT_COLUMNS) {
        shape_columns(&s, context, &task->geometry);
    } else {
        shape_tasks(&s, context, task);
    }
    return s;
}

uint64_t clq_cl_minmax_workspace(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    const shape s = shape_of(context, task, decision);
    return s.items * FOUND_BYTES + s.partials * RANGE_BYTES;
}

static void push_scratch(clq_cl_launch *launch, const clq_cl_stream *stream, uint64_t items)
{
    clq_cl_launch_memory(launch, stream->workspace);
    clq_cl_launch_u64(launch, (stream->workspace_offset_bytes + items * FOUND_BYTES) / RANGE_BYTES);
    clq_cl_launch_memory(launch, stream->workspace);
    clq_cl_launch_u64(launch, stream->workspace_offset_bytes / FOUND_BYTES);
}

static void push_found(clq_cl_launch *launch, const clq_task *task)
{
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_RANGE].object);
    clq_cl_launch_u64(launch, task->arguments[CLQ_ARG_RANGE].offset_bytes / 4);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_NONFINITE].object);
    clq_cl_launch_u64(launch, task->arguments[CLQ_ARG_NONFINITE].offset_bytes / FOUND_BYTES);
}

static void set_options(clq_cl_launch *launch, const shape *s, const clq_task *task)
{
    const clq_dtype real = task->q->real;
    launch->file = s->choice.file;
    snprintf(launch->options, sizeof launch->options, "-DVARIANT=%d -DVECTOR_WIDTH=%u -DCOLUMN_BLOCKS=%u -DREAL=%d",
             (int)s->choice.variant + 1, (unsigned)s->choice.vector_width,
             (unsigned)clq_column_blocks(s->choice.vector_width),
             real == CLQ_F32   ? 32
             : real == CLQ_F16 ? 16
                               : 17);
}

static clq_status enqueue_partial(clq_cl_stream *stream, const clq_task *task, const shape *s, clq_error *error)
{
    const clq_geometry *g = &task->geometry;
    const clq_span *x = &task->arguments[CLQ_ARG_X];
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    set_options(&launch, s, task);
    launch.kernel = s->choice.kernel;
    clq_cl_launch_memory(&launch, x->object);
    clq_cl_launch_u64(&launch, x->offset_bytes / (task->q->real == CLQ_F32 ? 4 : 2));
    if (s->choice.variant == CLQ_VARIANT_COLUMNS) {
        clq_cl_launch_u64(&launch, g->elements);
        clq_cl_launch_u64(&launch, s->line);
        clq_cl_launch_u64(&launch, s->lines_per_item);
    } else {
        clq_cl_launch_u64(&launch, g->row);
        clq_cl_launch_u64(&launch, g->segment);
        clq_cl_launch_u64(&launch, g->segments_per_row);
        clq_cl_launch_u64(&launch, s->tasks);
        clq_cl_launch_u64(&launch, s->pieces);
        clq_cl_launch_u64(&launch, s->tasks_per_item);
    }
    push_scratch(&launch, stream, s->items);
    if (s->choice.variant == CLQ_VARIANT_STRIP) {
        clq_cl_launch_memory(&launch, task->arguments[CLQ_ARG_RANGE].object);
        clq_cl_launch_u64(&launch, task->arguments[CLQ_ARG_RANGE].offset_bytes / 4);
        clq_cl_launch_i32(&launch, s->direct);
    }
    launch.dimensions = s->choice.variant == CLQ_VARIANT_COLUMNS ? 2 : 1;
    launch.global[0] = s->global[0];
    launch.global[1] = s->global[1];
    launch.grouping = s->choice.variant == CLQ_VARIANT_GRID ? CLQ_CL_GROUPS_BUILT : CLQ_CL_GROUPS_GIVEN;
    launch.local[0] = s->choice.variant == CLQ_VARIANT_GRID ? GROUP_SIZE : 1;
    launch.local[1] = 1;
    return clq_cl_launch_enqueue(&launch, stream, error);
}

static clq_status enqueue_final(clq_cl_stream *stream, const clq_task *task, const shape *s, clq_error *error)
{
    const int tree = s->choice.variant == CLQ_VARIANT_GRID;
    const uint64_t parameters = s->direct ? 0 : task->geometry.parameters;
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    set_options(&launch, s, task);
    launch.kernel = tree ? "minmax_final_grid" : "minmax_final_strip";
    push_scratch(&launch, stream, s->items);
    clq_cl_launch_u64(&launch, s->items);
    clq_cl_launch_u64(&launch, parameters);
    clq_cl_launch_u64(&launch, s->stride);
    clq_cl_launch_u64(&launch, s->inner);
    clq_cl_launch_u64(&launch, s->count);
    push_found(&launch, task);
    if (tree) { /* at least one group for parameters, and the last for the non-finite elements */
        const uint64_t most = s->is_trial ? MOST_FINAL_GROUPS_IN_TRIAL : MOST_FINAL_GROUPS;
        launch.grouping = CLQ_CL_GROUPS_BUILT;
        launch.dimensions = 1;
        launch.local[0] = GROUP_SIZE;
        launch.global[0] = (size_t)(clq_size_min(clq_size_max(parameters, 1), most) + 1);
    } else { /* one work-item more than there are eights */
        clq_cl_launch_items(&launch, clq_size_divide_up(parameters, 8) + 1);
    }
    return clq_cl_launch_enqueue(&launch, stream, error);
}

clq_status clq_cl_minmax(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision, clq_error *error)
{
    const shape s = shape_of(stream->context, task, decision);
    CLQ_TRY(enqueue_partial(stream, task, &s, error));
    return enqueue_final(stream, task, &s, error);
}

void clq_cl_minmax_push_partial(const clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                int none, clq_cl_launch *end)
{
    const shape s = shape_of(stream->context, task, decision);
    push_scratch(end, stream, s.items);
    clq_cl_launch_u64(end, none ? 0 : s.items);
    clq_cl_launch_u64(end, none ? 0 : s.count);
    push_found(end, task);
}

clq_status clq_cl_minmax_partial(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                                 clq_error *error)
{
    const shape s = shape_of(stream->context, task, decision);
    return enqueue_partial(stream, task, &s, error);
}

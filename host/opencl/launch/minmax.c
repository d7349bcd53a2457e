/* SPDX-License-Identifier: Apache-2.0 */
/* minmax on a device: partial ranges, then one kernel that folds them (kernels/minmax.cl). */
#include "opencl/launch/minmax.h"

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

static int is_by_segments(const clq_decision *d)
{
    return d->dynamic == CLQ_DYNAMIC_BY_SEGMENTS; /* by groups that leave nothing of one but what is not finite */
}

static uint64_t items_of(const clq_context *context, const clq_decision *d, const tensor_call *call)
{
    if (d->is_trial && is_by_segments(d)) {
        return SEGMENT_GROUPS_IN_TRIAL;
    }
    return clq_size_max(clq_cl_target_items(context, d->tuning->values[CLQ_TUNE_MINMAX_ITEMS], d->is_trial),
                        clq_cl_least_items(d->most_rounds, call->elements));
}

/* Work-items that work together: those of grid, and of columns elsewhere than on CPU devices. */
static size_t group_of(const clq_cl_cut *cut)
{
    const clq_variant variant = cut->decision->minmax.variant;
    const int is_group =
        variant == CLQ_VARIANT_GRID || (variant == CLQ_VARIANT_COLUMNS && cut->context->device.type != CLQ_DEVICE_CPU);
    return is_group ? cut->decision->tuning->values[CLQ_TUNE_MINMAX_GROUP] : 1;
}

/* As many as the device has. Of a kernel it may have fewer, which is seen when that is built. */
static uint32_t own_group_of(const clq_cl_cut *cut)
{
    return (uint32_t)clq_size_max(clq_size_min(group_of(cut), cut->context->cl->maximum_group_size), 1);
}

/* Of the kernel that scans: minmax's, or the one that quantizes what it has scanned. */
static uint32_t width_of(const clq_decision *d)
{
    return is_by_segments(d) ? d->main.vector_width : d->minmax.vector_width;
}

/* Tasks that a group has at the same time; a smaller one has fewer, in more rounds. */
static uint64_t tasks_together(const clq_cl_cut *cut, const tensor_call *call)
{
    const uint32_t group = own_group_of(cut);
    return group / lanes_of_task(call, group, width_of(cut->decision));
}

/* These return how many partial ranges there are. */
static uint64_t cut_columns(const clq_cl_cut *cut, tensor_call *call)
{
    const clq_decision *d = cut->decision;
    const uint64_t items = clq_cl_column_items(cut->context, d->tuning->values[CLQ_TUNE_MINMAX_ITEMS], d->is_trial);
    const clq_columns c = clq_columns_of(cut->context, d->tuning, &cut->task->geometry, d->minmax.vector_width,
                                         d->minmax.column_blocks, items);
    const uint64_t partials = clq_cl_tensor_cut_columns(call, &c);
    /* In a trial each goes on to a second one, past those of others, who see what it leaves beyond its own. */
    call->items = clq_size_divide_up(call->tasks, (d->is_trial ? 2 : 1) * group_of(cut));
    return partials;
}

static uint64_t cut_tasks(const clq_cl_cut *cut, tensor_call *call)
{
    const clq_context *context = cut->context;
    const clq_geometry *g = &cut->task->geometry;
    const clq_decision *d = cut->decision;
    const int is_strip = d->minmax.variant != CLQ_VARIANT_GRID;
    const uint64_t least_piece = d->is_trial ? LEAST_PIECE_IN_TRIAL : d->tuning->values[CLQ_TUNE_MINMAX_PIECE];
    const uint64_t wanted = items_of(context, d, call);
    const uint64_t segments = g->rows * g->segments_per_row;
    const uint64_t most_bytes = context->device.maximum_allocation_bytes;
    uint64_t pieces = clq_size_divide_up(wanted, clq_size_max(segments, 1));
    uint64_t partials, room, together;
    pieces = clq_size_min(pieces, clq_size_divide_up(g->segment, least_piece));
    pieces = clq_size_min(pieces, clq_cl_scratch_items(context, CLQ_CL_PARTIAL_BYTES * clq_size_max(segments, 1)));
    pieces = is_by_segments(d) ? 1 : clq_size_max(pieces, 1);
    partials = clq_cl_tensor_cut(call, g, pieces, g->parameters > 1 || is_by_segments(d));
    /* What partial ranges, of which there is one for each segment, leave of a buffer. */
    room = most_bytes - clq_size_min(most_bytes, partials * CLQ_CL_PARTIAL_BYTES);
    /* A trial has groups without a task of their own, by segments every other time. */
    together = d->is_trial && !(is_by_segments(d) && d->streams) ? 1 : tasks_together(cut, call);
    call->items = clq_size_max(clq_size_divide_up(call->tasks, together), 1);
    call->items = clq_size_min(call->items, is_strip || is_by_segments(d) || !d->is_trial ? wanted : 8 * wanted);
    call->items = clq_size_min(call->items, clq_cl_scratch_items(context, CLQ_CL_FOUND_BYTES));
    call->items = clq_size_min(call->items, clq_size_max(room / CLQ_CL_FOUND_BYTES, 1));
    call->per_item = clq_size_divide_up(call->tasks, call->items * together);
    if (d->minmax.vector_width == 16 && g->segment <= TWO_VECTORS) { /* whole sixteens: kernels/minmax_short.clh */
        call->per_item = clq_size_divide_up(call->per_item, 16) * 16;
    }
    if (is_strip && call->per_item > 0) {
        call->items = clq_size_divide_up(call->tasks, call->per_item);
    }
    return partials;
}

/* Found, then partial ranges. */
void clq_cl_minmax_cut(clq_cl_cut *cut, tensor_call *call)
{
    uint64_t partials;
    clq_cl_tensor_describe(cut->task, CLQ_OP_MINMAX, 0, call);
    partials = cut->decision->minmax.variant == CLQ_VARIANT_COLUMNS ? cut_columns(cut, call) : cut_tasks(cut, call);
    cut->own_bytes = CLQ_CL_FOUND_BYTES;
    cut->partial_bytes = CLQ_CL_PARTIAL_BYTES;
    cut->workspace_bytes = call->items * CLQ_CL_FOUND_BYTES + partials * CLQ_CL_PARTIAL_BYTES;
    call->partial = call->items * (CLQ_CL_FOUND_BYTES / CLQ_CL_PARTIAL_BYTES);
}

/* In one dimension: launch/walk.c. Of the elements of an item's tasks, where it has less than one share of them. */
void clq_cl_minmax_size(const clq_cl_cut *cut, const tensor_call *call, clq_cl_launch *launch)
{
    const clq_geometry *g = &cut->task->geometry;
    const clq_choice *choice = &cut->decision->minmax;
    const size_t group = group_of(cut);
    uint64_t elements;
    launch->dimensions = 1;
    launch->global[0] = (size_t)call->items;
    launch->grouping = group > 1 ? CLQ_CL_GROUPS_BUILT : CLQ_CL_GROUPS_GIVEN;
    launch->local[0] = group;
    if (choice->variant == CLQ_VARIANT_RUNS && cut->context->device.type != CLQ_DEVICE_CPU) {
        clq_cl_launch_items(launch, call->items);
    }
    if (choice->variant == CLQ_VARIANT_COLUMNS) {
        const uint64_t tile = (uint64_t)choice->column_blocks * choice->vector_width;
        elements =
            2 * (clq_size_min(call->per_item * tile, call->elements) + tile); /* again where some is not finite */
    } else {
        const uint64_t own = clq_geometry_has_bands(g)
                                 ? clq_size_divide_up(call->band, call->channels)
                                 : clq_size_divide_up(call->segment, clq_size_max(call->pieces, 1));
        elements = call->per_item * (own * tasks_together(cut, call) / own_group_of(cut) + width_of(cut->decision));
    }
    launch->rounds = g->elements == 0 ? 0 : CLQ_CL_ELEMENT_ROUNDS * elements;
}

/* Of eight parameters' partial ranges, or of what all items found. */
static void size_final(const clq_cl_cut *cut, const tensor_call *call, clq_cl_launch *launch)
{
    const size_t group = group_of(cut);
    const uint64_t parameters = call->direct ? 0 : call->parameters;
    if (group > 1) { /* at least one group for parameters, and the last for the non-finite elements */
        const uint64_t most = cut->decision->is_trial ? MOST_FINAL_GROUPS_IN_TRIAL : MOST_FINAL_GROUPS;
        launch->grouping = CLQ_CL_GROUPS_BUILT;
        launch->dimensions = 1;
        launch->local[0] = group;
        launch->global[0] = (size_t)(clq_size_min(clq_size_max(parameters, 1), most) + 1);
    } else { /* one work-item more than there are eights */
        clq_cl_launch_items(launch, clq_size_divide_up(parameters, 8) + 1);
    }
    launch->rounds = clq_size_max(2 * 8 * (call->direct ? 0 : call->count), call->items) / own_group_of(cut);
}

static clq_cl_step *add_step(clq_cl_cut *cut, const char *kernel, const tensor_call *call)
{
    const clq_choice *choice = &cut->decision->minmax;
    clq_cl_step *step = clq_cl_cut_add(cut, choice->file, kernel);
    step->call = *call;
    clq_cl_tensor_options(&step->launch, clq_cl_variant_option(choice->variant), choice->vector_width,
                          choice->column_blocks, cut->task->q->real);
    if (choice->variant != CLQ_VARIANT_RUNS) { /* kernels/runs.clh */
        clq_cl_reading_options(&step->launch, cut->decision->tuning, choice->vector_width);
    }
    return step;
}

void clq_cl_minmax_partial(clq_cl_cut *cut, const tensor_call *call)
{
    const clq_task *task = cut->task;
    clq_cl_step *step = add_step(cut, cut->decision->minmax.kernel, call);
    clq_cl_launch *launch = &step->launch;
    clq_cl_minmax_size(cut, call, launch);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_X].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_RANGE].object);
    clq_cl_launch_workspace(launch);
    clq_cl_launch_workspace(launch);
    clq_cl_launch_large(launch, &step->call, sizeof step->call);
    if (cut->decision->minmax.variant == CLQ_VARIANT_RUNS) {
        clq_cl_runs_describe(task, CLQ_OP_MINMAX, &step->runs);
        clq_cl_launch_large(launch, &step->runs, sizeof step->runs);
    }
}

void clq_cl_minmax_final(clq_cl_cut *cut, const tensor_call *call)
{
    clq_cl_step *step = add_step(cut, group_of(cut) > 1 ? "minmax_final_grid" : "minmax_final_strip", call);
    clq_cl_launch *launch = &step->launch;
    size_final(cut, call, launch);
    clq_cl_launch_workspace(launch);
    clq_cl_launch_workspace(launch);
    clq_cl_launch_memory(launch, cut->task->arguments[CLQ_ARG_RANGE].object);
    clq_cl_launch_memory(launch, cut->task->arguments[CLQ_ARG_NONFINITE].object);
    clq_cl_launch_large(launch, &step->call, sizeof step->call);
}

void clq_cl_minmax(clq_cl_cut *cut)
{
    tensor_call call;
    clq_cl_minmax_cut(cut, &call);
    clq_cl_minmax_partial(cut, &call);
    clq_cl_minmax_final(cut, &call);
}

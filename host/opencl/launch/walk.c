/* SPDX-License-Identifier: Apache-2.0 */
/* quantize, dequantize and fake_quantize on a device: the walk of kernels/walk.clh and its sizes. */
#include "opencl/launch/cut.h"

#include "core/size.h"
#include "opencl/launch/tensor.h"

/* Vectors of a strip that streams go over in several turns (kernels/streams.clh), whatever is tuned. */
enum { LEAST_STRIP_IN_TRIAL = 256 };

/* Groups along a segment in a trial, so that one work-item has the blocks of several rounds (kernels/walk.clh). */
enum { GROUPS_ALONG_IN_TRIAL = 2 };

/* The blocks of a short segment that an item takes, which are under way together (kernels/walk.clh). */
enum { ITEM_BLOCKS = 4, LEAST_ALONG = 8 };

/* With fewer elements in a piece of a strided tensor, the work-items of a group have too little each. */
enum { SHORT_PIECE = 16 };

/* The work-items, or groups, that a launch has at most. */
static uint64_t items_of(const clq_context *context, const tensor_call *call, const clq_decision *decision)
{
    return clq_size_max(clq_cl_target_items(context, decision->tuning->values[CLQ_TUNE_WALK_ITEMS], decision->is_trial),
                        clq_cl_least_items(decision->most_rounds, call->elements));
}

static uint64_t segments_of(const tensor_call *call)
{
    return call->elements / call->row * call->segments_per_row;
}

/* CPU: a strip per work-item, each a work-group of its own, so that a thread reads memory in order. Else: a few blocks.
 */
static void size_strip(clq_cl_launch *launch, tensor_call *call, const clq_context *context,
                       const clq_decision *decision)
{
    const uint32_t width = decision->main.vector_width;
    const int is_cpu = context->device.type == CLQ_DEVICE_CPU;
    const uint64_t blocks = clq_size_divide_up(call->elements, width);
    const uint64_t tuned = decision->tuning->values[CLQ_TUNE_WALK_STRIP];
    const uint64_t least = decision->is_trial && width == 16 ? clq_size_max(tuned, LEAST_STRIP_IN_TRIAL) : tuned;
    uint64_t per_item = is_cpu ? clq_size_divide_up(blocks, items_of(context, call, decision)) : least;
    per_item = clq_size_max(per_item, least);
    call->per_item = per_item * width;
    clq_cl_launch_items(launch, clq_size_divide_up(blocks, per_item));
    launch->rounds = CLQ_CL_ELEMENT_ROUNDS * clq_size_min(call->per_item, call->elements);
    if (is_cpu) {
        launch->local[0] = 1;
    }
}

/*
 * Items along a piece for ITEM_BLOCKS blocks each, and whole work-groups along one that has many; `pieces` side by
 * side. With few blocks there are items for each, so that what LEAST_ALONG of them store is as wide as memory takes it.
 */
static void size_grid(clq_cl_launch *launch, tensor_call *call, uint64_t piece, uint64_t pieces,
                      const clq_context *context, const clq_decision *decision)
{
    const uint64_t group = decision->tuning->values[CLQ_TUNE_WALK_GROUP]; /* a power of two */
    const uint64_t blocks = clq_size_divide_up(piece, decision->main.vector_width);
    const uint64_t groups = items_of(context, call, decision);
    const uint64_t most_along = decision->is_trial ? clq_size_min(groups, GROUPS_ALONG_IN_TRIAL) : groups;
    const uint64_t least_along = clq_size_max(clq_size_divide_up(blocks, group * ITEM_BLOCKS), groups / pieces);
    const uint64_t groups_along =
        clq_size_min(clq_size_divide_up(blocks, group), clq_size_min(least_along, most_along));
    uint64_t along = 1;
    while (along < group && (along < LEAST_ALONG ? along < blocks : along * ITEM_BLOCKS < blocks)) {
        along *= 2;
    }
    call->across = along * groups_along;
    /* In a trial work-items go on to other pieces, however many of them stand side by side. */
    call->tasks = clq_size_min(decision->is_trial ? clq_size_divide_up(pieces, 3) : pieces,
                               clq_size_max(groups / groups_along, 1) * (group / along));
    launch->grouping = CLQ_CL_GROUPS_OF_ITEMS;
    launch->dimensions = 1; /* PoCL compiles a kernel anew for each shape of its groups */
    launch->global[0] = (size_t)(call->across * call->tasks);
    launch->local[0] = (size_t)group;
    /* Of a piece or two blocks, in so many pieces. */
    launch->rounds = CLQ_CL_ELEMENT_ROUNDS * clq_size_divide_up(pieces, clq_size_max(call->tasks, 1)) *
                     (clq_size_divide_up(piece, call->across) + decision->main.vector_width);
}

/* In order on CPU devices, and where pieces have too few elements for several work-items. */
static void size_runs(clq_cl_launch *launch, tensor_call *call, const runs_call *runs, const clq_context *context,
                      const clq_decision *decision)
{
    const uint64_t piece = clq_size_min(runs->run, call->segment);
    if (context->device.type == CLQ_DEVICE_CPU || decision->main.vector_width == 16 || piece < SHORT_PIECE) {
        size_strip(launch, call, context, decision);
    } else {
        size_grid(launch, call, piece, runs->run < call->segment ? runs->count : segments_of(call), context, decision);
    }
}

static void size_columns(clq_cl_launch *launch, tensor_call *call, const clq_context *context, const clq_geometry *g,
                         const clq_decision *decision)
{
    const clq_choice *choice = &decision->main;
    const uint64_t tile = (uint64_t)choice->column_blocks * choice->vector_width;
    const uint64_t items =
        clq_cl_column_items(context, decision->tuning->values[CLQ_TUNE_WALK_ITEMS], decision->is_trial);
    const clq_columns c =
        clq_columns_of(context, decision->tuning, g, choice->vector_width, choice->column_blocks, items);
    (void)clq_cl_tensor_cut_columns(call, &c);
    launch->dimensions = 1; /* a second one has at most 65535 groups where CUDA is behind it, and bands may be more */
    launch->global[0] = (size_t)call->tasks;
    launch->local[0] = 1;
    /* Lines, and getting ready for them. */
    launch->rounds = CLQ_CL_ELEMENT_ROUNDS * (clq_size_min(call->per_item * tile, call->elements) + 2 * tile);
    if (context->device.type != CLQ_DEVICE_CPU) {
        launch->grouping = CLQ_CL_GROUPS_OF_ITEMS;
        launch->local[0] = decision->tuning->values[CLQ_TUNE_WALK_GROUP];
    }
}

/* The sizes of the launch, and how its call is cut by them. */
static void size_launch(const clq_cl_cut *cut, clq_cl_step *step)
{
    clq_cl_launch *launch = &step->launch;
    tensor_call *call = &step->call;
    switch (cut->decision->main.variant) {
    case CLQ_VARIANT_STRIP:
        size_strip(launch, call, cut->context, cut->decision);
        break;
    case CLQ_VARIANT_GRID:
        size_grid(launch, call, call->segment, segments_of(call), cut->context, cut->decision);
        break;
    case CLQ_VARIANT_RUNS:
        size_runs(launch, call, &step->runs, cut->context, cut->decision);
        break;
    default:
        size_columns(launch, call, cut->context, &cut->task->geometry, cut->decision);
    }
}

void clq_cl_elementwise(clq_cl_cut *cut)
{
    const clq_task *task = cut->task;
    const clq_choice *choice = &cut->decision->main;
    const clq_operation operation = choice->operation;
    const int has_runs = choice->variant == CLQ_VARIANT_RUNS;
    clq_cl_step *step;
    clq_cl_launch *launch;
    if (task->geometry.elements == 0) {
        return;
    }
    step = clq_cl_cut_add(cut, choice->file, choice->kernel);
    launch = &step->launch;
    clq_cl_tensor_describe(task, operation, clq_cl_is_large(cut->context, task, cut->decision, operation), &step->call);
    if (has_runs) {
        clq_cl_runs_describe(task, operation, &step->runs);
    }
    size_launch(cut, step);
    clq_cl_tensor_options(launch, clq_cl_variant_option(choice->variant), choice->vector_width, choice->column_blocks,
                          task->q->real);
    if (!has_runs) { /* which ask for the next run, not for what lies behind this one */
        clq_cl_reading_options(launch, cut->decision->tuning, choice->vector_width);
    }
    /* The way there and back in one pass stores no codes: one program serves all their types. */
    clq_cl_code_options(launch, operation == CLQ_OP_FAKE_QUANTIZE ? CLQ_S8 : task->q->scheme.dtype);
    clq_cl_launch_memory(launch, task->arguments[clq_cl_source_of(operation)].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_SCALE].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_ZERO_POINT].object);
    clq_cl_launch_memory(launch, task->arguments[clq_cl_target_of(operation)].object);
    clq_cl_launch_large(launch, &step->call, sizeof step->call);
    if (has_runs) {
        clq_cl_launch_large(launch, &step->runs, sizeof step->runs);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic quantization by kernels of its own. On a CPU device one, or minmax's first and one that does the rest
 * (kernels/dynamic.cl); elsewhere one, and minmax's second where several groups have found what is not finite
 * (kernels/dynamic_grid.cl).
 */
#include "opencl/launch/cut.h"

#include "core/size.h"
#include "opencl/launch/minmax.h"
#include "opencl/launch/tensor.h"

/* The loops of a parameter that has less than a vector of elements: as many as of so many elements. */
enum { PARAMETER_ELEMENTS = 4 * 16 };

/*
 * Elements of a strip: whole blocks of an even number. A work-item chooses the parameter anew, and the least strip
 * makes that small.
 */
static uint64_t strip_of(const clq_context *context, const clq_cl_tuning *tuning, uint64_t elements)
{
    const uint64_t items = clq_cl_target_items(context, tuning->values[CLQ_TUNE_WALK_ITEMS], 0);
    const uint64_t strip = clq_size_divide_up(elements, items);
    const uint64_t share = clq_size_divide_up(elements, 2 * clq_size_max(context->device.compute_units, 1));
    const uint64_t least = clq_size_min(tuning->values[CLQ_TUNE_DYNAMIC_STRIP], clq_size_max(share, 4096));
    return clq_size_divide_up(clq_size_max(strip, least), 4096) * 4096;
}

/* Of `scratch` arguments in scratch memory. */
static clq_cl_step *add_step(clq_cl_cut *cut, const char *kernel, int scratch)
{
    static const clq_argument operands[] = {CLQ_ARG_X,     CLQ_ARG_RANGE,      CLQ_ARG_NONFINITE,
                                            CLQ_ARG_SCALE, CLQ_ARG_ZERO_POINT, CLQ_ARG_CODES};
    const clq_task *task = cut->task;
    const clq_choice *choice = &cut->decision->main;
    clq_cl_step *step = clq_cl_cut_add(cut, choice->file, kernel);
    clq_cl_launch *launch = &step->launch;
    clq_cl_tensor_describe(task, CLQ_OP_DYNAMIC_QUANTIZE,
                           clq_cl_is_large(cut->context, task, cut->decision, CLQ_OP_DYNAMIC_QUANTIZE), &step->call);
    clq_cl_scheme_describe(&task->q->scheme, &step->scheme);
    clq_cl_tensor_options(launch, VARIANT_NONE, choice->vector_width, choice->column_blocks, task->q->real);
    clq_cl_reading_options(launch, cut->decision->tuning, choice->vector_width);
    clq_cl_code_options(launch, task->q->scheme.dtype);
    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {
        clq_cl_launch_memory(launch, task->arguments[operands[i]].object);
    }
    for (int i = 0; i < scratch; i++) {
        clq_cl_launch_workspace(launch);
    }
    clq_cl_launch_large(launch, &step->call, sizeof step->call);
    clq_cl_launch_large(launch, &step->scheme, sizeof step->scheme);
    return step;
}

/* Each goes over its strip twice. */
static void size_strips(clq_cl_step *step, const clq_geometry *g, uint64_t strip)
{
    step->call.per_item = strip;
    step->launch.dimensions = 1;
    step->launch.global[0] = (size_t)clq_size_divide_up(g->elements, strip);
    step->launch.local[0] = 1;
    step->launch.rounds = 2 * CLQ_CL_ELEMENT_ROUNDS * (strip + PARAMETER_ELEMENTS * g->parameters);
}

static void add_alone(clq_cl_cut *cut)
{
    const clq_geometry *g = &cut->task->geometry;
    clq_cl_step *step = add_step(cut, "dynamic_alone", 0);
    (void)clq_cl_tensor_cut(&step->call, g, 1, 1);
    size_strips(step, g, g->elements);
}

/* A work-item folds the partial ranges before its strip: in place of minmax's second launch. */
static void add_strips(clq_cl_cut *cut)
{
    const clq_geometry *g = &cut->task->geometry;
    tensor_call ranges;
    clq_cl_step *step;
    clq_cl_minmax_cut(cut, &ranges);
    clq_cl_minmax_partial(cut, &ranges);
    step = add_step(cut, cut->decision->main.kernel, 2); /* partial ranges, and what was found */
    size_strips(step, g, strip_of(cut->context, cut->decision->tuning, g->elements));
    step->launch.rounds = clq_size_max(step->launch.rounds, 2 * 8 * ranges.count);
    step->call.partial = ranges.partial;
    step->call.items = ranges.items;
    step->call.stride = ranges.stride;
    step->call.inner = ranges.inner;
    step->call.count = ranges.count;
}

/* As minmax's first kernel, and then over the elements again; a group that is alone sums up nobody else's. */
static void add_segments(clq_cl_cut *cut)
{
    tensor_call ranges;
    clq_cl_step *step;
    clq_cl_minmax_cut(cut, &ranges);
    step = add_step(cut, cut->decision->main.kernel, 1); /* what was found */
    (void)clq_cl_tensor_cut(&step->call, &cut->task->geometry, 1, 1);
    clq_cl_minmax_size(cut, &ranges, &step->launch);
    step->launch.rounds = 2 * step->launch.rounds + CLQ_CL_ELEMENT_ROUNDS * PARAMETER_ELEMENTS * ranges.per_item;
    if (ranges.items > 1) {
        clq_cl_minmax_final(cut, &ranges);
    }
}

void clq_cl_dynamic(clq_cl_cut *cut)
{
    switch (cut->decision->dynamic) {
    case CLQ_DYNAMIC_IN_STEPS:
        clq_cl_minmax(cut);
        clq_cl_choose_parameters(cut);
        clq_cl_elementwise(cut);
        break;
    case CLQ_DYNAMIC_ALONE:
        add_alone(cut);
        break;
    case CLQ_DYNAMIC_BY_STRIPS:
        add_strips(cut);
        break;
    case CLQ_DYNAMIC_BY_SEGMENTS:
        add_segments(cut);
        break;
    }
}

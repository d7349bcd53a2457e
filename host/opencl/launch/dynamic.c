/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic quantization by kernels of its own. On a CPU device one, or minmax's first and one that does the rest
 * (kernels/dynamic.cl); elsewhere one, and minmax's second where several groups have found what is not finite
 * (kernels/dynamic_grid.cl).
 */
#include "opencl/launch/dynamic.h"

#include <string.h>

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

/* As minmax's first kernel, and then over the elements again. */
static void cut_segments(const clq_cl_minmax_cut *minmax, clq_cl_dynamic_cut *cut)
{
    cut->launch = minmax->partial;
    cut->launch.rounds =
        2 * minmax->partial.rounds + CLQ_CL_ELEMENT_ROUNDS * PARAMETER_ELEMENTS * minmax->call.per_item;
}

/* Alone, a work-item goes over them twice; else it folds the partial ranges before its strip. */
static void cut_strips(const clq_context *context, const clq_geometry *g, const clq_decision *decision,
                       clq_cl_dynamic_cut *cut)
{
    cut->strip = decision->is_alone ? g->elements : strip_of(context, decision->tuning, g->elements);
    cut->launch.dimensions = 1;
    cut->launch.global[0] = (size_t)clq_size_divide_up(g->elements, cut->strip);
    cut->launch.local[0] = 1;
    cut->launch.rounds = 2 * CLQ_CL_ELEMENT_ROUNDS * (cut->strip + PARAMETER_ELEMENTS * g->parameters);
}

void clq_cl_dynamic_cut_make(const clq_context *context, const clq_task *task, const clq_decision *decision,
                             const clq_cl_minmax_cut *minmax, clq_cl_dynamic_cut *cut)
{
    memset(cut, 0, sizeof *cut);
    if (decision->is_by_segments) {
        cut_segments(minmax, cut);
    } else {
        cut_strips(context, &task->geometry, decision, cut);
    }
}

clq_status clq_cl_dynamic(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                          clq_cl_minmax_cut *minmax, clq_cl_dynamic_cut *cut, clq_error *error)
{
    static const clq_argument operands[] = {CLQ_ARG_X,     CLQ_ARG_RANGE,      CLQ_ARG_NONFINITE,
                                            CLQ_ARG_SCALE, CLQ_ARG_ZERO_POINT, CLQ_ARG_CODES};
    /* Partial ranges, and what was found. */
    const int scratch = decision->is_alone ? 0 : decision->is_by_segments ? 1 : 2;
    clq_cl_launch *launch = &cut->launch;
    tensor_call call;
    scheme_call scheme;
    clq_cl_tensor_describe(task, CLQ_OP_DYNAMIC_QUANTIZE,
                           clq_cl_is_large(stream->context, task, decision, CLQ_OP_DYNAMIC_QUANTIZE), &call);
    clq_cl_scheme_describe(&task->q->scheme, &scheme);
    call.per_item = cut->strip;
    if (decision->is_alone || decision->is_by_segments) {
        (void)clq_cl_tensor_cut(&call, &task->geometry, 1, 1);
    } else {
        CLQ_TRY(clq_cl_minmax_partial(stream, task, minmax, &call, error));
    }
    if (decision->is_by_segments) {
        clq_cl_minmax_place(minmax, stream);
        call.own = minmax->call.own;
    }
    launch->file = decision->main.file;
    launch->kernel = decision->is_alone ? "dynamic_alone" : decision->main.kernel;
    clq_cl_tensor_options(launch, VARIANT_NONE, decision->main.vector_width, decision->main.column_blocks,
                          task->q->real);
    clq_cl_reading_options(launch, decision->tuning, decision->main.vector_width);
    clq_cl_code_options(launch, task->q->scheme.dtype);
    for (size_t i = 0; i < sizeof operands / sizeof operands[0]; i++) {
        clq_cl_launch_memory(launch, task->arguments[operands[i]].object);
    }
    for (int i = 0; i < scratch; i++) {
        clq_cl_launch_memory(launch, stream->workspace);
    }
    clq_cl_launch_large(launch, &call, sizeof call);
    clq_cl_launch_large(launch, &scheme, sizeof scheme);
    CLQ_TRY(clq_cl_launch_enqueue(launch, stream, error));
    return decision->is_by_segments && minmax->call.items > 1 ? clq_cl_minmax_final(stream, task, minmax, error)
                                                              : CLQ_OK;
}

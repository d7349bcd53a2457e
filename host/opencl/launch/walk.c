/* SPDX-License-Identifier: Apache-2.0 */
/* quantize, dequantize and fake_quantize on a device: the walk of kernels/walk.clh and its sizes. */
#include "opencl/launch/walk.h"

#include <stdio.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"

/* As kernels/walk.clh and its includes have them. */
enum { MODE_ROUND_AWAY = 1, MODE_ZERO_POINT_BEFORE = 2, MODE_RECIPROCAL = 4, MODE_STREAM = 8 };

int clq_cl_real_option(clq_dtype real)
{
    return real == CLQ_F32 ? 32 : real == CLQ_F16 ? 16 : 17;
}

int32_t clq_cl_mode_of(const clq_scheme *s, int is_large)
{
    return (s->rounding == CLQ_ROUND_AWAY ? MODE_ROUND_AWAY : 0) |
           (s->zero_point_order == CLQ_ZERO_POINT_BEFORE ? MODE_ZERO_POINT_BEFORE : 0) |
           (s->arithmetic == CLQ_RECIPROCAL ? MODE_RECIPROCAL : 0) | (is_large ? MODE_STREAM : 0);
}

static void push_span(clq_cl_launch *launch, const clq_span *span, uint32_t element_bits)
{
    clq_cl_launch_memory(launch, span->object);
    clq_cl_launch_u64(launch, span->offset_bytes * 8 / element_bits);
}

/* Whether source and target together are more than the device's cache holds, so that writing past it gains. */
static int is_large(const clq_context *context, const clq_task *task, clq_argument source, clq_argument target)
{
    const uint64_t bytes = clq_argument_bytes(task, source) + clq_argument_bytes(task, target);
    return bytes > context->cl->cache_bytes;
}

int32_t clq_cl_walk_mode(const clq_context *context, const clq_task *task, const clq_decision *decision,
                         clq_argument source, clq_argument target)
{
    return clq_cl_mode_of(&task->q->scheme, decision->streams || is_large(context, task, source, target));
}

void clq_cl_walk_options(clq_cl_launch *launch, int variant, uint32_t vector_width, uint32_t column_blocks,
                         clq_dtype real, clq_dtype dtype)
{
    snprintf(launch->options, sizeof launch->options,
             "-DVARIANT=%d -DVECTOR_WIDTH=%u -DCOLUMN_BLOCKS=%u -DREAL=%d -DCODE_BITS=%u -DCODE_SIGNED=%d", variant + 1,
             (unsigned)vector_width, (unsigned)column_blocks, clq_cl_real_option(real), (unsigned)clq_dtype_bits(dtype),
             clq_dtype_facts_of(dtype)->qmin < 0);
}

static void push_walk(clq_cl_launch *launch, const clq_context *context, const clq_task *task,
                      const clq_decision *decision, clq_argument source, clq_argument target)
{
    const clq_geometry *g = &task->geometry;
    const clq_scheme *s = &task->q->scheme;
    const uint32_t real_bits = clq_dtype_bits(task->q->real);
    const uint32_t code_bits = clq_dtype_bits(s->dtype);
    push_span(launch, &task->arguments[source], source == CLQ_ARG_CODES ? code_bits : real_bits);
    push_span(launch, &task->arguments[CLQ_ARG_SCALE], 32);
    push_span(launch, &task->arguments[CLQ_ARG_ZERO_POINT], 32);
    push_span(launch, &task->arguments[target], target == CLQ_ARG_CODES ? code_bits : real_bits);
    clq_cl_launch_u64(launch, g->elements);
    clq_cl_launch_u64(launch, g->row);
    clq_cl_launch_u64(launch, g->segment);
    clq_cl_launch_u64(launch, g->segments_per_row);
    clq_cl_launch_u64(launch, g->channels);
    clq_cl_launch_i32(launch, clq_cl_walk_mode(context, task, decision, source, target));
    clq_cl_launch_i32(launch, s->qmin);
    clq_cl_launch_i32(launch, s->qmax);
}

/* CPU: a strip per work-item, each a work-group of its own, so that a thread reads memory in order. Else: a few blocks.
 */
static void size_strip(clq_cl_launch *launch, const clq_context *context, const clq_geometry *g, uint32_t width)
{
    const int is_cpu = context->device.type == CLQ_DEVICE_CPU;
    const uint64_t blocks = clq_size_divide_up(g->elements, width);
    const uint64_t least = is_cpu ? 256 : 4;
    uint64_t per_item = is_cpu ? clq_size_divide_up(blocks, clq_cl_target_items(context)) : least;
    per_item = clq_size_max(per_item, least);
    clq_cl_launch_u64(launch, per_item * width);
    clq_cl_launch_items(launch, clq_size_divide_up(blocks, per_item));
    if (is_cpu) {
        launch->local[0] = 1;
    }
}

/* A work-group of up to 128: as many along a segment as it has blocks, the rest across segments. */
static void size_grid(clq_cl_launch *launch, const clq_context *context, const clq_geometry *g, uint32_t width)
{
    const uint64_t blocks = clq_size_divide_up(g->segment, width);
    const uint64_t segments = g->rows * g->segments_per_row;
    const uint64_t groups = clq_cl_target_items(context);
    uint64_t across;
    uint64_t along = 1;
    uint64_t groups_along;
    while (along < 128 && along < blocks) {
        along *= 2;
    }
    across = 128 / along;
    groups_along = clq_size_min(clq_size_divide_up(blocks, along), groups);
    launch->grouping = CLQ_CL_GROUPS_OF_ITEMS;
    launch->dimensions = 2;
    launch->local[0] = (size_t)along;
    launch->local[1] = (size_t)across;
    launch->global[0] = (size_t)(along * groups_along);
    launch->global[1] = (size_t)(across * clq_size_min(clq_size_divide_up(segments, across),
                                                       clq_size_max(clq_size_divide_up(groups, groups_along), 1)));
}

static void size_columns(clq_cl_launch *launch, const clq_context *context, const clq_geometry *g,
                         const clq_choice *choice)
{
    const clq_columns c = clq_columns_in_blocks(context, g, choice->vector_width, choice->column_blocks);
    clq_cl_launch_u64(launch, c.line);
    clq_cl_launch_u64(launch, c.lines_per_item);
    launch->dimensions = 2;
    launch->global[0] = (size_t)c.across;
    launch->global[1] = (size_t)c.slices;
    launch->local[0] = 1;
    launch->local[1] = 1;
}

clq_status clq_cl_elementwise(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision,
                              clq_error *error)
{
    const clq_choice *choice = &decision->main;
    const clq_operation operation = choice->operation;
    clq_cl_launch launch;
    /* The way there and back in one pass stores no codes: one program serves all their types. */
    const clq_dtype dtype = operation == CLQ_OP_FAKE_QUANTIZE ? CLQ_S8 : task->q->scheme.dtype;
    const clq_argument source = operation == CLQ_OP_DEQUANTIZE ? CLQ_ARG_CODES : CLQ_ARG_X;
    const clq_argument target = operation == CLQ_OP_QUANTIZE ? CLQ_ARG_CODES : CLQ_ARG_Y;
    if (task->geometry.elements == 0) {
        return CLQ_OK;
    }
    memset(&launch, 0, sizeof launch);
    launch.file = choice->file;
    launch.kernel = choice->kernel;
    clq_cl_walk_options(&launch, (int)choice->variant, choice->vector_width, choice->column_blocks, task->q->real,
                        dtype);
    push_walk(&launch, stream->context, task, decision, source, target);
    if (choice->variant == CLQ_VARIANT_STRIP) {
        size_strip(&launch, stream->context, &task->geometry, choice->vector_width);
    } else if (choice->variant == CLQ_VARIANT_GRID) {
        size_grid(&launch, stream->context, &task->geometry, choice->vector_width);
    } else {
        size_columns(&launch, stream->context, &task->geometry, choice);
    }
    return clq_cl_launch_enqueue(&launch, stream, error);
}

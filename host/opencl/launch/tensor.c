/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/tensor.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"

/* Host and device agree where nothing is padded: a compiler that pads would do so before the 32-bit members or behind
 * them. All arguments of a kernel together fit what every device takes (CL_DEVICE_MAX_PARAMETER_SIZE). */
_Static_assert(offsetof(tensor_call, direct) == 29 * sizeof(cl_ulong), "tensor_call has 29 64-bit members in a row");
_Static_assert(offsetof(tensor_call, unused) == sizeof(tensor_call) - sizeof(cl_uint),
               "tensor_call ends without padding");
_Static_assert(sizeof(tensor_call) == TENSOR_CALL_BYTES, "tensor_call has no padding");
_Static_assert(offsetof(scheme_call, qmin) == 3 * sizeof(cl_ulong), "scheme_call has three 64-bit members in a row");
_Static_assert(sizeof(scheme_call) == SCHEME_CALL_BYTES, "scheme_call has no padding");
_Static_assert(RUN_DIMENSIONS == CLQ_MAX_RANK, "runs_call has room for every run (core/strides.h)");
_Static_assert(sizeof(tensor_call) + sizeof(runs_call) + CLQ_CL_MAX_ARGUMENTS * sizeof(cl_mem) <= 1024,
               "nor has one for strided tensors");
_Static_assert(sizeof(tensor_call) + sizeof(scheme_call) + CLQ_CL_MAX_ARGUMENTS * sizeof(cl_mem) <= 1024,
               "no kernel has more bytes of arguments than a full profile promises");

/* What kernels/shared.h repeats of the public headers. */
_Static_assert((int)CLQ_ZERO_POINT_FIXED == RULE_FIXED && (int)CLQ_ZERO_POINT_FROM_MAX == RULE_FROM_MAX &&
                   (int)CLQ_ZERO_POINT_FROM_MIN == RULE_FROM_MIN &&
                   (int)CLQ_ZERO_POINT_LESSER_ERROR == RULE_LESSER_ERROR &&
                   (int)CLQ_ZERO_POINT_FROM_QUOTIENT == RULE_FROM_QUOTIENT,
               "RULE_* are the values of clq_zero_point_rule");
_Static_assert((int)CLQ_DEGENERATE_UNIT_SCALE == DEGENERATE_UNIT_SCALE &&
                   (int)CLQ_DEGENERATE_UNIT_WIDTH == DEGENERATE_UNIT_WIDTH,
               "DEGENERATE_* are the values of clq_degenerate");
_Static_assert((int)CLQ_PARAMETERS_DOUBLE == PRECISION_DOUBLE && (int)CLQ_PARAMETERS_SINGLE == PRECISION_SINGLE,
               "PRECISION_* are the values of clq_parameter_precision");
_Static_assert((int)CLQ_HISTOGRAM_BINS == HISTOGRAM_BINS && (int)CLQ_HISTOGRAM_SIGNED_BINS == HISTOGRAM_SIGNED_BINS,
               "HISTOGRAM_BINS and HISTOGRAM_SIGNED_BINS are those of clquant/calibration.h");

clq_argument clq_cl_source_of(clq_operation operation)
{
    return operation == CLQ_OP_DEQUANTIZE ? CLQ_ARG_CODES : CLQ_ARG_X;
}

clq_argument clq_cl_target_of(clq_operation operation)
{
    switch (operation) {
    case CLQ_OP_QUANTIZE:
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return CLQ_ARG_CODES;
    case CLQ_OP_HISTOGRAM:
        return CLQ_ARG_COUNTS;
    case CLQ_OP_MERGE_RANGE:
        return CLQ_ARG_STATE;
    default:
        return CLQ_ARG_Y;
    }
}

uint64_t clq_cl_moved_bytes(const clq_task *task, clq_operation operation)
{
    return clq_argument_bytes(task, clq_cl_source_of(operation)) +
           clq_argument_bytes(task, clq_cl_target_of(operation));
}

uint64_t clq_cl_large_bytes(const clq_context *context, const clq_cl_tuning *tuning)
{
    const uint64_t units = clq_size_max(context->device.compute_units, 1);
    const uint64_t tuned = units * tuning->values[CLQ_TUNE_WALK_STREAM] << 20;
    return tuned == 0 ? context->cl->cache_bytes : clq_size_min(context->cl->cache_bytes, tuned);
}

int clq_cl_is_large(const clq_context *context, const clq_task *task, const clq_decision *decision,
                    clq_operation operation)
{
    return decision->streams || clq_cl_moved_bytes(task, operation) > clq_cl_large_bytes(context, decision->tuning);
}

/* Where an operand begins, in elements of what is stored there. */
static uint64_t element_offset(const clq_task *task, clq_argument argument)
{
    const clq_span *span = &task->arguments[argument];
    uint32_t bits = 32;
    if (span->object == NULL) {
        return 0;
    }
    if (argument == CLQ_ARG_CODES) {
        bits = clq_dtype_bits(task->q->scheme.dtype);
    } else if (argument == CLQ_ARG_X || argument == CLQ_ARG_Y) {
        bits = clq_dtype_bits(task->q->real);
    } else if (argument == CLQ_ARG_NONFINITE) {
        bits = 8 * CLQ_CL_FOUND_BYTES;
    } else if (argument == CLQ_ARG_COUNTS) {
        bits = 64;
    }
    return span->offset_bytes * 8 / bits;
}

static int32_t mode_of(const clq_scheme *s, int is_large)
{
    return (s->rounding == CLQ_ROUND_AWAY ? MODE_ROUND_AWAY : 0) |
           (s->zero_point_order == CLQ_ZERO_POINT_BEFORE ? MODE_ZERO_POINT_BEFORE : 0) |
           (s->arithmetic == CLQ_RECIPROCAL ? MODE_RECIPROCAL : 0) | (is_large ? MODE_STREAM : 0);
}

void clq_cl_tensor_describe(const clq_task *task, clq_operation operation, int is_large, tensor_call *call)
{
    const clq_geometry *g = &task->geometry;
    memset(call, 0, sizeof *call);
    call->source = element_offset(task, clq_cl_source_of(operation));
    call->target = element_offset(task, clq_cl_target_of(operation));
    call->scale = element_offset(task, CLQ_ARG_SCALE);
    call->zero_point = element_offset(task, CLQ_ARG_ZERO_POINT);
    call->range = element_offset(task, CLQ_ARG_RANGE);
    call->nonfinite = element_offset(task, CLQ_ARG_NONFINITE);
    call->averaging = element_offset(task, CLQ_ARG_AVERAGING);
    call->elements = g->elements;
    call->row = g->row;
    call->segment = g->segment;
    call->segments_per_row = g->segments_per_row;
    call->channels = g->channels;
    call->parameters = g->parameters;
    call->slab = g->slab;
    call->band = g->band;
    call->bands = g->bands_per_slab;
    call->first_run = RUN_NONE;
    call->mode = mode_of(&task->q->scheme, is_large);
    call->qmin = task->q->scheme.qmin;
    call->qmax = task->q->scheme.qmax;
}

static int is_in_blocks(const clq_run_side *side, uint32_t dimension)
{
    return side->block > 1 && side->blocked == dimension;
}

static void describe_side(const clq_run_side *side, run_side *call)
{
    call->step = side->step;
    call->block = side->block;
    call->lane = side->lane;
    memcpy(call->strides, side->strides, sizeof call->strides);
    call->blocked = side->blocked;
    call->is_ordered = (cl_uint)side->is_ordered;
}

void clq_cl_runs_describe(const clq_task *task, clq_operation operation, runs_call *call)
{
    const clq_task step = clq_task_step(task, operation);
    clq_runs runs;
    uint32_t last;
    clq_task_runs(&step, &runs);
    last = runs.dimensions - 1; /* if any */
    memset(call, 0, sizeof *call);
    call->run = runs.run;
    call->count = runs.count;
    memcpy(call->extents, runs.extents, sizeof call->extents);
    describe_side(&runs.left, &call->source);
    describe_side(&runs.right, &call->target);
    call->dimensions = runs.dimensions;
    call->together = 1;
    if (runs.dimensions > 0 && !is_in_blocks(&runs.left, last) && !is_in_blocks(&runs.right, last)) {
        call->together = runs.extents[last];
        call->source.next = runs.left.strides[last];
        call->target.next = runs.right.strides[last];
    }
}

uint64_t clq_cl_tensor_cut(tensor_call *call, const clq_geometry *g, uint64_t pieces, int may_be_direct)
{
    if (clq_geometry_has_bands(g)) { /* elements of a parameter lie apart: a task is all of them (kernels/minmax.cl) */
        call->pieces = 1;
        call->tasks = g->parameters;
        call->direct = 1;
        return 0;
    }
    call->pieces = pieces;
    call->tasks = g->rows * g->segments_per_row * pieces;
    call->stride = g->parameters * pieces;
    call->inner = pieces;
    call->count = g->parameters == 0 ? 0 : call->tasks / g->parameters;
    call->direct = may_be_direct && call->tasks == g->parameters;
    return call->direct ? 0 : call->tasks;
}

uint64_t clq_cl_tensor_cut_columns(tensor_call *call, const clq_columns *columns)
{
    call->line = columns->line;
    call->per_item = columns->lines_per_item;
    call->across = columns->across;
    call->tasks = columns->across * columns->slices;
    call->slices = columns->slices_per_band;
    call->stride = call->channels * call->row;
    call->inner = call->row;
    call->count = columns->slices_per_band * columns->periods * call->row;
    return columns->slices * columns->line;
}

void clq_cl_scheme_describe(const clq_scheme *s, scheme_call *call)
{
    memset(call, 0, sizeof *call);
    memcpy(&call->divisor, &s->divisor, sizeof call->divisor);
    memcpy(&call->minimum_width, &s->minimum_width, sizeof call->minimum_width);
    memcpy(&call->minimum_scale, &s->minimum_scale, sizeof call->minimum_scale);
    call->qmin = s->qmin;
    call->qmax = s->qmax;
    call->symmetric = s->symmetric;
    call->widen_to_zero = s->widen_to_zero;
    call->rule = (cl_int)s->zero_point_rule;
    call->zero_point_fixed = s->zero_point_fixed;
    call->zero_point_rounding = (cl_int)s->zero_point_rounding;
    call->zero_point_clamp = s->zero_point_clamp;
    call->zero_point_min = s->zero_point_min;
    call->zero_point_max = s->zero_point_max;
    call->precision = (cl_int)s->precision;
    call->degenerate = (cl_int)s->degenerate;
}

/* ---- build options ---- */

int clq_cl_real_option(clq_dtype real)
{
    return real == CLQ_F32 ? REAL_F32 : real == CLQ_F16 ? REAL_F16 : REAL_BF16;
}

int clq_cl_variant_option(clq_variant variant)
{
    static const int options[CLQ_VARIANT_ELEMENTWISE_COUNT] = {VARIANT_STRIP, VARIANT_GRID, VARIANT_COLUMNS,
                                                               VARIANT_RUNS};
    return options[variant];
}

void clq_cl_tensor_options(clq_cl_launch *launch, int variant, uint32_t vector_width, uint32_t column_blocks,
                           clq_dtype real)
{
    clq_cl_launch_define(launch, "VARIANT", (uint32_t)variant);
    clq_cl_launch_define(launch, "VECTOR_WIDTH", vector_width);
    clq_cl_launch_define(launch, "COLUMN_BLOCKS", column_blocks);
    clq_cl_launch_define(launch, "REAL", (uint32_t)clq_cl_real_option(real));
}

void clq_cl_reading_options(clq_cl_launch *launch, const clq_cl_tuning *tuning, uint32_t vector_width)
{
    const uint32_t streams = tuning->values[CLQ_TUNE_MEMORY_STREAMS];
    const uint32_t ahead = tuning->values[CLQ_TUNE_MEMORY_AHEAD];
    if (vector_width == 16 && (streams > 1 || ahead > 0)) {
        clq_cl_launch_define(launch, "STREAMS", streams);
        clq_cl_launch_define(launch, "AHEAD", ahead);
    }
}

void clq_cl_code_options(clq_cl_launch *launch, clq_dtype dtype)
{
    clq_cl_launch_define(launch, "CODE_BITS", (uint32_t)clq_dtype_bits(dtype));
    clq_cl_launch_define(launch, "CODE_SIGNED", clq_dtype_facts_of(dtype)->qmin < 0);
}

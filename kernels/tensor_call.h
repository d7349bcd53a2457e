/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of one tensor in one launch: an argument by value where a launch has one tensor, an entry of the table
 * where it has many (kernels/batch_table.h). The host fills it in one place (host/opencl/launch/tensor.c). Memory
 * objects are arguments of their own. 64-bit members first, so that all compilers lay it out alike.
 */
#ifndef CLQ_TENSOR_CALL_H
#define CLQ_TENSOR_CALL_H

#include "shared.h"

/* `first_run` of a tensor that no two runs of minmax share. */
#define RUN_NONE 0xFFFFFFFFu

typedef struct tensor_call {
    /* Where the operands begin, in elements of what is stored there (nonfinite: in pairs of ulong). Source and target
     * are what the operation reads and writes: x, y, codes, counts, state. */
    call_u64 source, target, scale, zero_point, range, nonfinite, averaging;
    /* As clq_geometry (host/core/layout.h) has them; there are elements / row rows. */
    call_u64 elements, row, segment, segments_per_row, channels, parameters;
    call_u64 slab, band, bands; /* bands: of a slab */
    /*
     * How the work is cut. `tasks` are pieces of segments, `pieces` of each; in the columns form, tiles, `across` of
     * them side by side in a line of `line` elements; of histogram, jobs; in the walk's grid, segments at a time, with
     * `across` work-items on each. `per_item`: what one work-item takes, where it takes what lies side by side:
     * elements of a strip of the walk, tasks of minmax_strip, lines of a tile.
     */
    call_u64 tasks, pieces, per_item, line, across;
    /*
     * Scratch memory: partial results (ranges; counts) begin at `partial`, what belongs to work-items (found; counters)
     * at `own`. Of a batch, behind what the launch has. In all `items` have something of their own. The partial ranges
     * of parameter p, `count` of them: (k / inner) * stride + p * inner + k % inner. Where there are bands, those of
     * each stand together, and p counts within one.
     */
    call_u64 partial, own, items, stride, inner, count;
    call_u64 slices;              /* histogram: parts of all elements of a parameter; columns: of the lines of a band */
    call_u64 per_job;             /* histogram: parameters of a job */
    call_u32 direct;              /* a task or job is all there is of its parameter: the result is written at once */
    call_u32 first_run, last_run; /* of minmax over a batch, where runs share the tensor */
    call_u32 scheme;              /* of a batch: number in the list of schemes */
    call_i32 mode, qmin, qmax;    /* MODE_*; the least and greatest code */
    call_u32 unused;
} tensor_call;

/* Vectors that a work-item of a short task of minmax has, if so many of its neighbours still read one line of memory
 * together. */
#define TASK_VECTORS 4
#define LEAST_LANES 4

/* How many work-items of a group, which has so many, a task has use for: others take tasks of their own. Kernels go by
 * it, and the host counts their groups by it. */
static inline call_u32 lanes_of_task(const tensor_call *call, call_u32 group, call_u32 vector_width)
{
    const call_u64 blocks = (call->segment + vector_width - 1) / vector_width;
    const int has_one_band = call->band >= call->elements; /* kernels/bands.clh */
    call_u32 lanes = group;
    while (has_one_band && lanes > 1 &&
           lanes / 2 * call->pieces * (lanes / 2 >= LEAST_LANES ? TASK_VECTORS : 1) >= blocks) {
        lanes /= 2;
    }
    return lanes;
}

/* What the choice of parameters reads of a scheme; doubles as their bits. */
typedef struct scheme_call {
    call_u64 divisor, minimum_width, minimum_scale;
    call_i32 qmin, qmax, symmetric, widen_to_zero;
    call_i32 rule, zero_point_fixed, zero_point_rounding, zero_point_clamp, zero_point_min, zero_point_max;
    call_i32 precision, degenerate;
} scheme_call;

/* Checked by the compilers of both sides: nothing is padded. */
#define TENSOR_CALL_BYTES 264
#define SCHEME_CALL_BYTES 72
typedef char tensor_call_is_not_padded[sizeof(tensor_call) == TENSOR_CALL_BYTES ? 1 : -1];
typedef char scheme_call_is_not_padded[sizeof(scheme_call) == SCHEME_CALL_BYTES ? 1 : -1];

#endif

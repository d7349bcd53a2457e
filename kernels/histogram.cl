/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram: adds to counts[parameter][bin] the number of the parameter's finite elements whose magnitude lies in that
 * bin; byte for byte what clq_reference_histogram gives.
 *
 * A job is one of `slices` parts of all elements of a few parameters (strip, grid: one; columns: a block of channels).
 * It is done by one work-item at a time, or by one work-group (grid, and columns elsewhere than on CPU devices), which
 * owns its counters: jobs share none, so none needs 64-bit atomics. With one slice a job adds to `counts` itself; with
 * more, 32-bit counts go to partial[job][parameter of the job][bin], and histogram_final adds them up. The host gives a
 * job at most 2^31 elements.
 */
#include "bands.clh"
#include "common.clh"
#include "histogram_bins.clh"

#ifdef GROUP_SIZE
#define COLUMNS_IN_GROUPS 1 /* else each work-item is alone */
#else
#define COLUMNS_IN_GROUPS 0
#define GROUP_SIZE 128 /* work-items of a group of the grid kernels, any number */
#endif

/*
 * Part `slice` of the elements of parameter p. They lie in segments, one for each of its `repeats` rows in its band;
 * whole segments are shared out where there are enough, else each is cut into `pieces`, in blocks of VECTOR_WIDTH.
 */
typedef struct walk_t {
    ulong first, last; /* tasks: segment number * pieces + piece */
    ulong band_first, channel, begin, length, block;
} walk_t;

static inline walk_t walk_of(const tensor_call *call, ulong p, ulong slice)
{
    walk_t w;
    ulong own = p;
    const band_t band = take_band(call, &own);
    const ulong rows = (band.stop - band.first) / call->row;
    ulong repeats, tasks, share;
    w.band_first = band.first;
    w.channel = own / call->segments_per_row;
    w.begin = (own - w.channel * call->segments_per_row) * call->segment;
    w.length = min(w.begin + call->segment, call->row) - w.begin;
    w.block = ((w.length + VECTOR_WIDTH - 1) / VECTOR_WIDTH + call->pieces - 1) / call->pieces * VECTOR_WIDTH;
    repeats = w.channel < rows ? (rows - w.channel + call->channels - 1) / call->channels : 0;
    tasks = repeats * call->pieces;
    share = (tasks + call->slices - 1) / call->slices;
    w.first = min(slice * share, tasks);
    w.last = min(w.first + share, tasks);
    return w;
}

/* Elements [*from, *to) of the tensor are those of a task. */
static inline void task_of(const tensor_call *call, walk_t w, ulong task, ulong *from, ulong *to)
{
    const ulong repeat = task / call->pieces;
    const ulong piece = task - repeat * call->pieces;
    const ulong base = w.band_first + (w.channel + repeat * call->channels) * call->row + w.begin;
    *from = base + min(piece * w.block, w.length);
    *to = base + min((piece + 1) * w.block, w.length);
}

#if WITH_STRIP || (WITH_COLUMNS && !COLUMNS_IN_GROUPS)
/*
 * counters[i]++ for each lane i of a whole vector; those of lane j begin at j % copies * STRIDE. Indices have 16 bits.
 * Written out, since PoCL 3.1 leaves a loop over the lanes rolled, which takes twice as long.
 */
#define COUNT_FOUR(counters, packed, copies)                                                                           \
    do {                                                                                                               \
        (counters)[(uint)(packed)&0xFFFFu]++;                                                                          \
        (counters)[1 % (copies)*STRIDE + ((uint)((packed) >> 16) & 0xFFFFu)]++;                                        \
        (counters)[2 % (copies)*STRIDE + ((uint)((packed) >> 32) & 0xFFFFu)]++;                                        \
        (counters)[3 % (copies)*STRIDE + (uint)((packed) >> 48)]++;                                                    \
    } while (0)
#if VECTOR_WIDTH == 16
#define COUNT_VECTOR(counters, indices, copies)                                                                        \
    do {                                                                                                               \
        const ulong4 packed = as_ulong4(convert_ushort16(indices));                                                    \
        COUNT_FOUR(counters, packed.s0, copies);                                                                       \
        COUNT_FOUR(counters, packed.s1, copies);                                                                       \
        COUNT_FOUR(counters, packed.s2, copies);                                                                       \
        COUNT_FOUR(counters, packed.s3, copies);                                                                       \
    } while (0)
#elif VECTOR_WIDTH == 4
#define COUNT_VECTOR(counters, indices, copies)                                                                        \
    do {                                                                                                               \
        const ulong packed = as_ulong(convert_ushort4(indices));                                                       \
        COUNT_FOUR(counters, packed, copies);                                                                          \
    } while (0)
#else
#error "VECTOR_WIDTH must be 16 or 4"
#endif
#endif

#if WITH_STRIP

/* ---- strip ---- */

/* Few elements, or many parameters: straight into the 64-bit counts, one by one. */
static inline void count_direct(__global ulong *counts, intv bins, uint count)
{
    int lanes[VECTOR_WIDTH];
    VSTORE(bins, 0, lanes);
    for (uint j = 0; j < count; j++) {
        if (lanes[j] < BINS) {
            counts[lanes[j]]++;
        }
    }
}

/* The lanes beyond the end count as not finite. */
static inline void count_range(__global const real_t *x, ulong from, ulong to, scale_t s, __global uint *mine)
{
    ulong i = from;
    for (; i + VECTOR_WIDTH <= to; i += VECTOR_WIDTH) {
        COUNT_VECTOR(mine, bins_by(VLOAD(0, x + i), s), COPIES);
    }
    if (i < to) {
        const intv bins = bins_by(load_real_part(x + i, (uint)(to - i)), s);
        COUNT_VECTOR(mine, select(bins, (intv)(NO_BIN), LANES >= (int)(to - i)), COPIES);
    }
}

/*
 * strip: work-item g does the jobs g, g + items, ... in counters of its own at scratch[g], COPIES of them; with
 * `direct` it does without.
 */
__kernel void histogram_strip(__global const real_t *x, __global const float *range, __global uint *scratch,
                              __global uint *partial, __global ulong *counts, const tensor_call call)
{
    __global uint *mine = scratch + call.own + get_global_id(0) * (COPIES * STRIDE);
    __global const real_t *source = x + call.source;
    for (ulong job = get_global_id(0); job < call.tasks; job += get_global_size(0)) {
        const ulong p = job / call.slices;
        const walk_t w = walk_of(&call, p, job - p * call.slices);
        const scale_t s = scale_of(range + call.range, p);
        __global ulong *total = counts + call.target + p * BINS;
        for (uint b = 0; b < COPIES * STRIDE && !call.direct; b++) {
            mine[b] = 0;
        }
        for (ulong task = w.first; task < w.last; task++) {
            ulong from, to;
            task_of(&call, w, task, &from, &to);
            if (call.direct) {
                for (ulong i = from; i < to; i += VECTOR_WIDTH) {
                    const uint count = (uint)min((ulong)VECTOR_WIDTH, to - i);
                    const realv v = count == VECTOR_WIDTH ? VLOAD(0, source + i) : load_real_part(source + i, count);
                    count_direct(total, bins_by(v, s), count);
                }
            } else {
                count_range(source, from, to, s, mine);
            }
        }
        for (uint b = 0; b < BINS && !call.direct; b++) {
            uint sum = 0;
            for (uint copy = 0; copy < COPIES; copy++) {
                sum += mine[copy * STRIDE + b];
            }
            if (call.slices == 1) {
                total[b] += sum;
            } else {
                partial[call.partial + job * BINS + b] = sum;
            }
        }
    }
}

#endif
#if WITH_GRID || (WITH_COLUMNS && COLUMNS_IN_GROUPS)
#include "histogram_groups.clh"
#endif
#if WITH_COLUMNS && !COLUMNS_IN_GROUPS
#include "histogram_columns.clh"
#endif
#if WITH_STRIP || (WITH_COLUMNS && !COLUMNS_IN_GROUPS)

/* Counter i of all parameters: that of parameter p = i / BINS stands in the jobs of block p / per_job. */
__kernel void histogram_final(__global const uint *partial, __global ulong *counts, const tensor_call call)
{
    const ulong i = get_global_id(0);
    const ulong p = i / BINS;
    if (p < call.parameters) {
        const ulong block = p / call.per_job;
        ulong sum = 0;
        for (ulong s = 0; s < call.slices; s++) {
            sum +=
                partial[call.partial + ((block * call.slices + s) * call.per_job + (p - block * call.per_job)) * BINS +
                        (i - p * BINS)];
        }
        counts[call.target + i] += sum;
    }
}

#endif

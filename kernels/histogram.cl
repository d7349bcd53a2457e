/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram: adds to counts[parameter][bin] the number of the parameter's finite elements whose magnitude lies in that
 * bin; byte for byte what clq_reference_histogram gives.
 *
 * A job is one of `slices` parts of all elements of a few parameters (strip, grid: one; columns: a block of channels),
 * and is done by one work-item (grid: one work-group) at a time, which owns its counters: no counter is shared, so
 * none needs 64-bit atomics. With one slice a job adds to `counts` itself; with more, 32-bit counts go to
 * partial[job][parameter of the job][bin], and histogram_final adds them up. The host gives a job at most 2^31
 * elements.
 *
 * The bin is exact on every device. With A = m * 2^e, e such that 1 <= m < 4, and t = |x| * 2^-e, it is floor(t / w)
 * for w = m / 2048, where 2^-e, w and, unless the bin is 0, t are exact. q = t * r with r a little below 1/w is at most
 * 2^-7 below t / w and never above it, so its floor is the bin or one less; fma(-(floor + 1), w, t) has the sign of the
 * exact difference and decides.
 */
#include "common.clh"
#include "tensor_call.h"

#define BINS HISTOGRAM_BINS
#define LAST_BIN (BINS - 1)
#define NO_BIN BINS /* of what is not finite: one counter more, which nobody reads */
#define STRIDE HISTOGRAM_STRIDE
/* Of a work-item's counters, for neighbours in one bin: an increment waits for the one before it. */
#define COPIES HISTOGRAM_COPIES
#define LEAST_MAXIMUM 0x1p-100f

/* How a magnitude becomes a bin. With unit 0 all are 0, and one more decides: bin `lowest`. */
typedef struct scale_t {
    float unit;   /* 2^-e */
    float factor; /* r */
    float width;  /* w */
    int lowest;   /* 0, or LAST_BIN where the range is too small or not finite: all are in the last bin */
} scale_t;

static inline scale_t scale_of(__global const float *range, ulong p)
{
    const uint lo = as_uint(range[2 * p]) & 0x7FFFFFFFu;
    const uint hi = as_uint(range[2 * p + 1]) & 0x7FFFFFFFu;
    const uint maximum = lo > hi && lo <= 0x7F800000u ? lo : hi;
    scale_t s;
    if (maximum < as_uint(LEAST_MAXIMUM) || maximum >= 0x7F800000u) {
        s.unit = 0.0f;
        s.factor = 1.0f;
        s.width = 1.0f;
        s.lowest = LAST_BIN;
    } else {
        const uint exponent = min(maximum >> 23, 253u); /* e + 127: 2^-e stays normal */
        s.unit = as_float((254u - exponent) << 23);
        s.width = as_float(maximum) * s.unit * 0x1p-11f;
        s.factor = (1.0f / s.width) * (1.0f - 0x1p-19f); /* a quotient is good to 2.5 units */
        s.lowest = 0;
    }
    return s;
}

/* NO_BIN for what is not finite. */
static inline intv bins_of(realv x, floatv unit, floatv factor, floatv width, intv lowest)
{
    const intv magnitude = BITCAST(int)(float_of_real(x)) & 0x7FFFFFFF;
    const floatv t = BITCAST(float)(magnitude) * unit;
    const floatv q = t * factor;
    const intv below = CONVERT(int)(q < (floatv)((float)LAST_BIN) ? q : (floatv)((float)LAST_BIN));
    const floatv edge = CONVERT(float)(below + 1);
    const intv bin = below - (fma(-edge, width, t) >= (floatv)(0.0f)); /* a true comparison is -1 */
    return select(max(min(bin, (intv)(LAST_BIN)), lowest), (intv)(NO_BIN), magnitude >= 0x7F800000);
}

static inline intv bins_by(realv x, scale_t s)
{
    return bins_of(x, (floatv)(s.unit), (floatv)(s.factor), (floatv)(s.width), (intv)(s.lowest));
}

/*
 * Part `slice` of the elements of parameter p. They lie in segments, one for each of its `repeats` rows; whole segments
 * are shared out where there are enough, else each is cut into `pieces`, in blocks of VECTOR_WIDTH.
 */
typedef struct walk_t {
    ulong first, last; /* tasks: segment number * pieces + piece */
    ulong channel, begin, length, block;
} walk_t;

static inline walk_t walk_of(const tensor_call *call, ulong p, ulong slice)
{
    walk_t w;
    const ulong rows = call->elements / call->row;
    ulong repeats, tasks, share;
    w.channel = p / call->segments_per_row;
    w.begin = (p - w.channel * call->segments_per_row) * call->segment;
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
    const ulong base = (w.channel + repeat * call->channels) * call->row + w.begin;
    *from = base + min(piece * w.block, w.length);
    *to = base + min((piece + 1) * w.block, w.length);
}

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
#if WITH_GRID

/* ---- grid ---- */

#ifndef GROUP_SIZE
#define GROUP_SIZE 128
#endif

/*
 * grid: work-group g does the jobs g, g + groups, ...; its work-items read side by side and count in local memory, two
 * sets of counters for neighbours that meet in one bin.
 */
__kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void
histogram_grid(__global const real_t *x, __global const float *range, __global uint *scratch, __global uint *partial,
               __global ulong *counts, const tensor_call call)
{
    __local uint shared[HISTOGRAM_SETS * STRIDE];
    const uint id = (uint)get_local_id(0);
    __global const real_t *source = x + call.source;
    for (ulong job = get_group_id(0); job < call.tasks; job += get_num_groups(0)) {
        const ulong p = job / call.slices;
        const walk_t w = walk_of(&call, p, job - p * call.slices);
        const scale_t s = scale_of(range + call.range, p);
        for (uint b = id; b < HISTOGRAM_SETS * STRIDE; b += GROUP_SIZE) {
            shared[b] = 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (ulong task = w.first; task < w.last; task++) {
            ulong from, to;
            task_of(&call, w, task, &from, &to);
            for (ulong i = from + id * VECTOR_WIDTH; i < to; i += GROUP_SIZE * VECTOR_WIDTH) {
                const uint count = (uint)min((ulong)VECTOR_WIDTH, to - i);
                const realv v = count == VECTOR_WIDTH ? VLOAD(0, source + i) : load_real_part(source + i, count);
                int lanes[VECTOR_WIDTH];
                VSTORE(bins_by(v, s), 0, lanes);
                for (uint j = 0; j < count; j++) {
                    atomic_inc(&shared[(id & 1) * STRIDE + (uint)lanes[j]]);
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint b = id; b < BINS; b += GROUP_SIZE) {
            const uint sum = shared[b] + shared[STRIDE + b];
            if (call.slices == 1) {
                counts[call.target + p * BINS + b] += sum;
            } else {
                partial[call.partial + job * BINS + b] = sum;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE); /* before the next job clears them */
    }
}

#endif
#if WITH_COLUMNS

/* ---- columns ---- */

#ifndef COLUMN_BLOCKS
#define COLUMN_BLOCKS 2 /* vectors of neighbouring columns that a job reads together */
#endif
#define COLUMNS (COLUMN_BLOCKS * VECTOR_WIDTH)

/* Lines that are fetched ahead: each is a page or more after the one before it, where no prefetcher follows. */
#define LINES_AHEAD 12

/*
 * columns: for rows shorter than a vector. The tensor as a matrix whose line is `period` = channels * row elements, or
 * several of these where they are short; a job is a block of `per_job` channels, `across` of them side by side (all of
 * one line when there are several periods in it), over a slice of `per_item` lines. Each column keeps the scale of its
 * channel.
 */
__kernel void histogram_columns(__global const real_t *x, __global const float *range, __global uint *partial,
                                __global ulong *counts, const tensor_call call)
{
    const ulong row = call.row;
    const ulong channels = call.channels;
    const ulong line = call.line;
    const ulong slices = call.slices;
    const ulong lines = (call.elements + line - 1) / line;
    __global const real_t *source = x + call.source;
    for (ulong job = get_global_id(0); job < call.tasks; job += get_global_size(0)) {
        const ulong block = job / slices;
        const ulong slice = job - block * slices;
        const ulong first_channel = block * call.per_job;
        const ulong first_column = first_channel * row;
        const ulong own = min(call.per_job, channels - first_channel);
        const uint columns = (uint)(call.across == 1 ? line : own * row);
        const ulong first_line = min(slice * call.per_item, lines);
        const ulong last_line = min(first_line + call.per_item, lines);
        __global uint *mine = partial + call.partial + job * call.per_job * BINS;
        __global ulong *total = counts + call.target + first_channel * BINS;
        float unit[COLUMNS], factor[COLUMNS], width[COLUMNS];
        int lowest[COLUMNS], place[COLUMNS]; /* place: where the column's counters begin, below 2^16 - BINS */
        for (uint c = 0; c < COLUMNS; c++) {
            const ulong channel = (first_column + min(c, columns - 1)) / row % channels;
            const scale_t s = scale_of(range + call.range, channel);
            unit[c] = s.unit;
            factor[c] = s.factor;
            width[c] = s.width;
            lowest[c] = s.lowest;
            place[c] = (int)(channel - first_channel) * BINS;
        }
        for (ulong b = 0; b < own * BINS && slices > 1; b++) {
            mine[b] = 0;
        }
        for (ulong k = first_line; k < last_line; k++) {
            const ulong begin = k * line + first_column;
            const ulong stop = min(begin + columns, call.elements);
            for (uint c = 0; c < columns; c += 64 / sizeof(real_t)) {
                FETCH_AHEAD(source + begin + LINES_AHEAD * line + c);
            }
            for (ulong i = begin, c = 0; i < stop; i += VECTOR_WIDTH, c += VECTOR_WIDTH) {
                const uint count = (uint)min((ulong)VECTOR_WIDTH, stop - i);
                const realv v = count == VECTOR_WIDTH ? VLOAD(0, source + i) : load_real_part(source + i, count);
                const intv bins =
                    bins_of(v, VLOAD(0, unit + c), VLOAD(0, factor + c), VLOAD(0, width + c), VLOAD(0, lowest + c));
                const intv indices = bins + VLOAD(0, place + c);
                const int whole = count == VECTOR_WIDTH && !any(bins == NO_BIN);
                if (whole && slices > 1) {
                    COUNT_VECTOR(mine, indices, 1);
                } else if (whole) {
                    COUNT_VECTOR(total, indices, 1);
                } else {
                    int lanes[VECTOR_WIDTH];
                    VSTORE(select(indices, (intv)(-1), bins == NO_BIN), 0, lanes);
                    for (uint j = 0; j < count; j++) {
                        if (lanes[j] >= 0 && slices > 1) {
                            mine[lanes[j]]++;
                        } else if (lanes[j] >= 0) {
                            total[lanes[j]]++;
                        }
                    }
                }
            }
        }
    }
}

#endif

/* ---- the sums ---- */

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

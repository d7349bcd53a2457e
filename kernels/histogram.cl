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
 *
 * With SIGNED_BINS, for schemes that are not symmetric, there are 4096 bins of x over [lo, hi] in place of those of
 * |x|. Then t - lo and w are rounded, and what decides is within 2^-11 w of the exact difference; where it is closer to
 * 0 than that, integers decide (docs/numerics.md, section 10).
 */
#include "bands.clh"
#include "common.clh"

#ifndef SIGNED_BINS
#define SIGNED_BINS 0
#endif

#if SIGNED_BINS
#define BINS HISTOGRAM_SIGNED_BINS
#else
#define BINS HISTOGRAM_BINS
#endif
#define LAST_BIN (BINS - 1)
#define NO_BIN BINS /* of what is not finite: one counter more, which nobody reads */
#define STRIDE HISTOGRAM_STRIDE(BINS)
#define SETS HISTOGRAM_SETS(BINS)
/* Of a work-item's counters, for neighbours in one bin: an increment waits for the one before it. */
#define COPIES HISTOGRAM_COPIES
#define LEAST_MAXIMUM 0x1p-100f

/* How a number becomes a bin. With unit 0 all are 0, and one more decides: bin `lowest`. */
typedef struct scale_t {
    float unit;   /* 2^-e */
    float factor; /* r */
    float width;  /* w */
    int lowest;   /* 0, or LAST_BIN where the range is too small or not finite: all are in the last bin */
#if SIGNED_BINS
    float low;   /* lo * 2^-e, rounded */
    int ends[2]; /* the bits of lo and hi */
#endif
} scale_t;

static inline scale_t scale_of(__global const float *range, ulong p)
{
    const uint lo = as_uint(range[2 * p]) & 0x7FFFFFFFu;
    const uint hi = as_uint(range[2 * p + 1]) & 0x7FFFFFFFu;
    const uint maximum = lo > hi && lo <= 0x7F800000u ? lo : hi;
    int is_none = maximum < as_uint(LEAST_MAXIMUM) || maximum >= 0x7F800000u;
    scale_t s;
#if SIGNED_BINS
    s.low = 0.0f;
    s.ends[0] = as_int(range[2 * p]);
    s.ends[1] = as_int(range[2 * p + 1]);
    is_none = is_none || !(range[2 * p] < range[2 * p + 1]);
#endif
    if (is_none) {
        s.unit = 0.0f;
        s.factor = 1.0f;
        s.width = 1.0f;
        s.lowest = LAST_BIN;
    } else {
        const uint exponent = min(maximum >> 23, 253u); /* e + 127: 2^-e stays normal */
        s.unit = as_float((254u - exponent) << 23);
#if SIGNED_BINS
        s.low = range[2 * p] * s.unit;
        s.width = (range[2 * p + 1] * s.unit - s.low) * 0x1p-12f;
#else
        s.width = as_float(maximum) * s.unit * 0x1p-11f;
#endif
        s.factor = (1.0f / s.width) * (1.0f - 0x1p-19f); /* a quotient is good to 2.5 units */
        s.lowest = 0;
    }
    return s;
}

/* The same for each lane. */
typedef struct scales_t {
    floatv unit, factor, width;
    intv lowest;
#if SIGNED_BINS
    floatv low;
    intv lo, hi;
#endif
} scales_t;

static inline scales_t scales_of(scale_t s)
{
    scales_t all;
    all.unit = (floatv)(s.unit);
    all.factor = (floatv)(s.factor);
    all.width = (floatv)(s.width);
    all.lowest = (intv)(s.lowest);
#if SIGNED_BINS
    all.low = (floatv)(s.low);
    all.lo = (intv)(s.ends[0]);
    all.hi = (intv)(s.ends[1]);
#endif
    return all;
}

#if SIGNED_BINS

/*
 * A number in units of 2^-83 of the power of two whose biased exponent is `greatest`, as x * 2^43 + y. What is below
 * one unit is one.
 */
static inline long2 units_of(int bits, int greatest)
{
    const uint magnitude = (uint)bits & 0x7FFFFFFFu;
    const int exponent = max((int)(magnitude >> 23), 1);
    const ulong m = (magnitude & 0x7FFFFFu) | (magnitude >= 0x800000u ? 0x800000u : 0u);
    const int shift = 60 - (greatest - exponent);
    ulong high = 0;
    ulong low = m != 0;
    if (shift >= 43) {
        high = m << min(shift - 43, 20);
        low = 0;
    } else if (shift >= 0) {
        high = m >> (43 - shift);
        low = (m << shift) & 0x7FFFFFFFFFFul;
    }
    return bits < 0 ? (long2)(-(long)high, -(long)low) : (long2)((long)high, (long)low);
}

/* Whether x >= lo + edge * (hi - lo) / BINS, exactly. */
static inline int is_above(int x, int lo, int hi, int edge)
{
    const int greatest = (int)(max((uint)lo & 0x7FFFFFFFu, (uint)hi & 0x7FFFFFFFu) >> 23);
    const long2 low = units_of(lo, greatest);
    const long2 from = units_of(x, greatest) - low;
    const long2 width = units_of(hi, greatest) - low;
    const long high = from.x * BINS - width.x * edge;
    const long rest = from.y * BINS - width.y * edge;
    return high + (rest >> 43) >= 0;
}

#endif

/* NO_BIN for what is not finite. */
static inline intv bins_of(realv x, scales_t s)
{
    const intv bits = BITCAST(int)(float_of_real(x));
    const intv magnitude = bits & 0x7FFFFFFF;
#if SIGNED_BINS
    const floatv t = BITCAST(float)(bits) * s.unit - s.low;
    const floatv q = fmax(t * s.factor, (floatv)(0.0f));
#else
    const floatv t = BITCAST(float)(magnitude) * s.unit;
    const floatv q = t * s.factor;
#endif
    const intv below = CONVERT(int)(q < (floatv)((float)LAST_BIN) ? q : (floatv)((float)LAST_BIN));
    const floatv edge = CONVERT(float)(below + 1);
    const floatv beyond = fma(-edge, s.width, t);
    intv bin = below - (beyond >= (floatv)(0.0f)); /* a true comparison is -1 */
#if SIGNED_BINS
    const intv is_close = fabs(beyond) < s.width * 0x1p-10f;
    if (any(is_close)) {
        int close[VECTOR_WIDTH], numbers[VECTOR_WIDTH], bins[VECTOR_WIDTH], belows[VECTOR_WIDTH];
        int lo[VECTOR_WIDTH], hi[VECTOR_WIDTH];
        VSTORE(is_close, 0, close);
        VSTORE(bits, 0, numbers);
        VSTORE(bin, 0, bins);
        VSTORE(below, 0, belows);
        VSTORE(s.lo, 0, lo);
        VSTORE(s.hi, 0, hi);
        for (uint j = 0; j < VECTOR_WIDTH; j++) {
            if (close[j]) {
                bins[j] = belows[j] + is_above(numbers[j], lo[j], hi[j], belows[j] + 1);
            }
        }
        bin = VLOAD(0, bins);
    }
#endif
    return select(max(min(bin, (intv)(LAST_BIN)), s.lowest), (intv)(NO_BIN), magnitude >= 0x7F800000);
}

static inline intv bins_by(realv x, scale_t s)
{
    return bins_of(x, scales_of(s));
}

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
 * grid: work-group g does the jobs g, g + groups, ...; its work-items read side by side and count in local memory, of
 * magnitudes in two sets of counters for neighbours that meet in one bin.
 */
__kernel __attribute__((reqd_work_group_size(GROUP_SIZE, 1, 1))) void
histogram_grid(__global const real_t *x, __global const float *range, __global uint *scratch, __global uint *partial,
               __global ulong *counts, const tensor_call call)
{
    __local uint shared[SETS * STRIDE];
    const uint id = (uint)get_local_id(0);
    __global const real_t *source = x + call.source;
    for (ulong job = get_group_id(0); job < call.tasks; job += get_num_groups(0)) {
        const ulong p = job / call.slices;
        const walk_t w = walk_of(&call, p, job - p * call.slices);
        const scale_t s = scale_of(range + call.range, p);
        for (uint b = id; b < SETS * STRIDE; b += GROUP_SIZE) {
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
                    atomic_inc(&shared[id % SETS * STRIDE + (uint)lanes[j]]);
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint b = id; b < BINS; b += GROUP_SIZE) {
            const uint sum = shared[b] + (SETS > 1 ? shared[(SETS - 1) * STRIDE + b] : 0);
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
    const ulong job = get_global_id(0); /* each work-item has one */
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
    int lowest[COLUMNS], place[COLUMNS]; /* place: where the column's counters begin, at most 2^16 - BINS */
#if SIGNED_BINS
    float low[COLUMNS];
    int lo[COLUMNS], hi[COLUMNS];
#endif
    for (uint c = 0; c < COLUMNS; c++) {
        const ulong channel = (first_column + min(c, columns - 1)) / row % channels;
        const scale_t s = scale_of(range + call.range, channel);
        unit[c] = s.unit;
        factor[c] = s.factor;
        width[c] = s.width;
        lowest[c] = s.lowest;
#if SIGNED_BINS
        low[c] = s.low;
        lo[c] = s.ends[0];
        hi[c] = s.ends[1];
#endif
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
            scales_t s;
            s.unit = VLOAD(0, unit + c);
            s.factor = VLOAD(0, factor + c);
            s.width = VLOAD(0, width + c);
            s.lowest = VLOAD(0, lowest + c);
#if SIGNED_BINS
            s.low = VLOAD(0, low + c);
            s.lo = VLOAD(0, lo + c);
            s.hi = VLOAD(0, hi + c);
#endif
            const intv bins = bins_of(v, s);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges over many batches of data (docs/numerics.md, section 10). */
#ifndef CLQUANT_CALIBRATION_H
#define CLQUANT_CALIBRATION_H

#include <clquant/operations.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CLQ_HISTOGRAM_BINS = 2048,       /* of magnitudes, for symmetric schemes */
    CLQ_HISTOGRAM_SIGNED_BINS = 4096 /* between the two ends of the range, for the others */
};

/* How many bins a histogram for that scheme has: one of the two, by `symmetric`. */
CLQ_API uint32_t clq_histogram_bins(const clq_scheme *scheme);

/*
 * Fold the range of one batch into what was seen before: `x`, `range` and `nonfinite` are an input and the outputs of
 * clq_minmax. state = [infinity, -infinity] stands for nothing seen yet; a parameter without a finite element in x, or
 * without any, leaves its state alone. An `averaging` of 0 keeps the least and the greatest; a constant c in (0, 1]
 * moves the state by c * (range - state), after a first batch that sets it. Reads q->real and q->layout only.
 */
CLQ_API clq_status clq_merge_range(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                                   clq_operand nonfinite, clq_operand averaging, clq_operand state, clq_error *error);

/*
 * counts[p][bin] += the number of finite elements of parameter p in that bin, the same on every device, whatever the
 * order or the number of calls. There are clq_histogram_bins of them, all of one width. For a symmetric scheme:
 * CLQ_HISTOGRAM_BINS bins of |x| over [0, max(|lo|, |hi|)] of range[p]. Greater elements count in the last bin, and all
 * do where that maximum is not finite or below 2^-100. A lo that is NaN is passed over: |hi| alone counts; a hi that is
 * NaN is not finite. For the others: CLQ_HISTOGRAM_SIGNED_BINS bins of x over [lo, hi]. Elements beyond an end count in
 * the bin next to it, and all in the last bin where lo < hi does not hold, an end is not finite, or that maximum is
 * below 2^-100. Reads q->real, q->layout and q->scheme.symmetric only.
 */
CLQ_API clq_status clq_histogram(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                                 clq_operand counts, clq_error *error);

/* Where a method cuts a histogram of magnitudes: [-value, value] keeps the bins [0, bins). */
typedef struct clq_threshold {
    float value;   /* finite, not negative */
    uint32_t bins; /* 0 for a histogram without elements, which keeps its whole range */
} clq_threshold;

/*
 * Pure functions without a context. `counts` has CLQ_HISTOGRAM_BINS entries whose sum is below 2^63; `maximum` is the
 * end of their range, max(|lo|, |hi|), finite and not negative. CLQ_INVALID_ARGUMENT for anything else.
 *
 *     percentile   the least edge of a bin with at least `percent` (above 0, to 100) of the elements below it
 *     entropy      TensorRT's published search for the least Kullback-Leibler divergence from `levels` levels
 *     mse          the edge that gives the least mean square error, bins at their centres, with `levels` levels
 *
 * `levels` is the number of codes of [0, value], 2 to 65536: clq_scheme_levels tells it.
 */
CLQ_API clq_status clq_histogram_percentile(const uint64_t *counts, float maximum, double percent,
                                            clq_threshold *threshold, clq_error *error);
CLQ_API clq_status clq_histogram_entropy(const uint64_t *counts, float maximum, uint32_t levels,
                                         clq_threshold *threshold, clq_error *error);
CLQ_API clq_status clq_histogram_mse(const uint64_t *counts, float maximum, uint32_t levels, clq_threshold *threshold,
                                     clq_error *error);

/* Where a method cuts a histogram of two sides: what stays of the range, and its bins, [first, end). */
typedef struct clq_cut {
    float range[2];      /* [lo, hi], within the range of the data */
    uint32_t first, end; /* 0 and CLQ_HISTOGRAM_SIGNED_BINS where nothing is cut */
} clq_cut;

/*
 * The same for schemes that are not symmetric, both ends at once. `counts` has CLQ_HISTOGRAM_SIGNED_BINS entries whose
 * sum is below 2^63, `range` is [lo, hi] of the data, by which they were counted, both finite and lo <= hi.
 * CLQ_INVALID_ARGUMENT for anything else, or for a scheme that is no scheme; CLQ_OUT_OF_MEMORY. Pure functions, from
 * any thread.
 *
 *     percentile   at least `percent` (above 0, to 100) of the elements stay, and each tail loses at most half of the
 *                  rest (ONNX Runtime's asymmetric percentile)
 *     mse          the least mean square error of the codes of `scheme`, with the parameters that it chooses for a
 * range entropy      the least Kullback-Leibler divergence from as many levels as the scheme has codes
 */
CLQ_API clq_status clq_histogram_cut_percentile(const uint64_t *counts, const float range[2], double percent,
                                                clq_cut *cut, clq_error *error);
CLQ_API clq_status clq_histogram_cut_mse(const clq_scheme *scheme, const uint64_t *counts, const float range[2],
                                         clq_cut *cut, clq_error *error);
CLQ_API clq_status clq_histogram_cut_entropy(const clq_scheme *scheme, const uint64_t *counts, const float range[2],
                                             clq_cut *cut, clq_error *error);

/* What clq_merge_range does to the state of one parameter that has the range [range[0], range[1]] in a batch; a range
 * with lo above hi, or with NaN, is that of no element. */
CLQ_API void clq_range_merge(float state[2], const float range[2], float averaging);

/* range = [lo, hi], each moved into [-threshold, threshold]. */
CLQ_API void clq_range_clip(float range[2], float threshold);

/* Codes for magnitudes: half of the type's (128 for 8 bits), or all when [lo, hi] is one-sided and the scheme not
 * symmetric. */
CLQ_API uint32_t clq_scheme_levels(const clq_scheme *scheme, float lo, float hi);

/*
 * An observer keeps the ranges, and then the histograms, of `parameters` parameters on the device over any number of
 * batches, each in any number of pieces. Nothing is read back before a read function is called. First all data is given
 * to clq_observer_add_range; for histograms then all of it again to clq_observer_add_counts. As the bins are set by the
 * final range, no count ever moves to another bin, and neither order nor batches change the result. The observer keeps
 * its context alive; one thread at a time. Histograms are those of the schemes in q, which must be all symmetric or all
 * not.
 */
typedef struct clq_observer clq_observer;

/* `averaging` as in clq_merge_range: 0, or the constant of a moving average over batches (PyTorch: 0.01). */
CLQ_API clq_status clq_observer_create(clq_context *context, uint64_t parameters, float averaging,
                                       clq_observer **observer, clq_error *error);
CLQ_API void clq_observer_destroy(clq_observer **observer); /* what was enqueued for it may still be to run */

/* Enqueue: fold a piece in, whose parameters are [first, first + those of q->layout) of the observer's. A piece without
 * elements changes nothing. */
CLQ_API clq_status clq_observer_add_range(clq_observer *observer, const clq_quantization *q, clq_operand x,
                                          uint64_t first, clq_error *error);
CLQ_API clq_status clq_observer_add_counts(clq_observer *observer, const clq_quantization *q, clq_operand x,
                                           uint64_t first, clq_error *error);

/* The pieces since the last call were one batch. Needed for a moving average, for which it waits for what was enqueued
 * before; harmless otherwise. */
CLQ_API clq_status clq_observer_end_batch(clq_observer *observer, clq_error *error);

/* Wait, and read: NaN and infinity in the last piece given to clq_observer_add_range; ranges, 2 floats each, [0, 0]
 * where no element was finite; histograms, clq_histogram_bins counts each (before any were added CLQ_HISTOGRAM_BINS,
 * all 0). */
CLQ_API clq_status clq_observer_read_nonfinite(clq_observer *observer, clq_nonfinite *nonfinite, clq_error *error);
CLQ_API clq_status clq_observer_read_ranges(clq_observer *observer, uint64_t first, uint64_t count, float *ranges,
                                            clq_error *error);
CLQ_API clq_status clq_observer_read_counts(clq_observer *observer, uint64_t first, uint64_t count, uint64_t *counts,
                                            clq_error *error);

#ifdef __cplusplus
}
#endif

#endif

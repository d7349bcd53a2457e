/* SPDX-License-Identifier: Apache-2.0 */
/* How ranges follow from data: the methods of clq_calibration, and their histograms. */
#ifndef CLQ_HOST_STREAM_CALIBRATION_H
#define CLQ_HOST_STREAM_CALIBRATION_H

#include <clquant/files.h>

#include "stream/check.h"

/* Whether the method needs the data a second time, for histograms. */
int clq_calibration_counts(const clq_calibration *method);

/*
 * What the method makes of one parameter: `range` is the least and the greatest element, in the form of ranges.h, and
 * becomes the range to quantize with. `counts` is its histogram, which methods without one do not look at; they keep no
 * bins.
 */
typedef struct clq_calibration_kept {
    float threshold;     /* of magnitudes */
    uint32_t first, end; /* bins */
} clq_calibration_kept;
clq_status clq_calibration_cut(const clq_calibration *method, const clq_scheme *scheme, const uint64_t *counts,
                               float *range, clq_calibration_kept *kept, clq_error *error);

enum { CLQ_HISTOGRAMS_AT_ONCE = 16 };

/* Histograms of a run of parameters, on the device. */
typedef struct clq_histograms {
    clq_context *context;
    clq_buffer *counts, *ranges;
    uint64_t room;  /* counts that there is room for */
    uint32_t bins;  /* of each */
    uint64_t *some; /* CLQ_HISTOGRAMS_AT_ONCE on the host */
} clq_histograms;

/* Host and device memory that so many take. */
uint64_t clq_histograms_bytes(const clq_scheme *scheme, uint64_t parameters);

/* Begin anew with `parameters` empty histograms of the scheme's bins, whose ranges are [ranges[2i], ranges[2i+1]]. */
clq_status clq_histograms_begin(clq_histograms *histograms, clq_context *context, const clq_scheme *scheme,
                                uint64_t parameters, const float *ranges, clq_error *error);
void clq_histograms_release(clq_histograms *histograms);

/* Enqueue: count the elements of a piece, which its slot handed to the device; its parameters begin at `first`. */
clq_status clq_histograms_add(clq_histograms *histograms, const clq_slot *slot, const clq_piece *piece, uint64_t first,
                              clq_error *error);

/*
 * The same, and where `check` takes the piece as a whole, wait and compare with the reference, which counts by
 * `ranges`: those of the piece's parameters. The slot is the device's before and after.
 */
clq_status clq_histograms_add_checked(clq_histograms *histograms, clq_check *check, clq_slot *slot,
                                      const clq_piece *piece, uint64_t first, const float *ranges,
                                      const clq_check_place *place, clq_error *error);

/* Wait, and read those of `count` parameters from `first` on into `counts`; *total grows by the sum of all. */
clq_status clq_histograms_read(clq_histograms *histograms, uint64_t first, uint64_t count, uint64_t *counts,
                               uint64_t *total, clq_error *error);

/* *total grows by the sum of counts, which a device with less than 2^63 elements can have counted. */
clq_status clq_counts_add_up(const uint64_t *counts, uint64_t bins, uint64_t *total, clq_error *error);

/* clq_calibration_cut of each of `count` ranges, by all cores. */
clq_status clq_histograms_cut_by(const clq_histograms *histograms, const clq_calibration *method,
                                 const clq_scheme *scheme, uint64_t count, const uint64_t *counts, float *ranges,
                                 clq_calibration_kept *kept, clq_error *error);

/*
 * Both: wait, read those of `count` parameters from `first` on, at most CLQ_HISTOGRAMS_AT_ONCE, and cut their ranges,
 * by all cores. *total grows by the sum of all counts; *counts, all of them in turn, stay valid until the next call.
 */
clq_status clq_histograms_cut(clq_histograms *histograms, const clq_calibration *method, const clq_scheme *scheme,
                              uint64_t first, uint64_t count, float *ranges, clq_calibration_kept *kept,
                              const uint64_t **counts, uint64_t *total, clq_error *error);

#endif

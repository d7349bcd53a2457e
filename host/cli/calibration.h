/* SPDX-License-Identifier: Apache-2.0 */
/* How ranges follow from data: the methods of `calibrate --method` and `quantize --calibrate`, and their histograms. */
#ifndef CLQ_CLI_CALIBRATION_H
#define CLQ_CLI_CALIBRATION_H

#include "cli.h"
#include "slot.h"

/*
 * Parse "minmax", "percentile:99.9", "mse", "entropy" and, with `averages`, "moving-average" or "moving-average:0.05".
 * Returns 0 when `text` is none of them.
 */
int cli_calibration_parse(const char *text, int averages, cli_calibration *method);

/* The same text again, as short as it can be. */
void cli_calibration_format(char *out, size_t capacity, const cli_calibration *method);

/* Whether the method needs the data a second time, for histograms. */
int cli_calibration_counts(const cli_calibration *method);

/*
 * What the method makes of one parameter: `range` is the least and the greatest element, in the form of ranges.h, and
 * becomes the range to quantize with. `counts` is its histogram, which methods without one do not look at. *threshold
 * (which may be NULL) is where it was cut.
 */
clq_status cli_calibration_cut(const cli_calibration *method, const clq_scheme *scheme, const uint64_t *counts,
                               float *range, clq_threshold *threshold, clq_error *error);

/* Histograms of a run of parameters, on the device. */
typedef struct cli_histograms {
    clq_context *context;
    clq_buffer *counts, *ranges;
    uint64_t room; /* parameters that both have room for */
    uint64_t *one; /* a histogram on the host */
} cli_histograms;

/* Host and device memory that so many take. */
uint64_t cli_histograms_bytes(uint64_t parameters);

/* Begin anew with `parameters` empty histograms, whose ranges are [ranges[2i], ranges[2i+1]]. */
clq_status cli_histograms_begin(cli_histograms *histograms, clq_context *context, uint64_t parameters,
                                const float *ranges, clq_error *error);
void cli_histograms_release(cli_histograms *histograms);

/* Enqueue: count the elements of a piece, which its slot handed to the device; its parameters begin at `first`. */
clq_status cli_histograms_add(cli_histograms *histograms, const cli_slot *slot, const cli_piece *piece, uint64_t first,
                              clq_error *error);

/* Wait, and read one; *counts stays valid until the next call. */
clq_status cli_histograms_read(cli_histograms *histograms, uint64_t parameter, const uint64_t **counts,
                               clq_error *error);

#endif

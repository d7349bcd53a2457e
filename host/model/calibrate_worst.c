/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CLQ_FILE_WORST: which tensors lose most by the ranges that were chosen, told from their histograms. Only so many are
 * held at a time, so that the memory does not grow with the number of tensors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/calibrate.h"

/* The lower edge of bin b, and with b = bins the end of the last one (docs/numerics.md, eq. 33 and 40). */
static double edge_of(const clq_scheme *scheme, const float *found, uint32_t bins, uint32_t b)
{
    const double lo = (double)found[0];
    const double hi = (double)found[1];
    if (scheme->symmetric) {
        return fmax(fabs(lo), fabs(hi)) * b / bins;
    }
    return (lo * (bins - b) + hi * b) / bins;
}

/*
 * The mean square distance between the elements of a bin and the values of their codes. What is spread over a bin
 * narrower than a step has one code; over a wider one it has all distances up to half a step.
 */
static double noise_of(const clq_scheme *scheme, const clq_parameters *chosen, double centre, double width)
{
    const double scale = (double)chosen->scale;
    const double code = nearbyint(centre / scale) + chosen->zero_point;
    const double kept = fmin(fmax(code, scheme->qmin), scheme->qmax);
    const double distance = centre - (kept - chosen->zero_point) * scale;
    return kept == code && width >= scale ? scale * scale / 12.0 : distance * distance + width * width / 12.0;
}

/* NaN where no element is other than zero. */
static clq_status expect_sqnr(const clq_scheme *scheme, const float *found, const float *range, const uint64_t *counts,
                              double *sqnr_db, clq_error *error)
{
    const uint32_t bins = clq_histogram_bins(scheme);
    clq_parameters chosen;
    double signal = 0.0;
    double noise = 0.0;
    CLQ_TRY(clq_choose_parameters(scheme, range[0], range[1], &chosen, error));
    for (uint32_t b = 0; b < bins; b++) {
        if (counts[b] > 0) {
            const double low = edge_of(scheme, found, bins, b);
            const double high = edge_of(scheme, found, bins, b + 1);
            const double centre = (low + high) / 2.0;
            signal += (double)counts[b] * centre * centre;
            noise += (double)counts[b] * noise_of(scheme, &chosen, centre, high - low);
        }
    }
    *sqnr_db = signal > 0.0 ? 10.0 * log10(signal / noise) : NAN;
    return CLQ_OK;
}

clq_status clq_calibrate_weigh(const clq_calibrate_job *job, clq_calibrated *tensor, uint64_t p, const uint64_t *counts,
                               clq_error *error)
{
    const size_t bytes = job->bins * sizeof *counts;
    double sqnr_db = NAN;
    CLQ_TRY(expect_sqnr(&job->scheme, &tensor->found[2 * p], &tensor->range[2 * p], counts, &sqnr_db, error));
    if (isnan(sqnr_db) || (tensor->worst_histogram != NULL && sqnr_db >= tensor->expected_sqnr_db)) {
        return CLQ_OK;
    }
    if (tensor->worst_histogram == NULL) {
        tensor->worst_histogram = malloc(bytes);
    }
    if (tensor->worst_histogram == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a histogram");
    }
    memcpy(tensor->worst_histogram, counts, bytes);
    tensor->worst_parameter = p;
    tensor->expected_sqnr_db = sqnr_db;
    return CLQ_OK;
}

void clq_calibrate_keep_worst(clq_calibrate_job *job, clq_calibrated *tensor)
{
    size_t place = job->worst_count;
    if (tensor->worst_histogram == NULL) {
        return;
    }
    while (place > 0 && tensor->expected_sqnr_db < job->worst[place - 1]->expected_sqnr_db) {
        place--;
    }
    if (job->worst_count == CLQ_FILE_WORST_COUNT) {
        clq_calibrated *out = place == CLQ_FILE_WORST_COUNT ? tensor : job->worst[CLQ_FILE_WORST_COUNT - 1];
        free(out->worst_histogram);
        out->worst_histogram = NULL;
        if (out == tensor) {
            return;
        }
        job->worst_count--;
    }
    memmove(&job->worst[place + 1], &job->worst[place], (job->worst_count - place) * sizeof job->worst[0]);
    job->worst[place] = tensor;
    job->worst_count++;
}

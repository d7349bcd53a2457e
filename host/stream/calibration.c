/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/calibration.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "stream/ranges.h"
#include "stream/workers.h"

enum { MOST_BYTES = CLQ_HISTOGRAM_SIGNED_BINS * 8, CLEARED_AT_ONCE = 16 };

int clq_calibration_counts(const clq_calibration *method)
{
    return method->kind == CLQ_CALIBRATE_PERCENTILE || method->kind == CLQ_CALIBRATE_MSE ||
           method->kind == CLQ_CALIBRATE_ENTROPY;
}

static clq_status cut_magnitudes(const clq_calibration *method, const clq_scheme *scheme, const uint64_t *counts,
                                 float *range, clq_calibration_kept *kept, clq_error *error)
{
    const float maximum = fmaxf(fabsf(range[0]), fabsf(range[1]));
    const uint32_t levels = clq_scheme_levels(scheme, range[0], range[1]);
    clq_threshold found = {maximum, 0};
    if (method->kind == CLQ_CALIBRATE_PERCENTILE) {
        CLQ_TRY(clq_histogram_percentile(counts, maximum, method->percent, &found, error));
    } else if (method->kind == CLQ_CALIBRATE_MSE) {
        CLQ_TRY(clq_histogram_mse(counts, maximum, levels, &found, error));
    } else {
        CLQ_TRY(clq_histogram_entropy(counts, maximum, levels, &found, error));
    }
    clq_range_clip(range, found.value);
    *kept = (clq_calibration_kept){found.value, 0, found.bins};
    return CLQ_OK;
}

static clq_status cut_both_ends(const clq_calibration *method, const clq_scheme *scheme, const uint64_t *counts,
                                float *range, clq_calibration_kept *kept, clq_error *error)
{
    clq_cut cut;
    if (method->kind == CLQ_CALIBRATE_PERCENTILE) {
        CLQ_TRY(clq_histogram_cut_percentile(counts, range, method->percent, &cut, error));
    } else if (method->kind == CLQ_CALIBRATE_MSE) {
        CLQ_TRY(clq_histogram_cut_mse(scheme, counts, range, &cut, error));
    } else {
        CLQ_TRY(clq_histogram_cut_entropy(scheme, counts, range, &cut, error));
    }
    memcpy(range, cut.range, sizeof cut.range);
    *kept = (clq_calibration_kept){0.0f, cut.first, cut.end};
    return CLQ_OK;
}

clq_status clq_calibration_cut(const clq_calibration *method, const clq_scheme *scheme, const uint64_t *counts,
                               float *range, clq_calibration_kept *kept, clq_error *error)
{
    *kept = (clq_calibration_kept){fmaxf(fabsf(range[0]), fabsf(range[1])), 0, 0};
    if (!clq_calibration_counts(method) || clq_range_is_empty(range)) {
        return CLQ_OK;
    }
    return (scheme->symmetric ? cut_magnitudes : cut_both_ends)(method, scheme, counts, range, kept, error);
}

static uint64_t bytes_of(const clq_histograms *h)
{
    return h->bins * sizeof(uint64_t);
}

uint64_t clq_histograms_bytes(const clq_scheme *scheme, uint64_t parameters)
{
    const uint64_t each = clq_histogram_bins(scheme) * sizeof(uint64_t) + 2 * sizeof(float);
    uint64_t bytes = 0;
    return clq_size_multiply(parameters, each, &bytes) ? bytes : UINT64_MAX;
}

static clq_status ensure_room(clq_histograms *h, uint64_t parameters, clq_error *error)
{
    const uint64_t wanted = clq_size_max(parameters, 1) * h->bins;
    if (h->some == NULL && (h->some = malloc(CLQ_HISTOGRAMS_AT_ONCE * (size_t)MOST_BYTES)) == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for histograms");
    }
    if (h->counts != NULL && h->room >= wanted) {
        return CLQ_OK;
    }
    clq_buffer_destroy(&h->counts);
    clq_buffer_destroy(&h->ranges);
    CLQ_TRY(clq_buffer_create(h->context, wanted * sizeof(uint64_t), &h->counts, error));
    CLQ_TRY(clq_buffer_create(h->context, wanted / CLQ_HISTOGRAM_BINS * 2 * sizeof(float), &h->ranges, error));
    h->room = wanted;
    return CLQ_OK;
}

clq_status clq_histograms_begin(clq_histograms *h, clq_context *context, const clq_scheme *scheme, uint64_t parameters,
                                const float *ranges, clq_error *error)
{
    clq_status status = CLQ_OK;
    void *zeros = NULL;
    h->context = context;
    h->bins = clq_histogram_bins(scheme);
    CLQ_TRY(ensure_room(h, parameters, error));
    zeros = calloc(CLEARED_AT_ONCE, MOST_BYTES);
    if (zeros == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for histograms");
    }
    for (uint64_t p = 0; p < parameters; p += CLEARED_AT_ONCE) {
        const uint64_t count = clq_size_min(parameters - p, CLEARED_AT_ONCE);
        CLQ_TRY_TO(clq_buffer_write(h->counts, p * bytes_of(h), zeros, count * bytes_of(h), error));
    }
    CLQ_TRY_TO(clq_buffer_write(h->ranges, 0, ranges, parameters * 2 * sizeof *ranges, error));
done:
    free(zeros);
    return status;
}

void clq_histograms_release(clq_histograms *h)
{
    clq_buffer_destroy(&h->counts);
    clq_buffer_destroy(&h->ranges);
    free(h->some);
    memset(h, 0, sizeof *h);
}

clq_status clq_histograms_add(clq_histograms *h, const clq_slot *slot, const clq_piece *piece, uint64_t first,
                              clq_error *error)
{
    const clq_operand x = {clq_staging_buffer(slot->staging), piece->real / (clq_dtype_bits(piece->q.real) / 8)};
    const clq_operand range = {h->ranges, 2 * first};
    const clq_operand counts = {h->counts, first * h->bins};
    CLQ_TRY(clq_piece_on_device(piece, CLQ_SLOT_REAL, error));
    return clq_histogram(h->context, &piece->q, x, range, counts, error);
}

clq_status clq_histograms_add_checked(clq_histograms *h, clq_check *check, clq_slot *slot, const clq_piece *piece,
                                      uint64_t first, const float *ranges, const clq_check_place *place,
                                      clq_error *error)
{
    const uint64_t bytes = piece->chunk.parameters * bytes_of(h);
    clq_status status = CLQ_OK;
    uint64_t *before = NULL;
    uint64_t *after = NULL;
    if (!clq_check_takes_whole(check, piece)) {
        return clq_histograms_add(h, slot, piece, first, error);
    }
    before = malloc((size_t)bytes);
    after = malloc((size_t)bytes);
    if (before == NULL || after == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to check histograms");
        goto done;
    }
    CLQ_TRY_TO(clq_buffer_read(h->counts, first * bytes_of(h), before, bytes, error));
    CLQ_TRY_TO(clq_histograms_add(h, slot, piece, first, error));
    CLQ_TRY_TO(clq_buffer_read(h->counts, first * bytes_of(h), after, bytes, error));
    CLQ_TRY_TO(clq_slot_to_host(slot, 0, error));
    CLQ_TRY_TO(clq_check_histograms(check, slot, piece, ranges, before, after, place, error));
    CLQ_TRY_TO(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
done:
    free(before);
    free(after);
    return status;
}

clq_status clq_counts_add_up(const uint64_t *counts, uint64_t bins, uint64_t *total, clq_error *error)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < bins; i++) {
        if (counts[i] > (uint64_t)INT64_MAX - sum) {
            return clq_fail(error, CLQ_DEVICE_ERROR,
                            "the device counted more than 2^63 elements in a histogram: it or its driver is faulty "
                            "(--device reference does without it)");
        }
        sum += counts[i];
    }
    *total += sum;
    return CLQ_OK;
}

/* What is cut at once. */
typedef struct cutting {
    const clq_calibration *method;
    const clq_scheme *scheme;
    const uint64_t *counts;
    uint32_t bins;
    float *ranges;
    clq_calibration_kept *kept;
} cutting;

static clq_status cut_one(void *cookie, size_t index, clq_error *error)
{
    const cutting *c = cookie;
    return clq_calibration_cut(c->method, c->scheme, c->counts + index * c->bins, c->ranges + 2 * index,
                               c->kept + index, error);
}

clq_status clq_histograms_read(clq_histograms *h, uint64_t first, uint64_t count, uint64_t *counts, uint64_t *total,
                               clq_error *error)
{
    CLQ_TRY(clq_buffer_read(h->counts, first * bytes_of(h), counts, count * bytes_of(h), error));
    for (uint64_t p = 0; p < count; p++) {
        CLQ_TRY(clq_counts_add_up(counts + p * h->bins, h->bins, total, error));
    }
    return CLQ_OK;
}

clq_status clq_histograms_cut_by(const clq_histograms *h, const clq_calibration *method, const clq_scheme *scheme,
                                 uint64_t count, const uint64_t *counts, float *ranges, clq_calibration_kept *kept,
                                 clq_error *error)
{
    cutting c = {method, scheme, counts, h->bins, ranges, kept};
    return clq_workers_run((size_t)count, cut_one, &c, error);
}

clq_status clq_histograms_cut(clq_histograms *h, const clq_calibration *method, const clq_scheme *scheme,
                              uint64_t first, uint64_t count, float *ranges, clq_calibration_kept *kept,
                              const uint64_t **counts, uint64_t *total, clq_error *error)
{
    CLQ_TRY(clq_histograms_read(h, first, count, h->some, total, error));
    *counts = h->some;
    return clq_histograms_cut_by(h, method, scheme, count, h->some, ranges, kept, error);
}

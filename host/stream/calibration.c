/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/calibration.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "stream/ranges.h"

enum { HISTOGRAM_BYTES = CLQ_HISTOGRAM_BINS * 8, CLEARED_AT_ONCE = 32 };

int clq_calibration_counts(const clq_calibration *method)
{
    return method->kind >= CLQ_CALIBRATE_PERCENTILE;
}

clq_status clq_calibration_cut(const clq_calibration *method, const clq_scheme *scheme, const uint64_t *counts,
                               float *range, clq_threshold *threshold, clq_error *error)
{
    const float maximum = fmaxf(fabsf(range[0]), fabsf(range[1]));
    clq_threshold found = {maximum, 0};
    if (!clq_range_is_empty(range)) {
        const uint32_t levels = clq_scheme_levels(scheme, range[0], range[1]);
        if (method->kind == CLQ_CALIBRATE_PERCENTILE) {
            CLQ_TRY(clq_histogram_percentile(counts, maximum, method->percent, &found, error));
        } else if (method->kind == CLQ_CALIBRATE_MSE) {
            CLQ_TRY(clq_histogram_mse(counts, maximum, levels, &found, error));
        } else if (method->kind == CLQ_CALIBRATE_ENTROPY) {
            CLQ_TRY(clq_histogram_entropy(counts, maximum, levels, &found, error));
        }
        clq_range_clip(range, found.value);
    }
    if (threshold != NULL) {
        *threshold = found;
    }
    return CLQ_OK;
}

uint64_t clq_histograms_bytes(uint64_t parameters)
{
    uint64_t bytes = 0;
    return clq_size_multiply(parameters, HISTOGRAM_BYTES + 2 * sizeof(float), &bytes) ? bytes : UINT64_MAX;
}

static clq_status ensure_room(clq_histograms *h, uint64_t parameters, clq_error *error)
{
    const uint64_t wanted = clq_size_max(parameters, 1);
    if (h->one == NULL && (h->one = malloc(HISTOGRAM_BYTES)) == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a histogram");
    }
    if (h->counts != NULL && h->room >= wanted) {
        return CLQ_OK;
    }
    clq_buffer_destroy(&h->counts);
    clq_buffer_destroy(&h->ranges);
    CLQ_TRY(clq_buffer_create(h->context, wanted * HISTOGRAM_BYTES, &h->counts, error));
    CLQ_TRY(clq_buffer_create(h->context, wanted * 2 * sizeof(float), &h->ranges, error));
    h->room = wanted;
    return CLQ_OK;
}

clq_status clq_histograms_begin(clq_histograms *h, clq_context *context, uint64_t parameters, const float *ranges,
                                clq_error *error)
{
    clq_status status = CLQ_OK;
    void *zeros = NULL;
    h->context = context;
    CLQ_TRY(ensure_room(h, parameters, error));
    zeros = calloc(CLEARED_AT_ONCE, HISTOGRAM_BYTES);
    if (zeros == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for histograms");
    }
    for (uint64_t p = 0; p < parameters; p += CLEARED_AT_ONCE) {
        const uint64_t count = clq_size_min(parameters - p, CLEARED_AT_ONCE);
        CLQ_TRY_TO(clq_buffer_write(h->counts, p * HISTOGRAM_BYTES, zeros, count * HISTOGRAM_BYTES, error));
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
    free(h->one);
    memset(h, 0, sizeof *h);
}

clq_status clq_histograms_add(clq_histograms *h, const clq_slot *slot, const clq_piece *piece, uint64_t first,
                              clq_error *error)
{
    const clq_operand x = {clq_staging_buffer(slot->staging), piece->real / (clq_dtype_bits(piece->q.real) / 8)};
    const clq_operand range = {h->ranges, 2 * first};
    const clq_operand counts = {h->counts, first * CLQ_HISTOGRAM_BINS};
    CLQ_TRY(clq_piece_on_device(piece, CLQ_SLOT_REAL, error));
    return clq_histogram(h->context, &piece->q, x, range, counts, error);
}

/* Whether there is memory for two times the piece's histograms: --check all is promised, a sample is not. */
static int has_room(const clq_check *check, uint64_t bytes)
{
    return bytes <= SIZE_MAX / 2 && (check->mode == CLQ_CHECK_ALL || 2 * bytes <= check->histogram_bytes);
}

clq_status clq_histograms_add_checked(clq_histograms *h, clq_check *check, clq_slot *slot, const clq_piece *piece,
                                      uint64_t first, const float *ranges, const clq_check_place *place,
                                      clq_error *error)
{
    const uint64_t bytes = piece->chunk.parameters * HISTOGRAM_BYTES;
    clq_status status = CLQ_OK;
    uint64_t *before = NULL;
    uint64_t *after = NULL;
    if (!clq_check_takes_whole(check, piece) || !has_room(check, bytes)) {
        return clq_histograms_add(h, slot, piece, first, error);
    }
    before = malloc((size_t)bytes);
    after = malloc((size_t)bytes);
    if (before == NULL || after == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to check histograms");
        goto done;
    }
    CLQ_TRY_TO(clq_buffer_read(h->counts, first * HISTOGRAM_BYTES, before, bytes, error));
    CLQ_TRY_TO(clq_histograms_add(h, slot, piece, first, error));
    CLQ_TRY_TO(clq_buffer_read(h->counts, first * HISTOGRAM_BYTES, after, bytes, error));
    CLQ_TRY_TO(clq_slot_to_host(slot, 0, error));
    CLQ_TRY_TO(clq_check_histograms(check, slot, piece, ranges, before, after, place, error));
    CLQ_TRY_TO(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
done:
    free(before);
    free(after);
    return status;
}

uint64_t clq_histogram_total(const uint64_t *counts)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < CLQ_HISTOGRAM_BINS; i++) {
        sum += counts[i];
    }
    return sum;
}

clq_status clq_histograms_read(clq_histograms *h, uint64_t parameter, const uint64_t **counts, clq_error *error)
{
    uint64_t sum = 0;
    CLQ_TRY(clq_buffer_read(h->counts, parameter * HISTOGRAM_BYTES, h->one, HISTOGRAM_BYTES, error));
    for (size_t i = 0; i < CLQ_HISTOGRAM_BINS; i++) {
        if (h->one[i] > (uint64_t)INT64_MAX - sum) {
            return clq_fail(error, CLQ_DEVICE_ERROR,
                            "the device counted more than 2^63 elements in a histogram: it or its driver is faulty "
                            "(--device reference does without it)");
        }
        sum += h->one[i];
    }
    *counts = h->one;
    return CLQ_OK;
}

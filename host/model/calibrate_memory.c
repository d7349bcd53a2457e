/* SPDX-License-Identifier: Apache-2.0 */
/* What clq_file_calibrate holds of each range to the end of the call, and whether --memory has room for it. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/size.h"
#include "format/support.h"
#include "model/calibrate.h"
#include "stream/ranges.h"

int clq_calibrate_counts(const clq_calibrate_job *job)
{
    return clq_calibration_counts(&job->job.request->calibration) ||
           (job->job.request->details & (CLQ_FILE_HISTOGRAMS | CLQ_FILE_WORST)) != 0;
}

/* Of all devices and stages together; of a part also while it exchanges them with the others. */
static uint64_t bytes_of_range(const clq_calibrate_job *job)
{
    const clq_file_request *request = job->job.request;
    const clq_calibrated *each = job->tensors;
    const uint64_t copies = 2 + clq_size_max(job->job.context_count, 1) + (clq_job_is_part(&job->job) ? 1 : 0);
    uint64_t bytes = copies * 2 * sizeof *each->found;
    bytes += request->calibration.kind == CLQ_CALIBRATE_MEAN ? sizeof *each->means : 0;
    if (clq_calibrate_counts(job)) {
        bytes += sizeof *each->threshold + sizeof *each->kept;
        bytes += clq_job_is_part(&job->job) ? CLQ_CALIBRATE_CUT_NUMBERS * sizeof(uint64_t) : 0;
    }
    if ((request->details & CLQ_FILE_HISTOGRAMS) != 0) {
        bytes += clq_histogram_bins(&job->scheme) * sizeof *each->histogram;
    }
    return bytes;
}

/* Slots take half of the memory or, where histograms take the other half, a quarter. */
static clq_status check_memory(const clq_calibrate_job *job, clq_error *error)
{
    const uint64_t memory = job->job.request->memory_bytes;
    uint64_t ranges = 0;
    uint64_t bytes = 0;
    int fits = 1;
    for (size_t i = 0; i < job->count; i++) {
        fits = fits && clq_size_add(ranges, job->tensors[i].parameters, &ranges);
    }
    fits = fits && clq_size_multiply(ranges, 4 * bytes_of_range(job), &bytes);
    CLQ_REQUIRE(fits, "%" PRIu64 " ranges do not fit any memory", ranges);
    CLQ_REQUIRE(bytes <= memory,
                "%" PRIu64 " ranges of %" PRIu64
                " bytes each take up to a quarter of --memory, which is %s and must be at "
                "least %" PRIu64 " bytes (%s)",
                ranges, bytes_of_range(job), clq_show_size(memory).text, bytes, clq_show_size(bytes).text);
    return CLQ_OK;
}

static clq_status hold(const clq_calibrate_job *job, clq_calibrated *tensor, clq_error *error)
{
    const size_t count = (size_t)tensor->parameters + 1;
    const int averages = job->job.request->calibration.kind == CLQ_CALIBRATE_MEAN;
    const int counts = clq_calibrate_counts(job);
    tensor->found = malloc(count * 2 * sizeof *tensor->found);
    tensor->range = malloc(count * 2 * sizeof *tensor->range);
    tensor->means = averages ? calloc(count, sizeof *tensor->means) : NULL;
    tensor->threshold = counts ? calloc(count, sizeof *tensor->threshold) : NULL;
    tensor->kept = counts ? calloc(count, sizeof *tensor->kept) : NULL;
    if (tensor->found == NULL || tensor->range == NULL || (averages && tensor->means == NULL) ||
        (counts && (tensor->threshold == NULL || tensor->kept == NULL))) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", tensor->parameters);
    }
    clq_ranges_clear(tensor->found, tensor->parameters);
    return CLQ_OK;
}

clq_status clq_calibrate_hold(clq_calibrate_job *job, clq_error *error)
{
    CLQ_TRY(check_memory(job, error));
    for (size_t i = 0; i < job->count; i++) {
        CLQ_TRY(hold(job, &job->tensors[i], error));
    }
    return CLQ_OK;
}

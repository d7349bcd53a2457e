/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <sys/stat.h>

int cli_report_failure(const clq_error *error)
{
    clq_error interrupted;
    if (cli_interrupted() && error->status != CLQ_CANCELLED) {
        clq_fail(&interrupted, CLQ_CANCELLED, "interrupted");
        error = &interrupted;
    }
    return cli_report(error);
}

uint64_t cli_model_file_bytes(const clq_model *model)
{
    struct stat facts;
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->shard_count; i++) {
        bytes += model->shards[i].file_bytes;
    }
    if (model->kind == CLQ_MODEL_SHARDED && stat(model->path, &facts) == 0) {
        bytes += (uint64_t)facts.st_size;
    }
    return bytes;
}

double cli_seconds_since(const struct timespec *begun)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begun->tv_sec) + 1e-9 * (double)(now.tv_nsec - begun->tv_nsec);
}

void cli_format_granularity(char *out, size_t capacity, const clq_layout *layout)
{
    if (layout->granularity == CLQ_PER_CHANNEL) {
        snprintf(out, capacity, "channel %u", (unsigned)layout->axis);
    } else if (layout->granularity == CLQ_PER_GROUP) {
        snprintf(out, capacity, "group %" PRIu64, layout->group_size);
    } else {
        snprintf(out, capacity, "tensor");
    }
}

void cli_format_sqnr(char *out, size_t capacity, const cli_errors *errors)
{
    if (errors->exact) {
        snprintf(out, capacity, "exact");
    } else if (isfinite(errors->sqnr_db)) {
        snprintf(out, capacity, "%.2f dB", errors->sqnr_db);
    } else {
        snprintf(out, capacity, "-");
    }
}

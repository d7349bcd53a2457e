/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/verbs/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

int cli_report_failure(const clq_error *error)
{
    return cli_report_end(NULL, error->status, error);
}

int cli_report_end(const char *complete, clq_status status, const clq_error *error)
{
    char shown[300] = "";
    clq_error told;
    if (complete != NULL) {
        clq_printable(shown, sizeof shown, complete, strlen(complete));
    }
    if (status == CLQ_OK) {
        const int code = cli_finish_output(CLI_OK);
        if (code != CLI_OK && complete != NULL) {
            cli_message("OUT '%s' is complete", shown);
        }
        return code;
    }
    told = *error;
    if (cli_interrupted() && status != CLQ_CANCELLED) {
        clq_fail(&told, CLQ_CANCELLED, "interrupted");
    }
    if (complete != NULL) {
        const clq_error before = told;
        snprintf(told.message, sizeof told.message, "%.600s; OUT '%s' is complete", before.message, shown);
    }
    return cli_report(&told);
}

int cli_report_late(int verdict, const clq_error *error)
{
    const int code = cli_report_failure(error);
    return verdict == CLI_OK || cli_interrupted() ? code : verdict;
}

int cli_percent_digits(double percent)
{
    return percent < 99.5 ? 2 : 3;
}

double cli_seconds_since(const struct timespec *begun)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begun->tv_sec) + 1e-9 * (double)(now.tv_nsec - begun->tv_nsec);
}

const char *cli_granularity_name(const clq_layout *layout)
{
    return clq_granularity_name(layout->granularity == CLQ_PER_BLOCK ? CLQ_PER_GROUP : layout->granularity);
}

int cli_has_axis(const clq_layout *layout)
{
    return layout->granularity == CLQ_PER_CHANNEL || layout->granularity == CLQ_PER_BLOCK;
}

int cli_has_group_size(const clq_layout *layout)
{
    return layout->granularity == CLQ_PER_GROUP || layout->granularity == CLQ_PER_BLOCK;
}

void cli_format_granularity(char *out, size_t capacity, const clq_layout *layout)
{
    if (layout->granularity == CLQ_PER_CHANNEL) {
        snprintf(out, capacity, "channel %u", (unsigned)layout->axis);
    } else if (layout->granularity == CLQ_PER_GROUP) {
        snprintf(out, capacity, "group %" PRIu64, layout->group_size);
    } else if (layout->granularity == CLQ_PER_BLOCK) {
        snprintf(out, capacity, "group %" PRIu64 ", axis %u", layout->group_size, (unsigned)layout->axis);
    } else {
        snprintf(out, capacity, "tensor");
    }
}

void cli_format_sqnr(char *out, size_t capacity, const clq_errors *errors)
{
    if (errors->exact) {
        snprintf(out, capacity, "exact");
    } else if (isfinite(errors->sqnr_db)) {
        snprintf(out, capacity, "%.2f dB", errors->sqnr_db);
    } else {
        snprintf(out, capacity, "-");
    }
}

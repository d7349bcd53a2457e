/* SPDX-License-Identifier: Apache-2.0 */
/* clquant calibrate: ranges over many batches of activations, for `quantize --ranges`. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <string.h>
#include <time.h>

#include "command/verbs/report.h"
#include "model/calibrate.h"
#include "model/plan.h"

/* *complete: OUT, once it is in its place. */
static clq_status execute(clq_calibrate_job *job, const char **complete, clq_error *error)
{
    const cli_options *options = job->options;
    struct timespec begun;
    clq_device_info info;
    double seconds;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    CLQ_TRY(clq_model_plan_scheme(&options->file, &job->scheme, error));
    CLQ_TRY(clq_calibrate_inputs(job, error));
    CLQ_TRY(cli_open_device(options, &job->context, error));
    clq_context_device(job->context, &info);
    snprintf(job->device, sizeof job->device, "%s", info.name);
    CLQ_TRY(clq_calibrate_run(job, error));
    CLQ_TRY(clq_calibrate_write(job, error));
    *complete = options->file.output;
    seconds = cli_seconds_since(&begun);
    if (options->json) {
        clq_calibrate_json(job, seconds);
        return CLQ_OK;
    }
    return options->quiet ? CLQ_OK : clq_calibrate_table(job, seconds, error);
}

int cli_calibrate(const cli_options *options)
{
    clq_calibrate_job job;
    const char *complete = NULL;
    clq_error error;
    clq_status status;
    memset(&job, 0, sizeof job);
    job.options = options;
    status = execute(&job, &complete, &error);
    clq_calibrate_release(&job);
    clq_context_destroy(&job.context);
    return cli_report_end(complete, status, &error);
}

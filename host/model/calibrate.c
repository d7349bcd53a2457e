/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_calibrate: ranges over many batches of activations, for clq_file_quantize. */
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "format/file.h"
#include "format/output_path.h"
#include "format/ranges_object.h"
#include "format/writer.h"
#include "model/calibrate.h"
#include "model/nonfinite.h"
#include "model/plan.h"
#include "model/report.h"
#include "stream/ranges.h"

/* The hull of the ranges of all parameters. */
static void set_bounds(clq_file_tensor *tensor)
{
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        const float *range = &tensor->range[2 * p];
        tensor->range_low = range[0] < tensor->range_low ? range[0] : tensor->range_low;
        tensor->range_high = range[1] > tensor->range_high ? range[1] : tensor->range_high;
    }
}

/* The report takes over what was found. */
static clq_status report_tensor(clq_calibrate_job *job, clq_calibrated *found, clq_error *error)
{
    clq_file_report *report = job->job.report;
    clq_file_tensor *tensor;
    CLQ_TRY(clq_report_add(report, found->name, &tensor, error));
    tensor->outcome = CLQ_FILE_PROCESSED;
    memcpy(tensor->source.dtype, found->dtype, sizeof tensor->source.dtype);
    clq_quantization_init(&tensor->q);
    tensor->q.layout = found->layout;
    tensor->q.scheme = job->scheme;
    tensor->elements = found->elements;
    tensor->parameters = found->parameters;
    tensor->batches = found->batches;
    tensor->nonfinite.count = found->nonfinite;
    tensor->range = found->range;
    tensor->found_range = found->found;
    tensor->histogram = found->histogram;
    found->range = NULL;
    found->found = NULL;
    found->histogram = NULL;
    tensor->worst_histogram = found->worst_histogram;
    tensor->worst_parameter = found->worst_parameter;
    tensor->expected_sqnr_db = found->expected_sqnr_db;
    found->worst_histogram = NULL;
    if (clq_calibration_counts(&job->job.request->calibration)) {
        if (job->scheme.symmetric) {
            tensor->threshold = found->threshold;
            found->threshold = NULL;
        }
        tensor->kept = found->kept;
        found->kept = NULL;
    }
    set_bounds(tensor);
    report->processed_count += 1;
    clq_report_keep(report);
    return CLQ_OK;
}

/* The text of many ranges is longer than they are: it is written as it comes. */
typedef struct ranges_output {
    clq_writer *writer;
    uint64_t bytes;
    clq_status status;
    clq_error *error;
} ranges_output;

static int put_text(void *cookie, const char *bytes, size_t length)
{
    ranges_output *output = cookie;
    output->status = clq_writer_write(output->writer, bytes, length, output->error);
    output->bytes += length;
    return output->status == CLQ_OK;
}

static clq_status write_ranges(clq_calibrate_job *job, clq_error *error)
{
    const clq_file_request *request = job->job.request;
    ranges_output output = {.status = CLQ_OK, .error = error};
    clq_status status = CLQ_OK;
    clq_json_writer json;
    CLQ_TRY_TO(clq_writer_open(request->output, 0, request->replace, &output.writer, error));
    clq_json_writer_begin(&json, NULL);
    json.text.put = put_text;
    json.text.cookie = &output;
    clq_ranges_object(&json, request, job->job.report);
    clq_json_writer_end(&json);
    if (!clq_text_end(&json.text)) {
        CLQ_TRY_TO(output.status);
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the ranges"));
    }
    CLQ_TRY_TO(clq_writer_commit(&output.writer, error));
    job->job.report->is_written = 1;
    job->job.report->bytes_out = output.bytes;
done:
    clq_writer_abandon(&output.writer);
    return status;
}

/* --nonfinite ignore */
static void tell_nonfinite(clq_calibrate_job *job)
{
    const clq_file_report *report = job->job.report;
    clq_nonfinite_tally tally = {0};
    for (size_t i = 0; i < report->tensor_count; i++) {
        clq_nonfinite_add(&tally, report->tensors[i].name, report->tensors[i].nonfinite.count);
    }
    if (tally.elements > 0) {
        clq_job_warn(&job->job, "NaN or infinite, and left out: %s", clq_nonfinite_describe(&tally).text);
    }
}

static clq_status execute(clq_calibrate_job *job, clq_error *error)
{
    const clq_file_request *request = job->job.request;
    const clq_written written = {"a file of ranges (JSON)", {NULL}, ""};
    CLQ_REQUIRE(request->inputs.count > 0, "the request names no inputs");
    CLQ_REQUIRE(request->output != NULL, "the request names no output");
    CLQ_TRY(clq_model_plan_scheme(request, &job->scheme, error));
    CLQ_TRY(clq_calibrate_inputs(job, error));
    CLQ_TRY(clq_path_check_ending(request->output, &written, error));
    CLQ_TRY(clq_job_need_devices(&job->job, error));
    CLQ_TRY(clq_calibrate_hold(job, error));
    if (job->count > 0) {
        CLQ_TRY(clq_calibrate_run(job, error));
    }
    CLQ_TRY(clq_job_merge_check(&job->job, error));
    job->job.report->is_part_done = clq_job_is_part(&job->job);
    if (!clq_job_tells(&job->job)) {
        return CLQ_OK;
    }
    for (size_t i = 0; i < job->count; i++) {
        CLQ_TRY(report_tensor(job, &job->tensors[i], error));
    }
    tell_nonfinite(job);
    return write_ranges(job, error);
}

clq_status clq_file_calibrate(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                              clq_file_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_calibrate_job job;
    clq_status status;
    memset(&job, 0, sizeof job);
    status = clq_job_begin(&job.job, "calibrate", context, request, events, error);
    if (status == CLQ_OK) {
        status = execute(&job, error);
    }
    clq_calibrate_release(&job);
    return clq_job_end(&job.job, status, report);
}

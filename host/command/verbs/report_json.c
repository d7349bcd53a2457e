/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "command/verbs/file_report.h"
#include "command/verbs/report.h"

typedef enum series { SERIES_SCALE, SERIES_ZERO_POINT, SERIES_MINIMUM, SERIES_MAXIMUM } series;

static void json_value(clq_json_writer *json, const clq_file_tensor *tensor, series which, uint64_t i)
{
    switch (which) {
    case SERIES_SCALE:
        clq_json_writer_number(json, (double)tensor->scale[i]);
        break;
    case SERIES_ZERO_POINT:
        clq_json_writer_i64(json, tensor->zero_point[i]);
        break;
    case SERIES_MINIMUM:
        clq_json_writer_number(json, (double)tensor->range[2 * i]);
        break;
    case SERIES_MAXIMUM:
        clq_json_writer_number(json, (double)tensor->range[2 * i + 1]);
        break;
    }
}

/* A number per tensor, an array per channel or group; null when the data was not looked at. */
static void json_series(clq_json_writer *json, const char *key, const clq_file_tensor *tensor, series which)
{
    clq_json_writer_key(json, key);
    if (tensor->range == NULL) {
        clq_json_writer_null(json);
        return;
    }
    if (tensor->q.layout.granularity == CLQ_PER_TENSOR) {
        json_value(json, tensor, which, 0);
        return;
    }
    clq_json_writer_open(json, '[');
    for (uint64_t i = 0; i < tensor->parameters; i++) {
        json_value(json, tensor, which, i);
    }
    clq_json_writer_close(json, ']');
}

static void json_count(clq_json_writer *json, const char *key, int is_known, uint64_t count)
{
    clq_json_writer_key(json, key);
    if (is_known) {
        clq_json_writer_u64(json, count);
    } else {
        clq_json_writer_null(json);
    }
}

static void json_measured(clq_json_writer *json, const clq_file_tensor *tensor)
{
    clq_json_writer_key(json, "max_abs_error");
    clq_json_writer_number(json, tensor->measured ? tensor->errors.maximum : NAN);
    clq_json_writer_key(json, "sqnr_db");
    clq_json_writer_number(json, tensor->measured ? tensor->errors.sqnr_db : NAN);
    json_count(json, "clipped", tensor->measured, tensor->clipped);
}

/* A kernel is chosen, and the data looked at, once there is a device. */
static void json_tensor(clq_json_writer *json, const clq_file_tensor *tensor)
{
    const clq_file_tensor_side *source = &tensor->source;
    clq_json_writer_open(json, '{');
    clq_json_writer_name_and_shape(json, tensor->name, source->rank, source->shape);
    clq_json_writer_key(json, "dtype");
    clq_json_writer_string(json, source->dtype);
    clq_json_writer_key(json, "quantized_dtype");
    clq_json_writer_string(json, tensor->target.dtype);
    clq_json_writer_key(json, "granularity");
    clq_json_writer_string(json, cli_granularity_name(&tensor->q.layout));
    clq_json_writer_key(json, "axis");
    if (cli_has_axis(&tensor->q.layout)) {
        clq_json_writer_u64(json, tensor->q.layout.axis);
    } else {
        clq_json_writer_null(json);
    }
    json_series(json, "scale", tensor, SERIES_SCALE);
    json_series(json, "zero_point", tensor, SERIES_ZERO_POINT);
    json_series(json, "min", tensor, SERIES_MINIMUM);
    json_series(json, "max", tensor, SERIES_MAXIMUM);
    json_count(json, "nonfinite", tensor->variant[0] != '\0' || tensor->measured, tensor->nonfinite.count);
    json_measured(json, tensor);
    clq_json_writer_key(json, "variant");
    if (tensor->variant[0] != '\0') {
        clq_json_writer_string(json, tensor->variant);
    } else {
        clq_json_writer_null(json);
    }
    clq_json_writer_close(json, '}');
}

static void json_copied(clq_json_writer *json, const clq_file_tensor *copied)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_name_and_shape(json, copied->name, copied->source.rank, copied->source.shape);
    clq_json_writer_key(json, "dtype");
    clq_json_writer_string(json, copied->source.dtype);
    if (copied->reason != NULL) {
        clq_json_writer_key(json, "reason");
        clq_json_writer_string(json, copied->reason);
    }
    clq_json_writer_close(json, '}');
}

void cli_report_json_copied(clq_json_writer *json, const clq_file_report *report)
{
    clq_json_writer_key(json, "copied");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < report->tensor_count; i++) {
        if (report->tensors[i].outcome == CLQ_FILE_COPIED) {
            clq_json_writer_string(json, report->tensors[i].name);
        }
    }
    clq_json_writer_close(json, ']');
    clq_json_writer_key(json, "copied_details");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < report->tensor_count; i++) {
        if (report->tensors[i].outcome == CLQ_FILE_COPIED) {
            json_copied(json, &report->tensors[i]);
        }
    }
    clq_json_writer_close(json, ']');
}

void cli_report_json_summary(clq_json_writer *json, const clq_file_report *report)
{
    clq_json_writer_key(json, "summary");
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "tensors");
    clq_json_writer_u64(json, report->processed_count);
    clq_json_writer_key(json, "bytes_in");
    clq_json_writer_u64(json, report->bytes_in);
    clq_json_writer_key(json, "bytes_out");
    clq_json_writer_u64(json, report->bytes_out);
    clq_json_writer_key(json, "seconds");
    clq_json_writer_number(json, report->seconds);
    cli_json_copied_files(json, report);
    cli_json_check(json, report);
    cli_json_device(json, report);
    cli_json_devices(json, report);
    clq_json_writer_close(json, '}');
}

void cli_report_json(const clq_file_report *report)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < report->tensor_count; i++) {
        if (report->tensors[i].outcome == CLQ_FILE_PROCESSED) {
            json_tensor(&json, &report->tensors[i]);
        }
    }
    clq_json_writer_close(&json, ']');
    cli_report_json_copied(&json, report);
    cli_report_json_summary(&json, report);
    cli_json_end(&json);
}

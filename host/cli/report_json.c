/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "report.h"

typedef enum series { SERIES_SCALE, SERIES_ZERO_POINT, SERIES_MINIMUM, SERIES_MAXIMUM } series;

static void json_value(cli_json *json, const cli_plan_tensor *tensor, series which, uint64_t i)
{
    switch (which) {
    case SERIES_SCALE:
        cli_json_number(json, (double)tensor->scale[i]);
        break;
    case SERIES_ZERO_POINT:
        cli_json_i64(json, tensor->zero_point[i]);
        break;
    case SERIES_MINIMUM:
        cli_json_number(json, (double)tensor->range[2 * i]);
        break;
    case SERIES_MAXIMUM:
        cli_json_number(json, (double)tensor->range[2 * i + 1]);
        break;
    }
}

/* A number per tensor, an array per channel or group; null when the data was not looked at. */
static void json_series(cli_json *json, const char *key, const cli_plan_tensor *tensor, series which)
{
    cli_json_key(json, key);
    if (tensor->range == NULL) {
        cli_json_null(json);
        return;
    }
    if (tensor->q.layout.granularity == CLQ_PER_TENSOR) {
        json_value(json, tensor, which, 0);
        return;
    }
    cli_json_open(json, '[');
    for (uint64_t i = 0; i < tensor->parameters; i++) {
        json_value(json, tensor, which, i);
    }
    cli_json_close(json, ']');
}

static void json_measured(cli_json *json, const cli_plan_tensor *tensor)
{
    cli_json_key(json, "max_abs_error");
    cli_json_number(json, tensor->measured ? tensor->errors.maximum : NAN);
    cli_json_key(json, "sqnr_db");
    cli_json_number(json, tensor->measured ? tensor->errors.sqnr_db : NAN);
    cli_json_key(json, "clipped");
    if (tensor->measured) {
        cli_json_u64(json, tensor->clipped);
    } else {
        cli_json_null(json);
    }
}

static void json_tensor(cli_json *json, const cli_plan *plan, const cli_plan_tensor *tensor)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    cli_json_open(json, '{');
    cli_json_name_and_shape(json, source->name, source->rank, source->shape);
    cli_json_key(json, "dtype");
    cli_json_string(json, source->dtype.name);
    cli_json_key(json, "quantized_dtype");
    cli_json_string(json, clq_dtype_name(tensor->q.scheme.dtype));
    cli_json_key(json, "granularity");
    cli_json_string(json, cli_granularity_name(tensor->q.layout.granularity));
    cli_json_key(json, "axis");
    if (tensor->q.layout.granularity == CLQ_PER_CHANNEL) {
        cli_json_u64(json, tensor->q.layout.axis);
    } else {
        cli_json_null(json);
    }
    json_series(json, "scale", tensor, SERIES_SCALE);
    json_series(json, "zero_point", tensor, SERIES_ZERO_POINT);
    json_series(json, "min", tensor, SERIES_MINIMUM);
    json_series(json, "max", tensor, SERIES_MAXIMUM);
    cli_json_key(json, "nonfinite");
    cli_json_u64(json, tensor->nonfinite.count);
    json_measured(json, tensor);
    cli_json_key(json, "variant");
    cli_json_string(json, tensor->variant);
    cli_json_close(json, '}');
}

static void json_copied(cli_json *json, const cli_copied *copied)
{
    cli_json_open(json, '{');
    cli_json_name_and_shape(json, copied->tensor->name, copied->tensor->rank, copied->tensor->shape);
    cli_json_key(json, "dtype");
    cli_json_string(json, copied->tensor->dtype.name);
    if (copied->reason != NULL) {
        cli_json_key(json, "reason");
        cli_json_string(json, copied->reason);
    }
    cli_json_close(json, '}');
}

void cli_report_json_copied(cli_json *json, const cli_copied *copied, size_t count)
{
    cli_json_key(json, "copied");
    cli_json_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        cli_json_string(json, copied[i].tensor->name);
    }
    cli_json_close(json, ']');
    cli_json_key(json, "copied_details");
    cli_json_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        json_copied(json, &copied[i]);
    }
    cli_json_close(json, ']');
}

void cli_report_json_summary(cli_json *json, size_t tensors, const cli_report_summary *summary)
{
    cli_json_key(json, "summary");
    cli_json_open(json, '{');
    cli_json_key(json, "tensors");
    cli_json_u64(json, tensors);
    cli_json_key(json, "bytes_in");
    cli_json_u64(json, summary->bytes_in);
    cli_json_key(json, "bytes_out");
    cli_json_u64(json, summary->bytes_out);
    cli_json_key(json, "seconds");
    cli_json_number(json, summary->seconds);
    cli_json_key(json, "device");
    if (summary->device[0] != '\0') {
        cli_json_string(json, summary->device);
    } else {
        cli_json_null(json);
    }
    cli_json_close(json, '}');
}

clq_status cli_report_json(const cli_plan *plan, const cli_report_summary *summary, clq_error *error)
{
    cli_json json;
    size_t count = 0;
    cli_copied *copied = malloc((plan->count + 1) * sizeof *copied);
    if (copied == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    cli_json_begin(&json, stdout);
    cli_json_key(&json, "tensors");
    cli_json_open(&json, '[');
    for (size_t i = 0; i < plan->count; i++) {
        const cli_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->quantized) {
            json_tensor(&json, plan, tensor);
        } else {
            copied[count++] = (cli_copied){&plan->model->tensors[i], tensor->reason};
        }
    }
    cli_json_close(&json, ']');
    cli_report_json_copied(&json, copied, count);
    cli_report_json_summary(&json, plan->quantized_count, summary);
    cli_json_end(&json);
    free(copied);
    return CLQ_OK;
}

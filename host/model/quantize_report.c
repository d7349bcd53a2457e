/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/quantize_report.h"

#include <string.h>

#include "model/report.h"

static clq_status tell_copied(clq_file_tensor *told, const clq_model_tensor *source,
                              const clq_model_plan_tensor *tensor, clq_error *error)
{
    told->outcome = CLQ_FILE_COPIED;
    told->falls_short = !tensor->quantized && tensor->falls_short;
    told->elements = source->elements;
    told->reason = strdup(tensor->reason);
    if (told->reason == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    return clq_report_side(&told->target, source->dtype.name, source->rank, source->shape, source->bytes, error);
}

static void take_parameters(clq_file_tensor *told, clq_model_plan_tensor *tensor)
{
    told->range = tensor->range;
    told->scale = tensor->scale;
    told->zero_point = tensor->zero_point;
    tensor->range = NULL;
    tensor->scale = NULL;
    tensor->zero_point = NULL;
}

static clq_status tell_quantized(clq_file_tensor *told, const clq_model_plan_tensor *tensor, clq_error *error)
{
    told->outcome = CLQ_FILE_PROCESSED;
    told->q = tensor->q;
    told->elements = tensor->elements;
    told->parameters = tensor->parameters;
    told->nonfinite = tensor->nonfinite;
    told->range_low = tensor->range_low;
    told->range_high = tensor->range_high;
    told->scale_low = tensor->scale_low;
    told->scale_high = tensor->scale_high;
    told->zero_point_low = tensor->zero_point_low;
    told->zero_point_high = tensor->zero_point_high;
    told->measured = tensor->measured;
    told->errors = tensor->errors;
    told->clipped = tensor->clipped;
    memcpy(told->variant, tensor->variant, sizeof told->variant);
    return clq_report_side(&told->target, tensor->stored_type, tensor->q.layout.rank, tensor->q.layout.shape,
                           tensor->parts[CLQ_PART_CODES].bytes, error);
}

clq_status clq_quantize_report(clq_quantize_job *job, clq_error *error)
{
    clq_file_report *report = job->call->report;
    report->processed_count = job->plan->quantized_count;
    for (size_t i = 0; i < job->plan->count; i++) {
        const clq_model_tensor *source = &job->model->tensors[i];
        clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        clq_file_tensor *told = NULL;
        if (tensor->elsewhere) {
            report->processed_count -= tensor->quantized != 0;
            continue;
        }
        CLQ_TRY(clq_report_add(report, source->name, &told, error));
        CLQ_TRY(clq_report_side(&told->source, source->dtype.name, source->rank, source->shape, source->bytes, error));
        if (tensor->quantized) {
            CLQ_TRY(tell_quantized(told, tensor, error));
        } else {
            CLQ_TRY(tell_copied(told, source, tensor, error));
        }
        if (tensor->quantized && clq_lists_parameters(job)) {
            take_parameters(told, tensor);
        }
        clq_report_keep(report);
    }
    return CLQ_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantize_output.h"

#include <stdlib.h>

#include "format/facts.h"
#include "model/copy.h"
#include "model/quantize_job.h"

int clq_zero_points_known(clq_model_plan *plan, const clq_given *given)
{
    const clq_scheme *scheme = &plan->scheme;
    const int fixed = scheme->zero_point_rule == CLQ_ZERO_POINT_FIXED;
    const int32_t value = fixed ? scheme->zero_point_fixed : 0;
    clq_zero_point_form form;
    if (given->zero_points != NULL) {
        form = clq_zero_point_form_of(plan, given->zero_points, given->zero_point_count);
    } else if (fixed || given->scale_given) {
        form = clq_zero_point_form_of(plan, &value, 1);
    } else {
        return 0;
    }
    for (size_t i = 0; i < plan->count; i++) {
        plan->tensors[i].zero_point_form = form;
    }
    return 1;
}

static clq_status declare_tensor(clq_output *output, const clq_model_plan *plan, clq_model_plan_tensor *tensor,
                                 clq_error *error)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    clq_plan_part *zero_point = &tensor->parts[CLQ_PART_ZERO_POINT];
    if (!tensor->quantized) {
        return clq_output_tensor(output, source->shard, source->name, source->dtype.name, source->rank, source->shape,
                                 source->bytes, &tensor->parts[CLQ_PART_CODES].number, error);
    }
    if (tensor->zero_point_form == CLQ_ZERO_POINT_WIDE) {
        zero_point->dtype = "I32";
        zero_point->bytes = tensor->parameters * sizeof(int32_t);
    }
    for (clq_part i = CLQ_PART_CODES; i < CLQ_PARTS; i++) {
        clq_plan_part *part = &tensor->parts[i];
        if (clq_part_is_there(tensor, i)) {
            CLQ_TRY(clq_output_tensor(output, source->shard, part->name, part->dtype, part->rank, part->shape,
                                      part->bytes, &part->number, error));
        }
    }
    return CLQ_OK;
}

/* Of a shard of the output, which holds tensors [first, end). */
static clq_status declare_shard_metadata(clq_output *output, const clq_file_request *request,
                                         const clq_model_plan *plan, const clq_facts *facts, size_t shard, size_t first,
                                         size_t end, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *text = NULL;
    int format_seen = 0;
    CLQ_TRY_TO(clq_copy_metadata(plan->model, output, shard, &format_seen, error));
    if (!format_seen) {
        CLQ_TRY_TO(clq_output_metadata(output, shard, "format", "pt", error));
    }
    CLQ_TRY_TO(clq_quantize_metadata(request, plan, facts, first, end, &text, error));
    CLQ_TRY_TO(clq_output_metadata(output, shard, CLQ_FACTS_KEY, text, error));
done:
    free(text);
    return status;
}

/* Tensors come shard by shard: each is looked at once, however many shards there are. */
static clq_status declare_metadata(clq_output *output, const clq_file_request *request, const clq_model_plan *plan,
                                   clq_error *error)
{
    const int merged = clq_output_shards(output) < plan->model->shard_count;
    clq_status status = CLQ_OK;
    clq_facts *facts = NULL;
    size_t first = 0;
    CLQ_TRY_TO(clq_facts_read(plan->model, &facts, error));
    for (size_t shard = 0; shard < clq_output_shards(output); shard++) {
        size_t end = merged ? plan->count : first;
        while (end < plan->count && plan->model->tensors[end].shard == shard) {
            end++;
        }
        CLQ_TRY_TO(declare_shard_metadata(output, request, plan, facts, shard, first, end, error));
        first = end;
    }
done:
    clq_facts_destroy(&facts);
    return status;
}

clq_status clq_declare_quantized(clq_output *output, const clq_file_request *request, clq_model_plan *plan,
                                 clq_error *error)
{
    for (size_t i = 0; i < plan->count; i++) {
        CLQ_TRY(declare_tensor(output, plan, &plan->tensors[i], error));
    }
    if (plan->format->file_suffix == NULL) {
        CLQ_TRY(declare_metadata(output, request, plan, error));
    }
    return clq_output_index_metadata(output, plan->model->index_metadata, error);
}

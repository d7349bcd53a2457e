/* SPDX-License-Identifier: Apache-2.0 */
/* clquant info --json: what is known of one file, as members of an object that is open already. */
#include "command/verbs/info.h"
#include "command/verbs/report.h"

static void json_text(clq_json_writer *json, const char *key, const char *value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_string(json, value);
}

/* The name of a tensor; null: there is none. */
static void json_name(clq_json_writer *json, const char *key, const clq_model *model, size_t index)
{
    clq_json_writer_key(json, key);
    if (index != SIZE_MAX) {
        clq_json_writer_string(json, model->tensors[index].name);
    } else {
        clq_json_writer_null(json);
    }
}

static void json_span(clq_json_writer *json, const cli_info_span *span)
{
    clq_json_writer_key(json, "scale_min");
    clq_json_writer_number(json, (double)span->scale_lo);
    clq_json_writer_key(json, "scale_max");
    clq_json_writer_number(json, (double)span->scale_hi);
    clq_json_writer_key(json, "zero_point_min");
    clq_json_writer_i64(json, span->zero_lo);
    clq_json_writer_key(json, "zero_point_max");
    clq_json_writer_i64(json, span->zero_hi);
}

/* Scales of blocks are no tensor of their own. */
static void json_parameters(clq_json_writer *json, const clq_model *model, const clq_quantized *quantized,
                            const cli_info_span *span)
{
    json_name(json, "scale_tensor", model, quantized->scale);
    json_name(json, "zero_point_tensor", model, quantized->zero_point);
    clq_json_writer_key(json, "parameters");
    clq_json_writer_u64(json, quantized->parameters);
    json_span(json, span);
}

/* The members that only a quantized tensor has. */
static void json_quantized(clq_json_writer *json, const clq_model *model, const clq_quantized *quantized,
                           const cli_info_span *span)
{
    if (clq_is_in_words(quantized)) {
        json_text(json, "real_name", quantized->name);
    }
    json_text(json, "quantized_dtype", clq_stored_type(model, quantized, quantized->codes));
    json_text(json, "granularity", cli_granularity_name(&quantized->layout));
    if (cli_has_axis(&quantized->layout)) {
        clq_json_writer_key(json, "axis");
        clq_json_writer_u64(json, quantized->layout.axis);
    }
    if (cli_has_group_size(&quantized->layout)) {
        clq_json_writer_key(json, "group_size");
        clq_json_writer_u64(json, quantized->layout.group_size);
    }
    if (quantized->preset[0] != '\0') {
        json_text(json, "preset", quantized->preset);
    }
    json_parameters(json, model, quantized, span);
}

/* The spans are read before anything of the tensor is written, so that a failure leaves whole JSON. */
static clq_status json_tensor(clq_json_writer *json, const clq_model *model, const clq_quantized_list *list,
                              size_t index, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    const clq_quantized *codes = cli_info_in_role(list, index, CLQ_ROLE_CODES);
    cli_info_span span = {0};
    int is_of_inputs = 0;
    if (codes != NULL) {
        CLQ_TRY(cli_info_find_span(model, codes, &span, error));
    } else {
        is_of_inputs = cli_info_find_inputs(model, list, index, &span);
    }
    clq_json_writer_open(json, '{');
    json_text(json, "name", tensor->name);
    json_text(json, "dtype", tensor->dtype.name);
    clq_json_writer_key(json, "shape");
    if (codes != NULL) {
        clq_json_writer_shape(json, codes->layout.rank, codes->layout.shape);
    } else {
        clq_json_writer_shape(json, tensor->rank, tensor->shape);
    }
    clq_json_writer_key(json, "bytes");
    clq_json_writer_u64(json, tensor->bytes);
    if (model->kind == CLQ_MODEL_SHARDED) {
        json_text(json, "file", model->shards[tensor->shard].file_name);
    }
    if (codes != NULL) {
        json_quantized(json, model, codes, &span);
    } else if (is_of_inputs) {
        json_span(json, &span);
    }
    clq_json_writer_close(json, '}');
    return CLQ_OK;
}

static void json_metadata(clq_json_writer *json, const clq_model *model)
{
    clq_json_writer_key(json, "metadata");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < model->shard_count; i++) {
        const clq_model_shard *shard = &model->shards[i];
        clq_json_writer_open(json, '{');
        for (size_t j = 0; j < shard->metadata_count; j++) {
            json_text(json, shard->metadata_keys[j], shard->metadata_values[j]);
        }
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

clq_status cli_info_print_json(clq_json_writer *json, const clq_model *model, const clq_quantized_list *list,
                               clq_error *error)
{
    const cli_info_totals sum = cli_info_count(model, list);
    clq_status status = CLQ_OK;
    json_text(json, "format", cli_info_kind(model->kind));
    json_metadata(json, model);
    clq_json_writer_key(json, "tensors");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < model->tensor_count && status == CLQ_OK; i++) {
        status = json_tensor(json, model, list, i, error);
    }
    clq_json_writer_close(json, ']');
    clq_json_writer_key(json, "summary");
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "tensors");
    clq_json_writer_u64(json, model->tensor_count);
    clq_json_writer_key(json, "quantized");
    clq_json_writer_u64(json, sum.quantized);
    clq_json_writer_key(json, "elements");
    clq_json_writer_u64(json, sum.elements);
    clq_json_writer_key(json, "bytes");
    clq_json_writer_u64(json, sum.bytes);
    clq_json_writer_close(json, '}');
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* clquant info --json: what is known of one file, as members of an object that is open already. */
#include "info.h"

static void json_text(cli_json *json, const char *key, const char *value)
{
    cli_json_key(json, key);
    cli_json_string(json, value);
}

/* The members that only a quantized tensor has. */
static void json_quantized(cli_json *json, const clq_model *model, const cli_quantized *quantized,
                           const cli_info_span *span)
{
    json_text(json, "quantized_dtype", clq_dtype_name(quantized->dtype));
    json_text(json, "granularity", cli_granularity_name(quantized->layout.granularity));
    if (quantized->layout.granularity == CLQ_PER_CHANNEL) {
        cli_json_key(json, "axis");
        cli_json_u64(json, quantized->layout.axis);
    }
    if (quantized->layout.granularity == CLQ_PER_GROUP) {
        cli_json_key(json, "group_size");
        cli_json_u64(json, quantized->layout.group_size);
    }
    if (quantized->preset[0] != '\0') {
        json_text(json, "preset", quantized->preset);
    }
    json_text(json, "scale_tensor", model->tensors[quantized->scale].name);
    cli_json_key(json, "zero_point_tensor");
    if (quantized->zero_point != SIZE_MAX) {
        cli_json_string(json, model->tensors[quantized->zero_point].name);
    } else {
        cli_json_null(json);
    }
    cli_json_key(json, "parameters");
    cli_json_u64(json, quantized->parameters);
    cli_json_key(json, "scale_min");
    cli_json_number(json, (double)span->scale_lo);
    cli_json_key(json, "scale_max");
    cli_json_number(json, (double)span->scale_hi);
    cli_json_key(json, "zero_point_min");
    cli_json_i64(json, span->zero_lo);
    cli_json_key(json, "zero_point_max");
    cli_json_i64(json, span->zero_hi);
}

/* The spans are read before anything of the tensor is written, so that a failure leaves whole JSON. */
static clq_status json_tensor(cli_json *json, const clq_model *model, const cli_quantized_list *list, size_t index,
                              clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    const cli_quantized *codes = cli_info_in_role(list, index, CLI_ROLE_CODES);
    cli_info_span span = {0};
    if (codes != NULL) {
        CLQ_TRY(cli_info_find_span(model, codes, &span, error));
    }
    cli_json_open(json, '{');
    json_text(json, "name", tensor->name);
    json_text(json, "dtype", tensor->dtype.name);
    cli_json_key(json, "shape");
    if (codes != NULL) {
        cli_json_shape(json, codes->layout.rank, codes->layout.shape);
    } else {
        cli_json_shape(json, tensor->rank, tensor->shape);
    }
    cli_json_key(json, "bytes");
    cli_json_u64(json, tensor->bytes);
    if (model->kind == CLQ_MODEL_SHARDED) {
        json_text(json, "file", model->shards[tensor->shard].file_name);
    }
    if (codes != NULL) {
        json_quantized(json, model, codes, &span);
    }
    cli_json_close(json, '}');
    return CLQ_OK;
}

static void json_metadata(cli_json *json, const clq_model *model)
{
    cli_json_key(json, "metadata");
    cli_json_open(json, '[');
    for (size_t i = 0; i < model->shard_count; i++) {
        const clq_model_shard *shard = &model->shards[i];
        cli_json_open(json, '{');
        for (size_t j = 0; j < shard->metadata_count; j++) {
            json_text(json, shard->metadata_keys[j], shard->metadata_values[j]);
        }
        cli_json_close(json, '}');
    }
    cli_json_close(json, ']');
}

clq_status cli_info_print_json(cli_json *json, const clq_model *model, const cli_quantized_list *list, clq_error *error)
{
    const cli_info_totals sum = cli_info_count(model, list);
    clq_status status = CLQ_OK;
    json_text(json, "format", cli_info_kind(model->kind));
    json_metadata(json, model);
    cli_json_key(json, "tensors");
    cli_json_open(json, '[');
    for (size_t i = 0; i < model->tensor_count && status == CLQ_OK; i++) {
        status = json_tensor(json, model, list, i, error);
    }
    cli_json_close(json, ']');
    cli_json_key(json, "summary");
    cli_json_open(json, '{');
    cli_json_key(json, "tensors");
    cli_json_u64(json, model->tensor_count);
    cli_json_key(json, "quantized");
    cli_json_u64(json, sum.quantized);
    cli_json_key(json, "elements");
    cli_json_u64(json, sum.elements);
    cli_json_key(json, "bytes");
    cli_json_u64(json, sum.bytes);
    cli_json_close(json, '}');
    return status;
}

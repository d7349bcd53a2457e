/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantize_config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/file.h"
#include "format/json_writer.h"
#include "format/output_path.h"
#include "model/folder_output.h"

static const char SUFFIX[] = ".weight";

/* Length of MODULE in "MODULE.weight", 0 when the name is another. */
static size_t module_length(const char *name)
{
    const size_t length = strlen(name);
    const size_t suffix = sizeof SUFFIX - 1;
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0 ? length - suffix : 0;
}

static void check_tensor(clq_model_plan *plan, clq_model_plan_tensor *tensor)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    const clq_layout *layout = &tensor->q.layout;
    if (source->rank != 2) {
        clq_model_plan_copy(plan, tensor, 1, "compressed-tensors holds matrices, and the rank is %u",
                            (unsigned)source->rank);
    } else if (module_length(source->name) == 0) {
        clq_model_plan_copy(plan, tensor, 1, "compressed-tensors names tensors MODULE.weight");
    } else if (layout->granularity == CLQ_PER_GROUP && layout->shape[1] > layout->group_size &&
               layout->shape[1] % layout->group_size != 0) {
        clq_model_plan_copy(plan, tensor, 1, "a group size of %" PRIu64 " does not divide a row of %" PRIu64,
                            layout->group_size, layout->shape[1]);
    }
}

int clq_config_is_for_folder(const clq_file_request *request)
{
    return request->format != CLQ_FORMAT_CLQUANT && clq_request_writes_folder(request);
}

clq_status clq_config_prepare(const clq_file_request *request, clq_model_plan *plan, const clq_output *output,
                              clq_error *error)
{
    if (request->config_file == NULL && !clq_config_is_for_folder(request)) {
        return CLQ_OK;
    }
    CLQ_REQUIRE(request->config_file == NULL || !clq_output_takes(output, request->config_file),
                "--emit-config and --output name the same file");
    CLQ_REQUIRE(plan->scheme.dtype == CLQ_S8, "--emit-config: compressed-tensors holds s8 codes, not %s",
                clq_dtype_name(plan->scheme.dtype));
    for (size_t i = 0; i < plan->count; i++) {
        clq_model_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->quantized) {
            check_tensor(plan, tensor);
        }
        CLQ_REQUIRE(!tensor->quantized || tensor->q.layout.granularity != CLQ_PER_CHANNEL || tensor->q.layout.axis == 0,
                    "--emit-config: compressed-tensors has one scale for each row: --axis 0");
    }
    return request->config_file == NULL
               ? CLQ_OK
               : clq_path_check(request->config_file, plan->model, request->dry_run ? 2 : request->replace, error);
}

clq_status clq_config_check(const clq_file_request *request, const clq_model_plan *plan, clq_error *error)
{
    const int wanted = request->config_file != NULL || clq_config_is_for_folder(request);
    for (size_t i = 0; wanted && i < plan->count; i++) {
        const clq_model_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->quantized && tensor->zero_point_form == CLQ_ZERO_POINT_WIDE) {
            char shown[200];
            const char *name = plan->model->tensors[i].name;
            clq_printable(shown, sizeof shown, name, strlen(name));
            return clq_fail(error, CLQ_INVALID_ARGUMENT,
                            "--emit-config: tensor '%s' has a zero point outside -128 to 127, which compressed-tensors "
                            "cannot hold",
                            shown);
        }
    }
    return CLQ_OK;
}

static int is_symmetric(const clq_model_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->tensors[i].quantized && plan->tensors[i].zero_point_form != CLQ_ZERO_POINT_LEFT_OUT) {
            return 0;
        }
    }
    return 1;
}

/* The first quantized tensor: all are described in the same way. NULL when there is none. */
static const clq_model_plan_tensor *first_quantized(const clq_model_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->tensors[i].quantized) {
            return &plan->tensors[i];
        }
    }
    return NULL;
}

/* Modules with a matrix that was not quantized. */
static void write_ignored(clq_json_writer *json, const clq_model_plan *plan)
{
    clq_json_writer_key(json, "ignore");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < plan->count; i++) {
        const clq_model_tensor *source = &plan->model->tensors[i];
        const size_t length = module_length(source->name);
        if (!plan->tensors[i].quantized && source->rank == 2 && length > 0) {
            clq_json_writer_bytes(json, source->name, length);
        }
    }
    clq_json_writer_close(json, ']');
}

/* The members that weights and activations share. */
static void write_arguments(clq_json_writer *json, int symmetric, const char *strategy, uint64_t group_size,
                            int dynamic)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "num_bits");
    clq_json_writer_u64(json, 8);
    clq_json_writer_key(json, "type");
    clq_json_writer_string(json, "int");
    clq_json_writer_key(json, "symmetric");
    clq_json_writer_bool(json, symmetric);
    clq_json_writer_key(json, "strategy");
    clq_json_writer_string(json, strategy);
    if (group_size > 0) {
        clq_json_writer_key(json, "group_size");
        clq_json_writer_u64(json, group_size);
    }
    clq_json_writer_key(json, "dynamic");
    clq_json_writer_bool(json, dynamic);
    clq_json_writer_close(json, '}');
}

static void write_weights(clq_json_writer *json, const clq_model_plan_tensor *tensor, int symmetric)
{
    const clq_layout *layout = &tensor->q.layout;
    clq_json_writer_key(json, "weights");
    write_arguments(json, symmetric, clq_granularity_name(layout->granularity),
                    layout->granularity == CLQ_PER_GROUP ? layout->group_size : 0, 0);
}

/*
 * Engines that run such weights in int8 quantize activations per token as they come; with groups or zero points none
 * does, and the weights are only decompressed.
 */
static void write_activations(clq_json_writer *json, const clq_model_plan_tensor *tensor, int symmetric)
{
    clq_json_writer_key(json, "input_activations");
    if (!symmetric || tensor->q.layout.granularity == CLQ_PER_GROUP) {
        clq_json_writer_null(json);
    } else {
        write_arguments(json, 1, "token", 0, 1);
    }
    clq_json_writer_key(json, "output_activations");
    clq_json_writer_null(json);
}

static void write_groups(clq_json_writer *json, const clq_model_plan *plan)
{
    const clq_model_plan_tensor *tensor = first_quantized(plan);
    const int symmetric = is_symmetric(plan);
    clq_json_writer_key(json, "config_groups");
    clq_json_writer_open(json, '{');
    if (tensor != NULL) {
        clq_json_writer_key(json, "group_0");
        clq_json_writer_open(json, '{');
        clq_json_writer_key(json, "targets");
        clq_json_writer_open(json, '[');
        clq_json_writer_string(json, "Linear");
        clq_json_writer_close(json, ']');
        write_weights(json, tensor, symmetric);
        write_activations(json, tensor, symmetric);
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, '}');
}

clq_status clq_config_text(const clq_model_plan *plan, char **text, size_t *bytes, clq_error *error)
{
    clq_json_writer json;
    clq_json_writer_begin(&json, NULL);
    clq_json_writer_key(&json, "quantization_config");
    clq_json_writer_open(&json, '{');
    clq_json_writer_key(&json, "quant_method");
    clq_json_writer_string(&json, "compressed-tensors");
    clq_json_writer_key(&json, "format");
    clq_json_writer_string(&json, "int-quantized");
    clq_json_writer_key(&json, "quantization_status");
    clq_json_writer_string(&json, "compressed");
    write_ignored(&json, plan);
    write_groups(&json, plan);
    clq_json_writer_close(&json, '}');
    clq_json_writer_end(&json);
    return clq_text_take(&json.text, "the configuration", text, bytes, error);
}

clq_status clq_config_write(const clq_file_request *request, const clq_model_plan *plan, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    char *text = NULL;
    size_t bytes = 0;
    CLQ_TRY_TO(clq_config_text(plan, &text, &bytes, error));
    CLQ_TRY_TO(clq_writer_open(request->config_file, bytes, request->replace, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, text, bytes, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    free(text);
    return status;
}

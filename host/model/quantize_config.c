/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quantize_config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/file.h"
#include "format/folder.h"
#include "format/json_writer.h"
#include "format/model_config.h"
#include "format/output_path.h"
#include "format/support.h"
#include "model/file_format.h"
#include "model/request.h"

/* One group of the configuration describes all weights. */
static clq_status check_granularities(const clq_model_plan *plan, clq_error *error)
{
    const clq_model_plan_tensor *first = NULL;
    char shown[2][200];
    for (size_t i = 0; i < plan->count; i++) {
        const clq_model_plan_tensor *tensor = &plan->tensors[i];
        if (!tensor->quantized) {
            continue;
        }
        first = first != NULL ? first : tensor;
        if (tensor->q.layout.granularity != first->q.layout.granularity) {
            const char *names[2] = {plan->model->tensors[first->index].name, plan->model->tensors[i].name};
            for (size_t k = 0; k < 2; k++) {
                clq_printable(shown[k], sizeof shown[k], names[k], strlen(names[k]));
            }
            return clq_fail(error, CLQ_INVALID_ARGUMENT,
                            "--format %s has one granularity for all weights: the ranges of '%s' are per %s, those of "
                            "'%s' per %s",
                            plan->format->name, shown[0], clq_granularity_name(first->q.layout.granularity), shown[1],
                            clq_granularity_name(tensor->q.layout.granularity));
        }
    }
    return CLQ_OK;
}

/* Files that this run reads beside the model, whose own clq_path_check knows. Of a folder the config.json is one;
 * beside a file it is where that of --emit-config belongs. */
static clq_status refuse_inputs(const clq_file_request *request, const clq_model *model, clq_error *error)
{
    char *config = clq_model_config_path(model);
    const int is_read = config != NULL && clq_is_folder(request->input) && access(config, F_OK) == 0;
    clq_status status = config != NULL ? clq_request_refuse_given(request, request->config_file, error)
                                       : clq_fail_memory(error, model->path);
    if (status == CLQ_OK && is_read) {
        status = clq_path_refuse_input(request->config_file, config, error);
    }
    free(config);
    return status;
}

clq_status clq_config_prepare(const clq_file_request *request, clq_model_plan *plan, const clq_output *output,
                              clq_error *error)
{
    const clq_written written = {"a configuration (JSON)", {NULL}, ""};
    if (plan->format->config_format == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(check_granularities(plan, error));
    if (request->config_file == NULL) {
        return CLQ_OK;
    }
    CLQ_REQUIRE(!clq_output_takes(output, request->config_file), "--emit-config and --output name the same file");
    CLQ_TRY(refuse_inputs(request, plan->model, error));
    CLQ_TRY(clq_path_check(request->config_file, plan->model, request->dry_run ? 2 : request->replace, error));
    return clq_path_check_ending(request->config_file, &written, error);
}

clq_status clq_config_check(const clq_file_request *request, const clq_model_plan *plan, clq_error *error)
{
    for (size_t i = 0; plan->format->config_format != NULL && i < plan->count; i++) {
        const clq_model_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->quantized && tensor->zero_point_form == CLQ_ZERO_POINT_WIDE) {
            char shown[200];
            const char *name = plan->model->tensors[i].name;
            clq_printable(shown, sizeof shown, name, strlen(name));
            return clq_fail(
                error, CLQ_INVALID_ARGUMENT, "%s: tensor '%s' has a zero point outside %d to %d, which %s cannot hold",
                clq_format_option(request), shown, (int)plan->narrow_low, (int)plan->narrow_high, plan->format->name);
        }
    }
    return CLQ_OK;
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

/* Whether MODULE.weight is quantized. */
static int is_quantized_module(const clq_model_plan *plan, const char *module)
{
    for (size_t i = 0; i < plan->count; i++) {
        const char *name = plan->model->tensors[i].name;
        const size_t length = clq_module_length(name);
        if (plan->tensors[i].quantized && length == strlen(module) && memcmp(name, module, length) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_head(const clq_model_plan *plan, const char *name, size_t length)
{
    const char *head;
    for (size_t i = 0; (head = clq_loader_head(&plan->loader, i)) != NULL; i++) {
        if (length == strlen(head) && memcmp(name, head, length) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Output heads, which may have no tensor, and modules with a matrix that was not quantized. */
static void write_ignored(clq_json_writer *json, const clq_model_plan *plan)
{
    const char *head;
    clq_json_writer_key(json, "ignore");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; (head = clq_loader_head(&plan->loader, i)) != NULL; i++) {
        if (!is_quantized_module(plan, head)) {
            clq_json_writer_string(json, head);
        }
    }
    for (size_t i = 0; i < plan->count; i++) {
        const clq_model_tensor *source = &plan->model->tensors[i];
        const size_t length = clq_module_length(source->name);
        if (!plan->tensors[i].quantized && source->rank == 2 && length > 0 && !is_head(plan, source->name, length)) {
            clq_json_writer_bytes(json, source->name, length);
        }
    }
    clq_json_writer_close(json, ']');
}

static void write_text(clq_json_writer *json, const char *key, const char *value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_string(json, value);
}

/* The members that weights and activations share: those that every version of the readers knows. */
static void write_arguments(clq_json_writer *json, unsigned bits, int symmetric, const char *strategy,
                            uint64_t group_size, int dynamic)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "num_bits");
    clq_json_writer_u64(json, bits);
    write_text(json, "type", "int");
    clq_json_writer_key(json, "symmetric");
    clq_json_writer_bool(json, symmetric);
    write_text(json, "strategy", strategy);
    if (group_size > 0) {
        clq_json_writer_key(json, "group_size");
        clq_json_writer_u64(json, group_size);
    }
    clq_json_writer_key(json, "dynamic");
    clq_json_writer_bool(json, dynamic);
    clq_json_writer_close(json, '}');
}

static void write_weights(clq_json_writer *json, const clq_model_plan *plan, const clq_layout *layout)
{
    clq_json_writer_key(json, "weights");
    write_arguments(json, (unsigned)clq_dtype_bits(plan->scheme.dtype), !plan->asymmetric,
                    clq_granularity_name(layout->granularity),
                    layout->granularity == CLQ_PER_GROUP ? layout->group_size : 0, 0);
}

static void write_activations(clq_json_writer *json, const clq_model_plan *plan)
{
    clq_json_writer_key(json, "input_activations");
    if (plan->activations == CLQ_ACTIVATIONS_NONE) {
        clq_json_writer_null(json);
    } else if (plan->activations == CLQ_ACTIVATIONS_STATIC) {
        write_arguments(json, 8, 1, "tensor", 0, 0);
    } else {
        write_arguments(json, 8, 1, "token", 0, 1);
    }
    clq_json_writer_key(json, "output_activations");
    clq_json_writer_null(json);
}

static void write_groups(clq_json_writer *json, const clq_model_plan *plan)
{
    const clq_model_plan_tensor *tensor = first_quantized(plan);
    clq_json_writer_key(json, "config_groups");
    clq_json_writer_open(json, '{');
    if (tensor != NULL) {
        clq_json_writer_key(json, "group_0");
        clq_json_writer_open(json, '{');
        /* Readers that find none infer one, by rules that changed. */
        write_text(json, "format", plan->format->config_format);
        clq_json_writer_key(json, "targets");
        clq_json_writer_open(json, '[');
        clq_json_writer_string(json, "Linear");
        clq_json_writer_close(json, ']');
        write_weights(json, plan, &tensor->q.layout);
        write_activations(json, plan);
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
    write_text(&json, "quant_method", "compressed-tensors");
    write_text(&json, "format", plan->format->config_format);
    write_text(&json, "quantization_status", "compressed");
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

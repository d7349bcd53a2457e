/* SPDX-License-Identifier: Apache-2.0 */
#include "quantize_config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../io/file.h"
#include "output_path.h"

static const char SUFFIX[] = ".weight";

/* Length of MODULE in "MODULE.weight", 0 when the name is another. */
static size_t module_length(const char *name)
{
    const size_t length = strlen(name);
    const size_t suffix = sizeof SUFFIX - 1;
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0 ? length - suffix : 0;
}

static void check_tensor(cli_plan *plan, cli_plan_tensor *tensor)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    const clq_layout *layout = &tensor->q.layout;
    if (source->rank != 2) {
        cli_plan_copy(plan, tensor, 1, "compressed-tensors holds matrices, and the rank is %u", (unsigned)source->rank);
    } else if (module_length(source->name) == 0) {
        cli_plan_copy(plan, tensor, 1, "compressed-tensors names tensors MODULE.weight");
    } else if (layout->granularity == CLQ_PER_GROUP && layout->shape[1] > layout->group_size &&
               layout->shape[1] % layout->group_size != 0) {
        cli_plan_copy(plan, tensor, 1, "a group size of %" PRIu64 " does not divide a row of %" PRIu64,
                      layout->group_size, layout->shape[1]);
    }
}

clq_status cli_config_prepare(const cli_options *options, cli_plan *plan, const cli_output *output, clq_error *error)
{
    if (options->emit_config == NULL) {
        return CLQ_OK;
    }
    CLQ_REQUIRE(!cli_output_takes(output, options->emit_config), "--emit-config and --output name the same file");
    CLQ_REQUIRE(plan->scheme.dtype == CLQ_S8, "--emit-config: compressed-tensors holds s8 codes, not %s",
                clq_dtype_name(plan->scheme.dtype));
    for (size_t i = 0; i < plan->count; i++) {
        cli_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->quantized) {
            check_tensor(plan, tensor);
        }
        CLQ_REQUIRE(!tensor->quantized || tensor->q.layout.granularity != CLQ_PER_CHANNEL || tensor->q.layout.axis == 0,
                    "--emit-config: compressed-tensors has one scale for each row: --axis 0");
    }
    return cli_path_check(options->emit_config, plan->model, options->dry_run ? 2 : options->force, error);
}

clq_status cli_config_check(const cli_options *options, const cli_plan *plan, clq_error *error)
{
    for (size_t i = 0; options->emit_config != NULL && i < plan->count; i++) {
        const cli_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->quantized && tensor->zero_point_form == CLI_ZERO_POINT_WIDE) {
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

static int is_symmetric(const cli_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->tensors[i].quantized && plan->tensors[i].zero_point_form != CLI_ZERO_POINT_LEFT_OUT) {
            return 0;
        }
    }
    return 1;
}

/* The first quantized tensor: all are described in the same way. NULL when there is none. */
static const cli_plan_tensor *first_quantized(const cli_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->tensors[i].quantized) {
            return &plan->tensors[i];
        }
    }
    return NULL;
}

/* Modules with a matrix that was not quantized. */
static void write_ignored(cli_json *json, const cli_plan *plan)
{
    cli_json_key(json, "ignore");
    cli_json_open(json, '[');
    for (size_t i = 0; i < plan->count; i++) {
        const clq_model_tensor *source = &plan->model->tensors[i];
        const size_t length = module_length(source->name);
        if (!plan->tensors[i].quantized && source->rank == 2 && length > 0) {
            cli_json_bytes(json, source->name, length);
        }
    }
    cli_json_close(json, ']');
}

/* The members that weights and activations share. */
static void write_arguments(cli_json *json, int symmetric, const char *strategy, uint64_t group_size, int dynamic)
{
    cli_json_open(json, '{');
    cli_json_key(json, "num_bits");
    cli_json_u64(json, 8);
    cli_json_key(json, "type");
    cli_json_string(json, "int");
    cli_json_key(json, "symmetric");
    cli_json_bool(json, symmetric);
    cli_json_key(json, "strategy");
    cli_json_string(json, strategy);
    if (group_size > 0) {
        cli_json_key(json, "group_size");
        cli_json_u64(json, group_size);
    }
    cli_json_key(json, "dynamic");
    cli_json_bool(json, dynamic);
    cli_json_close(json, '}');
}

static void write_weights(cli_json *json, const cli_plan_tensor *tensor, int symmetric)
{
    const clq_layout *layout = &tensor->q.layout;
    cli_json_key(json, "weights");
    write_arguments(json, symmetric, cli_granularity_name(layout->granularity),
                    layout->granularity == CLQ_PER_GROUP ? layout->group_size : 0, 0);
}

/*
 * Engines that run such weights in int8 quantize activations per token as they come; with groups or zero points none
 * does, and the weights are only decompressed.
 */
static void write_activations(cli_json *json, const cli_plan_tensor *tensor, int symmetric)
{
    cli_json_key(json, "input_activations");
    if (!symmetric || tensor->q.layout.granularity == CLQ_PER_GROUP) {
        cli_json_null(json);
    } else {
        write_arguments(json, 1, "token", 0, 1);
    }
    cli_json_key(json, "output_activations");
    cli_json_null(json);
}

static void write_groups(cli_json *json, const cli_plan *plan)
{
    const cli_plan_tensor *tensor = first_quantized(plan);
    const int symmetric = is_symmetric(plan);
    cli_json_key(json, "config_groups");
    cli_json_open(json, '{');
    if (tensor != NULL) {
        cli_json_key(json, "group_0");
        cli_json_open(json, '{');
        cli_json_key(json, "targets");
        cli_json_open(json, '[');
        cli_json_string(json, "Linear");
        cli_json_close(json, ']');
        write_weights(json, tensor, symmetric);
        write_activations(json, tensor, symmetric);
        cli_json_close(json, '}');
    }
    cli_json_close(json, '}');
}

static clq_status make_text(const cli_plan *plan, char **text, size_t *bytes, clq_error *error)
{
    cli_json json;
    cli_json_begin(&json, NULL);
    cli_json_key(&json, "quantization_config");
    cli_json_open(&json, '{');
    cli_json_key(&json, "quant_method");
    cli_json_string(&json, "compressed-tensors");
    cli_json_key(&json, "format");
    cli_json_string(&json, "int-quantized");
    cli_json_key(&json, "quantization_status");
    cli_json_string(&json, "compressed");
    write_ignored(&json, plan);
    write_groups(&json, plan);
    cli_json_close(&json, '}');
    cli_json_end(&json);
    return cli_text_take(&json.text, "the configuration", text, bytes, error);
}

clq_status cli_config_write(const cli_options *options, const cli_plan *plan, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    char *text = NULL;
    size_t bytes = 0;
    CLQ_TRY_TO(make_text(plan, &text, &bytes, error));
    CLQ_TRY_TO(clq_writer_open(options->emit_config, bytes, options->force, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, text, bytes, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    free(text);
    return status;
}

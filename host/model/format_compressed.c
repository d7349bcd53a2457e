/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of compressed-tensors: int-quantized, and pack-quantized with its codes in words. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/quantized.h"
#include "format/words.h"
#include "model/file_format.h"

/* Zero points that are known before the data is read, and all 0, are of a scheme that has none. */
static int is_asymmetric(const clq_model_plan *plan)
{
    const clq_given *given = plan->given;
    const clq_scheme *scheme = &plan->scheme;
    for (uint64_t i = 0; i < given->zero_point_count; i++) {
        if (given->zero_points[i] != 0) {
            return 1;
        }
    }
    if (given->zero_points != NULL) {
        return 0;
    }
    return scheme->zero_point_rule == CLQ_ZERO_POINT_FIXED ? scheme->zero_point_fixed != 0 : !given->scale_given;
}

static clq_status begin(const clq_file_request *request, clq_model_plan *plan, clq_error *error)
{
    const int32_t half = 1 << (clq_dtype_bits(plan->scheme.dtype) - 1);
    plan->asymmetric = is_asymmetric(plan);
    plan->narrow_low = -half;
    plan->narrow_high = half - 1;
    plan->least_form = plan->asymmetric ? CLQ_ZERO_POINT_NARROW : CLQ_ZERO_POINT_LEFT_OUT;
    plan->activations = request->activations;
    return clq_loader_view_init(&plan->loader, plan->model, error);
}

static int is_grouped(const clq_file_request *request)
{
    return request->has_granularity && request->granularity == CLQ_PER_GROUP;
}

static clq_status begin_int(const clq_file_request *request, clq_model_plan *plan, clq_error *error)
{
    int in_integers;
    CLQ_REQUIRE(plan->scheme.dtype == CLQ_S8,
                "%s: compressed-tensors holds s8 codes, not %s; --format pack-quantized holds s4 and s8, clquant all",
                clq_format_option(request), clq_dtype_name(plan->scheme.dtype));
    CLQ_TRY(begin(request, plan, error));
    in_integers = !plan->asymmetric && !is_grouped(request);
    if (plan->activations == CLQ_ACTIVATIONS_BY_FORMAT) {
        plan->activations = in_integers ? CLQ_ACTIVATIONS_DYNAMIC_TOKEN : CLQ_ACTIVATIONS_NONE;
    }
    CLQ_REQUIRE(in_integers || plan->activations == CLQ_ACTIVATIONS_NONE,
                "--activations %s: engines multiply integers where weights are symmetric, per tensor or channel; these "
                "are %s",
                plan->activations == CLQ_ACTIVATIONS_STATIC ? "static" : "dynamic-token",
                plan->asymmetric ? "asymmetric" : "in groups");
    return CLQ_OK;
}

static clq_status begin_pack(const clq_file_request *request, clq_model_plan *plan, clq_error *error)
{
    CLQ_REQUIRE(plan->scheme.dtype == CLQ_S8 || plan->scheme.dtype == CLQ_S4,
                "--format pack-quantized holds s4 and s8 codes, not %s; clquant holds all",
                clq_dtype_name(plan->scheme.dtype));
    CLQ_REQUIRE(!request->has_granularity || request->granularity != CLQ_PER_TENSOR,
                "--format pack-quantized has a scale for each row or group: --granularity channel or group");
    CLQ_REQUIRE(request->activations == CLQ_ACTIVATIONS_BY_FORMAT || request->activations == CLQ_ACTIVATIONS_NONE,
                "--activations: engines run pack-quantized with activations in float; --format compressed-tensors is "
                "for integers");
    CLQ_TRY(begin(request, plan, error));
    plan->activations = CLQ_ACTIVATIONS_NONE;
    return CLQ_OK;
}

/* Whether the rules leave the tensor in float; what --include names is asked for. */
static int is_left(const clq_file_request *request, clq_model_plan *plan, clq_model_plan_tensor *tensor)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    clq_loader_view *view = &plan->loader;
    const clq_left_kind kind = clq_loader_rule(view, source);
    const int tied = view->config.tie_word_embeddings && (kind == CLQ_LEFT_HEAD || kind == CLQ_LEFT_EMBEDDING);
    if (kind == CLQ_LEFT_NOT) {
        view->experts += clq_is_expert(source->name) != 0;
        return 0;
    }
    view->first[kind] = view->first[kind] != NULL ? view->first[kind] : source->name;
    if (request->include.count == 0) {
        view->left[kind]++;
        clq_model_plan_copy(plan, tensor, 0, "left in float for the loader: %s", clq_left_kind_name(kind));
    } else if (tied) {
        clq_model_plan_copy(plan, tensor, 1,
                            "output head and embeddings are one tensor (config.json), which loaders "
                            "want in float");
    } else {
        view->asked_for[kind] += kind < CLQ_LEFT_PARAMETER && source->rank == 2;
    }
    return !tensor->quantized;
}

static void select_tensor(const clq_file_request *request, clq_model_plan *plan, clq_model_plan_tensor *tensor)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    if (is_left(request, plan, tensor)) {
        return;
    }
    if (source->rank != 2) {
        clq_model_plan_copy(plan, tensor, 1, "compressed-tensors holds matrices, and the rank is %u",
                            (unsigned)source->rank);
    } else if (clq_module_length(source->name) == 0) {
        clq_model_plan_copy(plan, tensor, 1, "compressed-tensors names tensors MODULE.weight");
    } else if (is_grouped(request) &&
               source->shape[1] % request->group_size != 0) { /* shorter rows do not load either */
        clq_model_plan_copy(plan, tensor, 1, "a group size of %" PRIu64 " does not divide a row of %" PRIu64,
                            request->group_size, source->shape[1]);
    }
}

static clq_status check_layout(const clq_file_request *request, const clq_model_plan *plan,
                               const clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_layout *layout = &tensor->q.layout;
    CLQ_REQUIRE(layout->granularity != CLQ_PER_CHANNEL || layout->axis == 0,
                "%s: compressed-tensors has one scale for each row: --axis 0", clq_format_option(request));
    CLQ_REQUIRE(layout->granularity != CLQ_PER_BLOCK,
                "%s: compressed-tensors has groups along the rows of a matrix: --axis 1, or none, not 0",
                clq_format_option(request));
    CLQ_REQUIRE(plan->format->id != CLQ_FORMAT_PACK_QUANTIZED || layout->granularity != CLQ_PER_TENSOR,
                "--ranges: pack-quantized has a scale for each row or group, and a tensor's range is one for all");
    return CLQ_OK;
}

/* MODULE.input_scale */
static clq_status describe_input(const clq_model_plan *plan, clq_model_plan_tensor *tensor, clq_error *error)
{
    const char *name = plan->model->tensors[tensor->index].name;
    clq_plan_part *part = &tensor->parts[CLQ_PART_INPUT_SCALE];
    char *module;
    clq_status status;
    if (plan->activations != CLQ_ACTIVATIONS_STATIC) {
        return CLQ_OK;
    }
    module = strndup(name, clq_module_length(name));
    if (module == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the name of a tensor");
    }
    part->dtype = "F32";
    part->rank = 1;
    part->shape[0] = 1;
    part->bytes = sizeof(float);
    status = clq_part_name(plan->model, module, ".input_scale", "input scale", part, error);
    free(module);
    return status;
}

static clq_status describe_int(const clq_file_request *request, const clq_model_plan *plan,
                               clq_model_plan_tensor *tensor, clq_error *error)
{
    CLQ_TRY(check_layout(request, plan, tensor, error));
    CLQ_TRY(clq_format_clquant.describe(request, plan, tensor, error));
    return describe_input(plan, tensor, error);
}

static void shape_words(clq_plan_part *part, uint64_t rows, uint64_t columns)
{
    part->dtype = "I32";
    part->rank = 2;
    part->shape[0] = rows;
    part->shape[1] = columns;
    part->bytes = rows * columns * sizeof(uint32_t);
}

static clq_status describe_pack(const clq_file_request *request, const clq_model_plan *plan,
                                clq_model_plan_tensor *tensor, clq_error *error)
{
    const char *name = plan->model->tensors[tensor->index].name;
    const uint64_t *shape = tensor->q.layout.shape;
    const unsigned bits = (unsigned)clq_dtype_bits(tensor->q.scheme.dtype);
    clq_plan_part *codes = &tensor->parts[CLQ_PART_CODES];
    clq_plan_part *scale = &tensor->parts[CLQ_PART_SCALE];
    clq_plan_part *zero_point = &tensor->parts[CLQ_PART_ZERO_POINT];
    clq_plan_part *real_shape = &tensor->parts[CLQ_PART_SHAPE];
    CLQ_TRY(check_layout(request, plan, tensor, error));
    shape_words(codes, shape[0], clq_words_count(bits, shape[1]));
    CLQ_TRY(clq_part_name(plan->model, name, CLQ_PACKED_SUFFIX, "codes", codes, error));
    scale->dtype = "F32";
    scale->bytes = tensor->parameters * sizeof(float);
    clq_part_like_scale(&tensor->q.layout, scale);
    CLQ_TRY(clq_part_name(plan->model, name, CLQ_SCALE_SUFFIX, "scale", scale, error));
    shape_words(zero_point, clq_words_count(bits, shape[0]), scale->shape[1]);
    CLQ_TRY(clq_part_name(plan->model, name, CLQ_ZERO_POINT_SUFFIX, "zero point", zero_point, error));
    real_shape->dtype = "I64";
    real_shape->rank = 1;
    real_shape->shape[0] = 2;
    real_shape->bytes = 2 * sizeof(int64_t);
    return clq_part_name(plan->model, name, CLQ_SHAPE_SUFFIX, "shape", real_shape, error);
}

const clq_format clq_format_int_quantized = {.id = CLQ_FORMAT_COMPRESSED_TENSORS,
                                             .name = "compressed-tensors",
                                             .config_format = "int-quantized",
                                             .begin = begin_int,
                                             .select = select_tensor,
                                             .describe = describe_int,
                                             .write_codes = clq_encode_codes,
                                             .write_zero_points = clq_encode_zero_points};

const clq_format clq_format_pack_quantized = {.id = CLQ_FORMAT_PACK_QUANTIZED,
                                              .name = "pack-quantized",
                                              .config_format = "pack-quantized",
                                              .begin = begin_pack,
                                              .select = select_tensor,
                                              .describe = describe_pack,
                                              .write_codes = clq_encode_code_words,
                                              .write_zero_points = clq_encode_zero_point_words};

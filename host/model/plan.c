/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/plan.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "format/foreign.h"
#include "format/quantized.h"
#include "format/real.h"
#include "model/file_format.h"
#include "stream/calibration.h"

static int matches_any(const clq_name_list *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (fnmatch(patterns->items[i], name, 0) == 0) {
            return 1;
        }
    }
    return 0;
}

static int matches_none(const char *pattern, const clq_model *model)
{
    size_t t = 0;
    while (t < model->tensor_count && fnmatch(pattern, model->tensors[t].name, 0) != 0) {
        t++;
    }
    return t == model->tensor_count;
}

static const char *idle_pattern_of(const clq_name_list *patterns, const clq_model *model)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (matches_none(patterns->items[i], model)) {
            return patterns->items[i];
        }
    }
    return NULL;
}

const char *clq_model_plan_idle_pattern(const clq_file_request *request, const clq_model *model)
{
    const char *idle = idle_pattern_of(&request->include, model);
    idle = idle != NULL ? idle : idle_pattern_of(&request->exclude, model);
    for (size_t i = 0; i < request->axis_pattern_count && idle == NULL; i++) {
        if (matches_none(request->axis_patterns[i].pattern, model)) {
            idle = request->axis_patterns[i].pattern;
        }
    }
    return idle;
}

/* Whether `name` is T_scale or T_zero_point of a T that holds codes already. */
static clq_status find_codes(const clq_model *model, const char *name, int *found, clq_error *error)
{
    static const char *const SUFFIXES[] = {CLQ_SCALE_SUFFIX, CLQ_ZERO_POINT_SUFFIX};
    const size_t length = strlen(name);
    for (size_t s = 0; s < 2; s++) {
        const size_t suffix = strlen(SUFFIXES[s]);
        if (length > suffix && strcmp(name + length - suffix, SUFFIXES[s]) == 0) {
            char *owner = strndup(name, length - suffix);
            size_t index;
            if (owner == NULL) {
                return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the name of a tensor");
            }
            index = clq_model_find(model, owner);
            free(owner);
            *found |= index != SIZE_MAX && clq_dtype_facts_of(model->tensors[index].dtype.type)->is_quantized;
        }
    }
    return CLQ_OK;
}

/* A type of real numbers, whether the library computes with it or not: F32, BF16, F64, F8_E4M3, ... */
static int is_float(const clq_file_dtype *dtype)
{
    return dtype->name[0] == 'F' || clq_file_real_of(dtype) != CLQ_REAL_NONE;
}

/* Fill in why the tensor is copied, if it is. */
static clq_status decide(const clq_file_request *request, clq_model_plan *plan, clq_model_plan_tensor *tensor,
                         clq_error *error)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    const int floats = is_float(&source->dtype);
    int serves_codes = 0;
    clq_foreign foreign;
    tensor->is_named = matches_any(&request->include, source->name);
    CLQ_TRY(find_codes(plan->model, source->name, &serves_codes, error));
    CLQ_TRY(clq_foreign_find(plan->model, tensor->index, &foreign, error));
    if (request->include.count > 0 && !tensor->is_named) {
        clq_model_plan_copy(plan, tensor, 0, "not named by --include");
    } else if (matches_any(&request->exclude, source->name)) {
        clq_model_plan_copy(plan, tensor, 0, "named by --exclude");
    } else if (foreign.role != CLQ_FOREIGN_NONE) {
        tensor->foreign = foreign.format;
        clq_model_plan_copy(plan, tensor, foreign.role == CLQ_FOREIGN_CODES, "%s a tensor that is quantized as %s",
                            foreign.role == CLQ_FOREIGN_CODES ? "holds the codes of" : "belongs to", foreign.format);
    } else if (!floats) {
        clq_model_plan_copy(plan, tensor, 0, "%s is not a floating point type", source->dtype.name);
    } else if (serves_codes) {
        clq_model_plan_copy(plan, tensor, 0, "belongs to a tensor that is quantized already");
    } else if (source->rank < (uint64_t)plan->min_rank) {
        clq_model_plan_copy(plan, tensor, 0, "rank %u is below --min-rank %d", (unsigned)source->rank, plan->min_rank);
    } else if (source->elements == 0) {
        clq_model_plan_copy(plan, tensor, 1, "has no elements");
    } else if (clq_real_type(clq_file_real_of(&source->dtype)) == 0) {
        clq_model_plan_copy(plan, tensor, 1, "%s is not one of F64, F32, F16, BF16", source->dtype.name);
    } else if (source->rank > CLQ_MAX_RANK) {
        clq_model_plan_copy(plan, tensor, 1, "rank %u is above %d", (unsigned)source->rank, CLQ_MAX_RANK);
    }
    return CLQ_OK;
}

/* Layout and parts of a tensor that is to be quantized, unless the format has it copied. */
static clq_status plan_tensor(const clq_file_request *request, const clq_given *given, clq_model_plan *plan,
                              clq_model_plan_tensor *tensor, clq_error *error)
{
    const clq_model_tensor *source = &plan->model->tensors[tensor->index];
    if (tensor->quantized && plan->format->select != NULL) {
        plan->format->select(request, plan, tensor);
    }
    if (!tensor->quantized) {
        return CLQ_OK;
    }
    clq_quantization_init(&tensor->q);
    tensor->q.real = clq_real_type(clq_file_real_of(&source->dtype));
    tensor->q.scheme = plan->scheme;
    tensor->stored_type = plan->stored_type;
    if (plan->format->lay_out != NULL) {
        CLQ_TRY(plan->format->lay_out(plan, tensor, error));
    } else {
        CLQ_TRY(clq_given_layout(given, request, source->name, source->rank, source->shape,
                                 source->rank >= 2 ? CLQ_PER_CHANNEL : CLQ_PER_TENSOR, &tensor->q.layout, error));
        CLQ_TRY(clq_quantization_check(&tensor->q, error));
    }
    CLQ_TRY(clq_layout_count(&tensor->q.layout, &tensor->elements, &tensor->parameters, error));
    return plan->format->describe(request, plan, tensor, error);
}

clq_status clq_model_plan_scheme(const clq_file_request *request, clq_scheme *scheme, clq_error *error)
{
    const clq_calibration_kind kind = request->calibration.kind;
    CLQ_TRY(clq_scheme_from_preset(request->preset, request->dtype, scheme, error));
    CLQ_REQUIRE(clq_dtype_bits(scheme->dtype) < 16 || (kind != CLQ_CALIBRATE_MSE && kind != CLQ_CALIBRATE_ENTROPY),
                "--dtype %s: mse and entropy need fewer codes than a histogram has bins, which are %d",
                clq_dtype_name(scheme->dtype), CLQ_HISTOGRAM_BINS);
    if (request->has_rounding) {
        scheme->rounding = request->rounding;
    }
    if (request->has_zero_point_order) {
        scheme->zero_point_order = request->zero_point_order;
    }
    if (request->has_arithmetic) {
        scheme->arithmetic = request->arithmetic;
    }
    return CLQ_OK;
}

clq_status clq_model_plan_create(const clq_file_request *request, const clq_format *format, const clq_given *given,
                                 const clq_model *model, clq_model_plan **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_model_plan *plan = calloc(1, sizeof *plan);
    *out = plan;
    if (plan != NULL) {
        plan->tensors = calloc(model->tensor_count + 1, sizeof *plan->tensors);
    }
    if (plan == NULL || plan->tensors == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", model->tensor_count));
    }
    plan->model = model;
    plan->given = given;
    plan->format = format;
    plan->count = model->tensor_count;
    plan->counts = clq_calibration_counts(&request->calibration);
    plan->min_rank = request->minimum_rank;
    if (plan->min_rank < 0) {
        plan->min_rank = model->kind == CLQ_MODEL_NPY ? 0 : 2;
    }
    CLQ_TRY_TO(clq_model_plan_scheme(request, &plan->scheme, error));
    CLQ_TRY_TO(clq_given_widen(given, &plan->scheme, error));
    plan->stored_type = clq_dtype_name(plan->scheme.dtype);
    CLQ_TRY_TO(format->begin(request, plan, error));
    for (size_t i = 0; i < plan->count; i++) {
        clq_model_plan_tensor *tensor = &plan->tensors[i];
        tensor->index = i;
        tensor->number = i;
        tensor->bytes = model->tensors[i].bytes;
        tensor->quantized = 1;
        tensor->range_low = INFINITY;
        tensor->range_high = -INFINITY;
        plan->quantized_count += 1;
        CLQ_TRY_TO(decide(request, plan, tensor, error));
        CLQ_TRY_TO(plan_tensor(request, given, plan, tensor, error));
        tensor->falls_short |= request->strict && tensor->is_named && !tensor->quantized &&
                               !matches_any(&request->exclude, model->tensors[i].name);
    }
done:
    if (status != CLQ_OK) {
        clq_model_plan_destroy(out);
    }
    return status;
}

void clq_model_plan_destroy(clq_model_plan **plan)
{
    if (*plan == NULL) {
        return;
    }
    for (size_t i = 0; (*plan)->tensors != NULL && i < (*plan)->count; i++) {
        clq_model_plan_tensor_release(&(*plan)->tensors[i]);
    }
    free((*plan)->tensors);
    free(*plan);
    *plan = NULL;
}

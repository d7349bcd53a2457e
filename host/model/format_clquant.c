/* SPDX-License-Identifier: Apache-2.0 */
/* The format clquant: T, T_scale, T_zero_point, of every type and layout that the library knows. */
#include <string.h>

#include "core/dtype.h"
#include "format/quantized.h"
#include "model/file_format.h"

/* How codes, and zero points that fit, are called in a file. */
static const char *type_name(clq_dtype dtype)
{
    return dtype == CLQ_S8 ? "I8" : dtype == CLQ_S16 ? "I16" : dtype == CLQ_U16 ? "U16" : "U8";
}

/* Of zero points that fit: the codes', or where these have 4 bits a byte of their sign. */
static clq_dtype zero_point_type(clq_dtype dtype)
{
    return dtype == CLQ_S4 ? CLQ_S8 : dtype == CLQ_U4 ? CLQ_U8 : dtype;
}

/* Whether zero points are chosen by the data, and may lie anywhere. */
static int are_unbounded(const clq_model_plan *plan)
{
    return plan->scheme.zero_point_rule != CLQ_ZERO_POINT_FIXED && !plan->scheme.zero_point_clamp &&
           !plan->given->scale_given;
}

static clq_status begin(const clq_file_request *request, clq_model_plan *plan, clq_error *error)
{
    const clq_dtype_facts *narrow = clq_dtype_facts_of(zero_point_type(plan->scheme.dtype));
    CLQ_REQUIRE(request->activations == CLQ_ACTIVATIONS_BY_FORMAT || request->activations == CLQ_ACTIVATIONS_NONE,
                "--activations: the format clquant says nothing of activations; --format compressed-tensors does");
    CLQ_REQUIRE(request->config_file == NULL,
                "--emit-config: the format clquant has no configuration; --format compressed-tensors and "
                "pack-quantized have one");
    plan->activations = CLQ_ACTIVATIONS_NONE;
    plan->narrow_low = narrow->qmin;
    plan->narrow_high = narrow->qmax;
    if (clq_dtype_bits(plan->scheme.dtype) == 4 && are_unbounded(plan)) {
        /* Their type follows from the scheme, whatever the data is: all are wide that are not 0. */
        plan->narrow_low = 0;
        plan->narrow_high = 0;
    }
    return CLQ_OK;
}

static clq_status describe(const clq_file_request *request, const clq_model_plan *plan, clq_model_plan_tensor *tensor,
                           clq_error *error)
{
    const char *name = plan->model->tensors[tensor->index].name;
    const clq_dtype dtype = tensor->q.scheme.dtype;
    clq_plan_part *codes = &tensor->parts[CLQ_PART_CODES];
    clq_plan_part *scale = &tensor->parts[CLQ_PART_SCALE];
    clq_plan_part *zero_point = &tensor->parts[CLQ_PART_ZERO_POINT];
    (void)request;
    codes->bytes = clq_dtype_bytes(dtype, tensor->elements);
    codes->dtype = type_name(dtype);
    if (clq_dtype_bits(dtype) == 4) {
        codes->rank = 1;
        codes->shape[0] = codes->bytes;
    } else {
        codes->rank = tensor->q.layout.rank;
        memcpy(codes->shape, tensor->q.layout.shape, sizeof codes->shape);
    }
    CLQ_TRY(clq_part_name(plan->model, name, "", "codes", codes, error));
    scale->dtype = "F32";
    scale->bytes = tensor->parameters * sizeof(float);
    clq_part_like_scale(&tensor->q.layout, scale);
    CLQ_TRY(clq_part_name(plan->model, name, CLQ_SCALE_SUFFIX, "scale", scale, error));
    zero_point->dtype = type_name(zero_point_type(dtype));
    zero_point->bytes = clq_dtype_bytes(zero_point_type(dtype), tensor->parameters);
    clq_part_like_scale(&tensor->q.layout, zero_point);
    return clq_part_name(plan->model, name, CLQ_ZERO_POINT_SUFFIX, "zero point", zero_point, error);
}

const clq_format clq_format_clquant = {.id = CLQ_FORMAT_CLQUANT,
                                       .name = "clquant",
                                       .is_implied = 1,
                                       .begin = begin,
                                       .describe = describe,
                                       .write_codes = clq_encode_codes,
                                       .write_zero_points = clq_encode_zero_points};

/* SPDX-License-Identifier: Apache-2.0 */
/* The format clquant: T, T_scale, T_zero_point, of every type and layout that the library knows. */
#include <string.h>

#include "format/quantized.h"
#include "model/file_format.h"

static clq_status begin(const clq_file_request *request, clq_model_plan *plan, clq_error *error)
{
    CLQ_REQUIRE(request->activations == CLQ_ACTIVATIONS_BY_FORMAT || request->activations == CLQ_ACTIVATIONS_NONE,
                "--activations: the format clquant says nothing of activations; --format compressed-tensors does");
    CLQ_REQUIRE(request->config_file == NULL,
                "--emit-config: the format clquant has no configuration; --format compressed-tensors and "
                "pack-quantized have one");
    plan->activations = CLQ_ACTIVATIONS_NONE;
    plan->narrow_low = plan->scheme.dtype == CLQ_S8 ? INT8_MIN : 0;
    plan->narrow_high = plan->scheme.dtype == CLQ_S8 ? INT8_MAX : UINT8_MAX;
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
    codes->dtype = dtype == CLQ_S8 ? "I8" : "U8";
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
    zero_point->dtype = codes->dtype;
    zero_point->bytes = tensor->parameters;
    clq_part_like_scale(&tensor->q.layout, zero_point);
    return clq_part_name(plan->model, name, CLQ_ZERO_POINT_SUFFIX, "zero point", zero_point, error);
}

const clq_format clq_format_clquant = {.id = CLQ_FORMAT_CLQUANT,
                                       .name = "clquant",
                                       .begin = begin,
                                       .describe = describe,
                                       .write_codes = clq_encode_codes,
                                       .write_zero_points = clq_encode_zero_points};

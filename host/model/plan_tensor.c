/* SPDX-License-Identifier: Apache-2.0 */
/* One tensor of a plan: what becomes of it, and under which names. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/quantized.h"
#include "model/plan.h"

void clq_model_plan_copy(clq_model_plan *plan, clq_model_plan_tensor *tensor, int falls_short, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tensor->reason, sizeof tensor->reason, format, arguments);
    va_end(arguments);
    plan->quantized_count -= tensor->quantized != 0;
    tensor->quantized = 0;
    tensor->falls_short = falls_short;
}

clq_status clq_part_name(const clq_model *model, const char *name, const char *suffix, const char *what,
                         clq_plan_part *part, clq_error *error)
{
    part->name = clq_companion_name(name, suffix);
    if (part->name == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the name of a tensor");
    }
    if (clq_model_find(model, part->name) != SIZE_MAX && suffix[0] != '\0') {
        char shown[200];
        char shown_full[220];
        clq_printable(shown, sizeof shown, name, strlen(name));
        clq_printable(shown_full, sizeof shown_full, part->name, strlen(part->name));
        return clq_fail(
            error, CLQ_INVALID_ARGUMENT,
            "tensor '%s': its %s would be called '%s', and the model holds a tensor of that name; --exclude "
            "copies '%s' as it is",
            shown, what, shown_full, shown);
    }
    return CLQ_OK;
}

void clq_part_like_scale(const clq_layout *layout, clq_plan_part *part)
{
    if (layout->granularity == CLQ_PER_TENSOR) {
        part->rank = 1;
        part->shape[0] = 1;
        return;
    }
    part->rank = layout->rank;
    for (uint32_t d = 0; d < layout->rank; d++) {
        part->shape[d] = layout->granularity != CLQ_PER_CHANNEL || d == layout->axis ? layout->shape[d] : 1;
    }
    if (layout->granularity != CLQ_PER_CHANNEL) {
        const uint32_t axis = layout->granularity == CLQ_PER_BLOCK ? layout->axis : layout->rank - 1;
        part->shape[axis] = clq_size_divide_up(layout->shape[axis], layout->group_size);
    }
}

int clq_part_is_there(const clq_model_plan_tensor *tensor, clq_part part)
{
    if (!tensor->quantized) {
        return part == CLQ_PART_CODES;
    }
    return tensor->parts[part].name != NULL &&
           (part != CLQ_PART_ZERO_POINT || tensor->zero_point_form != CLQ_ZERO_POINT_LEFT_OUT);
}

void clq_model_plan_tensor_release(clq_model_plan_tensor *tensor)
{
    for (int part = 0; part < CLQ_PARTS; part++) {
        free(tensor->parts[part].name);
        tensor->parts[part].name = NULL;
    }
    free(tensor->range);
    free(tensor->scale);
    free(tensor->zero_point);
}

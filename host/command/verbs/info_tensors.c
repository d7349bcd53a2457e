/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/info.h"

#include <string.h>

#include "core/size.h"
#include "format/real.h"

const char *cli_info_kind(clq_model_kind kind)
{
    static const char *const NAMES[] = {[CLQ_MODEL_SAFETENSORS] = "safetensors",
                                        [CLQ_MODEL_SHARDED] = "sharded safetensors",
                                        [CLQ_MODEL_NPY] = "npy",
                                        [CLQ_MODEL_GGUF] = "gguf"};
    return NAMES[kind];
}

const clq_quantized *cli_info_in_role(const clq_quantized_list *list, size_t index, clq_role role)
{
    return list != NULL && list->roles[index] == role ? &list->items[list->owners[index]] : NULL;
}

clq_status cli_info_find_span(const clq_model *model, const clq_quantized *quantized, cli_info_span *span,
                              clq_error *error)
{
    enum { STEP = 512 };
    float scale[STEP];
    int32_t zero[STEP];
    memset(span, 0, sizeof *span);
    for (uint64_t first = 0; first < quantized->parameters; first += STEP) {
        const uint64_t count = clq_size_min(STEP, quantized->parameters - first);
        if (cli_interrupted()) { /* of blocks all data is read */
            return clq_fail(error, CLQ_CANCELLED, "interrupted");
        }
        CLQ_TRY(clq_quantized_parameters(model, quantized, first, count, scale, zero, error));
        for (uint64_t i = 0; i < count; i++) {
            const int start = first + i == 0;
            span->scale_lo = start || scale[i] < span->scale_lo ? scale[i] : span->scale_lo;
            span->scale_hi = start || scale[i] > span->scale_hi ? scale[i] : span->scale_hi;
            span->zero_lo = start || zero[i] < span->zero_lo ? zero[i] : span->zero_lo;
            span->zero_hi = start || zero[i] > span->zero_hi ? zero[i] : span->zero_hi;
        }
    }
    return CLQ_OK;
}

/* The tensor MODULE of whose name is as long as `length`, and ends in `ending`; SIZE_MAX: there is none. */
static size_t find_beside(const clq_model *model, const clq_quantized_list *list, const char *name, size_t length,
                          const char *ending)
{
    char other[1024];
    const int used = snprintf(other, sizeof other, "%.*s%s", (int)length, name, ending);
    return used < 0 || (size_t)used >= sizeof other ? SIZE_MAX
           : list != NULL                           ? clq_find_real(model, list, other)
                                                    : clq_model_find(model, other);
}

int cli_info_find_inputs(const clq_model *model, const clq_quantized_list *list, size_t index, cli_info_span *span)
{
    static const char ENDING[] = ".input_scale";
    const clq_model_tensor *tensor = &model->tensors[index];
    const size_t length = strlen(tensor->name);
    const size_t module = length - (sizeof ENDING - 1);
    clq_quantized inputs = {.scale = index, .zero_point = SIZE_MAX, .parameters = tensor->elements};
    size_t weight;
    clq_error unused;
    if (list == NULL || length < sizeof ENDING || strcmp(tensor->name + module, ENDING) != 0 || tensor->elements == 0 ||
        clq_file_real_of(&tensor->dtype) == CLQ_REAL_NONE) {
        return 0;
    }
    weight = find_beside(model, list, tensor->name, module, ".weight");
    if (weight == SIZE_MAX || cli_info_in_role(list, weight, CLQ_ROLE_CODES) == NULL) {
        return 0;
    }
    inputs.zero_point = find_beside(model, NULL, tensor->name, module, ".input_zero_point");
    if (inputs.zero_point != SIZE_MAX && (!clq_is_integer(model->tensors[inputs.zero_point].dtype.name) ||
                                          model->tensors[inputs.zero_point].elements != tensor->elements)) {
        inputs.zero_point = SIZE_MAX;
    }
    return cli_info_find_span(model, &inputs, span, &unused) == CLQ_OK;
}

cli_info_totals cli_info_count(const clq_model *model, const clq_quantized_list *list)
{
    cli_info_totals sum = {0};
    for (size_t i = 0; i < model->tensor_count; i++) {
        const clq_quantized *codes = cli_info_in_role(list, i, CLQ_ROLE_CODES);
        sum.bytes += model->tensors[i].bytes;
        sum.quantized += codes != NULL;
        if (codes != NULL) {
            sum.elements += codes->elements;
        } else if (list == NULL || list->roles[i] == CLQ_ROLE_PLAIN) {
            sum.elements += model->tensors[i].elements;
        } else {
            sum.parts += 1;
        }
    }
    return sum;
}

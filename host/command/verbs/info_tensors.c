/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/info.h"

#include <string.h>

#include "core/size.h"

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

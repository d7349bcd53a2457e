/* SPDX-License-Identifier: Apache-2.0 */
/* What `clquant info` tells of a file; text (verb_info.c) and JSON (info_json.c) show the same facts. */
#ifndef CLQ_HOST_COMMAND_VERBS_INFO_H
#define CLQ_HOST_COMMAND_VERBS_INFO_H

#include "command/frame/cli.h"
#include "format/model.h"
#include "format/quantized.h"

/* Scales and zero points of one quantized tensor, from the least to the greatest. */
typedef struct cli_info_span {
    float scale_lo, scale_hi;
    int32_t zero_lo, zero_hi;
} cli_info_span;
clq_status cli_info_find_span(const clq_model *model, const clq_quantized *quantized, cli_info_span *span,
                              clq_error *error);

/* Whether tensor `index` is MODULE.input_scale beside a quantized MODULE.weight: scales of what the module is given,
 * with MODULE.input_zero_point where there is one. Of values that are no scales it is not. */
int cli_info_find_inputs(const clq_model *model, const clq_quantized_list *list, size_t index, cli_info_span *span);

typedef struct cli_info_totals {
    size_t quantized;
    size_t parts;      /* tensors that hold scales, zero points or the shape of one of those */
    uint64_t elements; /* scales and zero points are not counted */
    uint64_t bytes;
} cli_info_totals;
cli_info_totals cli_info_count(const clq_model *model, const clq_quantized_list *list);

const char *cli_info_kind(clq_model_kind kind); /* "sharded safetensors" */

/* The quantized tensor that tensor `index` belongs to in the given role, or NULL. `list` may be NULL. */
const clq_quantized *cli_info_in_role(const clq_quantized_list *list, size_t index, clq_role role);

/* Write the members of one file. After a failure the JSON is whole, the tensors from there on missing. */
clq_status cli_info_print_json(clq_json_writer *json, const clq_model *model, const clq_quantized_list *list,
                               clq_error *error);

#endif

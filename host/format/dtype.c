/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "format/model_parts.h"

/* Every element type of the safetensors format; source: huggingface/safetensors, safetensors/src/tensor.rs. */
static const clq_file_dtype known[] = {
    {"BOOL", 8, 0},       {"F4", 4, 0},           {"F6_E2M3", 6, 0},     {"F6_E3M2", 6, 0},    {"U8", 8, CLQ_U8},
    {"I8", 8, CLQ_S8},    {"F8_E5M2", 8, 0},      {"F8_E4M3", 8, 0},     {"F8_E8M0", 8, 0},    {"F8_E4M3FNUZ", 8, 0},
    {"F16", 16, CLQ_F16}, {"BF16", 16, CLQ_BF16}, {"F8_E5M2FNUZ", 8, 0}, {"I16", 16, CLQ_S16}, {"U16", 16, CLQ_U16},
    {"I32", 32, CLQ_S32}, {"U32", 32, 0},         {"F32", 32, CLQ_F32},  {"C64", 64, 0},       {"F64", 64, 0},
    {"I64", 64, 0},       {"U64", 64, 0},
};

clq_file_dtype clq_file_dtype_from_name(const char *name)
{
    clq_file_dtype unknown = {"", 0, 0};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            return known[i];
        }
    }
    snprintf(unknown.name, sizeof unknown.name, "%s", name);
    return unknown;
}

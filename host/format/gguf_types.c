/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"

/* Source: ggml-org/ggml, include/ggml.h and src/ggml-common.h. Those that are of one element have safetensors names. */
static const clq_gguf_type types[] = {
    {0, "F32", 1, 4, CLQ_BLOCK_NONE},         {1, "F16", 1, 2, CLQ_BLOCK_NONE},
    {2, "Q4_0", 32, 18, CLQ_BLOCK_Q4_0},      {3, "Q4_1", 32, 20, CLQ_BLOCK_NONE},
    {6, "Q5_0", 32, 22, CLQ_BLOCK_NONE},      {7, "Q5_1", 32, 24, CLQ_BLOCK_NONE},
    {8, "Q8_0", 32, 34, CLQ_BLOCK_Q8_0},      {10, "Q2_K", 256, 84, CLQ_BLOCK_NONE},
    {11, "Q3_K", 256, 110, CLQ_BLOCK_NONE},   {12, "Q4_K", 256, 144, CLQ_BLOCK_NONE},
    {13, "Q5_K", 256, 176, CLQ_BLOCK_NONE},   {14, "Q6_K", 256, 210, CLQ_BLOCK_NONE},
    {15, "Q8_K", 256, 292, CLQ_BLOCK_NONE},   {16, "IQ2_XXS", 256, 66, CLQ_BLOCK_NONE},
    {17, "IQ2_XS", 256, 74, CLQ_BLOCK_NONE},  {18, "IQ3_XXS", 256, 98, CLQ_BLOCK_NONE},
    {19, "IQ1_S", 256, 50, CLQ_BLOCK_NONE},   {20, "IQ4_NL", 32, 18, CLQ_BLOCK_NONE},
    {21, "IQ3_S", 256, 110, CLQ_BLOCK_NONE},  {22, "IQ2_S", 256, 82, CLQ_BLOCK_NONE},
    {23, "IQ4_XS", 256, 136, CLQ_BLOCK_NONE}, {24, "I8", 1, 1, CLQ_BLOCK_NONE},
    {25, "I16", 1, 2, CLQ_BLOCK_NONE},        {26, "I32", 1, 4, CLQ_BLOCK_NONE},
    {27, "I64", 1, 8, CLQ_BLOCK_NONE},        {28, "F64", 1, 8, CLQ_BLOCK_NONE},
    {29, "IQ1_M", 256, 56, CLQ_BLOCK_NONE},   {30, "BF16", 1, 2, CLQ_BLOCK_NONE},
    {34, "TQ1_0", 256, 54, CLQ_BLOCK_NONE},   {35, "TQ2_0", 256, 66, CLQ_BLOCK_NONE},
    {39, "MXFP4", 32, 17, CLQ_BLOCK_NONE},    {40, "NVFP4", 64, 36, CLQ_BLOCK_NONE},
    {41, "Q1_0", 128, 18, CLQ_BLOCK_NONE},
};

const clq_gguf_type *clq_gguf_type_of(uint32_t number)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].number == number) {
            return &types[i];
        }
    }
    return NULL;
}

const clq_gguf_type *clq_gguf_type_named(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) == 0) {
            return &types[i];
        }
    }
    return NULL;
}

int clq_is_gguf_name(const char *path)
{
    const size_t length = strlen(path);
    return length >= 5 && strcmp(path + length - 5, ".gguf") == 0;
}

void clq_gguf_destroy(clq_gguf **gguf)
{
    if (*gguf != NULL) {
        free((*gguf)->keys);
        free(*gguf);
        *gguf = NULL;
    }
}

uint32_t clq_gguf_number(const clq_model *model, const char *key)
{
    const clq_model_shard *shard = &model->shards[0];
    for (size_t i = 0; i < shard->metadata_count; i++) {
        const clq_gguf_value type = model->gguf->keys[i].type;
        if ((type == CLQ_GGUF_U16 || type == CLQ_GGUF_U32) && strcmp(shard->metadata_keys[i], key) == 0) {
            return (uint32_t)strtoul(shard->metadata_values[i], NULL, 10);
        }
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/loader_rules.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/output_path.h"

/* The first that matches counts. A linear layer that is left alone for its name costs size, not correctness. */
static const struct {
    const char *model_type; /* NULL: any */
    const char *pattern;    /* of the tensor's name */
    clq_left_kind kind;
} RULES[] = {
    {"gpt2", "*.c_attn.weight", CLQ_LEFT_TRANSPOSED},
    {"gpt2", "*.q_attn.weight", CLQ_LEFT_TRANSPOSED},
    {"gpt2", "*.c_proj.weight", CLQ_LEFT_TRANSPOSED},
    {"gpt2", "*.c_fc.weight", CLQ_LEFT_TRANSPOSED},
    {"openai-gpt", "*.c_attn.weight", CLQ_LEFT_TRANSPOSED},
    {"openai-gpt", "*.c_proj.weight", CLQ_LEFT_TRANSPOSED},
    {"openai-gpt", "*.c_fc.weight", CLQ_LEFT_TRANSPOSED},
    {NULL, "lm_head.*", CLQ_LEFT_HEAD},
    {NULL, "*.lm_head.*", CLQ_LEFT_HEAD},
    {NULL, "embed_out.*", CLQ_LEFT_HEAD},               /* gpt_neox */
    {NULL, "output.*", CLQ_LEFT_HEAD},                  /* internlm2 */
    {NULL, "proj_out.*", CLQ_LEFT_HEAD},                /* whisper */
    {NULL, "cls.predictions.decoder.*", CLQ_LEFT_HEAD}, /* bert */
    {NULL, "*embed*", CLQ_LEFT_EMBEDDING},
    {NULL, "*wte.weight", CLQ_LEFT_EMBEDDING},
    {NULL, "*wpe.weight", CLQ_LEFT_EMBEDDING},
    {NULL, "shared.weight", CLQ_LEFT_EMBEDDING}, /* t5 */
    {NULL, "*relative_attention_bias*", CLQ_LEFT_EMBEDDING},
    {NULL, "*norm.weight", CLQ_LEFT_NORM},
    {NULL, "*gate.weight", CLQ_LEFT_ROUTER},
    {NULL, "*.gate.*", CLQ_LEFT_ROUTER},
    {NULL, "*router*", CLQ_LEFT_ROUTER},
};

/* Types of models whose linear layers were compared with what the rules say (scripts/test-loaders.sh). */
static const char *const KNOWN_TYPES[] = {
    "bert",     "bloom", "cohere",      "deepseek_v2", "deepseek_v3", "falcon",  "gemma",   "gemma2", "gemma3_text",
    "glm4",     "gpt2",  "gpt_bigcode", "gpt_neox",    "gpt_oss",     "granite", "llama",   "llava",  "mistral",
    "mixtral",  "olmo",  "olmo2",       "openai-gpt",  "opt",         "phi",     "phi3",    "qwen2",  "qwen2_moe",
    "qwen2_vl", "qwen3", "qwen3_moe",   "stablelm",    "starcoder2",  "t5",      "whisper",
};

/* Output heads of another name than lm_head. */
static const struct {
    const char *model_type, *module;
} OTHER_HEADS[] = {{"bert", "cls.predictions.decoder"}, {"gpt_neox", "embed_out"}, {"whisper", "proj_out"}};

static const struct {
    const char *name, *names;
} KINDS[CLQ_LEFT_KINDS] = {
    [CLQ_LEFT_NOT] = {"a linear layer", "linear layers"},
    [CLQ_LEFT_EMBEDDING] = {"an embedding", "embeddings"},
    [CLQ_LEFT_HEAD] = {"an output head", "output heads"},
    [CLQ_LEFT_NORM] = {"a norm", "norms"},
    [CLQ_LEFT_ROUTER] = {"a router", "routers"},
    [CLQ_LEFT_TRANSPOSED] = {"a transposed layer", "transposed layers"},
    [CLQ_LEFT_PARAMETER] = {"not called MODULE.weight", "tensors not called MODULE.weight"},
    [CLQ_LEFT_EXPERTS] = {"all experts in one tensor", "tensors of all experts"},
    [CLQ_LEFT_CONVOLUTION] = {"no matrix", "tensors that are no matrix"},
};

clq_status clq_loader_view_init(clq_loader_view *view, const clq_model *model, clq_error *error)
{
    memset(view, 0, sizeof *view);
    CLQ_TRY(clq_model_config_read(model, &view->config, error));
    for (size_t i = 0; i < sizeof KNOWN_TYPES / sizeof KNOWN_TYPES[0]; i++) {
        view->is_known |= strcmp(view->config.model_type, KNOWN_TYPES[i]) == 0;
    }
    return CLQ_OK;
}

size_t clq_module_length(const char *name)
{
    static const char SUFFIX[] = ".weight";
    const size_t length = strlen(name);
    const size_t suffix = sizeof SUFFIX - 1;
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0 ? length - suffix : 0;
}

int clq_is_expert(const char *name)
{
    return strstr(name, ".experts.") != NULL;
}

clq_left_kind clq_loader_rule(const clq_loader_view *view, const clq_model_tensor *tensor)
{
    for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
        if ((RULES[i].model_type == NULL || strcmp(RULES[i].model_type, view->config.model_type) == 0) &&
            fnmatch(RULES[i].pattern, tensor->name, 0) == 0) {
            return RULES[i].kind;
        }
    }
    if (tensor->rank != 2) {
        return clq_is_expert(tensor->name) ? CLQ_LEFT_EXPERTS : CLQ_LEFT_CONVOLUTION;
    }
    return clq_module_length(tensor->name) == 0 ? CLQ_LEFT_PARAMETER : CLQ_LEFT_NOT;
}

const char *clq_left_kind_name(clq_left_kind kind)
{
    return KINDS[kind].name;
}

const char *clq_loader_head(const clq_loader_view *view, size_t i)
{
    const char *own = NULL;
    for (size_t k = 0; k < sizeof OTHER_HEADS / sizeof OTHER_HEADS[0]; k++) {
        own = strcmp(OTHER_HEADS[k].model_type, view->config.model_type) == 0 ? OTHER_HEADS[k].module : own;
    }
    return i == 0 ? "lm_head" : i == 1 ? own : NULL;
}

int clq_loader_list(const clq_loader_view *view, const size_t counts[CLQ_LEFT_KINDS], char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (int kind = CLQ_LEFT_EMBEDDING; kind < CLQ_LEFT_KINDS; kind++) {
        const char *separator = used > 0 ? ", " : "";
        int length = 0;
        if (counts[kind] == 1 && view->first[kind] != NULL) {
            const char *name = view->first[kind];
            const size_t module = clq_module_length(name);
            char shown[120];
            clq_printable(shown, sizeof shown, name, module > 0 ? module : strlen(name));
            length = snprintf(out + used, capacity - used, "%s%s", separator, shown);
        } else if (counts[kind] > 0) {
            length = snprintf(out + used, capacity - used, "%s%zu %s", separator, counts[kind], KINDS[kind].names);
        }
        used += (size_t)length < capacity - used ? (size_t)length : capacity - used - 1;
    }
    return used > 0;
}

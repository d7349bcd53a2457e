/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and shapes of well-known networks, as in the state dicts of torchvision (mobilenet_v2, resnet50) and of
 * Llama-style checkpoints (one decoder block).
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/frame/cli.h"
#include "command/verbs/sample.h"
#include "core/error.h"

const char *cli_sample_type_name(cli_sample_type type)
{
    static const char *const names[] = {"F32", "F16", "BF16", "I64"};
    return names[type];
}

uint64_t cli_sample_type_bytes(cli_sample_type type)
{
    static const uint64_t sizes[] = {4, 2, 2, 8};
    return sizes[type];
}

void cli_sample_release(cli_sample_model *model)
{
    free(model->tensors);
    memset(model, 0, sizeof *model);
}

/* A new tensor to fill in, or a scratch one when memory ran out. */
static cli_sample_tensor *next_tensor(cli_sample_model *model)
{
    static cli_sample_tensor scratch;
    if (model->count == model->capacity) {
        const size_t capacity = 2 * model->capacity + 256;
        cli_sample_tensor *tensors = realloc(model->tensors, capacity * sizeof *tensors);
        if (tensors == NULL) {
            model->failed = 1;
            return &scratch;
        }
        model->tensors = tensors;
        model->capacity = capacity;
    }
    memset(&model->tensors[model->count], 0, sizeof *model->tensors);
    return &model->tensors[model->count++];
}

static cli_sample_tensor *add(cli_sample_model *model, cli_sample_type type, cli_sample_kind kind, uint32_t rank,
                              const uint64_t *shape, const char *format, ...) CLQ_PRINTF(6, 7);

static cli_sample_tensor *add(cli_sample_model *model, cli_sample_type type, cli_sample_kind kind, uint32_t rank,
                              const uint64_t *shape, const char *format, ...)
{
    cli_sample_tensor *tensor = next_tensor(model);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tensor->name, sizeof tensor->name, format, arguments);
    va_end(arguments);
    tensor->type = type;
    tensor->kind = kind;
    tensor->rank = rank;
    tensor->elements = 1;
    for (uint32_t i = 0; i < rank; i++) {
        tensor->shape[i] = shape[i];
        tensor->elements *= shape[i];
    }
    tensor->bytes = tensor->elements * cli_sample_type_bytes(type);
    return tensor;
}

/* A convolution; `groups` is the number of input channels for a depthwise one, else 1. Kaiming's spread, fan out. */
static void add_convolution(cli_sample_model *model, const char *name, uint64_t out, uint64_t in, uint64_t groups,
                            uint64_t kernel)
{
    const uint64_t shape[] = {out, in / groups, kernel, kernel};
    const cli_sample_kind kind = groups > 1 ? CLI_SAMPLE_DEPTHWISE : CLI_SAMPLE_WEIGHT;
    cli_sample_tensor *tensor = add(model, CLI_SAMPLE_F32, kind, 4, shape, "%s.weight", name);
    tensor->spread = (float)sqrt(2.0 / (double)(out / groups * kernel * kernel));
}

static void add_batch_norm(cli_sample_model *model, const char *name, uint64_t channels)
{
    add(model, CLI_SAMPLE_F32, CLI_SAMPLE_GAIN, 1, &channels, "%s.weight", name);
    add(model, CLI_SAMPLE_F32, CLI_SAMPLE_BIAS, 1, &channels, "%s.bias", name);
    add(model, CLI_SAMPLE_F32, CLI_SAMPLE_MEAN, 1, &channels, "%s.running_mean", name);
    add(model, CLI_SAMPLE_F32, CLI_SAMPLE_VARIANCE, 1, &channels, "%s.running_var", name);
    add(model, CLI_SAMPLE_I64, CLI_SAMPLE_COUNTER, 0, NULL, "%s.num_batches_tracked", name);
}

static void add_linear(cli_sample_model *model, cli_sample_type type, const char *name, uint64_t out, uint64_t in)
{
    const uint64_t shape[] = {out, in};
    cli_sample_tensor *tensor = add(model, type, CLI_SAMPLE_WEIGHT, 2, shape, "%s.weight", name);
    tensor->spread = (float)sqrt(1.0 / (double)in);
}

/* A convolution and its normalization: `name` with the two suffixes. */
static void add_pair(cli_sample_model *model, const char *name, const char *convolution, const char *norm, uint64_t out,
                     uint64_t in, uint64_t groups, uint64_t kernel)
{
    char full[48];
    snprintf(full, sizeof full, "%s%s", name, convolution);
    add_convolution(model, full, out, in, groups, kernel);
    snprintf(full, sizeof full, "%s%s", name, norm);
    add_batch_norm(model, full, out);
}

/* Expand (not when t is 1), depthwise, project. */
static void add_inverted_residual(cli_sample_model *model, unsigned index, uint64_t in, uint64_t out, uint64_t t)
{
    char name[32];
    const uint64_t hidden = in * t;
    snprintf(name, sizeof name, "features.%u.conv.", index);
    if (t == 1) {
        add_pair(model, name, "0.0", "0.1", hidden, hidden, hidden, 3);
        add_pair(model, name, "1", "2", out, hidden, 1, 1);
    } else {
        add_pair(model, name, "0.0", "0.1", hidden, in, 1, 1);
        add_pair(model, name, "1.0", "1.1", hidden, hidden, hidden, 3);
        add_pair(model, name, "2", "3", out, hidden, 1, 1);
    }
}

static void build_mobilenet_v2(cli_sample_model *model, uint64_t scale)
{
    static const struct {
        uint64_t expansion, channels;
        unsigned repeats;
    } stages[] = {{1, 16, 1}, {6, 24, 2}, {6, 32, 3}, {6, 64, 4}, {6, 96, 3}, {6, 160, 3}, {6, 320, 1}};
    const uint64_t classes = 1000;
    uint64_t in = 32 * scale;
    unsigned index = 1;
    add_pair(model, "features.0.", "0", "1", in, 3, 1, 3);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        for (unsigned j = 0; j < stages[i].repeats; j++) {
            const uint64_t out = stages[i].channels * scale;
            add_inverted_residual(model, index++, in, out, stages[i].expansion);
            in = out;
        }
    }
    add_pair(model, "features.18.", "0", "1", 1280 * scale, in, 1, 1);
    add_linear(model, CLI_SAMPLE_F32, "classifier.1", classes, 1280 * scale);
    add(model, CLI_SAMPLE_F32, CLI_SAMPLE_BIAS, 1, &classes, "classifier.1.bias");
}

static void build_resnet_50(cli_sample_model *model, uint64_t scale)
{
    static const unsigned blocks[] = {3, 4, 6, 3};
    const uint64_t classes = 1000;
    uint64_t in = 64 * scale;
    add_pair(model, "", "conv1", "bn1", in, 3, 1, 7);
    for (unsigned stage = 0; stage < 4; stage++) {
        const uint64_t width = (UINT64_C(64) << stage) * scale;
        for (unsigned block = 0; block < blocks[stage]; block++) {
            char name[32];
            snprintf(name, sizeof name, "layer%u.%u.", stage + 1, block);
            add_pair(model, name, "conv1", "bn1", width, in, 1, 1);
            add_pair(model, name, "conv2", "bn2", width, width, 1, 3);
            add_pair(model, name, "conv3", "bn3", 4 * width, width, 1, 1);
            if (block == 0) {
                add_pair(model, name, "downsample.0", "downsample.1", 4 * width, in, 1, 1);
            }
            in = 4 * width;
        }
    }
    add_linear(model, CLI_SAMPLE_F32, "fc", classes, in);
    add(model, CLI_SAMPLE_F32, CLI_SAMPLE_BIAS, 1, &classes, "fc.bias");
}

/* Grouped-query attention and a gated MLP; two projections are f16 and one is bf16, so that a file holds all types. */
static void build_transformer_block(cli_sample_model *model, uint64_t scale)
{
    static const struct {
        const char *name;
        cli_sample_type type;
        uint64_t out, in;
    } layers[] = {
        {"self_attn.q_proj", CLI_SAMPLE_F32, 768, 768}, {"self_attn.k_proj", CLI_SAMPLE_F16, 256, 768},
        {"self_attn.v_proj", CLI_SAMPLE_F16, 256, 768}, {"self_attn.o_proj", CLI_SAMPLE_F32, 768, 768},
        {"mlp.gate_proj", CLI_SAMPLE_F32, 2048, 768},   {"mlp.up_proj", CLI_SAMPLE_F32, 2048, 768},
        {"mlp.down_proj", CLI_SAMPLE_BF16, 768, 2048},
    };
    const uint64_t hidden = 768;
    for (uint64_t block = 0; block < scale; block++) {
        char name[48];
        for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
            snprintf(name, sizeof name, "model.layers.%u.%s", (unsigned)block, layers[i].name);
            add_linear(model, layers[i].type, name, layers[i].out, layers[i].in);
        }
        snprintf(name, sizeof name, "model.layers.%u", (unsigned)block);
        add(model, CLI_SAMPLE_F32, CLI_SAMPLE_GAIN, 1, &hidden, "%s.input_layernorm.weight", name);
        add(model, CLI_SAMPLE_BF16, CLI_SAMPLE_GAIN, 1, &hidden, "%s.post_attention_layernorm.weight", name);
    }
}

typedef struct named_model {
    const char *name;
    void (*build)(cli_sample_model *model, uint64_t scale);
} named_model;

static const named_model MODELS[] = {
    {"mobilenet-v2", build_mobilenet_v2},
    {"resnet-50", build_resnet_50},
    {"transformer-block", build_transformer_block},
    {NULL, NULL},
};

const char *cli_sample_name(size_t index)
{
    return MODELS[index].name;
}

int cli_sample_build(const char *name, uint64_t scale, cli_sample_model *model)
{
    memset(model, 0, sizeof *model);
    for (const named_model *known = MODELS; known->name != NULL; known++) {
        if (strcmp(name, known->name) == 0) {
            known->build(model, scale);
            return 1;
        }
    }
    return 0;
}

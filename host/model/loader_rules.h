/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tensors of a model the engines that load compressed-tensors want in float, told by names, by shapes and by the
 * model's config.json (docs/models.md). They quantize the weights of linear layers alone; anything else that is
 * quantized loads as raw codes, without a word.
 */
#ifndef CLQ_HOST_MODEL_LOADER_RULES_H
#define CLQ_HOST_MODEL_LOADER_RULES_H

#include "format/model.h"
#include "format/model_config.h"

/* What a tensor is that is left in float. */
typedef enum clq_left_kind {
    CLQ_LEFT_NOT = 0, /* the weight of a linear layer */
    CLQ_LEFT_EMBEDDING,
    CLQ_LEFT_HEAD,
    CLQ_LEFT_NORM,
    CLQ_LEFT_ROUTER,
    CLQ_LEFT_TRANSPOSED,  /* a layer that is linear but keeps [inputs, outputs] */
    CLQ_LEFT_PARAMETER,   /* from here on not to be asked for: not called MODULE.weight */
    CLQ_LEFT_EXPERTS,     /* of all experts in one tensor */
    CLQ_LEFT_CONVOLUTION, /* of more than two dimensions */
    CLQ_LEFT_KINDS
} clq_left_kind;

/* What a plan knows of the model, and what it left. */
typedef struct clq_loader_view {
    clq_model_config config;
    int is_known; /* the type of the model is one that the rules were compared with */
    size_t left[CLQ_LEFT_KINDS], asked_for[CLQ_LEFT_KINDS];
    const char *first[CLQ_LEFT_KINDS]; /* the name of the first that was left */
    size_t experts;                    /* linear layers of single experts that were not left */
} clq_loader_view;

/* Read the config.json beside the model's files, where there is one. Fails for want of memory alone. */
clq_status clq_loader_view_init(clq_loader_view *view, const clq_model *model, clq_error *error);

/* Linear layers of single experts are counted. */
int clq_is_expert(const char *name);

clq_left_kind clq_loader_rule(const clq_loader_view *view, const clq_model_tensor *tensor);

/* "an embedding" */
const char *clq_left_kind_name(clq_left_kind kind);

/* The length of MODULE in "MODULE.weight", 0 when the name is another. */
size_t clq_module_length(const char *name);

/*
 * The i-th module that is an output head in models of this type, NULL after the last: a linear layer, though it may
 * have no tensor where it shares that of the embeddings.
 */
const char *clq_loader_head(const clq_loader_view *view, size_t i);

/*
 * "3 embeddings, lm_head": what is counted in `counts`; a single tensor by its module. Returns whether there is any.
 */
int clq_loader_list(const clq_loader_view *view, const size_t counts[CLQ_LEFT_KINDS], char *out, size_t capacity);

#endif

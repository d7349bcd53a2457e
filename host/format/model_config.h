/* SPDX-License-Identifier: Apache-2.0 */
/* What clquant needs to know of a model's config.json. */
#ifndef CLQ_HOST_FORMAT_MODEL_CONFIG_H
#define CLQ_HOST_FORMAT_MODEL_CONFIG_H

#include "format/model_parts.h"

enum { CLQ_CONFIG_GROUP_SIZES = 8 };

typedef struct clq_model_config {
    int is_there;
    char model_type[64];     /* "llama"; empty when it is not told */
    char architecture[96];   /* the first of "architectures"; empty likewise */
    int tie_word_embeddings; /* the output head shares the tensor of the embeddings; 0 when it is not told */
    uint64_t group_sizes[CLQ_CONFIG_GROUP_SIZES]; /* of weights, in its quantization_config */
    size_t group_size_count;
    char problem[200]; /* why it could not be read; empty: it was, or there is none */
} clq_model_config;

/* Where the config.json beside a model's (first) file is, or would be; malloc'ed, NULL: no memory. */
char *clq_model_config_path(const clq_model *model);

/*
 * Read the config.json beside a model's (first) file, of at most 16 MiB. One that is missing is not there; what cannot
 * be read has a problem. Fails for want of memory alone.
 */
clq_status clq_model_config_read(const clq_model *model, clq_model_config *config, clq_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What `quantize` does with each tensor of a model, decided from headers and options alone. */
#ifndef CLQ_HOST_MODEL_PLAN_H
#define CLQ_HOST_MODEL_PLAN_H

#include "format/human.h"
#include "format/model.h"
#include "model/given.h"
#include "stream/statistics.h"

/* How the zero points of a tensor are stored. */
typedef enum clq_zero_point_form {
    CLQ_ZERO_POINT_LEFT_OUT = 0, /* all are 0 */
    CLQ_ZERO_POINT_NARROW = 1,   /* all fit the type of the codes: I8 or U8 */
    CLQ_ZERO_POINT_WIDE = 2      /* I32 */
} clq_zero_point_form;

typedef struct clq_model_plan_tensor {
    size_t index;        /* in the model */
    int quantized;       /* 0: copied */
    char reason[160];    /* why it is copied */
    int falls_short;     /* copied although it is a float tensor that the options select: --strict */
    const char *foreign; /* the format in which another tool quantized what it belongs to; NULL: none */
    clq_quantization q;
    uint64_t elements, parameters;
    uint64_t code_bytes;    /* 4-bit codes are packed */
    const char *code_dtype; /* "I8" or "U8" */
    uint32_t code_rank;
    uint64_t code_shape[CLQ_MAX_RANK];
    char *scale_name, *zero_point_name;
    uint32_t scale_rank;
    uint64_t scale_shape[CLQ_MAX_RANK];
    /*
     * Found in the data. The arrays hold all parameters, of a tensor that is read twice or that a report lists; for
     * others they stay NULL. They are given back early when no report needs them.
     */
    int final;    /* each chunk of it holds all elements of its parameters */
    float *range; /* 2 for each parameter; [infinity, -infinity] where no element is finite */
    float range_low,
        range_high; /* over all of them; of a tensor that an earlier run wrote only where they are listed */
    clq_nonfinite nonfinite;
    float *scale;
    int32_t *zero_point;
    clq_zero_point_form zero_point_form;
    float scale_low, scale_high;
    int32_t zero_point_low, zero_point_high;
    /* Where they go: numbers of the output's tensors. */
    size_t out_codes, out_scale, out_zero_point;
    /* Found while quantizing. */
    int written; /* all of it, by an earlier run that this one continues */
    int measured;
    clq_errors errors;
    uint64_t clipped;
    char variant[48];
} clq_model_plan_tensor;

typedef struct clq_model_plan {
    const clq_model *model;
    const clq_given *given;
    clq_model_plan_tensor *tensors; /* one for each of the model, in its order */
    size_t count;
    size_t quantized_count;
    clq_scheme scheme; /* of all */
    int min_rank;
} clq_model_plan;

/*
 * Decide for every tensor. CLQ_INVALID_ARGUMENT for options that contradict each other or the model: an axis that a
 * tensor lacks, a T_scale that the model holds already.
 */
clq_status clq_model_plan_create(const clq_file_request *request, const clq_given *given, const clq_model *model,
                                 clq_model_plan **plan, clq_error *error);
void clq_model_plan_destroy(clq_model_plan **plan);

/* The scheme that --preset, --dtype and the options that change it ask for. */
clq_status clq_model_plan_scheme(const clq_file_request *request, clq_scheme *scheme, clq_error *error);

/* From now on the tensor is copied, for the reason given. */
void clq_model_plan_copy(clq_model_plan *plan, clq_model_plan_tensor *tensor, int falls_short, const char *format, ...)
    CLQ_PRINTF(4, 5);

/* A pattern of --include or --exclude that matches no tensor, or NULL. */
const char *clq_model_plan_idle_pattern(const clq_file_request *request, const clq_model *model);

#endif

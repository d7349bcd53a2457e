/* SPDX-License-Identifier: Apache-2.0 */
/* What `quantize` does with each tensor of a model, decided from headers and options alone. */
#ifndef CLQ_HOST_MODEL_PLAN_H
#define CLQ_HOST_MODEL_PLAN_H

#include "format/human.h"
#include "format/model.h"
#include "model/given.h"
#include "model/loader_rules.h"
#include "stream/statistics.h"

/* How the zero points of a tensor are stored. */
typedef enum clq_zero_point_form {
    CLQ_ZERO_POINT_LEFT_OUT = 0, /* all are 0 */
    CLQ_ZERO_POINT_NARROW = 1,   /* all fit the type of the codes: I8 or U8 */
    CLQ_ZERO_POINT_WIDE = 2      /* I32 */
} clq_zero_point_form;

/* What a quantized tensor T becomes in the output: tensors of its own. One that is copied has its first part alone. */
typedef enum clq_part {
    CLQ_PART_CODES = 0,
    CLQ_PART_SCALE = 1,
    CLQ_PART_ZERO_POINT = 2,
    CLQ_PART_SHAPE = 3,       /* the real one, beside codes in words */
    CLQ_PART_INPUT_SCALE = 4, /* of what the layer is given: --activations static */
    CLQ_PARTS = 5
} clq_part;

typedef struct clq_plan_part {
    char *name; /* NULL: the format has none */
    const char *dtype;
    uint32_t rank;
    uint64_t shape[CLQ_MAX_RANK];
    uint64_t bytes;
    size_t number; /* of the output's tensors */
} clq_plan_part;

typedef struct clq_model_plan_tensor {
    size_t index;  /* in the model */
    size_t number; /* in the plan, or among the pieces that it is cut into (work.h) */
    /* Of such a piece: the tensor of the plan, and where it lies in it. Else NULL and 0. */
    const struct clq_model_plan_tensor *whole;
    uint64_t first; /* its first element; of one that is copied, byte */
    uint64_t first_parameter;
    uint64_t bytes;     /* of one that is copied */
    int elsewhere;      /* another run does it */
    int is_shared;      /* of such a piece: all pieces of its tensor have one scale, found before any is quantized */
    int is_all_written; /* of a tensor that is cut into such: no run needs the scale any more */
    int quantized;      /* 0: copied */
    char reason[160];   /* why it is copied */
    int is_named;       /* --include names it, one by one or by a pattern */
    int falls_short;    /* copied although it is a float tensor that the options select, or of another type: --strict */
    const char *foreign; /* the format in which another tool quantized what it belongs to; NULL: none */
    clq_quantization q;
    const char *stored_type; /* of the codes, for people: "s8", "Q4_0" */
    clq_block_type block;    /* of a format that has them: the codes stand in blocks with their scales */
    int by_host;             /* the format makes the codes, on the host: no operation does */
    uint64_t elements, parameters;
    clq_plan_part parts[CLQ_PARTS]; /* as the format lays them out; wide zero points are settled when declared */
    float input_scale;
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
    /* Found while quantizing. */
    int written; /* all of it, by an earlier run that this one continues */
    int measured;
    clq_errors errors;
    clq_tally tally; /* which the errors follow from; not of what an earlier run wrote of a whole tensor */
    uint64_t clipped;
    char variant[48];
} clq_model_plan_tensor;

struct clq_format;

typedef struct clq_model_plan {
    const clq_model *model;
    const clq_given *given;
    const struct clq_format *format; /* of the output (file_format.h) */
    clq_model_plan_tensor *tensors;  /* one for each of the model, in its order */
    size_t count;
    size_t quantized_count;
    int has_share; /* of the shards, which are written here then: [first_shard, end_shard) */
    size_t first_shard, end_shard;
    clq_scheme scheme;       /* of all */
    const char *stored_type; /* of most */
    clq_block_type block;    /* likewise, of a format that has them */
    int min_rank;
    clq_loader_view loader; /* what was left in float for those that load the output */
    int asymmetric;         /* zero points are not 0 everywhere, or not known to be before the data is read */
    clq_activations activations;
    int counts; /* --calibrate needs the histogram of all that shares a scale */
    /* Zero points beyond these are wide; those of this form at least are stored. Set by the format. */
    int32_t narrow_low, narrow_high;
    clq_zero_point_form least_form;
} clq_model_plan;

/*
 * Decide for every tensor. CLQ_INVALID_ARGUMENT for options that contradict each other or the model: an axis that a
 * tensor lacks, a T_scale that the model holds already.
 */
clq_status clq_model_plan_create(const clq_file_request *request, const struct clq_format *format,
                                 const clq_given *given, const clq_model *model, clq_model_plan **plan,
                                 clq_error *error);
void clq_model_plan_destroy(clq_model_plan **plan);

/* The scheme that --preset, --dtype and the options that change it ask for. */
clq_status clq_model_plan_scheme(const clq_file_request *request, clq_scheme *scheme, clq_error *error);

/* From now on the tensor is copied, for the reason given. */
void clq_model_plan_copy(clq_model_plan *plan, clq_model_plan_tensor *tensor, int falls_short, const char *format, ...)
    CLQ_PRINTF(4, 5);

/*
 * For formats: name a part "T" + suffix, malloc'ed; a tensor of that name in the model is refused, with `what` the part
 * is. Give it the shape of a scale.
 */
clq_status clq_part_name(const clq_model *model, const char *name, const char *suffix, const char *what,
                         clq_plan_part *part, clq_error *error);
void clq_part_like_scale(const clq_layout *layout, clq_plan_part *part);

/* Whether the output has this part of the tensor, whose zero_point_form is set. */
int clq_part_is_there(const clq_model_plan_tensor *tensor, clq_part part);

void clq_model_plan_tensor_release(clq_model_plan_tensor *tensor);

/* A pattern of --include, --exclude or --axis that matches no tensor, or NULL. */
const char *clq_model_plan_idle_pattern(const clq_file_request *request, const clq_model *model);

#endif

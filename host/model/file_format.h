/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of --format: which tensors the loaders of a format want quantized, how the parts of a quantized tensor
 * lie in the file, and how codes and zero points become its bytes. A format is a file with a row of the table in
 * file_format.c; the plan, the stages and the journal know no format by name. Functions that a row leaves out (NULL)
 * are of formats that have nothing to do there.
 */
#ifndef CLQ_HOST_MODEL_FILE_FORMAT_H
#define CLQ_HOST_MODEL_FILE_FORMAT_H

#include "model/encoder.h"

typedef struct clq_format {
    clq_file_format id;
    const char *name;          /* as --format takes it */
    int is_implied;            /* a file goes without its name */
    int has_blocks;            /* takes --dtype q8_0 and q4_0 */
    const char *file_suffix;   /* of the files that it is for, and no other format; NULL: it lies in safetensors */
    const char *config_format; /* "format" of the quantization_config that its loaders need; NULL: they need none */
    /* Before the plan, once the output is there. What a person should know of the model as a whole is told. */
    clq_status (*prepare)(clq_job *job, const clq_model *model, clq_output *output, clq_error *error);
    /*
     * Before the first tensor: CLQ_INVALID_ARGUMENT for a request that the format cannot hold. The plan has its scheme;
     * the format sets activations, asymmetric and what it wants of zero points.
     */
    clq_status (*begin)(const clq_file_request *request, clq_model_plan *plan, clq_error *error);
    /* Have a tensor that is to be quantized copied (clq_model_plan_copy). */
    void (*select)(const clq_file_request *request, clq_model_plan *plan, clq_model_plan_tensor *tensor);
    /* Layout and scheme of such a tensor, whose types are set; NULL: as the request says. */
    clq_status (*lay_out)(const clq_model_plan *plan, clq_model_plan_tensor *tensor, clq_error *error);
    /* Fill in the parts of a tensor that is quantized; its layout is set. */
    clq_status (*describe)(const clq_file_request *request, const clq_model_plan *plan, clq_model_plan_tensor *tensor,
                           clq_error *error);
    /* Once all tensors are planned: what a person should know who loads the output. */
    void (*tell)(clq_job *job, const clq_model_plan *plan);
    /*
     * In place of an operation, of a tensor that is `by_host`: scales and zero points of a piece whose elements the
     * host has, and where it has room for them its codes.
     */
    clq_status (*quantize)(const clq_slot *slot, const clq_piece *piece, clq_error *error);
    /* A scale that was chosen, for elements within the range, becomes the one that the file will have. */
    clq_status (*store_scale)(const clq_model_plan *plan, const clq_model_plan_tensor *tensor, uint64_t parameter,
                              const float range[2], float *scale, clq_error *error);
    /* What a device made was checked: scales and codes of the piece become those that the file will have. */
    void (*settle)(const clq_model_plan_tensor *tensor, const clq_slot *slot, const clq_piece *piece);
    /*
     * Write what the next piece of a tensor has. Pieces come in order, one tensor after the other; their codes may be
     * changed.
     */
    clq_status (*write_codes)(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                              const clq_piece *piece, clq_error *error);
    /* Zero points [first, first + count) of a tensor whose form is not CLQ_ZERO_POINT_LEFT_OUT, in order too. */
    clq_status (*write_zero_points)(clq_encoder *encoder, const clq_model_plan_tensor *tensor, uint64_t first,
                                    uint64_t count, const int32_t *zero_point, clq_error *error);
} clq_format;

extern const clq_format clq_format_clquant, clq_format_int_quantized, clq_format_pack_quantized, clq_format_gguf;

/* The format that the request asks for, by name or by its output; into a folder, by the model too. */
clq_status clq_format_of(const clq_file_request *request, const clq_model *model, const clq_format **format,
                         clq_error *error);

/* The option by which it is asked for, for messages. */
static inline const char *clq_format_option(const clq_file_request *request)
{
    return request->format == CLQ_FORMAT_BY_OUTPUT && request->config_file != NULL ? "--emit-config" : "--format";
}

#endif

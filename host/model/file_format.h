/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of --format: which tensors the loaders of a format want quantized, how the parts of a quantized tensor
 * lie in the file, and how codes and zero points become its bytes. A format is a row of a table; the plan, the stages
 * and the journal know no format by name.
 */
#ifndef CLQ_HOST_MODEL_FILE_FORMAT_H
#define CLQ_HOST_MODEL_FILE_FORMAT_H

#include "model/encoder.h"

typedef struct clq_format {
    clq_file_format id;
    const char *name;          /* as --format takes it */
    const char *config_format; /* "format" of the quantization_config that its loaders need; NULL: they need none */
    /*
     * Before the first tensor: CLQ_INVALID_ARGUMENT for a request that the format cannot hold. The plan has its scheme;
     * the format sets activations, asymmetric and what it wants of zero points.
     */
    clq_status (*begin)(const clq_file_request *request, clq_model_plan *plan, clq_error *error);
    /* Have a tensor that is to be quantized copied (clq_model_plan_copy). NULL: none is. */
    void (*select)(const clq_file_request *request, clq_model_plan *plan, clq_model_plan_tensor *tensor);
    /* Layout and scheme of such a tensor, whose types are set; NULL: as the request says. */
    clq_status (*lay_out)(const clq_model_plan *plan, clq_model_plan_tensor *tensor, clq_error *error);
    /* Fill in the parts of a tensor that is quantized; its layout is set. */
    clq_status (*describe)(const clq_file_request *request, const clq_model_plan *plan, clq_model_plan_tensor *tensor,
                           clq_error *error);
    /*
     * Write what the next chunk of a tensor has. Chunks come in order, one tensor after the other; `codes` are packed
     * from the chunk's own first element, with room for one byte more, and may be changed. Of blocks (plan.h) others
     * write the codes, with their scales among them (quantize_blocks.h): NULL.
     */
    clq_status (*write_codes)(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_chunk *chunk,
                              uint8_t *codes, clq_error *error);
    /* Zero points [first, first + count) of a tensor whose form is not CLQ_ZERO_POINT_LEFT_OUT, in order too. */
    clq_status (*write_zero_points)(clq_encoder *encoder, const clq_model_plan_tensor *tensor, uint64_t first,
                                    uint64_t count, const int32_t *zero_point, clq_error *error);
} clq_format;

extern const clq_format clq_format_clquant, clq_format_int_quantized, clq_format_pack_quantized, clq_format_gguf;

/* The format that the request asks for, by name or by its output. */
clq_status clq_format_of(const clq_file_request *request, const clq_format **format, clq_error *error);

/* The option by which it is asked for, for messages. */
static inline const char *clq_format_option(const clq_file_request *request)
{
    return request->format == CLQ_FORMAT_BY_OUTPUT && request->config_file != NULL ? "--emit-config" : "--format";
}

#endif

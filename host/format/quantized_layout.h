/* SPDX-License-Identifier: Apache-2.0 */
/* How the shape of T_scale and our metadata tell the layout of a quantized T. Used by quantized*.c; the names of
 * companions by all. */
#ifndef CLQ_HOST_FORMAT_QUANTIZED_LAYOUT_H
#define CLQ_HOST_FORMAT_QUANTIZED_LAYOUT_H

#include "format/facts.h"
#include "format/model.h"

/* What is known of group sizes beside the number of groups, which leaves several where the last may be shorter. */
typedef struct clq_group_sizes {
    int are_equal;         /* the format has no shorter groups */
    const uint64_t *sizes; /* those that there are */
    size_t count;
} clq_group_sizes;

/* From the shapes (the table in quantized.h). CLQ_BAD_FILE when they do not fit together, or do not tell the groups. */
clq_status clq_quantized_layout_from_shape(const clq_model_tensor *codes, const clq_model_tensor *scale,
                                           const clq_group_sizes *known, clq_layout *layout, clq_error *error);

/* From our metadata. CLQ_BAD_FILE when the tensors are not as it says. */
clq_status clq_quantized_layout_from_fact(const clq_model_tensor *codes, const clq_model_tensor *scale,
                                          const clq_fact *fact, clq_layout *layout, clq_error *error);

/* The name of T's companion, "T_scale" and the like, malloc'ed; NULL when memory is exhausted. */
#define CLQ_SCALE_SUFFIX "_scale"
#define CLQ_ZERO_POINT_SUFFIX "_zero_point"
#define CLQ_PACKED_SUFFIX "_packed"
#define CLQ_SHAPE_SUFFIX "_shape"
char *clq_companion_name(const char *name, const char *suffix);

/* The tensor of that name in *index, SIZE_MAX where the model has none. CLQ_OUT_OF_MEMORY. */
clq_status clq_find_companion(const clq_model *model, const char *name, const char *suffix, size_t *index,
                              clq_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantized tensors in model files, ours and those of others: a tensor T of an 8-bit integer type beside a T_scale
 * (F64, F32, F16 or BF16) and perhaps a T_zero_point. The granularity is told by the shape of the scale:
 *
 *     [] or [1], or ones only       per tensor
 *     T's rank, ones but one axis   per channel of that axis
 *     [C] with C = T's first axis   per channel of axis 0
 *     [N, 1], N = T's last but one  per channel of that axis (compressed-tensors)
 *     T's shape, one axis shorter   per group along that axis
 *
 * What our own metadata says comes first: packed 4-bit codes and codes of 16 bits (T of I16 or U16) are known from it
 * alone. So are sizes of groups, but where only one makes as many, or the caller or config.json knows it.
 *
 * And pack-quantized ones of compressed-tensors: T_packed (I32, the codes in words, format/words.h) beside T_scale and
 * T_shape; the zero points are in words too. The tensor is T then, though the file has none of that name.
 */
#ifndef CLQ_HOST_FORMAT_QUANTIZED_H
#define CLQ_HOST_FORMAT_QUANTIZED_H

#include "format/quantized_layout.h"

typedef struct clq_quantized {
    clq_dtype dtype;      /* CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4, CLQ_S16 or CLQ_U16; 0: the tensor is not a quantized one */
    clq_block_type block; /* of a .gguf: the scales stand among the codes (gguf_blocks.h) */
    size_t codes;         /* index of T, or T_packed, in the model */
    char *name;           /* T, where the codes are in words; else NULL: that of the codes */
    size_t shape;         /* index of T_shape; SIZE_MAX: there is none */
    size_t scale;         /* index of T_scale; SIZE_MAX: there is none, of blocks */
    size_t zero_point;    /* index of T_zero_point; SIZE_MAX: zero everywhere */
    clq_layout layout;    /* real shape and granularity */
    uint64_t elements;    /* of the real tensor */
    uint64_t parameters;  /* scales, and zero points where there are any */
    clq_file_dtype source; /* type before it was quantized; an empty name when not known */
    char preset[48];       /* from our metadata; empty when not known */
} clq_quantized;

/* What a tensor of a model is for. */
typedef enum clq_role {
    CLQ_ROLE_PLAIN = 0,
    CLQ_ROLE_CODES = 1,
    CLQ_ROLE_SCALE = 2,      /* T_scale of a quantized T */
    CLQ_ROLE_ZERO_POINT = 3, /* T_zero_point of a quantized T */
    CLQ_ROLE_SHAPE = 4       /* T_shape of one whose codes are in words */
} clq_role;

/* All quantized tensors of a model. */
typedef struct clq_quantized_list {
    clq_quantized *items;
    size_t count;
    clq_role *roles; /* of each tensor of the model */
    size_t *owners;  /* for each tensor of the model: index into items, SIZE_MAX for plain ones */
    clq_names words; /* T of each T_packed -> the index of T_packed */
} clq_quantized_list;

/*
 * Find them all, reading the metadata once. `group_size`: what is known of groups that the file leaves open, 0: what
 * config.json beside it says. CLQ_BAD_FILE when a T and its T_scale or T_zero_point do not fit together, contradict our
 * metadata, or leave the size of groups open.
 */
clq_status clq_quantized_scan(const clq_model *model, uint64_t group_size, clq_quantized_list **list, clq_error *error);
void clq_quantized_list_destroy(clq_quantized_list **list);

/* The type of a tensor for people: "s8" of a quantized one, else, and of blocks, that of the file. `quantized` or NULL.
 */
const char *clq_stored_type(const clq_model *model, const clq_quantized *quantized, size_t index);

/* Whether tensor `index` is one by itself: no scale, no zero point and no shape of another. */
int clq_stands_alone(const clq_quantized_list *list, size_t index);

/* Of such a tensor: its name when it is real, and the other way round (SIZE_MAX: there is none of that name). */
const char *clq_real_name(const clq_model *model, const clq_quantized_list *list, size_t index);
size_t clq_find_real(const clq_model *model, const clq_quantized_list *list, const char *name);

/* Whether the codes, and the zero points, are in words. */
static inline int clq_is_in_words(const clq_quantized *quantized)
{
    return quantized->name != NULL;
}

/*
 * Read the parameters [first, first + count) of a quantized tensor as f32 and int32. Either output may be NULL.
 * CLQ_BAD_FILE for a scale that is neither 0 nor within [CLQ_MINIMUM_SCALE, CLQ_MAXIMUM_SCALE]; of blocks, whose scales
 * stand among the codes, so that all of these are read too, for one that is not finite.
 */
clq_status clq_quantized_parameters(const clq_model *model, const clq_quantized *quantized, uint64_t first,
                                    uint64_t count, float *scale, int32_t *zero_point, clq_error *error);

#endif

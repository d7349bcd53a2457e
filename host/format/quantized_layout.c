/* SPDX-License-Identifier: Apache-2.0 */
#include "format/quantized_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/human.h"

char *clq_companion_name(const char *name, const char *suffix)
{
    const size_t bytes = strlen(name) + strlen(suffix) + 1;
    char *full = malloc(bytes);
    if (full != NULL) {
        snprintf(full, bytes, "%s%s", name, suffix);
    }
    return full;
}

clq_status clq_find_companion(const clq_model *model, const char *name, const char *suffix, size_t *index,
                              clq_error *error)
{
    char *full = clq_companion_name(name, suffix);
    if (full == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the name of a tensor");
    }
    *index = clq_model_find(model, full);
    free(full);
    return CLQ_OK;
}

static clq_status refuse(const clq_model_tensor *codes, const clq_model_tensor *scale, const char *rule,
                         clq_error *error)
{
    char shown[200];
    char code_shape[120];
    char scale_shape[120];
    clq_printable(shown, sizeof shown, codes->name, strlen(codes->name));
    clq_format_shape(code_shape, sizeof code_shape, codes->rank, codes->shape);
    clq_format_shape(scale_shape, sizeof scale_shape, scale->rank, scale->shape);
    return clq_fail(error, CLQ_BAD_FILE, "tensor '%s' %s of type %s beside a scale %s: %s", shown, code_shape,
                    codes->dtype.name, scale_shape, rule);
}

static void per_channel(clq_layout *layout, uint32_t axis)
{
    layout->granularity = CLQ_PER_CHANNEL;
    layout->axis = axis;
}

/* Whether the scale has T's rank and is 1 everywhere but along one axis, where it is as long as T. */
static int scale_along_axis(const clq_model_tensor *codes, const clq_model_tensor *scale, uint32_t *axis)
{
    uint32_t found = codes->rank;
    if (scale->rank != codes->rank) {
        return 0;
    }
    for (uint32_t d = 0; d < codes->rank; d++) {
        if (scale->shape[d] != 1) {
            if (found != codes->rank || scale->shape[d] != codes->shape[d]) {
                return 0;
            }
            found = d;
        }
    }
    *axis = found;
    return found != codes->rank;
}

/* Whether the scale has T's shape but for one shorter dimension, the number of groups along that axis: if none, the
 * last.
 */
static int scale_by_group(const clq_model_tensor *codes, const clq_model_tensor *scale, uint32_t *axis)
{
    if (scale->rank != codes->rank || codes->rank == 0) {
        return 0;
    }
    *axis = codes->rank - 1;
    for (uint32_t d = 0; d < codes->rank; d++) {
        if (scale->shape[d] != codes->shape[d]) {
            if (*axis != codes->rank - 1 || scale->shape[d] == 0 || scale->shape[d] > codes->shape[d]) {
                return 0;
            }
            *axis = d;
        }
    }
    return scale->shape[*axis] >= 1;
}

static void by_group(clq_layout *layout, uint32_t axis, uint64_t group_size)
{
    const int is_last = axis + 1 == layout->rank;
    layout->granularity = is_last ? CLQ_PER_GROUP : CLQ_PER_BLOCK;
    layout->axis = is_last ? 0 : axis;
    layout->group_size = group_size;
}

/* Sizes among those known that make `groups` groups of `length`: which, where it is one. */
static size_t known_sizes(const clq_group_sizes *known, uint64_t length, uint64_t groups, uint64_t *size)
{
    size_t fitting = 0;
    for (size_t i = 0; i < known->count; i++) {
        if (clq_size_divide_up(length, known->sizes[i]) == groups && (fitting == 0 || *size != known->sizes[i])) {
            *size = known->sizes[i];
            fitting++;
        }
    }
    return fitting;
}

/*
 * The size of `groups` groups, 1 or more, of which the last may be shorter: the only possible one, or the known one
 * that fits; where nothing is known that of equal groups, which is all that loaders take.
 */
static clq_status find_group_size(const clq_model_tensor *codes, const clq_model_tensor *scale, uint32_t axis,
                                  const clq_group_sizes *known, uint64_t *size, clq_error *error)
{
    const uint64_t length = codes->shape[axis];
    const uint64_t groups = scale->shape[axis];
    const uint64_t least = clq_size_divide_up(length, groups);
    const uint64_t most = groups > 1 ? (length - 1) / (groups - 1) : length;
    const int divides = length % groups == 0;
    char rule[200];
    if (known->are_equal ? !divides : least > most) {
        snprintf(rule, sizeof rule, "%" PRIu64 " elements make no %" PRIu64 " groups of %s", length, groups,
                 known->are_equal ? "equal length" : "one size, the last perhaps shorter");
        return refuse(codes, scale, rule, error);
    }
    *size = least;
    if (known->are_equal || least == most || known_sizes(known, length, groups, size) == 1) {
        return CLQ_OK;
    }
    if (divides && known->count == 0) {
        return CLQ_OK;
    }
    snprintf(rule, sizeof rule,
             "so many groups may be of %" PRIu64 " to %" PRIu64
             " elements, the last shorter; --group-size tells, or the quantization_config of a config.json",
             least, most);
    return refuse(codes, scale, rule, error);
}

clq_status clq_quantized_layout_from_shape(const clq_model_tensor *codes, const clq_model_tensor *scale,
                                           const clq_group_sizes *known, clq_layout *layout, clq_error *error)
{
    const uint32_t rank = codes->rank;
    uint32_t axis = 0;
    memset(layout, 0, sizeof *layout);
    if (rank > CLQ_MAX_RANK) {
        return refuse(codes, scale, "more than 8 dimensions are not supported", error);
    }
    layout->rank = rank;
    memcpy(layout->shape, codes->shape, rank * sizeof *layout->shape);
    layout->group_size = 1;
    if (scale->elements == 1) {
        layout->granularity = CLQ_PER_TENSOR;
    } else if (scale_along_axis(codes, scale, &axis)) {
        per_channel(layout, axis);
    } else if (scale_by_group(codes, scale, &axis)) {
        uint64_t size = 1;
        CLQ_TRY(find_group_size(codes, scale, axis, known, &size, error));
        by_group(layout, axis, size);
    } else if (rank >= 1 && scale->rank == 1 && scale->shape[0] == codes->shape[0]) {
        per_channel(layout, 0);
    } else if (rank > 2 && scale->rank == 2 && scale->shape[1] == 1) {
        /* compressed-tensors: [shape[-2], 1]. Others write [channels, 1] for the first axis. */
        const int first = scale->shape[0] == codes->shape[0];
        const int last_but_one = scale->shape[0] == codes->shape[rank - 2];
        if (first == last_but_one) {
            return refuse(codes, scale,
                          first ? "both the first axis and the last but one could be meant"
                                : "no axis has that many channels",
                          error);
        }
        per_channel(layout, first ? 0 : rank - 2);
    } else {
        return refuse(codes, scale, "the shape of the scale is neither per tensor, nor per channel, nor per group",
                      error);
    }
    return CLQ_OK;
}

static int same_shape(const clq_layout *layout, const clq_model_tensor *tensor)
{
    if (tensor->rank != layout->rank) {
        return 0;
    }
    for (uint32_t d = 0; d < layout->rank; d++) {
        if (tensor->shape[d] != layout->shape[d]) {
            return 0;
        }
    }
    return 1;
}

clq_status clq_quantized_layout_from_fact(const clq_model_tensor *codes, const clq_model_tensor *scale,
                                          const clq_fact *fact, clq_layout *layout, clq_error *error)
{
    const int packed = fact->dtype == CLQ_S4 || fact->dtype == CLQ_U4;
    uint64_t elements = 0;
    uint64_t parameters = 0;
    clq_error inner;
    *layout = fact->layout;
    if (layout->granularity != CLQ_PER_GROUP && layout->granularity != CLQ_PER_BLOCK) {
        layout->group_size = 1;
    }
    if (clq_layout_count(layout, &elements, &parameters, &inner) != CLQ_OK) {
        return refuse(codes, scale, "the layout in the metadata is not a possible one", error);
    }
    if (packed ? codes->dtype.type != CLQ_U8 || codes->bytes != clq_dtype_bytes(fact->dtype, elements)
               : codes->dtype.type != fact->dtype || !same_shape(layout, codes)) {
        return refuse(codes, scale, "the metadata describes another type or shape", error);
    }
    if (scale->elements != parameters) {
        return refuse(codes, scale, "the metadata asks for another number of scales", error);
    }
    return CLQ_OK;
}

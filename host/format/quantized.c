/* SPDX-License-Identifier: Apache-2.0 */
#include "format/quantized.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/facts.h"
#include "format/gguf_blocks.h"
#include "format/model_config.h"
#include "format/quantized_layout.h"
#include "format/quantized_words.h"
#include "format/real.h"
#include "format/support.h"

/* The companions of T, when it has those of a quantized tensor; out->scale is SIZE_MAX when it has not. */
static clq_status find_companions(const clq_model *model, const clq_fact *fact, size_t index, clq_quantized *out,
                                  clq_error *error)
{
    const clq_model_tensor *codes = &model->tensors[index];
    memset(out, 0, sizeof *out);
    out->codes = index;
    out->scale = SIZE_MAX;
    out->zero_point = SIZE_MAX;
    out->shape = SIZE_MAX;
    /* Integers of 16 bits may be anything: only our own metadata says that they are codes. */
    if (codes->dtype.type != CLQ_S8 && codes->dtype.type != CLQ_U8 &&
        (fact == NULL || (codes->dtype.type != CLQ_S16 && codes->dtype.type != CLQ_U16))) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_find_companion(model, codes->name, CLQ_SCALE_SUFFIX, &out->scale, error));
    CLQ_TRY(clq_find_companion(model, codes->name, CLQ_ZERO_POINT_SUFFIX, &out->zero_point, error));
    /* Other formats keep scales of other kinds under the same name: not ours to read. */
    if (out->scale != SIZE_MAX && clq_real_type(clq_file_real_of(&model->tensors[out->scale].dtype)) == 0) {
        out->scale = SIZE_MAX;
    }
    return CLQ_OK;
}

static clq_status check_zero_point(const clq_model *model, const clq_quantized *out, clq_error *error)
{
    const clq_model_tensor *scale = &model->tensors[out->scale];
    const clq_model_tensor *zero_point;
    char shown[200];
    if (out->zero_point == SIZE_MAX) {
        return CLQ_OK;
    }
    zero_point = &model->tensors[out->zero_point];
    clq_printable(shown, sizeof shown, zero_point->name, strlen(zero_point->name));
    if (!clq_is_integer(zero_point->dtype.name)) {
        return clq_fail(error, CLQ_BAD_FILE, "tensor '%s': %s is not a type of zero points (I8 to I64, U8 to U32)",
                        shown, zero_point->dtype.name);
    }
    if (zero_point->elements != scale->elements) {
        return clq_fail(error, CLQ_BAD_FILE, "tensor '%s' has %" PRIu64 " elements, and its scales are %" PRIu64, shown,
                        zero_point->elements, scale->elements);
    }
    return CLQ_OK;
}

static void take_fact(clq_quantized *out, const clq_fact *fact)
{
    out->dtype = fact->dtype;
    out->source = clq_file_dtype_from_name(fact->source_dtype);
    memcpy(out->preset, fact->preset, sizeof out->preset);
}

static clq_status recognise(const clq_model *model, const clq_facts *facts, const clq_group_sizes *known, size_t index,
                            clq_quantized *out, clq_error *error)
{
    const clq_model_tensor *codes = &model->tensors[index];
    const clq_fact *fact = clq_facts_find(facts, codes->name);
    if (model->gguf != NULL) {
        return clq_gguf_describe_blocks(model, index, out, error);
    }
    CLQ_TRY(find_companions(model, fact, index, out, error));
    if (out->scale == SIZE_MAX) {
        return clq_recognise_words(model, facts, index, out, error);
    }
    if (fact != NULL) {
        CLQ_TRY(clq_quantized_layout_from_fact(codes, &model->tensors[out->scale], fact, &out->layout, error));
        take_fact(out, fact);
    } else {
        CLQ_TRY(clq_quantized_layout_from_shape(codes, &model->tensors[out->scale], known, &out->layout, error));
        out->dtype = codes->dtype.type;
    }
    CLQ_TRY(clq_layout_count(&out->layout, &out->elements, &out->parameters, error));
    return check_zero_point(model, out, error);
}

static clq_status add_to_list(clq_quantized_list *list, const clq_quantized *found, clq_error *error)
{
    clq_quantized *larger = realloc(list->items, (list->count + 1) * sizeof *larger);
    size_t existing = SIZE_MAX;
    if (larger == NULL) {
        free(found->name);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of quantized tensors");
    }
    list->items = larger;
    list->items[list->count] = *found;
    list->roles[found->codes] = CLQ_ROLE_CODES;
    list->owners[found->codes] = list->count;
    if (found->scale != SIZE_MAX) {
        list->roles[found->scale] = CLQ_ROLE_SCALE;
        list->owners[found->scale] = list->count;
    }
    if (found->shape != SIZE_MAX) {
        list->roles[found->shape] = CLQ_ROLE_SHAPE;
        list->owners[found->shape] = list->count;
    }
    if (found->zero_point != SIZE_MAX) {
        list->roles[found->zero_point] = CLQ_ROLE_ZERO_POINT;
        list->owners[found->zero_point] = list->count;
    }
    list->count += 1;
    return found->name != NULL ? clq_names_add(&list->words, found->name, found->codes, &existing, error) : CLQ_OK;
}

/* What is wrong with a tensor is told of it alone where it is found; the file is known here. */
static clq_status name_file(const clq_model *model, clq_status status, clq_error *error)
{
    return status == CLQ_BAD_FILE ? clq_fail_in(error, status, "%s", clq_show_path(model->path).text) : status;
}

clq_status clq_quantized_scan(const clq_model *model, uint64_t group_size, clq_quantized_list **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_model_config config;
    clq_group_sizes known = {0, &group_size, group_size > 0};
    clq_facts *facts = NULL;
    clq_quantized_list *list = calloc(1, sizeof *list);
    *out = list;
    if (list != NULL) {
        list->roles = calloc(model->tensor_count + 1, sizeof *list->roles);
        list->owners = calloc(model->tensor_count + 1, sizeof *list->owners);
        clq_names_init(&list->words, NULL);
    }
    if (list == NULL || list->roles == NULL || list->owners == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of quantized tensors"));
    }
    for (size_t i = 0; i < model->tensor_count; i++) {
        list->owners[i] = SIZE_MAX;
    }
    CLQ_TRY_TO(clq_facts_read(model, &facts, error));
    CLQ_TRY_TO(clq_model_config_read(model, &config, error));
    if (group_size == 0) {
        known = (clq_group_sizes){0, config.group_sizes, config.group_size_count};
    }
    for (size_t i = 0; i < model->tensor_count; i++) {
        clq_quantized found;
        status = recognise(model, facts, &known, i, &found, error);
        if (status != CLQ_OK) {
            free(found.name);
            CLQ_TRY_TO(name_file(model, status, error));
        }
        if (found.dtype != 0) {
            CLQ_TRY_TO(add_to_list(list, &found, error));
        }
    }
done:
    clq_facts_destroy(&facts);
    if (status != CLQ_OK) {
        clq_quantized_list_destroy(out);
    }
    return status;
}

void clq_quantized_list_destroy(clq_quantized_list **list)
{
    if (*list != NULL) {
        for (size_t i = 0; i < (*list)->count; i++) {
            free((*list)->items[i].name);
        }
        clq_names_release(&(*list)->words);
        free((*list)->items);
        free((*list)->roles);
        free((*list)->owners);
        free(*list);
        *list = NULL;
    }
}

const char *clq_stored_type(const clq_model *model, const clq_quantized *quantized, size_t index)
{
    return quantized != NULL && quantized->block == CLQ_BLOCK_NONE ? clq_dtype_name(quantized->dtype)
                                                                   : model->tensors[index].dtype.name;
}

int clq_stands_alone(const clq_quantized_list *list, size_t index)
{
    return list->roles[index] == CLQ_ROLE_PLAIN || list->roles[index] == CLQ_ROLE_CODES;
}

const char *clq_real_name(const clq_model *model, const clq_quantized_list *list, size_t index)
{
    const char *name = list->roles[index] == CLQ_ROLE_CODES ? list->items[list->owners[index]].name : NULL;
    return name != NULL ? name : model->tensors[index].name;
}

size_t clq_find_real(const clq_model *model, const clq_quantized_list *list, const char *name)
{
    const size_t index = clq_model_find(model, name);
    if (index != SIZE_MAX && clq_stands_alone(list, index) &&
        clq_real_name(model, list, index) == model->tensors[index].name) {
        return index;
    }
    return clq_names_find(&list->words, name);
}

static clq_status check_scale(const clq_model *model, size_t index, uint64_t element, double scale, clq_error *error)
{
    if (scale != 0.0 && !(scale >= (double)CLQ_MINIMUM_SCALE && scale <= (double)CLQ_MAXIMUM_SCALE)) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': element %" PRIu64 " is %g, which is no scale",
                        clq_show_path(model->path).text, clq_show_name(model->tensors[index].name).text, element,
                        scale);
    }
    return CLQ_OK;
}

/* Parameters are read in pieces through a small buffer, since their file type is not ours. */
enum { PIECE = 384 };

static clq_status read_scales(const clq_model *model, size_t index, uint64_t first, uint64_t count, float *scale,
                              clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    double values[PIECE];
    double raw[PIECE]; /* room for the widest type */
    for (uint64_t done = 0; done < count; done += PIECE) {
        const uint64_t step = clq_size_min(count - done, PIECE);
        CLQ_TRY(clq_model_read(model, index, first + done, step, raw, error));
        clq_real_widen(clq_file_real_of(&tensor->dtype), raw, 0, (size_t)step, values);
        for (uint64_t i = 0; i < step; i++) {
            CLQ_TRY(check_scale(model, index, first + done + i, values[i], error));
            scale[done + i] = (float)values[i];
        }
    }
    return CLQ_OK;
}

static clq_status refuse_zero_point(const clq_model *model, size_t index, uint64_t element, clq_error *error)
{
    return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': element %" PRIu64 " is not a 32-bit integer",
                    clq_show_path(model->path).text, clq_show_name(model->tensors[index].name).text, element);
}

static clq_status read_zero_points(const clq_model *model, size_t index, uint64_t first, uint64_t count,
                                   int32_t *zero_point, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    int64_t raw[PIECE];
    for (uint64_t done = 0; done < count; done += PIECE) {
        const uint64_t step = clq_size_min(count - done, PIECE);
        CLQ_TRY(clq_model_read(model, index, first + done, step, raw, error));
        for (uint64_t i = 0; i < step; i++) {
            if (!clq_integer_at(tensor->dtype.name, raw, i, &zero_point[done + i])) {
                return refuse_zero_point(model, index, first + done + i, error);
            }
        }
    }
    return CLQ_OK;
}

clq_status clq_quantized_parameters(const clq_model *model, const clq_quantized *quantized, uint64_t first,
                                    uint64_t count, float *scale, int32_t *zero_point, clq_error *error)
{
    if (scale != NULL && quantized->block != CLQ_BLOCK_NONE) {
        CLQ_TRY(clq_gguf_read_blocks(model, quantized->codes, first * CLQ_BLOCK_ELEMENTS, count * CLQ_BLOCK_ELEMENTS,
                                     NULL, scale, error));
    } else if (scale != NULL) {
        CLQ_TRY(read_scales(model, quantized->scale, first, count, scale, error));
    }
    if (zero_point != NULL && quantized->zero_point == SIZE_MAX) {
        memset(zero_point, 0, (size_t)count * sizeof *zero_point);
    } else if (zero_point != NULL && clq_is_in_words(quantized)) {
        CLQ_TRY(clq_read_zero_point_words(model, quantized, first, count, zero_point, error));
    } else if (zero_point != NULL) {
        CLQ_TRY(read_zero_points(model, quantized->zero_point, first, count, zero_point, error));
    }
    return CLQ_OK;
}

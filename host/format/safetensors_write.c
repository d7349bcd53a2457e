/* SPDX-License-Identifier: Apache-2.0 */
/* The layout and the header of a safetensors file to be written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "format/support.h"
#include "format/utf8.h"

typedef struct planned_tensor {
    char *name;
    clq_file_dtype dtype;
    uint32_t rank;
    uint64_t *shape;
    uint64_t bytes;
    uint64_t begin; /* in the data section */
} planned_tensor;

struct clq_safetensors_plan {
    planned_tensor *tensors;
    size_t tensor_count, tensor_capacity;
    clq_names names;
    char **keys;
    char **values;
    size_t metadata_count, keys_capacity, values_capacity;
    clq_names metadata_names;
    int finished;
    char *header; /* with its 8 bytes of length in front */
    size_t header_used, header_capacity;
    uint64_t file_bytes;
};

clq_status clq_safetensors_plan_create(clq_safetensors_plan **plan, clq_error *error)
{
    *plan = calloc(1, sizeof **plan);
    if (*plan == NULL) {
        return clq_fail_memory(error, NULL);
    }
    clq_names_init(&(*plan)->names, NULL);
    clq_names_init(&(*plan)->metadata_names, &(*plan)->names);
    return CLQ_OK;
}

void clq_safetensors_plan_destroy(clq_safetensors_plan **plan)
{
    clq_safetensors_plan *p = *plan;
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->tensor_count; i++) {
        free(p->tensors[i].name);
        free(p->tensors[i].shape);
    }
    for (size_t i = 0; i < p->metadata_count; i++) {
        free(p->keys[i]);
        free(p->values[i]);
    }
    clq_names_release(&p->names);
    clq_names_release(&p->metadata_names);
    free(p->tensors);
    free(p->keys);
    free(p->values);
    free(p->header);
    free(p);
    *plan = NULL;
}

/* What the parser would refuse must not be written. */
static clq_status check_tensor(const char *name, const clq_file_dtype *dtype, uint32_t rank, const uint64_t *shape,
                               uint64_t bytes, clq_error *error)
{
    const clq_shown shown = clq_show_name(name);
    uint64_t elements = 0;
    uint64_t bits = 0;
    CLQ_REQUIRE(name[0] != '\0', "a tensor to be written needs a name; an empty one was given");
    CLQ_REQUIRE(strcmp(name, "__metadata__") != 0, "'__metadata__' cannot be the name of a tensor to be written");
    CLQ_REQUIRE(clq_utf8_valid(name, strlen(name)), "tensor '%s': its name is not valid UTF-8", shown.text);
    CLQ_REQUIRE(dtype->name[0] != '\0' && clq_utf8_valid(dtype->name, strlen(dtype->name)),
                "tensor '%s': its dtype is not a name in UTF-8", shown.text);
    CLQ_REQUIRE(clq_shape_elements(shape, rank, &elements),
                "tensor '%s': the number of elements of shape %s overflows 64 bits", shown.text,
                clq_show_shape(shape, rank).text);
    if (dtype->bits != 0) {
        CLQ_REQUIRE(clq_size_multiply(elements, dtype->bits, &bits) && bits % 8 == 0 && bytes == bits / 8,
                    "tensor '%s': %" PRIu64 " bytes are not what shape %s of %s needs", shown.text, bytes,
                    clq_show_shape(shape, rank).text, dtype->name);
    }
    return CLQ_OK;
}

clq_status clq_safetensors_plan_tensor(clq_safetensors_plan *plan, const char *name, const char *dtype, uint32_t rank,
                                       const uint64_t *shape, uint64_t bytes, size_t *index, clq_error *error)
{
    clq_status status = CLQ_OK;
    planned_tensor *grown = NULL;
    planned_tensor t = {0};
    size_t existing = SIZE_MAX;
    CLQ_REQUIRE(!plan->finished, "a tensor cannot be added to a layout that is fixed already");
    CLQ_REQUIRE(strlen(dtype) < sizeof t.dtype.name, "tensor '%s': dtype '%s' is longer than %zu bytes",
                clq_show_name(name).text, clq_show_name(dtype).text, sizeof t.dtype.name - 1);
    t.dtype = clq_file_dtype_from_name(dtype);
    CLQ_TRY(check_tensor(name, &t.dtype, rank, shape, bytes, error));
    grown = clq_grow(plan->tensors, plan->tensor_count, &plan->tensor_capacity, sizeof *grown);
    if (grown == NULL) {
        return clq_fail_memory(error, NULL);
    }
    plan->tensors = grown;
    t.rank = rank;
    t.bytes = bytes;
    t.name = clq_copy_text(name, strlen(name));
    t.shape = malloc(rank > 0 ? rank * sizeof *t.shape : 1);
    if (t.name == NULL || t.shape == NULL) {
        status = clq_fail_memory(error, NULL);
        goto done;
    }
    if (rank > 0) {
        memcpy(t.shape, shape, rank * sizeof *t.shape);
    }
    CLQ_TRY_TO(clq_names_add(&plan->names, t.name, plan->tensor_count, &existing, error));
    if (existing != SIZE_MAX) {
        status = clq_fail(error, CLQ_INVALID_ARGUMENT, "tensor '%s' would be written twice", clq_show_name(name).text);
        goto done;
    }
    if (index != NULL) {
        *index = plan->tensor_count;
    }
    plan->tensors[plan->tensor_count++] = t;
    t.name = NULL;
    t.shape = NULL;
done:
    free(t.name);
    free(t.shape);
    return status;
}

static int grow_metadata(clq_safetensors_plan *plan)
{
    char **grown = clq_grow(plan->keys, plan->metadata_count, &plan->keys_capacity, sizeof *grown);
    if (grown == NULL) {
        return 0;
    }
    plan->keys = grown;
    grown = clq_grow(plan->values, plan->metadata_count, &plan->values_capacity, sizeof *grown);
    if (grown == NULL) {
        return 0;
    }
    plan->values = grown;
    return 1;
}

clq_status clq_safetensors_plan_metadata(clq_safetensors_plan *plan, const char *key, const char *value,
                                         clq_error *error)
{
    clq_status status = CLQ_OK;
    char *key_copy = NULL;
    char *value_copy = NULL;
    size_t existing = SIZE_MAX;
    CLQ_REQUIRE(!plan->finished, "metadata cannot be added to a layout that is fixed already");
    CLQ_REQUIRE(clq_utf8_valid(key, strlen(key)) && clq_utf8_valid(value, strlen(value)),
                "metadata '%s': key or value is not valid UTF-8", clq_show_name(key).text);
    key_copy = clq_copy_text(key, strlen(key));
    value_copy = clq_copy_text(value, strlen(value));
    if (key_copy == NULL || value_copy == NULL || !grow_metadata(plan)) {
        status = clq_fail_memory(error, NULL);
        goto done;
    }
    CLQ_TRY_TO(clq_names_add(&plan->metadata_names, key_copy, plan->metadata_count, &existing, error));
    if (existing != SIZE_MAX) {
        free(plan->values[existing]);
        plan->values[existing] = value_copy;
        value_copy = NULL;
        goto done;
    }
    plan->keys[plan->metadata_count] = key_copy;
    plan->values[plan->metadata_count] = value_copy;
    plan->metadata_count++;
    key_copy = NULL;
    value_copy = NULL;
done:
    free(key_copy);
    free(value_copy);
    return status;
}

static clq_status put(clq_safetensors_plan *plan, const char *text, size_t length, clq_error *error)
{
    if (length > plan->header_capacity - plan->header_used) {
        const size_t larger = plan->header_capacity * 2 + length + 256;
        char *grown = NULL;
        if (plan->header_used + length > 8 + (size_t)CLQ_SAFETENSORS_MAX_HEADER_BYTES) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT,
                            "the header of %zu tensors would be longer than the %u bytes that the format allows",
                            plan->tensor_count, CLQ_SAFETENSORS_MAX_HEADER_BYTES);
        }
        grown = realloc(plan->header, larger);
        if (grown == NULL) {
            return clq_fail_memory(error, NULL);
        }
        plan->header = grown;
        plan->header_capacity = larger;
    }
    memcpy(plan->header + plan->header_used, text, length);
    plan->header_used += length;
    return CLQ_OK;
}

static clq_status put_text(clq_safetensors_plan *plan, const char *text, clq_error *error)
{
    return put(plan, text, strlen(text), error);
}

static clq_status put_number(clq_safetensors_plan *plan, const char *before, uint64_t number, clq_error *error)
{
    char text[24];
    CLQ_TRY(put_text(plan, before, error));
    snprintf(text, sizeof text, "%" PRIu64, number);
    return put_text(plan, text, error);
}

static clq_status put_quoted(clq_safetensors_plan *plan, const char *before, const char *text, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *quoted = NULL;
    CLQ_TRY(put_text(plan, before, error));
    quoted = clq_json_quote(text, strlen(text));
    if (quoted == NULL) {
        return clq_fail_memory(error, NULL);
    }
    status = put_text(plan, quoted, error);
    free(quoted);
    return status;
}

static clq_status put_tensor(clq_safetensors_plan *plan, const planned_tensor *t, int first, clq_error *error)
{
    CLQ_TRY(put_quoted(plan, first ? "" : ",", t->name, error));
    CLQ_TRY(put_quoted(plan, ":{\"dtype\":", t->dtype.name, error));
    CLQ_TRY(put_text(plan, ",\"shape\":[", error));
    for (uint32_t i = 0; i < t->rank; i++) {
        CLQ_TRY(put_number(plan, i > 0 ? "," : "", t->shape[i], error));
    }
    CLQ_TRY(put_number(plan, "],\"data_offsets\":[", t->begin, error));
    CLQ_TRY(put_number(plan, ",", t->begin + t->bytes, error));
    return put_text(plan, "]}", error);
}

static int compare_planned(const void *left, const void *right)
{
    const planned_tensor *a = *(const planned_tensor *const *)left;
    const planned_tensor *b = *(const planned_tensor *const *)right;
    if (a->dtype.bits != b->dtype.bits) {
        return a->dtype.bits > b->dtype.bits ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static clq_status put_header(clq_safetensors_plan *plan, planned_tensor *const *order, clq_error *error)
{
    CLQ_TRY(put(plan, "\0\0\0\0\0\0\0\0{", 9, error));
    for (size_t i = 0; i < plan->metadata_count; i++) {
        CLQ_TRY(put_quoted(plan, i == 0 ? "\"__metadata__\":{" : ",", plan->keys[i], error));
        CLQ_TRY(put_quoted(plan, ":", plan->values[i], error));
    }
    if (plan->metadata_count > 0) {
        CLQ_TRY(put_text(plan, plan->tensor_count > 0 ? "}," : "}", error));
    }
    for (size_t i = 0; i < plan->tensor_count; i++) {
        CLQ_TRY(put_tensor(plan, order[i], i == 0, error));
    }
    CLQ_TRY(put_text(plan, "}", error));
    while (plan->header_used % 8 != 0) {
        CLQ_TRY(put_text(plan, " ", error));
    }
    return CLQ_OK;
}

clq_status clq_safetensors_plan_finish(clq_safetensors_plan *plan, const char **header, uint64_t *header_bytes,
                                       uint64_t *file_bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    planned_tensor **order = NULL;
    uint64_t end = 0;
    *header = NULL;
    if (!plan->finished) {
        order = malloc(plan->tensor_count > 0 ? plan->tensor_count * sizeof *order : 1);
        if (order == NULL) {
            return clq_fail_memory(error, NULL);
        }
        for (size_t i = 0; i < plan->tensor_count; i++) {
            order[i] = &plan->tensors[i];
        }
        qsort(order, plan->tensor_count, sizeof *order, compare_planned);
        for (size_t i = 0; i < plan->tensor_count; i++) {
            order[i]->begin = end;
            if (!clq_size_add(end, order[i]->bytes, &end)) {
                status = clq_fail(error, CLQ_INVALID_ARGUMENT, "the size of the file overflows 64 bits at tensor '%s'",
                                  clq_show_name(order[i]->name).text);
                goto done;
            }
        }
        plan->header_used = 0;
        CLQ_TRY_TO(put_header(plan, order, error));
        if (plan->header_used > 8 + (size_t)CLQ_SAFETENSORS_MAX_HEADER_BYTES ||
            !clq_size_add(end, plan->header_used, &plan->file_bytes)) {
            status = clq_fail(error, CLQ_INVALID_ARGUMENT,
                              "a header of %zu bytes before %" PRIu64 " bytes of data is more than the format allows",
                              plan->header_used, end);
            goto done;
        }
        for (size_t i = 0; i < 8; i++) {
            plan->header[i] = (char)(unsigned char)((uint64_t)(plan->header_used - 8) >> (8 * i));
        }
        plan->finished = 1;
    }
    *header = plan->header;
    *header_bytes = plan->header_used;
    *file_bytes = plan->file_bytes;
done:
    free(order);
    return status;
}

uint64_t clq_safetensors_plan_offset(const clq_safetensors_plan *plan, size_t index)
{
    return plan->header_used + plan->tensors[index].begin;
}

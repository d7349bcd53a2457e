/* SPDX-License-Identifier: Apache-2.0 */
/* The layout and the header of a GGUF file to be written. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/file.h"
#include "format/gguf.h"
#include "format/support.h"
#include "format/text.h"

enum { READ_BYTES = 1 << 12 };

typedef struct planned_tensor {
    char *name;
    const clq_gguf_type *type;
    uint32_t rank;
    uint64_t *shape;
    uint64_t bytes;
    uint64_t begin; /* in the data */
} planned_tensor;

typedef struct set_key {
    const char *key;
    uint32_t value;
    int placed; /* stands where the model has it */
} set_key;

struct clq_gguf_plan {
    planned_tensor *tensors;
    size_t tensor_count, tensor_capacity;
    const clq_model *model; /* whose keys are copied */
    set_key set[CLQ_GGUF_MOST_SET];
    size_t set_count;
    char *header; /* NULL before the layout is fixed */
    size_t header_bytes;
    uint64_t file_bytes;
};

clq_status clq_gguf_plan_create(clq_gguf_plan **plan, clq_error *error)
{
    *plan = calloc(1, sizeof **plan);
    return *plan != NULL ? CLQ_OK : clq_fail_memory(error, NULL);
}

void clq_gguf_plan_destroy(clq_gguf_plan **plan)
{
    clq_gguf_plan *p = *plan;
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->tensor_count; i++) {
        free(p->tensors[i].name);
        free(p->tensors[i].shape);
    }
    free(p->tensors);
    free(p->header);
    free(p);
    *plan = NULL;
}

clq_status clq_gguf_plan_tensor(clq_gguf_plan *plan, const char *name, const char *dtype, uint32_t rank,
                                const uint64_t *shape, uint64_t bytes, size_t *index, clq_error *error)
{
    planned_tensor *grown = clq_grow(plan->tensors, plan->tensor_count, &plan->tensor_capacity, sizeof *grown);
    planned_tensor *t = NULL;
    CLQ_REQUIRE(plan->header == NULL, "a tensor cannot be added to a layout that is fixed already");
    if (grown == NULL) {
        return clq_fail_memory(error, NULL);
    }
    plan->tensors = grown;
    t = &plan->tensors[plan->tensor_count];
    memset(t, 0, sizeof *t);
    t->type = clq_gguf_type_named(dtype);
    CLQ_REQUIRE(t->type != NULL, "tensor '%s': GGUF has no type %s", clq_show_name(name).text, dtype);
    t->rank = rank;
    t->bytes = bytes;
    plan->tensor_count += 1;
    t->name = clq_copy_text(name, strlen(name));
    t->shape = malloc((rank + 1) * sizeof *t->shape);
    if (t->name == NULL || t->shape == NULL) {
        return clq_fail_memory(error, NULL);
    }
    memcpy(t->shape, shape, rank * sizeof *t->shape);
    *index = plan->tensor_count - 1;
    return CLQ_OK;
}

void clq_gguf_plan_keys(clq_gguf_plan *plan, const clq_model *model)
{
    plan->model = model;
}

void clq_gguf_plan_set(clq_gguf_plan *plan, const char *key, uint32_t value)
{
    if (plan->set_count < CLQ_GGUF_MOST_SET) {
        plan->set[plan->set_count++] = (set_key){key, value, 0};
    }
}

static void put_number(clq_text *out, uint64_t value, size_t bytes)
{
    char raw[8];
    for (size_t i = 0; i < bytes; i++) {
        raw[i] = (char)(unsigned char)(value >> (8 * i));
    }
    clq_text_add(out, raw, bytes);
}

static void put_string(clq_text *out, const char *text)
{
    put_number(out, strlen(text), 8);
    clq_text_add(out, text, strlen(text));
}

static void put_set(clq_text *out, const set_key *set)
{
    put_string(out, set->key);
    put_number(out, CLQ_GGUF_U32, 4);
    put_number(out, set->value, 4);
}

/* Bytes of the model's file. */
static clq_status put_copied(clq_text *out, const clq_model *model, uint64_t begin, uint64_t end, clq_error *error)
{
    const clq_model_shard *shard = &model->shards[0];
    char piece[READ_BYTES];
    while (begin < end && !out->failed) {
        const uint64_t step = clq_size_min(READ_BYTES, end - begin);
        CLQ_TRY(clq_file_read(shard->fd, shard->path, begin, piece, step, error));
        clq_text_add(out, piece, (size_t)step);
        begin += step;
    }
    return CLQ_OK;
}

/* The key of the model that is set to another value, or NULL. */
static set_key *set_of(clq_gguf_plan *plan, const char *key)
{
    for (size_t i = 0; i < plan->set_count; i++) {
        if (strcmp(plan->set[i].key, key) == 0) {
            return &plan->set[i];
        }
    }
    return NULL;
}

/* The keys of the model in runs between those that are set. */
static clq_status put_keys(clq_gguf_plan *plan, clq_text *out, clq_error *error)
{
    const clq_gguf *gguf = plan->model->gguf;
    uint64_t begin = gguf->key_count > 0 ? gguf->keys[0].begin : 0;
    for (size_t i = 0; i < gguf->key_count; i++) {
        set_key *set = set_of(plan, plan->model->shards[0].metadata_keys[i]);
        if (set != NULL) {
            CLQ_TRY(put_copied(out, plan->model, begin, gguf->keys[i].begin, error));
            put_set(out, set);
            set->placed = 1;
            begin = gguf->keys[i].end;
        }
    }
    if (gguf->key_count > 0) {
        CLQ_TRY(put_copied(out, plan->model, begin, gguf->keys[gguf->key_count - 1].end, error));
    }
    for (size_t i = 0; i < plan->set_count; i++) {
        if (!plan->set[i].placed) {
            put_set(out, &plan->set[i]);
        }
    }
    return CLQ_OK;
}

static size_t key_count(const clq_gguf_plan *plan)
{
    size_t count = plan->model->gguf->key_count + plan->set_count;
    for (size_t i = 0; i < plan->model->gguf->key_count; i++) {
        for (size_t s = 0; s < plan->set_count; s++) {
            count -= strcmp(plan->set[s].key, plan->model->shards[0].metadata_keys[i]) == 0;
        }
    }
    return count;
}

static void put_tensor(clq_text *out, const planned_tensor *t)
{
    put_string(out, t->name);
    put_number(out, t->rank, 4);
    for (uint32_t i = t->rank; i-- > 0;) {
        put_number(out, t->shape[i], 8);
    }
    put_number(out, t->type->number, 4);
    put_number(out, t->begin, 8);
}

static clq_status put_header(clq_gguf_plan *plan, clq_text *out, clq_error *error)
{
    clq_text_put(out, "GGUF");
    put_number(out, 3, 4);
    put_number(out, plan->tensor_count, 8);
    put_number(out, key_count(plan), 8);
    CLQ_TRY(put_keys(plan, out, error));
    for (size_t i = 0; i < plan->tensor_count; i++) {
        put_tensor(out, &plan->tensors[i]);
    }
    while (out->length % plan->model->gguf->alignment != 0 && !out->failed) {
        clq_text_add(out, "", 1);
    }
    return CLQ_OK;
}

/* Where each tensor begins, and where the padding of the last ends. */
static clq_status place(clq_gguf_plan *plan, uint64_t *end, clq_error *error)
{
    const uint64_t alignment = plan->model->gguf->alignment;
    *end = 0;
    for (size_t i = 0; i < plan->tensor_count; i++) {
        planned_tensor *t = &plan->tensors[i];
        t->begin = *end;
        if (!clq_size_add(*end, t->bytes, end) || *end > INT64_MAX - alignment) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT, "the size of the file overflows 63 bits at tensor '%s'",
                            clq_show_name(t->name).text);
        }
        *end = (*end + alignment - 1) / alignment * alignment;
    }
    return CLQ_OK;
}

clq_status clq_gguf_plan_finish(clq_gguf_plan *plan, const char **header, uint64_t *header_bytes, uint64_t *file_bytes,
                                clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_text out = {0};
    uint64_t end = 0;
    if (plan->header == NULL) {
        CLQ_TRY_TO(place(plan, &end, error));
        CLQ_TRY_TO(put_header(plan, &out, error));
        CLQ_TRY_TO(clq_text_take(&out, "the header", &plan->header, &plan->header_bytes, error));
        plan->file_bytes = plan->header_bytes + end;
    }
    if (plan->header_bytes > CLQ_GGUF_MAX_HEADER_BYTES) {
        CLQ_TRY_TO(clq_fail(error, CLQ_INVALID_ARGUMENT, "a header of %zu bytes is longer than the %u that are allowed",
                            plan->header_bytes, CLQ_GGUF_MAX_HEADER_BYTES));
    }
    *header = plan->header;
    *header_bytes = plan->header_bytes;
    *file_bytes = plan->file_bytes;
done:
    clq_text_release(&out);
    return status;
}

uint64_t clq_gguf_plan_offset(const clq_gguf_plan *plan, size_t index)
{
    return plan->header_bytes + plan->tensors[index].begin;
}

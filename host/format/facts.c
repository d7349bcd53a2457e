/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "format/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/support.h"

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the metadata of quantized tensors");
}

/* A string value into `out`, which stays empty when the string does not fit: it is none that we know. */
static clq_status read_text(clq_json *json, char *out, size_t capacity, clq_error *error)
{
    char *text = NULL;
    size_t length = 0;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_json_string(json, &text, &length, error));
    if (length < capacity && strlen(text) == length) {
        memcpy(out, text, length + 1);
    }
done:
    free(text);
    return status;
}

static clq_status read_shape(clq_json *json, clq_layout *layout, clq_error *error)
{
    int more = 0;
    CLQ_TRY(clq_json_enter(json, CLQ_JSON_ARRAY, error));
    for (int first = 1;; first = 0) {
        CLQ_TRY(clq_json_next(json, CLQ_JSON_ARRAY, first, &more, error));
        if (!more) {
            return CLQ_OK;
        }
        if (layout->rank == CLQ_MAX_RANK) {
            return clq_fail(error, CLQ_BAD_FILE, "%s: a shape has more than %d dimensions", json->what, CLQ_MAX_RANK);
        }
        CLQ_TRY(clq_json_u64(json, &layout->shape[layout->rank++], error));
    }
}

static clq_status read_dtype(clq_json *json, clq_dtype *dtype, clq_error *error)
{
    static const clq_dtype DTYPES[] = {CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4, CLQ_S16, CLQ_U16};
    char text[16] = "";
    CLQ_TRY(read_text(json, text, sizeof text, error));
    for (size_t i = 0; i < sizeof DTYPES / sizeof DTYPES[0]; i++) {
        if (strcmp(text, clq_dtype_name(DTYPES[i])) == 0) {
            *dtype = DTYPES[i];
            return CLQ_OK;
        }
    }
    return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor's dtype is not one of s8, u8, s4, u4, s16, u16", json->what);
}

static clq_status read_granularity(clq_json *json, clq_granularity *granularity, clq_error *error)
{
    char text[16] = "";
    CLQ_TRY(read_text(json, text, sizeof text, error));
    for (int i = CLQ_PER_TENSOR; i <= CLQ_PER_BLOCK; i++) {
        if (strcmp(text, clq_granularity_name((clq_granularity)i)) == 0) {
            *granularity = (clq_granularity)i;
            return CLQ_OK;
        }
    }
    return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor's granularity is not one of tensor, channel, group, block",
                    json->what);
}

static clq_status read_axis(clq_json *json, clq_layout *layout, clq_error *error)
{
    uint64_t axis = 0;
    CLQ_TRY(clq_json_u64(json, &axis, error));
    if (axis >= CLQ_MAX_RANK) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor's axis is above %d", json->what, CLQ_MAX_RANK - 1);
    }
    layout->axis = (uint32_t)axis;
    return CLQ_OK;
}

static clq_status read_fact_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_fact *fact = cookie;
    if (clq_json_is(*key, length, "dtype")) {
        return read_dtype(json, &fact->dtype, error);
    }
    if (clq_json_is(*key, length, "shape")) {
        return read_shape(json, &fact->layout, error);
    }
    if (clq_json_is(*key, length, "granularity")) {
        return read_granularity(json, &fact->layout.granularity, error);
    }
    if (clq_json_is(*key, length, "axis")) {
        return read_axis(json, &fact->layout, error);
    }
    if (clq_json_is(*key, length, "group_size")) {
        return clq_json_u64(json, &fact->layout.group_size, error);
    }
    if (clq_json_is(*key, length, "source_dtype")) {
        return read_text(json, fact->source_dtype, sizeof fact->source_dtype, error);
    }
    if (clq_json_is(*key, length, "preset")) {
        return read_text(json, fact->preset, sizeof fact->preset, error);
    }
    return clq_json_skip(json, error);
}

static clq_status read_fact(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_facts *facts = cookie;
    clq_fact *larger;
    clq_fact *fact;
    if (strlen(*key) != length) {
        return clq_json_skip(json, error); /* no tensor has such a name */
    }
    larger = realloc(facts->items, (facts->count + 1) * sizeof *larger);
    if (larger == NULL) {
        return no_memory(error);
    }
    facts->items = larger;
    fact = &facts->items[facts->count++];
    memset(fact, 0, sizeof *fact);
    fact->name = *key;
    *key = NULL;
    fact->text = json->text + json->position;
    CLQ_TRY(clq_json_object(json, read_fact_member, fact, error));
    fact->text_length = (size_t)(json->text + json->position - fact->text);
    if (fact->dtype == 0) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor has no dtype", json->what);
    }
    return CLQ_OK;
}

static clq_status read_top(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    return clq_json_is(*key, length, "tensors") ? clq_json_object(json, read_fact, cookie, error)
                                                : clq_json_skip(json, error);
}

static int compare_facts(const void *a, const void *b)
{
    return strcmp(((const clq_fact *)a)->name, ((const clq_fact *)b)->name);
}

clq_status clq_facts_read(const clq_model *model, clq_facts **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_facts *facts = calloc(1, sizeof *facts);
    *out = facts;
    if (facts == NULL) {
        return no_memory(error);
    }
    for (size_t shard = 0; shard < model->shard_count && model->gguf == NULL; shard++) {
        const char *value = clq_model_metadata(model, shard, CLQ_FACTS_KEY);
        char shown[300];
        char what[360];
        clq_json json;
        if (value == NULL) {
            continue;
        }
        clq_printable(shown, sizeof shown, model->shards[shard].path, strlen(model->shards[shard].path));
        snprintf(what, sizeof what, "%s: metadata '%s'", shown, CLQ_FACTS_KEY);
        clq_json_init(&json, value, strlen(value), what);
        CLQ_TRY_TO(clq_json_object(&json, read_top, facts, error));
        CLQ_TRY_TO(clq_json_end(&json, error));
    }
    if (facts->count > 0) {
        qsort(facts->items, facts->count, sizeof *facts->items, compare_facts);
    }
    for (size_t i = 1; i < facts->count; i++) {
        if (strcmp(facts->items[i - 1].name, facts->items[i].name) == 0) {
            CLQ_TRY_TO(clq_fail(error, CLQ_BAD_FILE, "%s: metadata '%s' names a tensor twice",
                                clq_show_path(model->path).text, CLQ_FACTS_KEY));
        }
    }
done:
    if (status != CLQ_OK) {
        clq_facts_destroy(out);
    }
    return status;
}

void clq_facts_destroy(clq_facts **facts)
{
    if (*facts == NULL) {
        return;
    }
    for (size_t i = 0; i < (*facts)->count; i++) {
        free((*facts)->items[i].name);
    }
    free((*facts)->items);
    free(*facts);
    *facts = NULL;
}

/* How a name compares with the first `length` bytes of another. */
static int compare_name(const char *name, size_t length, const char *other)
{
    const int order = strncmp(name, other, length);
    return order != 0 ? order : -(other[length] != '\0');
}

static const clq_fact *find(const clq_facts *facts, const char *name, size_t length)
{
    size_t low = 0;
    size_t high = facts->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_name(name, length, facts->items[middle].name);
        if (order == 0) {
            return &facts->items[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const clq_fact *clq_facts_find(const clq_facts *facts, const char *name)
{
    return find(facts, name, strlen(name));
}

const clq_fact *clq_facts_find_stored(const clq_facts *facts, const char *name)
{
    static const char SUFFIX[] = "_packed";
    const size_t length = strlen(name);
    const size_t suffix = sizeof SUFFIX - 1;
    const clq_fact *fact = clq_facts_find(facts, name);
    if (fact == NULL && length > suffix && strcmp(name + length - suffix, SUFFIX) == 0) {
        fact = find(facts, name, length - suffix);
    }
    return fact;
}

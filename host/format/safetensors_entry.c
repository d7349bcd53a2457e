/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a safetensors header: {"dtype": ..., "shape": [...], "data_offsets": [begin, end]}. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/safetensors_parser.h"

/* What an entry holds beside what goes to its record. */
typedef struct entry {
    clq_header_parser *parser;
    clq_model_tensor *tensor;
    int dtype_seen, shape_seen, offsets_seen;
    uint64_t begin, end;
    clq_names extra; /* keys that the format does not name */
    char **extra_keys;
    size_t extra_count, extra_capacity;
} entry;

clq_status clq_safetensors_refuse_tensor(const clq_header_parser *parser, const char *name, clq_error *error,
                                         const char *format, ...)
{
    char rule[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': %s", parser->path.text, clq_show_name(name).text, rule);
}

static clq_status parse_dtype(clq_header_parser *parser, clq_model_tensor *tensor, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *name = NULL;
    size_t length = 0;
    CLQ_TRY_TO(clq_json_string(&parser->json, &name, &length, error));
    if (length == 0 || length >= sizeof tensor->dtype.name || strlen(name) != length) {
        status =
            clq_safetensors_refuse_tensor(parser, tensor->name, error, "dtype '%s' is not a name of 1 to %zu bytes",
                                          clq_show_name(name).text, sizeof tensor->dtype.name - 1);
        goto done;
    }
    tensor->dtype = clq_file_dtype_from_name(name);
done:
    free(name);
    return status;
}

static clq_status parse_shape(clq_header_parser *parser, clq_model_tensor *tensor, clq_error *error)
{
    size_t rank = 0;
    int more = 0;
    CLQ_TRY(clq_json_enter(&parser->json, CLQ_JSON_ARRAY, error));
    for (;;) {
        uint64_t *grown = NULL;
        CLQ_TRY(clq_json_next(&parser->json, CLQ_JSON_ARRAY, rank == 0, &more, error));
        if (!more) {
            break;
        }
        grown = clq_grow(parser->shape, rank, &parser->shape_capacity, sizeof *parser->shape);
        if (grown == NULL) {
            return clq_fail_memory(error, parser->shard->path);
        }
        parser->shape = grown;
        CLQ_TRY(clq_json_u64(&parser->json, &parser->shape[rank], error));
        rank++;
    }
    if (rank > 0) {
        tensor->shape = malloc(rank * sizeof *tensor->shape);
        if (tensor->shape == NULL) {
            return clq_fail_memory(error, parser->shard->path);
        }
        memcpy(tensor->shape, parser->shape, rank * sizeof *tensor->shape);
    }
    tensor->rank = (uint32_t)rank; /* a header of 100 MB has no room for more */
    return CLQ_OK;
}

static clq_status parse_offsets(clq_header_parser *parser, const clq_model_tensor *tensor, entry *e, clq_error *error)
{
    uint64_t offsets[2] = {0, 0};
    int count = 0;
    int more = 0;
    CLQ_TRY(clq_json_enter(&parser->json, CLQ_JSON_ARRAY, error));
    for (;;) {
        CLQ_TRY(clq_json_next(&parser->json, CLQ_JSON_ARRAY, count == 0, &more, error));
        if (!more || count == 2) {
            break;
        }
        CLQ_TRY(clq_json_u64(&parser->json, &offsets[count], error));
        count++;
    }
    if (count != 2 || more) {
        return clq_safetensors_refuse_tensor(parser, tensor->name, error,
                                             "data_offsets hold %s two numbers; exactly two are required",
                                             more ? "more than" : "fewer than");
    }
    e->begin = offsets[0];
    e->end = offsets[1];
    return CLQ_OK;
}

/* A key the format does not name: its value is ignored, as the format's own reader does, but it must be JSON. */
static clq_status parse_extra(clq_header_parser *parser, const char *tensor_name, entry *e, char **key, size_t length,
                              clq_error *error)
{
    size_t existing = SIZE_MAX;
    char **grown = clq_grow(e->extra_keys, e->extra_count, &e->extra_capacity, sizeof *e->extra_keys);
    if (grown == NULL) {
        return clq_fail_memory(error, parser->shard->path);
    }
    e->extra_keys = grown;
    /* The table ends names at NUL; a key with one inside is only skipped. */
    if (strlen(*key) == length) {
        CLQ_TRY(clq_names_add(&e->extra, *key, e->extra_count, &existing, error));
        if (existing != SIZE_MAX) {
            return clq_safetensors_refuse_tensor(parser, tensor_name, error, "key '%s' stands twice",
                                                 clq_show_name(*key).text);
        }
        e->extra_keys[e->extra_count++] = *key;
        *key = NULL;
    }
    return clq_json_skip(&parser->json, error);
}

static clq_status parse_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    entry *e = cookie;
    int *seen = clq_json_is(*key, length, "dtype")          ? &e->dtype_seen
                : clq_json_is(*key, length, "shape")        ? &e->shape_seen
                : clq_json_is(*key, length, "data_offsets") ? &e->offsets_seen
                                                            : NULL;
    (void)json; /* the parser's */
    if (seen == NULL) {
        return parse_extra(e->parser, e->tensor->name, e, key, length, error);
    }
    if (*seen) {
        return clq_safetensors_refuse_tensor(e->parser, e->tensor->name, error, "key '%s' stands twice", *key);
    }
    *seen = 1;
    if (seen == &e->dtype_seen) {
        return parse_dtype(e->parser, e->tensor, error);
    }
    return seen == &e->shape_seen ? parse_shape(e->parser, e->tensor, error)
                                  : parse_offsets(e->parser, e->tensor, e, error);
}

/* The rules that concern one entry; what concerns all of them together is checked at the end. */
static clq_status check_entry(clq_header_parser *parser, clq_model_tensor *tensor, const entry *e, clq_error *error)
{
    const char *name = tensor->name;
    uint64_t bits = 0;
    if (!e->dtype_seen || !e->shape_seen || !e->offsets_seen) {
        return clq_safetensors_refuse_tensor(parser, name, error, "has no '%s'",
                                             !e->dtype_seen   ? "dtype"
                                             : !e->shape_seen ? "shape"
                                                              : "data_offsets");
    }
    if (e->end < e->begin) {
        return clq_safetensors_refuse_tensor(
            parser, name, error, "data_offsets [%" PRIu64 ", %" PRIu64 "] end before they begin", e->begin, e->end);
    }
    if (e->end > parser->data_bytes) {
        return clq_safetensors_refuse_tensor(parser, name, error,
                                             "data_offsets [%" PRIu64 ", %" PRIu64
                                             "] reach beyond the file, which holds %" PRIu64 " bytes of data",
                                             e->begin, e->end, parser->data_bytes);
    }
    tensor->bytes = e->end - e->begin;
    tensor->offset = parser->data_start + e->begin;
    if (!clq_shape_elements(tensor->shape, tensor->rank, &tensor->elements)) {
        return clq_safetensors_refuse_tensor(parser, name, error,
                                             "the number of elements of shape %s overflows 64 bits",
                                             clq_show_shape(tensor->shape, tensor->rank).text);
    }
    if (tensor->dtype.bits == 0) {
        return CLQ_OK;
    }
    if (!clq_size_multiply(tensor->elements, tensor->dtype.bits, &bits)) {
        return clq_safetensors_refuse_tensor(parser, name, error, "the size of shape %s of %s overflows 64 bits",
                                             clq_show_shape(tensor->shape, tensor->rank).text, tensor->dtype.name);
    }
    if (bits % 8 != 0) {
        return clq_safetensors_refuse_tensor(parser, name, error, "shape %s of %s does not fill whole bytes",
                                             clq_show_shape(tensor->shape, tensor->rank).text, tensor->dtype.name);
    }
    if (tensor->bytes != bits / 8) {
        return clq_safetensors_refuse_tensor(
            parser, name, error,
            "data_offsets [%" PRIu64 ", %" PRIu64 "] hold %" PRIu64 " bytes, but shape %s of %s needs %" PRIu64,
            e->begin, e->end, tensor->bytes, clq_show_shape(tensor->shape, tensor->rank).text, tensor->dtype.name,
            bits / 8);
    }
    return CLQ_OK;
}

clq_status clq_safetensors_parse_entry(clq_header_parser *parser, clq_model_tensor *tensor, clq_error *error)
{
    clq_status status = CLQ_OK;
    entry e = {.parser = parser, .tensor = tensor};
    char what[2 * sizeof(clq_shown) + 40];
    snprintf(what, sizeof what, "%s: header entry of tensor '%s'", parser->path.text, clq_show_name(tensor->name).text);
    parser->json.what = what;
    clq_names_init(&e.extra, &parser->model->internals->names);
    tensor->shard = parser->shard_index;
    CLQ_TRY_TO(clq_json_object(&parser->json, parse_member, &e, error));
    CLQ_TRY_TO(check_entry(parser, tensor, &e, error));
done:
    parser->json.what = parser->what;
    clq_names_release(&e.extra);
    for (size_t i = 0; i < e.extra_count; i++) {
        free(e.extra_keys[i]);
    }
    free(e.extra_keys);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser. It holds the text of the header while it works and leaves one record per tensor; every array grows with
 * what was really seen, never with what a number in the file announces.
 */
#include "format/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/file.h"
#include "format/safetensors_parser.h"

static clq_status parse_metadata_entry(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_header_parser *parser = cookie;
    clq_status status = CLQ_OK;
    clq_model_shard *shard = parser->shard;
    const size_t old_capacity = parser->metadata_capacity;
    size_t values_capacity = old_capacity;
    char *value = NULL;
    size_t value_length = 0;
    size_t existing = SIZE_MAX;
    void *grown = NULL;
    if (strlen(*key) != length) {
        status = clq_fail(error, CLQ_BAD_FILE, "%s: a metadata key holds a NUL character", parser->path.text);
        goto done;
    }
    CLQ_TRY_TO(clq_json_string(json, &value, &value_length, error));
    if (strlen(value) != value_length) {
        status = clq_fail(error, CLQ_BAD_FILE, "%s: the metadata value of '%s' holds a NUL character",
                          parser->path.text, clq_show_name(*key).text);
        goto done;
    }
    grown = clq_grow(shard->metadata_keys, shard->metadata_count, &parser->metadata_capacity, sizeof(char *));
    if (grown != NULL) {
        shard->metadata_keys = grown;
        grown = clq_grow(shard->metadata_values, shard->metadata_count, &values_capacity, sizeof(char *));
    }
    if (grown == NULL) {
        status = clq_fail_memory(error, shard->path);
        goto done;
    }
    shard->metadata_values = grown;
    CLQ_TRY_TO(clq_names_add(&parser->metadata_names, *key, shard->metadata_count, &existing, error));
    if (existing != SIZE_MAX) {
        status = clq_fail(error, CLQ_BAD_FILE, "%s: the metadata key '%s' stands twice", parser->path.text,
                          clq_show_name(*key).text);
        goto done;
    }
    shard->metadata_keys[shard->metadata_count] = *key;
    shard->metadata_values[shard->metadata_count] = value;
    shard->metadata_count++;
    *key = NULL;
    value = NULL;
done:
    free(value);
    return status;
}

static clq_status parse_metadata(clq_header_parser *parser, clq_error *error)
{
    clq_status status;
    char what[sizeof(clq_shown) + 40];
    if (parser->metadata_seen) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: '__metadata__' stands twice", parser->path.text);
    }
    parser->metadata_seen = 1;
    clq_names_init(&parser->metadata_names, &parser->model->internals->names);
    snprintf(what, sizeof what, "%s: __metadata__ in the header", parser->path.text);
    parser->json.what = what;
    status = clq_json_object(&parser->json, parse_metadata_entry, parser, error);
    parser->json.what = parser->what;
    clq_names_release(&parser->metadata_names);
    return status;
}

static clq_status parse_top_member(void *cookie, clq_json *json, char **name, size_t length, clq_error *error)
{
    clq_header_parser *parser = cookie;
    clq_model_tensor *tensor = NULL;
    (void)json; /* the parser's */
    if (length == 0) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor has an empty name", parser->path.text);
    }
    if (strlen(*name) != length) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: the name of tensor '%s...' holds a NUL character", parser->path.text,
                        clq_show_name(*name).text);
    }
    if (strcmp(*name, "__metadata__") == 0) {
        return parse_metadata(parser, error);
    }
    CLQ_TRY(clq_model_add_tensor(parser->model, &tensor, error));
    tensor->name = *name;
    *name = NULL;
    return clq_safetensors_parse_entry(parser, tensor, error);
}

/* By data, and where two without data meet, by name. */
static int compare_tensors(const void *left, const void *right)
{
    const clq_model_tensor *a = left;
    const clq_model_tensor *b = right;
    if (a->offset != b->offset) {
        return a->offset < b->offset ? -1 : 1;
    }
    if (a->bytes != b->bytes) {
        return a->bytes < b->bytes ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

/* Sort the tensors from `from` by their data, and check that they fill the data section: no overlap, gap or rest. */
static clq_status check_layout(clq_header_parser *parser, size_t from, clq_error *error)
{
    clq_model *model = parser->model;
    uint64_t end = parser->data_start;
    if (model->tensor_count > from) {
        qsort(&model->tensors[from], model->tensor_count - from, sizeof *model->tensors, compare_tensors);
    }
    /* First, since the same entry twice would otherwise be told as an overlap. */
    CLQ_TRY(clq_model_index_names(model, from, error));
    for (size_t i = from; i < model->tensor_count; i++) {
        const clq_model_tensor *tensor = &model->tensors[i];
        if (tensor->offset > end) {
            return clq_safetensors_refuse_tensor(parser, tensor->name, error,
                                                 "data begins at %" PRIu64 ", which leaves a gap after %" PRIu64,
                                                 tensor->offset - parser->data_start, end - parser->data_start);
        }
        if (tensor->offset < end) {
            return clq_safetensors_refuse_tensor(
                parser, tensor->name, error,
                "data begins at %" PRIu64 " and overlaps tensor '%s', which ends at %" PRIu64,
                tensor->offset - parser->data_start, clq_show_name(model->tensors[i - 1].name).text,
                end - parser->data_start);
        }
        end += tensor->bytes;
    }
    if (end != parser->data_start + parser->data_bytes) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: %" PRIu64 " bytes are left over: the tensors end at %" PRIu64 " and the file at %" PRIu64,
                        parser->path.text, parser->data_start + parser->data_bytes - end, end,
                        parser->shard->file_bytes);
    }
    return CLQ_OK;
}

static clq_status parse_header(clq_header_parser *parser, const char *text, size_t length, clq_error *error)
{
    const size_t from = parser->model->tensor_count;
    char what[sizeof(clq_shown) + 40];
    snprintf(what, sizeof what, "%s: header", parser->path.text);
    parser->what = what;
    clq_json_init(&parser->json, text, length, what);
    CLQ_TRY(clq_json_object(&parser->json, parse_top_member, parser, error));
    CLQ_TRY(clq_json_end(&parser->json, error));
    return check_layout(parser, from, error);
}

/* The 8 bytes before the header: its length, checked against the format and the file. */
static clq_status read_header_length(const clq_model_shard *shard, uint64_t *length, clq_error *error)
{
    const clq_shown path = clq_show_path(shard->path);
    unsigned char bytes[8];
    uint64_t value = 0;
    if (shard->file_bytes < sizeof bytes) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: the file has %" PRIu64 " bytes; a safetensors file has at least the 8 of a header length",
                        path.text, shard->file_bytes);
    }
    CLQ_TRY(clq_file_read(shard->fd, shard->path, 0, bytes, sizeof bytes, error));
    for (size_t i = sizeof bytes; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    if (value > CLQ_SAFETENSORS_MAX_HEADER_BYTES) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: the header length is %" PRIu64 "; at most %u is allowed", path.text,
                        value, CLQ_SAFETENSORS_MAX_HEADER_BYTES);
    }
    if (value > shard->file_bytes - sizeof bytes) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: the header length is %" PRIu64 ", but only %" PRIu64 " bytes follow it", path.text, value,
                        shard->file_bytes - sizeof bytes);
    }
    if (value == 0) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: the header length is 0; at least the 2 bytes of {} are required",
                        path.text);
    }
    *length = value;
    return CLQ_OK;
}

clq_status clq_safetensors_parse(clq_model *model, uint32_t shard, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_header_parser parser = {0};
    char *text = NULL;
    uint64_t length = 0;
    parser.model = model;
    parser.shard = &model->shards[shard];
    parser.shard_index = shard;
    parser.path = clq_show_path(parser.shard->path);
    CLQ_TRY(read_header_length(parser.shard, &length, error));
    parser.data_start = 8 + length;
    parser.data_bytes = parser.shard->file_bytes - parser.data_start;
    text = malloc((size_t)length);
    if (text == NULL) {
        return clq_fail_memory(error, parser.shard->path);
    }
    CLQ_TRY_TO(clq_file_read(parser.shard->fd, parser.shard->path, 8, text, length, error));
    CLQ_TRY_TO(parse_header(&parser, text, (size_t)length, error));
done:
    free(parser.shape);
    free(text);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "format/index_reader.h"
#include "format/support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

clq_status clq_index_refuse(const clq_index_reader *reader, clq_error *error, const char *format, ...)
{
    char rule[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    return clq_fail(error, CLQ_BAD_FILE, "%s: %s", reader->path.text, rule);
}

static clq_status parse_metadata_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_index_reader *reader = cookie;
    clq_json_kind kind = CLQ_JSON_NULL;
    if (!clq_json_is(*key, length, "total_size")) {
        return clq_json_skip(json, error);
    }
    if (reader->total_seen) {
        return clq_index_refuse(reader, error, "'total_size' stands twice");
    }
    reader->total_seen = 1;
    CLQ_TRY(clq_json_peek(json, &kind, error));
    if (kind != CLQ_JSON_NUMBER) {
        return clq_index_refuse(reader, error, "'total_size' is not a number");
    }
    return clq_json_double(json, &reader->total_size, error);
}

/* "metadata": an object of anything; total_size is the one member with a meaning here. */
static clq_status parse_metadata(clq_index_reader *reader, clq_error *error)
{
    clq_json *json = &reader->json;
    clq_json_kind kind = CLQ_JSON_NULL;
    size_t start = 0;
    CLQ_TRY(clq_json_peek(json, &kind, error));
    start = json->position;
    CLQ_TRY(clq_json_object(json, parse_metadata_member, reader, error));
    reader->model->index_metadata = clq_copy_text(json->text + start, json->position - start);
    return reader->model->index_metadata != NULL ? CLQ_OK : clq_fail_memory(error, reader->model->path);
}

/* The one copy of the file name `name`, which is taken over, failure included. */
static clq_status intern_file(clq_index_reader *reader, char *name, const char **file, clq_error *error)
{
    clq_status status = CLQ_OK;
    size_t existing = SIZE_MAX;
    char **grown = clq_grow(reader->files, reader->file_count, &reader->file_capacity, sizeof *grown);
    if (grown == NULL) {
        status = clq_fail_memory(error, reader->model->path);
        goto done;
    }
    reader->files = grown;
    CLQ_TRY_TO(clq_names_add(&reader->file_names, name, reader->file_count, &existing, error));
    if (existing != SIZE_MAX) {
        *file = reader->files[existing];
        goto done;
    }
    reader->files[reader->file_count++] = name;
    *file = name;
    name = NULL;
done:
    free(name);
    return status;
}

/* Parts between slashes, none of them empty or a step to another folder; so the path is relative as well. */
static int is_plain(const char *name)
{
    for (const char *part = name;; part++) {
        const size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.')) {
            return 0;
        }
        part += length;
        if (*part == '\0') {
            return 1;
        }
    }
}

static clq_status check_file_name(const clq_index_reader *reader, const char *tensor, const char *name, size_t length,
                                  clq_error *error)
{
    return strlen(name) == length && is_plain(name)
               ? CLQ_OK
               : clq_index_refuse(
                     reader, error,
                     "weight_map puts tensor '%s' into '%s', which is not the plain name of a file in its folder",
                     clq_show_name(tensor).text, clq_show_name(name).text);
}

static clq_status parse_map_entry(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_index_reader *reader = cookie;
    clq_status status = CLQ_OK;
    const char *tensor = *key;
    char *file = NULL;
    size_t file_length = 0;
    size_t existing = SIZE_MAX;
    clq_index_entry *grown = NULL;
    clq_json_kind kind = CLQ_JSON_NULL;
    clq_index_entry entry = {0};
    if (length == 0 || strlen(tensor) != length) {
        status =
            clq_index_refuse(reader, error, "weight_map holds the name '%s', which is empty or has a NUL character",
                             clq_show_name(tensor).text);
        goto done;
    }
    CLQ_TRY_TO(clq_json_peek(json, &kind, error));
    if (kind != CLQ_JSON_STRING) {
        status = clq_index_refuse(reader, error, "weight_map puts tensor '%s' into something that is not a string",
                                  clq_show_name(tensor).text);
        goto done;
    }
    CLQ_TRY_TO(clq_json_string(json, &file, &file_length, error));
    CLQ_TRY_TO(check_file_name(reader, tensor, file, file_length, error));
    status = intern_file(reader, file, &entry.file, error);
    file = NULL;
    CLQ_TRY_TO(status);
    grown = clq_grow(reader->entries, reader->entry_count, &reader->entry_capacity, sizeof *grown);
    if (grown == NULL) {
        status = clq_fail_memory(error, reader->model->path);
        goto done;
    }
    reader->entries = grown;
    CLQ_TRY_TO(clq_names_add(&reader->tensors, tensor, reader->entry_count, &existing, error));
    if (existing != SIZE_MAX) {
        status = clq_index_refuse(reader, error, "tensor '%s' stands twice in weight_map", clq_show_name(tensor).text);
        goto done;
    }
    entry.tensor = *key;
    *key = NULL;
    reader->entries[reader->entry_count++] = entry;
done:
    free(file);
    return status;
}

static clq_status parse_top_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    clq_index_reader *reader = cookie;
    int *seen = clq_json_is(*key, length, "weight_map") ? &reader->map_seen
                : clq_json_is(*key, length, "metadata") ? &reader->metadata_seen
                                                        : NULL;
    if (seen == NULL) {
        return clq_json_skip(json, error);
    }
    if (*seen) {
        return clq_index_refuse(reader, error, "'%s' stands twice", *key);
    }
    *seen = 1;
    return seen == &reader->map_seen ? clq_json_object(json, parse_map_entry, reader, error)
                                     : parse_metadata(reader, error);
}

clq_status clq_index_parse(clq_index_reader *reader, const char *text, size_t length, clq_error *error)
{
    snprintf(reader->what, sizeof reader->what, "%s: index", reader->path.text);
    clq_json_init(&reader->json, text, length, reader->what);
    CLQ_TRY(clq_json_object(&reader->json, parse_top_member, reader, error));
    CLQ_TRY(clq_json_end(&reader->json, error));
    if (!reader->map_seen) {
        return clq_index_refuse(reader, error, "is JSON without a 'weight_map', so not an index of shards");
    }
    if (reader->entry_count == 0) {
        return clq_index_refuse(reader, error, "'weight_map' is empty");
    }
    return CLQ_OK;
}

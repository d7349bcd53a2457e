/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharded checkpoints: an index that maps each tensor to the file that holds it. Index and shards are checked against
 * each other in both directions, since a loader that trusts either side loses tensors without a word.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "internal.h"
#include "json.h"
#include "safetensors.h"

/* An index is a list of names like a header, so the same limit is ample. */
#define MAX_INDEX_BYTES CLQ_SAFETENSORS_MAX_HEADER_BYTES

typedef struct index_entry {
    char *tensor;
    const char *file; /* one of index_reader.files */
    int found;
} index_entry;

typedef struct index_reader {
    clq_model *model;
    clq_shown path;
    clq_json json;
    char what[sizeof(clq_shown) + 16];
    int map_seen, metadata_seen, total_seen;
    double total_size; /* a double tells every size a file has */
    index_entry *entries;
    size_t entry_count, entry_capacity;
    clq_names tensors; /* tensor -> entry */
    char **files;      /* each once */
    size_t file_count, file_capacity;
    clq_names file_names; /* file -> its number, until files are sorted */
} index_reader;

CLQ_PRINTF(3, 4)
static clq_status refuse(const index_reader *reader, clq_error *error, const char *format, ...)
{
    char rule[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    return clq_fail(error, CLQ_BAD_FILE, "%s: %s", reader->path.text, rule);
}

/* "metadata": an object of anything; total_size is the one member with a meaning here. */
static clq_status parse_metadata(index_reader *reader, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_json *json = &reader->json;
    clq_json_kind kind = CLQ_JSON_NULL;
    char *key = NULL;
    size_t start = 0;
    int first = 1;
    int more = 0;
    CLQ_TRY(clq_json_peek(json, &kind, error));
    start = json->position;
    CLQ_TRY(clq_json_enter(json, CLQ_JSON_OBJECT, error));
    for (;;) {
        size_t length = 0;
        CLQ_TRY_TO(clq_json_next(json, CLQ_JSON_OBJECT, first, &more, error));
        if (!more) {
            break;
        }
        first = 0;
        free(key);
        key = NULL;
        CLQ_TRY_TO(clq_json_key(json, &key, &length, error));
        if (strcmp(key, "total_size") != 0 || length != strlen(key)) {
            CLQ_TRY_TO(clq_json_skip(json, error));
            continue;
        }
        if (reader->total_seen) {
            status = refuse(reader, error, "'total_size' stands twice");
            goto done;
        }
        reader->total_seen = 1;
        CLQ_TRY_TO(clq_json_peek(json, &kind, error));
        if (kind != CLQ_JSON_NUMBER) {
            status = refuse(reader, error, "'total_size' is not a number");
            goto done;
        }
        CLQ_TRY_TO(clq_json_double(json, &reader->total_size, error));
    }
    reader->model->index_metadata = clq_copy_text(json->text + start, json->position - start);
    if (reader->model->index_metadata == NULL) {
        status = clq_fail_memory(error, reader->model->path);
    }
done:
    free(key);
    return status;
}

/* The one copy of the file name `name`, which is taken over, failure included. */
static clq_status intern_file(index_reader *reader, char *name, const char **file, clq_error *error)
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

static clq_status check_file_name(const index_reader *reader, const char *tensor, const char *name, size_t length,
                                  clq_error *error)
{
    const int plain = length > 0 && strlen(name) == length && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
                      strcmp(name, "..") != 0;
    return plain ? CLQ_OK
                 : refuse(reader, error,
                          "weight_map puts tensor '%s' into '%s', which is not the plain name of a file in its folder",
                          clq_show_name(tensor).text, clq_show_name(name).text);
}

static clq_status parse_map_entry(index_reader *reader, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *tensor = NULL;
    char *file = NULL;
    size_t tensor_length = 0;
    size_t file_length = 0;
    size_t existing = SIZE_MAX;
    index_entry *grown = NULL;
    clq_json_kind kind = CLQ_JSON_NULL;
    index_entry entry = {0};
    CLQ_TRY_TO(clq_json_key(&reader->json, &tensor, &tensor_length, error));
    if (tensor_length == 0 || strlen(tensor) != tensor_length) {
        status = refuse(reader, error, "weight_map holds the name '%s', which is empty or has a NUL character",
                        clq_show_name(tensor).text);
        goto done;
    }
    CLQ_TRY_TO(clq_json_peek(&reader->json, &kind, error));
    if (kind != CLQ_JSON_STRING) {
        status = refuse(reader, error, "weight_map puts tensor '%s' into something that is not a string",
                        clq_show_name(tensor).text);
        goto done;
    }
    CLQ_TRY_TO(clq_json_string(&reader->json, &file, &file_length, error));
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
        status = refuse(reader, error, "tensor '%s' stands twice in weight_map", clq_show_name(tensor).text);
        goto done;
    }
    entry.tensor = tensor;
    tensor = NULL;
    reader->entries[reader->entry_count++] = entry;
done:
    free(tensor);
    free(file);
    return status;
}

static clq_status parse_map(index_reader *reader, clq_error *error)
{
    int first = 1;
    int more = 0;
    CLQ_TRY(clq_json_enter(&reader->json, CLQ_JSON_OBJECT, error));
    for (;;) {
        CLQ_TRY(clq_json_next(&reader->json, CLQ_JSON_OBJECT, first, &more, error));
        if (!more) {
            return CLQ_OK;
        }
        first = 0;
        CLQ_TRY(parse_map_entry(reader, error));
    }
}

static clq_status parse_top_member(index_reader *reader, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *key = NULL;
    size_t length = 0;
    int *seen = NULL;
    CLQ_TRY_TO(clq_json_key(&reader->json, &key, &length, error));
    if (length == strlen(key)) {
        seen = strcmp(key, "weight_map") == 0 ? &reader->map_seen
               : strcmp(key, "metadata") == 0 ? &reader->metadata_seen
                                              : NULL;
    }
    if (seen == NULL) {
        CLQ_TRY_TO(clq_json_skip(&reader->json, error));
        goto done;
    }
    if (*seen) {
        status = refuse(reader, error, "'%s' stands twice", key);
        goto done;
    }
    *seen = 1;
    if (seen == &reader->map_seen) {
        CLQ_TRY_TO(parse_map(reader, error));
    } else {
        CLQ_TRY_TO(parse_metadata(reader, error));
    }
done:
    free(key);
    return status;
}

static clq_status parse_text(index_reader *reader, const char *text, size_t length, clq_error *error)
{
    int first = 1;
    int more = 0;
    snprintf(reader->what, sizeof reader->what, "%s: index", reader->path.text);
    clq_json_init(&reader->json, text, length, reader->what);
    CLQ_TRY(clq_json_enter(&reader->json, CLQ_JSON_OBJECT, error));
    for (;;) {
        CLQ_TRY(clq_json_next(&reader->json, CLQ_JSON_OBJECT, first, &more, error));
        if (!more) {
            break;
        }
        first = 0;
        CLQ_TRY(parse_top_member(reader, error));
    }
    CLQ_TRY(clq_json_end(&reader->json, error));
    if (!reader->map_seen) {
        return refuse(reader, error, "is JSON without a 'weight_map', so not an index of shards");
    }
    if (reader->entry_count == 0) {
        return refuse(reader, error, "'weight_map' is empty");
    }
    return CLQ_OK;
}

/*
 * Open one shard. Where it really lies must be inside the folder of the index: a name from an untrusted index must not
 * lead anywhere else, neither by itself nor through a symbolic link that came with it. The resolved path is opened
 * without following a last link, so that nothing put there meanwhile is followed.
 */
static clq_status open_shard(index_reader *reader, const char *folder, const char *name, clq_error *error)
{
    clq_status status = CLQ_OK;
    const char *index_path = reader->model->path;
    const char *slash = strrchr(index_path, '/');
    const int prefix = slash != NULL ? (int)(slash + 1 - index_path) : 0;
    const size_t path_bytes = (size_t)prefix + strlen(name) + 1;
    const size_t folder_length = strlen(folder);
    char *path = malloc(path_bytes);
    char *real = NULL;
    uint64_t bytes = 0;
    int fd = -1;
    if (path == NULL) {
        return clq_fail_memory(error, index_path);
    }
    snprintf(path, path_bytes, "%.*s%s", prefix, index_path, name);
    real = realpath(path, NULL);
    if (real == NULL) {
        status = clq_fail(error, CLQ_IO_ERROR, "%s: shard '%s' cannot be opened: %s", reader->path.text,
                          clq_show_name(name).text, clq_show_errno(errno).text);
        goto done;
    }
    if (strncmp(real, folder, folder_length) != 0 || (real[folder_length] != '/' && folder[folder_length - 1] != '/')) {
        status = refuse(reader, error, "shard '%s' is a symbolic link that leads out of the folder, to '%s'",
                        clq_show_name(name).text, clq_show_path(real).text);
        goto done;
    }
    CLQ_TRY_TO(clq_file_open_as(real, path, O_NOFOLLOW, &fd, &bytes, error));
    CLQ_TRY_TO(clq_model_add_shard(reader->model, path, fd, bytes, error));
    CLQ_TRY_TO(clq_safetensors_parse(reader->model, (uint32_t)(reader->model->shard_count - 1), error));
done:
    free(real);
    free(path);
    return status;
}

static int compare_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static clq_status open_shards(index_reader *reader, clq_error *error)
{
    clq_status status = CLQ_OK;
    const char *slash = strrchr(reader->model->path, '/');
    char *unresolved = slash != NULL ? clq_copy_text(reader->model->path, (size_t)(slash + 1 - reader->model->path))
                                     : clq_copy_text(".", 1);
    char *folder = NULL;
    if (unresolved == NULL) {
        return clq_fail_memory(error, reader->model->path);
    }
    folder = realpath(unresolved, NULL);
    if (folder == NULL) {
        status = clq_fail(error, CLQ_IO_ERROR, "%s: its folder cannot be found: %s", reader->path.text,
                          clq_show_errno(errno).text);
        goto done;
    }
    qsort(reader->files, reader->file_count, sizeof *reader->files, compare_text);
    for (size_t i = 0; i < reader->file_count; i++) {
        CLQ_TRY_TO(open_shard(reader, folder, reader->files[i], error));
    }
done:
    free(folder);
    free(unresolved);
    return status;
}

static clq_status check_both_ways(index_reader *reader, clq_error *error)
{
    const clq_model *model = reader->model;
    for (size_t i = 0; i < model->tensor_count; i++) {
        const clq_model_tensor *tensor = &model->tensors[i];
        const char *file = model->shards[tensor->shard].file_name;
        const size_t at = clq_names_find(&reader->tensors, tensor->name);
        if (at == SIZE_MAX) {
            return refuse(reader, error, "tensor '%s' of shard '%s' is missing in weight_map",
                          clq_show_name(tensor->name).text, clq_show_name(file).text);
        }
        if (strcmp(reader->entries[at].file, file) != 0) {
            return refuse(reader, error, "weight_map puts tensor '%s' into '%s', but it is in '%s'",
                          clq_show_name(tensor->name).text, clq_show_name(reader->entries[at].file).text,
                          clq_show_name(file).text);
        }
        reader->entries[at].found = 1;
    }
    for (size_t i = 0; i < reader->entry_count; i++) {
        if (!reader->entries[i].found) {
            return refuse(reader, error, "weight_map puts tensor '%s' into '%s', which does not hold it",
                          clq_show_name(reader->entries[i].tensor).text, clq_show_name(reader->entries[i].file).text);
        }
    }
    return CLQ_OK;
}

/* Wrong sizes are common in the wild (files instead of tensors were added up) and do no harm. */
static clq_status check_total(const index_reader *reader, clq_error *error)
{
    clq_model *model = reader->model;
    char text[200];
    uint64_t sum = 0;
    for (size_t i = 0; i < model->tensor_count; i++) {
        sum += model->tensors[i].bytes; /* less than the sum of the files, which exist */
    }
    if (!reader->total_seen || reader->total_size == (double)sum) {
        return CLQ_OK;
    }
    snprintf(text, sizeof text, "the index gives a total_size of %.0f, but the tensors hold %" PRIu64 " bytes",
             reader->total_size, sum);
    text[sizeof text - 1] = '\0';
    model->warning = clq_copy_text(text, strlen(text));
    return model->warning != NULL ? CLQ_OK : clq_fail_memory(error, model->path);
}

clq_status clq_model_parse_index(clq_model *model, uint64_t bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    index_reader reader = {0};
    char *text = NULL;
    reader.model = model;
    reader.path = clq_show_path(model->path);
    clq_names_init(&reader.tensors, &model->internals->names);
    clq_names_init(&reader.file_names, &model->internals->names);
    if (bytes > MAX_INDEX_BYTES) {
        return refuse(&reader, error, "the index has %" PRIu64 " bytes; at most %u are read", bytes, MAX_INDEX_BYTES);
    }
    text = malloc((size_t)bytes);
    if (text == NULL) {
        return clq_fail_memory(error, model->path);
    }
    CLQ_TRY_TO(clq_file_read(model->internals->index_fd, model->path, 0, text, bytes, error));
    CLQ_TRY_TO(parse_text(&reader, text, (size_t)bytes, error));
    CLQ_TRY_TO(open_shards(&reader, error));
    CLQ_TRY_TO(check_both_ways(&reader, error));
    CLQ_TRY_TO(check_total(&reader, error));
done:
    for (size_t i = 0; i < reader.entry_count; i++) {
        free(reader.entries[i].tensor);
    }
    for (size_t i = 0; i < reader.file_count; i++) {
        free(reader.files[i]);
    }
    clq_names_release(&reader.tensors);
    clq_names_release(&reader.file_names);
    free(reader.entries);
    free(reader.files);
    free(text);
    return status;
}

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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bounds.h"
#include "format/file.h"
#include "format/index_reader.h"
#include "format/model_index.h"
#include "format/safetensors.h"
#include "format/support.h"

/* An index is a list of names like a header, so the same limit is ample. */
#define MAX_INDEX_BYTES CLQ_SAFETENSORS_MAX_HEADER_BYTES

/* The name in the index, which may lie in a sub-folder, in place of the last part of the path. */
static clq_status keep_name(clq_model *model, const char *name, clq_error *error)
{
    clq_model_shard *shard = &model->shards[model->shard_count - 1];
    free(shard->file_name);
    shard->file_name = clq_copy_text(name, strlen(name));
    return shard->file_name != NULL ? CLQ_OK : clq_fail_memory(error, shard->path);
}

/*
 * Open one shard. Where it really lies must be inside the folder of the index, or the cache that this is a snapshot of:
 * a name from an untrusted index must not lead anywhere else, neither by itself nor through a symbolic link that came
 * with it. The resolved path is opened without following a last link, so that nothing put there meanwhile is followed.
 */
static clq_status open_shard(clq_index_reader *reader, const clq_bounds *bounds, const char *name, clq_error *error)
{
    clq_status status = CLQ_OK;
    const char *index_path = reader->model->path;
    const char *slash = strrchr(index_path, '/');
    const int prefix = slash != NULL ? (int)(slash + 1 - index_path) : 0;
    const size_t path_bytes = (size_t)prefix + strlen(name) + 1;
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
    if (!clq_bounds_hold(bounds, real)) {
        status = clq_index_refuse(
            reader, error,
            "shard '%s' is a symbolic link that leads out of the folder, to '%s'; --follow-links reads it",
            clq_show_name(name).text, clq_show_path(real).text);
        goto done;
    }
    CLQ_TRY_TO(clq_file_open_as(real, path, O_NOFOLLOW, &fd, &bytes, error));
    CLQ_TRY_TO(clq_model_add_shard(reader->model, path, fd, bytes, error));
    CLQ_TRY_TO(keep_name(reader->model, name, error));
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

static clq_status open_shards(clq_index_reader *reader, clq_error *error)
{
    clq_status status = CLQ_OK;
    const char *slash = strrchr(reader->model->path, '/');
    char *unresolved = slash != NULL ? clq_copy_text(reader->model->path, (size_t)(slash + 1 - reader->model->path))
                                     : clq_copy_text(".", 1);
    clq_bounds bounds = {0};
    if (unresolved == NULL) {
        return clq_fail_memory(error, reader->model->path);
    }
    CLQ_TRY_TO(clq_bounds_find(unresolved, reader->model->internals->follow_links, &bounds, error));
    qsort(reader->files, reader->file_count, sizeof *reader->files, compare_text);
    for (size_t i = 0; i < reader->file_count; i++) {
        CLQ_TRY_TO(open_shard(reader, &bounds, reader->files[i], error));
    }
done:
    clq_bounds_release(&bounds);
    free(unresolved);
    return status;
}

static clq_status check_both_ways(clq_index_reader *reader, clq_error *error)
{
    const clq_model *model = reader->model;
    for (size_t i = 0; i < model->tensor_count; i++) {
        const clq_model_tensor *tensor = &model->tensors[i];
        const char *file = model->shards[tensor->shard].file_name;
        const size_t at = clq_names_find(&reader->tensors, tensor->name);
        if (at == SIZE_MAX) {
            return clq_index_refuse(reader, error, "tensor '%s' of shard '%s' is missing in weight_map",
                                    clq_show_name(tensor->name).text, clq_show_name(file).text);
        }
        if (strcmp(reader->entries[at].file, file) != 0) {
            return clq_index_refuse(reader, error, "weight_map puts tensor '%s' into '%s', but it is in '%s'",
                                    clq_show_name(tensor->name).text, clq_show_name(reader->entries[at].file).text,
                                    clq_show_name(file).text);
        }
        reader->entries[at].found = 1;
    }
    for (size_t i = 0; i < reader->entry_count; i++) {
        if (!reader->entries[i].found) {
            return clq_index_refuse(reader, error, "weight_map puts tensor '%s' into '%s', which does not hold it",
                                    clq_show_name(reader->entries[i].tensor).text,
                                    clq_show_name(reader->entries[i].file).text);
        }
    }
    return CLQ_OK;
}

/* Wrong sizes are common in the wild (files instead of tensors were added up) and do no harm. */
static clq_status check_total(const clq_index_reader *reader, clq_error *error)
{
    clq_model *model = reader->model;
    char text[460];
    uint64_t sum = 0;
    for (size_t i = 0; i < model->tensor_count; i++) {
        sum += model->tensors[i].bytes; /* less than the sum of the files, which exist */
    }
    if (!reader->total_seen || reader->total_size == (double)sum) {
        return CLQ_OK;
    }
    snprintf(text, sizeof text, "%s: the index gives a total_size of %.0f, but the tensors hold %" PRIu64 " bytes",
             clq_show_path(model->path).text, reader->total_size, sum);
    text[sizeof text - 1] = '\0';
    model->warning = clq_copy_text(text, strlen(text));
    return model->warning != NULL ? CLQ_OK : clq_fail_memory(error, model->path);
}

/* The text of the open index, and what it says. Released by end_reader, on failure too. */
static clq_status read_index(clq_index_reader *reader, clq_model *model, uint64_t bytes, char **text, clq_error *error)
{
    memset(reader, 0, sizeof *reader);
    *text = NULL;
    reader->model = model;
    reader->path = clq_show_path(model->path);
    clq_names_init(&reader->tensors, &model->internals->names);
    clq_names_init(&reader->file_names, &model->internals->names);
    if (bytes > MAX_INDEX_BYTES) {
        return clq_index_refuse(reader, error, "the index has %" PRIu64 " bytes; at most %u are read", bytes,
                                MAX_INDEX_BYTES);
    }
    *text = malloc((size_t)bytes + 1);
    if (*text == NULL) {
        return clq_fail_memory(error, model->path);
    }
    CLQ_TRY(clq_file_read(model->internals->index_fd, model->path, 0, *text, bytes, error));
    return clq_index_parse(reader, *text, (size_t)bytes, error);
}

static void end_reader(clq_index_reader *reader, char *text)
{
    for (size_t i = 0; i < reader->entry_count; i++) {
        free(reader->entries[i].tensor);
    }
    for (size_t i = 0; i < reader->file_count; i++) {
        free(reader->files[i]);
    }
    clq_names_release(&reader->tensors);
    clq_names_release(&reader->file_names);
    free(reader->entries);
    free(reader->files);
    free(text);
}

clq_status clq_model_parse_index(clq_model *model, uint64_t bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_index_reader reader;
    char *text = NULL;
    CLQ_TRY_TO(read_index(&reader, model, bytes, &text, error));
    CLQ_TRY_TO(open_shards(&reader, error));
    CLQ_TRY_TO(check_both_ways(&reader, error));
    CLQ_TRY_TO(check_total(&reader, error));
done:
    end_reader(&reader, text);
    return status;
}

clq_status clq_model_index_files(const char *path, clq_name_set *files, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_index_reader reader;
    clq_model *model = NULL;
    char *text = NULL;
    uint64_t bytes = 0;
    memset(&reader, 0, sizeof reader);
    CLQ_TRY_TO(clq_model_create(path, &model, error));
    CLQ_TRY_TO(clq_file_open(path, &model->internals->index_fd, &bytes, error));
    CLQ_TRY_TO(read_index(&reader, model, bytes, &text, error));
    for (size_t i = 0; i < reader.file_count; i++) {
        CLQ_TRY_TO(clq_name_set_add(files, reader.files[i], strlen(reader.files[i]), error));
    }
done:
    end_reader(&reader, text);
    clq_model_close(&model);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of a model as the parsers put them together, and its end. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/gguf.h"
#include "format/model_parts.h"
#include "format/support.h"

const char *clq_last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

clq_status clq_model_add_shard(clq_model *model, const char *path, int fd, uint64_t bytes, clq_error *error)
{
    clq_model_shard *grown = realloc(model->shards, (model->shard_count + 1) * sizeof *grown);
    clq_model_shard *shard = NULL;
    if (grown == NULL) {
        close(fd);
        return clq_fail_memory(error, path);
    }
    model->shards = grown;
    shard = &model->shards[model->shard_count++];
    memset(shard, 0, sizeof *shard);
    shard->fd = fd;
    shard->file_bytes = bytes;
    shard->path = clq_copy_text(path, strlen(path));
    shard->file_name = clq_copy_text(clq_last_part(path), strlen(clq_last_part(path)));
    if (shard->path == NULL || shard->file_name == NULL) {
        return clq_fail_memory(error, path);
    }
    return CLQ_OK;
}

clq_status clq_model_add_tensor(clq_model *model, clq_model_tensor **tensor, clq_error *error)
{
    clq_model_tensor *grown =
        clq_grow(model->tensors, model->tensor_count, &model->internals->tensor_capacity, sizeof *grown);
    if (grown == NULL) {
        return clq_fail_memory(error, model->path);
    }
    model->tensors = grown;
    *tensor = &model->tensors[model->tensor_count++];
    memset(*tensor, 0, sizeof **tensor);
    return CLQ_OK;
}

clq_status clq_model_index_names(clq_model *model, size_t from, clq_error *error)
{
    for (size_t i = from; i < model->tensor_count; i++) {
        const clq_model_tensor *tensor = &model->tensors[i];
        const clq_model_shard *shard = &model->shards[tensor->shard];
        size_t existing = SIZE_MAX;
        CLQ_TRY(clq_names_add(&model->internals->names, tensor->name, i, &existing, error));
        if (existing == SIZE_MAX) {
            continue;
        }
        if (existing >= from) {
            return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': stands twice in the header",
                            clq_show_path(shard->path).text, clq_show_name(tensor->name).text);
        }
        return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': is in shard '%s' as well",
                        clq_show_path(shard->path).text, clq_show_name(tensor->name).text,
                        clq_show_name(model->shards[model->tensors[existing].shard].file_name).text);
    }
    return CLQ_OK;
}

clq_status clq_model_create(const char *path, clq_model **model, clq_error *error)
{
    clq_model *created = calloc(1, sizeof *created);
    if (created == NULL) {
        return clq_fail_memory(error, path);
    }
    *model = created;
    created->path = clq_copy_text(path, strlen(path));
    created->internals = calloc(1, sizeof *created->internals);
    if (created->path == NULL || created->internals == NULL) {
        return clq_fail_memory(error, path);
    }
    created->internals->index_fd = -1;
    clq_names_init(&created->internals->names, NULL);
    return CLQ_OK;
}

void clq_model_close(clq_model **model)
{
    clq_model *m = *model;
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->shard_count; i++) {
        clq_model_shard *shard = &m->shards[i];
        for (size_t j = 0; j < shard->metadata_count; j++) {
            free(shard->metadata_keys[j]);
            free(shard->metadata_values[j]);
        }
        free(shard->metadata_keys);
        free(shard->metadata_values);
        close(shard->fd);
        free(shard->path);
        free(shard->file_name);
    }
    for (size_t i = 0; i < m->tensor_count; i++) {
        free(m->tensors[i].name);
        free(m->tensors[i].shape);
    }
    if (m->internals != NULL) {
        clq_names_release(&m->internals->names);
        if (m->internals->index_fd >= 0) {
            close(m->internals->index_fd);
        }
    }
    free(m->internals);
    clq_gguf_destroy(&m->gguf);
    free(m->shards);
    free(m->tensors);
    free(m->index_metadata);
    free(m->warning);
    free(m->folder);
    free(m->path);
    free(m);
    *model = NULL;
}

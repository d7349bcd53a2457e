/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void clq_cl_store_init(clq_cl_store *store)
{
    memset(store, 0, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
}

void clq_cl_store_destroy(clq_cl_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        free(store->kept[i].own);
    }
    free(store->kept);
    free(store->directory);
    pthread_mutex_destroy(&store->lock);
}

/* ---- places ---- */

const char *clq_cl_place_name(clq_cl_place place)
{
    return place == CLQ_CL_IN_MEMORY ? "memory" : "the folder";
}

int clq_cl_store_has(clq_cl_store *store, clq_cl_place place)
{
    int has;
    pthread_mutex_lock(&store->lock);
    has = (place != CLQ_CL_IN_FOLDER && (store->keeps || store->count > 0)) ||
          (place != CLQ_CL_IN_MEMORY && store->directory != NULL);
    pthread_mutex_unlock(&store->lock);
    return has;
}

int clq_cl_store_keeps(clq_cl_store *store)
{
    int keeps;
    pthread_mutex_lock(&store->lock);
    keeps = store->keeps || store->directory != NULL;
    pthread_mutex_unlock(&store->lock);
    return keeps;
}

clq_status clq_cl_store_set_folder(clq_cl_store *store, const char *directory, clq_error *error)
{
    char *copy = NULL;
    if (directory != NULL) {
        CLQ_TRY(clq_cl_folder_make(directory, error));
        copy = malloc(strlen(directory) + 1);
        if (copy == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the cache's name");
        }
        memcpy(copy, directory, strlen(directory) + 1);
    }
    pthread_mutex_lock(&store->lock);
    free(store->directory);
    store->directory = copy;
    pthread_mutex_unlock(&store->lock);
    return CLQ_OK;
}

/* A copy, for the directory may be changed meanwhile; NULL: there is none. */
static char *directory_of(clq_cl_store *store)
{
    char *copy = NULL;
    pthread_mutex_lock(&store->lock);
    if (store->directory != NULL && (copy = malloc(strlen(store->directory) + 1)) != NULL) {
        memcpy(copy, store->directory, strlen(store->directory) + 1);
    }
    pthread_mutex_unlock(&store->lock);
    return copy;
}

void clq_cl_store_set_keeps(clq_cl_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->keeps = 1;
    pthread_mutex_unlock(&store->lock);
}

/* ---- memory: the lock is held ---- */

static clq_archive_item *find(const clq_cl_store *store, const char *name)
{
    for (size_t i = 0; i < store->count; i++) {
        if (strcmp(store->kept[i].name, name) == 0) {
            return &store->kept[i];
        }
    }
    return NULL;
}

static int put(clq_cl_store *store, const clq_archive_item *item)
{
    clq_archive_item *place = find(store, item->name);
    if (place == NULL && store->count == store->capacity) {
        const size_t capacity = store->capacity == 0 ? 32 : 2 * store->capacity;
        clq_archive_item *more = realloc(store->kept, capacity * sizeof *more);
        if (more == NULL) {
            return 0;
        }
        store->kept = more;
        store->capacity = capacity;
    }
    if (place == NULL) {
        place = &store->kept[store->count++];
        place->own = NULL;
    }
    free(place->own);
    *place = *item;
    return 1;
}

static unsigned char *copy_kept(clq_cl_store *store, const char *name, size_t *bytes)
{
    unsigned char *data = NULL;
    const clq_archive_item *item;
    pthread_mutex_lock(&store->lock);
    item = find(store, name);
    if (item != NULL && item->bytes > 0 && item->bytes <= CLQ_CL_FILE_BYTES &&
        (data = malloc((size_t)item->bytes)) != NULL) {
        memcpy(data, item->data, (size_t)item->bytes);
        *bytes = (size_t)item->bytes;
    }
    pthread_mutex_unlock(&store->lock);
    return data;
}

/* ---- files ---- */

unsigned char *clq_cl_store_read(clq_cl_store *store, clq_cl_place place, const char *name, size_t *bytes)
{
    unsigned char *data;
    char *directory;
    if (place == CLQ_CL_IN_MEMORY) {
        return copy_kept(store, name, bytes);
    }
    directory = directory_of(store);
    data = directory != NULL ? clq_cl_file_read(directory, name, bytes) : NULL;
    free(directory);
    return data;
}

int clq_cl_store_keep(clq_cl_store *store, const char *name, const clq_cl_piece *pieces, size_t count)
{
    clq_archive_item item = {.name = ""};
    unsigned char *data;
    int kept;
    int keeps;
    pthread_mutex_lock(&store->lock);
    keeps = store->keeps;
    pthread_mutex_unlock(&store->lock);
    if (!keeps) {
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        item.bytes += pieces[i].bytes;
    }
    if ((data = malloc((size_t)item.bytes)) == NULL) {
        return 0;
    }
    item.data = data;
    item.own = data;
    snprintf(item.name, sizeof item.name, "%s", name);
    for (size_t i = 0; i < count; i++) {
        memcpy(data, pieces[i].data, pieces[i].bytes);
        data += pieces[i].bytes;
    }
    pthread_mutex_lock(&store->lock);
    kept = put(store, &item);
    pthread_mutex_unlock(&store->lock);
    if (!kept) {
        free(item.own);
        errno = ENOMEM;
    }
    return kept;
}

int clq_cl_store_write(clq_cl_store *store, const char *name, const clq_cl_piece *pieces, size_t count,
                       char where[CLQ_CL_WHERE_BYTES])
{
    char *directory = directory_of(store);
    const int is_kept = clq_cl_store_keep(store, name, pieces, count);
    const int reason = errno;
    int is_written = 1;
    snprintf(where, CLQ_CL_WHERE_BYTES, "%s in %s", name, clq_cl_place_name(CLQ_CL_IN_MEMORY));
    if (directory != NULL) {
        is_written = clq_cl_file_write(directory, name, pieces, count);
        snprintf(where, CLQ_CL_WHERE_BYTES, "%.3000s/%s", directory, name);
    }
    errno = is_written ? reason : errno;
    free(directory);
    return is_kept && is_written;
}

void clq_cl_store_forget(clq_cl_store *store, const char *name)
{
    clq_archive_item *item;
    pthread_mutex_lock(&store->lock);
    item = find(store, name);
    if (item != NULL) {
        free(item->own);
        *item = store->kept[--store->count];
    }
    pthread_mutex_unlock(&store->lock);
}

void clq_cl_store_remove(clq_cl_store *store, const char *name)
{
    char *directory = directory_of(store);
    clq_cl_store_forget(store, name);
    if (directory != NULL) {
        clq_cl_file_remove(directory, name);
    }
    free(directory);
}

int clq_cl_store_add(clq_cl_store *store, const clq_archive_item *item)
{
    int added;
    pthread_mutex_lock(&store->lock);
    added = put(store, item);
    pthread_mutex_unlock(&store->lock);
    return added;
}

void clq_cl_store_export(clq_cl_store *store, void *memory, uint64_t capacity, uint64_t *bytes)
{
    uint64_t data_bytes = 0;
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->count; i++) {
        data_bytes += store->kept[i].bytes;
    }
    *bytes = clq_archive_bytes(store->count, data_bytes);
    if (*bytes <= capacity) {
        clq_archive_write(memory, store->kept, store->count);
    }
    pthread_mutex_unlock(&store->lock);
}

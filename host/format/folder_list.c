/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include "format/folder_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/support.h"

/* More than models have, and less than any stack. */
enum { MOST_LEVELS = 32 };

typedef struct listing {
    const clq_model *model;
    clq_bounds bounds;
    clq_folder_list *list;
    struct stat levels[MOST_LEVELS]; /* the folders that the one being read lies in */
} listing;

static int is_skipped(const char *name)
{
    static const char *const NAMES[] = {".git", ".hg", ".svn", ".cache"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            return 1;
        }
    }
    /* Left by a run that was killed. */
    return name[0] == '.' && (clq_ends_with(name, ".partial") || clq_ends_with(name, ".journal") ||
                              clq_ends_with(name, ".replaced") || strstr(name, ".tmp-") != NULL);
}

static int is_shard(const clq_model *model, const char *name)
{
    for (size_t i = 0; i < model->shard_count; i++) {
        if (strcmp(model->shards[i].file_name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static clq_status add_file(listing *all, const char *name, const char *path, char **real, const struct stat *facts,
                           clq_error *error)
{
    clq_folder_list *list = all->list;
    clq_folder_file *grown = clq_grow(list->files, list->count, &list->capacity, sizeof *grown);
    clq_folder_file *file;
    if (access(path, R_OK) != 0) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: cannot be read: %s; it goes with the model, and is to be copied",
                        clq_show_path(path).text, clq_show_errno(errno).text);
    }
    if (grown == NULL) {
        return clq_fail_memory(error, path);
    }
    list->files = grown;
    file = &grown[list->count++];
    *file = (clq_folder_file){clq_copy_text(name, strlen(name)), *real, (uint64_t)facts->st_size,
                              (unsigned)facts->st_mode & 0777u};
    *real = NULL;
    list->bytes += file->bytes;
    return file->name != NULL ? CLQ_OK : clq_fail_memory(error, path);
}

static clq_status walk_folder(listing *all, const char *folder, const char *prefix, size_t level, clq_error *error);

/* A folder that a link leads to may be one that the link lies in. */
static clq_status enter(listing *all, const char *name, const char *path, size_t level, clq_error *error)
{
    struct stat facts;
    if (stat(path, &facts) != 0) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: the folder cannot be read: %s", clq_show_path(path).text,
                        clq_show_errno(errno).text);
    }
    for (size_t i = 0; i < level; i++) {
        if (all->levels[i].st_dev == facts.st_dev && all->levels[i].st_ino == facts.st_ino) {
            return clq_fail(error, CLQ_BAD_FILE, "%s: is a symbolic link to a folder that it lies in",
                            clq_show_path(path).text);
        }
    }
    if (level == MOST_LEVELS) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: folders are nested more than %d deep", clq_show_path(path).text,
                        MOST_LEVELS);
    }
    all->levels[level] = facts;
    return walk_folder(all, path, name, level + 1, error);
}

/* `name` is relative to the model's folder, `own` its last part. */
static clq_status visit(listing *all, const char *name, const char *own, const char *path, size_t level,
                        clq_error *error)
{
    clq_status status = CLQ_OK;
    struct stat facts;
    char *real = NULL;
    if (lstat(path, &facts) != 0) {
        CLQ_TRY_TO(clq_fail(error, CLQ_IO_ERROR, "%s: cannot examine: %s", clq_show_path(path).text,
                            clq_show_errno(errno).text));
    }
    if (!S_ISDIR(facts.st_mode) && (clq_holds_weights(own) || is_shard(all->model, name))) {
        status = is_shard(all->model, name) || strcmp(name, clq_last_part(all->model->path)) == 0
                     ? CLQ_OK
                     : clq_name_set_add(&all->list->left, name, strlen(name), error);
        goto done;
    }
    CLQ_TRY_TO(clq_bounds_resolve(&all->bounds, path, &real, error));
    if (stat(real, &facts) != 0) {
        CLQ_TRY_TO(clq_fail(error, CLQ_IO_ERROR, "%s: cannot examine: %s", clq_show_path(path).text,
                            clq_show_errno(errno).text));
    }
    if (S_ISDIR(facts.st_mode) && strcmp(own, "original") != 0) {
        status = enter(all, name, path, level, error);
    } else if (S_ISREG(facts.st_mode)) {
        status = add_file(all, name, path, &real, &facts, error);
    } else {
        status = clq_name_set_add(&all->list->left, name, strlen(name), error);
    }
done:
    free(real);
    return status;
}

static clq_status walk_folder(listing *all, const char *folder, const char *prefix, size_t level, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    char *name = NULL;
    char *path = NULL;
    CLQ_TRY_TO(clq_folder_names(folder, &names, error));
    for (size_t i = 0; i < names.count; i++) {
        if (is_skipped(names.names[i])) {
            continue;
        }
        name = prefix[0] != '\0' ? clq_folder_path(prefix, names.names[i])
                                 : clq_copy_text(names.names[i], strlen(names.names[i]));
        path = clq_folder_path(folder, names.names[i]);
        if (name == NULL || path == NULL) {
            CLQ_TRY_TO(clq_fail_memory(error, folder));
        }
        CLQ_TRY_TO(visit(all, name, names.names[i], path, level, error));
        free(name);
        free(path);
        name = NULL;
        path = NULL;
    }
done:
    free(name);
    free(path);
    clq_name_set_release(&names);
    return status;
}

clq_status clq_folder_list_files(const clq_model *model, clq_folder_list *list, clq_error *error)
{
    clq_status status = CLQ_OK;
    listing *all = calloc(1, sizeof *all);
    memset(list, 0, sizeof *list);
    if (all == NULL) {
        return clq_fail_memory(error, model->folder);
    }
    all->model = model;
    all->list = list;
    CLQ_TRY_TO(clq_bounds_find(model->folder, model->internals->follow_links, &all->bounds, error));
    CLQ_TRY_TO(enter(all, "", model->folder, 0, error));
done:
    clq_bounds_release(&all->bounds);
    free(all);
    return status;
}

void clq_folder_list_release(clq_folder_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->files[i].name);
        free(list->files[i].real);
    }
    free(list->files);
    clq_name_set_release(&list->left);
    memset(list, 0, sizeof *list);
}

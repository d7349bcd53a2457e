/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "format/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/support.h"

/* ---- names ---- */

clq_status clq_name_set_add(clq_name_set *set, const char *name, size_t length, clq_error *error)
{
    char **grown = clq_grow(set->names, set->count, &set->capacity, sizeof *grown);
    if (grown != NULL) {
        set->names = grown;
        grown[set->count] = clq_copy_text(name, length);
    }
    if (grown == NULL || grown[set->count] == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the names of files");
    }
    set->count++;
    return CLQ_OK;
}

int clq_name_set_holds(const clq_name_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void clq_name_set_sort(clq_name_set *set)
{
    if (set->count > 0) {
        qsort(set->names, set->count, sizeof *set->names, compare_names);
    }
}

void clq_name_set_release(clq_name_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->names[i]);
    }
    free(set->names);
    memset(set, 0, sizeof *set);
}

clq_shown_names clq_show_names(const clq_name_set *set)
{
    clq_shown_names shown = {""};
    size_t used = 0;
    for (size_t i = 0; i < set->count; i++) {
        const clq_shown name = clq_show_name(set->names[i]);
        if (used + strlen(name.text) + 40 > sizeof shown.text) {
            snprintf(shown.text + used, sizeof shown.text - used, " and %zu more", set->count - i);
            break;
        }
        used += (size_t)snprintf(shown.text + used, sizeof shown.text - used, "%s%s", i > 0 ? ", " : "", name.text);
    }
    return shown;
}

int clq_ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text);
    const size_t end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* ---- what is there ---- */

int clq_is_folder(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

char *clq_folder_path(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    char *path = malloc(length + strlen(name) + 2);
    if (path != NULL) {
        sprintf(path, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", name);
    }
    return path;
}

clq_status clq_folder_names(const char *folder, clq_name_set *names, clq_error *error)
{
    clq_status status = CLQ_OK;
    DIR *open = opendir(folder);
    if (open == NULL) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: the folder cannot be read: %s", clq_show_path(folder).text,
                        clq_show_errno(errno).text);
    }
    for (;;) {
        const struct dirent *entry;
        errno = 0;
        entry = readdir(open);
        if (entry == NULL && errno != 0) {
            CLQ_TRY_TO(clq_fail(error, CLQ_IO_ERROR, "%s: the folder cannot be read: %s", clq_show_path(folder).text,
                                clq_show_errno(errno).text));
        }
        if (entry == NULL) {
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            CLQ_TRY_TO(clq_name_set_add(names, entry->d_name, strlen(entry->d_name), error));
        }
    }
    clq_name_set_sort(names);
done:
    closedir(open);
    return status;
}

int clq_holds_weights(const char *name)
{
    static const char *const ENDS[] = {
        ".safetensors", CLQ_INDEX_SUFFIX, ".bin",  ".bin.index.json", ".pt",      ".pth",      ".ckpt", ".gguf",
        ".h5",          ".h5.index.json", ".onnx", ".onnx_data",      ".msgpack", ".onnx.data"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        if (clq_ends_with(name, ENDS[i])) {
            return 1;
        }
    }
    return 0;
}

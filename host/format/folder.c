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

static const char WHOLE[] = "model.safetensors";
static const char INDEX[] = "model" CLQ_INDEX_SUFFIX;

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

/* Could a person mean this file when they name the folder? Hidden ones are left-overs of tools. */
static int is_candidate(const char *name)
{
    return name[0] != '.' && (clq_ends_with(name, ".safetensors") || clq_ends_with(name, CLQ_INDEX_SUFFIX) ||
                              clq_ends_with(name, ".gguf"));
}

/* ---- which is the model ---- */

/* Weights within a graph. They are named where a folder has no others. */
static int is_graph(const char *name)
{
    return clq_ends_with(name, ".tflite") || clq_ends_with(name, ".mlmodel") || clq_ends_with(name, ".mlpackage") ||
           clq_ends_with(name, ".pb");
}

static clq_status refuse_empty(const char *folder, const clq_name_set *names, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set others = {0};
    const char *hint = "";
    for (size_t i = 0; i < names->count; i++) {
        if ((clq_holds_weights(names->names[i]) || is_graph(names->names[i])) && names->names[i][0] != '.') {
            CLQ_TRY_TO(clq_name_set_add(&others, names->names[i], strlen(names->names[i]), error));
        }
    }
    if (clq_name_set_holds(names, "snapshots") && clq_name_set_holds(names, "blobs")) {
        hint = "; the models of a cache are the folders in its snapshots";
    } else if (others.count > 0) {
        hint = "; weights in other formats are to be saved as safetensors first";
    }
    status = clq_fail(error, CLQ_BAD_FILE,
                      "%s: the folder holds no model: required is %s, an index NAME%s with its shards, one other "
                      ".safetensors or one .gguf%s%s%s",
                      clq_show_path(folder).text, WHOLE, CLQ_INDEX_SUFFIX, others.count > 0 ? "; it has only " : "",
                      clq_show_names(&others).text, hint);
done:
    clq_name_set_release(&others);
    return status;
}

/* The candidates that are left when nothing has a name that loaders look for: an index goes before files like shards.
 */
static clq_status find_only(const clq_name_set *names, clq_name_set *found, clq_error *error)
{
    int indexes = 0;
    for (size_t i = 0; i < names->count; i++) {
        indexes |= is_candidate(names->names[i]) && clq_ends_with(names->names[i], CLQ_INDEX_SUFFIX);
    }
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];
        if (is_candidate(name) && !(indexes && clq_ends_with(name, ".safetensors"))) {
            CLQ_TRY(clq_name_set_add(found, name, strlen(name), error));
        }
    }
    return CLQ_OK;
}

clq_status clq_folder_find_model(const char *folder, char **name, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    clq_name_set found = {0};
    const char *chosen = NULL;
    *name = NULL;
    CLQ_TRY_TO(clq_folder_names(folder, &names, error));
    if (clq_name_set_holds(&names, WHOLE)) {
        chosen = WHOLE;
    } else if (clq_name_set_holds(&names, INDEX)) {
        chosen = INDEX;
    } else {
        CLQ_TRY_TO(find_only(&names, &found, error));
        if (found.count == 0) {
            CLQ_TRY_TO(refuse_empty(folder, &names, error));
        }
        if (found.count > 1) {
            CLQ_TRY_TO(clq_fail(error, CLQ_BAD_FILE,
                                "%s: the folder holds several models: %s; name the file that is meant",
                                clq_show_path(folder).text, clq_show_names(&found).text));
        }
        chosen = found.names[0];
    }
    *name = clq_copy_text(chosen, strlen(chosen));
    if (*name == NULL) {
        CLQ_TRY_TO(clq_fail_memory(error, folder));
    }
done:
    clq_name_set_release(&names);
    clq_name_set_release(&found);
    return status;
}

static int is_part(const clq_model *model, const char *name)
{
    int part = strcmp(clq_last_part(model->path), name) == 0;
    for (size_t i = 0; i < model->shard_count; i++) {
        part |= strcmp(model->shards[i].file_name, name) == 0;
    }
    return part;
}

static clq_status add_warning(clq_model *model, const char *text, clq_error *error)
{
    const size_t before = model->warning != NULL ? strlen(model->warning) + 2 : 0;
    char *grown = realloc(model->warning, before + strlen(text) + 1);
    if (grown == NULL) {
        return clq_fail_memory(error, model->path);
    }
    model->warning = grown;
    if (before > 0) {
        strcpy(grown + before - 2, "; ");
    }
    strcpy(grown + before, text);
    return CLQ_OK;
}

clq_status clq_folder_tell_others(clq_model *model, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    clq_name_set others = {0};
    CLQ_TRY_TO(clq_folder_names(model->folder, &names, error));
    for (size_t i = 0; i < names.count; i++) {
        if (is_candidate(names.names[i]) && !is_part(model, names.names[i])) {
            CLQ_TRY_TO(clq_name_set_add(&others, names.names[i], strlen(names.names[i]), error));
        }
    }
    if (others.count > 0) {
        char text[1200];
        snprintf(text, sizeof text, "%s: the model is %s; beside it, and not read: %s",
                 clq_show_path(model->folder).text, clq_show_name(clq_last_part(model->path)).text,
                 clq_show_names(&others).text);
        CLQ_TRY_TO(add_warning(model, text, error));
    }
done:
    clq_name_set_release(&names);
    clq_name_set_release(&others);
    return status;
}

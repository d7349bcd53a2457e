/* SPDX-License-Identifier: Apache-2.0 */
/* What is found out about the folder of an output before any work is done. */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/file.h"
#include "format/json_edit.h"
#include "format/model_index.h"
#include "model/folder_output_parts.h"
#include "model/request.h"

enum { MOST_CONFIG_BYTES = 16 << 20, PIECE_BYTES = 1 << 16 };

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the folder of the output");
}

static clq_status refuse(const clq_folder_output *folder, const char *name, const char *what, clq_error *error)
{
    char shown[400];
    char own[400];
    clq_printable(shown, sizeof shown, folder->path, strlen(folder->path));
    clq_printable(own, sizeof own, name, strlen(name));
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s/%s: %s", shown, own, what);
}

/* What replaces what is there. */
static const char *advice(const clq_folder_output *folder)
{
    return folder->job->request->resume ? "--resume --force continues, and replaces it" : "--force replaces it";
}

static clq_status refuse_existing(const clq_folder_output *folder, const char *name, const char *what, clq_error *error)
{
    char text[120];
    snprintf(text, sizeof text, "%s; %s", what, advice(folder));
    return refuse(folder, name, text, error);
}

/* ---- what is there ---- */

int clq_file_has_bytes(const char *path, const void *bytes, uint64_t length)
{
    uint64_t there = 0;
    int fd = -1;
    void *memory = NULL;
    int same = clq_file_open(path, &fd, &there, NULL) == CLQ_OK && there == length;
    memory = same ? malloc((size_t)length + 1) : NULL;
    same = memory != NULL && clq_file_read(fd, path, 0, memory, length, NULL) == CLQ_OK &&
           memcmp(memory, bytes, (size_t)length) == 0;
    if (fd >= 0) {
        close(fd);
    }
    free(memory);
    return same;
}

int clq_file_has_bytes_of(const char *path, const clq_folder_file *file)
{
    unsigned char *memory = malloc(2 * PIECE_BYTES);
    uint64_t bytes[2] = {0, 0};
    int fd[2] = {-1, -1};
    int same = memory != NULL && clq_file_open(path, &fd[0], &bytes[0], NULL) == CLQ_OK &&
               clq_file_open(file->real, &fd[1], &bytes[1], NULL) == CLQ_OK && bytes[0] == bytes[1];
    for (uint64_t done = 0; same && done < bytes[0]; done += PIECE_BYTES) {
        const uint64_t step = clq_size_min(bytes[0] - done, PIECE_BYTES);
        same = clq_file_read(fd[0], path, done, memory, step, NULL) == CLQ_OK &&
               clq_file_read(fd[1], file->real, done, memory + PIECE_BYTES, step, NULL) == CLQ_OK &&
               memcmp(memory, memory + PIECE_BYTES, (size_t)step) == 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (fd[i] >= 0) {
            close(fd[i]);
        }
    }
    free(memory);
    return same;
}

/* What is to be written in place of `path`, or of a folder on the way to it; a link would lead elsewhere. */
static clq_status check_kind(const clq_folder_output *folder, const char *name, int is_folder, int *exists,
                             clq_error *error)
{
    struct stat facts;
    char *path = clq_folder_path(folder->path, name);
    const int found = path != NULL && lstat(path, &facts) == 0;
    const int reason = errno;
    const clq_status given = found ? clq_request_refuse_given(folder->job->request, path, error) : CLQ_OK;
    free(path);
    if (path == NULL) {
        return no_memory(error);
    }
    CLQ_TRY(given);
    *exists = found;
    if (!found) {
        return reason == ENOENT ? CLQ_OK : refuse(folder, name, strerror(reason), error);
    }
    if (S_ISLNK(facts.st_mode)) {
        return refuse(folder, name, "is a link, and nothing in the folder of an output is written through one", error);
    }
    if (is_folder && !S_ISDIR(facts.st_mode)) {
        return refuse(folder, name, "is not a folder, and that of the input is", error);
    }
    return is_folder || S_ISREG(facts.st_mode) ? CLQ_OK : refuse(folder, name, "is not a regular file", error);
}

/* ---- the model that is there ---- */

/* A name of an index, or that under which one was set aside by a run that was killed. */
static int is_index(const char *name)
{
    return clq_ends_with(name, CLQ_INDEX_SUFFIX) || clq_ends_with(name, CLQ_INDEX_SUFFIX CLQ_REPLACED_SUFFIX);
}

/* Files that indexes in the folder name: those of a model that is replaced. An index that says nothing owns nothing. */
static clq_status find_owned(const clq_folder_output *folder, const clq_name_set *names, clq_name_set *owned,
                             clq_error *error)
{
    for (size_t i = 0; i < names->count; i++) {
        char *path = clq_folder_path(folder->path, names->names[i]);
        if (path == NULL) {
            return no_memory(error);
        }
        if (is_index(names->names[i])) {
            (void)clq_model_index_files(path, owned, NULL);
        }
        free(path);
    }
    return CLQ_OK;
}

/* Whether `name` is there, and whether it is a file of the new model. */
static clq_status examine(const clq_folder_output *folder, const char *name, int *there, int *taken, clq_error *error)
{
    char *path = clq_folder_path(folder->path, name);
    struct stat facts;
    if (path == NULL) {
        return no_memory(error);
    }
    *there = lstat(path, &facts) == 0;
    *taken = *there && clq_output_takes(folder->output, path);
    free(path);
    return CLQ_OK;
}

/* A weight of the old model is stale when the new one does not put another in its place; of what is no model's, tell.
 */
static clq_status sort_weights(clq_folder_output *folder, const clq_name_set *weights, const clq_name_set *owned,
                               clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set foreign = {0};
    int there = 0;
    int taken = 0;
    for (size_t i = 0; i < owned->count; i++) {
        const char *name = owned->names[i];
        CLQ_TRY_TO(examine(folder, name, &there, &taken, error));
        if (clq_ends_with(name, ".safetensors") && there && !taken) {
            CLQ_TRY_TO(clq_name_set_add(&folder->stale, name, strlen(name), error));
        }
    }
    for (size_t i = 0; i < weights->count; i++) {
        const char *name = weights->names[i];
        CLQ_TRY_TO(examine(folder, name, &there, &taken, error));
        if (taken || clq_name_set_holds(&folder->stale, name) || is_index(name)) {
            continue;
        }
        CLQ_TRY_TO(strcmp(name, "model.safetensors") == 0 ? clq_name_set_add(&folder->stale, name, strlen(name), error)
                                                          : clq_name_set_add(&foreign, name, strlen(name), error));
    }
    if (foreign.count > 0) {
        char shown[400];
        clq_printable(shown, sizeof shown, folder->path, strlen(folder->path));
        CLQ_TRY_TO(
            clq_fail(error, CLQ_INVALID_ARGUMENT,
                     "%s: holds other weights, which a loader may take and this model does not replace: %s; move "
                     "them away",
                     shown, clq_show_names(&foreign).text));
    }
done:
    clq_name_set_release(&foreign);
    return status;
}

static clq_status check_weights(clq_folder_output *folder, int complete, clq_error *error)
{
    const clq_file_request *request = folder->job->request;
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    clq_name_set weights = {0};
    clq_name_set owned = {0};
    int exists = 0;
    int taken = 0;
    CLQ_TRY_TO(clq_folder_names(folder->path, &names, error));
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.names[i];
        if (name[0] == '.' || !clq_holds_weights(name)) {
            continue;
        }
        CLQ_TRY_TO(examine(folder, name, &exists, &taken, error));
        if (taken) {
            CLQ_TRY_TO(check_kind(folder, name, 0, &exists, error));
        }
        if (!complete || !taken) {
            CLQ_TRY_TO(clq_name_set_add(&weights, name, strlen(name), error));
        }
    }
    if (weights.count > 0 && !request->replace) {
        char shown[400];
        clq_printable(shown, sizeof shown, folder->path, strlen(folder->path));
        CLQ_TRY_TO(clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: holds a model: %s; %s", shown,
                            clq_show_names(&weights).text, advice(folder)));
    }
    if (request->replace) {
        CLQ_TRY_TO(find_owned(folder, &names, &owned, error));
        CLQ_TRY_TO(sort_weights(folder, &weights, &owned, error));
    }
done:
    clq_name_set_release(&names);
    clq_name_set_release(&weights);
    clq_name_set_release(&owned);
    return status;
}

int clq_folder_output_is_taken(const clq_folder_output *folder)
{
    clq_name_set names = {0};
    int taken = 0;
    if (clq_folder_names(folder->path, &names, NULL) == CLQ_OK) {
        for (size_t i = 0; i < names.count; i++) {
            const char *name = names.names[i];
            taken |= name[0] != '.' && (clq_holds_weights(name) || strcmp(name, CLQ_CONFIG_NAME) == 0);
        }
    }
    clq_name_set_release(&names);
    return taken;
}

/* ---- the other files ---- */

static clq_status check_sub_folders(const clq_folder_output *folder, const char *name, clq_error *error)
{
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        int exists = 0;
        char *part = strndup(name, (size_t)(slash - name));
        const clq_status status = part != NULL ? check_kind(folder, part, 1, &exists, error) : no_memory(error);
        free(part);
        CLQ_TRY(status);
        if (!exists) {
            break;
        }
    }
    return CLQ_OK;
}

static clq_status check_files(const clq_folder_output *folder, clq_error *error)
{
    for (size_t i = 0; i < folder->list.count; i++) {
        const clq_folder_file *file = &folder->list.files[i];
        char *path = clq_folder_path(folder->path, file->name);
        const int same = path != NULL && clq_file_has_bytes_of(path, file);
        int exists = 0;
        free(path);
        if (path == NULL) {
            return no_memory(error);
        }
        CLQ_TRY(check_sub_folders(folder, file->name, error));
        if (same) {
            continue;
        }
        CLQ_TRY(check_kind(folder, file->name, 0, &exists, error));
        if (exists && !folder->job->request->replace) {
            return refuse_existing(folder, file->name, "exists, with other bytes", error);
        }
    }
    return CLQ_OK;
}

/* Its bytes are known when the data was read; an earlier run may have written them. */
static clq_status check_config(const clq_folder_output *folder, int complete, clq_error *error)
{
    int exists = 0;
    CLQ_TRY(check_kind(folder, CLQ_CONFIG_NAME, 0, &exists, error));
    return exists && !folder->job->request->replace && !complete
               ? refuse_existing(folder, CLQ_CONFIG_NAME, "exists", error)
               : CLQ_OK;
}

/* ---- the input's ---- */

/* Take config.json out of the list: it is edited, and comes last. */
static void take_config(clq_folder_output *folder)
{
    clq_folder_list *list = &folder->list;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->files[i].name, CLQ_CONFIG_NAME) == 0) {
            const clq_folder_file config = list->files[i];
            memmove(&list->files[i], &list->files[i + 1], (list->count - i - 1) * sizeof config);
            list->count--;
            list->bytes -= config.bytes;
            folder->config = config;
            return;
        }
    }
}

static clq_status read_config(clq_folder_output *folder, clq_error *error)
{
    const char *path = folder->config.real;
    clq_status status = CLQ_OK;
    clq_json_span span;
    uint64_t bytes = 0;
    int fd = -1;
    char *given = clq_folder_path(folder->model->folder, CLQ_CONFIG_NAME);
    if (given == NULL) {
        return no_memory(error);
    }
    clq_printable(folder->config_shown, sizeof folder->config_shown, given, strlen(given));
    free(given);
    CLQ_TRY_TO(clq_file_open_as(path, path, O_NOFOLLOW, &fd, &bytes, error));
    if (bytes > MOST_CONFIG_BYTES) {
        CLQ_TRY_TO(
            clq_fail(error, CLQ_BAD_FILE, "%s: has more than %d bytes", folder->config_shown, MOST_CONFIG_BYTES));
    }
    folder->config_text = malloc((size_t)bytes + 1);
    if (folder->config_text == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    CLQ_TRY_TO(clq_file_read(fd, path, 0, folder->config_text, bytes, error));
    folder->config_text[bytes] = '\0';
    folder->config_length = (size_t)bytes;
    CLQ_TRY_TO(clq_json_locate(folder->config_text, (size_t)bytes, folder->config_shown, CLQ_CONFIG_KEY, &span, error));
    folder->edited = malloc((size_t)bytes + 1);
    if (folder->edited == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    memcpy(folder->edited, folder->config_text, (size_t)bytes + 1);
    folder->edited_length = (size_t)bytes;
done:
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* What holds weights, but for what was told when the model was opened: candidates in the folder itself. */
static clq_status tell_left(const clq_folder_output *folder, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set left = {0};
    for (size_t i = 0; i < folder->list.left.count; i++) {
        const char *name = folder->list.left.names[i];
        const int told =
            strchr(name, '/') == NULL && (clq_ends_with(name, ".safetensors") ||
                                          clq_ends_with(name, CLQ_INDEX_SUFFIX) || clq_ends_with(name, ".gguf"));
        if (!told) {
            CLQ_TRY_TO(clq_name_set_add(&left, name, strlen(name), error));
        }
    }
    if (left.count > 0) {
        clq_job_warn(folder->job, "left out, since they may hold weights in other forms: %s",
                     clq_show_names(&left).text);
    }
done:
    clq_name_set_release(&left);
    return status;
}

clq_status clq_folder_output_check(clq_folder_output *folder, clq_output *output, int complete, clq_error *error)
{
    CLQ_TRY(clq_output_keep_names(output, folder->model, error));
    folder->output = output;
    CLQ_TRY(clq_folder_list_files(folder->model, &folder->list, error));
    take_config(folder);
    folder->job->report->copied_files = folder->list.count;
    folder->job->report->copied_file_bytes = folder->list.bytes;
    if (folder->config.name != NULL) {
        CLQ_TRY(read_config(folder, error));
    }
    if (folder->exists) {
        CLQ_TRY(check_weights(folder, complete, error));
        CLQ_TRY(check_files(folder, error));
        CLQ_TRY(check_config(folder, complete, error));
    }
    return tell_left(folder, error);
}

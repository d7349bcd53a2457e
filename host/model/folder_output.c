/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/json_edit.h"
#include "format/npy.h"
#include "format/output_path.h"
#include "model/folder_output_parts.h"

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the folder of the output");
}

static clq_status refuse(const char *path, const char *what, clq_error *error)
{
    char shown[400];
    clq_printable(shown, sizeof shown, path, strlen(path));
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: %s", shown, what);
}

int clq_request_writes_folder(const clq_file_request *request)
{
    const char *path = request->output;
    if (clq_ends_with(path, "/") || clq_is_folder(path)) {
        return 1;
    }
    return request->input != NULL && clq_is_folder(request->input) && !clq_is_npy_name(path) &&
           !clq_ends_with(path, ".safetensors") && !clq_ends_with(path, CLQ_INDEX_SUFFIX) &&
           !clq_ends_with(path, ".gguf");
}

/* ---- where it is ---- */

/* Whether `path`, without links, is the folder with these facts or lies in it. It is cut to pieces. */
static int lies_in(char *part, const struct stat *folder)
{
    int found = 0;
    for (size_t length = strlen(part); length > 0 && !found;) {
        struct stat facts;
        found = stat(part, &facts) == 0 && facts.st_dev == folder->st_dev && facts.st_ino == folder->st_ino;
        while (length > 0 && part[length - 1] != '/') {
            length--;
        }
        while (length > 1 && part[length - 1] == '/') {
            length--;
        }
        if (length <= 1 && part[1] == '\0') {
            break;
        }
        part[length] = '\0';
    }
    return found;
}

/* The folder that the output's folder is made in. malloc'ed. */
static char *parent_of(const char *path)
{
    const char *name = clq_path_file_name(path);
    return name == path ? strdup(".") : strndup(path, (size_t)(name - path));
}

static clq_status check_parent(clq_folder_output *folder, char **real, clq_error *error)
{
    char *parent = parent_of(folder->path);
    struct stat facts;
    char shown[400];
    int reason;
    if (parent == NULL) {
        return no_memory(error);
    }
    *real = realpath(parent, NULL);
    reason = *real == NULL ? errno : stat(*real, &facts) != 0 ? errno : S_ISDIR(facts.st_mode) ? 0 : ENOTDIR;
    if (reason == 0 && access(*real, W_OK | X_OK) != 0) {
        reason = errno;
    }
    free(parent);
    if (reason == 0) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, folder->path, strlen(folder->path));
    return clq_fail(error, CLQ_IO_ERROR, "%s: cannot be made: %s; a folder is made in one that exists", shown,
                    strerror(reason));
}

static clq_status check_existing(clq_folder_output *folder, char **real, clq_error *error)
{
    char shown[400];
    clq_printable(shown, sizeof shown, folder->path, strlen(folder->path));
    CLQ_REQUIRE(clq_is_folder(folder->path), "%s: is not a folder; the model of a folder becomes a folder", shown);
    if (access(folder->path, R_OK | W_OK | X_OK) != 0) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: cannot be written: %s", shown, strerror(errno));
    }
    *real = realpath(folder->path, NULL);
    return *real != NULL ? CLQ_OK : no_memory(error);
}

/* Neither folder may be, hold or lie in the other: what is written would be read, or copied into itself. */
static clq_status check_apart(clq_folder_output *folder, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *in = NULL;
    char *out = NULL;
    struct stat in_facts, out_facts;
    folder->exists = lstat(folder->path, &out_facts) == 0;
    CLQ_TRY_TO(folder->exists ? check_existing(folder, &out, error) : check_parent(folder, &out, error));
    in = realpath(folder->model->folder, NULL);
    if (in == NULL && errno == ENOMEM) {
        CLQ_TRY_TO(no_memory(error));
    }
    if (in == NULL || stat(in, &in_facts) != 0 || stat(out, &out_facts) != 0) {
        CLQ_TRY_TO(refuse(folder->model->folder, "vanished meanwhile", error));
    }
    if (folder->exists && in_facts.st_dev == out_facts.st_dev && in_facts.st_ino == out_facts.st_ino) {
        CLQ_TRY_TO(refuse(folder->path, "is the folder of the input; another is required", error));
    }
    if (lies_in(out, &in_facts)) {
        CLQ_TRY_TO(refuse(folder->path, "lies in the folder of the input; one outside of it is required", error));
    }
    if (folder->exists && lies_in(in, &out_facts)) {
        CLQ_TRY_TO(refuse(folder->path, "holds the folder of the input; one beside it is required", error));
    }
done:
    free(in);
    free(out);
    return status;
}

/* ---- the life of it ---- */

static clq_status refuse_folder_of_file(const clq_model *model, const char *path, clq_error *error)
{
    char shown[300];
    char name[300];
    const char *own = clq_path_file_name(model->path);
    clq_printable(shown, sizeof shown, path, strlen(path));
    clq_printable(name, sizeof name, own, strlen(own));
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "%s: is a folder; the name of a file is required, since the input %s is one", shown, name);
}

/* The name of the weights: the model's own, or "model" with the ending. */
static void name_weights(const char *own, const char *suffix, char *name, size_t capacity)
{
    const int is_kept = suffix != NULL ? clq_ends_with(own, suffix)
                                       : clq_ends_with(own, ".safetensors") || clq_ends_with(own, CLQ_INDEX_SUFFIX);
    snprintf(name, capacity, "%s%s", is_kept ? own : "model", is_kept ? "" : suffix != NULL ? suffix : ".safetensors");
}

static clq_status create(clq_folder_output *folder, const char *path, const char *suffix, clq_error *error)
{
    char name[NAME_MAX + 1];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    folder->path = strndup(path, length);
    name_weights(clq_path_file_name(folder->model->path), suffix, name, sizeof name);
    folder->weights = folder->path != NULL ? clq_folder_path(folder->path, name) : NULL;
    return folder->weights != NULL ? check_apart(folder, error) : no_memory(error);
}

clq_status clq_folder_output_create(clq_job *job, const clq_model *model, const char *suffix, clq_folder_output **out,
                                    clq_error *error)
{
    const clq_file_request *request = job->request;
    clq_folder_output *folder = NULL;
    *out = NULL;
    if (!clq_request_writes_folder(request)) {
        return CLQ_OK;
    }
    if (model->folder == NULL) {
        return refuse_folder_of_file(model, request->output, error);
    }
    CLQ_REQUIRE(request->output[0] != '\0', "the name of a folder to write is required; an empty one was given");
    CLQ_REQUIRE(request->tensors.count == 0, "--tensor: a folder gets the whole model; name a file for a part of it");
    folder = calloc(1, sizeof *folder);
    *out = folder;
    if (folder == NULL) {
        return no_memory(error);
    }
    folder->job = job;
    folder->model = model;
    return create(folder, request->output, suffix, error);
}

const char *clq_folder_output_path(const clq_folder_output *folder, const clq_file_request *request)
{
    return folder != NULL ? folder->weights : request->output;
}

int clq_folder_output_exists(const clq_folder_output *folder)
{
    return folder->exists;
}

/* What a person should know who expects the model to be one of floating point, with a config.json. */
static clq_status tell_config(const clq_folder_output *folder, clq_error *error)
{
    const char *text = folder->config_text;
    const char *what = folder->config_shown;
    clq_json_span found, method = {0, 0, 0, 0};
    char shown[100] = "";
    if (text == NULL) {
        clq_job_warn(folder->job, "%s: there is no config.json; one with the quantization_config alone is written",
                     folder->model->folder);
        return CLQ_OK;
    }
    CLQ_TRY(clq_json_locate(text, folder->config_length, what, CLQ_CONFIG_KEY, &found, error));
    if (found.found && text[found.value] == '{') {
        CLQ_TRY(clq_json_locate(text + found.value, found.end - found.value, what, "quant_method", &method, error));
    }
    if (found.found) {
        clq_printable(shown, sizeof shown, text + found.value + method.value, method.end - method.value);
        clq_job_warn(folder->job, "%s: the model is quantized already%s%s; its quantization_config is replaced", what,
                     method.found ? ", by " : "", shown);
    }
    return CLQ_OK;
}

clq_status clq_folder_output_config(clq_folder_output *folder, const char *config, size_t length, clq_error *error)
{
    clq_json_span span = {0, 0, 0, 0};
    const char *text = folder->config_text;
    if (config != NULL) {
        CLQ_TRY(tell_config(folder, error));
        CLQ_TRY(clq_json_locate(config, length, "the configuration", CLQ_CONFIG_KEY, &span, error));
    }
    free(folder->edited);
    folder->edited = NULL;
    if (text == NULL && config == NULL) {
        return CLQ_OK;
    }
    if (text == NULL) {
        folder->edited = strndup(config, length);
        folder->edited_length = length;
        return folder->edited != NULL ? CLQ_OK : no_memory(error);
    }
    return clq_json_edit(text, folder->config_length, folder->config_shown, CLQ_CONFIG_KEY,
                         config != NULL ? config + span.value : NULL, span.end - span.value, &folder->edited,
                         &folder->edited_length, error);
}

static clq_status make(clq_folder_output *folder, clq_error *error)
{
    char shown[400];
    if (folder->exists) {
        return CLQ_OK;
    }
    if (mkdir(folder->path, 0777) != 0) {
        if (errno == EEXIST && folder->job->request->parts > 0) { /* by another part, which began at the same time */
            return CLQ_OK;
        }
        clq_printable(shown, sizeof shown, folder->path, strlen(folder->path));
        return clq_fail(error, CLQ_IO_ERROR, "%s: the folder cannot be made: %s", shown, strerror(errno));
    }
    folder->made = 1;
    return clq_path_flush_folder(folder->path, error);
}

clq_status clq_folder_output_begin(clq_folder_output *folder, clq_output *output, clq_error *error)
{
    const clq_output_steps steps = {folder, clq_folder_output_before, clq_folder_output_between,
                                    clq_folder_output_after};
    const uint64_t bytes = folder->job->report->bytes_out + folder->list.bytes;
    /* What is to be continued is on the disk already, and each file is checked by itself. */
    if (!folder->job->request->resume) {
        CLQ_TRY(clq_path_check_space(folder->path, bytes, error));
    }
    CLQ_TRY(make(folder, error));
    clq_output_set_steps(output, &steps);
    return CLQ_OK;
}

void clq_folder_output_close(clq_folder_output **out, clq_status status, int kept)
{
    clq_folder_output *folder = *out;
    if (folder == NULL) {
        return;
    }
    if (status != CLQ_OK || !folder->named) {
        clq_folder_output_undo(folder, kept);
    }
    clq_folder_list_release(&folder->list);
    clq_name_set_release(&folder->stale);
    clq_name_set_release(&folder->aside);
    clq_name_set_release(&folder->created);
    free(folder->config.name);
    free(folder->config.real);
    free(folder->config_text);
    free(folder->edited);
    free(folder->weights);
    free(folder->path);
    free(folder);
    *out = NULL;
}

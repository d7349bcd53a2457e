/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run that writes a folder: what goes where, in which order, and the way back. */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/file.h"
#include "format/output_path.h"
#include "model/folder_output_parts.h"
#include "model/shown.h"

static clq_status fail(const char *path, const char *what, clq_error *error)
{
    const int reason = errno;
    return clq_fail(error, CLQ_IO_ERROR, "%s: cannot %s: %s", clq_show(path).text, what, strerror(reason));
}

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the folder of the output");
}

/* ".NAME.replaced" where NAME is, in a sub-folder too, malloc'ed. */
static char *aside_path(const clq_folder_output *folder, const char *name)
{
    const size_t bytes = strlen(folder->path) + strlen(name) + sizeof CLQ_REPLACED_SUFFIX + 3;
    const size_t before = (size_t)(clq_path_file_name(name) - name);
    char *path = malloc(bytes);
    if (path != NULL) {
        snprintf(path, bytes, "%s/%.*s.%s%s", folder->path, (int)before, name, name + before, CLQ_REPLACED_SUFFIX);
    }
    return path;
}

/* ---- before the weights get their names ---- */

static clq_status set_aside(clq_folder_output *folder, const char *name, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *from = clq_folder_path(folder->path, name);
    char *to = aside_path(folder, name);
    if (from == NULL || to == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    CLQ_TRY_TO(clq_name_set_add(&folder->aside, name, strlen(name), error));
    if (renameat(AT_FDCWD, from, AT_FDCWD, to) != 0) {
        CLQ_TRY_TO(fail(from, "be set aside", error));
    }
done:
    free(from);
    free(to);
    return status;
}

/* Whether `name` is of the model that is replaced: of a run that is continued some have their names already. */
static clq_status is_old(const clq_folder_output *folder, const char *name, int *old, clq_error *error)
{
    char *path = clq_folder_path(folder->path, name);
    *old = 0;
    if (path == NULL) {
        return no_memory(error);
    }
    if (strcmp(name, CLQ_CONFIG_NAME) == 0) {
        *old = folder->edited == NULL || !clq_file_has_bytes(path, folder->edited, folder->edited_length);
    } else if (name[0] != '.' && clq_ends_with(name, CLQ_INDEX_SUFFIX)) {
        *old = !clq_output_index_is_placed(folder->output) || !clq_path_same(path, folder->weights);
    }
    free(path);
    return CLQ_OK;
}

/* Without config.json and an index, what is there is no model to a loader, whatever mixture of two its weights are. */
static clq_status set_model_aside(clq_folder_output *folder, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    CLQ_TRY_TO(clq_folder_names(folder->path, &names, error));
    for (size_t i = 0; i < names.count && folder->job->request->replace; i++) {
        int old = 0;
        CLQ_TRY_TO(is_old(folder, names.names[i], &old, error));
        if (old) {
            CLQ_TRY_TO(set_aside(folder, names.names[i], error));
        }
    }
    if (folder->aside.count > 0) {
        CLQ_TRY_TO(clq_path_flush(folder->path, error));
    }
done:
    clq_name_set_release(&names);
    return status;
}

static clq_status make_sub_folders(clq_folder_output *folder, const char *name, clq_error *error)
{
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        clq_status status = CLQ_OK;
        char *part = strndup(name, (size_t)(slash - name));
        char *path = part != NULL ? clq_folder_path(folder->path, part) : NULL;
        if (path == NULL) {
            status = no_memory(error);
        } else if (mkdir(path, 0777) == 0) {
            status = clq_name_set_add(&folder->created, part, strlen(part), error);
            status = status == CLQ_OK ? clq_path_flush_folder(path, error) : status;
        } else if (errno != EEXIST) {
            status = fail(path, "be made", error);
        }
        free(part);
        free(path);
        CLQ_TRY(status);
    }
    return CLQ_OK;
}

/* Under a name of its own first, so that it is there as a whole or not at all. */
static clq_status write_copy(const char *path, const clq_folder_file *file, int replace, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    uint64_t bytes = 0;
    int fd = -1;
    CLQ_TRY_TO(clq_file_open_as(file->real, file->real, O_NOFOLLOW, &fd, &bytes, error));
    CLQ_TRY_TO(clq_writer_open(path, bytes, replace, &writer, error));
    CLQ_TRY_TO(clq_writer_copy(writer, fd, file->real, bytes, error));
    CLQ_TRY_TO(clq_writer_set_mode(writer, file->mode, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* What is there already stays; what is replaced can be put back. */
static clq_status copy_file(clq_folder_output *folder, const clq_folder_file *file, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *path = clq_folder_path(folder->path, file->name);
    struct stat facts;
    if (path == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    CLQ_TRY_TO(clq_job_check_cancelled(folder->job, error));
    if (clq_file_has_bytes_of(path, file)) {
        clq_writer_clear(path);
        goto done;
    }
    if (folder->job->request->replace && lstat(path, &facts) == 0) {
        CLQ_TRY_TO(set_aside(folder, file->name, error));
    }
    CLQ_TRY_TO(make_sub_folders(folder, file->name, error));
    CLQ_TRY_TO(clq_name_set_add(&folder->created, file->name, strlen(file->name), error));
    status = write_copy(path, file, folder->job->request->replace, error);
done:
    free(path);
    return status;
}

clq_status clq_folder_output_before(void *cookie, clq_error *error)
{
    clq_folder_output *folder = cookie;
    clq_job_progress_after(folder->job, "copying what is no weight");
    CLQ_TRY(set_model_aside(folder, error));
    for (size_t i = 0; i < folder->list.count; i++) {
        CLQ_TRY(copy_file(folder, &folder->list.files[i], error));
    }
    clq_job_progress_after(folder->job, "flushing to disk");
    folder->named = 1;
    return CLQ_OK;
}

/* ---- between weights and index ---- */

static clq_status remove_stale(const clq_folder_output *folder, clq_error *error)
{
    for (size_t i = 0; i < folder->stale.count; i++) {
        char *path = clq_folder_path(folder->path, folder->stale.names[i]);
        clq_status status = CLQ_OK;
        if (path == NULL) {
            return no_memory(error);
        }
        if (unlinkat(AT_FDCWD, path, 0) != 0 && errno != ENOENT) {
            status = fail(path, "be removed, which belongs to the model that was replaced", error);
        }
        free(path);
        CLQ_TRY(status);
    }
    return folder->stale.count > 0 ? clq_path_flush(folder->path, error) : CLQ_OK;
}

/* Those of DIR's own, as of all files; where DIR has none, of the one that was set aside. */
static clq_status set_config_mode(const clq_folder_output *folder, clq_writer *writer, clq_error *error)
{
    struct stat facts = {.st_mode = folder->config.mode};
    char *aside = folder->config.name == NULL ? aside_path(folder, CLQ_CONFIG_NAME) : NULL;
    const int known = folder->config.name != NULL || (aside != NULL && lstat(aside, &facts) == 0);
    free(aside);
    return known ? clq_writer_set_mode(writer, facts.st_mode & 0777, error) : CLQ_OK;
}

static clq_status write_config(const clq_folder_output *folder, const char *path, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *writer = NULL;
    CLQ_TRY_TO(clq_writer_open(path, folder->edited_length, folder->job->request->replace, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, folder->edited, folder->edited_length, error));
    CLQ_TRY_TO(set_config_mode(folder, writer, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    return status;
}

clq_status clq_folder_output_between(void *cookie, clq_error *error)
{
    clq_folder_output *folder = cookie;
    clq_status status = CLQ_OK;
    char *path = clq_folder_path(folder->path, CLQ_CONFIG_NAME);
    if (path == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    CLQ_TRY_TO(remove_stale(folder, error));
    if (folder->edited != NULL && clq_file_has_bytes(path, folder->edited, folder->edited_length)) {
        clq_writer_clear(path);
    } else if (folder->edited != NULL) {
        CLQ_TRY_TO(write_config(folder, path, error));
    }
done:
    free(path);
    return status;
}

/* ---- afterwards ---- */

static void remove_aside(const clq_folder_output *folder, const char *name)
{
    char *path = aside_path(folder, name);
    (void)!(path != NULL && unlinkat(AT_FDCWD, path, 0) == 0);
    free(path);
}

/* Also what a run that was killed set aside. What cannot be removed is hidden, and does no harm. */
void clq_folder_output_after(void *cookie)
{
    const clq_folder_output *folder = cookie;
    clq_name_set names = {0};
    for (size_t i = 0; i < folder->list.count; i++) {
        remove_aside(folder, folder->list.files[i].name);
    }
    remove_aside(folder, CLQ_CONFIG_NAME);
    if (clq_folder_names(folder->path, &names, NULL) == CLQ_OK) {
        for (size_t i = 0; i < names.count; i++) {
            const char *name = names.names[i];
            char *path = clq_folder_path(folder->path, name);
            if (path != NULL && name[0] == '.' && clq_ends_with(name, CLQ_INDEX_SUFFIX CLQ_REPLACED_SUFFIX)) {
                (void)!unlinkat(AT_FDCWD, path, 0);
            }
            free(path);
        }
    }
    clq_name_set_release(&names);
}

static void put_back(const clq_folder_output *folder, const char *name)
{
    char *from = aside_path(folder, name);
    char *to = clq_folder_path(folder->path, name);
    struct stat facts;
    if (from != NULL && to != NULL && lstat(to, &facts) != 0) {
        (void)!renameat(AT_FDCWD, from, AT_FDCWD, to);
    }
    free(from);
    free(to);
}

/* Folders that hold something by now stay. */
static void remove_created(const clq_folder_output *folder)
{
    for (size_t i = folder->created.count; i-- > 0;) {
        char *path = clq_folder_path(folder->path, folder->created.names[i]);
        if (path != NULL) {
            (void)!(unlinkat(AT_FDCWD, path, 0) == 0 || rmdir(path) == 0);
        }
        free(path);
    }
}

void clq_folder_output_undo(clq_folder_output *folder, int kept)
{
    if (!kept && !folder->named) {
        remove_created(folder);
    }
    for (size_t i = 0; i < folder->aside.count && !folder->named; i++) {
        put_back(folder, folder->aside.names[i]);
    }
    if (folder->made && !folder->named) {
        (void)!rmdir(folder->path);
    }
}

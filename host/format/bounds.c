/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */
#define _FILE_OFFSET_BITS 64

#include "format/bounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/support.h"

/* Whether NAME lies beside `folder` (of so many bytes) and is a folder, not a link to one. */
static char *beside(const char *folder, size_t length, const char *name)
{
    struct stat facts;
    char *path = malloc(length + strlen(name) + 1);
    while (length > 0 && folder[length - 1] != '/') {
        length--;
    }
    if (path != NULL) {
        memcpy(path, folder, length);
        strcpy(path + length, name);
        if (lstat(path, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
            free(path);
            path = NULL;
        }
    }
    return path;
}

static int last_part_is(const char *path, size_t length, const char *name)
{
    const size_t name_length = strlen(name);
    return length > name_length && path[length - name_length - 1] == '/' &&
           memcmp(path + length - name_length, name, name_length) == 0;
}

/* The folder may lie deeper than the snapshot: pipelines have a folder for each of their models. */
static char *find_blobs(const char *folder)
{
    for (size_t length = strlen(folder); length > 0; length--) {
        const int ends_part = folder[length] == '\0' || folder[length] == '/';
        if (ends_part && folder[length] == '/' && last_part_is(folder, length, "snapshots")) {
            return beside(folder, length, "blobs");
        }
    }
    return NULL;
}

clq_status clq_bounds_find(const char *folder, int anywhere, clq_bounds *bounds, clq_error *error)
{
    bounds->blobs = NULL;
    bounds->anywhere = anywhere;
    bounds->folder = realpath(folder, NULL);
    if (bounds->folder == NULL) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: its folder cannot be found: %s", clq_show_path(folder).text,
                        clq_show_errno(errno).text);
    }
    bounds->blobs = find_blobs(bounds->folder);
    return CLQ_OK;
}

void clq_bounds_release(clq_bounds *bounds)
{
    free(bounds->folder);
    free(bounds->blobs);
    bounds->folder = NULL;
    bounds->blobs = NULL;
}

static int is_within(const char *folder, const char *real)
{
    const size_t length = folder != NULL ? strlen(folder) : 0;
    return length > 0 && strncmp(real, folder, length) == 0 && (real[length] == '/' || folder[length - 1] == '/');
}

int clq_bounds_hold(const clq_bounds *bounds, const char *real)
{
    return bounds->anywhere || is_within(bounds->folder, real) || is_within(bounds->blobs, real);
}

clq_status clq_bounds_resolve(const clq_bounds *bounds, const char *path, char **real, clq_error *error)
{
    *real = realpath(path, NULL);
    if (*real == NULL) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: cannot open: %s", clq_show_path(path).text,
                        clq_show_errno(errno).text);
    }
    if (!clq_bounds_hold(bounds, *real)) {
        const clq_status status =
            clq_fail(error, CLQ_BAD_FILE,
                     "%s: is a symbolic link that leads out of the folder, to '%s'; --follow-links reads it",
                     clq_show_path(path).text, clq_show_path(*real).text);
        free(*real);
        *real = NULL;
        return status;
    }
    return CLQ_OK;
}

int clq_leads_into_cache(const char *path)
{
    struct stat facts;
    char *real = NULL;
    char *snapshots = NULL;
    const char *slash;
    int leads;
    if (lstat(path, &facts) != 0 || !S_ISLNK(facts.st_mode)) {
        return 0;
    }
    real = realpath(path, NULL);
    slash = real != NULL ? strrchr(real, '/') : NULL;
    if (slash != NULL && last_part_is(real, (size_t)(slash - real), "blobs")) {
        snapshots = beside(real, (size_t)(slash - real), "snapshots");
    }
    leads = snapshots != NULL;
    free(real);
    free(snapshots);
    return leads;
}

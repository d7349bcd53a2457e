/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "format/output_path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* As long as a path may be on Linux; a longer one fails in stat(2) anyway. */
enum { PATH_BYTES = 4096 };

const char *clq_path_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* What stat(2) tells of the folder that `path` lies in; 0 when it fails, with errno set. */
static int folder_facts(const char *path, struct stat *facts)
{
    const size_t length = (size_t)(clq_path_file_name(path) - path);
    char folder[PATH_BYTES] = ".";
    if (length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return 0;
    }
    if (length > 0) {
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    return stat(folder, facts) == 0;
}

static clq_status check_folder_of(const char *path, clq_error *error)
{
    struct stat facts;
    const int found = folder_facts(path, &facts);
    const int reason = found ? ENOTDIR : errno;
    char shown[400];
    if (found && S_ISDIR(facts.st_mode)) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, path, strlen(path));
    return clq_fail(error, CLQ_IO_ERROR, "%s: cannot be written: %s; the output needs a folder that exists", shown,
                    strerror(reason));
}

clq_status clq_path_check(const char *path, const clq_model *model, int replace, clq_error *error)
{
    char shown[400];
    struct stat facts;
    CLQ_TRY(check_folder_of(path, error));
    CLQ_TRY(clq_model_refuse_output(model, path, error));
    clq_printable(shown, sizeof shown, path, strlen(path));
    if (lstat(path, &facts) != 0) {
        return errno == ENOENT ? CLQ_OK
                               : clq_fail(error, CLQ_IO_ERROR, "%s: cannot be written: %s", shown, strerror(errno));
    }
    /* A link to nothing is the writer's to refuse. */
    if (stat(path, &facts) == 0) {
        CLQ_REQUIRE(!S_ISDIR(facts.st_mode), "%s: is a folder; the name of a file is required", shown);
        CLQ_REQUIRE(S_ISREG(facts.st_mode), "%s: is a pipe, socket or device, which is never replaced by a file",
                    shown);
    }
    CLQ_REQUIRE(replace != 0, "%s exists; --force replaces it", shown);
    return CLQ_OK;
}

int clq_path_same(const char *a, const char *b)
{
    struct stat left, right;
    if (stat(a, &left) == 0 && stat(b, &right) == 0) {
        return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
    }
    return strcmp(clq_path_file_name(a), clq_path_file_name(b)) == 0 && folder_facts(a, &left) &&
           folder_facts(b, &right) && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#define _FILE_OFFSET_BITS 64

#include "format/output_path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/size.h"
#include "format/bounds.h"
#include "format/folder.h"
#include "format/place.h"

/* As long as a path may be on Linux; a longer one fails in stat(2) anyway. */
enum { PATH_BYTES = 4096 };

const char *clq_path_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

char *clq_path_target(const char *path)
{
    struct stat facts;
    char *target = lstat(path, &facts) == 0 && S_ISLNK(facts.st_mode) ? realpath(path, NULL) : NULL;
    return target != NULL ? target : strdup(path);
}

/* The folder that `path` lies in; 0 when its name is too long, with errno set. */
static int folder_of(const char *path, char folder[PATH_BYTES])
{
    const size_t length = (size_t)(clq_path_file_name(path) - path);
    if (length >= PATH_BYTES) {
        errno = ENAMETOOLONG;
        return 0;
    }
    memcpy(folder, length > 0 ? path : ".", length > 0 ? length : 1);
    folder[length > 0 ? length : 1] = '\0';
    return 1;
}

/* What stat(2) tells of the folder that `path` lies in; 0 when it fails, with errno set. */
static int folder_facts(const char *path, struct stat *facts)
{
    char folder[PATH_BYTES];
    return folder_of(path, folder) && stat(folder, facts) == 0;
}

int clq_path_has_folder(const char *path)
{
    struct stat facts;
    return folder_facts(path, &facts) && S_ISDIR(facts.st_mode);
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
    struct stat facts;
    int exists = 0;
    CLQ_TRY(check_folder_of(path, error));
    CLQ_TRY(model != NULL ? clq_model_refuse_output(model, path, error) : CLQ_OK);
    /* A link to nothing is refused now, as the writer does: until then it may lead to what this run has written. */
    CLQ_TRY(clq_place_look(path, &facts, &exists, error));
    CLQ_REQUIRE(!exists || replace > 0, "%s exists; %s", clq_show_path(path).text,
                replace == CLQ_NOT_REPLACED ? "--force replaces it"
                                            : "--resume --force continues the run that was killed, and replaces it");
    return CLQ_OK;
}

clq_status clq_path_check_ending(const char *path, const clq_written *written, clq_error *error)
{
    const char *ending = clq_ends_with(path, CLQ_INDEX_SUFFIX) ? CLQ_INDEX_SUFFIX
                         : clq_holds_weights(path) || clq_ends_with(path, ".npy")
                             ? strrchr(clq_path_file_name(path), '.')
                             : NULL;
    for (size_t i = 0; i < CLQ_WRITTEN_ENDINGS && ending != NULL && written->endings[i] != NULL; i++) {
        ending = strcmp(ending, written->endings[i]) != 0 ? ending : NULL;
    }
    CLQ_REQUIRE(ending == NULL,
                "%s: %s is what will be written, and a name that ends in %s is another kind's: %s is required%s",
                clq_show_path(path).text, written->what, clq_show_name(ending).text,
                written->endings[0] != NULL ? written->endings[0] : "another name", written->otherwise);
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

clq_status clq_path_refuse_input(const char *path, const char *input, clq_error *error)
{
    CLQ_REQUIRE(input == NULL || !clq_path_same(path, input),
                "%s: is the same file as the input %s; another is required", clq_show_path(path).text,
                clq_show_path(input).text);
    return CLQ_OK;
}

clq_status clq_path_check_space(const char *path, uint64_t bytes, clq_error *error)
{
    char parent[PATH_BYTES];
    struct statvfs facts;
    uint64_t available = 0;
    const int found = statvfs(path, &facts) == 0 || (folder_of(path, parent) && statvfs(parent, &facts) == 0);
    /* Some network file systems know no sizes and report zeros. */
    if (found && facts.f_blocks != 0 && clq_size_multiply(facts.f_bavail, facts.f_frsize, &available) &&
        available < bytes) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: %" PRIu64 " bytes (%s) are needed, and the file system has %s free",
                        clq_show_path(path).text, bytes, clq_show_size(bytes).text, clq_show_size(available).text);
    }
    return CLQ_OK;
}

clq_status clq_path_flush(const char *folder, clq_error *error)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems cannot flush a folder and say EINVAL. */
    const int flushed = fd >= 0 && (clq_flush(fd) == 0 || errno == EINVAL);
    const int reason = errno;
    if (fd >= 0) {
        close(fd);
    }
    return flushed ? CLQ_OK
                   : clq_fail(error, CLQ_IO_ERROR, "%s: cannot flush the folder to disk: %s",
                              clq_show_path(folder).text, clq_show_errno(reason).text);
}

clq_status clq_path_flush_folder(const char *path, clq_error *error)
{
    char folder[PATH_BYTES];
    return folder_of(path, folder)
               ? clq_path_flush(folder, error)
               : clq_fail(error, CLQ_IO_ERROR, "%s: its name is too long", clq_show_path(path).text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files are written beside their place and renamed (temporary.h), so readers need no lock. */
#include "opencl/runtime/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/temporary.h"

/* While a file is written, it has a name that all have in common. */
static const char temporary_entry[] = ".entry" CLQ_TEMPORARY_SUFFIX;

static int open_folder(const char *directory)
{
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The whole file, or NULL. */
static unsigned char *read_file(int folder, const char *name, size_t *bytes)
{
    struct stat info;
    unsigned char *data = NULL;
    size_t done = 0;
    /* Without O_NONBLOCK, opening a FIFO would wait for someone to write to it. */
    const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 && info.st_size <= CLQ_CL_FILE_BYTES &&
        (data = malloc((size_t)info.st_size)) != NULL) {
        while (done < (size_t)info.st_size) {
            const ssize_t got = read(fd, data + done, (size_t)info.st_size - done);
            if (got <= 0) {
                break;
            }
            done += (size_t)got;
        }
        *bytes = done;
    }
    (void)close(fd);
    return data;
}

static int write_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        const ssize_t put = write(fd, at, bytes);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return 0;
        }
        at += put;
        bytes -= (size_t)put;
    }
    return 1;
}

static int write_file(int folder, const char *name, const clq_cl_piece *pieces, size_t count)
{
    char temporary[sizeof temporary_entry];
    int fd;
    int written = 1;
    int reason;
    memcpy(temporary, temporary_entry, sizeof temporary);
    clq_temporary_remove_left(folder, temporary);
    fd = clq_temporary_make(folder, temporary, 0600);
    if (fd < 0) {
        return 0;
    }
    for (size_t i = 0; i < count && written; i++) {
        written = write_all(fd, pieces[i].data, pieces[i].bytes);
    }
    written = written && renameat(folder, temporary, folder, name) == 0;
    reason = errno;
    if (!written) {
        (void)unlinkat(folder, temporary, 0);
    }
    (void)close(fd); /* the lock is held until here; what closing could tell, the hash in the file tells as well */
    errno = reason;
    return written;
}

unsigned char *clq_cl_file_read(const char *directory, const char *name, size_t *bytes)
{
    const int folder = open_folder(directory);
    unsigned char *data = NULL;
    if (folder >= 0) {
        data = read_file(folder, name, bytes);
        (void)close(folder);
    }
    return data;
}

int clq_cl_file_write(const char *directory, const char *name, const clq_cl_piece *pieces, size_t count)
{
    const int folder = open_folder(directory);
    int written = 0;
    if (folder >= 0) {
        written = write_file(folder, name, pieces, count);
        (void)close(folder); /* a folder that was read has nothing to tell; errno stays for the caller */
    }
    return written;
}

void clq_cl_file_remove(const char *directory, const char *name)
{
    const int folder = open_folder(directory);
    if (folder >= 0) {
        (void)unlinkat(folder, name, 0);
        (void)close(folder);
    }
}

/* ---- the folder itself ---- */

/* Make the directory and those above it; the last one with mode 0700. */
static int make_directories(const char *directory)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s", directory) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return 0;
    }
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return 0;
        }
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

clq_status clq_cl_folder_make(const char *directory, clq_error *error)
{
    struct stat info;
    CLQ_REQUIRE(directory[0] != '\0' && strlen(directory) < 3000,
                "program cache: the directory's name is empty or too long");
    if (!make_directories(directory) || stat(directory, &info) != 0) {
        return clq_fail(error, CLQ_IO_ERROR, "program cache: cannot make %s: %s", directory, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        return clq_fail(error, CLQ_IO_ERROR, "program cache: %s is not a directory", directory);
    }
    if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return clq_fail(error, CLQ_IO_ERROR,
                        "program cache: %s must belong to the user and be writable by no one else (programs are code)",
                        directory);
    }
    return CLQ_OK;
}

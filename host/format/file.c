/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "format/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/size.h"
#include "format/support.h"

/* Linux moves at most 2 GiB less a page in one call; smaller steps cost nothing. */
enum { STEP_BYTES = 1 << 30 };

static clq_status fail_special(const char *path, clq_error *error)
{
    return clq_fail(error, CLQ_BAD_FILE, "%s: is a pipe, socket or device; a regular file is required",
                    clq_show_path(path).text);
}

clq_status clq_file_open_as(const char *path, const char *shown_path, int flags, int *fd, uint64_t *bytes,
                            clq_error *error)
{
    clq_status status = CLQ_OK;
    struct stat facts;
    int opened = -1;
    *fd = -1;
    *bytes = 0;
    /* Without O_NONBLOCK, opening a FIFO would wait for someone to write to it. */
    do {
        opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
    } while (opened < 0 && errno == EINTR);
    /* So does a socket answer, and a device behind which there is nothing. */
    if (opened < 0 && errno == ENXIO) {
        status = fail_special(shown_path, error);
        goto done;
    }
    if (opened < 0 || fstat(opened, &facts) != 0) {
        status = clq_fail(error, CLQ_IO_ERROR, "%s: cannot open: %s", clq_show_path(shown_path).text,
                          clq_show_errno(errno).text);
        goto done;
    }
    if (S_ISDIR(facts.st_mode)) {
        status = clq_fail(error, CLQ_BAD_FILE, "%s: is a folder; a file is required", clq_show_path(shown_path).text);
        goto done;
    }
    if (!S_ISREG(facts.st_mode)) {
        status = fail_special(shown_path, error);
        goto done;
    }
    *fd = opened;
    *bytes = (uint64_t)facts.st_size;
    opened = -1;
done:
    if (opened >= 0) {
        close(opened);
    }
    return status;
}

clq_status clq_file_open(const char *path, int *fd, uint64_t *bytes, clq_error *error)
{
    CLQ_REQUIRE(path != NULL && path[0] != '\0', "a path is required; an empty one was given");
    return clq_file_open_as(path, path, 0, fd, bytes, error);
}

clq_status clq_file_read(int fd, const char *path, uint64_t offset, void *memory, uint64_t bytes, clq_error *error)
{
    unsigned char *out = memory;
    uint64_t end = 0;
    uint64_t position = offset;
    if (!clq_size_add(offset, bytes, &end) || end > INT64_MAX) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: cannot read %" PRIu64 " bytes at %" PRIu64 ": out of range",
                        clq_show_path(path).text, bytes, offset);
    }
    while (position < end) {
        const size_t step = (size_t)clq_size_min(end - position, STEP_BYTES);
        const ssize_t got = pread(fd, out, step, (off_t)position);
        if (got == 0) {
            return clq_fail(error, CLQ_IO_ERROR,
                            "%s: changed while it was read: it now ends at %" PRIu64 ", and %" PRIu64 " is required",
                            clq_show_path(path).text, position, end);
        }
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return clq_fail(error, CLQ_IO_ERROR, "%s: cannot read %zu bytes at %" PRIu64 ": %s",
                            clq_show_path(path).text, step, position, clq_show_errno(errno).text);
        }
        out += got;
        position += (uint64_t)got;
    }
    return CLQ_OK;
}

clq_status clq_file_refuse_same(int fd, const char *in_path, const char *out_path, clq_error *error)
{
    struct stat in;
    struct stat out;
    if (fstat(fd, &in) != 0) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: cannot examine: %s", clq_show_path(in_path).text,
                        clq_show_errno(errno).text);
    }
    /* What cannot be examined is not the file that is open here; opening it for writing will tell what is wrong. */
    if (stat(out_path, &out) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: is the same file as the input %s; another is required",
                        clq_show_path(out_path).text, clq_show_path(in_path).text);
    }
    return CLQ_OK;
}

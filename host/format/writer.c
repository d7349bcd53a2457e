/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "format/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/size.h"
#include "core/temporary.h"

/* Linux moves at most 2 GiB less a page in one call. */
enum { STEP_BYTES = 1 << 30 };

/* The kernel takes the umask off: to ask for it means to set it, which other threads would see. */
static clq_status create_temporary(clq_writer *writer, clq_error *error)
{
    char *name = clq_place_hidden_name(&writer->place, CLQ_TEMPORARY_SUFFIX);
    if (name == NULL) {
        return clq_fail_memory(error, writer->place.path);
    }
    writer->fd = clq_temporary_make(writer->place.folder, name, clq_place_mode(&writer->place));
    if (writer->fd < 0) {
        const int reason = errno;
        free(name);
        return clq_place_fail(&writer->place, "create a file in its folder", reason, error);
    }
    writer->temporary = name;
    return CLQ_OK;
}

/* What killed runs left of the same file; room is made before it is asked for. */
static void remove_left(const clq_writer *writer)
{
    char *name = clq_place_hidden_name(&writer->place, CLQ_TEMPORARY_SUFFIX);
    if (name != NULL) {
        clq_temporary_remove_left(writer->place.folder, name);
    }
    free(name);
}

clq_status clq_writer_create(const char *path, uint64_t planned_bytes, int replace, clq_writer **writer,
                             clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *created = calloc(1, sizeof *created);
    *writer = NULL;
    if (created == NULL) {
        return clq_fail_memory(error, path);
    }
    created->fd = -1;
    created->replace = replace;
    CLQ_TRY_TO(clq_place_find(path, planned_bytes, replace, &created->place, error));
    remove_left(created);
    *writer = created;
    created = NULL;
done:
    clq_writer_abandon(&created);
    return status;
}

void clq_writer_clear(const char *path)
{
    clq_writer *writer = NULL;
    (void)clq_writer_create(path, 0, 1, &writer, NULL);
    clq_writer_abandon(&writer);
}

clq_status clq_writer_open(const char *path, uint64_t planned_bytes, int replace, clq_writer **writer, clq_error *error)
{
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_writer_create(path, planned_bytes, replace, writer, error));
    CLQ_TRY_TO(clq_place_check_space(&(*writer)->place, 0, error));
    CLQ_TRY_TO(create_temporary(*writer, error));
done:
    if (status != CLQ_OK) {
        clq_writer_abandon(writer);
    }
    return status;
}

clq_status clq_writer_write_at(clq_writer *writer, uint64_t offset, const void *memory, uint64_t bytes,
                               clq_error *error)
{
    const unsigned char *from = memory;
    uint64_t position = offset;
    uint64_t end = 0;
    uint64_t seen;
    if (!clq_size_add(offset, bytes, &end) || end > INT64_MAX) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: cannot write %" PRIu64 " bytes at %" PRIu64 ": out of range",
                        clq_show_path(writer->place.path).text, bytes, offset);
    }
    while (position < end) {
        const size_t step = (size_t)clq_size_min(end - position, STEP_BYTES);
        const ssize_t put = pwrite(writer->fd, from, step, (off_t)position);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            writer->failed = 1;
            return clq_fail(error, CLQ_IO_ERROR, "%s: cannot write %" PRIu64 " bytes at %" PRIu64 ": %s%s",
                            clq_show_path(writer->place.path).text, bytes, offset,
                            clq_show_errno(put < 0 ? errno : ENOSPC).text, clq_place_need(&writer->place).text);
        }
        from += put;
        position += (uint64_t)put;
    }
    seen = atomic_load(&writer->end);
    while (seen < end && !atomic_compare_exchange_weak(&writer->end, &seen, end)) {
    }
    return CLQ_OK;
}

clq_status clq_writer_write(clq_writer *writer, const void *memory, uint64_t bytes, clq_error *error)
{
    return clq_writer_write_at(writer, writer->end, memory, bytes, error);
}

/* A run that was killed between giving the second name and taking the first has left both. */
static int is_in_place(const clq_writer *writer)
{
    struct stat own, there;
    return fstatat(writer->place.folder, writer->temporary, &own, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(writer->place.folder, writer->place.name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

/* Give the temporary file its final name. Afterwards it has none of its own, or it still has it and status tells. */
static clq_status rename_into_place(clq_writer *writer, clq_error *error)
{
    int result = -1;
    if (is_in_place(writer)) {
        result = unlinkat(writer->place.folder, writer->temporary, 0);
    } else if (!writer->replace) {
        /* Unlike renameat, linkat leaves a file alone that came into being meanwhile. */
        result = linkat(writer->place.folder, writer->temporary, writer->place.folder, writer->place.name, 0);
        if (result == 0) {
            unlinkat(writer->place.folder, writer->temporary, 0);
        } else if (errno == EEXIST || faccessat(writer->place.folder, writer->place.name, F_OK, 0) == 0) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: came into being meanwhile and may not be replaced",
                            clq_show_path(writer->place.path).text);
        }
    }
    /* Also where the file system has no hard links. */
    if (result != 0) {
        result = renameat(writer->place.folder, writer->temporary, writer->place.folder, writer->place.name);
    }
    if (result != 0) {
        return clq_place_fail(&writer->place, "rename the finished file into place", errno, error);
    }
    free(writer->temporary);
    writer->temporary = NULL;
    return CLQ_OK;
}

clq_status clq_writer_commit(clq_writer **writer, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *w = *writer;
    int held = -1;
    int closed = 0;
    if (w->failed) {
        status = clq_fail(error, CLQ_IO_ERROR, "%s: not finished, since a write failed before",
                          clq_show_path(w->place.path).text);
        goto done;
    }
    if (!w->has_mode) {
        clq_place_keep_permissions(&w->place, w->fd);
    }
    if (clq_flush(w->fd) != 0) {
        status = clq_place_fail(&w->place, "flush to disk", errno, error);
        goto done;
    }
    /* The lock stays until the file has its name; a process without a descriptor to spare gives it up before. */
    held = fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
    /* Whatever close returns, the descriptor is gone; after EINTR there is nothing left to be told. */
    closed = close(w->fd);
    w->fd = held;
    if (closed != 0 && errno != EINTR) {
        status = clq_place_fail(&w->place, "close", errno, error);
        goto done;
    }
    CLQ_TRY_TO(rename_into_place(w, error));
    /* Some file systems cannot flush a folder and say EINVAL. */
    if (clq_flush(w->place.folder) != 0 && errno != EINVAL) {
        status = clq_place_fail(&w->place, "flush the folder to disk (the file is complete)", errno, error);
    }
done:
    clq_writer_abandon(writer);
    return status;
}

void clq_writer_abandon(clq_writer **writer)
{
    clq_writer *w = *writer;
    if (w == NULL) {
        return;
    }
    if (w->temporary != NULL && !w->kept) {
        unlinkat(w->place.folder, w->temporary, 0);
    }
    if (w->fd >= 0) {
        close(w->fd);
    }
    free(w->temporary);
    clq_place_release(&w->place);
    free(w);
    *writer = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */
#define _FILE_OFFSET_BITS 64

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../size.h"
#include "internal.h"

enum {
    STEP_BYTES = 1 << 30, /* Linux moves at most 2 GiB less a page in one call */
    NAME_ATTEMPTS = 100
};

struct clq_writer {
    char *path;      /* as given, for messages */
    char *name;      /* final name within the folder */
    char *temporary; /* name within the folder; NULL while there is no such file */
    int folder;
    int fd;
    int replace;
    int failed; /* a write went wrong: the file must not be committed */
    uint64_t end;
    uint64_t planned_bytes;
};

/* "(the whole file needs 4.0 MiB)", or nothing when that is not known. */
static clq_shown show_need(const clq_writer *writer)
{
    clq_shown shown;
    shown.text[0] = '\0';
    if (writer->planned_bytes > 0) {
        snprintf(shown.text, sizeof shown.text, " (the whole file needs %.100s)",
                 clq_show_size(writer->planned_bytes).text);
    }
    return shown;
}

/* `what` is a verb and its object: "create a file in the folder". */
static clq_status fail_errno(const clq_writer *writer, const char *what, int code, clq_error *error)
{
    return clq_fail(error, CLQ_IO_ERROR, "%s: cannot %s: %s%s", clq_show_path(writer->path).text, what,
                    clq_show_errno(code).text, show_need(writer).text);
}

/*
 * The path that will be renamed to: for a symbolic link the file it leads to, which keeps the link and is what writing
 * in place would have done. A link to nothing is refused as cp(1) does: where it leads is most likely a mistake.
 */
static clq_status resolve_target(const clq_writer *writer, char **target, clq_error *error)
{
    const clq_shown path = clq_show_path(writer->path);
    struct stat facts;
    int exists = lstat(writer->path, &facts) == 0;
    if (!exists && errno != ENOENT) {
        return fail_errno(writer, "write", errno, error);
    }
    if (exists && S_ISLNK(facts.st_mode)) {
        *target = realpath(writer->path, NULL);
        if (*target == NULL && errno == ENOENT) {
            return clq_fail(error, CLQ_IO_ERROR, "%s: is a symbolic link to a file that does not exist", path.text);
        }
        if (*target == NULL || lstat(*target, &facts) != 0) {
            return fail_errno(writer, "follow the symbolic link", errno, error);
        }
    } else {
        *target = clq_copy_text(writer->path, strlen(writer->path));
        if (*target == NULL) {
            return clq_fail_memory(error, writer->path);
        }
    }
    if (exists && S_ISDIR(facts.st_mode)) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: is a folder; the name of a file is required", path.text);
    }
    if (exists && !S_ISREG(facts.st_mode)) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: is a pipe, socket or device, which is never replaced by a file", path.text);
    }
    if (exists && !writer->replace) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: exists already and may not be replaced", path.text);
    }
    return CLQ_OK;
}

/* Split `target`, keep its last part and open its folder. */
static clq_status open_folder(clq_writer *writer, char *target, clq_error *error)
{
    char *slash = strrchr(target, '/');
    const char *name = slash != NULL ? slash + 1 : target;
    const char *folder = ".";
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: does not end in the name of a file",
                        clq_show_path(writer->path).text);
    }
    writer->name = clq_copy_text(name, strlen(name));
    if (writer->name == NULL) {
        return clq_fail_memory(error, writer->path);
    }
    if (slash != NULL) {
        *slash = '\0';
        folder = slash == target ? "/" : target;
    }
    do {
        writer->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (writer->folder < 0 && errno == EINTR);
    if (writer->folder < 0) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: cannot open the folder '%s': %s%s", clq_show_path(writer->path).text,
                        clq_show_path(folder).text, clq_show_errno(errno).text, show_need(writer).text);
    }
    return CLQ_OK;
}

static clq_status check_space(const clq_writer *writer, clq_error *error)
{
    struct statvfs facts;
    uint64_t available = 0;
    /* Some network file systems know no sizes and report zeros. */
    if (writer->planned_bytes == 0 || fstatvfs(writer->folder, &facts) != 0 || facts.f_blocks == 0) {
        return CLQ_OK;
    }
    if (clq_size_multiply(facts.f_bavail, facts.f_frsize, &available) && available < writer->planned_bytes) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: %" PRIu64 " bytes (%s) are needed, and the file system has %s free",
                        clq_show_path(writer->path).text, writer->planned_bytes,
                        clq_show_size(writer->planned_bytes).text, clq_show_size(available).text);
    }
    return CLQ_OK;
}

/* ".NAME.tmp-XXXXXX", where NAME is cut (between characters) when the folder's names may not be that long. */
static char *temporary_name(const clq_writer *writer)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    const size_t extra = sizeof "..tmp-XXXXXX" - 1;
    const long longest = fpathconf(writer->folder, _PC_NAME_MAX);
    const size_t room = longest > (long)extra ? (size_t)longest - extra : 255 - extra;
    size_t length = strlen(writer->name);
    unsigned char random[6];
    char suffix[sizeof random + 1] = {0};
    char *name = NULL;
    if (length > room) {
        length = room;
        while (length > 0 && ((unsigned char)writer->name[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    clq_random_bytes(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) {
        suffix[i] = letters[random[i] % 32];
    }
    name = malloc(length + extra + 1);
    if (name != NULL) {
        snprintf(name, length + extra + 1, ".%.*s.tmp-%s", (int)length, writer->name, suffix);
    }
    return name;
}

/*
 * Created with mode 0666, the kernel takes the umask off: asking for the umask is only possible by setting it, which
 * other threads would see.
 */
static clq_status create_temporary(clq_writer *writer, clq_error *error)
{
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        char *name = temporary_name(writer);
        if (name == NULL) {
            return clq_fail_memory(error, writer->path);
        }
        writer->fd = openat(writer->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (writer->fd >= 0) {
            writer->temporary = name;
            return CLQ_OK;
        }
        free(name);
        if (errno != EEXIST && errno != EINTR) {
            break;
        }
    }
    return fail_errno(writer, "create a file in its folder", errno, error);
}

clq_status clq_writer_open(const char *path, uint64_t planned_bytes, int replace, clq_writer **writer, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *opened = NULL;
    char *target = NULL;
    *writer = NULL;
    CLQ_REQUIRE(path != NULL && path[0] != '\0', "the name of a file to write is required; an empty one was given");
    opened = calloc(1, sizeof *opened);
    if (opened == NULL) {
        return clq_fail_memory(error, path);
    }
    opened->folder = -1;
    opened->fd = -1;
    opened->replace = replace;
    opened->planned_bytes = planned_bytes;
    opened->path = clq_copy_text(path, strlen(path));
    if (opened->path == NULL) {
        status = clq_fail_memory(error, path);
        goto done;
    }
    CLQ_TRY_TO(resolve_target(opened, &target, error));
    CLQ_TRY_TO(open_folder(opened, target, error));
    CLQ_TRY_TO(check_space(opened, error));
    CLQ_TRY_TO(create_temporary(opened, error));
    *writer = opened;
    opened = NULL;
done:
    free(target);
    clq_writer_abandon(&opened);
    return status;
}

clq_status clq_writer_write_at(clq_writer *writer, uint64_t offset, const void *memory, uint64_t bytes,
                               clq_error *error)
{
    const unsigned char *from = memory;
    uint64_t position = offset;
    uint64_t end = 0;
    if (!clq_size_add(offset, bytes, &end) || end > INT64_MAX) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: cannot write %" PRIu64 " bytes at %" PRIu64 ": out of range",
                        clq_show_path(writer->path).text, bytes, offset);
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
                            clq_show_path(writer->path).text, bytes, offset,
                            clq_show_errno(put < 0 ? errno : ENOSPC).text, show_need(writer).text);
        }
        from += put;
        position += (uint64_t)put;
    }
    writer->end = clq_size_max(writer->end, end);
    return CLQ_OK;
}

clq_status clq_writer_write(clq_writer *writer, const void *memory, uint64_t bytes, clq_error *error)
{
    return clq_writer_write_at(writer, writer->end, memory, bytes, error);
}

static int flush(int fd)
{
    int result = 0;
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* Give the temporary file its final name. Afterwards it has none of its own, or it still has it and status tells. */
static clq_status rename_into_place(clq_writer *writer, clq_error *error)
{
    int result = -1;
    if (!writer->replace) {
        /* Unlike renameat, linkat leaves a file alone that came into being meanwhile. */
        result = linkat(writer->folder, writer->temporary, writer->folder, writer->name, 0);
        if (result == 0) {
            unlinkat(writer->folder, writer->temporary, 0);
        } else if (errno == EEXIST || faccessat(writer->folder, writer->name, F_OK, 0) == 0) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: came into being meanwhile and may not be replaced",
                            clq_show_path(writer->path).text);
        }
    }
    /* Also where the file system has no hard links. */
    if (result != 0) {
        result = renameat(writer->folder, writer->temporary, writer->folder, writer->name);
    }
    if (result != 0) {
        return fail_errno(writer, "rename the finished file into place", errno, error);
    }
    free(writer->temporary);
    writer->temporary = NULL;
    return CLQ_OK;
}

clq_status clq_writer_commit(clq_writer **writer, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_writer *w = *writer;
    int closed = 0;
    if (w->failed) {
        status =
            clq_fail(error, CLQ_IO_ERROR, "%s: not finished, since a write failed before", clq_show_path(w->path).text);
        goto done;
    }
    if (flush(w->fd) != 0) {
        status = fail_errno(w, "flush to disk", errno, error);
        goto done;
    }
    /* Whatever close returns, the descriptor is gone; after EINTR there is nothing left to be told. */
    closed = close(w->fd);
    w->fd = -1;
    if (closed != 0 && errno != EINTR) {
        status = fail_errno(w, "close", errno, error);
        goto done;
    }
    CLQ_TRY_TO(rename_into_place(w, error));
    /* Some file systems cannot flush a folder and say EINVAL. */
    if (flush(w->folder) != 0 && errno != EINVAL) {
        status = fail_errno(w, "flush the folder to disk (the file is complete)", errno, error);
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
    if (w->fd >= 0) {
        close(w->fd);
    }
    if (w->temporary != NULL) {
        unlinkat(w->folder, w->temporary, 0);
    }
    if (w->folder >= 0) {
        close(w->folder);
    }
    free(w->temporary);
    free(w->name);
    free(w->path);
    free(w);
    *writer = NULL;
}

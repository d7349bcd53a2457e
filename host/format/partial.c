/* SPDX-License-Identifier: Apache-2.0 */
/* Writers whose temporary file has a name of its own, so that another run finds it. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/size.h"
#include "core/temporary.h"
#include "format/writer.h"

static const char SUFFIX[] = ".partial";

/* Unlink the file, which is open and locked, and close it. */
static clq_status remove_left(const clq_place *place, const char *name, int *fd, clq_error *error)
{
    const int removed = unlinkat(place->folder, name, 0) == 0 || errno == ENOENT;
    const int reason = errno;
    close(*fd);
    *fd = -1;
    return removed ? CLQ_OK : clq_place_fail(place, "remove what an earlier run left", reason, error);
}

static clq_status continue_left(clq_writer *writer, clq_partial_use use, uint64_t *found, clq_error *error)
{
    const uint64_t planned = writer->place.planned_bytes;
    struct stat facts;
    if (fstat(writer->fd, &facts) != 0) {
        return clq_place_fail(&writer->place, "examine what an earlier run left", errno, error);
    }
    *found = (uint64_t)facts.st_size;
    if (*found > planned && use == CLQ_PARTIAL_SHARE) {
        /* Of another output: those who share this one write no byte beyond the planned ones. */
        if (ftruncate(writer->fd, (off_t)planned) != 0) {
            return clq_place_fail(&writer->place, "cut what an earlier run left", errno, error);
        }
        *found = planned;
    }
    if (*found > planned) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: what an earlier run left has %" PRIu64 " bytes, and the whole file has %" PRIu64,
                        clq_show_path(writer->place.path).text, *found, planned);
    }
    writer->end = *found;
    /* A file with holes needs more than its size tells. */
    return clq_place_check_space(&writer->place, clq_size_min(*found, (uint64_t)facts.st_blocks * 512), error);
}

/* A run that had finished this file was killed before it got its name, or between that and losing its first one. */
static clq_status check_taken(const clq_writer *writer, clq_error *error)
{
    struct stat own;
    CLQ_REQUIRE(writer->replace || !writer->place.is_taken || fstat(writer->fd, &own) != 0 ||
                    (own.st_dev == writer->place.old.st_dev && own.st_ino == writer->place.old.st_ino),
                "%s exists; --resume --force continues the run that was killed, and replaces it",
                clq_show_path(writer->place.path).text);
    return CLQ_OK;
}

static clq_status open_partial(clq_writer *writer, clq_partial_use use, uint64_t *found, clq_error *error)
{
    const int resume = use != CLQ_PARTIAL_REMOVE;
    char *name = clq_place_hidden_name(&writer->place, SUFFIX);
    clq_status status = CLQ_OK;
    if (name == NULL) {
        return clq_fail_memory(error, writer->place.path);
    }
    CLQ_TRY_TO(use == CLQ_PARTIAL_SHARE ? clq_place_open_shared(&writer->place, name, &writer->fd, error)
                                        : clq_place_open_left(&writer->place, name, resume, &writer->fd, error));
    if (writer->fd >= 0 && !resume) {
        CLQ_TRY_TO(remove_left(&writer->place, name, &writer->fd, error));
    }
    if (writer->fd >= 0) {
        CLQ_TRY_TO(continue_left(writer, use, found, error));
        CLQ_TRY_TO(check_taken(writer, error));
    } else if (use == CLQ_PARTIAL_NEED) {
        goto done;
    } else {
        CLQ_TRY_TO(clq_place_check_space(&writer->place, 0, error));
        CLQ_TRY_TO(clq_place_make(&writer->place, name, &writer->fd, error));
    }
    writer->temporary = name;
    name = NULL;
done:
    free(name);
    return status;
}

clq_status clq_writer_open_partial(const char *path, uint64_t planned_bytes, int replace, clq_partial_use use,
                                   clq_writer **writer, uint64_t *found, clq_error *error)
{
    clq_status status = CLQ_OK;
    *found = UINT64_MAX;
    CLQ_TRY_TO(clq_writer_create(path, planned_bytes, replace || use == CLQ_PARTIAL_NEED, writer, error));
    (*writer)->replace = replace;
    CLQ_TRY_TO(open_partial(*writer, use, found, error));
done:
    /* What is refused has no name in the writer yet, and so is not removed. */
    if (*writer != NULL && (*writer)->temporary == NULL) {
        clq_writer_abandon(writer);
    }
    return status;
}

clq_status clq_writer_remove_partial(const char *path, clq_error *error)
{
    clq_place place;
    char *name = NULL;
    int fd = -1;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_place_find(path, 0, 1, &place, error));
    name = clq_place_hidden_name(&place, SUFFIX);
    if (name == NULL) {
        CLQ_TRY_TO(clq_fail_memory(error, path));
    }
    CLQ_TRY_TO(clq_place_open_left(&place, name, 0, &fd, error));
    if (fd >= 0) {
        CLQ_TRY_TO(remove_left(&place, name, &fd, error));
    }
done:
    free(name);
    clq_place_release(&place);
    return status;
}

void clq_writer_drop_partial(const char *path)
{
    clq_place place;
    if (clq_place_find(path, 0, 1, &place, NULL) == CLQ_OK) {
        char *name = clq_place_hidden_name(&place, SUFFIX);
        (void)!(name != NULL && unlinkat(place.folder, name, 0) == 0);
        free(name);
    }
    clq_place_release(&place);
}

int clq_writer_claim(const clq_writer *writer)
{
    return writer->temporary != NULL && clq_lock_file(writer->fd) == CLQ_LOCK_HELD &&
           clq_is_named(writer->fd, writer->place.folder, writer->temporary);
}

void clq_writer_keep(clq_writer *writer, int keep)
{
    writer->kept = keep;
}

clq_status clq_writer_read(const clq_writer *writer, uint64_t offset, void *memory, uint64_t bytes, clq_error *error)
{
    return clq_file_read(writer->fd, writer->place.path, offset, memory, bytes, error);
}

clq_status clq_writer_flush(const clq_writer *writer, clq_error *error)
{
    int result = 0;
    do {
        result = fdatasync(writer->fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? CLQ_OK : clq_place_fail(&writer->place, "flush to disk", errno, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */
#define _FILE_OFFSET_BITS 64

#include "format/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/size.h"
#include "core/temporary.h"
#include "format/bounds.h"

/* Times that another process may remove or replace a file between two calls before we say so. */
enum { RACES = 100 };

/* Between two looks at a file that one has for itself and several want: one second in all. */
enum { WAIT_NANOSECONDS = 10 * 1000 * 1000 };

clq_shown clq_place_need(const clq_place *place)
{
    clq_shown shown;
    shown.text[0] = '\0';
    if (place->planned_bytes > 0) {
        snprintf(shown.text, sizeof shown.text, " (the whole file needs %.100s)",
                 clq_show_size(place->planned_bytes).text);
    }
    return shown;
}

clq_status clq_place_fail(const clq_place *place, const char *what, int code, clq_error *error)
{
    return clq_fail(error, CLQ_IO_ERROR, "%s: cannot %s: %s%s", clq_show_path(place->path).text, what,
                    clq_show_errno(code).text, clq_place_need(place).text);
}

static clq_status fail_unwritable(const char *path, clq_error *error)
{
    return clq_fail(error, CLQ_IO_ERROR, "%s: cannot be written: %s", clq_show_path(path).text,
                    clq_show_errno(errno).text);
}

/* A link may lead to what has no path, as /dev/stdout does to a pipe: stat(2) alone tells what is there. */
clq_status clq_place_look(const char *path, struct stat *facts, int *exists, clq_error *error)
{
    const clq_shown shown = clq_show_path(path);
    *exists = 0;
    if (lstat(path, facts) != 0) {
        return errno == ENOENT ? CLQ_OK : fail_unwritable(path, error);
    }
    CLQ_REQUIRE(!clq_leads_into_cache(path),
                "%s: is a link to a blob of a Hugging Face cache, which is never written through", shown.text);
    if (stat(path, facts) != 0) {
        return errno == ENOENT
                   ? clq_fail(error, CLQ_IO_ERROR, "%s: is a symbolic link to a file that does not exist", shown.text)
                   : fail_unwritable(path, error);
    }
    CLQ_REQUIRE(!S_ISDIR(facts->st_mode), "%s: is a folder; the name of a file is required", shown.text);
    CLQ_REQUIRE(S_ISREG(facts->st_mode), "%s: is a pipe, socket or device, which is never replaced by a file",
                shown.text);
    *exists = 1;
    return CLQ_OK;
}

/*
 * The path that will be renamed to: for a symbolic link the file it leads to, which keeps the link and is what writing
 * in place would have done.
 */
static clq_status resolve_target(clq_place *place, int replace, char **target, clq_error *error)
{
    struct stat facts;
    int exists = 0;
    CLQ_TRY(clq_place_look(place->path, &facts, &exists, error));
    if (lstat(place->path, &facts) == 0 && S_ISLNK(facts.st_mode)) {
        *target = realpath(place->path, NULL);
        if (*target == NULL || lstat(*target, &facts) != 0) {
            return clq_place_fail(place, "follow the symbolic link", errno, error);
        }
    } else {
        *target = clq_copy_text(place->path, strlen(place->path));
        if (*target == NULL) {
            return clq_fail_memory(error, place->path);
        }
    }
    if (exists && !replace) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: exists already and may not be replaced",
                        clq_show_path(place->path).text);
    }
    place->is_taken = exists;
    place->old = facts;
    return CLQ_OK;
}

/* Split `target`, keep its last part and open its folder. */
static clq_status open_folder(clq_place *place, char *target, clq_error *error)
{
    char *slash = strrchr(target, '/');
    const char *name = slash != NULL ? slash + 1 : target;
    const char *folder = ".";
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: does not end in the name of a file",
                        clq_show_path(place->path).text);
    }
    place->name = clq_copy_text(name, strlen(name));
    if (place->name == NULL) {
        return clq_fail_memory(error, place->path);
    }
    if (slash != NULL) {
        *slash = '\0';
        folder = slash == target ? "/" : target;
    }
    do {
        place->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (place->folder < 0 && errno == EINTR);
    if (place->folder < 0) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: cannot open the folder '%s': %s%s", clq_show_path(place->path).text,
                        clq_show_path(folder).text, clq_show_errno(errno).text, clq_place_need(place).text);
    }
    return CLQ_OK;
}

clq_status clq_place_find(const char *path, uint64_t planned_bytes, int replace, clq_place *place, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *target = NULL;
    memset(place, 0, sizeof *place);
    place->folder = -1;
    place->planned_bytes = planned_bytes;
    CLQ_REQUIRE(path != NULL && path[0] != '\0', "the name of a file to write is required; an empty one was given");
    place->path = clq_copy_text(path, strlen(path));
    if (place->path == NULL) {
        return clq_fail_memory(error, path);
    }
    CLQ_TRY_TO(resolve_target(place, replace, &target, error));
    CLQ_TRY_TO(open_folder(place, target, error));
done:
    free(target);
    return status;
}

void clq_place_release(clq_place *place)
{
    if (place->folder >= 0) {
        close(place->folder);
    }
    place->folder = -1;
    free(place->name);
    free(place->path);
    place->name = NULL;
    place->path = NULL;
}

clq_status clq_place_check_space(const clq_place *place, uint64_t written_bytes, clq_error *error)
{
    const uint64_t needed = place->planned_bytes - clq_size_min(place->planned_bytes, written_bytes);
    struct statvfs facts;
    uint64_t available = 0;
    /* Some network file systems know no sizes and report zeros. */
    if (needed == 0 || fstatvfs(place->folder, &facts) != 0 || facts.f_blocks == 0) {
        return CLQ_OK;
    }
    if (clq_size_multiply(facts.f_bavail, facts.f_frsize, &available) && available < needed) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: %" PRIu64 " bytes (%s) are needed, and the file system has %s free",
                        clq_show_path(place->path).text, needed, clq_show_size(needed).text,
                        clq_show_size(available).text);
    }
    return CLQ_OK;
}

char *clq_place_hidden_name(const clq_place *place, const char *suffix)
{
    enum { HASH_LENGTH = 17 };
    const size_t whole = strlen(place->name);
    const size_t extra = 1 + strlen(suffix);
    const long longest = fpathconf(place->folder, _PC_NAME_MAX);
    const size_t limit = longest > (long)extra + HASH_LENGTH ? (size_t)longest : 255;
    const size_t capacity = whole + extra + HASH_LENGTH + 1;
    char hash[HASH_LENGTH + 1] = "";
    size_t length = whole;
    char *name = malloc(capacity);
    if (whole + extra > limit) {
        length = limit - extra - HASH_LENGTH;
        snprintf(hash, sizeof hash, "~%016" PRIx64, XXH64(place->name, whole, 0));
        while (length > 0 && ((unsigned char)place->name[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    if (name != NULL) {
        snprintf(name, capacity, ".%.*s%s%s", (int)length, place->name, hash, suffix);
    }
    return name;
}

int clq_flush(int fd)
{
    int result = 0;
    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result;
}

static clq_status fail_locked(const clq_place *place, clq_error *error)
{
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: another run is writing it", clq_show_path(place->path).text);
}

static clq_status check_left(const clq_place *place, const char *name, int own, const struct stat *facts,
                             clq_error *error)
{
    if (!S_ISREG(facts->st_mode)) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: '%s' beside it is not a regular file",
                        clq_show_path(place->path).text, clq_show_path(name).text);
    }
    if (own && facts->st_uid != geteuid()) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: '%s' beside it belongs to another user",
                        clq_show_path(place->path).text, clq_show_path(name).text);
    }
    return CLQ_OK;
}

mode_t clq_place_mode(const clq_place *place)
{
    /* Who writes it may have to open it again. */
    return place->is_taken ? (place->old.st_mode & 0666) | 0600 : 0666;
}

void clq_place_keep_permissions(const clq_place *place, int fd)
{
    struct stat own, old;
    /* It may have been changed meanwhile, or have been set aside. */
    const int there = fstatat(place->folder, place->name, &old, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(old.st_mode);
    const struct stat *kept = there ? &old : &place->old;
    mode_t mode = kept->st_mode & 0777;
    if (!place->is_taken || fstat(fd, &own) != 0) {
        return;
    }
    if ((own.st_uid != kept->st_uid || own.st_gid != kept->st_gid) && fchown(fd, kept->st_uid, kept->st_gid) != 0 &&
        fchown(fd, (uid_t)-1, kept->st_gid) != 0) {
        mode &= ~(mode_t)070 | (mode & 007) << 3;
    }
    /* File systems that have no permissions refuse it, and lose nothing. */
    (void)!(fchmod(fd, mode) == 0);
}

/* Open for one run, for several, or for none: to read alone. */
typedef enum opening { OPEN_LEFT, OPEN_SHARED, OPEN_PEEK } opening;

static clq_lock lock_as(int fd, opening how)
{
    return how == OPEN_PEEK ? CLQ_LOCK_NONE : how == OPEN_SHARED ? clq_share_file(fd) : clq_lock_file(fd);
}

static void wait_a_moment(void)
{
    const struct timespec moment = {0, WAIT_NANOSECONDS};
    nanosleep(&moment, NULL);
}

static clq_status open_beside(const clq_place *place, const char *name, opening how, int own, int *fd, clq_error *error)
{
    const int flags = (how == OPEN_PEEK ? O_RDONLY : O_RDWR) | (how == OPEN_SHARED ? O_CREAT : 0);
    clq_status status = CLQ_OK;
    *fd = -1;
    for (int attempt = 0; attempt < RACES; attempt++) {
        struct stat facts;
        /* Without O_NONBLOCK, opening a FIFO would wait. */
        *fd = openat(place->folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, clq_place_mode(place));
        if (*fd < 0 && errno == EINTR) {
            continue;
        }
        if (*fd < 0 && errno == ENOENT) {
            return CLQ_OK;
        }
        if (*fd < 0 && (errno == ELOOP || errno == ENXIO)) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: '%s' beside it is not a regular file",
                            clq_show_path(place->path).text, clq_show_path(name).text);
        }
        if (*fd < 0 || fstat(*fd, &facts) != 0) {
            CLQ_TRY_TO(clq_place_fail(place, "open what an earlier run left", errno, error));
        }
        CLQ_TRY_TO(check_left(place, name, own, &facts, error));
        if (lock_as(*fd, how) == CLQ_LOCK_TAKEN) {
            CLQ_TRY_TO(how != OPEN_SHARED ? fail_locked(place, error) : CLQ_OK);
            wait_a_moment(); /* one of those who share it may be about to remove it, alone as it was */
        } else if (clq_is_named(*fd, place->folder, name)) {
            return CLQ_OK;
        }
        /* Its run may have removed it, or put it in its place, while we waited for nothing but the lock. */
        close(*fd);
        *fd = -1;
    }
    status = fail_locked(place, error);
done:
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

clq_status clq_place_open_left(const clq_place *place, const char *name, int own, int *fd, clq_error *error)
{
    return open_beside(place, name, OPEN_LEFT, own, fd, error);
}

clq_status clq_place_open_shared(const clq_place *place, const char *name, int *fd, clq_error *error)
{
    return open_beside(place, name, OPEN_SHARED, 1, fd, error);
}

clq_status clq_place_open_peek(const clq_place *place, const char *name, int *fd, clq_error *error)
{
    return open_beside(place, name, OPEN_PEEK, 1, fd, error);
}

clq_status clq_place_make(const clq_place *place, const char *name, int *fd, clq_error *error)
{
    *fd = clq_make_locked(place->folder, name, clq_place_mode(place));
    if (*fd >= 0) {
        return CLQ_OK;
    }
    return errno == EEXIST ? fail_locked(place, error)
                           : clq_place_fail(place, "create a file in its folder", errno, error);
}

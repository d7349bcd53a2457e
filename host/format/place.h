/* SPDX-License-Identifier: Apache-2.0 */
/* Where a file will stand and what stands beside it while it is written. Of the writer and its journal alone. */
#ifndef CLQ_HOST_FORMAT_PLACE_H
#define CLQ_HOST_FORMAT_PLACE_H

#include <sys/stat.h>

#include "format/support.h"

typedef struct clq_place {
    char *path;             /* as given, for messages */
    char *name;             /* within the folder; of the file that a symbolic link leads to */
    int folder;             /* open, or -1 */
    uint64_t planned_bytes; /* for messages and the check of free space; 0: not known */
    int is_taken;           /* by a file, which is to be replaced */
    struct stat old;        /* of that file */
} clq_place;

/*
 * What stands where a file is to be written, links followed; *exists 0: nothing. Refused is what no file replaces: a
 * folder, pipe, socket or device, a link to nothing (as cp(1) does: where it leads is most likely a mistake), and one
 * to a blob of a Hugging Face cache.
 */
clq_status clq_place_look(const char *path, struct stat *facts, int *exists, clq_error *error);

/*
 * Find the folder of `path` and open it. Without `replace` an existing file is CLQ_INVALID_ARGUMENT. Released by
 * clq_place_release, on failure too.
 */
clq_status clq_place_find(const char *path, uint64_t planned_bytes, int replace, clq_place *place, clq_error *error);
void clq_place_release(clq_place *place);

/* Refuse when the file system has less free than the planned bytes, less those that are on it already. */
clq_status clq_place_check_space(const clq_place *place, uint64_t written_bytes, clq_error *error);

/*
 * ".NAME" + suffix, malloc'ed; NULL when memory is exhausted. NAME is cut (between characters) when the folder's names
 * may not be that long; a hash of the whole name tells apart what is cut to the same.
 */
char *clq_place_hidden_name(const clq_place *place, const char *suffix);

/* "PATH: cannot WHAT: REASON (the whole file needs 4.0 MiB)"; `what` is a verb and its object. */
clq_status clq_place_fail(const clq_place *place, const char *what, int code, clq_error *error);

/* "(the whole file needs 4.0 MiB)" after a blank, or nothing when that is not known. */
clq_shown clq_place_need(const clq_place *place);

/* fsync, whatever signals come; returns its result and errno. */
int clq_flush(int fd);

/*
 * Open the file `name` of the folder, which an earlier run may have left, for reading and writing, and lock it against
 * other runs. *fd is -1 when there is none. Refused: what another run has locked, a symbolic link, what is no regular
 * file and, with `own`, a file of another user. File systems without locks are done without.
 */
clq_status clq_place_open_left(const clq_place *place, const char *name, int own, int *fd, clq_error *error);

/*
 * Open the file `name` of the folder, or make it, together with others who open it so. Refused: what a run has locked
 * for itself for more than a second, and what clq_place_open_left refuses with `own`.
 */
clq_status clq_place_open_shared(const clq_place *place, const char *name, int *fd, clq_error *error);

/* Open the file `name` of the folder to read what another run may be writing to it; -1 in *fd when there is none. */
clq_status clq_place_open_peek(const clq_place *place, const char *name, int *fd, clq_error *error);

/*
 * What a file that is made beside is opened with, less the umask: 0666, but for whom the file that is there is closed
 * the new one is, from the first byte on.
 */
mode_t clq_place_mode(const clq_place *place);

/* Make the file `name` of the folder, which must not exist, and lock it. With clq_place_mode. */
clq_status clq_place_make(const clq_place *place, const char *name, int *fd, clq_error *error);

/*
 * Give a file that is whole the permissions of the one that it is about to replace, if there is one, and its owner and
 * group as far as this user may; what cannot be given to the same group is no more open to another one than to all.
 */
void clq_place_keep_permissions(const clq_place *place, int fd);

#endif

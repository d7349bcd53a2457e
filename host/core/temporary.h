/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are written under a name of their own, ".NAME.tmp-XXXXXX", and renamed when they are whole. Whoever writes
 * one holds a lock on it (flock) until it has its final name, so that what a killed writer left can be told from the
 * file of a living one, in whatever container or on whatever machine that lives, and be removed. For the cache of
 * programs and for the file layer.
 */
#ifndef CLQ_HOST_CORE_TEMPORARY_H
#define CLQ_HOST_CORE_TEMPORARY_H

#include <sys/types.h>

/* What a name for clq_temporary_make ends in. */
#define CLQ_TEMPORARY_SUFFIX ".tmp-XXXXXX"

typedef enum clq_lock {
    CLQ_LOCK_HELD,
    CLQ_LOCK_TAKEN, /* by another, or by another descriptor of this process */
    CLQ_LOCK_NONE   /* the file system has none to give */
} clq_lock;

/* Lock an open file for as long as it is open, or tell at once why not. */
clq_lock clq_lock_file(int fd);

/* The same for one of several who may have it open at once, and nobody who locks it as above. */
clq_lock clq_share_file(int fd);

/* Whether `name` in the folder is the file that is open; links are not followed. */
int clq_is_named(int fd, int folder, const char *name);

/*
 * Make the file `name` in the folder, open for reading and writing, with `mode` less the umask, and lock it. -1 with
 * errno: EEXIST when there is one, or another run took the new one at once.
 */
int clq_make_locked(int folder, const char *name, mode_t mode);

/* The same under a free name, which is written over the X's at the end of `name`. */
int clq_temporary_make(int folder, char *name, mode_t mode);

/*
 * Remove the files of this user that are called like `name` but for the X's, and whose writers are gone. Where a lock
 * may be seen by this machine alone, as on some network file systems, what was written to within a day stays as well,
 * and where there are no locks everything.
 */
void clq_temporary_remove_left(int folder, const char *name);

#endif

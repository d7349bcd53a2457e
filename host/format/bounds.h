/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the files of a model may lie. A folder comes from elsewhere, so a symbolic link in it may not lead anywhere;
 * but the files of a snapshot in a Hugging Face cache, REPOSITORY/snapshots/REVISION, are links to REPOSITORY/blobs.
 */
#ifndef CLQ_HOST_FORMAT_BOUNDS_H
#define CLQ_HOST_FORMAT_BOUNDS_H

#include "core/error.h"

typedef struct clq_bounds {
    char *folder; /* without links */
    char *blobs;  /* of the cache that the folder is a snapshot of; NULL: it is none */
    int anywhere; /* links may lead out of both */
} clq_bounds;

/* CLQ_IO_ERROR where there is no such folder. Released by clq_bounds_release, on failure too. */
clq_status clq_bounds_find(const char *folder, int anywhere, clq_bounds *bounds, clq_error *error);
void clq_bounds_release(clq_bounds *bounds);

/* Whether a path without links lies within them. */
int clq_bounds_hold(const clq_bounds *bounds, const char *real);

/*
 * The path without links of `path`, malloc'ed. CLQ_IO_ERROR where there is no such file; CLQ_BAD_FILE when a link leads
 * out of the bounds.
 */
clq_status clq_bounds_resolve(const clq_bounds *bounds, const char *path, char **real, clq_error *error);

/* Whether `path` is a link to a blob of such a cache, whatever the folder: what is written through it changes those. */
int clq_leads_into_cache(const char *path);

#endif

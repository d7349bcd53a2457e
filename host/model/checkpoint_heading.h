/* SPDX-License-Identifier: Apache-2.0 */
/* What a run must have in common with one that continues it, as the heading of a journal. */
#ifndef CLQ_HOST_MODEL_CHECKPOINT_HEADING_H
#define CLQ_HOST_MODEL_CHECKPOINT_HEADING_H

#include "model/checkpoint.h"

/*
 * Lines, malloc'ed:
 *     version VERSION                the library's
 *     writes folder                  or "writes file": weights alone
 *     options JSON                   all that decide a byte
 *     values HASH HASH               of the scales and zero points that files gave
 *     input BYTES NANOSECONDS HASH   each file of the model: size, time of modification, hash of its header
 * and, with `layout`, when the output is laid out:
 *     shards FIRST COUNT             where others are written elsewhere: those that are written here
 *     output BYTES HASH              each file: size, hash of its header
 *     index BYTES HASH               of a sharded output
 */
clq_status clq_heading_create(const clq_checkpoint_run *run, int layout, char **text, clq_error *error);

/*
 * Compare with the heading of an earlier run, `whole` or as far as the text goes. CLQ_INVALID_ARGUMENT with what
 * differs, then and now.
 */
clq_status clq_heading_compare(const clq_checkpoint_run *run, const char *heading, size_t heading_bytes,
                               const char *text, int whole, clq_error *error);

/* Whether the output of a run with such a heading is a folder, and not the weights alone. */
int clq_heading_writes_folder(const char *heading, size_t bytes);

#endif

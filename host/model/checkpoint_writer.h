/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enters finished tensors in a journal, in the background: every second or so the data of those that were told
 * meanwhile is flushed to disk, then their lines are written and flushed. Work goes on meanwhile, and the disk is busy
 * when it would have been idle, so that little is left to be flushed at the end.
 */
#ifndef CLQ_HOST_MODEL_CHECKPOINT_WRITER_H
#define CLQ_HOST_MODEL_CHECKPOINT_WRITER_H

#include "format/journal.h"
#include "model/output.h"

typedef struct clq_checkpoint_writer clq_checkpoint_writer;

/*
 * Both are used by the writer alone until it is finished or stopped; the output may be written to. `continued`: there
 * are tensors in the journal.
 */
clq_status clq_checkpoint_writer_start(clq_journal *journal, clq_output *output, int continued,
                                       clq_checkpoint_writer **writer, clq_error *error);

/*
 * A line about what was written to a shard. A failure of the background is told here or by _finish, whichever comes
 * next.
 */
clq_status clq_checkpoint_writer_add(clq_checkpoint_writer *writer, const char *line, size_t shard, clq_error *error);

/*
 * End the background's work and enter what is left and, in the same block, `last` (NULL: no such line) after all shards
 * were flushed. Flushed itself only where a later run relies on it after a crash of the machine: not when these are the
 * first tensors and one file is going to be renamed, which the file system makes one step.
 */
clq_status clq_checkpoint_writer_finish(clq_checkpoint_writer *writer, const char *last, clq_error *error);

/* End it without; accepts NULL in *writer. */
void clq_checkpoint_writer_stop(clq_checkpoint_writer **writer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a clq_checkpoint: checkpoint.c, and checkpoint_parts.c for outputs that several runs share. */
#ifndef CLQ_HOST_MODEL_CHECKPOINT_INSIDE_H
#define CLQ_HOST_MODEL_CHECKPOINT_INSIDE_H

#include "format/journal.h"
#include "model/checkpoint.h"
#include "model/checkpoint_record.h"
#include "model/checkpoint_writer.h"
#include "model/part_journals.h"
#include "model/pieces.h"

/* The last line of a journal: every byte of its run is on disk, and files may be getting their final names. */
#define CLQ_COMPLETE "complete"

/* The last line of the first part's journal: all parts were compared with their hashes, and are getting their names. */
#define CLQ_JOINED "joined"

struct clq_checkpoint {
    const clq_file_request *request;
    const char *path;     /* of the output */
    char *journal_path;   /* what clq_journal_find takes: the same, or that of a part */
    clq_part_list others; /* journals of parts that are beside it */
    int joined;           /* by them the output was joined: its files may have their names */
    clq_journal *journal; /* NULL before begin when an earlier run left none */
    int unreadable;       /* one was left that is to be discarded, whatever is in it */
    size_t told;          /* tensors, or pieces, in a journal that was found */
    int tells_pieces;     /* they are pieces */
    int complete;
    clq_output *output;
    size_t shards;
    clq_checkpoint_writer *writer;
    int begun; /* what is there is known to be right: nothing of it is needed any more when it is not to be kept */
};

/* Whether the line is that word. */
int clq_is_line(const char *line, size_t length, const char *word);

/* Refuse to go on with the journal unless it is of such a run; with `layout`, of such an output too. */
clq_status clq_checkpoint_compare(const clq_journal *journal, const clq_checkpoint_run *run, int layout,
                                  clq_error *error);

/* The tensors that a journal tells of, against the plan. `lenient`: those that are told of already are left out. */
clq_status clq_checkpoint_read(clq_journal *journal, const clq_checkpoint_run *run, int lenient,
                               clq_record_hashes *hashes, clq_error *error);

/* The journal tells of what the plan has not. */
clq_status clq_checkpoint_fail_record(const clq_checkpoint_run *run, clq_error *error);

/* Compare what is written and not elsewhere with its hashes, one for each tensor of the work. */
clq_status clq_checkpoint_verify(const clq_checkpoint_run *run, const clq_record_hashes *hashes, clq_error *error);

/* ---- of parts ---- */

/* What stands beside the output must go with what the request asks for; with --force, what does not is removed later.
 */
clq_status clq_checkpoint_find_others(clq_checkpoint *checkpoint, clq_error *error);

/* Remove the journals of parts that do not go with this run. */
clq_status clq_checkpoint_discard_others(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error);

/*
 * When the output is open and nothing of it is written yet: what others have told of as finished is gone if their file
 * is. Refused then, or with --force what they tell is discarded, so that nobody takes holes for data.
 */
clq_status clq_checkpoint_find_lost(const clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error);

/* A part has failed, and its journal is removed: where no other part has left anything, nothing of the output stays. */
void clq_checkpoint_drop_alone(const clq_checkpoint *checkpoint);

/*
 * Of those who join in several file systems: each tells the others what its parts did, by lines of their journals. All
 * pieces of the work count as written then, and none is of anybody else.
 */
clq_status clq_checkpoint_exchange(const clq_checkpoint_run *run, const clq_record_hashes *hashes, clq_error *error);

/* With --resume: what parts of another split have finished counts. */
clq_status clq_checkpoint_read_others(clq_checkpoint *checkpoint, const clq_checkpoint_run *run,
                                      clq_record_hashes *hashes, clq_error *error);

#endif

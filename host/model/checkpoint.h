/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a killed run of `quantize` one that --resume continues: the journal of its output. Tensors are told as
 * they are finished; in the background, about once a second, their data is flushed to disk and then they are entered,
 * each with hashes of its bytes and what the report says of it.
 *
 * Use: find, check, begin (which reads what an earlier run left), tensor..., commit; close in any case.
 */
#ifndef CLQ_HOST_MODEL_CHECKPOINT_H
#define CLQ_HOST_MODEL_CHECKPOINT_H

#include "model/given.h"
#include "model/job.h"
#include "model/output.h"
#include "model/plan.h"

typedef struct clq_checkpoint clq_checkpoint;

/* One run, as the parts below see it. */
typedef struct clq_checkpoint_run {
    clq_job *job;
    const clq_given *given;
    clq_model_plan *plan;
    clq_model_plan *work; /* what the journal tells of: the plan, or its pieces; NULL before begin */
    clq_output *output;
} clq_checkpoint_run;

/*
 * Before any work: look for what an earlier run left beside OUT, whose folder may be missing. Without --resume,
 * finished tensors in it are refused, unless --force discards them; `is_taken`: there is an OUT too, which only --force
 * replaces. While another run writes OUT, always CLQ_INVALID_ARGUMENT.
 */
clq_status clq_checkpoint_find(const clq_file_request *request, const clq_output *output, int is_taken,
                               clq_checkpoint **checkpoint, clq_error *error);

/* Whether what an earlier run left is to be continued, and something in it was finished. */
int clq_checkpoint_is_left(const clq_checkpoint *checkpoint);

/* Whether what an earlier run left is to be continued and all of it was written: then files may stand under their final
 * names already. */
int clq_checkpoint_is_complete(const clq_checkpoint *checkpoint);

/* Whether the journal tells of pieces (work.h): as that of the run that is continued does, and of any other
 * `otherwise`. Of NULL too. */
int clq_checkpoint_tells_pieces(const clq_checkpoint *checkpoint, int otherwise);

/*
 * When the options were judged and the model was opened, before the data is read: refuse to continue with other
 * options, another input or another version of the library.
 */
clq_status clq_checkpoint_check(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error);

/*
 * Of ranks, which the job's events tell of each other: refuse what they read, or are asked for, if it is not the same
 * for all. And wait until all have come so far that nothing is left but to put what they have written in its place.
 */
clq_status clq_checkpoint_compare_ranks(const clq_checkpoint_run *run, clq_error *error);
clq_status clq_checkpoint_await_ranks(const clq_job *job, clq_error *error);

/*
 * Of ranks that have begun: wait until all have. From then on nothing beside the output is anybody else's, so that one
 * that fails can remove what all of them have left, or joined, and does so if nothing of it is of use to another run.
 */
clq_status clq_checkpoint_await_begun(const clq_job *job, int *all_begun, clq_error *error);
void clq_checkpoint_drop_all(const clq_output *output);

/*
 * When the output is laid out: open it. Tensors that an earlier run finished are compared with their hashes and marked
 * as written, with all that the report needs but ranges and parameters. What differs is CLQ_BAD_FILE.
 */
clq_status clq_checkpoint_begin(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error);

/* All of a tensor was written. From any thread. */
clq_status clq_checkpoint_tensor(clq_checkpoint *checkpoint, const clq_model_plan_tensor *tensor, clq_error *error);

/*
 * Put the output, to which every tensor was written, into its place. The journal stays until the checkpoint is closed,
 * so that a run that is killed in between, or has more to write, is one that can be continued.
 */
clq_status clq_checkpoint_commit(clq_checkpoint *checkpoint, clq_error *error);

/*
 * Of a part, in place of that: all it has to write was written and stays, with its journal, for clq_checkpoint_join.
 */
clq_status clq_checkpoint_finish(clq_checkpoint *checkpoint, clq_error *error);

/*
 * The output that all parts have written, without a checkpoint of this run's: every piece of the work is there and as
 * the journals tell, and the output is open. Refuses what clq_file_join says.
 */
clq_status clq_checkpoint_join(const clq_checkpoint_run *run, clq_error *error);

/* Once it is in its place: remove the journals of its parts. */
void clq_checkpoint_remove_parts(const clq_output *output);

/*
 * Before the output is destroyed: what is not committed is removed with it, and the journal here. With `keep` both
 * stay, and --resume continues from here. What an earlier run left and this one did not come to trust stays always.
 * Accepts NULL in *checkpoint. Returns whether something was kept.
 */
int clq_checkpoint_close(clq_checkpoint **checkpoint, int keep);

#endif

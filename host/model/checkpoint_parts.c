/* SPDX-License-Identifier: Apache-2.0 */
/* The journals of runs that share an output. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint_inside.h"
#include "model/shown.h"

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the journals of parts");
}

/* ---- one part among others ---- */

/* Others who begin at the same time may have removed it already. */
static clq_status discard(const char *path, clq_error *error)
{
    clq_journal *left = NULL;
    const clq_status status = clq_journal_discard(path, error);
    if (status == CLQ_INVALID_ARGUMENT && clq_journal_peek(path, &left, NULL) == CLQ_OK && left == NULL) {
        return CLQ_OK;
    }
    clq_journal_close(&left);
    return status;
}

/* A run that does all of it has left something. */
static clq_status find_alone(const clq_checkpoint *checkpoint, clq_error *error)
{
    clq_journal *journal = NULL;
    CLQ_TRY(clq_journal_peek(checkpoint->path, &journal, error));
    if (journal == NULL) {
        return CLQ_OK;
    }
    clq_journal_close(&journal);
    return checkpoint->request->replace
               ? discard(checkpoint->path, error)
               : clq_fail(error, CLQ_INVALID_ARGUMENT,
                          "%s: a run without --part is at work or was killed; --resume without --part continues it, "
                          "--force begins anew",
                          clq_show(checkpoint->path).text);
}

static int is_joined(clq_journal *journal)
{
    const char *line = NULL;
    size_t length = 0;
    int joined = 0;
    while (clq_journal_next(journal, &line, &length)) {
        joined |= clq_is_line(line, length, CLQ_JOINED);
    }
    clq_journal_rewind(journal);
    return joined;
}

/* Whether files may have their names already: a part that went on would make them anew, empty. */
static int is_any_joined(const clq_part_list *parts)
{
    int joined = 0;
    for (size_t i = 0; i < parts->count; i++) {
        clq_journal *journal = NULL;
        joined |=
            clq_journal_peek(parts->items[i].path, &journal, NULL) == CLQ_OK && journal != NULL && is_joined(journal);
        clq_journal_close(&journal);
    }
    return joined;
}

clq_status clq_checkpoint_find_others(clq_checkpoint *checkpoint, clq_error *error)
{
    const clq_file_request *request = checkpoint->request;
    const clq_part_list *others = &checkpoint->others;
    CLQ_TRY(clq_part_list_find(checkpoint->path, &checkpoint->others, error));
    if (request->parts > 0) {
        CLQ_TRY(find_alone(checkpoint, error));
    }
    checkpoint->joined = is_any_joined(others);
    if (checkpoint->joined && request->parts > 0 && request->resume) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: 'clquant join' was killed while it gave it its name; 'clquant join' again finishes it, "
                        "--force without --resume begins anew",
                        clq_show(checkpoint->path).text);
    }
    for (size_t i = 0; i < others->count && !request->replace; i++) {
        if (request->parts == 0) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT,
                            "%s: part %" PRIu32 " of %" PRIu32 " of it is there; 'clquant join' joins the parts, "
                            "--force begins anew",
                            clq_show(checkpoint->path).text, others->items[i].part, others->items[i].parts);
        }
        if (others->items[i].parts != request->parts && !request->resume) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT,
                            "%s: there are parts of %" PRIu32 ", and this is one of %" PRIu32
                            "; --resume goes on with what they have finished, --force begins anew",
                            clq_show(checkpoint->path).text, others->items[i].parts, request->parts);
        }
    }
    return CLQ_OK;
}

static int is_own(const clq_checkpoint *checkpoint, const clq_part_journal *item)
{
    return item->part == checkpoint->request->part && item->parts == checkpoint->request->parts;
}

static clq_status judge_other(const clq_checkpoint *checkpoint, const clq_checkpoint_run *run,
                              const clq_part_journal *item, clq_error *error)
{
    const int is_forced = checkpoint->request->replace && !checkpoint->request->resume;
    clq_error reason;
    clq_journal *journal = NULL;
    clq_status status = clq_journal_peek(item->path, &journal, &reason);
    if (status == CLQ_OK && journal == NULL) { /* it has just begun */
        return CLQ_OK;
    }
    status = status == CLQ_OK ? clq_checkpoint_compare(journal, run, 1, &reason) : status;
    clq_journal_close(&journal);
    if (is_forced && (status != CLQ_OK || item->parts != checkpoint->request->parts)) {
        return discard(item->path, error);
    }
    return status == CLQ_OK ? CLQ_OK
                            : clq_fail(error, status, "part %" PRIu32 " of %" PRIu32 " is not of this output: %s",
                                       item->part, item->parts, reason.message);
}

/* Refused while a part is at work: before any other part's journal is gone. */
static clq_status check_idle(const clq_part_list *parts, clq_error *error)
{
    for (size_t i = 0; i < parts->count; i++) {
        clq_journal *journal = NULL;
        clq_error reason;
        const clq_status status = clq_journal_find(parts->items[i].path, &journal, &reason);
        clq_journal_close(&journal);
        if (status == CLQ_INVALID_ARGUMENT) {
            return clq_fail(error, status, "%s", reason.message);
        }
    }
    return CLQ_OK;
}

clq_status clq_checkpoint_discard_others(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    /* What was joined is written elsewhere by now: no part that was finished is left. */
    const int all = checkpoint->request->parts == 0 || checkpoint->joined;
    CLQ_TRY(all ? check_idle(&checkpoint->others, error) : CLQ_OK);
    for (size_t i = 0; i < checkpoint->others.count; i++) {
        const clq_part_journal *item = &checkpoint->others.items[i];
        if (all) {
            CLQ_TRY(discard(item->path, error));
        } else if (!is_own(checkpoint, item)) {
            CLQ_TRY(judge_other(checkpoint, run, item, error));
        }
    }
    return CLQ_OK;
}

/* Whether the journal tells of a piece in a shard that is new. */
static int tells_of_new(clq_journal *journal, const clq_checkpoint_run *run)
{
    const char *line = NULL;
    size_t length = 0;
    int tells = 0;
    while (clq_journal_next(journal, &line, &length)) {
        const size_t number = clq_record_number(line, length, run->work);
        if (number < run->work->count) {
            const clq_plan_part *codes = &run->work->tensors[number].parts[CLQ_PART_CODES];
            tells |= clq_output_is_new(run->output, clq_output_shard_of(run->output, codes->number));
        }
    }
    return tells;
}

clq_status clq_checkpoint_find_lost(const clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    for (size_t i = 0; i < checkpoint->others.count; i++) {
        const clq_part_journal *item = &checkpoint->others.items[i];
        clq_journal *journal = NULL;
        int is_lost;
        if (is_own(checkpoint, item)) { /* whose pieces are compared with their hashes, or done again */
            continue;
        }
        CLQ_TRY(clq_journal_peek(item->path, &journal, error));
        is_lost = journal != NULL && tells_of_new(journal, run);
        clq_journal_close(&journal);
        if (is_lost && (!checkpoint->request->replace || checkpoint->request->resume)) {
            return clq_fail(error, CLQ_INVALID_ARGUMENT,
                            "%s: what part %" PRIu32 " of %" PRIu32
                            " wrote of it is not there any more; without --resume, --force begins both anew",
                            clq_show(checkpoint->path).text, item->part, item->parts);
        }
        if (is_lost) {
            CLQ_TRY(discard(item->path, error));
            clq_job_warn(run->job,
                         "what part %" PRIu32 " of %" PRIu32 " wrote is not there any more: it has to be done again",
                         item->part, item->parts);
        }
    }
    return CLQ_OK;
}

/* Who begins meanwhile has its journal first, and opens the file then, which is claimed: one of both is seen. */
void clq_checkpoint_drop_alone(const clq_checkpoint *checkpoint)
{
    clq_part_list list = {0};
    clq_output_claim(checkpoint->output);
    if (clq_part_list_find(checkpoint->path, &list, NULL) == CLQ_OK && list.count == 0) {
        clq_output_drop_claimed(checkpoint->output);
    }
    clq_part_list_release(&list);
}

clq_status clq_checkpoint_read_others(clq_checkpoint *checkpoint, const clq_checkpoint_run *run,
                                      clq_record_hashes *hashes, clq_error *error)
{
    for (size_t i = 0; i < checkpoint->others.count && checkpoint->request->resume; i++) {
        const clq_part_journal *item = &checkpoint->others.items[i];
        clq_journal *journal = NULL;
        clq_status status;
        if (item->parts == checkpoint->request->parts) {
            continue; /* whose pieces are not this part's */
        }
        CLQ_TRY(clq_journal_peek(item->path, &journal, error));
        status = journal == NULL ? CLQ_OK : clq_checkpoint_compare(journal, run, 1, error);
        if (status == CLQ_OK && journal != NULL) {
            status = clq_checkpoint_read(journal, run, 1, hashes, error);
        }
        clq_journal_close(&journal);
        CLQ_TRY(status);
    }
    return CLQ_OK;
}

/* ---- all of them ---- */

/* The journals of all parts, and what they tell. */
typedef struct joining {
    const clq_checkpoint_run *run;
    clq_part_list list;
    clq_record_hashes *hashes;
    int was_joined; /* an earlier join has compared everything, and began to give names */
} joining;

static clq_status read_part(joining *join, const clq_part_journal *item, clq_error *error)
{
    clq_error reason;
    clq_journal *journal = NULL;
    clq_status status = clq_journal_find(item->path, &journal, &reason);
    if (status == CLQ_OK && journal != NULL) {
        join->was_joined |= is_joined(journal);
        status = clq_checkpoint_compare(journal, join->run, 1, &reason);
        status = status == CLQ_OK ? clq_part_check_gates(journal, join->run->job->request, &reason) : status;
    }
    if (status == CLQ_OK && journal != NULL) {
        status = clq_checkpoint_read(journal, join->run, 1, join->hashes, &reason);
    }
    clq_journal_close(&journal);
    return status == CLQ_OK ? CLQ_OK
                            : clq_fail(error, status, "part %" PRIu32 " of %" PRIu32 ": %s", item->part, item->parts,
                                       reason.message);
}

/* The part whose piece is missing, the first of them `piece`. */
static clq_status refuse_missing(const joining *join, size_t piece, clq_error *error)
{
    const clq_model_plan *work = join->run->work;
    const uint32_t parts = join->list.items[join->list.count - 1].parts;
    clq_status status = CLQ_OK;
    clq_pieces *pieces = NULL;
    size_t missing = 0;
    uint32_t part = 0;
    int begun = 0;
    CLQ_TRY(clq_pieces_create(join->run->plan, parts, 0, &pieces, error)); /* as `--part --resume` would do it */
    part = pieces->items[piece].owner + 1;
    for (size_t i = piece; i < work->count; i++) {
        missing += pieces->items[i].owner + 1 == part && !work->tensors[i].written;
    }
    for (size_t i = 0; i < join->list.count; i++) {
        begun |= join->list.items[i].part == part && join->list.items[i].parts == parts;
    }
    status = clq_fail(
        error, CLQ_INVALID_ARGUMENT, "%s: part %" PRIu32 " of %" PRIu32 " %s: %zu of its pieces %s missing",
        clq_show(clq_output_path(join->run->output)).text, part, parts,
        begun ? "is not finished; --resume continues it" : "is not there", missing, missing == 1 ? "is" : "are");
    clq_pieces_destroy(&pieces);
    return status;
}

/* All pieces are told of. Journals may be gone when all files have their names: they are removed then. */
static clq_status check_coverage(const joining *join, clq_error *error)
{
    const clq_model_plan *work = join->run->work;
    for (size_t i = 0; i < work->count; i++) {
        if (!work->tensors[i].written && !work->tensors[i].elsewhere &&
            !(join->was_joined && clq_output_is_placed(join->run->output))) {
            return refuse_missing(join, i, error);
        }
    }
    return CLQ_OK;
}

/* From now on a join that is killed is known to have been right, whatever of the journals is removed. */
static clq_status note_joined(const joining *join, clq_error *error)
{
    clq_journal *journal = NULL;
    clq_status status = CLQ_OK;
    for (size_t i = 0; i < join->list.count && journal == NULL; i++) { /* one that tells nothing is none */
        CLQ_TRY_TO(clq_journal_find(join->list.items[i].path, &journal, error));
    }
    if (journal == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_IO_ERROR, "%s: the journal of a part vanished",
                            clq_show(join->list.items[0].path).text));
    }
    CLQ_TRY_TO(clq_journal_add(journal, CLQ_JOINED, error));
    CLQ_TRY_TO(clq_journal_write(journal, 1, error));
done:
    clq_journal_close(&journal);
    return status;
}

clq_status clq_checkpoint_join(const clq_checkpoint_run *run, clq_error *error)
{
    clq_status status = CLQ_OK;
    joining join = {.run = run, .hashes = calloc(run->work->count + 1, sizeof *join.hashes)};
    if (join.hashes == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    CLQ_TRY_TO(clq_part_list_find(clq_output_path(run->output), &join.list, error));
    for (size_t i = 0; i < join.list.count; i++) {
        CLQ_TRY_TO(read_part(&join, &join.list.items[i], error));
    }
    CLQ_TRY_TO(join.was_joined ? CLQ_OK : check_coverage(&join, error));
    CLQ_TRY_TO(clq_output_open_partial(run->output, run->job, CLQ_OUTPUT_ALL_LEFT, error));
    clq_output_keep(run->output, 1);
    CLQ_TRY_TO(check_coverage(&join, error));
    CLQ_TRY_TO(clq_output_check_whole(run->output, join.was_joined, error));
    for (size_t i = 0; i < clq_output_shards(run->output); i++) {
        CLQ_TRY_TO(clq_output_settle_header(run->output, i, 1, error));
    }
    if (run->job->request->check != CLQ_CHECK_NONE) {
        CLQ_TRY_TO(clq_checkpoint_verify(run, join.hashes, error));
    }
    CLQ_TRY_TO(clq_checkpoint_exchange(run, join.hashes, error));
    CLQ_TRY_TO(join.was_joined ? CLQ_OK : note_joined(&join, error));
done:
    clq_part_list_release(&join.list);
    free(join.hashes);
    return status;
}

/* The first, which tells that all was right, comes last. */
void clq_checkpoint_remove_parts(const clq_output *output)
{
    clq_part_list list = {0};
    if (clq_part_list_find(clq_output_path(output), &list, NULL) == CLQ_OK) {
        for (size_t i = list.count; i-- > 0;) {
            (void)clq_journal_discard(list.items[i].path, NULL);
        }
    }
    clq_part_list_release(&list);
}

/* Journals go first: files without one are worth nothing. */
void clq_checkpoint_drop_all(const clq_output *output)
{
    clq_part_list list = {0};
    if (clq_part_list_find(clq_output_path(output), &list, NULL) == CLQ_OK) {
        for (size_t i = 0; i < list.count; i++) {
            (void)clq_journal_drop(list.items[i].path, NULL);
        }
    }
    clq_part_list_release(&list);
    clq_output_drop_partial(output);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/output_path.h"
#include "model/checkpoint_heading.h"
#include "model/checkpoint_inside.h"
#include "model/shown.h"

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the journal");
}

/* Count what the journal tells; what it is worth is seen when there is a plan. */
static void count_lines(clq_checkpoint *checkpoint)
{
    const char *line = NULL;
    size_t length = 0;
    while (clq_journal_next(checkpoint->journal, &line, &length)) {
        if (clq_is_line(line, length, CLQ_COMPLETE)) {
            checkpoint->complete = 1;
        } else if (!clq_is_line(line, length, CLQ_JOINED)) {
            checkpoint->told++;
            checkpoint->tells_pieces |= clq_record_is_of_piece(line, length);
        }
    }
    clq_journal_rewind(checkpoint->journal);
}

static clq_status refuse_left(const clq_checkpoint *checkpoint, int is_taken, clq_error *error)
{
    /* Of one that was about to put its files in their places, what is there may be its own. */
    const char *resume = !is_taken              ? "--resume continues it"
                         : checkpoint->complete ? "--resume continues it, with --force where that replaces something"
                                                : "--resume --force continues it, and replaces what is there";
    if (checkpoint->complete && checkpoint->request->parts > 0) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: part %u of %u of it is done; --force begins it anew",
                        clq_show(checkpoint->path).text, (unsigned)checkpoint->request->part,
                        (unsigned)checkpoint->request->parts);
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "%s: an earlier run was killed when %zu of its tensors were finished; %s, --force %sbegins anew",
                    clq_show(checkpoint->path).text, checkpoint->told, resume, is_taken ? "alone " : "");
}

clq_status clq_checkpoint_find(const clq_file_request *request, const clq_output *output, int is_taken,
                               clq_checkpoint **out, clq_error *error)
{
    clq_error reason;
    clq_status status;
    clq_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    *out = checkpoint;
    if (checkpoint == NULL) {
        return no_memory(error);
    }
    checkpoint->request = request;
    checkpoint->path = clq_output_path(output);
    checkpoint->journal_path =
        request->parts > 0 ? clq_part_path(checkpoint->path, request->part, request->parts) : strdup(checkpoint->path);
    if (checkpoint->journal_path == NULL) {
        return no_memory(error);
    }
    if (!clq_path_has_folder(checkpoint->path)) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_checkpoint_find_others(checkpoint, error));
    status = clq_journal_find(checkpoint->journal_path, &checkpoint->journal, &reason);
    if (status == CLQ_BAD_FILE) {
        checkpoint->unreadable = 1;
        if (request->resume || !request->replace) {
            return clq_fail(error, status, "%s; %s--force begins anew", reason.message,
                            request->resume ? "without --resume, " : "");
        }
        return CLQ_OK;
    }
    if (status != CLQ_OK) {
        return clq_fail(error, status, "%s", reason.message);
    }
    if (checkpoint->journal == NULL) {
        return CLQ_OK;
    }
    count_lines(checkpoint);
    return !request->resume && !request->replace && checkpoint->told > 0 ? refuse_left(checkpoint, is_taken, error)
                                                                         : CLQ_OK;
}

static int continues(const clq_checkpoint *checkpoint)
{
    return checkpoint->request->resume && checkpoint->journal != NULL;
}

int clq_checkpoint_is_left(const clq_checkpoint *checkpoint)
{
    return continues(checkpoint) && checkpoint->told > 0;
}

int clq_checkpoint_is_complete(const clq_checkpoint *checkpoint)
{
    return continues(checkpoint) && checkpoint->complete;
}

int clq_checkpoint_tells_pieces(const clq_checkpoint *checkpoint, int otherwise)
{
    return checkpoint != NULL && continues(checkpoint) && checkpoint->told > 0 ? checkpoint->tells_pieces : otherwise;
}

clq_status clq_checkpoint_check(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    return continues(checkpoint) ? clq_checkpoint_compare(checkpoint->journal, run, 0, error) : CLQ_OK;
}

/* How many shards the run had that wrote this heading, as far as names of shards go. */
static size_t heading_shards(const clq_journal *journal)
{
    enum { MOST = 99999 };
    size_t bytes = 0;
    size_t shards = 0;
    const char *at = clq_journal_heading(journal, &bytes);
    const char *const end = at + bytes;
    while (at < end && shards < MOST) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        shards += (size_t)(end - at) > 7 && memcmp(at, "output ", 7) == 0;
        at = newline != NULL ? newline + 1 : end;
    }
    return shards;
}

/* The journal goes first: files without one are worth nothing, a journal without files is a riddle. */
static clq_status discard_left(clq_checkpoint *checkpoint, clq_output *output, clq_error *error)
{
    if (checkpoint->unreadable) {
        return clq_journal_discard(checkpoint->journal_path, error);
    }
    if (checkpoint->journal != NULL) {
        const size_t shards = heading_shards(checkpoint->journal);
        checkpoint->begun = 1;
        checkpoint->told = 0;
        checkpoint->complete = 0;
        CLQ_TRY(clq_journal_remove(&checkpoint->journal, error));
        return checkpoint->request->parts > 0 ? CLQ_OK : clq_output_discard_partial(output, shards, error);
    }
    return CLQ_OK;
}

/* Lines that a journal begins with; those of a part also tell what `join` needs. */
static clq_status make_heading(const clq_checkpoint_run *run, char **text, clq_error *error)
{
    const clq_file_request *request = run->job->request;
    clq_status status = CLQ_OK;
    clq_text out = {0};
    size_t bytes = 0;
    char *heading = NULL;
    CLQ_TRY(clq_heading_create(run, 1, &heading, error));
    clq_text_put(&out, heading);
    if (request->parts > 0) {
        CLQ_TRY_TO(clq_part_write_rest(request, run->plan, &out, error));
    }
    CLQ_TRY_TO(clq_text_take(&out, "the journal", text, &bytes, error));
done:
    clq_text_release(&out);
    free(heading);
    return status;
}

/* A shard to which none of this run's pieces goes is none of its files, but for those that nobody else writes. */
static void use_shards(const clq_checkpoint_run *run)
{
    const clq_model_plan *work = run->work;
    const clq_output *output = run->output;
    size_t next = 0; /* shard that no piece was met of yet; pieces come shard by shard */
    for (size_t i = 0; i < work->count; i++) {
        const size_t shard = clq_output_shard_of(output, work->tensors[i].parts[CLQ_PART_CODES].number);
        for (; next < shard && run->job->request->part == 1; next++) {
            clq_output_use(run->output, next);
        }
        next = shard >= next ? shard + 1 : next;
        if (!work->tensors[i].elsewhere) {
            clq_output_use(run->output, shard);
        }
    }
    for (; next < clq_output_shards(output) && run->job->request->part == 1; next++) {
        clq_output_use(run->output, next);
    }
}

static clq_status open_output(const clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_output_left left,
                              clq_error *error)
{
    if (run->job->request->parts > 0) {
        use_shards(run);
        CLQ_TRY(clq_output_open_shared(run->output, run->job, error));
        CLQ_TRY(clq_checkpoint_find_lost(checkpoint, run, error));
        return clq_output_begin_shared(run->output, error);
    }
    return clq_output_open_partial(run->output, run->job, left, error);
}

static clq_status begin_anew(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    char *heading = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(make_heading(run, &heading, error));
    CLQ_TRY_TO(discard_left(checkpoint, run->output, error));
    CLQ_TRY_TO(clq_checkpoint_discard_others(checkpoint, run, error));
    CLQ_TRY_TO(clq_journal_create(checkpoint->journal_path, heading, &checkpoint->journal, error));
    checkpoint->begun = 1;
    CLQ_TRY_TO(open_output(checkpoint, run, CLQ_OUTPUT_NOTHING_LEFT, error));
    for (size_t i = 0; i < checkpoint->shards && run->job->request->parts == 0; i++) {
        CLQ_TRY_TO(clq_output_settle_header(run->output, i, 0, error));
    }
done:
    free(heading);
    return status;
}

/* The headers of shards that the journal tells of are there; others are written. */
static clq_status settle_headers(const clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    clq_status status = CLQ_OK;
    uint8_t *told = calloc(checkpoint->shards + 1, 1);
    if (told == NULL) {
        return no_memory(error);
    }
    for (size_t i = 0; i < run->work->count; i++) {
        const clq_model_plan_tensor *tensor = &run->work->tensors[i];
        told[clq_output_shard_of(run->output, tensor->parts[CLQ_PART_CODES].number)] |= tensor->written != 0;
    }
    for (size_t i = 0; i < checkpoint->shards && status == CLQ_OK; i++) {
        status = clq_output_settle_header(run->output, i, told[i] || checkpoint->complete, error);
    }
    free(told);
    return status;
}

/* Everything the journal tells, against the plan and the files. The headers come first: they are the cheapest. */
static clq_status read_left(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    const int is_part = run->job->request->parts > 0;
    clq_record_hashes *hashes = calloc(run->work->count + 1, sizeof *hashes);
    clq_status status = CLQ_OK;
    if (hashes == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    if (continues(checkpoint)) {
        CLQ_TRY_TO(clq_checkpoint_read(checkpoint->journal, run, 0, hashes, error));
    }
    if (!is_part && checkpoint->complete && checkpoint->told != run->work->count) {
        CLQ_TRY_TO(clq_checkpoint_fail_record(run, error));
    }
    CLQ_TRY_TO(is_part ? clq_checkpoint_read_others(checkpoint, run, hashes, error)
                       : settle_headers(checkpoint, run, error));
    CLQ_TRY_TO(clq_checkpoint_verify(run, hashes, error));
done:
    free(hashes);
    return status;
}

static clq_status continue_left(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    clq_output_left left = CLQ_OUTPUT_NOTHING_LEFT;
    if (checkpoint->told > 0 || checkpoint->complete) {
        left = checkpoint->complete ? CLQ_OUTPUT_ALL_LEFT : CLQ_OUTPUT_PART_LEFT;
    }
    CLQ_TRY(clq_checkpoint_compare(checkpoint->journal, run, 1, error));
    CLQ_TRY(open_output(checkpoint, run, left, error));
    CLQ_TRY(read_left(checkpoint, run, error));
    checkpoint->begun = 1;
    clq_job_note(run->job, "%zu of %zu %s were finished by an earlier run", checkpoint->told, run->work->count,
                 run->work != run->plan && run->job->request->parts == 0 ? "pieces" : "tensors");
    return CLQ_OK;
}

clq_status clq_checkpoint_begin(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    checkpoint->output = run->output;
    checkpoint->shards = clq_output_shards(run->output);
    if (continues(checkpoint)) {
        CLQ_TRY(continue_left(checkpoint, run, error));
    } else {
        CLQ_TRY(begin_anew(checkpoint, run, error));
        CLQ_TRY(run->job->request->parts > 0 ? read_left(checkpoint, run, error) : CLQ_OK);
    }
    /* Until it is asked for, nothing half-written stays. */
    clq_output_keep(run->output, 0);
    return clq_checkpoint_writer_start(checkpoint->journal, run->output, checkpoint->told > 0, &checkpoint->writer,
                                       error);
}

clq_status clq_checkpoint_tensor(clq_checkpoint *checkpoint, const clq_model_plan_tensor *tensor, clq_error *error)
{
    clq_record_hashes hashes = {{0}};
    char line[CLQ_RECORD_BYTES];
    for (clq_part part = CLQ_PART_CODES; part < CLQ_PARTS; part++) {
        if (clq_part_is_there(tensor, part)) {
            CLQ_TRY(clq_output_hash(checkpoint->output, tensor->parts[part].number, &hashes.part[part], error));
        }
    }
    clq_record_format(tensor, &hashes, line);
    return clq_checkpoint_writer_add(
        checkpoint->writer, line, clq_output_shard_of(checkpoint->output, tensor->parts[CLQ_PART_CODES].number), error);
}

clq_status clq_checkpoint_finish(clq_checkpoint *checkpoint, clq_error *error)
{
    CLQ_TRY(clq_checkpoint_writer_finish(checkpoint->writer, CLQ_COMPLETE, error));
    clq_checkpoint_writer_stop(&checkpoint->writer);
    clq_journal_close(&checkpoint->journal);
    return CLQ_OK;
}

clq_status clq_checkpoint_commit(clq_checkpoint *checkpoint, clq_error *error)
{
    if (!checkpoint->complete) {
        CLQ_TRY(clq_checkpoint_writer_finish(checkpoint->writer, CLQ_COMPLETE, error));
        checkpoint->complete = 1;
    }
    clq_checkpoint_writer_stop(&checkpoint->writer); /* which flushes the files that are given away now */
    CLQ_TRY(clq_output_commit(checkpoint->output, error));
    /* At once: a report may take long, and a run that is killed in the middle of it has nothing left to continue. */
    (void)clq_journal_remove(&checkpoint->journal, NULL);
    return CLQ_OK;
}

int clq_checkpoint_close(clq_checkpoint **out, int keep)
{
    clq_checkpoint *checkpoint = *out;
    int kept = 0;
    if (checkpoint == NULL) {
        return 0;
    }
    if (checkpoint->writer != NULL && keep && !checkpoint->complete) {
        (void)clq_checkpoint_writer_finish(checkpoint->writer, NULL, NULL);
    }
    clq_checkpoint_writer_stop(&checkpoint->writer);
    if (checkpoint->journal != NULL && checkpoint->begun) {
        kept = keep;
        clq_output_keep(checkpoint->output, keep);
        if (!keep) {
            (void)clq_journal_remove(&checkpoint->journal, NULL);
            if (checkpoint->request->parts > 0) {
                clq_checkpoint_drop_alone(checkpoint);
            }
        }
    }
    clq_journal_close(&checkpoint->journal);
    clq_part_list_release(&checkpoint->others);
    free(checkpoint->journal_path);
    free(checkpoint);
    *out = NULL;
    return kept;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/journal.h"
#include "format/output_path.h"
#include "model/checkpoint_heading.h"
#include "model/checkpoint_record.h"
#include "model/checkpoint_writer.h"

/* The last line of a journal: every byte of the output is on disk, and files may be getting their final names. */
static const char COMPLETE[] = "complete";

struct clq_checkpoint {
    const clq_file_request *request;
    const char *path;     /* of the output */
    clq_journal *journal; /* NULL before begin when an earlier run left none */
    int unreadable;       /* one was left that is to be discarded, whatever is in it */
    size_t told;          /* tensors in a journal that was found */
    int complete;
    clq_output *output;
    size_t shards;
    clq_checkpoint_writer *writer;
    int begun; /* what is there is known to be right: nothing of it is needed any more when it is not to be kept */
};

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the journal");
}

static void show_output(const char *path, char shown[400])
{
    clq_printable(shown, 400, path, strlen(path));
}

/* Count what the journal tells; what it is worth is seen when there is a plan. */
static void count_lines(clq_checkpoint *checkpoint)
{
    const char *line = NULL;
    size_t length = 0;
    while (clq_journal_next(checkpoint->journal, &line, &length)) {
        if (length == strlen(COMPLETE) && memcmp(line, COMPLETE, length) == 0) {
            checkpoint->complete = 1;
        } else {
            checkpoint->told++;
        }
    }
    clq_journal_rewind(checkpoint->journal);
}

static clq_status refuse_left(const clq_checkpoint *checkpoint, clq_error *error)
{
    char shown[400];
    show_output(checkpoint->path, shown);
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "%s: an earlier run was killed when %zu of its tensors were finished; --resume continues it, "
                    "--force begins anew",
                    shown, checkpoint->told);
}

clq_status clq_checkpoint_find(const clq_file_request *request, const clq_output *output, clq_checkpoint **out,
                               clq_error *error)
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
    if (!clq_path_has_folder(checkpoint->path)) {
        return CLQ_OK;
    }
    status = clq_journal_find(checkpoint->path, &checkpoint->journal, &reason);
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
    return !request->resume && !request->replace && checkpoint->told > 0 ? refuse_left(checkpoint, error) : CLQ_OK;
}

static int continues(const clq_checkpoint *checkpoint)
{
    return checkpoint->request->resume && checkpoint->journal != NULL;
}

int clq_checkpoint_is_complete(const clq_checkpoint *checkpoint)
{
    return continues(checkpoint) && checkpoint->complete;
}

static clq_status compare_heading(const clq_checkpoint *checkpoint, const clq_checkpoint_run *run, int layout,
                                  clq_error *error)
{
    size_t bytes = 0;
    const char *heading = clq_journal_heading(checkpoint->journal, &bytes);
    char *text = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_heading_create(run, layout, &text, error));
    CLQ_TRY_TO(clq_heading_compare(run, heading, bytes, text, layout, error));
done:
    free(text);
    return status;
}

clq_status clq_checkpoint_check(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    return continues(checkpoint) ? compare_heading(checkpoint, run, 0, error) : CLQ_OK;
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
        return clq_journal_discard(checkpoint->path, error);
    }
    if (checkpoint->journal != NULL) {
        const size_t shards = heading_shards(checkpoint->journal);
        checkpoint->begun = 1;
        checkpoint->told = 0;
        checkpoint->complete = 0;
        CLQ_TRY(clq_journal_remove(&checkpoint->journal, error));
        return clq_output_discard_partial(output, shards, error);
    }
    return CLQ_OK;
}

static clq_status begin_anew(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    char *heading = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_heading_create(run, 1, &heading, error));
    CLQ_TRY_TO(discard_left(checkpoint, run->output, error));
    CLQ_TRY_TO(clq_journal_create(checkpoint->path, heading, &checkpoint->journal, error));
    checkpoint->begun = 1;
    CLQ_TRY_TO(clq_output_open_partial(run->output, run->job, CLQ_OUTPUT_NOTHING_LEFT, error));
    for (size_t i = 0; i < checkpoint->shards; i++) {
        CLQ_TRY_TO(clq_output_settle_header(run->output, i, 0, error));
    }
done:
    free(heading);
    return status;
}

static clq_status fail_record(const clq_checkpoint *checkpoint, clq_error *error)
{
    char shown[400];
    show_output(checkpoint->path, shown);
    return clq_fail(error, CLQ_BAD_FILE,
                    "%s: the journal of an earlier run tells of tensors that this run has not; without --resume, "
                    "--force begins anew",
                    shown);
}

static clq_status compare_hash(const clq_checkpoint_run *run, const clq_model_plan_tensor *tensor, size_t number,
                               uint64_t told, clq_error *error)
{
    int there = 0;
    uint64_t hash = 0;
    CLQ_TRY(clq_output_hash_in_file(run->output, number, &there, &hash, error));
    if (!there || hash != told) {
        char shown[400];
        char name[200];
        const char *own = run->plan->model->tensors[tensor->index].name;
        show_output(clq_output_path(run->output), shown);
        clq_printable(name, sizeof name, own, strlen(own));
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: what an earlier run left of tensor '%s' is not what it wrote; without --resume, --force "
                        "begins anew",
                        shown, name);
    }
    return CLQ_OK;
}

static clq_status compare_tensor(const clq_checkpoint_run *run, const clq_model_plan_tensor *tensor,
                                 const clq_record_hashes *hashes, clq_error *error)
{
    for (clq_part part = CLQ_PART_CODES; part < CLQ_PARTS; part++) {
        if (clq_part_is_there(tensor, part)) {
            CLQ_TRY(compare_hash(run, tensor, tensor->parts[part].number, hashes->part[part], error));
        }
    }
    return CLQ_OK;
}

/* Everything the journal tells, against the plan and the files. The headers come first: they are the cheapest. */
static clq_status read_left(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    clq_journal *journal = checkpoint->journal;
    clq_record_hashes *hashes = calloc(run->plan->count + 1, sizeof *hashes);
    uint8_t *told = calloc(checkpoint->shards + 1, 1);
    clq_status status = CLQ_OK;
    const char *line = NULL;
    size_t length = 0;
    size_t count = 0;
    if (hashes == NULL || told == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    while (count < checkpoint->told && clq_journal_next(journal, &line, &length)) {
        clq_record_hashes own;
        const clq_model_plan_tensor *tensor = clq_record_parse(line, length, run->plan, &own);
        if (tensor == NULL) {
            CLQ_TRY_TO(fail_record(checkpoint, error));
        } else {
            hashes[tensor->index] = own;
            told[clq_output_shard_of(run->output, tensor->parts[CLQ_PART_CODES].number)] = 1;
            count++;
        }
    }
    if (checkpoint->complete && count != run->plan->count) {
        CLQ_TRY_TO(fail_record(checkpoint, error));
    }
    for (size_t i = 0; i < checkpoint->shards; i++) {
        CLQ_TRY_TO(clq_output_settle_header(run->output, i, told[i] || checkpoint->complete, error));
    }
    for (size_t i = 0; i < run->plan->count; i++) {
        if (run->plan->tensors[i].written) {
            CLQ_TRY_TO(compare_tensor(run, &run->plan->tensors[i], &hashes[i], error));
        }
    }
done:
    free(hashes);
    free(told);
    return status;
}

static clq_status continue_left(clq_checkpoint *checkpoint, const clq_checkpoint_run *run, clq_error *error)
{
    clq_output_left left = CLQ_OUTPUT_NOTHING_LEFT;
    if (checkpoint->told > 0 || checkpoint->complete) {
        left = checkpoint->complete ? CLQ_OUTPUT_ALL_LEFT : CLQ_OUTPUT_PART_LEFT;
    }
    CLQ_TRY(compare_heading(checkpoint, run, 1, error));
    CLQ_TRY(clq_output_open_partial(run->output, run->job, left, error));
    CLQ_TRY(read_left(checkpoint, run, error));
    checkpoint->begun = 1;
    clq_job_note(run->job, "%zu of %zu tensors were finished by an earlier run", checkpoint->told, run->plan->count);
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

clq_status clq_checkpoint_commit(clq_checkpoint *checkpoint, clq_error *error)
{
    if (!checkpoint->complete) {
        CLQ_TRY(clq_checkpoint_writer_finish(checkpoint->writer, COMPLETE, error));
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
        }
    }
    clq_journal_close(&checkpoint->journal);
    free(checkpoint);
    *out = NULL;
    return kept;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What ranks tell each other of one output: what they read and are asked for, and what they have written where. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/text.h"
#include "model/checkpoint_heading.h"
#include "model/checkpoint_inside.h"
#include "model/shown.h"

static clq_status exchange(const clq_job *job, const char *text, char **all, size_t *count, clq_error *error)
{
    return job->events.exchange(job->events.cookie, text, all, count, error);
}

/* ---- before the work ---- */

/* "input BYTES TIME HASH": which of them differs. */
static const char *differing_fact(const char *first, const char *other)
{
    const size_t bytes = strcspn(first + strlen("input "), " ") + strlen("input ") + 1;
    const size_t hash = strcspn(first + bytes, " ") + bytes;
    return strncmp(first, other, bytes) != 0                                       ? "its size"
           : strncmp(first + hash, other + hash, strcspn(first + hash, "\n")) != 0 ? "its header"
                                                                                   : "its time of modification";
}

static clq_status fail_different(const clq_checkpoint_run *run, const char *first, const char *other, size_t input,
                                 size_t rank, clq_error *error)
{
    const clq_model *model = run->plan->model;
    char here[200];
    char there[200];
    if (strncmp(first, "input ", strlen("input ")) == 0 && strncmp(other, "input ", strlen("input ")) == 0) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT,
                        "%s: %s is not the same for ranks 0 and %zu, and all must read the same file",
                        clq_show(input < model->shard_count ? model->shards[input].path : model->path).text,
                        differing_fact(first, other), rank);
    }
    clq_printable(here, sizeof here, first, strcspn(first, "\n"));
    clq_printable(there, sizeof there, other, strcspn(other, "\n"));
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "%s: ranks 0 and %zu are not asked for the same, by the files that options name or what they find: "
                    "\"%s\" and \"%s\"",
                    clq_show(clq_output_path(run->output)).text, rank, here, there);
}

/* The first line in which both differ. */
static clq_status compare(const clq_checkpoint_run *run, const char *first, const char *other, size_t rank,
                          clq_error *error)
{
    size_t input = 0;
    while (*first != '\0' || *other != '\0') {
        const size_t length = strcspn(first, "\n");
        if (length != strcspn(other, "\n") || memcmp(first, other, length) != 0) {
            return fail_different(run, first, other, input, rank, error);
        }
        input += strncmp(first, "input ", strlen("input ")) == 0;
        first += length + (first[length] != '\0');
        other += length + (other[length] != '\0');
    }
    return CLQ_OK;
}

clq_status clq_checkpoint_compare_ranks(const clq_checkpoint_run *run, clq_error *error)
{
    /* Copies have times of their own; but who joins the parts of one output knows its input by them. */
    const int is_copy = run->job->request->shares > 0;
    clq_status status = CLQ_OK;
    char *own = NULL;
    char *all = NULL;
    const char *at;
    size_t count = 0;
    if (run->job->events.exchange == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY_TO(clq_heading_create(run, is_copy ? CLQ_HEADING_WITHOUT_TIMES : CLQ_HEADING_WITHOUT_LAYOUT, &own, error));
    CLQ_TRY_TO(exchange(run->job, own, &all, &count, error));
    at = all;
    for (size_t i = 0; i < count; i++) {
        CLQ_TRY_TO(compare(run, all, at, i, error));
        at += strlen(at) + 1;
    }
done:
    free(own);
    free(all);
    return status;
}

/* ---- at its end ---- */

static int exchanges(const clq_job *job)
{
    return job->request->shares > 0 && job->events.exchange != NULL;
}

clq_status clq_checkpoint_await_ranks(const clq_job *job, clq_error *error)
{
    char *all = NULL;
    size_t count = 0;
    if (exchanges(job)) {
        CLQ_TRY(exchange(job, "", &all, &count, error));
        free(all);
    }
    return CLQ_OK;
}

/* Lines as in a journal, of what is written here. */
static clq_status tell(const clq_checkpoint_run *run, const clq_record_hashes *hashes, char **text, clq_error *error)
{
    clq_status status;
    clq_text out = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < run->work->count; i++) {
        const clq_model_plan_tensor *piece = &run->work->tensors[i];
        char line[CLQ_RECORD_BYTES];
        if (piece->written && !piece->elsewhere) {
            clq_record_format(piece, &hashes[i], line);
            clq_text_put(&out, line);
            clq_text_put(&out, "\n");
        }
    }
    status = clq_text_take(&out, "what the parts did", text, &bytes, error);
    clq_text_release(&out);
    return status;
}

/* What others tell of what is elsewhere; each tells its own, and lines of this one come back too. */
static clq_status read_told(const clq_checkpoint_run *run, const char *text, clq_error *error)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        const size_t number = clq_record_number(text, length, run->work);
        clq_record_hashes hashes;
        if (number >= run->work->count || run->work->tensors[number].elsewhere) {
            if (clq_record_parse(text, length, run->work, &hashes) == NULL) {
                return clq_fail(error, CLQ_BAD_FILE, "%s: another rank tells of pieces that this one does not know",
                                clq_show(clq_output_path(run->output)).text);
            }
        }
        text += length + (text[length] != '\0');
    }
    return CLQ_OK;
}

static clq_status take_told(const clq_checkpoint_run *run, clq_error *error)
{
    size_t missing = 0;
    for (size_t i = 0; i < run->work->count; i++) {
        missing += !run->work->tensors[i].written;
        run->work->tensors[i].elsewhere = 0;
    }
    return missing == 0 ? CLQ_OK
                        : clq_fail(error, CLQ_INVALID_ARGUMENT, "%s: no rank has written %zu of its pieces",
                                   clq_show(clq_output_path(run->output)).text, missing);
}

clq_status clq_checkpoint_exchange(const clq_checkpoint_run *run, const clq_record_hashes *hashes, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *own = NULL;
    char *all = NULL;
    const char *at;
    size_t count = 0;
    if (!exchanges(run->job)) {
        return CLQ_OK;
    }
    CLQ_TRY_TO(tell(run, hashes, &own, error));
    CLQ_TRY_TO(exchange(run->job, own, &all, &count, error));
    at = all;
    for (size_t i = 0; i < count; i++) {
        CLQ_TRY_TO(read_told(run, at, error));
        at += strlen(at) + 1;
    }
    CLQ_TRY_TO(take_told(run, error));
done:
    free(own);
    free(all);
    return status;
}

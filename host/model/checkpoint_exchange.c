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

static const char INPUT[] = "input ";

/* Of "input BYTES TIME HASH" in both: what differs, NULL: nothing. `times`: those count. */
static const char *differing_fact(const char *first, const char *other, int times)
{
    const size_t bytes = strlen(INPUT) + strcspn(first + strlen(INPUT), " ") + 1;
    const size_t other_bytes = strlen(INPUT) + strcspn(other + strlen(INPUT), " ") + 1;
    const size_t time = strcspn(first + bytes, " ") + 1;
    const size_t other_time = strcspn(other + other_bytes, " ") + 1;
    if (bytes != other_bytes || memcmp(first, other, bytes) != 0) {
        return "its size";
    }
    if (strncmp(first + bytes + time, other + bytes + other_time, strcspn(first + bytes + time, "\n")) != 0) {
        return "its header or data";
    }
    return times && (time != other_time || memcmp(first + bytes, other + bytes, time) != 0) ? "its time of modification"
                                                                                            : NULL;
}

/* Two ranks and what each of them does and reads. */
typedef struct pair {
    size_t first, other;
    const char *of_first, *of_other;
} pair;

static clq_status fail_different(const clq_checkpoint_run *run, const pair *p, clq_error *error)
{
    char first[200];
    char other[200];
    clq_printable(first, sizeof first, p->of_first, strcspn(p->of_first, "\n"));
    clq_printable(other, sizeof other, p->of_other, strcspn(p->of_other, "\n"));
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "%s: ranks %zu and %zu are not asked for the same, by the files that options name or what they "
                    "find: \"%s\" and \"%s\"",
                    clq_show(clq_output_path(run->output)).text, p->first, p->other, first, other);
}

static int is_input(const char *line)
{
    return strncmp(line, INPUT, strlen(INPUT)) == 0;
}

/* The first line in which both differ. */
static clq_status compare(const clq_checkpoint_run *run, pair p, int times, clq_error *error)
{
    const clq_model *model = run->plan->model;
    size_t input = 0;
    while (*p.of_first != '\0' || *p.of_other != '\0') {
        const size_t length = strcspn(p.of_first, "\n");
        const size_t other = strcspn(p.of_other, "\n");
        if (is_input(p.of_first) && is_input(p.of_other)) {
            const char *fact = differing_fact(p.of_first, p.of_other, times);
            const char *path = input < model->shard_count ? model->shards[input].path : model->path;
            CLQ_REQUIRE(fact == NULL, "%s: %s is not the same for ranks %zu and %zu, and all must read the same file",
                        clq_show(path).text, fact, p.first, p.other);
            input++;
        } else if (length != other || memcmp(p.of_first, p.of_other, length) != 0) {
            return fail_different(run, &p, error);
        }
        p.of_first += length + (p.of_first[length] != '\0');
        p.of_other += other + (p.of_other[other] != '\0');
    }
    return CLQ_OK;
}

/* The first line is that of the share, which tells who writes to one folder. */
static const char *after_share(const char *text)
{
    return text + strcspn(text, "\n") + 1;
}

static int same_share(const char *a, const char *b)
{
    const size_t length = strcspn(a, "\n") + 1;
    return strncmp(a, b, length) == 0;
}

/*
 * All with the first, and those who write to one folder with the first of these, by times too: copies have times of
 * their own, but who joins the parts of one output knows their input by them.
 */
static clq_status compare_all(const clq_checkpoint_run *run, const char *own, const char *all, size_t count,
                              clq_error *error)
{
    const char *at = all;
    const char *neighbour = NULL;
    size_t number = 0;
    for (size_t i = 0; i < count; i++, at += strlen(at) + 1) {
        CLQ_TRY(compare(run, (pair){0, i, after_share(all), after_share(at)}, same_share(all, at), error));
        if (same_share(own, at)) {
            number = neighbour == NULL ? i : number;
            neighbour = neighbour == NULL ? at : neighbour;
            CLQ_TRY(compare(run, (pair){number, i, after_share(neighbour), after_share(at)}, 1, error));
        }
    }
    return CLQ_OK;
}

clq_status clq_checkpoint_compare_ranks(const clq_checkpoint_run *run, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_text out = {0};
    char *heading = NULL;
    char *own = NULL;
    char *all = NULL;
    size_t bytes = 0;
    size_t count = 0;
    if (run->job->events.exchange == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY_TO(clq_heading_create(run, 0, &heading, error));
    clq_text_format(&out, "share %" PRIu32 "\n", run->job->request->first_share);
    clq_text_put(&out, heading);
    CLQ_TRY_TO(clq_text_take(&out, "what ranks tell each other", &own, &bytes, error));
    CLQ_TRY_TO(exchange(run->job, own, &all, &count, error));
    status = compare_all(run, own, all, count, error);
done:
    clq_text_release(&out);
    free(heading);
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

clq_status clq_checkpoint_await_begun(const clq_job *job, int *all_begun, clq_error *error)
{
    char *all = NULL;
    size_t count = 0;
    if (job->request->parts > 0 && job->events.exchange != NULL) {
        CLQ_TRY(exchange(job, "", &all, &count, error));
        free(all);
        *all_begun = 1;
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

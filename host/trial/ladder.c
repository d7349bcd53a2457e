/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "trial/ladder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 3000 };

static const char *complaint(clq_verdict verdict)
{
    return verdict == CLQ_VERDICT_TOO_LARGE  ? "needs larger work-groups than there are"
           : verdict == CLQ_VERDICT_UNBUILT  ? "does not build"
           : verdict == CLQ_VERDICT_UNUSABLE ? "cannot be run"
           : verdict == CLQ_VERDICT_NO_ROOM  ? "cannot be tried"
                                             : "gives bytes that differ from the reference";
}

/*
 * By what is noted of earlier runs, else by comparing; the story stays filled when the step does not build. A note
 * speaks of what was built then, so that the step is built first.
 */
static clq_status verdict_by_trial(const clq_trial_ladder *ladder, const clq_trial_step *step, clq_verdict *verdict,
                                   clq_error *story)
{
    int same = 1;
    clq_status status = ladder->attempt(ladder->cookie, step, 1, &same, story);
    const int is_noted = status == CLQ_OK && ladder->is_noted(ladder->cookie, step);
    if (status == CLQ_OK && !is_noted) {
        clq_context_log(ladder->context, CLQ_LOG_DEBUG, "comparing with the reference: %s", step->what);
        status = ladder->attempt(ladder->cookie, step, 0, &same, story);
    }
    if (status != CLQ_OK) {
        *verdict = ladder->verdict_on(ladder->cookie, story, step);
        return *verdict == CLQ_VERDICT_UNKNOWN ? status : CLQ_OK;
    }
    *verdict = same ? CLQ_VERDICT_TRUSTED : CLQ_VERDICT_DIFFERS;
    if (!is_noted) {
        ladder->note(ladder->cookie, step, same);
    }
    return CLQ_OK;
}

static unsigned milliseconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)((now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000);
}

/* Many kernels, none of which takes long, are half a minute in which nothing else is heard: that is told once. */
static void tell_patience(const clq_trial_ladder *ladder, unsigned ms)
{
    const unsigned before = atomic_fetch_add(&ladder->context->trial_ms, ms);
    if (before < PATIENCE_MS && before + ms >= PATIENCE_MS) {
        clq_context_log(
            ladder->context, CLQ_LOG_INFO,
            "kernels are compiled and compared with the reference before their first use on %s, %u s so far",
            ladder->context->device.name, (before + ms) / 1000);
    }
}

/* A failure without a verdict lets the next in line try. */
static clq_status try_step(const clq_trial_ladder *ladder, const clq_trial_step *step, clq_error *story)
{
    clq_verdict verdict = CLQ_VERDICT_UNKNOWN;
    clq_status status;
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    status = verdict_by_trial(ladder, step, &verdict, story);
    tell_patience(ladder, milliseconds_since(&start));
    if (clq_verdict_is_aside(verdict)) {
        const int has_reason = verdict == CLQ_VERDICT_UNUSABLE || verdict == CLQ_VERDICT_NO_ROOM;
        clq_context_log(ladder->context, CLQ_LOG_WARNING, "%s on %s: kernel %s %s%s%s%s; it is set aside",
                        step->operation, ladder->context->device.name, step->kernel, complaint(verdict),
                        has_reason ? " (" : "", has_reason ? story->message : "", has_reason ? ")" : "");
    }
    clq_verdict_tell(ladder->verdicts, step->entry, verdict);
    return status;
}

/* What a device is too small for is told alike by each call. A compiler's story is told as it is, with its log, to whom
 * it was told, and so is a failed call's; else the last one tried is named. */
static clq_status nothing_left(const clq_trial_ladder *ladder, const clq_trial_step *step, const clq_error *story,
                               clq_error *error)
{
    const clq_verdict verdict = clq_verdict_of(ladder->verdicts, step->entry);
    if (verdict == CLQ_VERDICT_NO_ROOM) {
        return clq_fail(error, CLQ_UNSUPPORTED,
                        "%s on %s: kernel %s cannot be compared with the reference, and is not used without: no buffer "
                        "holds what that takes, the largest has %" PRIu64 " bytes",
                        step->operation, ladder->context->device.name, step->kernel,
                        ladder->context->device.maximum_allocation_bytes);
    }
    if (story != NULL && (story->status == CLQ_BUILD_FAILED || verdict == CLQ_VERDICT_UNUSABLE)) {
        if (error != NULL) {
            *error = *story;
        }
        return clq_fail_in(error, story->status, "%s: kernel %s", step->operation, step->kernel);
    }
    return clq_fail(error, CLQ_MISMATCH,
                    "%s on %s: no kernel gives the bytes of the reference there (%s was the last one tried)",
                    step->operation, ladder->context->device.name, step->kernel);
}

/* Ends: each round trusts a step, sets one aside, or waits for another thread that does. */
static clq_status climb_down(const clq_trial_ladder *ladder, clq_error *story, clq_error *error)
{
    size_t told = SIZE_MAX; /* whose story it is */
    for (;;) {
        clq_trial_step step;
        clq_verdict verdict;
        CLQ_TRY(ladder->next(ladder->cookie, &step, error));
        verdict = clq_verdict_of(ladder->verdicts, step.entry);
        if (verdict == CLQ_VERDICT_TRUSTED) {
            return CLQ_OK;
        }
        if (clq_verdict_is_aside(verdict)) {
            return nothing_left(ladder, &step, told == step.entry ? story : NULL, error);
        }
        CLQ_TRY(clq_context_check_cancel(ladder->context, "a kernel was compared with the reference", error));
        if (clq_verdict_claim(ladder->verdicts, step.entry)) {
            clq_status status;
            memset(story, 0, sizeof *story);
            told = step.entry;
            status = try_step(ladder, &step, story);
            if (status != CLQ_OK) {
                if (error != NULL) {
                    *error = *story;
                }
                return status;
            }
        }
    }
}

clq_status clq_trial_settle(const clq_trial_ladder *ladder, clq_error *error)
{
    clq_status status;
    clq_error *story = calloc(1, sizeof *story);
    if (story == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
    }
    status = climb_down(ladder, story, error);
    free(story);
    return status;
}

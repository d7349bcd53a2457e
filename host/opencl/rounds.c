/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/rounds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/launch/gemm.h"
#include "opencl/machine.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"

const clq_host_cause clq_cl_rounds_cause = {
    CLQ_UNSUPPORTED, "the device ends loops of a work-item early, and this needs longer ones", 0};

/* Rounds that every device makes: no limit that is known is below. What a device that has none is asked for: a
 * hundredth of a second on a GPU. */
enum { SAFE_ROUNDS = 60000, ASKED_ROUNDS = 1000000, ITEMS = 2, STEPS = 256 };

/* A work-item of many rounds and one of a round: what they made comes back in their places of `words`. */
static clq_status go_round(clq_cl_machine *m, uint32_t words[2 * ITEMS + STEPS], clq_error *error)
{
    const clq_trial_candidate candidate = clq_cl_machine_for_tasks(m);
    const uint64_t bytes = 4 * (2 * ITEMS + STEPS);
    void *memory = NULL;
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    launch.file = "probe_loop.cl";
    launch.kernel = "probe_loop";
    launch.dimensions = 1;
    launch.global[0] = ITEMS;
    clq_cl_launch_groups_of_one(&launch, m->stream.context);
    if (m->stream.queue != NULL) {
        CLQ_TRY(candidate.reserve(m, bytes, &memory, error));
        CLQ_TRY(candidate.write(m, words, bytes, error));
    }
    clq_cl_launch_memory(&launch, memory);
    clq_cl_launch_i32(&launch, 0);
    clq_cl_launch_i32(&launch, 2 * ITEMS);
    clq_cl_launch_i32(&launch, ITEMS);
    CLQ_TRY(clq_cl_launch_enqueue(&launch, &m->stream, error));
    return m->stream.queue != NULL ? candidate.read(m, words, bytes, error) : CLQ_OK;
}

static clq_status run(clq_context *context, clq_cl_binaries *binaries, uint32_t *words, clq_error *error)
{
    clq_cl_machine m;
    clq_status status = clq_cl_machine_begin(&m, context, words == NULL, error);
    m.stream.binaries = binaries;
    if (status == CLQ_OK) {
        status = go_round(&m, words, error);
    }
    clq_cl_machine_end(&m, status);
    return status;
}

/* As a trial: what is built is looked for among the notes of earlier runs first. */
static clq_status ask(clq_context *context, uint64_t *most, clq_error *error)
{
    static const char what[] = "loops of 1000000 rounds";
    uint32_t words[2 * ITEMS + STEPS];
    clq_cl_binaries binaries;
    int is_whole = 0;
    memset(&binaries, 0, sizeof binaries);
    *most = UINT64_MAX;
    CLQ_TRY(run(context, &binaries, NULL, error));
    if (clq_cl_cache_has_verdict(context, what, clq_cl_binaries_hash(&binaries))) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_context_check_cancel(context, "a device was asked how long it goes round a loop", error));
    for (int turn = 0; turn < 2 && !is_whole; turn++) { /* no single answer makes a device slow */
        memset(words, 0, sizeof words);
        words[0] = ASKED_ROUNDS;
        words[1] = 1;
        for (size_t i = 2 * ITEMS; i < sizeof words / sizeof words[0]; i++) {
            words[i] = 1;
        }
        CLQ_TRY(run(context, NULL, words, error));
        is_whole = words[ITEMS] == ASKED_ROUNDS && words[ITEMS + 1] == 1;
    }
    clq_cl_cache_store_verdict(context, what, clq_cl_binaries_hash(&binaries), is_whole);
    if (!is_whole) { /* one round at least: 0 says that nothing is known */
        *most = words[ITEMS + 1] == 1 ? clq_size_min(clq_size_max(words[ITEMS], 1), ASKED_ROUNDS - 1) : 1;
        clq_context_log(context, CLQ_LOG_WARNING,
                        "%s: loops of a work-item end after %" PRIu64
                        " rounds, without a word: what needs longer ones is "
                        "cut finer, or computed by the host",
                        context->device.name, *most);
    }
    return CLQ_OK;
}

/* Whether it says something of the kernel that asks, and not of the device or of memory. */
static int is_about_kernel(clq_context *context, const clq_error *story)
{
    return story->status == CLQ_BUILD_FAILED ||
           (story->status == CLQ_DEVICE_ERROR &&
            (clq_cl_is_of_kernel(story->opencl_code) || story->opencl_code == CL_OUT_OF_RESOURCES) &&
            clq_cl_machine_works(context));
}

/* Of a device that cannot be asked nothing is known: it gets short loops. */
static clq_status ask_or_doubt(clq_context *context, uint64_t *most, clq_error *error)
{
    clq_error story = {0};
    const clq_status status = ask(context, most, &story);
    if (status != CLQ_OK && is_about_kernel(context, &story)) {
        *most = SAFE_ROUNDS;
        clq_context_log(context, CLQ_LOG_WARNING,
                        "loops on %s: it cannot be asked how long it goes round one (%s): what needs long ones is cut "
                        "finer, or computed by the host",
                        context->device.name, story.message);
        return CLQ_OK;
    }
    if (status != CLQ_OK && error != NULL) {
        *error = story;
    }
    return status;
}

/* By several threads at worst, with one answer. */
static clq_status settle(clq_context *context, clq_error *error)
{
    uint64_t most = UINT64_MAX;
    if (!context->trusts_untried) {
        CLQ_TRY(ask_or_doubt(context, &most, error));
    }
    atomic_store(&context->cl->most_rounds, most);
    return CLQ_OK;
}

/* The question where callers do not wait for a compiler; other jobs have the places of verdicts as their keys. */
typedef struct question {
    clq_cl_job job;
    clq_context *context;
} question;

enum { QUESTION_KEY = -1 };

static clq_status run_question(clq_cl_job *job, clq_error *error)
{
    return settle(((question *)job)->context, error);
}

static void tell_late(clq_context *context)
{
    if (!atomic_exchange(&context->cl->told_late, 1)) {
        clq_context_log(
            context, CLQ_LOG_INFO,
            "loops on %s: how long it goes round one is not known yet, and calls wait no more than %u s for "
            "a compiler; the host computes until it is",
            context->device.name, clq_cl_worker_patience(&context->cl->worker));
    }
}

clq_status clq_cl_ask_rounds(clq_context *context, uint64_t rounds, int *is_late, clq_error *error)
{
    clq_status status = CLQ_OK;
    question *q;
    if (rounds <= SAFE_ROUNDS || atomic_load(&context->cl->most_rounds) != CLQ_CL_ROUNDS_UNKNOWN) {
        return CLQ_OK;
    }
    if (is_late == NULL || clq_cl_worker_patience(&context->cl->worker) == 0) {
        return settle(context, error);
    }
    q = calloc(1, sizeof *q);
    if (q == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to ask a device");
    }
    q->job.key = (size_t)QUESTION_KEY;
    q->job.run = run_question;
    q->context = context;
    if (!clq_cl_worker_do(context, &q->job, 1, &status, error)) {
        tell_late(context);
        *is_late = 1;
        return CLQ_OK;
    }
    return status;
}

int clq_cl_ends_early(const clq_context *context, uint64_t rounds)
{
    const uint64_t most = atomic_load(&context->cl->most_rounds);
    return most != CLQ_CL_ROUNDS_UNKNOWN && rounds > most;
}

/* Where all loops go to their end, nothing is counted. */
static int has_an_end(const clq_context *context)
{
    return clq_cl_ends_early(context, UINT64_MAX);
}

/* So much scratch memory, where no buffer has as much. */
static int heed_scratch(const clq_context *context, uint64_t bytes, clq_host_cause *by_host)
{
    if (by_host->reason != NULL || bytes <= context->device.maximum_allocation_bytes) {
        return 0;
    }
    by_host->status = CLQ_UNSUPPORTED;
    by_host->reason = "no buffer holds the scratch memory of its kernels";
    by_host->required_bytes = bytes;
    return 1;
}

int clq_cl_heed_limits(const clq_context *context, const clq_cl_cut *cut, clq_decision *decision)
{
    if (decision->by_host.reason != NULL) {
        return 0;
    }
    if (!heed_scratch(context, cut->workspace_bytes, &decision->by_host) && clq_cl_ends_early(context, cut->rounds)) {
        decision->by_host = clq_cl_rounds_cause;
    }
    return decision->by_host.reason != NULL;
}

int clq_cl_heed_product_rounds(const clq_context *context, const clq_gemm_task *task, clq_gemm_decision *decision)
{
    if (!has_an_end(context)) {
        return 0;
    }
    if (decision->packs_by_host.reason == NULL &&
        clq_cl_ends_early(context, clq_cl_gemm_pack_rounds(context, decision->tuning, task))) {
        decision->packs_by_host = clq_cl_rounds_cause;
    }
    if (decision->by_host.reason != NULL ||
        (decision->packs_by_host.reason == NULL && !clq_cl_ends_early(context, clq_cl_gemm_rounds(task, decision)))) {
        return 0;
    }
    decision->by_host = clq_cl_rounds_cause;
    return 1;
}

int clq_cl_heed_product_scratch(const clq_context *context, const clq_gemm_task *task, int is_packed,
                                clq_gemm_decision *decision)
{
    return heed_scratch(context, clq_cl_gemm_workspace_of(task, decision, is_packed).bytes, &decision->by_host);
}

clq_status clq_cl_refuse_beyond(const clq_context *context, const char *operation, const clq_host_cause *cause,
                                clq_error *error)
{
    char why[CLQ_CL_CAUSE_TEXT];
    return clq_fail(error, cause->status, "%s on %s: %s", operation, context->device.name,
                    clq_cl_cause_text(context, cause, why));
}

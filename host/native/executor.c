/* SPDX-License-Identifier: Apache-2.0 */
#include "native/executor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "core/host_memory.h"
#include "native/gemm.h"
#include "native/tensor.h"
#include "native/trust.h"
#include "reference/executor.h"

static void destroy(clq_context *context)
{
    if (context->native != NULL) {
        clq_native_state_destroy(context->native);
        free(context->native);
    }
}

clq_status clq_native_context_create(clq_context **context, clq_error *error)
{
    clq_context *made = NULL;
    clq_status status;
    CLQ_TRY(clq_context_new(&clq_native_executor, &made, error));
    made->native = calloc(1, sizeof *made->native);
    status = made->native != NULL ? clq_native_state_init(made->native, error)
                                  : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    if (status != CLQ_OK) {
        clq_context_release(made);
        return status;
    }
    *context = made;
    return CLQ_OK;
}

uint32_t clq_native_units(void)
{
    return (uint32_t)clq_threads_allowed();
}

static clq_native_team team_of(clq_context *context)
{
    return clq_native_team_of(&context->native->threads, &context->memory);
}

/* ---- tensors ---- */

static clq_status run_in(clq_context *context, const clq_native_team *team, const clq_task *task, clq_error *error)
{
    const clq_native_loops *loops = NULL;
    if (!clq_native_walks(team, task)) {
        return clq_reference_executor.run(NULL, task, error);
    }
    CLQ_TRY(clq_native_trust(context, task->operation, task->q, &loops, error));
    return loops != NULL ? clq_native_run(loops, team, task, error) : clq_reference_executor.run(NULL, task, error);
}

static clq_status run(clq_context *context, const clq_task *task, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    const clq_native_team team = team_of(context);
    return run_in(context, &team, task, error);
}

static void plan_in(const clq_context *context, const clq_native_loops *loops, clq_plan *plan_out)
{
    const size_t threads = context->native->threads.wanted;
    memset(plan_out, 0, sizeof *plan_out);
    if (loops == NULL) {
        snprintf(plan_out->variant, sizeof plan_out->variant, "host");
        snprintf(plan_out->reason, sizeof plan_out->reason, "no loops give the reference's bytes here");
        plan_out->by_host = 1;
        return;
    }
    snprintf(plan_out->variant, sizeof plan_out->variant, "%s", loops->name);
    snprintf(plan_out->reason, sizeof plan_out->reason, "%s; %zu thread%s", loops->reason, threads,
             threads == 1 ? "" : "s");
}

static int walks(const clq_context *context, const clq_task *task)
{
    const clq_native_team team = clq_native_team_of(&context->native->threads, NULL);
    return clq_native_walks(&team, task);
}

static clq_status plan(clq_context *context, const clq_task *task, clq_plan *plan_out, clq_error *error)
{
    if (!walks(context, task)) {
        return clq_reference_executor.plan(NULL, task, plan_out, error);
    }
    plan_in(context, clq_native_expected(context, task->operation, task->q), plan_out);
    return CLQ_OK;
}

static clq_status prepare(clq_context *context, const clq_task *task, clq_error *error)
{
    const clq_native_loops *loops = NULL;
    return !walks(context, task) ? CLQ_OK : clq_native_trust(context, task->operation, task->q, &loops, error);
}

/* ---- batches ---- */

/* Large tensors one after the other, each by all threads; then the small ones, a few at a time by each. */
typedef struct share {
    clq_batch *batch;
    clq_native_team alone;
    size_t parts;
    uint64_t most; /* elements of a small one */
    pthread_mutex_t lock;
    clq_status status;
    clq_error *error;
} share;

static void run_small(void *cookie, size_t index)
{
    share *s = cookie;
    for (size_t i = index; i < s->batch->count; i += s->parts) {
        clq_error error;
        clq_status status;
        if (s->batch->tasks[i].geometry.elements > s->most) {
            continue;
        }
        status = run_in(s->batch->context, &s->alone, &s->batch->tasks[i], &error);
        if (status != CLQ_OK) {
            pthread_mutex_lock(&s->lock);
            if (s->status == CLQ_OK && s->error != NULL) {
                *s->error = error;
            }
            s->status = status;
            pthread_mutex_unlock(&s->lock);
            return;
        }
    }
}

/* A few rounds for each thread, so that tensors of unlike sizes come out even. */
static size_t parts_of_small(const share *s, const clq_native_team *team)
{
    uint64_t elements = 0;
    for (size_t i = 0; i < s->batch->count; i++) {
        const uint64_t own = s->batch->tasks[i].geometry.elements;
        elements += own <= s->most ? own : 0;
    }
    return elements < team->least ? 1 : clq_size_min(team->parts, s->batch->count);
}

static clq_status batch_run(clq_batch *batch, const clq_order *order, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    const clq_native_team team = team_of(batch->context);
    share s = {.batch = batch, .alone = team, .most = team.least - 1, .status = CLQ_OK, .error = error};
    (void)order;
    s.alone.threads = NULL;
    s.alone.parts = 1;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->tasks[i].geometry.elements > s.most) {
            CLQ_TRY(run_in(batch->context, &team, &batch->tasks[i], error));
        }
    }
    s.parts = parts_of_small(&s, &team);
    pthread_mutex_init(&s.lock, NULL);
    clq_threads_run(team.threads, s.parts, run_small, &s);
    pthread_mutex_destroy(&s.lock);
    return s.status;
}

static clq_status batch_plan(const clq_batch *batch, clq_plan *plan_out, clq_error *error)
{
    static const clq_quantization none = {.real = CLQ_F32, .scheme = {.dtype = CLQ_S8}};
    if (batch->count > 0 && !walks(batch->context, &batch->tasks[0])) {
        return clq_reference_executor.plan(NULL, &batch->tasks[0], plan_out, error);
    }
    plan_in(batch->context,
            clq_native_expected(batch->context, batch->operation, batch->count > 0 ? batch->tasks[0].q : &none),
            plan_out);
    return CLQ_OK;
}

/* ---- products ---- */

/* Where no loops are left B is unpacked for the reference: its codes and zero points are as good as they were. */
static clq_status gemm(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    const clq_native_team team = team_of(context);
    const clq_native_loops *loops = NULL;
    CLQ_TRY(clq_native_trust_product(context, task->problem, &loops, error));
    if (loops != NULL) {
        return clq_native_gemm(loops, &team, task, clq_gemm_packed_memory(task), error);
    }
    if (task->weights != NULL) {
        return clq_native_gemm_by_reference(&team, task, error);
    }
    clq_native_gemm_in_tiles(&team, task);
    return CLQ_OK;
}

/* Tells too why the best set is not what is used, where the processor has it. */
static clq_status gemm_plan(clq_context *context, const clq_gemm_task *task, int packed, clq_plan *plan_out,
                            clq_error *error)
{
    const clq_native_loops *best = context->native->sets[0];
    const int is_forced = atomic_load(&context->native->forced) >= 0; /* then nobody asks the system for it */
    const char *refusal = is_forced ? NULL : clq_native_refusal(context, best);
    size_t used;
    (void)packed;
    (void)error;
    plan_in(context, clq_native_expected_product(context, task->problem), plan_out);
    used = strlen(plan_out->reason);
    if (refusal != NULL) {
        snprintf(plan_out->reason + used, sizeof plan_out->reason - used, "; not %s: %s", best->name, refusal);
    }
    return CLQ_OK;
}

static clq_status gemm_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_greatest,
                               clq_error *error)
{
    const clq_native_loops *loops = NULL;
    (void)m_greatest;
    return clq_native_trust_product(context, problem, &loops, error);
}

static clq_status gemm_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    const clq_native_team team = team_of(context);
    (void)error;
    clq_native_row_sums(&team, task);
    return CLQ_OK;
}

static clq_status weights_form(clq_context *context, const clq_gemm_task *task, clq_gemm_weights *made,
                               clq_error *error)
{
    (void)context;
    (void)error;
    made->form = CLQ_GEMM_FORM_OWN_PANELS;
    made->bytes = clq_native_packed_bytes(task);
    return CLQ_OK;
}

static clq_status weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    const clq_native_team team = team_of(weights->context);
    (void)weights_form(weights->context, task, weights, error);
    CLQ_TRY(clq_memory_take(&weights->context->memory, weights->bytes, CLQ_NATIVE_LINE, "packed weights",
                            &weights->object, error));
    clq_native_pack(&team, task, weights->object);
    return CLQ_OK;
}

static void weights_destroy(clq_gemm_weights *weights)
{
    clq_memory_give(&weights->context->memory, weights->object, weights->bytes);
}

/* ---- variants ---- */

static clq_status force_variant(clq_context *context, const char *variant, clq_error *error)
{
    clq_native_state *state = context->native;
    int forced = -1;
    if (variant != NULL) {
        char names[96] = "";
        size_t used = 0;
        const char *refusal;
        forced = clq_native_set_by_name(state, variant);
        for (size_t i = 0; i < state->set_count; i++) {
            used +=
                (size_t)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ", state->sets[i]->name);
        }
        CLQ_REQUIRE(forced >= 0, "'%.60s' is no variant of native; there are: %s", variant, names);
        refusal = clq_native_refusal(context, state->sets[forced]);
        if (refusal != NULL) {
            return clq_fail(error, CLQ_UNSUPPORTED, "variant %s: %s", variant, refusal);
        }
    }
    atomic_store(&state->forced, forced);
    return CLQ_OK;
}

const clq_executor clq_native_executor = {
    .destroy = destroy,
    .buffer_create = clq_host_buffer_create,
    .buffer_destroy = clq_host_buffer_destroy,
    .buffer_write = clq_host_buffer_write,
    .buffer_read = clq_host_buffer_read,
    .buffer_copy = clq_host_buffer_copy,
    .buffer_send = clq_host_buffer_send,
    .buffer_await = clq_host_buffer_await,
    .buffer_drop = clq_host_buffer_drop,
    .buffer_map = clq_host_buffer_map,
    .buffer_unmap = clq_host_buffer_unmap,
    .finish = clq_host_finish,
    .run = run,
    .plan = plan,
    .prepare = prepare,
    .batch_prepare = clq_host_batch_prepare,
    .batch_release = clq_host_batch_release,
    .batch_run = batch_run,
    .batch_plan = batch_plan,
    .gemm = gemm,
    .gemm_plan = gemm_plan,
    .gemm_prepare = gemm_prepare,
    .gemm_row_sums = gemm_row_sums,
    .weights_create = weights_create,
    .weights_form = weights_form,
    .weights_destroy = weights_destroy,
    .set_cache = clq_host_set_cache,
    .force_variant = force_variant,
};

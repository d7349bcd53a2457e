/* SPDX-License-Identifier: Apache-2.0 */
#include "native/machine.h"

#include <stdlib.h>
#include <string.h>

#include "native/gemm.h"
#include "native/tensor.h"
#include "reference/executor.h"

static clq_status reserve(void *cookie, uint64_t bytes, void **memory, clq_error *error)
{
    clq_native_machine *m = cookie;
    void *larger = realloc(m->memory, (size_t)bytes);
    if (larger == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try loops");
    }
    m->memory = *memory = larger;
    return CLQ_OK;
}

static clq_status write_all(void *cookie, const void *from, uint64_t bytes, clq_error *error)
{
    clq_native_machine *m = cookie;
    (void)error;
    memcpy(m->memory, from, (size_t)bytes);
    return CLQ_OK;
}

static clq_status read_all(void *cookie, void *to, uint64_t bytes, clq_error *error)
{
    clq_native_machine *m = cookie;
    (void)error;
    memcpy(to, m->memory, (size_t)bytes);
    return CLQ_OK;
}

/* ---- as calls do ---- */

static clq_status call_product(const clq_native_machine *m, const clq_trial_case *c, clq_error *error)
{
    const clq_gemm_problem *p = c->product.problem;
    clq_gemm_task task = c->product;
    clq_gemm_weights weights = {.context = m->context,
                                .dtype = p->b.dtype,
                                .zero_point = p->b_zero_point,
                                .n = p->n,
                                .k = p->k,
                                .k_group = p->k_group,
                                .batches = task.b_batches};
    clq_status status;
    if (!m->packs) {
        return m->context->executor->gemm(m->context, &task, error);
    }
    CLQ_TRY(m->context->executor->weights_create(&weights, &task, error));
    task.weights = &weights;
    status = m->context->executor->gemm(m->context, &task, error);
    m->context->executor->weights_destroy(&weights);
    return status;
}

static clq_status call(const clq_native_machine *m, const clq_trial_case *c, clq_error *error)
{
    clq_task tasks[CLQ_TRIAL_TENSORS];
    clq_batch batch = {.context = m->context, .count = c->count, .tasks = tasks};
    if (c->count == 0) {
        return call_product(m, c, error);
    }
    if (c->count == 1) {
        return m->context->executor->run(m->context, &c->tasks[0], error);
    }
    memcpy(tasks, c->tasks, sizeof tasks);
    batch.operation = tasks[0].operation;
    return m->context->executor->batch_run(&batch, NULL, error);
}

/* ---- by the loops alone ---- */

static clq_status run_product(const clq_native_machine *m, const clq_native_team *team, const clq_trial_case *c,
                              clq_error *error)
{
    const uint64_t bytes = m->packs ? clq_native_packed_bytes(&c->product) : 0;
    void *packed = NULL;
    clq_status status;
    if (m->packs) {
        CLQ_TRY(clq_memory_take(team->memory, bytes, CLQ_NATIVE_LINE, "packed B to try loops", &packed, error));
        clq_native_pack(team, &c->product, packed);
    }
    status = clq_native_gemm(m->loops, team, &c->product, packed, error);
    clq_memory_give(team->memory, packed, bytes);
    return status;
}

static clq_status run_case(void *cookie, const clq_trial_case *c, clq_error *error)
{
    const clq_native_machine *m = cookie;
    clq_native_team team = clq_native_small_team();
    if (m->as_called) {
        return call(m, c, error);
    }
    team.parts = m->in_parts ? team.parts : 1;
    if (c->count == 0) {
        return run_product(m, &team, c, error);
    }
    for (size_t i = 0; i < c->count; i++) {
        if (clq_native_walks(&team, &c->tasks[i])) {
            CLQ_TRY(clq_native_run(m->loops, &team, &c->tasks[i], error));
        } else {
            CLQ_TRY(clq_reference_executor.run(NULL, &c->tasks[i], error));
        }
    }
    return CLQ_OK;
}

clq_trial_candidate clq_native_machine_candidate(clq_native_machine *machine)
{
    return (clq_trial_candidate){machine, reserve, write_all, run_case, read_all, 0, NULL};
}

void clq_native_machine_release(clq_native_machine *machine)
{
    free(machine->memory);
    machine->memory = NULL;
}

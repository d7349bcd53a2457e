/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/pipeline.h"

#include <pthread.h>
#include <string.h>

typedef struct pipeline_run {
    const clq_pipeline *pipeline;
    size_t stages;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t moved;
    uint64_t passed[CLQ_PIPELINE_STAGES]; /* fillings that a stage is done with */
    uint64_t total;                       /* fillings there are, once the first stage knows */
    uint64_t failed;                      /* the earliest filling that failed; UINT64_MAX for none */
    clq_status status;                    /* how it failed */
    clq_error *error;                     /* the caller's, or NULL */
} pipeline_run;

typedef struct stage_thread {
    pipeline_run *run;
    size_t stage;
    pthread_t thread;
} stage_thread;

/* Whether the stage may take filling `number`; 0 when it never will. */
static int wait_for(pipeline_run *run, size_t stage, uint64_t number)
{
    int takes;
    pthread_mutex_lock(&run->lock);
    for (;;) {
        const int over = number >= run->total || number >= run->failed || (stage == 0 && run->failed != UINT64_MAX);
        const int ready =
            stage == 0 ? number < run->passed[run->stages - 1] + run->pipeline->slots : number < run->passed[stage - 1];
        takes = ready && !over;
        if (over || ready) {
            break;
        }
        pthread_cond_wait(&run->moved, &run->lock);
    }
    pthread_mutex_unlock(&run->lock);
    return takes;
}

static void note_failure(pipeline_run *run, uint64_t number, const clq_error *error)
{
    if (number < run->failed) {
        run->failed = number;
        run->status = error->status;
        if (run->error != NULL) {
            *run->error = *error;
        }
    }
}

/* Work on one filling. The wish to stop is looked at where work begins and where results go, so that either stops at
 * once. */
static clq_status work(const pipeline_run *run, size_t stage, size_t slot, int *filled, clq_error *error)
{
    const clq_pipeline *pipeline = run->pipeline;
    if ((stage == 0 || stage + 1 == run->stages) && pipeline->is_cancelled != NULL &&
        pipeline->is_cancelled(pipeline->cancel_cookie)) {
        return clq_fail(error, CLQ_CANCELLED, "interrupted");
    }
    return stage == 0 ? pipeline->fill(pipeline->cookie, slot, filled, error)
                      : pipeline->then[stage - 1](pipeline->cookie, slot, error);
}

static void *run_stage(void *argument)
{
    const stage_thread *self = argument;
    pipeline_run *run = self->run;
    clq_status status = CLQ_OK;
    int filled = 1;
    for (uint64_t number = 0; status == CLQ_OK && filled && wait_for(run, self->stage, number); number++) {
        clq_error error;
        status = work(run, self->stage, (size_t)(number % run->pipeline->slots), &filled, &error);
        pthread_mutex_lock(&run->lock);
        if (status != CLQ_OK) {
            note_failure(run, number, &error);
        } else if (!filled) {
            run->total = number;
        } else {
            run->passed[self->stage] = number + 1;
        }
        pthread_cond_broadcast(&run->moved);
        pthread_mutex_unlock(&run->lock);
    }
    return NULL;
}

/* Start all stages but the last; a thread that cannot be had is a failure of the first filling. */
static size_t start_threads(pipeline_run *run, stage_thread *threads)
{
    size_t started = 0;
    while (started + 1 < run->stages &&
           pthread_create(&threads[started].thread, NULL, run_stage, &threads[started]) == 0) {
        started += 1;
    }
    if (started + 1 < run->stages) {
        clq_error error;
        clq_fail(&error, CLQ_OUT_OF_MEMORY, "no thread can be started: memory or the number of processes is exhausted");
        pthread_mutex_lock(&run->lock);
        note_failure(run, 0, &error);
        pthread_cond_broadcast(&run->moved);
        pthread_mutex_unlock(&run->lock);
    }
    return started;
}

clq_status clq_pipeline_run(const clq_pipeline *pipeline, clq_error *error)
{
    stage_thread threads[CLQ_PIPELINE_STAGES];
    pipeline_run run;
    size_t started;
    memset(&run, 0, sizeof run);
    run.pipeline = pipeline;
    run.total = UINT64_MAX;
    run.failed = UINT64_MAX;
    run.error = error;
    run.stages = 1;
    while (run.stages < CLQ_PIPELINE_STAGES && pipeline->then[run.stages - 1] != NULL) {
        run.stages += 1;
    }
    pthread_mutex_init(&run.lock, NULL);
    pthread_cond_init(&run.moved, NULL);
    for (size_t i = 0; i < run.stages; i++) {
        threads[i].run = &run;
        threads[i].stage = i;
    }
    started = start_threads(&run, threads);
    run_stage(&threads[run.stages - 1]);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i].thread, NULL);
    }
    pthread_cond_destroy(&run.moved);
    pthread_mutex_destroy(&run.lock);
    return run.status;
}

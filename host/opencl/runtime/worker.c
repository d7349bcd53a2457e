/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "opencl/runtime/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "core/size.h"
#include "opencl/runtime/context.h"

/* Compilers go deep; the least that some systems give a thread is a few pages. */
static const size_t STACK_BYTES = (size_t)8 << 20;

static const uint64_t SECOND = 1000000000, LOOK = 200000000; /* in nanoseconds; whoever waits asks whether to go on */

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

/* ---- the thread ---- */

static void *work(void *cookie)
{
    clq_cl_worker *worker = cookie;
    pthread_mutex_lock(&worker->lock);
    while (!worker->is_ending) {
        clq_cl_job *job = worker->jobs;
        if (job == NULL) {
            pthread_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        job->status = job->run(job, &job->error);
        pthread_mutex_lock(&worker->lock);
        worker->jobs = job->next;
        job->is_done = 1;
        pthread_cond_broadcast(&worker->changed);
        if (job->callers == 0) {
            free(job);
        }
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

/* The lock is held. Signals are the program's, and its threads'. */
static int start(clq_cl_worker *worker)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    if (worker->is_running || pthread_attr_init(&attributes) != 0) {
        return worker->is_running;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    worker->is_running = pthread_create(&worker->thread, &attributes, work, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return worker->is_running;
}

void clq_cl_worker_init(clq_cl_worker *worker)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_init(&worker->patience, 0);
}

void clq_cl_worker_destroy(clq_context *context)
{
    clq_cl_worker *worker = &context->cl->worker;
    atomic_store(&context->is_ending, 1);
    if (worker->is_running) {
        pthread_mutex_lock(&worker->lock);
        worker->is_ending = 1;
        pthread_cond_broadcast(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
        pthread_join(worker->thread, NULL);
    }
    while (worker->jobs != NULL) {
        clq_cl_job *next = worker->jobs->next;
        free(worker->jobs);
        worker->jobs = next;
    }
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
}

/* ---- patience ---- */

void clq_cl_worker_set_patience(clq_context *context, unsigned seconds)
{
    clq_cl_worker *worker = &context->cl->worker;
    pthread_mutex_lock(&worker->lock);
    worker->patience_left = seconds * SECOND;
    atomic_store(&worker->patience, seconds);
    pthread_mutex_unlock(&worker->lock);
}

unsigned clq_cl_worker_patience(const clq_cl_worker *worker)
{
    return atomic_load(&worker->patience);
}

/* The lock is held, but not while the context's function is asked. */
static int is_cancelled(clq_context *context)
{
    int is;
    pthread_mutex_unlock(&context->cl->worker.lock);
    is = clq_context_is_cancelled(context);
    pthread_mutex_lock(&context->cl->worker.lock);
    return is;
}

/* The lock is held, also afterwards. Returns whether the wait was cancelled. */
static int await(clq_context *context, const clq_cl_job *job)
{
    clq_cl_worker *worker = &context->cl->worker;
    while (!job->is_done && worker->patience_left > 0) {
        const uint64_t begin = now();
        const uint64_t end = begin + clq_size_min(worker->patience_left, LOOK);
        const struct timespec until = {(time_t)(end / SECOND), (long)(end % SECOND)};
        uint64_t spent;
        (void)pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
        spent = now() - begin;
        worker->patience_left -= clq_size_min(spent, worker->patience_left);
        if (!job->is_done && is_cancelled(context)) {
            return 1;
        }
    }
    return 0;
}

/* ---- jobs ---- */

/* The lock is held. */
static clq_cl_job *find_or_add(clq_cl_worker *worker, clq_cl_job *job)
{
    clq_cl_job **place = &worker->jobs;
    while (*place != NULL && (*place)->key != job->key) {
        place = &(*place)->next;
    }
    if (*place == NULL) {
        *place = job;
        pthread_cond_broadcast(&worker->changed);
    }
    return *place;
}

static void take_result(const clq_cl_job *job, clq_status *status, clq_error *error)
{
    *status = job->status;
    if (job->status != CLQ_OK && error != NULL) {
        *error = job->error;
    }
}

int clq_cl_worker_do(clq_context *context, clq_cl_job *given, int waits, clq_status *status, clq_error *error)
{
    clq_cl_worker *worker = &context->cl->worker;
    clq_cl_job *job;
    int is_settled = 1;
    pthread_mutex_lock(&worker->lock);
    if (!start(worker)) {
        pthread_mutex_unlock(&worker->lock);
        *status = given->run(given, error);
        free(given);
        return 1;
    }
    job = find_or_add(worker, given);
    job->callers++;
    if (waits && await(context, job)) {
        *status = clq_fail(error, CLQ_CANCELLED, "interrupted before a kernel was compared with the reference");
    } else if (job->is_done) {
        take_result(job, status, error);
    } else {
        is_settled = 0;
    }
    job->callers--;
    if (job->is_done && job->callers == 0) {
        free(job);
    }
    if (job != given) {
        free(given);
    }
    pthread_mutex_unlock(&worker->lock);
    return is_settled;
}

int clq_cl_worker_is_busy(const clq_context *context)
{
    clq_cl_worker *worker = &context->cl->worker;
    int is_busy;
    pthread_mutex_lock(&worker->lock);
    is_busy = worker->jobs != NULL;
    pthread_mutex_unlock(&worker->lock);
    return is_busy;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { MOST_THREADS = 16 };

typedef struct workers {
    clq_work work;
    void *cookie;
    size_t count;
    atomic_size_t next;
    pthread_mutex_t lock; /* of all below */
    size_t failed;        /* the least index that failed; `count` for none */
    clq_status status;
    clq_error *error; /* the caller's, or NULL */
} workers;

static void *take_work(void *argument)
{
    workers *w = argument;
    size_t index;
    while ((index = atomic_fetch_add(&w->next, 1)) < w->count) {
        clq_error error;
        const clq_status status = w->work(w->cookie, index, &error);
        if (status != CLQ_OK) {
            pthread_mutex_lock(&w->lock);
            if (index < w->failed) {
                w->failed = index;
                w->status = status;
                if (w->error != NULL) {
                    *w->error = error;
                }
            }
            pthread_mutex_unlock(&w->lock);
        }
    }
    return NULL;
}

clq_status clq_workers_run(size_t count, clq_work work, void *cookie, clq_error *error)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const size_t wanted = cores < 1 ? 1 : cores > MOST_THREADS ? MOST_THREADS : (size_t)cores;
    workers w = {.work = work, .cookie = cookie, .count = count, .failed = count, .status = CLQ_OK, .error = error};
    pthread_t threads[MOST_THREADS];
    size_t started = 0;
    atomic_init(&w.next, 0);
    pthread_mutex_init(&w.lock, NULL);
    while (started + 1 < wanted && started + 1 < count && pthread_create(&threads[started], NULL, take_work, &w) == 0) {
        started += 1;
    }
    take_work(&w);
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_mutex_destroy(&w.lock);
    return w.status;
}

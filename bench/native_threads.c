/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of the roofs are made once and stay on one processor each: a scheduler may leave a new thread on the
 * processor of its maker for milliseconds, and a roof that shares a processor is none.
 */
#define _GNU_SOURCE
#include "native.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

static struct pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;   /* threads made */
    int running; /* of them at work */
    uint64_t generation;
    void (*work)(void *cookie, int index, int count);
    void *cookie;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int count_processors(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        online = CPU_COUNT(&allowed);
    }
#endif
    return online < 1 ? 1 : online > NATIVE_MAX_THREADS ? NATIVE_MAX_THREADS : (int)online;
}

int native_threads(void)
{
    return pool.count > 0 ? pool.count : count_processors();
}

/* On the processor with this number among those that the process may use, where the system has such a thing. */
static void stay_on_processor(int index)
{
#ifdef __linux__
    cpu_set_t allowed, one;
    if (pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) != 0) {
        return;
    }
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && index-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        }
    }
#else
    (void)index;
#endif
}

static void *thread_main(void *cookie)
{
    const int index = (int)(intptr_t)cookie;
    uint64_t seen = 0;
    stay_on_processor(index);
    for (;;) {
        pthread_mutex_lock(&pool.lock);
        while (pool.generation == seen) {
            pthread_cond_wait(&pool.changed, &pool.lock);
        }
        seen = pool.generation;
        pthread_mutex_unlock(&pool.lock);
        pool.work(pool.cookie, index, pool.count);
        pthread_mutex_lock(&pool.lock);
        pool.running--;
        pthread_cond_broadcast(&pool.changed);
        pthread_mutex_unlock(&pool.lock);
    }
    return NULL;
}

clq_status native_start(clq_error *error)
{
    const int wanted = count_processors();
    int made = pool.count;
    for (; made < wanted && pool.count == 0; made++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, thread_main, (void *)(intptr_t)made) != 0) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "cannot start %d threads", wanted);
        }
        pthread_detach(thread);
    }
    pool.count = made;
    return CLQ_OK;
}

void native_parallel(void (*work)(void *cookie, int index, int count), void *cookie)
{
    pthread_mutex_lock(&pool.lock);
    pool.work = work;
    pool.cookie = cookie;
    pool.running = pool.count;
    pool.generation++;
    pthread_cond_broadcast(&pool.changed);
    while (pool.running > 0) {
        pthread_cond_wait(&pool.changed, &pool.lock);
    }
    pthread_mutex_unlock(&pool.lock);
}

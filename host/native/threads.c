/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* sched_getaffinity */
#include "native/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/float_mode.h"

/* What the loops take, several times. */
enum { STACK_BYTES = 256 << 10 };

/* Of one process: a fork copies it, but none of its threads, and nobody knows what its locks were left at. */
struct clq_pool {
    pid_t process;
    clq_pool *left_behind; /* of a parent process: memory alone */
    pthread_mutex_t turn;  /* one call at a time */
    pthread_mutex_t lock;  /* of all below but `next` */
    pthread_cond_t begun, done;
    pthread_t threads[CLQ_THREADS_MOST];
    size_t made;
    atomic_size_t at_work; /* threads that take part in the call */
    _Atomic uint64_t calls;
    int is_open; /* the call wants more threads: one that wakes too late keeps nobody waiting */
    atomic_int is_ending;
    size_t count;
    atomic_size_t next;
    void (*work)(void *cookie, size_t index);
    void *cookie;
};

/* ---- how many ---- */

/* Of two numbers in a file, the quota in units of the period; 0 where there is none. */
static double quota_of(const char *path, const char *period_path)
{
    double quota = 0.0;
    double period = 0.0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0.0;
    }
    if (fscanf(file, "%lf %lf", &quota, &period) < (period_path == NULL ? 2 : 1)) { /* "max" is no number */
        quota = 0.0;
    }
    fclose(file);
    if (period_path != NULL && (file = fopen(period_path, "r")) != NULL) {
        if (fscanf(file, "%lf", &period) != 1) {
            period = 0.0;
        }
        fclose(file);
    }
    return quota > 0.0 && period > 0.0 ? quota / period : 0.0;
}

size_t clq_threads_allowed(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = online < 1 ? 1 : (size_t)online;
    double quota;
#ifdef __linux__
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0) {
        count = (size_t)CPU_COUNT(&allowed);
    }
#endif
    quota = quota_of("/sys/fs/cgroup/cpu.max", NULL);
    if (quota <= 0.0) {
        quota = quota_of("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    }
    if (quota > 0.0 && quota < (double)count) { /* half a processor more is worth a thread */
        count = quota < 1.5 ? 1 : (size_t)(quota + 0.5);
    }
    return count < CLQ_THREADS_MOST ? count : CLQ_THREADS_MOST;
}

/* ---- the threads ---- */

/* How long a thread looks for what it waits for before it sleeps: to wake one takes as long, which is more than a small
 * product or tensor does. */
enum { LOOK_NANOSECONDS = 20000 };

static int64_t nanoseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pause_a_little(void)
{
    for (int i = 0; i < 8; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

static void look_for_a_call(clq_pool *pool, uint64_t seen)
{
    const int64_t end = nanoseconds_now() + LOOK_NANOSECONDS;
    while (atomic_load_explicit(&pool->calls, memory_order_relaxed) == seen &&
           !atomic_load_explicit(&pool->is_ending, memory_order_relaxed) && nanoseconds_now() < end) {
        pause_a_little();
    }
}

static void look_for_the_end(clq_pool *pool)
{
    const int64_t end = nanoseconds_now() + LOOK_NANOSECONDS;
    while (atomic_load_explicit(&pool->at_work, memory_order_relaxed) > 0 && nanoseconds_now() < end) {
        pause_a_little();
    }
}

static void take_work(clq_pool *pool)
{
    size_t index;
    while ((index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->count) {
        pool->work(pool->cookie, index);
    }
}

static void *thread_main(void *cookie)
{
    CLQ_OWN_FLOAT_MODE;
    clq_pool *pool = cookie;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while ((pool->calls == seen || !pool->is_open) && !pool->is_ending) {
            pthread_cond_wait(&pool->begun, &pool->lock);
        }
        if (pool->is_ending) {
            break;
        }
        seen = pool->calls;
        pool->at_work++;
        pthread_mutex_unlock(&pool->lock);
        take_work(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->at_work == 0) {
            pthread_cond_signal(&pool->done);
        }
        pthread_mutex_unlock(&pool->lock);
        look_for_a_call(pool, seen);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The program's signals are its own threads' to take. */
static void make_threads(clq_pool *pool, size_t wanted)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0) {
        return;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (pool->made + 1 < wanted && pthread_create(&pool->threads[pool->made], &attributes, thread_main, pool) == 0) {
        pool->made++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

static void end_pool(clq_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = 1;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->made; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->begun);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    free(pool);
}

/*
 * In the place of `old`, which is NULL or another process's. Of several that make one the first keeps it; the others'
 * have no threads yet.
 */
static clq_pool *new_pool(clq_threads *threads, clq_pool *old)
{
    clq_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->process = getpid();
    pool->left_behind = old;
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->begun, NULL);
    pthread_cond_init(&pool->done, NULL);
    pthread_mutex_lock(&pool->turn);
    if (!atomic_compare_exchange_strong(&threads->pool, &old, pool)) {
        pthread_mutex_unlock(&pool->turn);
        end_pool(pool);
        return atomic_load(&threads->pool);
    }
    make_threads(pool, threads->wanted);
    pthread_mutex_unlock(&pool->turn);
    return pool;
}

static clq_pool *pool_of(clq_threads *threads)
{
    clq_pool *pool = atomic_load(&threads->pool);
    return pool != NULL && pool->process == getpid() ? pool : new_pool(threads, pool);
}

void clq_threads_init(clq_threads *threads)
{
    atomic_init(&threads->pool, NULL);
    threads->wanted = clq_threads_allowed();
}

void clq_threads_destroy(clq_threads *threads)
{
    clq_pool *pool = atomic_load(&threads->pool);
    if (pool != NULL && pool->process == getpid()) {
        clq_pool *left_behind = pool->left_behind;
        end_pool(pool);
        pool = left_behind;
    }
    while (pool != NULL) {
        clq_pool *left_behind = pool->left_behind;
        free(pool);
        pool = left_behind;
    }
}

static void run_alone(size_t count, void (*work)(void *cookie, size_t index), void *cookie)
{
    for (size_t i = 0; i < count; i++) {
        work(cookie, i);
    }
}

static void run_together(clq_pool *pool, size_t count, void (*work)(void *cookie, size_t index), void *cookie)
{
    pthread_mutex_lock(&pool->lock);
    pool->work = work;
    pool->cookie = cookie;
    pool->count = count;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->is_open = 1;
    pool->calls++;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->lock);
    take_work(pool);
    pthread_mutex_lock(&pool->lock);
    pool->is_open = 0;
    if (pool->at_work > 0) {
        pthread_mutex_unlock(&pool->lock);
        look_for_the_end(pool);
        pthread_mutex_lock(&pool->lock);
    }
    while (pool->at_work > 0) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

void clq_threads_run(clq_threads *threads, size_t count, void (*work)(void *cookie, size_t index), void *cookie)
{
    clq_pool *pool = threads != NULL && threads->wanted > 1 && count > 1 ? pool_of(threads) : NULL;
    if (pool == NULL || pthread_mutex_trylock(&pool->turn) != 0) {
        run_alone(count, work, cookie);
        return;
    }
    if (pool->made > 0) {
        run_together(pool, count, work, cookie);
    } else {
        run_alone(count, work, cookie);
    }
    pthread_mutex_unlock(&pool->turn);
}

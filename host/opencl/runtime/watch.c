/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "opencl/runtime/watch.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_SECONDS = 3, LOOKS_A_SECOND = 5 };

/* Whoever asked to stop is told what is waited for; so is, when it takes long, whoever did not. */
static void tell(const clq_cl_watch *watch, int looks, int *has_told_long, int *has_told_cancelled)
{
    if (!*has_told_long && looks >= PATIENCE_SECONDS * LOOKS_A_SECOND) {
        *has_told_long = 1;
        clq_context_log(watch->context, CLQ_LOG_INFO, "%s takes more than %d s; waiting for it", watch->what,
                        (int)PATIENCE_SECONDS);
    }
    if (!*has_told_cancelled && clq_context_is_cancelled(watch->context)) {
        *has_told_cancelled = 1;
        clq_context_log(watch->context, CLQ_LOG_INFO, "%s cannot be stopped; nothing else is begun", watch->what);
    }
}

static void *wait_and_tell(void *cookie)
{
    const long look = 1000000000L / LOOKS_A_SECOND;
    clq_cl_watch *watch = cookie;
    struct timespec until;
    int has_told_long = 0;
    int has_told_cancelled = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&watch->lock);
    for (int looks = 1; !watch->is_over && !(has_told_long && has_told_cancelled); looks++) {
        int code = 0;
        until.tv_sec += (until.tv_nsec + look) / 1000000000L;
        until.tv_nsec = (until.tv_nsec + look) % 1000000000L;
        while (!watch->is_over && code == 0) {
            code = pthread_cond_timedwait(&watch->ended, &watch->lock, &until);
        }
        if (!watch->is_over) {
            pthread_mutex_unlock(&watch->lock);
            tell(watch, looks, &has_told_long, &has_told_cancelled);
            pthread_mutex_lock(&watch->lock);
        }
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* A driver that compiles does not return until it is done, so another thread has to tell. It takes no signals: they are
 * the program's, and its threads'. Where no thread can be made nothing is told. */
void clq_cl_watch_begin(clq_cl_watch *watch, const clq_context *context, const char *what)
{
    pthread_condattr_t monotonic;
    sigset_t all;
    sigset_t before;
    memset(watch, 0, sizeof *watch);
    if (context->log == NULL || pthread_condattr_init(&monotonic) != 0) {
        return;
    }
    watch->context = context;
    watch->what = what;
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    watch->is_running = pthread_create(&watch->thread, NULL, wait_and_tell, watch) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!watch->is_running) {
        pthread_cond_destroy(&watch->ended);
        pthread_mutex_destroy(&watch->lock);
    }
}

void clq_cl_watch_end(clq_cl_watch *watch)
{
    if (!watch->is_running) {
        return;
    }
    pthread_mutex_lock(&watch->lock);
    watch->is_over = 1;
    pthread_cond_signal(&watch->ended);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->ended);
    pthread_mutex_destroy(&watch->lock);
}

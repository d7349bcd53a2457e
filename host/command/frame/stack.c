/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setattr_default_np */
#endif
#include "command/frame/stack.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "command/frame/cli.h"

/* What systems give unless told otherwise, and so what runtimes are tried with. Only addresses, until it is used. */
static const size_t ENOUGH_BYTES = (size_t)8 << 20;

typedef struct stack_call {
    int (*run)(int argc, char **argv);
    int argc;
    char **argv;
    int code;
    sigset_t signals;
} stack_call;

static void *call(void *cookie)
{
    stack_call *self = cookie;
    pthread_sigmask(SIG_SETMASK, &self->signals, NULL);
    self->code = self->run(self->argc, self->argv);
    return NULL;
}

/* `self->code` is set when this returns 0, else it returns why there is no thread. */
static int call_in_thread(stack_call *self, const pthread_attr_t *attributes)
{
    sigset_t all;
    pthread_t thread;
    int reason;
    /* Signals are the business of the threads that the command makes; this one only waits. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &self->signals);
    reason = pthread_create(&thread, attributes, call, self);
    if (reason == 0) {
        reason = pthread_join(thread, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &self->signals, NULL);
    return reason;
}

int cli_with_stack(int (*run)(int argc, char **argv), int argc, char **argv)
{
    stack_call self = {.run = run, .argc = argc, .argv = argv, .code = CLI_FAILURE};
    struct rlimit limit;
    pthread_attr_t attributes;
    int reason;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || (limit.rlim_cur >= ENOUGH_BYTES && limit.rlim_cur != RLIM_INFINITY)) {
        return run(argc, argv);
    }
    reason = pthread_attr_init(&attributes);
    if (reason == 0) {
        reason = pthread_attr_setstacksize(&attributes, ENOUGH_BYTES);
#ifdef __GLIBC__
        /* Without it, threads have what the limit was at the start; where there was none, 2 MiB. */
        reason = reason == 0 ? pthread_setattr_default_np(&attributes) : reason;
#endif
        if (limit.rlim_cur == RLIM_INFINITY) { /* this thread's is large enough */
            pthread_attr_destroy(&attributes);
            return run(argc, argv);
        }
        reason = reason == 0 ? call_in_thread(&self, &attributes) : reason;
        pthread_attr_destroy(&attributes);
    }
    if (reason != 0) {
        cli_message("cannot make a stack of %zu KiB: %s; the limit of this process (ulimit -s) is %" PRIu64
                    " KiB, and %zu are required",
                    ENOUGH_BYTES >> 10, strerror(reason), (uint64_t)limit.rlim_cur >> 10, ENOUGH_BYTES >> 10);
    }
    return self.code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT, SIGTERM and SIGHUP end the command between two chunks of work, so that nothing half-written stays.
 *
 * One thread waits for them; in every other they are blocked. A handler would not do: LLVM, which PoCL compiles with,
 * puts its own in the place of every handler that it finds when it first compiles, and those reset themselves when they
 * run, so that a second signal ends the process on the spot (llvm/lib/Support/Unix/Signals.inc, LLVM 15). Its handlers
 * do not run either for what is blocked everywhere, and no system call of ours is interrupted. The price: the linker
 * that PoCL starts has them blocked too, and ends when it is done.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* SIGXFSZ */
#endif
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "command/frame/cli.h"

/* A tool that sends one signal to the process and one to its group means one; the third is a person who insists, and
 * so is one who has been told what is waited for. */
enum { PATIENCE = 3 };

/* A driver that compiles or computes cannot be stopped: after this long a person is told so. */
enum { SILENT_SECONDS = 1 };

static atomic_int caught_signal; /* 0: none yet */

/* What the signal does by itself: it ends the process, and a core is written where it is meant to. */
static void die_of(int number)
{
    sigset_t set;
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

static int (*tell_person)(void); /* NULL: nobody is told */
static atomic_int told;

static void *tell_later(void *cookie)
{
    const struct timespec silence = {SILENT_SECONDS, 0};
    (void)cookie;
    (void)nanosleep(&silence, NULL);
    atomic_store(&told, 1); /* whoever has read it may be quick */
    atomic_store(&told, tell_person());
    return NULL;
}

static void *take_signals(void *waited)
{
    pthread_t teller;
    for (int count = 1;; count++) {
        int number = 0;
        while (sigwait(waited, &number) != 0) {
        }
        if (number == SIGQUIT || count >= PATIENCE || atomic_load(&told)) {
            die_of(number);
        }
        if (count == 1) {
            atomic_store(&caught_signal, number);
            if (tell_person != NULL && pthread_create(&teller, NULL, tell_later, NULL) == 0) {
                pthread_detach(teller);
            }
        }
    }
    return NULL;
}

static int is_ignored(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void do_nothing(int number)
{
    (void)number;
}

void cli_signals_begin(int (*tell)(void))
{
    static sigset_t waited; /* what the thread takes */
    sigset_t blocked;
    struct sigaction action, before[2];
    pthread_t thread;
    tell_person = tell;
    sigemptyset(&waited);
    sigaddset(&waited, SIGINT);
    sigaddset(&waited, SIGTERM);
    if (!is_ignored(SIGHUP)) { /* as it is under nohup */
        sigaddset(&waited, SIGHUP);
    }
    if (!is_ignored(SIGQUIT)) {
        sigaddset(&waited, SIGQUIT);
    }
    /* A closed pipe and a file beyond the size limit show as failed writes, which are dealt with where they are
     * written. LLVM takes SIGXFSZ too: it is blocked besides. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    blocked = waited;
    sigaddset(&blocked, SIGPIPE);
    sigaddset(&blocked, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    /* A shell starts what runs in the background with SIGINT ignored, and what is ignored may never become pending. */
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    action.sa_handler = do_nothing;
    sigaction(SIGINT, &action, &before[0]);
    sigaction(SIGTERM, &action, &before[1]);
    if (pthread_create(&thread, NULL, take_signals, &waited) == 0) {
        pthread_detach(thread);
    } else {
        /* Without a thread signals do what they do by themselves, or what they did. */
        sigaction(SIGINT, &before[0], NULL);
        sigaction(SIGTERM, &before[1], NULL);
        pthread_sigmask(SIG_UNBLOCK, &waited, NULL);
    }
}

int cli_interrupted(void)
{
    return atomic_load(&caught_signal) != 0;
}

void cli_interrupt(void)
{
    atomic_store(&caught_signal, SIGTERM);
}

int cli_should_end(void)
{
    return cli_interrupted() || cli_is_unread();
}

int cli_is_cancelled(void *cookie)
{
    (void)cookie;
    return cli_should_end();
}

int cli_interrupt_code(void)
{
    switch (atomic_load(&caught_signal)) {
    case SIGTERM:
        return CLI_TERMINATED;
    case SIGHUP:
        return CLI_HUNG_UP;
    default:
        return CLI_INTERRUPTED;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT, SIGTERM and SIGHUP end the command between two chunks of work, so that nothing half-written stays. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* SIGXFSZ */
#endif
#include <signal.h>
#include <string.h>

#include "cli.h"

/* A tool that sends one signal to the process and one to its group means one; the third is a person who insists. */
enum { PATIENCE = 3 };

static volatile sig_atomic_t caught_signal;
static volatile sig_atomic_t caught_count;

static void on_signal(int number)
{
    caught_signal = number;
    caught_count = caught_count + 1;
    if (caught_count >= PATIENCE) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

void cli_signals_install(void)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* Not under nohup. */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        sigaction(SIGHUP, &action, NULL);
    }
    /* A closed pipe and a file beyond the size limit show as failed writes and are reported as such. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int cli_interrupted(void)
{
    return caught_signal != 0;
}

int cli_interrupt_code(void)
{
    switch (caught_signal) {
    case SIGTERM:
        return CLI_TERMINATED;
    case SIGHUP:
        return CLI_HUNG_UP;
    default:
        return CLI_INTERRUPTED;
    }
}

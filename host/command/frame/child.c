/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/frame/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEATH_MILLISECONDS = 1000 };

int cli_child_start(cli_child *child, void (*work)(int answer, void *cookie), void *cookie)
{
    const struct rlimit no_core = {0, 0};
    int ends[2];
    int reason = 0;
    if (pipe(ends) != 0) {
        return 0;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    (void)fflush(stdout); /* a driver that calls exit would print it once more */
    child->answer = ends[0];
    child->process = fork();
    reason = errno;
    if (child->process == 0) {
        (void)close(ends[0]);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        work(ends[1], cookie);
        _exit(0);
    }
    (void)close(ends[1]);
    if (child->process < 0) {
        (void)close(ends[0]);
        child->answer = -1;
        errno = reason;
        return 0;
    }
    return 1;
}

int cli_child_has_ended(const cli_child *child)
{
    siginfo_t info;
    info.si_pid = 0;
    return waitid(P_PID, (id_t)child->process, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* One that hangs in the kernel does not even die of SIGKILL: it is left to itself. */
int cli_child_end(cli_child *child, int *status)
{
    const struct timespec moment = {0, 1000000};
    pid_t ended = 0;
    if (child->answer >= 0) {
        (void)close(child->answer);
        child->answer = -1;
    }
    for (int i = 0; i < DEATH_MILLISECONDS; i++) {
        ended = waitpid(child->process, status, WNOHANG);
        if (ended == child->process || (ended < 0 && errno != EINTR)) {
            break;
        }
        (void)nanosleep(&moment, NULL);
    }
    return ended == child->process;
}

void cli_child_kill(cli_child *child)
{
    int status = 0;
    (void)kill(child->process, SIGKILL);
    (void)cli_child_end(child, &status);
}

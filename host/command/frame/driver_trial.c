/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/frame/driver_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MILLISECONDS = 100, DEATH_MILLISECONDS = 1000 };

static void make_silent(void)
{
    const int nowhere = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; nowhere >= 0 && fd <= STDERR_FILENO; fd++) {
        (void)dup2(nowhere, fd);
    }
}

/* All that the process's own first call will do, and nothing else: it ends past all exit handlers. A child whose parent
 * is gone, or has been stopped, ends by itself. */
static void run_child(int answer, const char *vendors, unsigned seconds, const cli_driver_note *note)
{
    const struct rlimit no_core = {0, 0};
    sigset_t alarm_only;
    size_t count = 1; /* with the reference */
    clq_error error;
    unsigned char devices;
    make_silent();
    (void)setrlimit(RLIMIT_CORE, &no_core);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    (void)signal(SIGALRM, SIG_DFL);
    (void)pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    (void)alarm(seconds + 2);
    if (vendors != NULL) {
        (void)setenv("OCL_ICD_VENDORS", vendors, 1);
    }
    (void)clq_devices(0, NULL, &count, &error);
    if (note->cache != NULL) {
        cli_write_drivers_note(note->cache, &note->note);
    }
    devices = (unsigned char)(count - 1 < UINT8_MAX ? count - 1 : UINT8_MAX);
    _exit(write(answer, &devices, 1) == 1 ? 0 : 1);
}

int cli_driver_trial_start(cli_driver_trial *trial, const char *vendors, unsigned seconds, const cli_driver_note *note)
{
    int ends[2];
    int reason = 0;
    if (pipe(ends) != 0) {
        return 0;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    trial->answer = ends[0];
    trial->process = fork();
    reason = errno;
    if (trial->process == 0) {
        (void)close(ends[0]);
        run_child(ends[1], vendors, seconds, note);
    }
    (void)close(ends[1]);
    if (trial->process < 0) {
        (void)close(ends[0]);
        errno = reason;
        return 0;
    }
    return 1;
}

static int64_t now_milliseconds(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One that hangs in the kernel does not even die of SIGKILL: it is left to itself. */
static int take_status(pid_t process, int *status)
{
    const struct timespec moment = {0, 1000000};
    pid_t ended = 0;
    for (int i = 0; i < DEATH_MILLISECONDS; i++) {
        ended = waitpid(process, status, WNOHANG);
        if (ended == process || (ended < 0 && errno != EINTR)) {
            break;
        }
        (void)nanosleep(&moment, NULL);
    }
    return ended == process;
}

/* The child has closed its end of the pipe without a word. */
static void tell_end(const cli_driver_trial *trial, cli_driver *driver)
{
    int status = 0;
    if (!take_status(trial->process, &status)) {
        (void)kill(trial->process, SIGKILL);
        (void)take_status(trial->process, &status);
        snprintf(driver->fault, sizeof driver->fault, "closed files that are not its own");
    } else if (WIFSIGNALED(status)) {
        snprintf(driver->fault, sizeof driver->fault, "was killed by signal %d", WTERMSIG(status));
    } else {
        snprintf(driver->fault, sizeof driver->fault, "exited with code %d", WEXITSTATUS(status));
    }
}

/* One answer, or the end of one. */
static void take_answer(cli_driver_trial *trial, cli_driver *driver)
{
    unsigned char devices = 0;
    const ssize_t got = read(trial->answer, &devices, 1);
    int status = 0;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (got == 1) {
        driver->fault[0] = '\0';
        driver->devices = devices;
        (void)take_status(trial->process, &status);
    } else {
        tell_end(trial, driver);
    }
    (void)close(trial->answer);
    trial->answer = -1;
}

void cli_driver_trials_end(cli_driver_trial *trials, cli_driver *drivers, size_t count, unsigned seconds)
{
    const int64_t deadline = now_milliseconds() + (int64_t)seconds * 1000;
    struct pollfd ends[CLI_DRIVERS_MOST];
    int status = 0;
    for (size_t left = count; left > 0 && now_milliseconds() < deadline && !cli_interrupted();) {
        for (size_t i = 0; i < count; i++) {
            ends[i] = (struct pollfd){.fd = trials[i].answer, .events = POLLIN}; /* -1 is passed over */
        }
        (void)poll(ends, (nfds_t)count, TICK_MILLISECONDS);
        left = 0;
        for (size_t i = 0; i < count; i++) {
            if (trials[i].answer >= 0 && ends[i].revents != 0) {
                take_answer(&trials[i], &drivers[i]);
            }
            left += trials[i].answer >= 0;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (trials[i].answer >= 0) {
            (void)kill(trials[i].process, SIGKILL);
            (void)take_status(trials[i].process, &status);
            (void)close(trials[i].answer);
            trials[i].answer = -1;
            snprintf(drivers[i].fault, sizeof drivers[i].fault, "was not back after %u s", seconds);
        }
    }
}

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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MILLISECONDS = 100 };

static void make_silent(void)
{
    const int nowhere = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; nowhere >= 0 && fd <= STDERR_FILENO; fd++) {
        (void)dup2(nowhere, fd);
    }
}

typedef struct trial_work {
    const char *vendors;
    unsigned seconds;
    const cli_driver_note *note;
} trial_work;

/* All that the process's own first call will do, and nothing else. A child whose parent is gone, or has been stopped,
 * ends by itself. */
static void run_child(int answer, void *cookie)
{
    const trial_work *work = cookie;
    sigset_t alarm_only;
    size_t count = CLQ_OWN_DEVICES;
    clq_error error;
    unsigned char devices;
    make_silent();
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    (void)signal(SIGALRM, SIG_DFL);
    (void)pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    (void)alarm(work->seconds + 2);
    if (work->vendors != NULL) {
        (void)setenv("OCL_ICD_VENDORS", work->vendors, 1);
    }
    (void)clq_devices(0, NULL, &count, &error);
    if (work->note->cache != NULL) {
        cli_write_drivers_note(work->note->cache, &work->note->note);
    }
    devices = (unsigned char)(count - CLQ_OWN_DEVICES < UINT8_MAX ? count - CLQ_OWN_DEVICES : UINT8_MAX);
    _exit(write(answer, &devices, 1) == 1 ? 0 : 1);
}

int cli_driver_trial_start(cli_child *trial, const char *vendors, unsigned seconds, const cli_driver_note *note)
{
    trial_work work = {vendors, seconds, note};
    return cli_child_start(trial, run_child, &work);
}

static int64_t now_milliseconds(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The child has closed its end of the pipe without a word. */
static void tell_end(cli_child *trial, cli_driver *driver)
{
    int status = 0;
    if (!cli_child_end(trial, &status)) {
        cli_child_kill(trial);
        snprintf(driver->fault, sizeof driver->fault, "closed files that are not its own");
    } else if (WIFSIGNALED(status)) {
        snprintf(driver->fault, sizeof driver->fault, "was killed by signal %d", WTERMSIG(status));
    } else {
        snprintf(driver->fault, sizeof driver->fault, "exited with code %d", WEXITSTATUS(status));
    }
}

/* One answer, or the end of one. */
static void take_answer(cli_child *trial, cli_driver *driver)
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
        (void)cli_child_end(trial, &status);
    } else {
        tell_end(trial, driver);
    }
}

void cli_driver_trials_end(cli_child *trials, cli_driver *drivers, size_t count, unsigned seconds)
{
    const int64_t deadline = now_milliseconds() + (int64_t)seconds * 1000;
    struct pollfd ends[CLI_DRIVERS_MOST];
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
            cli_child_kill(&trials[i]);
            snprintf(drivers[i].fault, sizeof drivers[i].fault, "was not back after %u s", seconds);
        }
    }
}

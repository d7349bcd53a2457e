/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "killed_run.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <clquant/clquant.h>

#include "command/frame/cli.h"
#include "command/frame/options.h"
#include "model/checkpoint_writer.h"
#include "scratch.h"

/* What was written and not flushed. */
typedef struct unflushed {
    int fd;
    off_t offset;
    size_t bytes;
    uint64_t number;
} unflushed;

enum { MOST_UNFLUSHED = 4096 };

static killed_run self; /* of the process that is to die */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long calls;
static unflushed pieces[MOST_UNFLUSHED];
static size_t piece_count;
static uint64_t next_number;
static long flushes; /* of journals: data is flushed by fdatasync */

#define REAL(type, name, ...)                                                                                          \
    type __real_##name(__VA_ARGS__);                                                                                   \
    type __wrap_##name(__VA_ARGS__)

REAL(ssize_t, pwrite64, int fd, const void *memory, size_t bytes, off_t offset);
REAL(int, fsync, int fd);
REAL(int, fdatasync, int fd);
REAL(int, ftruncate64, int fd, off_t bytes);
REAL(int, renameat, int old_folder, const char *old_name, int new_folder, const char *new_name);
REAL(int, linkat, int old_folder, const char *old_name, int new_folder, const char *new_name, int flags);
REAL(int, unlinkat, int folder, const char *name, int flags);
REAL(int, openat64, int folder, const char *name, int flags, ...);
REAL(double, clq_checkpoint_seconds, void);
REAL(clq_status, clq_checkpoint_writer_add, clq_checkpoint_writer *writer, const char *line, size_t shard,
     clq_error *error);
REAL(const char *, clq_version, void);

/* Blocks that never reached the disk read as zeros; at the end of a file they may be missing altogether. */
static void lose_power(void)
{
    static const char zeros[4096];
    for (size_t i = piece_count; i-- > 0;) {
        const unflushed *piece = &pieces[i];
        struct stat facts;
        if (scratch_random(&self.seed) % 2 == 0 || fstat(piece->fd, &facts) != 0) {
            continue;
        }
        if (piece->offset + (off_t)piece->bytes == facts.st_size && scratch_random(&self.seed) % 2 == 0) {
            (void)!__real_ftruncate64(piece->fd, piece->offset + (off_t)(scratch_random(&self.seed) % piece->bytes));
            continue;
        }
        for (size_t done = 0; done < piece->bytes; done += sizeof zeros) {
            const size_t step = piece->bytes - done < sizeof zeros ? piece->bytes - done : sizeof zeros;
            (void)!__real_pwrite64(piece->fd, zeros, step, piece->offset + (off_t)done);
        }
    }
}

/* Before a call that changes files; -1 with errno when it is to fail, else 0. */
static int step(void)
{
    int fails;
    pthread_mutex_lock(&mutex);
    calls += self.die_before != 0 || self.fail_at != 0; /* not those of the parent */
    if (self.die_before != 0 && calls == self.die_before) {
        if (self.power_loss) {
            lose_power();
        }
        _exit(KILLED_RUN_DIED);
    }
    fails = self.fail_at != 0 && calls == self.fail_at;
    pthread_mutex_unlock(&mutex);
    errno = fails ? EIO : errno;
    return fails ? -1 : 0;
}

ssize_t __wrap_pwrite64(int fd, const void *memory, size_t bytes, off_t offset)
{
    ssize_t put;
    if (step() != 0) {
        return -1;
    }
    pthread_mutex_lock(&mutex);
    put = __real_pwrite64(fd, memory, bytes, offset);
    if (put > 0 && piece_count < MOST_UNFLUSHED) {
        pieces[piece_count++] = (unflushed){fd, offset, (size_t)put, next_number++};
    }
    pthread_mutex_unlock(&mutex);
    return put;
}

/* Before the flush: what is written from now on may not be part of it. */
static uint64_t begin_flush(void)
{
    uint64_t number;
    pthread_mutex_lock(&mutex);
    number = next_number;
    pthread_mutex_unlock(&mutex);
    return number;
}

static void end_flush(int fd, uint64_t number)
{
    size_t kept = 0;
    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < piece_count; i++) {
        if (pieces[i].fd != fd || pieces[i].number >= number) {
            pieces[kept++] = pieces[i];
        }
    }
    piece_count = kept;
    pthread_mutex_unlock(&mutex);
}

/* Whether the disk flushes or not is of no matter here, so that it need not. */
int __wrap_fsync(int fd)
{
    if (step() != 0) {
        return -1;
    }
    end_flush(fd, begin_flush());
    pthread_mutex_lock(&mutex);
    flushes++;
    pthread_mutex_unlock(&mutex);
    return 0;
}

int __wrap_fdatasync(int fd)
{
    if (step() != 0) {
        return -1;
    }
    end_flush(fd, begin_flush());
    return 0;
}

int __wrap_ftruncate64(int fd, off_t bytes)
{
    return step() != 0 ? -1 : __real_ftruncate64(fd, bytes);
}

int __wrap_renameat(int old_folder, const char *old_name, int new_folder, const char *new_name)
{
    return step() != 0 ? -1 : __real_renameat(old_folder, old_name, new_folder, new_name);
}

int __wrap_linkat(int old_folder, const char *old_name, int new_folder, const char *new_name, int flags)
{
    return step() != 0 ? -1 : __real_linkat(old_folder, old_name, new_folder, new_name, flags);
}

int __wrap_unlinkat(int folder, const char *name, int flags)
{
    return step() != 0 ? -1 : __real_unlinkat(folder, name, flags);
}

int __wrap_openat64(int folder, const char *name, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        if (step() != 0) {
            return -1;
        }
    }
    return __real_openat64(folder, name, flags, mode);
}

double __wrap_clq_checkpoint_seconds(void)
{
    return 0.0;
}

static long count_flushes(void)
{
    long count;
    pthread_mutex_lock(&mutex);
    count = flushes;
    pthread_mutex_unlock(&mutex);
    return count;
}

clq_status __wrap_clq_checkpoint_writer_add(clq_checkpoint_writer *writer, const char *line, size_t shard,
                                            clq_error *error)
{
    const struct timespec moment = {0, 20000};
    const long before = count_flushes();
    const clq_status status = __real_clq_checkpoint_writer_add(writer, line, shard, error);
    while (!self.racing && status == CLQ_OK && count_flushes() == before) {
        nanosleep(&moment, NULL);
    }
    return status;
}

const char *__wrap_clq_version(void)
{
    return self.version != NULL ? self.version : __real_clq_version();
}

static void redirect(const char *path, int to)
{
    const int fd = open(path != NULL ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || dup2(fd, to) < 0) {
        _exit(98);
    }
    close(fd);
}

static void run_command(const killed_run *run, const char *const *arguments)
{
    char *argv[KILLED_RUN_ARGUMENTS + 2] = {(char *)"clquant"};
    int argc = 1;
    int code = 0;
    cli_options options;
    while (argc <= KILLED_RUN_ARGUMENTS && arguments[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
        argc++;
    }
    redirect(run->out, STDOUT_FILENO);
    redirect(run->err, STDERR_FILENO);
    self = *run;
    cli_signals_begin(NULL);
    if (cli_options_parse(argc, argv, &options, &code)) {
        code = cli_verb_table[options.verb].run(&options);
    }
    cli_options_release(&options);
    fflush(NULL);
    _exit(code);
}

int killed_run_start(const killed_run *run, const char *const *arguments)
{
    int status = 0;
    const pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(98);
    }
    if (child == 0) {
        run_command(run, arguments);
    }
    if (run->kill_after > 0.0) {
        const struct timespec time = {(time_t)run->kill_after,
                                      (long)((run->kill_after - (double)(time_t)run->kill_after) * 1e9)};
        nanosleep(&time, NULL);
        kill(child, SIGKILL);
    }
    if (waitpid(child, &status, 0) != child) {
        perror("waitpid");
        exit(98);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED_RUN_DIED;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Durable writing: host/format/file.h. After every failure the folder must hold what it held before. */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "format/file.h"
#include "scratch.h"

/* What stands in for other file systems: calls of the writer are made to answer as theirs do (Linux). */
#ifdef __linux__
static int without_locks;
static int on_network;

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __wrap_flock(int fd, int operation)
{
    if (without_locks) {
        errno = ENOLCK;
        return -1;
    }
    return __real_flock(fd, operation);
}

int __real_fstatfs64(int fd, struct statfs *facts);
int __wrap_fstatfs64(int fd, struct statfs *facts);
int __wrap_fstatfs64(int fd, struct statfs *facts)
{
    const int result = __real_fstatfs64(fd, facts);
    facts->f_type = on_network ? 0x6969 : 0xEF53;
    return result;
}
#endif

static clq_writer *open_ok(const char *path, uint64_t planned_bytes, int replace)
{
    clq_writer *writer = NULL;
    clq_error error = {0};
    if (clq_writer_open(path, planned_bytes, replace, &writer, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    return writer;
}

static void open_bad(const char *path, uint64_t planned_bytes, int replace, clq_status status, const char *message)
{
    clq_writer *writer = NULL;
    clq_error error = {0};
    const clq_status got = clq_writer_open(path, planned_bytes, replace, &writer, &error);
    if (got != status || strstr(error.message, message) == NULL || strchr(error.message, '\n') != NULL) {
        fail_msg("status %d (expected %d), message '%s', expected '%s'", (int)got, (int)status, error.message, message);
    }
    assert_null(writer);
    assert_int_equal(scratch_count(".tmp-"), 0);
}

static void assert_file(const char *path, const char *want, size_t want_length)
{
    size_t length = 0;
    char *bytes = scratch_read(path, &length);
    assert_non_null(bytes);
    assert_int_equal(length, want_length);
    assert_memory_equal(bytes, want, length);
    free(bytes);
}

static void writes_a_file(void **state)
{
    const char *path = scratch_path("new");
    clq_writer *writer = open_ok(path, 10, 0);
    struct stat facts;
    const mode_t mask = umask(027);
    (void)state;
    umask(mask);
    assert_int_equal(clq_writer_write(writer, "abc", 3, NULL), CLQ_OK);
    assert_int_equal(clq_writer_write(writer, "def", 3, NULL), CLQ_OK);
    assert_int_equal(clq_writer_write_at(writer, 8, "ij", 2, NULL), CLQ_OK);
    assert_int_equal(clq_writer_write_at(writer, 0, "A", 1, NULL), CLQ_OK);
    assert_int_equal(clq_writer_write(writer, "k", 1, NULL), CLQ_OK);
    assert_int_equal(clq_writer_write(writer, NULL, 0, NULL), CLQ_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(scratch_count(".new.tmp-"), 1);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_null(writer);
    assert_int_equal(scratch_count(".tmp-"), 0);
    assert_file(path, "Abcdef\0\0ijk", 11);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0666 & ~mask);
    assert_int_equal(facts.st_nlink, 1);
}

static void leaves_nothing_when_abandoned(void **state)
{
    const char *path = scratch_write("kept", "old", 3);
    clq_writer *writer = open_ok(path, 0, 1);
    (void)state;
    assert_int_equal(clq_writer_write(writer, "new", 3, NULL), CLQ_OK);
    assert_file(path, "old", 3);
    clq_writer_abandon(&writer);
    assert_null(writer);
    clq_writer_abandon(&writer);
    assert_file(path, "old", 3);
    assert_int_equal(scratch_count(".tmp-"), 0);
}

static void replaces_only_when_told(void **state)
{
    const char *path = scratch_write("there", "old", 3);
    clq_writer *writer = NULL;
    (void)state;
    open_bad(path, 0, 0, CLQ_INVALID_ARGUMENT, "there: exists already and may not be replaced");
    writer = open_ok(path, 0, 1);
    assert_int_equal(clq_writer_write(writer, "newer", 5, NULL), CLQ_OK);
    assert_file(path, "old", 3);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_file(path, "newer", 5);
}

static mode_t mode_of(const char *path)
{
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    return facts.st_mode & 07777;
}

/* The name of the only file that is being written for `name`. */
static const char *temporary_of(const char *name)
{
    static char found[300];
    DIR *entries = opendir(scratch_path("."));
    assert_non_null(entries);
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.' && strncmp(entry->d_name + 1, name, strlen(name)) == 0) {
            snprintf(found, sizeof found, "%s", entry->d_name);
        }
    }
    closedir(entries);
    return scratch_path(found);
}

static void keeps_the_permissions_of_what_it_replaces(void **state)
{
    static const mode_t MODES[] = {0600, 0640, 0444, 0400, 0666, 0755, 04755};
    (void)state;
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
        const char *path = scratch_write("private", "old", 3);
        const mode_t mask = umask(022);
        uint64_t found = 0;
        clq_writer *writer = NULL;
        umask(mask);
        assert_int_equal(chmod(path, MODES[i]), 0);
        writer = open_ok(path, 0, 1);
        /* Who could not read the old file reads nothing of the new one either. */
        assert_int_equal(mode_of(temporary_of("private")) & ~(MODES[i] | 0600), 0);
        assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
        assert_int_equal(mode_of(path), MODES[i] & 0777);
        assert_int_equal(clq_writer_open_partial(path, 3, 1, CLQ_PARTIAL_REMOVE, &writer, &found, NULL), CLQ_OK);
        assert_int_equal(mode_of(temporary_of("private")) & ~(MODES[i] | 0600), 0);
        assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
        assert_int_equal(mode_of(path), MODES[i] & 0777);
        assert_int_equal(unlink(path), 0);
    }
}

/* Also those that it was given while it was written, or of a file that somebody set aside meanwhile. */
static void keeps_the_permissions_that_came_meanwhile(void **state)
{
    const char *path = scratch_write("private", "old", 3);
    clq_writer *writer = open_ok(path, 0, 1);
    (void)state;
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_int_equal(mode_of(path), 0604);
    writer = open_ok(path, 0, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_int_equal(mode_of(path), 0604);
    writer = open_ok(path, 0, 1);
    assert_int_equal(clq_writer_set_mode(writer, 0640, NULL), CLQ_OK);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_int_equal(mode_of(path), 0640);
}

static int replace_as_another(void)
{
    clq_writer *writer = NULL;
    return setgid(4713) == 0 && setuid(4711) == 0 &&
           clq_writer_open(scratch_path("theirs"), 0, 1, &writer, NULL) == CLQ_OK &&
           clq_writer_commit(&writer, NULL) == CLQ_OK;
}

static void in_a_process(int (*does)(void))
{
    int status = -1;
    const pid_t child = fork();
    if (child == 0) {
        _exit(does() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Root alone can give files away. */
static void keeps_owner_and_group_of_what_it_replaces(void **state)
{
    const char *path = scratch_write("theirs", "old", 3);
    clq_writer *writer = NULL;
    struct stat facts;
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(path, 4711, 4712), 0);
    assert_int_equal(chmod(path, 0640), 0);
    writer = open_ok(path, 0, 1);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_uid, 4711);
    assert_int_equal(facts.st_gid, 4712);
    assert_int_equal(facts.st_mode & 07777, 0640);
    /* Its owner, who is not in that group: what the group may, another one may not. */
    assert_int_equal(chmod(scratch_path("."), 0777), 0);
    assert_int_equal(chmod(path, 0754), 0);
    in_a_process(replace_as_another);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_uid, 4711);
    assert_int_equal(facts.st_gid, 4713);
    assert_int_equal(facts.st_mode & 07777, 0744);
}

static void leaves_a_file_alone_that_came_meanwhile(void **state)
{
    const char *path = scratch_path("meanwhile");
    clq_writer *writer = open_ok(path, 0, 0);
    clq_error error = {0};
    (void)state;
    scratch_write("meanwhile", "theirs", 6);
    assert_int_equal(clq_writer_write(writer, "ours", 4, NULL), CLQ_OK);
    assert_int_equal(clq_writer_commit(&writer, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "meanwhile: came into being meanwhile"));
    assert_null(writer);
    assert_file(path, "theirs", 6);
    assert_int_equal(scratch_count(".tmp-"), 0);
}

static void refuses_bad_targets(void **state)
{
    char name[400];
    (void)state;
    assert_int_equal(mkdir(scratch_path("folder"), 0700), 0);
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    assert_int_equal(symlink("nowhere", scratch_path("dangling")), 0);
    assert_int_equal(symlink("folder", scratch_path("to-folder")), 0);
    assert_int_equal(symlink("loop", scratch_path("loop")), 0);
    scratch_write("file", "x", 1);
    open_bad("", 0, 0, CLQ_INVALID_ARGUMENT, "the name of a file to write is required");
    open_bad(scratch_path("folder"), 0, 1, CLQ_INVALID_ARGUMENT, "folder: is a folder; the name of a file is required");
    open_bad(scratch_path("folder/"), 0, 1, CLQ_INVALID_ARGUMENT, "is a folder");
    open_bad(scratch_path("to-folder"), 0, 1, CLQ_INVALID_ARGUMENT, "is a folder");
    open_bad(".", 0, 1, CLQ_INVALID_ARGUMENT, "is a folder");
    open_bad(scratch_path("fifo"), 0, 1, CLQ_INVALID_ARGUMENT, "fifo: is a pipe, socket or device");
    open_bad("/dev/null", 0, 1, CLQ_INVALID_ARGUMENT, "/dev/null: is a pipe, socket or device");
    open_bad(scratch_path("dangling"), 0, 1, CLQ_IO_ERROR, "is a symbolic link to a file that does not exist");
    open_bad(scratch_path("loop"), 0, 1, CLQ_IO_ERROR, "cannot be written: Too many levels");
    open_bad(scratch_path("no/x"), 4 << 20, 0, CLQ_IO_ERROR,
             "no': No such file or directory (the whole file needs 4.0 MiB)");
    open_bad(scratch_path("no/"), 0, 0, CLQ_INVALID_ARGUMENT, "does not end in the name of a file");
    open_bad(scratch_path("file/x"), 0, 0, CLQ_IO_ERROR, "file/x: cannot be written: Not a directory");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    open_bad(scratch_path(name), 0, 0, CLQ_IO_ERROR, ": File name too long");
}

static void refuses_a_folder_that_is_read_only(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        skip(); /* root may write everywhere */
    }
    assert_int_equal(mkdir(scratch_path("read-only"), 0500), 0);
    open_bad(scratch_path("read-only/x"), 2048, 0, CLQ_IO_ERROR,
             "x: cannot create a file in its folder: Permission denied (the whole file needs 2.0 KiB)");
}

static void checks_the_free_space_first(void **state)
{
    (void)state;
    open_bad(scratch_path("huge"), UINT64_C(1) << 60, 0, CLQ_IO_ERROR,
             "huge: 1152921504606846976 bytes (1.0 EiB) are needed, and the file system has ");
}

/* A limit on the size of files stands for a full disk: both make a write fail halfway. */
static void tells_of_a_full_disk(void **state)
{
    const char *path = scratch_write("full", "old", 3);
    const size_t length = 1 << 20;
    char *bytes = calloc(1, length);
    clq_writer *writer = open_ok(path, 4 << 20, 1);
    clq_error error = {0};
    struct rlimit before;
    struct rlimit limit;
    clq_status status = CLQ_OK;
    (void)state;
    assert_non_null(bytes);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (1 << 20) + 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(clq_writer_write(writer, bytes, length, &error), CLQ_OK);
    status = clq_writer_write(writer, bytes, length, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, CLQ_IO_ERROR);
    assert_non_null(strstr(error.message, "full: cannot write 1048576 bytes at 1048576: File too large (the whole file "
                                          "needs 4.0 MiB)"));
    /* Even though there is room again, the file has a hole in it. */
    assert_int_equal(clq_writer_commit(&writer, &error), CLQ_IO_ERROR);
    assert_non_null(strstr(error.message, "full: not finished, since a write failed before"));
    assert_null(writer);
    assert_file(path, "old", 3);
    assert_int_equal(scratch_count(".tmp-"), 0);
    free(bytes);
}

static void writes_through_a_symbolic_link(void **state)
{
    const char *real = scratch_write("real", "old", 3);
    const char *link_path = scratch_path("link");
    clq_writer *writer = NULL;
    struct stat facts;
    (void)state;
    assert_int_equal(symlink("real", link_path), 0);
    open_bad(link_path, 0, 0, CLQ_INVALID_ARGUMENT, "link: exists already");
    writer = open_ok(link_path, 0, 1);
    assert_int_equal(clq_writer_write(writer, "new", 3, NULL), CLQ_OK);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_int_equal(lstat(link_path, &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
    assert_file(real, "new", 3);
}

/* The longest name a file may have, in characters of two bytes: the temporary name must be shorter. */
static void writes_files_with_the_longest_name(void **state)
{
    char name[256];
    clq_writer *writer = NULL;
    (void)state;
    for (size_t odd = 0; odd < 2; odd++) {
        memset(name, 'x', sizeof name);
        for (size_t i = odd; i + 1 < 255; i += 2) {
            memcpy(name + i, "\xc3\xa9", 2);
        }
        name[255] = '\0';
        writer = open_ok(scratch_path(name), 0, 0);
        assert_int_equal(clq_writer_write(writer, "x", 1, NULL), CLQ_OK);
        assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
        assert_file(scratch_path(name), "x", 1);
    }
}

static void writes_into_the_current_folder(void **state)
{
    clq_writer *writer = NULL;
    (void)state;
    assert_int_equal(chdir(scratch_path(".")), 0);
    writer = open_ok("relative", 0, 0);
    /* Where the program goes afterwards does not matter. */
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(clq_writer_write(writer, "x", 1, NULL), CLQ_OK);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_file(scratch_path("relative"), "x", 1);
}

static void refuses_positions_out_of_range(void **state)
{
    clq_writer *writer = open_ok(scratch_path("range"), 0, 0);
    (void)state;
    assert_int_equal(clq_writer_write_at(writer, UINT64_MAX, "x", 1, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_writer_write_at(writer, INT64_MAX, "x", 1, NULL), CLQ_INVALID_ARGUMENT);
    clq_writer_abandon(&writer);
}

static void tells_when_the_folder_vanished(void **state)
{
    clq_writer *writer = NULL;
    clq_error error = {0};
    (void)state;
    assert_int_equal(mkdir(scratch_path("vanishing"), 0700), 0);
    writer = open_ok(scratch_path("vanishing/x"), 0, 1);
    assert_int_equal(clq_writer_write(writer, "x", 1, NULL), CLQ_OK);
    scratch_remove(scratch_path("vanishing"));
    assert_int_equal(clq_writer_commit(&writer, &error), CLQ_IO_ERROR);
    assert_non_null(strstr(error.message, "vanishing/x: cannot rename the finished file into place: No such file"));
    assert_null(writer);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

/* Signals that interrupt calls must not show. */
static void works_under_a_rain_of_signals(void **state)
{
    const size_t length = 64 << 20;
    const char *path = scratch_path("rain");
    struct sigaction action = {0};
    const struct itimerval often = {{0, 200}, {0, 200}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    unsigned char *bytes = malloc(length);
    unsigned char *back = malloc(length);
    clq_writer *writer = NULL;
    uint64_t file_bytes = 0;
    int fd = -1;
    (void)state;
    assert_non_null(bytes);
    assert_non_null(back);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (unsigned char)(i * 31 >> 7);
    }
    action.sa_handler = on_alarm; /* without SA_RESTART */
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    writer = open_ok(path, length, 0);
    assert_int_equal(clq_writer_write(writer, bytes, length, NULL), CLQ_OK);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_int_equal(clq_file_open(path, &fd, &file_bytes, NULL), CLQ_OK);
    assert_int_equal(clq_file_read(fd, path, 0, back, length, NULL), CLQ_OK);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(file_bytes, length);
    assert_memory_equal(bytes, back, length);
    close(fd);
    free(bytes);
    free(back);
}

static void refuses_the_same_file(void **state)
{
    const char *in = scratch_write("in", "x", 1);
    const char *symbolic = scratch_path("in-symbolic");
    const char *hard = scratch_path("in-hard");
    clq_error error = {0};
    uint64_t bytes = 0;
    int fd = -1;
    (void)state;
    assert_int_equal(symlink(in, symbolic), 0);
    assert_int_equal(link(in, hard), 0);
    assert_int_equal(clq_file_open(in, &fd, &bytes, NULL), CLQ_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(bytes, 1);
    assert_int_equal(clq_file_refuse_same(fd, in, in, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_file_refuse_same(fd, in, symbolic, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_file_refuse_same(fd, in, hard, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "in-hard: is the same file as the input "));
    assert_int_equal(clq_file_refuse_same(fd, in, scratch_path("in-other"), NULL), CLQ_OK);
    assert_int_equal(clq_file_refuse_same(fd, in, scratch_write("in-copy", "x", 1), NULL), CLQ_OK);
    close(fd);
}

/* A process that has `path` half written. With `dead` it was killed, else it waits to be; its number. */
static pid_t write_half(const char *path, int dead)
{
    int ends[2];
    char byte = 0;
    pid_t child = -1;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        clq_writer *writer = NULL;
        if (clq_writer_open(path, 6, 1, &writer, NULL) == CLQ_OK &&
            clq_writer_write(writer, "abc", 3, NULL) == CLQ_OK && write(ends[1], "x", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    if (dead) {
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    return child;
}

static void end_process(pid_t process)
{
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}

static void write_whole(const char *path)
{
    clq_writer *writer = open_ok(path, 3, 1);
    clq_error error = {0};
    assert_int_equal(clq_writer_write(writer, "new", 3, NULL), CLQ_OK);
    if (clq_writer_commit(&writer, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    assert_file(path, "new", 3);
}

static void removes_what_killed_runs_left(void **state)
{
    const char *path = scratch_path("killed");
    char name[256];
    clq_writer *writer = NULL;
    uint64_t found = 0;
    (void)state;
    write_half(path, 1);
    write_half(path, 1);
    write_whole(path);
    assert_int_equal(scratch_count(".killed."), 0);
    /* A file that a later run may continue is no less the same output. */
    write_half(path, 1);
    assert_int_equal(clq_writer_open_partial(path, 3, 1, CLQ_PARTIAL_REMOVE, &writer, &found, NULL), CLQ_OK);
    assert_int_equal(scratch_count(".killed.tmp-"), 0);
    clq_writer_abandon(&writer);
    /* The longest name, and one that is cut at the same place. */
    memset(name, 'k', 255);
    name[255] = '\0';
    write_half(scratch_path(name), 1);
    name[254] = 'l';
    write_whole(scratch_path(name));
    assert_int_equal(scratch_count(".tmp-"), 1);
    name[254] = 'k';
    write_whole(scratch_path(name));
    assert_int_equal(scratch_count(".tmp-"), 0);
}

static void leaves_the_files_of_living_runs(void **state)
{
    const char *path = scratch_path("living");
    const pid_t child = write_half(path, 0);
    clq_writer *writer = open_ok(path, 3, 1);
    (void)state;
    assert_int_equal(scratch_count(".living.tmp-"), 2);
    write_whole(path);
    assert_int_equal(scratch_count(".living.tmp-"), 2);
    assert_int_equal(clq_writer_write(writer, "newer", 5, NULL), CLQ_OK);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_file(path, "newer", 5);
    assert_int_equal(scratch_count(".living.tmp-"), 1);
    end_process(child);
    write_whole(path);
    assert_int_equal(scratch_count(".living.tmp-"), 0);
}

/* Whatever moment the others are at: all finish, and nothing is left. */
static void many_runs_write_one_file(void **state)
{
    enum { PROCESSES = 6, ROUNDS = 60 };
    const char *path = scratch_path("many");
    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (int round = 0; round < ROUNDS; round++) {
                clq_writer *writer = NULL;
                clq_error error = {0};
                if (clq_writer_open(path, 3, 1, &writer, &error) != CLQ_OK ||
                    clq_writer_write(writer, "new", 3, &error) != CLQ_OK ||
                    clq_writer_commit(&writer, &error) != CLQ_OK) {
                    fprintf(stderr, "%s\n", error.message);
                    _exit(1);
                }
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int code = 0;
        assert_true(wait(&code) > 0);
        assert_int_equal(code, 0);
    }
    assert_file(path, "new", 3);
    assert_int_equal(scratch_count(".many.tmp-"), 0);
}

/* Names that are alike, and what has the name and is not what a run left. */
static void leaves_what_is_not_its_own(void **state)
{
    static const char *const others[] = {
        ".own.tmp-aaaaa", ".own.tmp-aaaaaaa",   ".own.tmp-AAAAAA", ".own.tmp-aaaaa1", ".own.tmp-x.npy.tmp-aaaaaa",
        ".own.tmp-",      ".owner.tmp-aaaaaa",  ".ow.tmp-aaaaaa",  "own.tmp-aaaaaa",  ".own.partial",
        ".own.journal",   ".own.tmp-aaaaaa.npy"};
    const char *path = scratch_path("own");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat facts;
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        scratch_write(others[i], "theirs", 6);
    }
    scratch_write("elsewhere", "theirs", 6);
    assert_int_equal(symlink("elsewhere", scratch_path(".own.tmp-linked")), 0);
    assert_int_equal(mkdir(scratch_path(".own.tmp-folder"), 0700), 0);
    assert_int_equal(mkfifo(scratch_path(".own.tmp-fifoaa"), 0600), 0);
    assert_true((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", scratch_path(".own.tmp-socket")) <
                sizeof address.sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(scratch_write(".own.tmp-others", "theirs", 6), 12345, 12345), 0);
    }
    scratch_write(".own.tmp-aaaaaa", "left", 4);
    write_whole(path);
    assert_int_equal(lstat(scratch_path(".own.tmp-aaaaaa"), &facts), -1);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_file(scratch_path(others[i]), "theirs", 6);
    }
    assert_file(scratch_path("elsewhere"), "theirs", 6);
    assert_int_equal(lstat(scratch_path(".own.tmp-linked"), &facts), 0);
    assert_int_equal(lstat(scratch_path(".own.tmp-folder"), &facts), 0);
    assert_int_equal(lstat(scratch_path(".own.tmp-fifoaa"), &facts), 0);
    assert_int_equal(lstat(scratch_path(".own.tmp-socket"), &facts), 0);
    assert_true(geteuid() != 0 || lstat(scratch_path(".own.tmp-others"), &facts) == 0);
    close(fd);
}

/* Locks that may be seen on one machine only tell nothing of what was written lately; no locks tell nothing at all. */
static void trusts_locks_as_far_as_they_reach(void **state)
{
#ifdef __linux__
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    const char *path = scratch_path("far-off");
    (void)state;
    scratch_write(".far-off.tmp-fresha", "left", 4);
    assert_int_equal(utimensat(AT_FDCWD, scratch_write(".far-off.tmp-oldaaa", "left", 4), old, 0), 0);
    without_locks = 1;
    write_whole(path);
    without_locks = 0;
    assert_int_equal(scratch_count(".far-off.tmp-"), 2);
    on_network = 1;
    write_whole(path);
    on_network = 0;
    assert_int_equal(scratch_count(".far-off.tmp-oldaaa"), 0);
    assert_int_equal(scratch_count(".far-off.tmp-fresha"), 1);
    write_whole(path);
    assert_int_equal(scratch_count(".far-off.tmp-"), 0);
#else
    (void)state;
    skip();
#endif
}

static void refuses_to_read_what_is_no_file(void **state)
{
    static const char *const kinds[] = {"in-fifo", "in-socket", "in-folder", "/dev/null"};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    assert_int_equal(mkfifo(scratch_path("in-fifo"), 0600), 0);
    assert_int_equal(mkdir(scratch_path("in-folder"), 0700), 0);
    assert_true((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", scratch_path("in-socket")) <
                sizeof address.sun_path);
    assert_int_equal(bind(listening, (const struct sockaddr *)&address, sizeof address), 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *path = kinds[i][0] == '/' ? kinds[i] : scratch_path(kinds[i]);
        clq_error error = {0};
        uint64_t bytes = 0;
        int fd = -1;
        assert_int_equal(clq_file_open(path, &fd, &bytes, &error), CLQ_BAD_FILE);
        assert_non_null(strstr(error.message, i == 2 ? "in-folder: is a folder; a file is required"
                                                     : ": is a pipe, socket or device; a regular file is required"));
        assert_int_equal(fd, -1);
    }
    close(listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_file),
        cmocka_unit_test(leaves_nothing_when_abandoned),
        cmocka_unit_test(replaces_only_when_told),
        cmocka_unit_test(keeps_the_permissions_of_what_it_replaces),
        cmocka_unit_test(keeps_the_permissions_that_came_meanwhile),
        cmocka_unit_test(keeps_owner_and_group_of_what_it_replaces),
        cmocka_unit_test(leaves_a_file_alone_that_came_meanwhile),
        cmocka_unit_test(refuses_bad_targets),
        cmocka_unit_test(refuses_a_folder_that_is_read_only),
        cmocka_unit_test(checks_the_free_space_first),
        cmocka_unit_test(tells_of_a_full_disk),
        cmocka_unit_test(writes_through_a_symbolic_link),
        cmocka_unit_test(writes_files_with_the_longest_name),
        cmocka_unit_test(writes_into_the_current_folder),
        cmocka_unit_test(refuses_positions_out_of_range),
        cmocka_unit_test(tells_when_the_folder_vanished),
        cmocka_unit_test(works_under_a_rain_of_signals),
        cmocka_unit_test(refuses_the_same_file),
        cmocka_unit_test(removes_what_killed_runs_left),
        cmocka_unit_test(leaves_the_files_of_living_runs),
        cmocka_unit_test(many_runs_write_one_file),
        cmocka_unit_test(leaves_what_is_not_its_own),
        cmocka_unit_test(trusts_locks_as_far_as_they_reach),
        cmocka_unit_test(refuses_to_read_what_is_no_file),
    };
    return cmocka_run_group_tests_name("writer", tests, scratch_begin, scratch_end);
}

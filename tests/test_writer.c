/* SPDX-License-Identifier: Apache-2.0 */
/* Durable writing: host/io/file.h. After every failure the folder must hold what it held before. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "../host/io/file.h"
#include "scratch.h"

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
    open_bad(scratch_path("loop"), 0, 1, CLQ_IO_ERROR, "cannot follow the symbolic link: Too many levels");
    open_bad(scratch_path("no/x"), 4 << 20, 0, CLQ_IO_ERROR,
             "no': No such file or directory (the whole file needs 4.0 MiB)");
    open_bad(scratch_path("no/"), 0, 0, CLQ_INVALID_ARGUMENT, "does not end in the name of a file");
    open_bad(scratch_path("file/x"), 0, 0, CLQ_IO_ERROR, "file/x: cannot write: Not a directory");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_file),
        cmocka_unit_test(leaves_nothing_when_abandoned),
        cmocka_unit_test(replaces_only_when_told),
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
    };
    return cmocka_run_group_tests_name("writer", tests, scratch_begin, scratch_end);
}

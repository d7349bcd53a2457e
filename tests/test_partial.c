/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a later run continues: clq_writer_open_partial of host/format/file.h. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/file.h"
#include "scratch.h"

static clq_writer *open_ok(const char *path, uint64_t planned_bytes, int replace, clq_partial_use use,
                           uint64_t want_found)
{
    clq_writer *writer = NULL;
    clq_error error = {0};
    uint64_t found = 0;
    if (clq_writer_open_partial(path, planned_bytes, replace, use, &writer, &found, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    assert_true(found == want_found);
    return writer;
}

static void open_bad(const char *path, uint64_t planned_bytes, int replace, clq_partial_use use, clq_status status,
                     const char *message)
{
    clq_writer *writer = NULL;
    clq_error error = {0};
    uint64_t found = 0;
    const clq_status got = clq_writer_open_partial(path, planned_bytes, replace, use, &writer, &found, &error);
    if (got != status || strstr(error.message, message) == NULL) {
        fail_msg("status %d (expected %d), message '%s', expected '%s'", (int)got, (int)status, error.message, message);
    }
    assert_null(writer);
}

static void put(clq_writer *writer, uint64_t offset, const char *text)
{
    assert_int_equal(clq_writer_write_at(writer, offset, text, strlen(text), NULL), CLQ_OK);
}

static void assert_file(const char *path, const char *want)
{
    size_t length = 0;
    char *bytes = scratch_read(path, &length);
    assert_non_null(bytes);
    assert_string_equal(bytes, want);
    free(bytes);
}

/* A process that writes `text` through the partial file of `path` and dies. */
static void die_writing(const char *path, uint64_t planned_bytes, const char *text)
{
    int code = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        clq_writer *writer = NULL;
        uint64_t found = 0;
        if (clq_writer_open_partial(path, planned_bytes, 1, CLQ_PARTIAL_REMOVE, &writer, &found, NULL) == CLQ_OK &&
            clq_writer_write(writer, text, strlen(text), NULL) == CLQ_OK) {
            _exit(0);
        }
        _exit(1);
    }
    assert_true(waitpid(child, &code, 0) == child);
    assert_int_equal(code, 0);
}

static void goes_on_where_another_died(void **state)
{
    const char *path = scratch_path("plain");
    clq_writer *writer = NULL;
    char back[3];
    (void)state;
    die_writing(path, 6, "abc");
    assert_int_equal(access(path, F_OK), -1);
    assert_file(scratch_path(".plain.partial"), "abc");
    writer = open_ok(path, 6, 0, CLQ_PARTIAL_CONTINUE, 3);
    assert_int_equal(clq_writer_read(writer, 0, back, 3, NULL), CLQ_OK);
    assert_memory_equal(back, "abc", 3);
    assert_int_equal(clq_writer_read(writer, 1, back, 3, NULL), CLQ_IO_ERROR);
    put(writer, 3, "def");
    assert_int_equal(clq_writer_flush(writer, NULL), CLQ_OK);
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_file(path, "abcdef");
    assert_int_equal(scratch_count(".partial"), 0);
}

static void begins_anew_unless_told(void **state)
{
    const char *path = scratch_path("anew");
    clq_writer *writer = NULL;
    struct stat facts;
    uint64_t found = 0;
    const mode_t mask = umask(027);
    (void)state;
    umask(mask);
    die_writing(path, 6, "abcdef");
    writer = open_ok(path, 6, 0, CLQ_PARTIAL_REMOVE, UINT64_MAX);
    put(writer, 0, "x");
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_file(path, "x");
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0666 & ~mask);
    /* With nothing to go on with, a resumed file is a new one, or none. */
    assert_int_equal(clq_writer_open_partial(path, 6, 1, CLQ_PARTIAL_NEED, &writer, &found, NULL), CLQ_OK);
    assert_null(writer);
    assert_int_equal(scratch_count(".partial"), 0);
    writer = open_ok(path, 6, 1, CLQ_PARTIAL_CONTINUE, UINT64_MAX);
    clq_writer_abandon(&writer);
    assert_file(path, "x");
    assert_int_equal(scratch_count(".partial"), 0);
}

static void stays_only_when_kept(void **state)
{
    const char *path = scratch_path("kept");
    clq_writer *writer = open_ok(path, 6, 0, CLQ_PARTIAL_REMOVE, UINT64_MAX);
    (void)state;
    put(writer, 0, "abc");
    clq_writer_keep(writer, 1);
    clq_writer_abandon(&writer);
    assert_file(scratch_path(".kept.partial"), "abc");
    writer = open_ok(path, 6, 0, CLQ_PARTIAL_CONTINUE, 3);
    clq_writer_abandon(&writer);
    assert_int_equal(scratch_count(".kept"), 0);
    die_writing(path, 6, "abc");
    assert_int_equal(clq_writer_remove_partial(path, NULL), CLQ_OK);
    assert_int_equal(scratch_count(".kept"), 0);
    assert_int_equal(clq_writer_remove_partial(path, NULL), CLQ_OK);
}

static void one_run_at_a_time(void **state)
{
    const char *path = scratch_path("two");
    clq_writer *writer = open_ok(path, 6, 0, CLQ_PARTIAL_REMOVE, UINT64_MAX);
    clq_error error = {0};
    (void)state;
    open_bad(path, 6, 0, CLQ_PARTIAL_REMOVE, CLQ_INVALID_ARGUMENT, "two: another run is writing it");
    open_bad(path, 6, 0, CLQ_PARTIAL_CONTINUE, CLQ_INVALID_ARGUMENT, "two: another run is writing it");
    assert_int_equal(clq_writer_remove_partial(path, &error), CLQ_INVALID_ARGUMENT);
    put(writer, 0, "abc");
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    assert_file(path, "abc");
}

/* Killed between giving the final name and taking the first one: both are there, with and without leave to replace. */
static void finishes_what_has_both_names(void **state)
{
    const char *path = scratch_path("both");
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        clq_writer *writer = NULL;
        clq_error error = {0};
        uint64_t found = 0;
        scratch_remove(path);
        die_writing(path, 3, "abc");
        assert_int_equal(clq_writer_open_partial(path, 3, replace, CLQ_PARTIAL_CONTINUE, &writer, &found, NULL),
                         CLQ_OK);
        assert_int_equal(link(scratch_path(".both.partial"), path), 0);
        if (clq_writer_commit(&writer, &error) != CLQ_OK) {
            fail_msg("%s", error.message);
        }
        assert_file(path, "abc");
        assert_int_equal(scratch_count(".partial"), 0);
    }
}

static void refuses_what_is_not_its_own(void **state)
{
    const char *path = scratch_path("odd");
    const char *partial = scratch_path(".odd.partial");
    clq_writer *writer = NULL;
    (void)state;
    scratch_write("elsewhere", "theirs", 6);
    assert_int_equal(symlink("elsewhere", partial), 0);
    open_bad(path, 6, 0, CLQ_PARTIAL_CONTINUE, CLQ_INVALID_ARGUMENT, "'.odd.partial' beside it is not a regular file");
    open_bad(path, 6, 0, CLQ_PARTIAL_REMOVE, CLQ_INVALID_ARGUMENT, "'.odd.partial' beside it is not a regular file");
    assert_file(scratch_path("elsewhere"), "theirs");
    assert_int_equal(unlink(partial), 0);
    assert_int_equal(mkfifo(partial, 0600), 0);
    open_bad(path, 6, 0, CLQ_PARTIAL_CONTINUE, CLQ_INVALID_ARGUMENT, "is not a regular file");
    assert_int_equal(unlink(partial), 0);
    scratch_write(".odd.partial", "abcdefg", 7);
    open_bad(path, 6, 0, CLQ_PARTIAL_CONTINUE, CLQ_BAD_FILE,
             "odd: what an earlier run left has 7 bytes, and the whole file has 6");
    assert_file(partial, "abcdefg");
    if (geteuid() == 0) {
        assert_int_equal(chown(partial, 12345, 12345), 0);
        open_bad(path, 7, 0, CLQ_PARTIAL_CONTINUE, CLQ_INVALID_ARGUMENT,
                 "'.odd.partial' beside it belongs to another user");
        writer = open_ok(path, 7, 0, CLQ_PARTIAL_REMOVE, UINT64_MAX);
        clq_writer_abandon(&writer);
    }
}

/* What is on disk already needs no room; holes do. */
static void checks_the_free_space_that_is_needed(void **state)
{
    const char *path = scratch_path("space");
    const uint64_t huge = UINT64_C(1) << 60;
    (void)state;
    open_bad(path, huge, 0, CLQ_PARTIAL_CONTINUE, CLQ_IO_ERROR, "are needed, and the file system has ");
    assert_int_equal(scratch_count(".space"), 0);
    scratch_write(".space.partial", "abc", 3);
    if (truncate(scratch_path(".space.partial"), (off_t)1 << 42) == 0) {
        open_bad(path, huge, 0, CLQ_PARTIAL_CONTINUE, CLQ_IO_ERROR, "are needed, and the file system has ");
        assert_int_equal(scratch_count(".space"), 1);
    }
}

/* Two names that are cut at the same place are two files; a link's file is beside what it leads to. */
static void names_are_its_own(void **state)
{
    char name[256];
    clq_writer *first = NULL;
    clq_writer *second = NULL;
    (void)state;
    memset(name, 'x', 255);
    name[255] = '\0';
    first = open_ok(scratch_path(name), 0, 0, CLQ_PARTIAL_REMOVE, UINT64_MAX);
    name[254] = 'y';
    second = open_ok(scratch_path(name), 0, 0, CLQ_PARTIAL_REMOVE, UINT64_MAX);
    put(second, 0, "second");
    assert_int_equal(clq_writer_commit(&second, NULL), CLQ_OK);
    assert_file(scratch_path(name), "second");
    clq_writer_abandon(&first);
    assert_int_equal(mkdir(scratch_path("far"), 0700), 0);
    scratch_write("far/real", "old", 3);
    assert_int_equal(symlink("far/real", scratch_path("near")), 0);
    first = open_ok(scratch_path("near"), 3, 1, CLQ_PARTIAL_REMOVE, UINT64_MAX);
    assert_int_equal(access(scratch_path("far/.real.partial"), F_OK), 0);
    put(first, 0, "new");
    assert_int_equal(clq_writer_commit(&first, NULL), CLQ_OK);
    assert_file(scratch_path("far/real"), "new");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_where_another_died),
        cmocka_unit_test(begins_anew_unless_told),
        cmocka_unit_test(stays_only_when_kept),
        cmocka_unit_test(one_run_at_a_time),
        cmocka_unit_test(finishes_what_has_both_names),
        cmocka_unit_test(refuses_what_is_not_its_own),
        cmocka_unit_test(checks_the_free_space_that_is_needed),
        cmocka_unit_test(names_are_its_own),
    };
    return cmocka_run_group_tests_name("partial", tests, scratch_begin, scratch_end);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of a file that is being written, host/format/journal.h, and the hash in it. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "format/journal.h"
#include "format/journal_block.h"
#include "scratch.h"

static const char HEADING[] = "version 1\ninput 2\n";

/* The values of the published test vectors: the buffer is made by xxHash's own generator. */
static void hashes_as_published(void **state)
{
    static const struct {
        size_t bytes;
        uint64_t seed;
        uint64_t hash;
    } VECTORS[] = {
        {0, 0, UINT64_C(0xEF46DB3751D8E999)},
        {0, 2654435761u, UINT64_C(0xAC75FDA2929B17EF)},
        {1, 0, UINT64_C(0xE934A84ADB052768)},
        {1, 2654435761u, UINT64_C(0x5014607643A9B4C3)},
        {4, 0, UINT64_C(0x9136A0DCA57457EE)},
        {14, 0, UINT64_C(0x8282DCC4994E35C8)},
        {14, 2654435761u, UINT64_C(0xC3BD6BF63DEB6DF0)},
        {222, 0, UINT64_C(0xB641AE8CB691C174)},
        {222, 2654435761u, UINT64_C(0x20CB8AB7AE10C14A)},
    };
    unsigned char buffer[222];
    uint64_t generator = 2654435761u;
    (void)state;
    for (size_t i = 0; i < sizeof buffer; i++) {
        buffer[i] = (unsigned char)(generator >> 56);
        generator *= UINT64_C(11400714785074694797);
    }
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        const uint64_t got = XXH64(buffer, VECTORS[i].bytes, VECTORS[i].seed);
        if (got != VECTORS[i].hash) {
            fail_msg("%zu bytes: %016" PRIx64 ", expected %016" PRIx64, VECTORS[i].bytes, got, VECTORS[i].hash);
        }
    }
}

static clq_journal *create(const char *path)
{
    clq_journal *journal = NULL;
    clq_error error = {0};
    if (clq_journal_create(path, HEADING, &journal, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    return journal;
}

static clq_journal *find(const char *path)
{
    clq_journal *journal = NULL;
    clq_error error = {0};
    if (clq_journal_find(path, &journal, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    return journal;
}

static void find_bad(const char *path, clq_status status, const char *message)
{
    clq_journal *journal = NULL;
    clq_error error = {0};
    const clq_status got = clq_journal_find(path, &journal, &error);
    if (got != status || strstr(error.message, message) == NULL) {
        fail_msg("status %d (expected %d), message '%s', expected '%s'", (int)got, (int)status, error.message, message);
    }
    assert_null(journal);
}

static void add(clq_journal *journal, const char *line)
{
    assert_int_equal(clq_journal_add(journal, line, NULL), CLQ_OK);
}

static void write_block(clq_journal *journal)
{
    assert_int_equal(clq_journal_write(journal, 1, NULL), CLQ_OK);
}

/* Lines "1" to "count" come, and no more. */
static void assert_lines(clq_journal *journal, int count)
{
    const char *line = NULL;
    size_t length = 0;
    for (int again = 0; again < 2; again++) {
        for (int i = 1; i <= count; i++) {
            char want[16];
            snprintf(want, sizeof want, "%d", i);
            assert_int_equal(clq_journal_next(journal, &line, &length), 1);
            assert_int_equal(length, strlen(want));
            assert_memory_equal(line, want, length);
        }
        assert_int_equal(clq_journal_next(journal, &line, &length), 0);
        assert_int_equal(clq_journal_next(journal, &line, &length), 0);
        clq_journal_rewind(journal);
    }
}

static void assert_heading(const clq_journal *journal)
{
    size_t bytes = 0;
    const char *heading = clq_journal_heading(journal, &bytes);
    assert_int_equal(bytes, sizeof HEADING - 1);
    assert_memory_equal(heading, HEADING, bytes);
}

/* Three blocks: "1" "2" | "3" | "4" "5". */
static char *write_sample(const char *path, size_t *bytes)
{
    char name[300];
    clq_journal *journal = create(path);
    const char *file = strrchr(path, '/') + 1;
    add(journal, "1");
    add(journal, "2");
    write_block(journal);
    add(journal, "3");
    write_block(journal);
    write_block(journal); /* nothing to write */
    add(journal, "4");
    add(journal, "5");
    write_block(journal);
    clq_journal_close(&journal);
    snprintf(name, sizeof name, ".%s.journal", file);
    return scratch_read(scratch_path(name), bytes);
}

static void reads_back_what_was_written(void **state)
{
    const char *path = scratch_path("plain");
    struct stat facts;
    clq_journal *journal = NULL;
    size_t bytes = 0;
    (void)state;
    assert_null(find(path));
    free(write_sample(path, &bytes));
    journal = find(path);
    assert_non_null(journal);
    assert_heading(journal);
    assert_lines(journal, 5);
    /* And goes on. */
    add(journal, "6");
    write_block(journal);
    clq_journal_close(&journal);
    journal = find(path);
    assert_lines(journal, 6);
    assert_int_equal(clq_journal_remove(&journal, NULL), CLQ_OK);
    assert_null(journal);
    assert_int_equal(stat(scratch_path(".plain.journal"), &facts), -1);
    assert_null(find(path));
}

static void a_line_that_was_not_written_is_not_there(void **state)
{
    const char *path = scratch_path("unwritten");
    clq_journal *journal = create(path);
    (void)state;
    add(journal, "1");
    clq_journal_close(&journal);
    journal = find(path);
    assert_lines(journal, 0);
    assert_int_equal(clq_journal_add(journal, "", NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_journal_add(journal, "end 7", NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_journal_remove(&journal, NULL), CLQ_OK);
}

/* Whole blocks within the first `length` bytes; -1: not even the heading. */
static int lines_in(const char *text, size_t length)
{
    static const int LINES[] = {0, 2, 3, 5};
    int blocks = 0;
    const char *from = text;
    for (const char *end; (end = strstr(from, "end ")) != NULL;) {
        from = strchr(end, '\n') + 1;
        if ((size_t)(from - text) > length) {
            break;
        }
        blocks++;
    }
    return blocks == 0 ? -1 : LINES[blocks - 1];
}

static void a_torn_end_does_not_count(void **state)
{
    const char *path = scratch_path("torn");
    size_t bytes = 0;
    char *text = write_sample(path, &bytes);
    (void)state;
    for (size_t length = 0; length <= bytes; length++) {
        clq_journal *journal = NULL;
        const int lines = lines_in(text, length);
        scratch_write(".torn.journal", text, length);
        journal = find(path);
        if (lines < 0) {
            assert_null(journal);
            assert_int_equal(access(scratch_path(".torn.journal"), F_OK), -1);
            continue;
        }
        assert_heading(journal);
        assert_lines(journal, lines);
        clq_journal_close(&journal);
        /* What is written next follows the last whole block. */
        journal = find(path);
        for (int i = lines + 1; i <= 7; i++) {
            char line[16];
            snprintf(line, sizeof line, "%d", i);
            add(journal, line);
        }
        write_block(journal);
        clq_journal_close(&journal);
        journal = find(path);
        assert_lines(journal, 7);
        clq_journal_close(&journal);
    }
    free(text);
}

/* A block of which a crash left zeros on disk, in front or behind. */
static void a_block_of_zeros_does_not_count(void **state)
{
    const char *path = scratch_path("zeros");
    size_t bytes = 0;
    char *text = write_sample(path, &bytes);
    const size_t last = (size_t)(strstr(text, "4\n5\n") - text);
    (void)state;
    for (size_t cut = last; cut <= bytes; cut++) {
        for (int behind = 0; behind < 2; behind++) {
            char *damaged = malloc(bytes);
            clq_journal *journal = NULL;
            memcpy(damaged, text, bytes);
            if (behind) {
                memset(damaged + cut, 0, bytes - cut);
            } else {
                memset(damaged + last, 0, cut - last);
            }
            scratch_write(".zeros.journal", damaged, bytes);
            journal = find(path);
            assert_lines(journal, memcmp(damaged, text, bytes) == 0 ? 5 : 3);
            clq_journal_close(&journal);
            free(damaged);
        }
    }
    free(text);
}

/*
 * Each bit changed: it is refused, or the lines are a beginning of those that were written. Never a changed heading,
 * never a changed line.
 */
static void a_changed_bit_is_seen(void **state)
{
    const char *path = scratch_path("bits");
    size_t bytes = 0;
    char *text = write_sample(path, &bytes);
    size_t refused = 0;
    size_t last = (size_t)(strstr(text, "3\n") - text);
    (void)state;
    for (size_t i = 0; i < bytes * 8; i++) {
        clq_journal *journal = NULL;
        clq_error error = {0};
        text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
        scratch_write(".bits.journal", text, bytes);
        if (clq_journal_find(path, &journal, &error) != CLQ_OK) {
            assert_int_equal(error.status, CLQ_BAD_FILE);
            refused++;
        } else {
            const char *line = NULL;
            size_t length = 0;
            int lines = 0;
            /* A change before the last blocks cannot be taken for a torn end. */
            assert_true(i / 8 >= last);
            assert_non_null(journal);
            assert_heading(journal);
            while (clq_journal_next(journal, &line, &length)) {
                char want[16];
                snprintf(want, sizeof want, "%d", ++lines);
                assert_int_equal(length, strlen(want));
                assert_memory_equal(line, want, length);
            }
            assert_true(lines < 5);
            clq_journal_close(&journal);
        }
        text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
    }
    assert_true(refused >= last * 8);
    free(text);
}

/* Blocks that were whole each by itself, in another order, twice or left out. */
static void moved_blocks_are_seen(void **state)
{
    const char *path = scratch_path("moved");
    size_t bytes = 0;
    char *text = write_sample(path, &bytes);
    const char *const first = strstr(text, "1\n2\n");
    const char *const second = strstr(text, "3\n");
    const char *const third = strstr(text, "4\n5\n");
    char moved[1000];
    (void)state;
    snprintf(moved, sizeof moved, "%.*s%s%.*s", (int)(first - text), text, second, (int)(second - first), first);
    scratch_write(".moved.journal", moved, strlen(moved));
    find_bad(path, CLQ_BAD_FILE, "is damaged");
    snprintf(moved, sizeof moved, "%.*s%s", (int)(first - text), text, second);
    scratch_write(".moved.journal", moved, strlen(moved));
    find_bad(path, CLQ_BAD_FILE, "is damaged");
    snprintf(moved, sizeof moved, "%s%s%s", text, third, third);
    scratch_write(".moved.journal", moved, strlen(moved));
    find_bad(path, CLQ_BAD_FILE, "is damaged");
    free(text);
}

static void forged(const char *name, const char *text, size_t bytes)
{
    char whole[1000];
    char end[CLQ_JOURNAL_END_BYTES];
    clq_journal_block_end(end, 0, 0, text, bytes);
    memcpy(whole, text, bytes);
    memcpy(whole + bytes, end, strlen(end));
    scratch_write(name, whole, bytes + strlen(end));
}

/* Hashes find accidents; who writes them right can still do no harm. */
static void refuses_forged_journals(void **state)
{
    static const char NUL[] = CLQ_JOURNAL_MAGIC "a\0b\n";
    static const char CONTROL[] = CLQ_JOURNAL_MAGIC "a\033[2Jb\n";
    static const char OTHER[] = "clquant journal 2\nversion\n";
    static const char FOREIGN[] = "some text\n";
    const char *path = scratch_path("forged");
    (void)state;
    forged(".forged.journal", NUL, sizeof NUL - 1);
    find_bad(path, CLQ_BAD_FILE, "is damaged");
    forged(".forged.journal", CONTROL, sizeof CONTROL - 1);
    find_bad(path, CLQ_BAD_FILE, "is damaged");
    forged(".forged.journal", OTHER, sizeof OTHER - 1);
    find_bad(path, CLQ_BAD_FILE, "has a form that this version does not know");
    forged(".forged.journal", FOREIGN, sizeof FOREIGN - 1);
    find_bad(path, CLQ_BAD_FILE, "has a form that this version does not know");
    scratch_write(".forged.journal", OTHER, sizeof OTHER - 1);
    find_bad(path, CLQ_BAD_FILE, "has a form that this version does not know");
    scratch_write(".forged.journal", FOREIGN, sizeof FOREIGN - 1);
    find_bad(path, CLQ_BAD_FILE, "is not one of clquant");
    assert_int_equal(truncate(scratch_path(".forged.journal"), (off_t)1 << 40), 0);
    find_bad(path, CLQ_BAD_FILE, "is larger than any that was written");
    /* None of them was touched; they go when that is asked for. */
    assert_int_equal(clq_journal_discard(path, NULL), CLQ_OK);
    assert_null(find(path));
    assert_int_equal(clq_journal_discard(path, NULL), CLQ_OK);
}

static void refuses_what_is_no_file(void **state)
{
    const char *path = scratch_path("odd");
    (void)state;
    scratch_write("elsewhere", "kept", 4);
    assert_int_equal(symlink("elsewhere", scratch_path(".odd.journal")), 0);
    find_bad(path, CLQ_INVALID_ARGUMENT, "is not a regular file");
    assert_int_equal(clq_journal_discard(path, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(unlink(scratch_path(".odd.journal")), 0);
    assert_int_equal(mkfifo(scratch_path(".odd.journal"), 0600), 0);
    find_bad(path, CLQ_INVALID_ARGUMENT, "is not a regular file");
    assert_int_equal(unlink(scratch_path(".odd.journal")), 0);
    if (geteuid() == 0) {
        free(write_sample(path, &(size_t){0}));
        assert_int_equal(chown(scratch_path(".odd.journal"), 12345, 12345), 0);
        find_bad(path, CLQ_INVALID_ARGUMENT, "belongs to another user");
    }
}

static void one_run_at_a_time(void **state)
{
    const char *path = scratch_path("two");
    clq_journal *journal = create(path);
    clq_journal *other = NULL;
    clq_error error = {0};
    (void)state;
    find_bad(path, CLQ_INVALID_ARGUMENT, "another run is writing it");
    assert_int_equal(clq_journal_create(path, HEADING, &other, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "another run is writing it"));
    assert_int_equal(clq_journal_discard(path, &error), CLQ_INVALID_ARGUMENT);
    clq_journal_close(&journal);
    journal = find(path);
    assert_non_null(journal);
    find_bad(path, CLQ_INVALID_ARGUMENT, "another run is writing it");
    clq_journal_close(&journal);
    /* What a killed run left is there still. */
    assert_int_equal(clq_journal_create(path, HEADING, &other, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_journal_discard(path, &error), CLQ_OK);
    journal = create(path);
    clq_journal_close(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_as_published),
        cmocka_unit_test(reads_back_what_was_written),
        cmocka_unit_test(a_line_that_was_not_written_is_not_there),
        cmocka_unit_test(a_torn_end_does_not_count),
        cmocka_unit_test(a_block_of_zeros_does_not_count),
        cmocka_unit_test(a_changed_bit_is_seen),
        cmocka_unit_test(moved_blocks_are_seen),
        cmocka_unit_test(refuses_forged_journals),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(one_run_at_a_time),
    };
    return cmocka_run_group_tests_name("journal", tests, scratch_begin, scratch_end);
}

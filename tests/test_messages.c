/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to a terminal: whatever text they are given, they print no control characters but the ends of lines. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/frame/cli.h"
#include "scratch.h"

#define NASTY "a\033]0;x\007\177\302\233\302\205\233\b\r\tz"

static void require_harmless(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    for (; *s != '\0'; s++) {
        assert_true((*s >= 0x20 || *s == '\n') && *s < 0x7F);
    }
}

static void errors_and_compilers_logs(void **state)
{
    const char *path = scratch_path("said");
    const int before = dup(STDERR_FILENO);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    size_t length = 0;
    char *said;
    clq_error error;
    (void)state;
    clq_fail(&error, CLQ_BUILD_FAILED, "%s", NASTY);
    snprintf(error.build_log, sizeof error.build_log, "first %s\n\nthird %s\n", NASTY, NASTY);
    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    cli_messages_begin("info", 1);
    assert_int_equal(cli_report(&error), CLI_NO_DEVICE);
    cli_message("%s", NASTY);
    assert_int_equal(cli_usage_error("%s", NASTY), CLI_USAGE);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    close(fd);
    said = scratch_read(path, &length);
    assert_non_null(said);
    require_harmless(said);
    assert_non_null(strstr(said, "\nfirst a\\x1b]0;x\\x07\\x7f\\xc2\\x9b\\xc2\\x85\\x9b\\x08\\x0d\\x09z\n\nthird a"));
    free(said);
}

/* Logs of compilers that are about: which line is told. */
static void line_of_a_log(void **state)
{
    static const struct {
        const char *log, *line;
    } LOGS[] = {{"", ""},
                {"\n  \n", ""},
                {"no word of it\nnor here\n", "no word of it"},
                {"1 error generated.\r\n<kernel>:7:1: error: no\r\nerror: yes", "<kernel>:7:1: error: no"},
                {"(): Warning: Function f is a kernel, so overriding noinline attribute.\n"
                 "ptxas application ptx input, line 25; error   : Instruction 'wgmma.fence' not supported\n"
                 "ptxas fatal   : Ptx assembly aborted due to errors\n",
                 "ptxas application ptx input, line 25; error   : Instruction 'wgmma.fence' not supported"},
                {"warning: unused\nError in processing command line", "Error in processing command line"}};
    (void)state;
    for (size_t i = 0; i < sizeof LOGS / sizeof LOGS[0]; i++) {
        size_t length = 0;
        const char *line = clq_log_line(LOGS[i].log, &length);
        if (length != strlen(LOGS[i].line) || memcmp(line, LOGS[i].line, length) != 0) {
            fail_msg("log %zu: '%.*s' is told, not '%s'", i, (int)length, line, LOGS[i].line);
        }
    }
}

static void lines_tables_and_json(void **state)
{
    static const char *const TITLES[] = {NASTY, "plain"};
    const char *path = scratch_path("printed");
    FILE *out = fopen(path, "w");
    cli_table *table = cli_table_create(2, TITLES, "<<");
    clq_json_writer json;
    size_t length = 0;
    char *printed;
    (void)state;
    assert_non_null(out);
    cli_line(out, "%s, %s", NASTY, "plain");
    cli_table_cell(table, "%s", NASTY);
    cli_table_cell(table, "%s", "plain");
    assert_int_equal(cli_table_print(table, out, NULL), CLQ_OK);
    cli_table_destroy(&table);
    clq_json_writer_begin(&json, out);
    clq_json_writer_key(&json, "key" NASTY);
    clq_json_writer_string(&json, "\302\200\302\237\177\033 \n");
    clq_json_writer_end(&json);
    assert_int_equal(fclose(out), 0);
    printed = scratch_read(path, &length);
    assert_non_null(printed);
    assert_non_null(strstr(printed, ": \"\\u0080\\u009f\\u007f\\u001b \\n\"\n"));
    /* A byte that is no UTF-8 has become U+FFFD in JSON. */
    for (char *mark; (mark = strstr(printed, "\xEF\xBF\xBD")) != NULL;) {
        memcpy(mark, "???", 3);
    }
    require_harmless(printed);
    free(printed);
}

/* What is kept of a long log: both ends, and that it was cut. */
static void long_log(void **state)
{
    enum { LONG = 5000 };
    static char log[LONG + 1];
    clq_error error;
    (void)state;
    for (size_t i = 0; i < LONG; i++) {
        log[i] = (char)('a' + i % 26);
    }
    for (size_t length = 0; length <= LONG; length += length < 3000 || length > 3060 ? 1000 : 1) {
        const char *told;
        size_t left_out = 0;
        clq_keep_log(&error, log + LONG - length);
        if (length < sizeof error.build_log) {
            assert_string_equal(error.build_log, log + LONG - length);
            continue;
        }
        told = strstr(error.build_log, "\n[... ");
        assert_non_null(told);
        assert_int_equal(sscanf(told, "\n[... %zu bytes of the log are left out ...]", &left_out), 1);
        assert_true(strlen(error.build_log) < sizeof error.build_log);
        assert_memory_equal(error.build_log, log + LONG - length, (size_t)(told - error.build_log));
        told = strchr(told + 1, '\n') + 1;
        assert_string_equal(told, log + LONG - strlen(told));
        assert_int_equal((size_t)(strstr(error.build_log, "\n[") - error.build_log) + left_out + strlen(told), length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_and_compilers_logs),
        cmocka_unit_test(line_of_a_log),
        cmocka_unit_test(long_log),
        cmocka_unit_test(lines_tables_and_json),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}

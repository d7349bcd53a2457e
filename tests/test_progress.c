/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line on a terminal of this test's own, and off one, by a clock of its own. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt */
#endif
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* struct winsize */
#endif
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/frame/file_events.h"
#include "command/frame/ranks.h"

enum { SHOWN_BYTES = 65536, SKIPPED = 77 };

static const char NAME[] = "layers.7.mlp.\xC3\xBCp_proj.weight";

/* The clock that the line goes by: it advances when the test says so. */
static long milliseconds = 1000000;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000};
    return 0;
}

static cli_options with_progress(int mode)
{
    cli_options options;
    memset(&options, 0, sizeof options);
    options.progress = mode == CLI_PROGRESS_AUTO     ? CLI_PROGRESS_AUTO
                       : mode == CLI_PROGRESS_ALWAYS ? CLI_PROGRESS_ALWAYS
                                                     : CLI_PROGRESS_NEVER;
    return options;
}

/* A device that compiles for a minute between a few bytes and the next, at first and in the middle of 8 GiB. */
static void work_with_compiler(int progress_mode)
{
    const uint64_t all = UINT64_C(8) << 30;
    cli_options options = with_progress(progress_mode);
    cli_progress *progress = cli_progress_begin(&options, "quantize", all);
    uint64_t done = 3072;
    for (int i = 0; i < 80; i++) {
        milliseconds += 100;
        cli_progress_at(progress, done, NAME);
        if (i == 0 || i == 40) {
            for (int program = 0; program < 10; program++) {
                cli_print_log(&options, CLQ_LOG_DEBUG, "comparing with the reference: one and another");
                milliseconds += 6000;
            }
            done += 3072;
            cli_progress_at(progress, done, NAME);
        }
        done += all / 100;
    }
    cli_progress_end(&progress);
}

/* What a program does: half of 8 GiB in half a second, a warning, the rest, the flush. */
static void work(int progress_mode)
{
    cli_options options = with_progress(progress_mode);
    cli_progress *progress = cli_progress_begin(&options, "quantize", UINT64_C(8) << 30);
    for (int i = 1; i <= 50; i++) {
        milliseconds += 20;
        cli_progress_at(progress, (uint64_t)i * ((UINT64_C(8) << 30) / 50), NAME);
        if (i == 30) {
            cli_warning(&options, "something");
        }
    }
    cli_progress_finish(progress, "flushing to disk");
    cli_progress_end(&progress);
    fprintf(stderr, "done\n");
}

/* What a child that works wrote to its stderr, a terminal of so many columns (0: it does not know) or a pipe (-1). */
static char *watch_it(void (*it)(int progress_mode), int columns, int progress_mode, const char *variable)
{
    char *text = calloc(1, SHOWN_BYTES);
    size_t length = 0;
    int ends[2] = {-1, -1};
    pid_t child;
    assert_non_null(text);
    if (columns >= 0) {
        const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
        ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
        if (ends[0] < 0 || grantpt(ends[0]) != 0 || unlockpt(ends[0]) != 0) {
            printf("skipped: no terminal can be had\n");
            exit(SKIPPED);
        }
        ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
        assert_int_equal(ioctl(ends[1], TIOCSWINSZ, &size), 0);
    } else {
        assert_int_equal(pipe(ends), 0);
    }
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        unsetenv("COLUMNS");
        if (variable != NULL) {
            putenv((char *)(uintptr_t)variable);
        }
        it(progress_mode);
        _exit(0);
    }
    close(ends[1]);
    for (;;) {
        const ssize_t got = read(ends[0], text + length, SHOWN_BYTES - 1 - length);
        if (got <= 0) { /* a terminal without a writer is an error */
            break;
        }
        length += (size_t)got;
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    return text;
}

static char *watch(int columns, int progress_mode, const char *variable)
{
    return watch_it(work, columns, progress_mode, variable);
}

/* The widest line, in characters without the escape sequences. */
static size_t widest(const char *text)
{
    size_t width = 0;
    size_t most = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\r' || *at == '\n') {
            width = 0;
        } else if (*at == '\033') {
            at += strcspn(at, "Km");
        } else if (((unsigned char)*at & 0xC0) != 0x80) {
            width += 1;
            most = width > most ? width : most;
        }
    }
    return most;
}

static void a_terminal_shows_all(void **state)
{
    char *text = watch(120, CLI_PROGRESS_AUTO, NULL);
    (void)state;
    assert_non_null(strstr(text, "quantize [\033[36m"));
    assert_non_null(strstr(text, "/8.0 GiB  "));
    assert_non_null(strstr(text, " GiB/s  "));
    assert_non_null(strstr(text, " left  layers.7.mlp.\xC3\xBCp_proj.weight"));
    assert_non_null(strstr(text, "100%  8.0/8.0 GiB"));
    assert_non_null(strstr(text, "flushing to disk"));
    /* Wiped before the warning and in the end. */
    assert_non_null(strstr(text, "\r\033[Kclquant: something\r\n"));
    assert_non_null(strstr(text, "\r\033[Kdone\r\n"));
    assert_true(widest(text) < 120);
    free(text);
}

static void no_line_is_too_wide(void **state)
{
    static const int COLUMNS[] = {1, 2, 20, 31, 60, 77, 79, 90, 100};
    (void)state;
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        char *text = watch(COLUMNS[i], CLI_PROGRESS_AUTO, NULL);
        char *warning = strstr(text, "clquant: ");
        assert_non_null(warning);
        memset(warning, '\n', strcspn(warning, "\r"));
        memset(strstr(text, "done"), '\n', 4);
        assert_true(widest(text) < (size_t)COLUMNS[i] || COLUMNS[i] == 1);
        assert_true(COLUMNS[i] < 20 || strchr(text, '%') != NULL);
        free(text);
    }
}

static void the_environment_counts(void **state)
{
    char *text = watch(120, CLI_PROGRESS_AUTO, "NO_COLOR=1");
    (void)state;
    assert_non_null(strstr(text, "quantize [="));
    assert_null(strstr(text, "\033[36m"));
    free(text);
    text = watch(0, CLI_PROGRESS_AUTO, "COLUMNS=50");
    assert_int_equal(widest(text), 49);
    free(text);
    text = watch(0, CLI_PROGRESS_AUTO, "COLUMNS=x");
    assert_int_equal(widest(text), 79);
    free(text);
    text = watch(120, CLI_PROGRESS_AUTO, "TERM=dumb");
    assert_string_equal(text, "clquant: something\r\ndone\r\n");
    free(text);
}

static void it_is_silent_off_a_terminal(void **state)
{
    char *text = watch(-1, CLI_PROGRESS_AUTO, NULL);
    (void)state;
    assert_string_equal(text, "clquant: something\ndone\n");
    free(text);
    text = watch(120, CLI_PROGRESS_NEVER, NULL);
    assert_string_equal(text, "clquant: something\r\ndone\r\n");
    free(text);
    text = watch(-1, CLI_PROGRESS_ALWAYS, NULL);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\r'));
    assert_non_null(strstr(text, "quantize    1%  0.2/8.0 GiB  layers"));
    assert_non_null(strstr(text, "quantize  100%  8.0/8.0 GiB"));
    free(text);
}

/* Eight seconds of work: whatever kernels take, no more than ten are ever said to be left. */
static void compilers_are_no_work(void **state)
{
    static const int WIDTHS[] = {120, -1}; /* a terminal, and none */
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *text = watch_it(work_with_compiler, WIDTHS[i], CLI_PROGRESS_ALWAYS, NULL);
        size_t told = 0;
        assert_non_null(strstr(text, "  0%  0.0/8.0 GiB  compiling and trying kernels"));
        for (char *left = strstr(text, " left  "); left != NULL; left = strstr(left + 1, " left  ")) {
            char *begin = left;
            while (begin > text && begin[-1] != ' ') {
                begin--;
            }
            *left = '\0';
            if (strcmp(begin, "0:10") > 0 || strlen(begin) != 4) {
                fail_msg("%s left", begin);
            }
            told++;
        }
        assert_true(told > 0);
        free(text);
    }
}

/* ---- ranks ---- */

static cli_rank_progress other; /* what the first rank has heard of another */

static void add_other(cli_rank_progress *progress)
{
    progress->done_bytes += other.done_bytes;
    progress->all_bytes += other.all_bytes;
    progress->skipped_bytes += other.skipped_bytes;
}

/* The other rank has more to do, and is done later. */
static void work_in_ranks(int progress_mode)
{
    static const uint64_t GIB = UINT64_C(1) << 30;
    cli_options options = with_progress(progress_mode);
    cli_ranks ranks = {.count = 2, .progress = add_other};
    clq_file_progress now = {.operation = "quantize", .tensor = NAME, .all_bytes = 2 * GIB};
    cli_file_events state;
    options.device = "reference";
    cli_ranks_use(&ranks);
    cli_file_events_begin(&state, &options);
    state.events.progress(&state, &now);
    milliseconds += 6000;
    other = (cli_rank_progress){GIB, 4 * GIB, GIB};
    now.done_bytes = GIB;
    state.events.progress(&state, &now);
    milliseconds += 6000;
    now.done_bytes = 2 * GIB;
    now.tensor = NULL;
    now.after = "flushing to disk";
    state.events.progress(&state, &now);
    other.done_bytes = other.all_bytes;
    state.events.progress(&state, &now);
    cli_file_events_end(&state);
}

static void it_is_that_of_all_ranks(void **state)
{
    char *text = watch_it(work_in_ranks, -1, CLI_PROGRESS_ALWAYS, NULL);
    (void)state;
    assert_string_equal(text, "quantize    0%  0.0/2.0 GiB  layers.7.mlp.\xC3\xBCp_proj.weight\n"
                              "quantize   33%  2.0/6.0 GiB  layers.7.mlp.\xC3\xBCp_proj.weight\n"
                              "quantize   50%  3.0/6.0 GiB  170.7 MiB/s  0:18 left  flushing to disk\n"
                              "quantize  100%  6.0/6.0 GiB  170.7 MiB/s  0:00 left  flushing to disk\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_shows_all),   cmocka_unit_test(no_line_is_too_wide),
        cmocka_unit_test(the_environment_counts), cmocka_unit_test(it_is_silent_off_a_terminal),
        cmocka_unit_test(compilers_are_no_work),  cmocka_unit_test(it_is_that_of_all_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

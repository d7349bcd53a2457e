/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every name that the library knows is one that the command takes, and tells: in its help, its manual page, its
 * completions and its refusals.
 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/frame/options.h"
#include "command/verbs/bench_verb.h"
#include "command/verbs/gemm_job.h"
#include "command/verbs/sample.h"
#include "scratch.h"

enum { NO_VERB = -1 };

/* What a printing function prints, malloc'ed. */
static char *help_of(int verb)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    if (verb == NO_VERB) {
        cli_print_man_page(out);
    } else {
        cli_print_verb_help(out, (cli_verb)verb);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

static char *completion_of(const char *shell)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_true(cli_print_completion(out, shell));
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Parse "clquant WORD..." and return the exit code; what it says on stderr is left in `said`, malloc'ed. */
static int parse(const char *const *words, char **said)
{
    char *argv[12] = {(char *)"clquant"};
    cli_options options;
    const char *path = scratch_path("said");
    const int before = dup(STDERR_FILENO);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    size_t length = 0;
    int argc = 1;
    int code = 0;
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    optind = 0; /* glibc's way to begin anew */
    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    cli_options_parse(argc, argv, &options, &code);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    close(fd);
    cli_options_release(&options);
    *said = scratch_read(path, &length);
    assert_non_null(*said);
    return code;
}

static int is_part_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '-';
}

/* Whether `name` stands in `text` as a word of its own, roff's backslashes apart. */
static int names(const char *text, const char *name)
{
    char *plain = strdup(text);
    size_t used = 0;
    int found = 0;
    assert_non_null(plain);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c != '\\') {
            plain[used++] = *c;
        }
    }
    plain[used] = '\0';
    for (const char *at = plain; !found && (at = strstr(at, name)) != NULL; at++) {
        found = (at == plain || !is_part_of_name(at[-1])) && !is_part_of_name(at[strlen(name)]);
    }
    free(plain);
    return found;
}

#define REQUIRE_NAMED(where, text, name)                                                                               \
    do {                                                                                                               \
        if (!names(text, name)) {                                                                                      \
            fail_msg("%s does not name '%s':\n%s", where, name, text);                                                 \
        }                                                                                                              \
    } while (0)

/* All that the command says of a verb, and its refusal of a value that is none. */
static void require_told(int verb, const char *const *wrong, const char *(*name_of)(size_t index))
{
    static const char *const SHELLS[] = {"bash", "zsh", "fish"};
    char *help = help_of(verb);
    char *man = help_of(NO_VERB);
    char *refusal = NULL;
    if (wrong != NULL) {
        assert_int_equal(parse(wrong, &refusal), CLI_USAGE);
    }
    for (size_t i = 0; name_of(i) != NULL; i++) {
        REQUIRE_NAMED("the help", help, name_of(i));
        REQUIRE_NAMED("the manual page", man, name_of(i));
        if (refusal != NULL) {
            REQUIRE_NAMED("the refusal", refusal, name_of(i));
        }
        for (size_t s = 0; s < sizeof SHELLS / sizeof SHELLS[0]; s++) {
            char *completion = completion_of(SHELLS[s]);
            REQUIRE_NAMED(SHELLS[s], completion, name_of(i));
            free(completion);
        }
    }
    free(refusal);
    free(man);
    free(help);
}

/* One of two values that the option takes. */
static void valid_value(const cli_option *row, int second, char text[32])
{
    char names[CLI_NAMES_BYTES];
    const char *next = names;
    cli_alternatives(row, "|", names);
    if (row->kind == CLI_OPTION_RANGE) {
        snprintf(text, 32, "0:%d", 1 + second);
    } else if (row->kind == CLI_OPTION_SIZE) {
        snprintf(text, 32, "%dM", 64 + second);
    } else if (row->repeats == cli_repeats_axis) {
        snprintf(text, 32, "x=%d", 1 + second);
    } else if (row->store == cli_store_part) {
        snprintf(text, 32, "%d/3", 1 + second);
    } else if (names[0] == '\0') {
        snprintf(text, 32, "%d", 1 + second);
    } else {
        for (int i = 0; i <= second; i++) {
            assert_true(cli_next_alternative(&next, text, 32));
        }
        if (strchr(text, ':') != NULL) {
            strcpy(strchr(text, ':'), ":50"); /* percentile:P */
        }
    }
}

/* Of every option of every verb: a list takes a second value; else what the second one replaces is told. */
static void second_values_are_told(void **state)
{
    size_t tried = 0;
    (void)state;
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *row = &cli_option_table[i];
        const int is_list = row->kind == CLI_OPTION_LIST || (row->repeats != NULL && row->repeats("x=1"));
        for (int verb = 0; verb < CLI_VERB_COUNT; verb++) {
            const int repeats = is_list || (row->several >> verb & 1) != 0;
            char values[2][32];
            char option[64];
            char told[160];
            char *said = NULL;
            const char *words[] = {cli_verb_table[verb].name, option, values[0], option, values[1], NULL};
            if ((row->verbs >> verb & 1) == 0 || row->argument == NULL) {
                continue;
            }
            snprintf(option, sizeof option, "--%s", row->name);
            valid_value(row, 0, values[0]);
            valid_value(row, 1, values[1]);
            parse(words, &said); /* files are missing */
            snprintf(told, sizeof told, "clquant: --%s %s counts, and not the '%s' before it\n", row->name, values[1],
                     values[0]);
            if ((strstr(said, told) == NULL) != repeats || strstr(said, "required is") != NULL) {
                fail_msg("%s %s: %s", cli_verb_table[verb].name, option, said);
            }
            tried++;
            free(said);
        }
    }
    assert_true(tried > 100);
}

static const char *preset_name(size_t index)
{
    return index < CLQ_PRESET_COUNT ? clq_preset_name((clq_preset)index) : NULL;
}

static void presets_are_told(void **state)
{
    static const char *const QUANTIZE[] = {"quantize", "x", "-o", "y", "--preset", "none", NULL};
    static const char *const CALIBRATE[] = {"calibrate", "x", "-o", "y", "--preset", "none", NULL};
    (void)state;
    require_told(CLI_VERB_QUANTIZE, QUANTIZE, preset_name);
    require_told(CLI_VERB_CALIBRATE, CALIBRATE, preset_name);
}

static void presets_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; preset_name(i) != NULL; i++) {
        const char *const words[] = {"quantize", "x", "-o", "y", "--preset", preset_name(i), NULL};
        char *said = NULL;
        assert_int_equal(parse(words, &said), CLI_OK);
        assert_string_equal(said, "");
        free(said);
    }
}

/* Whether the library has a type of that name. */
static int is_dtype(const char *name)
{
    if (strcmp(name, "q8_0") == 0 || strcmp(name, "q4_0") == 0) {
        return 1; /* of blocks */
    }
    for (int dtype = 0; dtype < 64; dtype++) {
        if (strcmp(clq_dtype_name((clq_dtype)dtype), name) == 0 && strcmp(name, "?") != 0) {
            return 1;
        }
    }
    return 0;
}

/* The type stored by the option, of gemm or of another verb, is the one of that name. */
static int type_is(const cli_options *options, const cli_option *row, const char *word)
{
    const int is_gemm = (row->verbs >> CLI_VERB_GEMM & 1u) != 0;
    if (word[0] == 'q') {
        return options->file.block == (word[1] == '8' ? CLQ_BLOCK_Q8_0 : CLQ_BLOCK_Q4_0);
    }
    return strcmp(clq_dtype_name(is_gemm ? options->gemm.dtype : options->file.dtype), word) == 0;
}

/* Where the command takes a part of the library's list only, its names are the library's, and each is taken. */
static void parts_of_lists_are_taken(void **state)
{
    cli_options options;
    size_t seen = 0;
    (void)state;
    memset(&options, 0, sizeof options);
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *row = &cli_option_table[i];
        const char *next = row->argument;
        char word[32];
        const int is_type = strcmp(row->name, "dtype") == 0;
        const int is_mode = strcmp(row->name, "requant") == 0;
        const int is_granularity = strcmp(row->name, "granularity") == 0;
        while ((is_type || is_mode || is_granularity) && cli_next_alternative(&next, word, sizeof word)) {
            assert_true(cli_store_option(&options, row, word));
            assert_true(!is_type || is_dtype(word));
            assert_true(!is_type || type_is(&options, row, word));
            assert_true(!is_mode || strcmp(word, cli_gemm_mode_name(options.gemm.requant)) == 0);
            assert_true(!is_granularity || strcmp(word, clq_granularity_name(options.file.granularity)) == 0);
            assert_true(names(row->required, word));
            seen++;
        }
    }
    assert_int_equal(seen, 8 + 6 + 3 + 4 + 6 + 3 + 3 + 2);
}

static void arguments_are_told(void **state)
{
    (void)state;
    require_told(CLI_VERB_BENCH, NULL, cli_bench_name);
    require_told(CLI_VERB_SAMPLE, NULL, cli_sample_name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_told),         cmocka_unit_test(presets_are_taken),
        cmocka_unit_test(parts_of_lists_are_taken), cmocka_unit_test(arguments_are_told),
        cmocka_unit_test(second_values_are_told),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}

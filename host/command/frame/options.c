/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing of the command line by getopt_long, with tables built from the option table. Options of every verb may stand
 * before the verb; an argument that looks like a negative number is never an option.
 */
#include "command/frame/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 64, FIRST_LONG = 256 /* beyond every short letter */ };

/* The tables for getopt_long, for one set of verbs. `val` of a long option is FIRST_LONG + its row. */
typedef struct getopt_tables {
    struct option longs[MAX_OPTIONS + 1];
    char shorts[2 * MAX_OPTIONS + 4];
} getopt_tables;

/* Take the options that all verbs in `verbs` have. */
static void build_tables(getopt_tables *tables, uint32_t verbs)
{
    size_t count = 0;
    size_t length = 0;
    memset(tables, 0, sizeof *tables);
    tables->shorts[length++] = '-'; /* hand positionals out in their order */
    tables->shorts[length++] = ':'; /* tell a missing argument from an unknown option */
    for (size_t i = 0; i < cli_option_count && count < MAX_OPTIONS; i++) {
        const cli_option *row = &cli_option_table[i];
        if ((row->verbs & verbs) != verbs) {
            continue;
        }
        tables->longs[count].name = row->name;
        tables->longs[count].has_arg = row->argument != NULL ? required_argument : no_argument;
        tables->longs[count].val = FIRST_LONG + (int)i;
        count++;
        if (row->letter != '\0') {
            tables->shorts[length++] = row->letter;
            if (row->argument != NULL) {
                tables->shorts[length++] = ':';
            }
        }
    }
}

/* The row of a value that getopt_long returned. */
static const cli_option *row_of(int value, uint32_t verbs)
{
    if (value >= FIRST_LONG) {
        return &cli_option_table[value - FIRST_LONG];
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *row = &cli_option_table[i];
        if (row->letter != '\0' && row->letter == value && (row->verbs & verbs) == verbs) {
            return row;
        }
    }
    return NULL;
}

static int looks_negative(const char *text)
{
    const char *digit = text + 1 + (text[0] == '-' && text[1] == '.');
    return text[0] == '-' && *digit >= '0' && *digit <= '9';
}

/* getopt_long returned '?' or ':': say what is wrong with the argument it stopped at. */
static int refuse_option(int result, const char *argument, const char *verb_name, uint32_t verbs)
{
    const cli_option *row = optopt != 0 ? row_of(optopt, verbs) : NULL;
    if (result == ':' && row != NULL) {
        return cli_usage_error("option --%s needs a value: %s", row->name, row->required);
    }
    if (row != NULL) {
        return cli_usage_error("option --%s takes no value", row->name);
    }
    if (optopt != 0) {
        return cli_usage_error("unknown option -%c", optopt);
    }
    return cli_refuse_long_option(argument, verb_name, verbs);
}

/* The value of an option that keeps one, and the one that it replaced; NULL: none. */
typedef struct taken_value {
    const cli_option *row;
    const char *text, *before;
} taken_value;

/* Where the parser stands: the verb once it was met, the options that count from there on, and what was given. */
typedef struct parser {
    cli_options *options;
    const char *verb_name; /* NULL: not met yet */
    uint32_t verbs;
    getopt_tables tables;
    taken_value taken[MAX_OPTIONS];
    size_t taken_count;
} parser;

/* The last one counts, as everywhere; what it replaces is told by tell_replaced. */
static void take_value(parser *state, const cli_option *row, const char *text)
{
    size_t i = 0;
    if (row->kind == CLI_OPTION_LIST || (row->repeats != NULL && row->repeats(text))) {
        return;
    }
    while (i < state->taken_count && state->taken[i].row != row) {
        i++;
    }
    /* Each row has one place, and no verb has more rows. */
    state->taken[i] = (taken_value){row, text, i < state->taken_count ? state->taken[i].text : NULL};
    state->taken_count += i == state->taken_count;
}

static void tell_replaced(const parser *state)
{
    for (size_t i = 0; i < state->taken_count; i++) {
        const taken_value *value = &state->taken[i];
        const int is_list = value->row->several >> state->options->verb & 1;
        if (value->before != NULL && !is_list && strcmp(value->before, value->text) != 0) {
            cli_warning(state->options, "--%s %s counts, and not the '%s' before it", value->row->name, value->text,
                        value->before);
        }
    }
}

static int store_option(parser *state, const cli_option *row, const char *text)
{
    if (text != NULL) {
        take_value(state, row, text);
    }
    if (row->is_written && strcmp(text, "-") == 0) {
        return cli_usage_error(
            "--%s -: outputs are never stdout, since they are put in their places as a whole (./- is a "
            "file of that name)",
            row->name);
    }
    return cli_store_option(state->options, row, text) || text == NULL ? CLI_OK : cli_refuse_value(row, text);
}

static void set_defaults(cli_options *options)
{
    const char *device = getenv("CLQUANT_DEVICE");
    memset(options, 0, sizeof *options);
    options->device = device != NULL && device[0] != '\0' ? device : "auto";
    clq_file_request_init(&options->file);
    options->max_shift = 15;
    options->verify.timeout = 600;
    options->model_scale = 1;
}

/* Every list may at most take all arguments. */
static int make_lists(cli_options *options, int argc)
{
    const size_t room = (size_t)argc + 1;
    const char **items = calloc(7 * room, sizeof *items);
    options->list_storage = items;
    options->sample_storage = calloc(room, sizeof *options->sample_storage);
    options->axis_storage = calloc(room, sizeof *options->axis_storage);
    if (items == NULL || options->sample_storage == NULL || options->axis_storage == NULL) {
        clq_error error = {.status = CLQ_OK};
        clq_fail(&error, CLQ_OUT_OF_MEMORY, "no memory for the command line");
        return cli_report(&error);
    }
    options->positional.items = items;
    options->tensors.items = items + room;
    options->include.items = items + 2 * room;
    options->exclude.items = items + 3 * room;
    options->bench.variants.items = items + 4 * room;
    options->tune.operations.items = items + 5 * room;
    options->devices.items = items + 6 * room;
    options->samples.items = options->sample_storage;
    options->file.axis_patterns = options->axis_storage;
    return CLI_OK;
}

/* What can be said about the options together. */
static int check_together(const cli_options *options)
{
    const cli_verb_info *verb = &cli_verb_table[options->verb];
    const size_t given = options->positional.count;
    const int needs_output = options->verb == CLI_VERB_QUANTIZE || options->verb == CLI_VERB_DEQUANTIZE ||
                             options->verb == CLI_VERB_CALIBRATE || options->verb == CLI_VERB_GEMM ||
                             options->verb == CLI_VERB_SAMPLE;
    const int has_axis = options->file.has_granularity
                             ? options->file.granularity != CLQ_PER_TENSOR
                             : options->verb != CLI_VERB_MINMAX && options->verb != CLI_VERB_CALIBRATE;
    if (given < verb->minimum) {
        return cli_usage_error("missing argument: clquant %s %s", verb->name, verb->arguments);
    }
    if (given > verb->maximum) {
        return cli_refuse_argument(verb, options->positional.items[verb->maximum]);
    }
    for (size_t i = 0; i < given; i++) {
        if (options->positional.items[i][0] == '\0') {
            return cli_usage_error("empty argument: clquant %s %s", verb->name, verb->arguments);
        }
    }
    if (needs_output && options->file.output == NULL) {
        return cli_usage_error("missing option -o FILE: where to write");
    }
    if (options->file.has_axis && !has_axis) {
        return cli_usage_error(options->verb == CLI_VERB_CALIBRATE ? "--axis needs --granularity channel"
                                                                   : "--axis needs --granularity channel or group");
    }
    if (options->file.check_seed != 0 && options->file.check != CLQ_CHECK_SAMPLE) {
        return cli_usage_error("--check-seed needs --check sample: nothing else is drawn");
    }
    if (options->group_size_given && options->file.granularity != CLQ_PER_GROUP) {
        return cli_usage_error("--group-size needs --granularity group");
    }
    return CLI_OK;
}

/* The next positional: the verb, or an argument of it. */
static int take_word(parser *state, const char *word)
{
    if (state->verb_name == NULL) {
        const int code = cli_find_verb(word, &state->options->verb);
        if (code != CLI_OK) {
            return code;
        }
        state->verb_name = cli_verb_table[state->options->verb].name;
        state->verbs = UINT32_C(1) << state->options->verb;
        cli_messages_begin(state->verb_name, 0);
        build_tables(&state->tables, state->verbs);
    } else {
        state->options->positional.items[state->options->positional.count++] = word;
    }
    return CLI_OK;
}

/* Take one result of getopt_long. Returns 1 to go on, 0 when *code is final. */
static int take_result(parser *state, int result, int argc, char **argv, int *code)
{
    const cli_option *row = NULL;
    if (result == 1 && state->verb_name == NULL && cli_is_printing_verb(optarg)) {
        *code = cli_run_printing_verb(optarg, argc - optind, argv + optind);
        return 0;
    }
    if (result == 1) {
        *code = take_word(state, optarg);
        return *code == CLI_OK;
    }
    if (result == '?' || result == ':') {
        *code = refuse_option(result, argv[optind - 1], state->verb_name, state->verbs);
        return 0;
    }
    row = row_of(result, state->verbs);
    if (strcmp(row->name, "version") == 0) {
        cli_line(stdout, "clquant %s", clq_version());
        return 0;
    }
    if (strcmp(row->name, "help") == 0) {
        if (state->verb_name != NULL) {
            cli_print_verb_help(stdout, state->options->verb);
        } else {
            cli_print_help(stdout);
        }
        return 0;
    }
    *code = store_option(state, row, row->argument != NULL ? optarg : NULL);
    return *code == CLI_OK;
}

static int parse_all(parser *state, int argc, char **argv, int *code)
{
    int result = 0;
    opterr = 0;
    while (optind < argc) {
        /* getopt_long hands words out in order, so argv[optind] is what it would look at next; within a cluster of
         * short letters that is the cluster, which begins with a letter. */
        if (state->verb_name != NULL && looks_negative(argv[optind])) {
            *code = take_word(state, argv[optind++]);
            continue;
        }
        result = getopt_long(argc, argv, state->tables.shorts, state->tables.longs, NULL);
        if (result == -1) {
            break;
        }
        if (!take_result(state, result, argc, argv, code)) {
            return 0;
        }
    }
    for (; optind < argc; optind++) { /* behind "--" */
        *code = take_word(state, argv[optind]);
        if (*code != CLI_OK) {
            return 0;
        }
    }
    return 1;
}

/*
 * Whether --json stands anywhere, also behind what the parser stopped at and shortened as the parser takes it: it says
 * in which form to fail.
 */
static int asks_for_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--j", 3) == 0 && strncmp(argv[i], "--json", strlen(argv[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

static clq_name_list name_list(const cli_list *list)
{
    const clq_name_list names = {list->items, list->count};
    return names;
}

int cli_options_parse(int argc, char **argv, cli_options *options, int *code)
{
    parser state = {.options = options, .verbs = CLI_ALL_VERBS};
    set_defaults(options);
    cli_messages_begin(NULL, 0);
    build_tables(&state.tables, state.verbs);
    *code = make_lists(options, argc);
    if (*code != CLI_OK || !parse_all(&state, argc, argv, code)) {
        options->json = asks_for_json(argc, argv);
        return 0;
    }
    if (state.verb_name == NULL) {
        cli_print_usage(stderr);
        cli_note_failure("no verb was given");
        *code = CLI_USAGE;
        return 0;
    }
    cli_messages_begin(state.verb_name, options->verbose);
    options->file.tensors = name_list(&options->tensors);
    options->file.include = name_list(&options->include);
    options->file.exclude = name_list(&options->exclude);
    tell_replaced(&state);
    *code = check_together(options);
    return *code == CLI_OK;
}

void cli_options_release(cli_options *options)
{
    free(options->list_storage);
    free(options->sample_storage);
    free(options->axis_storage);
    options->list_storage = NULL;
    options->sample_storage = NULL;
    options->axis_storage = NULL;
}

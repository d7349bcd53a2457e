/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table: the one place where an option exists. Parsing (options.c), --help (help.c), the man page (man.c)
 * and the shell completions (completion.c) all read it.
 */
#ifndef CLQ_HOST_COMMAND_FRAME_OPTIONS_H
#define CLQ_HOST_COMMAND_FRAME_OPTIONS_H

#include "command/frame/cli.h"

/* What a value is, and so how it is read and what its field in cli_options is. */
typedef enum cli_option_kind {
    CLI_OPTION_OTHER,    /* `store` alone knows */
    CLI_OPTION_FLAG,     /* int: 1 when given */
    CLI_OPTION_TEXT,     /* const char *: kept as it is, not empty */
    CLI_OPTION_LIST,     /* cli_list: as many as are given */
    CLI_OPTION_CHOICE,   /* int or enum: position among the alternatives, or what `codes` has there */
    CLI_OPTION_SIGNED,   /* int32_t, within [least, most] */
    CLI_OPTION_UNSIGNED, /* uint64_t, likewise */
    CLI_OPTION_SIZE,     /* uint64_t: bytes, likewise */
    CLI_OPTION_REAL,     /* double */
    CLI_OPTION_RANGE     /* double[2] */
} cli_option_kind;

typedef struct cli_option {
    const char *name;     /* without the dashes; the same name may stand in two rows for different verbs */
    char letter;          /* '\0': none */
    const char *argument; /* as shown in help; alternatives as "a|b|c" are completed; NULL: a flag */
    const char *values;   /* alternatives too many for `argument`, in the same form, or NULL */
    /* Alternatives that the library has a list of: number `index` of them, NULL after the last; or NULL. Help names
     * them all. */
    const char *(*name_of)(size_t index);
    uint32_t verbs; /* bit 1 << cli_verb for each verb that takes it */
    cli_option_kind kind;
    size_t field; /* offset in cli_options */
    size_t given; /* likewise, of an int that tells that the option was given; 0: there is none */
    const int *codes;
    int64_t least;
    uint64_t most;
    /* Besides, or alone: look at the value, or keep more of it (NULL for a flag); returns 0 when it is not acceptable.
     */
    int (*store)(cli_options *options, const char *text);
    int is_written;   /* the value is the path of a file, or a folder, that is made: there is no '-' for stdout */
    uint32_t several; /* verbs, as in `verbs`, that take each of the values where the option is repeated */
    int (*repeats)(const char *text); /* whether such a value stands beside others; NULL: those of a list alone */
    const char *required;             /* what a value must be, for the message: "a whole number from 0 to 30" */
    const char *initial;              /* the default, as text, or NULL */
    const char *help;                 /* without a final period */
} cli_option;

typedef struct cli_verb_info {
    const char *name;
    const char *arguments; /* as shown in the synopsis */
    size_t minimum, maximum;
    int (*run)(const cli_options *options);
    const char *(*name_of)(size_t index); /* the names that arguments are chosen from; NULL: files or numbers */
    const char *operations;               /* how operations are chosen, "clquant bench NAME"; NULL: that is not asked */
    const char *name_kind;                /* "model" */
    const char *summary;
    const char *description; /* sentences; for the verb's help and the man page */
} cli_verb_info;

extern const cli_option cli_option_table[];
extern const size_t cli_option_count;
extern const cli_verb_info cli_verb_table[CLI_VERB_COUNT]; /* indexed by cli_verb */

/* Of every verb. */
#define CLI_ALL_VERBS ((UINT32_C(1) << CLI_VERB_COUNT) - 1)

/* What each exit code means, in order, for the help and the man page; ends with a NULL text. */
typedef struct cli_exit_text {
    const char *code;
    const char *text;
} cli_exit_text;
extern const cli_exit_text cli_exit_table[];

/* Environment variables, in the same form; command lines with what they do, and files that are not named by options,
 * both for the man page alone. */
extern const cli_exit_text cli_environment_table[];
extern const cli_exit_text cli_example_table[];
extern const cli_exit_text cli_place_table[];

/* An argument more than the verb takes. */
int cli_refuse_argument(const cli_verb_info *verb, const char *argument);

/*
 * `argument` is a long option that none of the verbs in `verbs` takes (`verb_name` NULL: no verb was met yet): say why.
 * Returns CLI_USAGE.
 */
int cli_refuse_long_option(const char *argument, const char *verb_name, uint32_t verbs);

/* `text` is no value of the option: say what is required, and what may be meant. Returns CLI_USAGE. */
int cli_refuse_value(const cli_option *row, const char *text);

/* The first of the alternatives in "a|b|c" that starts at *next, into out; returns 0 at the end. */
int cli_next_alternative(const char **next, char *out, size_t capacity);

enum { CLI_NAMES_BYTES = 512 };

/* The names of a list with `between` them: name_of(0), name_of(1) and so on, until it returns NULL. */
void cli_join_names(const char *(*name_of)(size_t index), const char *between, char out[CLI_NAMES_BYTES]);

/* All alternatives of an option's value in the same way; empty when its values are no list. */
void cli_alternatives(const cli_option *row, const char *between, char out[CLI_NAMES_BYTES]);

void cli_print_usage(FILE *out);                        /* a few lines */
void cli_print_help(FILE *out);                         /* the general help */
void cli_print_verb_help(FILE *out, cli_verb verb);     /* the verb's help */
void cli_print_man_page(FILE *out);                     /* clquant(1), in roff */
int cli_print_completion(FILE *out, const char *shell); /* 0 when there is none for that shell */

/* Set *verb, or say why not; returns an exit code. */
int cli_find_verb(const char *word, cli_verb *verb);

/* help, man and completion print something about the command itself. */
int cli_is_printing_verb(const char *word);
int cli_run_printing_verb(const char *word, int count, char **arguments);

/* Store the value of an option (NULL for a flag); returns 0 when `text` is not acceptable. */
int cli_store_option(cli_options *options, const cli_option *row, const char *text);

/* What the table has beside kinds, in option_values.c. */
int cli_store_quiet(cli_options *options, const char *text);
int cli_store_verbose(cli_options *options, const char *text);
int cli_store_device(cli_options *options, const char *text);
int cli_store_axis(cli_options *options, const char *text);
int cli_store_block(cli_options *options, const char *text);
int cli_store_part(cli_options *options, const char *text);
int cli_store_calibrate(cli_options *options, const char *text);
int cli_store_method(cli_options *options, const char *text);
int cli_store_histograms(cli_options *options, const char *text);
int cli_store_sample(cli_options *options, const char *text);
int cli_repeats_sample(const char *text);
int cli_repeats_axis(const char *text);
int cli_check_number_or_file(cli_options *options, const char *text);
int cli_check_whole_or_file(cli_options *options, const char *text);
int cli_check_scale_c(cli_options *options, const char *text);
int cli_keep_clamp(cli_options *options, const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table: the one place where an option exists. Parsing (options.c), --help (help.c), the man page (man.c)
 * and the shell completions (completion.c) all read it.
 */
#ifndef CLQ_HOST_COMMAND_FRAME_OPTIONS_H
#define CLQ_HOST_COMMAND_FRAME_OPTIONS_H

#include "command/frame/cli.h"

typedef struct cli_option {
    const char *name;     /* without the dashes; the same name may stand in two rows for different verbs */
    char letter;          /* '\0': none */
    const char *argument; /* as shown in help; alternatives as "a|b|c" are completed; NULL: a flag */
    const char *values;   /* alternatives too many for `argument`, in the same form, or NULL */
    /* Alternatives that the library has a list of: number `index` of them, NULL after the last; or NULL. Help names
     * them all. */
    const char *(*name_of)(size_t index);
    uint32_t verbs; /* bit 1 << cli_verb for each verb that takes it */
    /* Store the value (NULL for a flag); returns 0 when `text` is not acceptable. */
    int (*store)(cli_options *options, const char *text);
    const char *required; /* what a value must be, for the message: "a whole number from 0 to 30" */
    const char *initial;  /* the default, as text, or NULL */
    const char *help;     /* without a final period */
} cli_option;

typedef struct cli_verb_info {
    const char *name;
    const char *arguments; /* as shown in the synopsis */
    size_t minimum, maximum;
    int (*run)(const cli_options *options);
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

/* Environment variables, in the same form. */
extern const cli_exit_text cli_environment_table[];

/*
 * `argument` is a long option that none of the verbs in `verbs` takes (`verb_name` NULL: no verb was met yet): say why.
 * Returns CLI_USAGE.
 */
int cli_refuse_long_option(const char *argument, const char *verb_name, uint32_t verbs);

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

/* Parts of setters: keep the text, which must not be empty; the position of `text` in "a|b|c", or -1. */
int cli_store_text(const char **field, const char *text);
int cli_choose(const char *text, const char *alternatives);

/* Setters of the table, in option_values.c. */
int cli_set_device(cli_options *options, const char *text);
int cli_set_json(cli_options *options, const char *text);
int cli_set_quiet(cli_options *options, const char *text);
int cli_set_verbose(cli_options *options, const char *text);
int cli_set_progress(cli_options *options, const char *text);
int cli_set_output(cli_options *options, const char *text);
int cli_set_force(cli_options *options, const char *text);
int cli_set_tensor(cli_options *options, const char *text);
int cli_set_granularity(cli_options *options, const char *text);
int cli_set_axis(cli_options *options, const char *text);
int cli_set_group_size(cli_options *options, const char *text);
int cli_set_nonfinite(cli_options *options, const char *text);
int cli_set_preset(cli_options *options, const char *text);
int cli_set_dtype(cli_options *options, const char *text);
int cli_set_real_dtype(cli_options *options, const char *text);
int cli_set_rounding(cli_options *options, const char *text);
int cli_set_order(cli_options *options, const char *text);
int cli_set_arithmetic(cli_options *options, const char *text);
int cli_set_scale(cli_options *options, const char *text);
int cli_set_zero_point(cli_options *options, const char *text);
int cli_set_range(cli_options *options, const char *text);
int cli_set_calibrate(cli_options *options, const char *text);
int cli_set_ranges(cli_options *options, const char *text);
int cli_set_method(cli_options *options, const char *text);
int cli_set_name(cli_options *options, const char *text);
int cli_set_histograms(cli_options *options, const char *text);
int cli_set_calibrated_granularity(cli_options *options, const char *text);
int cli_set_include(cli_options *options, const char *text);
int cli_set_exclude(cli_options *options, const char *text);
int cli_set_min_rank(cli_options *options, const char *text);
int cli_set_strict(cli_options *options, const char *text);
int cli_set_dry_run(cli_options *options, const char *text);
int cli_set_resume(cli_options *options, const char *text);
int cli_set_memory(cli_options *options, const char *text);
int cli_set_fail_sqnr(cli_options *options, const char *text);
int cli_set_emit_config(cli_options *options, const char *text);
int cli_set_sample(cli_options *options, const char *text);
int cli_set_max_shift(cli_options *options, const char *text);
int cli_set_bits(cli_options *options, const char *text);
int cli_set_seed(cli_options *options, const char *text);
int cli_set_model_scale(cli_options *options, const char *text);

/* Those of gemm alone, in option_values_gemm.c. */
int cli_set_product_dtype(cli_options *options, const char *text);
int cli_set_transpose_a(cli_options *options, const char *text);
int cli_set_transpose_b(cli_options *options, const char *text);
int cli_set_a_zero_point(cli_options *options, const char *text);
int cli_set_b_zero_point(cli_options *options, const char *text);
int cli_set_c_zero_point(cli_options *options, const char *text);
int cli_set_bias(cli_options *options, const char *text);
int cli_set_requant(cli_options *options, const char *text);
int cli_set_scale_a(cli_options *options, const char *text);
int cli_set_scale_b(cli_options *options, const char *text);
int cli_set_scale_c(cli_options *options, const char *text);
int cli_set_multiplier(cli_options *options, const char *text);
int cli_set_shift(cli_options *options, const char *text);
int cli_set_clamp(cli_options *options, const char *text);
int cli_set_variant(cli_options *options, const char *text);
int cli_set_check(cli_options *options, const char *text);

/* Those of bench alone, in option_values_bench.c. */
int cli_set_shapes(cli_options *options, const char *text);
int cli_set_rounds(cli_options *options, const char *text);
int cli_set_quick(cli_options *options, const char *text);
int cli_set_sweep(cli_options *options, const char *text);
int cli_set_bench_variant(cli_options *options, const char *text);

#endif

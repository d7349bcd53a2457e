/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of the command share: the parsed options, exit codes, messages, output, signals.
 * The command sees the public API and host/format only.
 */
#ifndef CLQ_HOST_COMMAND_FRAME_CLI_H
#define CLQ_HOST_COMMAND_FRAME_CLI_H

#include <stdio.h>

#include <clquant/files.h>

#include "core/error.h"
#include "format/human.h"
#include "format/json_writer.h"
#include "format/numbers.h"

/* Exit codes: a contract (README, man page). */
enum {
    CLI_OK = 0,
    CLI_FAILURE = 1, /* run time, input/output */
    CLI_USAGE = 2,
    CLI_BAD_FILE = 3,
    CLI_NO_DEVICE = 4, /* none, or it failed */
    CLI_MISMATCH = 5,
    CLI_QUALITY = 6, /* --fail-sqnr-below, --strict */
    CLI_NONFINITE = 7,
    CLI_HUNG_UP = 129,
    CLI_INTERRUPTED = 130,
    CLI_TERMINATED = 143
};

typedef enum cli_verb {
    CLI_VERB_DEVICES,
    CLI_VERB_INFO,
    CLI_VERB_MINMAX,
    CLI_VERB_QUANTIZE,
    CLI_VERB_JOIN,
    CLI_VERB_DEQUANTIZE,
    CLI_VERB_COMPARE,
    CLI_VERB_CALIBRATE,
    CLI_VERB_GEMM,
    CLI_VERB_MULTIPLIER,
    CLI_VERB_VERIFY,
    CLI_VERB_BENCH,
    CLI_VERB_TUNE,
    CLI_VERB_SAMPLE,
    CLI_VERB_COUNT
} cli_verb;

typedef struct cli_list {
    const char **items;
    size_t count;
} cli_list;

/* Every option of every verb. Strings point into argv. A `_given` field tells whether the option was there. */
typedef struct cli_options {
    cli_verb verb;
    cli_list positional;
    /* common */
    const char *device; /* --device, the last one, else CLQUANT_DEVICE, else "auto" */
    cli_list devices;   /* all that are given */
    int json, quiet, verbose;
    enum { CLI_PROGRESS_AUTO, CLI_PROGRESS_ALWAYS, CLI_PROGRESS_NEVER } progress;
    /* what <clquant/files.h> is asked for; of other verbs too: output, replace and the like */
    clq_file_request file;
    cli_list tensors, include, exclude; /* --tensor, --include, --exclude, for `file` */
    int group_size_given;
    const char *scale;      /* --scale S|FILE.npy */
    const char *zero_point; /* --zero-point Z|FILE.npy */
    /* gemm: numbers or paths are kept as text, NULL when not given */
    struct {
        int dtype_given;
        clq_dtype dtype; /* of C */
        int transpose_a, transpose_b;
        const char *a_zero_point, *b_zero_point, *bias;
        int requant_given;
        clq_requantize_mode requant;
        const char *scale_a, *scale_b;
        int scale_c_given;
        double scale_c;
        const char *multiplier, *shift;
        int c_zero_point_given;
        int32_t c_zero_point;
        const char *clamp;         /* the text of the two numbers, for messages */
        double clamp_lo, clamp_hi; /* in this order */
        const char *variant;
        int check;
    } gemm;
    /* bench */
    struct {
        const char *shapes; /* a path; NULL when not given */
        int rounds;         /* 0 when not given */
        int quick, sweep;
        cli_list variants;
    } bench;
    int probe;        /* devices */
    const char *plot; /* quantize, join, compare: the path of a picture; NULL when not given */
    int no_shared;    /* quantize: ranks may have file systems of their own */
    /* tune; its --shapes is that of bench */
    struct {
        cli_list operations;
        int budget_given;
        uint64_t budget;                       /* seconds */
        const char *export_path, *import_path; /* NULL when not given */
    } tune;
    /* multiplier */
    struct {
        const int32_t *items;
        size_t count;
    } samples; /* --sample Q, repeatable */
    int32_t max_shift;
    int32_t max_bits;
    /* verify */
    struct {
        int quick, full;
        int seed_given; /* of `seed` */
        const char *only, *report, *reproduce;
        uint64_t timeout, budget; /* seconds; no budget: 0 */
    } verify;
    /* sample; verify */
    uint64_t seed;
    uint64_t model_scale; /* --scale K of `sample` */
    /* what the lists above point into; released by cli_options_release */
    void *list_storage;
    int32_t *sample_storage;
    clq_axis_pattern *axis_storage;
} cli_options;

/*
 * Parse argv. Returns 1 when a verb is to be run; otherwise everything is done (help, version, a usage error) and *code
 * is the exit code. The caller releases `options` in both cases.
 */
int cli_options_parse(int argc, char **argv, cli_options *options, int *code);
void cli_options_release(cli_options *options);

/* Each verb is one function in verb_NAME.c and returns an exit code. */
int cli_devices(const cli_options *options);
int cli_info(const cli_options *options);
int cli_minmax(const cli_options *options);
int cli_quantize(const cli_options *options);
int cli_join(const cli_options *options);
int cli_dequantize(const cli_options *options);
int cli_compare(const cli_options *options);
int cli_calibrate(const cli_options *options);
int cli_gemm(const cli_options *options);
int cli_multiplier(const cli_options *options);
int cli_verify(const cli_options *options);
int cli_bench(const cli_options *options);
int cli_tune(const cli_options *options);
int cli_sample(const cli_options *options);

/* The names that the arguments of two verbs are chosen from; NULL after the last. */
const char *cli_bench_name(size_t index);  /* operations */
const char *cli_sample_name(size_t index); /* models */

/*
 * Print "clquant: message" on stderr and return the exit code that belongs to the error's status. CLQ_INVALID_ARGUMENT
 * is CLI_USAGE: what the command asks of the library follows from its options (OUT is IN, OUT exists without --force,
 * an axis that a tensor does not have). The build log is printed under --verbose only.
 */
int cli_report(const clq_error *error);

/*
 * A formatted line on `out`, without the newline: what goes to people goes this way or through a table, and callers
 * need not ask where a text comes from. Control characters and bytes that are no UTF-8 are shown as \xNN.
 */
void cli_line(FILE *out, const char *format, ...) CLQ_PRINTF(2, 3);

/* The same on stderr after "clquant: "; `_warning` is dropped under --quiet, `_note` printed under --verbose only.
 * cli_usage_error adds a line "try 'clquant VERB --help'" and returns CLI_USAGE. */
void cli_message(const char *format, ...) CLQ_PRINTF(1, 2);
void cli_warning(const cli_options *options, const char *format, ...) CLQ_PRINTF(2, 3);
void cli_note(const cli_options *options, const char *format, ...) CLQ_PRINTF(2, 3);
int cli_usage_error(const char *format, ...) CLQ_PRINTF(1, 2);

/* Whether cli_message says anything: of ranks, which all have the same to say, the first alone does. */
int cli_speaks(void);

void cli_note_failure(const char *text); /* cli_report and cli_usage_error do it; only the first counts */

/* Told once by the parser: the verb named in "try ...", and whether build logs are shown. */
void cli_messages_begin(const char *verb_name, int verbose);

/* The device in use, "0:0 NAME", which cli_report names when it fails. */
void cli_messages_device(const char *device);

/*
 * Make the context that --device asks for, with logging to stderr as --verbose and --quiet say and the program cache in
 * CLQUANT_CACHE_DIR, else XDG_CACHE_HOME/clquant, else ~/.cache/clquant. `auto` without any OpenCL device falls back to
 * the reference with a warning. A cache that cannot be used is a warning.
 */
clq_status cli_open_device(const cli_options *options, clq_context **context, clq_error *error);

/*
 * Of a verb that works on several devices: whether several are asked for, "A,B", "gpu:all" or by options; and make the
 * contexts of all of them, malloc'ed, as cli_open_device does. After a failure too what was opened is for the caller to
 * give to cli_close_devices.
 */
int cli_asks_devices(const cli_options *options);
int cli_is_device_list(const char *text); /* one option does */
clq_status cli_open_devices(const cli_options *options, clq_context ***contexts, size_t *count, clq_error *error);
void cli_close_devices(clq_context ***contexts, size_t *count);

/*
 * Where `auto` chose that device: calls wait CLQUANT_COMPILE_SECONDS for its compiler, then the host serves; and native
 * takes its place at once where it is far slower than this processor at tensors, or at products.
 */
clq_status cli_bound_device(const cli_options *options, int is_of_products, clq_context **context, clq_error *error);

/* Let a device (or NULL) go; where it is compiling, the process is to end past all exit handlers. */
void cli_close_device(const cli_options *options, clq_context **context);
int cli_device_is_left(void);

/* The same as cli_open_device for verbs about OpenCL devices, where `auto` needs one: else CLQ_NO_DEVICE, "there is no
 * usable OpenCL device to `purpose`". */
clq_status cli_open_opencl(const cli_options *options, const char *purpose, clq_context **context, clq_error *error);

/* The context's log function then; `options` are those that it was made with. */
void cli_print_log(void *options, clq_log_level level, const char *message);

/* What that says of the cache, for a context that was made elsewhere; a folder that is not there is not made. */
void cli_use_cache(clq_context *context);

/* For verbs that look at devices without opening one: whether there are descriptors left for a driver to work with;
 * that, and leave out the drivers that cannot be loaded (drivers.h). */
clq_status cli_check_descriptors(clq_error *error);
clq_status cli_check_drivers(const cli_options *options, clq_error *error);

/* Whether a device was opened, whose driver may have threads at work. */
int cli_device_was_opened(void);

/* When what --device asks for is not there or cannot be used, `error` gets a word on where that was asked for: returns
 * `status`. */
clq_status cli_blame_device(const cli_options *options, clq_status status, clq_error *error);
int cli_device_is_of_environment(const cli_options *options); /* CLQUANT_DEVICE, as --device is not given */

/*
 * Signals: SIGINT, SIGTERM and SIGHUP set a flag, the third of them ends the process, SIGQUIT does at once; SIGPIPE and
 * SIGXFSZ are ignored. Long work asks cli_interrupted() between chunks and, when it is set, cleans up and returns
 * cli_interrupt_code(). Called once, by main before there is any other thread: all that are made later, and programs
 * that a driver starts, have these signals blocked.
 *
 * A second after the first signal another thread calls `tell`, unless that is NULL; it returns whether it told a person
 * what is waited for, and then the next signal ends the process.
 */
void cli_signals_begin(int (*tell)(void));
int cli_interrupted(void);
void cli_interrupt(void);           /* in a child process, which has no thread for signals: as if one had come */
int cli_should_end(void);           /* one came, or what is printed is wanted by nobody (cli_output_is_all) */
int cli_is_cancelled(void *cookie); /* the same as clq_file_events has it */
int cli_interrupt_code(void);       /* CLI_INTERRUPTED, CLI_TERMINATED or CLI_HUNG_UP */

/* Progress on stderr, drawn at most ten times a second: bar, percent, bytes, rate, time left, the tensor's name. Other
 * threads may print warnings meanwhile. */
typedef struct cli_progress cli_progress;
cli_progress *cli_progress_begin(const cli_options *options, const char *title,
                                 uint64_t total_bytes);                /* NULL when off; all take NULL */
void cli_progress_count(cli_progress *progress, const char *unit);     /* amounts are a number of these, not bytes */
void cli_progress_total(cli_progress *progress, uint64_t total_bytes); /* there is more, or less, than was thought */
void cli_progress_at(cli_progress *progress, uint64_t done_bytes, const char *name);
void cli_progress_skip(cli_progress *progress, uint64_t done_bytes); /* so many are done, without work on them now */
void cli_progress_finish(cli_progress *progress, const char *what);  /* all bytes are done, and `what` is left to do */
void cli_progress_end(cli_progress **progress);                      /* wipes the line */
void cli_progress_prepare(void); /* of the one there is: time goes into kernels, until the next bytes are done */
void cli_progress_hide(void);    /* wipes the line before something else is printed on stderr */

/*
 * The object on stdout that --json promises, whatever happens: what a verb tells in it, if anything, and after a
 * failure the member "error", the first line that was told of it. So it is left open where the verb ends it, and closed
 * when the exit code is known; a failure without an object of the verb's is {"error": MESSAGE, "exit_code": CODE}.
 */
void cli_json_begin(clq_json_writer *json);
void cli_json_end(const clq_json_writer *json);
void cli_json_close(const cli_options *options, int code); /* cli_run does it, and ranks that end before it */

/*
 * A table on stdout: columns as wide as their widest cell; numbers ('>') to the right. Rows are kept until
 * cli_table_print: a column without a word in any row is left out, and where lines have a width (width.h) names are cut
 * in their middle to fit it, and then the last columns give way, which is told. So the first column is the name, what
 * was asked for comes next, and what matters least is last.
 */
typedef struct cli_table cli_table;
cli_table *cli_table_create(size_t columns, const char *const *titles,
                            const char *alignments); /* '<' or '>' per column */
void cli_table_cell(cli_table *table, const char *format, ...)
    CLQ_PRINTF(2, 3); /* the next cell; rows fill up in order; shown as by cli_line */
/* CLQ_OUT_OF_MEMORY, and nothing is printed, when there was no memory for the table (which may be NULL) or a cell. */
clq_status cli_table_print(cli_table *table, FILE *out, clq_error *error);
void cli_table_destroy(cli_table **table);

/* All of the command; returns the exit code. */
int cli_run(int argc, char **argv);

/* What main is: the same with the process's signals and a stack that is large enough; does not return after a failure.
 */
int cli_main(int argc, char **argv);

/* Make stdout one that retries what is worth retrying, before anything is printed. */
void cli_standard_output_begin(void);

/* What was printed so far goes out; a failure is told by cli_finish_output. */
void cli_flush_output(void);

/*
 * For verbs that may take minutes and make nothing but what they print: once the reader of the pipe has closed it, they
 * should end (cli_should_end) as if there were no more to do, without a word and with the exit code of what was done.
 */
void cli_output_is_all(void);
int cli_is_unread(void); /* after it: the reader is gone */

/* Close stdout and report a failed write (a full disk): returns `code`, or CLI_FAILURE when that was CLI_OK. A pipe
 * that its reader has closed is no failure. cli_run calls it last; a second call does nothing. */
int cli_finish_output(int code);

#endif

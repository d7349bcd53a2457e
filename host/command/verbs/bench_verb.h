/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `clquant bench`. */
#ifndef CLQ_HOST_COMMAND_VERBS_BENCH_VERB_H
#define CLQ_HOST_COMMAND_VERBS_BENCH_VERB_H

#include "command/frame/cli.h"
#include "suite.h"

/* Implementations to compare with; the command itself has none. */
void cli_bench_set_peers(const bench_peers *peers);

/* The operation of that name, or a usage error of `who`. */
int cli_bench_find_operation(const char *who, const char *word, bench_operation *operation);

/*
 * Read a file of shapes: one in each line in the form of bench/shape.h, blank lines, comments from '#' on. CLQ_BAD_FILE
 * names the line; a file without any shape is one too.
 */
clq_status cli_bench_read_shapes(const char *path, bench_shape *shapes, size_t *count, clq_error *error);

/* What --quick tells: of each operation and problem the rows of clquant, from the least figure to the greatest. */
enum { CLI_BENCH_LINES = 48 };

typedef struct cli_bench_span {
    double low, high; /* 0: nothing yet */
} cli_bench_span;

typedef struct cli_bench_line {
    const char *operation;
    char problem[40];
    bench_unit unit;
    size_t rows, aims, reached; /* measured; of them those that aim at something; and reach it */
    cli_bench_span rate, of_roof, of_copy;
} cli_bench_line;

typedef struct cli_bench_summary {
    cli_bench_line lines[CLI_BENCH_LINES];
    size_t count;
    size_t failed; /* rows */
} cli_bench_summary;

void cli_bench_summary_add(cli_bench_summary *summary, const bench_group *group);
clq_status cli_bench_summary_print(const cli_bench_summary *summary, clq_error *error);

/* What is told on stdout. */
typedef struct cli_bench_report {
    const cli_options *options;
    clq_context *context;
    const bench_peers *peers;
    int rounds;
    clq_json_writer json;
    int begun;
    int is_short; /* a summary in place of tables */
    cli_bench_summary summary;
    uint64_t memory_bytes; /* the most that a group took */
    clq_status status;     /* of what was to be printed, with its error */
    clq_error error;
} cli_bench_report;

/* Facts about the run, then a table or the rows of each group, then the rest. */
void cli_bench_report_begin(cli_bench_report *report);
void cli_bench_report_group(cli_bench_report *report, const bench_group *group);
void cli_bench_report_end(cli_bench_report *report, size_t failed);

#endif

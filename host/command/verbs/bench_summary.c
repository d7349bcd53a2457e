/* SPDX-License-Identifier: Apache-2.0 */
/* One screen for all of a run: a row for each operation and problem, from its slowest to its fastest shape. */
#include <math.h>
#include <string.h>

#include "command/verbs/bench_verb.h"

static void widen(cli_bench_span *span, double value)
{
    if (value > 0.0) {
        span->low = span->low > 0.0 ? fmin(span->low, value) : value;
        span->high = fmax(span->high, value);
    }
}

static cli_bench_line *line_of(cli_bench_summary *summary, const bench_row *row)
{
    for (size_t i = 0; i < summary->count; i++) {
        cli_bench_line *line = &summary->lines[i];
        if (strcmp(line->operation, row->operation) == 0 && strcmp(line->problem, row->problem) == 0) {
            return line;
        }
    }
    if (summary->count == CLI_BENCH_LINES) {
        return NULL;
    }
    summary->lines[summary->count] = (cli_bench_line){.operation = row->operation, .unit = row->unit};
    snprintf(summary->lines[summary->count].problem, sizeof summary->lines[0].problem, "%s", row->problem);
    return &summary->lines[summary->count++];
}

/* How a row stands to what it aims at: above 1 is better than that; 0: there is no aim. */
static double toward_aim(const bench_group *group, const bench_row *row)
{
    const double cost = bench_cost(group, row, BENCH_MEDIAN);
    const bench_row *peer = bench_peer(group, row);
    if (cost > 0.0) {
        return row->limit / cost;
    }
    return peer != NULL && row->work > 0.0 && row->target > 0.0
               ? bench_rate(row, BENCH_MEDIAN) / bench_rate(peer, BENCH_MEDIAN) / row->target
               : 0.0;
}

void cli_bench_summary_add(cli_bench_summary *summary, const bench_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        const bench_row *row = &group->rows[i];
        cli_bench_line *line = row->role == BENCH_PLAIN ? line_of(summary, row) : NULL;
        const double aim = line != NULL && row->outcome == BENCH_OK ? toward_aim(group, row) : 0.0;
        if (line == NULL || row->outcome != BENCH_OK) {
            summary->failed += row->role == BENCH_PLAIN && row->outcome == BENCH_FAILED;
            continue;
        }
        line->rows += 1;
        widen(&line->rate, bench_rate(row, BENCH_MEDIAN));
        widen(&line->of_roof, bench_fraction(group, row, BENCH_MEDIAN));
        widen(&line->of_copy, bench_copy_fraction(group, row, BENCH_MEDIAN));
        line->aims += aim > 0.0;
        line->reached += aim >= 1.0;
    }
}

static void span_cell(cli_table *table, const cli_bench_span *span, int digits)
{
    char low[32];
    char high[32];
    snprintf(low, sizeof low, "%.*f", digits, span->low);
    snprintf(high, sizeof high, "%.*f", digits, span->high);
    if (span->high <= 0.0) {
        cli_table_cell(table, "%s", "");
    } else if (strcmp(low, high) == 0) {
        cli_table_cell(table, "%s", low);
    } else {
        cli_table_cell(table, "%s..%s", low, high);
    }
}

clq_status cli_bench_summary_print(const cli_bench_summary *summary, clq_error *error)
{
    static const char *const TITLES[] = {"operation", "problem", "of roof", "rate", "", "of copy", "rows", "aims"};
    cli_table *table = cli_table_create(8, TITLES, "<<>><>>>");
    clq_status status;
    size_t rows = 0;
    size_t aims = 0;
    size_t reached = 0;
    for (size_t i = 0; i < summary->count; i++) {
        const cli_bench_line *line = &summary->lines[i];
        cli_table_cell(table, "%s", line->operation);
        cli_table_cell(table, "%s", line->problem);
        span_cell(table, &line->of_roof, 2);
        span_cell(table, &line->rate, line->rate.high < 10.0 ? 2 : line->rate.high < 100.0 ? 1 : 0);
        cli_table_cell(table, "%s", line->rows == 0 ? "" : line->unit == BENCH_BYTES ? "GB/s" : "GOPS");
        span_cell(table, &line->of_copy, 2);
        cli_table_cell(table, "%zu", line->rows);
        if (line->aims > 0) {
            cli_table_cell(table, "%zu/%zu", line->reached, line->aims);
        } else {
            cli_table_cell(table, "%s", "");
        }
        rows += line->rows;
        aims += line->aims;
        reached += line->reached;
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    CLQ_TRY(status);
    cli_line(stdout,
             "of roof: rate / that of the same work in C on this host; of copy: rate / that of the device's copy");
    cli_line(stdout, "%zu rows measured, all with the right result%s; --verbose shows each", rows,
             summary->failed > 0 ? " but those named above" : "");
    if (aims > 0) {
        cli_line(stdout, "%zu of %zu aims reached: time beside a plainer form, on a quiet machine and without --quick",
                 reached, aims);
    }
    return CLQ_OK;
}

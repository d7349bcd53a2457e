/* SPDX-License-Identifier: Apache-2.0 */
/* What `verify` tells people: a line for each operation, then each failure, up to a number. */
#include <inttypes.h>
#include <string.h>

#include "command/verbs/verify.h"

enum { MOST_FAILURES = 10 };

static void print_heading(const clq_verify_report *report)
{
    const clq_device_info *d = &report->device;
    if (d->platform < 0) {
        cli_line(stdout, "%s (%s %s)", d->name, d->platform_name, d->driver);
    } else {
        cli_line(stdout, "%d:%d %s (%s, driver %s)", (int)d->platform, (int)d->device, d->name, d->version, d->driver);
    }
    cli_line(stdout, "%s, seed %" PRIu64, cli_verify_extent_name(report->extent), report->seed);
}

/* What is wrong in capitals. */
static const char *verdict_of(const cli_verify_sum *sum)
{
    return sum->counts[CLQ_VERIFY_DIFFERS] > 0  ? "DIFFERS"
           : sum->counts[CLQ_VERIFY_FAILED] > 0 ? "FAILED"
                                                : cli_verify_verdict(sum);
}

static clq_status print_operations(const clq_verify_report *report, clq_error *error)
{
    const char *const titles[] = {"operation", "cases", "ok", "differ", "failed", "skipped", "seconds", "verdict"};
    cli_table *table = cli_table_create(8, titles, "<>>>>>><");
    cli_verify_sum sums[CLI_VERIFY_OPERATIONS];
    const size_t count = cli_verify_sums(report, sums);
    clq_status status;
    for (size_t i = 0; i < count; i++) {
        const cli_verify_sum *sum = &sums[i];
        cli_table_cell(table, "%s", sum->operation);
        cli_table_cell(table, "%zu", cli_verify_cases(sum));
        for (int v = 0; v < 4; v++) {
            cli_table_cell(table, "%zu", sum->counts[v]);
        }
        cli_table_cell(table, "%.2f", sum->seconds);
        cli_table_cell(table, "%s", verdict_of(sum));
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    return status;
}

static void print_difference(const clq_verify_difference *d)
{
    char item[32] = "";
    if (d->item > 0) {
        snprintf(item, sizeof item, " of tensor %" PRIu32, d->item);
    }
    cli_line(stdout, "    %s[%" PRIu64 "]%s is %s, not %s", d->operand, d->index, item, d->got, d->want);
    if (d->inputs[0] != '\0') {
        cli_line(stdout, "    with %s", d->inputs);
    }
    cli_line(stdout, "    %" PRIu64 " of %" PRIu64 " elements differ", d->differing, d->elements);
}

/* `cases`: how many failed for the same reason, which is told once. */
static void print_failure(const clq_verify_case *c, size_t cases)
{
    cli_line(stdout, "%s %s", c->verdict == CLQ_VERIFY_DIFFERS ? "DIFFERS" : "FAILED", c->name);
    if (c->reason != NULL) {
        cli_line(stdout, "    %s", c->reason);
    }
    if (cases > 1) {
        cli_line(stdout, "    %zu cases failed for this reason; --verbose names them", cases);
    }
    if (c->difference != NULL) {
        print_difference(c->difference);
    }
    if (c->reproducer != NULL) {
        cli_line(stdout, "    see %s", c->reproducer);
    }
}

static void print_all_failures(const clq_verify_report *report)
{
    for (size_t i = 0; i < report->case_count; i++) {
        if (cli_verify_is_failure(&report->cases[i])) {
            print_failure(&report->cases[i], 1);
        }
    }
}

static clq_status print_failures(const clq_verify_report *report, clq_error *error)
{
    cli_verify_stories stories;
    size_t more = 0;
    if (!cli_verify_find_stories(report, &stories)) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    for (size_t i = 0; i < stories.count; i++) {
        if (i < MOST_FAILURES) {
            print_failure(stories.list[i].first, stories.list[i].cases);
        } else {
            more += stories.list[i].cases;
        }
    }
    if (more > 0) {
        cli_line(stdout, "%zu more; --verbose tells of all, and so do --json and --report", more);
    }
    cli_verify_release_stories(&stories);
    return CLQ_OK;
}

static void print_skipped(const clq_verify_report *report)
{
    for (size_t i = 0; i < report->case_count; i++) {
        const clq_verify_case *c = &report->cases[i];
        if (c->verdict == CLQ_VERIFY_SKIPPED) {
            cli_line(stdout, "skipped %s: %s", c->name, c->reason);
        }
    }
}

/* Of cases in a row with one reason, one line. */
static void print_why_nothing_ran(const clq_verify_report *report)
{
    size_t first = 0;
    for (size_t i = 1; i <= report->case_count; i++) {
        if (i == report->case_count || strcmp(report->cases[i].reason, report->cases[first].reason) != 0) {
            cli_line(stdout, "skipped %s%s: %s", report->cases[first].name, i - first > 1 ? " and others" : "",
                     report->cases[first].reason);
            first = i;
        }
    }
}

clq_status cli_verify_print(const cli_verify_result *result, const cli_verify_run *run, clq_error *error)
{
    const clq_verify_report *report = run->report;
    clq_status status = CLQ_OK;
    char left_out[96] = "";
    if (report == NULL || report->planned_count == 0) {
        return CLQ_OK; /* why is told on stderr */
    }
    print_heading(report);
    if (report->case_count > 0) {
        status = print_operations(report, error);
    }
    if (result->options->verbose) {
        print_all_failures(report);
        print_skipped(report);
    } else if (status == CLQ_OK) {
        status = print_failures(report, error);
    }
    if (!result->options->verbose && report->counts[CLQ_VERIFY_SKIPPED] == report->case_count) {
        print_why_nothing_ran(report);
    }
    if (report->case_count < report->planned_count) {
        cli_line(stdout, "ended after %zu of %zu cases", report->case_count, report->planned_count);
    }
    if (report->left_out_count > 0) {
        snprintf(left_out, sizeof left_out, ", of which %zu were not reached in %" PRIu64 " s (--budget)",
                 report->left_out_count, result->options->verify.budget);
    }
    cli_line(stdout, "%zu cases in %.1f s: %zu ok, %zu differ, %zu failed, %zu skipped%s", report->case_count,
             report->seconds, report->counts[0], report->counts[1], report->counts[2], report->counts[3], left_out);
    return status;
}

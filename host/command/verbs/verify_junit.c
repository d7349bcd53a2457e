/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `verify` as JUnit's XML, as servers of continuous integration read it: a suite for each operation of a device, a test
 * for each case. A difference is a failure, a kernel that did not run an error.
 */
#include <inttypes.h>

#include "command/verbs/verify.h"

static void attribute(clq_text *text, const char *name, const char *value)
{
    clq_text_format(text, " %s=\"", name);
    cli_verify_escape(text, value);
    clq_text_put(text, "\"");
}

static void put_difference(clq_text *text, const clq_verify_difference *d)
{
    clq_text_format(text, "%s[%" PRIu64 "] of tensor %" PRIu32 ":\ngot ", d->operand, d->index, d->item);
    cli_verify_escape(text, d->got);
    clq_text_put(text, "\nwant ");
    cli_verify_escape(text, d->want);
    clq_text_put(text, "\ninputs ");
    cli_verify_escape(text, d->inputs);
    clq_text_format(text, "\n%" PRIu64 " of %" PRIu64 " elements differ\n", d->differing, d->elements);
}

/* Why it failed, once; and where that stands. */
static void put_reason(clq_text *text, const cli_verify_stories *stories, const clq_verify_case *c)
{
    const clq_verify_case *first = cli_verify_first_alike(stories, c);
    if (c->verdict == CLQ_VERIFY_DIFFERS) {
        attribute(text, "message", "other bytes than the reference");
    } else if (first == c) {
        attribute(text, "message", c->reason);
    } else {
        clq_text_put(text, " message=\"as ");
        cli_verify_escape(text, first->name);
        clq_text_put(text, "\"");
    }
}

static void put_case(clq_text *text, const cli_verify_stories *stories, const clq_verify_case *c,
                     const char *class_name)
{
    clq_text_put(text, "    <testcase");
    attribute(text, "classname", class_name);
    attribute(text, "name", c->name);
    clq_text_format(text, " time=\"%.6f\"", c->seconds);
    if (c->verdict == CLQ_VERIFY_OK) {
        clq_text_put(text, "/>\n");
        return;
    }
    if (c->verdict == CLQ_VERIFY_SKIPPED) {
        clq_text_put(text, "><skipped");
        attribute(text, "message", c->reason);
        clq_text_put(text, "/></testcase>\n");
        return;
    }
    clq_text_put(text, c->verdict == CLQ_VERIFY_DIFFERS ? "><failure" : "><error");
    put_reason(text, stories, c);
    clq_text_put(text, ">");
    if (c->difference != NULL) {
        put_difference(text, c->difference);
    }
    if (c->story != NULL) {
        cli_verify_escape_lines(text, c->story->build_log);
    }
    if (c->reproducer != NULL) {
        clq_text_put(text, "see ");
        cli_verify_escape(text, c->reproducer);
        clq_text_put(text, "\n");
    }
    clq_text_put(text, c->verdict == CLQ_VERIFY_DIFFERS ? "</failure></testcase>\n" : "</error></testcase>\n");
}

static void put_suite(clq_text *text, const cli_verify_stories *stories, const cli_verify_run *run,
                      const cli_verify_sum *sum)
{
    const clq_verify_report *report = run->report;
    clq_text_put(text, "  <testsuite");
    attribute(text, "name", sum->operation);
    attribute(text, "hostname", report->device.name);
    clq_text_format(text, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.6f\">\n",
                    cli_verify_cases(sum), sum->counts[CLQ_VERIFY_DIFFERS], sum->counts[CLQ_VERIFY_FAILED],
                    sum->counts[CLQ_VERIFY_SKIPPED], sum->seconds);
    clq_text_put(text, "    <properties><property name=\"driver\"");
    attribute(text, "value", report->device.driver);
    clq_text_format(text, "/><property name=\"seed\" value=\"%" PRIu64 "\"/></properties>\n", report->seed);
    for (size_t i = 0; i < report->case_count; i++) {
        if (report->cases[i].operation == sum->operation) {
            put_case(text, stories, &report->cases[i], run->spec);
        }
    }
    clq_text_put(text, "  </testsuite>\n");
}

static void put_suites(clq_text *text, const cli_verify_run *run)
{
    cli_verify_sum sums[CLI_VERIFY_OPERATIONS];
    const size_t count = cli_verify_sums(run->report, sums);
    cli_verify_stories stories;
    text->failed |= !cli_verify_find_stories(run->report, &stories);
    for (size_t k = 0; k < count; k++) {
        put_suite(text, &stories, run, &sums[k]);
    }
    cli_verify_release_stories(&stories);
}

/* A device that could not be opened, or answered no more, is a test of its own. */
static void put_lost(clq_text *text, const cli_verify_run *run)
{
    clq_text_put(text, "  <testsuite name=\"device\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\"");
    attribute(text, "hostname", run->spec);
    clq_text_put(text, ">\n    <testcase");
    attribute(text, "classname", run->spec);
    clq_text_put(text, " name=\"device\"><error");
    attribute(text, "message", run->error.message);
    clq_text_put(text, "/></testcase>\n  </testsuite>\n");
}

void cli_verify_junit(clq_text *text, const cli_verify_result *result)
{
    clq_text_put(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"clquant verify\">\n");
    for (size_t i = 0; i < result->count; i++) {
        const cli_verify_run *run = &result->runs[i];
        if (run->report != NULL) {
            put_suites(text, run);
        }
        if (run->status != CLQ_OK && (run->report == NULL || run->report->case_count < run->report->planned_count)) {
            put_lost(text, run);
        }
    }
    clq_text_put(text, "</testsuites>\n");
}

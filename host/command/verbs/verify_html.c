/* SPDX-License-Identifier: Apache-2.0 */
/* `verify` as one page that needs nothing else: the operations, and of each failure its numbers and a picture. */
#include <inttypes.h>

#include "command/verbs/verify.h"

enum { CELL_PIXELS = 8, MOST_PICTURES = 200 };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>clquant verify</title>\n<style>\n"
    ":root{color-scheme:light dark;--text:#222;--page:#fff;--line:#ddd;--ok:#176b2c;--bad:#b3261e;--none:#666;"
    "--same:#eef3ee}\n"
    "@media(prefers-color-scheme:dark){:root{--text:#ddd;--page:#161616;--line:#3a3a3a;--ok:#7ccf93;--bad:#ff8a80;"
    "--none:#999;--same:#263026}}\n"
    "body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:var(--text);"
    "background:var(--page)}p,h3,code{overflow-wrap:anywhere}pre{overflow-x:auto}\n"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid var(--line)}\n"
    "td:first-child,th:first-child,.facts td{text-align:left}\n"
    ".facts td:first-child{white-space:nowrap}code,pre{font:13px/1.4 ui-monospace,monospace}\n"
    ".ok{color:var(--ok)}.differs,.failed{color:var(--bad);font-weight:600}.incomplete{font-weight:600}.skipped{color:"
    "var(--none)}\n"
    "section{border-top:1px solid var(--line);margin-top:1.5em}\n"
    "svg{background:var(--same);border:1px solid var(--line);margin-top:.8em}rect{fill:var(--bad)}\n"
    "</style>\n</head>\n<body>\n<h1>clquant verify</h1>\n";

static void put_operations(clq_text *text, const clq_verify_report *report)
{
    cli_verify_sum sums[CLI_VERIFY_OPERATIONS];
    const size_t count = cli_verify_sums(report, sums);
    clq_text_put(text, "<table>\n<tr><th>operation</th><th>cases</th><th>ok</th><th>differ</th><th>failed</th>"
                       "<th>skipped</th><th>seconds</th><th>verdict</th></tr>\n");
    for (size_t i = 0; i < count; i++) {
        const cli_verify_sum *s = &sums[i];
        clq_text_format(text, "<tr><td>%s</td><td>%zu</td><td>%zu</td><td>%zu</td><td>%zu</td><td>%zu</td>",
                        s->operation, cli_verify_cases(s), s->counts[0], s->counts[1], s->counts[2], s->counts[3]);
        clq_text_format(text, "<td>%.2f</td><td class=\"%s\">%s</td></tr>\n", s->seconds, cli_verify_verdict(s),
                        cli_verify_verdict(s));
    }
    clq_text_put(text, "</table>\n");
}

/* Where nothing differs, the background shows. */
static void put_picture(clq_text *text, const clq_verify_difference *d)
{
    clq_text_format(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" role=\"img\">",
                    (unsigned)d->columns * CELL_PIXELS, (unsigned)d->rows * CELL_PIXELS);
    clq_text_put(text, "<title>which elements differ</title>\n");
    for (uint32_t i = 0; i < d->rows * d->columns; i++) {
        if (d->picture[i] != 0) {
            clq_text_format(text, "<rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" opacity=\"%.2f\"/>\n",
                            (unsigned)(i % d->columns) * CELL_PIXELS, (unsigned)(i / d->columns) * CELL_PIXELS,
                            (int)CELL_PIXELS, (int)CELL_PIXELS, (double)d->picture[i] / 255.0);
        }
    }
    clq_text_put(text, "</svg>\n");
}

static void put_line(clq_text *text, const char *title, const char *value)
{
    clq_text_format(text, "<tr><td>%s</td><td><code>", title);
    cli_verify_escape(text, value);
    clq_text_put(text, "</code></td></tr>\n");
}

/* The others that failed for the same reason. */
static void put_alike(clq_text *text, const clq_verify_report *report, const clq_verify_case *first)
{
    clq_text_put(text, "<ul>\n");
    for (const clq_verify_case *c = first + 1; c < report->cases + report->case_count; c++) {
        if (cli_verify_is_alike(first, c)) {
            clq_text_put(text, "<li><code>");
            cli_verify_escape(text, c->name);
            clq_text_put(text, c->reproducer != NULL ? "</code>, see <code>" : "");
            cli_verify_escape(text, c->reproducer != NULL ? c->reproducer : "");
            clq_text_put(text, "</code></li>\n");
        }
    }
    clq_text_put(text, "</ul>\n");
}

static void put_failure(clq_text *text, const clq_verify_report *report, const cli_verify_story *story,
                        int with_picture)
{
    const clq_verify_case *c = story->first;
    const clq_verify_difference *d = c->difference;
    clq_text_format(text, "<section>\n<h3 class=\"%s\">%s: <code>", clq_verify_verdict_name(c->verdict),
                    clq_verify_verdict_name(c->verdict));
    cli_verify_escape(text, c->name);
    clq_text_put(text, "</code></h3>\n<table class=\"facts\">\n");
    if (c->reason != NULL) {
        put_line(text, "reason", c->reason);
    }
    if (d != NULL) {
        clq_text_format(text,
                        "<tr><td>first element</td><td><code>%s[%" PRIu64 "], tensor %" PRIu32 "</code></td></tr>\n",
                        d->operand, d->index, d->item);
        put_line(text, "got", d->got);
        put_line(text, "want", d->want);
        put_line(text, "inputs", d->inputs);
        clq_text_format(text, "<tr><td>differing</td><td>%" PRIu64 " of %" PRIu64 "</td></tr>\n", d->differing,
                        d->elements);
    }
    if (c->reproducer != NULL) {
        put_line(text, "reproducer", c->reproducer);
    }
    clq_text_put(text, "</table>\n");
    if (c->story != NULL) {
        clq_text_put(text, "<pre>");
        cli_verify_escape_lines(text, c->story->build_log);
        clq_text_put(text, "</pre>\n");
    }
    if (story->cases > 1) {
        clq_text_format(text, "<p>%zu more cases failed for this reason:</p>\n", story->cases - 1);
        put_alike(text, report, c);
    }
    if (d != NULL && with_picture) {
        put_picture(text, d);
    }
    clq_text_put(text, "</section>\n");
}

static void put_report(clq_text *text, const clq_verify_report *report)
{
    cli_verify_stories stories;
    clq_text_format(text, "<p>%s, seed %" PRIu64 ": %zu of %zu cases in %.1f s</p>\n",
                    cli_verify_extent_name(report->extent), report->seed, report->case_count, report->planned_count,
                    report->seconds);
    if (report->left_out_count > 0) {
        clq_text_format(text, "<p class=\"incomplete\">%zu cases were not reached in the time</p>\n",
                        report->left_out_count);
    }
    put_operations(text, report);
    text->failed |= !cli_verify_find_stories(report, &stories);
    for (size_t i = 0; i < stories.count; i++) {
        put_failure(text, report, &stories.list[i], i < MOST_PICTURES);
    }
    cli_verify_release_stories(&stories);
    clq_text_put(text, "<section>\n<details><summary>All cases</summary>\n<table>\n");
    for (size_t i = 0; i < report->case_count; i++) {
        const clq_verify_case *c = &report->cases[i];
        clq_text_put(text, "<tr><td><code>");
        cli_verify_escape(text, c->name);
        clq_text_format(text, "</code></td><td>%.4f s</td><td class=\"%s\">%s</td></tr>\n", c->seconds,
                        clq_verify_verdict_name(c->verdict), clq_verify_verdict_name(c->verdict));
    }
    clq_text_put(text, "</table>\n</details>\n</section>\n");
}

void cli_verify_html(clq_text *text, const cli_verify_result *result)
{
    clq_text_put(text, head);
    for (size_t i = 0; i < result->count; i++) {
        const cli_verify_run *run = &result->runs[i];
        clq_text_put(text, "<h2>");
        cli_verify_escape(text, run->report != NULL ? run->report->device.name : run->spec);
        clq_text_put(text, "</h2>\n");
        if (run->status != CLQ_OK) {
            clq_text_put(text, "<p class=\"failed\">");
            cli_verify_escape(text, run->error.message);
            clq_text_put(text, "</p>\n");
        }
        if (run->report != NULL) {
            clq_text_put(text, "<p>driver ");
            cli_verify_escape(text, run->report->device.driver);
            clq_text_put(text, ", ");
            cli_verify_escape(text, run->report->device.version);
            clq_text_put(text, "</p>\n");
            put_report(text, run->report);
        }
    }
    clq_text_put(text, "</body>\n</html>\n");
}

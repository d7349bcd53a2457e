/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of `verify`; docs/verify.md has its schema. */
#include "command/verbs/verify.h"

static void json_text(clq_json_writer *json, const char *key, const char *value)
{
    clq_json_writer_key(json, key);
    if (value != NULL) {
        clq_json_writer_string(json, value);
    } else {
        clq_json_writer_null(json);
    }
}

static void json_count(clq_json_writer *json, const char *key, uint64_t value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_u64(json, value);
}

static void json_seconds(clq_json_writer *json, double seconds)
{
    clq_json_writer_key(json, "seconds");
    clq_json_writer_number(json, seconds);
}

static void json_counts(clq_json_writer *json, const size_t counts[4], size_t left_out)
{
    static const char *const keys[] = {"ok", "differ", "failed", "skipped"};
    for (int v = 0; v < 4; v++) {
        json_count(json, keys[v], counts[v]);
    }
    json_count(json, "not_reached", left_out);
}

static void json_difference(clq_json_writer *json, const clq_verify_difference *d)
{
    clq_json_writer_key(json, "difference");
    clq_json_writer_open(json, '{');
    json_text(json, "operand", d->operand);
    json_count(json, "item", d->item);
    json_count(json, "index", d->index);
    json_text(json, "got", d->got);
    json_text(json, "want", d->want);
    json_text(json, "inputs", d->inputs);
    json_count(json, "elements", d->elements);
    json_count(json, "differing", d->differing);
    clq_json_writer_close(json, '}');
}

static void json_case(clq_json_writer *json, const clq_verify_case *c)
{
    clq_json_writer_open(json, '{');
    json_text(json, "name", c->name);
    json_text(json, "verdict", clq_verify_verdict_name(c->verdict));
    json_seconds(json, c->seconds);
    if (c->reason != NULL) {
        json_text(json, "reason", c->reason);
    }
    if (c->story != NULL) {
        json_text(json, "build_log", c->story->build_log);
    }
    if (c->difference != NULL) {
        json_difference(json, c->difference);
    }
    if (c->reproducer != NULL) {
        json_text(json, "reproducer", c->reproducer);
    }
    clq_json_writer_close(json, '}');
}

static void json_operations(clq_json_writer *json, const clq_verify_report *report)
{
    cli_verify_sum sums[CLI_VERIFY_OPERATIONS];
    const size_t count = cli_verify_sums(report, sums);
    clq_json_writer_key(json, "operations");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        clq_json_writer_open(json, '{');
        json_text(json, "operation", sums[i].operation);
        json_count(json, "cases", cli_verify_cases(&sums[i]));
        json_counts(json, sums[i].counts, sums[i].left_out);
        json_seconds(json, sums[i].seconds);
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

static void json_report(clq_json_writer *json, const clq_verify_report *report)
{
    const clq_device_info *d = &report->device;
    json_text(json, "name", d->name);
    json_text(json, "platform", d->platform_name);
    json_text(json, "version", d->version);
    json_text(json, "driver", d->driver);
    json_count(json, "planned", report->planned_count);
    json_count(json, "cases", report->case_count);
    json_counts(json, report->counts, report->left_out_count);
    json_seconds(json, report->seconds);
    json_operations(json, report);
    clq_json_writer_key(json, "results");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < report->case_count; i++) {
        json_case(json, &report->cases[i]);
    }
    clq_json_writer_close(json, ']');
}

void cli_verify_json(clq_json_writer *json, const cli_verify_result *result)
{
    const cli_options *options = result->options;
    size_t left_out = 0;
    json_text(json, "library", clq_version());
    json_text(json, "extent", options->verify.quick ? "quick" : options->verify.full ? "full" : "standard");
    json_count(json, "seed", options->seed);
    json_text(json, "only", options->verify.only);
    clq_json_writer_key(json, "budget");
    if (options->verify.budget > 0) {
        clq_json_writer_u64(json, options->verify.budget);
    } else {
        clq_json_writer_null(json);
    }
    clq_json_writer_key(json, "devices");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < result->count; i++) {
        const cli_verify_run *run = &result->runs[i];
        clq_json_writer_open(json, '{');
        json_text(json, "device", run->spec);
        json_text(json, "status", clq_status_name(run->status));
        json_text(json, "error", run->status != CLQ_OK ? run->error.message : NULL);
        if (run->report != NULL) {
            left_out += run->report->left_out_count;
            json_report(json, run->report);
        }
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
    clq_json_writer_key(json, "complete");
    clq_json_writer_bool(json, !result->is_cancelled && left_out == 0);
    json_count(json, "exit_code", (uint64_t)result->code);
}

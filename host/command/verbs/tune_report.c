/* SPDX-License-Identifier: Apache-2.0 */
/* What `clquant tune` tells on stdout: a table, or one JSON object. */
#include <math.h>

#include "command/verbs/tune_verb.h"

static const char *outcome_name(tune_outcome outcome)
{
    switch (outcome) {
    case TUNE_WON:
        return "won";
    case TUNE_TAKEN_BACK:
        return "taken back";
    case TUNE_NOT_REACHED:
        return "not reached";
    case TUNE_KEPT:
        break;
    }
    return "kept";
}

static const char *const ACTIONS[] = {
    [CLI_TUNE_SEARCHED] = "tuned", [CLI_TUNE_EXPORTED] = "exported", [CLI_TUNE_IMPORTED] = "imported"};

/* ---- for people ---- */

/* What the time did not suffice for has no result, and no row. */
static clq_status print_rows(const cli_tune_report *report, const clq_tunable *tunables, clq_error *error)
{
    static const char *const titles[] = {"tunable", "before", "chosen", "ratio", "noise", "rejected", "outcome"};
    cli_table *table = cli_table_create(7, titles, "<>>>>><");
    clq_status status;
    for (size_t i = 0; i < report->count; i++) {
        const tune_row *row = &report->rows[i];
        if (row->outcome == TUNE_NOT_REACHED) {
            continue;
        }
        cli_table_cell(table, "%s", tunables[row->number].name);
        cli_table_cell(table, "%u", (unsigned)row->before);
        cli_table_cell(table, "%u", (unsigned)row->chosen);
        cli_table_cell(table, "%.3f", row->mean);
        cli_table_cell(table, "%.3f", row->noise);
        cli_table_cell(table, "%zu", row->rejected);
        cli_table_cell(table, "%s", outcome_name(row->outcome));
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    return status;
}

static void print_values(const cli_tune_report *report, const clq_tunable *tunables, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (report->table[i].is_tuned) {
            cli_line(stdout, "%s %u", tunables[i].name, (unsigned)report->table[i].value);
        }
    }
}

/* ---- for programs ---- */

static void json_value(clq_json_writer *json, const clq_tunable *tunable, uint32_t value)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, tunable->name);
    clq_json_writer_key(json, "value");
    clq_json_writer_u64(json, value);
    clq_json_writer_close(json, '}');
}

static void json_row(clq_json_writer *json, const clq_tunable *tunables, const tune_row *row)
{
    const int reached = row->outcome != TUNE_NOT_REACHED;
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, tunables[row->number].name);
    clq_json_writer_key(json, "before");
    clq_json_writer_u64(json, row->before);
    clq_json_writer_key(json, "chosen");
    clq_json_writer_u64(json, row->chosen);
    clq_json_writer_key(json, "ratio");
    clq_json_writer_number(json, reached ? row->mean : NAN);
    clq_json_writer_key(json, "noise");
    clq_json_writer_number(json, reached ? row->noise : NAN);
    clq_json_writer_key(json, "rejected");
    clq_json_writer_u64(json, row->rejected);
    clq_json_writer_key(json, "outcome");
    clq_json_writer_string(json, outcome_name(row->outcome));
    clq_json_writer_close(json, '}');
}

static void print_json(const cli_tune_report *report, const clq_tunable *tunables, size_t count)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_json_writer_key(&json, "action");
    clq_json_writer_string(&json, ACTIONS[report->action]);
    clq_json_writer_key(&json, "device");
    clq_json_writer_string(&json, report->device.name);
    clq_json_writer_key(&json, "file");
    if (report->path != NULL) {
        clq_json_writer_string(&json, report->path);
    } else {
        clq_json_writer_null(&json);
    }
    clq_json_writer_key(&json, "seconds");
    clq_json_writer_number(&json, report->seconds);
    clq_json_writer_key(&json, "searched");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < report->count; i++) {
        json_row(&json, tunables, &report->rows[i]);
    }
    clq_json_writer_close(&json, ']');
    clq_json_writer_key(&json, "tuned");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        if (report->table[i].is_tuned) {
            json_value(&json, &tunables[i], report->table[i].value);
        }
    }
    clq_json_writer_close(&json, ']');
    cli_json_end(&json);
}

static size_t count_left_out(const cli_tune_report *report)
{
    size_t left_out = 0;
    for (size_t i = 0; i < report->count; i++) {
        left_out += report->rows[i].outcome == TUNE_NOT_REACHED;
    }
    return left_out;
}

static const char *outcome_of_search(const cli_tune_report *report)
{
    size_t won = 0;
    for (size_t i = 0; i < report->count; i++) {
        won += report->rows[i].outcome == TUNE_WON;
    }
    return won > 0                                   ? ACTIONS[CLI_TUNE_SEARCHED]
           : count_left_out(report) == report->count ? "not tuned"
                                                     : "tuned: nothing beats what there is, so nothing is changed";
}

/* A table without a value is one too, and what was asked for was done. */
static const char *outcome_of(const cli_tune_report *report, size_t tunable_count)
{
    static const char *const EMPTY[] = {
        [CLI_TUNE_EXPORTED] = "exported, without a value: nothing is tuned on this device",
        [CLI_TUNE_IMPORTED] = "imported, without a value: nothing is tuned from now on",
    };
    if (report->action == CLI_TUNE_SEARCHED) {
        return outcome_of_search(report);
    }
    for (size_t i = 0; i < tunable_count; i++) {
        if (report->table[i].is_tuned) {
            return ACTIONS[report->action];
        }
    }
    return EMPTY[report->action];
}

static void tell_left_out(const cli_tune_report *report)
{
    const size_t left_out = count_left_out(report);
    if (left_out > 0) {
        cli_line(
            stdout,
            "not reached in the time that there was: %zu of %zu tunables, which keep their values; --budget gives more",
            left_out, report->count);
    }
}

clq_status cli_tune_report_print(const cli_options *options, const cli_tune_report *report, clq_error *error)
{
    const clq_tunable *tunables = NULL;
    const size_t count = clq_tunables(&tunables);
    if (options->json) {
        print_json(report, tunables, count);
        return CLQ_OK;
    }
    if (report->count > 0 && count_left_out(report) < report->count) {
        CLQ_TRY(print_rows(report, tunables, error));
    } else if (report->count == 0) {
        print_values(report, tunables, count);
    }
    if (!options->quiet) {
        tell_left_out(report);
        cli_line(stdout, "%s: %s%s%s", report->device.name, outcome_of(report, count), report->path != NULL ? ", " : "",
                 report->path != NULL ? report->path : "");
    }
    return CLQ_OK;
}

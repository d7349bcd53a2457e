/* SPDX-License-Identifier: Apache-2.0 */
/* What `clquant bench` tells on stdout: a table for each group, or one JSON object. */
#include <string.h>

#include "command/verbs/bench_verb.h"
#include "format/shell.h"

static const char *outcome_name(bench_outcome outcome)
{
    switch (outcome) {
    case BENCH_OK:
        return "measured";
    case BENCH_UNSUPPORTED:
        return "unsupported";
    case BENCH_STOPPED:
        return "stopped";
    case BENCH_FAILED:
        break;
    }
    return "failed";
}

static const char *role_name(bench_role role)
{
    static const char *const names[] = {"clquant", "roof", "peer", "copy"};
    return names[role];
}

/* What cannot be pasted is left out. */
static void add_word(char *out, size_t capacity, const char *option, const char *value)
{
    const size_t used = strlen(out);
    char word[600];
    if (clq_shell_word(word, sizeof word, value) && used + strlen(option) + strlen(word) + 1 < capacity) {
        (void)snprintf(out + used, capacity - used, " %s%s", option, word);
    }
}

/* The command line as far as it decides what is measured. */
static void format_command(char *out, size_t capacity, const cli_options *options, int with_peers)
{
    size_t used;
    (void)snprintf(out, capacity, with_peers ? "clquant-bench" : "clquant bench");
    for (size_t i = 0; i < options->positional.count; i++) {
        add_word(out, capacity, "", options->positional.items[i]);
    }
    for (size_t i = 0; i < options->bench.variants.count; i++) {
        add_word(out, capacity, "--variant ", options->bench.variants.items[i]);
    }
    if (options->bench.shapes != NULL) {
        add_word(out, capacity, "--shapes ", options->bench.shapes);
    }
    if (options->bench.rounds > 0) {
        used = strlen(out);
        (void)snprintf(out + used, capacity - used, " --rounds %d", options->bench.rounds);
    }
    used = strlen(out);
    (void)snprintf(out + used, capacity - used, "%s%s", options->bench.quick ? " --quick" : "",
                   options->bench.sweep ? " --sweep" : "");
}

static void text_member(clq_json_writer *json, const char *key, const char *value)
{
    clq_json_writer_key(json, key);
    if (value[0] != '\0') {
        clq_json_writer_string(json, value);
    } else {
        clq_json_writer_null(json);
    }
}

static void size_member(clq_json_writer *json, const char *key, uint64_t value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_u64(json, value);
}

/* A figure; null where there is none. */
static void figure_member(clq_json_writer *json, const char *key, double value)
{
    clq_json_writer_key(json, key);
    if (value > 0.0) {
        clq_json_writer_number(json, value);
    } else {
        clq_json_writer_null(json);
    }
}

static void begin_json(cli_bench_report *report, const clq_device_info *info)
{
    clq_json_writer *json = &report->json;
    char command[1024];
    format_command(command, sizeof command, report->options, report->peers != NULL);
    cli_json_begin(json);
    text_member(json, "version", clq_version());
    text_member(json, "command", command);
    text_member(json, "device", info->name);
    text_member(json, "platform", info->platform_name);
    text_member(json, "driver", info->driver);
    size_member(json, "compute_units", info->compute_units);
    size_member(json, "threads", (uint64_t)native_threads());
    text_member(json, "instructions", native_instructions());
    text_member(json, "peer", report->peers != NULL ? report->peers->name() : "");
    size_member(json, "peer_threads", report->peers != NULL ? (uint64_t)report->peers->threads() : 0);
    size_member(json, "rounds", (uint64_t)report->rounds);
    clq_json_writer_key(json, "rows");
    clq_json_writer_open(json, '[');
}

void cli_bench_report_begin(cli_bench_report *report)
{
    clq_device_info info;
    clq_context_device(report->context, &info);
    if (report->peers != NULL && info.type == CLQ_DEVICE_CPU && report->peers->threads() > 0 &&
        (uint32_t)report->peers->threads() != info.compute_units) {
        cli_warning(report->options, "the device has %u compute units and %s %d threads: no fair comparison",
                    (unsigned)info.compute_units, report->peers->name(), report->peers->threads());
    }
    report->begun = 1;
    if (report->options->json) {
        begin_json(report, &info);
        return;
    }
    cli_line(stdout, "device: %s, %u compute units; C on %d threads%s%s; %s; median of %d rounds", info.name,
             (unsigned)info.compute_units, native_threads(), native_instructions()[0] != '\0' ? " with " : "",
             native_instructions(), report->peers != NULL ? report->peers->name() : "no peer linked", report->rounds);
    fflush(stdout);
}

static void json_comparisons(clq_json_writer *json, const bench_group *group, const bench_row *row)
{
    const bench_row *peer = bench_peer(group, row);
    const int compared = peer != NULL && row->work > 0.0 && row->outcome == BENCH_OK;
    const double ratio = compared ? bench_rate(row, BENCH_MEDIAN) / bench_rate(peer, BENCH_MEDIAN) : 0.0;
    const double cost = bench_cost(group, row, BENCH_MEDIAN);
    figure_member(json, "fraction", bench_fraction(group, row, BENCH_MEDIAN));
    figure_member(json, "best_fraction", bench_fraction(group, row, BENCH_BEST));
    figure_member(json, "copy_fraction", bench_copy_fraction(group, row, BENCH_MEDIAN));
    figure_member(json, "best_copy_fraction", bench_copy_fraction(group, row, BENCH_BEST));
    text_member(json, "peer", compared ? peer->who : "");
    figure_member(json, "peer_ratio", ratio);
    figure_member(json, "best_peer_ratio", compared ? bench_rate(row, BENCH_BEST) / bench_rate(peer, BENCH_BEST) : 0.0);
    figure_member(json, "target", compared ? row->target : 0.0);
    text_member(json, "beside", cost > 0.0 ? row->beside_name : "");
    figure_member(json, "cost", cost);
    figure_member(json, "best_cost", bench_cost(group, row, BENCH_BEST));
    figure_member(json, "limit", cost > 0.0 ? row->limit : 0.0);
}

static void json_row(clq_json_writer *json, const bench_group *group, const bench_row *row)
{
    const int measured = row->outcome == BENCH_OK;
    clq_json_writer_open(json, '{');
    text_member(json, "operation", row->operation);
    text_member(json, "problem", row->problem);
    text_member(json, "shape", row->shape);
    size_member(json, "elements", row->elements);
    text_member(json, "role", role_name(row->role));
    text_member(json, "who", row->who);
    text_member(json, "way", row->way);
    text_member(json, "variant", row->variant);
    text_member(json, "outcome", outcome_name(row->outcome));
    figure_member(json, "median_seconds", measured ? row->median_seconds : 0.0);
    figure_member(json, "best_seconds", measured ? row->best_seconds : 0.0);
    figure_member(json, row->unit == BENCH_BYTES ? "gb_per_second" : "gops", bench_rate(row, BENCH_MEDIAN));
    figure_member(json, row->unit == BENCH_BYTES ? "best_gb_per_second" : "best_gops", bench_rate(row, BENCH_BEST));
    json_comparisons(json, group, row);
    clq_json_writer_close(json, '}');
}

static void time_cell(cli_table *table, double seconds)
{
    if (seconds < 1e-3) {
        cli_table_cell(table, "%.2f us", 1e6 * seconds);
    } else {
        cli_table_cell(table, "%.3f ms", 1e3 * seconds);
    }
}

static void fraction_cell(cli_table *table, double fraction)
{
    if (fraction > 0.0) {
        cli_table_cell(table, "%.2f", fraction);
    } else {
        cli_table_cell(table, "%s", "-");
    }
}

/* "2.53 (2.60) x oneDNN reorder, aim: at least 2.50, met", "1.42 (1.39) x the time of plain, aim: at most 1.30": by
 * medians and, in brackets, by best times. */
static void comparison_cell(cli_table *table, const bench_group *group, const bench_row *row)
{
    const bench_row *peer = bench_peer(group, row);
    const double cost = bench_cost(group, row, BENCH_MEDIAN);
    char verdict[48] = "";
    if (cost > 0.0) {
        if (row->limit > 0.0) {
            snprintf(verdict, sizeof verdict, ", aim: at most %.2f%s", row->limit, cost <= row->limit ? ", met" : "");
        }
        cli_table_cell(table, "%.2f (%.2f) x the time of %s%s", cost, bench_cost(group, row, BENCH_BEST),
                       row->beside_name, verdict);
    } else if (peer != NULL && row->work > 0.0) {
        const double ratio = bench_rate(row, BENCH_MEDIAN) / bench_rate(peer, BENCH_MEDIAN);
        if (row->target > 0.0) {
            snprintf(verdict, sizeof verdict, ", aim: at least %.2f%s", row->target,
                     ratio >= row->target ? ", met" : "");
        }
        cli_table_cell(table, "%.2f (%.2f) x %s%s", ratio, bench_rate(row, BENCH_BEST) / bench_rate(peer, BENCH_BEST),
                       peer->who, verdict);
    } else {
        cli_table_cell(table, "%s", "");
    }
}

static void table_row(cli_table *table, const bench_group *group, const bench_row *row)
{
    cli_table_cell(table, "%s", row->operation);
    cli_table_cell(table, "%s", row->problem);
    cli_table_cell(table, "%s", row->shape);
    cli_table_cell(table, "%s%s%s", row->who, row->way[0] != '\0' ? " " : "", row->way);
    if (row->outcome != BENCH_OK) {
        cli_table_cell(table, "%s", outcome_name(row->outcome));
        for (int i = 0; i < 4; i++) {
            cli_table_cell(table, "%s", "");
        }
        cli_table_cell(table, "%s", row->variant);
        cli_table_cell(table, "%s", "");
        return;
    }
    time_cell(table, row->median_seconds);
    fraction_cell(table, bench_rate(row, BENCH_MEDIAN));
    fraction_cell(table, bench_fraction(group, row, BENCH_MEDIAN));
    fraction_cell(table, bench_copy_fraction(group, row, BENCH_MEDIAN));
    comparison_cell(table, group, row);
    cli_table_cell(table, "%s", row->variant);
    time_cell(table, row->best_seconds);
}

static clq_status print_table(const bench_group *group, clq_error *error)
{
    const int operations = group->rows[0].unit == BENCH_OPERATIONS;
    const char *const titles[] = {
        "operation", "problem", "shape",         "who",     "median", operations ? "GOPS" : "GB/s",
        "of roof",   "of copy", "beside others", "variant", "best"};
    cli_table *table = cli_table_create(11, titles, "<<<<>>>><<>");
    clq_status status;
    char memory[32];
    for (size_t i = 0; i < group->count; i++) {
        table_row(table, group, &group->rows[i]);
    }
    clq_format_bytes(memory, sizeof memory, group->memory_bytes);
    cli_line(stdout, "%s", "");
    cli_line(stdout, "in %s of memory", memory);
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    fflush(stdout); /* the next group may take minutes */
    return status;
}

void cli_bench_report_group(cli_bench_report *report, const bench_group *group)
{
    if (group->memory_bytes > report->memory_bytes) {
        report->memory_bytes = group->memory_bytes;
    }
    if (group->count == 0) {
        return;
    }
    if (!report->options->json) {
        if (report->is_short) {
            cli_bench_summary_add(&report->summary, group);
        } else if (report->status == CLQ_OK) {
            report->status = print_table(group, &report->error);
        }
        return;
    }
    for (size_t i = 0; i < group->count; i++) {
        json_row(&report->json, group, &group->rows[i]);
    }
}

void cli_bench_report_end(cli_bench_report *report, size_t failed)
{
    if (report->options->json) {
        clq_json_writer_close(&report->json, ']');
        size_member(&report->json, "memory_bytes", report->memory_bytes);
        size_member(&report->json, "failed", failed);
        cli_json_end(&report->json);
    } else if (report->is_short && report->status == CLQ_OK && report->summary.count > 0) {
        report->status = cli_bench_summary_print(&report->summary, &report->error);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/compare_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "command/verbs/report.h"

/* ------------------------------------------------------------------------------------------------ JSON */

static void json_shape(clq_json_writer *json, const char *key, const clq_compared *compared, size_t index)
{
    uint32_t rank;
    const uint64_t *shape;
    clq_compared_shape(compared, index, &rank, &shape);
    clq_json_writer_key(json, key);
    clq_json_writer_shape(json, rank, shape);
}

static void json_types(clq_json_writer *json, const cli_compare_report *report, const clq_pair *pair)
{
    clq_json_writer_key(json, "reference_dtype");
    clq_json_writer_string(json, clq_compared_type(&report->comparison.reference, pair->reference));
    clq_json_writer_key(json, "test_dtype");
    clq_json_writer_string(json, clq_compared_type(&report->comparison.test, pair->test));
}

static void json_numbers(clq_json_writer *json, const cli_compare_report *report, const clq_pair *pair)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, clq_pair_name(&report->comparison, pair));
    json_shape(json, "shape", &report->comparison.reference, pair->reference);
    json_types(json, report, pair);
    clq_json_writer_key(json, "exact");
    clq_json_writer_bool(json, pair->errors.exact);
    clq_json_writer_key(json, "max_abs_error");
    clq_json_writer_number(json, pair->errors.maximum);
    clq_json_writer_key(json, "max_abs_error_index");
    if (pair->errors.maximum_index == UINT64_MAX) {
        clq_json_writer_null(json);
    } else {
        clq_json_writer_u64(json, pair->errors.maximum_index);
    }
    clq_json_writer_key(json, "mean_abs_error");
    clq_json_writer_number(json, pair->errors.mean);
    clq_json_writer_key(json, "sqnr_db");
    clq_json_writer_number(json, pair->errors.sqnr_db);
    clq_json_writer_key(json, "cosine");
    clq_json_writer_number(json, pair->errors.cosine);
    clq_json_writer_key(json, "nonfinite_differing");
    clq_json_writer_u64(json, pair->differing);
    clq_json_writer_close(json, '}');
}

/* All pairs of one kind, under a key of their own. */
static void json_kind(clq_json_writer *json, const cli_compare_report *report, const char *key, clq_pair_kind kind)
{
    clq_json_writer_key(json, key);
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < report->comparison.count; i++) {
        const clq_pair *pair = &report->comparison.pairs[i];
        if (pair->kind != kind) {
            continue;
        }
        if (kind == CLQ_PAIR_MISSING || kind == CLQ_PAIR_EXTRA) {
            clq_json_writer_string(json, clq_pair_name(&report->comparison, pair));
            continue;
        }
        clq_json_writer_open(json, '{');
        clq_json_writer_key(json, "name");
        clq_json_writer_string(json, clq_pair_name(&report->comparison, pair));
        json_types(json, report, pair);
        if (kind == CLQ_PAIR_SHAPES) {
            json_shape(json, "reference_shape", &report->comparison.reference, pair->reference);
            json_shape(json, "test_shape", &report->comparison.test, pair->test);
        } else if (kind == CLQ_PAIR_BYTES) {
            clq_json_writer_key(json, "equal");
            clq_json_writer_bool(json, pair->equal);
        }
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

void cli_compare_report_json(const cli_compare_report *report)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < report->compared; i++) {
        json_numbers(&json, report, report->order[i]);
    }
    clq_json_writer_close(&json, ']');
    json_kind(&json, report, "other", CLQ_PAIR_BYTES);
    json_kind(&json, report, "shape_mismatch", CLQ_PAIR_SHAPES);
    json_kind(&json, report, "dtype_mismatch", CLQ_PAIR_TYPES);
    json_kind(&json, report, "missing", CLQ_PAIR_MISSING);
    json_kind(&json, report, "extra", CLQ_PAIR_EXTRA);
    clq_json_writer_key(&json, "summary");
    clq_json_writer_open(&json, '{');
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_u64(&json, report->compared);
    clq_json_writer_key(&json, "worst_sqnr_db");
    clq_json_writer_number(&json, report->compared > 0 ? report->order[0]->errors.sqnr_db : NAN);
    clq_json_writer_key(&json, "seconds");
    clq_json_writer_number(&json, report->seconds);
    clq_json_writer_key(&json, "device");
    if (report->device[0] != '\0') {
        clq_json_writer_string(&json, report->device);
    } else {
        clq_json_writer_null(&json);
    }
    clq_json_writer_close(&json, '}');
    clq_json_writer_end(&json);
}

/* ------------------------------------------------------------------------------------------------ table */

/* A flat index as a person finds it: "[3, 0, 17]". */
static void format_place(char *out, size_t capacity, const cli_compare_report *report, const clq_pair *pair)
{
    uint64_t place[CLQ_MAX_RANK] = {0};
    uint64_t index = pair->errors.maximum_index;
    uint32_t rank;
    const uint64_t *shape;
    clq_compared_shape(&report->comparison.reference, pair->reference, &rank, &shape);
    if (index == UINT64_MAX) {
        snprintf(out, capacity, "-");
    } else if (rank > CLQ_MAX_RANK) {
        snprintf(out, capacity, "%" PRIu64, index);
    } else {
        for (uint32_t d = rank; d-- > 0;) {
            place[d] = index % shape[d];
            index /= shape[d];
        }
        clq_format_shape(out, capacity, rank, place);
    }
}

/* A tensor without elements has no error. */
static void error_cell(cli_table *table, double error)
{
    if (isnan(error)) {
        cli_table_cell(table, "-");
    } else {
        cli_table_cell(table, "%.6g", error);
    }
}

static void table_row(cli_table *table, const cli_compare_report *report, const clq_pair *pair)
{
    char text[160];
    uint32_t rank;
    const uint64_t *shape;
    clq_compared_shape(&report->comparison.reference, pair->reference, &rank, &shape);
    cli_table_cell(table, "%s", clq_pair_name(&report->comparison, pair));
    clq_format_shape(text, sizeof text, rank, shape);
    cli_table_cell(table, "%s", text);
    cli_table_cell(table, "%s, %s", clq_compared_type(&report->comparison.reference, pair->reference),
                   clq_compared_type(&report->comparison.test, pair->test));
    error_cell(table, pair->errors.maximum);
    format_place(text, sizeof text, report, pair);
    cli_table_cell(table, "%s", text);
    error_cell(table, pair->errors.mean);
    if (isnan(pair->errors.cosine)) {
        cli_table_cell(table, "-");
    } else {
        cli_table_cell(table, "%.8f", pair->errors.cosine);
    }
    cli_format_sqnr(text, sizeof text, &pair->errors);
    cli_table_cell(table, "%s", text);
}

static void print_odd_pair(const cli_compare_report *report, const clq_pair *pair)
{
    const clq_compared *reference = &report->comparison.reference;
    const clq_compared *test = &report->comparison.test;
    const char *name = clq_pair_name(&report->comparison, pair);
    char shown[200];
    char left[160];
    char right[160];
    clq_printable(shown, sizeof shown, name, strlen(name));
    if (pair->kind == CLQ_PAIR_SHAPES) {
        uint32_t rank;
        const uint64_t *shape;
        clq_compared_shape(reference, pair->reference, &rank, &shape);
        clq_format_shape(left, sizeof left, rank, shape);
        clq_compared_shape(test, pair->test, &rank, &shape);
        clq_format_shape(right, sizeof right, rank, shape);
        cli_line(stdout, "%s: shapes differ: %s, %s", shown, left, right);
    } else if (pair->kind == CLQ_PAIR_TYPES) {
        cli_line(stdout, "%s: types differ: %s, %s", shown, clq_compared_type(reference, pair->reference),
                 clq_compared_type(test, pair->test));
    } else if (pair->kind == CLQ_PAIR_MISSING) {
        cli_line(stdout, "%s: missing in TEST", shown);
    } else if (pair->kind == CLQ_PAIR_EXTRA) {
        cli_line(stdout, "%s: in TEST only", shown);
    } else if (pair->kind == CLQ_PAIR_BYTES && !pair->equal) {
        cli_line(stdout, "%s: %s data differs", shown, clq_compared_type(test, pair->test));
    } else if (pair->kind == CLQ_PAIR_NUMBERS && pair->differing > 0) {
        cli_line(stdout, "%s: %" PRIu64 " elements are NaN or infinite on one side only", shown, pair->differing);
    }
}

/* More exact tensors than these say nothing one by one: copied norms and biases of a model would hide the rest. */
enum { EXACT_ROWS = 10 };

static size_t count_exact(const cli_compare_report *report)
{
    size_t exact = 0;
    for (size_t i = 0; i < report->compared; i++) {
        exact += report->order[i]->errors.exact != 0;
    }
    return exact;
}

clq_status cli_compare_report_table(const cli_compare_report *report, int all, clq_error *error)
{
    static const char *const TITLES[] = {"name", "shape", "types", "max error", "at", "mean error", "cosine", "SQNR"};
    const size_t exact = count_exact(report);
    const int list_exact = all || exact <= EXACT_ROWS;
    size_t equal = 0;
    if (report->compared > (list_exact ? 0 : exact)) {
        cli_table *table = cli_table_create(8, TITLES, "<<<><>>>");
        clq_status status;
        for (size_t i = 0; i < report->compared; i++) {
            if (list_exact || !report->order[i]->errors.exact) {
                table_row(table, report, report->order[i]);
            }
        }
        status = cli_table_print(table, stdout, error);
        cli_table_destroy(&table);
        CLQ_TRY(status);
    }
    for (size_t i = 0; i < report->comparison.count; i++) {
        print_odd_pair(report, &report->comparison.pairs[i]);
        equal += report->comparison.pairs[i].kind == CLQ_PAIR_BYTES && report->comparison.pairs[i].equal;
    }
    if (!list_exact) {
        cli_line(stdout, "%zu tensors are exact (--verbose lists them)", exact);
    }
    cli_line(stdout, "%zu tensor%s compared, %zu of other types equal", report->compared,
             report->compared == 1 ? "" : "s", equal);
    return CLQ_OK;
}

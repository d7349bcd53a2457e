/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/compare_report.h"

#include <inttypes.h>
#include <math.h>

#include "command/verbs/file_report.h"
#include "command/verbs/kinds.h"
#include "command/verbs/report.h"

/* ------------------------------------------------------------------------------------------------ JSON */

static void json_shape(clq_json_writer *json, const char *key, const clq_file_tensor_side *side)
{
    clq_json_writer_key(json, key);
    clq_json_writer_shape(json, side->rank, side->shape);
}

static void json_types(clq_json_writer *json, const clq_file_tensor *tensor)
{
    clq_json_writer_key(json, "reference_dtype");
    clq_json_writer_string(json, tensor->source.dtype);
    clq_json_writer_key(json, "test_dtype");
    clq_json_writer_string(json, tensor->target.dtype);
}

static void json_numbers(clq_json_writer *json, const clq_file_tensor *tensor)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, tensor->name);
    json_shape(json, "shape", &tensor->source);
    json_types(json, tensor);
    clq_json_writer_key(json, "exact");
    clq_json_writer_bool(json, tensor->errors.exact);
    clq_json_writer_key(json, "max_abs_error");
    clq_json_writer_number(json, tensor->errors.maximum);
    clq_json_writer_key(json, "max_abs_error_index");
    if (tensor->errors.maximum_index == UINT64_MAX) {
        clq_json_writer_null(json);
    } else {
        clq_json_writer_u64(json, tensor->errors.maximum_index);
    }
    clq_json_writer_key(json, "mean_abs_error");
    clq_json_writer_number(json, tensor->errors.mean);
    clq_json_writer_key(json, "sqnr_db");
    clq_json_writer_number(json, tensor->errors.sqnr_db);
    clq_json_writer_key(json, "cosine");
    clq_json_writer_number(json, tensor->errors.cosine);
    clq_json_writer_key(json, "nonfinite_differing");
    clq_json_writer_u64(json, tensor->differing);
    clq_json_writer_close(json, '}');
}

/* A tensor that has no errors: a name where it is in one file alone, else what the two files have. */
static void json_odd(clq_json_writer *json, const clq_file_tensor *tensor)
{
    if (tensor->outcome == CLQ_FILE_MISSING || tensor->outcome == CLQ_FILE_EXTRA) {
        clq_json_writer_string(json, tensor->name);
        return;
    }
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, tensor->name);
    json_types(json, tensor);
    if (tensor->outcome == CLQ_FILE_OTHER_SHAPE) {
        json_shape(json, "reference_shape", &tensor->source);
        json_shape(json, "test_shape", &tensor->target);
    } else if (tensor->outcome != CLQ_FILE_OTHER_TYPE) {
        clq_json_writer_key(json, "equal");
        clq_json_writer_bool(json, tensor->outcome == CLQ_FILE_SAME_BYTES);
    }
    clq_json_writer_close(json, '}');
}

/* All tensors of one outcome or the other, under a key of their own. */
static void json_outcome(clq_json_writer *json, const clq_file_report *file, const char *key, clq_file_outcome outcome,
                         clq_file_outcome other)
{
    clq_json_writer_key(json, key);
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < file->tensor_count; i++) {
        if (file->tensors[i].outcome == outcome || file->tensors[i].outcome == other) {
            json_odd(json, &file->tensors[i]);
        }
    }
    clq_json_writer_close(json, ']');
}

/* The order has what differs in kind first, whose SQNR may be better than that of others. */
static double worst_sqnr(const cli_compare_report *report)
{
    double worst = NAN;
    for (size_t i = 0; i < report->compared; i++) {
        worst = fmin(worst, report->order[i]->errors.sqnr_db);
    }
    return worst;
}

void cli_compare_report_json(const cli_compare_report *report)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < report->compared; i++) {
        json_numbers(&json, report->order[i]);
    }
    clq_json_writer_close(&json, ']');
    json_outcome(&json, report->file, "other", CLQ_FILE_SAME_BYTES, CLQ_FILE_OTHER_BYTES);
    json_outcome(&json, report->file, "shape_mismatch", CLQ_FILE_OTHER_SHAPE, CLQ_FILE_OTHER_SHAPE);
    json_outcome(&json, report->file, "dtype_mismatch", CLQ_FILE_OTHER_TYPE, CLQ_FILE_OTHER_TYPE);
    json_outcome(&json, report->file, "missing", CLQ_FILE_MISSING, CLQ_FILE_MISSING);
    json_outcome(&json, report->file, "extra", CLQ_FILE_EXTRA, CLQ_FILE_EXTRA);
    clq_json_writer_key(&json, "summary");
    clq_json_writer_open(&json, '{');
    clq_json_writer_key(&json, "tensors");
    clq_json_writer_u64(&json, report->compared);
    clq_json_writer_key(&json, "worst_sqnr_db");
    clq_json_writer_number(&json, worst_sqnr(report));
    clq_json_writer_key(&json, "seconds");
    clq_json_writer_number(&json, report->file->seconds);
    cli_json_device(&json, report->file);
    cli_json_devices(&json, report->file);
    clq_json_writer_close(&json, '}');
    cli_json_end(&json);
}

/* ------------------------------------------------------------------------------------------------ table */

/* A flat index as a person finds it: "[3, 0, 17]". */
static void format_place(char *out, size_t capacity, const clq_file_tensor *tensor)
{
    uint64_t place[CLQ_MAX_RANK] = {0};
    uint64_t index = tensor->errors.maximum_index;
    const uint32_t rank = tensor->source.rank;
    if (index == UINT64_MAX) {
        snprintf(out, capacity, "-");
    } else if (rank > CLQ_MAX_RANK) {
        snprintf(out, capacity, "%" PRIu64, index);
    } else {
        for (uint32_t d = rank; d-- > 0;) {
            place[d] = index % tensor->source.shape[d];
            index /= tensor->source.shape[d];
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
        cli_table_cell(table, "%.4g", error);
    }
}

static void table_row(cli_table *table, const clq_file_tensor *tensor, cli_sqnr_span span)
{
    char text[160];
    cli_table_cell(table, "%s", tensor->name);
    cli_format_sqnr(text, sizeof text, &tensor->errors);
    cli_table_cell(table, "%s", text);
    cli_sqnr_bar_cell(table, tensor, span);
    error_cell(table, tensor->errors.maximum);
    clq_format_shape(text, sizeof text, tensor->source.rank, tensor->source.shape);
    cli_table_cell(table, "%s", text);
    cli_table_cell(table, "%s, %s", tensor->source.dtype, tensor->target.dtype);
    error_cell(table, tensor->errors.mean);
    if (isnan(tensor->errors.cosine)) {
        cli_table_cell(table, "-");
    } else {
        cli_table_cell(table, "%.6f", tensor->errors.cosine);
    }
    format_place(text, sizeof text, tensor);
    cli_table_cell(table, "%s", text);
}

static void print_odd(const clq_file_tensor *tensor)
{
    const char *shown = tensor->name; /* which may be printed as it is: by a line */
    char left[160];
    char right[160];
    if (tensor->outcome == CLQ_FILE_OTHER_SHAPE) {
        clq_format_shape(left, sizeof left, tensor->source.rank, tensor->source.shape);
        clq_format_shape(right, sizeof right, tensor->target.rank, tensor->target.shape);
        cli_line(stdout, "%s: shapes differ: %s, %s", shown, left, right);
    } else if (tensor->outcome == CLQ_FILE_OTHER_TYPE) {
        cli_line(stdout, "%s: types differ: %s, %s", shown, tensor->source.dtype, tensor->target.dtype);
    } else if (tensor->outcome == CLQ_FILE_MISSING) {
        cli_line(stdout, "%s: missing in TEST", shown);
    } else if (tensor->outcome == CLQ_FILE_EXTRA) {
        cli_line(stdout, "%s: in TEST only", shown);
    } else if (tensor->outcome == CLQ_FILE_OTHER_BYTES) {
        cli_line(stdout, "%s: %s data differs", shown, tensor->target.dtype);
    } else if (tensor->differing > 0) {
        cli_line(stdout, "%s: %" PRIu64 " elements are NaN or infinite on one side only", shown, tensor->differing);
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

/* The worst tensors one by one, the others by kind; exact ones only where they are few. */
static clq_status print_table(const cli_compare_report *report, size_t listed, int all, clq_error *error)
{
    static const char *const TITLES[] = {"tensor", "SQNR",       "",       "max error", "shape",
                                         "types",  "mean error", "cosine", "max at"};
    const size_t rows = cli_worst_rows(listed, all);
    const cli_sqnr_span span = cli_find_sqnr_span(report->order, rows);
    cli_table *table = cli_table_create(9, TITLES, "<><><<>><");
    clq_status status;
    for (size_t i = 0; i < rows; i++) {
        table_row(table, report->order[i], span);
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    CLQ_TRY(status);
    return rows < listed ? cli_print_kinds(report->order + rows, listed - rows, error) : CLQ_OK;
}

clq_status cli_compare_report_table(const cli_compare_report *report, int all, clq_error *error)
{
    const size_t exact = count_exact(report); /* the last of all */
    const int list_exact = all || exact <= EXACT_ROWS;
    const size_t listed = list_exact ? report->compared : report->compared - exact;
    size_t equal = 0;
    char others[48] = "";
    if (listed > 0) {
        CLQ_TRY(print_table(report, listed, all, error));
    }
    for (size_t i = 0; i < report->file->tensor_count; i++) {
        print_odd(&report->file->tensors[i]);
        equal += report->file->tensors[i].outcome == CLQ_FILE_SAME_BYTES;
    }
    if (!list_exact) {
        cli_line(stdout, "%zu tensors are exact (--verbose lists them)", exact);
    }
    if (equal > 0) {
        snprintf(others, sizeof others, ", %zu of other types equal", equal);
    }
    cli_line(stdout, "%zu tensor%s compared%s", report->compared, report->compared == 1 ? "" : "s", others);
    return cli_devices_table(report->file, error);
}

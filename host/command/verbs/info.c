/* SPDX-License-Identifier: Apache-2.0 */
/* clquant info: the tensors of model files, and how the quantized ones are laid out. */
#include <string.h>

#include "command/verbs/info.h"
#include "command/verbs/report.h"

/* Which tensors of the file are parts of a quantized one: its scales, zero points, shape. */
enum { PARTS = 3 };

typedef struct part_list {
    size_t items[PARTS];
    size_t count;
} part_list;

static part_list parts_of(const clq_quantized *quantized)
{
    const size_t all[PARTS] = {quantized->scale, quantized->zero_point, quantized->shape};
    part_list parts = {{0}, 0};
    for (size_t i = 0; i < PARTS; i++) {
        if (all[i] != SIZE_MAX) {
            parts.items[parts.count++] = all[i];
        }
    }
    return parts;
}

static void name_cells(cli_table *table, const clq_model_tensor *tensor, const char *indent)
{
    char shape[256];
    clq_format_shape(shape, sizeof shape, tensor->rank, tensor->shape);
    cli_table_cell(table, "%s%s", indent, tensor->name);
    cli_table_cell(table, "%s", tensor->dtype.name);
    cli_table_cell(table, "%s", shape);
    cli_table_cell(table, "%llu", (unsigned long long)tensor->bytes);
}

static void plain_row(cli_table *table, const clq_model_tensor *tensor, const char *indent)
{
    name_cells(table, tensor, indent);
    for (int i = 0; i < 3; i++) {
        cli_table_cell(table, "%s", "");
    }
}

/* One value, or the least and the greatest. */
static void parameter_cells(cli_table *table, int has_zero_point, const cli_info_span *span)
{
    if (span->scale_lo == span->scale_hi) {
        cli_table_cell(table, "%.4g", (double)span->scale_lo);
    } else {
        cli_table_cell(table, "%.4g..%.4g", (double)span->scale_lo, (double)span->scale_hi);
    }
    if (!has_zero_point) {
        cli_table_cell(table, "%s", "");
    } else if (span->zero_lo == span->zero_hi) {
        cli_table_cell(table, "%d", (int)span->zero_lo);
    } else {
        cli_table_cell(table, "%d..%d", (int)span->zero_lo, (int)span->zero_hi);
    }
}

/* One row for a tensor with all its parts; `parts`: and one for each of them. */
static clq_status quantized_rows(cli_table *table, const clq_model *model, const clq_quantized_list *list,
                                 const clq_quantized *quantized, int parts, clq_error *error)
{
    const part_list others = parts_of(quantized);
    uint64_t bytes = model->tensors[quantized->codes].bytes;
    char text[256];
    cli_info_span span;
    CLQ_TRY(cli_info_find_span(model, quantized, &span, error));
    for (size_t i = 0; i < others.count; i++) {
        bytes += model->tensors[others.items[i]].bytes;
    }
    cli_table_cell(table, "%s", clq_real_name(model, list, quantized->codes));
    cli_table_cell(table, "%s", clq_stored_type(model, quantized, quantized->codes));
    clq_format_shape(text, sizeof text, quantized->layout.rank, quantized->layout.shape);
    cli_table_cell(table, "%s", text);
    cli_table_cell(table, "%llu", (unsigned long long)bytes);
    cli_format_granularity(text, sizeof text, &quantized->layout);
    cli_table_cell(table, "%s", text);
    parameter_cells(table, quantized->zero_point != SIZE_MAX, &span);
    if (parts && others.count > 0) {
        plain_row(table, &model->tensors[quantized->codes], "  ");
    }
    for (size_t i = 0; parts && i < others.count; i++) {
        plain_row(table, &model->tensors[others.items[i]], "  ");
    }
    return CLQ_OK;
}

static clq_status add_rows(cli_table *table, const clq_model *model, const clq_quantized_list *list, size_t index,
                           int parts, clq_error *error)
{
    const clq_quantized *codes = cli_info_in_role(list, index, CLQ_ROLE_CODES);
    cli_info_span inputs;
    if (codes != NULL) {
        return quantized_rows(table, model, list, codes, parts, error);
    }
    if (cli_info_find_inputs(model, list, index, &inputs)) {
        name_cells(table, &model->tensors[index], "");
        cli_table_cell(table, "%s", "inputs");
        parameter_cells(table, inputs.zero_lo != 0 || inputs.zero_hi != 0, &inputs);
    } else if (list == NULL || clq_stands_alone(list, index)) {
        plain_row(table, &model->tensors[index], "");
    }
    return CLQ_OK;
}

static void print_metadata(const clq_model *model)
{
    char key[128];
    char value[128];
    for (size_t i = 0; i < model->shard_count; i++) {
        const clq_model_shard *shard = &model->shards[i];
        for (size_t j = 0; j < shard->metadata_count; j++) {
            clq_printable(key, sizeof key, shard->metadata_keys[j], strlen(shard->metadata_keys[j]));
            clq_printable(value, sizeof value, shard->metadata_values[j], strlen(shard->metadata_values[j]));
            cli_line(stdout, "metadata %s: %s", key, value);
        }
    }
}

static clq_status print_text(const cli_options *options, const clq_model *model, const clq_quantized_list *list,
                             size_t *printed, clq_error *error)
{
    static const char *const titles[] = {"tensor", "type", "shape", "bytes", "per", "scale", "zero point"};
    const cli_info_totals sum = cli_info_count(model, list);
    cli_table *table = cli_table_create(7, titles, "<<<><<>");
    clq_status status = CLQ_OK;
    char path[512];
    char bytes[32];
    char files[40] = "";
    char parts[80] = "";
    for (size_t i = 0; i < model->tensor_count && status == CLQ_OK; i++) {
        status = add_rows(table, model, list, i, options->verbose, error);
    }
    if (status == CLQ_OK) {
        clq_printable(path, sizeof path, model->path, strlen(model->path));
        if (*printed > 0) {
            cli_line(stdout, "%s", "");
        }
        cli_line(stdout, "%s (%s)", path, cli_info_kind(model->kind));
        if (options->verbose) {
            print_metadata(model);
        }
        status = cli_table_print(table, stdout, error);
    }
    if (status == CLQ_OK) {
        clq_format_bytes(bytes, sizeof bytes, sum.bytes);
        if (model->shard_count > 1) {
            snprintf(files, sizeof files, " in %zu files", model->shard_count);
        }
        if (sum.parts > 0) {
            snprintf(parts, sizeof parts, "; %zu of them hold scales and the like%s", sum.parts,
                     options->verbose ? "" : " (--verbose lists them)");
        }
        cli_line(stdout, "%zu tensor%s, %zu quantized, %llu elements, %s%s%s", model->tensor_count,
                 model->tensor_count == 1 ? "" : "s", sum.quantized, (unsigned long long)sum.elements, bytes, files,
                 parts);
        *printed += 1;
    }
    cli_table_destroy(&table);
    return status;
}

/*
 * One file. Scales that do not fit their tensors make a bad file, but what it holds is listed all the same: that is how
 * one finds out what is wrong with it.
 */
static clq_status show_file(const cli_options *options, const char *path, clq_json_writer *json, size_t *printed,
                            clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_status scanned = CLQ_OK;
    clq_model *model = NULL;
    clq_quantized_list *list = NULL;
    clq_error scan_error;
    CLQ_TRY_TO(clq_model_open_from(path, CLQ_OPEN_FOLDERS | (options->file.follow_links ? CLQ_OPEN_FOLLOW_LINKS : 0u),
                                   &model, error));
    if (model->warning != NULL) {
        cli_warning(options, "%s", model->warning);
    }
    scanned = clq_quantized_scan(model, options->file.known_group_size, &list, &scan_error);
    if (scanned != CLQ_OK) {
        clq_quantized_list_destroy(&list);
    }
    if (scanned != CLQ_OK && scanned != CLQ_BAD_FILE) {
        *error = scan_error;
        CLQ_TRY_TO(scanned);
    }
    status = options->json ? cli_info_print_json(json, model, list, error)
                           : print_text(options, model, list, printed, error);
    if (status == CLQ_OK && scanned != CLQ_OK) {
        status = scanned;
        *error = scan_error;
    }
done:
    clq_quantized_list_destroy(&list);
    clq_model_close(&model);
    return status;
}

int cli_info(const cli_options *options)
{
    int code = CLI_OK;
    size_t printed = 0; /* files, as text */
    clq_json_writer json;
    clq_error error;
    if (options->json) {
        cli_json_begin(&json);
        clq_json_writer_key(&json, "files");
        clq_json_writer_open(&json, '[');
    }
    for (size_t i = 0; i < options->positional.count; i++) {
        const char *path = options->positional.items[i];
        clq_status status = CLQ_OK;
        if (options->json) {
            clq_json_writer_open(&json, '{');
            clq_json_writer_key(&json, "file");
            clq_json_writer_string(&json, path);
        }
        status = show_file(options, path, &json, &printed, &error);
        if (options->json && status != CLQ_OK) {
            clq_json_writer_key(&json, "error");
            clq_json_writer_string(&json, error.message);
        }
        if (options->json) {
            clq_json_writer_close(&json, '}');
        }
        if (status != CLQ_OK) {
            const int failed = cli_report(&error);
            code = code == CLI_OK ? failed : code; /* the first failure tells the exit code */
        }
    }
    if (options->json) {
        clq_json_writer_close(&json, ']');
        cli_json_end(&json);
    }
    return code;
}

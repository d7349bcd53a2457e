/* SPDX-License-Identifier: Apache-2.0 */
/* clquant info: the tensors of model files, and how the quantized ones are laid out. */
#include <string.h>

#include "command/verbs/info.h"

/* "s8 per channel (axis 0), 64 scales 0.001 to 0.02, zero point 0" */
static void quantization_text(char *out, size_t capacity, const clq_quantized *quantized, const cli_info_span *span)
{
    char layout[64];
    char scales[128];
    char lo[40];
    char hi[40];
    if (quantized->block != CLQ_BLOCK_NONE) {
        snprintf(out, capacity, "blocks of %llu", (unsigned long long)quantized->layout.group_size);
        return;
    }
    clq_format_double(lo, sizeof lo, (double)span->scale_lo, 1);
    clq_format_double(hi, sizeof hi, (double)span->scale_hi, 1);
    if (quantized->layout.granularity == CLQ_PER_CHANNEL) {
        snprintf(layout, sizeof layout, "channel (axis %u)", (unsigned)quantized->layout.axis);
    } else if (quantized->layout.granularity == CLQ_PER_GROUP) {
        snprintf(layout, sizeof layout, "group of %llu", (unsigned long long)quantized->layout.group_size);
    } else if (quantized->layout.granularity == CLQ_PER_BLOCK) {
        snprintf(layout, sizeof layout, "group of %llu (axis %u)", (unsigned long long)quantized->layout.group_size,
                 (unsigned)quantized->layout.axis);
    } else {
        snprintf(layout, sizeof layout, "tensor");
    }
    if (quantized->parameters == 1) {
        snprintf(scales, sizeof scales, "scale %s", lo);
    } else {
        snprintf(scales, sizeof scales, "%llu scales %s to %s", (unsigned long long)quantized->parameters, lo, hi);
    }
    if (span->zero_lo == span->zero_hi) {
        snprintf(out, capacity, "%s per %s, %s, zero point %d", clq_dtype_name(quantized->dtype), layout, scales,
                 (int)span->zero_lo);
    } else {
        snprintf(out, capacity, "%s per %s, %s, zero points %d to %d", clq_dtype_name(quantized->dtype), layout, scales,
                 (int)span->zero_lo, (int)span->zero_hi);
    }
}

static clq_status add_row(cli_table *table, const clq_model *model, const clq_quantized_list *list, size_t index,
                          clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    const clq_quantized *codes = cli_info_in_role(list, index, CLQ_ROLE_CODES);
    const clq_quantized *scale = cli_info_in_role(list, index, CLQ_ROLE_SCALE);
    const clq_quantized *zero_point = cli_info_in_role(list, index, CLQ_ROLE_ZERO_POINT);
    const clq_quantized *real_shape = cli_info_in_role(list, index, CLQ_ROLE_SHAPE);
    char shape[256];
    char note[400] = "";
    if (codes != NULL) {
        cli_info_span span;
        CLQ_TRY(cli_info_find_span(model, codes, &span, error));
        quantization_text(note, sizeof note, codes, &span);
        clq_format_shape(shape, sizeof shape, codes->layout.rank, codes->layout.shape);
    } else {
        clq_format_shape(shape, sizeof shape, tensor->rank, tensor->shape);
    }
    if (scale != NULL) {
        snprintf(note, sizeof note, "scale of %s", clq_real_name(model, list, scale->codes));
    } else if (zero_point != NULL) {
        snprintf(note, sizeof note, "zero point of %s", clq_real_name(model, list, zero_point->codes));
    } else if (real_shape != NULL) {
        snprintf(note, sizeof note, "shape of %s", clq_real_name(model, list, real_shape->codes));
    }
    cli_table_cell(table, "%s", tensor->name);
    cli_table_cell(table, "%s", tensor->dtype.name);
    cli_table_cell(table, "%s", shape);
    cli_table_cell(table, "%llu", (unsigned long long)tensor->bytes);
    cli_table_cell(table, "%s", note);
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
    static const char *const titles[] = {"tensor", "type", "shape", "bytes", "quantization"};
    const cli_info_totals sum = cli_info_count(model, list);
    cli_table *table = cli_table_create(5, titles, "<<<><");
    clq_status status = CLQ_OK;
    char path[512];
    char bytes[32];
    char files[40] = "";
    for (size_t i = 0; i < model->tensor_count && status == CLQ_OK; i++) {
        status = add_row(table, model, list, i, error);
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
        cli_line(stdout, "%zu tensor%s, %zu quantized, %llu elements, %s%s", model->tensor_count,
                 model->tensor_count == 1 ? "" : "s", sum.quantized, (unsigned long long)sum.elements, bytes, files);
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
    scanned = clq_quantized_scan(model, &list, &scan_error);
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
        clq_json_writer_end(&json);
    }
    return code;
}

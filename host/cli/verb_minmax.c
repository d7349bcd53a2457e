/* SPDX-License-Identifier: Apache-2.0 */
/* clquant minmax: the range of each tensor, channel or group, and a count of NaN and infinity. */
#include <stdlib.h>
#include <string.h>

#include "ranges.h"

/* A tensor to look at, and in the end what is worth keeping of its result. */
typedef struct selected {
    const clq_model_tensor *tensor;
    clq_layout layout;
    clq_nonfinite nonfinite;
} selected;

typedef struct selection {
    selected *items;
    size_t count;
    uint64_t bytes;
} selection;

static int is_real(const clq_model_tensor *tensor)
{
    return tensor->dtype.type == CLQ_F32 || tensor->dtype.type == CLQ_F16 || tensor->dtype.type == CLQ_BF16;
}

static int is_selected(const selection *chosen, const clq_model_tensor *tensor)
{
    for (size_t i = 0; i < chosen->count; i++) {
        if (chosen->items[i].tensor == tensor) {
            return 1;
        }
    }
    return 0;
}

static clq_status add(selection *chosen, const cli_options *options, const clq_model_tensor *tensor, clq_error *error)
{
    selected *item = &chosen->items[chosen->count];
    CLQ_TRY(cli_layout(options, tensor->name, tensor->rank, tensor->shape, CLQ_PER_TENSOR, &item->layout, error));
    item->tensor = tensor;
    chosen->count++;
    chosen->bytes += tensor->bytes;
    return CLQ_OK;
}

/* The tensors named by --tensor: each must be there, and fit. */
static int select_named(selection *chosen, const cli_options *options, const clq_model *model)
{
    clq_error error;
    for (size_t i = 0; i < options->tensors.count; i++) {
        const char *name = options->tensors.items[i];
        const size_t index = clq_model_find(model, name);
        if (index == SIZE_MAX) {
            cli_near near = {.name = name};
            for (size_t j = 0; j < model->tensor_count; j++) {
                cli_near_try(&near, model->tensors[j].name);
            }
            return near.best != NULL
                       ? cli_usage_error("no tensor '%s' in %s; did you mean '%s'?", name, model->path, near.best)
                       : cli_usage_error("no tensor '%s' in %s; 'clquant info' lists them", name, model->path);
        }
        if (!is_real(&model->tensors[index])) {
            return cli_usage_error("tensor '%s' is of type %s: required is F32, F16 or BF16", name,
                                   model->tensors[index].dtype.name);
        }
        if (!is_selected(chosen, &model->tensors[index]) &&
            add(chosen, options, &model->tensors[index], &error) != CLQ_OK) {
            return cli_report(&error);
        }
    }
    return CLI_OK;
}

/* Every tensor that has a range of the kind asked for. */
static int select_all(selection *chosen, const cli_options *options, const clq_model *model)
{
    clq_error error;
    size_t unfit = 0;
    for (size_t i = 0; i < model->tensor_count; i++) {
        const clq_model_tensor *tensor = &model->tensors[i];
        if (!is_real(tensor)) {
            cli_note(options, "tensor '%s' is skipped: its type is %s", tensor->name, tensor->dtype.name);
        } else if (add(chosen, options, tensor, &error) != CLQ_OK) {
            cli_note(options, "skipped: %s", error.message);
            unfit++;
        }
    }
    if (unfit > 0) {
        cli_warning(options, "%zu tensor%s without such an axis %s skipped (--verbose names them)", unfit,
                    unfit == 1 ? "" : "s", unfit == 1 ? "is" : "are");
    }
    if (chosen->count == 0) {
        cli_warning(options, "%s holds no tensor to look at: required is type F32, F16 or BF16", model->path);
    }
    return CLI_OK;
}

/* Where results go: a table, filled as they come and printed in the end, or JSON. */
typedef struct printer {
    const cli_options *options;
    cli_table *table; /* NULL: JSON */
    cli_json json;
} printer;

static void cell_value(cli_table *table, int seen, float value)
{
    char text[40] = "-";
    if (seen) {
        cli_format_double(text, sizeof text, (double)value, 1);
    }
    cli_table_cell(table, "%s", text);
}

static void print_rows(printer *out, const cli_ranges *found)
{
    char shape[256];
    cli_format_shape(shape, sizeof shape, found->tensor->rank, found->tensor->shape);
    cli_table_cell(out->table, "%s", found->tensor->name);
    cli_table_cell(out->table, "%s", found->tensor->dtype.name);
    cli_table_cell(out->table, "%s", shape);
    cli_table_cell(out->table, "%llu", (unsigned long long)found->parameters);
    cell_value(out->table, found->any_seen, found->lo);
    cell_value(out->table, found->any_seen, found->hi);
    cli_table_cell(out->table, "%llu", (unsigned long long)found->nonfinite.count);
    if (!out->options->verbose || found->layout.granularity == CLQ_PER_TENSOR) {
        return;
    }
    for (uint64_t i = 0; i < found->parameters; i++) {
        cli_table_cell(out->table, "  %s %llu", cli_granularity_name(found->layout.granularity), (unsigned long long)i);
        cli_table_cell(out->table, "%s", "");
        cli_table_cell(out->table, "%s", "");
        cli_table_cell(out->table, "%s", "");
        cell_value(out->table, found->seen[i], found->ranges[2 * i]);
        cell_value(out->table, found->seen[i], found->ranges[2 * i + 1]);
        cli_table_cell(out->table, "%s", "");
    }
}

/* One end of all ranges: a number per tensor, else an array; null where there is no finite element. */
static void json_ends(cli_json *json, const char *key, const cli_ranges *found, int end)
{
    const int single = found->layout.granularity == CLQ_PER_TENSOR;
    cli_json_key(json, key);
    if (!single) {
        cli_json_open(json, '[');
    }
    for (uint64_t i = 0; i < found->parameters; i++) {
        if (found->seen[i]) {
            cli_json_number(json, (double)found->ranges[2 * i + (uint64_t)end]);
        } else {
            cli_json_null(json);
        }
    }
    if (!single) {
        cli_json_close(json, ']');
    }
}

static void print_json(cli_json *json, const cli_ranges *found)
{
    cli_json_open(json, '{');
    cli_json_key(json, "name");
    cli_json_string(json, found->tensor->name);
    cli_json_key(json, "shape");
    cli_json_shape(json, found->tensor->rank, found->tensor->shape);
    cli_json_key(json, "dtype");
    cli_json_string(json, found->tensor->dtype.name);
    cli_json_key(json, "granularity");
    cli_json_string(json, cli_granularity_name(found->layout.granularity));
    if (found->layout.granularity == CLQ_PER_CHANNEL) {
        cli_json_key(json, "axis");
        cli_json_u64(json, found->layout.axis);
    }
    if (found->layout.granularity == CLQ_PER_GROUP) {
        cli_json_key(json, "group_size");
        cli_json_u64(json, found->layout.group_size);
    }
    json_ends(json, "min", found, 0);
    json_ends(json, "max", found, 1);
    cli_json_key(json, "nonfinite");
    cli_json_u64(json, found->nonfinite.count);
    cli_json_key(json, "first_nonfinite");
    if (found->nonfinite.count > 0) {
        cli_json_u64(json, found->nonfinite.first_index);
    } else {
        cli_json_null(json);
    }
    cli_json_close(json, '}');
}

static void printer_begin(printer *out)
{
    static const char *const titles[] = {"tensor", "type", "shape", "ranges", "min", "max", "non-finite"};
    if (!out->options->json) {
        out->table = cli_table_create(7, titles, "<<<>>>>");
        return;
    }
    cli_json_begin(&out->json, stdout);
    cli_json_key(&out->json, "tensors");
    cli_json_open(&out->json, '[');
}

/* JSON is one whole object after a failure, too. */
static void printer_end(printer *out, const clq_context *context, const clq_error *error)
{
    clq_device_info info;
    if (!out->options->json) {
        cli_table_print(out->table, stdout);
        cli_table_destroy(&out->table);
        return;
    }
    cli_json_close(&out->json, ']');
    cli_json_key(&out->json, "device");
    if (context != NULL) {
        clq_context_device(context, &info);
        cli_json_string(&out->json, info.name);
    } else {
        cli_json_null(&out->json);
    }
    if (error != NULL) {
        cli_json_key(&out->json, "error");
        cli_json_string(&out->json, error->message);
    }
    cli_json_end(&out->json);
}

static clq_status run_all(const cli_options *options, const clq_model *model, clq_context *context, selection *chosen,
                          printer *out, clq_error *error)
{
    clq_status status = CLQ_OK;
    cli_ranger *ranger = NULL;
    CLQ_TRY(cli_ranger_create(options, model, context, chosen->bytes, &ranger, error));
    for (size_t i = 0; i < chosen->count && status == CLQ_OK; i++) {
        selected *item = &chosen->items[i];
        cli_ranges found;
        status = cli_ranger_run(ranger, item->tensor, &item->layout, &found, error);
        if (status == CLQ_OK) {
            item->nonfinite = found.nonfinite;
            if (options->json) {
                print_json(&out->json, &found);
            } else {
                print_rows(out, &found);
            }
        }
        cli_ranges_release(&found);
    }
    cli_ranger_destroy(&ranger);
    return status;
}

/* Under --nonfinite error: name every tensor that breaks the rule, once all results are out. */
static int check_nonfinite(const cli_options *options, const selection *chosen)
{
    int code = CLI_OK;
    for (size_t i = 0; i < chosen->count && !options->ignore_nonfinite; i++) {
        const selected *item = &chosen->items[i];
        if (item->nonfinite.count > 0) {
            clq_error error;
            clq_fail(&error, CLQ_NONFINITE,
                     "tensor '%s': %llu of %llu elements are NaN or infinite, the first at index %llu (--nonfinite "
                     "ignore accepts them)",
                     item->tensor->name, (unsigned long long)item->nonfinite.count,
                     (unsigned long long)item->tensor->elements, (unsigned long long)item->nonfinite.first_index);
            code = cli_report(&error);
        }
    }
    return code;
}

/* Results first, then what was wrong. */
static int run_selection(const cli_options *options, const clq_model *model, selection *chosen)
{
    clq_context *context = NULL;
    clq_error error;
    printer out = {.options = options};
    clq_status status = CLQ_OK;
    if (chosen->count > 0 && cli_open_device(options, &context, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    printer_begin(&out);
    if (chosen->count > 0) {
        status = run_all(options, model, context, chosen, &out, &error);
    }
    printer_end(&out, context, status != CLQ_OK ? &error : NULL);
    clq_context_destroy(&context);
    fflush(stdout);
    return status != CLQ_OK ? cli_report(&error) : check_nonfinite(options, chosen);
}

int cli_minmax(const cli_options *options)
{
    clq_model *model = NULL;
    clq_error error;
    selection chosen = {0};
    int code = CLI_OK;
    if (clq_model_open(options->positional.items[0], &model, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    if (model->warning != NULL) {
        cli_warning(options, "%s", model->warning);
    }
    chosen.items = calloc(model->tensor_count + 1, sizeof *chosen.items);
    if (chosen.items == NULL) {
        clq_fail(&error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", model->tensor_count);
        code = cli_report(&error);
    } else {
        code = options->tensors.count > 0 ? select_named(&chosen, options, model) : select_all(&chosen, options, model);
        code = code == CLI_OK ? run_selection(options, model, &chosen) : code;
    }
    free(chosen.items);
    clq_model_close(&model);
    return code;
}

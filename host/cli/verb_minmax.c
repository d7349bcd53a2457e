/* SPDX-License-Identifier: Apache-2.0 */
/* clquant minmax: the range of each tensor, channel or group, and a count of NaN and infinity. */
#include <stdlib.h>
#include <string.h>

#include "minmax_report.h"
#include "ranges.h"
#include "report.h"

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

/* One run over the tensors selected. */
typedef struct minmax_run {
    const cli_options *options;
    const clq_model *model;
    cli_stage stage;
    cli_progress *progress;
    uint64_t done_bytes;
    cli_minmax_report report;
} minmax_run;

/* Ranges for a report that lists them, or of one chunk at a time when it need not know more. */
static clq_status make_room(cli_minmax_result *result, uint64_t *room, uint64_t count, clq_error *error)
{
    if (result->ranges == NULL || count > *room) {
        free(result->ranges);
        result->ranges = count <= SIZE_MAX / 16 ? malloc(((size_t)count + 1) * 2 * sizeof *result->ranges) : NULL;
        *room = count;
    }
    if (result->ranges == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "tensor '%s': no memory for %llu ranges", result->tensor->name,
                        (unsigned long long)count);
    }
    return CLQ_OK;
}

/* The range over all parameters, for the table. */
static void widen_whole(cli_minmax_result *result, uint64_t parameters)
{
    for (uint64_t i = 0; i < parameters; i++) {
        const float *range = &result->ranges[2 * i];
        result->whole[0] = range[0] < result->whole[0] ? range[0] : result->whole[0];
        result->whole[1] = range[1] > result->whole[1] ? range[1] : result->whole[1];
    }
}

/* The caller frees result->ranges, also after a failure. */
static clq_status find_ranges(minmax_run *run, cli_minmax_result *result, clq_error *error)
{
    const clq_model_tensor *tensor = result->tensor;
    clq_quantization q;
    cli_chunker chunker;
    cli_chunk chunk;
    uint64_t room = 0;
    int local;
    clq_quantization_init(&q);
    q.real = tensor->dtype.type;
    q.layout = result->layout;
    CLQ_TRY(cli_chunker_init(&chunker, &q.layout, cli_stage_limit(&run->stage, &q), error));
    local = !cli_minmax_lists_ranges(run->options, &q.layout) && cli_ranges_are_local(&chunker);
    result->parameters = chunker.parameters;
    if (!local) {
        CLQ_TRY(make_room(result, &room, chunker.parameters, error));
        cli_ranges_clear(result->ranges, chunker.parameters);
    }
    while (cli_chunker_next(&chunker, &chunk)) {
        if (cli_interrupted()) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted");
        }
        cli_progress_at(run->progress, run->done_bytes, tensor->name);
        if (local) {
            CLQ_TRY(make_room(result, &room, chunk.parameters, error));
            cli_ranges_clear(result->ranges, chunk.parameters);
        }
        CLQ_TRY(cli_ranges_merge(&run->stage, run->model, (size_t)(tensor - run->model->tensors), &q, &chunk,
                                 result->ranges + (local ? 0 : 2 * chunk.first_parameter), &result->nonfinite, error));
        if (local) {
            widen_whole(result, chunk.parameters);
        }
        run->done_bytes += clq_dtype_bytes(q.real, chunk.count);
    }
    if (!local) {
        widen_whole(result, result->parameters);
    }
    return CLQ_OK;
}

static clq_status run_all(minmax_run *run, selection *chosen, clq_error *error)
{
    clq_status status = CLQ_OK;
    run->progress = cli_progress_begin(run->options, "minmax", chosen->bytes);
    for (size_t i = 0; i < chosen->count && status == CLQ_OK; i++) {
        selected *item = &chosen->items[i];
        cli_minmax_result result = {.tensor = item->tensor, .layout = item->layout};
        cli_ranges_clear(result.whole, 1);
        result.nonfinite.first_index = UINT64_MAX;
        status = find_ranges(run, &result, error);
        if (status == CLQ_OK) {
            item->nonfinite = result.nonfinite;
            cli_minmax_report_add(&run->report, &result);
        }
        free(result.ranges);
    }
    cli_progress_end(&run->progress);
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
    minmax_run run = {.options = options, .model = model};
    clq_status status = CLQ_OK;
    if (chosen->count > 0 && cli_open_device(options, &context, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    status = cli_minmax_report_begin(&run.report, options, &error);
    if (status == CLQ_OK) {
        if (chosen->count > 0) {
            cli_stage_init(&run.stage, context, options->memory_bytes);
            status = run_all(&run, chosen, &error);
            cli_stage_release(&run.stage);
        }
        cli_minmax_report_end(&run.report, context, status != CLQ_OK ? &error : NULL);
    }
    clq_context_destroy(&context);
    fflush(stdout);
    return status != CLQ_OK ? cli_report_failure(&error) : check_nonfinite(options, chosen);
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

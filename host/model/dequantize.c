/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_dequantize: quantized tensors become real again, all else is copied. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "format/folder.h"
#include "format/foreign.h"
#include "format/gguf.h"
#include "format/near.h"
#include "format/npy.h"
#include "format/output_path.h"
#include "format/real.h"
#include "model/copy.h"
#include "model/dequantize_piece.h"
#include "model/dequantize_run.h"
#include "model/nonfinite.h"
#include "model/report.h"

static const char *file_dtype_name(clq_dtype real)
{
    return real == CLQ_F16 ? "F16" : real == CLQ_BF16 ? "BF16" : "F32";
}

/* ---- which tensors ---- */

static void take(dequantize_run *run, size_t index)
{
    dequantize_item *item = &run->items[run->count++];
    item->index = index;
    item->quantized = NULL;
    item->infinite = (clq_nonfinite){0, UINT64_MAX};
    if (run->list->roles[index] == CLQ_ROLE_CODES) {
        item->quantized = &run->list->items[run->list->owners[index]];
        run->quantized_count += 1;
    }
}

static clq_status refuse_name(const dequantize_run *run, const char *name, clq_error *error)
{
    clq_near near = {.name = name};
    for (size_t i = 0; i < run->model->tensor_count; i++) {
        if (clq_stands_alone(run->list, i)) {
            clq_near_try(&near, clq_real_name(run->model, run->list, i));
        }
    }
    return clq_fail(error, CLQ_INVALID_ARGUMENT, "--tensor '%s': there is no such tensor%s%s%s", name,
                    near.best != NULL ? "; did you mean '" : "", near.best != NULL ? near.best : "",
                    near.best != NULL ? "'?" : "");
}

static clq_status select_tensors(dequantize_run *run, clq_error *error)
{
    const clq_name_list *names = &run->job.request->tensors;
    run->items = calloc(run->model->tensor_count + names->count + 1, sizeof *run->items);
    if (run->items == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", run->model->tensor_count);
    }
    for (size_t i = 0; i < names->count; i++) {
        const size_t index = clq_find_real(run->model, run->list, names->items[i]);
        if (index == SIZE_MAX) {
            return refuse_name(run, names->items[i], error);
        }
        take(run, index);
    }
    for (size_t i = 0; names->count == 0 && i < run->model->tensor_count; i++) {
        if (clq_stands_alone(run->list, i)) {
            take(run, i);
        }
    }
    if (clq_is_npy_name(run->job.request->output)) {
        CLQ_REQUIRE(run->count == 1, "a .npy file holds one tensor, and there are %zu: choose one with --tensor",
                    run->count);
        CLQ_REQUIRE(run->real != CLQ_BF16 || run->quantized_count == 0, "--dtype bf16: .npy files have no such type");
    }
    return CLQ_OK;
}

/* A whole file of which nothing becomes real is not what was meant; tensors that are named are asked for as they are.
 */
static clq_status check_not_empty(dequantize_run *run, clq_error *error)
{
    const clq_file_request *request = run->job.request;
    clq_foreign foreign = {CLQ_FOREIGN_NONE, NULL};
    if (run->quantized_count > 0) {
        return CLQ_OK;
    }
    if (request->tensors.count > 0 || request->allow_empty) {
        clq_job_warn(&run->job, "no tensor is quantized; all are copied");
        return CLQ_OK;
    }
    for (size_t i = 0; i < run->model->tensor_count && foreign.role == CLQ_FOREIGN_NONE; i++) {
        CLQ_TRY(clq_foreign_find(run->model, i, &foreign, error));
    }
    return clq_fail(error, CLQ_REFUSED,
                    "no tensor is quantized in a way that is read here%s%s, so nothing was written; --allow-empty "
                    "copies all",
                    foreign.format != NULL ? ": the model is quantized as " : "",
                    foreign.format != NULL ? foreign.format : "");
}

/* What is cut of an item: elements that become real, or bytes. */
static uint64_t elements_of(const dequantize_run *run, const dequantize_item *item)
{
    return item->quantized != NULL ? item->quantized->elements : run->model->tensors[item->index].bytes;
}

static uint64_t bytes_of(const dequantize_run *run, const dequantize_item *item, uint64_t elements)
{
    return item->quantized != NULL ? clq_dtype_bytes(run->real, elements) : elements;
}

/* ---- the output ---- */

static clq_status declare(dequantize_run *run, clq_error *error)
{
    for (size_t i = 0; i < run->count; i++) {
        dequantize_item *item = &run->items[i];
        const clq_model_tensor *tensor = &run->model->tensors[item->index];
        if (item->quantized != NULL) {
            const clq_layout *layout = &item->quantized->layout;
            CLQ_TRY(clq_output_tensor(run->output, tensor->shard, clq_real_name(run->model, run->list, item->index),
                                      file_dtype_name(run->real), layout->rank, layout->shape,
                                      clq_dtype_bytes(run->real, item->quantized->elements), &item->number, error));
        } else {
            CLQ_TRY(clq_output_tensor(run->output, tensor->shard, tensor->name, tensor->dtype.name, tensor->rank,
                                      tensor->shape, tensor->bytes, &item->number, error));
        }
    }
    clq_output_gguf_set(run->output, "general.file_type", run->real == CLQ_F16 ? 1 : run->real == CLQ_BF16 ? 32 : 0);
    for (size_t shard = 0; shard < clq_output_shards(run->output); shard++) {
        int format_seen;
        CLQ_TRY(clq_copy_metadata(run->model, run->output, shard, &format_seen, error));
    }
    CLQ_TRY(clq_output_index_metadata(run->output, run->model->index_metadata, error));
    return clq_output_layout(run->output, &run->job.report->bytes_out, error);
}

static clq_status report_quantized(const dequantize_run *run, const dequantize_item *item, clq_file_tensor *tensor,
                                   clq_error *error)
{
    const clq_quantized *quantized = item->quantized;
    const clq_layout *layout = &quantized->layout;
    tensor->outcome = CLQ_FILE_PROCESSED;
    tensor->elements = quantized->elements;
    tensor->parameters = quantized->parameters;
    tensor->nonfinite = item->infinite;
    CLQ_TRY(clq_dequantization(quantized, run->real, &tensor->q, error));
    CLQ_TRY(clq_report_side(&tensor->source, clq_stored_type(run->model, quantized, item->index), layout->rank,
                            layout->shape, run->model->tensors[item->index].bytes, error));
    return clq_report_side(&tensor->target, file_dtype_name(run->real), layout->rank, layout->shape,
                           clq_dtype_bytes(run->real, quantized->elements), error);
}

static clq_status report_copied(const clq_model_tensor *source, clq_file_tensor *tensor, clq_error *error)
{
    tensor->elements = source->elements;
    CLQ_TRY(clq_report_side(&tensor->source, source->dtype.name, source->rank, source->shape, source->bytes, error));
    return clq_report_side(&tensor->target, source->dtype.name, source->rank, source->shape, source->bytes, error);
}

static clq_status report_item(dequantize_run *run, const dequantize_item *item, clq_error *error)
{
    const clq_model_tensor *source = &run->model->tensors[item->index];
    clq_file_report *report = run->job.report;
    clq_file_tensor *tensor;
    CLQ_TRY(clq_report_add(report, clq_real_name(run->model, run->list, item->index), &tensor, error));
    if (item->quantized != NULL) {
        CLQ_TRY(report_quantized(run, item, tensor, error));
    } else {
        CLQ_TRY(report_copied(source, tensor, error));
    }
    report->processed_count += item->quantized != NULL;
    clq_report_keep(report);
    return CLQ_OK;
}

/* All that is written, whoever did it when, in the order of the output; after a failure too. */
static clq_status report_items(dequantize_run *run, clq_error *error)
{
    for (size_t i = 0; i < run->count; i++) {
        CLQ_TRY(run->items[i].left == 0 ? report_item(run, &run->items[i], error) : CLQ_OK);
    }
    return CLQ_OK;
}

/* ---- all of it ---- */

/* What this part does of each, and how much that is of the output. */
static clq_status take_share(dequantize_run *run, uint64_t *own, clq_error *error)
{
    clq_share share;
    uint64_t all = 0;
    for (size_t i = 0; i < run->count; i++) {
        all += bytes_of(run, &run->items[i], elements_of(run, &run->items[i]));
    }
    CLQ_TRY(clq_share_begin(&share, &run->job, all, error));
    *own = 0;
    for (size_t i = 0; i < run->count; i++) {
        dequantize_item *item = &run->items[i];
        const uint64_t elements = elements_of(run, item);
        item->window = clq_share_cut(&share, elements, bytes_of(run, item, elements));
        *own += bytes_of(run, item, item->window.count);
    }
    return CLQ_OK;
}

/* Before the output is put in its place. */
static clq_status check_infinite(dequantize_run *run, clq_error *error)
{
    clq_nonfinite_tally tally = {0};
    clq_nonfinite_text told;
    char advice[64] = "";
    for (size_t i = 0; i < run->count; i++) {
        clq_nonfinite_add(&tally, run->model->tensors[run->items[i].index].name, run->items[i].infinite.count);
    }
    if (tally.elements == 0) {
        return CLQ_OK;
    }
    told = clq_nonfinite_describe(&tally);
    if (run->real != CLQ_F32) {
        snprintf(advice, sizeof advice, "; --dtype %s holds more", run->real == CLQ_F16 ? "f32 or bf16" : "f32");
    }
    if (run->job.request->strict) {
        return clq_fail(error, CLQ_REFUSED,
                        "--strict: nothing was written, because values are beyond the range of %s: %s%s",
                        clq_dtype_name(run->real), told.text, advice);
    }
    clq_job_warn(&run->job, "%s are beyond the range of %s and became infinite%s", told.text, clq_dtype_name(run->real),
                 advice);
    return CLQ_OK;
}

/* The first part makes the files when all have seen that they may, and the others open them when they are there. */
static clq_status open_output(dequantize_run *run, clq_error *error)
{
    const int replace = run->job.request->replace;
    if (!clq_job_is_part(&run->job)) {
        return clq_output_open(run->output, replace, error);
    }
    if (clq_job_tells(&run->job)) {
        CLQ_TRY(clq_output_open_together(run->output, replace, 1, error));
        return clq_job_wait(&run->job, error);
    }
    CLQ_TRY(clq_job_wait(&run->job, error));
    return clq_output_open_together(run->output, replace, 0, error);
}

/* All is written: what became infinite anywhere is known to the first, which reports. */
static clq_status merge_parts(dequantize_run *run, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_nonfinite *infinite = malloc((run->count + 1) * sizeof *infinite);
    if (infinite == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", run->count);
    }
    for (size_t i = 0; i < run->count; i++) {
        infinite[i] = run->items[i].infinite;
    }
    CLQ_TRY_TO(clq_job_tells(&run->job) ? CLQ_OK : clq_output_leave(run->output, error));
    CLQ_TRY_TO(clq_job_merge_check(&run->job, error));
    CLQ_TRY_TO(clq_job_merge_nonfinite(&run->job, infinite, run->count, error));
    for (size_t i = 0; i < run->count && clq_job_tells(&run->job); i++) {
        run->items[i].infinite = infinite[i];
        CLQ_TRY_TO(report_item(run, &run->items[i], error));
    }
    run->job.report->is_part_done = 1;
done:
    free(infinite);
    return status;
}

static clq_status run_lanes(dequantize_run *run, clq_error *error)
{
    const clq_status status = clq_dequantize_write(run, error);
    clq_status told;
    clq_lanes_end(&run->lanes);
    if (clq_job_is_part(&run->job)) {
        return status == CLQ_OK ? merge_parts(run, error) : status;
    }
    told = report_items(run, status == CLQ_OK ? error : NULL);
    return status == CLQ_OK ? told : status;
}

static clq_status write_items(dequantize_run *run, clq_error *error)
{
    CLQ_TRY(take_share(run, &run->bytes, error));
    CLQ_TRY(clq_job_wait(&run->job, error));
    if (run->folder != NULL && clq_job_tells(&run->job)) {
        CLQ_TRY(clq_folder_output_begin(run->folder, run->output, error));
    }
    CLQ_TRY(open_output(run, error));
    CLQ_TRY(run_lanes(run, error));
    if (!clq_job_tells(&run->job)) {
        return CLQ_OK;
    }
    CLQ_TRY(check_infinite(run, error));
    clq_job_progress_after(&run->job, "flushing to disk");
    CLQ_TRY(clq_output_commit(run->output, error));
    run->job.report->is_written = 1;
    return CLQ_OK;
}

static clq_status check_output(dequantize_run *run, clq_error *error)
{
    const clq_file_request *request = run->job.request;
    CLQ_TRY(clq_folder_output_create(&run->job, run->model, run->model->gguf != NULL ? ".gguf" : NULL, &run->folder,
                                     error));
    CLQ_TRY(
        clq_output_create(clq_folder_output_path(run->folder, request), run->model->shard_count, &run->output, error));
    CLQ_TRY(clq_output_gguf_keys(run->output, run->model, error));
    if (run->folder != NULL) {
        CLQ_TRY(clq_folder_output_check(run->folder, run->output, 0, error));
        CLQ_TRY(clq_folder_output_config(run->folder, NULL, 0, error));
    }
    return run->folder == NULL || clq_folder_output_exists(run->folder)
               ? clq_output_check(run->output, run->model, request->replace, error)
               : CLQ_OK;
}

static clq_status execute(dequantize_run *run, clq_error *error)
{
    const clq_file_request *request = run->job.request;
    const clq_written written = {
        "safetensors", {".safetensors", CLQ_INDEX_SUFFIX, ".npy"}, ", or .gguf from a .gguf, or .npy for one tensor"};
    run->real = request->dtype != 0 ? request->dtype : CLQ_F32;
    CLQ_REQUIRE(request->output != NULL, "the request names no output");
    if (!clq_is_gguf_name(request->output) && !clq_request_writes_folder(request)) {
        CLQ_TRY(clq_path_check_ending(request->output, &written, error));
    }
    CLQ_REQUIRE(run->real == CLQ_F32 || run->real == CLQ_F16 || run->real == CLQ_BF16,
                "the request's type is %s: required is f32, f16 or bf16", clq_dtype_name(run->real));
    CLQ_TRY(clq_job_open_model(&run->job, request->input, &run->model, error));
    CLQ_TRY(check_output(run, error));
    CLQ_TRY(clq_quantized_scan(run->model, request->known_group_size, &run->list, error));
    CLQ_TRY(select_tensors(run, error));
    CLQ_TRY(check_not_empty(run, error));
    CLQ_TRY(clq_dequantize_begin(run, error));
    CLQ_TRY(declare(run, error));
    return write_items(run, error);
}

clq_status clq_file_dequantize(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                               clq_file_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    dequantize_run run;
    clq_status status;
    memset(&run, 0, sizeof run);
    status = clq_job_begin(&run.job, "dequantize", context, request, events, error);
    if (status == CLQ_OK) {
        status = execute(&run, error);
    }
    clq_output_destroy(&run.output);
    clq_folder_output_close(&run.folder, status, 0);
    clq_lanes_end(&run.lanes);
    clq_stretches_release(&run.stretches);
    clq_quantized_list_destroy(&run.list);
    free(run.items);
    clq_model_close(&run.model);
    return clq_job_end(&run.job, status, report);
}

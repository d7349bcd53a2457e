/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_minmax: the range of each tensor, channel or group, and a count of NaN and infinity. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "format/near.h"
#include "format/real.h"
#include "model/layout.h"
#include "model/minmax_run.h"
#include "model/read_real.h"
#include "model/report.h"
#include "stream/ranges.h"

/* ---- which tensors ---- */

static int is_selected(const clq_minmax_run *run, size_t index)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->items[i].index == index) {
            return 1;
        }
    }
    return 0;
}

static clq_status add(clq_minmax_run *run, size_t index, clq_error *error)
{
    const clq_model_tensor *tensor = &run->model->tensors[index];
    clq_minmax_item *item = &run->items[run->count];
    CLQ_TRY(clq_request_layout(run->job.request, tensor->name, tensor->rank, tensor->shape, CLQ_PER_TENSOR,
                               &item->layout, error));
    CLQ_TRY(clq_layout_count(&item->layout, &item->elements, &item->parameters, error));
    item->index = index;
    item->nonfinite = (clq_nonfinite){0, UINT64_MAX};
    clq_ranges_clear(item->whole, 1);
    run->count += 1;
    run->bytes += clq_real_bytes(run->model, index);
    return CLQ_OK;
}

static clq_status refuse_name(const clq_minmax_run *run, const char *name, clq_error *error)
{
    const clq_model *model = run->model;
    clq_near near = {.name = name};
    for (size_t i = 0; i < model->tensor_count; i++) {
        clq_near_try(&near, model->tensors[i].name);
    }
    return near.best != NULL ? clq_fail(error, CLQ_INVALID_ARGUMENT, "no tensor '%s' in %s; did you mean '%s'?", name,
                                        model->path, near.best)
                             : clq_fail(error, CLQ_INVALID_ARGUMENT, "no tensor '%s' in %s; 'clquant info' lists them",
                                        name, model->path);
}

/* Those that are named: each must be there, and fit. */
static clq_status select_named(clq_minmax_run *run, clq_error *error)
{
    const clq_name_list *names = &run->job.request->tensors;
    for (size_t i = 0; i < names->count; i++) {
        const size_t index = clq_model_find(run->model, names->items[i]);
        if (index == SIZE_MAX) {
            return refuse_name(run, names->items[i], error);
        }
        CLQ_REQUIRE(clq_read_type(run->model, index) != 0,
                    "tensor '%s' is of type %s: required is F64, F32, F16 or BF16", names->items[i],
                    run->model->tensors[index].dtype.name);
        if (!is_selected(run, index)) {
            CLQ_TRY(add(run, index, error));
        }
    }
    return CLQ_OK;
}

/* `unfit` tensors of such types have no such axis. */
static clq_status refuse_empty(const clq_minmax_run *run, size_t unfit, clq_error *error)
{
    char shown[300];
    clq_printable(shown, sizeof shown, run->model->path, strlen(run->model->path));
    return unfit > 0
               ? clq_fail(error, CLQ_REFUSED,
                          "%s holds no tensor with such an axis, so no range was found; --axis names another", shown)
               : clq_fail(error, CLQ_REFUSED,
                          "%s holds no tensor to look at, so no range was found: required is type F64, F32, F16 "
                          "or BF16; 'clquant info' lists what it holds",
                          shown);
}

/* Every tensor that has a range of the kind asked for. */
static clq_status select_all(clq_minmax_run *run, clq_error *error)
{
    clq_error inner;
    size_t unfit = 0;
    for (size_t i = 0; i < run->model->tensor_count; i++) {
        const clq_model_tensor *tensor = &run->model->tensors[i];
        if (clq_read_type(run->model, i) == 0) {
            clq_job_note(&run->job, "tensor '%s' is skipped: its type is %s", tensor->name, tensor->dtype.name);
        } else if (add(run, i, &inner) != CLQ_OK) {
            clq_job_note(&run->job, "skipped: %s", inner.message);
            unfit++;
        }
    }
    if (unfit > 0) {
        clq_job_warn(&run->job, "%zu tensor%s without such an axis %s skipped (--verbose names them)", unfit,
                     unfit == 1 ? "" : "s", unfit == 1 ? "is" : "are");
    }
    return run->count > 0 ? CLQ_OK : refuse_empty(run, unfit, error);
}

static clq_status select_tensors(clq_minmax_run *run, clq_error *error)
{
    run->items = calloc(run->model->tensor_count + 1, sizeof *run->items);
    if (run->items == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", run->model->tensor_count);
    }
    if (run->job.request->tensors.count > 0) {
        return select_named(run, error);
    }
    return select_all(run, error);
}

/* What this part looks at of each, and how much that is. */
static clq_status take_share(clq_minmax_run *run, clq_error *error)
{
    clq_share share;
    CLQ_TRY(clq_share_begin(&share, &run->job, run->bytes, error));
    run->bytes = 0;
    for (size_t i = 0; i < run->count; i++) {
        clq_minmax_item *item = &run->items[i];
        item->window = clq_share_cut(&share, item->elements, clq_real_bytes(run->model, item->index));
        run->bytes += clq_dtype_bytes(clq_read_type(run->model, item->index), item->window.count);
    }
    return CLQ_OK;
}

/* ---- the report ---- */

/* All that was found of the tensor; the report takes over its ranges. */
static clq_status report_item(clq_minmax_run *run, clq_minmax_item *item, clq_error *error)
{
    const clq_model_tensor *source = &run->model->tensors[item->index];
    clq_file_report *report = run->job.report;
    clq_file_tensor *tensor;
    CLQ_TRY(clq_report_add(report, source->name, &tensor, error));
    CLQ_TRY(clq_report_side(&tensor->source, source->dtype.name, source->rank, source->shape, source->bytes, error));
    tensor->outcome = CLQ_FILE_PROCESSED;
    tensor->q = clq_minmax_describe(run, item);
    tensor->elements = item->elements;
    tensor->parameters = item->parameters;
    tensor->nonfinite = item->nonfinite;
    tensor->range_low = item->whole[0];
    tensor->range_high = item->whole[1];
    tensor->range = item->ranges;
    item->ranges = NULL;
    report->processed_count += 1;
    clq_report_keep(report);
    return CLQ_OK;
}

/* All that is done, whoever did it when, in the order in which it was asked for; after a failure too. */
static clq_status report_items(clq_minmax_run *run, clq_error *error)
{
    for (size_t i = 0; i < run->count; i++) {
        CLQ_TRY(run->items[i].left == 0 ? report_item(run, &run->items[i], error) : CLQ_OK);
    }
    return CLQ_OK;
}

/* ---- all of it ---- */

/* What all parts have found of each parameter; only the first keeps it. */
static clq_status merge_ranges(clq_minmax_run *run, clq_minmax_item *item, clq_error *error)
{
    if (item->ranges == NULL) {
        CLQ_TRY(clq_minmax_make_ranges(run, item, error));
    }
    CLQ_TRY(clq_job_merge_ranges(&run->job, item->ranges, item->parameters, error));
    if (!clq_job_tells(&run->job)) {
        free(item->ranges);
        item->ranges = NULL;
    }
    return CLQ_OK;
}

/* What all parts have found becomes that of the first, which reports it. */
static clq_status merge_parts(clq_minmax_run *run, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_nonfinite *nonfinite = malloc((run->count + 1) * sizeof *nonfinite);
    float *whole = malloc((run->count + 1) * 2 * sizeof *whole);
    if (nonfinite == NULL || whole == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu tensors", run->count));
    }
    for (size_t i = 0; i < run->count; i++) {
        nonfinite[i] = run->items[i].nonfinite;
        memcpy(whole + 2 * i, run->items[i].whole, sizeof run->items[i].whole);
    }
    CLQ_TRY_TO(clq_job_merge_nonfinite(&run->job, nonfinite, run->count, error));
    CLQ_TRY_TO(clq_job_merge_ranges(&run->job, whole, run->count, error));
    CLQ_TRY_TO(clq_job_merge_check(&run->job, error));
    for (size_t i = 0; i < run->count; i++) {
        clq_minmax_item *item = &run->items[i];
        item->nonfinite = nonfinite[i];
        memcpy(item->whole, whole + 2 * i, sizeof item->whole);
        if (run->job.request->details & CLQ_FILE_PARAMETERS) {
            CLQ_TRY_TO(merge_ranges(run, item, error));
        }
        CLQ_TRY_TO(clq_job_tells(&run->job) ? report_item(run, item, error) : CLQ_OK);
    }
    run->job.report->is_part_done = 1;
done:
    free(nonfinite);
    free(whole);
    return status;
}

/* Once all results are in the report. */
static clq_status check_nonfinite(const clq_minmax_run *run, clq_error *error)
{
    const clq_file_report *report = run->job.report;
    for (size_t i = 0; i < report->tensor_count && !run->job.request->ignore_nonfinite; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        if (tensor->nonfinite.count > 0) {
            return clq_fail(error, CLQ_NONFINITE,
                            "tensor '%s': %" PRIu64 " of %" PRIu64
                            " elements are NaN or infinite%s, the first at index %" PRIu64
                            " (--nonfinite ignore accepts them)",
                            tensor->name, tensor->nonfinite.count, tensor->elements, clq_real_as(tensor->source.dtype),
                            tensor->nonfinite.first_index);
        }
    }
    return CLQ_OK;
}

static clq_status look(clq_minmax_run *run, clq_error *error)
{
    const clq_status status = clq_minmax_look(run, error);
    clq_status told;
    clq_lanes_end(&run->lanes);
    if (clq_job_is_part(&run->job)) {
        return status == CLQ_OK ? merge_parts(run, error) : status;
    }
    told = report_items(run, status == CLQ_OK ? error : NULL);
    return status == CLQ_OK ? told : status;
}

static clq_status execute(clq_minmax_run *run, clq_error *error)
{
    CLQ_TRY(clq_job_open_model(&run->job, run->job.request->input, &run->model, error));
    CLQ_TRY(select_tensors(run, error));
    CLQ_TRY(take_share(run, error));
    CLQ_TRY(clq_minmax_begin(run, error));
    CLQ_TRY(look(run, error));
    return check_nonfinite(run, error);
}

clq_status clq_file_minmax(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                           clq_file_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_minmax_run run;
    clq_status status;
    memset(&run, 0, sizeof run);
    status = clq_job_begin(&run.job, "minmax", context, request, events, error);
    if (status == CLQ_OK) {
        status = execute(&run, error);
    }
    clq_lanes_end(&run.lanes);
    clq_stretches_release(&run.stretches);
    for (size_t i = 0; i < run.count; i++) {
        free(run.items[i].ranges);
    }
    free(run.items);
    clq_model_close(&run.model);
    return clq_job_end(&run.job, status, report);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_minmax: the range of each tensor, channel or group, and a count of NaN and infinity. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "format/near.h"
#include "format/real.h"
#include "model/job.h"
#include "model/layout.h"
#include "model/read_real.h"
#include "model/report.h"
#include "model/share.h"
#include "stream/pipeline.h"
#include "stream/ranges.h"
#include "stream/schedule.h"

/* Slots in use at once: as many as stages. */
enum { SLOTS = 2 };

enum { PIECE_FIND = 0 };

/* A tensor to look at, and what was found. */
typedef struct selected {
    size_t index; /* in the model */
    clq_layout layout;
    uint64_t elements, parameters;
    clq_window window; /* what this part of the call looks at */
    clq_nonfinite nonfinite;
    float whole[2];
    float *ranges; /* of each parameter, where the report lists them and some were looked at; else NULL */
} selected;

typedef struct minmax_run {
    clq_job job;
    clq_model *model;
    selected *items;
    size_t count;
    uint64_t bytes;
    clq_slot slots[SLOTS];
    /* The first stage's. */
    size_t next; /* item */
    clq_schedule schedule;
    uint64_t done_bytes; /* the second stage's */
} minmax_run;

/* ---- which tensors ---- */

static int is_selected(const minmax_run *run, size_t index)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->items[i].index == index) {
            return 1;
        }
    }
    return 0;
}

static clq_status add(minmax_run *run, size_t index, clq_error *error)
{
    const clq_model_tensor *tensor = &run->model->tensors[index];
    selected *item = &run->items[run->count];
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

static clq_status refuse_name(const minmax_run *run, const char *name, clq_error *error)
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
static clq_status select_named(minmax_run *run, clq_error *error)
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
static clq_status refuse_empty(const minmax_run *run, size_t unfit, clq_error *error)
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
static clq_status select_all(minmax_run *run, clq_error *error)
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

static clq_status select_tensors(minmax_run *run, clq_error *error)
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
static clq_status take_share(minmax_run *run, clq_error *error)
{
    clq_share share;
    CLQ_TRY(clq_share_begin(&share, &run->job, run->bytes, error));
    run->bytes = 0;
    for (size_t i = 0; i < run->count; i++) {
        selected *item = &run->items[i];
        item->window = clq_share_cut(&share, item->elements, clq_real_bytes(run->model, item->index));
        run->bytes += clq_dtype_bytes(clq_read_type(run->model, item->index), item->window.count);
    }
    return CLQ_OK;
}

/* ---- the first stage ---- */

static clq_quantization description(const minmax_run *run, const selected *item)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.real = clq_read_type(run->model, item->index);
    q.layout = item->layout;
    return q;
}

static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    minmax_run *run = cookie;
    (void)error;
    while (run->next < run->count && clq_job_is_part(&run->job) && run->items[run->next].window.count == 0) {
        run->next += 1;
    }
    *there = run->next < run->count;
    if (*there) {
        const clq_quantization q = description(run, &run->items[run->next]);
        pass->first = run->items[run->next].window.first;
        pass->count = run->items[run->next].window.count;
        pass->key = clq_check_key(run->model->tensors[run->items[run->next].index].name, 0);
        pass->tensor = run->next++;
        pass->sides = 1;
        pass->side[0] = clq_schedule_work(PIECE_FIND, CLQ_SLOT_REAL | CLQ_SLOT_FOUND, &q);
    }
    return CLQ_OK;
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const minmax_run *run = cookie;
    return clq_read_real(run->model, run->items[piece->tensor].index, piece->chunk.first, piece->chunk.count,
                         slot->memory + piece->real, error);
}

static clq_status fill_slot(void *cookie, size_t number, int *filled, clq_error *error)
{
    minmax_run *run = cookie;
    return clq_schedule_fill(&run->schedule, &run->slots[number], filled, error);
}

/* ---- the second stage ---- */

static clq_status make_ranges(const minmax_run *run, selected *item, clq_error *error)
{
    const uint64_t count = item->parameters;
    item->ranges = count <= SIZE_MAX / 16 ? malloc(((size_t)count + 1) * 2 * sizeof *item->ranges) : NULL;
    if (item->ranges == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "tensor '%s': no memory for %" PRIu64 " ranges",
                        run->model->tensors[item->index].name, count);
    }
    clq_ranges_clear(item->ranges, count);
    return CLQ_OK;
}

/* All that was found of the tensor; the report takes over its ranges. */
static clq_status report_item(minmax_run *run, selected *item, clq_error *error)
{
    const clq_model_tensor *source = &run->model->tensors[item->index];
    clq_file_report *report = run->job.report;
    clq_file_tensor *tensor;
    CLQ_TRY(clq_report_add(report, source->name, &tensor, error));
    CLQ_TRY(clq_report_side(&tensor->source, source->dtype.name, source->rank, source->shape, source->bytes, error));
    tensor->outcome = CLQ_FILE_PROCESSED;
    tensor->q = description(run, item);
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

static clq_status take_found(minmax_run *run, selected *item, const clq_slot *slot, const clq_piece *piece,
                             clq_error *error)
{
    const clq_check_place place = {run->model->path, run->model->tensors[item->index].name};
    const float *ranges = (const float *)(const void *)(slot->memory + piece->range);
    CLQ_TRY(clq_check_ranges(&run->job.check, slot, piece, &place, error));
    CLQ_TRY(clq_ranges_settle(slot, piece, &item->nonfinite, error));
    for (uint64_t i = 0; i < piece->chunk.parameters; i++) {
        clq_ranges_widen(item->whole, &ranges[2 * i]);
    }
    if (item->ranges != NULL) {
        clq_ranges_merge(slot, piece, item->ranges + 2 * piece->chunk.first_parameter);
    }
    return CLQ_OK;
}

static clq_status take_piece(minmax_run *run, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    selected *item = &run->items[piece->tensor];
    if (piece->chunk.first == item->window.first && (run->job.request->details & CLQ_FILE_PARAMETERS)) {
        CLQ_TRY(make_ranges(run, item, error));
    }
    if (piece->parts != 0) {
        CLQ_TRY(take_found(run, item, slot, piece, error));
    }
    run->done_bytes += piece->real_bytes;
    clq_job_progress_at(&run->job, run->done_bytes, run->model->tensors[item->index].name);
    return piece->last && !clq_job_is_part(&run->job) ? report_item(run, item, error) : CLQ_OK;
}

static clq_status find_slot(void *cookie, size_t number, clq_error *error)
{
    minmax_run *run = cookie;
    clq_slot *slot = &run->slots[number];
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    CLQ_TRY(clq_slot_run(slot, CLQ_OP_MINMAX, 1u << PIECE_FIND, error));
    CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_FOUND, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(take_piece(run, slot, &slot->pieces[i], error));
    }
    return CLQ_OK;
}

/* ---- all of it ---- */

/* What all parts have found of each parameter; only the first keeps it. */
static clq_status merge_ranges(minmax_run *run, selected *item, clq_error *error)
{
    if (item->ranges == NULL) {
        CLQ_TRY(make_ranges(run, item, error));
    }
    CLQ_TRY(clq_job_merge_ranges(&run->job, item->ranges, item->parameters, error));
    if (!clq_job_tells(&run->job)) {
        free(item->ranges);
        item->ranges = NULL;
    }
    return CLQ_OK;
}

/* What all parts have found becomes that of the first, which reports it. */
static clq_status merge_parts(minmax_run *run, clq_error *error)
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
        selected *item = &run->items[i];
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
static clq_status check_nonfinite(const minmax_run *run, clq_error *error)
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

static clq_status execute(minmax_run *run, clq_error *error)
{
    const clq_pipeline pipeline = {run, SLOTS, fill_slot, {find_slot}, clq_job_is_cancelled, &run->job};
    CLQ_TRY(clq_job_open_model(&run->job, run->job.request->input, &run->model, error));
    CLQ_TRY(select_tensors(run, error));
    CLQ_TRY(take_share(run, error));
    CLQ_TRY(clq_job_need_device(&run->job, error));
    CLQ_TRY(clq_job_begin_check(&run->job, error));
    CLQ_TRY(clq_slots_init(run->slots, SLOTS, run->job.context, run->job.request->memory_bytes, error));
    run->schedule = (clq_schedule){.cookie = run,
                                   .capacity_bytes = run->slots[0].capacity_bytes,
                                   .sends = CLQ_SLOT_REAL,
                                   .check = &run->job.check,
                                   .next = next_pass,
                                   .read = read_piece};
    clq_job_progress_begin(&run->job, run->bytes);
    CLQ_TRY(clq_pipeline_run(&pipeline, error));
    CLQ_TRY(clq_job_is_part(&run->job) ? merge_parts(run, error) : CLQ_OK);
    return check_nonfinite(run, error);
}

clq_status clq_file_minmax(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                           clq_file_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    minmax_run run;
    clq_status status;
    memset(&run, 0, sizeof run);
    status = clq_job_begin(&run.job, "minmax", context, request, events, error);
    if (status == CLQ_OK) {
        status = execute(&run, error);
    }
    clq_slots_release(run.slots, SLOTS);
    for (size_t i = 0; i < run.count; i++) {
        free(run.items[i].ranges);
    }
    free(run.items);
    clq_model_close(&run.model);
    return clq_job_end(&run.job, status, report);
}

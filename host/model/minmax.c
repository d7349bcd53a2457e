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
#include "stream/pipeline.h"
#include "stream/ranges.h"
#include "stream/schedule.h"

/* Slots in use at once: as many as stages. */
enum { SLOTS = 2 };

enum { PIECE_FIND = 0 };

/* A tensor to look at. */
typedef struct selected {
    size_t index; /* in the model */
    clq_layout layout;
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
    /* The second stage's: of the tensor whose pieces come in. */
    clq_nonfinite nonfinite;
    float whole[2];
    float *ranges; /* of each parameter, where the report lists them */
    uint64_t done_bytes;
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
    item->index = index;
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
    *there = run->next < run->count;
    if (*there) {
        const clq_quantization q = description(run, &run->items[run->next]);
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

/* Before the first piece of a tensor. */
static clq_status begin_tensor(minmax_run *run, const selected *item, clq_error *error)
{
    uint64_t elements = 0;
    uint64_t count = 0;
    CLQ_TRY(clq_layout_count(&item->layout, &elements, &count, error));
    run->nonfinite = (clq_nonfinite){0, UINT64_MAX};
    clq_ranges_clear(run->whole, 1);
    if (run->job.request->details & CLQ_FILE_PARAMETERS) {
        run->ranges = count <= SIZE_MAX / 16 ? malloc(((size_t)count + 1) * 2 * sizeof *run->ranges) : NULL;
        if (run->ranges == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "tensor '%s': no memory for %" PRIu64 " ranges",
                            run->model->tensors[item->index].name, count);
        }
        clq_ranges_clear(run->ranges, count);
    }
    return CLQ_OK;
}

/* After the last. */
static clq_status end_tensor(minmax_run *run, const selected *item, clq_error *error)
{
    const clq_model_tensor *source = &run->model->tensors[item->index];
    clq_file_report *report = run->job.report;
    clq_file_tensor *tensor;
    CLQ_TRY(clq_report_add(report, source->name, &tensor, error));
    CLQ_TRY(clq_report_side(&tensor->source, source->dtype.name, source->rank, source->shape, source->bytes, error));
    tensor->outcome = CLQ_FILE_PROCESSED;
    tensor->q = description(run, item);
    CLQ_TRY(clq_layout_count(&item->layout, &tensor->elements, &tensor->parameters, error));
    tensor->nonfinite = run->nonfinite;
    tensor->range_low = run->whole[0];
    tensor->range_high = run->whole[1];
    tensor->range = run->ranges;
    run->ranges = NULL;
    report->processed_count += 1;
    clq_report_keep(report);
    return CLQ_OK;
}

/* The range over all parameters. */
static void widen_whole(minmax_run *run, const float *ranges, uint64_t parameters)
{
    for (uint64_t i = 0; i < parameters; i++) {
        run->whole[0] = ranges[2 * i] < run->whole[0] ? ranges[2 * i] : run->whole[0];
        run->whole[1] = ranges[2 * i + 1] > run->whole[1] ? ranges[2 * i + 1] : run->whole[1];
    }
}

static clq_status take_piece(minmax_run *run, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const selected *item = &run->items[piece->tensor];
    if (piece->chunk.first == 0) {
        CLQ_TRY(begin_tensor(run, item, error));
    }
    if (piece->parts != 0) {
        const clq_check_place place = {run->model->path, run->model->tensors[item->index].name};
        CLQ_TRY(clq_check_ranges(&run->job.check, slot, piece, &place, error));
        CLQ_TRY(clq_ranges_settle(slot, piece, &run->nonfinite, error));
        widen_whole(run, (const float *)(const void *)(slot->memory + piece->range), piece->chunk.parameters);
        if (run->ranges != NULL) {
            clq_ranges_merge(slot, piece, run->ranges + 2 * piece->chunk.first_parameter);
        }
    }
    run->done_bytes += piece->real_bytes;
    clq_job_progress_at(&run->job, run->done_bytes, run->model->tensors[item->index].name);
    return piece->last ? end_tensor(run, item, error) : CLQ_OK;
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
    free(run.ranges);
    free(run.items);
    clq_model_close(&run.model);
    return clq_job_end(&run.job, status, report);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passes of clq_file_calibrate over all batches: one for the ranges, then, for methods with histograms, as many as
 * it takes to have the histograms of all tensors in half of the memory. A pass reads file after file, each opened once.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/human.h"
#include "format/real.h"
#include "model/calibrate.h"
#include "model/layout.h"
#include "model/read_real.h"
#include "stream/pipeline.h"
#include "stream/ranges.h"

enum { PIECE_READ = 0 };

/* ---- the first stage: pieces of one file after the other ---- */

/* The next tensor of the open file that takes part in this pass; SIZE_MAX after the last. */
static size_t next_of_file(clq_calibrate_job *job, size_t *number)
{
    while (job->next_tensor < job->model->tensor_count) {
        const size_t index = job->next_tensor++;
        *number = clq_names_find(&job->names, clq_calibrate_name(job->job.request, job->model, index));
        if (*number != SIZE_MAX && (!job->counting || job->tensors[*number].counted) &&
            clq_calibrate_takes(job, &job->tensors[*number], clq_real_bytes(job->model, index))) {
            return index;
        }
    }
    return SIZE_MAX;
}

static clq_status describe_batch(const clq_calibrate_job *job, size_t index, const clq_calibrated *tensor,
                                 clq_quantization *q, clq_error *error)
{
    const clq_model_tensor *source = &job->model->tensors[index];
    uint64_t elements = 0;
    uint64_t parameters = 0;
    clq_quantization_init(q);
    q->scheme = job->scheme;
    q->real = clq_real_type(clq_file_real_of(&source->dtype));
    CLQ_TRY(clq_request_layout(job->job.request, tensor->name, source->rank, source->shape, CLQ_PER_TENSOR, &q->layout,
                               error));
    CLQ_TRY(clq_layout_count(&q->layout, &elements, &parameters, error));
    if (q->real == 0 || parameters != tensor->parameters) {
        return clq_fail(error, CLQ_IO_ERROR, "%s changed while it was read", job->model->path);
    }
    return CLQ_OK;
}

/* None of another file: a slot's pieces are read while their file is open. */
static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    clq_calibrate_job *job = cookie;
    const size_t index = next_of_file(job, &pass->tensor);
    *there = index != SIZE_MAX;
    if (*there) {
        clq_quantization q;
        CLQ_TRY(describe_batch(job, index, &job->tensors[pass->tensor], &q, error));
        pass->key = clq_check_key(job->tensors[pass->tensor].name, job->next_input);
        pass->sides = 1;
        pass->side[0] =
            clq_schedule_work(PIECE_READ, job->counting ? CLQ_SLOT_REAL : CLQ_SLOT_REAL | CLQ_SLOT_FOUND, &q);
    }
    return CLQ_OK;
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_calibrate_job *job = cookie;
    size_t index = 0; /* a .npy under another name has one tensor */
    if (job->model->kind != CLQ_MODEL_NPY) {
        index = clq_model_find(job->model, job->tensors[piece->tensor].name);
    }
    return clq_read_real(job->model, index, piece->chunk.first, piece->chunk.count, slot->memory + piece->real, error);
}

static clq_status fill_slot(void *cookie, size_t number, int *filled, clq_error *error)
{
    clq_calibrate_job *job = cookie;
    const clq_name_list *inputs = &job->job.request->inputs;
    *filled = 0;
    for (;;) {
        if (job->model == NULL) {
            if (job->next_input == inputs->count) {
                return CLQ_OK;
            }
            CLQ_TRY(
                clq_model_open_from(inputs->items[job->next_input++], clq_job_opens(&job->job), &job->model, error));
            job->next_tensor = 0;
        }
        CLQ_TRY(clq_schedule_fill(&job->schedule, &job->slots[number], filled, error));
        if (*filled) {
            job->slot_input[number] = job->next_input - 1;
            return CLQ_OK;
        }
        clq_model_close(&job->model);
    }
}

/* ---- the second stage ---- */

/* For messages of clq_check. */
static clq_check_place place_of(const clq_calibrate_job *job, const clq_piece *piece, size_t input)
{
    return (clq_check_place){job->job.request->inputs.items[input], job->tensors[piece->tensor].name};
}

static void step(clq_calibrate_job *job, const clq_piece *piece)
{
    job->done_bytes += piece->real_bytes;
    clq_job_progress_at(&job->job, clq_size_min(job->done_bytes, job->job.progress.all_bytes),
                        job->tensors[piece->tensor].name);
}

static clq_status refuse_nonfinite(const clq_calibrate_job *job, const clq_calibrated *tensor, size_t input,
                                   clq_error *error)
{
    char shown[200];
    if (tensor->now.count == 0 || job->job.request->ignore_nonfinite) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, tensor->name, strlen(tensor->name));
    return clq_fail(error, CLQ_NONFINITE,
                    "%s: tensor '%s': %" PRIu64 " element%s NaN or infinite%s, the first at index %" PRIu64
                    "; --nonfinite ignore leaves them out",
                    job->job.request->inputs.items[input], shown, tensor->now.count,
                    tensor->now.count == 1 ? " is" : "s are", clq_real_as(tensor->dtype), tensor->now.first_index);
}

static clq_status take_ranges(clq_calibrate_job *job, const clq_slot *slot, const clq_piece *piece, size_t input,
                              clq_error *error)
{
    clq_calibrated *tensor = &job->tensors[piece->tensor];
    const clq_check_place place = place_of(job, piece, input);
    if (piece->parts == 0) {
        return CLQ_OK; /* a batch without elements */
    }
    CLQ_TRY(clq_check_ranges(&job->job.check, slot, piece, &place, error));
    if (piece->chunk.first == 0) {
        clq_ranges_clear(tensor->batch, tensor->parameters);
        tensor->now = (clq_nonfinite){0, UINT64_MAX};
    }
    CLQ_TRY(clq_ranges_settle(slot, piece, &tensor->now, error));
    clq_ranges_merge(slot, piece, tensor->batch + 2 * piece->chunk.first_parameter);
    if (!piece->last) {
        return CLQ_OK;
    }
    tensor->nonfinite += tensor->now.count;
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        if (tensor->means != NULL) {
            clq_range_mean_add(&tensor->means[p], &tensor->batch[2 * p], &tensor->found[2 * p]);
        } else {
            clq_range_merge(&tensor->found[2 * p], &tensor->batch[2 * p], job->job.request->calibration.averaging);
        }
    }
    return refuse_nonfinite(job, tensor, input, error);
}

static clq_status find_slot(clq_calibrate_job *job, size_t number, clq_error *error)
{
    clq_slot *slot = &job->slots[number];
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    CLQ_TRY(clq_slot_run(slot, CLQ_OP_MINMAX, 1u << PIECE_READ, error));
    CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_FOUND, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(take_ranges(job, slot, &slot->pieces[i], job->slot_input[number], error));
        step(job, &slot->pieces[i]);
    }
    return CLQ_OK;
}

static clq_status count_slot(clq_calibrate_job *job, size_t number, clq_error *error)
{
    clq_slot *slot = &job->slots[number];
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        const clq_calibrated *tensor = &job->tensors[piece->tensor];
        const clq_check_place place = place_of(job, piece, job->slot_input[number]);
        if (piece->parts != 0) {
            CLQ_TRY(clq_histograms_add_checked(&job->histograms, &job->job.check, slot, piece,
                                               tensor->place + piece->chunk.first_parameter,
                                               tensor->found + 2 * piece->chunk.first_parameter, &place, error));
        }
        step(job, piece);
    }
    return clq_slot_to_host(slot, 0, error);
}

static clq_status look_at_slot(void *cookie, size_t number, clq_error *error)
{
    clq_calibrate_job *job = cookie;
    return job->counting ? count_slot(job, number, error) : find_slot(job, number, error);
}

static clq_status run_pass(clq_calibrate_job *job, clq_error *error)
{
    const clq_pipeline pipeline = {job,      CLQ_CALIBRATE_SLOTS, fill_slot, {look_at_slot}, clq_job_is_cancelled,
                                   &job->job};
    clq_status status;
    CLQ_TRY(clq_calibrate_share(job, error));
    job->next_input = 0;
    job->schedule = (clq_schedule){.cookie = job,
                                   .capacity_bytes = job->slots[0].capacity_bytes,
                                   .sends = CLQ_SLOT_REAL,
                                   .check = &job->job.check,
                                   .next = next_pass,
                                   .read = read_piece};
    status = clq_pipeline_run(&pipeline, error);
    clq_model_close(&job->model);
    return status;
}

/* ---- histograms ---- */

/* Choose the tensors of the next counting pass, from *next on; returns how many histograms they have. */
static clq_status choose_tensors(clq_calibrate_job *job, size_t *next, uint64_t *parameters, clq_error *error)
{
    const uint64_t budget = job->job.request->memory_bytes / 2;
    *parameters = 0;
    for (size_t i = 0; i < job->count; i++) {
        job->tensors[i].counted = 0;
    }
    while (*next < job->count) {
        clq_calibrated *tensor = &job->tensors[*next];
        if (clq_histograms_bytes(&job->scheme, *parameters + tensor->parameters) > budget) {
            char needed[40];
            char shown[200];
            clq_format_bytes(needed, sizeof needed, 2 * clq_histograms_bytes(&job->scheme, tensor->parameters));
            clq_printable(shown, sizeof shown, tensor->name, strlen(tensor->name));
            CLQ_REQUIRE(*parameters > 0,
                        "tensor '%s': the histograms of its %" PRIu64
                        " channels take half of --memory, which must be at least %s",
                        shown, tensor->parameters, needed);
            return CLQ_OK;
        }
        tensor->counted = 1;
        tensor->place = *parameters;
        *parameters += tensor->parameters;
        *next += 1;
    }
    return CLQ_OK;
}

static clq_status begin_histograms(clq_calibrate_job *job, uint64_t parameters, clq_error *error)
{
    clq_status status;
    float *ranges = malloc(((size_t)parameters + 1) * 2 * sizeof *ranges);
    if (ranges == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", parameters);
    }
    for (size_t i = 0; i < job->count; i++) {
        const clq_calibrated *tensor = &job->tensors[i];
        if (tensor->counted) {
            memcpy(ranges + 2 * tensor->place, tensor->found, (size_t)tensor->parameters * 2 * sizeof *ranges);
        }
    }
    status = clq_histograms_begin(&job->histograms, job->job.context, &job->scheme, parameters, ranges, error);
    free(ranges);
    return status;
}

/* Keep all counts of a tensor, for CLQ_FILE_HISTOGRAMS. */
static clq_status keep_histogram(clq_calibrated *tensor, uint64_t p, const uint64_t *counts, uint32_t bins,
                                 clq_error *error)
{
    const size_t bytes = bins * sizeof *counts;
    if (tensor->histogram == NULL && tensor->parameters <= SIZE_MAX / bytes) {
        tensor->histogram = calloc((size_t)tensor->parameters, bytes);
    }
    if (tensor->histogram == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " histograms", tensor->parameters);
    }
    memcpy(tensor->histogram + p * bins, counts, bytes);
    return CLQ_OK;
}

/* What became of parameter p; `counts` is its histogram, NULL without one. */
static clq_status note_cut(const clq_calibrate_job *job, clq_calibrated *tensor, uint64_t p,
                           const clq_calibration_kept *kept, const uint64_t *counts, clq_error *error)
{
    tensor->threshold[p] = (clq_threshold){kept->threshold, kept->end};
    if (clq_range_is_empty(&tensor->range[2 * p])) {
        tensor->range[2 * p] = tensor->range[2 * p + 1] = 0.0f;
    }
    for (uint32_t b = kept->first; counts != NULL && b < kept->end; b++) {
        tensor->kept[p] += counts[b];
    }
    if (counts != NULL && (job->job.request->details & CLQ_FILE_WORST) != 0) {
        CLQ_TRY(clq_calibrate_weigh(job, tensor, p, counts, error));
    }
    return counts != NULL && (job->job.request->details & CLQ_FILE_HISTOGRAMS) != 0
               ? keep_histogram(tensor, p, counts, job->histograms.bins, error)
               : CLQ_OK;
}

/* At most CLQ_HISTOGRAMS_AT_ONCE from parameter `first` on, by their histograms, or without. */
static clq_status cut_some(clq_calibrate_job *job, clq_calibrated *tensor, uint64_t first, const uint64_t *counts,
                           clq_error *error)
{
    const clq_calibration *method = &job->job.request->calibration;
    const uint64_t end = clq_size_min(tensor->parameters, first + CLQ_HISTOGRAMS_AT_ONCE);
    clq_calibration_kept kept[CLQ_HISTOGRAMS_AT_ONCE];
    if (counts != NULL) {
        CLQ_TRY(clq_histograms_cut_by(&job->histograms, method, &job->scheme, end - first, counts,
                                      &tensor->range[2 * first], kept, error));
    }
    for (uint64_t p = first; p < end; p++) {
        const uint64_t i = p - first;
        if (counts == NULL) {
            CLQ_TRY(clq_calibration_cut(method, &job->scheme, NULL, &tensor->range[2 * p], &kept[i], error));
        }
        CLQ_TRY(note_cut(job, tensor, p, &kept[i], counts != NULL ? counts + i * job->histograms.bins : NULL, error));
    }
    return CLQ_OK;
}

static clq_status cut_tensor(clq_calibrate_job *job, clq_calibrated *tensor, clq_error *error)
{
    const clq_check_place place = {job->job.request->inputs.items[tensor->first_input], tensor->name};
    const uint64_t step = clq_calibrate_step(job);
    uint64_t counted = 0;
    memcpy(tensor->range, tensor->found, (size_t)tensor->parameters * 2 * sizeof *tensor->range);
    for (uint64_t first = 0; first < tensor->parameters; first += step) {
        const uint64_t count = clq_size_min(tensor->parameters - first, step);
        const uint64_t *counts = NULL;
        if (tensor->counted) {
            CLQ_TRY(clq_calibrate_read(job, tensor, first, count, &counts, &counted, error));
        }
        for (uint64_t p = first; p < first + count; p += CLQ_HISTOGRAMS_AT_ONCE) {
            CLQ_TRY(clq_job_check_cancelled(&job->job, error));
            if (counts == NULL || clq_calibrate_cuts(job, p)) {
                CLQ_TRY(cut_some(job, tensor, p, counts != NULL ? counts + (p - first) * job->histograms.bins : NULL,
                                 error));
            }
        }
    }
    clq_calibrate_keep_worst(job, tensor);
    if (tensor->counted) {
        CLQ_TRY(clq_calibrate_merge_cut(job, tensor, &counted, error));
    }
    return tensor->counted
               ? clq_check_total(&job->job.check, counted, tensor->elements - tensor->nonfinite, &place, error)
               : CLQ_OK;
}

static clq_status count_all(clq_calibrate_job *job, clq_error *error)
{
    size_t next = 0;
    job->counting = 1;
    while (next < job->count) {
        uint64_t parameters = 0;
        CLQ_TRY(choose_tensors(job, &next, &parameters, error));
        CLQ_TRY(begin_histograms(job, parameters, error));
        CLQ_TRY(run_pass(job, error));
        for (size_t i = 0; i < job->count; i++) {
            if (job->tensors[i].counted) {
                CLQ_TRY(cut_tensor(job, &job->tensors[i], error));
            }
        }
    }
    return CLQ_OK;
}

clq_status clq_calibrate_run(clq_calibrate_job *job, clq_error *error)
{
    const int counts = clq_calibration_counts(&job->job.request->calibration) ||
                       (job->job.request->details & (CLQ_FILE_HISTOGRAMS | CLQ_FILE_WORST)) != 0;
    const uint64_t memory = counts ? job->job.request->memory_bytes / 2 : job->job.request->memory_bytes;
    CLQ_TRY(clq_job_begin_check(&job->job, error));
    CLQ_TRY(clq_slots_init(job->slots, CLQ_CALIBRATE_SLOTS, job->job.context, memory, error));
    clq_job_progress_begin(&job->job, clq_size_divide_up(job->data_bytes, clq_size_max(job->job.request->parts, 1)) *
                                          (counts ? 2 : 1));
    CLQ_TRY(run_pass(job, error));
    CLQ_TRY(clq_calibrate_merge_found(job, error));
    if (counts) {
        return count_all(job, error);
    }
    for (size_t i = 0; i < job->count; i++) {
        CLQ_TRY(cut_tensor(job, &job->tensors[i], error));
    }
    return CLQ_OK;
}

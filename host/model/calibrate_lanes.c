/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of `calibrate`: batches are read, and their ranges found, or their elements counted, on a device. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/real.h"
#include "model/calibrate.h"
#include "model/layout.h"
#include "model/read_real.h"
#include "model/shown.h"
#include "stream/ranges.h"

/* PIECE_LAST: of the last batch of a file that a lane has claimed. */
enum { PIECE_READ = 0, PIECE_LAST = 1 };
static const unsigned BOTH = 1u << PIECE_READ | 1u << PIECE_LAST;

/* One device goes through all files, whose order a moving average depends on. */
static int takes_all(const clq_calibrate_job *job)
{
    return job->lanes.count == 1;
}

/* ---- the first stage: pieces of one file after the other ---- */

/* The next tensor of the open file that takes part in this pass. */
static void look_ahead(clq_calibrate_lane *lane)
{
    clq_calibrate_job *job = lane->job;
    lane->upcoming = SIZE_MAX;
    while (lane->upcoming == SIZE_MAX && lane->next_tensor < lane->model->tensor_count) {
        const size_t index = lane->next_tensor++;
        const size_t number = clq_names_find(&job->names, clq_calibrate_name(job->job.request, lane->model, index));
        /* What one file has in a type that is skipped, others may have to be calibrated. */
        const int is_real = clq_real_type(clq_file_real_of(&lane->model->tensors[index].dtype)) != 0;
        if (number != SIZE_MAX && is_real && (!job->counting || job->tensors[number].counted) &&
            clq_calibrate_takes(job, &job->tensors[number], clq_real_bytes(lane->model, index))) {
            lane->upcoming = index;
            lane->upcoming_number = number;
        }
    }
}

static clq_status describe_batch(const clq_calibrate_lane *lane, size_t index, const clq_calibrated *tensor,
                                 clq_quantization *q, clq_error *error)
{
    const clq_calibrate_job *job = lane->job;
    const clq_model_tensor *source = &lane->model->tensors[index];
    uint64_t elements = 0;
    uint64_t parameters = 0;
    clq_status status;
    clq_quantization_init(q);
    q->scheme = job->scheme;
    q->real = clq_real_type(clq_file_real_of(&source->dtype));
    status = clq_request_layout(job->job.request, tensor->name, source->rank, source->shape, CLQ_PER_TENSOR, &q->layout,
                                error);
    if (status != CLQ_OK) { /* of one without the axis that later files have */
        return clq_fail_in(error, status, "%s", clq_show(lane->model->path).text);
    }
    CLQ_TRY(clq_layout_count(&q->layout, &elements, &parameters, error));
    if (q->real == 0 || parameters != tensor->parameters) {
        return clq_fail(error, CLQ_IO_ERROR, "%s changed while it was read", lane->model->path);
    }
    return CLQ_OK;
}

/* None of another file: a slot's pieces are read while their file is open. */
static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    clq_calibrate_lane *lane = cookie;
    const clq_calibrate_job *job = lane->job;
    const size_t index = lane->upcoming;
    *there = index != SIZE_MAX;
    if (*there) {
        const clq_calibrated *tensor = &job->tensors[lane->upcoming_number];
        const unsigned parts = job->counting ? CLQ_SLOT_REAL : CLQ_SLOT_REAL | CLQ_SLOT_FOUND;
        clq_quantization q;
        CLQ_TRY(describe_batch(lane, index, tensor, &q, error));
        pass->tensor = lane->upcoming_number;
        pass->key = clq_check_key(tensor->name, lane->input + 1);
        pass->sides = 1;
        look_ahead(lane);
        pass->side[0] = clq_schedule_work(lane->upcoming == SIZE_MAX ? PIECE_LAST : PIECE_READ, parts, &q);
    }
    return CLQ_OK;
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_calibrate_lane *lane = cookie;
    size_t index = 0; /* a .npy under another name has one tensor */
    if (lane->model->kind != CLQ_MODEL_NPY) {
        index = clq_model_find(lane->model, lane->job->tensors[piece->tensor].name);
    }
    return clq_read_real(lane->model, index, piece->chunk.first, piece->chunk.count, slot->memory + piece->real, error);
}

/* The next file, of which the pass may have no tensor; *there = 0 when there is none. */
static clq_status open_next(clq_calibrate_lane *lane, int *there, clq_error *error)
{
    const clq_calibrate_job *job = lane->job;
    const clq_name_list *inputs = &job->job.request->inputs;
    size_t input = lane->input + 1;
    lane->lane.is_filled = 0;
    *there = takes_all(job) ? input < inputs->count : clq_lane_claim(&lane->lane, &input);
    if (*there) {
        lane->input = input;
        lane->next_tensor = 0;
        CLQ_TRY(clq_model_open_from(inputs->items[input], clq_job_opens(&job->job), &lane->model, error));
        look_ahead(lane);
        if (lane->upcoming == SIZE_MAX && !takes_all(job)) {
            clq_lane_done(&lane->lane, input);
        }
    }
    return CLQ_OK;
}

static clq_status fill_slot(void *cookie, clq_slot *slot, int *filled, clq_error *error)
{
    clq_calibrate_lane *lane = cookie;
    int there = 1;
    *filled = 0;
    while (!*filled) {
        if (lane->model == NULL) {
            CLQ_TRY(open_next(lane, &there, error));
            if (!there) {
                return CLQ_OK;
            }
        }
        lane->slot_input[slot - lane->lane.slots] = lane->input;
        CLQ_TRY(clq_schedule_fill(&lane->lane.schedule, slot, filled, error));
        if (!*filled) {
            clq_model_close(&lane->model);
        }
    }
    return CLQ_OK;
}

/* ---- the second stage ---- */

/* For messages of clq_check. */
static clq_check_place place_of(const clq_calibrate_job *job, const clq_piece *piece, size_t input)
{
    return (clq_check_place){job->job.request->inputs.items[input], job->tensors[piece->tensor].name};
}

static clq_status refuse_nonfinite(const clq_calibrate_job *job, const clq_calibrated *tensor, const clq_nonfinite *now,
                                   size_t input, clq_error *error)
{
    char shown[200];
    if (now->count == 0 || job->job.request->ignore_nonfinite) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, tensor->name, strlen(tensor->name));
    return clq_fail(error, CLQ_NONFINITE,
                    "%s: tensor '%s': %" PRIu64 " element%s NaN or infinite%s, the first at index %" PRIu64
                    "; --nonfinite ignore leaves them out",
                    job->job.request->inputs.items[input], shown, now->count, now->count == 1 ? " is" : "s are",
                    clq_real_as(tensor->dtype), now->first_index);
}

/* What was found in a batch becomes part of what is known of its tensor. */
static void apply(const clq_calibrate_lane *lane, size_t number)
{
    const clq_calibrate_job *job = lane->job;
    clq_calibrated *tensor = &job->tensors[number];
    const float *batch = lane->batch[number];
    tensor->nonfinite += lane->now[number].count;
    for (uint64_t p = 0; p < tensor->parameters; p++) {
        if (tensor->means != NULL) {
            clq_range_mean_add(&tensor->means[p], &batch[2 * p], &tensor->found[2 * p]);
        } else {
            clq_range_merge(&tensor->found[2 * p], &batch[2 * p], job->job.request->calibration.averaging);
        }
    }
}

/* All that was found since the last time: of one device batch by batch, of several by files, which another may do
 * again from the start until then. */
static void apply_seen(clq_calibrate_lane *lane)
{
    pthread_mutex_lock(&lane->job->lanes.lock);
    for (size_t i = 0; i < lane->seen_count; i++) {
        apply(lane, lane->seen[i]);
    }
    pthread_mutex_unlock(&lane->job->lanes.lock);
    lane->seen_count = 0;
}

static clq_status begin_batch(clq_calibrate_lane *lane, const clq_piece *piece, clq_error *error)
{
    const clq_calibrated *tensor = &lane->job->tensors[piece->tensor];
    float **batch = &lane->batch[piece->tensor];
    if (*batch == NULL) {
        *batch = malloc(((size_t)tensor->parameters + 1) * 2 * sizeof **batch);
    }
    if (*batch == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", tensor->parameters);
    }
    clq_ranges_clear(*batch, tensor->parameters);
    lane->now[piece->tensor] = (clq_nonfinite){0, UINT64_MAX};
    return CLQ_OK;
}

static clq_status take_ranges(clq_calibrate_lane *lane, const clq_slot *slot, const clq_piece *piece, size_t input,
                              clq_error *error)
{
    const clq_calibrate_job *job = lane->job;
    clq_nonfinite *now = &lane->now[piece->tensor];
    const clq_check_place place = place_of(job, piece, input);
    if (piece->parts == 0) {
        return CLQ_OK; /* a batch without elements */
    }
    CLQ_TRY(clq_check_ranges(&lane->lane.check, slot, piece, &place, error));
    CLQ_TRY(piece->chunk.first == 0 ? begin_batch(lane, piece, error) : CLQ_OK);
    CLQ_TRY(clq_ranges_settle(slot, piece, now, error));
    clq_ranges_merge(slot, piece, lane->batch[piece->tensor] + 2 * piece->chunk.first_parameter);
    if (!piece->last) {
        return CLQ_OK;
    }
    lane->seen[lane->seen_count++] = piece->tensor;
    if (takes_all(job)) {
        apply_seen(lane);
    }
    return refuse_nonfinite(job, &job->tensors[piece->tensor], now, input, error);
}

static clq_status count_piece(clq_calibrate_lane *lane, clq_slot *slot, const clq_piece *piece, size_t input,
                              clq_error *error)
{
    const clq_calibrated *tensor = &lane->job->tensors[piece->tensor];
    const clq_check_place place = place_of(lane->job, piece, input);
    return piece->parts == 0
               ? CLQ_OK
               : clq_histograms_add_checked(&lane->histograms, &lane->lane.check, slot, piece,
                                            tensor->place + piece->chunk.first_parameter,
                                            tensor->found + 2 * piece->chunk.first_parameter, &place, error);
}

/* The lane is through with a piece, and with the file that it has claimed if it is the last of it. */
static void end_piece(clq_calibrate_lane *lane, const clq_piece *piece, size_t input)
{
    clq_lane_step(&lane->lane, piece->real_bytes, lane->job->tensors[piece->tensor].name);
    if (piece->last && piece->kind == PIECE_LAST && !takes_all(lane->job)) {
        apply_seen(lane);
        clq_lane_done(&lane->lane, input);
    }
}

static clq_status find_slot(void *cookie, clq_slot *slot, clq_error *error)
{
    clq_calibrate_lane *lane = cookie;
    const size_t input = lane->slot_input[slot - lane->lane.slots];
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    CLQ_TRY(clq_slot_run(slot, CLQ_OP_MINMAX, BOTH, error));
    CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_FOUND, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(take_ranges(lane, slot, &slot->pieces[i], input, error));
        end_piece(lane, &slot->pieces[i], input);
    }
    return CLQ_OK;
}

static clq_status count_slot(void *cookie, clq_slot *slot, clq_error *error)
{
    clq_calibrate_lane *lane = cookie;
    const size_t input = lane->slot_input[slot - lane->lane.slots];
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(count_piece(lane, slot, &slot->pieces[i], input, error));
    }
    CLQ_TRY(clq_slot_to_host(slot, 0, error));
    for (size_t i = 0; i < slot->count; i++) {
        end_piece(lane, &slot->pieces[i], input);
    }
    return CLQ_OK;
}

static void rewind_lane(void *cookie)
{
    clq_calibrate_lane *lane = cookie;
    clq_model_close(&lane->model);
    lane->input = SIZE_MAX; /* before the first */
    lane->upcoming = SIZE_MAX;
    lane->seen_count = 0;
}

clq_status clq_calibrate_pass(clq_calibrate_job *job, clq_error *error)
{
    clq_lane_verb verb = {.sends = CLQ_SLOT_REAL,
                          .next = next_pass,
                          .read = read_piece,
                          .fill = fill_slot,
                          .then = {job->counting ? count_slot : find_slot},
                          .computes = {{CLQ_OP_MINMAX, job->counting ? 0 : BOTH}},
                          .rewind = rewind_lane,
                          .finds_only = job->counting};
    const size_t count = takes_all(job) ? 0 : job->job.request->inputs.count;
    CLQ_TRY(clq_calibrate_share(job, error));
    CLQ_TRY(clq_lanes_share(&job->lanes, count, error));
    for (size_t i = 0; i < count; i++) {
        clq_claims_add(job->lanes.claims, i, job->job.report->input_bytes[i]);
    }
    clq_claims_begin(job->lanes.claims);
    return clq_lanes_run(&job->lanes, &verb, error);
}

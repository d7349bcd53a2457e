/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of `minmax`: elements are read, and their ranges found on a device and merged. */
#include "model/minmax_run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "model/nonfinite.h"
#include "model/read_real.h"
#include "stream/ranges.h"

/* Slots of a lane: as many as stages. */
enum { SLOTS = 2 };

enum { PIECE_FIND = 0 };

/* A device at work. */
typedef struct minmax_lane {
    clq_lane lane;
    clq_minmax_run *run;
    clq_nonfinite nonfinite; /* of the stretch whose pieces come in */
} minmax_lane;

clq_quantization clq_minmax_describe(const clq_minmax_run *run, const clq_minmax_item *item)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.real = clq_read_type(run->model, item->index);
    q.layout = item->layout;
    return q;
}

static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    minmax_lane *lane = cookie;
    const clq_minmax_run *run = lane->run;
    const clq_stretch *stretch = clq_stretches_claim(&run->stretches, &lane->lane, pass);
    (void)error;
    *there = stretch != NULL;
    if (*there) {
        const clq_minmax_item *item = &run->items[stretch->item];
        const clq_quantization q = clq_minmax_describe(run, item);
        pass->key = clq_check_key(run->model->tensors[item->index].name, 0);
        pass->sides = 1;
        pass->side[0] = clq_schedule_work(PIECE_FIND, CLQ_SLOT_REAL | CLQ_SLOT_FOUND, &q);
    }
    return CLQ_OK;
}

static clq_minmax_item *item_of(const clq_minmax_run *run, const clq_piece *piece)
{
    return &run->items[run->stretches.items[piece->tensor].item];
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const clq_minmax_run *run = ((const minmax_lane *)cookie)->run;
    return clq_read_real(run->model, item_of(run, piece)->index, piece->chunk.first, piece->chunk.count,
                         slot->memory + piece->real, error);
}

/* ---- the second stage ---- */

/* The ranges of a piece, which may be merged twice: once more by another device. */
static clq_status merge(const clq_minmax_run *run, clq_minmax_item *item, const clq_slot *slot, const clq_piece *piece,
                        clq_error *error)
{
    const float *ranges = (const float *)(const void *)(slot->memory + piece->range);
    if (item->ranges == NULL && (run->job.request->details & CLQ_FILE_PARAMETERS)) {
        CLQ_TRY(clq_minmax_make_ranges(run, item, error));
    }
    if (piece->parts == 0) {
        return CLQ_OK;
    }
    for (uint64_t i = 0; i < piece->chunk.parameters; i++) {
        clq_ranges_widen(item->whole, ranges + 2 * i);
    }
    if (item->ranges != NULL) {
        clq_ranges_merge(slot, piece, item->ranges + 2 * piece->chunk.first_parameter);
    }
    return CLQ_OK;
}

static clq_status take_piece(minmax_lane *lane, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    clq_minmax_run *run = lane->run;
    clq_minmax_item *item = item_of(run, piece);
    const clq_check_place place = {run->model->path, run->model->tensors[item->index].name};
    clq_status status;
    if (piece->chunk.first == run->stretches.items[piece->tensor].first) {
        lane->nonfinite = (clq_nonfinite){0, UINT64_MAX};
    }
    if (piece->parts != 0) {
        CLQ_TRY(clq_check_ranges(&lane->lane.check, slot, piece, &place, error));
        CLQ_TRY(clq_ranges_settle(slot, piece, &lane->nonfinite, error));
    }
    pthread_mutex_lock(&run->lanes.lock);
    status = merge(run, item, slot, piece, error);
    if (status == CLQ_OK && piece->last) {
        clq_nonfinite_merge(&item->nonfinite, &lane->nonfinite);
        item->left -= 1;
    }
    pthread_mutex_unlock(&run->lanes.lock);
    CLQ_TRY(status);
    clq_lane_step(&lane->lane, piece->real_bytes, run->model->tensors[item->index].name);
    if (piece->last) {
        clq_lane_done(&lane->lane, piece->tensor);
    }
    return CLQ_OK;
}

static clq_status find_slot(void *cookie, clq_slot *slot, clq_error *error)
{
    minmax_lane *lane = cookie;
    CLQ_TRY(clq_slot_to_device(slot, CLQ_SLOT_REAL, error));
    CLQ_TRY(clq_slot_run(slot, CLQ_OP_MINMAX, 1u << PIECE_FIND, error));
    CLQ_TRY(clq_slot_to_host(slot, CLQ_SLOT_FOUND, error));
    for (size_t i = 0; i < slot->count; i++) {
        CLQ_TRY(take_piece(lane, slot, &slot->pieces[i], error));
    }
    return CLQ_OK;
}

clq_status clq_minmax_make_ranges(const clq_minmax_run *run, clq_minmax_item *item, clq_error *error)
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

static clq_status hand_out(clq_minmax_run *run, clq_error *error)
{
    run->stretches.most_bytes = clq_stretches_most(&run->lanes, run->bytes);
    for (size_t i = 0; i < run->count; i++) {
        run->items[i].left = 1; /* so that none is taken for done when not all could be handed out */
    }
    for (size_t i = 0; i < run->count; i++) {
        clq_minmax_item *item = &run->items[i];
        const clq_quantization q = clq_minmax_describe(run, item);
        const clq_schedule_side side = clq_schedule_work(PIECE_FIND, 0, &q);
        if (!clq_job_is_part(&run->job) || item->window.count > 0) {
            CLQ_TRY(clq_stretches_add(&run->stretches, i, &side, item->window, &item->left, error));
        }
    }
    return clq_stretches_hand_out(&run->stretches, &run->lanes, error);
}

clq_status clq_minmax_look(clq_minmax_run *run, clq_error *error)
{
    static const clq_lane_verb VERB = {.sends = CLQ_SLOT_REAL,
                                       .next = next_pass,
                                       .read = read_piece,
                                       .then = {find_slot},
                                       .computes = {{CLQ_OP_MINMAX, 1u << PIECE_FIND}}};
    CLQ_TRY(hand_out(run, error));
    clq_lanes_progress(&run->lanes, run->bytes);
    return clq_lanes_run(&run->lanes, &VERB, error);
}

clq_status clq_minmax_begin(clq_minmax_run *run, clq_error *error)
{
    CLQ_TRY(clq_job_need_devices(&run->job, error));
    run->lanes = (clq_lane_set){.call = &run->job,
                                .lane_bytes = sizeof(minmax_lane),
                                .slots = SLOTS,
                                .memory_bytes = run->job.request->memory_bytes,
                                .work_bytes = run->bytes,
                                .checks = 1};
    CLQ_TRY(clq_lanes_begin(&run->lanes, error));
    for (size_t i = 0; i < run->lanes.count; i++) {
        ((minmax_lane *)clq_lane_of(&run->lanes, i))->run = run;
    }
    return clq_lanes_share_seed(&run->lanes, error);
}

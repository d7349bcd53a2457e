/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of `dequantize`: codes are read, made real on a device, and written. */
#include "model/dequantize_run.h"
#include "format/real.h"
#include "model/copy.h"
#include "model/dequantize_piece.h"
#include "model/nonfinite.h"

/* Slots of a lane: as many as stages. */
enum { SLOTS = 3 };

/* What is done with a piece. */
enum { PIECE_COPY = 0, PIECE_DEQUANTIZE = 1 };

/* A device at work. */
typedef struct dequantize_lane {
    clq_lane lane;
    dequantize_run *run;
    clq_nonfinite infinite; /* the last stage's: of the stretch whose pieces come in */
} dequantize_lane;

static clq_status side_of(const dequantize_run *run, const dequantize_item *item, clq_schedule_side *side,
                          clq_error *error)
{
    if (item->quantized != NULL) {
        return clq_dequantize_side(PIECE_DEQUANTIZE, item->quantized, run->real, side, error);
    }
    *side = clq_schedule_copy(PIECE_COPY, run->model->tensors[item->index].bytes, 1);
    return CLQ_OK;
}

static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    dequantize_lane *lane = cookie;
    const dequantize_run *run = lane->run;
    const clq_stretch *stretch = clq_stretches_claim(&run->stretches, &lane->lane, pass);
    *there = stretch != NULL;
    if (*there) {
        const dequantize_item *item = &run->items[stretch->item];
        pass->key = clq_check_key(run->model->tensors[item->index].name, 0);
        pass->sides = 1;
        CLQ_TRY(side_of(run, item, &pass->side[0], error));
    }
    return CLQ_OK;
}

static dequantize_item *item_of(const dequantize_run *run, const clq_piece *piece)
{
    return &run->items[run->stretches.items[piece->tensor].item];
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const dequantize_run *run = ((const dequantize_lane *)cookie)->run;
    const dequantize_item *item = item_of(run, piece);
    if (piece->kind == PIECE_DEQUANTIZE) {
        return clq_dequantize_read(run->model, item->quantized, slot, piece, error);
    }
    return clq_read_plain(run->model, item->index, piece->chunk.first, piece->real_bytes, slot->memory + piece->real,
                          error);
}

static clq_status compute_slot(void *lane, clq_slot *slot, clq_error *error)
{
    (void)lane;
    return clq_dequantize_slot(slot, 1u << PIECE_DEQUANTIZE, error);
}

/* Scales and codes are finite, so what is not was beyond the type. */
static void count_infinite(dequantize_lane *lane, const clq_slot *slot, const clq_piece *piece)
{
    size_t first;
    const uint64_t count =
        clq_real_count_nonfinite(lane->run->real, slot->memory + piece->real, (size_t)piece->chunk.count, &first);
    if (count > 0 && lane->infinite.count == 0) {
        lane->infinite.first_index = piece->chunk.first + first;
    }
    lane->infinite.count += count;
}

static clq_status write_piece(dequantize_lane *lane, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    dequantize_run *run = lane->run;
    const dequantize_item *item = item_of(run, piece);
    clq_check *check = &lane->lane.check;
    const clq_check_place place = {run->model->path, run->model->tensors[item->index].name};
    const uint64_t offset =
        piece->kind == PIECE_COPY ? piece->chunk.first : clq_dtype_bytes(run->real, piece->chunk.first);
    CLQ_TRY(clq_piece_on_host(piece, piece->kind == PIECE_COPY ? CLQ_SLOT_COPIED : CLQ_SLOT_REAL, error));
    CLQ_TRY(piece->kind == PIECE_COPY ? clq_check_intact(check, slot, piece, CLQ_SLOT_COPIED, &place, error)
                                      : clq_check_values(check, slot, piece, CLQ_OP_DEQUANTIZE, &place, error));
    if (piece->kind == PIECE_DEQUANTIZE) {
        count_infinite(lane, slot, piece);
    }
    CLQ_TRY(clq_output_write(run->output, item->number, offset, slot->memory + piece->real, piece->real_bytes, error));
    clq_lane_step(&lane->lane, piece->real_bytes, place.name);
    return CLQ_OK;
}

static void end_stretch(dequantize_lane *lane, const clq_piece *piece)
{
    dequantize_run *run = lane->run;
    dequantize_item *item = item_of(run, piece);
    pthread_mutex_lock(&run->lanes.lock);
    clq_nonfinite_merge(&item->infinite, &lane->infinite);
    item->left -= 1;
    pthread_mutex_unlock(&run->lanes.lock);
    clq_lane_done(&lane->lane, piece->tensor);
}

static clq_status write_slot(void *cookie, clq_slot *slot, clq_error *error)
{
    dequantize_lane *lane = cookie;
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        if (piece->chunk.first == lane->run->stretches.items[piece->tensor].first) {
            lane->infinite = (clq_nonfinite){0, UINT64_MAX};
        }
        CLQ_TRY(piece->parts != 0 ? write_piece(lane, slot, piece, error) : CLQ_OK);
        if (piece->last) {
            end_stretch(lane, piece);
        }
    }
    return CLQ_OK;
}

/* About what all of the data takes in slots: codes are no larger than what becomes of them. */
static uint64_t work_bytes_of(const dequantize_run *run)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < run->count; i++) {
        const clq_quantized *quantized = run->items[i].quantized;
        sum += quantized != NULL ? 2 * clq_dtype_bytes(run->real, quantized->elements)
                                 : run->model->tensors[run->items[i].index].bytes;
    }
    return sum;
}

clq_status clq_dequantize_begin(dequantize_run *run, clq_error *error)
{
    CLQ_TRY(clq_job_need_devices(&run->job, error));
    run->lanes = (clq_lane_set){.call = &run->job,
                                .lane_bytes = sizeof(dequantize_lane),
                                .slots = SLOTS,
                                .memory_bytes = run->job.request->memory_bytes,
                                .work_bytes = work_bytes_of(run),
                                .checks = 1};
    CLQ_TRY(clq_lanes_begin(&run->lanes, error));
    for (size_t i = 0; i < run->lanes.count; i++) {
        ((dequantize_lane *)clq_lane_of(&run->lanes, i))->run = run;
    }
    return clq_lanes_share_seed(&run->lanes, error);
}

static clq_status hand_out(dequantize_run *run, clq_error *error)
{
    run->stretches.most_bytes = clq_stretches_most(&run->lanes, run->bytes);
    for (size_t i = 0; i < run->count; i++) {
        run->items[i].left = 1; /* so that none is taken for done when not all could be handed out */
    }
    for (size_t i = 0; i < run->count; i++) {
        dequantize_item *item = &run->items[i];
        clq_schedule_side side;
        if (!clq_job_is_part(&run->job) || item->window.count > 0) {
            CLQ_TRY(side_of(run, item, &side, error));
            CLQ_TRY(clq_stretches_add(&run->stretches, i, &side, item->window, &item->left, error));
        }
    }
    return clq_stretches_hand_out(&run->stretches, &run->lanes, error);
}

clq_status clq_dequantize_write(dequantize_run *run, clq_error *error)
{
    static const clq_lane_verb VERB = {.sends = CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN,
                                       .next = next_pass,
                                       .read = read_piece,
                                       .then = {compute_slot, write_slot},
                                       .computes = {{CLQ_OP_DEQUANTIZE, 1u << PIECE_DEQUANTIZE}}};
    CLQ_TRY(hand_out(run, error));
    clq_lanes_progress(&run->lanes, run->bytes);
    return clq_lanes_run(&run->lanes, &VERB, error);
}

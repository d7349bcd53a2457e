/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/schedule.h"

#include <string.h>

#include "core/size.h"

clq_schedule_side clq_schedule_work(int kind, unsigned parts, const clq_quantization *q)
{
    const clq_schedule_side side = {kind, parts, *q, clq_dtype_bits(q->real) / 8, 0};
    return side;
}

clq_schedule_side clq_schedule_copy(int kind, uint64_t elements, uint64_t element_bytes)
{
    clq_schedule_side side;
    memset(&side, 0, sizeof side);
    side.kind = kind;
    side.parts = CLQ_SLOT_COPIED;
    clq_quantization_init(&side.q);
    side.q.layout.rank = 1;
    side.q.layout.shape[0] = elements;
    side.element_bytes = element_bytes;
    return side;
}

clq_status clq_schedule_cut(uint64_t capacity_bytes, const clq_schedule_side *side, clq_chunker *chunker,
                            clq_error *error)
{
    /* Of copied bytes a multiple of 64, so that pieces end between elements whose size is not told. */
    const uint64_t copied = clq_size_max(capacity_bytes / 64 * 64 / side->element_bytes, 1);
    const uint64_t limit = side->parts & CLQ_SLOT_COPIED ? copied : clq_slot_limit(capacity_bytes, &side->q);
    return clq_chunker_init(chunker, &side->q.layout, limit, error);
}

static clq_status open_pass(clq_schedule *schedule, clq_error *error)
{
    const clq_pass *pass = &schedule->pass;
    schedule->limit = UINT64_MAX;
    for (size_t i = 0; i < pass->sides; i++) {
        clq_chunker *chunker = &schedule->chunkers[i];
        CLQ_TRY(clq_schedule_cut(schedule->capacity_bytes / pass->sides, &pass->side[i], chunker, error));
        schedule->limit = clq_size_min(schedule->limit, chunker->limit);
        chunker->position = pass->first;
    }
    schedule->end = pass->count > 0 ? pass->first + pass->count : schedule->chunkers[0].elements;
    schedule->open = 1;
    return CLQ_OK;
}

/* The side's chunk at `position`, of at most `limit` elements; returns how many it has. */
static uint64_t cut_side(clq_schedule *schedule, size_t side, uint64_t position, uint64_t limit)
{
    clq_chunker *chunker = &schedule->chunkers[side];
    clq_chunk *chunk = &schedule->chunks[side];
    memset(chunk, 0, sizeof *chunk);
    chunker->position = position;
    chunker->limit = limit;
    (void)clq_chunker_next(chunker, chunk);
    return chunk->count;
}

/*
 * Each side takes at most what the one before it took, until all take the same: a cut between units of both where one
 * is within reach, and else inside a unit, which every layout can do at any place.
 */
static void cut(clq_schedule *schedule)
{
    const uint64_t position = schedule->chunkers[0].position;
    uint64_t limit = clq_size_min(schedule->limit, clq_size_max(schedule->end - position, 1));
    uint64_t least = cut_side(schedule, 0, position, limit);
    for (size_t side = 1; side < schedule->pass.sides; side++) {
        limit = least;
        least = cut_side(schedule, side, position, clq_size_max(limit, 1));
        if (least < limit) {
            least = cut_side(schedule, 0, position, least);
            side = 0;
        }
    }
}

static clq_piece piece_of(const clq_schedule *schedule, size_t number)
{
    const clq_schedule_side *side = &schedule->pass.side[number];
    const clq_chunker *chunker = &schedule->chunkers[number];
    clq_piece piece;
    memset(&piece, 0, sizeof piece);
    piece.tensor = schedule->pass.tensor;
    piece.kind = side->kind;
    piece.side = number;
    piece.key = schedule->pass.key;
    piece.elements = chunker->elements;
    piece.inner = chunker->inner;
    piece.run = chunker->run;
    piece.chunk = schedule->chunks[number];
    piece.parts = piece.chunk.count > 0 ? side->parts : 0;
    piece.is_given = side->is_given;
    piece.q = side->q;
    piece.q.layout = piece.chunk.layout;
    piece.real_bytes = piece.chunk.count * side->element_bytes;
    piece.last = chunker->position >= schedule->end;
    return piece;
}

static clq_status next_piece(void *cookie, clq_piece *piece, int *there, clq_error *error)
{
    clq_schedule *schedule = cookie;
    *there = 1;
    if (schedule->side == 0 && !schedule->open) {
        CLQ_TRY(schedule->next(schedule->cookie, &schedule->pass, there, error));
        if (!*there) {
            return CLQ_OK;
        }
        CLQ_TRY(open_pass(schedule, error));
    }
    if (schedule->side == 0) {
        cut(schedule);
    }
    *piece = piece_of(schedule, schedule->side);
    schedule->side += 1;
    for (size_t i = schedule->side; i < schedule->pass.sides; i++) {
        const clq_piece behind = piece_of(schedule, i);
        piece->ahead += clq_piece_bytes(&behind);
    }
    if (schedule->side == schedule->pass.sides) {
        schedule->side = 0;
        schedule->open = !piece->last;
    }
    return CLQ_OK;
}

clq_status clq_schedule_fill(clq_schedule *schedule, clq_slot *slot, int *filled, clq_error *error)
{
    schedule->feed.cookie = schedule;
    schedule->feed.next = next_piece;
    CLQ_TRY(clq_slot_fill(slot, &schedule->feed, filled, error));
    for (size_t i = 0; i < slot->count; i++) {
        if (slot->pieces[i].parts != 0) {
            CLQ_TRY(schedule->read(schedule->cookie, slot, &slot->pieces[i], error));
            clq_check_note(schedule->check, slot, &slot->pieces[i], schedule->sends | CLQ_SLOT_COPIED);
        }
    }
    return clq_slot_send(slot, schedule->sends, error);
}

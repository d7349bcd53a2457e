/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/slot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"

enum {
    ALIGNMENT = 64, /* of every operand: a cache line, and the widest vector */
    PARTS_OF_PIECE = 6,
    MOST_PIECES = 1024 /* their descriptions take memory too */
};

/* Several slots together stay in the last cache of a CPU; a device that is reached over a bus wants more at a time. */
static const uint64_t CPU_BYTES = UINT64_C(5) << 20;
static const uint64_t BUS_BYTES = UINT64_C(32) << 20;
static const uint64_t LEAST_BYTES = UINT64_C(128) << 10;

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

uint64_t clq_slot_capacity(const clq_context *context, uint64_t memory_bytes, size_t slots)
{
    uint64_t bytes = CPU_BYTES;
    uint64_t largest = UINT64_MAX;
    if (context != NULL) {
        clq_device_info info;
        clq_context_device(context, &info);
        bytes = info.type == CLQ_DEVICE_CPU || info.type == CLQ_DEVICE_REFERENCE ? CPU_BYTES : BUS_BYTES;
        largest = info.maximum_allocation_bytes > 0 ? info.maximum_allocation_bytes : UINT64_MAX;
    }
    /* Half of the budget: the rest is for what else grows with the files, and for the runtime of the device. */
    bytes = clq_size_max(clq_size_min(bytes, memory_bytes / 2 / slots), LEAST_BYTES);
    return clq_size_min(bytes, largest);
}

clq_status clq_slot_init(clq_slot *slot, clq_context *context, uint64_t capacity_bytes, clq_error *error)
{
    memset(slot, 0, sizeof *slot);
    slot->context = context;
    slot->capacity_bytes = capacity_bytes;
    if (context != NULL) {
        CLQ_TRY(clq_staging_create(context, capacity_bytes, &slot->staging, error));
        slot->memory = clq_staging_memory(slot->staging);
    } else {
        slot->memory = malloc((size_t)capacity_bytes);
    }
    if (slot->memory == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " bytes of data; try a smaller --memory",
                        capacity_bytes);
    }
    return CLQ_OK;
}

void clq_slot_release(clq_slot *slot)
{
    if (slot->staging == NULL) {
        free(slot->memory);
    }
    clq_staging_destroy(&slot->staging);
    free(slot->pieces);
    free(slot->items);
    memset(slot, 0, sizeof *slot);
}

clq_status clq_slots_init(clq_slot *slots, size_t count, clq_context *context, uint64_t memory_bytes, clq_error *error)
{
    const uint64_t bytes = clq_slot_capacity(context, memory_bytes, count);
    for (size_t i = 0; i < count; i++) {
        CLQ_TRY(clq_slot_init(&slots[i], context, bytes, error));
    }
    return CLQ_OK;
}

void clq_slots_release(clq_slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        clq_slot_release(&slots[i]);
    }
}

/* What parameters take: a scale, a zero point and a range; and a chunk beside its elements. */
enum {
    PARAMETER_BYTES = sizeof(float) + sizeof(int32_t) + 2 * sizeof(float),
    FIXED_BYTES = 2 * PARAMETER_BYTES + sizeof(clq_nonfinite) + 1 + PARTS_OF_PIECE * ALIGNMENT
};

static uint64_t element_bytes(const clq_quantization *q)
{
    uint64_t element = clq_dtype_bits(q->real) / 8 + clq_dtype_bytes(q->scheme.dtype, 1);
    clq_chunker whole;
    if (clq_chunker_init(&whole, &q->layout, 1, NULL) == CLQ_OK && whole.run > 0) {
        element += clq_size_divide_up(PARAMETER_BYTES, whole.run);
    }
    return element;
}

uint64_t clq_slot_limit(uint64_t capacity_bytes, const clq_quantization *q)
{
    const uint64_t element = element_bytes(q);
    return capacity_bytes > FIXED_BYTES + element ? (capacity_bytes - FIXED_BYTES) / element : 1;
}

uint64_t clq_slot_bytes_of(const clq_quantization *q, uint64_t elements)
{
    return FIXED_BYTES + element_bytes(q) * elements;
}

/* Numbers of the parts. */
enum { COPIED, REAL, FOUND, CHOSEN, CODES };

/* One byte more than the codes: a chunk that starts at an odd 4-bit code may need it. */
static uint64_t code_bytes(const clq_piece *piece)
{
    return clq_dtype_bytes(piece->q.scheme.dtype, piece->chunk.count) + 1;
}

/* Take the next bytes of a part; the offset is one into the part until the slot is sealed. */
static uint64_t take(clq_slot *slot, unsigned part, uint64_t bytes)
{
    const uint64_t at = slot->bytes[part];
    slot->bytes[part] = aligned(at + bytes);
    return at;
}

static void place(clq_slot *slot, clq_piece *piece)
{
    const uint64_t parameters = piece->chunk.parameters;
    memset(piece->place, CLQ_ON_HOST, sizeof piece->place);
    if (piece->parts & CLQ_SLOT_COPIED) {
        piece->real = take(slot, COPIED, piece->real_bytes);
    }
    if (piece->parts & CLQ_SLOT_REAL) {
        piece->real = take(slot, REAL, piece->real_bytes);
    }
    if (piece->parts & CLQ_SLOT_FOUND) {
        piece->range = take(slot, FOUND, parameters * 2 * sizeof(float));
        piece->nonfinite = take(slot, FOUND, sizeof(clq_nonfinite));
    }
    if (piece->parts & CLQ_SLOT_CHOSEN) {
        piece->scale = take(slot, CHOSEN, parameters * sizeof(float));
        piece->zero_point = take(slot, CHOSEN, parameters * sizeof(int32_t));
    }
    if (piece->parts & CLQ_SLOT_CODES) {
        piece->codes = take(slot, CODES, code_bytes(piece));
    }
}

static uint64_t used_bytes(const clq_slot *slot)
{
    uint64_t sum = 0;
    for (size_t part = 0; part < CLQ_SLOT_PARTS; part++) {
        sum += slot->bytes[part];
    }
    return sum;
}

uint64_t clq_piece_bytes(const clq_piece *piece)
{
    clq_slot empty;
    clq_piece copy = *piece;
    memset(&empty, 0, sizeof empty);
    place(&empty, &copy);
    return used_bytes(&empty);
}

static clq_status ensure_pieces(clq_slot *slot, clq_error *error)
{
    if (slot->count == slot->room) {
        const size_t room = slot->room * 2 + 16;
        clq_piece *larger = realloc(slot->pieces, room * sizeof *larger);
        if (larger == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu pieces of tensors", room);
        }
        slot->pieces = larger;
        slot->room = room;
    }
    return CLQ_OK;
}

/* *added is 0 when there is no room for it. */
static clq_status add(clq_slot *slot, const clq_piece *piece, int *added, clq_error *error)
{
    *added = 0;
    if (slot->count + (piece->ahead > 0) >= MOST_PIECES) {
        return CLQ_OK;
    }
    CLQ_TRY(ensure_pieces(slot, error));
    if (used_bytes(slot) + clq_piece_bytes(piece) + piece->ahead > slot->capacity_bytes) {
        CLQ_REQUIRE(slot->count > 0, "a piece of %" PRIu64 " elements is too large for %" PRIu64 " bytes",
                    piece->chunk.count, slot->capacity_bytes);
        return CLQ_OK;
    }
    slot->pieces[slot->count] = *piece;
    place(slot, &slot->pieces[slot->count]);
    slot->count += 1;
    *added = 1;
    return CLQ_OK;
}

/* All pieces are there: the parts follow one another. */
static void seal(clq_slot *slot)
{
    uint64_t at = 0;
    for (size_t part = 0; part < CLQ_SLOT_PARTS; part++) {
        slot->begin[part] = at;
        at += slot->bytes[part];
    }
    for (size_t i = 0; i < slot->count; i++) {
        clq_piece *piece = &slot->pieces[i];
        piece->real += slot->begin[piece->parts & CLQ_SLOT_COPIED ? COPIED : REAL];
        piece->range += slot->begin[FOUND];
        piece->nonfinite += slot->begin[FOUND];
        piece->scale += slot->begin[CHOSEN];
        piece->zero_point += slot->begin[CHOSEN];
        piece->codes += slot->begin[CODES];
    }
}

clq_status clq_slot_fill(clq_slot *slot, clq_feed *feed, int *filled, clq_error *error)
{
    int added = 1;
    slot->count = 0;
    memset(slot->bytes, 0, sizeof slot->bytes);
    while (added) {
        int there = feed->pending;
        if (!there) {
            CLQ_TRY(feed->next(feed->cookie, &feed->piece, &there, error));
        }
        if (!there) {
            break;
        }
        CLQ_TRY(add(slot, &feed->piece, &added, error));
        feed->pending = !added;
    }
    seal(slot);
    *filled = slot->count > 0;
    return CLQ_OK;
}

/* The bytes [*first, *last) of one part of a piece, with what is left free to the next one. */
static void bounds_of(const clq_piece *piece, size_t part, uint64_t *first, uint64_t *last)
{
    const uint64_t begin[CLQ_SLOT_PARTS] = {piece->real, piece->real, piece->range, piece->scale, piece->codes};
    const uint64_t end[CLQ_SLOT_PARTS] = {
        piece->real + piece->real_bytes, piece->real + piece->real_bytes, piece->nonfinite + sizeof(clq_nonfinite),
        piece->zero_point + piece->chunk.parameters * sizeof(int32_t), piece->codes + code_bytes(piece)};
    *first = begin[part];
    *last = aligned(end[part]);
}

typedef clq_status (*move_function)(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error);

/*
 * Move all bytes of a part that are at `from`, neighbours together, after which they are at `to`. *moves counts the
 * calls.
 */
static clq_status move_part(clq_slot *slot, size_t part, clq_part_place from, clq_part_place to, move_function move,
                            size_t *moves, clq_error *error)
{
    uint64_t first = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < slot->count; i++) {
        clq_piece *piece = &slot->pieces[i];
        uint64_t begin;
        uint64_t end;
        if (!(piece->parts & (1u << part)) || piece->place[part] != from) {
            continue;
        }
        bounds_of(piece, part, &begin, &end);
        if (begin != last && last > first) {
            CLQ_TRY(move(slot->staging, first, last - first, error));
            *moves += 1;
        }
        first = begin == last && last > first ? first : begin;
        last = end;
        piece->place[part] = to;
    }
    *moves += last > first;
    return last > first ? move(slot->staging, first, last - first, error) : CLQ_OK;
}

static clq_status move_parts(clq_slot *slot, unsigned parts, clq_part_place from, clq_part_place to, move_function move,
                             clq_error *error)
{
    size_t moves = 0;
    for (size_t part = 0; part < CLQ_SLOT_PARTS; part++) {
        if (parts & (1u << part)) {
            CLQ_TRY(move_part(slot, part, from, to, move, &moves, error));
        }
    }
    /* The slot changes hands even when no byte moves. */
    return moves > 0 ? CLQ_OK : move(slot->staging, 0, 0, error);
}

clq_status clq_slot_send(clq_slot *slot, unsigned parts, clq_error *error)
{
    uint64_t first = UINT64_MAX;
    uint64_t last = 0;
    for (size_t part = 0; part < CLQ_SLOT_PARTS; part++) {
        if ((parts & (1u << part)) && slot->bytes[part] > 0) {
            first = clq_size_min(first, slot->begin[part]);
            last = clq_size_max(last, slot->begin[part] + slot->bytes[part]);
        }
    }
    return last > 0 ? clq_staging_send(slot->staging, first, last - first, error) : CLQ_OK;
}

clq_status clq_slot_to_device(clq_slot *slot, unsigned parts, clq_error *error)
{
    return move_parts(slot, parts, CLQ_ON_HOST, CLQ_ON_BOTH, clq_staging_to_device, error);
}

clq_status clq_slot_to_host(clq_slot *slot, unsigned parts, clq_error *error)
{
    return move_parts(slot, parts, CLQ_ON_DEVICE, CLQ_ON_HOST, clq_staging_to_host, error);
}

static clq_status check_place(const clq_piece *piece, unsigned parts, clq_part_place missing, const char *where,
                              clq_error *error)
{
    for (size_t part = 0; part < CLQ_SLOT_PARTS; part++) {
        if ((parts & (1u << part)) && (!(piece->parts & (1u << part)) || piece->place[part] == missing)) {
            return clq_fail(error, CLQ_UNSUPPORTED,
                            "a fault of this program: part %zu of a piece of tensor %zu is used and not on the %s",
                            part, piece->tensor, where);
        }
    }
    return CLQ_OK;
}

clq_status clq_piece_on_device(const clq_piece *piece, unsigned parts, clq_error *error)
{
    return check_place(piece, parts, CLQ_ON_HOST, "device", error);
}

clq_status clq_piece_on_host(const clq_piece *piece, unsigned parts, clq_error *error)
{
    return check_place(piece, parts, CLQ_ON_DEVICE, "host", error);
}

static int is_of(const clq_piece *piece, unsigned kinds)
{
    return (kinds & (1u << piece->kind)) && piece->parts != 0;
}

int clq_slot_holds(const clq_slot *slot, unsigned kinds)
{
    for (size_t i = 0; i < slot->count; i++) {
        if (is_of(&slot->pieces[i], kinds)) {
            return 1;
        }
    }
    return 0;
}

static clq_status ensure_items(clq_slot *slot, clq_error *error)
{
    if (slot->item_room < slot->count) {
        clq_batch_item *larger = realloc(slot->items, slot->room * sizeof *larger);
        if (larger == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu pieces of tensors", slot->room);
        }
        slot->items = larger;
        slot->item_room = slot->room;
    }
    return CLQ_OK;
}

static clq_operands operands_of(const clq_slot *slot, const clq_piece *piece)
{
    clq_buffer *buffer = clq_staging_buffer(slot->staging);
    const clq_operand real = {buffer, piece->real / (clq_dtype_bits(piece->q.real) / 8)};
    clq_operands operands;
    memset(&operands, 0, sizeof operands);
    operands.struct_size = sizeof operands;
    operands.x = real;
    operands.y = real;
    operands.codes = (clq_operand){buffer, piece->codes * 8 / clq_dtype_bits(piece->q.scheme.dtype)};
    operands.scale = (clq_operand){buffer, piece->scale / sizeof(float)};
    operands.zero_point = (clq_operand){buffer, piece->zero_point / sizeof(int32_t)};
    operands.range = (clq_operand){buffer, piece->range / sizeof(float)};
    operands.nonfinite = (clq_operand){buffer, piece->nonfinite / sizeof(clq_nonfinite)};
    return operands;
}

/* The parts that an operation reads, and the number of the one that it writes. */
static const struct {
    unsigned reads;
    unsigned writes;
} USES[] = {
    [CLQ_OP_MINMAX] = {CLQ_SLOT_REAL, FOUND},
    [CLQ_OP_QUANTIZE] = {CLQ_SLOT_REAL | CLQ_SLOT_CHOSEN, CODES},
    [CLQ_OP_DEQUANTIZE] = {CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN, REAL},
};

clq_status clq_slot_run(clq_slot *slot, clq_operation operation, unsigned kinds, clq_error *error)
{
    clq_batch *batch = NULL;
    clq_status status;
    size_t count = 0;
    CLQ_TRY(ensure_items(slot, error));
    for (size_t i = 0; i < slot->count; i++) {
        clq_piece *piece = &slot->pieces[i];
        if (is_of(piece, kinds)) {
            CLQ_TRY(clq_piece_on_device(piece, USES[operation].reads, error));
            piece->place[USES[operation].writes] = CLQ_ON_DEVICE;
            slot->items[count++] = (clq_batch_item){&piece->q, operands_of(slot, piece)};
        }
    }
    if (count == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_batch_create(slot->context, operation, slot->items, count, &batch, error));
    status = clq_batch_run(batch, error);
    clq_batch_destroy(&batch);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots know where each part of each piece is: nothing that the device never had comes back over what the host holds,
 * and what is used on the side that has it not is refused. The same on every device, whatever its memory.
 */
#include <string.h>

#include "check.h"
#include "refusal.h"
#include "stream/slot.h"

enum { CAPACITY = 1 << 16, ELEMENTS = 250, COPIED_BYTES = 333, PIECES = 7 };
enum { PIECE_COPY = 0, PIECE_DEQUANTIZE = 1 };

/* Copied bytes and codes by turns, as biases and weights are. */
static clq_status next_piece(void *cookie, clq_piece *piece, int *there, clq_error *error)
{
    size_t *next = cookie;
    memset(piece, 0, sizeof *piece);
    *there = *next < PIECES;
    piece->tensor = *next;
    piece->last = 1;
    piece->kind = *next % 2 == 0 ? PIECE_COPY : PIECE_DEQUANTIZE;
    piece->parts = piece->kind == PIECE_COPY ? CLQ_SLOT_COPIED : CLQ_SLOT_REAL | CLQ_SLOT_CHOSEN | CLQ_SLOT_CODES;
    piece->chunk.count = piece->kind == PIECE_COPY ? COPIED_BYTES : ELEMENTS;
    piece->chunk.parameters = piece->kind == PIECE_COPY ? 0 : 1;
    piece->real_bytes = piece->kind == PIECE_COPY ? COPIED_BYTES : ELEMENTS * sizeof(float);
    clq_quantization_init(&piece->q);
    piece->q.layout.rank = 1;
    piece->q.layout.shape[0] = ELEMENTS;
    *next += 1;
    return clq_scheme_from_preset(CLQ_PRESET_ONNX, CLQ_S8, &piece->q.scheme, error);
}

static void fill(clq_slot *slot, clq_context *context)
{
    size_t next = 0;
    int filled = 0;
    clq_feed feed = {.cookie = &next, .next = next_piece};
    clq_error error;
    check_ok(clq_slot_init(slot, context, CAPACITY, &error), &error, "clq_slot_init");
    check_ok(clq_slot_fill(slot, &feed, &filled, &error), &error, "clq_slot_fill");
    assert_int_equal(slot->count, PIECES);
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        const float scale = 0.5f;
        const int32_t zero_point = 3;
        memset(slot->memory + piece->real, (int)(i + 1), (size_t)piece->real_bytes);
        if (piece->kind == PIECE_DEQUANTIZE) {
            memcpy(slot->memory + piece->scale, &scale, sizeof scale);
            memcpy(slot->memory + piece->zero_point, &zero_point, sizeof zero_point);
            memset(slot->memory + piece->codes, (int)(i + 1), ELEMENTS);
        }
    }
}

static void check_contents(const clq_slot *slot)
{
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        for (size_t k = 0; piece->kind == PIECE_COPY && k < COPIED_BYTES; k++) {
            assert_int_equal(slot->memory[piece->real + k], i + 1);
        }
        for (size_t k = 0; piece->kind == PIECE_DEQUANTIZE && k < ELEMENTS; k++) {
            float y;
            memcpy(&y, slot->memory + piece->real + k * sizeof y, sizeof y);
            assert_true(y == 0.5f * (float)((int)(i + 1) - 3));
        }
    }
}

/* Everything is read back, what the device never had among it. */
static void copied_bytes_stay(clq_context *context)
{
    static const unsigned ALL = CLQ_SLOT_COPIED | CLQ_SLOT_REAL | CLQ_SLOT_CHOSEN | CLQ_SLOT_CODES;
    clq_error error;
    clq_slot slot;
    fill(&slot, context);
    check_ok(clq_slot_send(&slot, CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN, &error), &error, "clq_slot_send");
    check_ok(clq_slot_to_device(&slot, CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN, &error), &error, "clq_slot_to_device");
    check_ok(clq_slot_run(&slot, CLQ_OP_DEQUANTIZE, 1u << PIECE_DEQUANTIZE, &error), &error, "clq_slot_run");
    check_ok(clq_slot_to_host(&slot, ALL, &error), &error, "clq_slot_to_host");
    check_contents(&slot);
    /* And once more, with nothing that must move. */
    check_ok(clq_slot_to_device(&slot, CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN, &error), &error, "clq_slot_to_device");
    check_ok(clq_slot_run(&slot, CLQ_OP_DEQUANTIZE, 1u << PIECE_DEQUANTIZE, &error), &error, "clq_slot_run");
    check_ok(clq_slot_to_host(&slot, ALL, &error), &error, "clq_slot_to_host");
    check_contents(&slot);
    clq_slot_release(&slot);
}

static void use_on_the_wrong_side_is_refused(clq_context *context)
{
    clq_error error;
    clq_slot slot;
    const clq_piece *piece;
    fill(&slot, context);
    piece = &slot.pieces[1];
    /* An input that was never sent. */
    check_ok(clq_slot_to_device(&slot, CLQ_SLOT_CODES, &error), &error, "clq_slot_to_device");
    assert_int_equal(clq_slot_run(&slot, CLQ_OP_DEQUANTIZE, 1u << PIECE_DEQUANTIZE, &error), CLQ_UNSUPPORTED);
    assert_int_equal(clq_piece_on_device(piece, CLQ_SLOT_CODES, &error), CLQ_OK);
    assert_int_equal(clq_piece_on_device(piece, CLQ_SLOT_CHOSEN, &error), CLQ_UNSUPPORTED);
    /* A result that was never taken back, and a part that the piece does not have. */
    check_ok(clq_slot_to_device(&slot, CLQ_SLOT_CHOSEN, &error), &error, "clq_slot_to_device");
    check_ok(clq_slot_run(&slot, CLQ_OP_DEQUANTIZE, 1u << PIECE_DEQUANTIZE, &error), &error, "clq_slot_run");
    assert_int_equal(clq_piece_on_host(piece, CLQ_SLOT_REAL, &error), CLQ_UNSUPPORTED);
    assert_int_equal(clq_piece_on_host(piece, CLQ_SLOT_FOUND, &error), CLQ_UNSUPPORTED);
    check_ok(clq_slot_to_host(&slot, CLQ_SLOT_REAL, &error), &error, "clq_slot_to_host");
    assert_int_equal(clq_piece_on_host(piece, CLQ_SLOT_REAL, &error), CLQ_OK);
    check_contents(&slot);
    clq_slot_release(&slot);
}

static void on_the_reference(void **state)
{
    (void)state;
    copied_bytes_stay(check_reference());
    use_on_the_wrong_side_is_refused(check_reference());
}

static void on_the_device(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        copied_bytes_stay(check_device());
        use_on_the_wrong_side_is_refused(check_device());
    }
    check_needs_device();
}

/* A slot that has room for what a tensor takes has it in one chunk, whose parameters need no pass of their own, and no
 * more than is needed: with a parameter for each element, for a few and for all. */
static void room_for_a_tensor(void **state)
{
    static const clq_granularity granularities[] = {CLQ_PER_TENSOR, CLQ_PER_CHANNEL, CLQ_PER_GROUP};
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        clq_quantization q;
        clq_chunker whole, cut;
        uint64_t bytes;
        clq_quantization_init(&q);
        q.real = i % 2 == 0 ? CLQ_F32 : CLQ_F16;
        q.scheme.dtype = i % 4 < 2 ? CLQ_S8 : CLQ_U4;
        q.layout.rank = 2;
        q.layout.shape[0] = 400;
        q.layout.shape[1] = 390;
        q.layout.granularity = granularities[i / 4];
        q.layout.axis = 1;
        q.layout.group_size = 3;
        bytes = clq_slot_bytes_of(&q, 400 * 390);
        ACCEPTED(clq_chunker_init(&whole, &q.layout, clq_slot_limit(bytes, &q), e));
        assert_true(clq_chunks_are_final(&whole));
        ACCEPTED(clq_chunker_init(&cut, &q.layout, clq_slot_limit(bytes - bytes / 8, &q), e));
        assert_int_equal(clq_chunks_are_final(&cut), q.layout.granularity == CLQ_PER_GROUP);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(on_the_reference),
    cmocka_unit_test(on_the_device),
    cmocka_unit_test(room_for_a_tensor),
};

CHECK_MAIN("slot", tests)

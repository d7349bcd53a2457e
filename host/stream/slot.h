/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot holds a list of pieces of tensors (whole small ones, chunks of large ones) in one staging memory while a
 * device works on them: all pieces of a slot go to it and come back together, and share launches.
 *
 * The memory has parts in this order, each filled piece by piece; what a piece needs not takes no room:
 *
 *     copied    bytes that go from file to file and never to the device
 *     real      elements as in the file
 *     found     range and nonfinite, which clq_minmax writes
 *     chosen    scale and zero_point, which quantize and dequantize read
 *     codes     packed from the piece's own first element, and one byte more
 *
 * Once a slot is filled, the pieces' offsets into `memory` count.
 *
 * A device may have memory of its own, so the same bytes stand in two places. The slot knows for each part of each
 * piece where they are as they should be: what the host has filled in is on the host, what was handed over is on both,
 * what an operation has written is on the device. Only what is newer on one side ever moves to the other; an operation
 * whose input the device has not, and a host that reads what only the device has, are refused.
 */
#ifndef CLQ_HOST_STREAM_SLOT_H
#define CLQ_HOST_STREAM_SLOT_H

#include "stream/chunk.h"

enum {
    CLQ_SLOT_COPIED = 1u,
    CLQ_SLOT_REAL = 2u,
    CLQ_SLOT_FOUND = 4u,
    CLQ_SLOT_CHOSEN = 8u,
    CLQ_SLOT_CODES = 16u,
    CLQ_SLOT_PARTS = 5
};

/* Where bytes are as they should be. The host writes only to what is its own. */
typedef enum clq_part_place { CLQ_ON_HOST = 0, CLQ_ON_BOTH = 1, CLQ_ON_DEVICE = 2 } clq_part_place;

typedef struct clq_piece {
    /* Set by who adds it. */
    size_t tensor;       /* whose it is: a number that means something to the verb */
    int kind;            /* likewise */
    size_t side;         /* of those that stand side by side */
    int last;            /* the last piece of its tensor in this pass */
    unsigned parts;      /* CLQ_SLOT_... that it needs; none: it has no elements, and no operation looks at it */
    int is_given;        /* its ranges are put there by the host, and not found */
    clq_chunk chunk;     /* of a tensor that is copied, only `first` and `count` are set, in bytes */
    clq_quantization q;  /* with the chunk's layout */
    uint64_t real_bytes; /* real, or copied */
    uint64_t key;        /* of its tensor, for the sample of stream/check.h */
    uint64_t elements, inner, run; /* of the whole tensor, as in clq_chunker */
    uint64_t ahead; /* what the pieces behind it take that must stand in the same slot, by clq_piece_bytes */
    /* Bytes from the start of the slot's memory; copied bytes stand at `real`. */
    uint64_t real, range, nonfinite, scale, zero_point, codes;
    clq_part_place place[CLQ_SLOT_PARTS]; /* of each part that it needs, kept by the slot */
    /* Kept by stream/check.h: hashes of the sample of each part, or of all of `real` where `is_whole`: the piece is
     * computed again as a whole. */
    uint64_t noted[CLQ_SLOT_PARTS];
    int is_whole;
} clq_piece;

typedef struct clq_slot {
    clq_context *context;
    clq_staging *staging;
    uint8_t *memory;
    uint64_t capacity_bytes;
    clq_piece *pieces;
    size_t count, room;
    uint64_t begin[CLQ_SLOT_PARTS], bytes[CLQ_SLOT_PARTS]; /* of each part */
    clq_batch_item *items;                                 /* scratch */
    size_t item_room;
} clq_slot;

/* Bytes of one of `slots` slots that share a budget, on the context's device. */
uint64_t clq_slot_capacity(const clq_context *context, uint64_t memory_bytes, size_t slots);

/* `context` NULL: a slot that no device works on. `capacity_bytes` is one that clq_slot_capacity gave. */
clq_status clq_slot_init(clq_slot *slot, clq_context *context, uint64_t capacity_bytes, clq_error *error);
void clq_slot_release(clq_slot *slot);

/* `count` of them that share a budget; those that were made are released after a failure too. */
clq_status clq_slots_init(clq_slot *slots, size_t count, clq_context *context, uint64_t memory_bytes, clq_error *error);
void clq_slots_release(clq_slot *slots, size_t count);

/* Most elements in a chunk of a tensor laid out like `q`, so that it fits a slot of that capacity by itself. */
uint64_t clq_slot_limit(uint64_t capacity_bytes, const clq_quantization *q);

/* About the capacity by which that is `elements`. */
uint64_t clq_slot_bytes_of(const clq_quantization *q, uint64_t elements);

/* Room that a piece takes in a slot. */
uint64_t clq_piece_bytes(const clq_piece *piece);

/* Where pieces come from. */
typedef struct clq_feed {
    void *cookie;
    /* The next piece; *there = 0 when there is none. A piece within clq_slot_limit, or copied bytes within the
     * capacity.
     */
    clq_status (*next)(void *cookie, clq_piece *piece, int *there, clq_error *error);
    int pending;     /* `piece` did not fit the slot before */
    clq_piece piece; /* scratch */
} clq_feed;

/* Fill the slot with as many pieces as there is room for; *filled tells whether there was any. */
clq_status clq_slot_fill(clq_slot *slot, clq_feed *feed, int *filled, clq_error *error);

/* Begin to hand over `parts` that the host has finished, while the device works on other slots; clq_slot_to_device must
 * follow. Parts that follow one another in the memory: all from the first to the last are sent. */
clq_status clq_slot_send(clq_slot *slot, unsigned parts, clq_error *error);

/* Hand the slot to the device with what the host wrote to `parts`, and take it back with what the device wrote there;
 * with no parts, just hand it over or wait for it. */
clq_status clq_slot_to_device(clq_slot *slot, unsigned parts, clq_error *error);
clq_status clq_slot_to_host(clq_slot *slot, unsigned parts, clq_error *error);

/* Enqueue an operation on every piece whose kind is in the set `kinds` (bits 1 << kind); nothing when there is none. */
clq_status clq_slot_run(clq_slot *slot, clq_operation operation, unsigned kinds, clq_error *error);

/* Refuse unless an operation may read `parts` of the piece on the device, or the host may read them. */
clq_status clq_piece_on_device(const clq_piece *piece, unsigned parts, clq_error *error);
clq_status clq_piece_on_host(const clq_piece *piece, unsigned parts, clq_error *error);

/* Whether there is a piece of one of these kinds. */
int clq_slot_holds(const clq_slot *slot, unsigned kinds);

#endif

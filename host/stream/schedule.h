/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first stage of a pipeline over tensors: pass after pass, each over one tensor, is cut into pieces, which fill a
 * slot and are read there.
 *
 * A pass may have two sides, the same elements in two forms (codes and reals, codes in groups and in channels). Both
 * are cut at the same places, and the pieces of one cut stand in one slot, one behind the other.
 */
#ifndef CLQ_HOST_STREAM_SCHEDULE_H
#define CLQ_HOST_STREAM_SCHEDULE_H

#include "stream/check.h"

enum { CLQ_SCHEDULE_SIDES = 2 };

typedef struct clq_schedule_side {
    int kind;               /* of its pieces */
    unsigned parts;         /* likewise */
    clq_quantization q;     /* likewise; its layout is that of the tensor */
    uint64_t element_bytes; /* of what the slot has at `real` */
    int is_given;           /* as of its pieces */
} clq_schedule_side;

/* A tensor that a device works on. */
clq_schedule_side clq_schedule_work(int kind, unsigned parts, const clq_quantization *q);

/* One that none does: `elements` of that many bytes each, cut anywhere between them. */
clq_schedule_side clq_schedule_copy(int kind, uint64_t elements, uint64_t element_bytes);

typedef struct clq_pass {
    size_t tensor; /* a number that means something to the caller */
    uint64_t key;  /* clq_check_key of it */
    size_t sides;
    clq_schedule_side side[CLQ_SCHEDULE_SIDES];
    uint64_t first, count; /* elements that it goes over, `first` even; count 0: all from there on */
} clq_pass;

typedef struct clq_schedule {
    /* Set these, and all else to zero. */
    void *cookie;            /* for the functions */
    uint64_t capacity_bytes; /* of the slots */
    unsigned sends;          /* parts that are handed over once they are read */
    clq_check *check;        /* notes what was read; NULL: nothing does */
    /* The next pass; *there = 0 when there is none. */
    clq_status (*next)(void *cookie, clq_pass *pass, int *there, clq_error *error);
    clq_status (*read)(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error);
    /* Where it stands. */
    clq_pass pass;
    int open;       /* more of the pass is to come */
    uint64_t limit; /* most elements of a cut */
    uint64_t end;   /* of the pass */
    size_t side;    /* whose piece comes next */
    clq_chunker chunkers[CLQ_SCHEDULE_SIDES];
    clq_chunk chunks[CLQ_SCHEDULE_SIDES];
    clq_feed feed;
} clq_schedule;

/*
 * Fill the slot; *filled is 0 when no pass has more. A tensor without elements is one piece that needs no part and is
 * not read, so that every pass has a last piece.
 */
clq_status clq_schedule_fill(clq_schedule *schedule, clq_slot *slot, int *filled, clq_error *error);

/* Start cutting a side as its pass does by itself; for what has to be known beforehand. */
clq_status clq_schedule_cut(uint64_t capacity_bytes, const clq_schedule_side *side, clq_chunker *chunker,
                            clq_error *error);

#endif

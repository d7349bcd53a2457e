/* SPDX-License-Identifier: Apache-2.0 */
/* Which elements of a piece clq_check looks at, and how a difference is told. */
#ifndef CLQ_HOST_STREAM_CHECK_SAMPLE_H
#define CLQ_HOST_STREAM_CHECK_SAMPLE_H

#include "stream/check.h"

static inline int clq_check_is_off(const clq_check *check)
{
    return check == NULL || check->mode == CLQ_CHECK_BY_DEVICE || check->mode == CLQ_CHECK_NONE;
}

/* Elements in a row of a piece, counted from its own first. */
typedef struct clq_check_span {
    uint64_t first, count;
    int drawn; /* of the sample; else at an end of the piece */
} clq_check_span;

typedef struct clq_check_spans {
    const clq_check *check;
    const clq_piece *piece;
    int ends, is_edge;          /* where it stands */
    uint64_t block, last_block; /* of the whole tensor */
} clq_check_spans;

clq_check_spans clq_check_spans_of(const clq_check *check, const clq_piece *piece);

/* The next one, none of them empty; 0 after the last. */
int clq_check_next_span(clq_check_spans *spans, clq_check_span *span);

/* A number in [0, 2^64) that the seed, the piece's tensor and `what` decide. */
uint64_t clq_check_draw(const clq_check *check, const clq_piece *piece, uint64_t what);

/* CLQ_MISMATCH: the line goes on with what differs. */
clq_status clq_check_differ(clq_check *check, const clq_check_place *place, clq_error *error, const char *format, ...)
    CLQ_PRINTF(4, 5);

#endif

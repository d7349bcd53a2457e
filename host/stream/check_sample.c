/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/check_sample.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/size.h"

/* Elements: of which one run is drawn, in that run, and on either side of an edge. */
enum { BLOCK = 32768, RUN = 192, EDGE = 16 };

enum { ENDS = 4 };

uint64_t clq_check_key(const char *name, uint64_t batch)
{
    return XXH3_64bits_withSeed(name, strlen(name), batch);
}

uint64_t clq_check_draw(const clq_check *check, const clq_piece *piece, uint64_t what)
{
    const uint64_t key[2] = {piece->key, what};
    return XXH3_64bits_withSeed(key, sizeof key, check->seed);
}

clq_check_spans clq_check_spans_of(const clq_check *check, const clq_piece *piece)
{
    const uint64_t first = piece->chunk.first;
    const clq_check_spans spans = {check, piece, 0, 0, first / BLOCK, (first + piece->chunk.count + EDGE) / BLOCK};
    return spans;
}

/* What of [first, last) of the whole tensor lies in the piece; returns 0 for nothing. */
static int clip(const clq_piece *piece, uint64_t first, uint64_t last, clq_check_span *span)
{
    const uint64_t begin = clq_size_max(first, piece->chunk.first);
    const uint64_t end = clq_size_min(last, piece->chunk.first + piece->chunk.count);
    if (begin >= end) {
        return 0;
    }
    *span = (clq_check_span){begin - piece->chunk.first, end - begin, 1};
    return 1;
}

/* The first element from `at` on that begins a run of elements that share a parameter. */
static uint64_t next_run(const clq_piece *piece, uint64_t at)
{
    const uint64_t row = at / piece->inner * piece->inner;
    const uint64_t column = at - row;
    return row + clq_size_min(clq_size_divide_up(column, piece->run) * piece->run, piece->inner);
}

/* An end of a channel or group in the block: the next one after some place in it, or the block's first. */
static uint64_t edge_in(const clq_piece *piece, uint64_t block, uint64_t drawn)
{
    const uint64_t edge = next_run(piece, block * BLOCK + drawn % BLOCK);
    return edge / BLOCK == block ? edge : next_run(piece, block * BLOCK);
}

/* Two for each block: a run, and an edge. */
static int next_of_block(clq_check_spans *spans, clq_check_span *span)
{
    while (spans->block <= spans->last_block) {
        const uint64_t block = spans->block;
        const uint64_t drawn = clq_check_draw(spans->check, spans->piece, block);
        spans->is_edge = !spans->is_edge;
        if (spans->is_edge) {
            const uint64_t run = block * BLOCK + (drawn & UINT32_MAX) % (BLOCK - RUN + 1);
            if (clip(spans->piece, run, run + RUN, span)) {
                return 1;
            }
        } else {
            const uint64_t edge = edge_in(spans->piece, block, drawn >> 32);
            spans->block += 1;
            if (edge / BLOCK == block && clip(spans->piece, edge - clq_size_min(edge, EDGE), edge + EDGE, span)) {
                return 1;
            }
        }
    }
    return 0;
}

/* The ends: of the piece, which are not counted, since they are where the memory has them, and of the tensor. */
static int next_end(clq_check_spans *spans, clq_check_span *span)
{
    const clq_piece *piece = spans->piece;
    const uint64_t first = piece->chunk.first;
    const uint64_t last = first + piece->chunk.count;
    const uint64_t ends[ENDS][2] = {{first, first + EDGE},
                                    {last - clq_size_min(last, EDGE), last},
                                    {0, EDGE},
                                    {clq_size_max(piece->elements, 2 * EDGE) - EDGE, piece->elements}};
    while (spans->ends < ENDS) {
        const int end = spans->ends++;
        if (clip(piece, ends[end][0], ends[end][1], span)) {
            span->drawn = end >= 2;
            return 1;
        }
    }
    return 0;
}

int clq_check_next_span(clq_check_spans *spans, clq_check_span *span)
{
    if (spans->check->mode == CLQ_CHECK_ALL) {
        *span = (clq_check_span){0, spans->piece->chunk.count, 1};
        return spans->ends++ == 0 && span->count > 0;
    }
    return next_end(spans, span) || next_of_block(spans, span);
}

clq_status clq_check_differ(clq_check *check, const clq_check_place *place, clq_error *error, const char *format, ...)
{
    char path[200];
    char name[200];
    char what[400];
    char again[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    clq_printable(path, sizeof path, place->path, strlen(place->path));
    clq_printable(name, sizeof name, place->name, strlen(place->name));
    snprintf(again, sizeof again, check->mode == CLQ_CHECK_ALL ? "all" : "sample --check-seed %" PRIu64, check->seed);
    atomic_store(&check->found, 1);
    return clq_fail(error, CLQ_MISMATCH, "--check: %s: tensor '%s': %s%s (again with --check %s)", path, name, what,
                    check->writes ? "; nothing was written" : "", again);
}

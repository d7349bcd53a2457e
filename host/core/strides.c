/* SPDX-License-Identifier: Apache-2.0 */
#include "core/strides.h"

#include <inttypes.h>
#include <string.h>

#include "core/layout.h"

/* ---- places ---- */

static int has_strides(const clq_layout *layout, const clq_strides *strides)
{
    for (uint32_t i = 0; i < layout->rank; i++) {
        if (strides->stride[i] != 0) {
            return 1;
        }
    }
    return 0;
}

/* Indices of dimension i that have a stride: of one in blocks, blocks. */
static uint64_t extent_of(const clq_places *p, uint32_t i)
{
    return p->block > 1 && i == p->axis ? clq_size_divide_up(p->shape[i], p->block) : p->shape[i];
}

/* Dense strides of what has elements: each product divides their number, or, of ragged blocks, is less than `block`
 * times that. */
clq_places clq_places_of(const clq_layout *layout, const clq_strides *strides)
{
    const int is_given = has_strides(layout, strides);
    clq_places p;
    uint64_t dense;
    memset(&p, 0, sizeof p);
    p.rank = layout->rank;
    memcpy(p.shape, layout->shape, sizeof p.shape);
    memcpy(p.stride, strides->stride, sizeof p.stride);
    p.axis = strides->axis;
    p.block = clq_size_max(strides->block, 1);
    p.lane = is_given ? strides->lane : 1;
    p.is_dense = p.block == 1;
    dense = p.block;
    for (uint32_t i = p.rank; i-- > 0;) {
        p.stride[i] = is_given ? p.stride[i] : dense;
        p.is_dense = p.is_dense && (p.shape[i] <= 1 || p.stride[i] == dense);
        dense *= clq_size_max(extent_of(&p, i), 1);
    }
    return p;
}

int clq_strides_are_dense(const clq_layout *layout, const clq_strides *strides)
{
    return clq_places_of(layout, strides).is_dense;
}

static uint64_t place_of_index(const clq_places *p, uint32_t d, uint64_t index)
{
    return p->block > 1 && d == p->axis ? index / p->block * p->stride[d] + index % p->block * p->lane
                                        : index * p->stride[d];
}

/* Divisions are what this costs: none by 1, none where only 0 is left, none for the first dimension. */
uint64_t clq_place_by_shape(const clq_places *p, uint64_t i)
{
    uint64_t place = 0;
    for (uint32_t d = p->rank; d > 1 && i > 0; d--) {
        if (p->shape[d - 1] != 1) {
            place += place_of_index(p, d - 1, i % p->shape[d - 1]);
            i /= p->shape[d - 1];
        }
    }
    return place + place_of_index(p, 0, i);
}

/* ---- checks ---- */

/* Indices that are a stride apart. */
typedef struct spread {
    uint64_t extent, stride;
    uint32_t dimension;
    int is_lane;
} spread;

/* Those of more than one index, with the lanes of blocks, by growing stride; returns how many. */
static size_t list_spreads(const clq_places *p, spread list[CLQ_MAX_RANK + 1])
{
    size_t count = 0;
    for (uint32_t i = 0; i <= p->rank; i++) {
        const int is_lane = i == p->rank;
        const spread s =
            is_lane ? (spread){p->block > 1 ? clq_size_min(p->block, p->shape[p->axis]) : 1, p->lane, p->axis, 1}
                    : (spread){extent_of(p, i), p->stride[i], i, 0};
        size_t at = count;
        if (s.extent <= 1) {
            continue;
        }
        for (; at > 0 && list[at - 1].stride > s.stride; at--) {
            list[at] = list[at - 1];
        }
        list[at] = s;
        count++;
    }
    return count;
}

/* Nested strides: each lies beyond all that the smaller ones reach. */
static clq_status measure(const clq_places *p, const char *name, uint64_t *span, clq_error *error)
{
    spread list[CLQ_MAX_RANK + 1];
    const size_t count = list_spreads(p, list);
    *span = 1;
    for (size_t i = 0; i < count; i++) {
        const spread *s = &list[i];
        const char *what = s->is_lane ? "the lane of the blocks of dimension" : "the stride of dimension";
        uint64_t reach;
        CLQ_REQUIRE(s->stride >= *span,
                    "%s: %s %" PRIu32 " is %" PRIu64 " for %" PRIu64 " indices, %" PRIu64
                    " or more is needed: so far reach the elements of smaller strides",
                    name, what, s->dimension, s->stride, s->extent, *span);
        CLQ_REQUIRE(clq_size_multiply(s->extent - 1, s->stride, &reach) && reach <= INT64_MAX - *span,
                    "%s: %s %" PRIu32 " is %" PRIu64 " for %" PRIu64 " indices: beyond 63 bits", name, what,
                    s->dimension, s->stride, s->extent);
        *span += reach;
    }
    return CLQ_OK;
}

/* No byte of two codes may be shared with what lies between rows. */
static clq_status check_nibbles(const clq_places *p, const char *name, clq_error *error)
{
    const uint32_t last = p->rank == 0 ? 0 : p->rank - 1;
    CLQ_REQUIRE(p->block <= 1, "%s: blocks of 4-bit codes are not possible, %" PRIu64 " was given", name, p->block);
    CLQ_REQUIRE(p->rank > 0 && p->stride[last] == 1 && p->shape[last] % 2 == 0,
                "%s: the last dimension has %" PRIu64 " elements with stride %" PRIu64
                ", 4-bit codes need an even number with stride 1",
                name, p->shape[last], p->stride[last]);
    for (uint32_t i = 0; i < last; i++) {
        CLQ_REQUIRE(p->shape[i] <= 1 || p->stride[i] % 2 == 0,
                    "%s: the stride of dimension %" PRIu32 " is %" PRIu64 ", 4-bit codes need an even one", name, i,
                    p->stride[i]);
    }
    return CLQ_OK;
}

clq_status clq_strides_check(const clq_layout *layout, const clq_strides *strides, const char *name, uint32_t bits,
                             uint64_t *span, clq_error *error)
{
    clq_geometry geometry;
    clq_places places;
    clq_layout shape = *layout;
    shape.granularity = CLQ_PER_TENSOR;
    CLQ_TRY(clq_geometry_of(&shape, &geometry, error));
    *span = geometry.elements;
    CLQ_REQUIRE(strides->block <= 1 || strides->axis < layout->rank,
                "%s: axis is %" PRIu32 ", blocks of a tensor of rank %" PRIu32 " need less", name, strides->axis,
                layout->rank);
    CLQ_REQUIRE(geometry.elements <= INT64_MAX / clq_size_max(strides->block, 1),
                "%s: %" PRIu64 " elements in blocks of %" PRIu32 " are beyond 63 bits", name, geometry.elements,
                strides->block);
    places = clq_places_of(layout, strides);
    if (geometry.elements == 0 || places.is_dense) {
        return CLQ_OK;
    }
    if (bits == 4) {
        CLQ_TRY(check_nibbles(&places, name, error));
    }
    return measure(&places, name, span, error);
}

clq_status clq_strides_span(const clq_layout *layout, const clq_strides *strides, uint64_t *elements, clq_error *error)
{
    CLQ_REQUIRE(layout != NULL && strides != NULL && elements != NULL,
                "clq_strides_span: layout, strides and elements must not be NULL");
    return clq_strides_check(layout, strides, "strides", 0, elements, error);
}

/* ---- runs ---- */

static int is_blocked(const clq_places *p, uint32_t dimension)
{
    return p->block > 1 && dimension == p->axis;
}

static void set_side(const clq_places *p, clq_run_side *side, uint32_t from, uint32_t to)
{
    side->strides[to] = p->stride[from];
    if (is_blocked(p, from)) {
        side->blocked = to;
        side->block = p->block;
        side->lane = p->lane;
    }
}

/* Each stride is that of a dense tensor of these runs or more; blocks may put an index before another's place. */
static int is_ordered(const clq_runs *r, const clq_run_side *side)
{
    uint64_t dense = r->run;
    for (uint32_t i = r->dimensions; i-- > 0;) {
        if (side->strides[i] < dense) {
            return 0;
        }
        dense *= r->extents[i];
    }
    return side->block <= 1;
}

/* Whether dimension `d` continues what lies inside it, `extent` indices from dimension `inner` on. */
static int goes_on(const clq_places *p, uint32_t d, uint32_t inner, uint64_t extent)
{
    return !is_blocked(p, d) && !is_blocked(p, inner) && p->stride[d] == p->stride[inner] * extent;
}

/* Dimensions that a single step serves on both sides are one; of one index, none. From the innermost on: returns how
 * many, with the innermost of each and their indices. */
static uint32_t merge(const clq_places *l, const clq_places *r, uint32_t inner[CLQ_MAX_RANK],
                      uint64_t extents[CLQ_MAX_RANK])
{
    uint32_t count = 0;
    for (uint32_t d = l->rank; d-- > 0;) {
        if (l->shape[d] == 1) {
            continue;
        }
        if (count > 0 && goes_on(l, d, inner[count - 1], extents[count - 1]) &&
            goes_on(r, d, inner[count - 1], extents[count - 1])) {
            extents[count - 1] *= l->shape[d];
        } else {
            inner[count] = d;
            extents[count++] = l->shape[d];
        }
    }
    return count;
}

void clq_runs_of(const clq_layout *layout, uint64_t elements, const clq_strides *left, const clq_strides *right,
                 clq_runs *runs)
{
    const clq_places l = clq_places_of(layout, left);
    const clq_places r = clq_places_of(layout, right);
    uint32_t inner[CLQ_MAX_RANK];
    uint64_t extents[CLQ_MAX_RANK];
    const uint32_t count = elements > 0 ? merge(&l, &r, inner, extents) : 0;
    const uint32_t first = count > 0 && !is_blocked(&l, inner[0]) && !is_blocked(&r, inner[0]);
    memset(runs, 0, sizeof *runs);
    runs->run = first == 1 ? extents[0] : 1;
    runs->count = elements / runs->run;
    runs->left.step = first == 1 ? l.stride[inner[0]] : 1;
    runs->right.step = first == 1 ? r.stride[inner[0]] : 1;
    runs->left.block = runs->right.block = 1;
    for (uint32_t i = count; i-- > first; runs->dimensions++) {
        runs->extents[runs->dimensions] = extents[i];
        set_side(&l, &runs->left, inner[i], runs->dimensions);
        set_side(&r, &runs->right, inner[i], runs->dimensions);
    }
    runs->left.is_ordered = is_ordered(runs, &runs->left);
    runs->right.is_ordered = is_ordered(runs, &runs->right);
}

uint64_t clq_run_place(const clq_runs *runs, const clq_run_side *side, uint64_t number)
{
    uint64_t place = 0;
    for (uint32_t d = runs->dimensions; d-- > 0;) {
        const uint64_t index = number % runs->extents[d];
        number /= runs->extents[d];
        place += side->block > 1 && d == side->blocked
                     ? index / side->block * side->strides[d] + index % side->block * side->lane
                     : index * side->strides[d];
    }
    return place;
}

/* ---- bytes ---- */

/* Nested strides of a side, the smallest first, in half bytes. */
typedef struct nest {
    spread list[CLQ_MAX_RANK + 1];
    uint64_t reach[CLQ_MAX_RANK + 2]; /* of so many of them */
    size_t count;
} nest;

static nest nest_of(const clq_placed *side)
{
    const clq_places places = clq_places_of(side->layout, side->strides);
    const uint64_t unit = side->bits / 4;
    nest n;
    memset(&n, 0, sizeof n);
    n.count = list_spreads(&places, n.list);
    n.reach[0] = unit;
    for (size_t i = 0; i < n.count; i++) {
        n.list[i].stride *= unit; /* spans of buffers, whose bytes are counted in 64 bits, or in half bytes in 65 */
        n.reach[i + 1] = n.reach[i] + (n.list[i].extent - 1) * n.list[i].stride;
    }
    return n;
}

/*
 * Whether what the `depth` smallest strides reach has a part of [first, end). Of the pieces of the greatest one those
 * that end behind `first`, from the first on: one that begins within has its first element there, so no more than two
 * are looked into.
 */
static int nest_touches(const nest *n, size_t depth, uint64_t first, uint64_t end)
{
    const spread *s;
    if (depth == 0 || first >= n->reach[depth]) {
        return first < n->reach[depth];
    }
    s = &n->list[depth - 1];
    for (uint64_t i = first < n->reach[depth - 1] ? 0 : (first - n->reach[depth - 1]) / s->stride + 1;
         i < s->extent && i * s->stride < end; i++) {
        const uint64_t begin = i * s->stride;
        if (nest_touches(n, depth - 1, first > begin ? first - begin : 0, end - begin)) {
            return 1;
        }
    }
    return 0;
}

/* Half bytes [first, first + length) of one side. */
static int touches(const nest *n, uint64_t begin, uint64_t first, uint64_t length)
{
    return first + length > begin &&
           nest_touches(n, n->count, first > begin ? first - begin : 0, first + length - begin);
}

int clq_placed_overlap(const clq_placed *a, const clq_placed *b)
{
    const uint64_t base = clq_size_min(a->first, b->first);
    const uint64_t begin = 2 * (b->first - base);
    const uint64_t unit = a->bits / 4;
    const nest n = nest_of(b);
    clq_geometry geometry;
    clq_layout shape = *a->layout;
    clq_runs runs;
    uint64_t pieces;
    shape.granularity = CLQ_PER_TENSOR;
    (void)clq_geometry_of(&shape, &geometry, NULL);
    clq_runs_of(a->layout, geometry.elements, a->strides, a->strides, &runs);
    pieces = runs.left.step == 1 ? 1 : runs.run;
    for (uint64_t i = 0; i < runs.count; i++) {
        const uint64_t first = 2 * (a->first - base) + clq_run_place(&runs, &runs.left, i) * unit;
        for (uint64_t j = 0; j < pieces; j++) {
            if (touches(&n, begin, first + j * runs.left.step * unit, runs.run / pieces * unit)) {
                return 1;
            }
        }
    }
    return 0;
}

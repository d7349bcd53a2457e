/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks tile a tensor exactly, and each element keeps its parameter, whatever the shape and the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/chunk.h"

/* The parameter of element `index`, straight from the definition: by its coordinates. */
static uint64_t parameter_of(const clq_layout *layout, uint64_t index)
{
    uint64_t coordinate[CLQ_MAX_RANK] = {0};
    for (uint32_t d = layout->rank; d-- > 0;) {
        coordinate[d] = index % layout->shape[d];
        index /= layout->shape[d];
    }
    if (layout->granularity == CLQ_PER_TENSOR || layout->rank == 0) {
        return 0;
    }
    if (layout->granularity == CLQ_PER_CHANNEL) {
        return coordinate[layout->axis];
    } else {
        const uint32_t axis = layout->granularity == CLQ_PER_BLOCK ? layout->axis : layout->rank - 1;
        uint64_t parameter = 0;
        for (uint32_t d = 0; d < layout->rank; d++) {
            const uint64_t size = d == axis ? layout->group_size : 1;
            parameter = parameter * ((layout->shape[d] + size - 1) / size) + coordinate[d] / size;
        }
        return parameter;
    }
}

/* Everything a chunk promises, for one layout and one limit. */
static void check_tiling(const clq_layout *layout, uint64_t limit)
{
    clq_chunker chunker;
    clq_chunk chunk;
    uint64_t elements = 0;
    uint64_t parameters = 0;
    uint64_t next = 0;
    uint64_t next_parameter = 0;
    int shared = 0; /* a parameter has elements in two chunks */
    clq_error error;
    assert_int_equal(clq_layout_count(layout, &elements, &parameters, &error), CLQ_OK);
    assert_int_equal(clq_chunker_init(&chunker, layout, limit, &error), CLQ_OK);
    while (clq_chunker_next(&chunker, &chunk)) {
        uint64_t chunk_elements = 0;
        uint64_t chunk_parameters = 0;
        assert_int_equal(chunk.first, next);
        assert_true(chunk.count > 0 && chunk.count <= limit);
        assert_int_equal(clq_layout_count(&chunk.layout, &chunk_elements, &chunk_parameters, &error), CLQ_OK);
        assert_int_equal(chunk_elements, chunk.count);
        assert_int_equal(chunk_parameters, chunk.parameters);
        assert_true(chunk.first_parameter + chunk.parameters <= parameters);
        shared |= chunk.first_parameter < next_parameter;
        next_parameter = chunk.first_parameter + chunk.parameters;
        for (uint64_t i = 0; i < chunk.count; i++) {
            const uint64_t whole = parameter_of(layout, chunk.first + i);
            assert_int_equal(chunk.first_parameter + parameter_of(&chunk.layout, i), whole);
            assert_int_equal(clq_chunk_parameter_of(&chunker, chunk.first + i), whole);
        }
        next += chunk.count;
    }
    assert_int_equal(next, elements);
    assert_true(elements == 0 || clq_chunks_are_final(&chunker) == !shared);
    assert_false(clq_chunker_next(&chunker, &chunk));
}

static void check_all_limits(const clq_layout *layout)
{
    for (uint64_t limit = 1; limit <= 40; limit++) {
        check_tiling(layout, limit);
    }
    check_tiling(layout, 1000000);
    check_tiling(layout, UINT64_MAX);
}

static clq_layout layout_of(uint32_t rank, const uint64_t *shape)
{
    clq_layout layout;
    memset(&layout, 0, sizeof layout);
    layout.rank = rank;
    for (uint32_t d = 0; d < rank; d++) {
        layout.shape[d] = shape[d];
    }
    layout.group_size = 128;
    return layout;
}

static const struct {
    uint32_t rank;
    uint64_t shape[CLQ_MAX_RANK];
} SHAPES[] = {
    {0, {0}},
    {1, {1}},
    {1, {2}},
    {1, {7}},
    {1, {64}},
    {1, {129}},
    {2, {1, 1}},
    {2, {1, 9}},
    {2, {9, 1}},
    {2, {5, 7}},
    {2, {8, 16}},
    {2, {3, 100}},
    {2, {100, 3}},
    {3, {2, 3, 5}},
    {3, {4, 1, 6}},
    {3, {1, 5, 3}},
    {3, {7, 5, 1}},
    {4, {2, 3, 3, 3}},
    {4, {3, 4, 1, 2}},
    {4, {1, 1, 1, 11}},
    {5, {2, 1, 3, 2, 3}},
    {8, {1, 2, 1, 3, 1, 2, 1, 2}},
};

enum { SHAPE_COUNT = sizeof SHAPES / sizeof SHAPES[0] };

static void per_tensor(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        const clq_layout layout = layout_of(SHAPES[i].rank, SHAPES[i].shape);
        check_all_limits(&layout);
    }
}

static void per_channel(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        for (uint32_t axis = 0; axis < SHAPES[i].rank; axis++) {
            clq_layout layout = layout_of(SHAPES[i].rank, SHAPES[i].shape);
            layout.granularity = CLQ_PER_CHANNEL;
            layout.axis = axis;
            check_all_limits(&layout);
        }
    }
}

static void per_group(void **state)
{
    static const uint64_t SIZES[] = {1, 2, 3, 4, 5, 8, 32, 128, UINT64_MAX / 2};
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        for (size_t g = 0; g < sizeof SIZES / sizeof SIZES[0] && SHAPES[i].rank > 0; g++) {
            clq_layout layout = layout_of(SHAPES[i].rank, SHAPES[i].shape);
            layout.granularity = CLQ_PER_GROUP;
            layout.group_size = SIZES[g];
            check_all_limits(&layout);
        }
    }
}

static void per_block(void **state)
{
    static const uint64_t SIZES[] = {1, 2, 3, 4, 5, 8, 32, UINT64_MAX / 2};
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        for (size_t g = 0; g < sizeof SIZES / sizeof SIZES[0]; g++) {
            for (uint32_t axis = 0; axis < SHAPES[i].rank; axis++) {
                clq_layout layout = layout_of(SHAPES[i].rank, SHAPES[i].shape);
                layout.granularity = CLQ_PER_BLOCK;
                layout.axis = axis;
                layout.group_size = SIZES[g];
                check_all_limits(&layout);
            }
        }
    }
}

static void nothing_to_cut(void **state)
{
    static const uint64_t EMPTY[] = {3, 0, 2};
    const clq_layout layout = layout_of(3, EMPTY);
    clq_chunker chunker;
    clq_chunk chunk;
    (void)state;
    assert_int_equal(clq_chunker_init(&chunker, &layout, 10, NULL), CLQ_OK);
    assert_false(clq_chunker_next(&chunker, &chunk));
    assert_int_equal(clq_chunker_init(&chunker, &layout, 0, NULL), CLQ_INVALID_ARGUMENT);
}

/* With units of an even size, or more than one unit in a chunk, no chunk starts inside a byte of 4-bit codes. */
static void starts_are_even_where_possible(void **state)
{
    static const uint64_t SHAPE[] = {50, 7};
    (void)state;
    for (uint64_t limit = 14; limit < 200; limit++) {
        clq_layout layout = layout_of(2, SHAPE);
        clq_chunker chunker;
        clq_chunk chunk;
        layout.granularity = CLQ_PER_CHANNEL;
        assert_int_equal(clq_chunker_init(&chunker, &layout, limit, NULL), CLQ_OK);
        while (clq_chunker_next(&chunker, &chunk)) {
            assert_int_equal(chunk.first % 2, 0);
        }
    }
}

/* A stream of nibbles cut at any place, packed piece by piece and joined, is the stream; and back. */
static void nibbles_join_and_split(void **state)
{
    enum { TOTAL = 23 };
    (void)state;
    for (uint64_t cut = 0; cut <= TOTAL; cut++) {
        uint8_t whole[TOTAL / 2 + 1] = {0};
        uint8_t piece[TOTAL / 2 + 2] = {0};
        uint8_t joined[TOTAL / 2 + 2] = {0};
        const uint64_t count = TOTAL - cut;
        for (uint64_t i = 0; i < TOTAL; i++) {
            const unsigned code = (unsigned)(i * 7 + 3) & 15u;
            whole[i / 2] = (uint8_t)(whole[i / 2] | (i % 2 != 0 ? code << 4 : code));
            if (i >= cut) {
                const uint64_t j = i - cut;
                piece[j / 2] = (uint8_t)(piece[j / 2] | (j % 2 != 0 ? code << 4 : code));
            }
        }
        memcpy(joined, piece, sizeof joined);
        if (cut % 2 != 0) {
            clq_nibbles_join(joined, count, whole[cut / 2] & 15u);
        }
        assert_memory_equal(joined, whole + cut / 2, sizeof whole - cut / 2);
        if (cut % 2 != 0) {
            clq_nibbles_split(joined, count);
        }
        assert_memory_equal(joined, piece, (count + 1) / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(per_tensor),
        cmocka_unit_test(per_channel),
        cmocka_unit_test(per_group),
        cmocka_unit_test(per_block),
        cmocka_unit_test(nothing_to_cut),
        cmocka_unit_test(starts_are_even_where_possible),
        cmocka_unit_test(nibbles_join_and_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

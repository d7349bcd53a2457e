/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors around what kernels take at once: vectors of 4 and 16, blocks of 32 of these, strips of 256 vectors, groups
 * of 64 and 128 work-items, lines of 128 and 256 columns, and what a work-item keeps in its write buffer.
 */
#include "verify/item.h"

#define TENSOR(n)                                                                                                      \
    {                                                                                                                  \
        {1, 1, n}, CLQ_PER_TENSOR, 0, 0                                                                                \
    }
#define CHANNEL(a, b, c, axis)                                                                                         \
    {                                                                                                                  \
        {a, b, c}, CLQ_PER_CHANNEL, axis, 0                                                                            \
    }
#define GROUP(rows, row, group)                                                                                        \
    {                                                                                                                  \
        {rows, 1, row}, CLQ_PER_GROUP, 0, group                                                                        \
    }
/* Groups of `group` lines of `row` elements. */
#define BLOCK(slabs, lines, row, group)                                                                                \
    {                                                                                                                  \
        {slabs, lines, row}, CLQ_PER_BLOCK, 1, group                                                                   \
    }

/* Each extent has those of the ones before it too. */
static const clq_trial_shape quick[] = {
    TENSOR(0),
    TENSOR(1),
    TENSOR(15),
    TENSOR(257),
    TENSOR(4099),
    TENSOR(20001),
    CHANNEL(1, 1, 5, 2),
    CHANNEL(10, 3, 2, 1),
    CHANNEL(37, 1, 19, 2),
    CHANNEL(17, 1, 33, 0),
    CHANNEL(3, 4, 20, 1),
    CHANNEL(4, 700, 1, 1),
    CHANNEL(2, 5, 250, 1),
    CHANNEL(300, 1, 3, 2),
    CHANNEL(37, 1, 544, 2),
    CHANNEL(2, 520, 20, 1),
    GROUP(3, 15, 16),
    GROUP(2, 64, 1),
    GROUP(7, 33, 7),
    GROUP(5, 300, 76),
    GROUP(3, 2500, 28),
    BLOCK(3, 7, 5, 3),
    BLOCK(2, 40, 34, 16),
    BLOCK(1, 22, 520, 20),
};
static const clq_trial_shape standard[] = {
    TENSOR(2),
    TENSOR(3),
    TENSOR(4),
    TENSOR(5),
    TENSOR(7),
    TENSOR(8),
    TENSOR(16),
    TENSOR(17),
    TENSOR(31),
    TENSOR(33),
    TENSOR(63),
    TENSOR(64),
    TENSOR(65),
    TENSOR(127),
    TENSOR(128),
    TENSOR(129),
    TENSOR(255),
    TENSOR(256),
    TENSOR(511),
    TENSOR(513),
    TENSOR(1023),
    TENSOR(1025),
    TENSOR(2047),
    TENSOR(4095),
    TENSOR(4096),
    TENSOR(4097),
    TENSOR(8193),
    TENSOR(65537),
    CHANNEL(1, 1, 1, 2),
    CHANNEL(1, 0, 3, 1),
    CHANNEL(2, 2, 2, 0),
    CHANNEL(3, 7, 1, 1),
    CHANNEL(9, 1, 41, 0),
    CHANNEL(5, 6, 7, 2),
    CHANNEL(5, 6, 7, 0),
    CHANNEL(4, 16, 16, 1),
    CHANNEL(4, 15, 17, 1),
    CHANNEL(6, 33, 8, 2),
    CHANNEL(1, 129, 4, 1),
    CHANNEL(64, 2, 31, 1),
    CHANNEL(130, 1, 128, 2),
    CHANNEL(129, 1, 127, 2),
    CHANNEL(20, 100, 3, 1),
    CHANNEL(38, 1, 544, 2),
    CHANNEL(2, 150, 20, 1),
    CHANNEL(20, 520, 3, 1),
    CHANNEL(257, 1, 65, 0),
    CHANNEL(3, 2, 4097, 1),
    GROUP(1, 1, 1),
    GROUP(4, 8, 2),
    GROUP(5, 21, 3),
    GROUP(3, 70, 8),
    GROUP(3, 71, 8),
    GROUP(2, 100, 15),
    GROUP(2, 100, 17),
    GROUP(9, 64, 32),
    GROUP(4, 130, 33),
    GROUP(3, 513, 64),
    GROUP(2, 1000, 128),
    GROUP(2, 1001, 127),
    GROUP(3, 2500, 76),
    GROUP(130, 129, 43),
    GROUP(3, 2101, 700),
    GROUP(2, 9001, 4000),
    CHANNEL(2, 1300, 31, 1),
    BLOCK(1, 2, 2, 2),
    BLOCK(5, 6, 7, 4),
    BLOCK(4, 9, 16, 4),
    BLOCK(4, 9, 17, 4),
    BLOCK(2, 64, 128, 32),
    BLOCK(2, 65, 127, 32),
    BLOCK(130, 5, 6, 2),
    BLOCK(1, 300, 3, 130),
    BLOCK(2, 50, 3, 1000),
    BLOCK(1, 9, 2049, 8),
};
static const clq_trial_shape large[] = {
    TENSOR(131071),           TENSOR(131073),        TENSOR(1000003),          CHANNEL(3, 1000, 257, 1),
    CHANNEL(3000, 1, 257, 2), GROUP(33, 16385, 128), BLOCK(3, 1000, 257, 128),
};

static const clq_trial_shape deep[] = {
    {{2, 2, 2, 2, 2, 2, 2, 6}, CLQ_PER_CHANNEL, 2, 0},
    {{2, 2, 2, 2, 2, 2, 2, 7}, CLQ_PER_GROUP, 0, 3},
};

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof(list)[0]))

/* Of a full run: every length up to 300, every width of columns up to 70, groups of every size up to 40, along the last
 * axis and another. */
enum { LENGTHS = 300, WIDTHS = 70, GROUP_SIZES = 40 };

static int sweep(uint32_t number, clq_trial_shape *shape)
{
    if (number < LENGTHS) {
        *shape = (clq_trial_shape){{1, number + 1, 1}, CLQ_PER_TENSOR, 0, 0}; /* by another name than those above */
    } else if (number < LENGTHS + WIDTHS) {
        *shape = (clq_trial_shape)CHANNEL(23, 1, number - LENGTHS + 1, 2);
    } else if (number < LENGTHS + 2 * WIDTHS) {
        *shape = (clq_trial_shape)CHANNEL(5, 11, number - LENGTHS - WIDTHS + 1, 1);
    } else if (number < LENGTHS + 2 * WIDTHS + GROUP_SIZES) {
        *shape = (clq_trial_shape)GROUP(5, 139, number - LENGTHS - 2 * WIDTHS + 1);
    } else if (number < LENGTHS + 2 * WIDTHS + 2 * GROUP_SIZES) {
        *shape = (clq_trial_shape)BLOCK(2, 83, 13, number - LENGTHS - 2 * WIDTHS - GROUP_SIZES + 1);
    } else {
        return 0;
    }
    return 1;
}

int clq_verify_shape(clq_verify_extent extent, uint32_t number, clq_trial_shape *shape)
{
    if (number < COUNT(quick)) {
        *shape = quick[number];
        return 1;
    }
    number -= COUNT(quick);
    if (number < COUNT(standard) && extent >= CLQ_VERIFY_STANDARD) {
        *shape = standard[number];
        return 1;
    }
    number -= COUNT(standard);
    if (number < COUNT(large) && extent >= CLQ_VERIFY_FULL) {
        *shape = large[number];
        return 1;
    }
    return extent >= CLQ_VERIFY_FULL && number >= COUNT(large) && sweep(number - COUNT(large), shape);
}

int clq_verify_deep_shape(uint32_t number, clq_trial_shape *shape)
{
    if (number >= COUNT(deep)) {
        return 0;
    }
    *shape = deep[number];
    return 1;
}

/* None goes on where the one inside of it ends. */
static void nest(const clq_trial_shape *shape, clq_strides *strides, uint64_t last)
{
    uint64_t stride = last;
    for (uint32_t d = CLQ_MAX_RANK; d-- > 0;) {
        strides->stride[d] = stride;
        stride = stride * shape->shape[d] + 2 + stride * shape->shape[d] % 2;
    }
}

/* In runs of elements, or in none: as blocks of two along the last dimension. */
static void deep_strides(const clq_trial_shape *shape, clq_strides *reals, clq_strides *codes)
{
    const int is_in_blocks = shape->shape[CLQ_MAX_RANK - 1] % 2 != 0;
    *reals = is_in_blocks ? (clq_strides){.axis = CLQ_MAX_RANK - 1, .block = 2, .lane = 1} : (clq_strides){.axis = 0};
    *codes = (clq_strides){.axis = 0};
    nest(shape, reals, is_in_blocks ? 3 : 1);
    nest(shape, codes, 1);
}

/* Codes lie in rows of an even pitch, which 4-bit ones take where a row has an even length. */
void clq_verify_strides(const clq_trial_shape *shape, clq_strides *reals, clq_strides *codes)
{
    const uint64_t slabs = shape->shape[0];
    const uint64_t rows = shape->shape[1];
    const uint64_t columns = shape->shape[2];
    const uint64_t pitch = columns + 3;
    const uint64_t even = columns + 2 + columns % 2;
    if (shape->shape[CLQ_MAX_RANK - 1] != 0) {
        deep_strides(shape, reals, codes);
        return;
    }
    *codes = (clq_strides){.stride = {rows * even + 4, even, 1}};
    switch ((slabs + rows + columns) % 4) {
    case 0:
        *reals = (clq_strides){.stride = {rows * pitch + 5, pitch, 1}};
        break;
    case 1:
        *reals = (clq_strides){.stride = {pitch, slabs * pitch, 1}};
        break;
    case 2:
        *reals = (clq_strides){.stride = {2 * rows * pitch, 2 * pitch, 2}};
        break;
    default:
        *reals = (clq_strides){.axis = 1, .block = 4};
        break;
    }
}

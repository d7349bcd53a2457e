/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups along any axis: they are the groups of the last axis of the tensor that has this axis moved to the end, and
 * along the last axis they are those by another name. Every operation on the reference, the device and the oracle; more
 * of that is wherever inputs_layout is (tests/inputs.c).
 */
#include <stdlib.h>
#include <string.h>

#include "core/layout.h"
#include "inputs.h"

static const struct {
    uint32_t rank;
    uint64_t shape[4];
} shapes[] = {
    {1, {1}},          {1, {40}},      {2, {12, 5}},   {2, {5, 12}},      {2, {33, 16}},
    {2, {1, 9}},       {3, {3, 7, 5}}, {3, {2, 1, 4}}, {3, {4, 6, 2}},    {4, {2, 3, 5, 4}},
    {4, {1, 8, 1, 3}}, {2, {70, 34}},  {2, {0, 3}},    {3, {130, 2, 17}}, {4, {3, 2, 10, 1}},
};
static const uint64_t sizes[] = {1, 2, 3, 16, 32, 1000000};

enum { SHAPES = sizeof shapes / sizeof shapes[0], SIZES = sizeof sizes / sizeof sizes[0] };

static clq_layout layout_of(size_t shape, uint32_t axis, uint64_t size)
{
    clq_layout layout;
    memset(&layout, 0, sizeof layout);
    layout.rank = shapes[shape].rank;
    memcpy(layout.shape, shapes[shape].shape, sizeof shapes[shape].shape);
    layout.granularity = CLQ_PER_BLOCK;
    layout.axis = axis;
    layout.group_size = size;
    return layout;
}

/* The same tensor with the axis moved to the end. */
static clq_layout moved(const clq_layout *layout)
{
    clq_layout last = *layout;
    last.granularity = CLQ_PER_GROUP;
    last.axis = 0;
    for (uint32_t d = layout->axis; d + 1 < layout->rank; d++) {
        last.shape[d] = layout->shape[d + 1];
    }
    last.shape[layout->rank - 1] = layout->shape[layout->axis];
    return last;
}

/* The index in `dimensions` of what has index `i` where the axis, `length` long, stands at the end. */
static uint64_t moved_back(const clq_layout *layout, uint64_t length, uint64_t i)
{
    uint64_t behind = 1;
    for (uint32_t d = layout->axis + 1; d < layout->rank; d++) {
        behind *= layout->shape[d];
    }
    return (i / length / behind * length + i % length) * behind + i / length % behind;
}

/* Elements of `bytes` each; codes of 4 bits, where it is 0. */
static uint64_t element_at(const void *array, size_t bytes, uint64_t i)
{
    uint64_t value = 0;
    if (bytes == 0) {
        return ((const uint8_t *)array)[i / 2] >> i % 2 * 4 & 15;
    }
    memcpy(&value, (const char *)array + i * bytes, bytes);
    return value;
}

static void compare(const check_result *got, const check_result *want, check_operand operand, size_t bytes,
                    uint64_t count, const clq_layout *layout, uint64_t length)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = moved_back(layout, length, i);
        assert_int_equal(element_at(got->out[operand], bytes, at), element_at(want->out[operand], bytes, i));
    }
}

/* Ranges, parameters and codes of both. */
static void check_moved(const clq_layout *layout, clq_dtype real, clq_dtype dtype, clq_preset preset)
{
    check_case blocks;
    check_case groups;
    check_result got;
    check_result want;
    uint64_t elements;
    uint64_t parameters;
    const size_t real_bytes = clq_dtype_bits(real) / 8;
    const uint64_t length = layout->shape[layout->axis];
    const uint64_t groups_of_axis = length / layout->group_size + (length % layout->group_size != 0);
    char *x;
    clq_error error;
    check_case_init(&blocks, "blocks", CLQ_OP_DYNAMIC_QUANTIZE);
    blocks.q.real = real;
    blocks.q.layout = *layout;
    check_ok(clq_scheme_from_preset(preset, dtype, &blocks.q.scheme, &error), &error, "clq_scheme_from_preset");
    inputs_case(&blocks, INPUTS_PLAIN, INPUTS_NORMAL);
    groups = blocks;
    groups.name = "groups of the last axis";
    groups.q.layout = moved(layout);
    check_ok(clq_layout_count(layout, &elements, &parameters, &error), &error, "clq_layout_count");
    x = check_allocate(elements * real_bytes);
    for (uint64_t i = 0; i < elements; i++) {
        memcpy(x + i * real_bytes, (const char *)blocks.in[CHECK_X] + moved_back(layout, length, i) * real_bytes,
               real_bytes);
    }
    groups.in[CHECK_X] = x;
    check_run(check_reference(), "reference", &blocks, &got);
    check_run(check_reference(), "reference", &groups, &want);
    compare(&got, &want, CHECK_CODES, clq_dtype_bits(dtype) / 8, elements, layout, length);
    compare(&got, &want, CHECK_SCALE, 4, parameters, layout, groups_of_axis);
    compare(&got, &want, CHECK_ZERO_POINT, 4, parameters, layout, groups_of_axis);
    compare(&got, &want, CHECK_RANGE, 8, parameters, layout, groups_of_axis);
    check_result_free(&got);
    check_result_free(&want);
    inputs_free(&blocks);
    free(x);
}

static void they_are_groups_of_the_axis_moved_to_the_end(void **state)
{
    size_t turn = 0;
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        for (uint32_t axis = 0; axis < shapes[s].rank; axis++) {
            for (size_t g = 0; g < SIZES; g++) {
                for (int c = 0; c < INPUTS_CODES; c++, turn++) {
                    const clq_layout layout = layout_of(s, axis, sizes[g]);
                    check_moved(&layout, inputs_real_types[turn % INPUTS_REALS], inputs_code_types[c],
                                turn % 2 == 0 ? CLQ_PRESET_SYMMETRIC : CLQ_PRESET_AFFINE);
                }
            }
        }
    }
}

/* Every element has the parameter that its coordinates say, in the one form that executors work with. */
static void they_have_a_geometry(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        for (uint32_t axis = 0; axis < shapes[s].rank; axis++) {
            for (size_t g = 0; g < SIZES; g++) {
                const clq_layout layout = layout_of(s, axis, sizes[g]);
                const clq_layout last = moved(&layout);
                uint64_t elements;
                uint64_t parameters;
                clq_geometry geometry;
                clq_error error;
                check_ok(clq_geometry_of(&layout, &geometry, &error), &error, "clq_geometry_of");
                check_ok(clq_layout_count(&last, &elements, &parameters, &error), &error, "clq_layout_count");
                assert_int_equal(geometry.elements, elements);
                assert_int_equal(geometry.parameters, parameters);
                for (uint64_t i = 0; i < elements; i++) {
                    const uint64_t length = layout.shape[axis];
                    const uint64_t of_axis = length / sizes[g] + (length % sizes[g] != 0);
                    const uint64_t row = i / length; /* of the tensor with the axis at the end */
                    assert_int_equal(clq_geometry_parameter(&geometry, moved_back(&layout, length, i)),
                                     moved_back(&layout, of_axis, row * of_axis + i % length / sizes[g]));
                }
            }
        }
    }
}

static void what_is_none_is_refused(void **state)
{
    clq_layout layout = layout_of(2, 2, 4);
    uint64_t elements;
    uint64_t parameters;
    clq_error error;
    (void)state;
    assert_int_equal(clq_layout_count(&layout, &elements, &parameters, &error), CLQ_INVALID_ARGUMENT);
    assert_string_equal(error.message, "layout: axis is 2, a tensor of rank 2 needs less");
    layout.axis = 0;
    layout.group_size = 0;
    assert_int_equal(clq_layout_count(&layout, &elements, &parameters, &error), CLQ_INVALID_ARGUMENT);
    assert_string_equal(error.message, "layout: group_size is 0, at least 1 is needed");
    layout.rank = 0;
    layout.group_size = 4;
    assert_int_equal(clq_layout_count(&layout, &elements, &parameters, &error), CLQ_INVALID_ARGUMENT);
    layout.granularity = (clq_granularity)4;
    assert_int_equal(clq_layout_count(&layout, &elements, &parameters, &error), CLQ_INVALID_ARGUMENT);
    assert_string_equal(error.message, "layout: 4 is no granularity");
}

/* Each operation, by every variant; of 4-bit codes, which two bands may share a byte of. */
static void every_operation_serves_them(void **state)
{
    static const clq_operation operations[] = {CLQ_OP_MINMAX,        CLQ_OP_QUANTIZE,  CLQ_OP_DEQUANTIZE,
                                               CLQ_OP_FAKE_QUANTIZE, CLQ_OP_HISTOGRAM, CLQ_OP_MERGE_RANGE};
    (void)state;
    for (size_t o = 0; o < sizeof operations / sizeof operations[0]; o++) {
        for (size_t i = 0; i < inputs_layout_count(); i++) {
            check_case c;
            check_case_init(&c, "blocks", operations[o]);
            c.q.layout = inputs_layout(i);
            inputs_scheme(&c.q.scheme, CLQ_U4, (unsigned)(i % INPUTS_OPTIONS));
            if (c.q.layout.granularity == CLQ_PER_BLOCK) {
                inputs_check(&c, inputs_parameters_kind_of_turn(i), inputs_kind_of_turn(i));
            }
        }
    }
    check_needs_device();
}

/* A device serves them by its kernels: side by side in columns, but 4-bit codes whose bands share a byte. */
static void devices_have_kernels_for_them(void **state)
{
    static const struct {
        clq_dtype dtype;
        uint64_t columns;
        const char *variant;
    } rows[] = {{CLQ_S8, 33, "columns"}, {CLQ_U4, 34, "columns"}, {CLQ_U4, 33, "strip"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && check_device() != NULL && !check_device_is_native(); i++) {
        clq_quantization q;
        clq_plan plan;
        clq_error error;
        clq_quantization_init(&q);
        q.layout = layout_of(2, 0, 3);
        q.layout.shape[1] = rows[i].columns;
        q.scheme.dtype = rows[i].dtype;
        q.scheme.qmin = 0;
        q.scheme.qmax = 7;
        check_ok(clq_plan_operation(check_device(), CLQ_OP_QUANTIZE, &q, &plan, &error), &error, "clq_plan_operation");
        if (!check_is_small() || strcmp(plan.variant, "strip") != 0) { /* others may not be tried there */
            assert_string_equal(plan.variant, rows[i].variant);
        }
        assert_int_equal(plan.by_host, 0);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(they_are_groups_of_the_axis_moved_to_the_end),
    cmocka_unit_test(they_have_a_geometry),
    cmocka_unit_test(what_is_none_is_refused),
    cmocka_unit_test(every_operation_serves_them),
    cmocka_unit_test(devices_have_kernels_for_them),
};

CHECK_MAIN("blocks", tests)

/* SPDX-License-Identifier: Apache-2.0 */
/* Many tensors in one go: a batch gives the bytes of one call for each of its tensors, whatever they are. */
#include <stdio.h>
#include <string.h>

#include "batch_case.h"
#include "inputs.h"
#include "refusal.h"

static const clq_operation operations[] = {CLQ_OP_MINMAX,     CLQ_OP_CHOOSE_PARAMETERS, CLQ_OP_QUANTIZE,
                                           CLQ_OP_DEQUANTIZE, CLQ_OP_FAKE_QUANTIZE,     CLQ_OP_DYNAMIC_QUANTIZE};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* ---- descriptions ---- */

/* Any layout of up to `most` elements, empty ones among them. */
static clq_layout any_layout(uint64_t most)
{
    clq_layout layout;
    memset(&layout, 0, sizeof layout);
    if (check_chance(12)) {
        return inputs_layout_flat(0);
    }
    if (check_chance(3)) {
        return inputs_layout_small();
    }
    layout.rank = 2;
    layout.shape[1] = 1 + check_below(most);
    layout.shape[0] = 1 + check_below(most / layout.shape[1]);
    layout.granularity = (clq_granularity)check_below(4);
    layout.axis = (uint32_t)check_below(2);
    layout.group_size = 1 + check_below(layout.granularity == CLQ_PER_GROUP && check_chance(2) ? 200 : 32);
    return layout;
}

static void check_random_batches(clq_operation operation, size_t turns, size_t count, uint64_t most)
{
    for (size_t turn = 0; turn < turns; turn++) {
        batch_case b;
        const clq_dtype real = inputs_real_types[turn % INPUTS_REALS];
        const clq_dtype dtype = inputs_code_types[turn % INPUTS_CODES];
        batch_case_init(&b, "a random batch", operation, count);
        for (size_t i = 0; i < count; i++) {
            clq_quantization *q = &b.cases[i].q;
            q->layout = any_layout(most);
            q->real = real;
            if (operation == CLQ_OP_CHOOSE_PARAMETERS || operation == CLQ_OP_DYNAMIC_QUANTIZE) {
                do {
                    inputs_scheme_random(&q->scheme);
                } while (q->scheme.dtype != dtype);
            } else {
                inputs_scheme(&q->scheme, dtype, (unsigned)check_below(INPUTS_OPTIONS));
            }
            b.cases[i].in_place = operation == CLQ_OP_FAKE_QUANTIZE && check_chance(2);
        }
        batch_case_check_fully(&b);
    }
}

static void mixed_layouts(void **state)
{
    (void)state;
    for (size_t o = 0; o < OPERATIONS; o++) {
        check_random_batches(operations[o], INPUTS_CODES, 30, 2000);
    }
    check_needs_device();
}

/* With `every_pair` each pair of types, else as many pairs as there are types: each pair is a program of each form. */
static void check_mixed_types(clq_operation operation, int every_pair)
{
    batch_case b;
    batch_case_init(&b, "all types in one batch", operation, 60);
    b.is_chosen_form_only = every_pair;
    for (size_t i = 0; i < b.count; i++) {
        clq_quantization *q = &b.cases[i].q;
        const uint64_t code = check_below(INPUTS_CODES);
        q->layout = any_layout(700);
        q->real = inputs_real_types[every_pair ? check_below(INPUTS_REALS) : code % INPUTS_REALS];
        inputs_scheme(&q->scheme, inputs_code_types[code], (unsigned)check_below(INPUTS_OPTIONS));
    }
    batch_case_check_fully(&b);
}

static void mixed_types(void **state)
{
    (void)state;
    for (size_t o = 0; o < OPERATIONS; o++) {
        check_mixed_types(operations[o], 0);
        if (check_stride() == 1) {
            check_mixed_types(operations[o], 1);
        }
    }
    check_needs_device();
}

/* Around vectors, work-groups and pieces, and one tensor that many runs share among many that share a run. */
static void sizes(void **state)
{
    static const uint64_t lengths[] = {0,    1,    3,    4,     15,    16,    17,   31,     33,   127,
                                       128,  129,  511,  512,   513,   1023,  1024, 1025,   4095, 4097,
                                       8191, 8192, 8193, 32768, 32769, 65537, 5,    300001, 2,    1024};
    enum { LENGTHS = sizeof lengths / sizeof lengths[0] };
    (void)state;
    for (size_t o = 0; o < OPERATIONS; o++) {
        for (unsigned turn = 0; turn < 2; turn++) {
            batch_case b;
            batch_case_init(&b, "sizes", operations[o], LENGTHS);
            for (size_t i = 0; i < LENGTHS; i++) {
                b.cases[i].q.layout = inputs_layout_flat(lengths[i]);
                b.cases[i].q.real = inputs_real_types[turn];
                inputs_scheme(&b.cases[i].q.scheme, turn == 0 ? CLQ_S8 : CLQ_U4, turn);
            }
            batch_case_check_fully(&b);
        }
    }
    check_needs_device();
}

/* Segments, channels and groups of a large tensor that runs share, with small ones around it. */
static void large_and_small(void **state)
{
    static const struct {
        uint64_t shape[3];
        clq_granularity granularity;
        uint32_t axis;
        uint64_t group;
    } rows[] = {
        {{1, 1, 600000}, CLQ_PER_TENSOR, 0, 0}, {{4, 5, 30001}, CLQ_PER_CHANNEL, 1, 0},
        {{1, 300, 1999}, CLQ_PER_GROUP, 0, 33}, {{1, 200000, 3}, CLQ_PER_CHANNEL, 2, 0},
        {{70, 17, 256}, CLQ_PER_CHANNEL, 1, 0}, {{3, 100, 301}, CLQ_PER_BLOCK, 1, 33},
    };
    (void)state;
    for (size_t o = 0; o < OPERATIONS; o++) {
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            batch_case b;
            batch_case_init(&b, "a large tensor among small ones", operations[o], 200);
            for (size_t i = 0; i < b.count; i++) {
                clq_layout *layout = &b.cases[i].q.layout;
                *layout = inputs_layout_flat(i % 1100);
                if (i == 77) {
                    layout->rank = 3;
                    memcpy(layout->shape, rows[k].shape, sizeof rows[k].shape);
                    layout->granularity = rows[k].granularity;
                    layout->axis = rows[k].axis;
                    layout->group_size = rows[k].group;
                }
                inputs_scheme(&b.cases[i].q.scheme, k % 2 == 0 ? CLQ_U8 : CLQ_S4, (unsigned)i % INPUTS_OPTIONS);
            }
            batch_case_check_fully(&b);
        }
    }
    check_needs_device();
}

static void thousands(void **state)
{
    (void)state;
    for (size_t o = 0; o < OPERATIONS; o++) {
        batch_case b;
        batch_case_init(&b, "thousands", operations[o], 3000);
        for (size_t i = 0; i < b.count; i++) {
            b.cases[i].q.layout = inputs_layout_flat(check_below(64));
            inputs_scheme(&b.cases[i].q.scheme, CLQ_S8, (unsigned)i % INPUTS_OPTIONS);
        }
        batch_case_check_fully(&b);
    }
    check_needs_device();
}

/* None, one, and tensors without an element only. */
static void few_or_nothing(void **state)
{
    (void)state;
    for (size_t o = 0; o < OPERATIONS; o++) {
        for (size_t count = 0; count < 3; count++) {
            for (uint64_t elements = 0; elements < 1200; elements += 1100) {
                batch_case b;
                batch_case_init(&b, "few or nothing", operations[o], count);
                for (size_t i = 0; i < count; i++) {
                    b.cases[i].q.layout = inputs_layout_flat(elements);
                    b.cases[i].q.layout.granularity = i == 0 ? CLQ_PER_TENSOR : CLQ_PER_CHANNEL;
                }
                batch_case_check_fully(&b);
            }
        }
    }
    check_needs_device();
}

/* ---- what is not finite ---- */

static void nonfinite_of_each(void **state)
{
    enum { COUNT = 50, LENGTH = 700 };
    (void)state;
    for (int turn = 0; turn < 2 && (turn == 0 || check_device() != NULL); turn++) {
        clq_context *context = turn == 0 ? check_reference() : check_device();
        clq_nonfinite found[COUNT];
        batch_case b;
        batch_place p;
        clq_batch *batch = NULL;
        batch_case_init(&b, "not finite", CLQ_OP_MINMAX, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            b.cases[i].q.layout = inputs_layout_flat(LENGTH);
        }
        batch_case_fill(&b);
        for (size_t i = 0; i < COUNT; i++) {
            const float infinity = (float)(i % 2 == 0 ? 1e300 : -1e300);
            float x[LENGTH];
            for (size_t k = 0; k < LENGTH; k++) {
                x[k] = k >= LENGTH - i ? infinity : (float)k;
            }
            memcpy(b.image[CHECK_X] + 4 * b.offset[CHECK_X][i], x, sizeof x);
        }
        batch_place_begin(&p, context, &b);
        ACCEPTED(clq_batch_create(context, CLQ_OP_MINMAX, p.items, COUNT, &batch, e));
        ACCEPTED(clq_batch_run(batch, e));
        for (size_t i = 0; i < COUNT; i++) {
            ACCEPTED(clq_buffer_read(p.buffers[CHECK_NONFINITE], b.offset[CHECK_NONFINITE][i] * sizeof found[i],
                                     &found[i], sizeof found[i], e));
            assert_int_equal(found[i].count, i);
            assert_true(found[i].first_index == (i == 0 ? UINT64_MAX : LENGTH - i));
        }
        clq_batch_destroy(&batch);
        batch_place_end(&p, &b);
        batch_case_free(&b);
    }
    check_needs_device();
}

/* ---- what is refused ---- */

static void check_refusals(clq_context *context)
{
    enum { COUNT = 5 };
    batch_case b;
    batch_place p;
    batch_result before, after;
    clq_batch_item items[COUNT];
    clq_quantization wrong;
    clq_batch *batch = NULL;
    clq_plan plan;
    batch_case_init(&b, "refused", CLQ_OP_DYNAMIC_QUANTIZE, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        b.cases[i].q.layout = inputs_layout_flat(100);
    }
    batch_case_fill(&b);
    batch_place_begin(&p, context, &b);
    batch_place_read(&p, &b, &before);
    memcpy(items, p.items, sizeof items);
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_batch_create(NULL, b.operation, items, COUNT, &batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_batch_create(context, b.operation, NULL, COUNT, &batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_batch_create(context, b.operation, items, COUNT, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "is no operation", clq_batch_create(context, CLQ_OP_COUNT, items, COUNT, &batch, e));
    items[2].operands.struct_size = 8;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 2 of the batch: clq_operands: struct_size is 8",
            clq_batch_create(context, b.operation, items, COUNT, &batch, e));
    items[2].operands.struct_size = sizeof items[2].operands;
    items[3].q = NULL;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 3 of the batch: q is NULL",
            clq_batch_create(context, b.operation, items, COUNT, &batch, e));
    wrong = b.cases[3].q;
    wrong.scheme.qmin = wrong.scheme.qmax;
    items[3].q = &wrong;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 3 of the batch",
            clq_batch_create(context, b.operation, items, COUNT, &batch, e));
    items[3] = p.items[3];
    items[4].operands.range.buffer = NULL;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 4 of the batch: dynamic-quantize: range has no buffer",
            clq_batch_create(context, b.operation, items, COUNT, &batch, e));
    items[4] = p.items[4];
    items[0].operands.x.offset = UINT64_MAX;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 0 of the batch: dynamic-quantize: x needs",
            clq_batch_create(context, b.operation, items, COUNT, &batch, e));
    assert_null(batch);
    REFUSED(CLQ_INVALID_ARGUMENT, "batch is NULL", clq_batch_run(NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_batch_plan(NULL, &plan, e));
    clq_batch_destroy(&batch);
    clq_batch_destroy(NULL);
    batch_place_read(&p, &b, &after);
    batch_same(&b, "a refused call", &before, &after);
    batch_result_free(&before);
    batch_result_free(&after);
    batch_place_end(&p, &b);
    batch_case_free(&b);
}

static void refused(void **state)
{
    (void)state;
    check_refusals(check_reference());
    if (check_device() != NULL) {
        check_refusals(check_device());
    }
    check_needs_device();
}

/* The context's handle may go before the batch; buffers keep what they need. */
static void outlives_the_context(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2 && (turn == 0 || check_device() != NULL); turn++) {
        batch_case b;
        batch_place p;
        batch_result got;
        clq_context *context = NULL;
        clq_batch *batch = NULL;
        ACCEPTED(clq_context_create(turn == 0 ? "reference" : check_device_spec(), &context, e));
        batch_case_init(&b, "a life", CLQ_OP_DYNAMIC_QUANTIZE, 3);
        for (size_t i = 0; i < b.count; i++) {
            b.cases[i].q.layout = inputs_layout_flat(1000 + i);
        }
        batch_case_fill(&b);
        batch_place_begin(&p, context, &b);
        ACCEPTED(clq_batch_create(context, b.operation, p.items, b.count, &batch, e));
        clq_context_destroy(&context);
        ACCEPTED(clq_batch_run(batch, e));
        batch_place_read(&p, &b, &got);
        batch_result_free(&got);
        batch_place_end(&p, &b);
        clq_batch_destroy(&batch);
        batch_case_free(&b);
    }
    check_needs_device();
}

/* What is planned says why, and a small batch on a CPU device is finished in the cache. */
static void plans(void **state)
{
    (void)state;
    if (check_device() != NULL && !check_device_is_native()) {
        clq_device_info info;
        batch_case b;
        batch_place p;
        clq_plan plan;
        clq_batch *batch = NULL;
        batch_case_init(&b, "a plan", CLQ_OP_DYNAMIC_QUANTIZE, 4);
        for (size_t i = 0; i < b.count; i++) {
            b.cases[i].q.layout = inputs_layout_flat(1000 + i);
        }
        batch_case_fill(&b);
        batch_place_begin(&p, check_device(), &b);
        ACCEPTED(clq_batch_create(p.context, b.operation, p.items, b.count, &batch, e));
        ACCEPTED(clq_batch_plan(batch, &plan, e));
        clq_context_device(p.context, &info);
        assert_string_equal(plan.variant, info.type == CLQ_DEVICE_CPU ? "batch-fused" : "batch-grid");
        assert_non_null(strstr(plan.reason, "4 of 4 tensors"));
        clq_batch_destroy(&batch);
        ACCEPTED(clq_batch_create(p.context, b.operation, p.items, 0, &batch, e));
        ACCEPTED(clq_batch_plan(batch, &plan, e));
        assert_int_equal(plan.workspace_bytes, 0);
        clq_batch_destroy(&batch);
        batch_place_end(&p, &b);
        batch_case_free(&b);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(mixed_layouts),
    cmocka_unit_test(mixed_types),
    cmocka_unit_test(sizes),
    cmocka_unit_test(large_and_small),
    cmocka_unit_test(thousands),
    cmocka_unit_test(few_or_nothing),
    cmocka_unit_test(nonfinite_of_each),
    cmocka_unit_test(refused),
    cmocka_unit_test(outlives_the_context),
    cmocka_unit_test(plans),
};

CHECK_MAIN("batch", tests)

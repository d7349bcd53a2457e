/* SPDX-License-Identifier: Apache-2.0 */
/* clq_dynamic_quantize: the same bytes as its three steps done apart, on every context (docs/numerics.md, section 4).
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include <clquant/tune.h>

#include "inputs.h"
#include "properties.h"
#include "refusal.h"

static void every_layout(void **state)
{
    (void)state;
    properties_every_layout(CLQ_OP_DYNAMIC_QUANTIZE);
    check_needs_device();
}

static void every_option(void **state)
{
    (void)state;
    properties_every_option(CLQ_OP_DYNAMIC_QUANTIZE);
    check_needs_device();
}

static void every_preset(void **state)
{
    (void)state;
    properties_every_preset(CLQ_OP_DYNAMIC_QUANTIZE);
    check_needs_device();
}

static void every_offset(void **state)
{
    (void)state;
    properties_every_offset(CLQ_OP_DYNAMIC_QUANTIZE);
    check_needs_device();
}

static void many_elements(void **state)
{
    (void)state;
    properties_many_elements(CLQ_OP_DYNAMIC_QUANTIZE);
    check_needs_device();
}

static void check_steps(const check_case *whole, clq_context *context, const char *where)
{
    check_case step = *whole;
    check_result result;
    check_result minmax;
    check_result parameters;
    check_result codes;
    check_run(context, where, whole, &result);
    step.operation = CLQ_OP_MINMAX;
    check_run(context, where, &step, &minmax);
    check_same(&step, "dynamic-quantize against minmax", &minmax, &result);
    step.operation = CLQ_OP_CHOOSE_PARAMETERS;
    step.in[CHECK_RANGE] = minmax.out[CHECK_RANGE];
    check_run(context, where, &step, &parameters);
    check_same(&step, "dynamic-quantize against choose-parameters", &parameters, &result);
    step.operation = CLQ_OP_QUANTIZE;
    step.in[CHECK_SCALE] = parameters.out[CHECK_SCALE];
    step.in[CHECK_ZERO_POINT] = parameters.out[CHECK_ZERO_POINT];
    check_run(context, where, &step, &codes);
    check_same(&step, "dynamic-quantize against quantize", &codes, &result);
    check_result_free(&result);
    check_result_free(&minmax);
    check_result_free(&parameters);
    check_result_free(&codes);
}

static void equals_its_three_steps(void **state)
{
    check_case c;
    clq_error error;
    (void)state;
    check_case_init(&c, "dynamic-quantize in one call", CLQ_OP_DYNAMIC_QUANTIZE);
    for (uint64_t turn = 0; turn < 300; turn++) {
        if (turn % 3 == 0) {
            const clq_preset preset = (clq_preset)(turn / 3 % CLQ_PRESET_COUNT);
            check_ok(clq_scheme_from_preset(preset, (clq_dtype)0, &c.q.scheme, &error), &error, "preset");
        } else {
            inputs_scheme_random(&c.q.scheme);
        }
        c.q.real = inputs_real_types[check_below(INPUTS_REALS)];
        c.q.layout = check_chance(8) ? inputs_layout(check_below(inputs_layout_count())) : inputs_layout_small();
        inputs_case(&c, INPUTS_PLAIN, inputs_kind_of_turn(turn));
        if (!check_takes_case(&c)) {
            inputs_free(&c);
            continue;
        }
        check_everywhere(&c, NULL);
        check_steps(&c, check_reference(), "reference");
        for (size_t v = 0; v < check_variant_count() && check_device() != NULL; v++) {
            check_ok(clq_context_force_variant(check_device(), check_variant(v), &error), &error, "force_variant");
            check_steps(&c, check_device(), check_variant(v));
        }
        inputs_free(&c);
    }
    check_needs_device();
}

/* CPU devices do up to 2^18 elements with one work-item in one launch, more in two, neither past the cache. */
static void one_launch_or_two(void **state)
{
    static const uint64_t elements[] = {(1 << 18) - 1, 1 << 18, (1 << 18) + 1, 300007};
    (void)state;
    for (size_t i = 0; i < sizeof elements / sizeof elements[0] * INPUTS_REALS; i++) {
        check_case c;
        check_case_init(&c, "one launch or two", CLQ_OP_DYNAMIC_QUANTIZE);
        inputs_scheme_random(&c.q.scheme);
        c.q.real = inputs_real_types[i % INPUTS_REALS];
        c.q.layout = inputs_layout_flat(elements[i / INPUTS_REALS]);
        inputs_case(&c, INPUTS_PLAIN, i % 2 == 0 ? INPUTS_MIXED : INPUTS_NORMAL);
        check_everywhere(&c, NULL);
        inputs_free(&c);
    }
    check_needs_device();
}

/* ---- by work-groups ---- */

static void use_groups(int are_used)
{
    const char *const names[] = {"minmax.grid", "walk.grid", "dynamic.segment"};
    const uint32_t values[] = {1, 1, 4096};
    const clq_tunable *all = NULL;
    const size_t count = clq_tunables(&all);
    clq_tuned_value *table = malloc(count * sizeof *table);
    clq_error error;
    clq_status status;
    assert_non_null(table);
    status = clq_tuning_untuned(check_device(), table, &error);
    for (size_t i = 0; i < count * 3 && are_used && status == CLQ_OK; i++) {
        if (strcmp(all[i / 3].name, names[i % 3]) == 0) {
            table[i / 3] = (clq_tuned_value){values[i % 3], 1};
        }
    }
    if (status != CLQ_UNSUPPORTED) { /* native has nothing to tune */
        check_ok(status, &error, "clq_tuning_untuned");
        ACCEPTED(clq_tuning_use(check_device(), table, e));
    }
    free(table);
}

/*
 * A group has several segments at once or one, in several rounds or one, alone or among others, and alone as many as it
 * has at once, one less, or one more for a second group; up to the greatest length, and beyond it where there are many.
 * Rows that begin at any element, segments of less than a vector.
 */
static void segments_by_groups(void **state)
{
    static const struct {
        uint64_t rows, row, group;
    } shapes[] = {{1, 1, 0},      {1, 4096, 0},   {1, 4097, 0},  {2, 4096, 0},    {7, 515, 0},    {1, 515, 0},
                  {5, 130, 16},   {3, 4096, 128}, {600, 33, 17}, {9, 1000, 32},   {333, 1030, 0}, {130, 4100, 0},
                  {40, 4096, 64}, {2, 640, 639},  {4096, 16, 0}, {3, 8192, 4094}, {1, 1024, 32},  {1, 1025, 32},
                  {3, 704, 32},   {1, 2048, 64},  {4, 512, 64},  {3, 705, 64},    {1, 2048, 128}, {2, 1024, 128},
                  {17, 128, 128}, {5, 1000, 128}};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof shapes[0] && check_device() != NULL; i++) {
        check_case c;
        check_case_init(&c, "segments by groups", CLQ_OP_DYNAMIC_QUANTIZE);
        inputs_scheme_random(&c.q.scheme);
        c.q.real = inputs_real_types[i % INPUTS_REALS];
        c.q.layout = inputs_layout_flat(shapes[i / 2].row);
        c.q.layout.rank = 2;
        c.q.layout.shape[0] = shapes[i / 2].rows;
        c.q.layout.shape[1] = shapes[i / 2].row;
        c.q.layout.granularity = shapes[i / 2].group != 0 ? CLQ_PER_GROUP : CLQ_PER_CHANNEL;
        c.q.layout.group_size = shapes[i / 2].group;
        inputs_case(&c, INPUTS_PLAIN, inputs_kind_of_turn((unsigned)i));
        use_groups(1);
        check_everywhere(&c, NULL);
        use_groups(0);
        inputs_free(&c);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_layout),      cmocka_unit_test(every_option),       cmocka_unit_test(every_preset),
    cmocka_unit_test(every_offset),      cmocka_unit_test(many_elements),      cmocka_unit_test(equals_its_three_steps),
    cmocka_unit_test(one_launch_or_two), cmocka_unit_test(segments_by_groups),
};

CHECK_MAIN("dynamic-quantize", tests)

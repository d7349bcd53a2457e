/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operand that a matrix product refuses: the story names it and tells what was given and required, nothing is
 * written. What clq_gemm_check refuses by itself is in test_gemm_problem.c, packed weights are in test_gemm_weights.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device_memory.h"
#include "full_gemm.h"
#include "refusal.h"

static clq_status call(const full_gemm *g, full_gemm_reader which, clq_error *e)
{
    clq_gemm_weights *weights = (clq_gemm_weights *)(void *)&weights; /* a refusal makes it NULL */
    clq_status status;
    switch (which) {
    case FULL_GEMM_MULTIPLY:
        return clq_gemm(g->context, &g->problem, &g->o, e);
    case FULL_GEMM_SUM:
        return clq_gemm_row_sums(g->context, &g->problem, g->o.a, g->o.a_sums, e);
    default:
        status = full_gemm_pack(g, &weights, e);
        assert_null(weights);
        return status;
    }
}

/* What must be in the message, as for printf. */
#define REFUSED_OPERAND(...)                                                                                           \
    do {                                                                                                               \
        char part[200];                                                                                                \
        snprintf(part, sizeof part, __VA_ARGS__);                                                                      \
        REFUSED(CLQ_INVALID_ARGUMENT, part, call(g, which, e));                                                        \
    } while (0)

static void refuse_operand(full_gemm *g, size_t argument, full_gemm_reader which)
{
    const char *name = full_gemm_arguments[argument].name;
    const uint64_t elements = full_gemm_arguments[argument].elements;
    clq_operand *operand = full_gemm_operand_of(g, argument);
    const clq_operand good = *operand;
    clq_operand less = full_gemm_filled(g->context, elements * full_gemm_arguments[argument].bytes - 1);
    void *mapped = NULL;
    operand->offset = 1;
    REFUSED_OPERAND("%s needs %" PRIu64 " elements from offset 1, its buffer has %" PRIu64, name, elements, elements);
    operand->offset = UINT64_MAX;
    REFUSED_OPERAND("%s needs %" PRIu64 " elements from offset %" PRIu64, name, elements, UINT64_MAX);
    operand->offset = elements + 1;
    REFUSED_OPERAND("%s needs %" PRIu64 " elements from offset %" PRIu64, name, elements, elements + 1);
    *operand = less;
    REFUSED_OPERAND("%s needs %" PRIu64 " elements from offset 0, its buffer has %" PRIu64, name, elements,
                    elements - 1);
    operand->buffer = NULL;
    REFUSED_OPERAND("%s has no buffer", name);
    *operand = g->foreign;
    REFUSED_OPERAND("%s belongs to another context", name);
    *operand = good;
    ACCEPTED(clq_buffer_map(good.buffer, &mapped, e));
    REFUSED_OPERAND("%s is mapped", name);
    ACCEPTED(clq_buffer_unmap(good.buffer, e));
    device_memory_free(&less);
}

static void refuse_operands(full_gemm *g)
{
    static const full_gemm_reader readers[] = {FULL_GEMM_MULTIPLY, FULL_GEMM_PACK, FULL_GEMM_SUM};
    for (size_t i = 0; i < FULL_GEMM_ARGUMENTS; i++) {
        for (size_t r = 0; r < 3 && full_gemm_is_used(g, i); r++) {
            if ((full_gemm_arguments[i].readers & (int)readers[r]) != 0) {
                refuse_operand(g, i, readers[r]);
            }
        }
    }
    full_gemm_check_untouched(g->o.c);
    full_gemm_check_untouched(g->o.a_sums);
    ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e)); /* each is just large enough */
    ACCEPTED(clq_gemm_row_sums(g->context, &g->problem, g->o.a, g->o.a_sums, e));
}

static void operands(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_operands);
}

/* A problem may be right and larger than any memory. */
static void refuse_huge_matrices(full_gemm *g)
{
    const uint64_t huge = UINT64_C(1) << 59;
    const clq_gemm_problem good = g->problem;
    g->problem.a.leading_dimension = huge;
    REFUSED(CLQ_INVALID_ARGUMENT, "a needs 1152921504606847011 elements", clq_gemm(g->context, &g->problem, &g->o, e));
    g->problem = good;
    g->problem.b.batch_stride = huge;
    REFUSED(CLQ_INVALID_ARGUMENT, "b needs 576460752303423511 elements", clq_gemm(g->context, &g->problem, &g->o, e));
    g->problem = good;
    g->problem.c.batch_stride = huge;
    REFUSED(CLQ_INVALID_ARGUMENT, "c needs 576460752303423502 elements", clq_gemm(g->context, &g->problem, &g->o, e));
    g->problem = good;
    g->problem.m = (UINT64_C(1) << 31) - 1;
    g->problem.c.batch_stride = huge;
    REFUSED(CLQ_INVALID_ARGUMENT, "a needs", clq_gemm(g->context, &g->problem, &g->o, e));
    g->problem = good;
    full_gemm_check_untouched(g->o.c);
}

static void huge_matrices(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_huge_matrices);
}

/* Whatever stands in operands that the problem calls absent. */
static void accept_absent_operands(full_gemm *g)
{
    clq_gemm_problem p;
    clq_gemm_operands o;
    clq_gemm_weights *weights = NULL;
    clq_operand sums = full_gemm_filled(g->context, 3 * 4 * sizeof(int32_t));
    for (size_t i = 0; i < FULL_GEMM_ARGUMENTS; i++) {
        memcpy((unsigned char *)&o + full_gemm_arguments[i].place, &g->foreign, sizeof g->foreign);
    }
    o.struct_size = sizeof o;
    o.weights = NULL;
    clq_gemm_init(&p);
    p.m = 3;
    p.n = 4;
    p.k = 5;
    o.a = g->o.a;
    o.b = g->o.b;
    o.c = sums;
    ACCEPTED(clq_gemm(g->context, &p, &o, e));
    ACCEPTED(clq_gemm_weights_create(g->context, &p, g->o.b, g->foreign, &weights, e));
    o.b = g->foreign; /* in place of which come the weights */
    o.weights = weights;
    ACCEPTED(clq_gemm(g->context, &p, &o, e));
    clq_gemm_weights_destroy(&weights);
    p.k = 0; /* A and B have no elements */
    o.a = g->foreign;
    o.struct_size = sizeof o;
    o.weights = NULL;
    ACCEPTED(clq_gemm(g->context, &p, &o, e));
    ACCEPTED(clq_gemm_row_sums(g->context, &p, g->foreign, sums, e));
    ACCEPTED(clq_gemm_weights_create(g->context, &p, g->foreign, g->foreign, &weights, e));
    assert_true(clq_gemm_weights_bytes(weights) > 0);
    o.weights = weights;
    ACCEPTED(clq_gemm(g->context, &p, &o, e));
    clq_gemm_weights_destroy(&weights);
    device_memory_free(&sums);
}

static void absent_operands(void **state)
{
    (void)state;
    full_gemm_for_all(accept_absent_operands);
}

/* ---- every entry ---- */

static void refuse_at_every_entry(full_gemm *g)
{
    clq_context *const context = g->context;
    const clq_gemm_problem good = g->problem;
    clq_gemm_problem *const p = &g->problem;
    clq_gemm_weights *weights = NULL;
    clq_plan plan;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm(NULL, p, &g->o, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm(context, NULL, &g->o, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm(context, p, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_plan(NULL, p, 0, &plan, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_plan(context, NULL, 0, &plan, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_plan(context, p, 1, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_row_sums(NULL, p, g->o.a, g->o.a_sums, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_row_sums(context, NULL, g->o.a, g->o.a_sums, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_gemm_weights_create(NULL, p, g->o.b, g->o.b_zero_point, &weights, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL",
            clq_gemm_weights_create(context, NULL, g->o.b, g->o.b_zero_point, &weights, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", full_gemm_pack(g, NULL, e));
    g->o.struct_size--;
    REFUSED(CLQ_INVALID_ARGUMENT, "clq_gemm_operands: struct_size", call(g, FULL_GEMM_MULTIPLY, e));
    g->o.struct_size++;
    p->struct_size--;
    REFUSED(CLQ_INVALID_ARGUMENT, "struct_size", call(g, FULL_GEMM_MULTIPLY, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "struct_size", call(g, FULL_GEMM_PACK, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "struct_size", call(g, FULL_GEMM_SUM, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "struct_size", clq_gemm_plan(context, p, 0, &plan, e));
    g->problem = good;
    for (int packed = 0; packed < 2; packed++) {
        memset(&plan, 0x55, sizeof plan);
        ACCEPTED(clq_gemm_plan(context, p, packed, &plan, e));
        assert_true(memchr(plan.variant, '\0', sizeof plan.variant) != NULL && plan.variant[0] != '\0');
        assert_true(memchr(plan.reason, '\0', sizeof plan.reason) != NULL && plan.reason[0] != '\0');
        assert_true(plan.workspace_bytes < UINT64_C(1) << 30);
    }
    full_gemm_check_untouched(g->o.c);
    full_gemm_check_untouched(g->o.a_sums);
}

static void every_entry(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_at_every_entry);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(operands),
    cmocka_unit_test(huge_matrices),
    cmocka_unit_test(absent_operands),
    cmocka_unit_test(every_entry),
};

CHECK_MAIN("gemm_arguments", tests)

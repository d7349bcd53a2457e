/* SPDX-License-Identifier: Apache-2.0 */
/* Packed B: what it is refused for, and its life between the operations that use it and its context. */
#include <stdio.h>
#include <stdlib.h>

#include "device_memory.h"
#include "full_gemm.h"
#include "refusal.h"

/* The weights of `g` offered to a problem that differs in one field. */
#define REFUSED_WEIGHTS(field, value, part)                                                                            \
    do {                                                                                                               \
        const clq_gemm_problem good_ = g->problem;                                                                     \
        g->problem.field = (value);                                                                                    \
        REFUSED(CLQ_INVALID_ARGUMENT, part, clq_gemm(g->context, &g->problem, &g->o, e));                              \
        g->problem = good_;                                                                                            \
    } while (0)

static void refuse_weights(full_gemm *g)
{
    clq_gemm_weights *weights = NULL;
    clq_gemm_weights *foreign = NULL;
    clq_operand b = full_gemm_filled(g->other, 100);
    ACCEPTED(full_gemm_pack(g, &weights, e));
    assert_true(clq_gemm_weights_bytes(weights) >= 2 * 5 * 4);
    g->o.weights = weights;
    REFUSED_WEIGHTS(n, 3, "the weights are 2 of 5 x 4, B is 2 of 5 x 3");
    REFUSED_WEIGHTS(k, 4, "the weights are 2 of 5 x 4, B is 2 of 4 x 4");
    REFUSED_WEIGHTS(k, 0, "the weights are 2 of 5 x 4, B is 2 of 0 x 4");
    REFUSED_WEIGHTS(batch, 1, "the weights are 2 of 5 x 4, B is 1 of 5 x 4");
    REFUSED_WEIGHTS(b.batch_stride, 0, "the weights are 2 of 5 x 4, B is 1 of 5 x 4");
    REFUSED_WEIGHTS(b.dtype, CLQ_U8, "the weights are s8, B is u8");
    REFUSED_WEIGHTS(b_zero_point, CLQ_GEMM_PER_TENSOR, "b_zero_point");
    REFUSED_WEIGHTS(b_zero_point, CLQ_GEMM_ABSENT, "b_zero_point");
    ACCEPTED(clq_gemm_weights_create(g->other, &g->problem, b, b, &foreign, e));
    g->o.weights = foreign;
    REFUSED(CLQ_INVALID_ARGUMENT, "the weights belong to another context", clq_gemm(g->context, &g->problem, &g->o, e));
    full_gemm_check_untouched(g->o.c);
    g->o.weights = weights;
    g->problem.m = 2; /* how A and C lie is not the weights' business */
    g->problem.a.leading_dimension = 6;
    ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
    g->o.weights = NULL;
    clq_gemm_weights_destroy(&weights);
    clq_gemm_weights_destroy(&foreign);
    assert_null(weights);
    clq_gemm_weights_destroy(&weights);
    clq_gemm_weights_destroy(NULL);
    device_memory_free(&b);
}

static void packed_weights(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_weights);
}

/* What is packed depends on the groups along K and on the type: 4-bit weights serve neither 8-bit ones nor others. */
static void refuse_weights_in_groups(full_gemm *g)
{
    clq_gemm_weights *weights = NULL;
    clq_operand scales = full_gemm_filled(g->context, 2 * 4 * 5 * sizeof(float));
    const clq_operand others = g->o.b_scale;
    if (g->is_real) {
        g->problem.k_group = 4;
        g->problem.b.dtype = CLQ_S4;
        g->problem.b_zero_point = CLQ_GEMM_PER_COLUMN;
        g->problem.b_scale = CLQ_GEMM_PER_GROUP;
        g->problem.a_sums = CLQ_GEMM_ABSENT;
        g->o.b_scale = scales;
        ACCEPTED(full_gemm_pack(g, &weights, e));
        g->o.weights = weights;
        REFUSED_WEIGHTS(k_group, 5, "the weights were packed with a k_group of 4, the problem says 5");
        REFUSED_WEIGHTS(k_group, 1, "the weights were packed with a k_group of 4, the problem says 1");
        REFUSED_WEIGHTS(b.dtype, CLQ_S8, "the weights are s4, B is s8");
        REFUSED_WEIGHTS(b.dtype, CLQ_U4, "the weights are s4, B is u4");
        REFUSED_WEIGHTS(b_zero_point, CLQ_GEMM_PER_GROUP, "b_zero_point");
        ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
        ACCEPTED(clq_finish(g->context, e));
        g->o.weights = NULL;
        clq_gemm_weights_destroy(&weights);
        g->o.b.offset = 1;
        REFUSED(CLQ_INVALID_ARGUMENT, "the offset of b is 1, 4-bit codes need an even one",
                clq_gemm(g->context, &g->problem, &g->o, e));
        g->o.b.offset = 0;
        g->problem.k_group = 1;
        g->o.b_scale.offset = 1;
        REFUSED(CLQ_INVALID_ARGUMENT, "b_scale needs 40 elements from offset 1, its buffer has 40",
                clq_gemm(g->context, &g->problem, &g->o, e));
    }
    g->o.b_scale = others;
    device_memory_free(&scales);
}

static void weights_in_groups(void **state)
{
    (void)state;
    full_gemm_for_all(refuse_weights_in_groups);
}

static void write_random(clq_operand operand)
{
    for (uint64_t i = 0; i < clq_buffer_bytes(operand.buffer); i++) {
        const unsigned char byte = (unsigned char)check_random();
        ACCEPTED(clq_buffer_write(operand.buffer, i, &byte, 1, e));
    }
}

/* An operation that uses them may still be to run when they go. */
static void destroy_weights_in_use(full_gemm *g)
{
    static const int32_t shift[] = {-22, -23, -24, -25};
    void *want;
    write_random(g->o.a);
    write_random(g->o.b);
    g->problem.a_sums = CLQ_GEMM_ABSENT; /* those of the fill are not those of A */
    if (!g->is_real) {
        ACCEPTED(clq_buffer_write(g->o.shift.buffer, 0, shift, sizeof shift, e));
    }
    ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
    want = device_memory_read(g->o.c);
    for (int round = 0; round < 20; round++) {
        clq_gemm_weights *weights = NULL;
        void *got;
        device_memory_free(&g->o.c);
        g->o.c = full_gemm_filled(g->context, (17 + 2 * 5 + 4) * (g->is_real ? sizeof(float) : 1));
        ACCEPTED(full_gemm_pack(g, &weights, e));
        g->o.weights = weights;
        ACCEPTED(clq_gemm(g->context, &g->problem, &g->o, e));
        g->o.weights = NULL;
        clq_gemm_weights_destroy(&weights);
        got = device_memory_read(g->o.c);
        assert_memory_equal(got, want, clq_buffer_bytes(g->o.c.buffer));
        free(got);
    }
    free(want);
}

static void weights_in_use(void **state)
{
    (void)state;
    full_gemm_for_all(destroy_weights_in_use);
}

static clq_context *another_context(const clq_context *like)
{
    clq_context *context = NULL;
    ACCEPTED(clq_context_create(like == check_reference() ? "reference" : check_device_spec(), &context, e));
    return context;
}

/* Weights keep their context alive when its handle and all its buffers are gone. */
static void destroy_context_before_weights(full_gemm *g)
{
    clq_context *context = another_context(g->context);
    clq_gemm_weights *weights = NULL;
    uint64_t bytes;
    full_gemm own;
    full_gemm_begin(&own, context, g->is_real);
    ACCEPTED(full_gemm_pack(&own, &weights, e));
    bytes = clq_gemm_weights_bytes(weights);
    own.o.weights = weights;
    clq_context_destroy(&context);
    ACCEPTED(clq_gemm(own.context, &own.problem, &own.o, e));
    full_gemm_end(&own);
    assert_true(clq_gemm_weights_bytes(weights) == bytes);
    clq_gemm_weights_destroy(&weights);
    context = another_context(g->context);
    full_gemm_begin(&own, context, g->is_real);
    ACCEPTED(full_gemm_pack(&own, &weights, e));
    full_gemm_end(&own);
    clq_gemm_weights_destroy(&weights);
    clq_context_destroy(&context);
}

static void weights_and_context(void **state)
{
    (void)state;
    full_gemm_for_all(destroy_context_before_weights);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(packed_weights),
    cmocka_unit_test(weights_in_groups),
    cmocka_unit_test(weights_in_use),
    cmocka_unit_test(weights_and_context),
};

CHECK_MAIN("gemm_weights", tests)

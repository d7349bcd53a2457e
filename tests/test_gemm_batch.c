/* SPDX-License-Identifier: Apache-2.0 */
/* Many products in one go: a batch gives the bytes of one call for each, whatever they are, and says what it refuses.
 */
#include <stdlib.h>
#include <string.h>

#include "gemm_batch_case.h"
#include "inputs.h"
#include "inputs_gemm.h"
#include "refusal.h"

static gemm_batch_case b; /* too large for a stack */

/* ---- experts ---- */

/* What A of the experts is: codes, reals of one type, or by turns codes and reals of each type. */
typedef enum activations { CODES, HALVES, MIXED } activations;

/* One B each, of one shape, packed together; rows as the router has them, now and then none. */
static void add_expert(size_t i, uint64_t m, uint64_t n, uint64_t k, uint64_t k_group, clq_dtype dtype, activations a)
{
    check_gemm *c = &b.cases[i];
    check_gemm_init(c, "an expert", m > 0 ? m : 1, n, k);
    c->problem.b.dtype = dtype;
    b.is_empty[i] = m == 0;
    b.count = i + 1;
    if (k_group > 0) {
        c->problem.k_group = k_group;
        c->problem.b_scale = CLQ_GEMM_PER_GROUP;
        c->problem.a_scale = CLQ_GEMM_PER_ROW;
        c->problem.b_zero_point = dtype == CLQ_U4 ? CLQ_GEMM_PER_GROUP : CLQ_GEMM_ABSENT;
        c->problem.c.dtype = CLQ_F32;
    } else {
        c->problem.c.dtype = CLQ_F32;
        c->problem.a_scale = CLQ_GEMM_PER_ROW;
        c->problem.b_scale = CLQ_GEMM_PER_COLUMN;
        c->problem.b_zero_point = dtype == CLQ_U8 ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
    }
    if (a == HALVES) {
        inputs_gemm_reals(c, CLQ_F16);
    } else if (a == MIXED && i % (INPUTS_REALS + 1) > 0) {
        inputs_gemm_reals(c, inputs_real_types[i % (INPUTS_REALS + 1) - 1]);
    }
    inputs_gemm_fill(c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_WITHIN);
}

static void check_experts(const char *name, uint64_t most, uint64_t k_group, clq_dtype dtype, activations a,
                          const char *variant)
{
    gemm_batch_case_init(&b, name);
    b.together = 1;
    b.tells = a == MIXED;
    for (size_t i = 0; i < 24; i++) {
        /* each height of a tile is a program of some variants: of many rows a third of them, and an odd one */
        const uint64_t some = most < 8 ? 1 + check_below(most) : 4 * (1 + check_below(most / 4)) - (i == 7);
        const uint64_t m = variant != NULL ? most : some;
        add_expert(i, i % 5 == 3 ? 0 : m, 70, 133, k_group, dtype, a);
    }
    gemm_batch_case_check(&b, variant);
    gemm_batch_case_free(&b);
}

static void experts(void **state)
{
    (void)state;
    check_experts("experts of few rows", 3, 0, CLQ_S8, CODES, NULL);
    check_experts("experts of many rows", 40, 0, CLQ_S8, CODES, NULL);
    check_experts("experts with zero points of B", 3, 0, CLQ_U8, CODES, NULL);
    check_experts("experts in groups along K", 3, 32, CLQ_S4, CODES, NULL);
    check_experts("experts in groups along K with zero points", 3, 32, CLQ_U4, CODES, NULL);
    check_experts("many rows in groups along K", 40, 64, CLQ_S8, CODES, NULL);
    check_needs_device();
}

static void experts_of_reals(void **state)
{
    static const char *const forms[] = {"strip", "grid"};
    (void)state;
    check_experts("reals of few rows", 3, 0, CLQ_S8, HALVES, NULL);
    check_experts("reals of one row", 1, 0, CLQ_S8, MIXED, NULL);
    check_experts("reals of many rows", 40, 0, CLQ_S8, MIXED, NULL);
    check_experts("reals with zero points of B", 3, 0, CLQ_U8, MIXED, NULL);
    check_experts("reals in groups along K", 3, 32, CLQ_S4, MIXED, NULL);
    check_experts("many rows of reals in groups along K", 40, 64, CLQ_S8, MIXED, NULL);
    for (size_t i = 0; i < 2 && check_device() != NULL && !check_device_is_native(); i++) {
        check_experts(forms[i], 40, 32, CLQ_S8, MIXED, forms[i]);
    }
    check_needs_device();
}

/* By itself it has several tiles an item, which its row of the table must agree with. */
static void one_of_many_tiles(void **state)
{
    (void)state;
    gemm_batch_case_init(&b, "one product of many tiles");
    add_expert(0, 400, 90, 47, 0, CLQ_S8, CODES);
    gemm_batch_case_check(&b, NULL);
    gemm_batch_case_free(&b);
    check_needs_device();
}

static void no_rows_at_all(void **state)
{
    (void)state;
    gemm_batch_case_init(&b, "experts without rows");
    b.together = 1;
    for (size_t i = 0; i < 5; i++) {
        add_expert(i, 0, 37, 70, 0, CLQ_S8, i % 2 == 0 ? CODES : HALVES);
    }
    gemm_batch_case_check(&b, NULL);
    gemm_batch_case_free(&b);
    gemm_batch_case_init(&b, "no products");
    gemm_batch_case_check(&b, NULL);
    check_needs_device();
}

/* Every kernel, in groups too where it adds them up; with CLQ_TEST_EMULATE those for instructions that are not here,
 * emulated, whose compiling takes long. */
static void variants(void **state)
{
    (void)state;
    for (size_t i = 0; i < check_gemm_variant_count() && check_device() != NULL; i++) {
        const char *variant = check_gemm_variant(i);
        const int emulates = !check_device_is_native() && getenv("CLQ_TEST_EMULATE") != NULL;
        clq_plan plan;
        clq_gemm_problem p;
        clq_gemm_init(&p);
        p.m = p.n = p.k = 8;
        if (emulates) {
            clq_context_set_emulation(check_device(), 1);
        }
        ACCEPTED(clq_context_force_variant(check_device(), variant, e));
        if (clq_gemm_plan(check_device(), &p, 1, &plan, NULL) == CLQ_OK) {
            check_experts(variant, 3, 0, CLQ_S8, CODES, variant);
            check_experts(variant, 3, 0, CLQ_S8, MIXED, variant);
            if (strcmp(variant, "split-k") != 0) {
                check_experts(variant, 3, 32, CLQ_S4, CODES, variant);
                check_experts(variant, 3, 32, CLQ_S4, MIXED, variant);
            }
        }
        ACCEPTED(clq_context_force_variant(check_device(), NULL, e));
        if (emulates) {
            clq_context_set_emulation(check_device(), 0);
        }
    }
    check_needs_device();
}

/* ---- anything ---- */

static void add_any(size_t i)
{
    check_gemm *c = &b.cases[i];
    if (check_chance(4)) {
        check_gemm_init(c, "in groups", 4 * (1 + check_below(8)), 1 + check_below(70), 1 + check_below(150));
        inputs_gemm_layout(c);
        inputs_gemm_groups(c, 4 * (1 + check_below(9)));
    } else {
        inputs_gemm_problem(c, "any product", 90);
    }
    if (check_chance(3)) {
        inputs_gemm_reals(c, inputs_real_types[check_below(INPUTS_REALS)]);
    }
    c->packed = check_chance(2);
    c->sums = c->problem.k_group == 0 && clq_dtype_bits(c->problem.a.dtype) == 8 && check_chance(4);
    b.is_empty[i] = check_chance(8);
    b.count = i + 1;
    inputs_gemm_fill(c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
}

static void any_products(void **state)
{
    (void)state;
    for (int turn = 0; turn < 12; turn++) {
        gemm_batch_case_init(&b, "any products");
        b.apart = turn % 4 == 3;
        b.tells = turn % 2;
        for (size_t i = 0; i < 30; i++) {
            add_any(i);
        }
        gemm_batch_case_check(&b, NULL);
        gemm_batch_case_free(&b);
    }
    check_needs_device();
}

/* ---- refusals ---- */

enum { ROWS = 3, COLUMNS = 5, DEPTH = 7 };

typedef struct two {
    clq_buffer *memory;
    clq_gemm_problem problem;
    clq_gemm_batch_item items[2];
} two;

/* Two products with one A and B. */
static void two_begin(two *t, clq_context *context)
{
    memset(t, 0, sizeof *t);
    clq_gemm_init(&t->problem);
    t->problem.m = ROWS;
    t->problem.n = COLUMNS;
    t->problem.k = DEPTH;
    ACCEPTED(clq_buffer_create(context, 1024, &t->memory, e));
    for (int i = 0; i < 2; i++) {
        clq_gemm_operands *o = &t->items[i].operands;
        t->items[i].problem = &t->problem;
        o->struct_size = sizeof *o;
        o->a = (clq_operand){t->memory, 0};
        o->b = (clq_operand){t->memory, 64};
        o->c = (clq_operand){t->memory, 32 + 16 * (uint64_t)i};
    }
}

#define CREATE clq_gemm_batch_create(context, t.items, 2, &batch, e)

static void refuse_on(clq_context *context)
{
    clq_gemm_batch *batch = NULL;
    clq_gemm_problem other;
    clq_gemm_weights *weights = NULL;
    clq_gemm_problem several;
    clq_plan plan;
    two t;
    two_begin(&t, context);
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    clq_gemm_batch_destroy(&batch);
    clq_gemm_batch_destroy(NULL);
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_gemm_batch_create(NULL, t.items, 2, &batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_gemm_batch_create(context, NULL, 2, &batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_gemm_batch_create(context, t.items, 2, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "batch is NULL", clq_gemm_batch_run(NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_gemm_batch_plan(NULL, &plan, e));
    t.items[1].problem = NULL;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 1 of the batch: gemm: problem is NULL", CREATE);
    other = t.problem;
    t.items[1].problem = &other;
    other.n = 0;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 1 of the batch: gemm: m, n and batch", CREATE);
    other.m = 0; /* it is checked all the same */
    REFUSED(CLQ_INVALID_ARGUMENT, "item 1 of the batch: gemm: m, n and batch", CREATE);
    other = t.problem;
    t.items[1].operands.c.offset = 32 + ROWS * COLUMNS - 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "c of item ", CREATE);
    t.items[1].operands.c.offset = 32 + ROWS * COLUMNS;
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    t.items[1].operands.a.offset = 4 * 32 - ROWS * DEPTH + 1; /* its last byte is the first of C */
    REFUSED(CLQ_INVALID_ARGUMENT, "c of item 0", CREATE);
    REFUSED(CLQ_INVALID_ARGUMENT, "a of item 1", CREATE);
    other.m = 0; /* nobody reads it */
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    other.m = ROWS;
    t.items[1].operands.a.offset = 0;
    t.items[1].weights_batch = 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "weights_batch is 1, without weights", CREATE);
    several = t.problem;
    several.batch = 2;
    several.b.batch_stride = COLUMNS * DEPTH;
    several.c.batch_stride = ROWS * COLUMNS;
    ACCEPTED(
        clq_gemm_weights_create(context, &several, (clq_operand){t.memory, 0}, (clq_operand){NULL, 0}, &weights, e));
    t.items[1].operands.weights = weights;
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    t.items[1].weights_batch = 2;
    REFUSED(CLQ_INVALID_ARGUMENT, "weights_batch is 2, the weights have 2 batches", CREATE);
    other = several;
    t.items[1].weights_batch = 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "weights_batch is 1, with a batch of more than 1", CREATE);
    clq_gemm_weights_destroy(&weights);
    clq_buffer_destroy(&t.memory);
}

/* What A has that is not finite, told in memory that another item reads or writes. */
static void refuse_nonfinite(clq_context *context)
{
    enum { C_OF_REALS = 512, FREE = 768 };
    clq_gemm_batch *batch = NULL;
    clq_gemm_problem reals;
    clq_gemm_operands *o;
    two t;
    two_begin(&t, context);
    reals = t.problem;
    reals.a.dtype = reals.c.dtype = CLQ_F32;
    reals.a_scale = CLQ_GEMM_PER_ROW;
    t.items[1].problem = &reals;
    o = &t.items[1].operands;
    o->a.offset = 256 / 4;
    o->c.offset = C_OF_REALS / 4;
    o->a_nonfinite = (clq_operand){t.memory, FREE / 16};
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    o->a_nonfinite.offset = 64; /* behind the last of 1024 bytes */
    REFUSED(CLQ_INVALID_ARGUMENT, "item 1 of the batch: gemm: a_nonfinite needs 1 element from offset 64", CREATE);
    o->a_nonfinite.offset = 256 / 16;
    REFUSED(CLQ_INVALID_ARGUMENT, "item 1 of the batch: gemm: a_nonfinite and a overlap", CREATE);
    o->a_nonfinite.offset = 0;
    REFUSED(CLQ_INVALID_ARGUMENT, "a_nonfinite of item 1", CREATE);
    REFUSED(CLQ_INVALID_ARGUMENT, "a of item 0", CREATE);
    o->b.offset = 512 + 128; /* no operand but the other one's C is there then */
    o->a_nonfinite.offset = 128 / 16;
    REFUSED(CLQ_INVALID_ARGUMENT, "c of item 0", CREATE);
    t.items[0] = t.items[1];
    t.items[0].operands.c.offset = FREE / 4;
    o->a_nonfinite.offset = t.items[0].operands.a_nonfinite.offset = 0;
    REFUSED(CLQ_INVALID_ARGUMENT, "a_nonfinite of item ", CREATE);
    REFUSED(CLQ_INVALID_ARGUMENT, "overlap", CREATE);
    o->a_nonfinite.offset = 1;
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    reals.m = 0; /* nobody tells of it */
    o->a_nonfinite.offset = 0;
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    clq_buffer_destroy(&t.memory);
}

static void refusals(void **state)
{
    (void)state;
    refuse_on(check_reference());
    refuse_nonfinite(check_reference());
    if (check_device() != NULL) {
        refuse_on(check_device());
        refuse_nonfinite(check_device());
    }
    check_needs_device();
}

/* C of two side by side in the rows of one wider matrix share no byte, though one begins within the other. */
static void side_by_side(void **state)
{
    two t;
    clq_gemm_batch *batch = NULL;
    clq_context *context = check_reference();
    (void)state;
    two_begin(&t, context);
    t.problem.c.leading_dimension = 2 * COLUMNS;
    t.items[1].operands.c.offset = 32 + COLUMNS;
    ACCEPTED(CREATE);
    clq_gemm_batch_destroy(&batch);
    t.items[1].operands.c.offset--;
    REFUSED(CLQ_INVALID_ARGUMENT, "c of item ", CREATE);
    clq_buffer_destroy(&t.memory);
}

/* Every third has an A of its own, which the next two have too, quantized likewise: that is done once. One that tells
 * what is not finite in it does it for itself. */
static void check_shared_a(clq_context *context, int tells)
{
    enum { SHARED = 12 };
    static gemm_batch_place p;
    check_gemm_result want[SHARED];
    clq_gemm_batch *batch = NULL;
    clq_plan plan;
    gemm_batch_case_init(&b, "products with one A");
    b.tells = tells;
    for (size_t i = 0; i < SHARED; i++) {
        add_expert(i, 5, 20 + i, 133, 0, CLQ_S8, HALVES);
        if (i % 3 != 0) {
            const check_gemm *first = &b.cases[i - i % 3];
            b.cases[i].problem.a_scheme = first->problem.a_scheme;
            memcpy(b.cases[i].in[CHECK_GEMM_A], first->in[CHECK_GEMM_A],
                   (size_t)check_gemm_bytes(first, CHECK_GEMM_A, check_gemm_elements(first, CHECK_GEMM_A)));
        }
        if (i == 8) { /* not likewise */
            const clq_dtype other = b.cases[6].problem.a_scheme.dtype == CLQ_S8 ? CLQ_U8 : CLQ_S8;
            ACCEPTED(clq_scheme_from_preset(CLQ_PRESET_AFFINE, other, &b.cases[i].problem.a_scheme, e));
        }
    }
    gemm_batch_case_want(&b, want);
    gemm_batch_place_begin(&p, context, &b);
    for (size_t i = 0; i < SHARED; i++) {
        p.items[i].operands.a = p.items[i - i % 3].operands.a;
    }
    ACCEPTED(clq_gemm_batch_create(context, p.items, SHARED, &batch, e));
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    if (strstr(plan.reason, tells ? "; 12 A are quantized" : "; 5 A are quantized") == NULL) {
        fail_msg("the plan says '%s'", plan.reason);
    }
    ACCEPTED(clq_gemm_batch_run(batch, e));
    ACCEPTED(clq_finish(context, e));
    gemm_batch_place_check(&p, "with one A", want);
    clq_gemm_batch_destroy(&batch);
    gemm_batch_place_end(&p);
    gemm_batch_case_free(&b);
    for (size_t i = 0; i < SHARED; i++) {
        check_gemm_result_free(&want[i]);
    }
}

static void shared_a(void **state)
{
    (void)state;
    for (int tells = 0; tells < 2; tells++) {
        check_shared_a(check_reference(), tells);
        if (check_device() != NULL) {
            check_shared_a(check_device(), tells);
        }
    }
    check_needs_device();
}

static void plans(void **state)
{
    clq_gemm_batch *batch = NULL;
    clq_plan plan;
    two t;
    clq_context *context = check_reference();
    (void)state;
    two_begin(&t, context);
    ACCEPTED(CREATE);
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    assert_string_equal(plan.variant, "reference");
    assert_null(strstr(plan.reason, "quantized"));
    clq_gemm_batch_destroy(&batch);
    t.problem.a.dtype = t.problem.c.dtype = CLQ_F32;
    t.problem.a_scale = CLQ_GEMM_PER_ROW;
    t.items[0].operands.c.offset = 256 / 4;
    t.items[1].operands.c.offset = 512 / 4;
    t.items[0].operands.b.offset = t.items[1].operands.b.offset = 128;
    ACCEPTED(CREATE);
    ACCEPTED(clq_gemm_batch_plan(batch, &plan, e));
    assert_non_null(strstr(plan.reason, "; 1 A are quantized by reference")); /* it is that of both */
    clq_gemm_batch_destroy(&batch);
    clq_buffer_destroy(&t.memory);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(refusals),     cmocka_unit_test(side_by_side),   cmocka_unit_test(plans),
    cmocka_unit_test(experts),      cmocka_unit_test(no_rows_at_all), cmocka_unit_test(one_of_many_tiles),
    cmocka_unit_test(any_products), cmocka_unit_test(variants),       cmocka_unit_test(experts_of_reals),
    cmocka_unit_test(shared_a),
};

CHECK_MAIN("gemm batch", tests)

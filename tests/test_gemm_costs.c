/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No hidden costs: after its first run a matrix product sets arguments and enqueues kernels, as few as its description
 * allows, and nothing else. It builds, makes, transfers and allocates nothing, and waits for nothing.
 */
#include <stdio.h>
#include <string.h>

#include "check_gemm.h"
#include "counted_memory.h"
#include "failing_opencl.h"
#include "gemm_chain.h"
#include "refusal.h"

/* What is quick: nothing is made, waited for or transferred. */
static const char *const quick_calls[] = {
    "clSetKernelArg",     "clEnqueueNDRangeKernel", "clFlush", "clGetCommandQueueInfo",
    "clGetMemObjectInfo", "clReleaseEvent",         NULL,
};

typedef struct costs {
    int kernels;
    const char *slow_call; /* NULL: none */
    long allocations;
} costs;

static void begin_costs(costs *c)
{
    failing_opencl_forget_calls();
    c->allocations = counted_memory_calls();
}

static void end_costs(costs *c)
{
    c->allocations = counted_memory_calls() - c->allocations;
    c->slow_call = failing_opencl_called_beside(quick_calls);
    c->kernels = failing_opencl_calls("clEnqueueNDRangeKernel");
}

static void check_costs(const char *name, const char *variant, const costs *c, int kernels)
{
    if (c->slow_call != NULL || c->allocations != 0 || c->kernels != kernels) {
        fail_msg("%s, %s: %d kernels were enqueued, %d are enough; %s was called; %ld calls of malloc and the like",
                 name, variant, c->kernels, kernels, c->slow_call != NULL ? c->slow_call : "no slow function",
                 c->allocations);
    }
}

/* ---- the products ---- */

typedef struct description {
    const char *name;
    clq_dtype a;
    clq_gemm_values b_zero_point;
    int transposed_a, packed;
} description;

static const description descriptions[] = {
    {"s8 x s8", CLQ_S8, CLQ_GEMM_ABSENT, 0, 1},
    {"u8 x s8", CLQ_U8, CLQ_GEMM_ABSENT, 0, 1},
    {"zero points of B", CLQ_U8, CLQ_GEMM_PER_COLUMN, 0, 1},
    {"A transposed", CLQ_S8, CLQ_GEMM_ABSENT, 1, 1},
    {"B as it is", CLQ_S8, CLQ_GEMM_ABSENT, 0, 0},
};

static clq_gemm_problem problem_of(const description *d, const char *variant)
{
    clq_gemm_problem problem = chain_problem();
    problem.a.dtype = d->a;
    problem.a.transposed = d->transposed_a;
    problem.a_zero_point = CLQ_GEMM_ABSENT;
    problem.b_zero_point = d->b_zero_point;
    problem.m = variant != NULL && strcmp(variant, "gemv") == 0 ? 8 : CHAIN_ROWS;
    return problem;
}

static void give_weights(gemm_chain *p, const clq_gemm_problem *problem, int packed)
{
    clq_gemm_weights_destroy(&p->weights);
    if (packed) {
        ACCEPTED(
            clq_gemm_weights_create(p->own.clquant, problem, p->o[CHAIN_B], p->o[CHAIN_B_ZERO_POINT], &p->weights, e));
    }
}

/* Force the variant; 0 when it cannot run the problem. `kernel`: which one multiplies. */
static int force(const gemm_chain *p, const clq_gemm_problem *problem, const char *variant, clq_plan *plan,
                 char *kernel, size_t capacity)
{
    clq_error error;
    clq_status status;
    ACCEPTED(clq_context_force_variant(p->own.clquant, NULL, e));
    ACCEPTED(clq_gemm_plan(p->own.clquant, problem, 1, plan, e));
    snprintf(kernel, capacity, "%s", plan->variant); /* the slices' too */
    ACCEPTED(clq_context_force_variant(p->own.clquant, variant, e));
    status = clq_gemm_plan(p->own.clquant, problem, 1, plan, &error);
    if (status == CLQ_UNSUPPORTED) {
        return 0;
    }
    check_ok(status, &error, "clq_gemm_plan");
    if (strcmp(plan->variant, "split-k") != 0) {
        snprintf(kernel, capacity, "%s", plan->variant);
    }
    return 1;
}

/* One that multiplies; before it A packed, sums of A's rows, B packed and its columns summed; after it the slices. */
static int kernels_of(const description *d, const clq_plan *plan, const char *kernel)
{
    const int has_other_a = strcmp(kernel, "cpu") == 0 || strcmp(kernel, "cpu-avx2") == 0;
    return 1 + (has_other_a || d->transposed_a) + (d->b_zero_point != CLQ_GEMM_ABSENT) + (d->packed ? 0 : 2) +
           (strcmp(plan->variant, "split-k") == 0);
}

/* ---- where they run ---- */

typedef enum place { OWN_QUEUE, IN_ORDER, OUT_OF_ORDER, PLACES } place;

static const char *const place_names[PLACES] = {"the context's queue", "an in-order queue", "an out-of-order queue"};

static void multiply(gemm_chain *p, const clq_gemm_problem *problem, place where, costs *c)
{
    const clq_gemm_operands operands = gemm_chain_operands(p);
    cl_event event = NULL;
    clq_error error;
    clq_status status;
    p->launch.event = where == OUT_OF_ORDER ? &event : NULL;
    begin_costs(c);
    status = where == OWN_QUEUE ? clq_gemm(p->own.clquant, problem, &operands, &error)
                                : clq_enqueue_gemm(p->own.clquant, problem, &operands, &p->launch, &error);
    end_costs(c);
    check_ok(status, &error, place_names[where]);
    if (event != NULL) {
        assert_int_equal(clReleaseEvent(event), CL_SUCCESS);
    }
    ACCEPTED(clq_finish(p->own.clquant, e));
    assert_int_equal(clFinish(p->own.queue), CL_SUCCESS);
}

static void check_product(gemm_chain *p, const description *d, const char *variant, place where)
{
    const clq_gemm_problem problem = problem_of(d, variant);
    char name[128];
    char kernel[64];
    clq_plan plan;
    costs c;
    if (!force(p, &problem, variant, &plan, kernel, sizeof kernel)) {
        return;
    }
    snprintf(name, sizeof name, "%s on %s", d->name, place_names[where]);
    give_weights(p, &problem, d->packed);
    gemm_chain_give_workspace(p, &problem);
    multiply(p, &problem, where, &c); /* the first run */
    for (int i = 0; i < 3; i++) {
        const int references = failing_opencl_references();
        multiply(p, &problem, where, &c);
        check_costs(name, plan.variant, &c, kernels_of(d, &plan, kernel));
        assert_int_equal(failing_opencl_references(), references);
    }
    gemm_chain_take_workspace(p);
}

static void check_products(place where)
{
    if (check_device() != NULL) {
        chain_contents v;
        gemm_chain p;
        chain_contents_make(&v);
        gemm_chain_begin(&p, where == OUT_OF_ORDER ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, &v, 0);
        for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++) {
            check_product(&p, &descriptions[i], NULL, where);
            for (size_t k = 0; k < check_gemm_variant_count(); k++) {
                check_product(&p, &descriptions[i], check_gemm_variant(k), where);
            }
        }
        gemm_chain_end(&p);
        chain_contents_free(&v);
    }
    check_needs_device();
}

static void own_queue(void **state)
{
    (void)state;
    check_products(OWN_QUEUE);
}

static void in_order_queue(void **state)
{
    (void)state;
    check_products(IN_ORDER);
}

static void out_of_order_queue(void **state)
{
    (void)state;
    check_products(OUT_OF_ORDER);
}

/* The layers of a network: what was built for one serves another of the same height at its first run. */
static void other_shapes(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_gemm_problem problem = problem_of(&descriptions[0], NULL);
        chain_contents v;
        gemm_chain p;
        costs c;
        chain_contents_make(&v);
        gemm_chain_begin(&p, 0, &v, 0);
        give_weights(&p, &problem, 1);
        multiply(&p, &problem, OWN_QUEUE, &c);
        for (int i = 0; i < 4; i++) {
            problem.n = 1 + check_below(CHAIN_COLUMNS);
            problem.k = 1 + check_below(CHAIN_INNER);
            problem.a_zero_point = i % 2 == 0 ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_TENSOR;
            problem.bias = i % 2 == 0 ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
            give_weights(&p, &problem, 1);
            multiply(&p, &problem, OWN_QUEUE, &c);
            check_costs("another shape", "the same variant", &c, c.kernels);
        }
        gemm_chain_end(&p);
        chain_contents_free(&v);
    }
    check_needs_device();
}

static void row_sums(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const clq_gemm_problem problem = problem_of(&descriptions[0], NULL);
        chain_contents v;
        gemm_chain p;
        chain_contents_make(&v);
        gemm_chain_begin(&p, 0, &v, 0);
        for (int i = 0; i < 3; i++) {
            clq_error error;
            clq_status status;
            costs c;
            begin_costs(&c);
            status = clq_gemm_row_sums(p.own.clquant, &problem, p.o[CHAIN_CODES], p.o[CHAIN_Y], &error);
            end_costs(&c);
            check_ok(status, &error, "clq_gemm_row_sums");
            if (i > 0) {
                check_costs("sums of rows", "the only variant", &c, 1);
            }
            ACCEPTED(clq_finish(p.own.clquant, e));
        }
        gemm_chain_end(&p);
        chain_contents_free(&v);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(own_queue),    cmocka_unit_test(in_order_queue), cmocka_unit_test(out_of_order_queue),
    cmocka_unit_test(other_shapes), cmocka_unit_test(row_sums),
};

CHECK_MAIN("gemm_costs", tests)

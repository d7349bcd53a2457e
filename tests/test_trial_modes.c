/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trial of products sees of requantization: a kernel that takes the rule of another mode is not trusted. The
 * candidate is the reference itself, told a wrong mode. And what trials of choose_parameters have of schemes.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "reference/executor.h"
#include "trial/cases.h"

typedef struct impostor {
    clq_requantize_mode mode, instead;
    void *memory;
    uint64_t bytes;
} impostor;

static clq_status reserve(void *cookie, uint64_t bytes, void **memory, clq_error *error)
{
    impostor *i = cookie;
    (void)error;
    free(i->memory);
    i->memory = check_allocate(bytes);
    i->bytes = bytes;
    *memory = i->memory;
    return CLQ_OK;
}

static clq_status write_all(void *cookie, const void *from, uint64_t bytes, clq_error *error)
{
    const impostor *i = cookie;
    (void)error;
    memcpy(i->memory, from, (size_t)bytes);
    return CLQ_OK;
}

static clq_status read_all(void *cookie, void *to, uint64_t bytes, clq_error *error)
{
    const impostor *i = cookie;
    (void)error;
    memcpy(to, i->memory, (size_t)bytes);
    return CLQ_OK;
}

static clq_status run(void *cookie, const clq_trial_case *c, clq_error *error)
{
    const impostor *i = cookie;
    clq_gemm_problem problem = c->problem;
    clq_gemm_task product = c->product;
    product.problem = &problem;
    problem.requantize = problem.requantize == i->mode ? i->instead : problem.requantize;
    return clq_reference_executor.gemm(NULL, &product, error);
}

static int is_trusted(clq_requantize_mode mode, clq_requantize_mode instead)
{
    const clq_trial_heights heights = {4, 0, 0, 0, 0};
    const clq_trial_cases cases = clq_trial_product_cases(&heights);
    impostor i = {mode, instead, NULL, 0};
    const clq_trial_candidate candidate = {&i, reserve, write_all, run, read_all, 0, NULL};
    clq_error error;
    int same = 0;
    check_ok(clq_trial_compare(&candidate, &cases, &same, &error), &error, "clq_trial_compare");
    free(i.memory);
    return same;
}

static void every_mode_is_told_from_every_other(void **state)
{
    static const clq_requantize_mode modes[] = {CLQ_REQUANTIZE_DOUBLE, CLQ_REQUANTIZE_SINGLE,
                                                CLQ_REQUANTIZE_SINGLE_AWAY, CLQ_REQUANTIZE_DOUBLE_UP};
    (void)state;
    for (size_t a = 0; a < 4; a++) {
        for (size_t b = 0; b < 4; b++) {
            if (is_trusted(modes[a], modes[b]) != (a == b)) {
                fail_msg("a kernel that computes mode %d in place of mode %d is %s", (int)modes[b], (int)modes[a],
                         a == b ? "not trusted" : "trusted");
            }
        }
    }
}

/* Of those cases, the most parameters that a tensor with the scheme of that number has. */
static uint64_t most_parameters(const clq_trial_cases *cases, const clq_quantization *q, size_t number)
{
    clq_trial_case *c = check_allocate(sizeof *c);
    clq_scheme want = q->scheme;
    uint64_t most = 0;
    clq_trial_take_scheme(&want, number);
    for (size_t n = 0; n < cases->count; n++) {
        clq_error error;
        memset(c, 0, sizeof *c);
        check_ok(cases->describe(cases->what, n, c, &error), &error, "describe");
        for (size_t i = 0; i < c->count; i++) {
            clq_scheme has = c->described[i].scheme;
            has.rounding = want.rounding;
            has.zero_point_order = want.zero_point_order;
            has.arithmetic = want.arithmetic;
            if (memcmp(&has, &want, sizeof has) == 0 && c->tasks[i].geometry.parameters > most) {
                most = c->tasks[i].geometry.parameters;
            }
        }
    }
    free(c);
    return most;
}

/* A tensor alone and one of a batch: a kernel that is wrong for one scheme has many parameters to be seen by. */
static void every_scheme_has_many_parameters(void **state)
{
    clq_quantization q;
    const clq_trial_kernels kernels = {CLQ_OP_CHOOSE_PARAMETERS, CLQ_TRIAL_ANY, &q};
    const clq_trial_cases cases[] = {clq_trial_walk_cases(&kernels), clq_trial_batch_cases(&kernels)};
    (void)state;
    clq_quantization_init(&q);
    for (size_t i = 0; i < 2 * CLQ_TRIAL_SCHEMES; i++) {
        const uint64_t most = most_parameters(&cases[i % 2], &q, i / 2);
        if (most < 64) {
            fail_msg("scheme %zu comes to %d parameters at most%s", i / 2, (int)most, i % 2 != 0 ? " in batches" : "");
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_mode_is_told_from_every_other),
    cmocka_unit_test(every_scheme_has_many_parameters),
};

CHECK_MAIN("trial_modes", tests)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a trial of products sees of requantization: a kernel that takes the rule of another mode is not trusted. The
 * candidate is the reference itself, told a wrong mode.
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
    const clq_trial_candidate candidate = {&i, reserve, write_all, run, read_all, 0};
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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_mode_is_told_from_every_other),
};

CHECK_MAIN("trial_modes", tests)

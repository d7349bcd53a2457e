/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline of slots: order, overlap, its end, and failures in every stage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "stream/pipeline.h"

enum { SLOTS = 8, MOST = 200 };

/* What a run does: fillings 0 to count-1, each stage checks that it gets them in order and untouched. */
typedef struct run {
    int count, stages;
    size_t slots;
    int fail_stage[2], fail_at[2]; /* where failures are; stage -1: none */
    int slow_stage;                /* which takes its time; -1: none */
    int seen[CLQ_PIPELINE_STAGES]; /* fillings that each stage has taken */
    int contents[SLOTS], passed[SLOTS];
    int wrong[CLQ_PIPELINE_STAGES];
} run;

static clq_status visit(run *r, int stage, size_t slot, clq_error *error)
{
    const int number = r->seen[stage]++;
    const struct timespec pause = {0, 200000};
    r->wrong[stage] |= slot != (size_t)number % r->slots;
    if (stage > 0) {
        r->wrong[stage] |= r->contents[slot] != number || r->passed[slot] != stage - 1;
    }
    r->contents[slot] = number;
    r->passed[slot] = stage;
    if (r->slow_stage == stage) {
        nanosleep(&pause, NULL);
    }
    for (int i = 0; i < 2; i++) {
        if (r->fail_stage[i] == stage && r->fail_at[i] == number) {
            return clq_fail(error, CLQ_IO_ERROR, "stage %d filling %d", stage, number);
        }
    }
    return CLQ_OK;
}

static clq_status fill(void *cookie, size_t slot, int *filled, clq_error *error)
{
    run *r = cookie;
    *filled = r->seen[0] < r->count;
    return *filled ? visit(r, 0, slot, error) : CLQ_OK;
}

static clq_status second(void *cookie, size_t slot, clq_error *error)
{
    return visit(cookie, 1, slot, error);
}

static clq_status third(void *cookie, size_t slot, clq_error *error)
{
    return visit(cookie, 2, slot, error);
}

static clq_status fourth(void *cookie, size_t slot, clq_error *error)
{
    return visit(cookie, 3, slot, error);
}

static run run_of(int count, int stages, size_t slots)
{
    run r;
    memset(&r, 0, sizeof r);
    r.count = count;
    r.stages = stages;
    r.slots = slots;
    r.fail_stage[0] = -1;
    r.fail_stage[1] = -1;
    r.slow_stage = -1;
    return r;
}

static clq_status start(run *r, clq_error *error)
{
    const clq_pipeline pipeline = {
        r, r->slots, fill, {second, r->stages > 2 ? third : NULL, r->stages > 3 ? fourth : NULL}, NULL, NULL};
    return clq_pipeline_run(&pipeline, error);
}

static void every_filling_passes_every_stage_in_order(void **state)
{
    static const int COUNTS[] = {0, 1, 2, 3, 7, MOST};
    (void)state;
    for (int stages = 2; stages <= CLQ_PIPELINE_STAGES; stages++) {
        for (size_t slots = 1; slots <= SLOTS; slots++) {
            for (size_t c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++) {
                run r = run_of(COUNTS[c], stages, slots);
                clq_error error;
                r.slow_stage = COUNTS[c] < MOST ? (int)(slots % (size_t)stages) : -1;
                assert_int_equal(start(&r, &error), CLQ_OK);
                for (int stage = 0; stage < stages; stage++) {
                    assert_false(r.wrong[stage]);
                    assert_int_equal(r.seen[stage], COUNTS[c]);
                }
            }
        }
    }
}

/* The earliest failure is told, whichever stage is slow; what came before it has passed, and nothing after it. */
static void the_earliest_failure_counts(void **state)
{
    (void)state;
    for (int stage = 0; stage < CLQ_PIPELINE_STAGES; stage++) {
        for (int slow = -1; slow < CLQ_PIPELINE_STAGES; slow++) {
            for (int at = 0; at < 20; at += 3) {
                run r = run_of(MOST, CLQ_PIPELINE_STAGES, 4);
                char want[64];
                clq_error error;
                r.slow_stage = slow;
                r.fail_stage[0] = stage;
                r.fail_at[0] = at;
                /* A later filling fails too, in a stage before or the same. */
                r.fail_stage[1] = stage / 2;
                r.fail_at[1] = at + 1;
                assert_int_equal(start(&r, &error), CLQ_IO_ERROR);
                snprintf(want, sizeof want, "stage %d filling %d", stage, at);
                assert_string_equal(error.message, want);
                assert_int_equal(r.seen[stage], at + 1);
                for (int later = stage + 1; later < CLQ_PIPELINE_STAGES; later++) {
                    assert_int_equal(r.seen[later], at);
                }
                for (int any = 0; any < CLQ_PIPELINE_STAGES; any++) {
                    assert_false(r.wrong[any]);
                }
                assert_true(r.seen[0] <= at + 1 + 4);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filling_passes_every_stage_in_order),
        cmocka_unit_test(the_earliest_failure_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

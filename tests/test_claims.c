/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharing tensors between devices: each is done once, a slow device gets less and holds nobody up, and what one that
 * failed had claimed goes to the others.
 */
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "model/claims.h"

enum { MOST = 4000, SLOT = 8, MIB = 1 << 20 };

static clq_claims *make(size_t count, size_t lanes, const uint64_t *bytes)
{
    clq_claims *claims = NULL;
    clq_error error;
    check_ok(clq_claims_create(count, lanes, &claims, &error), &error, "claims");
    for (size_t i = 0; i < count; i++) {
        clq_claims_add(claims, i, bytes[i]);
    }
    clq_claims_begin(claims);
    return claims;
}

static int take(clq_claims *claims, size_t lane, size_t *tensor)
{
    return clq_claims_take(claims, lane, 0, NULL, NULL, tensor);
}

static void one_lane_goes_in_order(void **state)
{
    static const uint64_t BYTES[] = {3, 0, 500 * (uint64_t)MIB, 1, 7};
    clq_claims *claims = make(5, 1, BYTES);
    size_t tensor = 0;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_true(take(claims, 0, &tensor));
        assert_int_equal(tensor, i);
    }
    assert_false(clq_claims_take(claims, 0, 1, NULL, NULL, &tensor));
    for (size_t i = 0; i < 5; i++) {
        clq_claims_done(claims, i);
    }
    assert_int_equal(clq_claims_done_bytes(claims, 0), 500 * (uint64_t)MIB + 11);
    clq_claims_destroy(&claims);
}

/* Lanes of these speeds, in bytes a second, each of which fills a slot when it is done with the one before. */
typedef struct simulation {
    size_t lanes;
    double speed[4];
    double start; /* seconds that the first slot of each takes besides: kernels are compiled */
} simulation;

/* Returns the time until all is done, over that of an ideal share. */
static double simulate(const simulation *s, size_t count, const uint64_t *bytes, uint64_t *did)
{
    clq_claims *claims = make(count, s->lanes, bytes);
    static int done[MOST];
    double at[4] = {0};
    double begun[4] = {0};
    double latest = 0.0;
    double speeds = 0.0;
    uint64_t all = 0;
    size_t slot[4][SLOT];
    size_t filled[4] = {0};
    size_t left = count;
    memset(done, 0, sizeof done);
    for (size_t i = 0; i < count; i++) {
        all += bytes[i];
    }
    for (size_t i = 0; i < s->lanes; i++) {
        speeds += s->speed[i];
        did[i] = 0;
    }
    while (left > 0) {
        size_t lane = 0;
        uint64_t sum = 0;
        for (size_t i = 1; i < s->lanes; i++) { /* who is done first */
            lane = at[i] < at[lane] ? i : lane;
        }
        for (size_t i = 0; i < filled[lane]; i++) {
            assert_int_equal(done[slot[lane][i]]++, 0);
            did[lane] += bytes[slot[lane][i]];
            sum += bytes[slot[lane][i]];
            clq_claims_done(claims, slot[lane][i]);
            left--;
        }
        if (filled[lane] > 0) {
            latest = at[lane];
            clq_claims_measure(claims, lane, sum, at[lane] - begun[lane]);
        }
        filled[lane] = 0;
        while (filled[lane] < SLOT && take(claims, lane, &slot[lane][filled[lane]])) {
            filled[lane]++;
        }
        begun[lane] = at[lane];
        for (size_t i = 0; i < filled[lane]; i++) {
            at[lane] += (double)bytes[slot[lane][i]] / s->speed[lane];
        }
        at[lane] += filled[lane] == 0 ? 0.001 : did[lane] == 0 ? s->start : 0.0;
    }
    clq_claims_destroy(&claims);
    return latest / ((double)all / speeds);
}

static void the_slow_get_less(void **state)
{
    static const simulation CASES[] = {
        {2, {1e9, 1e9}, 0.0},      {2, {1e9, 1e8}, 0.0}, {2, {1e6, 1e9}, 0.0},
        {3, {1e9, 3e8, 1e7}, 0.0}, {2, {1e9, 1e9}, 0.2},
    };
    static uint64_t bytes[MOST];
    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        bytes[i] = i % 3 == 0 ? 100 + check_below(1000) : MIB / 2 + check_below(MIB / 2);
    }
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const simulation *s = &CASES[i];
        uint64_t did[4];
        const double worse = simulate(s, MOST, bytes, did);
        const double limit = s->start > 0.0 ? 1.3 : 1.1;
        if (worse > limit) {
            fail_msg("case %zu takes %.2f times what it must", i, worse);
        }
        for (size_t lane = 1; lane < s->lanes && s->start == 0.0; lane++) {
            const double ratio = ((double)did[lane] / s->speed[lane]) / ((double)did[0] / s->speed[0]);
            if (ratio > 1.2) {
                fail_msg("case %zu: lane %zu has %.2f times its share", i, lane, ratio);
            }
        }
    }
}

static void what_a_lane_leaves_is_done_by_others(void **state)
{
    static const uint64_t BYTES[] = {10, 20, 30, 40};
    clq_claims *claims = make(4, 2, BYTES);
    size_t tensor = 0;
    size_t count = 0;
    int seen[4] = {0};
    (void)state;
    assert_true(take(claims, 0, &tensor));
    assert_true(clq_claims_leave(claims, 0));
    assert_int_equal(clq_claims_lanes(claims), 1);
    while (clq_claims_take(claims, 1, 1, NULL, NULL, &tensor)) {
        assert_int_equal(seen[tensor]++, 0);
        count++;
    }
    assert_int_equal(count, 4);
    clq_claims_done(claims, tensor);
    /* The last one stays, and may have another try. */
    assert_false(clq_claims_leave(claims, 1));
    assert_int_equal(clq_claims_lanes(claims), 1);
    for (count = 0; take(claims, 1, &tensor); count++) {
    }
    assert_int_equal(count, 3);
    clq_claims_destroy(&claims);
}

typedef struct waiting {
    clq_claims *claims;
    int taken;
    size_t tensor;
} waiting;

static void *wait_for_one(void *cookie)
{
    waiting *w = cookie;
    w->taken = clq_claims_take(w->claims, 1, 1, NULL, NULL, &w->tensor);
    return NULL;
}

static int always(void *cookie)
{
    (void)cookie;
    return 1;
}

/* What another has in flight may come back, so that a lane waits for it; until it is done, or all is to stop. */
static void lanes_wait_for_what_may_come_back(void **state)
{
    static const uint64_t BYTES[] = {10};
    (void)state;
    for (int how = 0; how < 4; how++) {
        waiting w = {make(1, 2, BYTES), -1, 9};
        size_t tensor = 0;
        pthread_t thread;
        assert_true(take(w.claims, 0, &tensor));
        assert_false(take(w.claims, 1, &tensor));
        if (how == 3) {
            assert_false(clq_claims_take(w.claims, 1, 1, always, NULL, &tensor));
            clq_claims_destroy(&w.claims);
            continue;
        }
        assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &w), 0);
        if (how == 0) {
            assert_true(clq_claims_leave(w.claims, 0));
        } else if (how == 1) {
            clq_claims_done(w.claims, 0);
        } else {
            clq_claims_stop(w.claims);
        }
        pthread_join(thread, NULL);
        assert_int_equal(w.taken, how == 0);
        assert_true(how != 0 || w.tensor == 0);
        assert_false(how == 2 && take(w.claims, 0, &tensor));
        clq_claims_destroy(&w.claims);
    }
}

/* A tensor without bytes is written too, with its shape and scale: what another holds of these may come back. */
static void what_has_no_bytes_is_waited_for(void **state)
{
    static const uint64_t BYTES[] = {0};
    waiting w = {make(1, 2, BYTES), -1, 9};
    size_t tensor = 0;
    pthread_t thread;
    (void)state;
    assert_int_equal(clq_claims_left(w.claims), 1);
    assert_true(take(w.claims, 0, &tensor));
    assert_int_equal(clq_claims_left(w.claims), 1);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_one, &w), 0);
    assert_true(clq_claims_leave(w.claims, 0));
    pthread_join(thread, NULL);
    assert_int_equal(w.taken, 1);
    assert_int_equal(w.tensor, 0);
    assert_int_equal(clq_claims_left(w.claims), 1);
    assert_false(clq_claims_are_stopped(w.claims));
    clq_claims_done(w.claims, 0);
    assert_int_equal(clq_claims_left(w.claims), 0);
    clq_claims_stop(w.claims);
    assert_true(clq_claims_are_stopped(w.claims));
    clq_claims_destroy(&w.claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lane_goes_in_order),
        cmocka_unit_test(the_slow_get_less),
        cmocka_unit_test(what_a_lane_leaves_is_done_by_others),
        cmocka_unit_test(lanes_wait_for_what_may_come_back),
        cmocka_unit_test(what_has_no_bytes_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for tuned values, with a clock and costs of the test's own: what wins, what does not, when it ends. Then
 * on the device: tables whose kernels do not build or give other bytes are rejected, however fast they are.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "failing_opencl.h"
#include "opencl/runtime/tuning.h"
#include "refusal.h"
#include "tune_meter.h"
#include "tune_search.h"

/* ---- a device that is a formula ---- */

typedef struct formula {
    double gain[CLQ_TUNE_COUNT]; /* factor on the time where the value is `fast` */
    uint32_t fast[CLQ_TUNE_COUNT];
    double loss[CLQ_TUNE_COUNT]; /* the same where it is `slow` */
    uint32_t slow[CLQ_TUNE_COUNT];
    uint32_t wrong[CLQ_TUNE_COUNT]; /* values whose bytes differ; UINT32_MAX: none */
    double noise;
    double together; /* time of two fast values over that of none, whatever they are apart: a gain was none */
    double worst;    /* factor on one problem where any value is fast */
    double clock, seconds_each;
    unsigned calls, jitter;
    clq_status fails;
} formula;

static double cost(const formula *f, const clq_tuned_value *table, size_t *fast, int *wrong)
{
    double time = 1.0;
    *fast = 0;
    *wrong = 0;
    for (size_t i = 0; i < CLQ_TUNE_COUNT; i++) {
        if (f->gain[i] > 0.0 && table[i].value == f->fast[i]) {
            time *= f->gain[i];
            ++*fast;
        }
        time *= f->loss[i] > 0.0 && table[i].value == f->slow[i] ? f->loss[i] : 1.0;
        *wrong |= f->wrong[i] != UINT32_MAX && table[i].value == f->wrong[i];
    }
    return time;
}

/* Times go up and down by the noise, by turns. */
static clq_status measure(void *cookie, uint32_t operations, const clq_tuned_value *base,
                          clq_tuned_value *const *tables, size_t count, int rounds, double end, tune_score *scores,
                          double *noise, clq_error *error)
{
    formula *f = cookie;
    size_t fast, fast_base;
    int wrong;
    const double whole = cost(f, base, &fast_base, &wrong);
    assert_int_not_equal(operations, 0);
    assert_true(count <= TUNE_MAX_TABLES && rounds > 0);
    f->calls++;
    memset(scores, 0, count * sizeof *scores);
    if (f->clock + f->seconds_each > end) { /* so many seconds are known from the last one */
        scores[0].is_left_out = 1;
        return CLQ_OK;
    }
    f->clock += f->seconds_each;
    for (size_t i = 0; i < count; i++) {
        double time = cost(f, tables[i], &fast, &wrong);
        time = fast > 1 && fast_base == 0 && f->together > 0.0 ? f->together : time;
        scores[i].mean = time / whole * (1.0 + (f->jitter++ % 2 == 0 ? f->noise : -f->noise));
        scores[i].worst = scores[i].mean * (fast > 0 && f->worst > 0.0 ? f->worst : 1.0);
        scores[i].is_rejected = wrong;
    }
    *noise = f->noise;
    return f->fails == CLQ_OK ? CLQ_OK : clq_fail(error, f->fails, "stopped");
}

static double now(void *cookie)
{
    return ((formula *)cookie)->clock;
}

static void tell(void *cookie, size_t done, size_t total, const char *name)
{
    (void)cookie;
    assert_true(done <= total && name[0] != '\0');
}

typedef struct answer {
    clq_tuned_value start[CLQ_TUNE_COUNT], untuned[CLQ_TUNE_COUNT], found[CLQ_TUNE_COUNT];
    tune_row rows[CLQ_TUNE_COUNT];
    size_t count;
} answer;

static const clq_tunable *all;

static size_t number_of(const char *name)
{
    const size_t count = clq_tunables(&all);
    size_t i = 0;
    while (i < count && strcmp(all[i].name, name) != 0) {
        i++;
    }
    assert_true(i < count);
    return i;
}

/* All tunables at their first value, which is nobody's fast one. */
static void begin(formula *f, answer *a)
{
    const size_t count = clq_tunables(&all);
    memset(f, 0, sizeof *f);
    memset(a, 0, sizeof *a);
    memset(f->wrong, 0xFF, sizeof f->wrong);
    for (size_t i = 0; i < count; i++) {
        a->start[i].value = a->untuned[i].value = all[i].values[0];
    }
}

static void make_fast(formula *f, const char *name, double gain)
{
    const size_t i = number_of(name);
    f->fast[i] = all[i].values[all[i].value_count - 1];
    f->gain[i] = gain;
}

static void search(formula *f, answer *a, double budget)
{
    const tune_meter meter = {f, measure, now, tell};
    ACCEPTED(tune_search(&meter, UINT32_MAX, budget, a->start, a->untuned, a->found, a->rows, &a->count, e));
}

static tune_outcome outcome_of(const answer *a, const char *name)
{
    const size_t number = number_of(name);
    for (size_t i = 0; i < a->count; i++) {
        if (a->rows[i].number == number) {
            return a->rows[i].outcome;
        }
    }
    fail_msg("%s has no row", name);
    return TUNE_NOT_REACHED;
}

static void faster_values_win(void **state)
{
    formula f;
    answer a;
    (void)state;
    begin(&f, &a);
    f.noise = 0.01;
    make_fast(&f, "walk.items", 0.8);
    make_fast(&f, "gemm.tiles", 0.9);
    search(&f, &a, 1e9);
    for (size_t i = 0; i < a.count; i++) {
        const size_t n = a.rows[i].number;
        const int is_fast = f.gain[n] > 0.0;
        assert_int_equal(a.rows[i].outcome, is_fast ? TUNE_WON : TUNE_KEPT);
        assert_int_equal(a.rows[i].chosen, a.found[n].value);
        assert_int_equal(a.found[n].value, is_fast ? f.fast[n] : a.start[n].value);
        assert_int_equal(a.found[n].is_tuned, is_fast);
    }
}

/* Never slower than the default, whatever the noise makes of it: a gain within it is none. */
static void within_the_noise_nothing_wins(void **state)
{
    static const double noises[] = {0.0, 0.01, 0.1, 0.3};
    static const double gains[] = {1.0, 0.99, 0.85, 0.6};
    (void)state;
    for (size_t i = 0; i < sizeof noises / sizeof noises[0]; i++) {
        formula f;
        answer a;
        begin(&f, &a);
        f.noise = noises[i];
        make_fast(&f, "walk.items", gains[i]);
        search(&f, &a, 1e9);
        assert_int_equal(outcome_of(&a, "walk.items"), TUNE_KEPT);
        assert_memory_equal(a.found, a.start, sizeof a.found);
    }
}

static void one_slower_problem_is_enough(void **state)
{
    formula f;
    answer a;
    (void)state;
    begin(&f, &a);
    f.worst = 2.0;
    make_fast(&f, "walk.items", 0.8);
    search(&f, &a, 1e9);
    assert_memory_equal(a.found, a.start, sizeof a.found);
}

static void wrong_bytes_are_rejected(void **state)
{
    formula f;
    answer a;
    (void)state;
    begin(&f, &a);
    make_fast(&f, "walk.items", 0.1);
    f.wrong[number_of("walk.items")] = f.fast[number_of("walk.items")];
    search(&f, &a, 1e9);
    assert_int_equal(outcome_of(&a, "walk.items"), TUNE_KEPT);
    assert_memory_equal(a.found, a.start, sizeof a.found);
    for (size_t i = 0; i < a.count; i++) {
        assert_int_equal(a.rows[i].rejected > 0, a.rows[i].number == number_of("walk.items"));
    }
}

/* Two that win apart and lose together: the later one goes. */
static void what_loses_together_is_taken_back(void **state)
{
    formula f;
    answer a;
    (void)state;
    begin(&f, &a);
    make_fast(&f, "minmax.items", 0.8);
    make_fast(&f, "gemm.tiles", 0.8);
    f.together = 1.1;
    search(&f, &a, 1e9);
    assert_int_equal(outcome_of(&a, "minmax.items"), TUNE_WON);
    assert_int_equal(outcome_of(&a, "gemm.tiles"), TUNE_TAKEN_BACK);
    a.start[number_of("minmax.items")] = (clq_tuned_value){f.fast[number_of("minmax.items")], 1};
    assert_memory_equal(a.found, a.start, sizeof a.found);
}

static void time_ends_the_search(void **state)
{
    formula f;
    answer a;
    size_t reached = 0;
    (void)state;
    begin(&f, &a);
    f.seconds_each = 1.0;
    search(&f, &a, 10.0);
    for (size_t i = 0; i < a.count; i++) {
        reached += a.rows[i].outcome != TUNE_NOT_REACHED;
    }
    assert_true(reached > 0 && reached < a.count);
    assert_true(f.clock <= 10.0);
    /* What decides most is looked at in every family before the rest of any. */
    assert_int_not_equal(outcome_of(&a, "gemm.cpu-vnni"), TUNE_NOT_REACHED);
    assert_int_not_equal(outcome_of(&a, "batch.grid"), TUNE_NOT_REACHED);
    assert_int_equal(outcome_of(&a, "minmax.group"), TUNE_NOT_REACHED);
    begin(&f, &a); /* each tunable gets its share: all are looked at where there is time for one look each */
    f.seconds_each = 1.0;
    search(&f, &a, 2.0 * (double)CLQ_TUNE_COUNT);
    for (size_t i = 0; i < a.count; i++) {
        assert_int_not_equal(a.rows[i].outcome, TUNE_NOT_REACHED);
    }
}

/* Whatever wins: the budget is kept, also by what is confirmed in the end, and nothing that is found was not. */
static void no_budget_is_overrun(void **state)
{
    size_t won = 0;
    (void)state;
    for (double budget = 1.0; budget < 120.0; budget += 1.0) {
        formula f;
        answer a;
        begin(&f, &a);
        f.seconds_each = 1.0;
        make_fast(&f, "minmax.items", 0.8);
        make_fast(&f, "walk.items", 0.8);
        make_fast(&f, "gemm.tiles", 0.8);
        f.together = budget < 60.0 ? 0.0 : 1.1;
        search(&f, &a, budget);
        assert_true(f.clock <= budget);
        for (size_t i = 0; i < a.count; i++) {
            const size_t n = a.rows[i].number;
            assert_int_equal(a.found[n].value != a.start[n].value, a.rows[i].outcome == TUNE_WON);
            won += a.rows[i].outcome == TUNE_WON;
        }
    }
    assert_true(won > 100);
}

/* The table in use is one that was found before: each value is the tunable's last. */
static void keep_all(answer *a)
{
    for (size_t i = 0; i < clq_tunables(NULL); i++) {
        a->start[i] = (clq_tuned_value){all[i].values[all[i].value_count - 1], 1};
    }
}

/* However little time there is: what was kept goes only where something won against it. */
static void what_was_kept_stays(void **state)
{
    size_t won = 0;
    (void)state;
    for (double budget = 0.5; budget < 200.0; budget *= 1.5) {
        formula f;
        answer a;
        begin(&f, &a);
        keep_all(&a);
        f.seconds_each = 1.0;
        f.fast[number_of("walk.items")] = all[number_of("walk.items")].values[0];
        f.gain[number_of("walk.items")] = 0.8;
        search(&f, &a, budget);
        for (size_t i = 0; i < a.count; i++) {
            const size_t n = a.rows[i].number;
            const int has_won = a.rows[i].outcome == TUNE_WON;
            assert_int_equal(a.rows[i].before, a.start[n].value);
            assert_int_equal(a.rows[i].chosen, a.found[n].value);
            assert_true(has_won ? n == number_of("walk.items")
                                : memcmp(&a.found[n], &a.start[n], sizeof a.found[n]) == 0);
            won += has_won != 0;
        }
    }
    assert_true(won > 0);
}

/* A value that was kept, in its turn: nothing is better; one is; one is better than it but not than the default; the
 * default alone is. */
static void what_was_kept_must_be_beaten_and_the_default_too(void **state)
{
    static const struct {
        double kept, best;
        tune_outcome outcome;
        int is_default;
    } cases[] = {{0.8, 0.0, TUNE_KEPT, 0}, {1.3, 0.8, TUNE_WON, 0},   {1.3, 0.985, TUNE_WON, 1},
                 {1.3, 0.0, TUNE_WON, 1},  {0.9, 0.89, TUNE_KEPT, 0}, {0.9, 0.8, TUNE_WON, 0}};
    const size_t n = number_of("walk.items");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        formula f;
        answer a;
        begin(&f, &a);
        f.noise = 0.001;
        f.slow[n] = all[n].values[1];
        f.loss[n] = cases[i].kept;
        f.fast[n] = all[n].values[2];
        f.gain[n] = cases[i].best;
        a.start[n] = (clq_tuned_value){f.slow[n], 1};
        search(&f, &a, 1e9);
        assert_int_equal(outcome_of(&a, "walk.items"), cases[i].outcome);
        assert_int_equal(a.found[n].is_tuned, !cases[i].is_default);
        assert_int_equal(a.found[n].value, cases[i].is_default             ? a.untuned[n].value
                                           : cases[i].outcome == TUNE_KEPT ? f.slow[n]
                                                                           : f.fast[n]);
    }
}

static void failures_end_it(void **state)
{
    formula f;
    answer a;
    const tune_meter meter = {&f, measure, now, tell};
    (void)state;
    begin(&f, &a);
    f.fails = CLQ_CANCELLED;
    REFUSED(CLQ_CANCELLED, "stopped",
            tune_search(&meter, UINT32_MAX, 1e9, a.start, a.untuned, a.found, a.rows, &a.count, e));
}

/* ---- on the device ---- */

/* Tables whose minmax is another program than that which is known, each a little. */
static void broken_kernels_are_rejected(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        static const struct {
            const char *name;
            uint32_t value;
        } changes[] = {{"minmax.lanes", 8}, {"minmax.grid", 1}};
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
            for (int breaks_build = 0; breaks_build < 2; breaks_build++) {
                bench_shape shape = bench_shape_plain(10000);
                clq_context *context = NULL;
                tune_problems problems = {.shapes = &shape, .shape_count = 1};
                tune_score scores[1];
                clq_tuned_value base[CLQ_TUNE_COUNT], table[CLQ_TUNE_COUNT];
                clq_tuned_value *const tables[] = {table};
                double noise = 0.0;
                clq_device_info info;
                char spec[32];
                clq_context_device(check_device(), &info);
                snprintf(spec, sizeof spec, "%d:%d", (int)info.platform, (int)info.device);
                ACCEPTED(clq_context_create(spec, &context, e));
                problems.context = context;
                ACCEPTED(clq_tuning_untuned(context, base, e));
                memcpy(table, base, sizeof table);
                table[number_of(changes[i].name)].value = changes[i].value;
                table[number_of("minmax.grid-lanes")].value = 8;
                ACCEPTED(tune_measure(&problems, UINT32_C(1) << CLQ_OP_MINMAX, base, tables, 0, 1, INFINITY, scores,
                                      &noise, e));
                failing_opencl_break_builds(breaks_build ? 1000 : 0, "minmax.cl");
                failing_opencl_corrupt_reads(breaks_build ? 0 : 1000);
                ACCEPTED(tune_measure(&problems, UINT32_C(1) << CLQ_OP_MINMAX, base, tables, 1, 1, INFINITY, scores,
                                      &noise, e));
                failing_opencl_break_builds(0, NULL);
                failing_opencl_corrupt_reads(0);
                assert_true(scores[0].is_rejected);
                clq_context_destroy(&context);
            }
        }
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(faster_values_win),
    cmocka_unit_test(within_the_noise_nothing_wins),
    cmocka_unit_test(one_slower_problem_is_enough),
    cmocka_unit_test(wrong_bytes_are_rejected),
    cmocka_unit_test(what_loses_together_is_taken_back),
    cmocka_unit_test(time_ends_the_search),
    cmocka_unit_test(no_budget_is_overrun),
    cmocka_unit_test(what_was_kept_stays),
    cmocka_unit_test(what_was_kept_must_be_beaten_and_the_default_too),
    cmocka_unit_test(failures_end_it),
    cmocka_unit_test(broken_kernels_are_rejected),
};

CHECK_MAIN("tune_search", tests)

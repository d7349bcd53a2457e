/* SPDX-License-Identifier: Apache-2.0 */
/* Which cases clq_verify has, and in what order; calls that end early, go on after another, or share the cases. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <clquant/verify.h>

#include "opencl/choice/variant.h"
#include "refusal.h"
#include "scratch.h"
#include "verify/case.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

typedef struct patience {
    size_t count, cancelled_at;
} patience;

static void count_cases(void *cookie, const char *name, size_t number, const clq_verify_report *so_far)
{
    patience *p = cookie;
    (void)name;
    assert_int_equal(number, so_far->case_count);
    p->count = number;
}

static int stop_soon(void *cookie)
{
    const patience *p = cookie;
    return p->count >= p->cancelled_at;
}

/* Names are the cases' only handle: of all there are, no two are the same, and none is cut off. */
static void names_are_unique(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_verify_request request;
        clq_verify_items items;
        char(*names)[CLQ_VERIFY_NAME_BYTES];
        clq_verify_request_init(&request);
        request.extent = CLQ_VERIFY_FULL;
        ACCEPTED(clq_verify_items_create(check_device(), &request, &items, e));
        assert_true(items.count > 10000);
        names = calloc(items.count, sizeof *names);
        assert_non_null(names);
        for (size_t i = 0; i < items.count; i++) {
            clq_verify_item_name(&items.items[i], names[i]);
            assert_true(strlen(names[i]) < sizeof names[i] - 1);
        }
        qsort(names, items.count, sizeof *names, compare_names);
        for (size_t i = 1; i < items.count; i++) {
            if (strcmp(names[i - 1], names[i]) == 0) {
                fail_msg("two cases are called %s", names[i]);
            }
        }
        free(names);
        clq_verify_items_release(&items);
    }
    check_needs_device();
}

/* A quick run leaves out no value of a dimension of quantize, between them the operations meet all pairs of types, and
 * each variant of the product that takes more than a few rows meets more than go together over a panel. */
static void a_quick_run_has_everything(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        uint32_t variants = 0, reals = 0, codes = 0, ways = 0, inputs = 0, cuts = 0, granularities = 0, pairs = 0;
        uint32_t products = 0, tall = 0;
        clq_verify_request request;
        clq_verify_items items;
        clq_verify_request_init(&request);
        request.extent = CLQ_VERIFY_QUICK;
        ACCEPTED(clq_verify_items_create(check_device(), &request, &items, e));
        for (size_t i = 0; i < items.count; i++) {
            const clq_verify_item *item = &items.items[i];
            const uint32_t real = item->real == CLQ_F32 ? 0 : item->real == CLQ_F16 ? 1 : 2;
            const uint32_t code = (uint32_t)(item->dtype - CLQ_S8);
            const int has_codes = item->operation == CLQ_OP_QUANTIZE || item->operation == CLQ_OP_DEQUANTIZE;
            if (has_codes && (item->family == CLQ_VERIFY_TENSOR || item->family == CLQ_VERIFY_BATCH)) {
                pairs |= UINT32_C(1) << (real * 6 + code);
            }
            if (item->family == CLQ_VERIFY_PRODUCT && item->skipped == NULL &&
                item->variant != (int32_t)CLQ_VARIANT_GEMV) {
                products |= UINT32_C(1) << item->variant;
                tall |= (uint32_t)(item->of.product.m > 200 && item->of.product.k > 500) << item->variant;
            }
            if (item->family != CLQ_VERIFY_TENSOR || item->operation != CLQ_OP_QUANTIZE) {
                continue;
            }
            variants |= UINT32_C(1) << item->variant;
            reals |= UINT32_C(1) << real;
            codes |= UINT32_C(1) << code;
            ways |= UINT32_C(1) << item->way;
            inputs |= UINT32_C(1) << item->inputs;
            cuts |= UINT32_C(1) << item->cut;
            granularities |= UINT32_C(1) << item->of.shape.granularity;
        }
        clq_verify_items_release(&items);
        assert_int_equal(tall, products);
        assert_int_equal(variants, 15);
        assert_int_equal(reals, 7);
        assert_int_equal(codes, 63);
        assert_int_equal(ways, 0xFFFF);
        assert_int_equal(inputs, 7);
        assert_int_equal(cuts, 7);
        assert_int_equal(granularities, 15);
        assert_int_equal(pairs, (1 << 18) - 1);
    }
    check_needs_device();
}

static void a_cancelled_call_reports(void **state)
{
    patience p = {0, 3};
    const clq_verify_events events = {
        .struct_size = sizeof events, .cookie = &p, .begun = count_cases, .is_cancelled = stop_soon};
    clq_verify_report *report = NULL;
    clq_verify_request request;
    clq_error error;
    (void)state;
    clq_verify_request_init(&request);
    request.only = "probe-integer/*";
    if (check_device() != NULL) {
        refusal_check(clq_verify(check_device(), &request, &events, &report, &error), CLQ_CANCELLED, &error,
                      "interrupted", __FILE__, __LINE__);
        assert_true(report->case_count > 0 && report->case_count < report->planned_count);
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

/* Of the groups of a request, those that one call does. */
typedef struct groups_of_call {
    size_t next, step; /* every so many of them */
    size_t first;      /* case of the first one */
    size_t asked;      /* for folders */
    int has_folder;    /* another call has written it */
} groups_of_call;

static size_t give_group(void *cookie, const clq_verify_report *so_far, size_t *first)
{
    groups_of_call *g = cookie;
    const size_t given = g->next;
    assert_true(so_far->group_count > 0 && *first == 0);
    *first = g->first;
    g->first = 0;
    g->next += g->step;
    return given;
}

static int has_folder(void *cookie, const char *name)
{
    groups_of_call *g = cookie;
    assert_string_equal(name, "quantize-strip-f32-s8");
    g->asked++;
    return g->has_folder;
}

/* A call that goes on judges the cases that a whole run would have, the lost one without a launch: its program is
 * written all the same, and a kernel that has one gets no other. */
static void a_run_goes_on(void **state)
{
    clq_verify_report *whole = NULL;
    clq_verify_report *rest = NULL;
    clq_verify_request request;
    clq_error error;
    groups_of_call g = {0, 1, 0, 0, 0};
    const clq_verify_events events = {
        .struct_size = sizeof events, .cookie = &g, .next = give_group, .is_reproduced = has_folder};
    assert_int_equal(scratch_begin(state), 0);
    clq_verify_request_init(&request);
    request.only = "quantize/strip/f32-s8/*";
    request.extent = CLQ_VERIFY_QUICK;
    request.reproduce = scratch_path("lost");
    request.lost = "it was lost";
    if (check_device() != NULL) {
        assert_int_equal(clq_verify(check_device(), &request, &events, &whole, &error), CLQ_DEVICE_ERROR);
        assert_int_equal(whole->case_count, whole->planned_count);
        assert_true(whole->case_count > 5 && whole->counts[CLQ_VERIFY_FAILED] == 1);
        assert_string_equal(whole->cases[0].reason, "it was lost");
        assert_non_null(whole->cases[0].reproducer);
        g = (groups_of_call){0, 1, 3, 0, 1};
        assert_int_equal(clq_verify(check_device(), &request, &events, &rest, &error), CLQ_DEVICE_ERROR);
        assert_int_equal(rest->case_count, whole->case_count - 3);
        assert_int_equal(g.asked, 1);
        assert_null(rest->cases[0].reproducer);
        for (size_t i = 0; i < rest->case_count; i++) {
            assert_string_equal(rest->cases[i].name, whole->cases[i + 3].name);
            assert_int_equal(rest->cases[i].number, i + 3);
            assert_int_equal(rest->cases[i].verdict, i == 0 ? CLQ_VERIFY_FAILED : CLQ_VERIFY_OK);
        }
    }
    clq_verify_report_destroy(&whole);
    clq_verify_report_destroy(&rest);
    assert_int_equal(scratch_end(state), 0);
    check_needs_device();
}

/* Sources with their options that go to the compiler. */
typedef struct compiled {
    groups_of_call groups; /* first: the cookie of give_group */
    char programs[32][256];
    size_t count;
} compiled;

static int note_program(void *cookie, const char *file, const char *options)
{
    compiled *c = cookie;
    if (file != NULL) {
        assert_true(c->count < 32);
        snprintf(c->programs[c->count++], sizeof c->programs[0], "%.60s %.180s", file, options);
    }
    return 0;
}

/* Two calls, each with every other group: together they have all cases, in the order of one call once they are entered
 * into one report, and compile no program of an operation twice. */
static void two_calls_share_the_cases(void **state)
{
    clq_verify_report *whole = NULL;
    clq_verify_report *both = NULL;
    (void)state;
    if (check_device() != NULL) {
        compiled calls[2];
        clq_error error;
        clq_verify_request request;
        clq_verify_request_init(&request);
        request.extent = CLQ_VERIFY_QUICK;
        request.only = "[cf]*[pe]*/strip/*"; /* fake-quantize and choose-parameters, for which codes are no programs */
        for (size_t i = 0; i < 2; i++) {
            clq_verify_report *half = NULL;
            const clq_verify_events events = {
                .struct_size = sizeof events, .cookie = &calls[i], .compiles = note_program, .next = give_group};
            memset(&calls[i], 0, sizeof calls[i]);
            calls[i].groups = (groups_of_call){i, 2, 0, 0, 0};
            ACCEPTED(clq_verify(check_device(), &request, &events, &half, e));
            assert_true(half->case_count > 5 && half->case_count < half->planned_count);
            if (both == NULL) {
                assert_int_equal(clq_verify_report_create(half, &both, &error), CLQ_OK);
            }
            for (size_t k = half->case_count; k > 0; k--) { /* whatever comes first */
                assert_int_equal(clq_verify_report_add(both, &half->cases[k - 1], &error), CLQ_OK);
            }
            clq_verify_report_destroy(&half);
        }
        for (size_t i = 0; i < calls[0].count; i++) {
            for (size_t k = 0; k < calls[1].count; k++) {
                assert_string_not_equal(calls[0].programs[i], calls[1].programs[k]);
            }
        }
        assert_true(calls[0].count > 0 && calls[1].count > 0);
        ACCEPTED(clq_verify_report_conclude(both, e));
        ACCEPTED(clq_verify(check_device(), &request, NULL, &whole, e));
        assert_int_equal(both->case_count, whole->case_count);
        for (size_t i = 0; i < whole->case_count; i++) {
            assert_string_equal(both->cases[i].name, whole->cases[i].name);
            assert_int_equal(whole->cases[i].number, i);
        }
    }
    clq_verify_report_destroy(&whole);
    clq_verify_report_destroy(&both);
    check_needs_device();
}

/* The first case of each group, in the order in which they are given out. */
typedef struct order_of_groups {
    groups_of_call groups; /* first: the cookie of give_group */
    char names[1024][256];
    size_t count, begun; /* groups that have been given, and of which one has begun */
} order_of_groups;

static size_t give_and_note(void *cookie, const clq_verify_report *so_far, size_t *first)
{
    order_of_groups *o = cookie;
    o->count++;
    return give_group(&o->groups, so_far, first);
}

static void note_first(void *cookie, const char *name, size_t number, const clq_verify_report *so_far)
{
    order_of_groups *o = cookie;
    (void)number;
    (void)so_far;
    assert_true(o->count <= 1024);
    if (o->begun < o->count) {
        o->begun = o->count;
        snprintf(o->names[o->count - 1], sizeof o->names[0], "%s", name);
    }
}

static const char *no_time(void *cookie)
{
    (void)cookie;
    return "no time";
}

/* How many groups before this one begin with as many parts of its name, and the slash behind. */
static size_t before_it(const order_of_groups *o, size_t group, int parts)
{
    const char *name = o->names[group];
    size_t length = 0;
    size_t count = 0;
    for (int i = 0; i < parts; i++) {
        length += strcspn(name + length, "/") + 1;
    }
    for (size_t i = 0; i < group; i++) {
        count += strncmp(o->names[i], name, length) == 0;
    }
    return count;
}

static void check_order(const order_of_groups *o)
{
    size_t turn = 0;
    size_t most = 0;
    for (size_t i = 0; i < o->begun; i++) {
        const int is_probe = strncmp(o->names[i], "probe-", 6) == 0;
        assert_true(!is_probe || turn == 0);
        if (!is_probe) { /* no operation has its second program before all have their first, and so on */
            const size_t own = before_it(o, i, 1) + 1;
            assert_true(own >= turn);
            turn = own;
            most = before_it(o, i, 2) > most ? before_it(o, i, 2) : most;
        }
    }
    assert_true(turn > 10 && most > 1);
    for (size_t i = 0; i < o->begun; i++) { /* nor a kernel its second before all of the operation have their first */
        for (size_t k = 0; k < i && strncmp(o->names[i], "probe-", 6) != 0; k++) {
            const size_t length = strcspn(o->names[i], "/") + 1;
            assert_true(strncmp(o->names[k], o->names[i], length) != 0 || before_it(o, k, 2) <= before_it(o, i, 2));
        }
    }
}

/* A call without any time names all there is, and begins with what matters most. */
static void what_is_left_out_is_told(void **state)
{
    static order_of_groups o;
    const clq_verify_events events = {
        .struct_size = sizeof events, .cookie = &o, .begun = note_first, .next = give_and_note, .leaves_out = no_time};
    clq_verify_report *report = NULL;
    clq_verify_request request;
    clq_error error;
    (void)state;
    memset(&o, 0, sizeof o);
    o.groups.step = 1;
    clq_verify_request_init(&request);
    request.extent = CLQ_VERIFY_QUICK;
    if (check_device() != NULL) {
        assert_int_equal(clq_verify(check_device(), &request, &events, &report, &error), CLQ_OK);
        assert_int_equal(report->case_count, report->planned_count);
        assert_int_equal(report->left_out_count, report->planned_count);
        assert_int_equal(report->counts[CLQ_VERIFY_SKIPPED], report->planned_count);
        for (size_t i = 0; i < report->case_count; i++) {
            assert_int_equal(report->cases[i].number, i);
            assert_true(report->cases[i].is_left_out);
            assert_string_equal(report->cases[i].reason, "no time");
        }
        assert_int_equal(o.count, report->group_count + 1);
        check_order(&o);
    }
    clq_verify_report_destroy(&report);
    check_needs_device();
}

/* Groups of a full run, in another order than the list's: each case is entered in the time of the first. */
static void many_are_left_out_at_once(void **state)
{
    enum { CASES = 200000, GROUP = 100, REACHED = 1000, STEP = 617, MOST_SECONDS = 20 };
    const clq_verify_report facts = {.planned_count = CASES};
    const clock_t begun = clock();
    clq_verify_report *report = NULL;
    (void)state;
    ACCEPTED(clq_verify_report_create(&facts, &report, e));
    for (size_t i = 0; i < CASES; i++) {
        const clq_verify_case c = {.name = "gemm/x",
                                   .operation = "gemm",
                                   .reason = "no time",
                                   .number = i / GROUP * STEP % (CASES / GROUP) * GROUP + i % GROUP,
                                   .verdict = CLQ_VERIFY_SKIPPED,
                                   .is_left_out = i >= REACHED};
        ACCEPTED(clq_verify_report_add(report, &c, e));
    }
    ACCEPTED(clq_verify_report_conclude(report, e));
    for (size_t i = 0; i < CASES; i++) {
        assert_int_equal(report->cases[i].number, i);
    }
    clq_verify_report_destroy(&report);
    assert_true((clock() - begun) / CLOCKS_PER_SEC < MOST_SECONDS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_are_unique),          cmocka_unit_test(a_quick_run_has_everything),
    cmocka_unit_test(a_cancelled_call_reports),  cmocka_unit_test(a_run_goes_on),
    cmocka_unit_test(two_calls_share_the_cases), cmocka_unit_test(what_is_left_out_is_told),
    cmocka_unit_test(many_are_left_out_at_once),
};

CHECK_MAIN("verify_cases", tests)

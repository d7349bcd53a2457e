/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that share the work of a call, with a verb that only copies: everything is done once, whoever fails and
 * wherever; what is no device's fault ends all; and devices on one processor have smaller slots.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "model/lanes.h"

enum { LANES = 3, ITEMS = 500, MIB = 1 << 20, MOST_BYTES = 200000 };

/* How a lane ends, and in which of its slots; 0: it does not. */
typedef struct fate {
    int stage, at;
    clq_status status;
    int opencl_code;
} fate;

typedef struct toy {
    fate fates[LANES];
    uint64_t bytes[ITEMS];
    atomic_int done[ITEMS];
    long stops_after; /* questions; 0: never */
    atomic_long asked;
    atomic_int warnings;
    char warning[300];
} toy;

typedef struct toy_lane {
    clq_lane lane;
    toy *toy;
    int slots[2]; /* that each stage behind the first has seen */
} toy_lane;

static clq_status next(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    toy_lane *lane = cookie;
    (void)error;
    *there = clq_lane_claim(&lane->lane, &pass->tensor);
    if (*there) {
        pass->sides = 1;
        pass->side[0] = clq_schedule_copy(0, lane->toy->bytes[pass->tensor], 1);
    }
    return CLQ_OK;
}

static clq_status read_item(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    (void)cookie;
    (void)error;
    memset(slot->memory + piece->real, (int)(piece->tensor % 251), (size_t)piece->real_bytes);
    return CLQ_OK;
}

static clq_status end_of(toy_lane *lane, int stage, clq_error *error)
{
    const fate *end = &lane->toy->fates[lane->lane.number];
    lane->slots[stage - 1]++;
    if (end->stage != stage || lane->slots[stage - 1] != end->at) {
        return CLQ_OK;
    }
    (void)clq_fail(error, end->status, "lane %zu is at its end", lane->lane.number);
    error->opencl_code = end->opencl_code;
    return end->status;
}

static clq_status compute(void *cookie, clq_slot *slot, clq_error *error)
{
    (void)slot;
    return end_of(cookie, 1, error);
}

static clq_status finish(void *cookie, clq_slot *slot, clq_error *error)
{
    toy_lane *lane = cookie;
    CLQ_TRY(end_of(lane, 2, error));
    for (size_t i = 0; i < slot->count; i++) {
        const clq_piece *piece = &slot->pieces[i];
        for (uint64_t b = 0; b < piece->real_bytes; b += 4096) {
            if (slot->memory[piece->real + b] != piece->tensor % 251) {
                return clq_fail(error, CLQ_IO_ERROR, "item %zu has the bytes of another", piece->tensor);
            }
        }
        clq_lane_step(&lane->lane, piece->real_bytes, "item");
        if (piece->last) {
            atomic_fetch_add(&lane->toy->done[piece->tensor], 1);
            clq_lane_done(&lane->lane, piece->tensor);
        }
    }
    return CLQ_OK;
}

static const clq_lane_verb VERB = {.next = next, .read = read_item, .then = {compute, finish}};

static void note_warning(void *cookie, clq_log_level level, const char *message)
{
    toy *all = cookie;
    if (level == CLQ_LOG_WARNING) {
        atomic_fetch_add(&all->warnings, 1);
        snprintf(all->warning, sizeof all->warning, "%s", message);
    }
}

static int is_cancelled(void *cookie)
{
    toy *all = cookie;
    return all->stops_after > 0 && atomic_fetch_add(&all->asked, 1) >= all->stops_after;
}

/* A call with so many devices, all of them the reference. */
typedef struct call {
    clq_file_request request;
    clq_job job;
    clq_context *contexts[LANES];
    clq_lane_set set;
} call;

static void begin(call *c, toy *all, size_t lanes, uint64_t memory, uint64_t slot_bytes)
{
    const clq_file_events events = {
        .struct_size = sizeof events, .cookie = all, .message = note_warning, .is_cancelled = is_cancelled};
    clq_error error;
    memset(c, 0, sizeof *c);
    clq_file_request_init(&c->request);
    for (size_t i = 0; i < lanes; i++) {
        check_ok(clq_context_create("reference", &c->contexts[i], &error), &error, "a context");
    }
    check_ok(clq_job_begin(&c->job, "toy", c->contexts[0], &c->request, &events, &error), &error, "a job");
    c->job.contexts = c->contexts;
    c->job.context_count = lanes;
    c->set = (clq_lane_set){
        .call = &c->job, .lane_bytes = sizeof(toy_lane), .slots = 3, .memory_bytes = memory, .slot_bytes = slot_bytes};
    check_ok(clq_lanes_begin(&c->set, &error), &error, "lanes");
    for (size_t i = 0; i < lanes; i++) {
        ((toy_lane *)clq_lane_of(&c->set, i))->toy = all;
    }
}

static void end(call *c)
{
    clq_lanes_end(&c->set);
    (void)clq_job_end(&c->job, CLQ_OK, NULL);
    for (size_t i = 0; i < LANES; i++) {
        clq_context_destroy(&c->contexts[i]);
    }
}

static clq_status run(call *c, toy *all, clq_error *error)
{
    uint64_t sum = 0;
    check_ok(clq_lanes_share(&c->set, ITEMS, error), error, "share");
    for (size_t i = 0; i < ITEMS; i++) {
        all->bytes[i] = i % 7 == 0 ? i % 3 : 1 + check_below(MOST_BYTES);
        clq_claims_add(c->set.claims, i, all->bytes[i]);
        sum += all->bytes[i];
    }
    clq_claims_begin(c->set.claims);
    clq_lanes_progress(&c->set, sum);
    return clq_lanes_run(&c->set, &VERB, error);
}

static void assert_all_done_once(const toy *all)
{
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(atomic_load(&all->done[i]), 1);
    }
}

/* ---- tests ---- */

static void everything_is_done_once(void **state)
{
    (void)state;
    for (size_t lanes = 1; lanes <= LANES; lanes++) {
        static toy all;
        uint64_t bytes = 0;
        call c;
        clq_error error;
        memset(&all, 0, sizeof all);
        begin(&c, &all, lanes, 8 * MIB, 64 << 10); /* items of several slots, and slots of several items */
        check_ok(run(&c, &all, &error), &error, "lanes");
        assert_all_done_once(&all);
        for (size_t i = 0; i < lanes; i++) {
            bytes += ((clq_lane *)clq_lane_of(&c.set, i))->bytes;
        }
        assert_true(bytes == c.set.all_bytes && c.set.done_bytes == bytes);
        assert_int_equal(atomic_load(&all.warnings), 0);
        end(&c);
    }
}

/* The others do what it had begun, and a warning says so; the last one's failure is the call's. */
static void a_device_that_fails_is_set_aside(void **state)
{
    static const fate FATES[] = {{1, 1, CLQ_DEVICE_ERROR, -5},
                                 {1, 4, CLQ_OUT_OF_MEMORY, 0},
                                 {1, 2, CLQ_BUILD_FAILED, -11},
                                 {2, 1, CLQ_DEVICE_ERROR, -36},
                                 {2, 3, CLQ_UNSUPPORTED, 0}};
    (void)state;
    for (size_t f = 0; f < sizeof FATES / sizeof FATES[0]; f++) {
        for (size_t failing = 1; failing <= LANES; failing++) {
            static toy all;
            clq_status status;
            call c;
            clq_error error;
            memset(&all, 0, sizeof all);
            for (size_t i = 0; i < failing; i++) {
                all.fates[(i + f) % LANES] = FATES[f];
            }
            begin(&c, &all, LANES, 8 * MIB, 64 << 10);
            status = run(&c, &all, &error);
            if (failing < LANES) {
                check_ok(status, &error, "lanes of which some fail");
                assert_all_done_once(&all);
                assert_true(c.set.done_bytes == c.set.all_bytes);
            } else {
                assert_int_equal(status, FATES[f].status);
                assert_non_null(strstr(error.message, "is at its end"));
            }
            assert_true(atomic_load(&all.warnings) <= (int)failing);
            for (size_t i = 0; i < LANES; i++) { /* a lane that got no slot has not failed */
                const toy_lane *lane = clq_lane_of(&c.set, i);
                assert_true(!lane->lane.is_set_aside || all.fates[i].stage != 0);
                assert_true(lane->lane.is_set_aside == 0 || strstr(all.warning, "is set aside") != NULL);
            }
            end(&c);
        }
    }
}

/* Of a lane that surely gets something: alone but for one that ends at once. */
static void what_no_device_is_at_fault_for_ends_all(void **state)
{
    static const fate FATES[] = {
        {1, 1, CLQ_IO_ERROR, 0}, {1, 1, CLQ_MISMATCH, 0}, {1, 1, CLQ_DEVICE_ERROR, 0}, {2, 2, CLQ_NONFINITE, 0}};
    (void)state;
    for (size_t f = 0; f < sizeof FATES / sizeof FATES[0]; f++) {
        static toy all;
        call c;
        clq_error error;
        memset(&all, 0, sizeof all);
        for (size_t i = 0; i < LANES; i++) {
            all.fates[i] = FATES[f];
        }
        begin(&c, &all, LANES, 8 * MIB, 64 << 10);
        assert_int_equal(run(&c, &all, &error), FATES[f].status);
        assert_non_null(strstr(error.message, "is at its end"));
        assert_int_equal(atomic_load(&all.warnings), 0);
        assert_true(c.set.done_bytes < c.set.all_bytes);
        end(&c);
    }
}

static void stops_when_it_is_told_to(void **state)
{
    static toy all;
    call c;
    clq_error error;
    (void)state;
    memset(&all, 0, sizeof all);
    all.stops_after = 20;
    begin(&c, &all, LANES, 8 * MIB, 64 << 10);
    assert_int_equal(run(&c, &all, &error), CLQ_CANCELLED);
    assert_true(c.set.done_bytes < c.set.all_bytes);
    end(&c);
}

/* Slots of one that stand beside each other are 2.5 MiB at most, down to 128 KiB; of one device what suits it. */
static void devices_of_one_processor_have_smaller_slots(void **state)
{
    static const uint64_t SHARED = UINT64_C(5) << 19;
    static toy all;
    uint64_t alone = 0;
    (void)state;
    for (size_t lanes = 1; lanes <= LANES; lanes++) {
        call c;
        begin(&c, &all, lanes, UINT64_C(256) << 20, 0);
        for (size_t i = 0; i < lanes; i++) {
            const clq_lane *lane = clq_lane_of(&c.set, i);
            alone = lanes == 1 ? lane->slots[0].capacity_bytes : alone;
            for (size_t s = 0; s < c.set.slots; s++) {
                assert_int_equal(lane->slots[s].capacity_bytes, lanes == 1 ? alone : SHARED / lanes);
            }
        }
        assert_true(c.set.slot_bytes == (lanes == 1 ? alone : SHARED / lanes) && alone > SHARED / 2);
        end(&c);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything_is_done_once),
    cmocka_unit_test(a_device_that_fails_is_set_aside),
    cmocka_unit_test(what_no_device_is_at_fault_for_ends_all),
    cmocka_unit_test(stops_when_it_is_told_to),
    cmocka_unit_test(devices_of_one_processor_have_smaller_slots),
};

int main(void)
{
    return check_main("lanes", tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What lanes do: the stages of a verb, and who does what a failed device had begun. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdlib.h>

#include "core/size.h"
#include "model/lanes.h"

static clq_lane *lane_of(const clq_lane_set *set, size_t number)
{
    return clq_lane_of(set, number);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static clq_status pass_on(clq_error *error, const clq_error *from)
{
    if (error != NULL) {
        *error = *from;
    }
    return from->status;
}

/* ---- for the stages ---- */

/* Two lanes that have failed would wait for what the other gives back. */
static int is_over(void *cookie)
{
    clq_lane *lane = cookie;
    return atomic_load(&lane->fails) || clq_job_is_cancelled(lane->set->call);
}

int clq_lane_claim(clq_lane *lane, size_t *number)
{
    return clq_claims_take(lane->set->claims, lane->number, !lane->is_filled, is_over, lane, number);
}

clq_status clq_lane_fill(clq_lane *lane, clq_slot *slot, int *filled, clq_error *error)
{
    lane->is_filled = lane->schedule.open || lane->schedule.feed.pending;
    return clq_schedule_fill(&lane->schedule, slot, filled, error);
}

void clq_lanes_progress(clq_lane_set *set, uint64_t all_bytes)
{
    set->all_bytes = all_bytes;
    clq_job_progress_begin(set->call, all_bytes);
}

void clq_lane_step(clq_lane *lane, uint64_t bytes, const char *tensor)
{
    clq_lane_set *set = lane->set;
    pthread_mutex_lock(&set->lock);
    /* What a device that was set aside had begun is done again. */
    set->done_bytes = clq_size_min(set->done_bytes + bytes, set->all_bytes);
    clq_job_progress_at(set->call, set->done_bytes, tensor);
    pthread_mutex_unlock(&set->lock);
}

void clq_lane_done(clq_lane *lane, size_t number)
{
    clq_claims_done(lane->set->claims, number);
}

/* ---- the stages ---- */

static clq_status next(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    clq_lane *lane = cookie;
    CLQ_TRY(lane->set->verb->next(lane, pass, there, error));
    lane->is_filled |= *there;
    return CLQ_OK;
}

static clq_status fill(void *cookie, size_t number, int *filled, clq_error *error)
{
    clq_lane *lane = cookie;
    const clq_lane_verb *verb = lane->set->verb;
    return verb->fill != NULL ? verb->fill(lane, &lane->slots[number], filled, error)
                              : clq_lane_fill(lane, &lane->slots[number], filled, error);
}

/* Where there are others, a device that the host has to stand in for is none. */
static clq_status check_serves(clq_lane *lane, const clq_slot *slot, clq_operation operation, unsigned kinds,
                               clq_error *error)
{
    for (size_t i = 0; i < slot->count; i++) {
        clq_plan plan;
        if (!(kinds & (1u << slot->pieces[i].kind)) || slot->pieces[i].parts == 0) {
            continue;
        }
        CLQ_TRY(clq_plan_operation(lane->context, operation, &slot->pieces[i].q, &plan, error));
        lane->serves = !plan.by_host;
        return plan.by_host ? clq_fail(error, CLQ_MISMATCH, "%s", plan.reason) : CLQ_OK;
    }
    return CLQ_OK;
}

static clq_status work(clq_lane *lane, clq_slot *slot, clq_error *error)
{
    const clq_lane_verb *verb = lane->set->verb;
    const double begun = now();
    uint64_t bytes = 0;
    double seconds;
    CLQ_TRY(verb->then[0](lane, slot, error));
    for (size_t i = 0; i < 2 && !lane->is_alone && clq_claims_lanes(lane->set->claims) > 1; i++) {
        CLQ_TRY(check_serves(lane, slot, verb->computes[i].operation, verb->computes[i].kinds, error));
    }
    for (size_t i = 0; i < slot->count; i++) {
        bytes += slot->pieces[i].parts & CLQ_SLOT_COPIED ? 0 : slot->pieces[i].real_bytes;
    }
    seconds = now() - begun;
    lane->seconds += bytes > 0 ? seconds : 0.0;
    clq_claims_measure(lane->set->claims, lane->number, bytes, seconds);
    return CLQ_OK;
}

static clq_status noted(clq_lane *lane, clq_status status)
{
    if (status != CLQ_OK) {
        atomic_store(&lane->fails, 1);
    }
    return status;
}

static clq_status second(void *cookie, size_t number, clq_error *error)
{
    clq_lane *lane = cookie;
    return noted(lane, work(lane, &lane->slots[number], error));
}

static clq_status third(void *cookie, size_t number, clq_error *error)
{
    clq_lane *lane = cookie;
    return noted(lane, lane->set->verb->then[1](lane, &lane->slots[number], error));
}

static clq_status fourth(void *cookie, size_t number, clq_error *error)
{
    clq_lane *lane = cookie;
    return noted(lane, lane->set->verb->then[2](lane, &lane->slots[number], error));
}

/* The caller wants no more, or another lane has ended the run: a large tensor is not gone through to its end. */
static int is_cancelled(void *cookie)
{
    const clq_lane_set *set = ((const clq_lane *)cookie)->set;
    return clq_job_is_cancelled(set->call) || clq_claims_are_stopped(set->claims);
}

/* ---- runs ---- */

static void rewind_lane(clq_lane *lane)
{
    const clq_lane_verb *verb = lane->set->verb;
    atomic_store(&lane->fails, 0);
    lane->schedule = (clq_schedule){.cookie = lane,
                                    .capacity_bytes = lane->slots[0].capacity_bytes,
                                    .sends = verb->sends,
                                    .check = lane->set->checks ? &lane->check : NULL,
                                    .next = next,
                                    .read = verb->read};
    if (verb->rewind != NULL) {
        verb->rewind(lane);
    }
}

static void *run_lane(void *cookie)
{
    clq_lane *lane = cookie;
    clq_lane_set *set = lane->set;
    const clq_lane_verb *verb = set->verb;
    clq_pipeline pipeline = {lane, set->slots, fill, {second}, is_cancelled, lane};
    pipeline.then[1] = verb->then[1] != NULL ? third : NULL;
    pipeline.then[2] = verb->then[1] != NULL && verb->then[2] != NULL ? fourth : NULL;
    for (int again = 1; again;) {
        again = 0;
        rewind_lane(lane);
        lane->status = clq_pipeline_run(&pipeline, &lane->error);
        if (!clq_lane_is_fault(lane)) {
            continue;
        }
        if (clq_claims_leave(set->claims, lane->number)) {
            lane->status = CLQ_OK;
            clq_lane_set_aside(lane);
        } else if (!lane->serves && !lane->is_alone) { /* the last: the host stands in, as for one device */
            lane->is_alone = 1;
            again = 1;
        }
    }
    if (lane->status != CLQ_OK) {
        clq_claims_stop(set->claims);
    }
    return NULL;
}

/* The first lane's failure, and what is no echo of another's comes first. */
static clq_status outcome(const clq_lane_set *set, clq_error *error)
{
    const clq_lane *failed = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const clq_lane *lane = lane_of(set, i);
        if (lane->status != CLQ_OK && !lane->is_set_aside && (failed == NULL || failed->status == CLQ_CANCELLED)) {
            failed = lane;
        }
    }
    if (failed != NULL) {
        return pass_on(error, &failed->error);
    }
    return clq_claims_left(set->claims) == 0
               ? CLQ_OK
               : clq_fail(error, CLQ_UNSUPPORTED, "a fault of this program: %zu tensors were done by no device",
                          clq_claims_left(set->claims));
}

/* In threads of their own, but for the last, which has the caller's. */
static void run_lanes(clq_lane_set *set)
{
    clq_lane *last = NULL;
    int *started = calloc(set->count, sizeof *started);
    for (size_t i = 0; i < set->count; i++) {
        if (lane_of(set, i)->is_set_aside) {
            (void)clq_claims_leave(set->claims, i);
        } else {
            last = lane_of(set, i);
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        clq_lane *lane = lane_of(set, i);
        if (lane == last || lane->is_set_aside) {
            continue;
        }
        if (started != NULL && pthread_create(&lane->thread, NULL, run_lane, lane) == 0) {
            started[i] = 1;
        } else {
            (void)clq_claims_leave(set->claims, i);
            lane->status = clq_fail(&lane->error, CLQ_OUT_OF_MEMORY, "no thread can be started");
            clq_lane_set_aside(lane);
        }
    }
    run_lane(last);
    for (size_t i = 0; i < set->count && started != NULL; i++) {
        if (started[i]) {
            pthread_join(lane_of(set, i)->thread, NULL);
        }
    }
    free(started);
}

clq_status clq_lanes_share(clq_lane_set *set, size_t count, clq_error *error)
{
    clq_claims_destroy(&set->claims);
    return clq_claims_create(count, set->count, &set->claims, error);
}

clq_status clq_lanes_run(clq_lane_set *set, const clq_lane_verb *verb, clq_error *error)
{
    const double begun = now();
    clq_status status;
    set->verb = verb;
    run_lanes(set);
    set->seconds += now() - begun;
    for (size_t i = 0; i < set->count; i++) {
        clq_lane *lane = lane_of(set, i);
        lane->bytes += verb->finds_only ? 0 : clq_claims_done_bytes(set->claims, i);
        if (atomic_load(&lane->check.found)) {
            atomic_store(&set->call->check.found, 1);
        }
    }
    status = outcome(set, error);
    clq_claims_destroy(&set->claims);
    return status;
}

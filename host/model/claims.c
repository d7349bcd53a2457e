/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/claims.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "core/size.h"

/* What a lane may have in flight before its rate is known. */
static const uint64_t FIRST_BYTES = UINT64_C(1) << 20;

/* How often a lane that waits asks whether it is to stop. */
enum { POLL_NANOSECONDS = 50 * 1000 * 1000 };

typedef struct claimed {
    uint64_t bytes;
    size_t lane; /* SIZE_MAX: nobody's */
} claimed;

typedef struct claimant {
    double rate;      /* bytes in a second, by its last slots; 0: unknown */
    int has_measured; /* the first of them, which says little: kernels were compiled */
    uint64_t in_flight, done;
    size_t held; /* tensors in flight, of which some have no bytes */
    int has_left;
} claimant;

struct clq_claims {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    claimed *tensors;
    size_t *order; /* nobody's are [front, back) */
    size_t *given; /* given back */
    claimant *lanes;
    size_t count, front, back, given_count, lane_count, here;
    uint64_t unclaimed;
    int stopped;
};

static void free_all(clq_claims *claims)
{
    if (claims != NULL) {
        free(claims->tensors);
        free(claims->order);
        free(claims->given);
        free(claims->lanes);
        free(claims);
    }
}

/* By a clock that nobody sets: a lane that waits for an hour asks nobody whether it is to stop. */
static int make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int made = 0;
    if (pthread_condattr_init(&attributes) == 0) {
        made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
               pthread_cond_init(condition, &attributes) == 0;
        pthread_condattr_destroy(&attributes);
    }
    return made;
}

clq_status clq_claims_create(size_t count, size_t lanes, clq_claims **out, clq_error *error)
{
    clq_claims *claims = calloc(1, sizeof *claims);
    *out = NULL;
    if (claims != NULL) {
        claims->tensors = calloc(count + 1, sizeof *claims->tensors);
        claims->order = calloc(count + 1, sizeof *claims->order);
        claims->given = calloc(count + 1, sizeof *claims->given);
        claims->lanes = calloc(lanes, sizeof *claims->lanes);
    }
    if (claims == NULL || claims->tensors == NULL || claims->order == NULL || claims->given == NULL ||
        claims->lanes == NULL || pthread_mutex_init(&claims->lock, NULL) != 0) {
        free_all(claims);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to share %zu tensors", count);
    }
    if (!make_condition(&claims->changed)) {
        pthread_mutex_destroy(&claims->lock);
        free_all(claims);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to share %zu tensors", count);
    }
    claims->count = count;
    claims->lane_count = lanes;
    claims->here = lanes;
    for (size_t i = 0; i < count; i++) {
        claims->tensors[i].lane = SIZE_MAX;
    }
    *out = claims;
    return CLQ_OK;
}

void clq_claims_destroy(clq_claims **out)
{
    clq_claims *claims = *out;
    if (claims != NULL) {
        pthread_cond_destroy(&claims->changed);
        pthread_mutex_destroy(&claims->lock);
        free_all(claims);
        *out = NULL;
    }
}

void clq_claims_add(clq_claims *claims, size_t tensor, uint64_t bytes)
{
    claims->tensors[tensor].bytes = bytes;
    claims->order[claims->back++] = tensor;
    claims->unclaimed += bytes; /* of files: no sum of their sizes overflows */
}

/* qsort has no cookie: what is sorted has the bytes with it. */
typedef struct sized {
    uint64_t bytes;
    size_t tensor;
} sized;

static int largest_first(const void *a, const void *b)
{
    const sized *x = a;
    const sized *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes)
                                : (x->tensor > y->tensor) - (x->tensor < y->tensor);
}

void clq_claims_begin(clq_claims *claims)
{
    sized *all = claims->lane_count > 1 ? malloc((claims->back + 1) * sizeof *all) : NULL;
    if (all == NULL) { /* for want of memory in the order of the file, which costs balance alone */
        return;
    }
    for (size_t i = 0; i < claims->back; i++) {
        all[i] = (sized){claims->tensors[claims->order[i]].bytes, claims->order[i]};
    }
    qsort(all, claims->back, sizeof *all, largest_first);
    for (size_t i = 0; i < claims->back; i++) {
        claims->order[i] = all[i].tensor;
    }
    free(all);
}

/* Bytes that are not done, and the rates of those that are here. */
static uint64_t left_of(const clq_claims *claims, double *rates, double *fastest)
{
    uint64_t left = claims->unclaimed;
    *rates = 0.0;
    *fastest = 0.0;
    for (size_t i = 0; i < claims->lane_count; i++) {
        const claimant *lane = &claims->lanes[i];
        left += lane->in_flight;
        *rates += lane->has_left ? 0.0 : lane->rate;
        *fastest = !lane->has_left && lane->rate > *fastest ? lane->rate : *fastest;
    }
    return left;
}

/* Whether the lane may have as much more in flight. */
static int may_have(const clq_claims *claims, const claimant *lane, uint64_t bytes)
{
    double rates;
    double fastest;
    double share;
    const uint64_t left = left_of(claims, &rates, &fastest);
    if (claims->here == 1 || (lane->in_flight == 0 && (lane->rate == 0.0 || lane->rate >= fastest))) {
        return 1;
    }
    if (lane->rate == 0.0) {
        return lane->in_flight + bytes <= clq_size_min(FIRST_BYTES, left / 8 / claims->here);
    }
    share = (double)left * (lane->rate / rates);
    /* Half of it, so that what is measured meanwhile counts for the rest. */
    return (double)(lane->in_flight + bytes) <= (lane->in_flight == 0 ? share : share / 2);
}

static int choose(clq_claims *claims, const claimant *lane, size_t *tensor)
{
    const int takes_small = claims->here > 1 && lane->rate == 0.0;
    if (claims->given_count > 0) {
        *tensor = claims->given[claims->given_count - 1];
        if (may_have(claims, lane, claims->tensors[*tensor].bytes)) {
            claims->given_count--;
            return 1;
        }
    }
    if (claims->front == claims->back) {
        return 0;
    }
    *tensor = claims->order[claims->front];
    if (!takes_small && may_have(claims, lane, claims->tensors[*tensor].bytes)) {
        claims->front++;
        return 1;
    }
    *tensor = claims->order[claims->back - 1];
    if (may_have(claims, lane, claims->tensors[*tensor].bytes)) {
        claims->back--;
        return 1;
    }
    return 0;
}

/* Whether a lane may still get something: what is left, or what another may give back. */
static int may_come(const clq_claims *claims, size_t own)
{
    int may = claims->given_count > 0 || claims->front < claims->back;
    for (size_t i = 0; i < claims->lane_count && !may; i++) {
        may = i != own && claims->lanes[i].held > 0;
    }
    return may;
}

static void wait_a_little(clq_claims *claims)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += POLL_NANOSECONDS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&claims->changed, &claims->lock, &until);
}

int clq_claims_take(clq_claims *claims, size_t number, int waits, clq_claims_is_cancelled is_cancelled, void *cookie,
                    size_t *tensor)
{
    claimant *lane = &claims->lanes[number];
    int taken = 0;
    pthread_mutex_lock(&claims->lock);
    while (!claims->stopped && !(taken = choose(claims, lane, tensor)) && waits && may_come(claims, number) &&
           !(is_cancelled != NULL && is_cancelled(cookie))) {
        wait_a_little(claims);
    }
    if (taken) {
        claims->tensors[*tensor].lane = number;
        lane->in_flight += claims->tensors[*tensor].bytes;
        lane->held++;
        claims->unclaimed -= claims->tensors[*tensor].bytes;
    }
    pthread_mutex_unlock(&claims->lock);
    return taken;
}

void clq_claims_done(clq_claims *claims, size_t tensor)
{
    pthread_mutex_lock(&claims->lock);
    if (claims->tensors[tensor].lane != SIZE_MAX) {
        claimant *lane = &claims->lanes[claims->tensors[tensor].lane];
        lane->in_flight -= claims->tensors[tensor].bytes;
        lane->held--;
        lane->done += claims->tensors[tensor].bytes;
        claims->tensors[tensor].lane = SIZE_MAX;
    }
    pthread_cond_broadcast(&claims->changed);
    pthread_mutex_unlock(&claims->lock);
}

void clq_claims_measure(clq_claims *claims, size_t lane, uint64_t bytes, double seconds)
{
    if (bytes > 0 && seconds > 0.0) {
        claimant *one = &claims->lanes[lane];
        const double now = (double)bytes / seconds;
        pthread_mutex_lock(&claims->lock);
        if (one->has_measured) {
            one->rate = one->rate == 0.0 ? now : (one->rate + now) / 2;
        }
        one->has_measured = 1;
        pthread_cond_broadcast(&claims->changed);
        pthread_mutex_unlock(&claims->lock);
    }
}

int clq_claims_leave(clq_claims *claims, size_t number)
{
    claimant *lane = &claims->lanes[number];
    int others;
    pthread_mutex_lock(&claims->lock);
    for (size_t i = 0; i < claims->count; i++) {
        if (claims->tensors[i].lane == number) {
            claims->tensors[i].lane = SIZE_MAX;
            claims->given[claims->given_count++] = i;
            claims->unclaimed += claims->tensors[i].bytes;
        }
    }
    lane->in_flight = 0;
    lane->held = 0;
    others = claims->here > 1;
    if (others) {
        lane->has_left = 1;
        claims->here--;
    }
    pthread_cond_broadcast(&claims->changed);
    pthread_mutex_unlock(&claims->lock);
    return others;
}

size_t clq_claims_lanes(clq_claims *claims)
{
    size_t here;
    pthread_mutex_lock(&claims->lock);
    here = claims->here;
    pthread_mutex_unlock(&claims->lock);
    return here;
}

void clq_claims_stop(clq_claims *claims)
{
    pthread_mutex_lock(&claims->lock);
    claims->stopped = 1;
    pthread_cond_broadcast(&claims->changed);
    pthread_mutex_unlock(&claims->lock);
}

int clq_claims_are_stopped(clq_claims *claims)
{
    int stopped;
    pthread_mutex_lock(&claims->lock);
    stopped = claims->stopped;
    pthread_mutex_unlock(&claims->lock);
    return stopped;
}

size_t clq_claims_left(clq_claims *claims)
{
    size_t left;
    pthread_mutex_lock(&claims->lock);
    left = claims->given_count + (claims->back - claims->front);
    for (size_t i = 0; i < claims->lane_count; i++) {
        left += claims->lanes[i].held;
    }
    pthread_mutex_unlock(&claims->lock);
    return left;
}

uint64_t clq_claims_done_bytes(clq_claims *claims, size_t lane)
{
    uint64_t bytes;
    pthread_mutex_lock(&claims->lock);
    bytes = claims->lanes[lane].done;
    pthread_mutex_unlock(&claims->lock);
    return bytes;
}

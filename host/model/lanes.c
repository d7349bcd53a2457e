/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/lanes.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/size.h"
#include "model/share.h"

/* Of one slot, together with those of all other devices on this processor that stand beside it; and at least. */
static const uint64_t SHARED_BYTES = UINT64_C(5) << 19;
static const uint64_t LEAST_SHARED_BYTES = UINT64_C(128) << 10;
/* Of a slot beside data: gaps between its parts. Data that it has no room for goes into the next one. */
static const uint64_t SLACK_BYTES = UINT64_C(1) << 20;

static clq_lane *lane_of(const clq_lane_set *set, size_t number)
{
    return clq_lane_of(set, number);
}

static clq_status pass_on(clq_error *error, const clq_error *from)
{
    if (error != NULL) {
        *error = *from;
    }
    return from->status;
}

static clq_status begin_check(clq_lane *lane, clq_error *error)
{
    clq_job *call = lane->set->call;
    clq_check *check = &lane->check;
    check->writes = call->request->output != NULL && !call->request->dry_run;
    CLQ_TRY(clq_check_begin(check, call->request, lane->context, &call->check_hosts, error));
    check->histogram_bytes /= lane->set->count;
    if (check->mode == CLQ_CHECK_SAMPLE) { /* one sample of all that is drawn, whoever computes it */
        check->seed = call->check.seed != 0 ? call->check.seed : check->seed;
    }
    clq_check_add(&call->check, check);
    return CLQ_OK;
}

static clq_status begin_lane(clq_lane *lane, uint64_t slot_bytes, clq_error *error)
{
    CLQ_TRY(lane->set->checks ? begin_check(lane, error) : CLQ_OK);
    for (size_t i = 0; i < lane->set->slots; i++) {
        CLQ_TRY(clq_slot_init(&lane->slots[i], lane->context, slot_bytes, error));
    }
    return CLQ_OK;
}

/*
 * Whether the lane ended because its device gave no result, so that another may do what it had begun. After wrong
 * results, which --check or the ranges show, what it did before is not to be trusted either.
 */
int clq_lane_is_fault(const clq_lane *lane)
{
    switch (lane->status) {
    case CLQ_DEVICE_ERROR:
        return lane->error.opencl_code != 0;
    case CLQ_MISMATCH:
        return !lane->serves;
    case CLQ_OUT_OF_MEMORY:
    case CLQ_UNSUPPORTED:
    case CLQ_BUILD_FAILED:
        return 1;
    default:
        return 0;
    }
}

void clq_lane_set_aside(clq_lane *lane)
{
    lane->is_set_aside = 1;
    clq_job_warn(lane->set->call, "%s is set aside, and the other devices do its work: %s", lane->name,
                 lane->error.message);
}

static size_t lanes_left(const clq_lane_set *set)
{
    size_t left = 0;
    for (size_t i = 0; i < set->count; i++) {
        left += !lane_of(set, i)->is_set_aside;
    }
    return left;
}

int clq_lane_is_replaced(clq_lane *lane)
{
    if (!clq_lane_is_fault(lane) || lanes_left(lane->set) == 1) {
        return 0;
    }
    clq_lane_set_aside(lane);
    lane->status = CLQ_OK;
    return 1;
}

static int is_on_processor(const clq_context *context)
{
    clq_device_info info;
    if (context == NULL) {
        return 0;
    }
    clq_context_device(context, &info);
    return info.type == CLQ_DEVICE_CPU || info.type == CLQ_DEVICE_REFERENCE;
}

/*
 * Several devices on this processor share its caches too: with slots as large as those of one, each pushes out what the
 * other is about to read. No slot has more room than all of the data takes: memory that a device reaches is dear to
 * make.
 */
static uint64_t capacity_of(const clq_lane_set *set, clq_context *context, uint64_t memory)
{
    uint64_t bytes = clq_slot_capacity(context, memory, set->slots);
    uint64_t sharing = 0;
    if (set->work_bytes > 0 && set->work_bytes < bytes) {
        bytes = clq_size_min(bytes, set->work_bytes + SLACK_BYTES);
    }
    for (size_t i = 0; i < set->count && is_on_processor(context); i++) {
        sharing += is_on_processor(lane_of(set, i)->context) != 0;
    }
    if (set->slot_bytes != 0) {
        return set->slot_bytes;
    }
    return sharing < 2 ? bytes : clq_size_min(bytes, clq_size_max(SHARED_BYTES / sharing, LEAST_SHARED_BYTES));
}

/* A device that has no room for its slots is none, unless it is the last. */
static clq_status begin_all(clq_lane_set *set, uint64_t memory, clq_error *error)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < set->count; i++) {
        clq_lane *lane = lane_of(set, i);
        const uint64_t bytes = capacity_of(set, lane->context, memory);
        least = clq_size_min(least, bytes);
        lane->status = begin_lane(lane, bytes, &lane->error);
        if (lane->status != CLQ_OK && !clq_lane_is_replaced(lane)) {
            return pass_on(error, &lane->error);
        }
    }
    set->slot_bytes = least;
    return CLQ_OK;
}

clq_status clq_lanes_begin(clq_lane_set *set, clq_error *error)
{
    clq_job *call = set->call;
    const size_t count = call->context_count > 0 ? call->context_count : 1;
    clq_context *const *contexts = call->context_count > 0 ? call->contexts : &call->context;
    const uint64_t memory = set->memory_bytes / count;
    set->lanes = calloc(count, set->lane_bytes);
    if (set->lanes == NULL || pthread_mutex_init(&set->lock, NULL) != 0) {
        free(set->lanes);
        set->lanes = NULL;
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu devices", count);
    }
    set->count = count;
    for (size_t i = 0; i < count; i++) {
        clq_lane *lane = lane_of(set, i);
        lane->set = set;
        lane->number = i;
        lane->context = contexts[i];
        lane->serves = 1;
        if (lane->context != NULL) {
            clq_device_info info;
            clq_context_device(lane->context, &info);
            snprintf(lane->name, sizeof lane->name, "%s", info.name);
        }
    }
    return begin_all(set, memory, error);
}

clq_status clq_lanes_share_seed(clq_lane_set *set, clq_error *error)
{
    CLQ_TRY(clq_job_share_seed(set->call, error));
    for (size_t i = 0; i < set->count; i++) {
        clq_check *check = &lane_of(set, i)->check;
        check->seed = check->mode == CLQ_CHECK_SAMPLE ? set->call->check.seed : check->seed;
    }
    return CLQ_OK;
}

/* For the report, what each of several devices did. */
static void tell_devices(const clq_lane_set *set)
{
    clq_file_report *report = set->call->report;
    clq_file_device *devices = set->count > 1 ? calloc(set->count, sizeof *devices) : NULL;
    for (size_t i = 0; devices != NULL && i < set->count; i++) {
        const clq_lane *lane = lane_of(set, i);
        snprintf(devices[i].name, sizeof devices[i].name, "%s", lane->name);
        devices[i].bytes = lane->bytes;
        devices[i].seconds = lane->seconds;
        devices[i].share = set->seconds > 0.0 ? lane->seconds / set->seconds : 0.0;
        devices[i].is_set_aside = lane->is_set_aside;
    }
    if (devices != NULL) {
        report->devices = devices;
        report->device_count = set->count;
    }
}

void clq_lanes_end(clq_lane_set *set)
{
    if (set->lanes == NULL) {
        return;
    }
    tell_devices(set);
    clq_claims_destroy(&set->claims);
    for (size_t i = 0; i < set->count; i++) {
        clq_lane *lane = lane_of(set, i);
        clq_check_add(&set->call->check, &lane->check);
        clq_check_end(&lane->check);
        clq_slots_release(lane->slots, set->slots);
    }
    pthread_mutex_destroy(&set->lock);
    free(set->lanes);
    set->lanes = NULL;
}

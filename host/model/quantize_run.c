/* SPDX-License-Identifier: Apache-2.0 */
/* The runs of `quantize` over the data, by one device or several: a pipeline for each. */
#include <stdio.h>
#include <stdlib.h>

#include "core/size.h"
#include "model/quantize_job.h"
#include "stream/pipeline.h"

enum { LEAST_MEMORY_BYTES = 1 << 20 }; /* for each device */

/* ---- lanes ---- */

static clq_status pass_on(clq_error *error, const clq_error *from)
{
    if (error != NULL) {
        *error = *from;
    }
    return from->status;
}

static clq_status begin_lane(clq_quantize_lane *lane, clq_error *error)
{
    const clq_file_request *request = lane->job->request;
    clq_check *check = &lane->check;
    check->writes = request->output != NULL && !request->dry_run;
    CLQ_TRY(clq_check_begin(check, request, lane->context, error));
    check->histogram_bytes /= lane->job->lane_count;
    if (check->mode == CLQ_CHECK_SAMPLE) { /* one sample of all that is drawn, whoever computes it */
        clq_check *call = &lane->job->call->check;
        check->seed = call->seed != 0 ? call->seed : check->seed;
    }
    clq_check_add(&lane->job->call->check, check);
    for (size_t i = 0; i < CLQ_QUANTIZE_SLOTS; i++) {
        CLQ_TRY(clq_slot_init(&lane->slots[i], lane->context, lane->slot_bytes, error));
    }
    return CLQ_OK;
}

static void set_aside(clq_quantize_lane *lane)
{
    lane->is_set_aside = 1;
    clq_job_warn(lane->job->call, "%s is set aside, and the other devices do its work: %s", lane->name,
                 lane->error.message);
}

/* A device that has no room for its slots is none, unless it is the last. */
static clq_status begin_lanes(clq_quantize_job *job, clq_error *error)
{
    size_t failed = 0;
    for (size_t i = 0; i < job->lane_count; i++) {
        clq_quantize_lane *lane = &job->lanes[i];
        lane->status = begin_lane(lane, &lane->error);
        if (lane->status == CLQ_OK) {
            continue;
        }
        failed++;
        if (failed == job->lane_count || clq_quantize_is_fault(lane) == 0) {
            return pass_on(error, &lane->error);
        }
        set_aside(lane);
    }
    return CLQ_OK;
}

clq_status clq_quantize_begin(clq_quantize_job *job, clq_error *error)
{
    clq_job *call = job->call;
    const size_t count = call->context_count > 0 ? call->context_count : 1;
    clq_context *const *contexts = call->context_count > 0 ? call->contexts : &call->context;
    const uint64_t memory = job->request->memory_bytes / count;
    uint64_t least = UINT64_MAX;
    CLQ_REQUIRE(count == 1 || memory >= LEAST_MEMORY_BYTES,
                "--memory: %zu devices share it, and each needs at least 1 MiB", count);
    job->counts = clq_calibration_counts(&job->request->calibration);
    job->lanes = calloc(count, sizeof *job->lanes);
    if (job->lanes == NULL || pthread_mutex_init(&job->lock, NULL) != 0) {
        free(job->lanes);
        job->lanes = NULL;
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu devices", count);
    }
    job->lane_count = count;
    for (size_t i = 0; i < count; i++) {
        clq_quantize_lane *lane = &job->lanes[i];
        clq_device_info info;
        clq_context_device(contexts[i], &info);
        snprintf(lane->name, sizeof lane->name, "%s", info.name);
        lane->job = job;
        lane->number = i;
        lane->context = contexts[i];
        lane->serves = 1;
        lane->slot_bytes = job->slot_bytes != 0
                               ? job->slot_bytes
                               : clq_slot_capacity(contexts[i], memory / (job->counts ? 2 : 1), CLQ_QUANTIZE_SLOTS);
        least = clq_size_min(least, lane->slot_bytes);
    }
    job->slot_bytes = least;
    return begin_lanes(job, error);
}

/* For the report, what each of several devices did. */
static void tell_devices(const clq_quantize_job *job)
{
    clq_file_report *report = job->call->report;
    clq_file_device *devices = job->lane_count > 1 ? calloc(job->lane_count, sizeof *devices) : NULL;
    for (size_t i = 0; devices != NULL && i < job->lane_count; i++) {
        const clq_quantize_lane *lane = &job->lanes[i];
        snprintf(devices[i].name, sizeof devices[i].name, "%s", lane->name);
        devices[i].bytes = lane->bytes;
        devices[i].seconds = lane->seconds;
        devices[i].share = job->seconds > 0.0 ? lane->seconds / job->seconds : 0.0;
        devices[i].is_set_aside = lane->is_set_aside;
    }
    if (devices != NULL) {
        report->devices = devices;
        report->device_count = job->lane_count;
    }
}

void clq_quantize_end(clq_quantize_job *job)
{
    if (job->lanes == NULL) {
        return;
    }
    tell_devices(job);
    for (size_t i = 0; i < job->lane_count; i++) {
        clq_quantize_lane *lane = &job->lanes[i];
        clq_check_add(&job->call->check, &lane->check);
        clq_check_end(&lane->check);
        clq_slots_release(lane->slots, CLQ_QUANTIZE_SLOTS);
        clq_histograms_release(&lane->histograms);
        clq_encoder_release(&lane->encoder);
        free(lane->cut);
    }
    pthread_mutex_destroy(&job->lock);
    free(job->lanes);
    job->lanes = NULL;
}

/* ---- runs ---- */

/*
 * Whether the lane ended because its device gave no result, so that another may do what it had begun. After wrong
 * results, which --check or the ranges show, what it did before is not to be trusted either.
 */
int clq_quantize_is_fault(const clq_quantize_lane *lane)
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

static clq_status noted(clq_quantize_lane *lane, clq_status status)
{
    if (status != CLQ_OK) {
        atomic_store(&lane->fails, 1);
    }
    return status;
}

static clq_status compute(void *lane, size_t slot, clq_error *error)
{
    return noted(lane, clq_quantize_compute(lane, slot, error));
}

static clq_status measure(void *lane, size_t slot, clq_error *error)
{
    return noted(lane, clq_quantize_measure(lane, slot, error));
}

static clq_status put(void *lane, size_t slot, clq_error *error)
{
    return noted(lane, clq_quantize_write(lane, slot, error));
}

/* The caller wants no more, or another lane has ended the run: a large tensor is not gone through to its end. */
static int is_cancelled(void *cookie)
{
    const clq_quantize_job *job = ((const clq_quantize_lane *)cookie)->job;
    return clq_job_is_cancelled(job->call) || clq_claims_are_stopped(job->claims);
}

static void *run_lane(void *cookie)
{
    clq_quantize_lane *lane = cookie;
    clq_quantize_job *job = lane->job;
    clq_pipeline pipeline = {lane, CLQ_QUANTIZE_SLOTS, clq_quantize_fill, {compute}, is_cancelled, lane};
    if (!job->finding) {
        pipeline.then[1] = measure;
        pipeline.then[2] = put;
    }
    for (int again = 1; again;) {
        again = 0;
        clq_quantize_rewind(lane);
        lane->status = clq_pipeline_run(&pipeline, &lane->error);
        if (!clq_quantize_is_fault(lane)) {
            continue;
        }
        if (clq_claims_leave(job->claims, lane->number)) {
            lane->status = CLQ_OK;
            set_aside(lane);
        } else if (!lane->serves && !lane->is_alone) { /* the last: the host stands in, as for one device */
            lane->is_alone = 1;
            again = 1;
        }
    }
    if (lane->status != CLQ_OK) {
        clq_claims_stop(job->claims);
    }
    return NULL;
}

/* The first lane's failure, and what is no echo of another's comes first. */
static clq_status outcome(const clq_quantize_job *job, clq_error *error)
{
    const clq_quantize_lane *failed = NULL;
    for (size_t i = 0; i < job->lane_count; i++) {
        const clq_quantize_lane *lane = &job->lanes[i];
        if (lane->status != CLQ_OK && !lane->is_set_aside && (failed == NULL || failed->status == CLQ_CANCELLED)) {
            failed = lane;
        }
    }
    if (failed != NULL) {
        return pass_on(error, &failed->error);
    }
    return clq_claims_left(job->claims) == 0
               ? CLQ_OK
               : clq_fail(error, CLQ_UNSUPPORTED, "a fault of this program: %zu tensors were done by no device",
                          clq_claims_left(job->claims));
}

/* In threads of their own, but for the last, which has the caller's. */
static void run_lanes(clq_quantize_job *job)
{
    clq_quantize_lane *last = NULL;
    int *started = calloc(job->lane_count, sizeof *started);
    for (size_t i = 0; i < job->lane_count; i++) {
        clq_quantize_lane *lane = &job->lanes[i];
        if (lane->is_set_aside) {
            (void)clq_claims_leave(job->claims, i);
        } else {
            last = lane;
        }
    }
    for (size_t i = 0; i < job->lane_count; i++) {
        clq_quantize_lane *lane = &job->lanes[i];
        if (lane == last || lane->is_set_aside) {
            continue;
        }
        if (started != NULL && pthread_create(&lane->thread, NULL, run_lane, lane) == 0) {
            started[i] = 1;
        } else {
            (void)clq_claims_leave(job->claims, i);
            lane->status = clq_fail(&lane->error, CLQ_OUT_OF_MEMORY, "no thread can be started");
            set_aside(lane);
        }
    }
    run_lane(last);
    for (size_t i = 0; i < job->lane_count && started != NULL; i++) {
        if (started[i]) {
            pthread_join(job->lanes[i].thread, NULL);
        }
    }
    free(started);
}

static clq_status run(clq_quantize_job *job, clq_error *error)
{
    const double begun = clq_quantize_now();
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_quantize_share(job, error));
    run_lanes(job);
    job->seconds += clq_quantize_now() - begun;
    for (size_t i = 0; i < job->lane_count; i++) {
        clq_quantize_lane *lane = &job->lanes[i];
        lane->bytes += !job->finding || job->request->dry_run ? clq_claims_done_bytes(job->claims, i) : 0;
        if (atomic_load(&lane->check.found)) {
            atomic_store(&job->call->check.found, 1);
        }
    }
    status = outcome(job, error);
done:
    clq_claims_destroy(&job->claims);
    return status;
}

static clq_status find(clq_quantize_job *job, int which, clq_error *error)
{
    clq_status status;
    job->finding = which;
    status = run(job, error);
    if (status == CLQ_OK && job->work != job->plan) {
        status = clq_quantize_settle_pieces(job, error);
    }
    job->finding = 0;
    return status;
}

clq_status clq_find_all(clq_quantize_job *job, clq_error *error)
{
    const clq_status status = find(job, CLQ_FIND_ALL, error);
    job->found = 1;
    job->shared_found = 1;
    return status;
}

clq_status clq_find_shared(clq_quantize_job *job, clq_error *error)
{
    const clq_status status = find(job, CLQ_FIND_SHARED, error);
    job->shared_found = 1;
    return status;
}

clq_status clq_quantize_all(clq_quantize_job *job, clq_error *error)
{
    for (size_t i = 0; i < job->lane_count; i++) {
        clq_encoder *encoder = &job->lanes[i].encoder;
        encoder->output = job->output;
        encoder->model = job->model;
        encoder->check = &job->lanes[i].check;
    }
    return run(job, error);
}

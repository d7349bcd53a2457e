/* SPDX-License-Identifier: Apache-2.0 */
/* How long a device takes for a piece of work, and native for the same: whether it is worth its place. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "engine/context.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Seconds. What a large piece takes less than is no matter, however fast this processor is; a device that takes
 * TOO_LONG for a small one is not given a large one, and its size is no excuse; none is behind before it was ASKED for
 * so long, for the machine may be busy, and the best of what it does counts; and then for a DAY. */
static const double NO_MATTER = 0.002, TOO_LONG = 0.05, ASKED = 2.0, DAY = 86400.0;

/* Times of native: from there on a device is behind; up to there one operation speaks for the others. */
static const double BEHIND = 10.0, IN_DOUBT = 3.0;

enum { LEAST_ROUNDS = 3 };

/* Where operands lie in the staging, in bytes; codes and products behind the input. */
enum { RANGE = 0, NONFINITE = 16, SCALE = 64, ZERO_POINT = 128, INPUT = 4096 };

/* ---- pieces of work ---- */

/* Of `size` elements, or a product of matrices with such edges. */
typedef struct work {
    const char *name;
    clq_status (*run)(clq_context *context, clq_buffer *buffer, uint64_t size, clq_error *error);
    uint64_t (*input_bytes)(uint64_t size);
    uint64_t (*output_bytes)(uint64_t size); /* 0: before the input */
    uint64_t small, large;
} work;

static uint64_t bytes_of_tensor(uint64_t size)
{
    return size * sizeof(float);
}

static uint64_t bytes_of_codes(uint64_t size)
{
    return size;
}

static uint64_t bytes_of_factors(uint64_t size)
{
    return 2 * size * size;
}

static uint64_t bytes_of_product(uint64_t size)
{
    return size * size * sizeof(int32_t);
}

static uint64_t no_bytes(uint64_t size)
{
    (void)size;
    return 0;
}

static clq_quantization flat(uint64_t size)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = size;
    return q;
}

static clq_status run_minmax(clq_context *context, clq_buffer *buffer, uint64_t size, clq_error *error)
{
    const clq_quantization q = flat(size);
    return clq_minmax(context, &q, (clq_operand){buffer, INPUT / sizeof(float)},
                      (clq_operand){buffer, RANGE / sizeof(float)},
                      (clq_operand){buffer, NONFINITE / sizeof(clq_nonfinite)}, error);
}

static clq_status run_quantize(clq_context *context, clq_buffer *buffer, uint64_t size, clq_error *error)
{
    const clq_quantization q = flat(size);
    return clq_quantize(context, &q, (clq_operand){buffer, INPUT / sizeof(float)},
                        (clq_operand){buffer, SCALE / sizeof(float)},
                        (clq_operand){buffer, ZERO_POINT / sizeof(int32_t)},
                        (clq_operand){buffer, INPUT + bytes_of_tensor(size)}, error);
}

static clq_status run_product(clq_context *context, clq_buffer *buffer, uint64_t size, clq_error *error)
{
    clq_gemm_problem p;
    const clq_gemm_operands o = {.struct_size = sizeof o,
                                 .a = {buffer, INPUT},
                                 .b = {buffer, INPUT + size * size},
                                 .c = {buffer, (INPUT + bytes_of_factors(size)) / sizeof(int32_t)}};
    clq_gemm_init(&p);
    p.m = p.n = p.k = size;
    return clq_gemm(context, &p, &o, error);
}

/* The next is asked where the one before leaves a doubt. */
static const work of_tensors[] = {
    {"minmax", run_minmax, bytes_of_tensor, no_bytes, UINT64_C(1) << 16, UINT64_C(1) << 20},
    {"quantize", run_quantize, bytes_of_tensor, bytes_of_codes, UINT64_C(1) << 16, UINT64_C(1) << 20}};
static const work of_products[] = {{"gemm", run_product, bytes_of_factors, bytes_of_product, 128, 256}};

static uint64_t bytes_of(const work *w, uint64_t size)
{
    return INPUT + w->input_bytes(size) + w->output_bytes(size);
}

static void fill(const work *w, uint64_t size, unsigned char *memory)
{
    const float scale = 2.0f;
    memset(memory, 0, INPUT);
    memcpy(memory + SCALE, &scale, sizeof scale);
    if (w->input_bytes != bytes_of_tensor) {
        for (uint64_t i = 0; i < w->input_bytes(size); i++) {
            memory[INPUT + i] = (unsigned char)(i % 251);
        }
        return;
    }
    for (uint64_t i = 0; i < size; i++) {
        const float x = (float)(int)(i % 1009) * 0.5f - 250.0f;
        memcpy(memory + INPUT + i * sizeof x, &x, sizeof x);
    }
}

/* ---- time ---- */

static double time_by(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double now(void)
{
    return time_by(CLOCK_MONOTONIC);
}

/* Who works, on a piece of that size in a staging, and what its best round took. */
typedef struct worker {
    clq_context *context;
    const work *of;
    int by_processor; /* the device is this processor */
    uint64_t size;
    clq_staging *staging;
    double best;
    double small; /* of a small piece, where this one is large, or 0 */
} worker;

/* There and back, as the pieces of a file go. Of a device that is this processor no more counts than what the process
 * has had of it: threads that wait for each other on a busy machine lose turns, and are not slow. */
static clq_status go_round(const worker *w, double *seconds, clq_error *error)
{
    const double begun = now();
    const double had = time_by(CLOCK_PROCESS_CPUTIME_ID);
    const uint64_t inputs = INPUT + w->of->input_bytes(w->size);
    const uint64_t outputs = w->of->output_bytes(w->size);
    CLQ_TRY(clq_context_check_cancel(w->context, "a device was measured", error));
    CLQ_TRY(clq_staging_to_device(w->staging, 0, inputs, error));
    CLQ_TRY(w->of->run(w->context, clq_staging_buffer(w->staging), w->size, error));
    CLQ_TRY(clq_staging_to_host(w->staging, outputs > 0 ? inputs : 0, outputs > 0 ? outputs : INPUT, error));
    *seconds = now() - begun;
    if (w->by_processor) {
        *seconds = fmin(*seconds, time_by(CLOCK_PROCESS_CPUTIME_ID) - had);
    }
    return CLQ_OK;
}

/* The first round is left out: there the driver makes what it makes once, memory is touched first, and clocks are low.
 */
static clq_status begin(worker *w, clq_error *error)
{
    CLQ_TRY(clq_staging_create(w->context, bytes_of(w->of, w->size), &w->staging, error));
    fill(w->of, w->size, clq_staging_memory(w->staging));
    CLQ_TRY(go_round(w, &w->best, error));
    w->best = INFINITY;
    return CLQ_OK;
}

static clq_status go_on(worker *w, clq_error *error)
{
    double seconds = 0.0;
    CLQ_TRY(go_round(w, &seconds, error));
    w->best = seconds < w->best ? seconds : w->best;
    return CLQ_OK;
}

/* How long it takes for a small piece; *is_late: kernels are not ready, and the host served. */
static clq_status try_small(worker device, double *seconds, int *is_late, clq_error *error)
{
    const double begun = now();
    clq_status status;
    CLQ_TRY_TO(begin(&device, error));
    *is_late = clq_context_is_compiling(device.context);
    for (int round = 0; !*is_late && (round == 0 || (round < LEAST_ROUNDS && now() - begun < TOO_LONG)); round++) {
        CLQ_TRY_TO(go_on(&device, error));
    }
    *seconds = device.best;
done:
    clq_staging_destroy(&device.staging);
    return status;
}

/* What a small piece takes as well is the way there and back, which much work at a time pays but once. */
static int is_behind(const worker *device, const worker *host)
{
    return device->best > NO_MATTER && device->best - device->small > BEHIND * host->best;
}

/* In turns, so that both meet the same machine; *is_late as above, of another kernel. */
static clq_status race(worker *device, worker *host, int *is_late, clq_error *error)
{
    double begun;
    CLQ_TRY(begin(device, error));
    *is_late = clq_context_is_compiling(device->context);
    if (*is_late) {
        return CLQ_OK;
    }
    CLQ_TRY(begin(host, error));
    begun = now();
    for (int round = 0; round == 0 || ((round < LEAST_ROUNDS || is_behind(device, host)) && now() - begun < ASKED);
         round++) {
        CLQ_TRY(go_on(device, error));
        CLQ_TRY(go_on(host, error));
    }
    return CLQ_OK;
}

/* *times: of native that the device takes, 0 of one without room for a piece, which is not measured. */
static clq_status compare(clq_context *context, clq_context *native, const work *of, clq_pace *pace, double *times,
                          clq_error *error)
{
    const uint64_t most = context->device.maximum_allocation_bytes;
    const int by_processor = context->device.type == CLQ_DEVICE_CPU;
    worker device = {.context = context, .of = of, .by_processor = by_processor, .size = of->small};
    worker host = {.context = native, .of = of, .by_processor = by_processor};
    clq_status status = CLQ_OK;
    double seconds = 0.0;
    *times = 0.0;
    if (bytes_of(of, of->small) > most) {
        return CLQ_OK;
    }
    CLQ_TRY(try_small(device, &seconds, &pace->is_late, error));
    if (pace->is_late) {
        return CLQ_OK;
    }
    device.size = host.size = seconds < TOO_LONG && bytes_of(of, of->large) <= most ? of->large : of->small;
    device.small = device.size == of->large ? seconds : 0.0;
    CLQ_TRY_TO(race(&device, &host, &pace->is_late, error));
    if (pace->is_late) {
        goto done;
    }
    *times = device.best / host.best;
    pace->is_behind = is_behind(&device, &host);
    if (pace->is_behind) {
        snprintf(pace->reason, sizeof pace->reason,
                 "%s of %" PRIu64 " KiB takes %.1f ms on %.60s, %.1f on this processor", of->name,
                 of->input_bytes(device.size) >> 10, device.best * 1e3, context->device.name, host.best * 1e3);
    }
done:
    clq_staging_destroy(&device.staging);
    clq_staging_destroy(&host.staging);
    return status;
}

/* ---- notes ---- */

/* With what the device was compared: another processor, or fewer threads, tell nothing of each other. */
typedef struct note_name {
    char text[256];
} note_name;

static note_name name_of(const clq_context *native, int is_of_products)
{
    note_name name;
    snprintf(name.text, sizeof name.text, "pace, %s, beside %.100s, %.60s, %u threads",
             is_of_products ? "products" : "tensors", native->device.name, native->device.driver,
             (unsigned)native->device.compute_units);
    return name;
}

static const char keeps_up[] = "keeps up\n";

/* That a device is behind holds for a day: it may have been busy. */
static int recall(const clq_context *context, const note_name *name, clq_pace *pace)
{
    char text[sizeof pace->reason + 64];
    int64_t when = 0;
    int used = 0;
    double age;
    if (!context->executor->read_note(context, name->text, text, sizeof text)) {
        return 0;
    }
    if (strcmp(text, keeps_up) == 0) {
        return 1;
    }
    if (sscanf(text, "behind %" SCNd64 "\n%n", &when, &used) != 1 || used == 0) {
        return 0;
    }
    age = difftime(time(NULL), (time_t)when);
    pace->is_behind = age >= 0.0 && age < DAY;
    snprintf(pace->reason, sizeof pace->reason, "%.*s", (int)strcspn(text + used, "\n"), text + used);
    return pace->is_behind;
}

static void note(const clq_context *context, const note_name *name, const clq_pace *pace)
{
    char text[sizeof pace->reason + 64];
    if (pace->is_behind) {
        snprintf(text, sizeof text, "behind %" PRId64 "\n%s\n", (int64_t)time(NULL), pace->reason);
    }
    if (!pace->is_late) {
        context->executor->write_note(context, name->text, pace->is_behind ? text : keeps_up);
    }
}

clq_status clq_context_pace(clq_context *context, int is_of_products, clq_pace *pace, clq_error *error)
{
    const work *works = is_of_products ? of_products : of_tensors;
    const size_t count =
        is_of_products ? sizeof of_products / sizeof of_products[0] : sizeof of_tensors / sizeof of_tensors[0];
    clq_context *host = NULL;
    clq_status status = CLQ_OK;
    note_name name;
    double times = IN_DOUBT;
    CLQ_REQUIRE(context != NULL && pace != NULL, "clq_context_pace: context and pace must not be NULL");
    memset(pace, 0, sizeof *pace);
    if (context->make_host == NULL || context->executor->read_note == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(context->make_host(&host, error));
    name = name_of(host, is_of_products);
    if (recall(context, &name, pace)) {
        goto done;
    }
    memset(pace, 0, sizeof *pace);
    for (size_t i = 0; i < count && times >= IN_DOUBT && !pace->is_behind && !pace->is_late; i++) {
        CLQ_TRY_TO(compare(context, host, &works[i], pace, &times, error));
    }
    note(context, &name, pace);
done:
    clq_context_release(host);
    return status == CLQ_OK ? CLQ_OK : clq_fail_in(error, status, "measuring %s", context->device.name);
}

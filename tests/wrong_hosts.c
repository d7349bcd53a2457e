/* SPDX-License-Identifier: Apache-2.0 */
#include "wrong_hosts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "core/executor.h"
#include "core/host_memory.h"
#include "native/executor.h"
#include "native/tensor.h"
#include "reference/executor.h"
#include "reference/reference.h"

wrong_hosts hosts;

static _Thread_local int is_device; /* this thread computes as the device */

void wrong_hosts_reset(void)
{
    atomic_store(&hosts.contexts, 0);
    atomic_store(&hosts.native_elements, 0);
    atomic_store(&hosts.checked_elements, 0);
    atomic_store(&hosts.narrowed_elements, 0);
    hosts.units[0] = hosts.units[1] = NULL;
}

static int is_spoiled(uint32_t source)
{
    return (source * UINT32_C(2654435761)) >> (hosts.is_rare ? 24 : 31) == 1;
}

static void spoil_codes(const clq_task *task, unsigned char bit)
{
    unsigned char *codes = clq_host_at(task, CLQ_ARG_CODES);
    const unsigned bits = clq_dtype_bits(task->q->scheme.dtype);
    for (uint64_t i = 0; i < task->geometry.elements; i++) {
        uint32_t x;
        memcpy(&x, clq_host_at(task, CLQ_ARG_X) + i * sizeof x, sizeof x);
        if (is_spoiled(x)) {
            codes[bits == 4 ? i / 2 : i * bits / 8] ^= (unsigned char)(bits == 4 ? bit << i % 2 * 4 : bit);
        }
    }
}

static void spoil_reals(const clq_task *task, unsigned char bit)
{
    const unsigned char *codes = clq_host_at(task, CLQ_ARG_CODES);
    for (uint64_t i = 0; i < task->geometry.elements; i++) { /* f16 of u4 */
        if (is_spoiled(codes[i / 2] >> i % 2 * 4 & 15)) {
            clq_host_at(task, CLQ_ARG_Y)[2 * i] ^= bit;
        }
    }
}

/* Wider by one float at one end, so that elements lie within all the same. */
static void spoil_ranges(const clq_task *task, int end)
{
    for (uint64_t p = 0; p < task->geometry.parameters; p++) {
        unsigned char *at = clq_host_at(task, CLQ_ARG_RANGE) + (2 * p + (uint64_t)end) * sizeof(float);
        float value;
        memcpy(&value, at, sizeof value);
        value = nextafterf(value, end ? INFINITY : -INFINITY);
        memcpy(at, &value, sizeof value);
    }
}

/* One element less in a bin and one more in the next, so that all together are as many. */
static void spoil_counts(const clq_task *task, uint64_t bin)
{
    const uint64_t bins = clq_histogram_bins(&task->q->scheme);
    for (uint64_t p = 0; p < task->geometry.parameters; p++) {
        unsigned char *at = clq_host_at(task, CLQ_ARG_COUNTS) + (p * bins + bin) * sizeof(uint64_t);
        uint64_t both[2];
        memcpy(both, at, sizeof both);
        both[0]--;
        both[1]++;
        memcpy(at, both, sizeof both);
    }
}

/* Where pieces are not computed again as a whole. */
static void narrow_ranges(const clq_task *task, int end)
{
    if (atomic_fetch_add(&hosts.narrowed_elements, task->geometry.elements) > 1 << 20) {
        unsigned char *at = clq_host_at(task, CLQ_ARG_RANGE) + (size_t)end * sizeof(float);
        float value;
        memcpy(&value, at, sizeof value);
        value /= 2;
        memcpy(at, &value, sizeof value);
    }
}

static void touch_input(const clq_task *task)
{
    const clq_argument input = task->operation == CLQ_OP_DEQUANTIZE ? CLQ_ARG_CODES : CLQ_ARG_X;
    const uint64_t bytes = clq_argument_bytes(task, input);
    for (uint64_t i = 0; i < bytes; i += 100) {
        clq_host_at(task, input)[i] ^= 1;
    }
}

static void spoil(const clq_task *task, way how)
{
    const int other = how == ANOTHER;
    if (task->operation != hosts.operation || task->geometry.elements < hosts.from) {
        return;
    }
    if (how == TOUCHES_INPUT) {
        touch_input(task);
        return;
    }
    switch (task->operation) {
    case CLQ_OP_QUANTIZE:
        spoil_codes(task, other ? 2 : 1);
        break;
    case CLQ_OP_DEQUANTIZE:
        spoil_reals(task, other ? 2 : 1);
        break;
    case CLQ_OP_MINMAX:
        if (how == NARROW_LOW || how == NARROW_HIGH) {
            narrow_ranges(task, how == NARROW_HIGH);
        } else {
            spoil_ranges(task, !other);
        }
        break;
    case CLQ_OP_HISTOGRAM:
        spoil_counts(task, other ? 700 : 600);
        break;
    default:
        break;
    }
}

static clq_status come_out(way how, const clq_task *task, clq_error *error)
{
    switch (how) {
    case RIGHT:
    case ABSENT:
        return CLQ_OK;
    case FAILS_BY_MEMORY:
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory, as the test has it");
    case FAILS_IF_LARGE:
        return task->geometry.elements <= 32768 ? CLQ_OK : clq_fail(error, CLQ_OUT_OF_MEMORY, "too large");
    case FAILS_BY_LIMIT:
        return clq_fail(error, CLQ_UNSUPPORTED, "too large, as the test has it");
    case FAILS_WRONG:
        spoil(task, WRONG);
        return clq_fail(error, CLQ_DEVICE_ERROR, "it fails, as the test has it");
    default:
        spoil(task, how);
        return CLQ_OK;
    }
}

__typeof__(clq_native_run) __real_clq_native_run, __wrap_clq_native_run;
clq_status __wrap_clq_native_run(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                                 clq_error *error)
{
    atomic_fetch_add(&hosts.native_elements, task->geometry.elements);
    return __real_clq_native_run(loops, team, task, error) == CLQ_OK ? come_out(hosts.native, task, error)
                                                                     : CLQ_DEVICE_ERROR;
}

__typeof__(clq_native_context_create) __real_clq_native_context_create, __wrap_clq_native_context_create;
clq_status __wrap_clq_native_context_create(clq_context **context, clq_error *error)
{
    if (hosts.native == ABSENT) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no context, as the test has it");
    }
    atomic_fetch_add(&hosts.contexts, 1);
    return __real_clq_native_context_create(context, error);
}

static void count_reference(const clq_geometry *g)
{
    if (!is_device) {
        atomic_fetch_add(&hosts.checked_elements, g->elements);
    }
}

__typeof__(clq_reference_quantize) __real_clq_reference_quantize, __wrap_clq_reference_quantize;
void __wrap_clq_reference_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x,
                                   const void *scale, const void *zero_point, void *codes)
{
    count_reference(geometry);
    if (!is_device && geometry->elements == 16) {
        hosts.units[hosts.units[0] != NULL && hosts.units[0] != x] = x;
    }
    __real_clq_reference_quantize(geometry, q, x, scale, zero_point, codes);
}

__typeof__(clq_reference_dequantize) __real_clq_reference_dequantize, __wrap_clq_reference_dequantize;
void __wrap_clq_reference_dequantize(const clq_geometry *geometry, const clq_quantization *q, const void *codes,
                                     const void *scale, const void *zero_point, void *y)
{
    count_reference(geometry);
    __real_clq_reference_dequantize(geometry, q, codes, scale, zero_point, y);
}

__typeof__(clq_reference_minmax) __real_clq_reference_minmax, __wrap_clq_reference_minmax;
void __wrap_clq_reference_minmax(const clq_geometry *geometry, const clq_quantization *q, const void *x, void *range,
                                 void *nonfinite)
{
    count_reference(geometry);
    __real_clq_reference_minmax(geometry, q, x, range, nonfinite);
}

__typeof__(clq_reference_histogram) __real_clq_reference_histogram, __wrap_clq_reference_histogram;
void __wrap_clq_reference_histogram(const clq_geometry *geometry, const clq_quantization *q, const void *x,
                                    const void *range, void *counts)
{
    count_reference(geometry);
    __real_clq_reference_histogram(geometry, q, x, range, counts);
}

/* ---- the device ---- */

static clq_status device_run(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_status status;
    is_device = 1;
    status = clq_reference_executor.run(context, task, error);
    is_device = 0;
    return status == CLQ_OK ? come_out(hosts.device, task, error) : status;
}

static clq_status device_batch_run(clq_batch *batch, const clq_order *order, clq_error *error)
{
    clq_status status = CLQ_OK;
    (void)order;
    for (size_t i = 0; i < batch->count && status == CLQ_OK; i++) {
        status = device_run(batch->context, &batch->tasks[i], error);
    }
    return status;
}

static clq_executor executor;

clq_context *wrong_hosts_device(int32_t number)
{
    clq_context *context = NULL;
    clq_error error;
    executor = clq_reference_executor;
    executor.run = device_run;
    executor.batch_run = device_batch_run;
    check_ok(clq_context_create("reference", &context, &error), &error, "clq_context_create");
    context->executor = &executor;
    context->device.device = number;
    context->device.in_process = 0;
    snprintf(context->device.version, sizeof context->device.version, "OpenCL 3.0 of a test");
    snprintf(context->device.name, sizeof context->device.name, "device %d", (int)number);
    return context;
}

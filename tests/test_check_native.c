/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check where native computes first: a device and a native that are wrong, or fail, in every combination. The device
 * is the reference with a name and a version of OpenCL, so that native stands in between; both are spoiled by what
 * their elements are, so that the two can be wrong alike. The reference decides whatever native says.
 */
#include "check.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/executor.h"
#include "core/host_memory.h"
#include "format/safetensors.h"
#include "native/executor.h"
#include "native/tensor.h"
#include "reference/executor.h"
#include "reference/reference.h"
#include "scratch.h"

enum { ROWS = 301, COLUMNS = 1999, ELEMENTS = ROWS * COLUMNS };

/* ---- a device and native that go wrong ---- */

typedef enum way {
    RIGHT,
    WRONG,   /* half of all values or few, every range, two bins of every histogram */
    ANOTHER, /* the same ones, otherwise */
    FAILS_BY_MEMORY,
    FAILS_BY_LIMIT,
    FAILS_WRONG, /* and what it has written is wrong */
    ABSENT,      /* no context of it */
    WAYS
} way;

static way device_way;
static way native_way;
static clq_operation wrong_operation;
static uint64_t wrong_from;                /* elements of a tensor that is spoiled */
static int is_rare;                        /* one code in 256 */
static _Thread_local int is_device;        /* this thread computes as the device */
static atomic_size_t contexts;             /* of native, that were made */
static atomic_ullong native_elements;      /* that native computed */
static atomic_ullong checked_elements;     /* that the reference computed for the check */
static const void *_Atomic first_units[2]; /* where the reference found the elements of single units */

static int is_spoiled(uint32_t source)
{
    return (source * UINT32_C(2654435761)) >> (is_rare ? 24 : 31) == 1;
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

static void spoil(const clq_task *task, way how)
{
    const int other = how == ANOTHER;
    if (task->operation != wrong_operation || task->geometry.elements < wrong_from) {
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
        spoil_ranges(task, !other);
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
    atomic_fetch_add(&native_elements, task->geometry.elements);
    return __real_clq_native_run(loops, team, task, error) == CLQ_OK ? come_out(native_way, task, error)
                                                                     : CLQ_DEVICE_ERROR;
}

__typeof__(clq_native_context_create) __real_clq_native_context_create, __wrap_clq_native_context_create;
clq_status __wrap_clq_native_context_create(clq_context **context, clq_error *error)
{
    if (native_way == ABSENT) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no context, as the test has it");
    }
    atomic_fetch_add(&contexts, 1);
    return __real_clq_native_context_create(context, error);
}

static void count_reference(const clq_geometry *g)
{
    if (!is_device) {
        atomic_fetch_add(&checked_elements, g->elements);
    }
}

__typeof__(clq_reference_quantize) __real_clq_reference_quantize, __wrap_clq_reference_quantize;
void __wrap_clq_reference_quantize(const clq_geometry *geometry, const clq_quantization *q, const void *x,
                                   const void *scale, const void *zero_point, void *codes)
{
    count_reference(geometry);
    if (!is_device && geometry->elements == 16) {
        first_units[first_units[0] != NULL && first_units[0] != x] = x;
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
    return status == CLQ_OK ? come_out(device_way, task, error) : status;
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

static clq_context *make_device(int32_t number)
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

/* ---- files and calls ---- */

static const char *plain;     /* F32: "w" [ROWS, COLUMNS] */
static const char *quantized; /* the same in u4, in groups that divide nothing */
static const char *output;

static void make_plain(void)
{
    static const uint64_t SHAPE[2] = {ROWS, COLUMNS};
    clq_safetensors_plan *plan = NULL;
    const char *header;
    uint64_t header_bytes, file_bytes;
    size_t index;
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "w", "F32", 2, SHAPE, 4ull * ELEMENTS, &index, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = check_allocate(file_bytes);
    memcpy(file, header, (size_t)header_bytes);
    for (uint64_t at = header_bytes; at < file_bytes; at += sizeof(float)) {
        const float value = (float)(check_uniform() * 2 - 1); /* so that every bin has some */
        memcpy(file + at, &value, sizeof value);
    }
    plain = scratch_write("plain.safetensors", file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
}

/* What is called, which operation of it is wrong, and with how much memory: a few pieces, large enough for native. */
typedef struct verb {
    const char *name;
    clq_status (*call)(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                       clq_file_report **report, clq_error *error);
    clq_operation wrong;
    unsigned mebibytes;
    clq_granularity granularity;
    clq_dtype dtype;
    const char *method;
    clq_preset preset;
} verb;

#define QUANTIZE clq_file_quantize, CLQ_OP_QUANTIZE, 24
#define CALIBRATE clq_file_calibrate, CLQ_OP_HISTOGRAM
static const verb VERBS[] = {
    {"quantize, rows", QUANTIZE, CLQ_PER_CHANNEL, CLQ_S8, "minmax", CLQ_PRESET_SYMMETRIC},
    {"quantize, all", QUANTIZE, CLQ_PER_TENSOR, CLQ_U8, "minmax", CLQ_PRESET_AFFINE},
    {"quantize, groups", QUANTIZE, CLQ_PER_GROUP, CLQ_S4, "minmax", CLQ_PRESET_SYMMETRIC},
    {"quantize, its ranges", clq_file_quantize, CLQ_OP_MINMAX, 24, CLQ_PER_GROUP, CLQ_S8, "minmax",
     CLQ_PRESET_SYMMETRIC},
    {"quantize, its counts", clq_file_quantize, CLQ_OP_HISTOGRAM, 24, CLQ_PER_TENSOR, CLQ_S8, "entropy",
     CLQ_PRESET_SYMMETRIC},
    {"dequantize", clq_file_dequantize, CLQ_OP_DEQUANTIZE, 24, CLQ_PER_TENSOR, CLQ_F16, "minmax", CLQ_PRESET_SYMMETRIC},
    {"minmax, rows", clq_file_minmax, CLQ_OP_MINMAX, 24, CLQ_PER_CHANNEL, CLQ_S8, "minmax", CLQ_PRESET_SYMMETRIC},
    {"minmax, all", clq_file_minmax, CLQ_OP_MINMAX, 24, CLQ_PER_TENSOR, CLQ_S8, "minmax", CLQ_PRESET_SYMMETRIC},
    {"calibrate, ranges", clq_file_calibrate, CLQ_OP_MINMAX, 24, CLQ_PER_TENSOR, CLQ_S8, "minmax",
     CLQ_PRESET_SYMMETRIC},
    {"calibrate, magnitudes", CALIBRATE, 24, CLQ_PER_TENSOR, CLQ_S8, "mse", CLQ_PRESET_SYMMETRIC},
    {"calibrate, numbers", CALIBRATE, 24, CLQ_PER_TENSOR, CLQ_S8, "percentile:99", CLQ_PRESET_AFFINE},
    {"calibrate, rows", CALIBRATE, 512, CLQ_PER_CHANNEL, CLQ_S8, "percentile:99", CLQ_PRESET_SYMMETRIC},
};
enum { VERB_COUNT = sizeof VERBS / sizeof VERBS[0] };

typedef struct outcome {
    clq_status status;
    clq_error error;
    char *file;
    size_t bytes;
    clq_file_report *report;
} outcome;

static clq_file_request request_of(const verb *v, clq_file_check check, uint64_t seed)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = v->call == clq_file_dequantize ? quantized : plain;
    request.inputs = (clq_name_list){&plain, v->call == clq_file_calibrate};
    request.output = v->call == clq_file_minmax ? NULL : output;
    request.replace = 1;
    request.memory_bytes = (uint64_t)v->mebibytes << 20;
    request.has_granularity = 1;
    request.granularity = v->granularity;
    request.group_size = 33;
    request.dtype = v->call == clq_file_quantize || v->call == clq_file_dequantize ? v->dtype : (clq_dtype)0;
    request.preset = v->preset;
    request.check = check;
    request.check_seed = check == CLQ_CHECK_SAMPLE ? seed : 0;
    assert_int_equal(clq_calibration_from_text(v->method, &request.calibration, NULL), CLQ_OK);
    return request;
}

static outcome run(const verb *v, way device, way native, clq_file_check check, uint64_t seed)
{
    const clq_file_request request = request_of(v, check, seed);
    clq_context *context = make_device(0);
    outcome o;
    memset(&o, 0, sizeof o);
    scratch_remove(output);
    atomic_store(&contexts, 0);
    atomic_store(&native_elements, 0);
    atomic_store(&checked_elements, 0);
    first_units[0] = first_units[1] = NULL;
    wrong_operation = v->wrong;
    device_way = device;
    native_way = native;
    o.status = v->call(context, &request, NULL, &o.report, &o.error);
    device_way = native_way = RIGHT;
    o.file = scratch_read(output, &o.bytes);
    assert_true(o.status == CLQ_OK || o.file == NULL); /* nothing was written */
    clq_context_destroy(&context);
    return o;
}

static void release(outcome *o)
{
    free(o->file);
    clq_file_report_destroy(&o->report);
}

static void must_differ(const outcome *o, const verb *v, way native, const char *how)
{
    if (o->status != CLQ_MISMATCH || strncmp(o->error.message, "--check: ", 9) != 0 ||
        strstr(o->error.message, "in the reference") == NULL) {
        fail_msg("%s, native %d, %s: %s, '%s'", v->name, (int)native, how, clq_status_name(o->status),
                 o->status != CLQ_OK ? o->error.message : "");
    }
}

static const clq_file_check CHECKS[2] = {CLQ_CHECK_SAMPLE, CLQ_CHECK_ALL};

/* ---- tests ---- */

static void a_right_device_passes_whatever_native_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * VERB_COUNT; i++) {
        const verb *v = &VERBS[i / 2];
        outcome want = run(v, RIGHT, RIGHT, CLQ_CHECK_NONE, 0);
        check_ok(want.status, &want.error, v->name);
        assert_int_equal(native_elements + checked_elements + contexts, 0);
        for (way native = RIGHT; native < WAYS; native++) {
            outcome o = run(v, RIGHT, native, CHECKS[i % 2], 5);
            check_ok(o.status, &o.error, v->name);
            assert_int_equal(o.bytes, want.bytes);
            assert_true(o.bytes == 0 || memcmp(o.file, want.file, o.bytes) == 0);
            assert_int_equal(o.report->tensor_count, want.report->tensor_count);
            assert_true(o.report->checked_elements > 0 && (native == ABSENT) == (native_elements == 0));
            release(&o);
        }
        release(&want);
    }
}

/* The words are the reference's, to the last character. */
static void a_wrong_device_is_found_whatever_native_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * VERB_COUNT; i++) {
        const verb *v = &VERBS[i / 2];
        outcome want;
        is_rare = CHECKS[i % 2] == CLQ_CHECK_ALL && v->call == clq_file_quantize;
        want = run(v, WRONG, ABSENT, CHECKS[i % 2], 5);
        must_differ(&want, v, ABSENT, "alone");
        for (way native = RIGHT; native < WAYS; native++) {
            outcome o;
            if (is_rare && native == WRONG) {
                continue; /* a little may miss it */
            }
            o = run(v, WRONG, native, CHECKS[i % 2], 5);
            must_differ(&o, v, native, "by sample or all");
            if (native != WRONG) { /* which may hide what comes first */
                assert_string_equal(o.error.message, want.error.message);
            }
            release(&o);
        }
        is_rare = 0;
        release(&want);
    }
}

/* What both get wrong alike only the little that the reference computes of all can show. */
static void what_both_get_wrong_is_found_by_every_sample(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        uint64_t computed = 0;
        for (uint64_t seed = 1; seed <= 12; seed++) {
            outcome o = run(&VERBS[i], WRONG, WRONG, CLQ_CHECK_SAMPLE, seed);
            must_differ(&o, &VERBS[i], WRONG, "alike");
            computed += native_elements;
            release(&o);
        }
        assert_true(computed > 0);
    }
}

/* What both get wrong in large tensors only: the reference has one whole piece in 16. */
static void what_both_get_wrong_in_large_tensors_is_found_by_some(void **state)
{
    enum { SEEDS = 48 };
    (void)state;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        size_t found = 0;
        for (uint64_t seed = 1; seed <= SEEDS && VERBS[i].call == clq_file_minmax; seed++) {
            outcome o;
            wrong_from = 32769;
            o = run(&VERBS[i], WRONG, WRONG, CLQ_CHECK_SAMPLE, seed);
            wrong_from = 0;
            found += o.status == CLQ_MISMATCH;
            release(&o);
        }
        assert_true(VERBS[i].call != clq_file_minmax || (found > 0 && found < SEEDS / 2));
    }
}

/* Of how much the reference computes: a little, and not always the same of it. */
static void the_reference_computes_a_little_of_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        const verb *v = &VERBS[i];
        const int is_of_values = v->call == clq_file_dequantize;
        outcome o = run(v, RIGHT, RIGHT, CLQ_CHECK_ALL, 0);
        check_ok(o.status, &o.error, v->name);
        assert_true(native_elements >= (v->call == clq_file_quantize ? 2 : 1) * (uint64_t)ELEMENTS * 9 / 10);
        assert_in_range(checked_elements, ELEMENTS / 400, is_of_values ? ELEMENTS / 64 : ELEMENTS / 2);
        assert_true(v->call != clq_file_quantize || first_units[1] != NULL);
        release(&o);
    }
}

typedef struct devices {
    clq_context *contexts[3];
} devices;

static clq_status open_devices(void *cookie, clq_context *const **opened, size_t *count, clq_error *error)
{
    devices *d = cookie;
    (void)error;
    *opened = d->contexts;
    *count = 3;
    return CLQ_OK;
}

/* Its threads are those of the processors: one set of them serves all devices of a call. */
static void devices_share_one_native(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        for (int is_wrong = 0; is_wrong < 2; is_wrong++) {
            const clq_file_request request = request_of(&VERBS[i], CLQ_CHECK_ALL, 0);
            devices d = {{make_device(0), make_device(1), make_device(2)}};
            clq_file_events events = {.struct_size = sizeof events, .cookie = &d, .open_devices = open_devices};
            clq_error error;
            clq_status status;
            atomic_store(&contexts, 0);
            wrong_operation = VERBS[i].wrong;
            device_way = is_wrong ? WRONG : RIGHT;
            native_way = is_wrong ? ANOTHER : RIGHT;
            status = VERBS[i].call(NULL, &request, &events, NULL, &error);
            device_way = native_way = RIGHT;
            if (status != (is_wrong ? CLQ_MISMATCH : CLQ_OK)) {
                fail_msg("%s: %s", VERBS[i].name, status != CLQ_OK ? error.message : "a wrong device is not found");
            }
            assert_int_equal(contexts, 1);
            for (size_t k = 0; k < 3; k++) {
                clq_context_destroy(&d.contexts[k]);
            }
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_right_device_passes_whatever_native_does),
    cmocka_unit_test(a_wrong_device_is_found_whatever_native_does),
    cmocka_unit_test(what_both_get_wrong_is_found_by_every_sample),
    cmocka_unit_test(what_both_get_wrong_in_large_tensors_is_found_by_some),
    cmocka_unit_test(the_reference_computes_a_little_of_all),
    cmocka_unit_test(devices_share_one_native),
};

int main(void)
{
    const verb groups = {"", QUANTIZE, CLQ_PER_GROUP, CLQ_U4, "minmax", CLQ_PRESET_SYMMETRIC};
    clq_file_request request;
    clq_context *reference = NULL;
    int code = 1;
    scratch_begin(NULL);
    output = scratch_path("out");
    make_plain();
    request = request_of(&groups, CLQ_CHECK_NONE, 0);
    quantized = request.output = scratch_path("quantized.safetensors");
    if (clq_context_create("reference", &reference, NULL) == CLQ_OK &&
        clq_file_quantize(reference, &request, NULL, NULL, NULL) == CLQ_OK) {
        code = check_main("check_native", tests, sizeof tests / sizeof tests[0]);
    }
    clq_context_destroy(&reference);
    scratch_end(NULL);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check where native computes first: a device and a native that are wrong, or fail, in every combination. The device
 * is the reference with a name and a version of OpenCL, so that native stands in between; both are spoiled by what
 * their elements are, so that the two can be wrong alike. The reference decides whatever native says.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/safetensors.h"
#include "scratch.h"
#include "wrong_hosts.h"

enum { ROWS = 301, LARGE_ROWS = 701, COLUMNS = 1999, ELEMENTS = ROWS * COLUMNS };

/* ---- files and calls ---- */

static const char *plain;     /* F32: "w" [ROWS, COLUMNS] */
static const char *large;     /* of LARGE_ROWS: more than the first elements that are computed again whole */
static const char *quantized; /* the same in u4, in groups that divide nothing */
static const char *output;

static const char *make_plain(const char *name, uint64_t rows)
{
    const uint64_t shape[2] = {rows, COLUMNS};
    const char *path;
    clq_safetensors_plan *plan = NULL;
    const char *header;
    uint64_t header_bytes, file_bytes;
    size_t index;
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "w", "F32", 2, shape, 4 * rows * COLUMNS, &index, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = check_allocate(file_bytes);
    memcpy(file, header, (size_t)header_bytes);
    for (uint64_t at = header_bytes; at < file_bytes; at += sizeof(float)) {
        const float value = (float)(check_uniform() * 2 - 1); /* so that every bin has some */
        memcpy(file + at, &value, sizeof value);
    }
    path = scratch_write(name, file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
    return path;
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
    clq_context *context = wrong_hosts_device(0);
    outcome o;
    memset(&o, 0, sizeof o);
    scratch_remove(output);
    wrong_hosts_reset();
    hosts.operation = v->wrong;
    hosts.device = device;
    hosts.native = native;
    o.status = v->call(context, &request, NULL, &o.report, &o.error);
    hosts.device = hosts.native = RIGHT;
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
        assert_int_equal(hosts.native_elements + hosts.checked_elements + hosts.contexts, 0);
        for (way native = RIGHT; native < WAYS; native++) {
            outcome o = run(v, RIGHT, native, CHECKS[i % 2], 5);
            check_ok(o.status, &o.error, v->name);
            assert_int_equal(o.bytes, want.bytes);
            assert_true(o.bytes == 0 || memcmp(o.file, want.file, o.bytes) == 0);
            assert_int_equal(o.report->tensor_count, want.report->tensor_count);
            assert_true(o.report->checked_elements > 0 && (native == ABSENT) == (hosts.native_elements == 0));
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
        hosts.is_rare = CHECKS[i % 2] == CLQ_CHECK_ALL && v->call == clq_file_quantize;
        want = run(v, WRONG, ABSENT, CHECKS[i % 2], 5);
        must_differ(&want, v, ABSENT, "alone");
        for (way native = RIGHT; native < WAYS; native++) {
            outcome o;
            if (hosts.is_rare && native == WRONG) {
                continue; /* a little may miss it */
            }
            o = run(v, WRONG, native, CHECKS[i % 2], 5);
            must_differ(&o, v, native, "by sample or all");
            if (native != WRONG) { /* which may hide what comes first */
                assert_string_equal(o.error.message, want.error.message);
            }
            release(&o);
        }
        hosts.is_rare = 0;
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
            computed += hosts.native_elements;
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
            hosts.from = 32769;
            o = run(&VERBS[i], WRONG, WRONG, CLQ_CHECK_SAMPLE, seed);
            hosts.from = 0;
            found += o.status == CLQ_MISMATCH;
            release(&o);
        }
        assert_true(VERBS[i].call != clq_file_minmax || (found > 0 && found < SEEDS / 2));
    }
}

/* Ranges of a large tensor are found before its elements are counted: histograms have first pieces of their own. */
static void what_every_histogram_has_wrong_is_found_in_large_tensors(void **state)
{
    const char *small = plain;
    (void)state;
    plain = large;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        for (uint64_t seed = 1; seed <= 6 && VERBS[i].wrong == CLQ_OP_HISTOGRAM; seed++) {
            outcome o = run(&VERBS[i], WRONG, seed % 2 == 0 ? WRONG : RIGHT, CLQ_CHECK_SAMPLE, seed);
            must_differ(&o, &VERBS[i], RIGHT, "a large tensor");
            release(&o);
        }
    }
    plain = small;
}

/* Elements of the sample lie in the ranges of all pieces, whatever is computed again. */
static void a_range_without_elements_of_the_sample_is_found(void **state)
{
    static const verb v = {"minmax",       clq_file_minmax, CLQ_OP_MINMAX, 8,
                           CLQ_PER_TENSOR, CLQ_S8,          "minmax",      CLQ_PRESET_SYMMETRIC};
    const char *small = plain;
    (void)state;
    plain = large;
    for (way device = NARROW_LOW; device <= NARROW_HIGH; device++) {
        outcome o = run(&v, device, RIGHT, CLQ_CHECK_SAMPLE, 5);
        assert_int_equal(o.status, CLQ_MISMATCH);
        assert_non_null(strstr(o.error.message, " and device 0 found the range ["));
        release(&o);
    }
    plain = small;
}

/* What follows from it would be right, of data that no file has. */
static void what_is_read_stays_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * VERB_COUNT; i++) {
        outcome o = run(&VERBS[i / 2], TOUCHES_INPUT, RIGHT, CHECKS[i % 2], 5);
        assert_int_equal(o.status, CLQ_MISMATCH);
        assert_non_null(strstr(o.error.message, " came back from device 0 other than they went there"));
        release(&o);
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
        assert_true(hosts.native_elements >= (v->call == clq_file_quantize ? 2 : 1) * (uint64_t)ELEMENTS * 9 / 10);
        assert_in_range(hosts.checked_elements, ELEMENTS / 400, is_of_values ? ELEMENTS / 64 : ELEMENTS / 2);
        assert_true(v->call != clq_file_quantize || hosts.units[1] != NULL);
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
            devices d = {{wrong_hosts_device(0), wrong_hosts_device(1), wrong_hosts_device(2)}};
            clq_file_events events = {.struct_size = sizeof events, .cookie = &d, .open_devices = open_devices};
            clq_error error;
            clq_status status;
            atomic_store(&hosts.contexts, 0);
            hosts.operation = VERBS[i].wrong;
            hosts.device = is_wrong ? WRONG : RIGHT;
            hosts.native = is_wrong ? ANOTHER : RIGHT;
            status = VERBS[i].call(NULL, &request, &events, NULL, &error);
            hosts.device = hosts.native = RIGHT;
            if (status != (is_wrong ? CLQ_MISMATCH : CLQ_OK)) {
                fail_msg("%s: %s", VERBS[i].name, status != CLQ_OK ? error.message : "a wrong device is not found");
            }
            assert_int_equal(hosts.contexts, 1);
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
    cmocka_unit_test(what_every_histogram_has_wrong_is_found_in_large_tensors),
    cmocka_unit_test(a_range_without_elements_of_the_sample_is_found),
    cmocka_unit_test(what_is_read_stays_as_it_was),
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
    large = make_plain("large.safetensors", LARGE_ROWS);
    plain = make_plain("plain.safetensors", ROWS);
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

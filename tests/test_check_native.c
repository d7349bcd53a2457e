/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check where native computes first: a device and a native that are wrong, or fail, in every combination. The device
 * is the reference with a name and a version of OpenCL, so that native stands in between; both are spoiled by what
 * their elements are, so that the two can be wrong alike. The reference decides whatever native says.
 */
#include "checked_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "wrong_hosts.h"

enum { ROWS = 301, LARGE_ROWS = 701, MANY = 3, COLUMNS = CHECKED_COLUMNS, ELEMENTS = ROWS * COLUMNS };

/* ---- files and calls ---- */

static checked_files files; /* F32: "w" [ROWS, COLUMNS]; the same in u4, in groups that divide nothing */
static const char *large;   /* of LARGE_ROWS: more than the first elements that are computed again whole */
static const char *many;    /* of MANY tensors, which together are less */

/* So that every bin has some. */
static double between_ones(void)
{
    return check_uniform() * 2 - 1;
}

/* With memory for a few pieces, large enough for native. */
#define QUANTIZE clq_file_quantize, CLQ_OP_QUANTIZE, 24
#define CALIBRATE clq_file_calibrate, CLQ_OP_HISTOGRAM
static const checked_verb VERBS[] = {
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

static clq_file_request request_of(const checked_verb *v, clq_file_check check, uint64_t seed)
{
    return checked_files_request(v, &files, check, seed);
}

static outcome run(const checked_verb *v, way device, way native, clq_file_check check, uint64_t seed)
{
    const clq_file_request request = request_of(v, check, seed);
    clq_context *context = wrong_hosts_device(0);
    outcome o;
    memset(&o, 0, sizeof o);
    scratch_remove(files.output);
    wrong_hosts_reset();
    hosts.operation = v->wrong;
    hosts.device = device;
    hosts.native = native;
    o.status = v->call(context, &request, NULL, &o.report, &o.error);
    hosts.device = hosts.native = RIGHT;
    o.file = scratch_read(files.output, &o.bytes);
    assert_true(o.status == CLQ_OK || o.file == NULL); /* nothing was written */
    clq_context_destroy(&context);
    return o;
}

static void release(outcome *o)
{
    free(o->file);
    clq_file_report_destroy(&o->report);
}

static void must_differ(const outcome *o, const checked_verb *v, way native, const char *how)
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
        const checked_verb *v = &VERBS[i / 2];
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
        const checked_verb *v = &VERBS[i / 2];
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
    const char *small = files.plain;
    (void)state;
    files.plain = large;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        for (uint64_t seed = 1; seed <= 6 && VERBS[i].wrong == CLQ_OP_HISTOGRAM; seed++) {
            outcome o = run(&VERBS[i], WRONG, seed % 2 == 0 ? WRONG : RIGHT, CLQ_CHECK_SAMPLE, seed);
            must_differ(&o, &VERBS[i], RIGHT, "a large tensor");
            release(&o);
        }
    }
    files.plain = small;
}

/* Elements of the sample lie in the ranges of all pieces, whatever is computed again. */
static void a_range_without_elements_of_the_sample_is_found(void **state)
{
    static const checked_verb v = {"minmax",       clq_file_minmax, CLQ_OP_MINMAX, 8,
                                   CLQ_PER_TENSOR, CLQ_S8,          "minmax",      CLQ_PRESET_SYMMETRIC};
    const char *small = files.plain;
    (void)state;
    files.plain = large;
    for (way device = NARROW_LOW; device <= NARROW_HIGH; device++) {
        outcome o = run(&v, device, RIGHT, CLQ_CHECK_SAMPLE, 5);
        assert_int_equal(o.status, CLQ_MISMATCH);
        assert_non_null(strstr(o.error.message, " and device 0 found the range ["));
        release(&o);
    }
    files.plain = small;
}

/* Ranges that are found are computed again, up to a million elements; those that were found before, to quantize by,
 * take none of these. */
static void ranges_that_are_given_take_no_place(void **state)
{
    static const checked_verb v = {"quantize", clq_file_quantize, CLQ_OP_MINMAX,       4, CLQ_PER_TENSOR,
                                   CLQ_S8,     "minmax",          CLQ_PRESET_SYMMETRIC};
    const char *one = files.plain;
    uint64_t all = 0;
    (void)state;
    files.plain = many;
    for (uint64_t seed = 0; seed <= 6; seed++) {
        outcome o = run(&v, RIGHT, RIGHT, seed == 0 ? CLQ_CHECK_ALL : CLQ_CHECK_SAMPLE, seed);
        check_ok(o.status, &o.error, v.name);
        all = seed == 0 ? o.report->checked_pieces : all;
        assert_int_equal(o.report->checked_pieces, all);
        release(&o);
    }
    assert_true(all > MANY); /* so that they are read twice */
    files.plain = one;
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
        const checked_verb *v = &VERBS[i];
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
    cmocka_unit_test(ranges_that_are_given_take_no_place),
    cmocka_unit_test(what_is_read_stays_as_it_was),
    cmocka_unit_test(the_reference_computes_a_little_of_all),
    cmocka_unit_test(devices_share_one_native),
};

int main(void)
{
    const checked_verb groups = {"", QUANTIZE, CLQ_PER_GROUP, CLQ_U4, "minmax", CLQ_PRESET_SYMMETRIC};
    clq_file_request request;
    clq_context *reference = NULL;
    int code = 1;
    scratch_begin(NULL);
    files.output = scratch_path("out");
    large = checked_files_write("large.safetensors", 1, LARGE_ROWS, between_ones);
    many = checked_files_write("many.safetensors", MANY, ROWS / 2, between_ones);
    files.plain = checked_files_write("plain.safetensors", 1, ROWS, between_ones);
    request = request_of(&groups, CLQ_CHECK_NONE, 0);
    files.quantized = request.output = scratch_path("quantized.safetensors");
    if (clq_context_create("reference", &reference, NULL) == CLQ_OK &&
        clq_file_quantize(reference, &request, NULL, NULL, NULL) == CLQ_OK) {
        code = check_main("check_native", tests, sizeof tests / sizeof tests[0]);
    }
    clq_context_destroy(&reference);
    scratch_end(NULL);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of clq_file_quantize that run at the same time and tell each other their ranges, here threads: tensors with one
 * scale are shared too, and the joined output has the bytes of one run; whichever part fails or is stopped, and
 * whoever goes on, in whatever number.
 */
#include "check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scratch.h"
#include "together.h"
#include "written_model.h"

enum { MOST = 40 };

/* Of many pieces and of one, of every type; rows of an odd number of elements; few long rows; what is copied. */
static const written_tensor MODEL[] = {
    {"a.weight", "F32", 700, 160}, {"a.bias", "F32", 0, 200},     {"b.weight", "BF16", 901, 129},
    {"count", "I64", 0, 9000},     {"c.weight", "F32", 3, 30011}, {"d.weight", "F16", 960, 96},
    {"empty", "F32", 0, 0},        {"one", "F32", 1, 1},
};

typedef struct job {
    const char *input;
    clq_granularity granularity;
    clq_preset preset;
    clq_dtype dtype;
    clq_calibration_kind calibrate;
} job;

static const job JOBS[] = {
    {"m.safetensors", CLQ_PER_TENSOR, CLQ_PRESET_SYMMETRIC, CLQ_S8, CLQ_CALIBRATE_MINMAX},
    {"m.safetensors", CLQ_PER_TENSOR, CLQ_PRESET_ONNX, CLQ_U8, CLQ_CALIBRATE_MINMAX},
    {"m.safetensors", CLQ_PER_TENSOR, CLQ_PRESET_SYMMETRIC, CLQ_S4, CLQ_CALIBRATE_MINMAX},
    {"m.safetensors", CLQ_PER_TENSOR, CLQ_PRESET_ONNX, CLQ_U4, CLQ_CALIBRATE_MSE},
    {"nan.safetensors", CLQ_PER_TENSOR, CLQ_PRESET_ONNX, CLQ_U8, CLQ_CALIBRATE_MINMAX},
    {"nan.safetensors", CLQ_PER_CHANNEL, CLQ_PRESET_ONNX, CLQ_U8, CLQ_CALIBRATE_MINMAX},
};
enum { JOB_COUNT = sizeof JOBS / sizeof JOBS[0] };

static clq_file_request request_of(const job *what)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = scratch_path(what->input);
    request.output = scratch_path("q.safetensors");
    request.check = CLQ_CHECK_NONE;
    request.has_granularity = 1;
    request.granularity = what->granularity;
    request.preset = what->preset;
    request.dtype = what->dtype;
    request.calibration.kind = what->calibrate;
    request.memory_bytes = 1 << 20; /* so that rows of c.weight are of several slots */
    request.ignore_nonfinite = 1;
    return request;
}

/* ---- what one run makes ---- */

typedef struct expected {
    char *bytes;
    size_t length;
    clq_file_report *report;
} expected;

static expected expect(const clq_file_request *request)
{
    expected want = {0};
    clq_error error;
    check_ok(clq_file_quantize(check_reference(), request, NULL, &want.report, &error), &error, "one run");
    want.bytes = scratch_read(request->output, &want.length);
    assert_non_null(want.bytes);
    scratch_remove(request->output);
    return want;
}

static void release(expected *want)
{
    clq_file_report_destroy(&want->report);
    free(want->bytes);
}

static int same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* As sums of many numbers are in two orders. */
static int is_near(double a, double b)
{
    return same(a, b) || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-13 * fabs(b);
}

/* What the parts have written is joined, and is that of one run, in all that is told of it too. */
static void join_is_that_of_one(const clq_file_request *request, const expected *want)
{
    clq_file_report *report = NULL;
    clq_error error;
    size_t length = 0;
    char *bytes;
    check_ok(clq_file_join(check_reference(), request, NULL, &report, &error), &error, "join");
    bytes = scratch_read(request->output, &length);
    assert_non_null(bytes);
    assert_true(length == want->length && memcmp(bytes, want->bytes, length) == 0);
    assert_int_equal(report->tensor_count, want->report->tensor_count);
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *a = &report->tensors[i];
        const clq_file_tensor *b = &want->report->tensors[i];
        assert_true(a->nonfinite.count == b->nonfinite.count && a->nonfinite.first_index == b->nonfinite.first_index);
        assert_true(same((double)a->scale_low, (double)b->scale_low));
        assert_true(same((double)a->scale_high, (double)b->scale_high));
        assert_true(a->zero_point_low == b->zero_point_low && a->zero_point_high == b->zero_point_high);
        assert_true(a->clipped == b->clipped && same(a->errors.maximum, b->errors.maximum));
        if (a->measured != b->measured || !is_near(a->errors.sqnr_db, b->errors.sqnr_db) ||
            !is_near(a->errors.mean, b->errors.mean) || a->errors.maximum_index != b->errors.maximum_index) {
            fail_msg("%s: measured %d and %d, %a and %a, %" PRIu64 " and %" PRIu64, a->name, a->measured, b->measured,
                     a->errors.sqnr_db, b->errors.sqnr_db, a->errors.maximum_index, b->errors.maximum_index);
        }
    }
    clq_file_report_destroy(&report);
    free(bytes);
    scratch_remove(request->output);
    assert_int_equal(scratch_count("q.safetensors"), 0);
}

/* ---- parts ---- */

/* Parts that tell each other; how many of them came to their end. */
static uint32_t run_together(const clq_file_request *request, together *all)
{
    together_part parts[MOST];
    uint32_t done = 0;
    together_run(clq_file_quantize, request, all, parts);
    assert_false(all->differs);
    for (uint32_t p = 0; p < all->parts; p++) {
        done += parts[p].status == CLQ_OK;
        assert_int_equal(parts[p].report->is_part_done, parts[p].status == CLQ_OK);
        if (parts[p].status != CLQ_OK && all->stops_at == 0 && all->failing == 0) {
            fail_msg("part %u of %u: %s", p + 1, all->parts, parts[p].error.message);
        }
        clq_file_report_destroy(&parts[p].report);
    }
    return done;
}

/* One after the other, none of which hears of the others. */
static void run_apart(const clq_file_request *request, uint32_t parts)
{
    for (uint32_t p = parts; p > 0; p--) {
        clq_file_request own = *request;
        clq_error error;
        own.part = p;
        own.parts = parts;
        check_ok(clq_file_quantize(check_reference(), &own, NULL, NULL, &error), &error, "a part by itself");
    }
}

static void together_they_make_the_bytes_of_one(void **state)
{
    static const uint32_t COUNTS[] = {1, 2, 3, 4, 7, MOST};
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        const clq_file_request request = request_of(&JOBS[j]);
        expected want = expect(&request);
        for (size_t c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++) {
            together all = {.parts = COUNTS[c]};
            assert_int_equal(run_together(&request, &all), COUNTS[c]);
            join_is_that_of_one(&request, &want);
        }
        run_apart(&request, 3);
        join_is_that_of_one(&request, &want);
        release(&want);
    }
}

/* A range is found by whoever has the piece: without one, no scale. What no data has, nobody tells. */
static void one_fails_and_all_end(void **state)
{
    (void)state;
    for (size_t j = 0; j < 2; j++) {
        clq_file_request request = request_of(&JOBS[j]);
        expected want = expect(&request);
        together counting = {.parts = 3};
        assert_int_equal(run_together(&request, &counting), 3);
        join_is_that_of_one(&request, &want);
        assert_true(counting.rounds >= 2);
        for (uint64_t round = 0; round < counting.rounds; round++) {
            for (uint32_t resume = 0; resume < 2; resume++) {
                together all = {.parts = 3, .failing = 1 + (uint32_t)(round + resume) % 3, .fails_at = round};
                together others = {.parts = 2 + resume};
                request.resume = (int32_t)resume;
                assert_int_equal(run_together(&request, &all), 0);
                assert_int_equal(resume == 0 ? scratch_count("q.safetensors") : 0, 0);
                assert_int_equal(run_together(&request, &others), others.parts);
                join_is_that_of_one(&request, &want);
            }
        }
        release(&want);
    }
}

/* Stopped anywhere; as many, more, fewer or one go on, with or without telling each other. */
static void others_go_on(void **state)
{
    static const uint32_t NEXT[] = {3, 7, 2, 1};
    (void)state;
    for (size_t j = 0; j < 3; j++) {
        clq_file_request request = request_of(&JOBS[j]);
        expected want = expect(&request);
        size_t stopped = 0;
        request.resume = 1;
        for (long at = 1, ended = 0; !ended; at += 1 + at / 4) {
            together all = {.parts = 3, .stops_at = at};
            together others = {.parts = NEXT[stopped % 4]};
            ended = run_together(&request, &all) == 3;
            if (stopped / 4 % 2 == 0) {
                run_together(&request, &others);
            } else {
                run_apart(&request, others.parts);
            }
            join_is_that_of_one(&request, &want);
            stopped++;
        }
        assert_true(stopped > 8);
        release(&want);
    }
}

/* Parts that knew nothing of each other, some of which are done, are followed by others that do. */
static void they_follow_on_parts_apart(void **state)
{
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        for (uint32_t parts = 3; parts <= 4; parts++) {
            clq_file_request request = request_of(&JOBS[j]);
            clq_file_request first = request;
            expected want = expect(&request);
            together all = {.parts = parts};
            clq_error error;
            first.part = 2;
            first.parts = 3;
            check_ok(clq_file_quantize(check_reference(), &first, NULL, NULL, &error), &error, "a part");
            request.resume = 1;
            assert_int_equal(run_together(&request, &all), parts);
            join_is_that_of_one(&request, &want);
            release(&want);
        }
    }
}

/* Where all that shares a scale is written, nobody looks for it again: a round less. */
static void what_is_written_is_not_read_again(void **state)
{
    clq_file_request request = request_of(&JOBS[0]);
    expected want = expect(&request);
    together all = {.parts = 3};
    together again = {.parts = 3};
    (void)state;
    request.resume = 1;
    assert_int_equal(run_together(&request, &all), 3);
    assert_int_equal(run_together(&request, &again), 3);
    assert_int_equal(again.rounds + 1, all.rounds);
    join_is_that_of_one(&request, &want);
    release(&want);
}

/* ---- inputs ---- */

static int make_inputs(void **state)
{
    const char *text = getenv("CLQ_TEST_SEED");
    uint64_t seed = text != NULL && text[0] != '\0' ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    fprintf(stderr, "one_scale: CLQ_TEST_SEED=%" PRIu64 "\n", seed);
    scratch_begin(state);
    written_model("m.safetensors", MODEL, sizeof MODEL / sizeof MODEL[0], &seed);
    written_model_with_nan("m.safetensors", "nan.safetensors", 40000);
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(together_they_make_the_bytes_of_one),
    cmocka_unit_test(one_fails_and_all_end),
    cmocka_unit_test(others_go_on),
    cmocka_unit_test(they_follow_on_parts_apart),
    cmocka_unit_test(what_is_written_is_not_read_again),
};

int main(void)
{
    int code;
    make_inputs(NULL);
    code = check_main("one_scale", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

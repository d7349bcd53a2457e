/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in parts that run at the same time, here threads whose numbers go through memory: the first has the report of a
 * call that does it all, bit for bit, with any number of parts; and whichever part fails, wherever, all of them end.
 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/share.h"
#include "scratch.h"
#include "together.h"
#include "written_model.h"

enum { MOST = 40 };

/* Much and little, of every type; none; rows that no cut divides. */
static const written_tensor FIRST[] = {
    {"a.weight", "F32", 200, 160}, {"a.bias", "F32", 0, 200},     {"b.weight", "BF16", 301, 129},
    {"count", "I64", 0, 900},      {"c.weight", "F32", 5, 30011}, {"d.weight", "F16", 320, 96},
    {"empty", "F32", 0, 0},        {"one", "F32", 1, 1},
};
static const written_tensor SECOND[] = {
    {"a.weight", "F32", 200, 160}, {"a.bias", "F32", 0, 200},     {"b.weight", "F32", 301, 129},
    {"count", "I64", 0, 900},      {"c.weight", "F32", 30011, 5}, {"d.weight", "F16", 320, 96},
    {"more", "F32", 3, 3},
};
static uint64_t seed;

/* ---- one and many ---- */

static char *run_alone(together_function *function, const clq_file_request *request, clq_status *status)
{
    clq_file_report *report = NULL;
    clq_error error;
    char *text;
    *status = function(check_reference(), request, NULL, &report, &error);
    if (*status != CLQ_OK && *status != CLQ_NONFINITE && *status != CLQ_REFUSED) { /* which are verdicts */
        check_ok(*status, &error, "one that does it all");
    }
    text = together_text(report);
    clq_file_report_destroy(&report);
    return text;
}

/* Any number of parts: the first has the report and the verdict of one that does it all, and the output its bytes. */
static void compare_with_alone(together_function *function, const clq_file_request *request)
{
    static const uint32_t COUNTS[] = {1, 2, 3, 7, MOST};
    clq_status status;
    char *want = run_alone(function, request, &status);
    size_t length = 0;
    char *want_file = request->output != NULL ? scratch_read(request->output, &length) : NULL;
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        together all = {.parts = COUNTS[i]};
        together_part parts[MOST];
        char *got;
        if (request->output != NULL) {
            scratch_remove(request->output);
        }
        together_run(function, request, &all, parts);
        assert_false(all.differs);
        assert_int_equal(parts[0].status, status);
        got = together_text(parts[0].report);
        assert_string_equal(got, want);
        free(got);
        for (uint32_t p = 0; p < all.parts; p++) {
            assert_true(p == 0 || parts[p].status == CLQ_OK);
            assert_true(p == 0 || parts[p].report->tensor_count == 0);
            assert_int_equal(parts[p].report->is_part_done, 1);
            clq_file_report_destroy(&parts[p].report);
        }
        if (want_file != NULL) {
            size_t now = 0;
            got = scratch_read(request->output, &now);
            assert_non_null(got);
            assert_true(now == length && memcmp(got, want_file, length) == 0);
            free(got);
        }
    }
    free(want);
    free(want_file);
}

/* Each part, in each round, cannot reach the others any more. */
static void fail_everywhere(together_function *function, const clq_file_request *request)
{
    enum { PARTS = 3 };
    uint64_t rounds = 1;
    for (uint64_t round = 0; round < rounds; round++) {
        for (uint32_t failing = 1; failing <= PARTS; failing++) {
            together all = {.parts = PARTS, .failing = failing, .fails_at = round};
            together_part parts[PARTS];
            together_run(function, request, &all, parts);
            assert_int_equal(parts[failing - 1].status, CLQ_IO_ERROR);
            assert_string_equal(parts[failing - 1].error.message, "the others are gone");
            for (uint32_t p = 0; p < PARTS; p++) {
                assert_int_equal(parts[p].status, CLQ_IO_ERROR);
                assert_int_equal(parts[p].report->is_part_done, 0);
                assert_int_equal(parts[p].report->is_written, 0);
                clq_file_report_destroy(&parts[p].report);
            }
            assert_true(request->output == NULL || scratch_read(request->output, NULL) == NULL);
        }
        if (round == 0) { /* how many there are */
            together all = {.parts = PARTS};
            together_part parts[PARTS];
            together_run(function, request, &all, parts);
            rounds = all.rounds;
            for (uint32_t p = 0; p < PARTS; p++) {
                clq_file_report_destroy(&parts[p].report);
            }
            if (request->output != NULL) {
                scratch_remove(request->output);
            }
        }
    }
}

/* ---- what is shared ---- */

/* Every element is some part's, once, and none has much more than its share. */
static void items_are_handed_out_whole(void **state)
{
    enum { ITEMS = 300 };
    (void)state;
    for (uint32_t parts = 1; parts <= 70; parts += parts < 8 ? 1 : 31) {
        uint64_t elements[ITEMS];
        uint64_t bytes[ITEMS];
        uint64_t next[ITEMS] = {0};
        uint32_t takers[ITEMS] = {0};
        uint64_t all = 0;
        uint64_t most = 0;
        for (size_t i = 0; i < ITEMS; i++) {
            elements[i] = scratch_random(&seed) % 5 == 0 ? 0 : scratch_random(&seed) % 3000000;
            bytes[i] = elements[i] * (2 + scratch_random(&seed) % 3);
            all += bytes[i];
        }
        for (uint32_t p = 0; p < parts; p++) {
            clq_share cut = {p, parts, all, 0};
            clq_share whole = cut;
            uint64_t own = 0;
            for (size_t i = 0; i < ITEMS; i++) {
                const clq_window window = clq_share_cut(&cut, elements[i], bytes[i]);
                assert_true(window.count == 0 || window.first == next[i]);
                assert_true(window.first % CLQ_SHARE_ELEMENTS == 0 || window.count == 0);
                next[i] += window.count;
                own += elements[i] > 0 ? bytes[i] / elements[i] * window.count : 0;
                takers[i] += clq_share_takes(&whole, bytes[i]) != 0;
            }
            most = own > most ? own : most;
        }
        for (size_t i = 0; i < ITEMS; i++) {
            assert_true(next[i] == elements[i] && takers[i] == 1);
        }
        assert_true(most <= all / parts + all / parts / 100 + 4 * CLQ_SHARE_ELEMENTS);
    }
}

static void no_place_overflows(void **state)
{
    static const uint64_t ALL[] = {0, 1, 65535, UINT64_MAX, UINT64_MAX - 1};
    (void)state;
    for (size_t i = 0; i < sizeof ALL / sizeof ALL[0]; i++) {
        assert_true(clq_share_start(ALL[i], 65536, 0) == 0 && clq_share_start(ALL[i], 65536, 65536) == ALL[i]);
        for (uint32_t p = 0; p < 65536; p++) {
            assert_true(clq_share_start(ALL[i], 65536, p) <= clq_share_start(ALL[i], 65536, p + 1));
        }
    }
}

/* ---- the functions ---- */

static clq_file_request request_of(const char *input)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = scratch_path(input);
    request.check = CLQ_CHECK_NONE;
    return request;
}

static void parts_have_to_speak(void **state)
{
    clq_file_request request = request_of("first.safetensors");
    clq_error error;
    (void)state;
    request.part = 1;
    request.parts = 2;
    assert_int_equal(clq_file_minmax(check_reference(), &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "no events->reduce"));
    request.part = 3;
    assert_int_equal(clq_file_minmax(check_reference(), &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "part 3 of 2"));
}

/* A file system that shows another file to one of them; found before lists of different lengths are sent. */
static void parts_see_the_same(void **state)
{
    static together_function *const FUNCTIONS[] = {clq_file_minmax, clq_file_compare};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        clq_file_request request = request_of("first.safetensors");
        together all = {.parts = 3, .other = scratch_path("second.safetensors")};
        together_part parts[3];
        request.reference = scratch_path("third.safetensors");
        together_run(FUNCTIONS[i], &request, &all, parts);
        assert_false(all.differs);
        for (size_t p = 0; p < 3; p++) {
            assert_int_equal(parts[p].status, CLQ_INVALID_ARGUMENT);
            assert_non_null(strstr(parts[p].error.message, "different tensors"));
            clq_file_report_destroy(&parts[p].report);
        }
    }
}

static void minmax_is_that_of_one(void **state)
{
    static const clq_granularity KINDS[] = {CLQ_PER_TENSOR, CLQ_PER_CHANNEL, CLQ_PER_GROUP, CLQ_PER_GROUP};
    (void)state;
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        clq_file_request request = request_of("first.safetensors");
        request.has_granularity = 1;
        request.granularity = KINDS[i];
        request.group_size = 31;
        request.has_axis = i == 3;
        request.details = i > 0 ? CLQ_FILE_PARAMETERS : 0;
        request.memory_bytes = 1 << 20;
        request.check = i == 1 ? CLQ_CHECK_ALL : i == 2 ? CLQ_CHECK_SAMPLE : CLQ_CHECK_NONE;
        request.check_seed = i == 2 ? 7 : 0;
        compare_with_alone(clq_file_minmax, &request);
        if (i == 1) {
            fail_everywhere(clq_file_minmax, &request);
        }
    }
}

/* The count and the first of them, though parts see others first. */
static void nan_is_told_by_the_first(void **state)
{
    clq_file_request request = request_of("nan.safetensors");
    (void)state;
    compare_with_alone(clq_file_minmax, &request);
    request.ignore_nonfinite = 1;
    request.has_granularity = 1;
    request.granularity = CLQ_PER_CHANNEL;
    request.details = CLQ_FILE_PARAMETERS;
    compare_with_alone(clq_file_minmax, &request);
}

/* Sums of a tensor are one part's; outcomes that need no data are known to all. */
static void compare_is_that_of_one(void **state)
{
    static const char *const WITH[] = {"second.safetensors", "nan.safetensors", "first.safetensors", "q.safetensors"};
    clq_file_request quantized = request_of("first.safetensors");
    clq_error error;
    (void)state;
    quantized.output = scratch_path("q.safetensors");
    check_ok(clq_file_quantize(check_reference(), &quantized, NULL, NULL, &error), &error, "clq_file_quantize");
    for (size_t i = 0; i < sizeof WITH / sizeof WITH[0]; i++) {
        clq_file_request request = request_of(WITH[i]);
        request.reference = scratch_path("first.safetensors");
        request.memory_bytes = 1 << 20;
        request.has_minimum_sqnr = i == 3;
        request.minimum_sqnr_db = 45.0;
        compare_with_alone(clq_file_compare, &request);
        if (i == 3) {
            fail_everywhere(clq_file_compare, &request);
        }
    }
}

/* Every method, over batches that parts share; the file has the same bytes. */
static void calibrate_is_that_of_one(void **state)
{
    static const char *const METHODS[] = {"minmax", "moving-average:0.3", "mean", "percentile:99.5", "mse", "entropy"};
    const char *inputs[] = {scratch_path("first.safetensors"), scratch_path("nan.safetensors"),
                            scratch_path("third.safetensors"), scratch_path("first.safetensors")};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof METHODS / sizeof METHODS[0]; i++) {
        clq_file_request request = request_of("unused");
        clq_error error;
        const int detailed = i % 4 == 1;
        request.inputs = (clq_name_list){inputs, sizeof inputs / sizeof inputs[0]};
        request.output = scratch_path("ranges.json");
        check_ok(clq_calibration_from_text(METHODS[i / 2], &request.calibration, &error), &error, METHODS[i / 2]);
        request.ignore_nonfinite = 1;
        request.has_granularity = 1;
        request.granularity = i % 2 == 0 ? CLQ_PER_CHANNEL : CLQ_PER_TENSOR;
        request.preset = i % 3 == 0 ? CLQ_PRESET_SYMMETRIC : CLQ_PRESET_ONNX;
        request.memory_bytes = i % 2 == 0 ? UINT64_C(32) << 20 : 1 << 20;
        request.details = detailed ? CLQ_FILE_HISTOGRAMS | CLQ_FILE_WORST : 0;
        request.check = i % 5 == 0 ? CLQ_CHECK_ALL : CLQ_CHECK_NONE;
        scratch_remove(request.output);
        compare_with_alone(clq_file_calibrate, &request);
        if (i / 2 == 4) {
            scratch_remove(request.output);
            fail_everywhere(clq_file_calibrate, &request);
        }
    }
}

/* Codes of every kind become real where they lie, by whoever has them, and nothing is left beside the output. */
static void dequantize_is_that_of_one(void **state)
{
    static const struct {
        const char *name;
        clq_granularity granularity;
        uint64_t group;
        clq_file_format format;
    } KINDS[] = {
        {"q.safetensors", CLQ_PER_CHANNEL, 0, CLQ_FORMAT_CLQUANT},
        {"q4.safetensors", CLQ_PER_GROUP, 7, CLQ_FORMAT_CLQUANT},
        {"q1.safetensors", CLQ_PER_TENSOR, 0, CLQ_FORMAT_CLQUANT},
        {"p.safetensors", CLQ_PER_GROUP, 32, CLQ_FORMAT_PACK_QUANTIZED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        clq_file_request quantized = request_of("first.safetensors");
        clq_file_request request = request_of(KINDS[i].name);
        clq_error error;
        quantized.output = scratch_path(KINDS[i].name);
        quantized.replace = 1;
        quantized.has_granularity = 1;
        quantized.granularity = KINDS[i].granularity;
        quantized.group_size = KINDS[i].group > 0 ? KINDS[i].group : 128;
        quantized.dtype = i == 1 || i == 3 ? CLQ_S4 : CLQ_S8;
        quantized.format = KINDS[i].format;
        check_ok(clq_file_quantize(check_reference(), &quantized, NULL, NULL, &error), &error, KINDS[i].name);
        request.output = scratch_path("out.safetensors");
        request.dtype = i == 1 ? CLQ_F16 : i == 2 ? CLQ_BF16 : CLQ_F32;
        request.memory_bytes = 1 << 20;
        request.check = i == 2 ? CLQ_CHECK_ALL : CLQ_CHECK_NONE;
        scratch_remove(request.output);
        compare_with_alone(clq_file_dequantize, &request);
        if (i == 1) {
            scratch_remove(request.output);
            fail_everywhere(clq_file_dequantize, &request);
        }
        assert_int_equal(scratch_count(".partial"), 0);
    }
}

static int make_inputs(void **state)
{
    const char *text = getenv("CLQ_TEST_SEED");
    seed = text != NULL && text[0] != '\0' ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    fprintf(stderr, "share: CLQ_TEST_SEED=%" PRIu64 "\n", seed);
    scratch_begin(state);
    written_model("first.safetensors", FIRST, sizeof FIRST / sizeof FIRST[0], &seed);
    written_model("third.safetensors", FIRST, sizeof FIRST / sizeof FIRST[0], &seed);
    written_model("second.safetensors", SECOND, sizeof SECOND / sizeof SECOND[0], &seed);
    written_model_with_nan("first.safetensors", "nan.safetensors", 200000);
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(items_are_handed_out_whole), cmocka_unit_test(no_place_overflows),
    cmocka_unit_test(parts_have_to_speak),        cmocka_unit_test(parts_see_the_same),
    cmocka_unit_test(minmax_is_that_of_one),      cmocka_unit_test(nan_is_told_by_the_first),
    cmocka_unit_test(compare_is_that_of_one),     cmocka_unit_test(calibrate_is_that_of_one),
    cmocka_unit_test(dequantize_is_that_of_one),
};

int main(void)
{
    int code;
    make_inputs(NULL);
    code = check_main("share", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

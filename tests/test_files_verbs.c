/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clq_file_minmax, _dequantize, _compare and _calibrate as a program sees them: what is refused, cancellation, gates,
 * reports that hold what the command prints, and comparisons that do not depend on how files are cut.
 */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/frame/cli.h"
#include "format/safetensors.h"
#include "scratch.h"

enum { ROWS = 301, COLUMNS = 999 };

static const char *plain;      /* F32: "a.weight", "b.bias" */
static const char *with_nan;   /* the same, one element of each not finite */
static const char *other;      /* "a.weight" of another shape, "b.bias" of another type, "c" alone */
static const char *by_channel; /* plain, quantized */
static const char *by_group;   /* in groups that divide nothing, 4 bits */
static const char *output;

typedef struct entry {
    const char *name, *dtype;
    uint32_t rank;
    uint64_t shape[2];
    uint64_t bytes;
} entry;

static const char *make_file(const char *name, const entry *entries, size_t count, int nan)
{
    clq_safetensors_plan *plan = NULL;
    const char *header, *path;
    uint64_t header_bytes, file_bytes;
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    for (size_t i = 0; i < count; i++) {
        size_t index;
        assert_int_equal(clq_safetensors_plan_tensor(plan, entries[i].name, entries[i].dtype, entries[i].rank,
                                                     entries[i].shape, entries[i].bytes, &index, NULL),
                         CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = calloc(1, (size_t)file_bytes);
    assert_non_null(file);
    memcpy(file, header, (size_t)header_bytes);
    for (uint64_t at = header_bytes; at + sizeof(float) <= file_bytes; at += sizeof(float)) {
        const int last = at + 2 * sizeof(float) > file_bytes;
        const float value = nan && (last || at == header_bytes) ? NAN : (float)check_normal();
        memcpy(file + at, &value, sizeof value);
    }
    path = scratch_write(name, file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
    return path;
}

static clq_file_request make_request(const char *input)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = input;
    request.output = output;
    scratch_remove(output);
    return request;
}

static const char *quantized(const char *name, clq_granularity granularity, uint64_t group, clq_dtype dtype)
{
    clq_file_request request = make_request(plain);
    clq_error error;
    request.output = scratch_path(name);
    request.minimum_rank = 1;
    request.has_granularity = 1;
    request.granularity = granularity;
    request.group_size = group;
    request.dtype = dtype;
    request.preset = CLQ_PRESET_ONNX;
    check_ok(clq_file_quantize(check_reference(), &request, NULL, NULL, &error), &error, "clq_file_quantize");
    return request.output;
}

static void make_files(void)
{
    static const entry PLAIN[] = {{"a.weight", "F32", 2, {ROWS, COLUMNS}, 4ull * ROWS * COLUMNS},
                                  {"b.bias", "F32", 1, {ROWS}, 4ull * ROWS}};
    static const entry OTHER[] = {{"a.weight", "F32", 2, {ROWS, 5}, 20ull * ROWS},
                                  {"b.bias", "I32", 1, {ROWS}, 4ull * ROWS},
                                  {"c", "F32", 1, {4}, 16}};
    output = scratch_path("out");
    plain = make_file("plain.safetensors", PLAIN, 2, 0);
    with_nan = make_file("nan.safetensors", PLAIN, 2, 1);
    other = make_file("other.safetensors", OTHER, 3, 0);
}

/* Once there is a context. */
static void the_files_are_quantized(void **state)
{
    (void)state;
    by_channel = quantized("channel.safetensors", CLQ_PER_CHANNEL, 1, CLQ_S8);
    by_group = quantized("group.safetensors", CLQ_PER_GROUP, 97, CLQ_U4);
}

/* The four calls by number, on `plain` where a file will do. */
enum { MINMAX, DEQUANTIZE, COMPARE, CALIBRATE, CALLS };

static clq_status call(int which, clq_context *context, const clq_file_request *request, const clq_file_events *events,
                       clq_file_report **report, clq_error *error)
{
    switch (which) {
    case MINMAX:
        return clq_file_minmax(context, request, events, report, error);
    case DEQUANTIZE:
        return clq_file_dequantize(context, request, events, report, error);
    case COMPARE:
        return clq_file_compare(context, request, events, report, error);
    default:
        return clq_file_calibrate(context, request, events, report, error);
    }
}

static clq_file_request request_for(int which)
{
    clq_file_request request = make_request(which == DEQUANTIZE ? by_group : plain);
    request.reference = which == COMPARE ? by_channel : NULL;
    request.inputs = which == CALIBRATE ? (clq_name_list){&plain, 1} : (clq_name_list){NULL, 0};
    return request;
}

/* ---- what is refused ---- */

static void a_call_needs_a_whole_request(void **state)
{
    (void)state;
    for (int which = 0; which < CALLS; which++) {
        clq_file_request request = request_for(which);
        clq_file_report *report = NULL;
        clq_error error;
        assert_int_equal(call(which, check_reference(), NULL, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
        assert_int_equal(call(which, NULL, &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
        request.struct_size -= 8;
        assert_int_equal(call(which, check_reference(), &request, NULL, &report, &error), CLQ_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "struct_size"));
        clq_file_report_destroy(&report);
        request = request_for(which);
        request.input = NULL;
        request.inputs.count = 0;
        assert_int_equal(call(which, check_reference(), &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "names no input"));
        request = request_for(which);
        request.output = NULL;
        request.reference = NULL;
        assert_int_equal(call(which, check_reference(), &request, NULL, NULL, &error),
                         which == MINMAX ? CLQ_OK : CLQ_INVALID_ARGUMENT);
    }
}

static int always(void *cookie)
{
    (void)cookie;
    return 1;
}

static void a_cancelled_call_leaves_nothing(void **state)
{
    const clq_file_events events = {.struct_size = sizeof events, .is_cancelled = always};
    (void)state;
    for (int which = 0; which < CALLS; which++) {
        const clq_file_request request = request_for(which);
        clq_file_report *report = NULL;
        clq_error error;
        assert_int_equal(call(which, check_reference(), &request, &events, &report, &error), CLQ_CANCELLED);
        assert_string_equal(error.message, "interrupted");
        assert_false(report->is_written);
        assert_int_equal(access(output, F_OK), -1);
        assert_int_equal(scratch_count(".tmp-"), 0);
        clq_file_report_destroy(&report);
    }
}

static void nan_is_told_once_all_is_found(void **state)
{
    clq_file_request request = make_request(with_nan);
    clq_file_report *report = NULL;
    clq_error error;
    (void)state;
    assert_int_equal(clq_file_minmax(check_reference(), &request, NULL, &report, &error), CLQ_NONFINITE);
    assert_non_null(
        strstr(error.message, "'a.weight': 1 of 300699 elements are NaN or infinite, the first at index 0"));
    assert_int_equal(report->tensor_count, 2);
    assert_true(report->tensors[1].nonfinite.count == 1 && report->tensors[1].nonfinite.first_index == ROWS - 1);
    assert_true(report->tensors[1].range_low < report->tensors[1].range_high && report->tensors[1].range == NULL);
    clq_file_report_destroy(&report);
    request.ignore_nonfinite = 1;
    assert_int_equal(clq_file_minmax(check_reference(), &request, NULL, NULL, &error), CLQ_OK);
}

/* ---- compare ---- */

static clq_status compare_files(const char *reference, const char *input, uint64_t memory, clq_context *context,
                                clq_file_report **report)
{
    clq_file_request request = make_request(input);
    request.reference = reference;
    request.memory_bytes = memory;
    return clq_file_compare(context, &request, NULL, report, NULL);
}

static const char *dequantized(const char *input, const char *name)
{
    clq_file_request request = make_request(input);
    request.output = scratch_path(name);
    request.replace = 1;
    assert_int_equal(clq_file_dequantize(check_reference(), &request, NULL, NULL, NULL), CLQ_OK);
    return request.output;
}

/* In pieces of every size and any granularity the errors are those of the real files, to the bit. */
static void errors_do_not_depend_on_the_cuts(void **state)
{
    const char *const files[] = {plain, by_channel, by_group};
    const char *const real[] = {plain, dequantized(by_channel, "x.safetensors"),
                                dequantized(by_group, "y.safetensors")};
    clq_context *const device = check_device();
    (void)state;
    for (size_t a = 0; a < 3; a++) {
        for (size_t b = 0; b < 3; b++) {
            clq_file_report *want = NULL;
            assert_int_equal(compare_files(real[a], real[b], UINT64_C(256) << 20, check_reference(), &want), CLQ_OK);
            assert_true(want->tensors[0].errors.exact == (a == b));
            for (uint64_t memory = UINT64_C(1) << 20; memory <= UINT64_C(64) << 20; memory *= 8) {
                clq_file_report *got = NULL;
                assert_int_equal(
                    compare_files(files[a], files[b], memory, device != NULL ? device : check_reference(), &got),
                    CLQ_OK);
                assert_int_equal(got->tensor_count, 2);
                for (size_t i = 0; i < 2; i++) {
                    const clq_errors *x = &want->tensors[i].errors;
                    const clq_errors *y = &got->tensors[i].errors;
                    assert_true(memcmp(&x->maximum, &y->maximum, 8) == 0 && x->maximum_index == y->maximum_index);
                    assert_true(memcmp(&x->mean, &y->mean, 8) == 0 && memcmp(&x->sqnr_db, &y->sqnr_db, 8) == 0);
                    assert_true(memcmp(&x->cosine, &y->cosine, 8) == 0 && x->exact == y->exact);
                }
                clq_file_report_destroy(&got);
            }
            clq_file_report_destroy(&want);
        }
    }
}

static void differences_are_outcomes(void **state)
{
    static const clq_file_outcome WANT[] = {CLQ_FILE_OTHER_SHAPE, CLQ_FILE_OTHER_TYPE, CLQ_FILE_EXTRA};
    clq_file_report *report = NULL;
    (void)state;
    assert_int_equal(compare_files(plain, other, UINT64_C(1) << 20, check_reference(), &report), CLQ_OK);
    assert_int_equal(report->tensor_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(report->tensors[i].outcome, WANT[i]);
        assert_false(report->tensors[i].measured);
    }
    assert_string_equal(report->tensors[2].name, "c");
    assert_true(report->tensors[2].source.shape == NULL && report->tensors[2].target.shape[0] == 4);
    clq_file_report_destroy(&report);
    assert_int_equal(compare_files(other, plain, UINT64_C(1) << 20, check_reference(), &report), CLQ_OK);
    assert_int_equal(report->tensors[2].outcome, CLQ_FILE_MISSING);
    clq_file_report_destroy(&report);
    assert_int_equal(compare_files(other, other, UINT64_C(1) << 20, check_reference(), &report), CLQ_OK);
    assert_int_equal(report->tensors[1].outcome, CLQ_FILE_SAME_BYTES);
    clq_file_report_destroy(&report);
}

static clq_status no_device(void *cookie, clq_context **context, clq_error *error)
{
    (void)context;
    *(int *)cookie += 1;
    return clq_fail(error, CLQ_NO_DEVICE, "none");
}

static void real_files_need_no_device(void **state)
{
    int asked = 0;
    const clq_file_events events = {.struct_size = sizeof events, .cookie = &asked, .open_device = no_device};
    clq_file_request request = make_request(plain);
    clq_file_report *report = NULL;
    (void)state;
    request.reference = plain;
    assert_int_equal(clq_file_compare(NULL, &request, &events, &report, NULL), CLQ_OK);
    assert_true(asked == 0 && report->device[0] == '\0' && report->tensors[0].errors.exact);
    clq_file_report_destroy(&report);
    request.reference = by_group;
    assert_int_equal(clq_file_compare(NULL, &request, &events, &report, NULL), CLQ_NO_DEVICE);
    assert_true(asked == 1 && report->tensor_count == 0);
    clq_file_report_destroy(&report);
}

static void quality_is_a_gate_of_compare(void **state)
{
    clq_file_request request = make_request(by_group);
    clq_file_report *report = NULL;
    clq_error error;
    (void)state;
    request.reference = plain;
    request.has_minimum_sqnr = 1;
    request.minimum_sqnr_db = 90.0;
    assert_int_equal(clq_file_compare(check_reference(), &request, NULL, &report, &error), CLQ_REFUSED);
    assert_non_null(strstr(error.message, " dB, below the 90 dB asked for"));
    assert_true(report->tensor_count == 2 && report->tensors[0].measured);
    clq_file_report_destroy(&report);
    request.minimum_sqnr_db = 1.0;
    assert_int_equal(clq_file_compare(check_reference(), &request, NULL, NULL, &error), CLQ_OK);
}

/* ---- reports and the command ---- */

/* What the command prints with --json, in a process of its own. */
static char *json_of(const char *verb, const char *first, const char *second, const char *option, const char *value)
{
    const char *path = scratch_path("stdout");
    size_t length = 0;
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *const words[] = {"clquant", verb,  "--json", "--device", "reference",
                                     option,    value, first,    second,     NULL};
        if (freopen(path, "w", stdout) == NULL) {
            _exit(98);
        }
        _exit(cli_run(second != NULL ? 9 : 8, (char **)(uintptr_t)words));
    }
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return scratch_read(path, &length);
}

/* Number `index` of the array, or the only one, that follows `key` after the tensor's name. */
static double number_of(const char *json, const char *name, const char *key, uint64_t index)
{
    char text[80];
    const char *at;
    snprintf(text, sizeof text, "\"name\": \"%s\"", name);
    at = strstr(json, text);
    assert_non_null(at);
    snprintf(text, sizeof text, "\"%s\": ", key);
    at = strstr(at, text);
    assert_non_null(at);
    at += strlen(text);
    at += strspn(at, " [\n");
    for (; index > 0; index--) {
        at = strchr(at, ',') + 1;
    }
    return strtod(at, NULL);
}

static void a_report_of_minmax_is_its_json(void **state)
{
    clq_file_request request = make_request(plain);
    clq_file_report *report = NULL;
    char *json = json_of("minmax", plain, NULL, "--granularity", "channel");
    (void)state;
    request.has_granularity = 1;
    request.granularity = CLQ_PER_CHANNEL;
    request.details = CLQ_FILE_PARAMETERS;
    assert_int_equal(clq_file_minmax(check_reference(), &request, NULL, &report, NULL), CLQ_OK);
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        assert_int_equal(tensor->parameters, ROWS);
        for (uint64_t p = 0; p < ROWS; p++) {
            assert_true(number_of(json, tensor->name, "min", p) == (double)tensor->range[2 * p]);
            assert_true(number_of(json, tensor->name, "max", p) == (double)tensor->range[2 * p + 1]);
            assert_true(tensor->range[2 * p] >= tensor->range_low && tensor->range[2 * p + 1] <= tensor->range_high);
        }
    }
    clq_file_report_destroy(&report);
    free(json);
}

static void a_report_of_compare_is_its_json(void **state)
{
    clq_file_report *report = NULL;
    char *json = json_of("compare", by_channel, by_group, "--progress", "never");
    (void)state;
    assert_int_equal(compare_files(by_channel, by_group, UINT64_C(256) << 20, check_reference(), &report), CLQ_OK);
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        assert_string_equal(tensor->source.dtype, "s8");
        assert_string_equal(tensor->target.dtype, "u4");
        assert_true(number_of(json, tensor->name, "max_abs_error", 0) == tensor->errors.maximum);
        assert_true(number_of(json, tensor->name, "max_abs_error_index", 0) == (double)tensor->errors.maximum_index);
        assert_true(number_of(json, tensor->name, "mean_abs_error", 0) == tensor->errors.mean);
        assert_true(number_of(json, tensor->name, "sqnr_db", 0) == tensor->errors.sqnr_db);
        assert_true(number_of(json, tensor->name, "cosine", 0) == tensor->errors.cosine);
    }
    clq_file_report_destroy(&report);
    free(json);
}

static void a_report_of_calibrate_is_its_file(void **state)
{
    clq_file_request request = make_request(NULL);
    clq_file_report *report = NULL;
    size_t bytes = 0;
    char *file;
    (void)state;
    request.inputs = (clq_name_list){&plain, 1};
    assert_int_equal(clq_calibration_from_text("percentile:99", &request.calibration, NULL), CLQ_OK);
    request.details = CLQ_FILE_HISTOGRAMS | CLQ_FILE_WORST;
    assert_int_equal(clq_file_calibrate(check_reference(), &request, NULL, &report, NULL), CLQ_OK);
    file = scratch_read(output, &bytes);
    assert_true(file != NULL && report->is_written && report->bytes_out == bytes);
    assert_true(report->tensor_count == 2 && report->bytes_in == report->input_bytes[0]);
    for (size_t i = 0; i < 2; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        uint64_t kept = 0;
        for (uint32_t b = 0; b < tensor->threshold->bins; b++) {
            kept += tensor->histogram[b];
        }
        assert_true(tensor->batches == 1 && kept == tensor->kept[0] && kept >= tensor->elements / 100 * 99);
        assert_true(tensor->worst_parameter == 0 && isfinite(tensor->expected_sqnr_db));
        assert_memory_equal(tensor->worst_histogram, tensor->histogram, CLQ_HISTOGRAM_BINS * sizeof(uint64_t));
        assert_true(number_of(file, tensor->name, "min", 0) == (double)tensor->found_range[0]);
        assert_true(number_of(file, tensor->name, "lo", 0) == (double)tensor->range[0]);
        assert_true(number_of(file, tensor->name, "hi", 0) == (double)tensor->range[1]);
        assert_true(number_of(file, tensor->name, "threshold", 0) == (double)tensor->threshold->value);
        assert_true(tensor->range_low == tensor->range[0] && tensor->found_range[0] <= tensor->range[0]);
    }
    clq_file_report_destroy(&report);
    free(file);
}

static void a_report_of_dequantize_has_both_sides(void **state)
{
    clq_file_request request = make_request(by_group);
    clq_file_report *report = NULL;
    size_t bytes = 0;
    (void)state;
    request.dtype = CLQ_F16;
    assert_int_equal(clq_file_dequantize(check_reference(), &request, NULL, &report, NULL), CLQ_OK);
    free(scratch_read(output, &bytes));
    assert_true(report->is_written && report->bytes_out == bytes && report->processed_count == 2);
    assert_string_equal(report->tensors[0].source.dtype, "u4");
    assert_string_equal(report->tensors[0].target.dtype, "F16");
    assert_true(report->tensors[0].target.shape[1] == COLUMNS && report->tensors[0].target.bytes == 2 * ROWS * COLUMNS);
    clq_file_report_destroy(&report);
}

/* A member of a file of ranges whose name goes on behind a NUL is another one, which is left alone. */
static void names_do_not_end_at_nul(void **state)
{
    static const char RANGES[] =
        "{\"clquant_ranges\": 1, \"tensors\\u0000\": 2, \"tensors\": [{\"name\": \"a.weight\", "
        "\"granularity\": \"tensor\", \"lo\\u0000\": 1, \"lo\": -1, \"hi\": 1}]}";
    static const char *const ONE[] = {"a.weight"};
    clq_file_request request = make_request(plain);
    clq_error error;
    (void)state;
    request.ranges_file = scratch_write("ranges.json", RANGES, sizeof RANGES - 1);
    request.include = (clq_name_list){ONE, 1};
    check_ok(clq_file_quantize(check_reference(), &request, NULL, NULL, &error), &error, "clq_file_quantize");
}

static void methods_are_text_and_back(void **state)
{
    static const char *const TEXTS[] = {"minmax", "moving-average:0.05", "percentile:99.9", "mse", "entropy"};
    static const char *const BAD[] = {"",      "min",      "minmax:1",       "percentile",       "percentile:0",
                                      "mse:",  "entropy ", "percentile:101", "moving-average:0", "moving-average:2",
                                      ":0.05", "MSE"};
    clq_calibration calibration;
    clq_error error;
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        assert_int_equal(clq_calibration_from_text(TEXTS[i], &calibration, &error), CLQ_OK);
        assert_int_equal(calibration.kind, i);
        clq_calibration_text(&calibration, text, sizeof text);
        assert_string_equal(text, TEXTS[i]);
    }
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(clq_calibration_from_text(BAD[i], &calibration, &error), CLQ_INVALID_ARGUMENT);
    }
    assert_int_equal(clq_calibration_from_text("moving-average", &calibration, &error), CLQ_OK);
    assert_true(calibration.averaging == 0.01f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_files_are_quantized),           cmocka_unit_test(a_call_needs_a_whole_request),
    cmocka_unit_test(a_cancelled_call_leaves_nothing),   cmocka_unit_test(nan_is_told_once_all_is_found),
    cmocka_unit_test(errors_do_not_depend_on_the_cuts),  cmocka_unit_test(differences_are_outcomes),
    cmocka_unit_test(real_files_need_no_device),         cmocka_unit_test(quality_is_a_gate_of_compare),
    cmocka_unit_test(a_report_of_minmax_is_its_json),    cmocka_unit_test(a_report_of_compare_is_its_json),
    cmocka_unit_test(a_report_of_calibrate_is_its_file), cmocka_unit_test(a_report_of_dequantize_has_both_sides),
    cmocka_unit_test(names_do_not_end_at_nul),           cmocka_unit_test(methods_are_text_and_back),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    make_files();
    code = check_main("files_verbs", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

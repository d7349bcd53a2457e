/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <clquant/files.h> as a program sees it: requests that are refused before anything is touched, events, cancellation,
 * gates, and reports, which hold what the command prints.
 */
#include "check.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/frame/cli.h"
#include "format/safetensors.h"
#include "scratch.h"

static const struct {
    const char *name, *dtype;
    uint32_t rank;
    uint64_t shape[2];
    uint64_t element_bytes;
} TENSOR[] = {
    {"a.weight", "F32", 2, {300, 1000}, 4}, {"b.bias", "F32", 1, {300}, 4},      {"c.weight", "F32", 2, {200, 700}, 4},
    {"d.eighth", "F8_E5M2", 2, {8, 9}, 1},  {"e.weight", "F32", 2, {64, 65}, 4},
};
enum { TENSORS = sizeof TENSOR / sizeof TENSOR[0], QUANTIZED = 3 };

static const char *input; /* of these tensors */
static const char *output;

static void make_input(void)
{
    clq_safetensors_plan *plan = NULL;
    const char *header;
    uint64_t header_bytes, file_bytes;
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    for (size_t t = 0; t < TENSORS; t++) {
        const uint64_t elements = TENSOR[t].shape[0] * (TENSOR[t].rank > 1 ? TENSOR[t].shape[1] : 1);
        size_t index;
        assert_int_equal(clq_safetensors_plan_tensor(plan, TENSOR[t].name, TENSOR[t].dtype, TENSOR[t].rank,
                                                     TENSOR[t].shape, elements * TENSOR[t].element_bytes, &index, NULL),
                         CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = calloc(1, (size_t)file_bytes);
    assert_non_null(file);
    memcpy(file, header, (size_t)header_bytes);
    for (uint64_t at = header_bytes; at + sizeof(float) <= file_bytes; at += sizeof(float)) {
        const float value = (float)check_normal();
        memcpy(file + at, &value, sizeof value);
    }
    input = scratch_write("in.safetensors", file, (size_t)file_bytes);
    output = scratch_path("out.safetensors");
    free(file);
    clq_safetensors_plan_destroy(&plan);
}

static clq_file_request make_request(void)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = input;
    request.output = output;
    scratch_remove(output);
    return request;
}

static void assert_nothing_is_left(void)
{
    assert_int_equal(access(output, F_OK), -1);
    assert_int_equal(scratch_count(".partial") + scratch_count(".journal") + scratch_count(".tmp-"), 0);
}

static const clq_file_tensor *find(const clq_file_report *report, const char *name)
{
    for (size_t i = 0; i < report->tensor_count; i++) {
        if (strcmp(report->tensors[i].name, name) == 0) {
            return &report->tensors[i];
        }
    }
    fail_msg("the report has no tensor %s", name);
    return NULL;
}

/* ---- what a caller sees meanwhile ---- */

typedef struct witness {
    uint64_t done, all; /* of the last progress */
    int begun, after;   /* there was one; the last told what is left */
    uint64_t skipped;
    unsigned cancel_at;    /* quarters of all that are done; 0: never */
    atomic_int has_enough; /* so many are: asked by other threads than those that tell of progress */
    int opened;
    clq_context *context; /* what open_device gives */
    char warnings[2000];
} witness;

static void see_progress(void *cookie, const clq_file_progress *now)
{
    witness *w = cookie;
    assert_string_equal(now->operation, "quantize");
    assert_true(!w->begun || (now->done_bytes >= w->done && now->all_bytes == w->all));
    assert_true(now->done_bytes <= now->all_bytes && now->skipped_bytes <= now->done_bytes);
    w->begun = 1;
    w->done = now->done_bytes;
    w->all = now->all_bytes;
    w->skipped = now->skipped_bytes;
    w->after = now->after != NULL;
    atomic_store(&w->has_enough, w->cancel_at != 0 && w->done >= w->all / 4 * w->cancel_at);
}

static void see_message(void *cookie, clq_log_level level, const char *message)
{
    witness *w = cookie;
    if (level == CLQ_LOG_WARNING) {
        const size_t used = strlen(w->warnings);
        snprintf(w->warnings + used, sizeof w->warnings - used, "%s\n", message);
    }
}

static int see_cancelled(void *cookie)
{
    witness *w = cookie;
    return atomic_load(&w->has_enough);
}

static clq_status see_open_device(void *cookie, clq_context **context, clq_error *error)
{
    witness *w = cookie;
    (void)error;
    w->opened++;
    *context = w->context;
    return CLQ_OK;
}

static clq_file_events events_of(witness *w)
{
    const clq_file_events events = {.struct_size = sizeof events,
                                    .cookie = w,
                                    .progress = see_progress,
                                    .message = see_message,
                                    .is_cancelled = see_cancelled,
                                    .open_device = see_open_device};
    w->context = check_reference();
    return events;
}

/* One call that is witnessed; the report is the caller's. */
static clq_status quantize(const clq_file_request *request, witness *w, clq_file_report **report, clq_error *error)
{
    const clq_file_events events = events_of(w);
    return clq_file_quantize(NULL, request, &events, report, error);
}

/* ---- requests ---- */

static const char *const NULL_NAME[] = {"a*", NULL};
static const double SCALES[] = {0.5, 0.25};
static const int32_t ZERO_POINTS[] = {1};

static void no_input(clq_file_request *r)
{
    r->input = NULL;
}
static void no_output(clq_file_request *r)
{
    r->output = NULL;
}
static void other_size(clq_file_request *r)
{
    r->struct_size -= 8;
}
static void npy_output(clq_file_request *r)
{
    r->output = "out.npy";
}
static void no_such_input(clq_file_request *r)
{
    r->input = scratch_path("missing.safetensors");
}
static void output_is_input(clq_file_request *r)
{
    r->output = r->input;
}
static void null_pattern(clq_file_request *r)
{
    r->include = (clq_name_list){NULL_NAME, 2};
}
static void null_patterns(clq_file_request *r)
{
    r->exclude = (clq_name_list){NULL, 1};
}
static void no_preset(clq_file_request *r)
{
    r->preset = (clq_preset)99;
}
static void real_codes(clq_file_request *r)
{
    r->dtype = CLQ_F32;
}
static void wide_codes(clq_file_request *r)
{
    r->dtype = CLQ_S32;
    r->preset = CLQ_PRESET_ONNX;
}
static void no_granularity(clq_file_request *r)
{
    r->has_granularity = 1;
    r->granularity = (clq_granularity)3;
}
static void axis_of_tensor(clq_file_request *r)
{
    r->has_granularity = 1;
    r->has_axis = 1;
}
static void no_such_axis(clq_file_request *r)
{
    r->has_axis = 1;
    r->axis = 5;
}
static void empty_groups(clq_file_request *r)
{
    r->group_size = 0;
}
static void low_rank(clq_file_request *r)
{
    r->minimum_rank = -2;
}
static void little_memory(clq_file_request *r)
{
    r->memory_bytes = 1000;
}
static void range_backwards(clq_file_request *r)
{
    r->has_range = 1;
    r->range_lo = 1.0;
}
static void range_endless(clq_file_request *r)
{
    r->has_range = 1;
    r->range_hi = INFINITY;
}
static void no_method(clq_file_request *r)
{
    r->calibration.kind = (clq_calibration_kind)7;
}
static void average(clq_file_request *r)
{
    r->calibration = (clq_calibration){CLQ_CALIBRATE_AVERAGE, 0.0, 0.5f};
}
static void no_percentile(clq_file_request *r)
{
    r->calibration = (clq_calibration){CLQ_CALIBRATE_PERCENTILE, 0.0, 0.0f};
}
static void zero_scale(clq_file_request *r)
{
    static const double ZERO = 0.0;
    r->scale = &ZERO;
    r->scale_count = 1;
}
static void no_scales(clq_file_request *r)
{
    r->scale = SCALES;
}
static void too_few_scales(clq_file_request *r)
{
    r->scale = SCALES;
    r->scale_count = 2;
}
static void scale_and_range(clq_file_request *r)
{
    r->scale = SCALES;
    r->scale_count = 1;
    r->has_range = 1;
}
static void scale_twice(clq_file_request *r)
{
    r->scale = SCALES;
    r->scale_count = 1;
    r->scale_file = "scale.npy";
}
static void lone_zero_point(clq_file_request *r)
{
    r->zero_point = ZERO_POINTS;
    r->zero_point_count = 1;
}
static void missing_scales(clq_file_request *r)
{
    r->scale_file = scratch_path("missing.npy");
}
static void dry_and_resume(clq_file_request *r)
{
    r->dry_run = 1;
    r->resume = 1;
}
static void no_quality(clq_file_request *r)
{
    r->has_minimum_sqnr = 1;
    r->minimum_sqnr_db = NAN;
}

static const struct {
    void (*spoil)(clq_file_request *request);
    clq_status status;
    const char *message; /* part of it */
} REFUSED[] = {
    {no_input, CLQ_INVALID_ARGUMENT, "no input"},
    {no_output, CLQ_INVALID_ARGUMENT, "no output"},
    {other_size, CLQ_INVALID_ARGUMENT, "struct_size"},
    {npy_output, CLQ_INVALID_ARGUMENT, "not a .npy"},
    {no_such_input, CLQ_IO_ERROR, "missing.safetensors"},
    {output_is_input, CLQ_INVALID_ARGUMENT, "in.safetensors"},
    {null_pattern, CLQ_INVALID_ARGUMENT, "number 1 of the request's include"},
    {null_patterns, CLQ_INVALID_ARGUMENT, "exclude is NULL"},
    {no_preset, CLQ_INVALID_ARGUMENT, "99 is no preset"},
    {real_codes, CLQ_INVALID_ARGUMENT, "f32"},
    {wide_codes, CLQ_INVALID_ARGUMENT, "s32"},
    {no_granularity, CLQ_INVALID_ARGUMENT, "3 is no granularity"},
    {axis_of_tensor, CLQ_INVALID_ARGUMENT, "--axis needs --granularity channel"},
    {no_such_axis, CLQ_INVALID_ARGUMENT, "'a.weight': it has no axis 5"},
    {empty_groups, CLQ_INVALID_ARGUMENT, "group size is 0"},
    {low_rank, CLQ_INVALID_ARGUMENT, "minimum rank is -2"},
    {little_memory, CLQ_INVALID_ARGUMENT, "memory is 1000 bytes"},
    {range_backwards, CLQ_INVALID_ARGUMENT, "range is [1, 0]"},
    {range_endless, CLQ_INVALID_ARGUMENT, "range is [0, inf]"},
    {no_method, CLQ_INVALID_ARGUMENT, "7 is no method"},
    {average, CLQ_INVALID_ARGUMENT, "an average of ranges is of several batches"},
    {no_percentile, CLQ_INVALID_ARGUMENT, "percentile is 0"},
    {zero_scale, CLQ_INVALID_ARGUMENT, "--scale 0: 0 is not a scale"},
    {no_scales, CLQ_INVALID_ARGUMENT, "--scale: 0 values"},
    {too_few_scales, CLQ_INVALID_ARGUMENT, "--scale holds 2 values, and tensor 'a.weight' needs 300"},
    {scale_and_range, CLQ_INVALID_ARGUMENT, "give one of them"},
    {scale_twice, CLQ_INVALID_ARGUMENT, "give one of them"},
    {lone_zero_point, CLQ_INVALID_ARGUMENT, "only used with --scale"},
    {missing_scales, CLQ_IO_ERROR, "missing.npy"},
    {dry_and_resume, CLQ_INVALID_ARGUMENT, "--dry-run"},
    {no_quality, CLQ_INVALID_ARGUMENT, "NaN"},
};

static void bad_requests_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        clq_file_request request = make_request();
        clq_file_report *report = NULL;
        witness w = {0};
        clq_error error = {0};
        clq_status status;
        REFUSED[i].spoil(&request);
        status = quantize(&request, &w, &report, &error);
        if (status != REFUSED[i].status || strstr(error.message, REFUSED[i].message) == NULL) {
            fail_msg("request %zu: status %d, '%s'; expected %d, '... %s ...'", i, (int)status, error.message,
                     (int)REFUSED[i].status, REFUSED[i].message);
        }
        /* All but the number of values, which each tensor has its own of, is seen before a device is needed. */
        assert_int_equal(w.opened, strstr(REFUSED[i].message, "needs 300") != NULL);
        assert_true(report == NULL || (!report->is_written && !report->is_resumable));
        clq_file_report_destroy(&report);
        assert_nothing_is_left();
        /* Nobody needs to ask. */
        assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, NULL, NULL), status);
    }
}

static void a_call_needs_a_request_and_a_device(void **state)
{
    const clq_file_request request = make_request();
    const clq_file_events deaf = {.struct_size = sizeof deaf};
    const clq_file_events other = {.struct_size = 8};
    clq_file_report *report = NULL;
    clq_error error;
    (void)state;
    assert_int_equal(clq_file_quantize(check_reference(), NULL, NULL, &report, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "request is NULL"));
    assert_null(report);
    assert_int_equal(clq_file_quantize(NULL, &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "neither a context"));
    assert_int_equal(clq_file_quantize(NULL, &request, &deaf, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_file_quantize(check_reference(), &request, &other, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "struct_size of 8"));
    assert_int_equal(clq_file_quantize(check_reference(), &request, &deaf, NULL, &error), CLQ_OK);
}

/* ---- events ---- */

/* One pass over the data, two, three, a pass that only looks. */
static void set_passes(clq_file_request *request, int way)
{
    request->preset = way == 1 ? CLQ_PRESET_AFFINE : CLQ_PRESET_SYMMETRIC;
    request->calibration.kind = way == 2 ? CLQ_CALIBRATE_MSE : CLQ_CALIBRATE_MINMAX;
    request->dry_run = way == 3;
    request->memory_bytes = (uint64_t)(way == 2 ? 16 : 1) << 20; /* room for histograms; else many pieces */
}

static void progress_grows_until_all_is_done(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        clq_file_request request = make_request();
        witness w = {0};
        set_passes(&request, way);
        assert_int_equal(quantize(&request, &w, NULL, NULL), CLQ_OK);
        assert_true(w.begun && w.done == w.all && w.all > 0 && w.skipped == 0);
        assert_int_equal(w.after, way != 3);
        assert_int_equal(w.opened, 1);
        assert_string_equal(w.warnings, "tensor 'd.eighth' is copied: F8_E5M2 is not one of F64, F32, F16, BF16\n");
    }
}

static void a_context_that_is_given_is_used(void **state)
{
    const clq_file_request request = make_request();
    witness w = {0};
    const clq_file_events events = events_of(&w);
    clq_file_report *report = NULL;
    clq_device_info info;
    (void)state;
    assert_int_equal(clq_file_quantize(check_reference(), &request, &events, &report, NULL), CLQ_OK);
    assert_int_equal(w.opened, 0);
    clq_context_device(check_reference(), &info);
    assert_string_equal(report->device, info.name);
    clq_file_report_destroy(&report);
}

static void a_cancelled_call_leaves_nothing(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        clq_file_request request = make_request();
        witness w = {.cancel_at = 2};
        clq_file_report *report = NULL;
        set_passes(&request, way);
        assert_int_equal(quantize(&request, &w, &report, NULL), CLQ_CANCELLED);
        assert_true(w.done < w.all);
        assert_non_null(report);
        assert_true(!report->is_written && !report->is_resumable);
        clq_file_report_destroy(&report);
        assert_nothing_is_left();
    }
}

/* With `resume` it leaves what the next call goes on from, to the same bytes; parameters are found again. */
static void a_cancelled_call_is_resumed(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        for (int listed = 0; listed < 2; listed++) {
            clq_file_request request = make_request();
            witness first = {.cancel_at = 3};
            witness second = {0};
            clq_file_report *report = NULL;
            size_t want_bytes, got_bytes;
            char *want, *got;
            set_passes(&request, way);
            assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, NULL, NULL), CLQ_OK);
            want = scratch_read(output, &want_bytes);
            scratch_remove(output);
            request.resume = 1;
            request.details = listed ? CLQ_FILE_PARAMETERS : 0;
            assert_int_equal(quantize(&request, &first, &report, NULL), CLQ_CANCELLED);
            assert_true(!report->is_written && (report->is_resumable || way != 0));
            clq_file_report_destroy(&report);
            assert_int_equal(quantize(&request, &second, &report, NULL), CLQ_OK);
            assert_true(report->is_written && !report->is_resumable);
            assert_true(second.done == second.all && (second.skipped > 0 || way != 0));
            for (size_t i = 0; i < report->tensor_count; i++) {
                assert_int_equal(report->tensors[i].range != NULL,
                                 listed && report->tensors[i].outcome == CLQ_FILE_PROCESSED);
            }
            clq_file_report_destroy(&report);
            got = scratch_read(output, &got_bytes);
            assert_true(got != NULL && got_bytes == want_bytes && memcmp(got, want, got_bytes) == 0);
            free(want);
            free(got);
        }
    }
}

/* ---- threads ---- */

/* `argument` is a request; its output tells whether it was done. */
static void *quantize_in_thread(void *argument)
{
    (void)clq_file_quantize(check_reference(), argument, NULL, NULL, NULL);
    return NULL;
}

/* Of a caller with a stack of 64 KiB, and of several at once on one context. */
static void calls_need_little_stack_and_share_a_context(void **state)
{
    enum { THREADS = 3, STACK_BYTES = 64 << 10 };
    clq_file_request requests[THREADS];
    pthread_t threads[THREADS];
    pthread_attr_t attributes;
    size_t want_bytes = 0;
    char *want = NULL;
    (void)state;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
    for (size_t t = 0; t < THREADS; t++) {
        char name[40];
        snprintf(name, sizeof name, "thread-%zu.safetensors", t);
        requests[t] = make_request();
        requests[t].output = scratch_path(name);
        requests[t].preset = CLQ_PRESET_AFFINE;
        assert_int_equal(pthread_create(&threads[t], &attributes, quantize_in_thread, &requests[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        size_t bytes = 0;
        char *file;
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        file = scratch_read(requests[t].output, &bytes);
        assert_non_null(file);
        if (t == 0) {
            want = file;
            want_bytes = bytes;
            continue;
        }
        assert_true(bytes == want_bytes && memcmp(file, want, bytes) == 0);
        free(file);
    }
    free(want);
    pthread_attr_destroy(&attributes);
}

/* ---- gates ---- */

static void strict_refuses_what_falls_short(void **state)
{
    static const char *const PATTERNS[] = {"*.eighth", "nothing*"};
    clq_file_request request = make_request();
    clq_file_report *report = NULL;
    witness w = {0};
    clq_error error;
    (void)state;
    request.strict = 1;
    assert_int_equal(quantize(&request, &w, &report, &error), CLQ_REFUSED);
    assert_non_null(strstr(error.message, "not all that was selected can be quantized as asked"));
    assert_non_null(strstr(w.warnings, "'d.eighth' is copied: F8_E5M2"));
    assert_int_equal(w.opened, 0);
    assert_int_equal(report->tensor_count, TENSORS);
    assert_int_equal(report->processed_count, QUANTIZED);
    assert_true(report->bytes_in > 0 && report->bytes_out == 0 && report->device[0] == '\0');
    assert_true(find(report, "d.eighth")->falls_short);
    assert_non_null(strstr(find(report, "d.eighth")->reason, "F8_E5M2"));
    assert_false(find(report, "b.bias")->falls_short);
    clq_file_report_destroy(&report);
    assert_nothing_is_left();
    /* A pattern that matches nothing counts too; without it all is well. */
    request.exclude = (clq_name_list){PATTERNS, 2};
    assert_int_equal(quantize(&request, &w, NULL, &error), CLQ_REFUSED);
    assert_non_null(strstr(error.message, "'nothing*'"));
    assert_nothing_is_left();
    request.allow_empty = 1;
    w = (witness){0};
    assert_int_equal(quantize(&request, &w, NULL, &error), CLQ_OK);
    assert_non_null(strstr(w.warnings, "'nothing*'"));
    request.allow_empty = 0;
    request.replace = 1;
    w = (witness){0};
    request.exclude.count = 1;
    assert_int_equal(quantize(&request, &w, NULL, &error), CLQ_OK);
}

static void quality_is_a_gate(void **state)
{
    clq_file_request request = make_request();
    clq_file_report *report = NULL;
    clq_error error;
    witness w = {0};
    witness again = {0};
    (void)state;
    request.has_minimum_sqnr = 1;
    request.minimum_sqnr_db = 1000.0;
    request.resume = 1; /* another run would get no further */
    assert_int_equal(quantize(&request, &w, &report, &error), CLQ_REFUSED);
    assert_non_null(strstr(error.message, "below the 1000 dB asked for"));
    assert_true(find(report, "a.weight")->measured && !report->is_written && !report->is_resumable);
    clq_file_report_destroy(&report);
    assert_nothing_is_left();
    request.minimum_sqnr_db = 1.0;
    assert_int_equal(quantize(&request, &again, NULL, &error), CLQ_OK);
}

/* ---- reports ---- */

static void a_dry_run_finds_out_all_but_errors(void **state)
{
    clq_file_request request = make_request();
    clq_file_report *dry = NULL;
    clq_file_report *wet = NULL;
    size_t bytes = 0;
    (void)state;
    request.dry_run = 1;
    request.details = CLQ_FILE_PARAMETERS;
    assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, &dry, NULL), CLQ_OK);
    assert_false(dry->is_written);
    assert_nothing_is_left();
    request.dry_run = 0;
    request.details = 0;
    assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, &wet, NULL), CLQ_OK);
    assert_true(wet->is_written);
    free(scratch_read(output, &bytes));
    assert_true(dry->bytes_out == bytes && wet->bytes_out == bytes && dry->bytes_in == wet->bytes_in);
    for (size_t i = 0; i < TENSORS; i++) {
        const clq_file_tensor *a = &dry->tensors[i];
        const clq_file_tensor *b = &wet->tensors[i];
        assert_string_equal(a->name, b->name);
        assert_true(a->outcome == b->outcome && a->range_low == b->range_low && a->range_high == b->range_high &&
                    a->scale_low == b->scale_low && a->scale_high == b->scale_high);
        assert_true(!a->measured && b->measured == (b->outcome == CLQ_FILE_PROCESSED));
        assert_true((a->scale != NULL) == (a->outcome == CLQ_FILE_PROCESSED) && b->scale == NULL && b->range == NULL);
        for (uint64_t p = 0; a->scale != NULL && p < a->parameters; p++) {
            assert_true(a->range[2 * p] >= a->range_low && a->range[2 * p + 1] <= a->range_high);
            assert_true(a->scale[p] >= a->scale_low && a->scale[p] <= a->scale_high && a->zero_point[p] == 0);
        }
    }
    clq_file_report_destroy(&dry);
    clq_file_report_destroy(&wet);
}

/* A number of the array, or the only one, that follows `key` in `text`. */
static double number_of(const char *text, const char *key, uint64_t index)
{
    const char *at = strstr(text, key);
    assert_non_null(at);
    at += strlen(key);
    at += strspn(at, " [\n");
    for (; index > 0; index--) {
        at = strchr(at, ',') + 1;
    }
    return strtod(at, NULL);
}

/* What `quantize --json` prints, by a process of its own. */
static char *json_of_command(void)
{
    const char *path = scratch_path("stdout");
    size_t length = 0;
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *const words[] = {"clquant", "quantize", input,       "-o",      output,
                                     "--json",  "--device", "reference", "--quiet", NULL};
        if (freopen(path, "w", stdout) == NULL) {
            _exit(98);
        }
        _exit(cli_run(sizeof words / sizeof words[0] - 1, (char **)(uintptr_t)words));
    }
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return scratch_read(path, &length);
}

static void a_report_holds_what_the_command_prints(void **state)
{
    clq_file_request request = make_request();
    clq_file_report *report = NULL;
    size_t want_bytes, got_bytes;
    char *want, *got;
    char *json = json_of_command();
    (void)state;
    assert_non_null(json);
    want = scratch_read(output, &want_bytes);
    scratch_remove(output);
    request.details = CLQ_FILE_PARAMETERS;
    assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, &report, NULL), CLQ_OK);
    got = scratch_read(output, &got_bytes);
    assert_true(got_bytes == want_bytes && memcmp(got, want, got_bytes) == 0);
    assert_int_equal(report->tensor_count, TENSORS);
    for (size_t i = 0; i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        char key[80];
        const char *at;
        snprintf(key, sizeof key, "\"name\": \"%s\"", tensor->name);
        at = strstr(json, key);
        assert_non_null(at);
        for (uint32_t d = 0; d < tensor->source.rank; d++) {
            assert_true(number_of(at, "\"shape\": ", d) == (double)tensor->source.shape[d]);
        }
        snprintf(key, sizeof key, "\"dtype\": \"%s\"", tensor->source.dtype);
        assert_non_null(strstr(at, key));
        if (tensor->outcome == CLQ_FILE_COPIED) {
            assert_non_null(strstr(at, tensor->reason));
            assert_memory_equal(tensor->source.dtype, tensor->target.dtype, sizeof tensor->source.dtype);
            continue;
        }
        assert_string_equal(tensor->target.dtype, "s8");
        for (uint64_t p = 0; p < tensor->parameters; p++) {
            assert_true(number_of(at, "\"scale\": ", p) == (double)tensor->scale[p]);
            assert_true(number_of(at, "\"zero_point\": ", p) == (double)tensor->zero_point[p]);
            assert_true(number_of(at, "\"min\": ", p) == (double)tensor->range[2 * p]);
            assert_true(number_of(at, "\"max\": ", p) == (double)tensor->range[2 * p + 1]);
        }
        assert_true(number_of(at, "\"max_abs_error\": ", 0) == tensor->errors.maximum);
        assert_true(number_of(at, "\"sqnr_db\": ", 0) == tensor->errors.sqnr_db);
        assert_true(number_of(at, "\"clipped\": ", 0) == (double)tensor->clipped);
        snprintf(key, sizeof key, "\"variant\": \"%s\"", tensor->variant);
        assert_non_null(strstr(at, key));
    }
    assert_true(number_of(strstr(json, "\"summary\""), "\"tensors\": ", 0) == (double)report->processed_count);
    assert_true(number_of(json, "\"bytes_in\": ", 0) == (double)report->bytes_in);
    assert_true(number_of(json, "\"bytes_out\": ", 0) == (double)report->bytes_out);
    clq_file_report_destroy(&report);
    free(json);
    free(want);
    free(got);
}

/* Parameters from memory and from files are the same request. */
static void scales_from_memory_are_scales_from_a_file(void **state)
{
    static const char *const ONE[] = {"e.weight"};
    clq_file_request request = make_request();
    double scales[64];
    char npy[128 + sizeof scales];
    size_t want_bytes, got_bytes;
    char *want, *got;
    (void)state;
    for (size_t i = 0; i < 64; i++) {
        scales[i] = 0.01 * (double)(i + 1);
    }
    memset(npy, ' ', 128);
    memcpy(npy, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(npy + 10, "{'descr': '<f8', 'fortran_order': False, 'shape': (64,), }", 58);
    npy[127] = '\n';
    memcpy(npy + 128, scales, sizeof scales);
    request.include = (clq_name_list){ONE, 1};
    request.scale_file = scratch_write("scales.npy", npy, sizeof npy);
    assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, NULL, NULL), CLQ_OK);
    want = scratch_read(output, &want_bytes);
    request.scale_file = NULL;
    request.scale = scales;
    request.scale_count = 64;
    request.replace = 1;
    assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, NULL, NULL), CLQ_OK);
    got = scratch_read(output, &got_bytes);
    assert_true(got_bytes == want_bytes && memcmp(got, want, got_bytes) == 0);
    free(want);
    free(got);
}

/* The file tells the number that was given, not the single that it becomes. */
static void a_file_tells_its_scale_in_full(void **state)
{
    static const double SCALE = 0.007843137718737125;
    clq_file_request request = make_request();
    size_t bytes;
    char *file;
    (void)state;
    request.scale = &SCALE;
    request.scale_count = 1;
    request.zero_point = ZERO_POINTS;
    request.zero_point_count = 1;
    assert_int_equal(clq_file_quantize(check_reference(), &request, NULL, NULL, NULL), CLQ_OK);
    file = scratch_read(output, &bytes);
    assert_non_null(file);
    assert_non_null(strstr(file + 8, "\\\"scale\\\":0.007843137718737125,\\\"zero_point\\\":1}"));
    free(file);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bad_requests_are_refused),
    cmocka_unit_test(a_call_needs_a_request_and_a_device),
    cmocka_unit_test(progress_grows_until_all_is_done),
    cmocka_unit_test(a_context_that_is_given_is_used),
    cmocka_unit_test(a_cancelled_call_leaves_nothing),
    cmocka_unit_test(a_cancelled_call_is_resumed),
    cmocka_unit_test(calls_need_little_stack_and_share_a_context),
    cmocka_unit_test(strict_refuses_what_falls_short),
    cmocka_unit_test(quality_is_a_gate),
    cmocka_unit_test(a_dry_run_finds_out_all_but_errors),
    cmocka_unit_test(a_report_holds_what_the_command_prints),
    cmocka_unit_test(scales_from_memory_are_scales_from_a_file),
    cmocka_unit_test(a_file_tells_its_scale_in_full),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    make_input();
    code = check_main("files", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

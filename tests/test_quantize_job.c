/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of `quantize` in slots of any size: the same file and the same errors whether a tensor is one piece or
 * thousands, with a device that works in the host's memory, has memory of its own, or can allocate next to nothing; and
 * what happens when reading or writing fails on the way.
 */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/context.h"
#include "format/model.h"
#include "format/safetensors.h"
#include "model/quantize_job.h"
#include "model/quantize_output.h"
#include "scratch.h"

enum { TENSORS = 7, WHOLE = 4 << 20 };

static const struct {
    const char *name, *dtype;
    clq_dtype type; /* 0: copied */
    uint32_t rank;
    uint64_t shape[3];
} TENSOR[TENSORS] = {
    {"a.weight", "F32", CLQ_F32, 2, {37, 129}},    {"b.bias", "F32", (clq_dtype)0, 1, {37}},
    {"c.weight", "F16", CLQ_F16, 3, {5, 33, 7}},   {"d.weight", "BF16", CLQ_BF16, 2, {3, 2001}},
    {"e.index", "I64", (clq_dtype)0, 2, {31, 17}}, {"f.weight", "F32", CLQ_F32, 2, {1, 9001}},
    {"g.weight", "F32", CLQ_F32, 2, {9001, 1}},
};

/* Numbers of about 1, a few of them far away, in any of the types. */
static void fill(clq_dtype type, uint64_t bytes, uint8_t *memory)
{
    for (uint64_t i = 0; i < bytes / 2; i++) {
        const double value = check_normal() * (check_chance(50) ? 20.0 : 1.0);
        const float single = (float)value;
        uint32_t bits;
        uint16_t half;
        memcpy(&bits, &single, sizeof bits);
        half = type == CLQ_F16 ? (uint16_t)(0x3000u + check_below(0x0C00) + (check_chance(2) ? 0x8000u : 0))
                               : (uint16_t)(bits >> 16);
        if (type == CLQ_F32) {
            if (i % 2 == 0) {
                memcpy(memory + 2 * i, &bits, sizeof bits);
            }
        } else {
            memcpy(memory + 2 * i, &half, sizeof half);
        }
    }
}

/* `nonfinite`: put a NaN and infinities into the first tensor, so that some rows have nothing else at their ends. */
static const char *make_model(const char *name, int nonfinite)
{
    clq_safetensors_plan *plan = NULL;
    clq_error error;
    const char *header;
    uint64_t header_bytes, file_bytes;
    size_t index[TENSORS];
    const char *path;
    uint8_t *file;
    assert_int_equal(clq_safetensors_plan_create(&plan, &error), CLQ_OK);
    for (int t = 0; t < TENSORS; t++) {
        uint64_t bytes = strcmp(TENSOR[t].dtype, "F32") == 0 ? 4 : strcmp(TENSOR[t].dtype, "I64") == 0 ? 8 : 2;
        for (uint32_t d = 0; d < TENSOR[t].rank; d++) {
            bytes *= TENSOR[t].shape[d];
        }
        assert_int_equal(clq_safetensors_plan_tensor(plan, TENSOR[t].name, TENSOR[t].dtype, TENSOR[t].rank,
                                                     TENSOR[t].shape, bytes, &index[t], &error),
                         CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, &error), CLQ_OK);
    file = calloc(1, (size_t)file_bytes);
    assert_non_null(file);
    memcpy(file, header, (size_t)header_bytes);
    for (int t = 0; t < TENSORS; t++) {
        uint8_t *data = file + clq_safetensors_plan_offset(plan, index[t]);
        uint64_t elements = 1;
        for (uint32_t d = 0; d < TENSOR[t].rank; d++) {
            elements *= TENSOR[t].shape[d];
        }
        if (TENSOR[t].type != 0) {
            fill(TENSOR[t].type, clq_dtype_bytes(TENSOR[t].type, elements), data);
        } else {
            memset(data, 'c' + t, (size_t)elements * 4);
        }
        if (nonfinite && t == 0) {
            static const uint32_t BAD[] = {0x7FC00000u, 0x7F800000u, 0xFF800000u};
            for (uint64_t i = 0; i < 500; i++) {
                memcpy(data + 4 * (i * 3), &BAD[i % 3], 4);
            }
            for (uint64_t i = 0; i < 129; i++) {
                memcpy(data + 4 * (20 * 129 + i), &BAD[0], 4); /* a whole row */
            }
        }
    }
    path = scratch_write(name, file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
    return path;
}

/* One run over a model. */
typedef struct outcome {
    clq_status status;
    char message[1000];
    char *file;
    size_t bytes;
    clq_errors errors[TENSORS];
    uint64_t clipped[TENSORS];
} outcome;

typedef struct job_run {
    const char *name; /* of the way, for messages */
    const char *model;
    clq_file_request request;
    clq_context *context;
    uint64_t slot_bytes; /* 0: as the device and the request's memory say */
    uint64_t cut_bytes;  /* the model's file is cut to this once it is open; 0: not */
    int cancelled;       /* the caller wants no more from the beginning */
} job_run;

static job_run make_run(const char *model, clq_context *context)
{
    job_run t = {.name = "defaults", .model = model, .context = context};
    clq_file_request_init(&t.request);
    return t;
}

static clq_status execute(const job_run *t, clq_quantize_job *job, clq_error *error)
{
    const clq_file_request *request = job->request;
    uint64_t bytes;
    CLQ_TRY(clq_model_open(t->model, &job->model, error));
    CLQ_TRY(clq_output_create(request->output, job->model->shard_count, &job->output, error));
    CLQ_TRY(clq_given_create(request, &job->given, error));
    CLQ_TRY(clq_format_of(request, job->model, &job->format, error));
    CLQ_TRY(clq_model_plan_create(request, job->format, job->given, job->model, &job->plan, error));
    job->work = job->plan;
    job->lanes.slot_bytes = t->slot_bytes;
    CLQ_TRY(clq_quantize_begin(job, error));
    if (t->cut_bytes != 0) {
        assert_int_equal(truncate(t->model, (off_t)t->cut_bytes), 0);
    }
    if (!clq_zero_points_known(job->plan, job->given)) {
        CLQ_TRY(clq_find_all(job, error));
    }
    CLQ_TRY(clq_declare_quantized(job->output, request, job->plan, error));
    CLQ_TRY(clq_output_layout(job->output, &bytes, error));
    CLQ_TRY(clq_output_open(job->output, 1, error));
    CLQ_TRY(clq_quantize_all(job, error));
    return clq_output_commit(job->output, error);
}

static int is_cancelled(void *cookie)
{
    return ((const job_run *)cookie)->cancelled;
}

static outcome try_out(job_run *t)
{
    const char *out = scratch_path("out.safetensors");
    const clq_file_events events = {.struct_size = sizeof events, .cookie = t, .is_cancelled = is_cancelled};
    clq_quantize_job *job = calloc(1, sizeof *job);
    clq_job call;
    clq_error error;
    outcome result;
    memset(&result, 0, sizeof result);
    assert_non_null(job);
    t->request.input = t->model;
    t->request.output = out;
    assert_int_equal(clq_job_begin(&call, "quantize", t->context, &t->request, &events, &error), CLQ_OK);
    job->call = &call;
    job->request = &t->request;
    scratch_remove(out);
    result.status = execute(t, job, &error);
    if (result.status != CLQ_OK) {
        snprintf(result.message, sizeof result.message, "%s", error.message);
    }
    for (size_t i = 0; job->plan != NULL && i < job->plan->count && i < TENSORS; i++) {
        result.errors[i] = job->plan->tensors[i].errors;
        result.clipped[i] = job->plan->tensors[i].clipped;
    }
    clq_output_destroy(&job->output);
    clq_quantize_end(job);
    clq_model_plan_destroy(&job->plan);
    clq_given_destroy(&job->given);
    clq_model_close(&job->model);
    (void)clq_job_end(&call, result.status, NULL);
    free(job);
    result.file = scratch_read(out, &result.bytes);
    assert_int_equal(scratch_count(".tmp-"), 0);
    return result;
}

static void check_outcome(const outcome *got, const outcome *want, const job_run *t)
{
    if (got->status != CLQ_OK) {
        fail_msg("%s with slots of %u: %s", t->name, (unsigned)t->slot_bytes, got->message);
    }
    if (got->bytes != want->bytes || memcmp(got->file, want->file, got->bytes) != 0) {
        fail_msg("%s with slots of %u: other bytes", t->name, (unsigned)t->slot_bytes);
    }
    for (int i = 0; i < TENSORS; i++) {
        if (got->errors[i].maximum != want->errors[i].maximum || got->clipped[i] != want->clipped[i] ||
            got->errors[i].maximum_index != want->errors[i].maximum_index ||
            memcmp(&got->errors[i].sqnr_db, &want->errors[i].sqnr_db, sizeof(double)) != 0) {
            fail_msg("%s with slots of %u: other errors of tensor %d: %.17g, %.17g dB, want %.17g, %.17g dB", t->name,
                     (unsigned)t->slot_bytes, i, got->errors[i].maximum, got->errors[i].sqnr_db,
                     want->errors[i].maximum, want->errors[i].sqnr_db);
        }
    }
}

static const double SCALE = 0.01;
static const int32_t ZERO_POINT = 3;

/* What differs from the defaults. */
static const struct way {
    const char *name;
    int has_granularity;
    clq_granularity granularity;
    uint64_t group_size; /* 0: the default */
    int has_axis, axis;
    clq_preset preset;
    clq_dtype dtype;
    int has_range;
    const double *scale;
    const int32_t *zero_point;
    int vectors; /* tensors of rank 1 too */
} WAYS[] = {
    {.name = "defaults"},
    {.name = "tensor", .has_granularity = 1},
    {.name = "tensor affine", .has_granularity = 1, .preset = CLQ_PRESET_AFFINE},
    {.name = "axis 1", .has_axis = 1, .axis = 1},
    {.name = "axis 1 onnx", .has_axis = 1, .axis = 1, .preset = CLQ_PRESET_ONNX},
    {.name = "axis -1 s4", .has_axis = 1, .axis = -1, .dtype = CLQ_S4},
    {.name = "group 7", .has_granularity = 1, .granularity = CLQ_PER_GROUP, .group_size = 7},
    {.name = "group 7 u4 affine",
     .has_granularity = 1,
     .granularity = CLQ_PER_GROUP,
     .group_size = 7,
     .dtype = CLQ_U4,
     .preset = CLQ_PRESET_AFFINE},
    {.name = "group 1", .has_granularity = 1, .granularity = CLQ_PER_GROUP, .group_size = 1},
    {.name = "group 128 tflite", .has_granularity = 1, .granularity = CLQ_PER_GROUP, .preset = CLQ_PRESET_TFLITE},
    {.name = "range affine", .has_range = 1, .preset = CLQ_PRESET_AFFINE},
    {.name = "scale s4", .scale = &SCALE, .dtype = CLQ_S4},
    {.name = "scale tensor", .scale = &SCALE, .zero_point = &ZERO_POINT, .has_granularity = 1},
    {.name = "vectors torch", .vectors = 1, .preset = CLQ_PRESET_TORCH},
};

static void set_way(job_run *t, const struct way *way)
{
    clq_file_request *request = &t->request;
    t->name = way->name;
    request->has_granularity = way->has_granularity;
    request->granularity = way->granularity;
    request->group_size = way->group_size != 0 ? way->group_size : request->group_size;
    request->has_axis = way->has_axis;
    request->axis = way->axis;
    request->preset = way->preset;
    request->dtype = way->dtype;
    request->has_range = way->has_range;
    request->range_lo = -0.5;
    request->range_hi = 0.25;
    request->scale = way->scale;
    request->scale_count = way->scale != NULL;
    request->zero_point = way->zero_point;
    request->zero_point_count = way->zero_point != NULL;
    request->minimum_rank = way->vectors ? 0 : request->minimum_rank;
}

static void run_ways(clq_context *context, int nonfinite)
{
    static const uint64_t SLOTS[] = {700, 1000, 4111, 66000};
    const char *path = make_model("m.safetensors", nonfinite);
    for (size_t w = 0; w < sizeof WAYS / sizeof WAYS[0]; w++) {
        job_run t = make_run(path, check_reference());
        outcome want;
        set_way(&t, &WAYS[w]);
        t.request.ignore_nonfinite = nonfinite;
        t.slot_bytes = WHOLE;
        want = try_out(&t);
        assert_int_equal(want.status, CLQ_OK);
        t.context = context;
        for (size_t s = 0; s < sizeof SLOTS / sizeof SLOTS[0]; s++) {
            outcome got;
            t.slot_bytes = SLOTS[s];
            got = try_out(&t);
            check_outcome(&got, &want, &t);
            free(got.file);
        }
        free(want.file);
    }
}

static void slots_decide_no_byte_on_the_reference(void **state)
{
    (void)state;
    run_ways(check_reference(), 0);
    run_ways(check_reference(), 1);
}

static void slots_decide_no_byte_on_the_device(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        run_ways(check_device(), 0);
        run_ways(check_device(), 1);
    }
    check_needs_device();
}

/* A device with memory of its own, and one whose largest allocation holds a small part of a tensor. */
static void other_devices_give_the_same_bytes(void **state)
{
    clq_context *const contexts[] = {check_reference(), check_device()};
    const char *path = make_model("m.safetensors", 0);
    job_run t = make_run(path, check_reference());
    outcome want;
    (void)state;
    set_way(&t, &WAYS[2]);
    want = try_out(&t);
    assert_int_equal(want.status, CLQ_OK);
    for (size_t c = 0; c < 2 && contexts[c] != NULL; c++) {
        clq_device_info *device = &contexts[c]->device;
        const clq_device_info before = *device;
        t.context = contexts[c];
        for (int way = 0; way < 2; way++) {
            outcome got;
            if (way == 0) {
                const uint64_t most = clq_size_min(before.maximum_allocation_bytes, (UINT64_C(16) << 20) + 1);
                device->type = CLQ_DEVICE_GPU;
                assert_true(clq_slot_capacity(contexts[c], UINT64_C(1) << 30, 4) >= most);
            } else {
                device->maximum_allocation_bytes = 5000;
                assert_int_equal(clq_slot_capacity(contexts[c], UINT64_C(1) << 30, 4), 5000);
            }
            got = try_out(&t);
            *device = before;
            check_outcome(&got, &want, &t);
            free(got.file);
        }
    }
    free(want.file);
    check_needs_device();
}

/* NaN and infinity are an error that tells all of them, however the tensor is cut, and nothing is written. */
static void nonfinite_data_is_refused_as_a_whole(void **state)
{
    static const uint64_t SLOTS[] = {700, 4111, WHOLE};
    const char *path = make_model("bad.safetensors", 1);
    (void)state;
    for (size_t w = 0; w < 3; w++) {
        static const struct way TRIED[] = {
            {.name = "defaults"},
            {.name = "tensor", .has_granularity = 1},
            {.name = "axis 1 affine", .has_axis = 1, .axis = 1, .preset = CLQ_PRESET_AFFINE},
        };
        for (size_t s = 0; s < sizeof SLOTS / sizeof SLOTS[0]; s++) {
            job_run t = make_run(path, check_reference());
            outcome got;
            set_way(&t, &TRIED[w]);
            t.slot_bytes = SLOTS[s];
            got = try_out(&t);
            assert_int_equal(got.status, CLQ_NONFINITE);
            assert_non_null(strstr(got.message, "'a.weight': 629 of 4773 elements are NaN or infinite, the first at "
                                                "index 0"));
            assert_null(got.file);
        }
    }
}

static void a_file_that_shrinks_is_an_error(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        for (uint64_t cut = 2000; cut < 100000; cut += 19001) {
            job_run t = make_run(make_model("cut.safetensors", 0), check_reference());
            outcome got;
            t.request.preset = way == 0 ? CLQ_PRESET_SYMMETRIC : CLQ_PRESET_AFFINE;
            t.slot_bytes = 4111;
            t.cut_bytes = cut;
            got = try_out(&t);
            assert_int_equal(got.status, CLQ_IO_ERROR);
            assert_non_null(strstr(got.message, "changed while it was read"));
            assert_null(got.file);
        }
    }
}

static void a_disk_that_fills_is_an_error(void **state)
{
    const char *path = make_model("m.safetensors", 0);
    struct rlimit before, limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t room = 4096; room < 40000; room += 7000) {
        job_run t = make_run(path, check_reference());
        outcome got;
        t.slot_bytes = 4111;
        limit = before;
        limit.rlim_cur = room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        got = try_out(&t);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(got.status, CLQ_IO_ERROR);
        assert_non_null(strstr(got.message, "cannot write"));
        assert_null(got.file);
    }
}

static void a_cancelled_run_leaves_nothing(void **state)
{
    job_run t = make_run(make_model("m.safetensors", 0), check_reference());
    outcome got;
    (void)state;
    t.slot_bytes = 700;
    t.cancelled = 1;
    got = try_out(&t);
    assert_int_equal(got.status, CLQ_CANCELLED);
    assert_null(got.file);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(slots_decide_no_byte_on_the_reference), cmocka_unit_test(slots_decide_no_byte_on_the_device),
    cmocka_unit_test(other_devices_give_the_same_bytes),     cmocka_unit_test(nonfinite_data_is_refused_as_a_whole),
    cmocka_unit_test(a_file_that_shrinks_is_an_error),       cmocka_unit_test(a_disk_that_fills_is_an_error),
    cmocka_unit_test(a_cancelled_run_leaves_nothing),
};

int main(void)
{
    int code;
    signal(SIGXFSZ, SIG_IGN); /* a file beyond its limit is a failed write */
    scratch_begin(NULL);
    code = check_main("quantize_job", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

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
#include <time.h>
#include <unistd.h>

#include "engine/context.h"
#include "format/model.h"
#include "format/safetensors.h"
#include "model/quantize_job.h"
#include "model/quantize_output.h"
#include "scratch.h"

enum { TENSORS = 7, MOST_ARGUMENTS = 16, WHOLE = 4 << 20 };

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

typedef struct trial {
    const char *model, *options; /* separated by single blanks */
    clq_context *context;
    uint64_t slot_bytes; /* 0: as the device and --memory say */
    uint64_t cut_bytes;  /* the model's file is cut to this once it is open; 0: not */
} trial;

static clq_status execute(const trial *t, clq_quantize_job *job, clq_error *error)
{
    const cli_options *options = job->options;
    uint64_t bytes;
    CLQ_TRY(clq_model_open(t->model, &job->model, error));
    CLQ_TRY(clq_output_create(options->file.output, job->model->shard_count, &job->output, error));
    CLQ_TRY(clq_given_create(options, &job->given, error));
    CLQ_TRY(clq_model_plan_create(options, job->given, job->model, &job->plan, error));
    job->context = t->context;
    job->slot_bytes = t->slot_bytes;
    CLQ_TRY(clq_quantize_begin(job, error));
    if (t->cut_bytes != 0) {
        assert_int_equal(truncate(t->model, (off_t)t->cut_bytes), 0);
    }
    if (!clq_zero_points_known(job->plan, job->given)) {
        CLQ_TRY(clq_find_all(job, error));
    }
    CLQ_TRY(clq_declare_quantized(job->output, options, job->plan, error));
    CLQ_TRY(clq_output_layout(job->output, &bytes, error));
    CLQ_TRY(clq_output_open(job->output, 1, error));
    CLQ_TRY(clq_quantize_all(job, error));
    return clq_output_commit(job->output, error);
}

static outcome try_out(const trial *t)
{
    char text[512];
    char *arguments[MOST_ARGUMENTS];
    const char *out = scratch_path("out.safetensors");
    clq_quantize_job *job = calloc(1, sizeof *job);
    cli_options options;
    clq_error error;
    outcome result;
    int count = 0;
    int code;
    memset(&result, 0, sizeof result);
    snprintf(text, sizeof text, "clquant quantize %s -o %s %s", t->model, out, t->options);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        arguments[count++] = word;
    }
    arguments[count] = NULL;
    optind = 1; /* getopt's place, from the call before */
    assert_int_equal(cli_options_parse(count, arguments, &options, &code), 1);
    assert_non_null(job);
    job->options = &options;
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
    cli_options_release(&options);
    free(job);
    result.file = scratch_read(out, &result.bytes);
    assert_int_equal(scratch_count(".tmp-"), 0);
    return result;
}

static void check_outcome(const outcome *got, const outcome *want, const trial *t)
{
    if (got->status != CLQ_OK) {
        fail_msg("%s with slots of %u: %s", t->options, (unsigned)t->slot_bytes, got->message);
    }
    if (got->bytes != want->bytes || memcmp(got->file, want->file, got->bytes) != 0) {
        fail_msg("%s with slots of %u: other bytes", t->options, (unsigned)t->slot_bytes);
    }
    for (int i = 0; i < TENSORS; i++) {
        if (got->errors[i].maximum != want->errors[i].maximum || got->clipped[i] != want->clipped[i] ||
            got->errors[i].maximum_index != want->errors[i].maximum_index ||
            memcmp(&got->errors[i].sqnr_db, &want->errors[i].sqnr_db, sizeof(double)) != 0) {
            fail_msg("%s with slots of %u: other errors of tensor %d: %.17g, %.17g dB, want %.17g, %.17g dB",
                     t->options, (unsigned)t->slot_bytes, i, got->errors[i].maximum, got->errors[i].sqnr_db,
                     want->errors[i].maximum, want->errors[i].sqnr_db);
        }
    }
}

static const char *const WAYS[] = {
    "",
    "--granularity tensor",
    "--granularity tensor --preset affine",
    "--axis 1",
    "--axis 1 --preset onnx",
    "--axis -1 --dtype s4",
    "--granularity group --group-size 7",
    "--granularity group --group-size 7 --dtype u4 --preset affine",
    "--granularity group --group-size 1",
    "--granularity group --group-size 128 --preset tflite",
    "--range -0.5:0.25 --preset affine",
    "--scale 0.01 --dtype s4",
    "--scale 0.01 --zero-point 3 --granularity tensor",
    "--min-rank 0 --preset torch",
};

static void run_ways(clq_context *context, int nonfinite)
{
    static const uint64_t SLOTS[] = {700, 1000, 4111, 66000};
    const char *path = make_model("m.safetensors", nonfinite);
    for (size_t w = 0; w < sizeof WAYS / sizeof WAYS[0]; w++) {
        char options[256];
        trial t = {.model = path, .options = options, .context = check_reference(), .slot_bytes = WHOLE};
        outcome want;
        snprintf(options, sizeof options, "%s%s", WAYS[w], nonfinite ? " --nonfinite ignore" : "");
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
    trial t = {.model = path, .options = "--granularity tensor --preset affine", .context = check_reference()};
    outcome want = try_out(&t);
    (void)state;
    assert_int_equal(want.status, CLQ_OK);
    for (size_t c = 0; c < 2 && contexts[c] != NULL; c++) {
        clq_device_info *device = &contexts[c]->device;
        const clq_device_info before = *device;
        t.context = contexts[c];
        for (int way = 0; way < 2; way++) {
            outcome got;
            if (way == 0) {
                device->type = CLQ_DEVICE_GPU;
                assert_true(clq_slot_capacity(contexts[c], UINT64_C(1) << 30, 4) > UINT64_C(16) << 20);
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
    for (int way = 0; way < 3; way++) {
        for (size_t s = 0; s < sizeof SLOTS / sizeof SLOTS[0]; s++) {
            const trial t = {.model = path,
                             .options = way == 0   ? ""
                                        : way == 1 ? "--granularity tensor"
                                                   : "--preset affine --axis 1",
                             .context = check_reference(),
                             .slot_bytes = SLOTS[s]};
            const outcome got = try_out(&t);
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
            const char *path = make_model("cut.safetensors", 0);
            const trial t = {.model = path,
                             .options = way == 0 ? "" : "--preset affine",
                             .context = check_reference(),
                             .slot_bytes = 4111,
                             .cut_bytes = cut};
            const outcome got = try_out(&t);
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
        const trial t = {.model = path, .options = "", .context = check_reference(), .slot_bytes = 4111};
        outcome got;
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

/* The last test: the command does not forget a signal. */
static void a_signal_ends_the_run(void **state)
{
    const trial t = {
        .model = make_model("m.safetensors", 0), .options = "", .context = check_reference(), .slot_bytes = 700};
    const struct timespec moment = {0, 1000000};
    outcome got;
    (void)state;
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    while (!cli_interrupted()) {
        assert_int_equal(nanosleep(&moment, NULL), 0);
    }
    got = try_out(&t);
    assert_int_equal(got.status, CLQ_CANCELLED);
    assert_null(got.file);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(slots_decide_no_byte_on_the_reference),
    cmocka_unit_test(slots_decide_no_byte_on_the_device),
    cmocka_unit_test(other_devices_give_the_same_bytes),
    cmocka_unit_test(nonfinite_data_is_refused_as_a_whole),
    cmocka_unit_test(a_file_that_shrinks_is_an_error),
    cmocka_unit_test(a_disk_that_fills_is_an_error),
    cmocka_unit_test(a_signal_ends_the_run),
};

int main(void)
{
    int code;
    cli_signals_begin(); /* before a driver makes threads; SIGXFSZ is ignored from here on */
    scratch_begin(NULL);
    code = check_main("quantize_job", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

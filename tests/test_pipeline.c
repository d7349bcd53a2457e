/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trained model through the command: quantized, and every element within half a step of what it was, by a computation
 * of the test's own.
 *
 * Environment: CLQUANT, the command; CLQ_SHARED_DIR, the folder that holds data/mnist-mlp.safetensors (default: a
 * folder "shared" next to that of the sources); CLQ_TEST_DEVICE. Without the command or the model there is nothing to
 * test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/model.h"
#include "scratch.h"

enum { SKIPPED = 77, COMMAND_BYTES = 4096 };

static char model_path[2048];

/* Run the command with `arguments`; its exit code. */
static int run(const char *arguments)
{
    char line[COMMAND_BYTES];
    const char *device = getenv("CLQ_TEST_DEVICE");
    const int length = snprintf(line, sizeof line, "CLQUANT_DEVICE='%s' '%s' %s", device != NULL ? device : "auto",
                                getenv("CLQUANT"), arguments);
    assert_in_range(length, 1, sizeof line - 1);
    const int status = system(line);
    return status == -1 || (status & 0x7F) != 0 ? -1 : (status >> 8) & 0xFF;
}

static clq_model *open_model(const char *path)
{
    clq_model *model = NULL;
    clq_error error;
    if (clq_model_open(path, &model, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    return model;
}

/* A whole tensor. */
static void *read_tensor(const clq_model *model, const char *name, const char *dtype, uint64_t *elements)
{
    const size_t index = clq_model_find(model, name);
    clq_error error;
    void *memory = NULL;
    assert_true(index != SIZE_MAX);
    assert_string_equal(model->tensors[index].dtype.name, dtype);
    *elements = model->tensors[index].elements;
    memory = malloc((size_t)model->tensors[index].bytes + 1);
    assert_non_null(memory);
    assert_int_equal(clq_model_read(model, index, 0, *elements, memory, &error), CLQ_OK);
    return memory;
}

static double absolute(double value)
{
    return value < 0.0 ? -value : value;
}

/* One tensor with `count` scales, each for `length` elements in turn: symmetric s8. */
static void check_symmetric(const float *x, const int8_t *codes, const float *scales, uint64_t count, uint64_t length)
{
    for (uint64_t c = 0; c < count; c++) {
        const float *row = x + c * length;
        double greatest = 0.0;
        for (uint64_t i = 0; i < length; i++) {
            greatest = absolute((double)row[i]) > greatest ? absolute((double)row[i]) : greatest;
        }
        assert_true(scales[c] == (float)(greatest / 127.0));
        for (uint64_t i = 0; i < length; i++) {
            const double back = (double)scales[c] * codes[c * length + i];
            /* Half a step, and what rounding the quotient to single precision may add. */
            assert_true(absolute((double)row[i] - back) <= (double)scales[c] * (0.5 + 1e-5));
            assert_true(codes[c * length + i] >= -127);
        }
    }
}

/* Every tensor of the model, quantized with one scale for each row, or for all. */
static void check_model(const char *arguments, int per_row)
{
    static const char *const NAMES[] = {"l1.weight", "l2.weight"};
    static const uint64_t ROWS[] = {128, 10};
    const char *out = scratch_path("q.safetensors");
    char line[COMMAND_BYTES];
    clq_model *before = open_model(model_path);
    clq_model *after = NULL;
    snprintf(line, sizeof line, "quantize '%s' -o '%s' --force --quiet %s", model_path, out, arguments);
    assert_int_equal(run(line), 0);
    after = open_model(out);
    for (size_t t = 0; t < 2; t++) {
        char scale_name[64];
        uint64_t elements, code_count, scale_count;
        float *x = read_tensor(before, NAMES[t], "F32", &elements);
        int8_t *codes = read_tensor(after, NAMES[t], "I8", &code_count);
        float *scales = NULL;
        snprintf(scale_name, sizeof scale_name, "%s_scale", NAMES[t]);
        scales = read_tensor(after, scale_name, "F32", &scale_count);
        assert_int_equal(code_count, elements);
        assert_int_equal(scale_count, per_row ? ROWS[t] : 1);
        check_symmetric(x, codes, scales, scale_count, elements / scale_count);
        free(x);
        free(codes);
        free(scales);
    }
    clq_model_close(&before);
    clq_model_close(&after);
}

static void per_channel(void **state)
{
    (void)state;
    check_model("", 1);
}

static void per_tensor(void **state)
{
    (void)state;
    check_model("--granularity tensor", 0);
}

/* The ONNX scheme: zero is in the range and comes back exactly; at the ends the rounding of the zero point adds a half.
 */
static void with_zero_points(void **state)
{
    const char *out = scratch_path("onnx.safetensors");
    char line[COMMAND_BYTES];
    clq_model *before = open_model(model_path);
    clq_model *after = NULL;
    uint64_t elements, count;
    float *x = NULL;
    float *scale = NULL;
    uint8_t *codes = NULL;
    uint8_t *zero_point = NULL;
    float lo = 0.0f;
    float hi = 0.0f;
    (void)state;
    snprintf(line, sizeof line, "quantize '%s' -o '%s' --quiet --preset onnx --granularity tensor", model_path, out);
    assert_int_equal(run(line), 0);
    after = open_model(out);
    x = read_tensor(before, "l1.weight", "F32", &elements);
    codes = read_tensor(after, "l1.weight", "U8", &count);
    assert_int_equal(count, elements);
    scale = read_tensor(after, "l1.weight_scale", "F32", &count);
    zero_point = read_tensor(after, "l1.weight_zero_point", "U8", &count);
    assert_int_equal(count, 1);
    for (uint64_t i = 0; i < elements; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    assert_true(scale[0] == (hi - lo) / 255.0f);
    for (uint64_t i = 0; i < elements; i++) {
        const double error = absolute((double)x[i] - (double)scale[0] * (codes[i] - zero_point[0]));
        const int at_end = codes[i] == 0 || codes[i] == 255;
        assert_true(error <= (double)scale[0] * ((at_end ? 1.0 : 0.5) + 1e-5));
    }
    free(x);
    free(codes);
    free(scale);
    free(zero_point);
    clq_model_close(&before);
    clq_model_close(&after);
}

/* What eight bits per channel are worth on trained weights. */
static void quality_gate(void **state)
{
    char line[COMMAND_BYTES];
    const char *out = scratch_path("gate.safetensors");
    (void)state;
    snprintf(line, sizeof line, "quantize '%s' -o '%s' --quiet --fail-sqnr-below 35", model_path, out);
    assert_int_equal(run(line), 0);
    snprintf(line, sizeof line, "compare '%s' '%s' --quiet --fail-sqnr-below 35", model_path, out);
    assert_int_equal(run(line), 0);
    snprintf(line, sizeof line, "compare '%s' '%s' --quiet --fail-sqnr-below 80 2>/dev/null", model_path, out);
    assert_int_equal(run(line), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(per_channel),
        cmocka_unit_test(per_tensor),
        cmocka_unit_test(with_zero_points),
        cmocka_unit_test(quality_gate),
    };
    const char *shared = getenv("CLQ_SHARED_DIR");
    snprintf(model_path, sizeof model_path, "%s/data/mnist-mlp.safetensors",
             shared != NULL ? shared : CLQ_SOURCE_DIR "/../shared");
    if (getenv("CLQUANT") == NULL || access(getenv("CLQUANT"), X_OK) != 0) {
        printf("skipped: CLQUANT does not name the command\n");
        return SKIPPED;
    }
    if (access(model_path, R_OK) != 0) {
        printf("skipped: there is no %s\n", model_path);
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}

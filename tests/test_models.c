/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole models through the command: quantized on the reference and on the device under test to the same file bytes;
 * every element within half a step of the original; what `dequantize` writes and `compare` says equal to a computation
 * of this test's own, which shares nothing with the library but the reading of files.
 *
 * Environment: CLQUANT, the command; CLQ_SHARED_DIR, the folder that holds data/mnist-mlp.safetensors (default: a
 * folder "shared" beside the source folder); without it that model is left out, saying so.
 */
#include <math.h>
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
#include "oracle.h"
#include "scratch.h"

enum { SKIPPED = 77, LINE_BYTES = 6000, GROUP = 32 };

/* A way to quantize, and how far from the original it may end, in steps. */
typedef struct way {
    const char *options;
    double inside, at_ends; /* at_ends: where the zero point's rounding cuts the range */
} way;

static const way ways[] = {
    {"", 0.5, 0.5},
    {"--granularity tensor", 0.5, 0.5},
    {"--granularity group --group-size 32", 0.5, 0.5},
    {"--preset affine", 0.5, 1.0},
    {"--preset onnx --granularity tensor", 0.5, 1.0},
    {"--preset compressed-tensors", 0.5, 0.5},
    {"--preset tflite --granularity group --group-size 32", 0.5, 1.0},
};

static void run(const char *device, const char *format, ...)
{
    char arguments[LINE_BYTES];
    char line[LINE_BYTES + 512];
    va_list list;
    int status;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(line, sizeof line, "'%s' %s --device '%s'", getenv("CLQUANT"), arguments, device);
    status = system(line);
    if (status != 0) {
        fail_msg("status %d from: %s", status, line);
    }
}

static const char *device_under_test(void)
{
    const char *device = getenv("CLQ_TEST_DEVICE");
    return device != NULL ? device : "auto";
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

/* A whole tensor, or NULL when the model has none of that name. */
static void *read_tensor(const clq_model *model, const char *name, const clq_model_tensor **tensor)
{
    const size_t index = clq_model_find(model, name);
    clq_error error;
    void *memory;
    if (index == SIZE_MAX) {
        return NULL;
    }
    *tensor = &model->tensors[index];
    memory = malloc((size_t)(*tensor)->bytes + 1);
    assert_non_null(memory);
    assert_int_equal(clq_model_read(model, index, 0, (*tensor)->elements, memory, &error), CLQ_OK);
    return memory;
}

static void same_files(const char *a, const char *b)
{
    size_t a_bytes = 0;
    size_t b_bytes = 0;
    char *left = scratch_read(a, &a_bytes);
    char *right = scratch_read(b, &b_bytes);
    assert_non_null(left);
    assert_non_null(right);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(left, right, a_bytes);
    free(left);
    free(right);
}

typedef struct quantized {
    const clq_model_tensor *codes, *scales, *zero_points;
    void *codes_data, *scales_data, *zero_points_data; /* zero_points_data NULL: all 0 */
} quantized;

static int32_t code_at(const quantized *q, uint64_t i)
{
    return oracle_load_code(strcmp(q->codes->dtype.name, "U8") == 0 ? CLQ_U8 : CLQ_S8, q->codes_data, i);
}

static int32_t zero_point_at(const quantized *q, uint64_t p)
{
    int32_t wide;
    if (q->zero_points_data == NULL) {
        return 0;
    }
    if (strcmp(q->zero_points->dtype.name, "I32") == 0) {
        memcpy(&wide, (const char *)q->zero_points_data + 4 * p, sizeof wide);
        return wide;
    }
    return oracle_load_code(strcmp(q->zero_points->dtype.name, "U8") == 0 ? CLQ_U8 : CLQ_S8, q->zero_points_data, p);
}

/* By the shape of the scale alone: one, one for each first index, or one for each group of the last axis. */
static uint64_t parameter_at(const quantized *q, uint64_t i)
{
    const clq_model_tensor *t = q->codes;
    const uint64_t last = t->shape[t->rank - 1];
    if (q->scales->elements == 1) {
        return 0;
    }
    if (q->scales->elements == t->shape[0] && q->scales->shape[q->scales->rank - 1] == 1) {
        return i / (t->elements / t->shape[0]);
    }
    return i / last * ((last + GROUP - 1) / GROUP) + i % last / GROUP;
}

static int load_quantized(const clq_model *model, const char *name, quantized *q)
{
    char part[512];
    memset(q, 0, sizeof *q);
    snprintf(part, sizeof part, "%s_scale", name);
    q->scales_data = read_tensor(model, part, &q->scales);
    if (q->scales_data == NULL) {
        return 0;
    }
    snprintf(part, sizeof part, "%s_zero_point", name);
    q->zero_points_data = read_tensor(model, part, &q->zero_points);
    q->codes_data = read_tensor(model, name, &q->codes);
    return 1;
}

static void free_quantized(quantized *q)
{
    free(q->codes_data);
    free(q->scales_data);
    free(q->zero_points_data);
}

static clq_dtype real_of(const clq_model_tensor *tensor)
{
    return strcmp(tensor->dtype.name, "F32") == 0   ? CLQ_F32
           : strcmp(tensor->dtype.name, "F16") == 0 ? CLQ_F16
                                                    : CLQ_BF16;
}

/* What compare should say of one tensor. */
typedef struct figures {
    double maximum, sqnr_db;
} figures;

/* Check each element's distance, and that `restored` (f32) is what the codes mean. */
static figures check_tensor(const clq_model_tensor *tensor, const void *x, const quantized *q, const float *restored,
                            const way *w)
{
    figures f = {0.0, 0.0};
    double signal = 0.0;
    double noise = 0.0;
    for (uint64_t i = 0; i < tensor->elements; i++) {
        const uint64_t p = parameter_at(q, i);
        const uint32_t scale = oracle_load_real(CLQ_F32, q->scales_data, p);
        const int32_t code = code_at(q, i);
        const float back = oracle_float(oracle_real(code, scale, zero_point_at(q, p)));
        const double original =
            (double)oracle_float(oracle_widen(real_of(tensor), oracle_load_real(real_of(tensor), x, i)));
        const double distance = fabs(original - (double)back);
        const int at_end = code == -128 || code == 127 || code == 0 || code == 255;
        /* The quotient plus the zero point is rounded to f32 first: at most 2^-16 of a step for codes of 8 bits. */
        const double bound = (double)oracle_float(scale) * ((at_end ? w->at_ends : w->inside) + 1e-4);
        if (distance > bound || oracle_bits(restored[i]) != oracle_bits(back)) {
            fail_msg("%s [%llu] %s: x %.9g, code %d, scale %.9g, back %.9g, restored %.9g", tensor->name,
                     (unsigned long long)i, w->options, original, code, (double)oracle_float(scale), (double)back,
                     (double)restored[i]);
        }
        f.maximum = distance > f.maximum ? distance : f.maximum;
        signal += original * original;
        noise += distance * distance;
    }
    f.sqnr_db = 10.0 * log10(signal / noise);
    return f;
}

/* The number that follows "key": in the object of tensor `name` of a compare report. */
static double reported(const char *report, const char *name, const char *key)
{
    char wanted[600];
    const char *at;
    snprintf(wanted, sizeof wanted, "\"name\": \"%s\"", name);
    at = strstr(report, wanted);
    assert_non_null(at);
    snprintf(wanted, sizeof wanted, "\"%s\": ", key);
    at = strstr(at, wanted);
    assert_non_null(at);
    return strtod(at + strlen(wanted), NULL);
}

static void check_files(const char *original, const char *coded, const char *restored, const char *report, const way *w)
{
    clq_model *before = open_model(original);
    clq_model *after = open_model(coded);
    clq_model *back = open_model(restored);
    size_t said_bytes = 0;
    size_t checked = 0;
    char *said = scratch_read(report, &said_bytes);
    assert_non_null(said);
    for (size_t t = 0; t < before->tensor_count; t++) {
        const clq_model_tensor *tensor = &before->tensors[t];
        const clq_model_tensor *restored_tensor = NULL;
        quantized q;
        if (!load_quantized(after, tensor->name, &q)) {
            continue;
        }
        void *x = read_tensor(before, tensor->name, &tensor);
        float *y = read_tensor(back, tensor->name, &restored_tensor);
        assert_non_null(y);
        assert_string_equal(restored_tensor->dtype.name, "F32");
        const figures f = check_tensor(tensor, x, &q, y, w);
        assert_true(reported(said, tensor->name, "max_abs_error") == f.maximum);
        assert_true(fabs(reported(said, tensor->name, "sqnr_db") - f.sqnr_db) < 1e-6);
        free(x);
        free(y);
        free_quantized(&q);
        checked++;
    }
    assert_true(checked > 0);
    free(said);
    clq_model_close(&before);
    clq_model_close(&after);
    clq_model_close(&back);
}

static void check_model(const char *model)
{
    char on_reference[2048];
    char on_device[2048];
    char restored[2048];
    char report[2048];
    snprintf(on_reference, sizeof on_reference, "%s", scratch_path("reference.safetensors"));
    snprintf(on_device, sizeof on_device, "%s", scratch_path("device.safetensors"));
    snprintf(restored, sizeof restored, "%s", scratch_path("restored.safetensors"));
    snprintf(report, sizeof report, "%s", scratch_path("report.json"));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        run("reference", "quantize '%s' -o '%s' --force --quiet %s", model, on_reference, ways[i].options);
        run(device_under_test(), "quantize '%s' -o '%s' --force --quiet %s", model, on_device, ways[i].options);
        same_files(on_reference, on_device);
        run(device_under_test(), "dequantize '%s' -o '%s' --force --quiet", on_device, restored);
        run(device_under_test(), "compare '%s' '%s' --json >'%s'", model, on_device, report);
        check_files(model, on_device, restored, report, &ways[i]);
    }
}

static void generated(const char *kind)
{
    char path[2048];
    snprintf(path, sizeof path, "%s", scratch_path(kind));
    run("reference", "sample %s -o '%s' --quiet", kind, path);
    check_model(path);
}

static void mobilenet_v2(void **state)
{
    (void)state;
    generated("mobilenet-v2");
}

static void transformer_block(void **state)
{
    (void)state;
    generated("transformer-block");
}

static void trained_network(void **state)
{
    char path[2048];
    const char *folder = getenv("CLQ_SHARED_DIR");
    (void)state;
    snprintf(path, sizeof path, "%s/data/mnist-mlp.safetensors", folder != NULL ? folder : CLQ_SOURCE_DIR "/../shared");
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    check_model(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trained_network),
        cmocka_unit_test(mobilenet_v2),
        cmocka_unit_test(transformer_block),
    };
    if (getenv("CLQUANT") == NULL) {
        printf("skipped: CLQUANT does not name the command\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F64 through clquant/files.h: a model of doubles gives what the model of the same numbers rounded to f32 gives, in
 * whatever pieces it is read.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clquant/files.h>

#include "format/safetensors.h"
#include "scratch.h"

/* More than two steps of the conversion in a row, and more than a slot of the least memory. */
enum { ROWS = 151, COLUMNS = 1999 };

static const char *doubles; /* "w" in F64 */
static const char *floats;  /* "w" in F32, each rounded */

static const char *make_file(const char *name, const char *dtype, const void *data, uint64_t bytes)
{
    static const uint64_t SHAPE[] = {ROWS, COLUMNS};
    clq_safetensors_plan *plan = NULL;
    const char *header, *path;
    uint64_t header_bytes, file_bytes;
    uint8_t *file;
    size_t index;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "w", dtype, 2, SHAPE, bytes, &index, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    file = malloc((size_t)file_bytes);
    assert_non_null(file);
    memcpy(file, header, (size_t)header_bytes);
    memcpy(file + header_bytes, data, (size_t)bytes);
    path = scratch_write(name, file, (size_t)file_bytes);
    free(file);
    clq_safetensors_plan_destroy(&plan);
    return path;
}

/* Numbers of all sizes, many of them halfway between two f32. */
static void make_files(void)
{
    static double wide[ROWS * COLUMNS];
    static float narrow[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        const float near = (float)check_normal();
        wide[i] = i % 3 == 0 ? (double)near * (1.0 + 0x1p-24) : i % 3 == 1 ? (double)near + 1e-9 : check_normal();
        narrow[i] = (float)wide[i];
    }
    doubles = make_file("doubles.safetensors", "F64", wide, sizeof wide);
    floats = make_file("floats.safetensors", "F32", narrow, sizeof narrow);
}

/* The data behind the header; malloc'ed. */
static char *data_of(const char *path, size_t *bytes)
{
    size_t length = 0;
    uint64_t header = 0;
    char *file = scratch_read(path, &length);
    assert_non_null(file);
    memcpy(&header, file, sizeof header);
    *bytes = length - sizeof header - (size_t)header;
    memmove(file, file + sizeof header + header, *bytes);
    return file;
}

static void assert_same_codes(clq_context *context, const clq_file_request *request)
{
    const char *const outputs[] = {scratch_path("q64.safetensors"), scratch_path("q32.safetensors")};
    char *data[2];
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        clq_file_request own = *request;
        clq_error error;
        own.input = i == 0 ? doubles : floats;
        own.output = outputs[i];
        own.replace = 1;
        check_ok(clq_file_quantize(context, &own, NULL, NULL, &error), &error, "clq_file_quantize");
        data[i] = data_of(outputs[i], &bytes[i]);
    }
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(data[0], data[1], bytes[0]);
    free(data[0]);
    free(data[1]);
}

static void codes_are_those_of_the_rounded(clq_context *context)
{
    for (int way = 0; way < 8; way++) {
        clq_file_request request;
        clq_file_request_init(&request);
        request.has_granularity = 1;
        request.granularity = way % 4 == 3 ? CLQ_PER_TENSOR : (clq_granularity)(way % 3);
        request.group_size = 97;
        request.dtype = way == 2 ? CLQ_S4 : way == 5 ? CLQ_S16 : CLQ_S8;
        request.preset = way < 4 ? CLQ_PRESET_SYMMETRIC : CLQ_PRESET_ONNX;
        request.calibration.kind = way == 3 ? CLQ_CALIBRATE_MSE : CLQ_CALIBRATE_MINMAX;
        request.memory_bytes = (uint64_t)(way == 3 ? 16 : way == 6 ? 256 : 1) << 20;
        request.check = CLQ_CHECK_ALL;
        assert_same_codes(context, &request);
    }
}

static void ranges_are_those_of_the_rounded(clq_context *context)
{
    for (int i = 0; i < 2; i++) {
        clq_file_report *reports[2] = {NULL, NULL};
        for (int file = 0; file < 2; file++) {
            const char *const input = file == 0 ? doubles : floats;
            clq_file_request request;
            clq_error error;
            clq_file_request_init(&request);
            request.input = input;
            request.inputs = (clq_name_list){&input, 1};
            request.output = scratch_path("ranges.json");
            request.replace = 1;
            request.memory_bytes = (uint64_t)16 << 20;
            request.calibration.kind = i == 1 ? CLQ_CALIBRATE_ENTROPY : CLQ_CALIBRATE_MINMAX;
            check_ok((i == 0 ? clq_file_minmax : clq_file_calibrate)(context, &request, NULL, &reports[file], &error),
                     &error, "minmax, calibrate");
            assert_int_equal(reports[file]->processed_count, 1);
        }
        assert_true(reports[0]->tensors[0].range_low == reports[1]->tensors[0].range_low);
        assert_true(reports[0]->tensors[0].range_high == reports[1]->tensors[0].range_high);
        clq_file_report_destroy(&reports[0]);
        clq_file_report_destroy(&reports[1]);
    }
}

static void a_model_of_doubles_is_one_of_floats(void **state)
{
    (void)state;
    codes_are_those_of_the_rounded(check_reference());
    ranges_are_those_of_the_rounded(check_reference());
    if (check_device() != NULL) {
        codes_are_those_of_the_rounded(check_device());
        ranges_are_those_of_the_rounded(check_device());
    }
    check_needs_device();
}

/* `compare` computes in double: the rounding is an error there, and no more than one. */
static void compare_sees_the_rounding(void **state)
{
    clq_file_request request;
    clq_file_report *report = NULL;
    clq_error error;
    (void)state;
    clq_file_request_init(&request);
    request.reference = doubles;
    request.input = floats;
    check_ok(clq_file_compare(check_reference(), &request, NULL, &report, &error), &error, "clq_file_compare");
    assert_false(report->tensors[0].errors.exact);
    assert_true(report->tensors[0].errors.maximum <= 0x1p-22);
    clq_file_report_destroy(&report);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_model_of_doubles_is_one_of_floats),
    cmocka_unit_test(compare_sees_the_rounding),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    make_files();
    code = check_main("files_f64", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

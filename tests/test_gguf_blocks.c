/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize into a .gguf, against files that are made here from the published rules alone, in double: every byte of the
 * output, on the reference and on the device.
 */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gguf_file.h"
#include "gguf_model.h"
#include "scratch.h"

enum { COLUMNS = 64, ROWS = 1500 };

/* ---- data ---- */

/* What a rounding or an order may show in: ties of both types, equals of either sign, scales from none to many. */
static float element_of(uint64_t block, size_t i)
{
    switch (block % 12) {
    case 0:
        return 0.0f;
    case 1:
        return -0.0f;
    case 2:
        return i == 5 ? 127.0f : (float)check_between(-253, 253) / 2.0f; /* d = 1 */
    case 3:
        return i == 9 ? -8.0f : (float)check_between(-15, 15) / 2.0f; /* d = 1 */
    case 4:
        return i == 9 ? 8.0f : (float)check_between(-15, 15) / 2.0f; /* d = -1 */
    case 5:
        return (i + block / 12) % 2 == 0 ? 3.25f : -3.25f;
    case 6:
        return (float)ldexp(check_normal(), -110); /* of f32 and bf16 a scale below all that the library has */
    case 7:
        return (float)ldexp(check_normal(), (int)check_between(-34, -12)); /* halves below the normal ones, and 0 */
    case 8:
        return (float)fmin(fmax(check_normal() * 2e4, -6e4), 6e4);
    default:
        return (float)check_normal();
    }
}

/* ---- runs ---- */

static char warnings[1000];

static void see_message(void *cookie, clq_log_level level, const char *message)
{
    (void)cookie;
    if (level == CLQ_LOG_WARNING) {
        const size_t used = strlen(warnings);
        snprintf(warnings + used, sizeof warnings - used, "%s\n", message);
    }
}

static clq_file_request request_of(unsigned type)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = scratch_path("in.gguf");
    request.output = scratch_path("out.gguf");
    request.block = type == Q8_0 ? CLQ_BLOCK_Q8_0 : CLQ_BLOCK_Q4_0;
    request.check = CLQ_CHECK_ALL;
    scratch_remove(request.output);
    return request;
}

static clq_status quantize(clq_context *context, const clq_file_request *request, clq_file_report **report,
                           clq_error *error)
{
    const clq_file_events events = {.struct_size = sizeof events, .message = see_message};
    warnings[0] = '\0';
    return clq_file_quantize(context, request, &events, report, error);
}

static void check_file(clq_context *context, const clq_file_request *request, const uint8_t *want, size_t length)
{
    clq_error error = {0};
    size_t got_length = 0;
    char *got = NULL;
    if (quantize(context, request, NULL, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    got = scratch_read(request->output, &got_length);
    assert_non_null(got);
    assert_int_equal(got_length, length);
    for (size_t i = 0; i < length; i++) {
        if ((uint8_t)got[i] != want[i]) {
            fail_msg("byte %zu is %02x, required is %02x", i, (uint8_t)got[i], want[i]);
        }
    }
    free(got);
}

static float normal(uint64_t block, size_t i)
{
    (void)block;
    (void)i;
    return (float)check_normal();
}

#define KEYS_BEFORE                                                                                                    \
    "q4 s:general.architecture w8 s:some s:general.file_type w5 w1 s:tokens w9 w8 q2 s:a s: s:last w7 b1"
#define KEYS_AFTER(type)                                                                                               \
    "q5 s:general.architecture w8 s:some s:general.file_type w4 w" type                                                \
    " s:tokens w9 w8 q2 s:a s: s:last w7 b1 s:general.quantization_version w4 w2"

static void files_hold_the_blocks_of_ggml(void **state)
{
    static const unsigned TYPES[] = {F32, F16, BF16};
    static const uint64_t MEMORY[] = {1 << 20, 256 << 20};
    clq_context *contexts[] = {check_reference(), check_device()};
    (void)state;
    for (size_t way = 0; way < 6; way++) {
        const unsigned type = TYPES[way % 3];
        const unsigned to = way < 3 ? Q8_0 : Q4_0;
        clq_file_request request = request_of(to);
        model before = {0};
        model after = {0};
        size_t length, want_length;
        uint8_t *file, *want;
        gguf_model_add_both(&before, &after, "a.weight", type, "w2 q64 q1500", (size_t)ROWS * COLUMNS, to, element_of);
        gguf_model_add_both(&before, &after, "a_norm.weight", F32, "w1 q64", 64, F32, normal);
        gguf_model_add_both(&before, &after, "experts.weight", type, "w3 q32 q3 q5", 480, to, element_of);
        gguf_model_add_both(&before, &after, "b.ffn_gate_inp.weight", type, "w2 q64 q4", 256, type, normal);
        gguf_model_add_both(&before, &after, "c.bias", type, "w2 q32 q1", 32, type, normal);
        gguf_model_add_both(&before, &after, "odd.weight", type, "w2 q33 q2", 66, type, normal);
        gguf_model_add_both(&before, &after, "none.weight", type, "w2 q32 q0", 0, type, normal);
        gguf_model_add_both(&before, &after, "output.weight", type, "w2 q32 q5", 160, Q8_0, element_of);
        memset(gguf_model_add(&before, "k.weight", 12, "w1 q256", 144)->data, 'k', 144);
        memset(gguf_model_add(&after, "k.weight", 12, "w1 q256", 144)->data, 'k', 144);
        file = gguf_model_file(&before, KEYS_BEFORE, &length);
        scratch_write("in.gguf", file, length);
        want = gguf_model_file(&after, to == Q8_0 ? KEYS_AFTER("7") : KEYS_AFTER("2"), &want_length);
        for (size_t c = 0; c < 2 && contexts[c] != NULL; c++) {
            for (size_t m = 0; m < 2; m++) {
                request.memory_bytes = MEMORY[m];
                request.replace = 1;
                check_file(contexts[c], &request, want, want_length);
                assert_int_equal(strstr(warnings, "becomes Q8_0, not Q4_0") != NULL, to == Q4_0);
            }
        }
        free(file);
        free(want);
        gguf_model_release(&before);
        gguf_model_release(&after);
    }
    check_needs_device();
}

/* ---- data that no block can hold ---- */

static float with_infinities(uint64_t block, size_t i)
{
    static const float SPECIAL[] = {(float)NAN, (float)INFINITY, -(float)INFINITY, 1.0f};
    return block == 0 ? SPECIAL[i % 4] : block == 1 ? SPECIAL[i % 3] : (float)check_normal();
}

static void what_is_not_finite_is_refused_or_left_out(void **state)
{
    static const unsigned TYPES[] = {Q8_0, Q4_0};
    clq_context *contexts[] = {check_reference(), check_device()};
    (void)state;
    for (size_t way = 0; way < 4; way++) {
        const unsigned to = TYPES[way % 2];
        clq_file_request request = request_of(to);
        model before = {0};
        model after = {0};
        size_t length, want_length;
        uint8_t *file, *want;
        if (contexts[way / 2] == NULL) {
            continue;
        }
        gguf_model_add_both(&before, &after, "a.weight", F32, "w2 q64 q4", 256, to, with_infinities);
        file = gguf_model_file(&before, "q0", &length);
        scratch_write("in.gguf", file, length);
        want = gguf_model_file(&after,
                               to == Q8_0 ? "q2 s:general.file_type w4 w7 s:general.quantization_version w4 w2"
                                          : "q2 s:general.file_type w4 w2 s:general.quantization_version w4 w2",
                               &want_length);
        assert_int_equal(quantize(contexts[way / 2], &request, NULL, NULL), CLQ_NONFINITE);
        assert_int_equal(access(request.output, F_OK), -1);
        request.ignore_nonfinite = 1;
        check_file(contexts[way / 2], &request, want, want_length);
        free(file);
        free(want);
        gguf_model_release(&before);
        gguf_model_release(&after);
    }
    check_needs_device();
}

static float edge;

static float at_the_edge(uint64_t block, size_t i)
{
    return block == 2 && i == 7 ? edge : 1.0f;
}

/* A half ends at 65504, and what is nearer to 65536 is infinite. */
static void scales_beyond_a_half_are_refused(void **state)
{
    static const struct {
        unsigned type;
        float last, beyond;
    } EDGES[] = {{Q8_0, 65519.0f * 127.0f, 65520.0f * 127.0f}, {Q4_0, -65519.0f * 8.0f, 65520.0f * 8.0f}};
    (void)state;
    for (size_t way = 0; way < 4; way++) {
        clq_file_request request = request_of(EDGES[way / 2].type);
        model before = {0};
        model after = {0};
        clq_error error = {0};
        size_t length;
        uint8_t *file;
        edge = way % 2 == 0 ? EDGES[way / 2].last : EDGES[way / 2].beyond;
        gguf_model_add_both(&before, &after, "a.weight", F32, "w2 q64 q4", 256, EDGES[way / 2].type, at_the_edge);
        file = gguf_model_file(&before, "q0", &length);
        scratch_write("in.gguf", file, length);
        for (int dry_run = 0; dry_run < 2; dry_run++) {
            request.dry_run = dry_run;
            request.replace = 1;
            assert_int_equal(quantize(check_reference(), &request, NULL, &error),
                             way % 2 == 0 ? CLQ_OK : CLQ_NONFINITE);
            assert_true(way % 2 == 0 || strstr(error.message, "tensor 'a.weight': block 2 has elements from ") != NULL);
        }
        free(file);
        gguf_model_release(&before);
        gguf_model_release(&after);
    }
}

/* Its output may be in another part, and its keys are in the first alone. */
static void a_part_of_a_model_is_refused(void **state)
{
    clq_file_request request = request_of(Q8_0);
    clq_error error = {0};
    uint64_t seed = 1;
    (void)state;
    gguf_file_write("in.gguf", "r:GGUF w3 q1 q1 s:split.count w2 b2 b0 s:a.weight w2 q32 q2 w0 q0 @32 d256", &seed);
    assert_int_equal(quantize(check_reference(), &request, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "in.gguf: is one of 2 parts of a model; a whole one is required"));
    gguf_file_write("in.gguf", "r:GGUF w3 q1 q1 s:split.count w2 b1 b0 s:a.weight w2 q32 q2 w0 q0 @32 d256", &seed);
    assert_int_equal(quantize(check_reference(), &request, NULL, &error), CLQ_OK);
}

/* ---- a fault between the codes and the file ---- */

/* What puts blocks together, which the linker has here in its place (CMakeLists.txt). */
void __real_clq_block_pack(clq_block_type type, const int8_t *codes, float scale, uint8_t *block);
void __wrap_clq_block_pack(clq_block_type type, const int8_t *codes, float scale, uint8_t *block);

static struct {
    uint64_t calls, first, last; /* blocks that are spoiled, by number; none where last is 0 */
    size_t byte;
} spoiled;

void __wrap_clq_block_pack(clq_block_type type, const int8_t *codes, float scale, uint8_t *block)
{
    const uint64_t number = spoiled.calls++;
    __real_clq_block_pack(type, codes, scale, block);
    if (number >= spoiled.first && number < spoiled.last) {
        block[spoiled.byte] ^= 0x10;
    }
}

/* Bytes of the scale, of the first code and of the last: one block is found by `all`, and many by the sample. */
static void spoiled_blocks_are_not_written(void **state)
{
    static const struct {
        clq_file_check check;
        uint64_t first, last;
        clq_status status;
    } EACH[] = {{CLQ_CHECK_ALL, 2077, 2078, CLQ_MISMATCH},
                {CLQ_CHECK_SAMPLE, 0, 3000, CLQ_MISMATCH},
                {CLQ_CHECK_SAMPLE, 1024, 2048, CLQ_MISMATCH}, /* as many as one run of the sample is drawn from */
                {CLQ_CHECK_NONE, 2077, 2078, CLQ_OK}};        /* a fault it is */
    static const unsigned TYPES[] = {Q8_0, Q4_0};
    (void)state;
    for (size_t way = 0; way < 2 * 3; way++) {
        const unsigned to = TYPES[way % 2];
        const size_t last_byte = to == Q8_0 ? 33 : 17;
        clq_file_request request = request_of(to);
        model before = {0};
        model after = {0};
        size_t length;
        uint8_t *file;
        gguf_model_add_both(&before, &after, "a.weight", F16, "w2 q64 q1500", (size_t)ROWS * COLUMNS, to, normal);
        file = gguf_model_file(&before, "q0", &length);
        scratch_write("in.gguf", file, length);
        for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
            clq_error error = {0};
            spoiled.calls = 0;
            spoiled.first = EACH[i].first;
            spoiled.last = EACH[i].last;
            spoiled.byte = way / 2 == 0 ? 1 : way / 2 == 1 ? 2 : last_byte;
            request.check = EACH[i].check;
            request.replace = 1;
            scratch_remove(request.output);
            assert_int_equal(quantize(check_reference(), &request, NULL, &error), EACH[i].status);
            assert_true(spoiled.calls > spoiled.first);
            assert_int_equal(access(request.output, F_OK) == 0, EACH[i].status == CLQ_OK);
            assert_true(EACH[i].status == CLQ_OK || strstr(error.message, "tensor 'a.weight': ") != NULL);
            assert_true(i != 0 || strstr(error.message, way / 2 == 0   ? "the scale of block 2077 is"
                                                        : way / 2 == 2 ? "element 66495 is"
                                                        : to == Q8_0   ? "element 66464 is"
                                                                       : "element 66480 is") != NULL);
        }
        spoiled.last = 0;
        free(file);
        gguf_model_release(&before);
        gguf_model_release(&after);
    }
}

/* ---- what is told ---- */

/* Scales are those of the file, and errors those that its reader gets. */
static void a_report_tells_what_the_file_holds(void **state)
{
    static const unsigned TYPES[] = {Q8_0, Q4_0};
    (void)state;
    for (size_t way = 0; way < 2; way++) {
        const size_t block_bytes = way == 0 ? 34 : 18;
        clq_file_request request = request_of(TYPES[way]);
        clq_file_report *report = NULL;
        const clq_file_tensor *told;
        model before = {0};
        model after = {0};
        size_t length;
        uint8_t *file;
        double worst = 0;
        gguf_model_add_both(&before, &after, "a.weight", F32, "w2 q64 q60", 3840, TYPES[way], element_of);
        file = gguf_model_file(&before, "q0", &length);
        scratch_write("in.gguf", file, length);
        request.details = CLQ_FILE_PARAMETERS;
        assert_int_equal(quantize(check_reference(), &request, &report, NULL), CLQ_OK);
        assert_int_equal(report->checked_elements, 3840);
        told = &report->tensors[0];
        assert_string_equal(told->target.dtype, way == 0 ? "Q8_0" : "Q4_0");
        assert_int_equal(told->target.bytes, 120 * block_bytes);
        assert_int_equal(told->parameters, 120);
        for (size_t b = 0; b < 120; b++) {
            const uint8_t *block = after.tensors[0].data + b * block_bytes;
            const double d = gguf_half_value((uint16_t)(block[0] | block[1] << 8));
            assert_true((double)told->scale[b] == d);
            for (size_t i = 0; i < BLOCK; i++) {
                const int code = way == 0 ? (int8_t)block[2 + i] : (block[2 + i % 16] >> (i < 16 ? 0 : 4) & 15) - 8;
                float x;
                memcpy(&x, before.tensors[0].data + 4 * (b * BLOCK + i), sizeof x);
                const double error = /* by fmax gcc 12.2 for ARM ends with an internal error */
                    fabs((double)x - (double)((float)d * (float)code));
                worst = error > worst ? error : worst;
            }
        }
        assert_true(told->measured && told->errors.maximum == worst);
        clq_file_report_destroy(&report);
        free(file);
        gguf_model_release(&before);
        gguf_model_release(&after);
    }
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(files_hold_the_blocks_of_ggml),    cmocka_unit_test(what_is_not_finite_is_refused_or_left_out),
    cmocka_unit_test(scales_beyond_a_half_are_refused), cmocka_unit_test(a_part_of_a_model_is_refused),
    cmocka_unit_test(spoiled_blocks_are_not_written),   cmocka_unit_test(a_report_tells_what_the_file_holds),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    code = check_main("gguf_blocks", TESTS, sizeof TESTS / sizeof TESTS[0]);
    scratch_end(NULL);
    return code;
}

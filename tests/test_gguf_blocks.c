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
#include "scratch.h"

enum { BLOCK = 32, COLUMNS = 64, ROWS = 1500, MOST_TENSORS = 10, F32 = 0, F16 = 1, Q4_0 = 2, Q8_0 = 8, BF16 = 30 };

/* ---- the rules, once more ---- */

/* To nearest, ties to even, by counting units; beyond the largest it is infinity. */
static uint16_t nearest_half(double value)
{
    const unsigned sign = signbit(value) ? 0x8000u : 0;
    const double magnitude = fabs(value);
    const int exponent = magnitude < 0x1p-14 ? -14 : ilogb(magnitude);
    const unsigned units = (unsigned)nearbyint(ldexp(fmin(magnitude, 65536.0), 10 - (exponent > 16 ? 16 : exponent)));
    const unsigned bits =
        units < 1024 ? units : units - 1024 + ((unsigned)(exponent > 16 ? 16 : exponent) + 15u) * 1024;
    return (uint16_t)(sign | (bits > 0x7C00 ? 0x7C00 : bits));
}

static double half_value(uint16_t half)
{
    const unsigned exponent = half >> 10 & 31u;
    const double fraction = half & 1023u;
    const double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, (int)exponent - 25);
    return half & 0x8000u ? -magnitude : magnitude;
}

static void put_half(uint8_t *out, double value)
{
    const uint16_t half = nearest_half(value);
    out[0] = (uint8_t)half;
    out[1] = (uint8_t)(half >> 8);
}

static void make_q8_0(const float *x, uint8_t *out)
{
    float amax = 0;
    float d, r;
    for (size_t i = 0; i < BLOCK; i++) {
        amax = isfinite(x[i]) && fabsf(x[i]) > amax ? fabsf(x[i]) : amax;
    }
    d = (float)((double)amax / 127.0);
    r = d > 0 ? (float)(1.0 / (double)d) : 0;
    put_half(out, (double)d);
    for (size_t i = 0; i < BLOCK; i++) {
        const double y = isinf(x[i]) ? copysign(127, (double)x[i]) : (double)(float)((double)x[i] * (double)r);
        out[2 + i] = (uint8_t)(isnan(x[i]) ? -127 : (int)copysign(floor(fabs(y) + 0.5), y));
    }
}

static void make_q4_0(const float *x, uint8_t *out)
{
    float largest = 0;
    float d, r;
    memset(out, 0, 18);
    for (size_t i = 0; i < BLOCK; i++) {
        largest = isfinite(x[i]) && fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
    }
    d = (float)((double)largest / -8.0);
    r = d != 0 ? (float)(1.0 / (double)d) : 0;
    put_half(out, (double)d);
    for (size_t i = 0; i < BLOCK; i++) {
        const double y = isinf(x[i]) ? (r != 0 ? copysign(100, (double)x[i] * (double)r) : (double)NAN)
                                     : (double)(float)((double)x[i] * (double)r);
        const double q = isnan(y) ? 0 : fmin(15, trunc((double)(float)(y + 8.5)));
        out[2 + i % 16] |= (uint8_t)((unsigned)fmax(q, 0) << (i < 16 ? 0 : 4));
    }
}

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

typedef struct tensor {
    const char *name;
    unsigned type;
    const char *dims; /* rank and dimensions, as words */
    uint8_t *data;
    size_t bytes, elements;
} tensor;

typedef struct model {
    tensor tensors[MOST_TENSORS];
    size_t count;
} model;

/* Store as `type`, and let *x be what was stored. */
static void store(unsigned type, float *x, uint8_t *out)
{
    uint32_t bits;
    if (type == F16) {
        put_half(out, (double)*x);
        *x = isfinite(*x) ? (float)half_value((uint16_t)(out[0] | out[1] << 8)) : *x;
        return;
    }
    memcpy(&bits, x, sizeof bits);
    if (type == BF16) {
        bits &= 0xFFFF0000u;
        memcpy(x, &bits, sizeof bits);
        bits >>= 16;
    }
    memcpy(out, &bits, type == BF16 ? 2 : 4);
}

static tensor *add(model *m, const char *name, unsigned type, const char *dims, size_t bytes)
{
    tensor *t = &m->tensors[m->count++];
    *t = (tensor){name, type, dims, calloc(bytes + 1, 1), bytes, 0};
    assert_non_null(t->data);
    return t;
}

/* A tensor of floats into `before`, and what it becomes into `after`: blocks of type `to`, or the same. */
static void add_both(model *before, model *after, const char *name, unsigned type, const char *dims, size_t elements,
                     unsigned to, float (*element)(uint64_t block, size_t i))
{
    const size_t each = type == F32 ? 4 : 2;
    const size_t block_bytes = to == Q8_0 ? 34 : 18;
    tensor *x = add(before, name, type, dims, elements * each);
    tensor *y = add(after, name, to, dims, to == type ? elements * each : elements / BLOCK * block_bytes);
    x->elements = y->elements = elements;
    for (size_t first = 0; first < elements; first += BLOCK) {
        float block[BLOCK];
        for (size_t i = 0; i < BLOCK && first + i < elements; i++) {
            block[i] = element(first / BLOCK, i);
            store(type, &block[i], x->data + (first + i) * each);
        }
        if (to == Q8_0) {
            make_q8_0(block, y->data + first / BLOCK * block_bytes);
        } else if (to == Q4_0) {
            make_q4_0(block, y->data + first / BLOCK * block_bytes);
        }
    }
    if (to == type) {
        memcpy(y->data, x->data, x->bytes);
    }
}

/* The file of a model, malloc'ed: `keys` are their number and they, as words. */
static uint8_t *make_file(const model *m, const char *keys, size_t *length)
{
    char text[4096];
    size_t used = (size_t)snprintf(text, sizeof text, "r:GGUF w3 q%zu %s", m->count, keys);
    uint64_t seed = 0;
    size_t header;
    size_t at = 0;
    uint8_t *file;
    for (size_t i = 0; i < m->count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " s:%s %s w%u q%zu", m->tensors[i].name,
                                 m->tensors[i].dims, m->tensors[i].type, at);
        at += (m->tensors[i].bytes + 31) / 32 * 32;
    }
    snprintf(text + used, sizeof text - used, " @32 z%zu", at);
    file = gguf_file_make(text, &seed, length);
    header = *length - at;
    at = 0;
    for (size_t i = 0; i < m->count; i++) {
        memcpy(file + header + at, m->tensors[i].data, m->tensors[i].bytes);
        at += (m->tensors[i].bytes + 31) / 32 * 32;
    }
    return file;
}

static void release(model *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->tensors[i].data);
    }
    m->count = 0;
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
        add_both(&before, &after, "a.weight", type, "w2 q64 q1500", (size_t)ROWS * COLUMNS, to, element_of);
        add_both(&before, &after, "a_norm.weight", F32, "w1 q64", 64, F32, normal);
        add_both(&before, &after, "experts.weight", type, "w3 q32 q3 q5", 480, to, element_of);
        add_both(&before, &after, "b.ffn_gate_inp.weight", type, "w2 q64 q4", 256, type, normal);
        add_both(&before, &after, "c.bias", type, "w2 q32 q1", 32, type, normal);
        add_both(&before, &after, "odd.weight", type, "w2 q33 q2", 66, type, normal);
        add_both(&before, &after, "none.weight", type, "w2 q32 q0", 0, type, normal);
        add_both(&before, &after, "output.weight", type, "w2 q32 q5", 160, Q8_0, element_of);
        memset(add(&before, "k.weight", 12, "w1 q256", 144)->data, 'k', 144);
        memset(add(&after, "k.weight", 12, "w1 q256", 144)->data, 'k', 144);
        file = make_file(&before, KEYS_BEFORE, &length);
        scratch_write("in.gguf", file, length);
        want = make_file(&after, to == Q8_0 ? KEYS_AFTER("7") : KEYS_AFTER("2"), &want_length);
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
        release(&before);
        release(&after);
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
        add_both(&before, &after, "a.weight", F32, "w2 q64 q4", 256, to, with_infinities);
        file = make_file(&before, "q0", &length);
        scratch_write("in.gguf", file, length);
        want = make_file(&after,
                         to == Q8_0 ? "q2 s:general.file_type w4 w7 s:general.quantization_version w4 w2"
                                    : "q2 s:general.file_type w4 w2 s:general.quantization_version w4 w2",
                         &want_length);
        assert_int_equal(quantize(contexts[way / 2], &request, NULL, NULL), CLQ_NONFINITE);
        assert_int_equal(access(request.output, F_OK), -1);
        request.ignore_nonfinite = 1;
        check_file(contexts[way / 2], &request, want, want_length);
        free(file);
        free(want);
        release(&before);
        release(&after);
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
        add_both(&before, &after, "a.weight", F32, "w2 q64 q4", 256, EDGES[way / 2].type, at_the_edge);
        file = make_file(&before, "q0", &length);
        scratch_write("in.gguf", file, length);
        for (int dry_run = 0; dry_run < 2; dry_run++) {
            request.dry_run = dry_run;
            request.replace = 1;
            assert_int_equal(quantize(check_reference(), &request, NULL, &error),
                             way % 2 == 0 ? CLQ_OK : CLQ_NONFINITE);
            assert_true(way % 2 == 0 || strstr(error.message, "tensor 'a.weight': block 2 has elements from ") != NULL);
        }
        free(file);
        release(&before);
        release(&after);
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
        add_both(&before, &after, "a.weight", F32, "w2 q64 q60", 3840, TYPES[way], element_of);
        file = make_file(&before, "q0", &length);
        scratch_write("in.gguf", file, length);
        request.details = CLQ_FILE_PARAMETERS;
        assert_int_equal(quantize(check_reference(), &request, &report, NULL), CLQ_OK);
        told = &report->tensors[0];
        assert_string_equal(told->target.dtype, way == 0 ? "Q8_0" : "Q4_0");
        assert_int_equal(told->target.bytes, 120 * block_bytes);
        assert_int_equal(told->parameters, 120);
        for (size_t b = 0; b < 120; b++) {
            const uint8_t *block = after.tensors[0].data + b * block_bytes;
            const double d = half_value((uint16_t)(block[0] | block[1] << 8));
            assert_true((double)told->scale[b] == d);
            for (size_t i = 0; i < BLOCK; i++) {
                const int code = way == 0 ? (int8_t)block[2 + i] : (block[2 + i % 16] >> (i < 16 ? 0 : 4) & 15) - 8;
                float x;
                memcpy(&x, before.tensors[0].data + 4 * (b * BLOCK + i), sizeof x);
                worst = fmax(worst, fabs((double)x - (double)((float)d * (float)code)));
            }
        }
        assert_true(told->measured && told->errors.maximum == worst);
        clq_file_report_destroy(&report);
        free(file);
        release(&before);
        release(&after);
    }
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(files_hold_the_blocks_of_ggml),      cmocka_unit_test(what_is_not_finite_is_refused_or_left_out),
    cmocka_unit_test(scales_beyond_a_half_are_refused),   cmocka_unit_test(a_part_of_a_model_is_refused),
    cmocka_unit_test(a_report_tells_what_the_file_holds),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    code = check_main("gguf_blocks", TESTS, sizeof TESTS / sizeof TESTS[0]);
    scratch_end(NULL);
    return code;
}

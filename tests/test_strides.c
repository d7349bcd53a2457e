/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strided tensors: every operation gives the bytes that it gives for the same tensor without gaps, element by element,
 * and leaves what lies between elements as it was; strides that cannot be are refused by name. Where an element lies is
 * computed by strided_case.c, by the definition of clq_strides.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "inputs.h"
#include "refusal.h"
#include "strided_case.h"

enum { GUARD = 0xAA }; /* between elements of outputs, as check_run leaves it there */

/* ---- one case ---- */

/* The strided case beside the dense one; its inputs are owned. */
static check_case strided_of(const check_case *dense, const clq_strides *reals, const clq_strides *codes)
{
    check_case c = *dense;
    c.q.real_strides = *reals;
    c.q.code_strides = *codes;
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        if (strided_has((check_operand)o) && dense->in[o] != NULL) {
            c.in[o] = strided_spread(&c, (check_operand)o, dense->in[o], STRIDED_GAP);
        }
    }
    return c;
}

/* The very bytes of each output, gaps with them. */
static void compare(const check_case *c, const char *where, const check_result *want, const check_result *got)
{
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        if (want->out[o] != NULL) {
            const int is_tensor = strided_has((check_operand)o);
            const uint64_t bytes = check_operand_bytes(c, (check_operand)(c->in_place ? CHECK_X : o));
            unsigned char *expected =
                is_tensor ? strided_spread(c, (check_operand)o, want->out[o], c->in_place ? STRIDED_GAP : GUARD) : NULL;
            const unsigned char *is = got->out[o];
            const unsigned char *should = is_tensor ? expected : want->out[o];
            for (uint64_t i = 0; i < bytes; i++) {
                if (is[i] != should[i]) {
                    check_print_case(c, where);
                    check_print("    byte %" PRIu64 " of output %d is 0x%02x, 0x%02x is right", i, o, is[i], should[i]);
                    fail_msg("%s differs on %s", c->name, where);
                }
            }
            free(expected);
        }
    }
}

static void check_on(clq_context *context, const char *where, const check_case *c, const check_result *want)
{
    check_result got;
    check_run(context, where, c, &got);
    compare(c, where, want, &got);
    check_result_free(&got);
}

/* Whether the device has a kernel for it; if not, it says so. */
static int is_taken(const check_case *c)
{
    clq_plan plan;
    clq_error error;
    const clq_status status = clq_plan_operation(check_device(), c->operation, &c->q, &plan, &error);
    if (status != CLQ_OK) {
        refusal_check(status, CLQ_UNSUPPORTED, &error, "strides were given", __FILE__, __LINE__);
    }
    return status == CLQ_OK;
}

static void check_device_once(const char *where, const char *kernel, const check_case *c, const check_result *want)
{
    const int before = check_kernels_set_aside();
    check_on(check_device(), where, c, want);
    check_count_run(clq_operation_name(c->operation), kernel);
    assert_int_equal(check_kernels_set_aside(), before);
}

/* By each set of instructions, and by the reference what none has loops for. */
static void check_native(const check_case *c, const check_result *want)
{
    clq_error error;
    for (size_t v = 0; v < check_variant_count(); v++) {
        clq_plan plan;
        char where[64];
        check_ok(clq_context_force_variant(check_device(), check_variant(v), &error), &error, "a set of instructions");
        check_ok(clq_plan_operation(check_device(), c->operation, &c->q, &plan, &error), &error, "clq_plan_operation");
        snprintf(where, sizeof where, "native, %s", plan.variant);
        check_device_once(where, plan.variant, c, want);
    }
    check_ok(clq_context_force_variant(check_device(), NULL, &error), &error, "the best set");
}

/* `c` is the dense case, of any operation, without inputs. */
static void check_strides(check_case *c, const clq_strides *reals, const clq_strides *codes)
{
    check_result want;
    check_case strided;
    inputs_case(c, INPUTS_PLAIN, INPUTS_MIXED);
    check_run(check_reference(), "reference, dense", c, &want);
    strided = strided_of(c, reals, codes);
    check_on(check_reference(), "reference", &strided, &want);
    if (check_device() != NULL && check_device_is_native()) {
        check_native(&strided, &want);
    } else if (check_device() != NULL && is_taken(&strided)) {
        check_device_once("device", "runs", &strided, &want);
    }
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        if (strided_has((check_operand)o) && strided.in[o] != NULL) {
            free((void *)strided.in[o]);
        }
    }
    check_result_free(&want);
    inputs_free(c);
}

/* ---- given layouts ---- */

typedef struct given {
    const char *name;
    clq_layout layout;
    clq_strides reals, codes;
} given;

#define SHAPE2(a, b) .rank = 2, .shape = {a, b}
#define SHAPE3(a, b, c) .rank = 3, .shape = {a, b, c}
#define SHAPE4(a, b, c, d) .rank = 4, .shape = {a, b, c, d}

static const given layouts[] = {
    {"columns of an image", {SHAPE2(37, 300)}, {.stride = {512, 1}}, {.stride = {512, 1}}},
    {"columns, other pitches", {SHAPE2(37, 300)}, {.stride = {301, 1}}, {.stride = {332, 1}}},
    {"columns to dense rows", {SHAPE2(19, 1030)}, {.stride = {2048, 1}}, {{0}, 0, 0, 0}},
    {"dense rows to columns", {SHAPE2(19, 1030)}, {{0}, 0, 0, 0}, {.stride = {1040, 1}}},
    {"columns, a parameter a row",
     {SHAPE2(70, 129), .granularity = CLQ_PER_CHANNEL, .axis = 0},
     {.stride = {131, 1}},
     {.stride = {160, 1}}},
    {"columns, a parameter each",
     {SHAPE2(70, 70), .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {.stride = {99, 1}},
     {.stride = {72, 1}}},
    {"columns in groups",
     {SHAPE2(33, 300), .granularity = CLQ_PER_GROUP, .group_size = 76},
     {.stride = {305, 1}},
     {.stride = {300, 1}}},
    {"columns in bands",
     {SHAPE2(33, 34), .granularity = CLQ_PER_BLOCK, .axis = 0, .group_size = 4},
     {.stride = {41, 1}},
     {.stride = {40, 1}}},
    {"a box",
     {SHAPE3(5, 9, 130), .granularity = CLQ_PER_CHANNEL, .axis = 0},
     {.stride = {5000, 140, 1}},
     {.stride = {1170, 130, 1}}},
    {"NHWC as NCHW, to NCHW",
     {SHAPE4(2, 5, 7, 9), .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {.stride = {320, 1, 45, 5}},
     {{0}, 0, 0, 0}},
    {"transposed", {SHAPE2(40, 50)}, {.stride = {1, 40}}, {.stride = {50, 1}}},
    {"rows in another order", {SHAPE3(3, 40, 30)}, {.stride = {30, 90, 1}}, {.stride = {1200, 30, 1}}},
    {"every other element", {SHAPE2(8, 250)}, {.stride = {600, 2}}, {.stride = {750, 3}}},
    {"NC4HW4, ragged",
     {SHAPE4(2, 7, 5, 6), .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {.axis = 1, .block = 4},
     {.axis = 1, .block = 4}},
    {"NCHW to NC4HW4",
     {SHAPE4(1, 6, 9, 11), .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {{0}, 0, 0, 0},
     {.stride = {800, 400, 44, 4}, .axis = 1, .block = 4, .lane = 1}},
    {"NC4HW4 with rows apart to columns",
     {SHAPE4(2, 3, 4, 10), .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {.stride = {200, 200, 48, 4}, .axis = 1, .block = 4, .lane = 1},
     {.stride = {160, 48, 12, 1}}},
    {"blocks of the last dimension",
     {SHAPE2(30, 19), .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {.axis = 1, .block = 8},
     {.stride = {20, 1}}},
    {"rows longer than a block, each odd", {SHAPE2(9, 1303)}, {.stride = {1400, 1}}, {.stride = {1331, 1}}},
    {"long rows, a parameter each column",
     {SHAPE2(9, 610), .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {.stride = {640, 1}},
     {.stride = {612, 1}}},
    {"long rows in another order",
     {SHAPE3(40, 3, 700), .granularity = CLQ_PER_CHANNEL, .axis = 0},
     {.stride = {704, 28160, 1}},
     {.stride = {2112, 704, 1}}},
    {"rows of a vector at odd places", {SHAPE2(83, 16)}, {.stride = {19, 1}}, {.stride = {18, 1}}},
    {"rows one less than a turn", {SHAPE2(41, 31)}, {.stride = {33, 1}}, {.stride = {32, 1}}},
    {"rows of a turn", {SHAPE2(41, 32)}, {.stride = {37, 1}}, {.stride = {32, 1}}},
    {"rows one more than a turn", {SHAPE2(43, 33)}, {.stride = {35, 1}}, {.stride = {41, 1}}},
    {"slabs of three rows, and of five",
     {SHAPE4(3, 5, 3, 36)},
     {.stride = {900, 150, 37, 1}},
     {.stride = {700, 130, 40, 1}}},
    {"rows as long as are read by turns", {SHAPE3(2, 5, 4096)}, {.stride = {22000, 4099, 1}}, {{0}, 0, 0, 0}},
    {"longer rows", {SHAPE2(5, 4097)}, {.stride = {4100, 1}}, {{0}, 0, 0, 0}},
    {"one element", {.rank = 0}, {{0}, 0, 0, 0}, {{0}, 0, 0, 0}},
    {"one row", {SHAPE2(1, 100)}, {.stride = {7, 1}}, {.stride = {300, 1}}},
    {"no rows", {SHAPE2(0, 100)}, {.stride = {128, 1}}, {.stride = {128, 1}}},
};

static const clq_operation operations[] = {CLQ_OP_QUANTIZE,  CLQ_OP_DEQUANTIZE,  CLQ_OP_FAKE_QUANTIZE,   CLQ_OP_MINMAX,
                                           CLQ_OP_HISTOGRAM, CLQ_OP_MERGE_RANGE, CLQ_OP_DYNAMIC_QUANTIZE};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static int takes_type(const clq_layout *layout, const clq_strides *codes, clq_dtype dtype)
{
    uint64_t span;
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout = *layout;
    q.code_strides = *codes;
    inputs_scheme(&q.scheme, dtype, 0);
    return clq_strides_span(layout, codes, &span, NULL) == CLQ_OK && clq_quantization_check(&q, NULL) == CLQ_OK;
}

static void check_all(const char *name, const clq_layout *layout, const clq_strides *reals, const clq_strides *codes,
                      uint64_t turn)
{
    for (size_t k = 0; k < OPERATIONS; k++) {
        const clq_dtype dtype = inputs_code_types[(turn + k) % INPUTS_CODES];
        check_case c;
        check_case_init(&c, name, operations[k]);
        c.q.layout = *layout;
        c.q.real = inputs_real_types[(turn + k) % INPUTS_REALS];
        c.in_place = operations[k] == CLQ_OP_FAKE_QUANTIZE && turn % 2 == 1;
        inputs_scheme(&c.q.scheme, takes_type(layout, codes, dtype) ? dtype : CLQ_S8,
                      (unsigned)(turn % INPUTS_OPTIONS));
        check_strides(&c, reals, codes);
    }
}

static void given_layouts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        for (uint64_t turn = 0; turn<INPUTS_CODES; turn += check_stride()> 1 ? 5 : 1) {
            check_all(layouts[i].name, &layouts[i].layout, &layouts[i].reals, &layouts[i].codes, turn);
        }
    }
    check_needs_device();
}

/* ---- drawn layouts ---- */

/* Nested strides in a random order of dimensions, some with gaps, the last one more often than not the innermost. */
static clq_strides draw(const clq_layout *layout, int blocks)
{
    clq_strides s;
    uint32_t order[CLQ_MAX_RANK];
    uint64_t span = check_chance(4) ? 1 + check_below(3) : 1;
    memset(&s, 0, sizeof s);
    if (check_chance(6)) {
        return s;
    }
    for (uint32_t d = 0; d < layout->rank; d++) {
        order[d] = layout->rank - 1 - d;
    }
    for (uint32_t d = layout->rank; check_chance(2) && d-- > 1;) {
        const uint32_t other = (uint32_t)check_below(d + 1);
        const uint32_t kept = order[d];
        order[d] = order[other];
        order[other] = kept;
    }
    if (blocks) {
        s.axis = (uint32_t)check_below(layout->rank);
        s.block = (uint32_t)(2 + check_below(7));
        s.lane = span;
        span *= s.block;
    }
    for (uint32_t k = 0; k < layout->rank; k++) {
        const uint32_t d = order[k];
        const uint64_t extent = blocks && d == s.axis ? (layout->shape[d] + s.block - 1) / s.block : layout->shape[d];
        s.stride[d] = span + (check_chance(2) ? check_below(20) : 0);
        span = s.stride[d] * extent;
    }
    return s;
}

static void drawn_layouts(void **state)
{
    (void)state;
    for (uint64_t turn = 0; turn < 300 / (uint64_t)check_stride() + 20; turn++) {
        clq_layout layout = inputs_layout_small();
        const int is_long = layout.rank > 0 && layout.granularity != CLQ_PER_BLOCK && check_chance(3);
        clq_strides reals;
        clq_strides codes;
        if (layout.rank == 0) {
            continue;
        }
        layout.shape[layout.rank - 1] *= is_long ? 1 + check_below(9) : 1;
        reals = draw(&layout, check_chance(4));
        codes = draw(&layout, check_chance(4));
        check_all("drawn", &layout, &reals, &codes, turn);
    }
    check_needs_device();
}

/* ---- refusals ---- */

static clq_quantization described(uint64_t rows, uint64_t columns)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = rows;
    q.layout.shape[1] = columns;
    return q;
}

static void refusals(void **state)
{
    clq_quantization q = described(10, 100);
    uint64_t span = 0;
    (void)state;
    q.real_strides = (clq_strides){.stride = {99, 1}};
    REFUSED(CLQ_INVALID_ARGUMENT, "real_strides: the stride of dimension 0 is 99 for 10 indices, 100 or more is needed",
            clq_quantization_check(&q, e));
    q.real_strides = (clq_strides){.stride = {100, 0}};
    REFUSED(CLQ_INVALID_ARGUMENT, "dimension 1 is 0 for 100 indices, 1 or more", clq_quantization_check(&q, e));
    q.real_strides = (clq_strides){.stride = {UINT64_MAX / 4, 1}};
    REFUSED(CLQ_INVALID_ARGUMENT, "beyond 63 bits", clq_quantization_check(&q, e));
    q.real_strides = (clq_strides){.axis = 2, .block = 4};
    REFUSED(CLQ_INVALID_ARGUMENT, "axis is 2, blocks of a tensor of rank 2", clq_quantization_check(&q, e));
    q.real_strides = (clq_strides){.stride = {100, 2}, .axis = 1, .block = 2, .lane = 0};
    REFUSED(CLQ_INVALID_ARGUMENT, "the lane of the blocks of dimension 1 is 0", clq_quantization_check(&q, e));
    q.real_strides = (clq_strides){.stride = {200, 4}, .axis = 1, .block = 4, .lane = 2};
    REFUSED(CLQ_INVALID_ARGUMENT, "dimension 1 is 4 for 25 indices, 7 or more", clq_quantization_check(&q, e));
    q = described(10, 100);
    q.code_strides = (clq_strides){.stride = {64, 1}};
    REFUSED(CLQ_INVALID_ARGUMENT, "code_strides: the stride of dimension 0 is 64", clq_quantization_check(&q, e));
    inputs_scheme(&q.scheme, CLQ_U4, 0);
    q.code_strides = (clq_strides){.stride = {101, 1}};
    REFUSED(CLQ_INVALID_ARGUMENT, "dimension 0 is 101, 4-bit codes need an even one", clq_quantization_check(&q, e));
    q.code_strides = (clq_strides){.stride = {200, 2}};
    REFUSED(CLQ_INVALID_ARGUMENT, "100 elements with stride 2, 4-bit codes need", clq_quantization_check(&q, e));
    q.code_strides = (clq_strides){.axis = 1, .block = 4};
    REFUSED(CLQ_INVALID_ARGUMENT, "blocks of 4-bit codes", clq_quantization_check(&q, e));
    q = described(10, 99);
    inputs_scheme(&q.scheme, CLQ_S4, 0);
    q.code_strides = (clq_strides){.stride = {100, 1}};
    REFUSED(CLQ_INVALID_ARGUMENT, "99 elements with stride 1, 4-bit codes need an even number",
            clq_quantization_check(&q, e));
    q.code_strides = (clq_strides){.stride = {99, 1}}; /* dense */
    ACCEPTED(clq_quantization_check(&q, e));
    q.real_strides = (clq_strides){.stride = {128, 1}};
    ACCEPTED(clq_strides_span(&q.layout, &q.real_strides, &span, e));
    assert_int_equal(span, 9 * 128 + 99);
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_strides_span(NULL, &q.real_strides, &span, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_strides_span(&q.layout, NULL, &span, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "must not be NULL", clq_strides_span(&q.layout, &q.real_strides, NULL, e));
    q.real_strides = (clq_strides){.stride = {12, 1}};
    REFUSED(CLQ_INVALID_ARGUMENT, "12 for 10 indices", clq_strides_span(&q.layout, &q.real_strides, &span, e));
}

/* ---- operands that share bytes, or are too small ---- */

typedef struct image {
    clq_context *context;
    clq_buffer *bytes, *parameters;
} image;

static clq_status fake(const image *m, const clq_quantization *q, uint64_t x, uint64_t y, clq_error *error)
{
    const clq_operand source = {m->bytes, x};
    const clq_operand target = {m->bytes, y};
    const clq_operand scale = {m->parameters, 0};
    const clq_operand zero_point = {m->parameters, 1};
    return clq_fake_quantize(m->context, q, source, scale, zero_point, target, error);
}

/* Left and right half of one image lie between each other's rows. */
static void overlaps_on(clq_context *context)
{
    clq_quantization q = described(20, 50);
    const float parameters[2] = {1.0f, 0.0f};
    static const float zeros[20 * 100];
    image m = {context, NULL, NULL};
    q.real_strides = (clq_strides){.stride = {100, 1}};
    ACCEPTED(clq_buffer_create(context, sizeof zeros, &m.bytes, e));
    ACCEPTED(clq_buffer_write(m.bytes, 0, zeros, sizeof zeros, e));
    ACCEPTED(clq_buffer_create(context, sizeof parameters, &m.parameters, e));
    ACCEPTED(clq_buffer_write(m.parameters, 0, parameters, sizeof parameters, e));
    ACCEPTED(fake(&m, &q, 0, 50, e));
    ACCEPTED(fake(&m, &q, 0, 0, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "x and y overlap", fake(&m, &q, 0, 49, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "x and y overlap", fake(&m, &q, 1, 50, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "y needs 7800 bytes from offset 51", fake(&m, &q, 0, 51, e));
    clq_buffer_destroy(&m.bytes);
    clq_buffer_destroy(&m.parameters);
}

static void overlaps(void **state)
{
    check_case c = {.operation = CLQ_OP_FAKE_QUANTIZE, .q = described(2, 2)};
    (void)state;
    c.q.real_strides = (clq_strides){.stride = {3, 1}};
    overlaps_on(check_reference());
    if (check_device() != NULL && is_taken(&c)) {
        overlaps_on(check_device());
    }
    check_needs_device();
}

/* ---- the only one ---- */

enum { SLABS = 2, ROWS = 6, ROW = 300, PITCH = 350, SLAB = 2400, ALL = SLABS * SLAB };

/* native reads several runs at once: each element of them, and none between, can be the end of the range. */
static void every_element_counts(void **state)
{
    static float x[ALL];
    float range[2];
    clq_nonfinite nonfinite;
    clq_quantization q;
    clq_operand operands[3];
    void *const memory[3] = {x, range, &nonfinite};
    const uint64_t bytes[3] = {sizeof x, sizeof range, sizeof nonfinite};
    clq_error error;
    (void)state;
    if (check_device() == NULL || !check_device_is_native()) {
        return;
    }
    memset(x, STRIDED_GAP, sizeof x); /* huge */
    clq_quantization_init(&q);
    q.layout = (clq_layout){SHAPE3(SLABS, ROWS, ROW)};
    q.real_strides = (clq_strides){.stride = {SLAB, PITCH, 1}};
    for (int i = 0; i < 3; i++) {
        operands[i] = (clq_operand){NULL, 0};
        check_ok(clq_buffer_wrap(check_device(), memory[i], bytes[i], &operands[i].buffer, &error), &error, "wrap");
    }
    for (int i = 0; i < SLABS * ROWS * ROW; i++) {
        x[i / ROW / ROWS * SLAB + i / ROW % ROWS * PITCH + i % ROW] = 0.0f;
    }
    for (int i = 0; i < SLABS * ROWS * ROW; i++) {
        float *const one = &x[i / ROW / ROWS * SLAB + i / ROW % ROWS * PITCH + i % ROW];
        *one = 1.0f;
        check_ok(clq_minmax(check_device(), &q, operands[0], operands[1], operands[2], &error), &error, "clq_minmax");
        check_ok(clq_finish(check_device(), &error), &error, "clq_finish");
        if (range[0] != 0.0f || range[1] != 1.0f) {
            fail_msg("element %d: the range is %g to %g", i, (double)range[0], (double)range[1]);
        }
        *one = 0.0f;
    }
    for (int i = 0; i < 3; i++) {
        clq_buffer_destroy(&operands[i].buffer);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(given_layouts), cmocka_unit_test(drawn_layouts),        cmocka_unit_test(refusals),
    cmocka_unit_test(overlaps),      cmocka_unit_test(every_element_counts),
};

CHECK_MAIN("test_strides", tests)

/* SPDX-License-Identifier: Apache-2.0 */
/* clq_gemm: device == reference == oracle (docs/numerics.md, sections 5 and 6) for problems drawn in full. */
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "gemm_oracle.h"
#include "inputs_gemm.h"

static void random_problems(void **state)
{
    (void)state;
    for (int turn = 0; turn < 300; turn++) {
        check_gemm c;
        inputs_gemm_problem(&c, "random problem", turn % 10 == 0 ? 130 : 40);
        inputs_gemm_check(&c, (inputs_gemm_codes)(turn % INPUTS_GEMM_CODES),
                          turn % 3 == 0 ? INPUTS_GEMM_ANY : INPUTS_GEMM_WITHIN);
    }
    check_needs_device();
}

/* Figures that no code of the project had a part in. */
static void worked_example(void **state)
{
    static signed char a[] = {1, -2, 3, 4, 5, -128};          /* 2 x 3 */
    static unsigned char b[] = {7, 255, 0, 9, 128, 1};        /* 3 x 2 */
    static int32_t bias[] = {1000, -1000};                    /* sums without zero points: */
    static const int32_t plain[] = {1391, -760, -15356, -63}; /* 7 + 384, 255 - 18 + 3, 28 - 16384, 1020 + 45 - 128 */
    static int32_t a_zero_points[] = {1, -1};
    static int32_t b_zero_points[] = {0, 128};
    /* A - Za = {0, -3, 2, 5, 6, -127}, B - Zb = {7, 127, 0, -119, 128, -127} */
    static const int32_t shifted[] = {1256, -897, -15221, 15050};
    check_gemm c;
    check_gemm_result result;
    (void)state;
    check_gemm_init(&c, "worked example", 2, 2, 3);
    c.problem.b.dtype = CLQ_U8;
    c.problem.bias = CLQ_GEMM_PER_COLUMN;
    c.in[CHECK_GEMM_A] = a;
    c.in[CHECK_GEMM_B] = b;
    c.in[CHECK_GEMM_BIAS] = bias;
    check_gemm_everywhere(&c, &result);
    assert_memory_equal(result.c, plain, sizeof plain);
    check_gemm_result_free(&result);
    c.problem.a_zero_point = CLQ_GEMM_PER_ROW;
    c.problem.b_zero_point = CLQ_GEMM_PER_COLUMN;
    c.in[CHECK_GEMM_A_ZERO_POINT] = a_zero_points;
    c.in[CHECK_GEMM_B_ZERO_POINT] = b_zero_points;
    check_gemm_everywhere(&c, &result);
    assert_memory_equal(result.c, shifted, sizeof shifted);
    check_gemm_result_free(&result);
    check_needs_device();
}

/* ---- packed weights ---- */

static clq_buffer *buffer_of(clq_context *context, const void *bytes, uint64_t count)
{
    clq_buffer *buffer = NULL;
    clq_error error;
    check_ok(clq_buffer_create(context, count, &buffer, &error), &error, "clq_buffer_create");
    check_ok(clq_buffer_write(buffer, 0, bytes, count, &error), &error, "clq_buffer_write");
    return buffer;
}

/* A product of weights that were packed before, with operands of its own; 0 when a forced variant cannot run it. */
static int multiply_packed(clq_context *context, const check_gemm *c, const clq_gemm_weights *weights,
                           check_gemm_result *result)
{
    static const check_gemm_operand operands[] = {CHECK_GEMM_A, CHECK_GEMM_A_ZERO_POINT, CHECK_GEMM_BIAS};
    clq_operand given[3];
    clq_gemm_operands o;
    clq_error error;
    clq_status status;
    memset(given, 0, sizeof given);
    for (size_t i = 0; i < 3; i++) {
        const uint64_t bytes = check_gemm_bytes(c, operands[i], check_gemm_elements(c, operands[i]));
        if (bytes > 0) {
            given[i].buffer = buffer_of(context, c->in[operands[i]], bytes);
        }
    }
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = given[0];
    o.a_zero_point = given[1];
    o.bias = given[2];
    o.weights = weights;
    result->bytes = 4 * c->problem.m * c->problem.n;
    result->c = check_allocate(result->bytes);
    memset(result->c, 0x5A, (size_t)result->bytes);
    o.c.buffer = buffer_of(context, result->c, result->bytes);
    status = clq_gemm(context, &c->problem, &o, &error);
    if (status != CLQ_UNSUPPORTED) {
        check_ok(status, &error, c->name);
        check_ok(clq_buffer_read(o.c.buffer, 0, result->c, result->bytes, &error), &error, "clq_buffer_read");
    }
    clq_buffer_destroy(&o.c.buffer);
    for (size_t i = 0; i < 3; i++) {
        clq_buffer_destroy(&given[i].buffer);
    }
    return status == CLQ_OK;
}

/* A problem with dense s32 output and one batch, which these tests vary in m. */
static void draw_packable(check_gemm *c, uint64_t m)
{
    check_gemm_init(c, "packed weights", m, 1 + check_below(70), 1 + check_below(150));
    c->problem.a.dtype = inputs_gemm_code_type();
    c->problem.b.dtype = inputs_gemm_code_type();
    inputs_gemm_zero_points(c);
}

/* Pack what the case has as B, then overwrite and destroy B: the weights are on their own. */
static clq_gemm_weights *pack(clq_context *context, const check_gemm *c)
{
    const uint64_t b_bytes = check_gemm_elements(c, CHECK_GEMM_B);
    const uint64_t zero_bytes = 4 * check_gemm_elements(c, CHECK_GEMM_B_ZERO_POINT);
    unsigned char *garbage = check_allocate(b_bytes + zero_bytes);
    clq_operand b = {NULL, 0};
    clq_operand zero_point = {NULL, 0};
    clq_gemm_weights *weights = NULL;
    clq_error error;
    memset(garbage, 0x77, (size_t)(b_bytes + zero_bytes));
    b.buffer = buffer_of(context, c->in[CHECK_GEMM_B], b_bytes);
    if (zero_bytes > 0) {
        zero_point.buffer = buffer_of(context, c->in[CHECK_GEMM_B_ZERO_POINT], zero_bytes);
    }
    check_ok(clq_gemm_weights_create(context, &c->problem, b, zero_point, &weights, &error), &error,
             "clq_gemm_weights_create");
    assert_true(clq_gemm_weights_bytes(weights) >= b_bytes);
    check_ok(clq_buffer_write(b.buffer, 0, garbage, b_bytes, &error), &error, "clq_buffer_write");
    if (zero_bytes > 0) {
        check_ok(clq_buffer_write(zero_point.buffer, 0, garbage, zero_bytes, &error), &error, "clq_buffer_write");
    }
    clq_buffer_destroy(&b.buffer);
    clq_buffer_destroy(&zero_point.buffer);
    free(garbage);
    return weights;
}

/* Weights packed under one variant, or under none, serve every m under every other that takes them. */
static void serve_every_size(clq_context *context, const char *where, const char *packed_under)
{
    static const uint64_t sizes[] = {1, 2, 5, 16, 33, 100};
    check_gemm c;
    clq_gemm_weights *weights;
    clq_error error;
    draw_packable(&c, 100);
    inputs_gemm_fill(&c, INPUTS_GEMM_RANDOM, INPUTS_GEMM_ANY);
    check_ok(clq_context_force_variant(context, packed_under, &error), &error, "clq_context_force_variant");
    weights = pack(context, &c);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t variants = context == check_reference() ? 0 : check_gemm_variant_count();
        check_gemm_result want;
        c.problem.m = sizes[i];
        check_gemm_run(check_reference(), "reference", &c, &want);
        for (size_t v = 0; v <= variants; v++) {
            check_gemm_result got;
            const char *variant = v == variants ? NULL : check_gemm_variant(v);
            check_ok(clq_context_force_variant(context, variant, &error), &error, "clq_context_force_variant");
            if (multiply_packed(context, &c, weights, &got)) {
                check_gemm_same(&c, where, &want, &got);
            } else {
                assert_non_null(variant); /* the choice of the device is never refused */
            }
            check_gemm_result_free(&got);
        }
        check_gemm_result_free(&want);
    }
    clq_gemm_weights_destroy(&weights);
    clq_gemm_weights_destroy(&weights);
    assert_null(weights);
    inputs_gemm_free(&c);
}

static void weights_serve_every_size(void **state)
{
    (void)state;
    for (int turn = 0; turn < 12; turn++) {
        serve_every_size(check_reference(), "reference, weights packed for another m", NULL);
        if (check_device() != NULL) {
            serve_every_size(check_device(), "device, weights packed for another m", NULL);
            serve_every_size(check_device(), "device, weights packed under \"portable\" or \"plain\"",
                             check_device_is_native() ? "plain" : "portable");
        }
    }
    check_needs_device();
}

/* ---- sums of rows ---- */

/* Tall, wide and wrapping; check_gemm_everywhere compares the sums of every other case as well. */
static void row_sums(void **state)
{
    static const uint64_t shapes[][2] = {{1, 1}, {1, 70000}, {3, 4099}, {1000, 1}, {257, 100}, {64, 256}, {5, 0}};
    (void)state;
    for (size_t i = 0; i < 4 * sizeof shapes / sizeof shapes[0]; i++) {
        check_gemm c;
        check_gemm_init(&c, "row sums", shapes[i / 4][0], 2, shapes[i / 4][1]);
        c.problem.a.dtype = i % 2 == 0 ? CLQ_S8 : CLQ_U8;
        c.problem.b_zero_point = CLQ_GEMM_PER_COLUMN;
        inputs_gemm_layout(&c);
        inputs_gemm_check(&c, i % 4 < 2 ? INPUTS_GEMM_RANDOM : (inputs_gemm_codes)(INPUTS_GEMM_LEAST + i % 2),
                          INPUTS_GEMM_BEYOND);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(random_problems),
    cmocka_unit_test(worked_example),
    cmocka_unit_test(weights_serve_every_size),
    cmocka_unit_test(row_sums),
};

CHECK_MAIN("gemm", tests)

/* SPDX-License-Identifier: Apache-2.0 */
/* A caller who rounds upward and flushes subnormals, as engines do in some threads, gets the bytes that all others get,
 * and finds its floating-point environment as it was. */
#include "check_gemm.h"

#include <clquant/files.h>

#include <fenv.h>
#include <string.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

enum { N = 8192, ROWS = 64 };

static float x[N];

/* Rows of subnormals alone, of halves of units in the last place, and of what is neither. */
static void fill(void)
{
    for (uint32_t i = 0; i < N; i++) {
        const float tiny = (float)check_between(-100, 100) * 0x1p-149f;
        const float fine = 1.0f + (float)check_below(1000) * 0x1p-23f;
        x[i] = i % 3 == 0 || i / (N / ROWS) % 2 == 0 ? tiny : fine * (check_chance(2) ? -1.0f : 1.0f);
    }
}

#if defined(__SSE2__)
enum { FLUSHES = 0x8040 };
#elif defined(__aarch64__)
/* Of FPCR: subnormals are 0, one NaN for all, f16 without infinities. */
static const uint64_t FLUSHES = UINT64_C(7) << 24;

static uint64_t get_fpcr(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

static void set_fpcr(uint64_t fpcr)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
}
#endif

static void enter(void)
{
    assert_int_equal(fesetround(FE_UPWARD), 0);
#if defined(__SSE2__)
    _mm_setcsr(_mm_getcsr() | FLUSHES);
#elif defined(__aarch64__)
    set_fpcr(get_fpcr() | FLUSHES);
#endif
}

static void leave_as_entered(void)
{
    int as_entered = fegetround() == FE_UPWARD;
#if defined(__SSE2__)
    as_entered = as_entered && (_mm_getcsr() & FLUSHES) == FLUSHES;
#elif defined(__aarch64__)
    as_entered = as_entered && (get_fpcr() & FLUSHES) == FLUSHES;
    set_fpcr(0);
#endif
    assert_int_equal(fesetenv(FE_DFL_ENV), 0);
    assert_true(as_entered);
}

static void run_in_it(clq_context *context, const char *where, const check_case *c)
{
    check_result want, got;
    check_run(check_reference(), "reference", c, &want);
    enter();
    check_run(context, where, c, &got);
    leave_as_entered();
    check_same(c, where, &want, &got);
    check_result_free(&want);
    check_result_free(&got);
}

/* In a context made there, whose threads begin there and whose kernels are tried there. */
static void operations_on(const char *spec)
{
    static float scale[ROWS], state[2 * ROWS], range[2 * ROWS];
    static int32_t zero_point[ROWS];
    static const clq_nonfinite none = {0, UINT64_MAX};
    static const float averaging = 0.01f;
    static const clq_operation operations[] = {CLQ_OP_MINMAX, CLQ_OP_DYNAMIC_QUANTIZE, CLQ_OP_QUANTIZE,
                                               CLQ_OP_FAKE_QUANTIZE, CLQ_OP_MERGE_RANGE};
    clq_context *context = NULL;
    clq_error error;
    clq_plan plan;
    fill();
    for (uint32_t p = 0; p < ROWS; p++) {
        scale[p] = 0.013f + 0.001f * (float)p;
        range[2 * p] = state[2 * p + 1] = 0.1f * (float)p;
        range[2 * p + 1] = 0.1f * (float)p + 0.3f;
        state[2 * p] = -0.7f;
    }
    enter();
    check_ok(clq_context_create(spec, &context, &error), &error, spec);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        check_case c;
        check_case_init(&c, clq_operation_name(operations[i]), operations[i]);
        c.q.layout.rank = 2;
        c.q.layout.shape[0] = ROWS;
        c.q.layout.shape[1] = N / ROWS;
        c.q.layout.granularity = CLQ_PER_CHANNEL;
        c.in[CHECK_X] = x;
        if (operations[i] == CLQ_OP_QUANTIZE || operations[i] == CLQ_OP_FAKE_QUANTIZE) {
            c.in[CHECK_SCALE] = scale;
            c.in[CHECK_ZERO_POINT] = zero_point;
        } else if (operations[i] == CLQ_OP_MERGE_RANGE) {
            c.in[CHECK_RANGE] = range;
            c.in[CHECK_NONFINITE] = &none;
            c.in[CHECK_AVERAGING] = &averaging;
            c.in[CHECK_STATE] = state;
        }
        leave_as_entered();
        run_in_it(context, spec, &c);
        enter();
        check_ok(clq_plan_operation(context, operations[i], &c.q, &plan, &error), &error, "plan");
        assert_false(plan.by_host); /* no kernel and no loop was set aside */
    }
    clq_context_destroy(&context);
    leave_as_entered();
}

/* Sums that are cut off at bounds which f32 has not. */
static void products_on(const char *spec)
{
    static int8_t a[4 * 70], b[70 * 37];
    static const float a_scale[4] = {0.001f, 0x1p-140f, 0.1f, 0.3f};
    clq_context *context = NULL;
    clq_error error;
    check_gemm c;
    check_gemm_result want, got;
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] = (int8_t)check_between(-128, 127);
    }
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] = (int8_t)check_between(-128, 127);
    }
    check_gemm_init(&c, "bounds", 4, 37, 70);
    c.problem.c.dtype = CLQ_F32;
    c.problem.a_scale = CLQ_GEMM_PER_ROW;
    c.problem.minimum = 1e-40;
    c.problem.maximum = 0.7;
    c.in[CHECK_GEMM_A] = a;
    c.in[CHECK_GEMM_B] = b;
    c.in[CHECK_GEMM_A_SCALE] = (void *)(uintptr_t)a_scale;
    check_gemm_run(check_reference(), "reference", &c, &want);
    enter();
    check_ok(clq_context_create(spec, &context, &error), &error, spec);
    check_gemm_run(context, spec, &c, &got);
    clq_context_destroy(&context);
    leave_as_entered();
    check_gemm_same(&c, spec, &want, &got);
    check_gemm_result_free(&want);
    check_gemm_result_free(&got);
}

static void on_the_reference(void **state)
{
    (void)state;
    operations_on("reference");
    products_on("reference");
}

static void on_native(void **state)
{
    (void)state;
    operations_on("native");
    products_on("native");
}

static void on_the_device(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        operations_on(check_device_spec());
        products_on(check_device_spec());
    }
    check_needs_device();
}

/* ---- functions without a context ---- */

typedef struct results {
    clq_parameters parameters[2];
    clq_multiplier multiplier;
    clq_multiplier_candidate rows[31];
    uint32_t best;
    clq_threshold thresholds[3];
    clq_cut cuts[3];
    float merged[2];
    int32_t codes[4];
    clq_calibration read;
    char written[64];
} results;

static void compute(const uint64_t *counts, const uint64_t *signed_counts, results *r)
{
    static const int32_t samples[4] = {77, -12345, 987654, 3};
    static const float seen[2] = {-0.3f, 0.7f};
    const clq_requantization q = {.struct_size = sizeof q,
                                  .mode = CLQ_REQUANTIZE_FLOAT,
                                  .real = 0.1f,
                                  .minimum = INT16_MIN,
                                  .maximum = INT16_MAX};
    clq_scheme scheme;
    clq_error e;
    memset(r, 0, sizeof *r);
    check_ok(clq_scheme_from_preset(CLQ_PRESET_TORCH, CLQ_U8, &scheme, &e), &e, "preset");
    check_ok(clq_choose_parameters(&scheme, -0.1, 0.7, &r->parameters[0], &e), &e, "parameters");
    check_ok(clq_scheme_from_preset(CLQ_PRESET_SYMMETRIC, CLQ_S8, &scheme, &e), &e, "preset");
    check_ok(clq_choose_parameters(&scheme, -0x1p-1060, 0x1p-1065, &r->parameters[1], &e), &e, "parameters");
    check_ok(clq_multiplier_from_real(0.1, &r->multiplier, &e), &e, "multiplier");
    check_ok(clq_multiplier_search(0.3, samples, 4, 30, 0, r->rows, &r->best, &e), &e, "search");
    check_ok(clq_histogram_percentile(counts, 0.7f, 99.9, &r->thresholds[0], &e), &e, "percentile");
    check_ok(clq_histogram_entropy(counts, 0.7f, 128, &r->thresholds[1], &e), &e, "entropy");
    check_ok(clq_histogram_mse(counts, 0.7f, 128, &r->thresholds[2], &e), &e, "mse");
    check_ok(clq_histogram_cut_percentile(signed_counts, seen, 99.9, &r->cuts[0], &e), &e, "cut, percentile");
    check_ok(clq_histogram_cut_mse(&scheme, signed_counts, seen, &r->cuts[1], &e), &e, "cut, mse");
    check_ok(clq_histogram_cut_entropy(&scheme, signed_counts, seen, &r->cuts[2], &e), &e, "cut, entropy");
    r->merged[0] = -0.2f;
    r->merged[1] = 0.9f;
    clq_range_merge(r->merged, seen, 0.3f);
    check_ok(clq_requantize(&q, samples, 4, r->codes, &e), &e, "requantize");
    check_ok(clq_calibration_from_text("moving-average:0.3", &r->read, &e), &e, "text");
    clq_calibration_text(&r->read, r->written, sizeof r->written);
}

static void without_a_context(void **state)
{
    static uint64_t counts[CLQ_HISTOGRAM_BINS], signed_counts[CLQ_HISTOGRAM_SIGNED_BINS];
    static results want, got;
    (void)state;
    for (uint32_t i = 0; i < CLQ_HISTOGRAM_SIGNED_BINS; i++) {
        counts[i / 2] = check_below(1 + (CLQ_HISTOGRAM_BINS - i / 2) * 3);
        signed_counts[i] = check_below(1 + (i < CLQ_HISTOGRAM_BINS ? i : CLQ_HISTOGRAM_SIGNED_BINS - i));
    }
    compute(counts, signed_counts, &want);
    enter();
    compute(counts, signed_counts, &got);
    leave_as_entered();
    assert_memory_equal(&got, &want, sizeof want);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(on_the_reference),
    cmocka_unit_test(on_native),
    cmocka_unit_test(on_the_device),
    cmocka_unit_test(without_a_context),
};

CHECK_MAIN("float_mode", tests)

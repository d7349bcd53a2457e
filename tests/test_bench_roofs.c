/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C that stands as a roof in the benchmarks: its results must be the reference's, under every kind of instructions
 * and on any number of threads.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/bench.h"
#include "../bench/native.h"
#include "../bench/native_loops.h"
#include "check.h"

enum { MOST = 5000, HISTOGRAM_BYTES = CLQ_HISTOGRAM_BINS * 8 };

typedef struct arena {
    _Alignas(64) unsigned char x[4 * MOST], codes[MOST + 64], found[4 * MOST + 64], expected[4 * MOST];
} arena;

static void fill(arena *a, clq_dtype real, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float x = (float)(2.0 * check_uniform() - 1.0) * (check_chance(2) ? 1.0f : 0.01f);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        if (real == CLQ_F32) {
            memcpy(a->x + 4 * i, &x, 4);
        } else { /* f16: any finite pattern up to 1; the upper half is a bf16 */
            const uint16_t half = real == CLQ_BF16 ? (uint16_t)(bits >> 16)
                                                   : (uint16_t)(check_below(0x3C01) | (check_chance(2) ? 0x8000 : 0));
            memcpy(a->x + 2 * i, &half, 2);
        }
        a->codes[i] = (unsigned char)check_below(256);
    }
}

/* The reference's result on the same memory. */
static void reference(arena *a, clq_operation operation, clq_dtype real, size_t count, float scale, float *maximum)
{
    clq_context *context = NULL;
    clq_quantization q;
    clq_operands o;
    clq_buffer *x = NULL, *codes = NULL, *out = NULL, *scales = NULL, *zero = NULL, *range = NULL, *nonfinite = NULL;
    float ends[2] = {-1.0f, 1.0f};
    const int32_t zero_point = 0;
    assert_int_equal(clq_context_create("reference", &context, NULL), CLQ_OK);
    clq_quantization_init(&q);
    q.real = real;
    q.layout.rank = 1;
    q.layout.shape[0] = count;
    assert_int_equal(clq_buffer_wrap(context, a->x, sizeof a->x, &x, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_wrap(context, a->codes, sizeof a->codes, &codes, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_wrap(context, a->expected, sizeof a->expected, &out, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_create(context, 4, &scales, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_create(context, 4, &zero, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_create(context, 8, &range, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_create(context, sizeof(clq_nonfinite), &nonfinite, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_write(scales, 0, &scale, 4, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_write(zero, 0, &zero_point, 4, NULL), CLQ_OK);
    assert_int_equal(clq_buffer_write(range, 0, ends, sizeof ends, NULL), CLQ_OK);
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    if (operation == CLQ_OP_HISTOGRAM) {
        memset(a->expected, 0, HISTOGRAM_BYTES);
        assert_int_equal(
            clq_histogram(context, &q, (clq_operand){x, 0}, (clq_operand){range, 0}, (clq_operand){out, 0}, NULL),
            CLQ_OK);
    } else if (operation == CLQ_OP_MINMAX) {
        assert_int_equal(
            clq_minmax(context, &q, (clq_operand){x, 0}, (clq_operand){range, 0}, (clq_operand){nonfinite, 0}, NULL),
            CLQ_OK);
        assert_int_equal(clq_buffer_read(range, 0, ends, sizeof ends, NULL), CLQ_OK);
        *maximum = ends[1];
    } else if (operation == CLQ_OP_QUANTIZE) {
        assert_int_equal(clq_quantize(context, &q, (clq_operand){x, 0}, (clq_operand){scales, 0},
                                      (clq_operand){zero, 0}, (clq_operand){out, 0}, NULL),
                         CLQ_OK);
    } else if (operation == CLQ_OP_DEQUANTIZE) {
        assert_int_equal(clq_dequantize(context, &q, (clq_operand){codes, 0}, (clq_operand){scales, 0},
                                        (clq_operand){zero, 0}, (clq_operand){out, 0}, NULL),
                         CLQ_OK);
    } else {
        assert_int_equal(clq_fake_quantize(context, &q, (clq_operand){x, 0}, (clq_operand){scales, 0},
                                           (clq_operand){zero, 0}, (clq_operand){out, 0}, NULL),
                         CLQ_OK);
    }
    clq_buffer_destroy(&x);
    clq_buffer_destroy(&codes);
    clq_buffer_destroy(&out);
    clq_buffer_destroy(&scales);
    clq_buffer_destroy(&zero);
    clq_buffer_destroy(&range);
    clq_buffer_destroy(&nonfinite);
    clq_context_destroy(&context);
}

static void check_loops(const native_loops *loops, arena *a, clq_dtype real, size_t count, int streaming)
{
    static const clq_operation operations[] = {CLQ_OP_MINMAX, CLQ_OP_QUANTIZE, CLQ_OP_DEQUANTIZE, CLQ_OP_FAKE_QUANTIZE,
                                               CLQ_OP_HISTOGRAM};
    const float scale = (float)((0.5 + check_uniform()) / 127.0);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        const clq_dtype out = operations[i] == CLQ_OP_QUANTIZE ? CLQ_S8 : real;
        const int counts = operations[i] == CLQ_OP_HISTOGRAM;
        const size_t bytes = counts                           ? HISTOGRAM_BYTES
                             : operations[i] == CLQ_OP_MINMAX ? 0
                                                              : (size_t)clq_dtype_bytes(out, count);
        float maximum = 0.0f;
        native_job job = {.real = real,
                          .source = operations[i] == CLQ_OP_DEQUANTIZE ? a->codes : a->x,
                          .target = a->found,
                          .count = count,
                          .scale = counts ? CLQ_HISTOGRAM_BINS : scale,
                          .streaming = streaming,
                          .passes = 1};
        reference(a, operations[i], real, count, scale, &maximum);
        memset(a->found, 0xAA, sizeof a->found);
        (operations[i] == CLQ_OP_MINMAX       ? loops->maximum
         : counts                             ? loops->histogram
         : operations[i] == CLQ_OP_QUANTIZE   ? loops->quantize
         : operations[i] == CLQ_OP_DEQUANTIZE ? loops->dequantize
                                              : loops->fake_quantize)(&job);
        if (memcmp(a->found, a->expected, bytes) != 0 || (bytes == 0 && job.result != maximum)) {
            fail_msg("%s of %zu %s with '%s', streaming %d: differs from the reference",
                     clq_operation_name(operations[i]), count, clq_dtype_name(real), loops->instructions, streaming);
        }
        assert_int_equal(a->found[bytes], 0xAA); /* nothing behind the end */
    }
}

static void roofs_compute_what_the_reference_does(void **state)
{
    static const clq_dtype types[] = {CLQ_F32, CLQ_F16, CLQ_BF16};
    static const size_t counts[] = {1, 15, 16, 63, 64, 65, 127, 128, 1000, 4096, MOST};
    const native_loops *loops[3] = {native_loops_plain(), NULL, NULL};
    arena *a = aligned_alloc(64, (sizeof *a + 63) / 64 * 64);
    (void)state;
    assert_non_null(a);
#if defined(__x86_64__) && defined(__GNUC__)
    loops[1] = __builtin_cpu_supports("avx2") ? native_loops_avx2() : NULL;
    loops[2] = __builtin_cpu_supports("avx512f") ? native_loops_avx512() : NULL;
#endif
    for (size_t t = 0; t < 3; t++) {
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            fill(a, types[t], counts[c]);
            for (size_t l = 0; l < 3; l++) {
                for (int streaming = 0; loops[l] != NULL && streaming < 2; streaming++) {
                    check_loops(loops[l], a, types[t], counts[c], streaming);
                }
            }
        }
    }
    free(a);
}

/* Counts added to those that were there; elements are whole numbers up to 127, a bin holds 1/8. */
static void check_counts(const float *x, size_t count)
{
    const size_t words = (size_t)(NATIVE_MAX_THREADS + 1) * CLQ_HISTOGRAM_BINS;
    uint64_t *found = check_allocate(words * sizeof *found);
    uint64_t expected[CLQ_HISTOGRAM_BINS];
    for (size_t b = 0; b < CLQ_HISTOGRAM_BINS; b++) {
        expected[b] = found[b] = b;
    }
    for (size_t i = 0; i < count; i++) {
        expected[(size_t)fabsf(x[i]) * 8]++;
    }
    native_histogram(CLQ_F32, x, count, 8.0f, found);
    assert_memory_equal(found, expected, sizeof expected);
    free(found);
}

/* Cut among threads: what one loop computes does not depend on where its part begins. */
static void roofs_are_whole_on_many_threads(void **state)
{
    static const size_t counts[] = {1, 65535, 65536, 131072, 131073, 5000003}; /* the last one streams */
    (void)state;
    assert_int_equal(native_start(NULL), CLQ_OK);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        const size_t n = counts[c];
        void *x = NULL, *codes = NULL, *again = NULL;
        float largest = -INFINITY;
        assert_int_equal(bench_allocate(4 * n, &x, NULL), CLQ_OK);
        assert_int_equal(bench_allocate(n, &codes, NULL), CLQ_OK);
        assert_int_equal(bench_allocate(4 * n, &again, NULL), CLQ_OK);
        for (size_t i = 0; i < n; i++) {
            ((float *)x)[i] = (float)((int)(i * 7919 % 255) - 127);
            largest = ((float *)x)[i] > largest ? ((float *)x)[i] : largest;
        }
        assert_true(native_maximum(CLQ_F32, x, n) == largest);
        assert_true(native_read(x, n, 3) == largest);
        native_quantize(CLQ_F32, x, n, 1.0f, codes);
        native_dequantize(CLQ_F32, codes, n, 1.0f, again);
        assert_memory_equal(x, again, 4 * n);
        memset(again, 0, 4 * n);
        native_copy(again, x, 4 * n);
        assert_memory_equal(x, again, 4 * n);
        check_counts(x, n);
        free(x);
        free(codes);
        free(again);
    }
}

/* Of tiles the sums of each thread are checked in it. */
static void products_are_counted(void **state)
{
    (void)state;
    assert_int_equal(native_start(NULL), CLQ_OK);
    for (size_t loops = 1; loops < 2000 && native_dot_operations(loops) > 0.0; loops = 3 * loops + 1) {
        assert_int_equal(native_dot(loops), 0);
        assert_true(native_dot_operations(2 * loops) == 2.0 * native_dot_operations(loops));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(roofs_compute_what_the_reference_does),
                                       cmocka_unit_test(products_are_counted),
                                       cmocka_unit_test(roofs_are_whole_on_many_threads)};
    return cmocka_run_group_tests_name("bench roofs", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roofs: the best C we could write for each memory-bound problem, and the peak of the integer dot product, on a
 * number of threads. Code for AVX-512 and AVX2 is chosen at run time, so that the program runs on any processor.
 */
#ifndef CLQ_BENCH_NATIVE_H
#define CLQ_BENCH_NATIVE_H

#include "core/error.h"

enum { NATIVE_MAX_THREADS = 64 };

/* Make the threads; to be called before anything else here is run. May be called again. */
clq_status native_start(clq_error *error);
int native_threads(void); /* processors that the process may use, at most NATIVE_MAX_THREADS */

/* work(cookie, index, count) for each index below count = native_threads(), each on a thread of its own. */
void native_parallel(void (*work)(void *cookie, int index, int count), void *cookie);

const char *native_instructions(void); /* "AVX-512", "AVX2", or "" for plain C */

/* Types of reals: f32, f16 and bf16. */

/* The largest of all elements of x, which are finite. */
float native_maximum(clq_dtype real, const void *x, size_t count);
/* Read all of x `passes` times. */
float native_read(const float *x, size_t count, int passes);
void native_copy(void *target, const void *source, size_t bytes);

/* s8 codes, x/S rounded to nearest even, clamped to [-127, 127]; large results go past the caches. */
void native_quantize(clq_dtype real, const void *x, size_t count, float scale, int8_t *codes);
void native_dequantize(clq_dtype real, const int8_t *codes, size_t count, float scale, void *y);
void native_fake_quantize(clq_dtype real, const void *x, size_t count, float scale, void *y);

/*
 * Add the elements of x to counts of magnitudes, `scale` bins for each 1 of x, a power of two, so that no product is
 * rounded. Room for native_threads() + 1 times CLQ_HISTOGRAM_BINS, of which the first are the counts.
 */
void native_histogram(clq_dtype real, const void *x, size_t count, float scale, uint64_t *counts);

/*
 * The best integer products of the processor with registers alone, on each thread, those of tiles (AMX-INT8) where the
 * system lets this process use them, else those of AVX512-VNNI: the instruction's name; operations (multiplications and
 * additions) of `loops`, which are 0 where the processor has no such thing; and the loops themselves, not 0 where sums
 * of tiles are wrong.
 */
const char *native_dot_name(void);
double native_dot_operations(size_t loops);
int native_dot(size_t loops);

/* c = a * b modulo 2^32, row-major and dense, in plain C; `a` is u8 or s8. */
typedef struct native_product {
    size_t m, n, k;
    int a_is_u8;
    const void *a;
    const int8_t *b;
    int32_t *c;
} native_product;
void native_gemm(const native_product *product);

#endif

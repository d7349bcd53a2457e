/* SPDX-License-Identifier: Apache-2.0 */
/* The roofs: the best C we could write for each memory-bound problem, and the peak of the integer dot product, on a
 * number of threads. */
#ifndef CLQ_BENCH_NATIVE_H
#define CLQ_BENCH_NATIVE_H

#include <stddef.h>
#include <stdint.h>

enum { NATIVE_MAX_THREADS = 64 };
int native_threads(void); /* online processors, at most NATIVE_MAX_THREADS */

/* work(cookie, index, count) for each index below count = native_threads(), each on a thread of its own. */
void native_parallel(void (*work)(void *cookie, int index, int count), void *cookie);

/* Read all of x `passes` times: its largest element. */
float native_read_max(const float *x, size_t count, int passes);
void native_copy(void *target, const void *source, size_t bytes);

/* s8 codes, x/S rounded to nearest even, clamped to [-127, 127], with streaming stores. */
void native_quantize(const float *x, size_t count, float scale, int8_t *codes);
void native_dequantize(const int8_t *codes, size_t count, float scale, float *y);

/*
 * The integer dot product of AVX512-VNNI with registers alone, on each thread: operations (multiplications and
 * additions) of `loops`, which are 0 where the processor has no such thing, and the loops themselves.
 */
double native_dot_operations(size_t loops);
void native_dot(size_t loops);

/* c = a * b modulo 2^32, row-major and dense, in plain C; `a` is u8 or s8. */
typedef struct native_product {
    size_t m, n, k;
    int a_is_u8;
    const void *a;
    const int8_t *b;
    int32_t *c;
} native_product;
void native_gemm(const native_product *product);

const char *native_description(void); /* "AVX-512, 2 threads" */

#endif

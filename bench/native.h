/* SPDX-License-Identifier: Apache-2.0 */
/* The roofs: the best C we could write for each memory-bound problem, on a number of threads. */
#ifndef CLQ_BENCH_NATIVE_H
#define CLQ_BENCH_NATIVE_H

#include <stddef.h>
#include <stdint.h>

int native_threads(void); /* online processors, at most 64 */

/* Read all of x: its largest element. */
float native_read_max(const float *x, size_t count);
void native_copy(void *target, const void *source, size_t bytes);

/* s8 codes, x/S rounded to nearest even, clamped to [-127, 127], with streaming stores. */
void native_quantize(const float *x, size_t count, float scale, int8_t *codes);
void native_dequantize(const int8_t *codes, size_t count, float scale, float *y);

const char *native_description(void); /* "AVX-512, 2 threads" */

#endif

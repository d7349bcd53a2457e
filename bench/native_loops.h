/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of native_memory.c in the instructions of one kind of processor. */
#ifndef CLQ_BENCH_NATIVE_LOOPS_H
#define CLQ_BENCH_NATIVE_LOOPS_H

#include "core/error.h"

/* Elements [0, count) of one thread. */
typedef struct native_job {
    clq_dtype real;
    const void *source;
    void *target; /* of what is written with `streaming`: at a multiple of 64 bytes; of counts: CLQ_HISTOGRAM_BINS */
    size_t count;
    float scale;
    int streaming; /* stores go past the caches */
    int passes;
    float result;
} native_job;

typedef struct native_loops {
    const char *instructions;
    void (*maximum)(native_job *job);
    void (*quantize)(native_job *job);
    void (*dequantize)(native_job *job);
    void (*fake_quantize)(native_job *job);
    void (*copy)(native_job *job);      /* of `count` bytes */
    void (*histogram)(native_job *job); /* fewer than 2^32 elements; `scale` is bins for each 1 of x */
} native_loops;

/* NULL where the compiler has no such instructions; whether the processor has them is for the caller to ask. */
const native_loops *native_loops_avx512(void);
const native_loops *native_loops_avx2(void);
const native_loops *native_loops_plain(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The memory-bound roofs: which loops this processor takes, and how the work is cut among the threads. */
#include <math.h>
#include <string.h>

#include "native.h"
#include "native_loops.h"

/* Parts begin at multiples of a page of codes. One thread is faster than waking others for less than a few pages. What
 * is larger than the caches hold is written past them. */
enum { ALIGNMENT_ELEMENTS = 4096, LEAST_PART = 1 << 16, STREAM_FROM_BYTES = 1 << 24 };

static const native_loops *loops(void)
{
    const native_loops *found = NULL;
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f")) {
        found = native_loops_avx512();
    }
    if (found == NULL && __builtin_cpu_supports("avx2")) {
        found = native_loops_avx2();
    }
#endif
    return found != NULL ? found : native_loops_plain();
}

const char *native_instructions(void)
{
    return loops()->instructions;
}

typedef struct work {
    void (*run)(native_job *job);
    native_job jobs[NATIVE_MAX_THREADS];
} work;

static void run_one(void *cookie, int index, int count)
{
    work *w = cookie;
    (void)count;
    if (w->jobs[index].count > 0) {
        w->run(&w->jobs[index]);
    }
}

static size_t bytes_of(clq_dtype dtype)
{
    return (size_t)clq_dtype_bytes(dtype, 1);
}

/* Part `index` of the whole. */
static native_job part_of(const native_job *whole, size_t index, size_t step, clq_dtype source)
{
    const size_t first = step * index < whole->count ? step * index : whole->count;
    const size_t left = whole->count - first;
    native_job job = *whole;
    job.source = (const char *)whole->source + first * bytes_of(source);
    job.count = left < step ? left : step;
    return job;
}

static size_t step_of(size_t count, size_t *parts)
{
    const size_t threads = (size_t)native_threads();
    const size_t wanted = count / LEAST_PART;
    *parts = wanted < 1 ? 1 : wanted < threads ? wanted : threads;
    return (count / *parts + ALIGNMENT_ELEMENTS) / ALIGNMENT_ELEMENTS * ALIGNMENT_ELEMENTS;
}

static void run_all(work *w, size_t parts)
{
    if (parts == 1) {
        run_one(w, 0, 1);
    } else {
        native_parallel(run_one, w);
    }
}

/* Returns the largest result. */
static float run_parts(void (*run)(native_job *job), native_job whole, clq_dtype source, clq_dtype target)
{
    work w;
    size_t parts;
    const size_t threads = (size_t)native_threads();
    const size_t step = step_of(whole.count, &parts);
    const size_t moved = whole.count * (bytes_of(source) + (whole.target != NULL ? bytes_of(target) : 0));
    float result = -INFINITY;
    w.run = run;
    whole.result = -INFINITY;
    whole.streaming = whole.target != NULL && moved >= STREAM_FROM_BYTES && (uintptr_t)whole.target % 64 == 0;
    for (size_t i = 0; i < threads; i++) {
        w.jobs[i] = part_of(&whole, i, step, source);
        if (whole.target != NULL) {
            const size_t first = (size_t)((const char *)w.jobs[i].source - (const char *)whole.source);
            w.jobs[i].target = (char *)whole.target + first / bytes_of(source) * bytes_of(target);
        }
    }
    run_all(&w, parts);
    for (size_t i = 0; i < threads; i++) {
        result = w.jobs[i].result > result ? w.jobs[i].result : result;
    }
    return result;
}

float native_maximum(clq_dtype real, const void *x, size_t count)
{
    const native_job job = {.real = real, .source = x, .count = count, .passes = 1};
    return run_parts(loops()->maximum, job, real, real);
}

float native_read(const float *x, size_t count, int passes)
{
    const native_job job = {.real = CLQ_F32, .source = x, .count = count, .passes = passes};
    return run_parts(loops()->maximum, job, CLQ_F32, CLQ_F32);
}

void native_copy(void *target, const void *source, size_t bytes)
{
    const native_job job = {.source = source, .target = target, .count = bytes};
    (void)run_parts(loops()->copy, job, CLQ_U8, CLQ_U8);
}

void native_quantize(clq_dtype real, const void *x, size_t count, float scale, int8_t *codes)
{
    const native_job job = {.real = real, .source = x, .target = codes, .count = count, .scale = scale};
    (void)run_parts(loops()->quantize, job, real, CLQ_S8);
}

void native_dequantize(clq_dtype real, const int8_t *codes, size_t count, float scale, void *y)
{
    const native_job job = {.real = real, .source = codes, .target = y, .count = count, .scale = scale};
    (void)run_parts(loops()->dequantize, job, CLQ_S8, real);
}

void native_fake_quantize(clq_dtype real, const void *x, size_t count, float scale, void *y)
{
    const native_job job = {.real = real, .source = x, .target = y, .count = count, .scale = scale};
    (void)run_parts(loops()->fake_quantize, job, real, real);
}

void native_histogram(clq_dtype real, const void *x, size_t count, float scale, uint64_t *counts)
{
    const native_job whole = {.real = real, .source = x, .count = count, .scale = scale};
    work w;
    size_t parts;
    const size_t threads = (size_t)native_threads();
    const size_t step = step_of(count, &parts);
    w.run = loops()->histogram;
    for (size_t i = 0; i < threads; i++) {
        w.jobs[i] = part_of(&whole, i, step, real);
        w.jobs[i].target = counts + (i + 1) * CLQ_HISTOGRAM_BINS;
    }
    run_all(&w, parts);
    for (size_t i = 0; i < threads; i++) {
        const uint64_t *part = w.jobs[i].target;
        for (size_t b = 0; b < CLQ_HISTOGRAM_BINS && w.jobs[i].count > 0; b++) {
            counts[b] += part[b];
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner of the benchmarks: a row is one way to do one problem. All rows of a problem are timed in turn, round
 * after round, so that a slow moment of the machine falls on all of them; figures are medians, and what is compared is
 * their ratio. A row whose result is wrong is not timed.
 */
#ifndef CLQ_BENCH_BENCH_H
#define CLQ_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_row {
    const char *problem;        /* "quantize f32 -> s8" */
    const char *who;            /* "clquant strip", "C, 2 threads" */
    double bytes;               /* read and written by one run, by the problem's formula */
    int (*run)(void *cookie);   /* 0 on success */
    int (*check)(void *cookie); /* after one run: 0 when the result is right; may be NULL for roofs */
    void *cookie;
    int is_roof; /* what the problem's other rows are divided by */
    /* filled in by bench_run */
    int usable;
    double median_seconds, best_seconds;
} bench_row;

/* Check every row once, then time `rounds` rounds of all usable ones. */
/* `rounds` is 1 to BENCH_MAX_ROUNDS. */
enum { BENCH_MAX_ROUNDS = 200 };
void bench_run(bench_row *rows, size_t count, int rounds);

/* A table, or one JSON object; `machine` and `device` head it. */
void bench_print(const bench_row *rows, size_t count, int json, const char *device, uint64_t elements, int rounds);

double bench_now(void); /* seconds, monotonic */

#endif

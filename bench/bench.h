/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner of the benchmarks: a row is one way to do one problem. All rows that are run together are timed in turn,
 * round after round, so that a slow moment of the machine falls on all of them; figures are medians, and what is
 * compared is their ratio. A row whose result is wrong is not timed.
 */
#ifndef CLQ_BENCH_BENCH_H
#define CLQ_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* What a row is to the other rows of its problem. */
typedef enum bench_role {
    BENCH_PLAIN = 0,
    BENCH_ROOF = 1, /* what the machine could do: the rate of the others is divided by the lowest of them */
    BENCH_PEER = 2  /* another implementation: plain rows are divided by the fastest of them */
} bench_role;

/* What `run` and `check` return; any other value counts as BENCH_FAILED. */
typedef enum bench_outcome {
    BENCH_OK = 0,
    BENCH_FAILED = 1,     /* an error or a wrong result */
    BENCH_UNSUPPORTED = 2 /* this machine or this build has no such thing */
} bench_outcome;

typedef struct bench_row {
    const char *problem; /* "quantize f32 -> s8": rows of one problem are compared */
    const char *who;     /* "clquant strip", "C, 2 threads" */
    double work;         /* of one call, bytes or operations, by the problem's formula; 0: only its time counts */
    int calls;           /* that one run makes, times being those of one call; 0 is 1 */
    int (*spoil)(void *cookie); /* overwrite the old result before the run that is checked; may be NULL */
    int (*run)(void *cookie);
    int (*check)(void *cookie); /* after one run: whether the result is right; may be NULL */
    void *cookie;
    bench_role role;
    double target; /* what the ratio to the fastest peer should be at least; 0: none */
    /* filled in by bench_run */
    bench_outcome outcome;
    double median_seconds, best_seconds;
} bench_row;

enum { BENCH_MAX_ROUNDS = 200 };

/* How rows take turns; both times 0: a turn is one run. */
typedef struct bench_timing {
    int rounds;          /* 1 to BENCH_MAX_ROUNDS */
    double warm_seconds; /* runs before a turn that are not timed: until caches, threads and clocks have settled, and
                            threads of the row before, which may spin for milliseconds, have gone to sleep */
    double turn_seconds; /* a turn repeats its run for about this long; the figure is the mean */
} bench_timing;

/* Check every row once, then time the rounds of all that are right. Returns how many failed. */
int bench_run(bench_row *rows, size_t count, const bench_timing *timing);

/* Work per second, in billions. */
double bench_rate(const bench_row *row);

/* The rate over that of the problem's lowest roof; 0 where there is none. */
double bench_fraction(const bench_row *rows, size_t count, const bench_row *row);

/* The fastest peer of a plain row; NULL where there is none. */
const bench_row *bench_peer(const bench_row *rows, size_t count, const bench_row *row);

/* A table, or one JSON object. Fill in the first group, then begin, rows as often as there are any, end. */
typedef struct bench_report {
    int json;
    const char *unit;        /* of the rates: "GB/s" */
    const char *unit_key;    /* the same for JSON: "gb_per_second" */
    const char *time_unit;   /* "ms" */
    double times_per_second; /* 1e3 */
    int who_width;           /* characters of that column */
    int peers;               /* not 0: show peers and targets */
    size_t printed;          /* rows until now */
} bench_report;

/* A number for the head: {"elements", 4} is `"elements":4` or "4 elements", where '_' is a blank. */
typedef struct bench_fact {
    const char *name;
    uint64_t value;
} bench_fact;

void bench_report_begin(bench_report *report, const char *device, const bench_fact *facts, size_t count, int rounds);
void bench_report_rows(bench_report *report, const bench_row *rows, size_t count);
void bench_report_end(const bench_report *report);

double bench_now(void); /* seconds, monotonic */

/* A block of whole pages that have been written, so that they exist; for free(). Ends the program where there is none.
 */
void *bench_allocate(size_t bytes);

#endif

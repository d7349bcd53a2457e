/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner of the benchmarks: a row is one way to do one problem. All rows that are run together are timed in turn,
 * round after round, so that a slow moment of the machine falls on all of them; figures are medians, and what is
 * compared is their ratio. A row whose result is wrong is not timed. docs/benchmarking.md tells what the figures mean.
 */
#ifndef CLQ_BENCH_BENCH_H
#define CLQ_BENCH_BENCH_H

#include "core/error.h"

/* What a row is to the other rows of its problem. */
typedef enum bench_role {
    BENCH_PLAIN = 0,
    BENCH_ROOF = 1, /* what the machine could do: the rate of the others is divided by the lowest of them */
    BENCH_PEER = 2, /* another implementation: plain rows are divided by the fastest of them */
    BENCH_COPY = 3  /* a copy on the device, the roof of all rows that are counted in bytes */
} bench_role;

/* What `run` and `check` return; any other value counts as BENCH_FAILED. */
typedef enum bench_outcome {
    BENCH_OK = 0,
    BENCH_FAILED = 1,      /* an error or a wrong result */
    BENCH_UNSUPPORTED = 2, /* this machine or this build has no such thing */
    BENCH_STOPPED = 3      /* not measured: the run was stopped */
} bench_outcome;

typedef enum bench_unit { BENCH_BYTES = 0, BENCH_OPERATIONS = 1 } bench_unit;

enum { BENCH_MAX_ROWS = 96, BENCH_MAX_ROUNDS = 200, BENCH_BESIDE = 2 };

typedef struct bench_row {
    const char *operation; /* "quantize" */
    char problem[40];      /* "f32 -> s8": rows of one operation, problem and shape are compared */
    char shape[48];        /* as a file of shapes has it */
    char who[40];          /* "clquant", "C, AVX-512", "oneDNN reorder" */
    char way[40];          /* what sets it apart from others of the same: "reciprocal"; may be empty */
    char variant[48];      /* of clquant's kernel; empty for others */
    bench_role role;
    bench_unit unit;
    double work;                /* of one call, by the problem's formula; 0: only its time counts */
    double bytes;               /* of memory that one call needs to touch, for progress */
    uint64_t elements;          /* of one call; 0: has none */
    int calls;                  /* that one run makes, times being those of one call; 0 is 1 */
    const double *spent;        /* not NULL: the seconds of the last run that count; else all of it does */
    int (*spoil)(void *cookie); /* overwrite the old result before the run that is checked; may be NULL */
    int (*run)(void *cookie);
    int (*check)(void *cookie); /* after one run: whether the result is right; may be NULL */
    void *cookie;
    const clq_error *error; /* why a run failed, when its status is not CLQ_OK; may be NULL */
    double target;          /* what the ratio to the fastest peer should be at least; 0: none */
    /* Rows of the same group whose times together are what this one's is divided by, element for element. */
    size_t beside[BENCH_BESIDE];
    int beside_count;
    char beside_name[40];
    double limit; /* what that quotient should be at most; 0: none */
    /* filled in by bench_run */
    bench_outcome outcome;
    double median_seconds, best_seconds;
} bench_row;

/* The rows that are run together. */
typedef struct bench_group {
    bench_row rows[BENCH_MAX_ROWS];
    size_t count;
    uint64_t memory_bytes; /* taken for them */
} bench_group;

/* A row of zeros with that name; NULL when there is no room. */
bench_row *bench_add(bench_group *group, const char *operation, const char *problem, const char *shape);

/* The row stands beside another one of its group, called `name` there; `limit` as above. */
void bench_stand_beside(bench_row *row, size_t other, const char *name, double limit);

/* How rows take turns; both times 0: a turn is one run. */
typedef struct bench_timing {
    int rounds;          /* 1 to BENCH_MAX_ROUNDS */
    double warm_seconds; /* runs before a turn that are not timed: until caches, threads and clocks have settled, and
                            threads of the row before, which may spin for milliseconds, have gone to sleep */
    double turn_seconds; /* a turn repeats its run for about this long; the figure is the mean */
    /* Asked before each turn, `compiles` where it is the first of a row: not 0 ends the run; may be NULL. */
    int (*stop)(void *cookie, int compiles);
    /* Told between turns; may be NULL. */
    void (*progress)(void *cookie, const bench_group *group, size_t done_turns, size_t turns, const bench_row *row);
    void *cookie;
} bench_timing;

/*
 * Check every row once, then time the rounds of all that are right. *failed counts those that are not. CLQ_CANCELLED
 * when the run was stopped; CLQ_OUT_OF_MEMORY.
 */
clq_status bench_run(bench_group *group, const bench_timing *timing, size_t *failed, clq_error *error);

/* A figure by medians, or by the best times of both sides. */
typedef enum bench_figure { BENCH_MEDIAN = 0, BENCH_BEST = 1 } bench_figure;

/* Work per second, in billions. */
double bench_rate(const bench_row *row, bench_figure figure);

/* The rate over that of the problem's lowest roof, or of the group's copy nearest in size; 0 where there is none. */
double bench_fraction(const bench_group *group, const bench_row *row, bench_figure figure);
double bench_copy_fraction(const bench_group *group, const bench_row *row, bench_figure figure);

/* The fastest peer of a plain row; NULL where there is none. */
const bench_row *bench_peer(const bench_group *group, const bench_row *row);

/* Time for each element over that of the rows beside; 0 where there are none. */
double bench_cost(const bench_group *group, const bench_row *row, bench_figure figure);

double bench_now(void); /* seconds, monotonic */

/* A block of whole pages that have been written, so that they exist; for free(). */
clq_status bench_allocate(uint64_t bytes, void **memory, clq_error *error);

/* Memory that can be taken without pressing others out, in bytes; UINT64_MAX when the system does not tell. */
uint64_t bench_free_memory(void);

#endif

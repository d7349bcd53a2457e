/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static void summarize(bench_row *row, double *seconds, size_t rounds)
{
    qsort(seconds, rounds, sizeof *seconds, by_value);
    row->best_seconds = seconds[0];
    row->median_seconds = rounds % 2 != 0 ? seconds[rounds / 2] : (seconds[rounds / 2 - 1] + seconds[rounds / 2]) / 2.0;
}

/* Also the warm-up: compiles, touches pages. */
static void check_once(bench_row *row)
{
    int result = row->spoil == NULL ? BENCH_OK : row->spoil(row->cookie);
    result = result != BENCH_OK ? result : row->run(row->cookie);
    result = result != BENCH_OK || row->check == NULL ? result : row->check(row->cookie);
    row->outcome = result == BENCH_OK || result == BENCH_UNSUPPORTED ? (bench_outcome)result : BENCH_FAILED;
}

/* Runs of a turn, told by those that warm up. */
static int warm_up(bench_row *row, const bench_timing *timing)
{
    const double start = bench_now();
    double elapsed = 0.0;
    int runs = 0;
    if (timing->warm_seconds <= 0.0) {
        return 1;
    }
    while (elapsed < timing->warm_seconds) {
        if (row->run(row->cookie) != BENCH_OK) {
            row->outcome = BENCH_FAILED;
            return 0;
        }
        runs++;
        elapsed = bench_now() - start;
    }
    return 1 + (int)(timing->turn_seconds * (double)runs / elapsed);
}

/* Seconds of one call. */
static double take_turn(bench_row *row, const bench_timing *timing)
{
    const int repeats = warm_up(row, timing);
    const int calls = repeats * (row->calls > 0 ? row->calls : 1);
    const double start = bench_now();
    double spent = 0.0;
    for (int i = 0; i < repeats && row->outcome == BENCH_OK; i++) {
        if (row->run(row->cookie) != BENCH_OK) {
            row->outcome = BENCH_FAILED;
        }
        spent += row->spent != NULL ? *row->spent : 0.0;
    }
    spent = row->spent != NULL ? spent : bench_now() - start;
    return calls == 0 ? 0.0 : spent / (double)calls;
}

static int is_stopped(const bench_timing *timing, int compiles)
{
    return timing->stop != NULL && timing->stop(timing->cookie, compiles);
}

/* Turn `turn` is the check of a row, or one of its rounds. Returns 0 when the run was stopped. */
static int take_turns(bench_group *group, const bench_timing *timing, double *seconds)
{
    const size_t rounds = (size_t)timing->rounds;
    const size_t turns = group->count * (rounds + 1);
    for (size_t turn = 0; turn < turns; turn++) {
        const size_t number = turn % group->count;
        bench_row *row = &group->rows[number];
        if (is_stopped(timing, turn < group->count)) {
            return 0;
        }
        if (timing->progress != NULL) {
            timing->progress(timing->cookie, group, turn, turns, row);
        }
        if (turn < group->count) {
            check_once(row);
        } else if (row->outcome == BENCH_OK) {
            seconds[number * rounds + turn / group->count - 1] = take_turn(row, timing);
        }
    }
    return 1;
}

clq_status bench_run(bench_group *group, const bench_timing *timing, size_t *failed, clq_error *error)
{
    const size_t rounds = (size_t)timing->rounds;
    double *seconds = calloc(group->count * rounds + 1, sizeof *seconds);
    int finished = 0;
    *failed = 0;
    if (seconds == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the times of %zu rows", group->count);
    }
    finished = take_turns(group, timing, seconds);
    for (size_t i = 0; i < group->count; i++) {
        bench_row *row = &group->rows[i];
        if (row->outcome == BENCH_OK && finished) {
            summarize(row, seconds + i * rounds, rounds);
        } else if (row->outcome == BENCH_OK) {
            row->outcome = BENCH_STOPPED;
        }
        *failed += row->outcome == BENCH_FAILED;
    }
    free(seconds);
    return finished ? CLQ_OK : clq_fail(error, CLQ_CANCELLED, "interrupted before all was measured");
}

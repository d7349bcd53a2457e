/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE = 4096 };

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void *bench_allocate(size_t bytes)
{
    const size_t rounded = (bytes + PAGE - 1) / PAGE * PAGE;
    void *memory = NULL;
    if (posix_memalign(&memory, PAGE, rounded) != 0) {
        fprintf(stderr, "bench: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    memset(memory, 1, rounded);
    return memory;
}

static int by_value(const void *a, const void *b)
{
    const double left = *(const double *)a;
    const double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static void summarize(bench_row *row, double *seconds, int rounds)
{
    qsort(seconds, (size_t)rounds, sizeof *seconds, by_value);
    row->best_seconds = seconds[0];
    row->median_seconds = rounds % 2 != 0 ? seconds[rounds / 2] : (seconds[rounds / 2 - 1] + seconds[rounds / 2]) / 2.0;
}

/* Also the warm-up: compiles, touches pages. */
static int check_once(bench_row *row)
{
    int result = row->spoil == NULL ? BENCH_OK : row->spoil(row->cookie);
    result = result != BENCH_OK ? result : row->run(row->cookie);
    result = result != BENCH_OK || row->check == NULL ? result : row->check(row->cookie);
    row->outcome = result == BENCH_OK || result == BENCH_UNSUPPORTED ? (bench_outcome)result : BENCH_FAILED;
    if (row->outcome == BENCH_FAILED) {
        fprintf(stderr, "bench: %s, %s: failed or gave a wrong result; not timed\n", row->problem, row->who);
    }
    return row->outcome == BENCH_FAILED;
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
    for (int i = 0; i < repeats && row->outcome == BENCH_OK; i++) {
        if (row->run(row->cookie) != BENCH_OK) {
            row->outcome = BENCH_FAILED;
        }
    }
    return calls == 0 ? 0.0 : (bench_now() - start) / (double)calls;
}

int bench_run(bench_row *rows, size_t count, const bench_timing *timing)
{
    const size_t rounds = (size_t)timing->rounds;
    double *seconds = calloc(count * rounds, sizeof *seconds);
    int failed = 0;
    if (seconds == NULL) {
        fprintf(stderr, "bench: no memory\n");
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        failed += check_once(&rows[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            if (rows[i].outcome != BENCH_OK) {
                continue;
            }
            seconds[i * rounds + round] = take_turn(&rows[i], timing);
            failed += rows[i].outcome != BENCH_OK;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].outcome == BENCH_OK) {
            summarize(&rows[i], seconds + i * rounds, timing->rounds);
        }
    }
    free(seconds);
    return failed;
}

double bench_rate(const bench_row *row)
{
    return row->work / row->median_seconds / 1e9;
}

static int is_same_problem(const bench_row *row, const bench_row *other, bench_role role)
{
    return other->role == role && other->outcome == BENCH_OK && strcmp(other->problem, row->problem) == 0;
}

double bench_fraction(const bench_row *rows, size_t count, const bench_row *row)
{
    double lowest = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (is_same_problem(row, &rows[i], BENCH_ROOF) && (lowest <= 0.0 || bench_rate(&rows[i]) < lowest)) {
            lowest = bench_rate(&rows[i]);
        }
    }
    return lowest > 0.0 ? bench_rate(row) / lowest : 0.0;
}

const bench_row *bench_peer(const bench_row *rows, size_t count, const bench_row *row)
{
    const bench_row *fastest = NULL;
    for (size_t i = 0; i < count && row->role == BENCH_PLAIN; i++) {
        if (is_same_problem(row, &rows[i], BENCH_PEER) &&
            (fastest == NULL || bench_rate(&rows[i]) > bench_rate(fastest))) {
            fastest = &rows[i];
        }
    }
    return fastest;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdio.h>
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

static void summarize(bench_row *row, double *seconds, int rounds)
{
    qsort(seconds, (size_t)rounds, sizeof *seconds, by_value);
    row->best_seconds = seconds[0];
    row->median_seconds = rounds % 2 != 0 ? seconds[rounds / 2] : (seconds[rounds / 2 - 1] + seconds[rounds / 2]) / 2.0;
}

void bench_run(bench_row *rows, size_t count, int rounds)
{
    double *seconds;
    seconds = calloc(count * (size_t)rounds, sizeof *seconds);
    if (seconds == NULL) {
        fprintf(stderr, "bench: no memory\n");
        exit(1);
    }
    for (size_t i = 0; i < count; i++) { /* also the warm-up: compiles, touches pages */
        rows[i].usable =
            rows[i].run(rows[i].cookie) == 0 && (rows[i].check == NULL || rows[i].check(rows[i].cookie) == 0);
        if (!rows[i].usable) {
            fprintf(stderr, "bench: %s, %s: failed or gave a wrong result; not timed\n", rows[i].problem, rows[i].who);
        }
    }
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            const double start = bench_now();
            if (rows[i].usable && rows[i].run(rows[i].cookie) != 0) {
                rows[i].usable = 0;
            }
            seconds[i * (size_t)rounds + (size_t)round] = bench_now() - start;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].usable) {
            summarize(&rows[i], seconds + i * (size_t)rounds, rounds);
        }
    }
    free(seconds);
}

static double rate(const bench_row *row)
{
    return row->bytes / row->median_seconds / 1e9;
}

/* Throughput over that of the problem's roof, 0 where there is none. */
static double fraction(const bench_row *rows, size_t count, const bench_row *row)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].is_roof && rows[i].usable && strcmp(rows[i].problem, row->problem) == 0) {
            return rate(row) / rate(&rows[i]);
        }
    }
    return 0.0;
}

void bench_print(const bench_row *rows, size_t count, int json, const char *device, uint64_t elements, int rounds)
{
    if (json) {
        printf("{\"device\":\"%s\",\"elements\":%llu,\"rounds\":%d,\"rows\":[", device, (unsigned long long)elements,
               rounds);
    } else {
        printf("device: %s, %llu elements, median of %d rounds\n", device, (unsigned long long)elements, rounds);
        printf("%-26s %-30s %10s %8s %8s %6s\n", "problem", "who", "median ms", "best ms", "GB/s", "ratio");
    }
    for (size_t i = 0; i < count; i++) {
        const bench_row *row = &rows[i];
        if (json) {
            printf("%s{\"problem\":\"%s\",\"who\":\"%s\",\"roof\":%s,", i == 0 ? "" : ",", row->problem, row->who,
                   row->is_roof ? "true" : "false");
            if (row->usable) {
                printf("\"median_seconds\":%.9g,\"best_seconds\":%.9g,\"gb_per_second\":%.6g,\"ratio\":%.4g}",
                       row->median_seconds, row->best_seconds, rate(row), fraction(rows, count, row));
            } else {
                printf("\"median_seconds\":null}");
            }
        } else if (row->usable) {
            char ratio[32] = "     -"; /* no roof to compare with */
            if (fraction(rows, count, row) > 0.0) {
                snprintf(ratio, sizeof ratio, "%6.2f%s", fraction(rows, count, row), row->is_roof ? " *" : "");
            }
            printf("%-26s %-30s %10.3f %8.3f %8.2f %s\n", row->problem, row->who, 1e3 * row->median_seconds,
                   1e3 * row->best_seconds, rate(row), ratio);
        } else {
            printf("%-26s %-30s          -        -        -      -\n", row->problem, row->who);
        }
    }
    printf(json ? "]}\n" : "ratio: throughput over that of the row marked *\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "statistics.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../size.h"

/* Below this many whole blocks a second thread costs more than it brings. */
enum { BLOCKS_WORTH_A_THREAD = 8 };

typedef struct block_result {
    cli_sums lanes[CLI_STATISTICS_LANES];
    cli_counts counts;
    double maximum;
    size_t maximum_at; /* relative to the piece; meaningful when maximum is above what it was begun with */
} block_result;

void cli_statistics_init(cli_statistics *statistics)
{
    memset(statistics, 0, sizeof *statistics);
    statistics->maximum_index = UINT64_MAX;
}

static void add_sums(cli_sums *into, const cli_sums *sums)
{
    into->error2 += sums->error2;
    into->absolute += sums->absolute;
    into->x2 += sums->x2;
    into->y2 += sums->y2;
    into->xy += sums->xy;
}

static void fold_lanes(cli_sums *total, const cli_sums *lanes)
{
    cli_sums block = lanes[0];
    for (size_t lane = 1; lane < CLI_STATISTICS_LANES; lane++) {
        add_sums(&block, &lanes[lane]);
    }
    add_sums(total, &block);
}

static void accumulate_one(block_result *result, size_t lane, double x, double y)
{
    cli_sums *sums = &result->lanes[lane];
    const double error = x - y;
    const double absolute = fabs(error);
    sums->error2 += error * error;
    sums->absolute += absolute;
    sums->x2 += x * x;
    sums->y2 += y * y;
    sums->xy += x * y;
}

/* Elements that begin at lane 0, `count` a multiple of the lanes. Two loops, so that the sums stay in registers. */
static void accumulate_aligned(block_result *result, const double *x, const double *y, size_t count)
{
    double error2[CLI_STATISTICS_LANES], absolute[CLI_STATISTICS_LANES];
    double x2[CLI_STATISTICS_LANES], y2[CLI_STATISTICS_LANES], xy[CLI_STATISTICS_LANES];
    for (size_t lane = 0; lane < CLI_STATISTICS_LANES; lane++) {
        error2[lane] = result->lanes[lane].error2;
        absolute[lane] = result->lanes[lane].absolute;
        x2[lane] = result->lanes[lane].x2;
        y2[lane] = result->lanes[lane].y2;
        xy[lane] = result->lanes[lane].xy;
    }
    for (size_t i = 0; i < count; i += CLI_STATISTICS_LANES) {
        for (size_t lane = 0; lane < CLI_STATISTICS_LANES; lane++) {
            const double error = x[i + lane] - y[i + lane];
            error2[lane] += error * error;
            absolute[lane] += fabs(error);
        }
    }
    for (size_t i = 0; i < count; i += CLI_STATISTICS_LANES) {
        for (size_t lane = 0; lane < CLI_STATISTICS_LANES; lane++) {
            x2[lane] += x[i + lane] * x[i + lane];
            y2[lane] += y[i + lane] * y[i + lane];
            xy[lane] += x[i + lane] * y[i + lane];
        }
    }
    for (size_t lane = 0; lane < CLI_STATISTICS_LANES; lane++) {
        result->lanes[lane].error2 = error2[lane];
        result->lanes[lane].absolute = absolute[lane];
        result->lanes[lane].x2 = x2[lane];
        result->lanes[lane].y2 = y2[lane];
        result->lanes[lane].xy = xy[lane];
    }
}

/* The greatest error of a piece, and where it is first met when it is greater than what was known. */
static void find_maximum(block_result *result, const double *x, const double *y, size_t count, size_t first)
{
    double greatest[CLI_STATISTICS_LANES] = {0};
    double maximum = 0.0;
    const size_t aligned = count - count % CLI_STATISTICS_LANES;
    for (size_t i = 0; i < aligned; i += CLI_STATISTICS_LANES) {
        for (size_t lane = 0; lane < CLI_STATISTICS_LANES; lane++) {
            const double absolute = fabs(x[i + lane] - y[i + lane]);
            greatest[lane] = absolute > greatest[lane] ? absolute : greatest[lane];
        }
    }
    for (size_t lane = 0; lane < CLI_STATISTICS_LANES; lane++) {
        maximum = greatest[lane] > maximum ? greatest[lane] : maximum;
    }
    for (size_t i = aligned; i < count; i++) {
        const double absolute = fabs(x[i] - y[i]);
        maximum = absolute > maximum ? absolute : maximum;
    }
    if (maximum > result->maximum) {
        size_t at = 0;
        while (fabs(x[at] - y[at]) != maximum) {
            at++;
        }
        result->maximum = maximum;
        result->maximum_at = first + at;
    }
}

/* Add [first, first + count) of the piece, which stand in one block from its element `offset` on. */
static void accumulate(block_result *result, size_t offset, size_t first, size_t count, cli_fill fill,
                       const void *cookie)
{
    double x[CLI_STATISTICS_PIECE];
    double y[CLI_STATISTICS_PIECE];
    while (count > 0) {
        const size_t step = count < CLI_STATISTICS_PIECE ? count : CLI_STATISTICS_PIECE;
        size_t i = 0;
        size_t aligned;
        fill(cookie, first, step, x, y, &result->counts);
        for (; i < step && (offset + i) % CLI_STATISTICS_LANES != 0; i++) {
            accumulate_one(result, (offset + i) % CLI_STATISTICS_LANES, x[i], y[i]);
        }
        aligned = (step - i) - (step - i) % CLI_STATISTICS_LANES;
        accumulate_aligned(result, x + i, y + i, aligned);
        for (i += aligned; i < step; i++) {
            accumulate_one(result, (offset + i) % CLI_STATISTICS_LANES, x[i], y[i]);
        }
        find_maximum(result, x, y, step, first);
        offset += step;
        first += step;
        count -= step;
    }
}

static void take_result(cli_statistics *statistics, const block_result *result, uint64_t base)
{
    statistics->clipped += result->counts.clipped;
    statistics->differing += result->counts.differing;
    if (result->maximum > statistics->maximum) {
        statistics->maximum = result->maximum;
        statistics->maximum_index = base + result->maximum_at;
    }
}

/* Part of a block, carried on from the call before or left for the next. */
static void add_part(cli_statistics *statistics, size_t first, size_t count, uint64_t base, cli_fill fill,
                     const void *cookie)
{
    const size_t offset = (size_t)(statistics->elements % CLI_STATISTICS_BLOCK);
    block_result result;
    memset(&result, 0, sizeof result);
    memcpy(result.lanes, statistics->lanes, sizeof result.lanes);
    result.maximum = statistics->maximum;
    accumulate(&result, offset, first, count, fill, cookie);
    take_result(statistics, &result, base);
    statistics->elements += count;
    if (offset + count == CLI_STATISTICS_BLOCK) {
        fold_lanes(&statistics->total, result.lanes);
        memset(statistics->lanes, 0, sizeof statistics->lanes);
    } else {
        memcpy(statistics->lanes, result.lanes, sizeof statistics->lanes);
    }
}

/* Every second block, from `next` on. */
typedef struct block_worker {
    block_result *results;
    size_t next, stride, count;
    size_t first; /* of block 0, in the piece */
    cli_fill fill;
    const void *cookie;
} block_worker;

static void *run_blocks(void *argument)
{
    const block_worker *worker = argument;
    for (size_t i = worker->next; i < worker->count; i += worker->stride) {
        accumulate(&worker->results[i], 0, worker->first + i * CLI_STATISTICS_BLOCK, CLI_STATISTICS_BLOCK, worker->fill,
                   worker->cookie);
    }
    return NULL;
}

/* Whole blocks on two threads. 0 when there is no memory for it: the caller then goes block by block. */
static int add_blocks(cli_statistics *statistics, size_t first, size_t blocks, uint64_t base, cli_fill fill,
                      const void *cookie)
{
    block_result *results = calloc(blocks, sizeof *results);
    block_worker workers[2];
    pthread_t thread;
    int threaded;
    if (results == NULL) {
        return 0;
    }
    for (size_t i = 0; i < blocks; i++) {
        results[i].maximum = statistics->maximum;
    }
    for (size_t w = 0; w < 2; w++) {
        workers[w] = (block_worker){results, w, 2, blocks, first, fill, cookie};
    }
    threaded = pthread_create(&thread, NULL, run_blocks, &workers[1]) == 0;
    run_blocks(&workers[0]);
    if (threaded) {
        pthread_join(thread, NULL);
    } else {
        run_blocks(&workers[1]);
    }
    for (size_t i = 0; i < blocks; i++) {
        fold_lanes(&statistics->total, results[i].lanes);
        take_result(statistics, &results[i], base);
    }
    statistics->elements += (uint64_t)blocks * CLI_STATISTICS_BLOCK;
    free(results);
    return 1;
}

void cli_statistics_add(cli_statistics *statistics, size_t count, cli_fill fill, const void *cookie)
{
    const uint64_t base = statistics->elements;
    size_t done = 0;
    while (done < count) {
        const size_t offset = (size_t)(statistics->elements % CLI_STATISTICS_BLOCK);
        const size_t blocks = (count - done) / CLI_STATISTICS_BLOCK;
        if (offset == 0 && blocks >= BLOCKS_WORTH_A_THREAD &&
            add_blocks(statistics, done, blocks, base, fill, cookie)) {
            done += blocks * CLI_STATISTICS_BLOCK;
        } else {
            const size_t room = CLI_STATISTICS_BLOCK - offset;
            const size_t step = count - done < room ? count - done : room;
            add_part(statistics, done, step, base, fill, cookie);
            done += step;
        }
    }
}

cli_errors cli_statistics_result(const cli_statistics *statistics)
{
    cli_sums sums = statistics->total;
    cli_errors errors;
    if (statistics->elements % CLI_STATISTICS_BLOCK != 0) {
        fold_lanes(&sums, statistics->lanes);
    }
    errors.exact = statistics->differing == 0 && statistics->maximum_index == UINT64_MAX;
    errors.maximum = statistics->elements > 0 ? statistics->maximum : NAN;
    errors.maximum_index = statistics->maximum_index;
    errors.mean = statistics->elements > 0 ? sums.absolute / (double)statistics->elements : NAN;
    if (errors.exact) {
        errors.sqnr_db = INFINITY;
    } else {
        errors.sqnr_db = sums.error2 > 0.0 ? 10.0 * log10(sums.x2 / sums.error2) : NAN;
    }
    errors.cosine = sums.x2 > 0.0 && sums.y2 > 0.0 ? sums.xy / (sqrt(sums.x2) * sqrt(sums.y2)) : NAN;
    if (errors.cosine > 1.0 || (errors.exact && sums.x2 > 0.0)) {
        errors.cosine = 1.0; /* what rounding took away or added */
    }
    return errors;
}

int cli_errors_compare(const cli_errors *a, const cli_errors *b)
{
    /* Exact has an infinite ratio; what has none at all (only NaN in it) is worst. */
    const double x = isnan(a->sqnr_db) ? -INFINITY : a->sqnr_db;
    const double y = isnan(b->sqnr_db) ? -INFINITY : b->sqnr_db;
    return (x > y) - (x < y);
}

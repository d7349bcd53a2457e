/* SPDX-License-Identifier: Apache-2.0 */
#include "native/tensor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/host_memory.h"
#include "native/cut.h"
#include "reference/element.h"
#include "reference/reference.h"

/*
 * Waking a thread costs as much as some ten thousand elements; a part is some pages of codes, and there are several for
 * each thread, since the processors are others' too.
 */
enum { LEAST_TENSOR = 64 << 10, LEAST_PART = 16 << 10, PARTS_OF_THREAD = 4, SMALL_PARTS = 3 };

/* Neighbours of a strided tensor for which it is worth while to begin a loop. */
enum { LEAST_RUN = 16 };

/* What one parameter costs in elements where it is chosen. */
enum { ELEMENTS_OF_CHOICE = 16 };

enum { KEYS_BYTES = 2 * sizeof(int32_t) };

/*
 * Bytes of source and target for each thread from which on outputs go past the caches, as the kernels have it
 * (walk.stream): a caller finds less than this there, and what is stored through them costs a read of memory more.
 */
enum { STREAMED_BYTES = 16 << 20 };

clq_native_team clq_native_team_of(clq_threads *threads, clq_memory *memory)
{
    const clq_native_team team = {threads,
                                  threads->wanted > 1 ? threads->wanted * PARTS_OF_THREAD : 1,
                                  LEAST_TENSOR,
                                  LEAST_PART,
                                  CLQ_NATIVE_ALIGNMENT,
                                  LEAST_RUN,
                                  (uint64_t)STREAMED_BYTES * threads->wanted,
                                  memory};
    return team;
}

clq_native_team clq_native_small_team(void)
{
    const clq_native_team team = {NULL, SMALL_PARTS, 2, 2, 2, 1, 0, NULL};
    return team;
}

/* ---- quantize, dequantize, fake-quantize ---- */

static void run_elements(void *cookie, size_t index)
{
    const clq_native_cut *c = cookie;
    const uint64_t first = clq_native_begin_of(c, index);
    const uint64_t stop = clq_native_begin_of(c, index + 1);
    if (first < stop) {
        c->loops->elements(c->task, first, stop, c->streams);
    }
}

/* ---- minmax ---- */

/* A part ends where a segment or a band does, if those are small. */
static uint64_t begin_of_range(const clq_native_cut *c, size_t index)
{
    const clq_geometry *g = &c->task->geometry;
    const uint64_t at = clq_native_begin_of(c, index);
    const uint64_t size = c->count / c->parts / 4;
    if (at == c->count) {
        return at;
    }
    if (clq_geometry_has_bands(g)) {
        return g->band <= size ? at - at % g->slab % g->band : at;
    }
    return g->segment <= size ? at - at % g->row % g->segment : at;
}

/* The parameters of elements [first, stop): [*begin, *end). */
static void parameters_of(const clq_geometry *g, uint64_t first, uint64_t stop, uint64_t *begin, uint64_t *end)
{
    const uint64_t period = g->channels * g->segments_per_row;
    *begin = clq_geometry_parameter(g, first);
    *end = clq_geometry_parameter(g, stop - 1) + 1;
    if (g->channels < g->rows && first / g->row != (stop - 1) / g->row) { /* they come again: whole bands */
        *begin = *begin / period * period;
        *end = clq_size_divide_up(*end, period) * period;
    }
}

static void clear_keys(unsigned char *keys, uint64_t count)
{
    const int32_t none[2] = {INT32_MAX, INT32_MIN};
    for (uint64_t i = 0; i < count; i++) {
        memcpy(keys + i * KEYS_BYTES, none, KEYS_BYTES);
    }
}

static void run_ranges(void *cookie, size_t index)
{
    const clq_native_cut *c = cookie;
    const uint64_t first = begin_of_range(c, index);
    const uint64_t stop = begin_of_range(c, index + 1);
    if (first < stop) {
        uint64_t begin;
        uint64_t end;
        parameters_of(&c->task->geometry, first, stop, &begin, &end);
        clear_keys(c->ranges[index].keys, end - begin);
        c->loops->ranges(c->task, first, stop, &c->ranges[index]);
    }
}

/* The end of a range from its key; -0 is 0. */
static float end_of(int32_t key)
{
    return clq_float_from_bits(key == -1 ? 0 : key < 0 ? (uint32_t)key ^ 0x7FFFFFFF : (uint32_t)key);
}

static void store_ends(unsigned char *range, int32_t least, int32_t greatest)
{
    const float ends[2] = {least > greatest ? 0.0f : end_of(least), least > greatest ? 0.0f : end_of(greatest)};
    memcpy(range, ends, sizeof ends);
}

/* Of the parameters whose first keys are those of part `index`, from the keys of all parts. */
static void finish_ranges(void *cookie, size_t index)
{
    const clq_native_cut *c = cookie;
    const clq_geometry *g = &c->task->geometry;
    unsigned char *range = clq_host_at(c->task, CLQ_ARG_RANGE);
    const uint64_t size = clq_size_divide_up(g->parameters, c->parts);
    const uint64_t stop = clq_size_min(size * (index + 1), g->parameters);
    for (uint64_t p = size * index; p < stop; p++) {
        int32_t keys[2] = {INT32_MAX, INT32_MIN};
        if (c->is_apart) {
            memcpy(keys, range + p * KEYS_BYTES, sizeof keys);
        }
        for (size_t i = 0; i < c->parts && !c->is_apart; i++) {
            const clq_native_ranges *r = &c->ranges[i];
            int32_t own[2];
            if (r->keys != NULL && p >= r->first && p - r->first < r->count) {
                memcpy(own, r->keys + (p - r->first) * KEYS_BYTES, sizeof own);
                keys[0] = own[0] < keys[0] ? own[0] : keys[0];
                keys[1] = own[1] > keys[1] ? own[1] : keys[1];
            }
        }
        store_ends(range + p * KEYS_BYTES, keys[0], keys[1]);
    }
}

/* Where each part has its keys: in the place of the ranges if no two parts share one. Returns the bytes of all others.
 */
static uint64_t place_keys(clq_native_cut *c)
{
    const clq_geometry *g = &c->task->geometry;
    uint64_t all = 0;
    uint64_t last = 0;
    c->is_apart = g->elements > 0;
    for (size_t i = 0; i < c->parts; i++) {
        const uint64_t first = begin_of_range(c, i);
        const uint64_t stop = begin_of_range(c, i + 1);
        uint64_t end = 0;
        c->ranges[i].nonfinite.first_index = UINT64_MAX;
        if (first < stop) {
            parameters_of(g, first, stop, &c->ranges[i].first, &end);
            c->ranges[i].count = end - c->ranges[i].first;
            c->is_apart = c->is_apart && (all == 0 || c->ranges[i].first >= last);
            all += c->ranges[i].count;
            last = end;
        }
    }
    return c->is_apart ? 0 : all * KEYS_BYTES;
}

static void set_keys(clq_native_cut *c, unsigned char *keys)
{
    unsigned char *range = clq_host_at(c->task, CLQ_ARG_RANGE);
    for (size_t i = 0; i < c->parts; i++) {
        clq_native_ranges *r = &c->ranges[i];
        if (r->count > 0) {
            r->keys = c->is_apart ? range + r->first * KEYS_BYTES : keys;
            keys = c->is_apart ? NULL : keys + r->count * KEYS_BYTES;
        }
    }
}

static clq_status run_minmax(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                             clq_error *error)
{
    const clq_geometry *g = &task->geometry;
    clq_native_cut c = clq_native_cut_of(loops, team, task, g->elements, team->alignment);
    clq_nonfinite found = {0, UINT64_MAX};
    uint64_t bytes = 0;
    clq_native_ranges *ranges;
    void *keys = NULL;
    clq_status status;
    if (g->channels < g->rows) { /* all parts may have all parameters: not more of them than elements */
        c.parts = (size_t)clq_size_max(clq_size_min(c.parts, g->elements / clq_size_max(g->parameters, 1)), 1);
    }
    ranges = calloc(c.parts, sizeof *ranges);
    c.ranges = ranges;
    if (ranges == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the ranges of %zu threads", c.parts);
    }
    bytes = place_keys(&c);
    if (bytes > 0) {
        status = clq_memory_take(team->memory, bytes, _Alignof(max_align_t), "the ranges of threads", &keys, error);
        if (status != CLQ_OK) {
            free(ranges);
            return status;
        }
    }
    set_keys(&c, keys);
    clq_native_run_parts(team, &c, run_ranges);
    for (size_t i = 0; i < c.parts && g->parameters < LEAST_PART; i++) { /* not worth waking anyone */
        finish_ranges(&c, i);
    }
    if (g->parameters >= LEAST_PART) {
        clq_native_run_parts(team, &c, finish_ranges);
    }
    for (size_t i = 0; i < c.parts; i++) {
        found.count += ranges[i].nonfinite.count;
        found.first_index = clq_size_min(found.first_index, ranges[i].nonfinite.first_index);
    }
    memcpy(clq_host_at(task, CLQ_ARG_NONFINITE), &found, sizeof found);
    clq_memory_give(team->memory, keys, bytes);
    free(ranges);
    return CLQ_OK;
}

/* ---- what the reference computes, parameter by parameter ---- */

static void run_choice(void *cookie, size_t index)
{
    const clq_native_cut *c = cookie;
    const uint64_t first = clq_native_begin_of(c, index);
    const uint64_t stop = clq_native_begin_of(c, index + 1);
    clq_reference_choose_parameters(&c->task->q->scheme, stop - first, clq_host_at(c->task, CLQ_ARG_RANGE) + 8 * first,
                                    clq_host_at(c->task, CLQ_ARG_SCALE) + 4 * first,
                                    clq_host_at(c->task, CLQ_ARG_ZERO_POINT) + 4 * first);
}

static void run_merge(void *cookie, size_t index)
{
    const clq_native_cut *c = cookie;
    const clq_task *task = c->task;
    clq_reference_merge_range(&task->geometry, task->q, clq_host_at(task, CLQ_ARG_X), clq_host_at(task, CLQ_ARG_RANGE),
                              clq_host_at(task, CLQ_ARG_NONFINITE), clq_host_at(task, CLQ_ARG_AVERAGING),
                              clq_host_at(task, CLQ_ARG_STATE), clq_native_begin_of(c, index),
                              clq_native_begin_of(c, index + 1));
}

/* ---- all ---- */

int clq_native_has_runs(clq_operation operation)
{
    return operation == CLQ_OP_MINMAX || operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_DEQUANTIZE ||
           operation == CLQ_OP_FAKE_QUANTIZE || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

int clq_native_walks(const clq_native_team *team, const clq_task *task)
{
    clq_runs runs;
    if (!task->is_strided || !clq_native_has_runs(task->operation)) {
        return !task->is_strided;
    }
    clq_task_runs(task, &runs);
    return runs.left.step == 1 && runs.right.step == 1 && runs.run >= team->least_run;
}

static clq_status run_step(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                           clq_operation step, clq_error *error)
{
    const clq_geometry *g = &task->geometry;
    const int is_of_parameters = step == CLQ_OP_CHOOSE_PARAMETERS || step == CLQ_OP_MERGE_RANGE;
    clq_native_cut c;
    if (step == CLQ_OP_MINMAX) {
        return run_minmax(loops, team, task, error);
    }
    if (step == CLQ_OP_HISTOGRAM) {
        return clq_native_histogram(loops, team, task, error);
    }
    c = clq_native_cut_of(loops, team, task, g->elements, team->alignment);
    if (is_of_parameters) {
        c.parts = clq_native_parts_of(team, g->parameters * ELEMENTS_OF_CHOICE);
        c.count = g->parameters;
        c.alignment = 1;
    }
    clq_native_run_parts(team, &c,
                         step == CLQ_OP_CHOOSE_PARAMETERS ? run_choice
                         : step == CLQ_OP_MERGE_RANGE     ? run_merge
                                                          : run_elements);
    return CLQ_OK;
}

clq_status clq_native_run(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                          clq_error *error)
{
    if (task->operation != CLQ_OP_DYNAMIC_QUANTIZE) {
        return run_step(loops, team, task, task->operation, error);
    }
    CLQ_TRY(run_step(loops, team, task, CLQ_OP_MINMAX, error));
    CLQ_TRY(run_step(loops, team, task, CLQ_OP_CHOOSE_PARAMETERS, error));
    return run_step(loops, team, task, CLQ_OP_QUANTIZE, error);
}

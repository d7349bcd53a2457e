/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observers: the same ranges and histograms on the device and the reference, however the data comes in batches and
 * pieces, and those of a computation element by element here.
 */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "oracle.h"
#include "refusal.h"

enum { BINS = CLQ_HISTOGRAM_BINS, ROWS = 60, COLUMNS = 37, N = ROWS * COLUMNS };

/* What an observer gave. */
typedef struct observation {
    float ranges[2 * COLUMNS];
    uint64_t *counts;
} observation;

static clq_quantization rows_described(uint64_t rows, int per_channel)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = rows;
    q.layout.shape[1] = COLUMNS;
    q.layout.granularity = per_channel ? CLQ_PER_CHANNEL : CLQ_PER_TENSOR;
    q.layout.axis = 1;
    return q;
}

/* Both phases over all rows, at most `piece` of them at a time, `batch` of them in a batch. */
static observation observe(clq_context *context, const float *x, int per_channel, float averaging, uint64_t piece,
                           uint64_t batch)
{
    const uint64_t parameters = per_channel ? COLUMNS : 1;
    clq_observer *observer = NULL;
    observation seen;
    clq_error error;
    clq_operand data = {NULL, 0};
    check_ok(clq_buffer_create(context, N * sizeof *x, &data.buffer, &error), &error, "buffer");
    check_ok(clq_buffer_write(data.buffer, 0, x, N * sizeof *x, &error), &error, "write");
    check_ok(clq_observer_create(context, parameters, averaging, &observer, &error), &error, "clq_observer_create");
    for (int phase = 0; phase < 2; phase++) {
        for (uint64_t row = 0; row < ROWS; row += batch) {
            for (uint64_t part = row; part < row + batch && part < ROWS; part += piece) {
                const uint64_t end = part + piece < row + batch ? part + piece : row + batch;
                const clq_quantization q = rows_described((end < ROWS ? end : ROWS) - part, per_channel);
                data.offset = part * COLUMNS;
                check_ok(phase == 0 ? clq_observer_add_range(observer, &q, data, 0, &error)
                                    : clq_observer_add_counts(observer, &q, data, 0, &error),
                         &error, "add");
            }
            check_ok(clq_observer_end_batch(observer, &error), &error, "clq_observer_end_batch");
        }
    }
    seen.counts = check_allocate(parameters * BINS * sizeof *seen.counts);
    memset(seen.ranges, 0, sizeof seen.ranges);
    check_ok(clq_observer_read_ranges(observer, 0, parameters, seen.ranges, &error), &error, "ranges");
    check_ok(clq_observer_read_counts(observer, 0, parameters, seen.counts, &error), &error, "counts");
    clq_observer_destroy(&observer);
    assert_null(observer);
    clq_buffer_destroy(&data.buffer);
    return seen;
}

static void same(const observation *a, const observation *b, uint64_t parameters)
{
    assert_memory_equal(a->ranges, b->ranges, sizeof a->ranges);
    assert_memory_equal(a->counts, b->counts, (size_t)parameters * BINS * sizeof *a->counts);
}

/* Numbers with some that are not finite, a column without any that is, and a batch without any. */
static void fill(float *x)
{
    for (int i = 0; i < N; i++) {
        x[i] = (float)(check_normal() * (1 + i % COLUMNS));
        if (check_chance(40)) {
            x[i] = check_chance(2) ? NAN : -INFINITY;
        }
        if (i % COLUMNS == 7 || (i / COLUMNS >= 20 && i / COLUMNS < 30)) {
            x[i] = INFINITY;
        }
        if (i % COLUMNS == 9) {
            x[i] = check_chance(3) ? NAN : 4.0f; /* never 0: a lost element would show as 0 */
        }
    }
}

/* Running minimum and maximum, and histograms, do not depend on pieces and batches. */
static void any_pieces(void **state)
{
    static float x[N];
    (void)state;
    for (int turn = 0; turn < 6; turn++) {
        const int per_channel = turn % 2;
        observation whole;
        fill(x);
        whole = observe(check_reference(), x, per_channel, 0.0f, ROWS, ROWS);
        for (int c = 0; c < (per_channel ? COLUMNS : 1); c++) { /* element by element */
            float lo = INFINITY;
            float hi = -INFINITY;
            uint64_t finite = 0;
            uint64_t counted = 0;
            for (int i = 0; i < N; i++) {
                if (isfinite(x[i]) && (!per_channel || i % COLUMNS == c)) {
                    lo = fminf(lo, x[i]);
                    hi = fmaxf(hi, x[i]);
                    finite++;
                }
            }
            for (int b = 0; b < BINS; b++) {
                counted += whole.counts[c * BINS + b];
            }
            assert_true(counted == finite);
            assert_true(finite == 0 ? whole.ranges[2 * c] == 0.0f && whole.ranges[2 * c + 1] == 0.0f
                                    : whole.ranges[2 * c] == lo && whole.ranges[2 * c + 1] == hi);
            assert_true(finite == 0 || whole.counts[c * BINS + BINS - 1] > 0);
        }
        for (int way = 0; way < 5; way++) {
            static const uint64_t pieces[] = {1, 7, 60, 10, 13};
            static const uint64_t batches[] = {60, 20, 10, 30, 60};
            for (int device = 0; device < 2; device++) {
                clq_context *context = device ? check_device() : check_reference();
                if (context != NULL) {
                    observation other = observe(context, x, per_channel, 0.0f, pieces[way], batches[way]);
                    same(&whole, &other, per_channel ? COLUMNS : 1);
                    free(other.counts);
                }
            }
        }
        free(whole.counts);
    }
    check_needs_device();
}

/* A moving average depends on the batches, and on nothing else. */
static void moving_average(void **state)
{
    static float x[N];
    (void)state;
    for (int turn = 0; turn < 4; turn++) {
        const uint64_t batch = turn < 2 ? 10 : 20;
        const int per_channel = turn % 2;
        observation whole;
        fill(x);
        whole = observe(check_reference(), x, per_channel, 0.01f, ROWS, batch);
        for (int c = 0; c < (per_channel ? COLUMNS : 1); c++) {
            double state_lo = 0.0;
            double state_hi = 0.0;
            int any = 0;
            for (uint64_t row = 0; row < ROWS; row += batch) {
                float lo = INFINITY;
                float hi = -INFINITY;
                for (uint64_t i = row * COLUMNS; i < (row + batch) * COLUMNS; i++) {
                    if (isfinite(x[i]) && (!per_channel || (int)(i % COLUMNS) == c)) {
                        lo = fminf(lo, x[i]);
                        hi = fmaxf(hi, x[i]);
                    }
                }
                if (lo <= hi) {
                    state_lo = !any ? (double)lo : (float)(state_lo + (double)0.01f * ((double)lo - state_lo));
                    state_hi = !any ? (double)hi : (float)(state_hi + (double)0.01f * ((double)hi - state_hi));
                    any = 1;
                }
            }
            assert_true(whole.ranges[2 * c] == (float)state_lo && whole.ranges[2 * c + 1] == (float)state_hi);
        }
        for (uint64_t piece = 1; piece <= 10; piece += 3) {
            for (int device = 0; device < 2; device++) {
                clq_context *context = device ? check_device() : check_reference();
                if (context != NULL) {
                    observation other = observe(context, x, per_channel, 0.01f, piece, batch);
                    same(&whole, &other, per_channel ? COLUMNS : 1);
                    free(other.counts);
                }
            }
        }
        free(whole.counts);
    }
    check_needs_device();
}

enum { SOME_ROWS = 2, SOME_BATCHES = 3 };

/* Both phases over batches of one piece each; `with` pieces without elements before and after each, and batches of
 * nothing else. */
static observation observe_some(clq_context *context, clq_operand data, int per_channel, float averaging, int with)
{
    const uint64_t parameters = per_channel ? COLUMNS : 1;
    clq_observer *observer = NULL;
    observation seen;
    memset(seen.ranges, 0, sizeof seen.ranges);
    seen.counts = check_allocate(parameters * BINS * sizeof *seen.counts);
    ACCEPTED(clq_observer_create(context, parameters, averaging, &observer, e));
    for (int phase = 0; phase < 2; phase++) {
        for (uint64_t turn = 0; turn < 4 * SOME_BATCHES; turn++) { /* a batch: turn 0, and turns 1 to 3 */
            const clq_quantization q = rows_described(turn % 4 == 2 ? SOME_ROWS : 0, per_channel);
            data.offset = turn / 4 * SOME_ROWS * COLUMNS;
            if (turn % 4 == 2 || with) {
                ACCEPTED(phase == 0 ? clq_observer_add_range(observer, &q, data, 0, e)
                                    : clq_observer_add_counts(observer, &q, data, 0, e));
            }
            if (turn % 4 == 0 || turn % 4 == 3) {
                ACCEPTED(clq_observer_end_batch(observer, e));
            }
        }
    }
    ACCEPTED(clq_observer_read_ranges(observer, 0, parameters, seen.ranges, e));
    ACCEPTED(clq_observer_read_counts(observer, 0, parameters, seen.counts, e));
    clq_observer_destroy(&observer);
    return seen;
}

/* They change nothing: numbers far from 0 keep it out of their ranges. */
static void pieces_without_elements(void **state)
{
    static float x[SOME_BATCHES * SOME_ROWS * COLUMNS];
    static const float lowest[] = {5.0f, 6.0f, 5.0f};
    static const float highest[] = {8.0f, 7.0f, 5.0f};
    (void)state;
    for (int i = 0; i < SOME_BATCHES * SOME_ROWS * COLUMNS; i++) {
        const int batch = i / (SOME_ROWS * COLUMNS);
        x[i] = i / COLUMNS % SOME_ROWS == 0 ? lowest[batch] : highest[batch];
    }
    for (int turn = 0; turn < 8; turn++) {
        clq_context *context = turn & 1 ? check_device() : check_reference();
        const int per_channel = turn >> 1 & 1;
        const float averaging = turn & 4 ? 0.5f : 0.0f;
        if (context != NULL) {
            clq_operand data = {NULL, 0};
            observation without;
            observation with;
            ACCEPTED(clq_buffer_create(context, sizeof x, &data.buffer, e));
            ACCEPTED(clq_buffer_write(data.buffer, 0, x, sizeof x, e));
            without = observe_some(context, data, per_channel, averaging, 0);
            with = observe_some(context, data, per_channel, averaging, 1);
            same(&without, &with, per_channel ? COLUMNS : 1);
            assert_true(with.ranges[0] == (averaging > 0.0f ? 5.25f : 5.0f));
            assert_true(with.ranges[1] == (averaging > 0.0f ? 6.25f : 8.0f));
            free(without.counts);
            free(with.counts);
            clq_buffer_destroy(&data.buffer);
        }
    }
    check_needs_device();
}

/* docs/numerics.md, section 10: 1000 points in [-1, 1] and one at 100; a percentile recovers them. */
static void one_outlier(void **state)
{
    static float x[1001];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        x[i] = (float)((2 * i - 999) / 999.0);
    }
    x[1000] = 100.0f;
    for (int device = 0; device < 2; device++) {
        clq_context *context = device ? check_device() : check_reference();
        clq_observer *observer = NULL;
        clq_operand data = {NULL, 0};
        clq_quantization q;
        clq_error error;
        clq_threshold t;
        clq_parameters p;
        uint64_t counts[BINS];
        float range[2];
        if (context == NULL) {
            continue;
        }
        clq_quantization_init(&q);
        q.layout = inputs_layout_flat(1001);
        check_ok(clq_buffer_create(context, sizeof x, &data.buffer, &error), &error, "buffer");
        check_ok(clq_buffer_write(data.buffer, 0, x, sizeof x, &error), &error, "write");
        check_ok(clq_observer_create(context, 1, 0.0f, &observer, &error), &error, "observer");
        check_ok(clq_observer_add_range(observer, &q, data, 0, &error), &error, "range");
        check_ok(clq_observer_add_counts(observer, &q, data, 0, &error), &error, "counts");
        check_ok(clq_observer_read_ranges(observer, 0, 1, range, &error), &error, "ranges");
        check_ok(clq_observer_read_counts(observer, 0, 1, counts, &error), &error, "counts");
        assert_true(range[0] == -1.0f && range[1] == 100.0f);
        check_ok(clq_choose_parameters(&q.scheme, -1.0, 100.0, &p, &error), &error, "parameters");
        assert_true(fabsf(p.scale - 0.78740156f) < 1e-7f); /* 3 codes for the 1000 points */
        check_ok(clq_histogram_percentile(counts, 100.0f, 99.9, &t, &error), &error, "percentile");
        assert_true(t.bins == 21 && t.value == 1.025390625f); /* 21 bins of 100/2048 reach beyond 1 */
        check_ok(clq_choose_parameters(&q.scheme, -1.0, (double)t.value, &p, &error), &error, "parameters");
        assert_true(p.scale < 0.0081f); /* 124 codes to either side */
        clq_observer_destroy(&observer);
        clq_buffer_destroy(&data.buffer);
    }
    check_needs_device();
}

/* A batch of histograms has the counts of one call for each, added at every run. */
static void in_a_batch(void **state)
{
    enum { TENSORS = 3, LENGTH = 1000 };
    static float x[TENSORS * LENGTH];
    (void)state;
    for (int device = 0; device < 2; device++) {
        clq_context *context = device ? check_device() : check_reference();
        const float range[2 * TENSORS] = {-1.0f, 2.0f, 0.0f, 5.0f, -3.0f, 0.0f};
        uint64_t counts[2][TENSORS * BINS];
        clq_operand data = {NULL, 0};
        clq_operand ranges = {NULL, 0};
        clq_operand totals = {NULL, 0};
        clq_batch_item items[TENSORS];
        clq_batch *batch = NULL;
        clq_quantization q;
        clq_plan plan;
        if (context == NULL) {
            continue;
        }
        clq_quantization_init(&q);
        q.layout = inputs_layout_flat(LENGTH);
        for (int i = 0; i < TENSORS * LENGTH; i++) {
            x[i] = (float)check_normal();
        }
        memset(counts, 0, sizeof counts);
        memset(items, 0, sizeof items);
        ACCEPTED(clq_buffer_create(context, sizeof x, &data.buffer, e));
        ACCEPTED(clq_buffer_write(data.buffer, 0, x, sizeof x, e));
        ACCEPTED(clq_buffer_create(context, sizeof range, &ranges.buffer, e));
        ACCEPTED(clq_buffer_write(ranges.buffer, 0, range, sizeof range, e));
        for (int turn = 0; turn < 2; turn++) {
            ACCEPTED(clq_buffer_create(context, sizeof counts[turn], &totals.buffer, e));
            ACCEPTED(clq_buffer_write(totals.buffer, 0, counts[turn], sizeof counts[turn], e));
            for (uint64_t i = 0; i < TENSORS; i++) {
                clq_operands *o = &items[i].operands;
                items[i].q = &q;
                o->struct_size = sizeof *o;
                o->x = (clq_operand){data.buffer, i * LENGTH};
                o->range = (clq_operand){ranges.buffer, 2 * i};
                o->counts = (clq_operand){totals.buffer, i * BINS};
                for (int k = 0; k < 2 && turn == 0; k++) {
                    ACCEPTED(clq_histogram(context, &q, o->x, o->range, o->counts, e));
                }
            }
            if (turn == 1) {
                ACCEPTED(clq_batch_create(context, CLQ_OP_HISTOGRAM, items, TENSORS, &batch, e));
                ACCEPTED(clq_batch_plan(batch, &plan, e));
                assert_true(plan.variant[0] != '\0');
                ACCEPTED(clq_batch_run(batch, e));
                ACCEPTED(clq_batch_run(batch, e));
            }
            ACCEPTED(clq_buffer_read(totals.buffer, 0, counts[turn], sizeof counts[turn], e));
            clq_batch_destroy(&batch);
            clq_buffer_destroy(&totals.buffer);
        }
        assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
        clq_buffer_destroy(&data.buffer);
        clq_buffer_destroy(&ranges.buffer);
    }
    check_needs_device();
}

static void refusals_of(clq_context *context)
{
    clq_observer *observer = NULL;
    clq_quantization q = rows_described(2, 1);
    clq_operand data = {NULL, 0};
    clq_nonfinite nonfinite;
    float ranges[2];
    uint64_t counts[BINS];
    uint64_t of_both_ends[CLQ_HISTOGRAM_SIGNED_BINS];
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_observer_create(NULL, 1, 0.0f, &observer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_observer_create(context, 1, 0.0f, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "averaging is 1.5", clq_observer_create(context, 1, 1.5f, &observer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "averaging is", clq_observer_create(context, 1, NAN, &observer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "64 bits", clq_observer_create(context, UINT64_MAX / 100, 0.0f, &observer, e));
    assert_null(observer);
    ACCEPTED(clq_observer_create(context, COLUMNS - 1, 0.0f, &observer, e));
    ACCEPTED(clq_buffer_create(context, 2 * COLUMNS * sizeof(float), &data.buffer, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "37 parameters", clq_observer_add_range(observer, &q, data, 0, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "37 parameters", clq_observer_add_counts(observer, &q, data, 0, e));
    q.layout.shape[1] = 2;
    REFUSED(CLQ_INVALID_ARGUMENT, "from 35", clq_observer_add_range(observer, &q, data, 35, e));
    ACCEPTED(clq_observer_add_range(observer, &q, data, 34, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_observer_add_range(observer, NULL, data, 0, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_observer_add_range(NULL, &q, data, 0, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_observer_end_batch(NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_observer_read_nonfinite(observer, NULL, e));
    ACCEPTED(clq_observer_read_nonfinite(observer, &nonfinite, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "from 36", clq_observer_read_ranges(observer, 36, 1, ranges, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_observer_read_counts(observer, 0, 1, NULL, e));
    ACCEPTED(clq_observer_read_counts(observer, 0, 1, counts, e)); /* before any: zeros */
    assert_true(counts[0] == 0 && counts[BINS - 1] == 0);
    q.scheme.symmetric = 0; /* histograms of both ends, and then of no other kind */
    ACCEPTED(clq_observer_add_counts(observer, &q, data, 34, e));
    ACCEPTED(clq_observer_read_counts(observer, 34, 1, of_both_ends, e));
    q.scheme.symmetric = 1;
    REFUSED(CLQ_INVALID_ARGUMENT, "of 4096", clq_observer_add_counts(observer, &q, data, 34, e));
    clq_observer_destroy(&observer);
    clq_observer_destroy(&observer);
    clq_observer_destroy(NULL);
    clq_buffer_destroy(&data.buffer);
}

static void refusals(void **state)
{
    (void)state;
    refusals_of(check_reference());
    if (check_device() != NULL) {
        refusals_of(check_device());
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_pieces),  cmocka_unit_test(moving_average), cmocka_unit_test(pieces_without_elements),
    cmocka_unit_test(one_outlier), cmocka_unit_test(in_a_batch),     cmocka_unit_test(refusals),
};

CHECK_MAIN("observer", tests)

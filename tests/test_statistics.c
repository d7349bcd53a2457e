/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of errors, against the definition in statistics.h written down element by element: equal to the last bit,
 * whatever instructions the processor has and however the tensor comes in pieces.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "stream/statistics.h"

enum { MOST = 3 * CLQ_STATISTICS_BLOCK + 777 };

static uint64_t seed = 7;

static size_t below(size_t limit)
{
    return (size_t)(scratch_random(&seed) % limit);
}

/* The definition. The products are volatile so that no compiler fuses them with a sum. */
static clq_errors define(const double *x, const double *y, size_t count, int full)
{
    clq_sums total = {0};
    clq_errors errors;
    double maximum = 0.0;
    uint64_t at = UINT64_MAX;
    for (size_t first = 0; first < count; first += CLQ_STATISTICS_BLOCK) {
        const size_t end = count - first < CLQ_STATISTICS_BLOCK ? count : first + CLQ_STATISTICS_BLOCK;
        clq_sums lanes[CLQ_STATISTICS_LANES] = {{0}};
        for (size_t i = first; i < end; i++) {
            clq_sums *lane = &lanes[(i - first) % CLQ_STATISTICS_LANES];
            const double error = x[i] - y[i];
            volatile double product = error * error;
            lane->error2 += product;
            product = x[i] * x[i];
            lane->x2 += product;
            lane->absolute += fabs(error);
            product = y[i] * y[i];
            lane->y2 += product;
            product = x[i] * y[i];
            lane->xy += product;
            if (fabs(error) > maximum) {
                maximum = fabs(error);
                at = i;
            }
        }
        for (size_t l = 1; l < CLQ_STATISTICS_LANES; l++) {
            lanes[0].error2 += lanes[l].error2;
            lanes[0].x2 += lanes[l].x2;
            lanes[0].absolute += lanes[l].absolute;
            lanes[0].y2 += lanes[l].y2;
            lanes[0].xy += lanes[l].xy;
        }
        total.error2 += lanes[0].error2;
        total.x2 += lanes[0].x2;
        total.absolute += lanes[0].absolute;
        total.y2 += lanes[0].y2;
        total.xy += lanes[0].xy;
    }
    errors.maximum = maximum;
    errors.maximum_index = at;
    errors.exact = at == UINT64_MAX;
    errors.sqnr_db = errors.exact ? INFINITY : 10.0 * log10(total.x2 / total.error2);
    errors.mean = full ? total.absolute / (double)count : NAN;
    errors.cosine = full ? fmin(total.xy / (sqrt(total.x2) * sqrt(total.y2)), 1.0) : NAN;
    return errors;
}

static void check_equal(const clq_errors *got, const clq_errors *want)
{
    assert_true(got->maximum == want->maximum);
    assert_true(got->maximum_index == want->maximum_index);
    assert_true(got->sqnr_db == want->sqnr_db);
    assert_true(got->mean == want->mean || (isnan(got->mean) && isnan(want->mean)));
    assert_true(got->cosine == want->cosine || (isnan(got->cosine) && isnan(want->cosine)));
    assert_int_equal(got->exact, want->exact);
}

/* Numbers of any size that f32 holds, and results that are near, equal, or the other way round. */
static void make(double *x, double *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double unit = (double)(scratch_random(&seed) >> 11) * 0x1p-53 - 0.5;
        x[i] = (double)(float)ldexp(unit, (int)below(40) - 20);
        y[i] = below(4) == 0 ? x[i] : (double)(float)(x[i] * (1.0 + ldexp(unit, -6)));
        if (below(200) == 0) {
            y[i] = -x[i];
        }
    }
}

static void add_in_pieces(clq_statistics *statistics, const double *x, const double *y, size_t count, int single,
                          size_t largest)
{
    float *narrow_x = malloc(count * sizeof *narrow_x);
    float *narrow_y = malloc(count * sizeof *narrow_y);
    assert_true(narrow_x != NULL && narrow_y != NULL);
    for (size_t i = 0; i < count; i++) {
        narrow_x[i] = (float)x[i];
        narrow_y[i] = (float)y[i];
    }
    clq_statistics_init(statistics);
    for (size_t done = 0; done < count;) {
        const size_t step = 1 + below(largest);
        const size_t piece = step < count - done ? step : count - done;
        if (single) {
            clq_statistics_add_single(statistics, narrow_x + done, narrow_y + done, piece);
        } else {
            clq_statistics_add(statistics, x + done, y + done, piece);
        }
        done += piece;
    }
    free(narrow_x);
    free(narrow_y);
}

static void pieces_and_instructions_change_nothing(void **state)
{
    static const size_t COUNTS[] = {1, 15, 16, 17, 2048, 2049, CLQ_STATISTICS_BLOCK, CLQ_STATISTICS_BLOCK + 1, MOST};
    static const size_t LARGEST[] = {3, 40, 3000, 100000, 10 * MOST};
    double *x = malloc(MOST * sizeof *x);
    double *y = malloc(MOST * sizeof *y);
    (void)state;
    assert_true(x != NULL && y != NULL);
    for (size_t c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++) {
        make(x, y, COUNTS[c]);
        for (int single = 0; single < 2; single++) {
            const clq_errors want = define(x, y, COUNTS[c], !single);
            for (size_t l = 0; l < sizeof LARGEST / sizeof LARGEST[0]; l++) {
                clq_statistics statistics;
                clq_errors got;
                add_in_pieces(&statistics, x, y, COUNTS[c], single, LARGEST[l]);
                got = clq_statistics_result(&statistics);
                assert_int_equal(statistics.elements, COUNTS[c]);
                check_equal(&got, &want);
            }
        }
    }
    free(x);
    free(y);
}

/* The first of equal errors counts, wherever it stands. */
static void the_first_greatest_error_is_told(void **state)
{
    static const size_t PLACES[] = {0, 1, 15, 16, 31, 2047, 2048, 70000};
    double *x = calloc(MOST, sizeof *x);
    double *y = calloc(MOST, sizeof *y);
    (void)state;
    assert_true(x != NULL && y != NULL);
    for (size_t p = sizeof PLACES / sizeof PLACES[0]; p-- > 0;) {
        clq_statistics statistics;
        x[PLACES[p]] = 3.0;
        y[PLACES[p]] = p % 2 == 0 ? 5.0 : 1.0;
        add_in_pieces(&statistics, x, y, MOST, 1, 5000);
        assert_true(clq_statistics_result(&statistics).maximum_index == PLACES[p]);
        add_in_pieces(&statistics, x, y, MOST, 0, 5000);
        assert_true(clq_statistics_result(&statistics).maximum_index == PLACES[p]);
    }
    free(x);
    free(y);
}

static void nothing_to_say(void **state)
{
    const double zeros[40] = {0};
    clq_statistics statistics;
    clq_errors errors;
    (void)state;
    clq_statistics_init(&statistics);
    errors = clq_statistics_result(&statistics);
    assert_true(isnan(errors.maximum) && isnan(errors.mean) && isnan(errors.cosine) && errors.exact);
    clq_statistics_add(&statistics, zeros, zeros, 40);
    errors = clq_statistics_result(&statistics);
    assert_true(errors.maximum == 0.0 && errors.exact && errors.sqnr_db == (double)INFINITY && isnan(errors.cosine));
    assert_true(errors.maximum_index == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_and_instructions_change_nothing),
        cmocka_unit_test(the_first_greatest_error_is_told),
        cmocka_unit_test(nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/statistics.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"

void clq_statistics_init(clq_statistics *statistics)
{
    memset(statistics, 0, sizeof *statistics);
    statistics->maximum_index = UINT64_MAX;
}

static double add_lanes(const double *lanes)
{
    double sum = lanes[0];
    for (size_t lane = 1; lane < CLQ_STATISTICS_LANES; lane++) {
        sum += lanes[lane];
    }
    return sum;
}

static void fold_lanes(clq_sums *total, const clq_lanes *lanes)
{
    total->error2 += add_lanes(lanes->error2);
    total->x2 += add_lanes(lanes->x2);
    total->absolute += add_lanes(lanes->absolute);
    total->y2 += add_lanes(lanes->y2);
    total->xy += add_lanes(lanes->xy);
}

/*
 * Four lanes at a time, as GCC and clang write vectors: a processor with narrower registers takes several of them. With
 * eight, GCC 12 takes comparisons apart into single numbers where registers have 256 bits, and the whole loop is 5.6
 * times slower. The type may stand anywhere in memory.
 */
enum { WIDTH = 4, VECTORS = CLQ_STATISTICS_LANES / WIDTH };
typedef double four __attribute__((vector_size(32)));
typedef int64_t four_bits __attribute__((vector_size(32)));
typedef double four_anywhere __attribute__((vector_size(32), aligned(8)));
typedef float four_single_anywhere __attribute__((vector_size(16), aligned(4)));

/* Macros, since what a function is given in such vectors depends on the instruction set it is compiled for. */
#define LOAD_FOUR(from) (*(const four_anywhere *)(const void *)(from))
#define WIDEN_FOUR(from) __builtin_convertvector(*(const four_single_anywhere *)(const void *)(from), four)
#define MAGNITUDE(value) ((four)((four_bits)(value)&INT64_MAX))
#define KEEP_GREATER(greatest, value)                                                                                  \
    do {                                                                                                               \
        const four_bits is_greater = (four_bits)((value) > (greatest));                                                \
        (greatest) = (four)(((four_bits)(value)&is_greater) | ((four_bits)(greatest) & ~is_greater));                  \
    } while (0)

static double greatest_of(const void *greatest)
{
    double lanes[CLQ_STATISTICS_LANES];
    double maximum = 0.0;
    memcpy(lanes, greatest, sizeof lanes);
    for (size_t lane = 0; lane < CLQ_STATISTICS_LANES; lane++) {
        maximum = lanes[lane] > maximum ? lanes[lane] : maximum;
    }
    return maximum;
}

/* Elements that begin at lane 0, `count` a multiple of the lanes. Returns the greatest error. */
CLQ_VECTOR_CLONES
static double sum_single(clq_lanes *lanes, const float *x, const float *y, size_t count)
{
    four error2[VECTORS], x2[VECTORS];
    four greatest[VECTORS] = {{0}};
    memcpy(error2, lanes->error2, sizeof error2);
    memcpy(x2, lanes->x2, sizeof x2);
    for (size_t i = 0; i < count; i += CLQ_STATISTICS_LANES) {
        for (size_t v = 0; v < VECTORS; v++) {
            const four xs = WIDEN_FOUR(x + i + WIDTH * v);
            const four error = xs - WIDEN_FOUR(y + i + WIDTH * v);
            const four magnitude = MAGNITUDE(error);
            error2[v] += error * error;
            x2[v] += xs * xs;
            KEEP_GREATER(greatest[v], magnitude);
        }
    }
    memcpy(lanes->error2, error2, sizeof error2);
    memcpy(lanes->x2, x2, sizeof x2);
    return greatest_of(greatest);
}

/* The same with more sums; a vector's are in registers while all elements pass it. */
CLQ_VECTOR_CLONES
static double sum_double(clq_lanes *lanes, const double *x, const double *y, size_t count)
{
    four greatest[VECTORS] = {{0}};
    for (size_t v = 0; v < VECTORS; v++) {
        const size_t lane = WIDTH * v;
        four error2, x2, absolute, y2, xy;
        memcpy(&error2, lanes->error2 + lane, sizeof error2);
        memcpy(&x2, lanes->x2 + lane, sizeof x2);
        memcpy(&absolute, lanes->absolute + lane, sizeof absolute);
        memcpy(&y2, lanes->y2 + lane, sizeof y2);
        memcpy(&xy, lanes->xy + lane, sizeof xy);
        for (size_t i = lane; i < count; i += CLQ_STATISTICS_LANES) {
            const four xs = LOAD_FOUR(x + i);
            const four ys = LOAD_FOUR(y + i);
            const four error = xs - ys;
            const four magnitude = MAGNITUDE(error);
            error2 += error * error;
            x2 += xs * xs;
            absolute += magnitude;
            y2 += ys * ys;
            xy += xs * ys;
            KEEP_GREATER(greatest[v], magnitude);
        }
        memcpy(lanes->error2 + lane, &error2, sizeof error2);
        memcpy(lanes->x2 + lane, &x2, sizeof x2);
        memcpy(lanes->absolute + lane, &absolute, sizeof absolute);
        memcpy(lanes->y2 + lane, &y2, sizeof y2);
        memcpy(lanes->xy + lane, &xy, sizeof xy);
    }
    return greatest_of(greatest);
}

/* Elements on their way: in one of two forms. */
typedef struct numbers {
    const double *x, *y;
    const float *x_single, *y_single; /* used when not NULL */
} numbers;

static double x_at(const numbers *n, size_t i)
{
    return n->x_single != NULL ? (double)n->x_single[i] : n->x[i];
}

static double y_at(const numbers *n, size_t i)
{
    return n->x_single != NULL ? (double)n->y_single[i] : n->y[i];
}

/* Elements [first, end), which do not fill all lanes. */
static double sum_some(clq_statistics *statistics, const numbers *n, size_t offset, size_t first, size_t end)
{
    clq_lanes *lanes = &statistics->lanes;
    double maximum = 0.0;
    for (size_t i = first; i < end; i++) {
        const size_t lane = (offset + i) % CLQ_STATISTICS_LANES;
        const double x = x_at(n, i);
        const double y = y_at(n, i);
        const double absolute = fabs(x - y);
        lanes->error2[lane] += absolute * absolute;
        lanes->x2[lane] += x * x;
        if (n->x_single == NULL) {
            lanes->absolute[lane] += absolute;
            lanes->y2[lane] += y * y;
            lanes->xy[lane] += x * y;
        }
        maximum = absolute > maximum ? absolute : maximum;
    }
    return maximum;
}

/* Elements [0, count), which stand in one block from its element `offset` on. */
static void add_piece(clq_statistics *statistics, const numbers *n, size_t offset, size_t count)
{
    const size_t lead = (CLQ_STATISTICS_LANES - offset % CLQ_STATISTICS_LANES) % CLQ_STATISTICS_LANES;
    const size_t first = lead < count ? lead : count;
    const size_t whole = (count - first) / CLQ_STATISTICS_LANES * CLQ_STATISTICS_LANES;
    const double before = sum_some(statistics, n, offset, 0, first);
    const double middle = n->x_single != NULL
                              ? sum_single(&statistics->lanes, n->x_single + first, n->y_single + first, whole)
                              : sum_double(&statistics->lanes, n->x + first, n->y + first, whole);
    const double after = sum_some(statistics, n, offset, first + whole, count);
    double maximum = before > middle ? before : middle;
    maximum = after > maximum ? after : maximum;
    if (maximum > statistics->maximum) {
        size_t at = 0;
        while (fabs(x_at(n, at) - y_at(n, at)) != maximum) {
            at++;
        }
        statistics->maximum = maximum;
        statistics->maximum_index = statistics->elements + at;
    }
    statistics->elements += count;
    if (offset + count == CLQ_STATISTICS_BLOCK) {
        fold_lanes(&statistics->total, &statistics->lanes);
        memset(&statistics->lanes, 0, sizeof statistics->lanes);
    }
}

static void add(clq_statistics *statistics, numbers n, size_t count)
{
    while (count > 0) {
        const size_t offset = (size_t)(statistics->elements % CLQ_STATISTICS_BLOCK);
        const size_t room = CLQ_STATISTICS_PIECE - offset % CLQ_STATISTICS_PIECE; /* pieces begin at a lane 0 */
        const size_t step = count < room ? count : room;
        add_piece(statistics, &n, offset, step);
        if (n.x_single != NULL) {
            n.x_single += step;
            n.y_single += step;
        } else {
            n.x += step;
            n.y += step;
        }
        count -= step;
    }
}

void clq_statistics_add(clq_statistics *statistics, const double *x, const double *y, size_t count)
{
    const numbers n = {x, y, NULL, NULL};
    add(statistics, n, count);
}

void clq_statistics_add_single(clq_statistics *statistics, const float *x, const float *y, size_t count)
{
    const numbers n = {NULL, NULL, x, y};
    statistics->single = 1;
    add(statistics, n, count);
}

clq_tally clq_statistics_tally(const clq_statistics *statistics)
{
    clq_tally tally = {statistics->elements, statistics->single,        statistics->differing != 0,
                       statistics->maximum,  statistics->maximum_index, statistics->total};
    if (statistics->elements % CLQ_STATISTICS_BLOCK != 0) {
        fold_lanes(&tally.sums, &statistics->lanes);
    }
    return tally;
}

void clq_tally_add(clq_tally *whole, const clq_tally *part)
{
    if (whole->elements == 0) {
        whole->maximum_index = UINT64_MAX;
    }
    if (part->maximum > whole->maximum) {
        whole->maximum = part->maximum;
        whole->maximum_index = whole->elements + part->maximum_index;
    }
    whole->elements += part->elements;
    whole->single |= part->single;
    whole->differing |= part->differing;
    whole->sums.error2 += part->sums.error2;
    whole->sums.x2 += part->sums.x2;
    whole->sums.absolute += part->sums.absolute;
    whole->sums.y2 += part->sums.y2;
    whole->sums.xy += part->sums.xy;
}

clq_errors clq_tally_errors(const clq_tally *tally)
{
    const clq_sums *sums = &tally->sums;
    clq_errors errors;
    errors.exact = !tally->differing && tally->maximum_index == UINT64_MAX;
    errors.maximum = tally->elements > 0 ? tally->maximum : NAN;
    errors.maximum_index = tally->maximum_index;
    errors.mean = tally->elements > 0 && !tally->single ? sums->absolute / (double)tally->elements : NAN;
    if (errors.exact) {
        errors.sqnr_db = INFINITY;
    } else {
        errors.sqnr_db = sums->error2 > 0.0 ? 10.0 * log10(sums->x2 / sums->error2) : NAN;
    }
    errors.cosine = sums->x2 > 0.0 && sums->y2 > 0.0 ? sums->xy / (sqrt(sums->x2) * sqrt(sums->y2)) : NAN;
    if (errors.cosine > 1.0 || (errors.exact && sums->x2 > 0.0 && !tally->single)) {
        errors.cosine = 1.0; /* what rounding took away or added */
    }
    return errors;
}

clq_errors clq_statistics_result(const clq_statistics *statistics)
{
    const clq_tally tally = clq_statistics_tally(statistics);
    return clq_tally_errors(&tally);
}

int clq_errors_compare(const clq_errors *a, const clq_errors *b)
{
    /* Exact has an infinite ratio; what has none at all (only NaN in it) is worst. */
    const double x = isnan(a->sqnr_db) ? -INFINITY : a->sqnr_db;
    const double y = isnan(b->sqnr_db) ? -INFINITY : b->sqnr_db;
    return (x > y) - (x < y);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures of one row are to those of the others of its group. */
#include <stdio.h>
#include <string.h>

#include "bench.h"

bench_row *bench_add(bench_group *group, const char *operation, const char *problem, const char *shape)
{
    bench_row *row = &group->rows[group->count];
    if (group->count == BENCH_MAX_ROWS) {
        return NULL;
    }
    group->count++;
    memset(row, 0, sizeof *row);
    row->operation = operation;
    snprintf(row->problem, sizeof row->problem, "%s", problem);
    snprintf(row->shape, sizeof row->shape, "%s", shape);
    return row;
}

void bench_stand_beside(bench_row *row, size_t other, const char *name, double limit)
{
    row->beside[0] = other;
    row->beside_count = 1;
    row->limit = limit;
    snprintf(row->beside_name, sizeof row->beside_name, "%s", name);
}

static double seconds_of(const bench_row *row, bench_figure figure)
{
    return figure == BENCH_BEST ? row->best_seconds : row->median_seconds;
}

double bench_rate(const bench_row *row, bench_figure figure)
{
    return row->outcome == BENCH_OK ? row->work / seconds_of(row, figure) / 1e9 : 0.0;
}

static int is_same_problem(const bench_row *row, const bench_row *other, bench_role role)
{
    return other->role == role && other->outcome == BENCH_OK && strcmp(other->operation, row->operation) == 0 &&
           strcmp(other->problem, row->problem) == 0 && strcmp(other->shape, row->shape) == 0;
}

double bench_fraction(const bench_group *group, const bench_row *row, bench_figure figure)
{
    double lowest = 0.0;
    for (size_t i = 0; i < group->count; i++) {
        const double rate = bench_rate(&group->rows[i], figure);
        if (is_same_problem(row, &group->rows[i], BENCH_ROOF) && (lowest <= 0.0 || rate < lowest)) {
            lowest = rate;
        }
    }
    return lowest > 0.0 ? bench_rate(row, figure) / lowest : 0.0;
}

/* How many times the one is as large as the other. */
static double distance_of(uint64_t a, uint64_t b)
{
    const double ratio = (double)a / (double)b;
    return ratio < 1.0 ? 1.0 / ratio : ratio;
}

double bench_copy_fraction(const bench_group *group, const bench_row *row, bench_figure figure)
{
    const bench_row *nearest = NULL; /* a copy of another size may lie in a cache that this one does not fit */
    for (size_t i = 0; i < group->count && row->unit == BENCH_BYTES && row->elements > 0; i++) {
        const bench_row *other = &group->rows[i];
        if (other->role == BENCH_COPY && other->outcome == BENCH_OK &&
            (nearest == NULL ||
             distance_of(other->elements, row->elements) < distance_of(nearest->elements, row->elements))) {
            nearest = other;
        }
    }
    return nearest != NULL ? bench_rate(row, figure) / bench_rate(nearest, figure) : 0.0;
}

const bench_row *bench_peer(const bench_group *group, const bench_row *row)
{
    const bench_row *fastest = NULL;
    for (size_t i = 0; i < group->count && row->role == BENCH_PLAIN; i++) {
        const bench_row *other = &group->rows[i];
        if (is_same_problem(row, other, BENCH_PEER) &&
            (fastest == NULL || bench_rate(other, BENCH_MEDIAN) > bench_rate(fastest, BENCH_MEDIAN))) {
            fastest = other;
        }
    }
    return fastest;
}

double bench_cost(const bench_group *group, const bench_row *row, bench_figure figure)
{
    double seconds = 0.0;
    for (int i = 0; i < row->beside_count; i++) {
        const bench_row *other = &group->rows[row->beside[i]];
        if (other->outcome != BENCH_OK || other->elements == 0) {
            return 0.0;
        }
        seconds += seconds_of(other, figure) / (double)other->elements * (double)row->elements;
    }
    return seconds > 0.0 && row->outcome == BENCH_OK ? seconds_of(row, figure) / seconds : 0.0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The mean of ranges (docs/numerics.md, eq. 32): from exact sums, so that no order of the batches changes it. */
#ifndef CLQ_HOST_CORE_RANGE_MEAN_H
#define CLQ_HOST_CORE_RANGE_MEAN_H

#include <stdint.h>

/* The exact sum of up to 2^64 finite f32, in units of 2^-149, as a number of two's complement, lowest word first. */
enum { CLQ_EXACT_SUM_WORDS = 11 };
typedef struct clq_exact_sum {
    uint32_t words[CLQ_EXACT_SUM_WORDS];
} clq_exact_sum;

void clq_exact_sum_add(clq_exact_sum *sum, float x);
double clq_exact_sum_value(const clq_exact_sum *sum); /* to nearest, ties to even */

/* Several sums together: words[i] is the sum of their words i, of fewer than 2^32 of them. */
void clq_exact_sum_set(clq_exact_sum *sum, const uint64_t *words);

/* Of no batch yet when zeroed. */
typedef struct clq_range_mean {
    clq_exact_sum ends[2];
    uint64_t batches;
} clq_range_mean;

/* Add the range of a batch, whose ends are finite; a range with lo above hi is that of no element. `state` becomes the
 * mean. */
void clq_range_mean_add(clq_range_mean *mean, const float range[2], float state[2]);

/* The mean itself, of at least one batch. */
void clq_range_mean_value(const clq_range_mean *mean, float state[2]);

#endif

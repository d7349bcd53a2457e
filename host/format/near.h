/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the candidate nearest to a name by edit distance. */
#ifndef CLQ_HOST_FORMAT_NEAR_H
#define CLQ_HOST_FORMAT_NEAR_H

#include <stddef.h>

/* Feed the candidates one by one into one that was set to zero but for `name`; `best` stays NULL when none is near. */
typedef struct clq_near {
    const char *name;
    const char *best;
    size_t best_distance;
} clq_near;

void clq_near_try(clq_near *near, const char *candidate);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "format/near.h"

#include <string.h>

enum { MAX_LENGTH = 127 };

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's: single-character insertions, deletions and replacements between the two texts, each at most MAX_LENGTH
 * long. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[MAX_LENGTH + 1]; /* distances of a[0, i) to b[0, j) for all j */
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b_length];
}

void clq_near_try(clq_near *near, const char *candidate)
{
    const size_t length = strlen(near->name);
    const size_t candidate_length = strlen(candidate);
    size_t distance = 0;
    if (length > MAX_LENGTH || candidate_length > MAX_LENGTH) {
        return;
    }
    distance = edit_distance(near->name, length, candidate, candidate_length);
    /* A third of the letters wrong is still a likely slip; beyond that the hint would mislead. */
    if (distance <= length / 3 + (length < 3) && (near->best == NULL || distance < near->best_distance)) {
        near->best = candidate;
        near->best_distance = distance;
    }
}

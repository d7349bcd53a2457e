/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor in parts, which a team's threads take. */
#ifndef CLQ_HOST_NATIVE_CUT_H
#define CLQ_HOST_NATIVE_CUT_H

#include "native/tensor.h"

enum { CLQ_NATIVE_ALIGNMENT = 4096 }; /* of parts, in elements, of a context's calls */

/* A tensor in parts. */
typedef struct clq_native_cut {
    const clq_native_loops *loops;
    const clq_task *task;
    size_t parts;
    uint64_t count; /* of what is cut: elements, parameters */
    uint64_t alignment;
    int streams; /* outputs go past the caches */
    /* Of ranges: the keys of each part, which stand in their place at once where parts share no parameter. */
    clq_native_ranges *ranges;
    int is_apart;
    /* Of counts. */
    uint64_t parameter;
    unsigned char *counts; /* of each part, one after the other */
    uint64_t counts_bytes; /* of one */
} clq_native_cut;

/* The parts of so many elements, or of other things that are as much work. */
size_t clq_native_parts_of(const clq_native_team *team, uint64_t count);

clq_native_cut clq_native_cut_of(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                                 uint64_t count, uint64_t alignment);

/* Where part `index` begins. */
uint64_t clq_native_begin_of(const clq_native_cut *c, size_t index);

/* `work` receives the cut. */
void clq_native_run_parts(const clq_native_team *team, clq_native_cut *c, void (*work)(void *cookie, size_t index));

/* ---- native/histogram.c ---- */

clq_status clq_native_histogram(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                                clq_error *error);

#endif

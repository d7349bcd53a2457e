/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on tensors: how each is cut into parts, which a team's threads take, and what is put together again. */
#ifndef CLQ_HOST_NATIVE_TENSOR_H
#define CLQ_HOST_NATIVE_TENSOR_H

#include "core/executor.h"
#include "native/loops.h"
#include "native/threads.h"

/* Who works, and from which size on there are how many parts. */
typedef struct clq_native_team {
    clq_threads *threads; /* NULL: the caller alone */
    size_t parts;         /* at most */
    uint64_t least;       /* elements of a tensor that is cut at all */
    uint64_t least_part;  /* elements of a part, about */
    uint64_t alignment;   /* elements, a power of two, at least 2 */
    uint64_t least_run;   /* elements of a run of a strided tensor that the loops take */
    uint64_t streamed;    /* bytes of source and target from which on the target goes past the caches */
    clq_memory *memory;   /* of what grows with the data; NULL: the C library's */
} clq_native_team;

/* That of a context's calls, and one that cuts small tensors too, for trials. */
clq_native_team clq_native_team_of(clq_threads *threads, clq_memory *memory);
clq_native_team clq_native_small_team(void);

/* Whether loops of an operation take strided tensors. */
int clq_native_has_runs(clq_operation operation);

/* Whether the loops take a task: any but one on a strided tensor whose elements have few neighbours, or whose operation
 * takes them singly; these are for the reference. */
int clq_native_walks(const clq_native_team *team, const clq_task *task);

clq_status clq_native_run(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                          clq_error *error);

#endif

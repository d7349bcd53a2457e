/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that an operand takes up, and whether two operands share any. */
#ifndef CLQ_HOST_CORE_EXTENT_H
#define CLQ_HOST_CORE_EXTENT_H

#include "core/error.h"
#include "core/size.h"

/* Host memory is one space, whatever objects lie over it; elsewhere each cl_mem that is no sub-buffer is one. */
typedef struct clq_extent {
    const void *space;   /* that cl_mem; NULL: host memory */
    uint64_t first, end; /* from the start of the cl_mem; addresses of host memory */
} clq_extent;

/* Extents without a byte overlap nothing. */
static inline int clq_extents_overlap(const clq_extent *a, const clq_extent *b)
{
    return a->space == b->space && clq_size_max(a->first, b->first) < clq_size_min(a->end, b->end);
}

/* Refuse two that overlap, by name: CLQ_INVALID_ARGUMENT. */
clq_status clq_extents_refuse(const char *operation, const char *name, const clq_extent *bytes, const char *other_name,
                              const clq_extent *other, clq_error *error);

#endif

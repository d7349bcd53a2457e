/* SPDX-License-Identifier: Apache-2.0 */
#include "core/extent.h"

#include <inttypes.h>

/* Addresses would tell nobody anything: the two are told by their sizes and their distance. */
clq_status clq_extents_refuse(const char *operation, const char *name, const clq_extent *bytes, const char *other_name,
                              const clq_extent *other, clq_error *error)
{
    const uint64_t apart = clq_size_max(bytes->first, other->first) - clq_size_min(bytes->first, other->first);
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "%s: %s and %s overlap: their %" PRIu64 " and %" PRIu64 " bytes begin %" PRIu64
                    " bytes apart; what is written must share no byte with anything else",
                    operation, name, other_name, bytes->end - bytes->first, other->end - other->first, apart);
}

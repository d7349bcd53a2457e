/* SPDX-License-Identifier: Apache-2.0 */
#include "model/layout.h"

#include <fnmatch.h>
#include <string.h>

const clq_axis_pattern *clq_request_axis_pattern(const clq_file_request *request, const char *name)
{
    for (size_t i = request->axis_pattern_count; i-- > 0;) {
        if (fnmatch(request->axis_patterns[i].pattern, name, 0) == 0) {
            return &request->axis_patterns[i];
        }
    }
    return NULL;
}

/* Channels are those of the first axis where none is given, groups those of the last. */
static clq_status set_axis(const clq_file_request *request, const char *name, clq_layout *layout, clq_error *error)
{
    const clq_axis_pattern *pattern = clq_request_axis_pattern(request, name);
    const int64_t unless_given = layout->granularity == CLQ_PER_GROUP ? -1 : 0;
    const int64_t given = pattern != NULL ? pattern->axis : request->has_axis ? request->axis : unless_given;
    const int64_t axis = given < 0 ? given + (int64_t)layout->rank : given;
    CLQ_REQUIRE((axis >= 0 && axis < (int64_t)layout->rank) || pattern == NULL,
                "tensor '%s': it has no axis %lld, which --axis '%s=%lld' asks for: its rank is %u", name,
                (long long)given, pattern->pattern, (long long)given, (unsigned)layout->rank);
    CLQ_REQUIRE(axis >= 0 && axis < (int64_t)layout->rank, "tensor '%s': it has no axis %lld: its rank is %u", name,
                (long long)given, (unsigned)layout->rank);
    layout->axis = (uint32_t)axis;
    return CLQ_OK;
}

clq_status clq_request_layout(const clq_file_request *request, const char *name, uint32_t rank, const uint64_t *shape,
                              clq_granularity default_granularity, clq_layout *layout, clq_error *error)
{
    memset(layout, 0, sizeof *layout);
    layout->granularity = request->has_granularity ? request->granularity : default_granularity;
    layout->group_size = request->group_size;
    CLQ_REQUIRE(rank <= CLQ_MAX_RANK, "tensor '%s': its rank is %u, required is at most %d", name, (unsigned)rank,
                (int)CLQ_MAX_RANK);
    layout->rank = rank;
    if (rank > 0) {
        memcpy(layout->shape, shape, rank * sizeof *shape);
    }
    CLQ_REQUIRE(layout->granularity != CLQ_PER_GROUP || rank > 0,
                "tensor '%s': groups run along an axis, but its rank is 0", name);
    if (layout->granularity != CLQ_PER_TENSOR) {
        CLQ_TRY(set_axis(request, name, layout, error));
    }
    if (layout->granularity == CLQ_PER_GROUP && layout->axis + 1 < rank) {
        layout->granularity = CLQ_PER_BLOCK;
    } else if (layout->granularity == CLQ_PER_GROUP) {
        layout->axis = 0; /* as everywhere else where it is not used */
    }
    return CLQ_OK;
}

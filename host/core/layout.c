/* SPDX-License-Identifier: Apache-2.0 */
#include "core/layout.h"

#include <inttypes.h>

#include "core/size.h"

static clq_status count_elements(const clq_layout *layout, uint64_t *elements, clq_error *error)
{
    uint64_t count = 1;
    int empty = 0;
    CLQ_REQUIRE(layout->rank <= CLQ_MAX_RANK, "layout: rank is %" PRIu32 ", at most %d is possible", layout->rank,
                CLQ_MAX_RANK);
    for (uint32_t i = 0; i < layout->rank; i++) {
        if (layout->shape[i] == 0) {
            empty = 1; /* keeps [2^63, 2^63, 0] from counting as an overflow */
        }
    }
    for (uint32_t i = 0; i < layout->rank && !empty; i++) {
        CLQ_REQUIRE(clq_size_multiply(count, layout->shape[i], &count) && count <= INT64_MAX,
                    "layout: the product of the shape does not fit 63 bits at dimension %" PRIu32, i);
    }
    *elements = empty ? 0 : count;
    return CLQ_OK;
}

static clq_status check_axis(const clq_layout *layout, clq_error *error)
{
    CLQ_REQUIRE(layout->axis < layout->rank, "layout: axis is %" PRIu32 ", a tensor of rank %" PRIu32 " needs less",
                layout->axis, layout->rank);
    return CLQ_OK;
}

static clq_status check_group_size(const clq_layout *layout, clq_error *error)
{
    CLQ_REQUIRE(layout->group_size >= 1, "layout: group_size is 0, at least 1 is needed");
    return CLQ_OK;
}

/* Elements for each index of the axis. */
static uint64_t elements_behind_axis(const clq_layout *layout, uint64_t elements)
{
    uint64_t behind = 1;
    for (uint32_t i = layout->axis + 1; i < layout->rank && elements != 0; i++) {
        behind *= layout->shape[i]; /* divides the number of elements, which fits */
    }
    return behind;
}

static clq_status geometry_per_channel(const clq_layout *layout, clq_geometry *geometry, clq_error *error)
{
    CLQ_TRY(check_axis(layout, error));
    geometry->row = elements_behind_axis(layout, geometry->elements);
    geometry->segment = geometry->row;
    geometry->segments_per_row = 1;
    geometry->channels = clq_size_max(layout->shape[layout->axis], 1);
    geometry->parameters = layout->shape[layout->axis];
    return CLQ_OK;
}

/* Rows of groups, with parameters of their own each. */
static void cut_rows(clq_geometry *geometry, uint64_t row, uint64_t group_size)
{
    geometry->row = clq_size_max(row, 1);
    geometry->segment = clq_size_min(group_size, geometry->row);
    geometry->segments_per_row = clq_size_divide_up(geometry->row, geometry->segment);
    geometry->channels = clq_size_max(geometry->elements / geometry->row, 1);
    geometry->parameters = geometry->elements / geometry->row * geometry->segments_per_row;
}

static clq_status geometry_per_group(const clq_layout *layout, clq_geometry *geometry, clq_error *error)
{
    CLQ_TRY(check_group_size(layout, error));
    cut_rows(geometry, layout->rank == 0 ? 1 : layout->shape[layout->rank - 1], layout->group_size);
    return CLQ_OK;
}

static clq_status geometry_per_block(const clq_layout *layout, clq_geometry *geometry, clq_error *error)
{
    uint64_t behind;
    uint64_t dimension;
    CLQ_TRY(check_axis(layout, error));
    CLQ_TRY(check_group_size(layout, error));
    behind = elements_behind_axis(layout, geometry->elements);
    dimension = layout->shape[layout->axis];
    if (behind == 1 || geometry->elements == 0) {
        cut_rows(geometry, dimension, layout->group_size);
    } else if (dimension == 1 || layout->group_size == 1) {
        cut_rows(geometry, geometry->elements, 1);
    } else {
        geometry->row = 1;
        geometry->segment = 1;
        geometry->segments_per_row = 1;
        geometry->channels = behind;
        geometry->slab = dimension * behind;
        geometry->band = clq_size_min(layout->group_size, dimension) * behind;
        geometry->bands_per_slab = clq_size_divide_up(geometry->slab, geometry->band);
        geometry->parameters = clq_geometry_bands(geometry) * behind;
    }
    return CLQ_OK;
}

clq_status clq_geometry_of(const clq_layout *layout, clq_geometry *geometry, clq_error *error)
{
    CLQ_TRY(count_elements(layout, &geometry->elements, error));
    geometry->slab = clq_size_max(geometry->elements, 1);
    geometry->band = geometry->slab;
    geometry->bands_per_slab = 1;
    switch (layout->granularity) {
    case CLQ_PER_TENSOR:
        geometry->row = clq_size_max(geometry->elements, 1);
        geometry->segment = geometry->row;
        geometry->segments_per_row = 1;
        geometry->channels = 1;
        geometry->parameters = 1;
        break;
    case CLQ_PER_CHANNEL:
        CLQ_TRY(geometry_per_channel(layout, geometry, error));
        break;
    case CLQ_PER_GROUP:
        CLQ_TRY(geometry_per_group(layout, geometry, error));
        break;
    case CLQ_PER_BLOCK:
        CLQ_TRY(geometry_per_block(layout, geometry, error));
        break;
    default:
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "layout: %d is no granularity", (int)layout->granularity);
    }
    geometry->rows = geometry->elements / geometry->row;
    return CLQ_OK;
}

clq_status clq_layout_count(const clq_layout *layout, uint64_t *elements, uint64_t *parameters, clq_error *error)
{
    clq_geometry geometry;
    CLQ_REQUIRE(layout != NULL && elements != NULL && parameters != NULL,
                "clq_layout_count: layout, elements and parameters must not be NULL");
    CLQ_TRY(clq_geometry_of(layout, &geometry, error));
    *elements = geometry.elements;
    *parameters = geometry.parameters;
    return CLQ_OK;
}

const char *clq_granularity_name(clq_granularity granularity)
{
    static const char *const names[] = {"tensor", "channel", "group", "block"};
    return (unsigned)granularity < sizeof names / sizeof names[0] ? names[granularity] : "?";
}

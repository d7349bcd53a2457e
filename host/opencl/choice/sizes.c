/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/choice/sizes.h"

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/runtime/memory.h"

#include "shared.h"

/* More lines of an item leave too few items. */
enum { MAXIMUM_LINES_PER_ITEM = 256 };

/* Work-groups of a trial: fewer than its tensors have rows, tasks and blocks (trial/cases_walk.c). */
enum { TRIAL_ITEMS = 24 };

/* Work-items of columns for each work-group that is aimed at, elsewhere than on CPU devices: many have to read at once,
 * but minmax leaves a line of partial ranges for every slice. */
enum { COLUMN_ITEMS_OF_GROUP = 32 };

uint64_t clq_cl_target_items(const clq_context *context, uint32_t per_unit, int is_trial)
{
    const uint64_t units = context->device.compute_units;
    const uint64_t items = (units < 1 ? 1 : units > 4096 ? 4096 : units) * per_unit;
    return is_trial ? clq_size_min(items, TRIAL_ITEMS) : items;
}

uint64_t clq_cl_least_items(uint64_t most_rounds, uint64_t elements)
{
    const uint64_t elements_of_item = most_rounds / (2 * CLQ_CL_ELEMENT_ROUNDS); /* twice: shares are not equal */
    return most_rounds == UINT64_MAX || most_rounds == CLQ_CL_ROUNDS_UNKNOWN
               ? 0
               : clq_size_divide_up(elements, clq_size_max(elements_of_item, 1));
}

uint64_t clq_cl_scratch_of_line(const clq_columns *c)
{
    return CLQ_CL_PARTIAL_BYTES * c->line + CLQ_CL_FOUND_BYTES * c->across;
}

/*
 * A line is a whole number of periods, so that a column has one parameter, and of vectors, so that no line has a ragged
 * end and lines of 4-bit codes begin at whole bytes. A band that is shorter is one line, which only has to be vectors.
 */
static void choose_line(const clq_geometry *g, uint32_t vector_width, clq_columns *c)
{
    const uint64_t period = g->channels * g->row;
    const int has_bands = clq_geometry_has_bands(g);
    /* Where codes are written in whole cache lines (kernels/write_buffer.clh), lines are such; bands begin anywhere. */
    const uint64_t multiple = vector_width == 16 && !has_bands ? 128 : vector_width;
    uint64_t repeat = 1;
    while (period * repeat % multiple != 0) {
        repeat *= 2; /* the multiple is a power of two */
    }
    c->line = period * repeat * clq_size_divide_up(256, period * repeat);
    c->periods = c->line / period;
    if (has_bands && c->line > g->band) {
        c->line = clq_size_divide_up(g->band, multiple) * multiple;
        c->periods = g->band / period;
    }
}

/*
 * A work-item takes few lines, for these are `line` elements apart and are best read while their neighbours in memory
 * are in the cache, but enough to make up for preparing its columns. None goes on into another band.
 */
clq_columns clq_columns_of(const clq_context *context, const clq_cl_tuning *tuning, const clq_geometry *g,
                           uint32_t vector_width, uint32_t column_blocks, uint64_t items)
{
    const uint64_t bands = clq_size_max(clq_geometry_bands(g), 1);
    uint64_t slices;
    clq_columns c;
    choose_line(g, vector_width, &c);
    c.lines = clq_size_divide_up(g->band, c.line);
    c.across = clq_size_divide_up(c.line, (uint64_t)column_blocks * vector_width);
    slices = clq_size_max(items / c.across / bands, 1);
    c.lines_per_item = clq_size_divide_up(c.lines, slices);
    c.lines_per_item = clq_size_max(c.lines_per_item, tuning->values[CLQ_TUNE_COLUMNS_LINES]);
    c.lines_per_item = clq_size_min(c.lines_per_item, MAXIMUM_LINES_PER_ITEM);
    /* What minmax leaves of a line in scratch memory limits how many slices there are. */
    slices = clq_size_max(clq_cl_scratch_items(context, clq_cl_scratch_of_line(&c)) / bands, 1);
    c.lines_per_item = clq_size_max(c.lines_per_item, clq_size_divide_up(c.lines, slices));
    c.slices_per_band = clq_size_divide_up(c.lines, c.lines_per_item);
    c.slices = bands * c.slices_per_band;
    return c;
}

uint64_t clq_cl_column_items(const clq_context *context, uint32_t per_unit, int is_trial)
{
    const uint64_t items = clq_cl_target_items(context, per_unit, is_trial);
    return context->device.type == CLQ_DEVICE_CPU ? items : COLUMN_ITEMS_OF_GROUP * items;
}

uint32_t clq_histogram_columns(const clq_scheme *scheme)
{
    return 65536 / clq_histogram_bins(scheme);
}

uint32_t clq_cl_histogram_channels(const clq_context *context, const clq_scheme *scheme)
{
    const uint64_t room = clq_size_min(context->cl->local_bytes, HISTOGRAM_GROUP_BYTES);
    return (uint32_t)(room / (clq_histogram_bins(scheme) * sizeof(cl_uint)));
}

/* Elsewhere than on CPU devices the histogram's columns count in local memory, a channel at least. */
uint64_t clq_cl_least_local_bytes(const clq_context *context, const clq_task *task, clq_variant variant)
{
    const uint64_t bins = task->operation == CLQ_OP_HISTOGRAM ? clq_histogram_bins(&task->q->scheme) : 0;
    const int is_cpu = context->device.type == CLQ_DEVICE_CPU;
    return bins == 0                                   ? 0
           : variant == CLQ_VARIANT_GRID               ? HISTOGRAM_LOCAL_BYTES(bins)
           : variant == CLQ_VARIANT_COLUMNS && !is_cpu ? bins * sizeof(cl_uint)
                                                       : 0;
}

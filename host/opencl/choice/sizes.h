/* SPDX-License-Identifier: Apache-2.0 */
/* How many work-items a task is cut for, how they see columns, and what they take of local and scratch memory. */
#ifndef CLQ_HOST_OPENCL_CHOICE_SIZES_H
#define CLQ_HOST_OPENCL_CHOICE_SIZES_H

#include "opencl/choice/variant.h"

/* Of minmax in scratch memory: what a work-item found that is not finite, and a partial range. */
enum { CLQ_CL_FOUND_BYTES = 16, CLQ_CL_PARTIAL_BYTES = 8 };

/*
 * How the columns kernels see a tensor: bands (core/layout.h) of `lines` lines of `line` elements, in which the
 * parameters come again `periods` times; cut into `across` x `slices` work-items.
 */
typedef struct clq_columns {
    uint64_t line, lines, lines_per_item, periods;
    uint64_t across, slices, slices_per_band;
} clq_columns;

/* In blocks of vector_width columns, of which a work-item handles `column_blocks` together; `items` in all. */
clq_columns clq_columns_of(const clq_context *context, const clq_cl_tuning *tuning, const clq_geometry *g,
                           uint32_t vector_width, uint32_t column_blocks, uint64_t items);

/* Bytes that minmax leaves of a line: a partial range for each column, and for each work-item what it found. */
uint64_t clq_cl_scratch_of_line(const clq_columns *columns);

/* Columns that a job of the histogram's columns kernel handles together, so the longest row that it can take: as many
 * as have their counters within 2^16. */
uint32_t clq_histogram_columns(const clq_scheme *scheme);
/* Channels whose counters a work-group of that kernel has in local memory; 0 where not even one has room. */
uint32_t clq_cl_histogram_channels(const clq_context *context, const clq_scheme *scheme);

/* `per_unit` work-items or groups, a number of the table, for each compute unit; in a trial few, so that each goes
 * round its loops on small tensors too. */
uint64_t clq_cl_target_items(const clq_context *context, uint32_t per_unit, int is_trial);
/* As many work-items that none has more than a few elements where the device ends loops after so many rounds; 0 where
 * it goes on, or nothing is known of it. */
uint64_t clq_cl_least_items(uint64_t most_rounds, uint64_t elements);
/* Rounds of loops that an element costs at most, with those over the lanes of a vector that a compiler leaves. */
enum { CLQ_CL_ELEMENT_ROUNDS = 6 };
/* Work-items that columns are cut for: elsewhere than on CPU devices, where those are work-groups, a few of each; also
 * in a trial, whose tensors would be one slice of all lines otherwise. */
uint64_t clq_cl_column_items(const clq_context *context, uint32_t per_unit, int is_trial);

/* Local memory without which the variant's kernel cannot be had, of the tensor's scheme. */
uint64_t clq_cl_least_local_bytes(const clq_context *context, const clq_task *task, clq_variant variant);

#endif

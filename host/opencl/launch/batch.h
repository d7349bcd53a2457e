/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches on a device: the tensors are sorted into sets whose operands lie in the same memory and have
 * the same types, and a set is run by a few launches over a table that was put on the device once.
 */
#ifndef CLQ_HOST_OPENCL_LAUNCH_BATCH_H
#define CLQ_HOST_OPENCL_LAUNCH_BATCH_H

#include "opencl/choice/batch.h"
#include "opencl/launch/tensor.h"

#include "batch_table.h"

/* ---- opencl/launch/batch_table.c ---- */

/* An array that grows. */
typedef struct clq_cl_list {
    void *items;
    size_t count, capacity, item_bytes;
} clq_cl_list;

/* What goes to the device. */
typedef struct clq_cl_table {
    clq_cl_list calls;                                    /* tensor_call */
    clq_cl_list schemes;                                  /* scheme_call */
    clq_cl_list cuts;                                     /* batch_cut */
    clq_cl_list numbers;                                  /* cl_uint */
    cl_mem memory;                                        /* all of them, NULL until the upload */
    uint64_t schemes_offset, cuts_offset, numbers_offset; /* in items of the list */
} clq_cl_table;

void clq_cl_table_init(clq_cl_table *table);
void clq_cl_table_release(clq_cl_table *table);

/* Append; `item` has the list's item_bytes. */
clq_status clq_cl_list_append(clq_cl_list *list, const void *item, clq_error *error);

/* The number of the scheme in the table, where it is put unless it is among the latest ones there. */
clq_status clq_cl_table_scheme(clq_cl_table *table, const clq_scheme *scheme, uint32_t *number, clq_error *error);

/* Units of one tensor, and what they cost; a unit of cost is a quarter of a block of VECTOR_WIDTH elements. */
typedef struct clq_cl_work {
    uint64_t units, unit_cost; /* at least 1 */
    uint64_t fixed_cost;
} clq_cl_work;

/* Runs of about equal cost: cuts [first_cut, first_cut + runs] of the table. */
typedef struct clq_cl_runs {
    uint64_t first_cut, runs;
} clq_cl_runs;

/* Cut `count` tensors, the first being number `first_item`, into at most `most` runs of at least `least` cost. */
clq_status clq_cl_table_cut(clq_cl_table *table, uint64_t first_item, const clq_cl_work *work, size_t count,
                            uint64_t most, uint64_t least, clq_cl_runs *runs, clq_error *error);

/* What it takes up there. */
uint64_t clq_cl_table_bytes(clq_cl_table *table);

/* Take out what was put there since it was as in `before`. */
void clq_cl_table_take_back(clq_cl_table *table, const clq_cl_table *before);

/* Put it on the device; the lists are empty afterwards. */
clq_status clq_cl_table_upload(clq_cl_table *table, const clq_context *context, clq_error *error);

/* ---- opencl/launch/batch_launches.c ---- */

enum { CLQ_CL_BATCH_OPERANDS = 6 };

/* One launch. Its arguments: calls, cuts; schemes and list where it has them; operands; scratch memory. */
typedef struct clq_cl_batch_launch {
    clq_cl_launch launch; /* without scratch memory once the table is on the device, without arguments before */
    cl_mem operands[CLQ_CL_BATCH_OPERANDS];
    size_t operand_count;
    uint64_t first_cut;
    uint64_t first_number; /* of the list */
    int has_schemes, has_list, has_workspace;
    uint64_t found_bytes; /* of the scratch memory, before the partial ranges */
} clq_cl_batch_launch;

/* Tensors that share launches: entries [first, first + count) of `order`. */
typedef struct clq_cl_batch_set {
    size_t first, count;
    clq_batch_form form;
    size_t first_launch, launch_count;
    const char *reason;
    int is_late; /* one operation each, of the host: the kernels of its form are not ready yet */
} clq_cl_batch_set;

typedef struct clq_cl_batch {
    const clq_cl_tuning *tuning; /* by which it was made */
    uint32_t *order;             /* numbers of tasks, set by set */
    clq_cl_batch_set *sets;
    size_t set_count;
    clq_cl_list launches; /* clq_cl_batch_launch */
    clq_cl_table table;
    clq_decision *decisions;  /* of the tensors of CLQ_BATCH_EACH, at their places in `order`; NULL: there are none */
    clq_cl_left left;         /* of these, to the host */
    uint64_t workspace_bytes; /* of all launches and operations */
    /* Runs and pieces are short, so that small tensors are cut, and half of all stores go past the cache. */
    int is_trial;
    int keeps_forms; /* of sets, whatever they need; else those whose launches no buffer serves become operations */
} clq_cl_batch;

/* Rounds of loops that a run of the set makes at most, cut by that table (opencl/rounds.h). */
uint64_t clq_cl_batch_rounds(const clq_batch *batch, const clq_cl_batch *device, const clq_cl_batch_set *set);

/* Calls and launches of a set that is not CLQ_BATCH_EACH; their arguments, when the table is on the device. */
clq_status clq_cl_batch_add_launches(clq_cl_batch *device, const clq_batch *batch, clq_cl_batch_set *set,
                                     clq_error *error);
void clq_cl_batch_give_arguments(clq_cl_batch *device);

/* ---- opencl/launch/batch.c ---- */

/* The tensors sorted into sets; `forms` has one for each. */
clq_status clq_cl_batch_sort(const clq_batch *batch, const clq_cl_tuning *tuning, const clq_batch_form *forms,
                             clq_cl_batch **device, clq_error *error);

/* Table and launches of sets whose form is settled. Of a set whose scratch memory no buffer holds, or the table with
 * it, each tensor is one operation instead; a trial has what it asks for, or fails. */
clq_status clq_cl_batch_build(const clq_batch *batch, clq_cl_batch *device, clq_error *error);
void clq_cl_batch_destroy(clq_cl_batch *device);

/* Of all tensors but those that are left to the host. */
clq_status clq_cl_batch_enqueue(const clq_batch *batch, const clq_cl_batch *device, clq_cl_stream *stream,
                                clq_error *error);

#endif

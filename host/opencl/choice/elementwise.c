/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel runs a task, and why. docs/kernels.md gives the reasons at length. */
#include "opencl/choice/elementwise.h"

#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/runtime/memory.h"

#include "shared.h"

typedef struct variant_row {
    clq_operation operation;
    const char *variant;
    const char *file;
    const char *kernel;
} variant_row;

static const variant_row rows[] = {
#define CLQ_KERNEL(operation, variant, file, kernel, contract) {operation, variant, file, kernel},
#include "kernels.def"
};

/* A longer line makes the columns' partial results larger than is sensible. */
enum { MAXIMUM_LINE = 1 << 22, LEAST_LINES_PER_ITEM = 16, MAXIMUM_LINES_PER_ITEM = 256 };

/* Work-groups of a trial: fewer than its tensors have rows, tasks and blocks (trial/cases_walk.c). */
enum { TRIAL_ITEMS = 24 };

uint64_t clq_cl_target_items(const clq_context *context, int is_trial)
{
    const uint64_t units = context->device.compute_units;
    const uint64_t items = (units < 1 ? 1 : units > 4096 ? 4096 : units) * 32;
    return is_trial ? clq_size_min(items, TRIAL_ITEMS) : items;
}

static const variant_row *find_row(clq_operation operation, clq_variant variant)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].operation == operation && strcmp(rows[i].variant, clq_variant_name(variant)) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static uint32_t vector_width_of(const clq_context *context, clq_variant variant)
{
    return context->device.type == CLQ_DEVICE_CPU && variant != CLQ_VARIANT_GRID ? 16 : 4;
}

/* A CPU reads a kilobyte of a line at once; on a GPU neighbouring work-items do that together. */
uint32_t clq_column_blocks(uint32_t vector_width)
{
    return vector_width == 16 ? 32 : 1;
}

/* A partial range for each column, and for each work-item what it found. */
static uint64_t scratch_of_line(const clq_columns *c)
{
    return CLQ_CL_PARTIAL_BYTES * c->line + CLQ_CL_FOUND_BYTES * c->across;
}

/*
 * A line is a whole number of periods, so that a column has one parameter, and of vectors, so that no line has a ragged
 * end and lines of 4-bit codes begin at whole bytes. A work-item takes few lines, for these are `line` elements apart
 * and are best read while their neighbours in memory are in the cache, but enough to make up for preparing its columns.
 */
clq_columns clq_columns_in_blocks(const clq_context *context, const clq_geometry *g, uint32_t vector_width,
                                  uint32_t column_blocks, int is_trial)
{
    const uint64_t period = g->channels * g->row;
    const uint64_t block = (uint64_t)column_blocks * vector_width;
    uint64_t repeat = 1;
    /* On CPU devices lines are whole cache lines of codes (kernels/write_buffer.clh). */
    const uint64_t multiple = vector_width == 16 ? 128 : vector_width;
    uint64_t slices;
    clq_columns c;
    while (period * repeat % multiple != 0) {
        repeat *= 2; /* the multiple is a power of two */
    }
    c.line = period * repeat * clq_size_divide_up(256, period * repeat);
    c.lines = clq_size_divide_up(g->elements, c.line);
    c.across = clq_size_divide_up(c.line, block);
    slices = clq_size_max(clq_cl_target_items(context, is_trial) / c.across, 1);
    c.lines_per_item = clq_size_divide_up(c.lines, slices);
    c.lines_per_item =
        clq_size_max(c.lines_per_item, context->device.type == CLQ_DEVICE_CPU ? LEAST_LINES_PER_ITEM : 1);
    c.lines_per_item = clq_size_min(c.lines_per_item, MAXIMUM_LINES_PER_ITEM);
    /* What minmax leaves of a line in scratch memory limits how many slices there are. */
    slices = clq_cl_scratch_items(context, scratch_of_line(&c));
    c.lines_per_item = clq_size_max(c.lines_per_item, clq_size_divide_up(c.lines, slices));
    c.slices = clq_size_divide_up(c.lines, c.lines_per_item);
    return c;
}

clq_columns clq_columns_of(const clq_context *context, const clq_geometry *g, uint32_t vector_width, int is_trial)
{
    return clq_columns_in_blocks(context, g, vector_width, clq_column_blocks(vector_width), is_trial);
}

/* A device whose buffers are small may have no room for what minmax leaves of a single line. */
static int columns_fit(const clq_context *context, const clq_task *task)
{
    const clq_columns c = clq_columns_of(context, &task->geometry, vector_width_of(context, CLQ_VARIANT_COLUMNS), 0);
    return task->operation != CLQ_OP_MINMAX ||
           c.slices * scratch_of_line(&c) <= context->device.maximum_allocation_bytes;
}

/* Whether there is a columns kernel of the operation, and it can run this layout at all. */
static int columns_possible(const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t most = MAXIMUM_LINE / 16;
    const uint64_t longest = task->operation == CLQ_OP_HISTOGRAM ? CLQ_HISTOGRAM_COLUMNS : most;
    return find_row(task->operation, CLQ_VARIANT_COLUMNS) != NULL && task->q->layout.granularity == CLQ_PER_CHANNEL &&
           g->elements > 0 && g->row <= longest && g->channels <= most / g->row && columns_fit(context, task);
}

/* Whether there is a grid kernel of the operation, the device has the local memory for it, and no byte of 4-bit codes
 * is shared by two segments. */
static int grid_possible(const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    return find_row(task->operation, CLQ_VARIANT_GRID) != NULL &&
           (task->operation != CLQ_OP_HISTOGRAM || context->cl->local_bytes >= HISTOGRAM_LOCAL_BYTES) &&
           (clq_dtype_bits(task->q->scheme.dtype) != 4 || !clq_argument_is_used(task->operation, CLQ_ARG_CODES) ||
            (g->segment % 2 == 0 && g->row % 2 == 0) || g->elements <= g->segment);
}

/* By the forced variant, the layout and the kind of device. */
static clq_variant preferred_variant(const clq_context *context, clq_variant forced, const clq_task *task,
                                     const char **reason)
{
    const int is_cpu = context->device.type == CLQ_DEVICE_CPU;
    const int short_segments = task->geometry.segment < 16 && task->geometry.elements > task->geometry.segment;
    *reason = "CPU device: each work-item takes a strip in order";
    if (task->operation == CLQ_OP_CHOOSE_PARAMETERS || task->operation == CLQ_OP_MERGE_RANGE) {
        *reason = "one work-item for each parameter";
        return CLQ_VARIANT_STRIP;
    }
    if (forced != CLQ_VARIANT_BY_DEVICE && forced < CLQ_VARIANT_ELEMENTWISE_COUNT) {
        const int possible = (forced == CLQ_VARIANT_COLUMNS && columns_possible(context, task)) ||
                             (forced == CLQ_VARIANT_GRID && grid_possible(context, task)) ||
                             forced == CLQ_VARIANT_STRIP;
        *reason = possible ? "forced" : "the forced variant cannot run this layout";
        return possible ? forced : CLQ_VARIANT_STRIP;
    }
    if (short_segments && columns_possible(context, task)) {
        *reason = "fewer than 16 elements between two channels";
        return CLQ_VARIANT_COLUMNS;
    }
    if (!is_cpu && grid_possible(context, task) && !short_segments) {
        *reason = "not a CPU device: work-items touch memory side by side";
        return CLQ_VARIANT_GRID;
    }
    if (!is_cpu) {
        *reason = short_segments ? "short segments: each work-item takes a few"
                                 : "the kernel whose work-items read side by side cannot run this here";
    }
    return CLQ_VARIANT_STRIP;
}

/* Why the preferred variant does not run, though it could. */
static const char *reason_aside(clq_verdict verdict)
{
    return verdict == CLQ_VERDICT_UNBUILT ? "the preferred variant was set aside: it does not build"
           : verdict == CLQ_VERDICT_TOO_LARGE
               ? "the preferred variant was set aside: its work-groups are too large"
               : "the preferred variant was set aside: its bytes differ from the reference";
}

static clq_choice choice_of(const clq_context *context, const clq_task *task, clq_variant variant, const char *reason)
{
    const variant_row *row = find_row(task->operation, variant);
    clq_choice choice;
    choice.operation = task->operation;
    choice.variant = variant;
    choice.reason = reason;
    choice.verdict_entry = clq_cl_verdict_entry(task->operation, variant, task->q);
    choice.vector_width = vector_width_of(context, variant);
    /* Codes are small: a tile twice as wide is read and written in longer pieces, and its write buffer still fits a
     * cache. */
    choice.column_blocks = clq_column_blocks(choice.vector_width) *
                           (task->operation == CLQ_OP_QUANTIZE && choice.vector_width == 16 ? 2 : 1);
    choice.name = clq_variant_name(variant);
    choice.file = row->file;
    choice.kernel = row->kernel;
    return choice;
}

static clq_choice choose(const clq_context *context, clq_variant forced, const clq_task *task, clq_operation operation)
{
    const char *reason = NULL;
    clq_variant variant;
    clq_verdict verdict;
    clq_task own = *task;
    own.operation = operation;
    variant = preferred_variant(context, forced, &own, &reason);
    verdict = clq_verdict_of(&context->cl->verdicts, clq_cl_verdict_entry(operation, variant, task->q));
    if (variant != CLQ_VARIANT_STRIP && clq_verdict_is_aside(verdict)) {
        variant = CLQ_VARIANT_STRIP;
        reason = reason_aside(verdict);
    }
    return choice_of(context, &own, variant, reason);
}

/* Dynamic quantization in one or two kernels: on CPU devices, for one parameter and strips. */
static int is_fused(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    const size_t entry = clq_cl_verdict_entry(CLQ_OP_DYNAMIC_QUANTIZE, CLQ_VARIANT_STRIP, task->q);
    return context->device.type == CLQ_DEVICE_CPU && task->geometry.parameters == 1 && task->geometry.elements > 0 &&
           decision->minmax.variant == CLQ_VARIANT_STRIP && decision->main.variant == CLQ_VARIANT_STRIP &&
           !clq_verdict_is_aside(clq_verdict_of(&context->cl->verdicts, entry));
}

void clq_cl_decide(const clq_context *context, clq_variant forced, const clq_task *task, clq_decision *decision)
{
    memset(decision, 0, sizeof *decision);
    if (task->operation != CLQ_OP_DYNAMIC_QUANTIZE) {
        decision->main = choose(context, forced, task, task->operation);
        decision->minmax = decision->main;
        return;
    }
    decision->minmax = choose(context, forced, task, CLQ_OP_MINMAX);
    decision->parameters = choose(context, forced, task, CLQ_OP_CHOOSE_PARAMETERS);
    decision->main = choose(context, forced, task, CLQ_OP_QUANTIZE);
    decision->is_fused = is_fused(context, task, decision);
    if (decision->is_fused) {
        decision->main = choice_of(context, task, CLQ_VARIANT_STRIP, decision->main.reason);
    }
}

void clq_cl_decide_trial(const clq_context *context, const clq_task *task, clq_variant variant, int streams,
                         clq_decision *decision)
{
    clq_task ranges = *task;
    ranges.operation = CLQ_OP_MINMAX;
    memset(decision, 0, sizeof *decision);
    decision->is_trial = 1;
    decision->streams = streams;
    decision->is_fused = task->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    decision->main = choice_of(context, task, variant, "under trial");
    decision->minmax = decision->is_fused ? choice_of(context, &ranges, variant, "under trial") : decision->main;
}

const clq_choice *clq_cl_untrusted(const clq_context *context, const clq_decision *decision)
{
    const clq_choice *const steps[] = {&decision->minmax, &decision->parameters, &decision->main};
    const int has_three = decision->main.operation == CLQ_OP_QUANTIZE && decision->minmax.operation == CLQ_OP_MINMAX;
    for (size_t i = has_three ? 0 : 2; i < sizeof steps / sizeof steps[0]; i++) {
        if (clq_verdict_of(&context->cl->verdicts, steps[i]->verdict_entry) != CLQ_VERDICT_TRUSTED) {
            return steps[i];
        }
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel runs a task, and why. docs/kernels.md gives the reasons at length. */
#include "opencl/choice/elementwise.h"

#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/choice/sizes.h"
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
enum { MAXIMUM_LINE = 1 << 22 };

/* With fewer elements in a segment, the work-items of a group have too little each. */
enum { SHORT_SEGMENT = 16 };

/* That one work-item quantizes while it chooses a parameter. */
enum { PARAMETER_ELEMENTS = 256 };

static const variant_row *find_row(clq_operation operation, clq_variant variant)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].operation == operation && strcmp(rows[i].variant, clq_variant_name(variant)) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static clq_columns columns_of_minmax(const clq_context *context, const clq_cl_tuning *tuning, const clq_geometry *g)
{
    const uint32_t *values = tuning->values;
    return clq_columns_of(context, tuning, g, values[CLQ_TUNE_MINMAX_LANES], values[CLQ_TUNE_COLUMNS_BLOCKS],
                          clq_cl_column_items(context, values[CLQ_TUNE_MINMAX_ITEMS], 0));
}

/* A device whose buffers are small may have no room for what minmax leaves of a single line. */
static int columns_fit(const clq_context *context, const clq_cl_tuning *tuning, const clq_task *task)
{
    const clq_columns c = columns_of_minmax(context, tuning, &task->geometry);
    return task->operation != CLQ_OP_MINMAX ||
           c.slices * clq_cl_scratch_of_line(&c) <= context->device.maximum_allocation_bytes;
}

static int has_local_memory(const clq_context *context, const clq_task *task, clq_variant variant)
{
    return context->cl->local_bytes >= clq_cl_least_local_bytes(context, task, variant);
}

/* Whether no byte of 4-bit codes is shared by two pieces of these lengths. */
static int bytes_are_whole(const clq_task *task, uint64_t piece, uint64_t repeated)
{
    return clq_dtype_bits(task->q->scheme.dtype) != 4 || !clq_argument_is_used(task->operation, CLQ_ARG_CODES) ||
           (piece % 2 == 0 && repeated % 2 == 0);
}

/* Whether the parameters of channels come again row after row; in bands each of which begins with a byte. */
static int has_columns(const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    return clq_geometry_has_bands(g) ? task->operation != CLQ_OP_HISTOGRAM && bytes_are_whole(task, g->band, g->slab)
                                     : task->q->layout.granularity == CLQ_PER_CHANNEL ||
                                           (task->q->layout.granularity == CLQ_PER_BLOCK && g->segments_per_row == 1);
}

/* Whether there is a columns kernel of the operation, and it can run this layout at all. */
static int columns_take(const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t most = MAXIMUM_LINE / 16;
    const uint64_t longest = task->operation == CLQ_OP_HISTOGRAM ? clq_histogram_columns(&task->q->scheme) : most;
    return find_row(task->operation, CLQ_VARIANT_COLUMNS) != NULL && has_columns(task) && g->elements > 0 &&
           g->row <= longest && g->channels <= most / g->row;
}

static int columns_possible(const clq_context *context, const clq_cl_tuning *tuning, const clq_task *task)
{
    return columns_take(task) && columns_fit(context, tuning, task) &&
           has_local_memory(context, task, CLQ_VARIANT_COLUMNS);
}

/*
 * Whether what minmax leaves of bands is in proportion: it is a line at least of each, so more of them cannot be cut
 * coarser, and of bands shorter than a vector it is many times what they hold.
 */
static int columns_pay(const clq_context *context, const clq_cl_tuning *tuning, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const clq_columns c = columns_of_minmax(context, tuning, g);
    return task->operation != CLQ_OP_MINMAX || !clq_geometry_has_bands(g) ||
           (g->band >= tuning->values[CLQ_TUNE_MINMAX_LANES] &&
            c.slices <= clq_cl_scratch_items(context, clq_cl_scratch_of_line(&c)));
}

/*
 * Whether there is a grid kernel of the operation, and no byte of 4-bit codes is shared by two segments. That of the
 * walk knows nothing of bands, whose segments have one element.
 */
static int grid_takes(const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const int is_walk = clq_argument_is_used(task->operation, CLQ_ARG_SCALE);
    return find_row(task->operation, CLQ_VARIANT_GRID) != NULL && !(is_walk && clq_geometry_has_bands(g)) &&
           (bytes_are_whole(task, g->segment, g->row) || g->elements <= g->segment);
}

/* And the device has the local memory for it. */
static int grid_possible(const clq_context *context, const clq_task *task)
{
    return grid_takes(task) && has_local_memory(context, task, CLQ_VARIANT_GRID);
}

/* Whether no byte of 4-bit codes is shared by two runs or segments. */
static int runs_are_even(const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    clq_runs runs;
    clq_task_runs(task, &runs);
    return bytes_are_whole(task, runs.count <= 1 ? 0 : runs.run, 0) &&
           (bytes_are_whole(task, g->segment, g->row) || g->elements <= g->segment);
}

static int runs_take(const clq_task *task)
{
    return task->is_strided && find_row(task->operation, CLQ_VARIANT_RUNS) != NULL && runs_are_even(task);
}

/* Whether a step has no kernel for the task's strides. */
static int lacks_runs(const clq_task *task, clq_operation operation)
{
    const clq_task step = clq_task_step(task, operation);
    return step.is_strided && find_row(operation, CLQ_VARIANT_RUNS) == NULL;
}

clq_status clq_cl_check_strides(const clq_context *context, const clq_task *task, clq_error *error)
{
    const int is_dynamic = task->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const int lacks = is_dynamic ? lacks_runs(task, CLQ_OP_MINMAX) || lacks_runs(task, CLQ_OP_QUANTIZE)
                                 : lacks_runs(task, task->operation);
    if (!task->is_strided || (!lacks && runs_are_even(task))) {
        return CLQ_OK;
    }
    return clq_fail(error, CLQ_UNSUPPORTED, "%s on %s: strides were given, %s; the reference and native take them",
                    clq_operation_name(task->operation), context->device.name,
                    lacks ? "dense tensors are needed: the device has no kernel for strided ones"
                          : "4-bit codes of strided tensors need rows and segments of an even length");
}

int clq_cl_variant_takes(const clq_task *task, clq_variant variant)
{
    return task->is_strided                 ? variant == CLQ_VARIANT_RUNS && runs_take(task)
           : variant == CLQ_VARIANT_RUNS    ? 0
           : variant == CLQ_VARIANT_COLUMNS ? columns_take(task)
           : variant == CLQ_VARIANT_GRID    ? grid_takes(task)
                                            : find_row(task->operation, variant) != NULL;
}

/* Numbers of the table that each family of kernels has of its own. */
static uint32_t of_family(const clq_cl_tuning *tuning, clq_operation operation, clq_tunable_number of_walk,
                          clq_tunable_number of_minmax, clq_tunable_number of_histogram)
{
    return tuning->values[operation == CLQ_OP_MINMAX      ? of_minmax
                          : operation == CLQ_OP_HISTOGRAM ? of_histogram
                                                          : of_walk];
}

/* By the forced variant, the layout, the kind of device and what is tuned. */
static clq_variant preferred_variant(const clq_context *context, const clq_cl_tuning *tuning, clq_variant forced,
                                     const clq_task *task, const char **reason)
{
    const int is_cpu = context->device.type == CLQ_DEVICE_CPU;
    const int wants_grid =
        of_family(tuning, task->operation, CLQ_TUNE_WALK_GRID, CLQ_TUNE_MINMAX_GRID, CLQ_TUNE_HISTOGRAM_GRID) != 0;
    const int is_cut = task->geometry.elements > task->geometry.segment;
    const int short_segments = is_cut && task->geometry.segment < SHORT_SEGMENT;
    *reason = "CPU device: each work-item takes a strip in order";
    if (task->operation == CLQ_OP_CHOOSE_PARAMETERS || task->operation == CLQ_OP_MERGE_RANGE) {
        *reason = "one work-item for each parameter";
        return CLQ_VARIANT_STRIP;
    }
    if (task->is_strided) {
        *reason = forced == CLQ_VARIANT_RUNS          ? "forced"
                  : clq_variant_is_of_tensors(forced) ? "the forced variant cannot run this layout"
                                                      : "strided: runs of elements, with gaps between them";
        return CLQ_VARIANT_RUNS;
    }
    if (clq_variant_is_of_tensors(forced)) {
        const int possible = (forced == CLQ_VARIANT_COLUMNS && columns_possible(context, tuning, task)) ||
                             (forced == CLQ_VARIANT_GRID && grid_possible(context, task)) ||
                             forced == CLQ_VARIANT_STRIP;
        *reason = possible ? "forced" : "the forced variant cannot run this layout";
        return possible ? forced : CLQ_VARIANT_STRIP;
    }
    if (is_cut && task->geometry.segment < tuning->values[CLQ_TUNE_COLUMNS_BELOW] &&
        columns_possible(context, tuning, task) && columns_pay(context, tuning, task)) {
        *reason = "few elements between two channels";
        return CLQ_VARIANT_COLUMNS;
    }
    if (wants_grid && grid_possible(context, task) && !short_segments) {
        *reason =
            is_cpu ? "work-items touch memory side by side" : "not a CPU device: work-items touch memory side by side";
        return CLQ_VARIANT_GRID;
    }
    if (!is_cpu) {
        *reason = !wants_grid      ? "each work-item takes a strip in order"
                  : short_segments ? "short segments: each work-item takes a few"
                                   : "the kernel whose work-items read side by side cannot run this here";
    }
    return CLQ_VARIANT_STRIP;
}

/* Why the preferred variant does not run, though it could. */
static const char *reason_aside(clq_verdict verdict)
{
    return verdict == CLQ_VERDICT_UNBUILT    ? "the preferred variant was set aside: it does not build"
           : verdict == CLQ_VERDICT_UNUSABLE ? "the preferred variant was set aside: it cannot be run"
           : verdict == CLQ_VERDICT_NO_ROOM  ? "the preferred variant was set aside: no buffer holds its trial"
           : verdict == CLQ_VERDICT_TOO_LARGE
               ? "the preferred variant was set aside: its work-groups are too large"
               : "the preferred variant was set aside: its bytes differ from the reference";
}

/* Elements of a vector. */
static uint32_t lanes_of(const clq_cl_tuning *tuning, clq_operation operation, clq_variant variant)
{
    return variant == CLQ_VARIANT_GRID
               ? of_family(tuning, operation, CLQ_TUNE_WALK_GRID_LANES, CLQ_TUNE_MINMAX_GRID_LANES,
                           CLQ_TUNE_HISTOGRAM_GRID_LANES)
               : of_family(tuning, operation, CLQ_TUNE_WALK_LANES, CLQ_TUNE_MINMAX_LANES, CLQ_TUNE_HISTOGRAM_LANES);
}

static clq_choice choice_of(const clq_cl_tuning *tuning, const clq_task *task, clq_variant variant, const char *reason)
{
    const variant_row *row = find_row(task->operation, variant);
    clq_choice choice;
    choice.operation = task->operation;
    choice.variant = variant;
    choice.reason = reason;
    choice.is_aside = 0;
    choice.verdict_entry = clq_cl_verdict_entry(tuning, task->operation, variant, task->q);
    choice.vector_width = lanes_of(tuning, task->operation, variant);
    /* Codes are small: a tile twice as wide is read and written in longer pieces, and its write buffer still fits a
     * cache. */
    choice.column_blocks = tuning->values[CLQ_TUNE_COLUMNS_BLOCKS] *
                           (task->operation == CLQ_OP_QUANTIZE && choice.vector_width == 16 ? 2 : 1);
    choice.name = clq_variant_name(variant);
    choice.file = row->file;
    choice.kernel = row->kernel;
    return choice;
}

static clq_choice choose(const clq_context *context, const clq_cl_tuning *tuning, clq_variant forced,
                         const clq_task *task, clq_operation operation)
{
    const char *reason = NULL;
    clq_variant variant;
    clq_verdict verdict;
    clq_choice choice;
    const clq_task own = clq_task_step(task, operation);
    variant = preferred_variant(context, tuning, forced, &own, &reason);
    verdict = clq_verdict_of(&context->cl->verdicts, clq_cl_verdict_entry(tuning, operation, variant, task->q));
    if (variant != CLQ_VARIANT_STRIP && variant != CLQ_VARIANT_RUNS && clq_verdict_is_aside(verdict)) {
        variant = CLQ_VARIANT_STRIP;
        reason = reason_aside(verdict);
        verdict = clq_verdict_of(&context->cl->verdicts, clq_cl_verdict_entry(tuning, operation, variant, task->q));
    }
    choice = choice_of(tuning, &own, variant, reason);
    choice.is_aside = clq_verdict_is_aside(verdict);
    return choice;
}

static int has_segment_each(const clq_geometry *g)
{
    return g->rows * g->segments_per_row == g->parameters;
}

/*
 * Up to so many elements one work-item quantizes all of a tensor: to wake another thread, or to launch another kernel,
 * takes about as long as what would be saved. To choose a parameter takes as long as PARAMETER_ELEMENTS.
 */
static int is_for_one_item(const clq_cl_tuning *tuning, const clq_geometry *g)
{
    const uint64_t most = tuning->values[CLQ_TUNE_DYNAMIC_ALONE];
    return has_segment_each(g) && g->elements > 0 && g->elements <= most &&
           g->parameters - 1 <= (most - g->elements) / PARAMETER_ELEMENTS;
}

/* In one kernel, or in two for one parameter: for strips, on CPU devices or where it is tuned so. */
static int strips_fuse(const clq_cl_tuning *tuning, const clq_geometry *g)
{
    return tuning->values[CLQ_TUNE_DYNAMIC_FUSED] && (g->parameters == 1 || is_for_one_item(tuning, g));
}

/* A work-group does all of a segment: up to so many elements, which it has read again before a launch more begins. */
static int groups_fuse(const clq_cl_tuning *tuning, const clq_geometry *g)
{
    return has_segment_each(g) && g->segment <= tuning->values[CLQ_TUNE_DYNAMIC_SEGMENT];
}

/* Of the kernel of its own that is chosen or tried. */
static clq_dynamic_form form_of(clq_variant variant, int is_alone)
{
    return variant == CLQ_VARIANT_GRID ? CLQ_DYNAMIC_BY_SEGMENTS : is_alone ? CLQ_DYNAMIC_ALONE : CLQ_DYNAMIC_BY_STRIPS;
}

/* Dynamic quantization by a kernel of its own, of the variant that its steps have. */
static int is_fused(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    const clq_cl_tuning *tuning = decision->tuning;
    const clq_geometry *g = &task->geometry;
    const clq_variant variant = decision->main.variant;
    const int fuses = variant == CLQ_VARIANT_STRIP  ? strips_fuse(tuning, g)
                      : variant == CLQ_VARIANT_GRID ? groups_fuse(tuning, g)
                                                    : 0;
    const size_t entry = clq_cl_verdict_entry(tuning, CLQ_OP_DYNAMIC_QUANTIZE, variant, task->q);
    return fuses && decision->minmax.variant == variant &&
           clq_cl_least_items(decision->most_rounds, 1) == 0 && /* nor does one of the kernel do much then */
           g->elements > 0 && !clq_verdict_is_aside(clq_verdict_of(&context->cl->verdicts, entry));
}

/* No aid comes to a variant that is forced. */
static void let_host_serve(const clq_context *context, clq_variant forced, clq_decision *decision)
{
    const clq_choice *aside = decision->minmax.is_aside       ? &decision->minmax
                              : decision->parameters.is_aside ? &decision->parameters
                                                              : &decision->main;
    if (aside->is_aside && !clq_variant_is_of_tensors(forced)) {
        decision->by_host = clq_cl_cause_of(clq_verdict_of(&context->cl->verdicts, aside->verdict_entry));
    }
}

void clq_cl_decide(const clq_context *context, clq_variant forced, const clq_task *task, clq_decision *decision)
{
    const clq_cl_tuning *tuning = clq_cl_tuning_of(context);
    memset(decision, 0, sizeof *decision);
    decision->tuning = tuning;
    decision->most_rounds = atomic_load(&context->cl->most_rounds);
    if (task->operation != CLQ_OP_DYNAMIC_QUANTIZE) {
        decision->main = choose(context, tuning, forced, task, task->operation);
        decision->minmax = decision->main;
        let_host_serve(context, forced, decision);
        return;
    }
    decision->minmax = choose(context, tuning, forced, task, CLQ_OP_MINMAX);
    decision->parameters = choose(context, tuning, forced, task, CLQ_OP_CHOOSE_PARAMETERS);
    decision->main = choose(context, tuning, forced, task, CLQ_OP_QUANTIZE);
    if (is_fused(context, task, decision)) {
        decision->main = choice_of(tuning, task, decision->main.variant, decision->main.reason);
        decision->minmax.is_aside = decision->parameters.is_aside = 0; /* one kernel does it all */
        decision->dynamic = form_of(decision->main.variant, is_for_one_item(tuning, &task->geometry));
    }
    let_host_serve(context, forced, decision);
}

void clq_cl_decide_trial(const clq_cl_tuning *tuning, const clq_task *task, clq_variant variant, int streams,
                         clq_decision *decision)
{
    clq_task ranges = *task;
    ranges.operation = CLQ_OP_MINMAX;
    memset(decision, 0, sizeof *decision);
    decision->tuning = tuning;
    decision->is_trial = 1;
    decision->streams = streams;
    decision->main = decision->minmax = choice_of(tuning, task, variant, "under trial");
    if (task->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        decision->dynamic = form_of(variant, !streams || task->geometry.parameters > 1);
        decision->minmax = choice_of(tuning, &ranges, variant, "under trial");
    }
}

static clq_choice step_of(const clq_cl_tuning *tuning, const clq_task *task, clq_operation operation,
                          clq_variant variant)
{
    const clq_task step = clq_task_step(task, operation);
    return choice_of(tuning, &step,
                     clq_cl_variant_takes(&step, variant) ? variant
                     : step.is_strided                    ? CLQ_VARIANT_RUNS
                                                          : CLQ_VARIANT_STRIP,
                     "forced");
}

void clq_cl_decide_untried(const clq_cl_tuning *tuning, const clq_task *task, clq_variant variant,
                           clq_decision *decision)
{
    const int is_dynamic = task->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    memset(decision, 0, sizeof *decision);
    decision->tuning = tuning;
    decision->main = step_of(tuning, task, is_dynamic ? CLQ_OP_QUANTIZE : task->operation, variant);
    decision->minmax = is_dynamic ? step_of(tuning, task, CLQ_OP_MINMAX, variant) : decision->main;
    if (is_dynamic) {
        decision->parameters = step_of(tuning, task, CLQ_OP_CHOOSE_PARAMETERS, CLQ_VARIANT_STRIP);
    }
}

const clq_choice *clq_cl_untrusted(const clq_context *context, const clq_decision *decision)
{
    const clq_choice *const steps[] = {&decision->minmax, &decision->parameters, &decision->main};
    const int has_three = decision->main.operation == CLQ_OP_QUANTIZE && decision->minmax.operation == CLQ_OP_MINMAX;
    for (size_t i = has_three ? 0 : 2; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i]->is_aside) {
            return steps[i]; /* where one is, nothing is left to try */
        }
    }
    for (size_t i = has_three ? 0 : 2; i < sizeof steps / sizeof steps[0]; i++) {
        if (clq_verdict_of(&context->cl->verdicts, steps[i]->verdict_entry) != CLQ_VERDICT_TRUSTED) {
            return steps[i];
        }
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* histogram on a device: jobs that count by themselves, then one kernel that adds them up (kernels/histogram.cl). */
#include "opencl/launch/cut.h"

#include <string.h>

#include "core/size.h"
#include "opencl/launch/tensor.h"
#include "opencl/runtime/memory.h"

enum { MOST_ITEMS = 1024 };

/* Counters that a work-item of columns clears in one round (kernels/histogram_columns.clh). */
enum { CLEARED_TOGETHER = 4 };

/* Counters that a group sums up at a time at least, and groups that do it; fewer in a trial, so that there are rounds.
 */
enum { LEAST_SUM = 8, MOST_FINAL_GROUPS = 4096, MOST_FINAL_GROUPS_IN_TRIAL = 40 };

/* A slice with fewer elements does not pay for adding its counts up; one with more could overflow 32-bit counts. */
static const uint64_t LEAST_SLICE_IN_TRIAL = 64;
static const uint64_t LEAST_SLICE_OF_FEW_ROUNDS = 4096; /* where a device ends loops: opencl/rounds.h */
static const uint64_t GREATEST_SLICE = UINT64_C(1) << 30;
/* Up to so many elements of a parameter, clearing counters takes longer than 64-bit counts in place. */
static const uint64_t MOST_DIRECT = 1 << 14, MOST_DIRECT_IN_TRIAL = 64;

/* How the work is cut: what the jobs write and how the sum finds it. */
typedef struct histogram_cut {
    const clq_decision *decision;
    const clq_choice *choice;
    const clq_cl_tuning *tuning;
    int is_trial;
    uint32_t bins;
    uint32_t vector_width, columns; /* columns: that a work-item handles together, alone on CPU devices */
    uint32_t group, channels; /* work-items that work together; channels that they count in local memory at most */
    tensor_call call;
    uint64_t items;
    uint64_t scratch_words, partial_words;
} histogram_cut;

/* A kernel is compared with the reference on small problems (trial/cases_walk.c), in slices and in scratch memory all
 * the same.
 */
static uint64_t least_slice(const histogram_cut *s)
{
    const uint64_t tuned = s->tuning->values[CLQ_TUNE_HISTOGRAM_SLICE];
    return s->is_trial                                           ? LEAST_SLICE_IN_TRIAL
           : clq_cl_least_items(s->decision->most_rounds, 1) > 0 ? clq_size_min(tuned, LEAST_SLICE_OF_FEW_ROUNDS)
                                                                 : tuned;
}

static uint64_t items_of(const histogram_cut *s, const clq_context *context)
{
    return clq_size_max(clq_cl_target_items(context, s->tuning->values[CLQ_TUNE_HISTOGRAM_ITEMS], s->is_trial),
                        clq_cl_least_items(s->decision->most_rounds, s->call.elements));
}

static uint64_t most_direct(const histogram_cut *s)
{
    return s->is_trial ? MOST_DIRECT_IN_TRIAL : MOST_DIRECT;
}

/* Each has counters of its own in scratch memory. */
static uint64_t words_of_strip(const histogram_cut *s)
{
    return HISTOGRAM_COPIES * HISTOGRAM_STRIDE((uint64_t)s->bins);
}

static uint64_t most_strips(const histogram_cut *s, const clq_context *context)
{
    const uint64_t room = clq_cl_scratch_items(context, words_of_strip(s) * sizeof(cl_uint));
    return clq_size_min(MOST_ITEMS, room);
}

/* Work-items that work together: those of grid, and of columns elsewhere than on CPU devices. */
static uint32_t group_of(const histogram_cut *s, const clq_context *context)
{
    const int is_group = s->choice->variant == CLQ_VARIANT_GRID ||
                         (s->choice->variant == CLQ_VARIANT_COLUMNS && context->device.type != CLQ_DEVICE_CPU);
    return is_group ? s->tuning->values[CLQ_TUNE_HISTOGRAM_GROUP] : 1;
}

/* Elements of a vector; of columns in groups no more than a block has where rows have one element. */
static uint32_t width_of(const histogram_cut *s)
{
    const int is_narrow = s->choice->variant == CLQ_VARIANT_COLUMNS && s->group > 1;
    return !is_narrow ? s->choice->vector_width : s->channels >= 4 ? 4 : 2;
}

/* Lines of the whole period, or of several where they are short; blocks of channels side by side in them. */
static void cut_lines(histogram_cut *s, const clq_geometry *g)
{
    const uint64_t period = g->channels * g->row;
    tensor_call *call = &s->call;
    if (s->group == 1) {
        call->line = period <= s->columns ? s->columns / period * period : period;
        call->per_job = period <= s->columns ? g->channels : s->columns / g->row;
    } else { /* of all channels whole vectors, which neighbours read as they lie in memory */
        call->line = g->channels <= s->channels ? period * s->vector_width : period;
        call->per_job = clq_size_min(g->channels, s->channels);
    }
    call->across = clq_size_divide_up(g->channels, call->per_job);
}

static void cut_columns(histogram_cut *s, const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    tensor_call *call = &s->call;
    uint64_t lines, columns; /* of a job */
    cut_lines(s, g);
    lines = clq_size_divide_up(g->elements, call->line);
    columns = s->group == 1 ? s->columns : call->across == 1 ? call->line : call->per_job * g->row;
    call->slices = items_of(s, context) / call->across;
    call->slices = clq_size_min(call->slices, lines * columns / least_slice(s));
    call->slices = clq_size_min(
        call->slices, clq_cl_scratch_items(context, call->across * call->per_job * s->bins * sizeof(cl_uint)));
    call->slices = clq_size_max(call->slices, 1);
    if (call->slices > 1 || s->group > 1) { /* else counts have 64 bits */
        call->slices = clq_size_max(call->slices, clq_size_divide_up(lines, GREATEST_SLICE / columns));
    }
    call->per_item = clq_size_divide_up(lines, call->slices);
    call->tasks = call->across * call->slices;
    s->items = call->tasks;
}

static void cut_tasks(histogram_cut *s, const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    tensor_call *call = &s->call;
    const uint64_t wanted = items_of(s, context);
    const uint64_t repeats = clq_size_divide_up(g->band / g->row, g->channels);
    const uint64_t elements = repeats * g->segment; /* of the largest parameter */
    call->per_job = 1;
    call->slices = clq_size_min(clq_size_divide_up(wanted, g->parameters), elements / least_slice(s));
    call->slices = clq_size_min(call->slices, clq_cl_scratch_items(context, g->parameters * s->bins * sizeof(cl_uint)));
    call->slices = clq_size_max(clq_size_max(call->slices, clq_size_divide_up(elements, GREATEST_SLICE)), 1);
    /* Whole segments where there are many for each slice; else every slice gets its part of each segment. */
    call->pieces = repeats >= 8 * call->slices ? 1 : call->slices;
    call->tasks = g->parameters * call->slices;
    s->items = clq_size_min(call->tasks, s->choice->variant == CLQ_VARIANT_GRID && !s->is_trial ? 4 * wanted : wanted);
    s->items = clq_size_min(s->items, s->choice->variant == CLQ_VARIANT_GRID ? UINT64_MAX : most_strips(s, context));
    call->direct = s->choice->variant == CLQ_VARIANT_STRIP && call->slices == 1 && elements <= most_direct(s);
    s->scratch_words = s->choice->variant == CLQ_VARIANT_STRIP && !call->direct ? s->items * words_of_strip(s) : 0;
}

static void size_groups(const histogram_cut *s, clq_cl_launch *launch)
{
    launch->grouping = s->group > 1 ? CLQ_CL_GROUPS_BUILT : CLQ_CL_GROUPS_GIVEN;
    launch->dimensions = 1;
    launch->local[0] = s->group;
}

/* A job clears its counters and adds them up, besides its elements. */
static void size_jobs(const histogram_cut *s, const clq_geometry *g, clq_cl_launch *launch)
{
    const tensor_call *call = &s->call;
    const uint64_t jobs = clq_size_divide_up(call->tasks, clq_size_max(s->items, 1));
    uint64_t elements;
    uint64_t counters;
    if (s->choice->variant == CLQ_VARIANT_COLUMNS) {
        elements = call->per_item * clq_size_max(call->line, s->columns);
        counters = call->per_job * s->bins / (s->group > 1 ? 1 : CLEARED_TOGETHER) + s->columns;
    } else {
        const uint64_t group = s->choice->variant == CLQ_VARIANT_GRID ? s->group : 1;
        const uint64_t segments = clq_size_divide_up(g->band / g->row, g->channels);
        elements = clq_size_divide_up(segments * (g->segment + (uint64_t)call->pieces), call->slices) / group +
                   s->choice->vector_width * (segments / (call->pieces > 1 ? 1 : call->slices) + 1);
        counters = call->direct ? 0 : (words_of_strip(s) + (1 + HISTOGRAM_COPIES) * s->bins) / group;
    }
    size_groups(s, launch);
    launch->global[0] = (size_t)s->items;
    launch->rounds = jobs * (CLQ_CL_ELEMENT_ROUNDS * elements + counters);
}

/* A round for each slice. Of groups as many as have rounds enough, each of several counters:
 * kernels/histogram_groups.clh. */
static void size_sum(const histogram_cut *s, const clq_geometry *g, clq_cl_launch *launch)
{
    const uint64_t counters = g->parameters * s->bins;
    size_groups(s, launch);
    if (s->group > 1) {
        launch->global[0] = (size_t)clq_size_min(clq_size_divide_up(counters, LEAST_SUM),
                                                 s->is_trial ? MOST_FINAL_GROUPS_IN_TRIAL : MOST_FINAL_GROUPS);
    } else {
        clq_cl_launch_items(launch, counters);
    }
    launch->rounds = s->call.slices;
}

static void make_cut(const clq_context *context, const clq_task *task, const clq_decision *decision, histogram_cut *s)
{
    memset(s, 0, sizeof *s);
    s->choice = &decision->main;
    s->tuning = decision->tuning;
    s->is_trial = decision->is_trial;
    s->decision = decision;
    s->bins = clq_histogram_bins(&task->q->scheme);
    s->columns = clq_histogram_columns(&task->q->scheme);
    s->group = group_of(s, context);
    s->channels = (uint32_t)clq_size_max(clq_cl_histogram_channels(context, &task->q->scheme), 1);
    s->vector_width = width_of(s);
    clq_cl_tensor_describe(task, CLQ_OP_HISTOGRAM, 0, &s->call);
    if (s->choice->variant == CLQ_VARIANT_COLUMNS) {
        cut_columns(s, context, task);
    } else {
        cut_tasks(s, context, task);
    }
    s->partial_words = s->call.slices > 1 ? s->call.tasks * s->call.per_job * s->bins : 0;
    s->call.partial = s->scratch_words;
}

/* Scratch memory; without any, memory that is there and not looked at. */
static void push_words(clq_cl_launch *launch, const clq_task *task, uint64_t words)
{
    if (words > 0) {
        clq_cl_launch_workspace(launch);
    } else {
        clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_COUNTS].object);
    }
}

static clq_cl_step *add_step(clq_cl_cut *cut, const histogram_cut *s, const char *kernel)
{
    clq_cl_step *step = clq_cl_cut_add(cut, s->choice->file, kernel);
    clq_cl_launch *launch = &step->launch;
    step->call = s->call;
    clq_cl_tensor_options(launch, clq_cl_variant_option(s->choice->variant), s->vector_width,
                          s->columns / s->vector_width, cut->task->q->real);
    if (!cut->task->q->scheme.symmetric) {
        clq_cl_launch_define(launch, "SIGNED_BINS", 1);
    }
    if (s->choice->variant == CLQ_VARIANT_COLUMNS && s->group > 1) {
        clq_cl_launch_define(launch, "GROUP_CHANNELS", s->channels);
    }
    return step;
}

static void add_jobs(clq_cl_cut *cut, const histogram_cut *s)
{
    const clq_task *task = cut->task;
    clq_cl_step *step = add_step(cut, s, s->choice->kernel);
    clq_cl_launch *launch = &step->launch;
    size_jobs(s, &task->geometry, launch);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_X].object);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_RANGE].object);
    if (s->choice->variant != CLQ_VARIANT_COLUMNS) {
        push_words(launch, task, s->scratch_words);
    }
    push_words(launch, task, s->partial_words);
    clq_cl_launch_memory(launch, task->arguments[CLQ_ARG_COUNTS].object);
    clq_cl_launch_large(launch, &step->call, sizeof step->call);
}

static void add_sum(clq_cl_cut *cut, const histogram_cut *s)
{
    const clq_task *task = cut->task;
    clq_cl_step *step = add_step(cut, s, s->group > 1 ? "histogram_final_grid" : "histogram_final");
    size_sum(s, &task->geometry, &step->launch);
    push_words(&step->launch, task, s->partial_words);
    clq_cl_launch_memory(&step->launch, task->arguments[CLQ_ARG_COUNTS].object);
    clq_cl_launch_large(&step->launch, &step->call, sizeof step->call);
}

void clq_cl_histogram(clq_cl_cut *cut)
{
    histogram_cut s;
    if (cut->task->geometry.elements == 0 || cut->task->geometry.parameters == 0) {
        return;
    }
    make_cut(cut->context, cut->task, cut->decision, &s);
    cut->own_bytes = cut->partial_bytes = sizeof(cl_uint);
    cut->workspace_bytes = (s.scratch_words + s.partial_words) * sizeof(cl_uint);
    add_jobs(cut, &s);
    if (s.call.slices > 1) {
        add_sum(cut, &s);
    }
}

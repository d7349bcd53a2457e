/* SPDX-License-Identifier: Apache-2.0 */
/* histogram on a device: jobs that count by themselves, then one kernel that adds them up (kernels/histogram.cl). */
#include "opencl/launch/histogram.h"

#include <stdio.h>
#include <string.h>

#include "core/size.h"

enum { GROUP_SIZE = 128, COPIES = 2, STRIDE = CLQ_HISTOGRAM_BINS + 16, COLUMNS = CLQ_HISTOGRAM_COLUMNS };
enum { MOST_ITEMS = 1024 };

/* A slice with fewer elements does not pay for adding its counts up; one with more could overflow 32-bit counts. */
static const uint64_t LEAST_SLICE = 1 << 16, LEAST_SLICE_IN_TRIAL = 64;
static const uint64_t GREATEST_SLICE = UINT64_C(1) << 30;
/* Up to so many elements of a parameter, clearing counters takes longer than 64-bit counts in place. */
static const uint64_t MOST_DIRECT = 1 << 14, MOST_DIRECT_IN_TRIAL = 64;

/* How the work is cut: what the jobs write and how the sum finds it. */
typedef struct shape {
    clq_choice choice;
    int is_trial;
    uint64_t slices, jobs, per_job; /* parameters of a job */
    uint64_t pieces;                /* strip and grid */
    int direct;
    uint64_t line, blocks, lines_per_slice; /* columns */
    uint64_t items;
    uint64_t scratch_words, partial_words;
} shape;

/* A kernel is compared with the reference on small problems (trial/cases_walk.c), in slices and in scratch memory all
 * the same.
 */
static uint64_t least_slice(const shape *s)
{
    return s->is_trial ? LEAST_SLICE_IN_TRIAL : LEAST_SLICE;
}

static uint64_t most_direct(const shape *s)
{
    return s->is_trial ? MOST_DIRECT_IN_TRIAL : MOST_DIRECT;
}

static void shape_columns(shape *s, const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t period = g->channels * g->row;
    uint64_t lines;
    s->line = period <= COLUMNS ? COLUMNS / period * period : period;
    s->per_job = period <= COLUMNS ? g->channels : COLUMNS / g->row;
    s->blocks = clq_size_divide_up(g->channels, s->per_job);
    lines = clq_size_divide_up(g->elements, s->line);
    s->slices = clq_cl_target_items(context) / s->blocks;
    s->slices = clq_size_min(s->slices, lines * COLUMNS / least_slice(s));
    s->slices = clq_size_max(s->slices, 1);
    if (s->slices > 1) {
        s->slices = clq_size_max(s->slices, clq_size_divide_up(lines, GREATEST_SLICE / COLUMNS));
    }
    s->lines_per_slice = clq_size_divide_up(lines, s->slices);
    s->jobs = s->blocks * s->slices;
    s->items = s->jobs;
}

static void shape_tasks(shape *s, const clq_context *context, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    const uint64_t wanted = clq_cl_target_items(context);
    const uint64_t repeats = clq_size_divide_up(g->rows, g->channels);
    const uint64_t elements = repeats * g->segment; /* of the largest parameter */
    s->per_job = 1;
    s->slices = clq_size_min(clq_size_divide_up(wanted, g->parameters), elements / least_slice(s));
    s->slices = clq_size_max(clq_size_max(s->slices, clq_size_divide_up(elements, GREATEST_SLICE)), 1);
    /* Whole segments where there are many for each slice; else every slice gets its part of each segment. */
    s->pieces = repeats >= 8 * s->slices ? 1 : s->slices;
    s->jobs = g->parameters * s->slices;
    s->items = clq_size_min(s->jobs, s->choice.variant == CLQ_VARIANT_GRID ? 4 * wanted : wanted);
    s->items = clq_size_min(s->items, s->choice.variant == CLQ_VARIANT_GRID ? UINT64_MAX : MOST_ITEMS);
    s->direct = s->choice.variant == CLQ_VARIANT_STRIP && s->slices == 1 && elements <= most_direct(s);
    s->scratch_words = s->choice.variant == CLQ_VARIANT_STRIP && !s->direct ? s->items * COPIES * STRIDE : 0;
}

static shape shape_of(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    shape s;
    memset(&s, 0, sizeof s);
    s.choice = decision->main;
    s.is_trial = decision->is_trial;
    if (task->geometry.elements == 0 || task->geometry.parameters == 0) {
        return s;
    }
    if (s.choice.variant == CLQ_VARIANT_COLUMNS) {
        shape_columns(&s, context, task);
    } else {
        shape_tasks(&s, context, task);
    }
    s.partial_words = s.slices > 1 ? s.jobs * s.per_job * CLQ_HISTOGRAM_BINS : 0;
    return s;
}

uint64_t clq_cl_histogram_workspace(const clq_context *context, const clq_task *task, const clq_decision *decision)
{
    const shape s = shape_of(context, task, decision);
    return (s.scratch_words + s.partial_words) * sizeof(cl_uint);
}

/* Scratch memory from word `first` of it on; without any, memory that is there and not looked at. */
static void push_words(clq_cl_launch *launch, const clq_cl_stream *stream, const clq_task *task, uint64_t words,
                       uint64_t first)
{
    clq_cl_launch_memory(launch, words > 0 ? stream->workspace : task->arguments[CLQ_ARG_COUNTS].object);
    clq_cl_launch_u64(launch, words > 0 ? stream->workspace_offset_bytes / sizeof(cl_uint) + first : 0);
}

static void push_argument(clq_cl_launch *launch, const clq_task *task, clq_argument argument, uint64_t element_bytes)
{
    clq_cl_launch_memory(launch, task->arguments[argument].object);
    clq_cl_launch_u64(launch, task->arguments[argument].offset_bytes / element_bytes);
}

static void set_options(clq_cl_launch *launch, const shape *s, const clq_task *task)
{
    const clq_dtype real = task->q->real;
    launch->file = s->choice.file;
    snprintf(launch->options, sizeof launch->options, "-DVARIANT=%d -DVECTOR_WIDTH=%u -DCOLUMN_BLOCKS=%u -DREAL=%d",
             (int)s->choice.variant + 1, (unsigned)s->choice.vector_width, (unsigned)(COLUMNS / s->choice.vector_width),
             real == CLQ_F32   ? 32
             : real == CLQ_F16 ? 16
                               : 17);
}

static clq_status enqueue_jobs(clq_cl_stream *stream, const clq_task *task, const shape *s, clq_error *error)
{
    const clq_geometry *g = &task->geometry;
    const int columns = s->choice.variant == CLQ_VARIANT_COLUMNS;
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    set_options(&launch, s, task);
    launch.kernel = s->choice.kernel;
    push_argument(&launch, task, CLQ_ARG_X, task->q->real == CLQ_F32 ? 4 : 2);
    if (columns) {
        const uint64_t numbers[] = {g->elements, g->row,    g->channels,        s->line,
                                    s->per_job,  s->blocks, s->lines_per_slice, s->slices};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            clq_cl_launch_u64(&launch, numbers[i]);
        }
        push_argument(&launch, task, CLQ_ARG_RANGE, 4);
    } else {
        const uint64_t numbers[] = {g->rows,     g->row,    g->segment, g->segments_per_row,
                                    g->channels, s->pieces, s->slices,  s->jobs};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            clq_cl_launch_u64(&launch, numbers[i]);
        }
        clq_cl_launch_i32(&launch, s->direct);
        push_argument(&launch, task, CLQ_ARG_RANGE, 4);
        push_words(&launch, stream, task, s->scratch_words, 0);
    }
    push_words(&launch, stream, task, s->partial_words, s->scratch_words);
    push_argument(&launch, task, CLQ_ARG_COUNTS, sizeof(uint64_t));
    launch.grouping = s->choice.variant == CLQ_VARIANT_GRID ? CLQ_CL_GROUPS_BUILT : CLQ_CL_GROUPS_GIVEN;
    launch.dimensions = 1;
    launch.local[0] = s->choice.variant == CLQ_VARIANT_GRID ? GROUP_SIZE : 1;
    launch.global[0] = (size_t)s->items;
    return clq_cl_launch_enqueue(&launch, stream, error);
}

static clq_status enqueue_sum(clq_cl_stream *stream, const clq_task *task, const shape *s, clq_error *error)
{
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    set_options(&launch, s, task);
    launch.kernel = "histogram_final";
    push_words(&launch, stream, task, s->partial_words, s->scratch_words);
    clq_cl_launch_u64(&launch, task->geometry.parameters);
    clq_cl_launch_u64(&launch, s->per_job);
    clq_cl_launch_u64(&launch, s->slices);
    push_argument(&launch, task, CLQ_ARG_COUNTS, sizeof(uint64_t));
    clq_cl_launch_items(&launch, task->geometry.parameters * CLQ_HISTOGRAM_BINS);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

clq_status clq_cl_histogram(clq_cl_stream *stream, const clq_task *task, const clq_decision *decision, clq_error *error)
{
    const shape s = shape_of(stream->context, task, decision);
    if (s.jobs == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(enqueue_jobs(stream, task, &s, error));
    return s.slices > 1 ? enqueue_sum(stream, task, &s, error) : CLQ_OK;
}

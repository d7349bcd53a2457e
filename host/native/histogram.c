/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: each parameter is one thread's, or all threads count the elements of one. */
#include "native/cut.h"

#include <math.h>
#include <string.h>

#include "core/host_memory.h"
#include "reference/bins.h"
#include "reference/element.h"
#include "reference/reference.h"

enum { SHORT_SEGMENT = 16 }; /* is counted element by element */

/* Segments too short for a loop: element by element, as the reference does. */
static void count_singly(const clq_task *task, uint64_t parameter, unsigned char *counts)
{
    const clq_dtype real = task->q->real;
    const unsigned char *x = clq_host_at(task, CLQ_ARG_X);
    const clq_bins bins = clq_reference_bins_of(&task->q->scheme, clq_host_at(task, CLQ_ARG_RANGE), parameter);
    uint64_t first = 0;
    uint64_t count = 0;
    for (uint64_t turn = 0; clq_reference_segment(&task->geometry, parameter, turn, &first, &count); turn++) {
        for (uint64_t i = first; i < first + count; i++) {
            const float value = clq_load_real(real, x, i);
            if (isfinite(value)) {
                unsigned char *const at = counts + sizeof(uint64_t) * clq_reference_bin_of(&bins, value);
                uint64_t counted;
                memcpy(&counted, at, sizeof counted);
                counted++;
                memcpy(at, &counted, sizeof counted);
            }
        }
    }
}

/* Part `index` of all elements of one parameter: of long segments a part, of short ones some. */
static void count_part(const clq_native_cut *c, size_t index, uint64_t parameter, unsigned char *counts)
{
    const clq_geometry *g = &c->task->geometry;
    const int is_long = g->segment >= CLQ_NATIVE_ALIGNMENT;
    uint64_t first = 0;
    uint64_t count = 0;
    for (uint64_t turn = 0; clq_reference_segment(g, parameter, turn, &first, &count); turn++) {
        const uint64_t size = clq_size_divide_up(count, c->parts);
        const uint64_t from = is_long ? clq_size_min(size * index, count) : 0;
        const uint64_t to = is_long ? clq_size_min(size * (index + 1), count) : count;
        if (from < to && (is_long || turn % c->parts == index)) {
            const clq_native_counts part = {first + from, to - from, parameter, counts};
            c->loops->count(c->task, &part);
        }
    }
}

static void run_count(void *cookie, size_t index)
{
    const clq_native_cut *c = cookie;
    count_part(c, index, c->parameter, c->counts + index * c->counts_bytes);
}

/* Parameters of which each is one thread's. */
static void run_counts(void *cookie, size_t index)
{
    const clq_native_cut *c = cookie;
    clq_native_cut whole = *c;
    whole.parts = 1;
    for (uint64_t p = clq_native_begin_of(c, index); p < clq_native_begin_of(c, index + 1); p++) {
        unsigned char *const counts = clq_host_at(c->task, CLQ_ARG_COUNTS) + p * c->counts_bytes;
        if (c->task->geometry.segment < SHORT_SEGMENT) {
            count_singly(c->task, p, counts);
        } else {
            count_part(&whole, 0, p, counts);
        }
    }
}

static void add_counts(const clq_native_cut *c, unsigned char *to)
{
    for (uint64_t at = 0; at < c->counts_bytes; at += sizeof(uint64_t)) {
        uint64_t sum;
        memcpy(&sum, to + at, sizeof sum);
        for (size_t i = 0; i < c->parts; i++) {
            uint64_t part;
            memcpy(&part, c->counts + i * c->counts_bytes + at, sizeof part);
            sum += part;
        }
        memcpy(to + at, &sum, sizeof sum);
    }
}

/* Few parameters of many elements: one after the other, each by all threads. */
static clq_status count_by_elements(const clq_native_team *team, clq_native_cut *c, clq_error *error)
{
    const uint64_t bytes = c->counts_bytes * c->parts;
    void *counts = NULL;
    CLQ_TRY(clq_memory_take(team->memory, bytes, _Alignof(max_align_t), "the counts of threads", &counts, error));
    c->counts = counts;
    for (; c->parameter < c->task->geometry.parameters; c->parameter++) {
        memset(c->counts, 0, (size_t)c->counts_bytes * c->parts);
        clq_native_run_parts(team, c, run_count);
        add_counts(c, clq_host_at(c->task, CLQ_ARG_COUNTS) + c->parameter * c->counts_bytes);
    }
    clq_memory_give(team->memory, counts, bytes);
    return CLQ_OK;
}

clq_status clq_native_histogram(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                                clq_error *error)
{
    const clq_geometry *g = &task->geometry;
    clq_native_cut c = clq_native_cut_of(loops, team, task, g->elements, 1);
    c.counts_bytes = sizeof(uint64_t) * clq_histogram_bins(&task->q->scheme);
    if (c.parts > 1 && g->parameters < c.parts) {
        return count_by_elements(team, &c, error);
    }
    c.count = g->parameters;
    clq_native_run_parts(team, &c, run_counts);
    return CLQ_OK;
}

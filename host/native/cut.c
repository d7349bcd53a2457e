/* SPDX-License-Identifier: Apache-2.0 */
#include "native/cut.h"

#include <string.h>

#include "core/dtype.h"
#include "core/size.h"

size_t clq_native_parts_of(const clq_native_team *team, uint64_t count)
{
    return count < team->least ? 1 : (size_t)clq_size_max(clq_size_min(team->parts, count / team->least_part), 1);
}

/* Bytes of X, or Y, and of codes: what quantize and dequantize move. */
static uint64_t moved_bytes(const clq_task *task)
{
    return clq_dtype_bytes(task->q->real, task->geometry.elements) +
           clq_dtype_bytes(task->q->scheme.dtype, task->geometry.elements);
}

clq_native_cut clq_native_cut_of(const clq_native_loops *loops, const clq_native_team *team, const clq_task *task,
                                 uint64_t count, uint64_t alignment)
{
    clq_native_cut c;
    memset(&c, 0, sizeof c);
    c.loops = loops;
    c.task = task;
    c.count = count;
    c.parts = clq_native_parts_of(team, count);
    c.alignment = alignment;
    c.streams = moved_bytes(task) >= team->streamed;
    return c;
}

uint64_t clq_native_begin_of(const clq_native_cut *c, size_t index)
{
    const uint64_t size = clq_size_divide_up(c->count, c->parts);
    const uint64_t step = (size + c->alignment - 1) / c->alignment * c->alignment;
    return index == c->parts ? c->count : clq_size_min(step * index, c->count);
}

void clq_native_run_parts(const clq_native_team *team, clq_native_cut *c, void (*work)(void *cookie, size_t index))
{
    clq_threads_run(team->threads, c->parts, work, c);
}

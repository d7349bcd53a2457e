/* SPDX-License-Identifier: Apache-2.0 */
/* What the products of a batch may not share: no C a byte with an operand of another one, and no a_nonfinite a byte
 * of what lies from an operand's first to its last. */
#include <stdio.h>
#include <stdlib.h>

#include "core/gemm_task.h"
#include "core/size.h"

/* The C of one product, or its a_nonfinite; sorted by where they begin, each with how far those up to it reach in its
 * space. */
typedef struct output {
    clq_extent bytes;
    size_t task;
    int is_found;
    uint64_t reach;
} output;

static int is_before(const clq_extent *a, const void *space, uint64_t at)
{
    return a->space != space ? (uintptr_t)a->space < (uintptr_t)space : a->first < at;
}

static int compare(const void *left, const void *right)
{
    const output *a = left;
    const output *b = right;
    return is_before(&a->bytes, b->bytes.space, b->bytes.first)   ? -1
           : is_before(&b->bytes, a->bytes.space, a->bytes.first) ? 1
                                                                  : 0;
}

/* Returns how many there are. */
static size_t sort(const clq_gemm_batch *batch, output *outputs)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        outputs[count++] = (output){batch->tasks[i].extents[CLQ_GEMM_C], i, 0, 0};
        if (batch->found[i].first < batch->found[i].end) {
            outputs[count++] = (output){batch->found[i], i, 1, 0};
        }
    }
    qsort(outputs, count, sizeof *outputs, compare);
    for (size_t i = 0; i < count; i++) {
        const int goes_on = i > 0 && outputs[i - 1].bytes.space == outputs[i].bytes.space;
        outputs[i].reach = clq_size_max(outputs[i].bytes.end, goes_on ? outputs[i - 1].reach : 0);
    }
    return count;
}

/* How many begin before the last byte of these. */
static size_t count_before(const output *outputs, size_t count, const clq_extent *bytes)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (is_before(&outputs[middle].bytes, bytes->space, bytes->end)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* CLQ_GEMM_ARGUMENTS stands for a_nonfinite. */
static const clq_extent *extent_of(const clq_gemm_batch *batch, size_t task, int argument)
{
    return argument == CLQ_GEMM_ARGUMENTS ? &batch->found[task] : &batch->tasks[task].extents[argument];
}

static void name_of(const clq_gemm_batch *batch, size_t task, int argument, char *name, size_t capacity)
{
    snprintf(name, capacity, "%s of item %zu",
             argument == CLQ_GEMM_ARGUMENTS ? "a_nonfinite" : clq_gemm_argument_name((clq_gemm_argument)argument),
             batch->items[task]);
}

static clq_status refuse(const clq_gemm_batch *batch, const output *writer, size_t other, int argument,
                         clq_error *error)
{
    char names[2][48];
    name_of(batch, writer->task, writer->is_found ? CLQ_GEMM_ARGUMENTS : CLQ_GEMM_C, names[0], sizeof names[0]);
    name_of(batch, other, argument, names[1], sizeof names[1]);
    return clq_extents_refuse("gemm", names[0], &writer->bytes, names[1], extent_of(batch, other, argument), error);
}

/* What is found and C are compared once, where C is the operand. */
static int is_written(const clq_gemm_batch *batch, const output *writer, size_t task, int argument)
{
    return writer->is_found
               ? clq_extents_overlap(&writer->bytes, extent_of(batch, task, argument))
               : argument != CLQ_GEMM_ARGUMENTS &&
                     clq_gemm_writes_to(&batch->tasks[writer->task], &batch->tasks[task], (clq_gemm_argument)argument);
}

/* From the last output that may reach the operand back to the first. */
static clq_status check_operand(const clq_gemm_batch *batch, const output *outputs, size_t count, size_t task,
                                int argument, clq_error *error)
{
    const clq_extent *bytes = extent_of(batch, task, argument);
    size_t i = bytes->first < bytes->end ? count_before(outputs, count, bytes) : 0;
    for (; i > 0 && outputs[i - 1].bytes.space == bytes->space && outputs[i - 1].reach > bytes->first; i--) {
        const output *writer = &outputs[i - 1];
        if (writer->task != task && is_written(batch, writer, task, argument)) {
            return refuse(batch, writer, task, argument, error);
        }
    }
    return CLQ_OK;
}

clq_status clq_gemm_batch_check(const clq_gemm_batch *batch, clq_error *error)
{
    clq_status status = CLQ_OK;
    output *outputs = calloc(clq_size_max(batch->count, 1), 2 * sizeof *outputs);
    size_t count;
    if (outputs == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu products", batch->count);
    }
    count = sort(batch, outputs);
    for (size_t i = 0; i < batch->count && status == CLQ_OK; i++) {
        for (int a = 0; a <= CLQ_GEMM_ARGUMENTS && status == CLQ_OK; a++) {
            status = check_operand(batch, outputs, count, i, a, error);
        }
    }
    free(outputs);
    return status;
}

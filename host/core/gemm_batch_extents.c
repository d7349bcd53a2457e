/* SPDX-License-Identifier: Apache-2.0 */
/* What the products of a batch may not share: no C a byte with an operand of another one. */
#include <stdio.h>
#include <stdlib.h>

#include "core/gemm_task.h"
#include "core/size.h"

/* The C of one product; sorted by where they begin, each with how far those up to it reach in its space. */
typedef struct output {
    clq_extent bytes;
    size_t task;
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

static void sort(const clq_gemm_batch *batch, output *outputs)
{
    for (size_t i = 0; i < batch->count; i++) {
        outputs[i].bytes = batch->tasks[i].extents[CLQ_GEMM_C];
        outputs[i].task = i;
    }
    qsort(outputs, batch->count, sizeof *outputs, compare);
    for (size_t i = 0; i < batch->count; i++) {
        const int goes_on = i > 0 && outputs[i - 1].bytes.space == outputs[i].bytes.space;
        outputs[i].reach = clq_size_max(outputs[i].bytes.end, goes_on ? outputs[i - 1].reach : 0);
    }
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

static clq_status refuse(const clq_gemm_batch *batch, size_t writer, size_t other, clq_gemm_argument argument,
                         clq_error *error)
{
    char names[2][48];
    snprintf(names[0], sizeof names[0], "c of item %zu", batch->items[writer]);
    snprintf(names[1], sizeof names[1], "%s of item %zu", clq_gemm_argument_name(argument), batch->items[other]);
    return clq_extents_refuse("gemm", names[0], &batch->tasks[writer].extents[CLQ_GEMM_C], names[1],
                              &batch->tasks[other].extents[argument], error);
}

/* From the last C that may reach the operand back to the first. */
static clq_status check_operand(const clq_gemm_batch *batch, const output *outputs, size_t task,
                                clq_gemm_argument argument, clq_error *error)
{
    const clq_extent *bytes = &batch->tasks[task].extents[argument];
    size_t i = bytes->first < bytes->end ? count_before(outputs, batch->count, bytes) : 0;
    for (; i > 0 && outputs[i - 1].bytes.space == bytes->space && outputs[i - 1].reach > bytes->first; i--) {
        const size_t writer = outputs[i - 1].task;
        if (writer != task && clq_gemm_writes_to(&batch->tasks[writer], &batch->tasks[task], argument)) {
            return refuse(batch, writer, task, argument, error);
        }
    }
    return CLQ_OK;
}

clq_status clq_gemm_batch_check(const clq_gemm_batch *batch, clq_error *error)
{
    clq_status status = CLQ_OK;
    output *outputs = calloc(clq_size_max(batch->count, 1), sizeof *outputs);
    if (outputs == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu products", batch->count);
    }
    sort(batch, outputs);
    for (size_t i = 0; i < batch->count && status == CLQ_OK; i++) {
        for (int a = 0; a < CLQ_GEMM_ARGUMENTS && status == CLQ_OK; a++) {
            status = check_operand(batch, outputs, i, (clq_gemm_argument)a, error);
        }
    }
    free(outputs);
    return status;
}

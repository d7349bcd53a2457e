/* SPDX-License-Identifier: Apache-2.0 */
/* Where the operands of a case lie in its arena, and of what they are. */
#include <string.h>

#include "verify/case.h"

static clq_verify_operand *push(clq_verify_work *work)
{
    clq_verify_operand *o = &work->operands[work->operand_count++];
    memset(o, 0, sizeof *o);
    return o;
}

static int32_t element_of(const clq_task *task, clq_argument argument)
{
    switch (argument) {
    case CLQ_ARG_X:
    case CLQ_ARG_Y:
        return (int32_t)task->q->real;
    case CLQ_ARG_CODES:
        return (int32_t)task->q->scheme.dtype;
    case CLQ_ARG_ZERO_POINT:
        return CLQ_S32;
    case CLQ_ARG_NONFINITE:
    case CLQ_ARG_COUNTS:
        return CLQ_VERIFY_U64;
    default:
        return CLQ_F32;
    }
}

/* Tensors are drawn by their last dimension, histograms by their bins, parameters by those of a row. */
static uint64_t columns_of(const clq_task *task, clq_argument argument)
{
    const clq_layout *l = &task->q->layout;
    if (argument == CLQ_ARG_X || argument == CLQ_ARG_Y || argument == CLQ_ARG_CODES) {
        return l->shape[l->rank - 1];
    }
    return argument == CLQ_ARG_COUNTS                                    ? clq_histogram_bins(&task->q->scheme)
           : argument == CLQ_ARG_RANGE || argument == CLQ_ARG_STATE      ? 2
           : argument == CLQ_ARG_SCALE || argument == CLQ_ARG_ZERO_POINT ? task->geometry.segments_per_row
                                                                         : 1;
}

/* Of a tensor with gaps, what is stored from its first element on: `elements` are places then. */
static uint64_t elements_of(const clq_task *task, clq_argument argument)
{
    uint64_t elements = task->geometry.elements;
    (void)clq_strides_check(&task->q->layout, clq_argument_strides(task->q, argument), "", 0, &elements, NULL);
    return elements;
}

static void add_task(clq_verify_work *work, size_t number)
{
    const clq_task *task = &work->trial.tasks[number];
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        const clq_argument argument = (clq_argument)i;
        const uint64_t bytes = clq_argument_bytes(task, argument);
        if (bytes > 0) {
            clq_verify_operand *o = push(work);
            o->name = clq_argument_name(argument);
            o->item = (uint32_t)number;
            o->element = element_of(task, argument);
            o->is_output = clq_argument_is_output(task->operation, argument);
            o->offset_bytes = task->arguments[i].offset_bytes;
            o->elements = argument == CLQ_ARG_X || argument == CLQ_ARG_Y || argument == CLQ_ARG_CODES
                              ? elements_of(task, argument)
                              : bytes / clq_verify_element_bytes(o->element, 1);
            o->columns = columns_of(task, argument);
        }
    }
}

static int32_t product_element(const clq_gemm_problem *p, clq_gemm_argument argument)
{
    switch (argument) {
    case CLQ_GEMM_A:
        return (int32_t)p->a.dtype;
    case CLQ_GEMM_B:
        return (int32_t)p->b.dtype;
    case CLQ_GEMM_C:
        return (int32_t)p->c.dtype;
    case CLQ_GEMM_A_SCALE:
    case CLQ_GEMM_B_SCALE:
        return CLQ_F32;
    case CLQ_GEMM_BIAS:
        return p->k_group != 0 ? CLQ_F32 : CLQ_S32;
    case CLQ_GEMM_MULTIPLIER:
        return p->requantize == CLQ_REQUANTIZE_FLOAT ? CLQ_F32 : CLQ_S32;
    default:
        return CLQ_S32;
    }
}

static void add_product(clq_verify_work *work)
{
    const clq_gemm_task *task = &work->trial.product;
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_gemm_argument argument = (clq_gemm_argument)i;
        const uint64_t elements = clq_gemm_argument_elements(task, argument);
        if (elements > 0) {
            clq_verify_operand *o = push(work);
            o->name = clq_gemm_argument_name(argument);
            o->element = product_element(task->problem, argument);
            o->is_output = argument == CLQ_GEMM_C;
            o->offset_bytes = task->arguments[i].offset_bytes;
            o->elements = elements;
            o->columns = argument == CLQ_GEMM_C ? task->c.row_stride : 1;
        }
    }
}

void clq_verify_find_operands(clq_verify_work *work)
{
    work->operand_count = 0;
    for (size_t i = 0; i < work->trial.count; i++) {
        add_task(work, i);
    }
    if (work->trial.count == 0) {
        add_product(work);
    }
}

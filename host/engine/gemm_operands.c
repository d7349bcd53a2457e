/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of a product and packed weights, as they are handed in. */
#include <inttypes.h>

#include "engine/context.h"
#include "engine/gemm.h"

clq_status clq_gemm_check_operand(const clq_context *context, clq_gemm_task *task, clq_gemm_argument argument,
                                  const clq_operand *operand, int is_written, clq_error *error)
{
    const char *name = clq_gemm_argument_name(argument);
    const uint32_t bits = clq_gemm_element_bits(task, argument);
    const uint64_t need = clq_gemm_argument_elements(task, argument);
    uint64_t have;
    uint64_t offset_bytes;
    if (need == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_buffer_check(operand->buffer, context, "gemm", name, !is_written, is_written, error));
    CLQ_REQUIRE(bits != 4 || operand->offset % 2 == 0,
                "gemm: the offset of %s is %" PRIu64 ", 4-bit codes need an even one", name, operand->offset);
    have = bits == 4 ? 2 * operand->buffer->bytes : operand->buffer->bytes / (bits / 8);
    CLQ_REQUIRE(operand->offset <= have && need <= have - operand->offset,
                "gemm: %s needs %" PRIu64 " elements from offset %" PRIu64 ", its buffer has %" PRIu64, name, need,
                operand->offset, have);
    offset_bytes = clq_gemm_stored_bytes(task, argument, operand->offset);
    task->arguments[argument].object = operand->buffer->object;
    task->arguments[argument].offset_bytes = operand->buffer->base_offset_bytes + offset_bytes;
    task->extents[argument] =
        clq_buffer_part(operand->buffer, offset_bytes, clq_gemm_stored_bytes(task, argument, need));
    return CLQ_OK;
}

clq_status clq_gemm_check_packed(const clq_gemm_task *task, const clq_gemm_weights *w, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    CLQ_REQUIRE(w->n == p->n && w->k == p->k && w->batches == task->b_batches,
                "gemm: the weights are %" PRIu64 " of %" PRIu64 " x %" PRIu64 ", B is %" PRIu64 " of %" PRIu64
                " x %" PRIu64,
                w->batches, w->k, w->n, task->b_batches, p->k, p->n);
    CLQ_REQUIRE(w->dtype == p->b.dtype, "gemm: the weights are %s, B is %s", clq_dtype_name(w->dtype),
                clq_dtype_name(p->b.dtype));
    CLQ_REQUIRE(w->k_group == p->k_group,
                "gemm: the weights were packed with a k_group of %" PRIu64 ", the problem says %" PRIu64, w->k_group,
                p->k_group);
    CLQ_REQUIRE(w->zero_point == p->b_zero_point,
                "gemm: the weights were packed with b_zero_point %s, the problem says %s",
                clq_gemm_values_name(w->zero_point), clq_gemm_values_name(p->b_zero_point));
    return CLQ_OK;
}

clq_status clq_gemm_check_weights(const clq_context *context, clq_gemm_task *task, const uint64_t *weights_batch,
                                  clq_error *error)
{
    clq_gemm_weights one = *task->weights;
    CLQ_REQUIRE(task->weights->context == context, "gemm: the weights belong to another context");
    if (weights_batch != NULL && task->problem->batch == 1) {
        CLQ_REQUIRE(*weights_batch < one.batches,
                    "gemm: weights_batch is %" PRIu64 ", the weights have %" PRIu64 " batches", *weights_batch,
                    one.batches);
        task->packed_batches = one.batches;
        task->packed_first = *weights_batch;
        one.batches = 1;
    }
    return clq_gemm_check_packed(task, &one, error);
}

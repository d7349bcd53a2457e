/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/choice/batch.h"

const char *clq_cl_batch_form_name(clq_batch_form form)
{
    static const char *const names[CLQ_BATCH_FORMS] = {"each", "batch-strip", "batch-grid", "batch-columns",
                                                       "batch-fused"};
    return names[form];
}

/* A small tensor is quantized while it is in a core's own cache: one work-item does it all, and each parameter serves
 * one segment. */
static int can_be_fused(const clq_cl_tuning *tuning, const clq_task *task)
{
    const clq_geometry *g = &task->geometry;
    return task->operation == CLQ_OP_DYNAMIC_QUANTIZE && g->elements > 0 &&
           clq_dtype_bytes(task->q->real, g->elements) <= tuning->values[CLQ_TUNE_BATCH_FUSED] &&
           g->rows * g->segments_per_row == g->parameters;
}

/* Whether there is no kernel for batches of the operation. */
int clq_cl_batch_is_one_by_one(clq_operation operation)
{
    static const clq_operation batched[] = {
#define CLQ_BATCH_KERNEL(form, variant, operation, file, kernel, contract) operation,
#include "kernels.def"
    };
    for (size_t i = 0; i < sizeof batched / sizeof batched[0]; i++) {
        if (batched[i] == operation) {
            return 0;
        }
    }
    return 1;
}

clq_batch_form clq_cl_batch_preferred_form(const clq_context *context, const clq_cl_tuning *tuning, clq_variant forced,
                                           const clq_task *task)
{
    clq_decision alone;
    if (clq_cl_batch_is_one_by_one(task->operation) || task->is_strided) {
        return CLQ_BATCH_EACH;
    }
    clq_cl_decide(context, forced, task, &alone);
    if (alone.main.variant == CLQ_VARIANT_COLUMNS) {
        return CLQ_BATCH_COLUMNS;
    }
    if (clq_variant_is_of_tensors(forced)) {
        return forced == CLQ_VARIANT_GRID ? CLQ_BATCH_GRID : CLQ_BATCH_STRIP;
    }
    if (can_be_fused(tuning, task)) {
        return CLQ_BATCH_FUSED;
    }
    return tuning->values[CLQ_TUNE_BATCH_GRID] ? CLQ_BATCH_GRID : CLQ_BATCH_STRIP;
}

clq_batch_form clq_cl_batch_next_form(clq_batch_form form)
{
    return form == CLQ_BATCH_FUSED ? CLQ_BATCH_STRIP : CLQ_BATCH_EACH;
}

const char *clq_cl_batch_reason(const clq_context *context, clq_variant forced, clq_operation operation,
                                clq_batch_form form)
{
    return clq_cl_batch_is_one_by_one(operation)    ? "this operation is run tensor by tensor"
           : form == CLQ_BATCH_EACH                 ? "strided tensors are run one by one"
           : clq_variant_is_of_tensors(forced)      ? "as forced"
           : form == CLQ_BATCH_FUSED                ? "small tensors: each is finished while in the cache"
           : form == CLQ_BATCH_COLUMNS              ? "few elements between two channels"
           : context->device.type == CLQ_DEVICE_CPU ? "CPU device: each work-item takes a run in order"
                                                    : "work-items of a run touch memory side by side";
}

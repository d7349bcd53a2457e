/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of many tensors at once: every form, in batches that go through all shapes the form takes. */
#include <string.h>

#include "opencl/choice/batch.h"
#include "opencl/choice/elementwise.h"
#include "verify/case.h"

enum { REALS = 3, CODES = 6, TENSORS = 15, FUSED_BYTES = 128 << 10 };

typedef struct kernel_row {
    clq_batch_form form;
    clq_operation operation;
} kernel_row;

static const kernel_row kernels[] = {
#define CLQ_BATCH_KERNEL(form, variant, operation, file, kernel, contract) {CLQ_BATCH_##form, operation},
#include "kernels.def"
};

int clq_verify_form_takes(const clq_verify_item *item, const clq_trial_shape *shape)
{
    const clq_layout layout = clq_trial_layout(shape);
    clq_quantization q;
    clq_task task;
    memset(&task, 0, sizeof task);
    clq_quantization_init(&q);
    q.scheme.dtype = item->dtype;
    q.layout = layout;
    task.operation = item->operation;
    task.q = &q;
    if (clq_geometry_of(&layout, &task.geometry, NULL) != CLQ_OK) {
        return 0;
    }
    if (item->variant == (int32_t)CLQ_BATCH_FUSED) {
        return task.geometry.elements > 0 && task.geometry.elements <= FUSED_BYTES / 4 &&
               task.geometry.rows * task.geometry.segments_per_row == task.geometry.parameters;
    }
    return item->variant != (int32_t)CLQ_BATCH_COLUMNS || clq_cl_variant_takes(&task, CLQ_VARIANT_COLUMNS);
}

static clq_status add_batches(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    clq_trial_shape shape;
    uint32_t kept = 0;
    item->program = items->programs++;
    item->of.shapes.count = 0;
    for (uint32_t i = 0;; i++) {
        const int is_there = clq_verify_shape(items->extent, i, &shape);
        if (is_there && clq_verify_form_takes(item, &shape)) {
            item->of.shapes.first = item->of.shapes.count == 0 ? i : item->of.shapes.first;
            item->of.shapes.count++;
        }
        if (item->of.shapes.count == TENSORS || (!is_there && item->of.shapes.count > 0)) {
            const uint32_t mixed = clq_verify_mix(kept++, item->program, CLQ_VERIFY_INPUTS * 2);
            item->inputs = (clq_verify_inputs)(mixed % CLQ_VERIFY_INPUTS);
            item->cut = (clq_verify_cut)(mixed / CLQ_VERIFY_INPUTS);
            item->size = item->number = i;
            CLQ_TRY(clq_verify_items_add(items, item, error));
            item->of.shapes.count = 0;
        }
        if (!is_there) {
            return CLQ_OK;
        }
    }
}

static clq_status add_types(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const int has_codes = item->operation == CLQ_OP_QUANTIZE || item->operation == CLQ_OP_DEQUANTIZE ||
                          item->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const uint32_t reals = item->operation == CLQ_OP_CHOOSE_PARAMETERS ? 1 : REALS;
    for (uint32_t r = 0; r < reals; r++) {
        for (uint32_t c = 0; c < (has_codes ? CODES : 1u); c++) {
            item->real = clq_verify_reals[r];
            item->dtype = clq_verify_codes[c];
            /* Of the pairs of types that are left over, batches of quantize and of dequantize meet a half each. */
            const int is_dear = (item->variant == (int32_t)CLQ_BATCH_FUSED && c != 0) ||
                                (item->operation == CLQ_OP_QUANTIZE && c >= CODES / 2) ||
                                (item->operation == CLQ_OP_DEQUANTIZE && c < CODES / 2);
            if (is_dear && items->extent == CLQ_VERIFY_QUICK) {
                continue;
            }
            if (clq_verify_takes_program(items, 2, (uint32_t)item->variant - CLQ_BATCH_STRIP, r, c, reals == 1,
                                         !has_codes)) {
                CLQ_TRY(add_batches(items, item, error));
            }
        }
    }
    return CLQ_OK;
}

clq_status clq_verify_add_batches(clq_verify_items *items, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_BATCH;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        item.operation = kernels[i].operation;
        item.variant = (int32_t)kernels[i].form;
        item.skipped = NULL;
        if (kernels[i].form == CLQ_BATCH_FUSED && items->context->device.type != CLQ_DEVICE_CPU) {
            item.skipped = "batches of dynamic quantization in one kernel are of CPU devices";
            item.program = items->programs++;
            CLQ_TRY(clq_verify_items_add(items, &item, error));
        } else {
            CLQ_TRY(add_types(items, &item, error));
        }
    }
    return CLQ_OK;
}

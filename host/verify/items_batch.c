/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of many tensors at once: of a form every pair of types, in batches that go through all shapes it takes. */
#include <string.h>

#include "verify/subject.h"

enum { REALS = 3, CODES = 6, TENSORS = 15 };

int clq_verify_batch_takes(const clq_verify_item *item, const clq_trial_shape *shape)
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
    return item->subject->takes_in_batch(item, &task);
}

static clq_status add_shapes(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    clq_trial_shape shape;
    uint32_t kept = 0;
    item->program = items->programs++;
    item->of.shapes.count = 0;
    for (uint32_t i = 0;; i++) {
        const int is_there = clq_verify_shape(items->extent, i, &shape);
        if (is_there && clq_verify_batch_takes(item, &shape)) {
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

clq_status clq_verify_add_batches(clq_verify_items *items, clq_verify_item *item, clq_error *error)
{
    const int has_codes = item->operation == CLQ_OP_QUANTIZE || item->operation == CLQ_OP_DEQUANTIZE ||
                          item->operation == CLQ_OP_DYNAMIC_QUANTIZE;
    const uint32_t reals = item->operation == CLQ_OP_CHOOSE_PARAMETERS ? 1 : REALS;
    item->subject = items->subject; /* which is asked of each shape */
    item->family = CLQ_VERIFY_BATCH;
    item->siblings = 0;
    for (uint32_t r = 0; r < reals; r++) {
        for (uint32_t c = 0; c < (has_codes ? CODES : 1u); c++) {
            item->real = clq_verify_reals[r];
            item->dtype = clq_verify_codes[c];
            if (items->subject->takes_program(items, item, r, c)) {
                CLQ_TRY(add_shapes(items, item, error));
            }
        }
    }
    return CLQ_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Many small tensors in one batch, in one call each, and as one tensor of the same size. */
#ifndef CLQ_BENCH_BATCH_GROUP_H
#define CLQ_BENCH_BATCH_GROUP_H

#include "memory_case.h"

enum { BATCH_ELEMENTS = 1024 }; /* of each tensor but a large one */

typedef struct batch_order {
    clq_operation operation;
    uint64_t count; /* tensors of BATCH_ELEMENTS */
    uint64_t large; /* elements of one more tensor behind them; 0: there is none */
} batch_order;

typedef struct batch_group {
    bench_group group;
    batch_order order;
    uint64_t count, elements; /* of all tensors */
    memory_space space;
    memory_values device, reference; /* one of each kind for each tensor */
    clq_quantization small, large;
    clq_batch *batch;    /* on the device */
    clq_batch *expected; /* on the reference, where it is one operation after the other */
    memory_case whole;
    clq_error error; /* of the last run of the others */
} batch_group;

memory_need batch_group_need(const clq_context *context, const batch_order *order);

/* f32 tensors, quantized to s8, side by side in one buffer. To be destroyed also on failure. */
clq_status batch_group_create(batch_group *group, clq_context *context, const batch_order *order, clq_error *error);
void batch_group_destroy(batch_group *group);

#endif

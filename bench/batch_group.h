/* SPDX-License-Identifier: Apache-2.0 */
/* Many small tensors in one batch, in one call each, and as one tensor of the same size. */
#ifndef CLQ_BENCH_BATCH_GROUP_H
#define CLQ_BENCH_BATCH_GROUP_H

#include "memory_case.h"

enum { BATCH_ELEMENTS = 1024 }; /* of each tensor */

typedef struct batch_group {
    bench_group group;
    memory_space space;
    memory_case many; /* all tensors as the channels of one: the same parameters, the same results */
    memory_case whole;
    uint64_t count;
    clq_quantization q;    /* of each tensor */
    clq_buffer *nonfinite; /* one for each */
    clq_batch *batch;
} batch_group;

memory_need batch_group_need(const clq_context *context, clq_operation operation, uint64_t count);

/* f32 tensors, quantized to s8, side by side in one buffer. To be destroyed also on failure. */
clq_status batch_group_create(batch_group *group, clq_context *context, clq_operation operation, uint64_t count,
                              clq_error *error);
void batch_group_destroy(batch_group *group);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Many tensors in one go. */
#ifndef CLQUANT_BATCH_H
#define CLQUANT_BATCH_H

#include <clquant/operations.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One tensor of a batch: how it is quantized, and where its operands are. */
typedef struct clq_batch_item {
    const clq_quantization *q; /* as the operation by itself takes it */
    clq_operands operands;     /* likewise: those of the operation */
} clq_batch_item;

/* One operation over a list of tensors of any sizes and layouts, checked and prepared once, to be run many times. */
typedef struct clq_batch clq_batch;

/*
 * Check every item as the operation of that name would, and prepare a run over all of them in a few launches, which
 * compiles kernels and compares them with the reference; the bytes are those of one call for each item. `items` and
 * what their `q` point at may go afterwards; the buffers must outlive the batch's last run. No item may write what
 * another one reads or writes: such items are refused. Items whose operands lie in the same buffers, with the same
 * types, share launches: put many small tensors into one buffer. An item refused is named by its number in the message.
 * `count` may be 0.
 */
CLQ_API clq_status clq_batch_create(clq_context *context, clq_operation operation, const clq_batch_item *items,
                                    size_t count, clq_batch **batch, clq_error *error);
CLQ_API void clq_batch_destroy(clq_batch **batch); /* runs of it may still be to run */

/* Enqueue the operation on every item. One batch is run by one thread at a time. */
CLQ_API clq_status clq_batch_run(clq_batch *batch, clq_error *error);

/* What would run for the first item ("batch-strip": in one go with others like it), and the batch's scratch memory. */
CLQ_API clq_status clq_batch_plan(clq_batch *batch, clq_plan *plan, clq_error *error);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* quantize over a batch of tensors, byte for byte what quantize.cl gives for each. */
#include "quantize.cl"

#define BATCH_WALK_KERNEL quantize_batch
#define BATCH_COLUMNS_KERNEL quantize_batch_columns

#include "batch_walk.clh"

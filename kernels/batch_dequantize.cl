/* SPDX-License-Identifier: Apache-2.0 */
/* dequantize over a batch of tensors, byte for byte what dequantize.cl gives for each. */
#include "dequantize.cl"

#define BATCH_WALK_KERNEL dequantize_batch
#define BATCH_COLUMNS_KERNEL dequantize_batch_columns

#include "batch_walk.clh"

/* SPDX-License-Identifier: Apache-2.0 */
/* fake_quantize over a batch of tensors, byte for byte what fake_quantize.cl gives for each. */
#include "fake_quantize.cl"

#define BATCH_WALK_KERNEL fake_quantize_batch
#define BATCH_COLUMNS_KERNEL fake_quantize_batch_columns

#include "batch_walk.clh"

/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers of tests that hold their operands themselves. What goes wrong fails the test; not for other threads. */
#ifndef CLQ_TESTS_DEVICE_MEMORY_H
#define CLQ_TESTS_DEVICE_MEMORY_H

#include "check.h"

/* A buffer of `bytes`, with `values` in it unless they are NULL. */
clq_operand device_memory(clq_context *context, uint64_t bytes, const void *values);

/* All that the operand's buffer holds, from its beginning; the caller frees it. */
void *device_memory_read(clq_operand operand);

void device_memory_free(clq_operand *operand);

#endif

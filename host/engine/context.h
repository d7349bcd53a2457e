/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine's files share: a public operation packs its operands into `clq_arguments`, clq_run (operation.c)
 * checks them, and the context's executor runs them (core/executor.h).
 */
#ifndef CLQ_HOST_ENGINE_CONTEXT_H
#define CLQ_HOST_ENGINE_CONTEXT_H

#include "core/executor.h"

/* An operand's buffer is there, of this context, not mapped, and may be read or written as the operation does. */
clq_status clq_buffer_check(const clq_buffer *buffer, const clq_context *context, const char *operation,
                            const char *name, int is_read, int is_written, clq_error *error);

/* `bytes` bytes of the buffer from `offset_bytes` on. */
static inline clq_extent clq_buffer_part(const clq_buffer *buffer, uint64_t offset_bytes, uint64_t bytes)
{
    const uint64_t first = buffer->first + offset_bytes;
    const clq_extent part = {buffer->space, first, first + bytes};
    return part;
}

/* clq_buffer_unmap, done by the time the operations run that this context is given next. */
clq_status clq_buffer_unmap_later(clq_buffer *buffer, clq_error *error);

/*
 * Check the description and all operands, and describe the operation; `q` and `extents`, which receives the bytes of
 * the operands used, are kept by address.
 */
clq_status clq_task_init(clq_task *task, clq_context *context, clq_operation operation, const clq_quantization *q,
                         const clq_operand arguments[CLQ_ARG_COUNT], clq_extent extents[CLQ_ARG_COUNT],
                         clq_error *error);

/* The operands by name as a list. */
clq_status clq_operands_list(const clq_operands *operands, clq_operand arguments[CLQ_ARG_COUNT], clq_error *error);

/* Check the description and all operands, then run; `order` as in clq_task. Unused `arguments` are ignored. */
clq_status clq_run(clq_context *context, clq_operation operation, const clq_quantization *q,
                   const clq_operand arguments[CLQ_ARG_COUNT], const clq_order *order, clq_error *error);

#endif

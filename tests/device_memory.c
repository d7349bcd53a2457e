/* SPDX-License-Identifier: Apache-2.0 */
#include "device_memory.h"

clq_operand device_memory(clq_context *context, uint64_t bytes, const void *values)
{
    clq_operand made = {NULL, 0};
    clq_error error;
    check_ok(clq_buffer_create(context, bytes, &made.buffer, &error), &error, "clq_buffer_create");
    if (values != NULL) {
        check_ok(clq_buffer_write(made.buffer, 0, values, bytes, &error), &error, "clq_buffer_write");
    }
    return made;
}

void *device_memory_read(clq_operand operand)
{
    const uint64_t bytes = clq_buffer_bytes(operand.buffer);
    void *memory = check_allocate(bytes);
    clq_error error;
    check_ok(clq_buffer_read(operand.buffer, 0, memory, bytes, &error), &error, "clq_buffer_read");
    return memory;
}

void device_memory_free(clq_operand *operand)
{
    clq_buffer_destroy(&operand->buffer);
}

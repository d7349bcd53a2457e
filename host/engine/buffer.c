/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers: argument checks and lifetime; the executor does the rest. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/context.h"

static clq_status make_buffer(clq_context *context, void *memory, uint64_t bytes, clq_buffer **buffer, clq_error *error)
{
    clq_status status;
    CLQ_REQUIRE(context != NULL && buffer != NULL, "a buffer needs a context and a place for its handle");
    *buffer = NULL;
    CLQ_REQUIRE(bytes > 0, "a buffer of 0 bytes was asked for, at least 1 is needed");
    CLQ_TRY(clq_buffer_new(context, bytes, buffer, error));
    status = context->executor->buffer_create(*buffer, memory, error);
    if (status != CLQ_OK) {
        clq_buffer_destroy(buffer);
    }
    return status;
}

clq_status clq_buffer_create(clq_context *context, uint64_t bytes, clq_buffer **buffer, clq_error *error)
{
    return make_buffer(context, NULL, bytes, buffer, error);
}

clq_status clq_buffer_wrap(clq_context *context, void *memory, uint64_t bytes, clq_buffer **buffer, clq_error *error)
{
    CLQ_REQUIRE(memory != NULL, "clq_buffer_wrap: memory is NULL");
    return make_buffer(context, memory, bytes, buffer, error);
}

void clq_buffer_destroy(clq_buffer **buffer)
{
    if (buffer == NULL || *buffer == NULL) {
        return;
    }
    if ((*buffer)->mapped != NULL) {
        (void)clq_buffer_unmap(*buffer, NULL);
    }
    if ((*buffer)->object != NULL) {
        (*buffer)->context->executor->buffer_destroy(*buffer);
    }
    clq_context_release((*buffer)->context);
    free(*buffer);
    *buffer = NULL;
}

uint64_t clq_buffer_bytes(const clq_buffer *buffer)
{
    return buffer->bytes;
}

clq_status clq_buffer_check(const clq_buffer *buffer, const clq_context *context, const char *operation,
                            const char *name, int is_read, int is_written, clq_error *error)
{
    CLQ_REQUIRE(buffer != NULL, "%s: %s has no buffer", operation, name);
    CLQ_REQUIRE(buffer->context == context, "%s: the buffer of %s belongs to another context", operation, name);
    CLQ_REQUIRE(buffer->mapped == NULL, "%s: the buffer of %s is mapped", operation, name);
    CLQ_REQUIRE(!is_read || buffer->is_readable, "%s: %s is read, its memory was made with CL_MEM_WRITE_ONLY",
                operation, name);
    CLQ_REQUIRE(!is_written || buffer->is_writable, "%s: %s is written, its memory was made with CL_MEM_READ_ONLY",
                operation, name);
    return CLQ_OK;
}

/* Of those that keep reads, writes and mappings of the host off a caller's cl_mem. */
static const char *host_flag(const clq_buffer *buffer)
{
    return buffer->is_host_readable   ? "CL_MEM_HOST_READ_ONLY"
           : buffer->is_host_writable ? "CL_MEM_HOST_WRITE_ONLY"
                                      : "CL_MEM_HOST_NO_ACCESS";
}

static clq_status check_access(const clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                               const char *function, clq_error *error)
{
    CLQ_REQUIRE(buffer != NULL, "%s: buffer is NULL", function);
    CLQ_REQUIRE(memory != NULL || bytes == 0, "%s: memory is NULL", function);
    CLQ_REQUIRE(buffer->mapped == NULL, "%s: the buffer is mapped", function);
    CLQ_REQUIRE(offset_bytes <= buffer->bytes && bytes <= buffer->bytes - offset_bytes,
                "%s: %" PRIu64 " bytes at %" PRIu64 " do not lie in a buffer of %" PRIu64 " bytes", function, bytes,
                offset_bytes, buffer->bytes);
    return CLQ_OK;
}

clq_status clq_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                            clq_error *error)
{
    CLQ_TRY(check_access(buffer, offset_bytes, memory, bytes, "clq_buffer_write", error));
    CLQ_REQUIRE(buffer->is_host_writable, "clq_buffer_write: the memory was made with %s", host_flag(buffer));
    return bytes == 0 ? CLQ_OK : buffer->context->executor->buffer_write(buffer, offset_bytes, memory, bytes, error);
}

clq_status clq_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes, clq_error *error)
{
    CLQ_TRY(check_access(buffer, offset_bytes, memory, bytes, "clq_buffer_read", error));
    CLQ_REQUIRE(buffer->is_host_readable, "clq_buffer_read: the memory was made with %s", host_flag(buffer));
    return bytes == 0 ? CLQ_OK : buffer->context->executor->buffer_read(buffer, offset_bytes, memory, bytes, error);
}

clq_status clq_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                           uint64_t target_offset_bytes, uint64_t bytes, clq_error *error)
{
    static const char name[] = "clq_buffer_copy";
    clq_extent from;
    clq_extent to;
    CLQ_TRY(check_access(source, source_offset_bytes, source, bytes, name, error));
    CLQ_TRY(check_access(target, target_offset_bytes, target, bytes, name, error));
    CLQ_REQUIRE(source->context == target->context, "%s: the buffers belong to two contexts", name);
    from = clq_buffer_part(source, source_offset_bytes, bytes);
    to = clq_buffer_part(target, target_offset_bytes, bytes);
    CLQ_REQUIRE(!clq_extents_overlap(&from, &to),
                "%s: %" PRIu64 " bytes at %" PRIu64 " of the source and at %" PRIu64 " of the target overlap", name,
                bytes, source_offset_bytes, target_offset_bytes);
    return bytes == 0 ? CLQ_OK
                      : source->context->executor->buffer_copy(source, source_offset_bytes, target, target_offset_bytes,
                                                               bytes, error);
}

clq_status clq_buffer_map(clq_buffer *buffer, void **memory, clq_error *error)
{
    CLQ_REQUIRE(buffer != NULL && memory != NULL, "clq_buffer_map: buffer and memory must not be NULL");
    CLQ_REQUIRE(buffer->mapped == NULL, "clq_buffer_map: the buffer is mapped already");
    CLQ_REQUIRE(buffer->is_host_readable || buffer->is_host_writable, "clq_buffer_map: the memory was made with %s",
                host_flag(buffer));
    CLQ_TRY(buffer->context->executor->buffer_map(buffer, memory, error));
    buffer->mapped = *memory;
    return CLQ_OK;
}

clq_status clq_buffer_unmap_later(clq_buffer *buffer, clq_error *error)
{
    CLQ_REQUIRE(buffer != NULL && buffer->mapped != NULL, "clq_buffer_unmap: the buffer is not mapped");
    CLQ_TRY(buffer->context->executor->buffer_unmap(buffer, error));
    buffer->mapped = NULL;
    return CLQ_OK;
}

clq_status clq_buffer_unmap(clq_buffer *buffer, clq_error *error)
{
    CLQ_TRY(clq_buffer_unmap_later(buffer, error));
    return buffer->context->executor->finish(buffer->context, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Staging: host memory that is the device's, or pinned host memory and device memory that data is copied between. */
#include "engine/staging.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

struct clq_staging {
    void *memory;
    clq_buffer *buffer; /* over `memory` where that is the device's too, else device memory */
    clq_buffer *pinned; /* where device memory is apart: mapped at `memory` for good */
    clq_memory *from;   /* where it is not: whose `storage` is, which `memory` points to */
    void *storage;
    uint64_t storage_bytes;
    uint64_t bytes;
    int on_device; /* handed to the device */
    /* Bytes [sent_first, sent_last) are on the device or on their way there; `sent` stands for a copy not waited for.
     */
    uint64_t sent_first, sent_last;
    int under_way;
    void *sent;
};

/* Runtimes take over memory without a copy when it begins and ends at a page. */
static clq_status create_shared(clq_context *context, clq_staging *staging, clq_error *error)
{
    const long page = sysconf(_SC_PAGESIZE);
    const size_t step = page > 0 ? (size_t)page : 4096;
    if (staging->bytes > SIZE_MAX - step) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "staging memory of %" PRIu64 " bytes cannot be addressed",
                        staging->bytes);
    }
    staging->from = &context->memory;
    staging->storage_bytes = (staging->bytes + step - 1) / step * step;
    CLQ_TRY(clq_memory_take(staging->from, staging->storage_bytes, step, "staging", &staging->storage, error));
    CLQ_TRY(clq_buffer_wrap(context, staging->storage, staging->bytes, &staging->buffer, error));
    return clq_buffer_map(staging->buffer, &staging->memory, error);
}

static clq_status create_apart(clq_context *context, clq_staging *staging, clq_error *error)
{
    CLQ_TRY(clq_buffer_create(context, staging->bytes, &staging->buffer, error));
    CLQ_TRY(clq_buffer_new(context, staging->bytes, &staging->pinned, error));
    staging->pinned->host_memory = 1;
    CLQ_TRY(context->executor->buffer_create(staging->pinned, NULL, error));
    return clq_buffer_map(staging->pinned, &staging->memory, error);
}

clq_status clq_staging_create_as(clq_context *context, uint64_t bytes, int apart, clq_staging **out, clq_error *error)
{
    clq_status status;
    clq_staging *staging;
    CLQ_REQUIRE(context != NULL && out != NULL, "staging needs a context and a place for its handle");
    *out = NULL;
    CLQ_REQUIRE(bytes > 0, "staging of 0 bytes was asked for, at least 1 is needed");
    staging = calloc(1, sizeof *staging);
    if (staging == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for staging");
    }
    staging->bytes = bytes;
    status = apart ? create_apart(context, staging, error) : create_shared(context, staging, error);
    if (status != CLQ_OK) {
        clq_staging_destroy(&staging);
        return status;
    }
    *out = staging;
    return CLQ_OK;
}

clq_status clq_staging_create(clq_context *context, uint64_t bytes, clq_staging **staging, clq_error *error)
{
    int apart = 0;
    if (context != NULL) {
        const clq_device_type type = context->device.type;
        apart = type != CLQ_DEVICE_REFERENCE && type != CLQ_DEVICE_CPU;
    }
    return clq_staging_create_as(context, bytes, apart, staging, error);
}

/* The host waits for a copy that nothing else has waited for. */
static void drop_sent(clq_staging *staging)
{
    if (staging->under_way) {
        staging->buffer->context->executor->buffer_drop(staging->buffer, staging->sent);
    }
    staging->under_way = 0;
    staging->sent_last = staging->sent_first = 0;
}

/* The context lives until the memory that came by it is back. */
static void destroy_memory(clq_staging *staging)
{
    clq_context *context = staging->buffer != NULL ? staging->buffer->context : NULL;
    if (context != NULL) {
        atomic_fetch_add(&context->references, 1);
    }
    clq_buffer_destroy(&staging->buffer);
    clq_buffer_destroy(&staging->pinned);
    clq_memory_give(staging->from, staging->storage, staging->storage_bytes);
    if (context != NULL) {
        clq_context_release(context);
    }
}

void clq_staging_destroy(clq_staging **staging)
{
    if (staging == NULL || *staging == NULL) {
        return;
    }
    drop_sent(*staging);
    destroy_memory(*staging);
    free(*staging);
    *staging = NULL;
}

void *clq_staging_memory(const clq_staging *staging)
{
    return staging->memory;
}

clq_buffer *clq_staging_buffer(const clq_staging *staging)
{
    return staging->buffer;
}

static clq_status check_range(const clq_staging *staging, uint64_t first_byte, uint64_t bytes, const char *function,
                              clq_error *error)
{
    CLQ_REQUIRE(staging != NULL, "%s: staging is NULL", function);
    CLQ_REQUIRE(first_byte <= staging->bytes && bytes <= staging->bytes - first_byte,
                "%s: %" PRIu64 " bytes at %" PRIu64 " do not lie in staging of %" PRIu64 " bytes", function, bytes,
                first_byte, staging->bytes);
    return CLQ_OK;
}

clq_status clq_staging_send(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error)
{
    CLQ_TRY(check_range(staging, first_byte, bytes, "clq_staging_send", error));
    CLQ_REQUIRE(!staging->on_device && staging->sent_first == staging->sent_last,
                "clq_staging_send: the device has the memory, or bytes of it are on their way");
    if (staging->pinned == NULL || bytes == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(staging->buffer->context->executor->buffer_send(
        staging->buffer, first_byte, (char *)staging->memory + first_byte, bytes, &staging->sent, error));
    staging->under_way = 1;
    staging->sent_first = first_byte;
    staging->sent_last = first_byte + bytes;
    return CLQ_OK;
}

/* Device memory apart: operations wait for what was sent, and the rest is written. */
static clq_status hand_over(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error)
{
    const int was_sent = first_byte >= staging->sent_first && first_byte + bytes <= staging->sent_last;
    if (staging->under_way) {
        staging->under_way = 0;
        CLQ_TRY(staging->buffer->context->executor->buffer_await(staging->buffer, staging->sent, error));
    }
    return was_sent ? CLQ_OK
                    : clq_buffer_write(staging->buffer, first_byte, (char *)staging->memory + first_byte, bytes, error);
}

clq_status clq_staging_to_device(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error)
{
    CLQ_TRY(check_range(staging, first_byte, bytes, "clq_staging_to_device", error));
    if (staging->pinned != NULL) {
        CLQ_TRY(hand_over(staging, first_byte, bytes, error));
    } else if (!staging->on_device) {
        CLQ_TRY(clq_buffer_unmap_later(staging->buffer, error));
    }
    staging->on_device = 1;
    return CLQ_OK;
}

clq_status clq_staging_to_host(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error)
{
    CLQ_TRY(check_range(staging, first_byte, bytes, "clq_staging_to_host", error));
    drop_sent(staging);
    if (staging->pinned != NULL && bytes == 0) {
        CLQ_TRY(clq_finish(staging->buffer->context, error)); /* reading nothing would not wait */
    } else if (staging->pinned != NULL) {
        CLQ_TRY(clq_buffer_read(staging->buffer, first_byte, (char *)staging->memory + first_byte, bytes, error));
    } else if (staging->on_device) {
        void *memory = NULL; /* where it was: the buffer lies over the host's memory */
        CLQ_TRY(clq_buffer_map(staging->buffer, &memory, error));
    }
    staging->on_device = 0;
    return CLQ_OK;
}

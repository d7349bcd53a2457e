/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled programs as bytes of the caller's. What compiles nothing has an archive without items. */
#include <inttypes.h>

#include "core/archive.h"
#include "engine/context.h"

clq_status clq_context_keep_programs(clq_context *context, clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "clq_context_keep_programs: context is NULL");
    if (context->executor->keeper != NULL) {
        context->executor->keeper->keep(context);
    }
    return CLQ_OK;
}

clq_status clq_context_add_programs(clq_context *context, const void *memory, uint64_t bytes, uint64_t *taken,
                                    clq_error *error)
{
    uint64_t count = 0;
    CLQ_REQUIRE(context != NULL && memory != NULL, "clq_context_add_programs: context and memory must not be NULL");
    if (taken != NULL) {
        *taken = 0;
    }
    return context->executor->keeper != NULL
               ? context->executor->keeper->add(context, memory, bytes, taken != NULL ? taken : &count, error)
               : clq_archive_check(memory, bytes, &count, error);
}

clq_status clq_context_export_programs(clq_context *context, void *memory, uint64_t capacity, uint64_t *bytes,
                                       clq_error *error)
{
    CLQ_REQUIRE(context != NULL && bytes != NULL && (memory != NULL || capacity == 0),
                "clq_context_export_programs: context and bytes must not be NULL, memory only with capacity 0");
    if (context->executor->keeper != NULL) {
        context->executor->keeper->write(context, memory, capacity, bytes);
    } else {
        *bytes = clq_archive_bytes(0, 0);
        if (*bytes <= capacity) {
            clq_archive_write(memory, NULL, 0);
        }
    }
    CLQ_REQUIRE(memory == NULL || *bytes <= capacity,
                "clq_context_export_programs: memory has %" PRIu64 " bytes, %" PRIu64 " are needed", capacity, *bytes);
    return CLQ_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and buffers as handles: made, counted and let go; what they stand for is the executor's. */
#include "core/executor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

clq_status clq_context_new(const clq_executor *executor, clq_context **context, clq_error *error)
{
    clq_context *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context (%zu bytes)", sizeof *made);
    }
    made->executor = executor;
    atomic_init(&made->references, 1);
    atomic_init(&made->is_ending, 0);
    *context = made;
    return CLQ_OK;
}

void clq_context_release(clq_context *context)
{
    if (atomic_fetch_sub(&context->references, 1) == 1) {
        context->executor->destroy(context);
        free(context);
    }
}

void clq_context_log(const clq_context *context, clq_log_level level, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    if (context->log == NULL) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    context->log(context->log_cookie, level, message);
}

int clq_context_is_cancelled(const clq_context *context)
{
    return atomic_load(&context->is_ending) ||
           (context->is_cancelled != NULL && context->is_cancelled(context->cancel_cookie));
}

clq_status clq_context_check_cancel(const clq_context *context, const char *what, clq_error *error)
{
    return clq_context_is_cancelled(context) ? clq_fail(error, CLQ_CANCELLED, "interrupted before %s", what) : CLQ_OK;
}

clq_status clq_buffer_new(clq_context *context, uint64_t bytes, clq_buffer **buffer, clq_error *error)
{
    clq_buffer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a buffer's handle");
    }
    made->context = context;
    made->bytes = bytes;
    made->is_readable = made->is_writable = 1;
    made->is_host_readable = made->is_host_writable = 1;
    atomic_fetch_add(&context->references, 1);
    *buffer = made;
    return CLQ_OK;
}

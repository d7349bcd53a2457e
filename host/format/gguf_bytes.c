/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a GGUF header, read through a buffer, since nothing tells how long the header is. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/file.h"
#include "format/gguf_parser.h"
#include "format/utf8.h"

clq_status clq_gguf_refuse(const clq_gguf_parser *parser, clq_error *error, const char *format, ...)
{
    char rule[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    return clq_fail(error, CLQ_BAD_FILE, "%s: %s, byte %" PRIu64 ": %s", parser->path.text, parser->what, parser->at,
                    rule);
}

clq_status clq_gguf_need(const clq_gguf_parser *parser, uint64_t bytes, clq_error *error)
{
    if (bytes <= parser->end - parser->at) {
        return CLQ_OK;
    }
    if (parser->end < parser->shard->file_bytes) {
        return clq_gguf_refuse(parser, error, "the header is longer than the %u bytes that are allowed",
                               CLQ_GGUF_MAX_HEADER_BYTES);
    }
    return clq_gguf_refuse(parser, error, "%" PRIu64 " bytes are required, and the file ends after %" PRIu64, bytes,
                           parser->end - parser->at);
}

/* The byte at parser->at is in the buffer. */
static clq_status fill(clq_gguf_parser *parser, clq_error *error)
{
    if (parser->at >= parser->buffered && parser->at - parser->buffered < parser->buffered_bytes) {
        return CLQ_OK;
    }
    parser->buffered = parser->at;
    parser->buffered_bytes = clq_size_min(parser->end - parser->at, CLQ_GGUF_BUFFER_BYTES);
    return clq_file_read(parser->shard->fd, parser->shard->path, parser->at, parser->buffer, parser->buffered_bytes,
                         error);
}

clq_status clq_gguf_bytes(clq_gguf_parser *parser, void *out, uint64_t bytes, clq_error *error)
{
    unsigned char *to = out;
    CLQ_TRY(clq_gguf_need(parser, bytes, error));
    if (to == NULL) {
        parser->at += bytes;
        return CLQ_OK;
    }
    while (bytes > 0) {
        uint64_t step;
        CLQ_TRY(fill(parser, error));
        step = clq_size_min(bytes, parser->buffered + parser->buffered_bytes - parser->at);
        memcpy(to, parser->buffer + (parser->at - parser->buffered), (size_t)step);
        to += step;
        parser->at += step;
        bytes -= step;
    }
    return CLQ_OK;
}

clq_status clq_gguf_u64(clq_gguf_parser *parser, uint64_t *value, clq_error *error)
{
    unsigned char bytes[8];
    CLQ_TRY(clq_gguf_bytes(parser, bytes, sizeof bytes, error));
    *value = 0;
    for (size_t i = sizeof bytes; i-- > 0;) {
        *value = *value << 8 | bytes[i];
    }
    return CLQ_OK;
}

clq_status clq_gguf_u32(clq_gguf_parser *parser, uint32_t *value, clq_error *error)
{
    unsigned char bytes[4];
    CLQ_TRY(clq_gguf_bytes(parser, bytes, sizeof bytes, error));
    *value = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    return CLQ_OK;
}

clq_status clq_gguf_name(clq_gguf_parser *parser, const char *kind, uint64_t most, char **name, clq_error *error)
{
    uint64_t length = 0;
    char *read = NULL;
    *name = NULL;
    CLQ_TRY(clq_gguf_u64(parser, &length, error));
    if (length == 0 || length > most) {
        return clq_gguf_refuse(parser, error, "%s has %" PRIu64 " bytes; 1 to %" PRIu64 " are allowed", kind, length,
                               most);
    }
    CLQ_TRY(clq_gguf_need(parser, length, error));
    read = malloc((size_t)length + 1);
    if (read == NULL) {
        return clq_fail_memory(error, parser->shard->path);
    }
    read[length] = '\0';
    *name = read; /* the caller's from here on */
    CLQ_TRY(clq_gguf_bytes(parser, read, length, error));
    if (strlen(read) != length) {
        return clq_gguf_refuse(parser, error, "%s holds a NUL character", kind);
    }
    return clq_utf8_valid(read, (size_t)length) ? CLQ_OK
                                                : clq_gguf_refuse(parser, error, "%s is not valid UTF-8", kind);
}

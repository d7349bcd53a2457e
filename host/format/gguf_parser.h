/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of GGUF, between its parts: bytes of the header, keys, tensors. */
#ifndef CLQ_HOST_FORMAT_GGUF_PARSER_H
#define CLQ_HOST_FORMAT_GGUF_PARSER_H

#include "format/gguf.h"
#include "format/support.h"

enum { CLQ_GGUF_BUFFER_BYTES = 1 << 16 };

typedef struct clq_gguf_parser {
    clq_model *model;
    clq_model_shard *shard;
    clq_gguf *gguf;
    clq_shown path;
    char what[sizeof(clq_shown) + 40]; /* what is being read, for messages: "key 'general.name'" */
    uint64_t at;                       /* next byte of the file */
    uint64_t end;                      /* of the file, or of what a header may be */
    uint64_t buffered, buffered_bytes; /* what the buffer holds */
    unsigned char *buffer;
    clq_names key_names;
    size_t key_capacity, name_capacity, value_capacity;
    int alignment_seen;
} clq_gguf_parser;

/* CLQ_BAD_FILE: "PATH: WHAT, byte N: rule". */
clq_status clq_gguf_refuse(const clq_gguf_parser *parser, clq_error *error, const char *format, ...) CLQ_PRINTF(3, 4);

/* Refuse unless so many bytes follow. */
clq_status clq_gguf_need(const clq_gguf_parser *parser, uint64_t bytes, clq_error *error);

/* Little-endian numbers; `out` NULL skips, which reads nothing. */
clq_status clq_gguf_bytes(clq_gguf_parser *parser, void *out, uint64_t bytes, clq_error *error);
clq_status clq_gguf_u32(clq_gguf_parser *parser, uint32_t *value, clq_error *error);
clq_status clq_gguf_u64(clq_gguf_parser *parser, uint64_t *value, clq_error *error);

/* A name: 1 to `most` bytes of UTF-8 without NUL, malloc'ed. `kind` is for messages: "the name of a key". */
clq_status clq_gguf_name(clq_gguf_parser *parser, const char *kind, uint64_t most, char **name, clq_error *error);

/* All keys, and the number of those that a value may be found by. */
clq_status clq_gguf_parse_keys(clq_gguf_parser *parser, uint64_t count, clq_error *error);

#endif

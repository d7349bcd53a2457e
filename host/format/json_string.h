/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of JSON strings, under the parser of json.h. */
#ifndef CLQ_HOST_FORMAT_JSON_STRING_H
#define CLQ_HOST_FORMAT_JSON_STRING_H

#include "core/error.h"

/* Where a parser of JSON stands in its text. */
typedef struct clq_json {
    const char *text;
    size_t length;
    size_t position;
    uint32_t depth;
    const char *what; /* named in messages: "safetensors header of FILE" */
} clq_json;

/* CLQ_BAD_FILE: "WHAT, byte AT: rule". */
clq_status clq_json_refuse(const clq_json *json, size_t at, clq_error *error, const char *format, ...) CLQ_PRINTF(4, 5);

/* Check the string whose quote stands next, and step over it: *begin and *end enclose what is between its quotes. */
clq_status clq_json_scan_string(clq_json *json, size_t *begin, size_t *end, clq_error *error);

/*
 * Decode a checked string, ending it with a NUL; returns the length without it, which is at most end - begin, since no
 * escape is shorter than what it stands for.
 */
size_t clq_json_decode_string(const clq_json *json, size_t begin, size_t end, char *out);

/*
 * The first character of `text`, of which `left` bytes (at least 1) are there, as it stands within a JSON string: into
 * `out`, its bytes, at most 6, returned. *step is what it takes of `text`. A byte that is not UTF-8 becomes U+FFFD.
 */
size_t clq_json_escape(const char *text, size_t left, size_t *step, char out[8]);

/* `text` as a JSON string with its quotes, malloc'ed; NULL when memory is exhausted. */
char *clq_json_quote(const char *text, size_t length);

#endif

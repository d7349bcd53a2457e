/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON, to a stream or into memory; reading it is json.h. */
#ifndef CLQ_HOST_FORMAT_JSON_WRITER_H
#define CLQ_HOST_FORMAT_JSON_WRITER_H

#include "format/text.h"

/* JSON, one object; commas and indentation are kept by the writer. Strings are escaped, also for terminals; NaN and
 * infinity become null. Nothing is allocated for a stream. */
typedef struct clq_json_writer {
    clq_text text; /* of an object in memory: clq_text_take after the end */
    int depth;
    int count[32]; /* members written at each depth */
    char form[32]; /* at each depth: '{', '[' for an array of plain values on one line, '*' for one of nested values */
} clq_json_writer;
void clq_json_writer_begin(clq_json_writer *json, FILE *out); /* opens the object; NULL: in memory */
void clq_json_writer_end(clq_json_writer *json);              /* closes it and ends the line */
void clq_json_writer_key(clq_json_writer *json, const char *key);
void clq_json_writer_open(clq_json_writer *json, char bracket); /* '{' or '[' as a value */
void clq_json_writer_close(clq_json_writer *json, char bracket);
void clq_json_writer_string(clq_json_writer *json, const char *value);
void clq_json_writer_bytes(clq_json_writer *json, const char *value, size_t length); /* a string, of so many bytes */
void clq_json_writer_number(clq_json_writer *json,
                            double value); /* the shortest text that reads back as the same double */
void clq_json_writer_u64(clq_json_writer *json, uint64_t value);
void clq_json_writer_i64(clq_json_writer *json, int64_t value);
void clq_json_writer_bool(clq_json_writer *json, int value);
void clq_json_writer_null(clq_json_writer *json);
void clq_json_writer_shape(clq_json_writer *json, uint32_t rank, const uint64_t *shape); /* an array on one line */
/* The members "name" and "shape", with which every object about a tensor begins. */
void clq_json_writer_name_and_shape(clq_json_writer *json, const char *name, uint32_t rank, const uint64_t *shape);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict JSON pull parser over memory, for headers from untrusted files: RFC 8259 exactly (UTF-8 checked, no
 * trailing commas, no NaN, no leading zeros, no comments, surrogates paired), depth limited to 32, no allocation but
 * for strings the caller asks for. It never reads outside [text, text + length).
 */
#ifndef CLQ_HOST_FORMAT_JSON_H
#define CLQ_HOST_FORMAT_JSON_H

#include "format/json_string.h"

typedef enum clq_json_kind {
    CLQ_JSON_OBJECT,
    CLQ_JSON_ARRAY,
    CLQ_JSON_STRING,
    CLQ_JSON_NUMBER,
    CLQ_JSON_TRUE,
    CLQ_JSON_FALSE,
    CLQ_JSON_NULL
} clq_json_kind;

void clq_json_init(clq_json *json, const char *text, size_t length, const char *what);

/* The kind of the next value, from its first character; CLQ_BAD_FILE when no value starts there. */
clq_status clq_json_peek(clq_json *json, clq_json_kind *kind, clq_error *error);

/* Enter the next value, which must be an object (array). */
clq_status clq_json_enter(clq_json *json, clq_json_kind kind, clq_error *error);

/*
 * Inside an object or array: *more tells whether another member follows; when it does not, the closing bracket was
 * consumed. `first` must be 1 on the first call after clq_json_enter and 0 after that.
 */
clq_status clq_json_next(clq_json *json, clq_json_kind kind, int first, int *more, clq_error *error);

/* A member's name and its colon; or a string value. *string is malloc'ed, NUL-terminated, and may hold NULs. */
clq_status clq_json_key(clq_json *json, char **string, size_t *length, clq_error *error);
clq_status clq_json_string(clq_json *json, char **string, size_t *length, clq_error *error);

/*
 * A whole object: each member's name, which may hold NULs, is handed to `member`, which reads the value. A member that
 * keeps the name sets *key to NULL.
 */
typedef clq_status (*clq_json_member)(void *cookie, clq_json *json, char **key, size_t length, clq_error *error);
clq_status clq_json_object(clq_json *json, clq_json_member member, void *cookie, clq_error *error);

/* Whether a name of so many bytes is `name`. */
int clq_json_is(const char *key, size_t length, const char *name);

/* A whole number 0 to 2^64-1 written without sign, fraction or exponent. */
clq_status clq_json_u64(clq_json *json, uint64_t *value, clq_error *error);
clq_status clq_json_double(clq_json *json, double *value, clq_error *error);
clq_status clq_json_skip(clq_json *json, clq_error *error); /* any value, checked all the same */

/* Only white space may follow. */
clq_status clq_json_end(clq_json *json, clq_error *error);

#endif

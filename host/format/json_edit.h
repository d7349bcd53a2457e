/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing one member of a JSON object that somebody else wrote: the text is edited, so that all else stays byte for
 * byte and in its place.
 */
#ifndef CLQ_HOST_FORMAT_JSON_EDIT_H
#define CLQ_HOST_FORMAT_JSON_EDIT_H

#include <stddef.h>

#include "core/error.h"

/* Where a member of the outermost object stands in the text. */
typedef struct clq_json_span {
    int found;
    size_t key;        /* the quote that its name begins with */
    size_t value, end; /* its value, and what follows that */
} clq_json_span;

/*
 * Find the member `key` of the text, which must be one strict JSON object; CLQ_BAD_FILE with `what` before the message
 * when it is none, or has the member twice.
 */
clq_status clq_json_locate(const char *text, size_t length, const char *what, const char *key, clq_json_span *span,
                           clq_error *error);

/*
 * The text with the member `key` set to `value`, JSON of its own (of `value_length` bytes), or without it where `value`
 * is NULL; malloc'ed, with a NUL after it. A member that is there keeps its place, a new one comes last, in lines and
 * with the indentation of the others.
 */
clq_status clq_json_edit(const char *text, size_t length, const char *what, const char *key, const char *value,
                         size_t value_length, char **edited, size_t *edited_length, clq_error *error);

#endif

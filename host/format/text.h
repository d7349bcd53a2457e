/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is written piece by piece, to a stream or into memory that grows. */
#ifndef CLQ_HOST_FORMAT_TEXT_H
#define CLQ_HOST_FORMAT_TEXT_H

#include <stdio.h>

#include "core/error.h"

/*
 * All zeros: empty, in memory. A failure sticks, so that only the end needs to look: clq_text_take for memory, where
 * what comes after a failure is left out; a stream keeps its own failure (ferror).
 */
typedef struct clq_text {
    FILE *out; /* NULL: memory */
    char *bytes;
    size_t length, capacity;
    int failed;
    /* Set in one that is empty, of memory: what has come together is handed to it piece by piece, and the rest by
     * clq_text_end; 0 is a failure. */
    int (*put)(void *cookie, const char *bytes, size_t length);
    void *cookie;
} clq_text;

void clq_text_add(clq_text *text, const char *bytes, size_t length);
void clq_text_put(clq_text *text, const char *string);

/* For numbers and the words beside them: at most 255 bytes, or it counts as a failure. */
void clq_text_format(clq_text *text, const char *format, ...) CLQ_PRINTF(2, 3);

/* A JSON string with its quotes. CLQ_TEXT_ESCAPED escapes DEL and C1 too, which steer terminals and which JSON allows.
 */
typedef enum clq_text_form { CLQ_TEXT_PLAIN, CLQ_TEXT_ESCAPED } clq_text_form;
void clq_text_quote(clq_text *text, const char *string, size_t length, clq_text_form form);

/*
 * Hand the memory over, malloc'ed and with a NUL after it; `text` is empty then. When memory ran out on the way,
 * nothing is handed over: CLQ_OUT_OF_MEMORY, "no memory for WHAT".
 */
clq_status clq_text_take(clq_text *text, const char *what, char **bytes, size_t *length, clq_error *error);
void clq_text_release(clq_text *text);

/* The end of a text with `put`; 0 when that, or memory, failed on the way. */
int clq_text_end(clq_text *text);

#endif

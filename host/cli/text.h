/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is written piece by piece, to a stream or into memory that grows. */
#ifndef CLQ_CLI_TEXT_H
#define CLQ_CLI_TEXT_H

#include <stdio.h>

#include "../error.h"

/*
 * All zeros: empty, in memory. A failure sticks, so that only the end needs to look: cli_text_take for memory, where
 * what comes after a failure is left out; a stream keeps its own failure (ferror).
 */
typedef struct cli_text {
    FILE *out; /* NULL: memory */
    char *bytes;
    size_t length, capacity;
    int failed;
} cli_text;

void cli_text_add(cli_text *text, const char *bytes, size_t length);
void cli_text_put(cli_text *text, const char *string);

/* For numbers and the words beside them: at most 255 bytes, or it counts as a failure. */
void cli_text_format(cli_text *text, const char *format, ...) CLQ_PRINTF(2, 3);

/* A JSON string with its quotes. CLI_TEXT_ESCAPED escapes DEL and C1 too, which steer terminals and which JSON allows.
 */
typedef enum cli_text_form { CLI_TEXT_PLAIN, CLI_TEXT_ESCAPED } cli_text_form;
void cli_text_quote(cli_text *text, const char *string, size_t length, cli_text_form form);

/*
 * Hand the memory over, malloc'ed and with a NUL after it; `text` is empty then. When memory ran out on the way,
 * nothing is handed over: CLQ_OUT_OF_MEMORY, "no memory for WHAT".
 */
clq_status cli_text_take(cli_text *text, const char *what, char **bytes, size_t *length, clq_error *error);
void cli_text_release(cli_text *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_SHOWN_H
#define CLQ_HOST_MODEL_SHOWN_H

#include <string.h>

#include "core/error.h"

typedef struct clq_shown_text {
    char text[400];
} clq_shown_text;

/* A path for a message, printable and cut, by value so that it can stand among the arguments: clq_show(path).text. */
static inline clq_shown_text clq_show(const char *path)
{
    clq_shown_text shown;
    clq_printable(shown.text, sizeof shown.text, path, strlen(path));
    return shown;
}

#endif

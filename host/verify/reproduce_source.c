/* SPDX-License-Identifier: Apache-2.0 */
/* A source of the library, as the text of a program has it. */
#include "verify/reproduce.h"

#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/source.h"

clq_status clq_verify_put_source(clq_text *text, const char *file, clq_error *error)
{
    static const char directive[] = "#line ";
    static const char license[] = "/* SPDX-"; /* of a part of a program: it stands on top of the whole */
    char *source = clq_cl_source(file);
    const char *at = source;
    if (source == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a copy of %s, or no such source", file);
    }
    while (*at != '\0') {
        const size_t length = strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
        const int is_left_out = strncmp(at, directive, sizeof directive - 1) == 0 ||
                                (strstr(file, ".cl") == NULL && strncmp(at, license, sizeof license - 1) == 0);
        if (!is_left_out) {
            clq_text_add(text, at, length);
        }
        at += length;
    }
    free(source);
    return CLQ_OK;
}

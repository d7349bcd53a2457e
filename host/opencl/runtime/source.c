/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char *bytes;
    size_t length, capacity;
    int failed;
} text;

static void append(text *t, const char *bytes, size_t length)
{
    if (t->failed) {
        return;
    }
    if (t->length + length + 1 > t->capacity) {
        const size_t capacity = 2 * (t->capacity + length + 1);
        char *grown = realloc(t->bytes, capacity);
        if (grown == NULL) {
            t->failed = 1;
            return;
        }
        t->bytes = grown;
        t->capacity = capacity;
    }
    memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
    t->bytes[t->length] = '\0';
}

static const clq_embedded_source *find(const char *name, size_t length)
{
    for (const clq_embedded_source *s = clq_embedded_sources; s->name != NULL; s++) {
        if (strlen(s->name) == length && memcmp(s->name, name, length) == 0) {
            return s;
        }
    }
    return NULL;
}

static void append_line_directive(text *t, unsigned line, const char *name)
{
    char directive[128];
    const int length = snprintf(directive, sizeof directive, "#line %u \"kernels/%s\"\n", line, name);
    append(t, directive, (size_t)length);
}

/* Each file has include guards, so one that is reached twice is harmless; `depth` only stops a mistake. */
static void append_file(text *t, const clq_embedded_source *source, int depth)
{
    static const char directive[] = "#include \"";
    const char *at = (const char *)source->text;
    const char *end = at + source->bytes;
    unsigned line = 1;
    append_line_directive(t, 1, source->name);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *next = newline != NULL ? newline + 1 : end;
        const size_t prefix = sizeof directive - 1;
        line++;
        if ((size_t)(next - at) > prefix && memcmp(at, directive, prefix) == 0 && depth < 8) {
            const char *name = at + prefix;
            const char *quote = memchr(name, '"', (size_t)(next - name));
            const clq_embedded_source *included = quote != NULL ? find(name, (size_t)(quote - name)) : NULL;
            if (included == NULL) {
                t->failed = 1;
                return;
            }
            append_file(t, included, depth + 1);
            append_line_directive(t, line, source->name);
        } else {
            append(t, at, (size_t)(next - at));
        }
        at = next;
    }
}

char *clq_cl_source(const char *name)
{
    text t = {NULL, 0, 0, 0};
    const clq_embedded_source *source = find(name, strlen(name));
    if (source == NULL) {
        return NULL;
    }
    append_file(&t, source, 0);
    if (t.failed) {
        free(t.bytes);
        return NULL;
    }
    return t.bytes;
}

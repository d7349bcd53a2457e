/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of plain.c, for a program, the paragraphs that one probe needs. Blank lines part them; each defines one name, what it
 * needs stands before it, and macros are kept.
 */
#include "verify/reproduce.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PARAGRAPHS = 100 };

typedef struct paragraph {
    const char *begin;
    size_t length;
    const char *name; /* what it defines, NULL: nothing that can be needed */
    size_t name_length;
    int is_kept;
} paragraph;

static int is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next word at or behind `at`; its length 0: there is none before `end`. */
static const char *next_word(const char *at, const char *end, size_t *length)
{
    *length = 0;
    while (at < end && !is_word(*at)) {
        at++;
    }
    while (at + *length < end && is_word(at[*length])) {
        (*length)++;
    }
    return at;
}

/* Of a definition, which begins where a line does: the first word before one of ( [ { =. */
static void find_name(paragraph *p)
{
    const char *end = p->begin + p->length;
    const char *at = p->begin;
    size_t length = 0;
    while (at < end && strncmp(at, "/*", 2) == 0) { /* comments, and the line break behind each */
        const char *close = strstr(at, "*/");
        at = close != NULL && close + 3 <= end ? close + 3 : end;
    }
    for (at = next_word(at, end, &length); length > 0 && p->name == NULL; at = next_word(at, end, &length)) {
        const char *behind = at + length;
        behind += behind < end && *behind == ' ';
        if (behind < end && strchr("([{=", *behind) != NULL && !(length == 4 && strncmp(at, "enum", length) == 0)) {
            p->name = at;
            p->name_length = length;
        }
        at += length;
    }
}

static int mentions(const paragraph *p, const char *name, size_t name_length)
{
    const char *end = p->begin + p->length;
    size_t length = 0;
    for (const char *at = next_word(p->begin, end, &length); length > 0; at = next_word(at + length, end, &length)) {
        if (length == name_length && strncmp(at, name, length) == 0) {
            return 1;
        }
    }
    return 0;
}

static size_t cut(const char *source, paragraph *paragraphs)
{
    size_t count = 0;
    while (*source != '\0' && count < MOST_PARAGRAPHS) {
        const char *blank = strstr(source, "\n\n");
        paragraph *p = &paragraphs[count++];
        memset(p, 0, sizeof *p);
        p->begin = source;
        p->length = blank != NULL ? (size_t)(blank + 1 - source) : strlen(source);
        find_name(p);
        source += p->length + (blank != NULL);
    }
    return count;
}

/* Macros; not what guards plain.h, nor includes, which the program has. */
static int has_macros(const paragraph *p)
{
    const char *directive = memchr(p->begin, '#', p->length);
    return directive != NULL && strncmp(directive, "#define ", 8) == 0;
}

/* From the last one back: who needs a name stands behind it. */
static void choose(paragraph *paragraphs, size_t count, const char *probe)
{
    for (size_t i = count; i-- > 0;) {
        paragraph *p = &paragraphs[i];
        p->is_kept = has_macros(p) || (p->name != NULL && p->name_length == strlen(probe) &&
                                       strncmp(p->name, probe, p->name_length) == 0);
        for (size_t k = i + 1; k < count && p->name != NULL && !p->is_kept; k++) {
            p->is_kept = paragraphs[k].is_kept && mentions(&paragraphs[k], p->name, p->name_length);
        }
    }
}

clq_status clq_verify_put_plain(clq_text *text, const char *probe, clq_error *error)
{
    paragraph paragraphs[MOST_PARAGRAPHS];
    clq_text all = {0};
    char *source = NULL;
    size_t length = 0;
    size_t count;
    clq_status status;
    CLQ_TRY_TO(clq_verify_put_source(&all, "plain.c", error));
    CLQ_TRY_TO(clq_text_take(&all, "a reproducer", &source, &length, error));
    count = cut(source, paragraphs);
    choose(paragraphs, count, probe);
    for (size_t i = 0; i < count; i++) {
        if (paragraphs[i].is_kept) {
            clq_text_put(text, "\n");
            clq_text_add(text, paragraphs[i].begin, paragraphs[i].length);
        }
    }
done:
    free(source);
    clq_text_release(&all);
    return status;
}

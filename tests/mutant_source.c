/* SPDX-License-Identifier: Apache-2.0 */
#include "mutant_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The source with the mutant's line, found by the #line directives that the library puts between files. */
static char *with_line(const mutant *m, char *source)
{
    const size_t room = strlen(source) + sizeof m->text + 2;
    char *made = malloc(room);
    char *to = made;
    unsigned line = 0;
    int is_file = 0;
    for (char *at = source; made != NULL && *at != '\0';) {
        const char *end = strchr(at, '\n');
        const size_t length = end != NULL ? (size_t)(end - at) + 1 : strlen(at);
        char file[64];
        if (sscanf(at, "#line %u \"kernels/%63[^\"]\"", &line, file) == 2) {
            is_file = strcmp(file, m->file) == 0;
            memcpy(to, at, length);
            to += length;
        } else {
            if (is_file && line == m->line) {
                to += sprintf(to, "%s\n", m->text);
            } else {
                memcpy(to, at, length);
                to += length;
            }
            line++;
        }
        at += length;
    }
    if (made != NULL) {
        *to = '\0';
        free(source);
    }
    return made;
}

static const char between[] = " %% "; /* changes */
static const char becomes[] = " => ";

/* The first `length` bytes of the text, "\n" a newline, before the source. */
static char *with_prefix(const char *text, size_t length, char *source)
{
    char *made = malloc(strlen(source) + length + 2);
    char *to = made;
    for (const char *at = text; made != NULL && at < text + length; at++) {
        const int is_newline = at[0] == '\\' && at[1] == 'n';
        *to++ = is_newline ? '\n' : *at;
        at += is_newline;
    }
    if (made != NULL) {
        sprintf(to, "\n%s", source);
        free(source);
    }
    return made;
}

/* Every `old` becomes `new`. */
static char *with_change(const char *old, size_t old_length, const char *new, size_t new_length, char *source)
{
    const size_t most = strlen(source) / old_length; /* so many */
    char *made = malloc(strlen(source) + most * new_length + 1);
    char *to = made;
    const char *at = source;
    while (made != NULL && *at != '\0') {
        const int is_here = strncmp(at, old, old_length) == 0;
        const size_t length = is_here ? new_length : 1;
        memcpy(to, is_here ? new : at, length);
        to += length;
        at += is_here ? old_length : 1;
    }
    if (made != NULL) {
        *to = '\0';
        free(source);
    }
    return made;
}

/* What stands before the first change goes before the source; a change that is none ends the process. */
static char *with_changes(const mutant *m, char *source)
{
    const char *change = strstr(m->text, between);
    char *made = with_prefix(m->text, change != NULL ? (size_t)(change - m->text) : strlen(m->text), source);
    while (change != NULL && made != NULL) {
        const char *old = change + sizeof between - 1;
        const char *arrow = strstr(old, becomes);
        const char *new = arrow != NULL ? arrow + sizeof becomes - 1 : NULL;
        if (arrow == NULL || arrow == old) {
            fprintf(stderr, "mutants: no change: %s\n", old);
            exit(2);
        }
        change = strstr(new, between);
        made =
            with_change(old, (size_t)(arrow - old), new, change != NULL ? (size_t)(change - new) : strlen(new), made);
    }
    return made;
}

char *mutant_source(const mutant *m, char *source)
{
    return strcmp(m->kind, "option") == 0   ? source
           : strcmp(m->kind, "line") == 0   ? with_line(m, source)
           : strcmp(m->kind, "prefix") == 0 ? with_prefix(m->text, strlen(m->text), source)
                                            : with_changes(m, source);
}

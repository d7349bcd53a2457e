/* SPDX-License-Identifier: Apache-2.0 */
#include "format/shell.h"

#include <string.h>

#include "core/error.h"

enum { MOST = 512 }; /* more is no line that a person pastes */

/* Not "~", which is a folder at the beginning, nor "=", which makes what stands before it a variable. */
static int is_plain(const char *text)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,-";
    return text[0] != '\0' && text[0] != '-' && text[strspn(text, PLAIN)] == '\0';
}

static int is_shown_as_it_is(const char *text)
{
    char shown[4 * MOST + 1];
    const size_t length = strlen(text);
    if (length > MOST) {
        return 0;
    }
    clq_printable(shown, sizeof shown, text, length);
    return strcmp(shown, text) == 0;
}

/* Puts `piece` if it and an end fit. */
static int put(char *out, size_t capacity, size_t *used, const char *piece)
{
    const size_t length = strlen(piece);
    if (*used + length >= capacity) {
        return 0;
    }
    memcpy(out + *used, piece, length + 1);
    *used += length;
    return 1;
}

int clq_shell_word(char *out, size_t capacity, const char *text)
{
    const int quoted = !is_plain(text);
    size_t used = 0;
    int fits = is_shown_as_it_is(text) && put(out, capacity, &used, quoted ? "'" : "");
    for (; fits && *text != '\0'; text++) {
        const char piece[2] = {*text, '\0'};
        fits = put(out, capacity, &used, *text == '\'' ? "'\\''" : piece);
    }
    fits = fits && put(out, capacity, &used, quoted ? "'" : "");
    if (!fits) {
        out[0] = '\0';
    }
    return fits;
}

int clq_shell_pattern(char *out, size_t capacity, const char *name)
{
    char pattern[2 * MOST + 1];
    size_t used = 0;
    for (; *name != '\0' && used + 2 < sizeof pattern; name++) {
        if (strchr("*?[\\", *name) != NULL) {
            pattern[used++] = '\\';
        }
        pattern[used++] = *name;
    }
    pattern[used] = '\0';
    if (*name != '\0') {
        out[0] = '\0';
        return 0;
    }
    return clq_shell_word(out, capacity, pattern);
}

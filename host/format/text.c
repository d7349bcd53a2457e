/* SPDX-License-Identifier: Apache-2.0 */
#include "format/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/json_string.h"

enum { PIECE_BYTES = 1 << 16 };

/*
 * Not open_memstream: when glibc's runs out of memory, only the call that met it is told, and its fclose may return 0
 * and leave no text at all.
 */
static int make_room(clq_text *text, size_t length)
{
    size_t capacity = text->capacity;
    char *larger = NULL;
    if (length < capacity - text->length) { /* with the NUL in the end */
        return 1;
    }
    if (length > SIZE_MAX / 2 - text->length - 256) {
        return 0;
    }
    capacity = 2 * (text->length + length) + 256;
    larger = realloc(text->bytes, capacity);
    if (larger == NULL) {
        return 0;
    }
    text->bytes = larger;
    text->capacity = capacity;
    return 1;
}

static void hand_on(clq_text *text)
{
    text->failed = text->failed || !text->put(text->cookie, text->bytes, text->length);
    text->length = 0;
}

void clq_text_add(clq_text *text, const char *bytes, size_t length)
{
    if (text->out != NULL) {
        text->failed |= fwrite(bytes, 1, length, text->out) != length;
        return;
    }
    text->failed = text->failed || !make_room(text, length);
    if (!text->failed) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
    }
    if (text->put != NULL && text->length >= PIECE_BYTES) {
        hand_on(text);
    }
}

void clq_text_put(clq_text *text, const char *string)
{
    clq_text_add(text, string, strlen(string));
}

void clq_text_format(clq_text *text, const char *format, ...)
{
    char piece[256];
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof piece) {
        text->failed = 1;
        return;
    }
    clq_text_add(text, piece, (size_t)length);
}

/* Valid UTF-8 for DEL, or for U+0080 to U+009F; 0 when the text does not begin with one. */
static unsigned terminal_control(const unsigned char *s, size_t left)
{
    if (s[0] == 0x7F) {
        return s[0];
    }
    return left > 1 && s[0] == 0xC2 && s[1] >= 0x80 && s[1] < 0xA0 ? s[1] : 0;
}

void clq_text_quote(clq_text *text, const char *string, size_t length, clq_text_form form)
{
    char piece[256] = "\"";
    size_t used = 1;
    size_t step = 0;
    for (size_t i = 0; i < length; i += step) {
        const unsigned control = terminal_control((const unsigned char *)string + i, length - i);
        if (used > sizeof piece - 16) {
            clq_text_add(text, piece, used);
            used = 0;
        }
        if (form == CLQ_TEXT_ESCAPED && control != 0) {
            used += (size_t)snprintf(piece + used, 8, "\\u%04x", control);
            step = control == 0x7F ? 1 : 2;
        } else {
            used += clq_json_escape(string + i, length - i, &step, piece + used);
        }
    }
    piece[used++] = '"';
    clq_text_add(text, piece, used);
}

clq_status clq_text_take(clq_text *text, const char *what, char **bytes, size_t *length, clq_error *error)
{
    clq_text_add(text, "", 0); /* there is memory for the NUL, of an empty text too */
    if (text->failed) {
        clq_text_release(text);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %s", what);
    }
    text->bytes[text->length] = '\0';
    *bytes = text->bytes;
    *length = text->length;
    memset(text, 0, sizeof *text);
    return CLQ_OK;
}

int clq_text_end(clq_text *text)
{
    int complete;
    hand_on(text);
    complete = !text->failed;
    clq_text_release(text);
    return complete;
}

void clq_text_release(clq_text *text)
{
    free(text->bytes);
    memset(text, 0, sizeof *text);
}

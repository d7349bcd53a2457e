/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

clq_status clq_fail(clq_error *error, clq_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        error->status = status;
        error->opencl_code = 0;
        error->opencl_call[0] = '\0';
        error->build_log[0] = '\0';
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return status;
}

clq_status clq_fail_in(clq_error *error, clq_status status, const char *format, ...)
{
    if (error != NULL) {
        char before[sizeof error->message];
        char prefix[256];
        va_list arguments;
        memcpy(before, error->message, sizeof before);
        before[sizeof before - 1] = '\0';
        va_start(arguments, format);
        vsnprintf(prefix, sizeof prefix, format, arguments);
        va_end(arguments);
        error->status = status;
        snprintf(error->message, sizeof error->message, "%s: %.700s", prefix, before);
    }
    return status;
}

/* Length of the UTF-8 sequence at `s` (at most `left` bytes), 0 when there is no valid one. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    const unsigned c = s[0];
    size_t length = 0;
    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        length = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        length = 3;
    } else if (c >= 0xF0 && c <= 0xF4) {
        length = 4;
    }
    if (length == 0 || length > left) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates and values above U+10FFFF show in the second byte. */
    if ((c == 0xE0 && s[1] < 0xA0) || (c == 0xED && s[1] > 0x9F) || (c == 0xF0 && s[1] < 0x90) ||
        (c == 0xF4 && s[1] > 0x8F)) {
        return 0;
    }
    return length;
}

void clq_printable(char *out, size_t capacity, const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0;
    size_t i = 0;
    if (capacity == 0) {
        return;
    }
    while (i < length) {
        const size_t step = utf8_length(s + i, length - i);
        /* C1 control characters (U+0080 to U+009F) steer a terminal as well. */
        const int plain = step > 1 ? !(s[i] == 0xC2 && s[i + 1] < 0xA0) : (step == 1 && s[i] >= 0x20 && s[i] != 0x7F);
        const size_t need = plain ? step : 4;
        if (used + need + 4 > capacity) {
            snprintf(out + used, capacity - used, "...");
            return;
        }
        if (plain) {
            memcpy(out + used, s + i, step);
            i += step;
        } else {
            snprintf(out + used, 5, "\\x%02x", s[i]);
            i += 1;
        }
        used += need;
    }
    out[used] = '\0';
}

/* Where the first line with this word begins; NULL: there is none. */
static const char *line_with(const char *log, const char *word)
{
    const char *at = strstr(log, word);
    while (at != NULL && at > log && at[-1] != '\n' && at[-1] != '\r') {
        at--;
    }
    return at;
}

/* A log may begin with warnings, or with how many errors there are. */
const char *clq_log_line(const char *log, size_t *length)
{
    const char *line = line_with(log, "error:");
    line = line != NULL ? line : line_with(log, "error");
    line = line != NULL ? line : line_with(log, "Error");
    line = line != NULL ? line : log;
    line += strspn(line, " \t\r\n");
    *length = strcspn(line, "\r\n");
    return line;
}

/* Compilers tell the first fault at the beginning, and how many there were, or why they gave up, at the end. */
void clq_keep_log(clq_error *error, const char *log)
{
    const size_t capacity = sizeof error->build_log;
    const size_t head = capacity / 3 * 2;
    const size_t length = strlen(log);
    size_t tail;
    int used;
    if (length < capacity) {
        memcpy(error->build_log, log, length + 1);
        return;
    }
    memcpy(error->build_log, log, head);
    tail = capacity - head - 64; /* room for the line */
    used =
        snprintf(error->build_log + head, 64, "\n[... %zu bytes of the log are left out ...]\n", length - head - tail);
    memcpy(error->build_log + head + (size_t)used, log + length - tail, tail + 1);
}

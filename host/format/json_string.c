/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_string.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/utf8.h"

clq_status clq_json_refuse(const clq_json *json, size_t at, clq_error *error, const char *format, ...)
{
    char rule[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    return clq_fail(error, CLQ_BAD_FILE, "%s, byte %zu: %s", json->what, at, rule);
}

/* Four hexadecimal digits at `at`; -1 when they are not there. */
static int32_t hex4(const clq_json *json, size_t at)
{
    int32_t value = 0;
    if (json->length - at < 4) {
        return -1;
    }
    for (size_t i = at; i < at + 4; i++) {
        const char c = json->text[i];
        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');
        } else if (c >= 'a' && c <= 'f') {
            value = value * 16 + (c - 'a' + 10);
        } else if (c >= 'A' && c <= 'F') {
            value = value * 16 + (c - 'A' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

/* Check the escape whose backslash is at *at, and step over it. */
static clq_status scan_escape(const clq_json *json, size_t *at, clq_error *error)
{
    const size_t start = *at;
    const char c = start + 1 < json->length ? json->text[start + 1] : '\0';
    int32_t unit = 0;
    if (c != '\0' && strchr("\"\\/bfnrt", c) != NULL) {
        *at = start + 2;
        return CLQ_OK;
    }
    unit = c == 'u' ? hex4(json, start + 2) : -1;
    if (unit < 0) {
        return clq_json_refuse(json, start, error, "the string holds an invalid escape");
    }
    *at = start + 6;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        int32_t low = -1;
        if (unit <= 0xDBFF && json->length - *at >= 2 && json->text[*at] == '\\' && json->text[*at + 1] == 'u') {
            low = hex4(json, *at + 2);
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            return clq_json_refuse(json, start, error, "the string holds half of a surrogate pair");
        }
        *at = start + 12;
    }
    return CLQ_OK;
}

clq_status clq_json_scan_string(clq_json *json, size_t *begin, size_t *end, clq_error *error)
{
    size_t at = json->position + 1;
    *begin = at;
    while (at < json->length && json->text[at] != '"') {
        const unsigned char c = (unsigned char)json->text[at];
        if (c < 0x20) {
            return clq_json_refuse(json, at, error,
                                   "the string holds the control character 0x%02x, which must be escaped", c);
        }
        if (c == '\\') {
            CLQ_TRY(scan_escape(json, &at, error));
        } else {
            const size_t step = clq_utf8_step(json->text + at, json->length - at);
            if (step == 0) {
                return clq_json_refuse(json, at, error, "the string is not valid UTF-8");
            }
            at += step;
        }
    }
    if (at >= json->length) {
        return clq_json_refuse(json, json->position, error, "the string has no end");
    }
    *end = at;
    json->position = at + 1;
    return CLQ_OK;
}

static size_t put_utf8(char *out, uint32_t code)
{
    unsigned char *o = (unsigned char *)out;
    if (code < 0x80) {
        o[0] = (unsigned char)code;
        return 1;
    }
    if (code < 0x800) {
        o[0] = (unsigned char)(0xC0 | code >> 6);
        o[1] = (unsigned char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        o[0] = (unsigned char)(0xE0 | code >> 12);
        o[1] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
        o[2] = (unsigned char)(0x80 | (code & 0x3F));
        return 3;
    }
    o[0] = (unsigned char)(0xF0 | code >> 18);
    o[1] = (unsigned char)(0x80 | (code >> 12 & 0x3F));
    o[2] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
    o[3] = (unsigned char)(0x80 | (code & 0x3F));
    return 4;
}

size_t clq_json_decode_string(const clq_json *json, size_t begin, size_t end, char *out)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    size_t used = 0;
    size_t at = begin;
    while (at < end) {
        const char c = json->text[at];
        if (c != '\\') {
            out[used++] = c;
            at++;
        } else if (json->text[at + 1] != 'u') {
            const char escaped = json->text[at + 1];
            const char *letter = strchr(letters, escaped);
            out[used++] = letter != NULL ? meanings[letter - letters] : escaped;
            at += 2;
        } else {
            uint32_t code = (uint32_t)hex4(json, at + 2);
            at += 6;
            if (code >= 0xD800 && code <= 0xDFFF) {
                code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)hex4(json, at + 2) - 0xDC00);
                at += 6;
            }
            used += put_utf8(out + used, code);
        }
    }
    out[used] = '\0';
    return used;
}

size_t clq_json_escape(const char *text, size_t left, size_t *step, char out[8])
{
    static const char meanings[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *short_form = NULL;
    *step = clq_utf8_step(text, left);
    if (*step == 0) {
        *step = 1;
        memcpy(out, "\xEF\xBF\xBD", 3); /* U+FFFD */
        return 3;
    }
    if (*step > 1) {
        memcpy(out, text, *step);
        return *step;
    }
    if ((unsigned char)text[0] >= 0x20 && text[0] != '"' && text[0] != '\\') {
        out[0] = text[0];
        return 1;
    }
    short_form = text[0] != '\0' ? strchr(meanings, text[0]) : NULL;
    if (short_form != NULL) {
        out[0] = '\\';
        out[1] = letters[short_form - meanings];
        return 2;
    }
    snprintf(out, 8, "\\u%04x", (unsigned)(unsigned char)text[0]);
    return 6;
}

/* The quoted text into `out`, or nowhere when that is NULL; returns its length. */
static size_t quote_into(char *out, const char *text, size_t length)
{
    size_t used = 1;
    size_t i = 0;
    while (i < length) {
        char character[8];
        size_t step = 0;
        const size_t put = clq_json_escape(text + i, length - i, &step, character);
        if (out != NULL) {
            memcpy(out + used, character, put);
        }
        used += put;
        i += step;
    }
    if (out != NULL) {
        out[0] = '"';
        out[used] = '"';
    }
    return used + 1;
}

char *clq_json_quote(const char *text, size_t length)
{
    size_t quoted = 0;
    char *out = NULL;
    if (length > (SIZE_MAX - 3) / 6) {
        return NULL;
    }
    quoted = quote_into(NULL, text, length);
    out = malloc(quoted + 1);
    if (out != NULL) {
        quote_into(out, text, length);
        out[quoted] = '\0';
    }
    return out;
}

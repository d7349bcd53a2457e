/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef CLQ_HOST_FORMAT_UTF8_H
#define CLQ_HOST_FORMAT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text`, of which `left` (at least 1) may be read; 0 when there is no valid one. */
static inline size_t clq_utf8_step(const char *text, size_t left)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    const size_t length = s[0] < 0x80 ? 1 : s[0] < 0xC0 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF8 ? 4 : 0;
    uint32_t code = 0;
    if (length <= 1) {
        return length;
    }
    if (length > left) {
        return 0;
    }
    code = s[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3Fu);
    }
    return code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? 0 : length;
}

static inline int clq_utf8_valid(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length) {
        const size_t step = clq_utf8_step(text + i, length - i);
        if (step == 0) {
            return 0;
        }
        i += step;
    }
    return 1;
}

#endif

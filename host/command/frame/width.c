/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* TIOCGWINSZ */
#endif
#include "command/frame/width.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "format/numbers.h"

enum { USUAL_WIDTH = 100, LEAST_WIDTH = 20, MOST_WIDTH = 1000000 };

size_t cli_line_width(void)
{
    const char *given = getenv("COLUMNS");
    struct winsize size;
    int64_t columns = 0;
    if (given != NULL && clq_parse_i64(given, LEAST_WIDTH, MOST_WIDTH, &columns)) {
        return (size_t)columns;
    }
    if (!isatty(STDOUT_FILENO)) {
        return CLI_ANY_WIDTH;
    }
    /* Terminals that know no size say 0. */
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= LEAST_WIDTH ? size.ws_col : USUAL_WIDTH;
}

int cli_has_room_for_bars(void)
{
    return isatty(STDOUT_FILENO) && cli_line_width() >= USUAL_WIDTH;
}

typedef struct code_range {
    uint32_t first, last;
} code_range;

/* Marks that combine and characters without a shape, by the blocks that have no others. */
static const code_range NONE[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD},  {0x0610, 0x061A}, {0x064B, 0x065F}, {0x06D6, 0x06DC},
    {0x0900, 0x0902}, {0x093C, 0x093C},   {0x0941, 0x0948},  {0x094D, 0x094D}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E}, {0x1160, 0x11FF},   {0x1AB0, 0x1AFF},  {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E},
    {0x2060, 0x2064}, {0x20D0, 0x20FF},   {0x302A, 0x302D},  {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
    {0xFEFF, 0xFEFF}, {0x1F3FB, 0x1F3FF}, {0xE0100, 0xE01EF}};

/* East Asian wide and full-width forms, and pictures. */
static const code_range WIDE[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},  {0x23E9, 0x23EC}, {0x25FD, 0x25FE},   {0x2614, 0x2615},   {0x2648, 0x2653},
    {0x26A1, 0x26A1},   {0x2705, 0x2705},  {0x2728, 0x2728}, {0x274C, 0x274C},   {0x2753, 0x2755},   {0x2B50, 0x2B50},
    {0x2E80, 0x303E},   {0x3041, 0xA4CF},  {0xA960, 0xA97C}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};

static int is_in(uint32_t code, const code_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

/* Step over one code point of valid UTF-8; returns the columns that it takes. */
static size_t step(const char **text)
{
    const unsigned char *s = (const unsigned char *)*text;
    uint32_t code = *s++;
    if (code >= 0x80) {
        code &= code >= 0xF0 ? 0x07 : code >= 0xE0 ? 0x0F : 0x1F;
    }
    while ((*s & 0xC0) == 0x80) {
        code = code << 6 | (*s++ & 0x3F);
    }
    *text = (const char *)s;
    if (is_in(code, NONE, sizeof NONE / sizeof NONE[0])) {
        return 0;
    }
    return is_in(code, WIDE, sizeof WIDE / sizeof WIDE[0]) ? 2 : 1;
}

size_t cli_text_width(const char *text)
{
    size_t width = 0;
    while (*text != '\0') {
        width += step(&text);
    }
    return width;
}

size_t cli_fold(const char *text, size_t width)
{
    size_t fits = 0;
    size_t at = 0;
    for (const char *next = text; *next != '\0' && at <= width;) {
        fits = *next == ' ' ? (size_t)(next - text) : fits;
        at += step(&next);
    }
    return fits;
}

void cli_elide(char *text, size_t width)
{
    static const char gap[] = "...";
    const size_t full = cli_text_width(text);
    const size_t kept = width - (sizeof gap - 1);
    const size_t head_width = kept / 2;
    size_t at = 0;
    char *head = text;
    const char *tail = text;
    if (full <= width) {
        return;
    }
    /* As many whole characters as fit, with the marks on the last one. */
    for (const char *next = text; *next != '\0' && (at += step(&next)) <= head_width;) {
        head = text + (next - text);
    }
    /* The first character from where on the rest fits; a mark is none. */
    for (size_t passed = 0; *tail != '\0';) {
        const char *next = tail;
        const size_t own = step(&next);
        if (own > 0 && full - passed <= kept - head_width) {
            break;
        }
        passed += own;
        tail = next;
    }
    /* No fourth dot beside the gap. */
    head -= head > text && head[-1] == '.';
    tail += *tail == '.';
    memmove(head + sizeof gap - 1, tail, strlen(tail) + 1);
    memcpy(head, gap, sizeof gap - 1);
}

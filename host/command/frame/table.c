/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns as wide as their widest cell as a terminal shows it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command/frame/cli.h"

enum { CELL_BYTES = 512 };

struct cli_table {
    size_t columns;
    char *alignments;
    char **cells; /* row by row, titles first */
    size_t count, capacity;
    int failed; /* memory ran out: the table is not printed */
};

typedef struct code_range {
    uint32_t first, last;
} code_range;

static int is_in(uint32_t code, const code_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return 1;
        }
    }
    return 0;
}

/* Columns that one code point takes: East Asian wide forms two, combining marks none. */
static size_t code_width(uint32_t code)
{
    static const code_range none[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
    static const code_range wide[] = {{0x1100, 0x115F},   {0x2E80, 0xA4CF},  {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
                                      {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    if (is_in(code, none, sizeof none / sizeof none[0])) {
        return 0;
    }
    return is_in(code, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
}

/* The text went through clq_printable, so it is valid UTF-8. */
static size_t display_width(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t width = 0;
    while (*s != '\0') {
        uint32_t code = *s++;
        if (code >= 0x80) {
            code &= code >= 0xF0 ? 0x07 : code >= 0xE0 ? 0x0F : 0x1F;
        }
        while ((*s & 0xC0) == 0x80) {
            code = code << 6 | (*s++ & 0x3F);
        }
        width += code_width(code);
    }
    return width;
}

static void append(cli_table *table, const char *text)
{
    char printable[CELL_BYTES];
    const size_t length = strlen(text);
    char *copy = NULL;
    clq_printable(printable, sizeof printable, text, length);
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity * 2 + 64;
        char **cells = realloc(table->cells, capacity * sizeof *cells);
        if (cells == NULL) {
            table->failed = 1;
            return;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    copy = malloc(strlen(printable) + 1);
    if (copy == NULL) {
        table->failed = 1;
        return;
    }
    memcpy(copy, printable, strlen(printable) + 1);
    table->cells[table->count++] = copy;
}

cli_table *cli_table_create(size_t columns, const char *const *titles, const char *alignments)
{
    cli_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return NULL;
    }
    table->columns = columns;
    table->alignments = calloc(columns + 1, 1);
    if (table->alignments == NULL) {
        free(table);
        return NULL;
    }
    memcpy(table->alignments, alignments, columns);
    for (size_t i = 0; i < columns; i++) {
        append(table, titles[i]);
    }
    return table;
}

void cli_table_cell(cli_table *table, const char *format, ...)
{
    char text[CELL_BYTES];
    va_list arguments;
    if (table == NULL || table->failed) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(table, text);
}

/* The cell's text, after the blanks that are due before it; an empty cell leaves its blanks due, so that no line ends
 * in blanks. Returns the blanks due afterwards. */
static size_t put_cell(FILE *out, const char *text, size_t due, size_t width, char alignment)
{
    const size_t blanks = width - display_width(text);
    if (text[0] == '\0') {
        return due + width;
    }
    fprintf(out, "%*s%s", (int)(due + (alignment == '>' ? blanks : 0)), "", text);
    return alignment == '>' ? 0 : blanks;
}

clq_status cli_table_print(cli_table *table, FILE *out, clq_error *error)
{
    size_t *widths = table != NULL ? calloc(table->columns, sizeof *widths) : NULL;
    size_t due = 0;
    if (widths == NULL || table->failed) {
        free(widths);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a table");
    }
    for (size_t i = 0; i < table->count; i++) {
        const size_t width = display_width(table->cells[i]);
        size_t *column = &widths[i % table->columns];
        *column = width > *column ? width : *column;
    }
    for (size_t i = 0; i < table->count; i++) {
        const size_t column = i % table->columns;
        due = put_cell(out, table->cells[i], due, widths[column], table->alignments[column]) + 2;
        if (column + 1 == table->columns || i + 1 == table->count) {
            fputc('\n', out);
            due = 0;
        }
    }
    free(widths);
    return CLQ_OK;
}

void cli_table_destroy(cli_table **table)
{
    if (table == NULL || *table == NULL) {
        return;
    }
    for (size_t i = 0; i < (*table)->count; i++) {
        free((*table)->cells[i]);
    }
    free((*table)->cells);
    free((*table)->alignments);
    free(*table);
    *table = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: columns as wide as their widest cell as a terminal shows it, but no row wider than a line, where lines have a
 * width. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command/frame/cli.h"
#include "command/frame/width.h"

/* Between columns; the columns that a table keeps whatever the width; what is left at least of text that is cut; how
 * far all rows are filled up for the sake of a wide cell where nothing is cut: one name may be as long as a file. */
enum { GAP = 2, KEPT_COLUMNS = 2, LEAST_ELIDED_WIDTH = 8, MOST_ALIGNED_WIDTH = 160 };

struct cli_table {
    size_t columns;
    char *alignments;
    char **cells; /* row by row, titles first */
    size_t count, capacity;
    int failed; /* memory ran out: the table is not printed */
};

static void append(cli_table *table, char *cell)
{
    if (cell != NULL && table->count == table->capacity) {
        const size_t capacity = table->capacity * 2 + 64;
        char **cells = realloc(table->cells, capacity * sizeof *cells);
        if (cells != NULL) {
            table->cells = cells;
            table->capacity = capacity;
        }
    }
    if (cell == NULL || table->count == table->capacity) {
        free(cell);
        table->failed = 1;
        return;
    }
    table->cells[table->count++] = cell;
}

/* The text as a terminal may see it, in memory of its own; NULL when there is none. */
static char *make_printable(const char *text)
{
    const size_t length = strlen(text);
    const size_t capacity = 4 * length + 5; /* each byte as \xNN, and what clq_printable keeps free */
    char *cell = malloc(capacity);
    if (cell != NULL) {
        clq_printable(cell, capacity, text, length);
    }
    return cell;
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
        append(table, make_printable(titles[i]));
    }
    return table;
}

void cli_table_cell(cli_table *table, const char *format, ...)
{
    va_list arguments;
    int length;
    char *text = NULL;
    if (table == NULL || table->failed) {
        return;
    }
    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length >= 0 && (text = malloc((size_t)length + 1)) != NULL) {
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    append(table, text != NULL ? make_printable(text) : NULL);
    free(text);
}

/* ---- how wide columns are: 0 of one that is not shown ---- */

/* As wide as the widest cell. One without a word in any row is left out, title and all. */
static void measure(const cli_table *table, size_t *widths)
{
    for (size_t i = table->columns; i < table->count; i++) {
        const size_t width = cli_text_width(table->cells[i]);
        size_t *column = &widths[i % table->columns];
        *column = width > *column ? width : *column;
    }
    for (size_t column = 0; column < table->columns; column++) {
        const size_t title = cli_text_width(table->cells[column]);
        const int is_shown = widths[column] > 0 || table->count == table->columns;
        widths[column] = is_shown && title > widths[column] ? title : widths[column];
    }
}

static size_t sum_of(const cli_table *table, const size_t *widths)
{
    size_t sum = 0;
    for (size_t column = 0; column < table->columns; column++) {
        sum += widths[column] > 0 ? widths[column] + (sum > 0 ? GAP : 0) : 0;
    }
    return sum;
}

/* Cut a column down to `least`, as far as the row is too wide. Returns whether it was wider. */
static int shrink(size_t *width, size_t excess, size_t least)
{
    if (*width <= least) {
        return 0;
    }
    *width -= excess < *width - least ? excess : *width - least;
    return 1;
}

/* The widest column of text. */
static size_t *widest_of(const cli_table *table, size_t *widths)
{
    size_t widest = 0;
    for (size_t column = 1; column < table->columns; column++) {
        widest = table->alignments[column] == '<' && widths[column] > widths[widest] ? column : widest;
    }
    return &widths[widest];
}

/* Leave the last column out. Returns whether there was one that may go. */
static int drop_last(const cli_table *table, size_t *widths)
{
    size_t shown = 0;
    size_t last = 0;
    for (size_t column = 0; column < table->columns; column++) {
        shown += widths[column] > 0;
        last = widths[column] > 0 ? column : last;
    }
    if (shown <= KEPT_COLUMNS) {
        return 0;
    }
    widths[last] = 0;
    return 1;
}

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* How many names differ when they are cut to this width; `hashes` has room for one of each row. */
static size_t count_different(const cli_table *table, size_t width, uint64_t *hashes)
{
    size_t count = 0;
    size_t different = 0;
    for (size_t i = table->columns; i < table->count; i += table->columns) {
        char *name = make_printable(table->cells[i]);
        uint64_t hash = 14695981039346656037u; /* FNV-1a */
        if (name != NULL) {
            cli_elide(name, width);
        }
        for (const char *byte = name; byte != NULL && *byte != '\0'; byte++) {
            hash = (hash ^ (unsigned char)*byte) * 1099511628211u;
        }
        free(name);
        hashes[count++] = hash;
    }
    qsort(hashes, count, sizeof *hashes, compare_hashes);
    for (size_t i = 0; i < count; i++) {
        different += i == 0 || hashes[i] != hashes[i - 1];
    }
    return different;
}

/* The width, from two fifths to four fifths of the line, at which no two names become the same; else two fifths. */
static size_t least_name(const cli_table *table, size_t whole, size_t room)
{
    const size_t least = room < 60 ? 24 : room * 2 / 5;
    uint64_t *hashes = whole > least ? malloc(table->count * sizeof *hashes) : NULL;
    size_t width = least;
    if (hashes != NULL) {
        const size_t most = room * 4 / 5 < whole ? room * 4 / 5 : whole;
        const size_t different = count_different(table, whole, hashes);
        while (width <= most && count_different(table, width, hashes) < different) {
            width += 4;
        }
        width = width <= most ? width : count_different(table, most, hashes) == different ? most : least;
    }
    free(hashes);
    return width;
}

/* The name, which is the first column, is cut as far as names still differ; then the last columns go; then all text is
 * cut to what there is. What is free in the end goes to the name. */
static void fit(const cli_table *table, size_t *widths, size_t room)
{
    const size_t whole = widths[0];
    const size_t least = sum_of(table, widths) > room ? least_name(table, whole, room) : whole;
    size_t sum;
    while ((sum = sum_of(table, widths)) > room) {
        if (!shrink(&widths[0], sum - room, least) && !drop_last(table, widths) &&
            !shrink(widest_of(table, widths), sum - room, LEAST_ELIDED_WIDTH)) {
            return;
        }
    }
    widths[0] = whole - widths[0] < room - sum ? whole : widths[0] + room - sum;
}

/* Without a limit nothing is cut: a cell beyond the width of its column moves the rest of its row. */
static void align(const cli_table *table, size_t *widths)
{
    for (size_t column = 0; column < table->columns; column++) {
        widths[column] = widths[column] < MOST_ALIGNED_WIDTH ? widths[column] : MOST_ALIGNED_WIDTH;
    }
}

/* ---- printing ---- */

/* The cell's text, after the blanks that are due before it; an empty cell leaves its blanks due, so that no line ends
 * in blanks. Returns the blanks due afterwards. */
static size_t put_cell(FILE *out, const char *text, size_t due, size_t width, char alignment)
{
    const size_t own = cli_text_width(text);
    const size_t blanks = own < width ? width - own : 0;
    if (text[0] == '\0') {
        return due + width;
    }
    fprintf(out, "%*s%s", (int)(due + (alignment == '>' ? blanks : 0)), "", text);
    return alignment == '>' ? 0 : blanks;
}

static void put_rows(const cli_table *table, const size_t *widths, int is_cut, FILE *out)
{
    size_t due = 0;
    for (size_t i = 0; i < table->count; i++) {
        const size_t column = i % table->columns;
        if (widths[column] > 0 && is_cut) {
            cli_elide(table->cells[i], widths[column]);
        }
        if (widths[column] > 0) {
            due = put_cell(out, table->cells[i], due, widths[column], table->alignments[column]) + GAP;
        }
        if (column + 1 == table->columns || i + 1 == table->count) {
            fputc('\n', out);
            due = 0;
        }
    }
}

/* Name the columns that there was no room for. */
static void tell_dropped(const cli_table *table, const size_t *whole, const size_t *widths, FILE *out)
{
    const char *before = "(no room for: ";
    for (size_t column = 0; column < table->columns; column++) {
        if (whole[column] > 0 && widths[column] == 0 && table->cells[column][0] != '\0') {
            fprintf(out, "%s%s", before, table->cells[column]);
            before = ", ";
        }
    }
    if (before[0] == ',') {
        fprintf(out, "; COLUMNS=%zu shows all)\n", sum_of(table, whole));
    }
}

clq_status cli_table_print(cli_table *table, FILE *out, clq_error *error)
{
    size_t *whole = table != NULL ? calloc(2 * table->columns, sizeof *whole) : NULL;
    const size_t room = cli_line_width();
    size_t *widths;
    if (whole == NULL || table->failed) {
        free(whole);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a table");
    }
    widths = whole + table->columns;
    measure(table, whole);
    memcpy(widths, whole, table->columns * sizeof *widths);
    if (room == CLI_ANY_WIDTH) {
        align(table, widths);
    } else {
        fit(table, widths, room);
    }
    put_rows(table, widths, room != CLI_ANY_WIDTH, out);
    tell_dropped(table, whole, widths, out);
    free(whole);
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

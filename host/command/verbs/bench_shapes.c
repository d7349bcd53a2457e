/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file of shapes. */
#include <errno.h>
#include <string.h>

#include "command/verbs/bench_verb.h"

enum { LINE_BYTES = 256 };

/* The line without its comment and the blanks around it; tabs count as blanks. */
static char *trim(char *line)
{
    size_t length = 0;
    line[strcspn(line, "#")] = '\0';
    for (char *at = line; *at != '\0'; at++) {
        *at = *at == '\t' || *at == '\r' || *at == '\n' ? ' ' : *at;
    }
    line += strspn(line, " ");
    for (length = strlen(line); length > 0 && line[length - 1] == ' '; length--) {
        line[length - 1] = '\0';
    }
    return line;
}

static clq_status read_line(const char *path, unsigned number, char *line, bench_shape *shapes, size_t *count,
                            clq_error *error)
{
    const char *text = trim(line);
    if (*text == '\0') {
        return CLQ_OK;
    }
    if (*count == BENCH_MAX_SHAPES) {
        return clq_fail(error, CLQ_BAD_FILE, "%s, line %u: more than %d shapes", path, number, BENCH_MAX_SHAPES);
    }
    if (bench_shape_parse(text, &shapes[*count], error) != CLQ_OK) {
        return clq_fail_in(error, CLQ_BAD_FILE, "%s, line %u", path, number);
    }
    ++*count;
    return CLQ_OK;
}

/* Characters up to the end of the line, into `line`; their number, with what was cut off. -1 at the end of the file. */
static long take_line(FILE *file, char *line, int *zero_byte)
{
    long length = 0;
    int c = fgetc(file);
    if (c == EOF) {
        return -1;
    }
    for (; c != EOF && c != '\n'; c = fgetc(file)) {
        *zero_byte |= c == '\0';
        if (length < LINE_BYTES - 1) {
            line[length] = (char)c;
        }
        length++;
    }
    line[length < LINE_BYTES - 1 ? length : LINE_BYTES - 1] = '\0';
    return length;
}

static clq_status read_lines(FILE *file, const char *path, bench_shape *shapes, size_t *count, clq_error *error)
{
    char line[LINE_BYTES];
    int zero_byte = 0;
    long length = 0;
    for (unsigned number = 1; (length = take_line(file, line, &zero_byte)) >= 0; number++) {
        if (length >= LINE_BYTES || zero_byte) {
            return clq_fail(error, CLQ_BAD_FILE, "%s, line %u: %s", path, number,
                            zero_byte ? "holds a zero byte" : "longer than 255 bytes");
        }
        CLQ_TRY(read_line(path, number, line, shapes, count, error));
    }
    if (ferror(file)) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: %s", path, strerror(errno));
    }
    return *count > 0 ? CLQ_OK : clq_fail(error, CLQ_BAD_FILE, "%s: holds no shape", path);
}

clq_status cli_bench_read_shapes(const char *path, bench_shape *shapes, size_t *count, clq_error *error)
{
    FILE *file = fopen(path, "r");
    clq_status status = CLQ_OK;
    *count = 0;
    if (file == NULL) {
        return clq_fail(error, CLQ_IO_ERROR, "%s: %s", path, strerror(errno));
    }
    status = read_lines(file, path, shapes, count, error);
    fclose(file);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: one member a line, nested values indented by two blanks, arrays of plain values on one line. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../io/json.h"
#include "cli.h"

enum { MAX_DEPTH = sizeof((cli_json *)0)->count / sizeof((cli_json *)0)->count[0] - 1 };

static void new_line(cli_json *json)
{
    fprintf(json->out, "\n%*s", 2 * json->depth, "");
}

/* A negative count marks that a key was just written: its value follows on the same line. */
static void before_value(cli_json *json, int nested)
{
    int *count = &json->count[json->depth];
    char *form = &json->form[json->depth];
    if (*count < 0) {
        *count = -*count;
        return;
    }
    if (json->depth == 0) {
        return;
    }
    if (*count > 0) {
        fputc(',', json->out);
    }
    if (*form == '[' && nested) {
        *form = '*';
    }
    if (*form != '[') {
        new_line(json);
    } else if (*count > 0) {
        fputc(' ', json->out);
    }
    *count = *count < INT_MAX ? *count + 1 : *count;
}

static void put_string(cli_json *json, const char *text)
{
    char *quoted = clq_json_quote(text, strlen(text));
    fputs(quoted != NULL ? quoted : "null", json->out);
    free(quoted);
}

static int printed;

int cli_json_printed(void)
{
    return printed;
}

void cli_json_begin(cli_json *json, FILE *out)
{
    memset(json, 0, sizeof *json);
    printed |= out == stdout;
    json->out = out;
    cli_json_open(json, '{');
}

void cli_json_end(cli_json *json)
{
    cli_json_close(json, '}');
    fputc('\n', json->out);
}

void cli_json_key(cli_json *json, const char *key)
{
    before_value(json, 0);
    put_string(json, key);
    fputs(": ", json->out);
    json->count[json->depth] = -json->count[json->depth];
}

void cli_json_open(cli_json *json, char bracket)
{
    before_value(json, 1);
    fputc(bracket, json->out);
    if (json->depth < MAX_DEPTH) {
        json->depth++;
    }
    json->count[json->depth] = 0;
    json->form[json->depth] = bracket;
}

void cli_json_close(cli_json *json, char bracket)
{
    const int members = json->count[json->depth];
    const char form = json->form[json->depth];
    json->depth--;
    if (members > 0 && form != '[') {
        new_line(json);
    }
    fputc(bracket == '{' || bracket == '}' ? '}' : ']', json->out);
}

void cli_json_string(cli_json *json, const char *value)
{
    before_value(json, 0);
    put_string(json, value);
}

void cli_json_number(cli_json *json, double value)
{
    char text[40];
    if (!isfinite(value)) {
        cli_json_null(json);
        return;
    }
    before_value(json, 0);
    cli_format_double(text, sizeof text, value, 0);
    fputs(text, json->out);
}

void cli_json_u64(cli_json *json, uint64_t value)
{
    before_value(json, 0);
    fprintf(json->out, "%llu", (unsigned long long)value);
}

void cli_json_i64(cli_json *json, int64_t value)
{
    before_value(json, 0);
    fprintf(json->out, "%lld", (long long)value);
}

void cli_json_bool(cli_json *json, int value)
{
    before_value(json, 0);
    fputs(value ? "true" : "false", json->out);
}

void cli_json_null(cli_json *json)
{
    before_value(json, 0);
    fputs("null", json->out);
}

void cli_json_shape(cli_json *json, uint32_t rank, const uint64_t *shape)
{
    before_value(json, 0);
    fputc('[', json->out);
    for (uint32_t i = 0; i < rank; i++) {
        fprintf(json->out, "%s%llu", i > 0 ? ", " : "", (unsigned long long)shape[i]);
    }
    fputc(']', json->out);
}

void cli_json_name_and_shape(cli_json *json, const char *name, uint32_t rank, const uint64_t *shape)
{
    cli_json_key(json, "name");
    cli_json_string(json, name);
    cli_json_key(json, "shape");
    cli_json_shape(json, rank, shape);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: one member a line, nested values indented by two blanks, arrays of plain values on one line. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "cli.h"

enum { MAX_DEPTH = sizeof((cli_json *)0)->count / sizeof((cli_json *)0)->count[0] - 1 };

static void new_line(cli_json *json)
{
    cli_text_format(&json->text, "\n%*s", 2 * json->depth, "");
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
        cli_text_put(&json->text, ",");
    }
    if (*form == '[' && nested) {
        *form = '*';
    }
    if (*form != '[') {
        new_line(json);
    } else if (*count > 0) {
        cli_text_put(&json->text, " ");
    }
    *count = *count < INT_MAX ? *count + 1 : *count;
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
    json->text.out = out;
    cli_json_open(json, '{');
}

void cli_json_end(cli_json *json)
{
    cli_json_close(json, '}');
    cli_text_put(&json->text, "\n");
}

void cli_json_key(cli_json *json, const char *key)
{
    before_value(json, 0);
    cli_text_quote(&json->text, key, strlen(key), CLI_TEXT_ESCAPED);
    cli_text_put(&json->text, ": ");
    json->count[json->depth] = -json->count[json->depth];
}

void cli_json_open(cli_json *json, char bracket)
{
    before_value(json, 1);
    cli_text_add(&json->text, &bracket, 1);
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
    cli_text_put(&json->text, bracket == '{' || bracket == '}' ? "}" : "]");
}

void cli_json_string(cli_json *json, const char *value)
{
    cli_json_bytes(json, value, strlen(value));
}

void cli_json_bytes(cli_json *json, const char *value, size_t length)
{
    before_value(json, 0);
    cli_text_quote(&json->text, value, length, CLI_TEXT_ESCAPED);
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
    cli_text_put(&json->text, text);
}

void cli_json_u64(cli_json *json, uint64_t value)
{
    before_value(json, 0);
    cli_text_format(&json->text, "%llu", (unsigned long long)value);
}

void cli_json_i64(cli_json *json, int64_t value)
{
    before_value(json, 0);
    cli_text_format(&json->text, "%lld", (long long)value);
}

void cli_json_bool(cli_json *json, int value)
{
    before_value(json, 0);
    cli_text_put(&json->text, value ? "true" : "false");
}

void cli_json_null(cli_json *json)
{
    before_value(json, 0);
    cli_text_put(&json->text, "null");
}

void cli_json_shape(cli_json *json, uint32_t rank, const uint64_t *shape)
{
    before_value(json, 0);
    cli_text_put(&json->text, "[");
    for (uint32_t i = 0; i < rank; i++) {
        cli_text_format(&json->text, "%s%llu", i > 0 ? ", " : "", (unsigned long long)shape[i]);
    }
    cli_text_put(&json->text, "]");
}

void cli_json_name_and_shape(cli_json *json, const char *name, uint32_t rank, const uint64_t *shape)
{
    cli_json_key(json, "name");
    cli_json_string(json, name);
    cli_json_key(json, "shape");
    cli_json_shape(json, rank, shape);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: one member a line, nested values indented by two blanks, arrays of plain values on one line. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "format/human.h"
#include "format/json_writer.h"

enum { MAX_DEPTH = sizeof((clq_json_writer *)0)->count / sizeof((clq_json_writer *)0)->count[0] - 1 };

static void new_line(clq_json_writer *json)
{
    clq_text_format(&json->text, "\n%*s", 2 * json->depth, "");
}

/* A negative count marks that a key was just written: its value follows on the same line. */
static void before_value(clq_json_writer *json, int nested)
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
        clq_text_put(&json->text, ",");
    }
    if (*form == '[' && nested) {
        *form = '*';
    }
    if (*form != '[') {
        new_line(json);
    } else if (*count > 0) {
        clq_text_put(&json->text, " ");
    }
    *count = *count < INT_MAX ? *count + 1 : *count;
}

void clq_json_writer_begin(clq_json_writer *json, FILE *out)
{
    memset(json, 0, sizeof *json);
    json->text.out = out;
    clq_json_writer_open(json, '{');
}

void clq_json_writer_end(clq_json_writer *json)
{
    clq_json_writer_close(json, '}');
    clq_text_put(&json->text, "\n");
}

void clq_json_writer_key(clq_json_writer *json, const char *key)
{
    before_value(json, 0);
    clq_text_quote(&json->text, key, strlen(key), CLQ_TEXT_ESCAPED);
    clq_text_put(&json->text, ": ");
    json->count[json->depth] = -json->count[json->depth];
}

void clq_json_writer_open(clq_json_writer *json, char bracket)
{
    before_value(json, 1);
    clq_text_add(&json->text, &bracket, 1);
    if (json->depth < MAX_DEPTH) {
        json->depth++;
    }
    json->count[json->depth] = 0;
    json->form[json->depth] = bracket;
}

void clq_json_writer_close(clq_json_writer *json, char bracket)
{
    const int members = json->count[json->depth];
    const char form = json->form[json->depth];
    json->depth--;
    if (members > 0 && form != '[') {
        new_line(json);
    }
    clq_text_put(&json->text, bracket == '{' || bracket == '}' ? "}" : "]");
}

void clq_json_writer_string(clq_json_writer *json, const char *value)
{
    clq_json_writer_bytes(json, value, strlen(value));
}

void clq_json_writer_bytes(clq_json_writer *json, const char *value, size_t length)
{
    before_value(json, 0);
    clq_text_quote(&json->text, value, length, CLQ_TEXT_ESCAPED);
}

void clq_json_writer_number(clq_json_writer *json, double value)
{
    char text[40];
    if (!isfinite(value)) {
        clq_json_writer_null(json);
        return;
    }
    before_value(json, 0);
    clq_format_double(text, sizeof text, value, 0);
    clq_text_put(&json->text, text);
}

void clq_json_writer_u64(clq_json_writer *json, uint64_t value)
{
    before_value(json, 0);
    clq_text_format(&json->text, "%llu", (unsigned long long)value);
}

void clq_json_writer_i64(clq_json_writer *json, int64_t value)
{
    before_value(json, 0);
    clq_text_format(&json->text, "%lld", (long long)value);
}

void clq_json_writer_bool(clq_json_writer *json, int value)
{
    before_value(json, 0);
    clq_text_put(&json->text, value ? "true" : "false");
}

void clq_json_writer_null(clq_json_writer *json)
{
    before_value(json, 0);
    clq_text_put(&json->text, "null");
}

void clq_json_writer_shape(clq_json_writer *json, uint32_t rank, const uint64_t *shape)
{
    before_value(json, 0);
    clq_text_put(&json->text, "[");
    for (uint32_t i = 0; i < rank; i++) {
        clq_text_format(&json->text, "%s%llu", i > 0 ? ", " : "", (unsigned long long)shape[i]);
    }
    clq_text_put(&json->text, "]");
}

void clq_json_writer_name_and_shape(clq_json_writer *json, const char *name, uint32_t rank, const uint64_t *shape)
{
    clq_json_writer_key(json, "name");
    clq_json_writer_string(json, name);
    clq_json_writer_key(json, "shape");
    clq_json_writer_shape(json, rank, shape);
}

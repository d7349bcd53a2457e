/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json_edit.h"

#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/text.h"

/* What is known of the object when it was read once. */
typedef struct outline {
    clq_json_span span; /* of the member that is looked for */
    size_t inside;      /* the first byte after the opening brace */
    size_t before_end;  /* what follows the last value, or the opening brace */
    size_t next_key;    /* of the member after the one found; 0: that is the last */
    size_t previous;    /* the end of the value before the one found; 0: that is the first */
    size_t first_key;   /* 0: there is no member */
} outline;

static size_t skip_space(const clq_json *json)
{
    size_t at = json->position;
    while (at < json->length && strchr(" \t\r\n", json->text[at]) != NULL && json->text[at] != '\0') {
        at++;
    }
    return at;
}

/* One member: its name is read, and its value passed over. */
static clq_status read_member(clq_json *json, const char *key, outline *found, clq_error *error)
{
    const size_t start = skip_space(json);
    char *name = NULL;
    size_t length = 0;
    int same;
    size_t value;
    CLQ_TRY(clq_json_key(json, &name, &length, error));
    same = clq_json_is(name, length, key);
    free(name);
    value = skip_space(json);
    CLQ_TRY(clq_json_skip(json, error));
    if (same && found->span.found) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: '%s' stands twice", json->what, key);
    }
    if (found->span.found && found->next_key == 0) {
        found->next_key = start;
    }
    if (same) {
        found->span = (clq_json_span){1, start, value, json->position};
        found->previous = found->first_key != 0 ? found->before_end : 0;
    }
    found->first_key = found->first_key != 0 ? found->first_key : start;
    found->before_end = json->position;
    return CLQ_OK;
}

static clq_status read_outline(const char *text, size_t length, const char *what, const char *key, outline *found,
                               clq_error *error)
{
    clq_json json;
    memset(found, 0, sizeof *found);
    clq_json_init(&json, text, length, what);
    CLQ_TRY(clq_json_enter(&json, CLQ_JSON_OBJECT, error));
    found->inside = json.position;
    found->before_end = json.position;
    for (int first = 1;; first = 0) {
        int more = 0;
        CLQ_TRY(clq_json_next(&json, CLQ_JSON_OBJECT, first, &more, error));
        if (!more) {
            return clq_json_end(&json, error);
        }
        CLQ_TRY(read_member(&json, key, found, error));
    }
}

clq_status clq_json_locate(const char *text, size_t length, const char *what, const char *key, clq_json_span *span,
                           clq_error *error)
{
    outline found;
    CLQ_TRY(read_outline(text, length, what, key, &found, error));
    *span = found.span;
    return CLQ_OK;
}

/* How members begin: the white space before the first of them. With a line break in it each has a line of its own. */
typedef struct layout {
    const char *space;
    size_t length;
    const char *unit; /* what stands before the name in its line */
    size_t unit_length;
    int lines;
} layout;

static layout layout_of(const char *text, const outline *found)
{
    layout like = {" ", 1, "", 0, 0};
    size_t line;
    if (found->first_key == 0) {
        return (layout){"", 0, "", 0, 0};
    }
    line = found->first_key;
    while (line > found->inside && text[line - 1] != '\n') {
        line--;
    }
    if (line > found->inside) {
        like.space = text + found->inside;
        like.length = found->first_key - found->inside;
        like.unit = text + line;
        like.unit_length = found->first_key - line;
        like.lines = 1;
    }
    return like;
}

/*
 * A value whose lines are indented by two spaces a level, counted from the object around it, as clq_json_writer writes
 * them: indented as the others are, or on one line. Strings hold no line breaks of their own.
 */
static void put_value(clq_text *out, const char *value, size_t length, const layout *like)
{
    for (size_t i = 0; i < length;) {
        size_t spaces = 0;
        if (value[i] != '\n') {
            clq_text_add(out, value + i++, 1);
            continue;
        }
        while (i + 1 + spaces < length && value[i + 1 + spaces] == ' ') {
            spaces++;
        }
        if (like->lines) {
            clq_text_put(out, "\n");
            for (size_t level = 0; level < spaces / 2; level++) {
                clq_text_add(out, like->unit, like->unit_length);
            }
        } else if (i > 0 && value[i - 1] == ',') {
            clq_text_put(out, " ");
        }
        i += 1 + spaces;
    }
}

static void put_new(clq_text *out, const char *text, size_t length, const outline *found, const char *key,
                    const char *value, size_t value_length)
{
    const layout like = layout_of(text, found);
    clq_text_add(out, text, found->before_end);
    if (found->first_key != 0) {
        clq_text_put(out, ",");
    }
    clq_text_add(out, like.space, like.length);
    clq_text_quote(out, key, strlen(key), CLQ_TEXT_PLAIN);
    clq_text_put(out, ": ");
    put_value(out, value, value_length, &like);
    clq_text_add(out, text + found->before_end, length - found->before_end);
}

/* Without the member, one of the commas beside it, and the white space that set it apart. */
static void put_without(clq_text *out, const char *text, size_t length, const outline *found)
{
    size_t from = found->span.key;
    size_t to = found->span.end;
    if (found->next_key != 0) {
        to = found->next_key;
    } else if (found->previous != 0) {
        from = found->previous;
    } else {
        from = found->inside;
    }
    clq_text_add(out, text, from);
    clq_text_add(out, text + to, length - to);
}

clq_status clq_json_edit(const char *text, size_t length, const char *what, const char *key, const char *value,
                         size_t value_length, char **edited, size_t *edited_length, clq_error *error)
{
    clq_status status = CLQ_OK;
    outline found;
    clq_text out = {0};
    CLQ_TRY_TO(read_outline(text, length, what, key, &found, error));
    if (value == NULL && !found.span.found) {
        clq_text_add(&out, text, length);
    } else if (value == NULL) {
        put_without(&out, text, length, &found);
    } else if (found.span.found) {
        const layout like = layout_of(text, &found);
        clq_text_add(&out, text, found.span.value);
        put_value(&out, value, value_length, &like);
        clq_text_add(&out, text + found.span.end, length - found.span.end);
    } else {
        put_new(&out, text, length, &found, key, value, value_length);
    }
    CLQ_TRY_TO(clq_text_take(&out, what, edited, edited_length, error));
done:
    clq_text_release(&out);
    return status;
}

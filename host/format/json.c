/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "format/json.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/json_string.h"

enum { MAX_DEPTH = 32 };

static const char *const kind_names[] = {"an object", "an array", "a string", "a number", "true", "false", "null"};

/* "X is required, not Y", where Y is what stands at the position. */
static clq_status refuse_other(const clq_json *json, clq_error *error, const char *required)
{
    const unsigned char c = json->position < json->length ? (unsigned char)json->text[json->position] : 0;
    if (json->position >= json->length) {
        return clq_json_refuse(json, json->position, error, "%s is required, not the end of the text", required);
    }
    if (c > 0x20 && c < 0x7F) {
        return clq_json_refuse(json, json->position, error, "%s is required, not '%c'", required, c);
    }
    return clq_json_refuse(json, json->position, error, "%s is required, not the byte 0x%02x", required, c);
}

static void skip_space(clq_json *json)
{
    while (json->position < json->length) {
        const char c = json->text[json->position];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            break;
        }
        json->position++;
    }
}

/* Consume `c` after white space; 0 when something else stands there. */
static int accept(clq_json *json, char c)
{
    skip_space(json);
    if (json->position < json->length && json->text[json->position] == c) {
        json->position++;
        return 1;
    }
    return 0;
}

void clq_json_init(clq_json *json, const char *text, size_t length, const char *what)
{
    json->text = text;
    json->length = length;
    json->position = 0;
    json->depth = 0;
    json->what = what;
}

clq_status clq_json_peek(clq_json *json, clq_json_kind *kind, clq_error *error)
{
    char c = '\0';
    skip_space(json);
    c = json->position < json->length ? json->text[json->position] : '\0';
    switch (c) {
    case '{':
        *kind = CLQ_JSON_OBJECT;
        return CLQ_OK;
    case '[':
        *kind = CLQ_JSON_ARRAY;
        return CLQ_OK;
    case '"':
        *kind = CLQ_JSON_STRING;
        return CLQ_OK;
    case 't':
        *kind = CLQ_JSON_TRUE;
        return CLQ_OK;
    case 'f':
        *kind = CLQ_JSON_FALSE;
        return CLQ_OK;
    case 'n':
        *kind = CLQ_JSON_NULL;
        return CLQ_OK;
    default:
        if (c == '-' || (c >= '0' && c <= '9')) {
            *kind = CLQ_JSON_NUMBER;
            return CLQ_OK;
        }
        return refuse_other(json, error, "a JSON value");
    }
}

/* Peek, and refuse any other kind than `kind`. */
static clq_status require_kind(clq_json *json, clq_json_kind kind, clq_error *error)
{
    clq_json_kind found = kind;
    CLQ_TRY(clq_json_peek(json, &found, error));
    if (found != kind) {
        return clq_json_refuse(json, json->position, error, "%s is required, not %s", kind_names[kind],
                               kind_names[found]);
    }
    return CLQ_OK;
}

clq_status clq_json_enter(clq_json *json, clq_json_kind kind, clq_error *error)
{
    CLQ_TRY(require_kind(json, kind, error));
    if (json->depth >= MAX_DEPTH) {
        return clq_json_refuse(json, json->position, error, "objects and arrays are nested more than %d deep",
                               MAX_DEPTH);
    }
    json->position++;
    json->depth++;
    return CLQ_OK;
}

clq_status clq_json_next(clq_json *json, clq_json_kind kind, int first, int *more, clq_error *error)
{
    const char closing = kind == CLQ_JSON_OBJECT ? '}' : ']';
    *more = 0;
    if (accept(json, closing)) {
        json->depth--;
        return CLQ_OK;
    }
    if (!first && !accept(json, ',')) {
        return refuse_other(json, error, kind == CLQ_JSON_OBJECT ? "',' or '}'" : "',' or ']'");
    }
    *more = 1;
    return CLQ_OK;
}

clq_status clq_json_string(clq_json *json, char **string, size_t *length, clq_error *error)
{
    size_t begin = 0;
    size_t end = 0;
    *string = NULL;
    *length = 0;
    CLQ_TRY(require_kind(json, CLQ_JSON_STRING, error));
    CLQ_TRY(clq_json_scan_string(json, &begin, &end, error));
    *string = malloc(end - begin + 1);
    if (*string == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "%s: memory is exhausted", json->what);
    }
    *length = clq_json_decode_string(json, begin, end, *string);
    return CLQ_OK;
}

/* The name of a member must stand next. */
static clq_status require_key(clq_json *json, clq_error *error)
{
    skip_space(json);
    if (json->position >= json->length || json->text[json->position] != '"') {
        return refuse_other(json, error, "a name in double quotes");
    }
    return CLQ_OK;
}

clq_status clq_json_key(clq_json *json, char **string, size_t *length, clq_error *error)
{
    *string = NULL;
    *length = 0;
    CLQ_TRY(require_key(json, error));
    CLQ_TRY(clq_json_string(json, string, length, error));
    if (!accept(json, ':')) {
        free(*string);
        *string = NULL;
        return refuse_other(json, error, "':'");
    }
    return CLQ_OK;
}

static size_t skip_digits(clq_json *json)
{
    const size_t start = json->position;
    while (json->position < json->length && json->text[json->position] >= '0' && json->text[json->position] <= '9') {
        json->position++;
    }
    return json->position - start;
}

/* Check the number that stands next, and step over it; *whole: it has no sign, fraction or exponent. */
static clq_status scan_number(clq_json *json, size_t *begin, int *whole, clq_error *error)
{
    const char *text = json->text;
    const size_t length = json->length;
    size_t digits = 0;
    size_t first = 0;
    *begin = json->position;
    *whole = 1;
    if (text[json->position] == '-') {
        *whole = 0;
        json->position++;
    }
    first = json->position;
    digits = skip_digits(json);
    if (digits == 0) {
        return refuse_other(json, error, "a digit");
    }
    if (digits > 1 && text[first] == '0') {
        return clq_json_refuse(json, *begin, error, "the number starts with a zero");
    }
    if (json->position < length && text[json->position] == '.') {
        *whole = 0;
        json->position++;
        if (skip_digits(json) == 0) {
            return refuse_other(json, error, "a digit");
        }
    }
    if (json->position < length && (text[json->position] == 'e' || text[json->position] == 'E')) {
        *whole = 0;
        json->position++;
        if (json->position < length && (text[json->position] == '+' || text[json->position] == '-')) {
            json->position++;
        }
        if (skip_digits(json) == 0) {
            return refuse_other(json, error, "a digit");
        }
    }
    return CLQ_OK;
}

clq_status clq_json_u64(clq_json *json, uint64_t *value, clq_error *error)
{
    size_t begin = 0;
    int whole = 0;
    uint64_t sum = 0;
    CLQ_TRY(require_kind(json, CLQ_JSON_NUMBER, error));
    CLQ_TRY(scan_number(json, &begin, &whole, error));
    for (size_t i = begin; whole && i < json->position; i++) {
        const uint64_t digit = (uint64_t)(json->text[i] - '0');
        whole = sum <= (UINT64_MAX - digit) / 10;
        sum = sum * 10 + digit;
    }
    if (!whole) {
        const size_t shown = json->position - begin < 40 ? json->position - begin : 40;
        return clq_json_refuse(json, begin, error, "a whole number from 0 to %" PRIu64 " is required, not %.*s%s",
                               UINT64_MAX, (int)shown, json->text + begin, shown < json->position - begin ? "..." : "");
    }
    *value = sum;
    return CLQ_OK;
}

clq_status clq_json_double(clq_json *json, double *value, clq_error *error)
{
    clq_status status = CLQ_OK;
    locale_t c_locale = (locale_t)0;
    locale_t before = (locale_t)0;
    char *text = NULL;
    size_t begin = 0;
    int whole = 0;
    double result = 0;
    CLQ_TRY(require_kind(json, CLQ_JSON_NUMBER, error));
    CLQ_TRY(scan_number(json, &begin, &whole, error));
    text = malloc(json->position - begin + 1);
    /* strtod takes the decimal point from the locale. */
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (text == NULL || c_locale == (locale_t)0) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "%s: memory is exhausted", json->what);
        goto done;
    }
    memcpy(text, json->text + begin, json->position - begin);
    text[json->position - begin] = '\0';
    before = uselocale(c_locale);
    result = strtod(text, NULL);
    uselocale(before);
    if (!isfinite(result)) {
        status = clq_json_refuse(json, begin, error, "the number is too large for a double");
        goto done;
    }
    *value = result;
done:
    if (c_locale != (locale_t)0) {
        freelocale(c_locale);
    }
    free(text);
    return status;
}

static clq_status skip_literal(clq_json *json, const char *literal, clq_error *error)
{
    const size_t length = strlen(literal);
    if (json->length - json->position < length || memcmp(json->text + json->position, literal, length) != 0) {
        return refuse_other(json, error, "a JSON value");
    }
    json->position += length;
    return CLQ_OK;
}

static clq_status skip_scalar(clq_json *json, clq_json_kind kind, clq_error *error)
{
    size_t begin = 0;
    size_t end = 0;
    int whole = 0;
    if (kind == CLQ_JSON_STRING) {
        return clq_json_scan_string(json, &begin, &end, error);
    }
    if (kind == CLQ_JSON_NUMBER) {
        return scan_number(json, &begin, &whole, error);
    }
    return skip_literal(json, kind_names[kind], error);
}

static clq_status skip_key(clq_json *json, clq_error *error)
{
    size_t begin = 0;
    size_t end = 0;
    CLQ_TRY(require_key(json, error));
    CLQ_TRY(clq_json_scan_string(json, &begin, &end, error));
    return accept(json, ':') ? CLQ_OK : refuse_other(json, error, "':'");
}

/* Not recursive: how deep a file nests must not decide how much stack is used. */
clq_status clq_json_skip(clq_json *json, clq_error *error)
{
    clq_json_kind open[MAX_DEPTH];
    size_t levels = 0;
    do {
        clq_json_kind kind = CLQ_JSON_NULL;
        int first = 0;
        int more = 0;
        CLQ_TRY(clq_json_peek(json, &kind, error));
        if (kind == CLQ_JSON_OBJECT || kind == CLQ_JSON_ARRAY) {
            CLQ_TRY(clq_json_enter(json, kind, error));
            open[levels++] = kind;
            first = 1;
        } else {
            CLQ_TRY(skip_scalar(json, kind, error));
        }
        while (levels > 0 && !more) {
            CLQ_TRY(clq_json_next(json, open[levels - 1], first, &more, error));
            first = 0;
            levels -= !more;
        }
        if (more && open[levels - 1] == CLQ_JSON_OBJECT) {
            CLQ_TRY(skip_key(json, error));
        }
    } while (levels > 0);
    return CLQ_OK;
}

clq_status clq_json_end(clq_json *json, clq_error *error)
{
    skip_space(json);
    return json->position == json->length ? CLQ_OK : refuse_other(json, error, "the end of the text");
}

clq_status clq_json_object(clq_json *json, clq_json_member member, void *cookie, clq_error *error)
{
    int more = 0;
    CLQ_TRY(clq_json_enter(json, CLQ_JSON_OBJECT, error));
    for (int first = 1;; first = 0) {
        char *key = NULL;
        size_t length = 0;
        clq_status status;
        CLQ_TRY(clq_json_next(json, CLQ_JSON_OBJECT, first, &more, error));
        if (!more) {
            return CLQ_OK;
        }
        CLQ_TRY(clq_json_key(json, &key, &length, error));
        status = member(cookie, json, &key, length, error);
        free(key);
        CLQ_TRY(status);
    }
}

int clq_json_is(const char *key, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(key, name, length) == 0;
}

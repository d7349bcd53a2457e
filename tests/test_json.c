/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON parser and the quoting of strings: host/format/json.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/json.h"

/* Skip the one value of `text`, which must end there. The text is copied, so that a sanitizer sees its end. */
static clq_status skip_all(const char *text, size_t length, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_json json;
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    clq_json_init(&json, copy, length, "text");
    status = clq_json_skip(&json, error);
    if (status == CLQ_OK) {
        status = clq_json_end(&json, error);
    }
    free(copy);
    return status;
}

static void accepts_what_is_json(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " \t\r\n{ } ",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-12.5e+10",
        "1E5",
        "0.0",
        "\"\"",
        "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u0000\"",
        "\"\x7f\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "{\"a\":{\"b\":[1,{\"c\":[]}]},\"a\":2}",
        "[[],[[]],{}]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        clq_error error = {0};
        if (skip_all(texts[i], strlen(texts[i]), &error) != CLQ_OK) {
            fail_msg("%s: %s", texts[i], error.message);
        }
    }
}

static void refuses_what_is_not_json(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "a JSON value is required, not the end of the text"},
        {"  ", "byte 2: a JSON value is required, not the end"},
        {"\xEF\xBB\xBF{}", "byte 0: a JSON value is required, not the byte 0xef"},
        {"{,}", "a name in double quotes is required, not ','"},
        {"{'a':1}", "a name in double quotes is required, not '''"},
        {"{a:1}", "a name in double quotes is required, not 'a'"},
        {"{\"a\":1,}", "a name in double quotes is required, not '}'"},
        {"{\"a\"}", "':' is required, not '}'"},
        {"{\"a\" 1}", "':' is required, not '1'"},
        {"{\"a\":}", "a JSON value is required, not '}'"},
        {"{\"a\":1 \"b\":2}", "',' or '}' is required, not '\"'"},
        {"{\"a\":1", "',' or '}' is required, not the end"},
        {"{\"a\":1]", "',' or '}' is required, not ']'"},
        {"[1,]", "a JSON value is required, not ']'"},
        {"[1 2]", "',' or ']' is required, not '2'"},
        {"[1}", "',' or ']' is required, not '}'"},
        {"[", "a JSON value is required, not the end"},
        {"]", "a JSON value is required, not ']'"},
        {"{} {}", "the end of the text is required, not '{'"},
        {"1 // one", "the end of the text is required, not '/'"},
        {"NaN", "a JSON value is required, not 'N'"},
        {"nan", "a JSON value is required, not 'n'"},
        {"Infinity", "a JSON value is required, not 'I'"},
        {"-Infinity", "a digit is required, not 'I'"},
        {"nul", "a JSON value is required"},
        {"truely", "the end of the text is required, not 'l'"},
        {"+1", "a JSON value is required, not '+'"},
        {"01", "the number starts with a zero"},
        {"-01", "the number starts with a zero"},
        {"-", "a digit is required, not the end"},
        {".5", "a JSON value is required, not '.'"},
        {"1.", "a digit is required, not the end"},
        {"1.e5", "a digit is required, not 'e'"},
        {"1e", "a digit is required, not the end"},
        {"1e+", "a digit is required, not the end"},
        {"0x10", "the end of the text is required, not 'x'"},
        {"\"a", "the string has no end"},
        {"\"a\\", "the string holds an invalid escape"},
        {"\"\\\"", "the string has no end"},
        {"\"\\x\"", "the string holds an invalid escape"},
        {"\"\\u12\"", "the string holds an invalid escape"},
        {"\"\\u12G4\"", "the string holds an invalid escape"},
        {"\"\\ud800\"", "half of a surrogate pair"},
        {"\"\\ud800\\n\"", "half of a surrogate pair"},
        {"\"\\ud800\\ud800\"", "half of a surrogate pair"},
        {"\"\\udc00\"", "half of a surrogate pair"},
        {"\"\\udc00\\udc00\"", "half of a surrogate pair"},
        {"\"\\ud800\\udc0\"", "half of a surrogate pair"},
        {"\"a\nb\"", "the control character 0x0a, which must be escaped"},
        {"\"\xff\"", "not valid UTF-8"},
        {"\"\x80\"", "not valid UTF-8"},
        {"\"\xc0\x80\"", "not valid UTF-8"},
        {"\"\xc3\"", "not valid UTF-8"},
        {"\"\xe0\x80\x80\"", "not valid UTF-8"},
        {"\"\xed\xa0\x80\"", "not valid UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "not valid UTF-8"},
        {"\"\xf8\x88\x80\x80\x80\"", "not valid UTF-8"},
        {"\"\xe2\x82", "not valid UTF-8"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested more than 32 deep"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clq_error error = {0};
        const clq_status status = skip_all(cases[i].text, strlen(cases[i].text), &error);
        if (status != CLQ_BAD_FILE || strstr(error.message, cases[i].message) == NULL ||
            strstr(error.message, "text, byte ") != error.message) {
            fail_msg("%s: status %d, message '%s', expected '%s'", cases[i].text, (int)status, error.message,
                     cases[i].message);
        }
    }
}

/* Every prefix of a text that uses all of the grammar is refused, and none is read beyond. */
static void refuses_every_prefix(void **state)
{
    static const char text[] =
        "{\"a\\u00e9\\ud83d\\ude00\xe2\x82\xac\":[1,-2.5e+3,true,false,null,\"\\n\",{\"b\":[]}]}";
    (void)state;
    for (size_t length = 0; length < sizeof text - 1; length++) {
        assert_int_equal(skip_all(text, length, NULL), CLQ_BAD_FILE);
    }
    assert_int_equal(skip_all(text, sizeof text - 1, NULL), CLQ_OK);
}

static void refuses_a_million_brackets(void **state)
{
    const size_t length = 1000000;
    char *text = malloc(length);
    (void)state;
    assert_non_null(text);
    memset(text, '[', length);
    assert_int_equal(skip_all(text, length, NULL), CLQ_BAD_FILE);
    free(text);
}

static void decodes_strings(void **state)
{
    static const char text[] = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000z\xc3\xa9\"";
    static const char want[] = "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0z\xc3\xa9";
    clq_json json;
    clq_error error = {0};
    char *string = NULL;
    size_t length = 0;
    (void)state;
    clq_json_init(&json, text, sizeof text - 1, "text");
    assert_int_equal(clq_json_string(&json, &string, &length, &error), CLQ_OK);
    assert_int_equal(length, sizeof want - 1);
    assert_memory_equal(string, want, sizeof want);
    assert_int_equal(clq_json_end(&json, &error), CLQ_OK);
    free(string);
}

static void reads_whole_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
        const char *message; /* NULL: accepted */
    } cases[] = {
        {"0", 0, NULL},
        {"9007199254740993", 9007199254740993u, NULL},
        {"18446744073709551615", UINT64_MAX, NULL},
        {"18446744073709551616", 0, "is required, not 18446744073709551616"},
        {"99999999999999999999", 0, "is required, not 99999999999999999999"},
        {"184467440737095516150000000000000000000000000000", 0, "not 1844674407370955161500000000000000000000..."},
        {"-1", 0, "a whole number from 0 to 18446744073709551615 is required, not -1"},
        {"-0", 0, "is required, not -0"},
        {"1.0", 0, "is required, not 1.0"},
        {"1e3", 0, "is required, not 1e3"},
        {"\"1\"", 0, "a number is required, not a string"},
        {"true", 0, "a number is required, not true"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clq_json json;
        clq_error error = {0};
        uint64_t value = 0;
        clq_json_init(&json, cases[i].text, strlen(cases[i].text), "text");
        if (clq_json_u64(&json, &value, &error) == CLQ_OK) {
            assert_null(cases[i].message);
            assert_true(value == cases[i].value);
        } else if (cases[i].message == NULL || strstr(error.message, cases[i].message) == NULL) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
    }
}

static void reads_doubles(void **state)
{
    static const char text[] = "[0.1, -1.5e300, 12, 1e-400, 1e400]";
    static const double want[] = {0.1, -1.5e300, 12, 0};
    clq_json json;
    clq_error error = {0};
    double value = 0;
    int more = 0;
    (void)state;
    clq_json_init(&json, text, sizeof text - 1, "text");
    assert_int_equal(clq_json_enter(&json, CLQ_JSON_ARRAY, &error), CLQ_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(clq_json_next(&json, CLQ_JSON_ARRAY, i == 0, &more, &error), CLQ_OK);
        assert_int_equal(more, 1);
        assert_int_equal(clq_json_double(&json, &value, &error), CLQ_OK);
        assert_true(value == want[i]);
    }
    assert_int_equal(clq_json_next(&json, CLQ_JSON_ARRAY, 0, &more, &error), CLQ_OK);
    assert_int_equal(clq_json_double(&json, &value, &error), CLQ_BAD_FILE);
    assert_non_null(strstr(error.message, "too large for a double"));
}

static void walks_objects(void **state)
{
    static const char text[] = "{ \"a\" : [ ] , \"b\" : { } }";
    clq_json json;
    clq_error error = {0};
    clq_json_kind kind = CLQ_JSON_NULL;
    char *key = NULL;
    size_t length = 0;
    int more = 0;
    (void)state;
    clq_json_init(&json, text, sizeof text - 1, "text");
    assert_int_equal(clq_json_enter(&json, CLQ_JSON_ARRAY, &error), CLQ_BAD_FILE);
    assert_string_equal(error.message, "text, byte 0: an array is required, not an object");
    assert_int_equal(clq_json_enter(&json, CLQ_JSON_OBJECT, &error), CLQ_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(clq_json_next(&json, CLQ_JSON_OBJECT, i == 0, &more, &error), CLQ_OK);
        assert_int_equal(more, 1);
        assert_int_equal(clq_json_key(&json, &key, &length, &error), CLQ_OK);
        assert_string_equal(key, i == 0 ? "a" : "b");
        free(key);
        assert_int_equal(clq_json_peek(&json, &kind, &error), CLQ_OK);
        assert_int_equal(kind, i == 0 ? CLQ_JSON_ARRAY : CLQ_JSON_OBJECT);
        assert_int_equal(clq_json_skip(&json, &error), CLQ_OK);
    }
    assert_int_equal(clq_json_next(&json, CLQ_JSON_OBJECT, 0, &more, &error), CLQ_OK);
    assert_int_equal(more, 0);
    assert_int_equal(json.depth, 0);
    assert_int_equal(clq_json_end(&json, &error), CLQ_OK);
}

static void quotes_strings(void **state)
{
    static const char text[] = "a\"\\/\b\f\n\r\t\x01\0\x7f\xc3\xa9\xff\xe2\x82";
    static const char want[] =
        "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u0000\x7f\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"";
    char *quoted = clq_json_quote(text, sizeof text - 1);
    (void)state;
    assert_non_null(quoted);
    assert_string_equal(quoted, want);
    assert_int_equal(skip_all(quoted, strlen(quoted), NULL), CLQ_OK);
    free(quoted);
}

/* Whatever bytes are quoted, the result is JSON; what was UTF-8 comes back. */
static void quoting_and_decoding_agree(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x110000; c += c < 0x900 ? 1 : 0x1F3) {
        char text[8] = {0};
        const size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        char *quoted = NULL;
        char *string = NULL;
        size_t decoded = 0;
        clq_json json;
        if (length == 1) {
            text[0] = (char)c;
        } else {
            static const unsigned lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
            for (size_t i = 0; i < length; i++) {
                const unsigned bits = c >> (6 * (length - 1 - i));
                text[i] = (char)(unsigned char)(i == 0 ? lead[length] | bits : 0x80 | (bits & 0x3F));
            }
        }
        quoted = clq_json_quote(text, length);
        assert_non_null(quoted);
        clq_json_init(&json, quoted, strlen(quoted), "text");
        assert_int_equal(clq_json_string(&json, &string, &decoded, NULL), CLQ_OK);
        if (c < 0xD800 || c > 0xDFFF) {
            assert_int_equal(decoded, length);
            assert_memory_equal(string, text, length);
        }
        free(string);
        free(quoted);
    }
}

/* Two members by name; one keeps its name. */
typedef struct taken {
    uint64_t a;
    char *kept;
    int others;
} taken;

static clq_status take_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    taken *into = cookie;
    if (clq_json_is(*key, length, "a")) {
        return clq_json_u64(json, &into->a, error);
    }
    if (clq_json_is(*key, length, "kept")) {
        into->kept = *key;
        *key = NULL;
    } else {
        into->others += 1;
    }
    return clq_json_skip(json, error);
}

/* A name with a NUL inside is not the one that ends there. */
static void hands_out_members(void **state)
{
    static const char TEXT[] = "{\"a\\u0000b\": 9, \"a\": 7, \"\": [], \"kept\": {\"a\": 8}, \"kep\": null}";
    taken into = {0, NULL, 0};
    clq_json json;
    (void)state;
    clq_json_init(&json, TEXT, sizeof TEXT - 1, "text");
    assert_int_equal(clq_json_object(&json, take_member, &into, NULL), CLQ_OK);
    assert_int_equal(clq_json_end(&json, NULL), CLQ_OK);
    assert_true(into.a == 7 && into.others == 3);
    assert_string_equal(into.kept, "kept");
    free(into.kept);
    clq_json_init(&json, "{\"a\": -1}", 9, "text");
    assert_int_equal(clq_json_object(&json, take_member, &into, NULL), CLQ_BAD_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_json), cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(refuses_every_prefix), cmocka_unit_test(refuses_a_million_brackets),
        cmocka_unit_test(decodes_strings),      cmocka_unit_test(reads_whole_numbers),
        cmocka_unit_test(reads_doubles),        cmocka_unit_test(walks_objects),
        cmocka_unit_test(quotes_strings),       cmocka_unit_test(quoting_and_decoding_agree),
        cmocka_unit_test(hands_out_members),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

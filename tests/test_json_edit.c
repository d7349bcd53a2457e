/* SPDX-License-Identifier: Apache-2.0 */
/* One member of somebody else's JSON is changed, and all else stays byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/json_edit.h"

/* As clq_json_writer writes a member of the outermost object. */
static const char VALUE[] = "{\n    \"a\": [1, 2],\n    \"b\": {\n      \"c\": \"x\"\n    }\n  }";

static void becomes(const char *text, const char *value, const char *want)
{
    char *got = NULL;
    size_t length = 0;
    clq_error error = {0};
    if (clq_json_edit(text, strlen(text), "config.json", "q", value, value != NULL ? strlen(value) : 0, &got, &length,
                      &error) != CLQ_OK) {
        fail_msg("%s: %s", text, error.message);
    }
    assert_string_equal(got, want);
    assert_int_equal(length, strlen(want));
    free(got);
}

static void adds_a_member_as_the_others_stand(void **state)
{
    (void)state;
    becomes("{}", "1", "{\"q\": 1}");
    becomes(" { } \n", "1", " {\"q\": 1 } \n");
    becomes("{\"a\":1}", VALUE, "{\"a\":1, \"q\": {\"a\": [1, 2], \"b\": {\"c\": \"x\"}}}");
    becomes("{\n  \"a\" : 1.0e2\n}\n", VALUE,
            "{\n  \"a\" : 1.0e2,\n  \"q\": {\n    \"a\": [1, 2],\n    \"b\": {\n      \"c\": \"x\"\n    }\n  }\n}\n");
    becomes("{\n\t\"a\": {\"q\": 0}\n}", VALUE,
            "{\n\t\"a\": {\"q\": 0},\n\t\"q\": {\n\t\t\"a\": [1, 2],\n\t\t\"b\": {\n\t\t\t\"c\": \"x\"\n\t\t}\n\t}\n}");
    becomes("{\r\n \"a\": \"}\",\r\n\r\n \"b\": [ ]  \r\n}", "1",
            "{\r\n \"a\": \"}\",\r\n\r\n \"b\": [ ],\r\n \"q\": 1  \r\n}");
}

static void replaces_a_member_where_it_stands(void **state)
{
    (void)state;
    becomes("{\"q\":0}", "1", "{\"q\":1}");
    becomes("{\"\\u0071\" :  {\"x\": [{}]} , \"a\": 1}", "true", "{\"\\u0071\" :  true , \"a\": 1}");
    becomes("{\n  \"a\": 1,\n  \"q\": null,\n  \"b\": 2\n}", "{\n    \"c\": 3\n  }",
            "{\n  \"a\": 1,\n  \"q\": {\n    \"c\": 3\n  },\n  \"b\": 2\n}");
}

/* What was added is taken away to the very bytes from before. */
static void removes_a_member(void **state)
{
    static const char *const TEXTS[] = {"{\"a\":1}", "{\n  \"a\" : 1\n}\n", "{\n\t\"a\": [\n1 ] }", "{}",
                                        "{\r\n  \"a\": 1,\r\n  \"b\":{}\r\n}"};
    (void)state;
    becomes("{\"a\": 1}", NULL, "{\"a\": 1}");
    becomes("{\"q\": 0}", NULL, "{}");
    becomes("{ \"q\": 0, \"a\": 1 }", NULL, "{ \"a\": 1 }");
    becomes("{\"a\": 1, \"q\": {\"z\": 2}, \"b\": 3}", NULL, "{\"a\": 1, \"b\": 3}");
    becomes("{\n  \"a\": 1,\n  \"q\": 0\n}\n", NULL, "{\n  \"a\": 1\n}\n");
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        char *with = NULL;
        size_t length = 0;
        assert_int_equal(clq_json_edit(TEXTS[i], strlen(TEXTS[i]), "config.json", "q", VALUE, sizeof VALUE - 1, &with,
                                       &length, NULL),
                         CLQ_OK);
        becomes(with, NULL, TEXTS[i]);
        free(with);
    }
}

static void refuses_what_is_no_object(void **state)
{
    static const struct {
        const char *text, *message;
    } CASES[] = {
        {"", "config.json"},
        {"[]", "an object is required, not an array"},
        {"{\"a\": 1,}", "a name in double quotes is required"},
        {"{\"a\": 1} x", "the end of the text is required"},
        {"{\"a\": NaN}", "a JSON value is required"},
        {"{\"q\": 1, \"a\": 2, \"q\": 3}", "config.json: 'q' stands twice"},
        {"{// none\n}", "a name in double quotes is required"},
        {"\xEF\xBB\xBF{}", "not the byte 0xef"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *edited = NULL;
        size_t length = 0;
        clq_error error = {0};
        assert_int_equal(
            clq_json_edit(CASES[i].text, strlen(CASES[i].text), "config.json", "q", "1", 1, &edited, &length, &error),
            CLQ_BAD_FILE);
        if (strstr(error.message, CASES[i].message) == NULL) {
            fail_msg("%s: %s", CASES[i].text, error.message);
        }
        assert_null(edited);
    }
}

/* The text may end anywhere, without a NUL after it. */
static void reads_no_further_than_the_text(void **state)
{
    static const char TEXT[] = "{\n  \"a\": [1, \"x\\n\"],\n  \"q\": {\"b\": -1.5e3}\n}";
    (void)state;
    for (size_t length = 0; length < sizeof TEXT - 1; length++) {
        char *text = malloc(length > 0 ? length : 1);
        char *edited = NULL;
        size_t edited_length = 0;
        assert_non_null(text);
        memcpy(text, TEXT, length);
        assert_int_equal(clq_json_edit(text, length, "config.json", "q", "1", 1, &edited, &edited_length, NULL),
                         CLQ_BAD_FILE);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_a_member_as_the_others_stand),
        cmocka_unit_test(replaces_a_member_where_it_stands),
        cmocka_unit_test(removes_a_member),
        cmocka_unit_test(refuses_what_is_no_object),
        cmocka_unit_test(reads_no_further_than_the_text),
    };
    return cmocka_run_group_tests_name("json_edit", tests, NULL, NULL);
}

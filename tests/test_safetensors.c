/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and planning safetensors files: host/format/safetensors.h, and the kinds of files that host/format/model.h
 * tells. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "format/file.h"
#include "format/model.h"
#include "format/safetensors.h"
#include "scratch.h"

static void put_length(unsigned char *bytes, uint64_t length)
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(length >> (8 * i));
    }
}

/* A file of this header and of data counting up from 0. */
static const char *write_file_bytes(const char *name, const char *header, size_t length, size_t data)
{
    unsigned char *bytes = malloc(8 + length + data);
    const char *path = NULL;
    assert_non_null(bytes);
    put_length(bytes, length);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data; i++) {
        bytes[8 + length + i] = (unsigned char)i;
    }
    path = scratch_write(name, bytes, 8 + length + data);
    free(bytes);
    return path;
}

static const char *write_file(const char *name, const char *header, size_t data)
{
    return write_file_bytes(name, header, strlen(header), data);
}

static clq_model *open_ok(const char *path)
{
    clq_model *model = NULL;
    clq_error error = {0};
    if (clq_model_open(path, &model, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    return model;
}

static void open_bad(const char *path, clq_status status, const char *message)
{
    clq_model *model = NULL;
    clq_error error = {0};
    const clq_status got = clq_model_open(path, &model, &error);
    if (got != status || strstr(error.message, message) == NULL || strchr(error.message, '\n') != NULL) {
        fail_msg("status %d (expected %d), message '%s', expected '%s'", (int)got, (int)status, error.message, message);
    }
    assert_null(model);
    assert_int_equal(clq_model_open(path, &model, NULL), status);
}

#define A(dtype, shape, offsets) "\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define B(dtype, shape, offsets) "\"b\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["

static const struct {
    const char *header;
    size_t data;
    const char *message;
} refused[] = {
    /* not JSON, not an object */
    {"[]", 0, "header, byte 0: an object is required, not an array"},
    {"\"a\"", 0, "an object is required, not a string"},
    {"hello", 0, "a JSON value is required, not 'h'"},
    {"{", 0, "a name in double quotes is required, not the end"},
    {"{\"a\":" DEEP, 0, "an object is required, not an array"},
    {"{" A("U8", "[0]", "[0,0]") ",}", 0, "a name in double quotes is required, not '}'"},
    {"{}x", 0, "byte 2: the end of the text is required, not 'x'"},
    {"{}{}", 0, "byte 2: the end of the text is required, not '{'"},
    {"{\"\xff\":1}", 0, "the string is not valid UTF-8"},
    {"{\"a\\ud800\":1}", 0, "half of a surrogate pair"},
    {"{\"a\nb\":1}", 0, "control character 0x0a"},
    /* entries */
    {"{\"a\":1}", 0, "tensor 'a', byte 5: an object is required, not a number"},
    {"{\"a\":null}", 0, "an object is required, not null"},
    {"{\"a\":{}}", 0, "tensor 'a': has no 'dtype'"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0, "tensor 'a': has no 'shape'"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, "tensor 'a': has no 'data_offsets'"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "key 'dtype' stands twice"},
    {"{\"a\":{\"shape\":[0],\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "key 'shape' stands twice"},
    {"{\"a\":{\"data_offsets\":[0,0],\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
     "key 'data_offsets' stands twice"},
    {"{\"a\":{\"x\":1,\"dtype\":\"U8\",\"x\":1,\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "key 'x' stands twice"},
    {"{\"a\":{\"x\":" DEEP "}}", 0, "nested more than 32 deep"},
    {"{\"a\":{\"x\":01}}", 0, "the number starts with a zero"},
    /* dtype */
    {"{\"a\":{\"dtype\":1,\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "tensor 'a', byte 14: a string is required"},
    {"{" A("", "[0]", "[0,0]") "}", 0, "dtype '' is not a name of 1 to 15 bytes"},
    {"{" A("U8\\u0000", "[0]", "[0,0]") "}", 0, "dtype 'U8' is not a name of 1 to 15 bytes"},
    {"{" A("F8_OF_THE_FUTURE", "[0]", "[0,0]") "}", 0, "dtype 'F8_OF_THE_FUTURE' is not a name of 1 to 15 bytes"},
    /* shape */
    {"{" A("U8", "1", "[0,1]") "}", 1, "an array is required, not a number"},
    {"{" A("U8", "[-1]", "[0,1]") "}", 1, "a whole number from 0 to 18446744073709551615 is required, not -1"},
    {"{" A("U8", "[1.0]", "[0,1]") "}", 1, "is required, not 1.0"},
    {"{" A("U8", "[1e0]", "[0,1]") "}", 1, "is required, not 1e0"},
    {"{" A("U8", "[\\\"1\\\"]", "[0,1]") "}", 1, "a JSON value is required"},
    {"{" A("U8", "[true]", "[0,1]") "}", 1, "a number is required, not true"},
    {"{" A("U8", "[[1]]", "[0,1]") "}", 1, "a number is required, not an array"},
    {"{" A("U8", "[18446744073709551616]", "[0,1]") "}", 1, "is required, not 18446744073709551616"},
    {"{" A("U8", "[2,18446744073709551614]", "[0,16]") "}", 16,
     "the number of elements of shape [2, 18446744073709551614] overflows 64 bits"},
    {"{" A("F32", "[2,9223372036854775807]", "[0,16]") "}", 16,
     "the size of shape [2, 9223372036854775807] of F32 overflows 64 bits"},
    {"{" A("NEW", "[4294967296,4294967296]", "[0,16]") "}", 16, "the number of elements"},
    {"{" A("F32", "[9223372036854775808,4,0]", "[0,0]") "}", 0, "the number of elements"},
    {"{" A("F4", "[3]", "[0,2]") "}", 2, "shape [3] of F4 does not fill whole bytes"},
    {"{" A("F6_E2M3", "[2]", "[0,2]") "}", 2, "shape [2] of F6_E2M3 does not fill whole bytes"},
    {"{" A("F32", "[2,2]", "[0,12]") "}", 12,
     "tensor 'a': data_offsets [0, 12] hold 12 bytes, but shape [2, 2] of F32 needs 16"},
    {"{" A("F32", "[2,2]", "[0,20]") "}", 20, "hold 20 bytes, but shape [2, 2] of F32 needs 16"},
    {"{" A("U8", "[0]", "[0,1]") "}", 1, "hold 1 bytes, but shape [0] of U8 needs 0"},
    {"{" A("U8", "[]", "[0,0]") "}", 0, "hold 0 bytes, but shape [] of U8 needs 1"},
    {"{" A("F4", "[2]", "[0,2]") "}", 2, "hold 2 bytes, but shape [2] of F4 needs 1"},
    /* data_offsets */
    {"{" A("U8", "[0]", "{}") "}", 0, "an array is required, not an object"},
    {"{" A("U8", "[0]", "[]") "}", 0, "data_offsets hold fewer than two numbers"},
    {"{" A("U8", "[0]", "[0]") "}", 0, "data_offsets hold fewer than two numbers"},
    {"{" A("U8", "[0]", "[0,0,0]") "}", 0, "data_offsets hold more than two numbers"},
    {"{" A("U8", "[1]", "[-1,0]") "}", 1, "is required, not -1"},
    {"{" A("U8", "[1]", "[1,0]") "}", 1, "data_offsets [1, 0] end before they begin"},
    {"{" A("U8", "[2]", "[0,2]") "}", 1, "data_offsets [0, 2] reach beyond the file, which holds 1 bytes of data"},
    {"{" A("U8", "[1]", "[18446744073709551614,18446744073709551615]") "}", 1, "reach beyond the file"},
    {"{" A("U8", "[1]", "[18446744073709551615,18446744073709551616]") "}", 1, "is required, not 18446744073709551616"},
    /* all entries together */
    {"{" A("U8", "[2]", "[0,2]") "," A("U8", "[2]", "[0,2]") "}", 2, "tensor 'a': stands twice in the header"},
    {"{" A("U8", "[0]", "[0,0]") "," A("U8", "[2]", "[0,2]") "}", 2, "tensor 'a': stands twice in the header"},
    {"{" A("U8", "[0]", "[0,0]") "," A("U8", "[0]", "[0,0]") "}", 0, "tensor 'a': stands twice in the header"},
    {"{" A("U8", "[0]", "[0,0]") ",\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2,
     "tensor 'a': stands twice in the header"},
    {"{" A("U8", "[2]", "[0,2]") "," B("U8", "[2]", "[0,2]") "}", 2,
     "data begins at 0 and overlaps tensor 'a', which ends at 2"},
    {"{" A("U8", "[2]", "[0,2]") "," B("U8", "[2]", "[1,3]") "}", 3,
     "tensor 'b': data begins at 1 and overlaps tensor 'a'"},
    {"{" A("U8", "[4]", "[0,4]") "," B("U8", "[2]", "[1,3]") "}", 4, "overlaps tensor 'a', which ends at 4"},
    {"{" A("U8", "[4]", "[0,4]") "," B("U8", "[0]", "[2,2]") "}", 4, "overlaps tensor 'a', which ends at 4"},
    {"{" A("U8", "[2]", "[0,2]") "," B("U8", "[2]", "[3,5]") "}", 5,
     "tensor 'b': data begins at 3, which leaves a gap after 2"},
    {"{" A("U8", "[2]", "[1,3]") "}", 3, "tensor 'a': data begins at 1, which leaves a gap after 0"},
    {"{" A("U8", "[0]", "[2,2]") "}", 2, "tensor 'a': data begins at 2, which leaves a gap after 0"},
    {"{" A("U8", "[2]", "[0,2]") "}", 3, "1 bytes are left over: the tensors end at"},
    {"{}", 1, "1 bytes are left over: the tensors end at 10 and the file at 11"},
    /* names */
    {"{\"\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "a tensor has an empty name"},
    {"{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "'a...' holds a NUL character"},
    {"{\"a\\u001b[2Jb\":{}}", 0, "tensor 'a\\x1b[2Jb': has no 'dtype'"},
    /* metadata */
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__' stands twice"},
    {"{\"__metadata__\":1}", 0, "an object is required, not a number"},
    {"{\"__metadata__\":null}", 0, "an object is required, not null"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "__metadata__ in the header, byte 21: a string is required, not a number"},
    {"{\"__metadata__\":{\"k\":{\"l\":\"m\"}}}", 0, "a string is required, not an object"},
    {"{\"__metadata__\":{\"k\":null}}", 0, "a string is required, not null"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"1\"}}", 0, "the metadata key 'k' stands twice"},
    {"{\"__metadata__\":{\"k\\u0000\":\"1\"}}", 0, "a metadata key holds a NUL character"},
    {"{\"__metadata__\":{\"k\":\"1\\u0000\"}}", 0, "the metadata value of 'k' holds a NUL character"},
};

static void refuses_bad_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        open_bad(write_file("bad.safetensors", refused[i].header, refused[i].data), CLQ_BAD_FILE, refused[i].message);
        open_bad(scratch_path("bad.safetensors"), CLQ_BAD_FILE, "bad.safetensors: ");
    }
}

static void refuses_bad_lengths(void **state)
{
    static const struct {
        uint64_t length;
        size_t file_bytes;
        const char *message;
    } cases[] = {
        {0, 8, "the header length is 0"},
        {0, 100, "the header length is 0"},
        {1, 8, "the header length is 1, but only 0 bytes follow it"},
        {93, 100, "the header length is 93, but only 92 bytes follow it"},
        {100, 100, "the header length is 100, but only 92 bytes follow it"},
        {100000000, 100, "the header length is 100000000, but only 92 bytes follow it"},
        {100000001, 100, "the header length is 100000001; at most 100000000 is allowed"},
        {UINT64_C(1) << 63, 100, "the header length is 9223372036854775808; at most"},
        {UINT64_MAX, 100, "the header length is 18446744073709551615; at most"},
        {UINT64_MAX - 7, 100, "the header length is 18446744073709551608; at most"},
        /* 123 is the code of '{', and still the length of a header */
        {123, 100, "the header length is 123, but only 92 bytes follow it"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[100] = {0};
        put_length(bytes, cases[i].length);
        open_bad(scratch_write("length.safetensors", bytes, cases[i].file_bytes), CLQ_BAD_FILE, cases[i].message);
    }
    open_bad(scratch_write("length.safetensors", "", 0), CLQ_BAD_FILE, "the file is empty");
    open_bad(scratch_write("length.safetensors", "\x02\0\0\0\0\0\0", 7), CLQ_BAD_FILE,
             "the file has 7 bytes; a safetensors file has at least the 8 of a header length");
}

/* Cut anywhere, a file is refused. */
static void refuses_every_truncation(void **state)
{
    const char *path =
        write_file("whole.safetensors",
                   "{\"__metadata__\":{\"k\":\"v\"}," A("F32", "[2]", "[0,8]") "," B("I8", "[3]", "[8,11]") "}", 11);
    size_t length = 0;
    char *bytes = scratch_read(path, &length);
    clq_model *model = open_ok(path);
    (void)state;
    clq_model_close(&model);
    for (size_t cut = 0; cut < length; cut++) {
        assert_int_equal(clq_model_open(scratch_write("cut.safetensors", bytes, cut), &model, NULL), CLQ_BAD_FILE);
    }
    free(bytes);
}

static void accepts_oddities(void **state)
{
    static const struct {
        const char *header;
        size_t data;
        size_t tensors;
    } cases[] = {
        {"{}", 0, 0},
        {" \t\r\n{}", 0, 0},
        {"{}  \n\t\r ", 0, 0},
        {"{\"__metadata__\":{}}", 0, 0},
        {"{" A("F32", "[]", "[0,4]") "}", 4, 1},
        {"{" A("F32", "[0]", "[0,0]") "}", 0, 1},
        {"{" A("F32", "[3,0,5]", "[0,0]") "," B("U8", "[0,9223372036854775807]", "[0,0]") "}", 0, 2},
        {"{" A("U8", "[2]", "[2,4]") "," B("U8", "[2]", "[0,2]") "}", 4, 2},
        {"{" A("U8", "[0]", "[2,2]") "," B("U8", "[2]", "[0,2]") "}", 2, 2},
        {"{" A("NEW_TYPE", "[3,7]", "[0,5]") "}", 5, 1},
        {"{" A("F4", "[2,3]", "[0,3]") "," B("F6_E3M2", "[4]", "[3,6]") "}", 6, 2},
        {"{" A("U8", "[1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, 1},
        {"{\"a\":{\"extra\":[{\"deep\":1.5e3}],\"dtype\":\"U8\",\"more\":null,\"shape\":[1],\"data_offsets\":[0,1]}}",
         1, 1},
        {"{\"a\":{\"data_offsets\":[0,1],\"shape\":[1],\"dtype\":\"U8\"},\"__metadata__\":{\"k\":\"\"}}", 1, 1},
        {"{\"../a/b\\\\c\\u001b\\u00e9\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, 1},
        {"{ \"a\" : { \"dtype\" : \"U8\" , \"shape\" : [ 1 ] , \"data_offsets\" : [ 0 , 1 ] } } ", 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clq_model *model = open_ok(write_file("odd.safetensors", cases[i].header, cases[i].data));
        assert_int_equal(model->kind, CLQ_MODEL_SAFETENSORS);
        assert_int_equal(model->tensor_count, cases[i].tensors);
        assert_null(model->warning);
        clq_model_close(&model);
        assert_null(model);
    }
}

static void reads_records_and_data(void **state)
{
    clq_model *model =
        open_ok(write_file("m.safetensors",
                           "{" B("F4", "[2,3]", "[8,11]") "," A(
                               "F32", "[2]", "[0,8]") ",\"__metadata__\":{\"format\":\"pt\",\"x\":\"\\u00e9\"}}",
                           11));
    unsigned char bytes[8];
    (void)state;
    assert_int_equal(model->shard_count, 1);
    assert_string_equal(model->shards[0].file_name, "m.safetensors");
    assert_string_equal(model->tensors[0].name, "a");
    assert_string_equal(model->tensors[1].name, "b");
    assert_int_equal(clq_model_find(model, "a"), 0);
    assert_int_equal(clq_model_find(model, "b"), 1);
    assert_true(clq_model_find(model, "c") == SIZE_MAX);
    assert_string_equal(model->tensors[0].dtype.name, "F32");
    assert_int_equal(model->tensors[0].dtype.type, CLQ_F32);
    assert_int_equal(model->tensors[1].dtype.bits, 4);
    assert_int_equal(model->tensors[1].dtype.type, 0);
    assert_int_equal(model->tensors[1].rank, 2);
    assert_int_equal(model->tensors[1].elements, 6);
    assert_int_equal(model->tensors[1].bytes, 3);
    assert_string_equal(clq_model_metadata(model, 0, "format"), "pt");
    assert_string_equal(clq_model_metadata(model, 0, "x"), "\xc3\xa9");
    assert_null(clq_model_metadata(model, 0, "y"));
    assert_null(clq_model_metadata(model, 1, "x"));
    assert_int_equal(clq_model_read(model, 0, 1, 1, bytes, NULL), CLQ_OK);
    assert_memory_equal(bytes, "\x04\x05\x06\x07", 4);
    assert_int_equal(clq_model_read(model, 1, 2, 3, bytes, NULL), CLQ_OK);
    assert_memory_equal(bytes, "\x09\x0a", 2);
    assert_int_equal(clq_model_read_bytes(model, 0, 7, 1, bytes, NULL), CLQ_OK);
    assert_int_equal(bytes[0], 7);
    assert_int_equal(clq_model_read(model, 0, 1, 2, bytes, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_read(model, 0, UINT64_MAX, 1, bytes, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_read(model, 0, 1, UINT64_MAX, bytes, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_read(model, 1, 1, 2, bytes, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_read(model, 2, 0, 0, bytes, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_read_bytes(model, 1, 3, 1, bytes, NULL), CLQ_INVALID_ARGUMENT);
    clq_model_close(&model);
}

static void reads_unknown_types_by_bytes_only(void **state)
{
    clq_model *model = open_ok(write_file("new.safetensors", "{" A("NEW", "[2]", "[0,3]") "}", 3));
    clq_error error = {0};
    unsigned char bytes[3];
    (void)state;
    assert_string_equal(model->tensors[0].dtype.name, "NEW");
    assert_int_equal(model->tensors[0].dtype.bits, 0);
    assert_int_equal(model->tensors[0].elements, 2);
    assert_int_equal(clq_model_read(model, 0, 0, 1, bytes, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "elements of NEW cannot be read one by one"));
    assert_int_equal(clq_model_read_bytes(model, 0, 0, 3, bytes, NULL), CLQ_OK);
    assert_memory_equal(bytes, "\0\1\2", 3);
    clq_model_close(&model);
}

static void knows_every_dtype(void **state)
{
    static const struct {
        const char *name;
        uint32_t bits;
        clq_dtype type;
    } cases[] = {
        {"BOOL", 8, 0},        {"F4", 4, 0},         {"F6_E2M3", 6, 0},    {"F6_E3M2", 6, 0},    {"U8", 8, CLQ_U8},
        {"I8", 8, CLQ_S8},     {"F8_E5M2", 8, 0},    {"F8_E4M3", 8, 0},    {"F8_E8M0", 8, 0},    {"F8_E4M3FNUZ", 8, 0},
        {"F8_E5M2FNUZ", 8, 0}, {"I16", 16, CLQ_S16}, {"U16", 16, CLQ_U16}, {"F16", 16, CLQ_F16}, {"BF16", 16, CLQ_BF16},
        {"I32", 32, CLQ_S32},  {"U32", 32, 0},       {"F32", 32, CLQ_F32}, {"C64", 64, 0},       {"F64", 64, 0},
        {"I64", 64, 0},        {"U64", 64, 0},       {"f32", 0, 0},        {"", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const clq_file_dtype dtype = clq_file_dtype_from_name(cases[i].name);
        assert_string_equal(dtype.name, cases[i].name);
        assert_int_equal(dtype.bits, cases[i].bits);
        assert_int_equal(dtype.type, cases[i].type);
    }
}

/* A name of a megabyte is legal; in a message it is cut, so that the rule is still told. */
static void cuts_long_names_in_messages(void **state)
{
    const size_t length = 1000000;
    static const char good[] = "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    char *header = malloc(length + 100);
    clq_model *model = NULL;
    (void)state;
    assert_non_null(header);
    memset(header, 'n', length + 2);
    memcpy(header, "{\"", 2);
    memcpy(header + 2 + length, good, sizeof good);
    model = open_ok(write_file("long.safetensors", header, 1));
    assert_int_equal(strlen(model->tensors[0].name), length);
    assert_int_equal(clq_model_find(model, model->tensors[0].name), 0);
    clq_model_close(&model);
    open_bad(write_file("long.safetensors", header, 0), CLQ_BAD_FILE, "nnn...': data_offsets [0, 1] reach beyond");
    free(header);
}

static void tells_kinds_apart(void **state)
{
    char fifo[300];
    (void)state;
    alarm(120); /* a FIFO that is opened wrongly never returns */
    open_bad(scratch_path("no-such-file"), CLQ_IO_ERROR, "no-such-file: cannot open: No such file or directory");
    open_bad(scratch_path("."), CLQ_BAD_FILE, "is a folder; a file is required");
    open_bad("", CLQ_INVALID_ARGUMENT, "a path is required");
    open_bad("/dev/null", CLQ_BAD_FILE, "a regular file is required");
    snprintf(fifo, sizeof fifo, "%s", scratch_path("fifo"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    open_bad(fifo, CLQ_BAD_FILE, "is a pipe, socket or device; a regular file is required");
    alarm(0);
    open_bad(scratch_write("t.txt", "Hello,\nworld", 12), CLQ_BAD_FILE, "it begins with the text 'Hello,\\x0aw'");
    open_bad(scratch_write("t.json", "{}", 2), CLQ_BAD_FILE, "is JSON without a 'weight_map'");
    open_bad(scratch_write("t.json", "\n\n\n\n\n\n\n\n\n\n{\"a\":1}", 17), CLQ_BAD_FILE,
             "is JSON without a 'weight_map'");
    open_bad(scratch_write("t.npy", "\x93NUMPY", 6), CLQ_BAD_FILE, "the file ends after 6 bytes");
    open_bad(scratch_write("a\x1b\n.bin", "\xff\xff\xff\xff\xff\xff\xff\xff", 8), CLQ_BAD_FILE,
             "a\\x1b\\x0a.bin: the header");
    if (geteuid() != 0) {
        assert_int_equal(chmod(scratch_write("secret", "x", 1), 0), 0);
        open_bad(scratch_path("secret"), CLQ_IO_ERROR, "secret: cannot open: Permission denied");
    }
}

static void tells_a_file_that_shrank(void **state)
{
    const char *path = write_file("shrinks.safetensors", "{" A("U8", "[100]", "[0,100]") "}", 100);
    clq_model *model = open_ok(path);
    clq_error error = {0};
    unsigned char bytes[100];
    (void)state;
    assert_int_equal(truncate(path, (off_t)model->tensors[0].offset + 50), 0);
    assert_int_equal(clq_model_read(model, 0, 0, 100, bytes, &error), CLQ_IO_ERROR);
    assert_non_null(strstr(error.message, "shrinks.safetensors: changed while it was read"));
    clq_model_close(&model);
}

static void refuses_its_own_file_as_output(void **state)
{
    const char *path = write_file("in.safetensors", "{}", 0);
    const char *symbolic = scratch_path("symbolic.safetensors");
    const char *hard = scratch_path("hard.safetensors");
    clq_model *model = open_ok(path);
    clq_error error = {0};
    (void)state;
    assert_int_equal(symlink(path, symbolic), 0);
    assert_int_equal(link(path, hard), 0);
    assert_int_equal(clq_model_refuse_output(model, path, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "is the same file as the input"));
    assert_int_equal(clq_model_refuse_output(model, symbolic, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_refuse_output(model, hard, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_refuse_output(model, scratch_path("other.safetensors"), NULL), CLQ_OK);
    assert_int_equal(clq_model_refuse_output(model, write_file("other.safetensors", "{}", 0), NULL), CLQ_OK);
    clq_model_close(&model);
}

/* Of the processor, so that a busy machine does not matter. */
static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A million tensors, or under sanitizers some, in the order that makes sorting work; then with one name twice. */
static void parses_a_million_tensors(void **state)
{
    const size_t count = 1000000 / (size_t)check_stride();
    const size_t given = (size_t)5 * 7919 % count; /* by the sixth and, once, by the last */
    char *header = malloc(count * 96);
    clq_model *model = NULL;
    double start = 0;
    char name[32];
    char told[64];
    (void)state;
    assert_non_null(header);
    snprintf(name, sizeof name, "layer.%zu", given);
    snprintf(told, sizeof told, "tensor '%s': stands twice", name);
    for (int twice = 0; twice < 2; twice++) {
        size_t used = 1;
        header[0] = '{';
        for (size_t i = 0; i < count; i++) {
            const size_t place = i * 7919 % count;
            used += (size_t)sprintf(header + used,
                                    "%s\"layer.%zu\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
                                    i > 0 ? "," : "", twice && i == count - 1 ? given : place, place, place + 1);
        }
        header[used++] = '}';
        write_file_bytes("million.safetensors", header, used, count);
        start = seconds();
        if (twice) {
            open_bad(scratch_path("million.safetensors"), CLQ_BAD_FILE, told);
        } else {
            model = open_ok(scratch_path("million.safetensors"));
            assert_int_equal(model->tensor_count, count);
            assert_string_equal(model->tensors[given].name, name);
            snprintf(name, sizeof name, "layer.%zu", count - 1);
            assert_int_equal(clq_model_find(model, name), count - 1);
            clq_model_close(&model);
        }
        print_message("a header of %zu bytes: %.2f s\n", used, seconds() - start);
        assert_true(seconds() - start < 60); /* minutes, were it quadratic */
    }
    free(header);
}

/* Write the plan with each byte of tensor i set to i + 1. */
static const char *write_plan(clq_safetensors_plan *plan, const uint64_t *bytes, size_t count)
{
    const char *path = scratch_path("plan.safetensors");
    const char *header = NULL;
    clq_writer *writer = NULL;
    uint64_t header_bytes = 0;
    uint64_t file_bytes = 0;
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    assert_int_equal(header_bytes % 8, 0);
    assert_int_equal(header[8], '{');
    assert_int_equal(clq_writer_open(path, file_bytes, 1, &writer, NULL), CLQ_OK);
    assert_int_equal(clq_writer_write(writer, header, header_bytes, NULL), CLQ_OK);
    for (size_t i = 0; i < count; i++) {
        unsigned char data[64];
        memset(data, (int)i + 1, sizeof data);
        assert_int_equal(clq_writer_write_at(writer, clq_safetensors_plan_offset(plan, i), data, bytes[i], NULL),
                         CLQ_OK);
    }
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    return path;
}

static void round_trips_a_plan(void **state)
{
    static const struct {
        const char *name;
        const char *dtype;
        uint32_t rank;
        uint64_t shape[3];
        uint64_t bytes;
    } tensors[] = {
        {"z", "I8", 2, {3, 5}, 15},
        {"b\"\\\n\xc3\xa9", "F32", 0, {0}, 4},
        {"empty", "F32", 2, {0, 7}, 0},
        {"half", "F16", 1, {3}, 6},
        {"four", "F4", 1, {6}, 3},
        {"a", "I8", 1, {2}, 2},
        {"new", "NEW_TYPE", 3, {1, 2, 3}, 5},
        {"w", "F64", 1, {1}, 8},
    };
    static const char *const order[] = {"w", "b\"\\\n\xc3\xa9", "empty", "half", "a", "z", "four", "new"};
    enum { COUNT = sizeof tensors / sizeof tensors[0] };
    uint64_t sizes[COUNT];
    clq_safetensors_plan *plan = NULL;
    clq_model *model = NULL;
    (void)state;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_metadata(plan, "format", "old", NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_metadata(plan, "clquant", "{\"v\":1}", NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_metadata(plan, "format", "pt", NULL), CLQ_OK);
    for (size_t i = 0; i < COUNT; i++) {
        size_t index = 99;
        sizes[i] = tensors[i].bytes;
        assert_int_equal(clq_safetensors_plan_tensor(plan, tensors[i].name, tensors[i].dtype, tensors[i].rank,
                                                     tensors[i].shape, tensors[i].bytes, &index, NULL),
                         CLQ_OK);
        assert_int_equal(index, i);
    }
    model = open_ok(write_plan(plan, sizes, COUNT));
    assert_int_equal(model->tensor_count, COUNT);
    assert_int_equal(model->shards[0].metadata_count, 2);
    assert_string_equal(model->shards[0].metadata_keys[0], "format");
    assert_string_equal(clq_model_metadata(model, 0, "format"), "pt");
    assert_string_equal(clq_model_metadata(model, 0, "clquant"), "{\"v\":1}");
    for (size_t i = 0; i < COUNT; i++) {
        const size_t at = clq_model_find(model, tensors[i].name);
        const clq_model_tensor *tensor = NULL;
        unsigned char data[64] = {0};
        assert_true(at < COUNT);
        tensor = &model->tensors[at];
        assert_string_equal(tensor->dtype.name, tensors[i].dtype);
        assert_int_equal(tensor->rank, tensors[i].rank);
        for (uint32_t k = 0; k < tensor->rank; k++) {
            assert_int_equal(tensor->shape[k], tensors[i].shape[k]);
        }
        assert_int_equal(tensor->bytes, tensors[i].bytes);
        assert_int_equal(clq_model_read_bytes(model, at, 0, tensor->bytes, data, NULL), CLQ_OK);
        for (uint64_t k = 0; k < tensor->bytes; k++) {
            assert_int_equal(data[k], i + 1);
        }
        assert_string_equal(model->tensors[i].name, order[i]);
    }
    clq_model_close(&model);
    clq_safetensors_plan_destroy(&plan);
    assert_null(plan);
}

static void plans_an_empty_file(void **state)
{
    clq_safetensors_plan *plan = NULL;
    clq_model *model = NULL;
    (void)state;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    model = open_ok(write_plan(plan, NULL, 0));
    assert_int_equal(model->tensor_count, 0);
    clq_model_close(&model);
    clq_safetensors_plan_destroy(&plan);
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_metadata(plan, "k", "v", NULL), CLQ_OK);
    model = open_ok(write_plan(plan, NULL, 0));
    assert_string_equal(clq_model_metadata(model, 0, "k"), "v");
    clq_model_close(&model);
    clq_safetensors_plan_destroy(&plan);
}

static void refuses_bad_plans(void **state)
{
    static const uint64_t huge[] = {UINT64_C(1) << 40, UINT64_C(1) << 40};
    static const uint64_t two[] = {2};
    static const struct {
        const char *name;
        const char *dtype;
        uint32_t rank;
        const uint64_t *shape;
        uint64_t bytes;
        const char *message;
    } cases[] = {
        {"", "I8", 1, two, 2, "needs a name"},
        {"__metadata__", "I8", 1, two, 2, "cannot be the name"},
        {"\xff", "I8", 1, two, 2, "tensor '\\xff': its name is not valid UTF-8"},
        {"a", "", 1, two, 2, "its dtype is not a name"},
        {"a", "SIXTEEN_BYTES_xx", 1, two, 2, "is longer than 15 bytes"},
        {"a", "I8", 2, huge, 2, "overflows 64 bits"},
        {"a", "I16", 1, two, 3, "3 bytes are not what shape [2] of I16 needs"},
        {"a", "F6_E2M3", 1, two, 2, "2 bytes are not what shape [2] of F6_E2M3 needs"},
        {"there", "I8", 1, two, 2, "tensor 'there' would be written twice"},
    };
    clq_safetensors_plan *plan = NULL;
    clq_error error = {0};
    const char *header = NULL;
    uint64_t header_bytes = 0;
    uint64_t file_bytes = 0;
    (void)state;
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "there", "I8", 1, two, 2, NULL, NULL), CLQ_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const clq_status status = clq_safetensors_plan_tensor(plan, cases[i].name, cases[i].dtype, cases[i].rank,
                                                              cases[i].shape, cases[i].bytes, NULL, &error);
        if (status != CLQ_INVALID_ARGUMENT || strstr(error.message, cases[i].message) == NULL) {
            fail_msg("status %d, message '%s', expected '%s'", (int)status, error.message, cases[i].message);
        }
    }
    assert_int_equal(clq_safetensors_plan_metadata(plan, "k", "\xff", NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "x1", "NEW", 0, NULL, UINT64_MAX - 5, NULL, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "x2", "NEW", 0, NULL, 100, NULL, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, &error),
                     CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "the size of the file overflows"));
    clq_safetensors_plan_destroy(&plan);

    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "a", "I8", 1, two, 2, NULL, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_safetensors_plan_metadata(plan, "k", "v", NULL), CLQ_INVALID_ARGUMENT);
    clq_safetensors_plan_destroy(&plan);
    clq_safetensors_plan_destroy(&plan);
}

static void refuses_to_plan_a_header_over_the_limit(void **state)
{
    const size_t length = 30000000;
    char *value = malloc(length + 1);
    clq_safetensors_plan *plan = NULL;
    clq_error error = {0};
    const char *header = NULL;
    uint64_t header_bytes = 0;
    uint64_t file_bytes = 0;
    (void)state;
    assert_non_null(value);
    memset(value, 'v', length);
    value[length] = '\0';
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    for (int i = 0; i < 4; i++) {
        const char key[2] = {(char)('a' + i), '\0'};
        assert_int_equal(clq_safetensors_plan_metadata(plan, key, value, NULL), CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, &error),
                     CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "would be longer than the 100000000 bytes that the format allows"));
    clq_safetensors_plan_destroy(&plan);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_headers),
        cmocka_unit_test(refuses_bad_lengths),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(accepts_oddities),
        cmocka_unit_test(reads_records_and_data),
        cmocka_unit_test(reads_unknown_types_by_bytes_only),
        cmocka_unit_test(knows_every_dtype),
        cmocka_unit_test(cuts_long_names_in_messages),
        cmocka_unit_test(tells_kinds_apart),
        cmocka_unit_test(tells_a_file_that_shrank),
        cmocka_unit_test(refuses_its_own_file_as_output),
        cmocka_unit_test(parses_a_million_tensors),
        cmocka_unit_test(round_trips_a_plan),
        cmocka_unit_test(plans_an_empty_file),
        cmocka_unit_test(refuses_bad_plans),
        cmocka_unit_test(refuses_to_plan_a_header_over_the_limit),
    };
    return cmocka_run_group_tests_name("safetensors", tests, scratch_begin, scratch_end);
}

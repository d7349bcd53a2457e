/* SPDX-License-Identifier: Apache-2.0 */
/* Reading .npy files, whatever their order of axes and bytes, and the header of those written: host/format/npy.h. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/model.h"
#include "format/npy.h"
#include "scratch.h"

/* A file of this version and header, and of data counting up from 0. */
static const char *write_npy(const char *name, unsigned version, const char *header, size_t data)
{
    const size_t length = strlen(header);
    const size_t start = version == 1 ? 10 : 12;
    unsigned char *bytes = calloc(1, start + length + data);
    const char *path = NULL;
    assert_non_null(bytes);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)version;
    for (size_t i = 8; i < start; i++) {
        bytes[i] = (unsigned char)(length >> (8 * (i - 8)));
    }
    memcpy(bytes + start, header, length);
    for (size_t i = 0; i < data; i++) {
        bytes[start + length + i] = (unsigned char)i;
    }
    path = scratch_write(name, bytes, start + length + data);
    free(bytes);
    return path;
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

static void open_bad(const char *path, const char *message)
{
    clq_model *model = NULL;
    clq_error error = {0};
    const clq_status status = clq_model_open(path, &model, &error);
    if (status != CLQ_BAD_FILE || strstr(error.message, message) == NULL || strchr(error.message, '\n') != NULL) {
        fail_msg("status %d, message '%s', expected '%s'", (int)status, error.message, message);
    }
    assert_null(model);
}

#define HEADER(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}\n"

static void refuses_bad_headers(void **state)
{
    static const struct {
        unsigned version;
        const char *header;
        size_t data;
        const char *message;
    } cases[] = {
        {0, HEADER("'<f4'", "False", "(1,)"), 4, "version 0.0 of .npy is not known"},
        {4, HEADER("'<f4'", "False", "(1,)"), 4, "version 4.0 of .npy is not known; 1.0, 2.0 and 3.0 are"},
        {1, "      ", 4, "header byte 6: '{' is required, not the end"},
        {1, "[1, 2, 3]", 4, "header byte 0: '{' is required, not '[1, 2, 3]'"},
        {1, "{'descr': '<f4'", 4, "',' or '}' is required, not the end"},
        {1, "{'descr': '<f4', ", 4, "a key in quotes is required, not the end"},
        {1, "{'descr' '<f4'}", 4, "':' is required, not ''<f4'}'"},
        {1, "{'descr': '<f4' 'shape': ()}", 4, "',' or '}' is required, not ''shape'"},
        {1, "{descr: '<f4'}", 4, "a key in quotes is required, not 'descr"},
        {1, "{'descr': '<f4}", 4, "a string without end or with an escape"},
        {1, "{'de\\x73cr': '<f4'}", 4, "a string without end or with an escape"},
        {1, "{,}", 4, "a key in quotes is required, not ',}'"},
        {1, "{'shape': (1,), , 'descr': '<f4'}", 4, "a key in quotes is required, not ', 'descr"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "nothing after '}' is required, not 'x'"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}}", 4, "nothing after '}' is required, not '}'"},
        {1, "{}", 4, "the header has no 'descr'"},
        {1, "{'descr': '<f4', 'shape': (1,)}", 4, "the header has no 'fortran_order'"},
        {1, "{'descr': '<f4', 'fortran_order': False}", 4, "the header has no 'shape'"},
        {1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, "key 'descr' stands twice"},
        {1, "{'shape': (1,), 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, "key 'shape' stands twice"},
        {1, "{'fortran_order': False, 'fortran_order': False}", 4, "key 'fortran_order' stands twice"},
        {1, "{'descr': '<f4', 'extra': 1}", 4, "header key 'extra' is not one of descr, fortran_order, shape"},
        /* descr */
        {1, HEADER("'|O'", "False", "(1,)"), 8, "descr '|O': object arrays hold pickled code and are never read"},
        {1, HEADER("'O'", "False", "(1,)"), 8, "object arrays hold pickled code"},
        {1, HEADER("'|V2'", "False", "(1,)"), 2, "descr '|V2': two bytes of unknown meaning; bfloat16 has no type"},
        {1, HEADER("'|V4'", "False", "(1,)"), 4, "descr '|V4' is not supported"},
        {1, HEADER("[('a', '<f4')]", "False", "(1,)"), 4, "descr is a list: structured arrays are not supported"},
        {1, HEADER("[('a', '|O')]", "False", "(1,)"), 4, "descr is a list"},
        {1, HEADER("('<f4', (2,))", "False", "(1,)"), 8, "descr is a tuple"},
        {1, HEADER("'<c8'", "False", "(1,)"), 8, "descr '<c8' is not supported; f2 f4 f8 i1"},
        {1, HEADER("'<U1'", "False", "(1,)"), 4, "descr '<U1' is not supported"},
        {1, HEADER("'<f16'", "False", "(1,)"), 16, "descr '<f16' is not supported"},
        {1, HEADER("'<f3'", "False", "(1,)"), 3, "descr '<f3' is not supported"},
        {1, HEADER("'<M8[ns]'", "False", "(1,)"), 8, "descr '<M8[ns]' is not supported"},
        {1, HEADER("'f4'", "False", "(1,)"), 4, "descr 'f4' does not begin with its byte order"},
        {1, HEADER("''", "False", "(1,)"), 4, "descr '' does not begin with its byte order"},
        {1, HEADER("'<'", "False", "(1,)"), 4, "descr '<' is not supported"},
        {1, HEADER("b'<f4'", "False", "(1,)"), 4, "descr as a string is required, not 'b"},
        {1, HEADER("4", "False", "(1,)"), 4, "descr as a string is required, not '4"},
        /* fortran_order */
        {1, HEADER("'<f4'", "0", "(1,)"), 4, "fortran_order as True or False is required, not '0"},
        {1, HEADER("'<f4'", "true", "(1,)"), 4, "fortran_order as True or False is required, not 'true"},
        {1, HEADER("'<f4'", "'True'", "(1,)"), 4, "fortran_order as True or False"},
        {1, HEADER("'<f4'", "Truest", "(1,)"), 4, "',' or '}' is required, not 'st"},
        /* shape */
        {1, HEADER("'<f4'", "False", "(3)"), 12, "shape (3) is a number, not a tuple; (3,) is required"},
        {1, HEADER("'<f4'", "False", "3"), 12, "shape as a tuple is required, not '3"},
        {1, HEADER("'<f4'", "False", "[3]"), 12, "shape as a tuple is required, not '[3]"},
        {1, HEADER("'<f4'", "False", "(,)"), 4, "a dimension as a whole number is required, not ',)"},
        {1, HEADER("'<f4'", "False", "(1,,)"), 4, "a dimension as a whole number is required, not ',)"},
        {1, HEADER("'<f4'", "False", "(1 1)"), 4, "',' or ')' is required, not '1)"},
        {1, HEADER("'<f4'", "False", "(1, 1"), 4, "',' or ')' is required, not '}"},
        {1, HEADER("'<f4'", "False", "(-1,)"), 4, "a dimension of at least 0 is required, not '-1,)"},
        {1, HEADER("'<f4'", "False", "(True,)"), 4, "a dimension as a whole number is required, not 'True,)"},
        {1, HEADER("'<f4'", "False", "(1.0,)"), 4, "',' or ')' is required, not '.0,)"},
        {1, HEADER("'<f4'", "False", "(1e0,)"), 4, "',' or ')' is required, not 'e0,)"},
        {1, HEADER("'<f4'", "False", "(0x1,)"), 4, "',' or ')' is required, not 'x1,)"},
        {1, HEADER("'<f4'", "False", "(01,)"), 4, "a dimension without a leading zero is required, not '01,)"},
        {1, HEADER("'<f4'", "False", "(1_0,)"), 40, "',' or ')' is required, not '_0,)"},
        {1, HEADER("'<f4'", "False", "(1LL,)"), 4, "',' or ')' is required, not 'L,)"},
        {1, HEADER("'<f4'", "False", "(1l,)"), 4, "',' or ')' is required, not 'l,)"},
        {3, HEADER("'<f4'", "False", "(1L,)"), 4, "',' or ')' is required, not 'L,)"},
        {1, HEADER("'<f4'", "False", "((1,),)"), 4, "a dimension as a whole number is required, not '(1,"},
        {1, HEADER("'<f4'", "False", "(18446744073709551616,)"), 4, "a dimension below 2^64 is required, not '184467"},
        {1, HEADER("'<f4'", "False", "(4294967296, 4294967296)"), 4,
         "the size of shape [4294967296, 4294967296] of F32 overflows 64 bits"},
        {1, HEADER("'<f8'", "False", "(9223372036854775807,)"), 4,
         "the size of shape [9223372036854775807] of F64 overflows 64 bits"},
        {1, HEADER("'<f4'", "False", "(1000000, 1000000)"), 4,
         "shape [1000000, 1000000] of F32 needs 4000000000000 bytes of data, but the file holds 4"},
        {1, HEADER("'<f4'", "False", "()"), 3, "shape [] of F32 needs 4 bytes of data, but the file holds 3"},
        {1, HEADER("'<f4'", "False", "(2,)"), 7, "needs 8 bytes of data, but the file holds 7"},
        {1,
         HEADER("'|i1'", "False",
                "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                "1,1,1,1,"
                "1,1,1,1,1,1,1,1,1,1,1)"),
         1, "shape has more than 64 dimensions"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_bad(write_npy("bad.npy", cases[i].version, cases[i].header, cases[i].data), cases[i].message);
        open_bad(scratch_path("bad.npy"), "bad.npy: ");
    }
}

static void refuses_bad_preambles(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *message;
    } cases[] = {
        {"\x93NUMPY", 6, "the file ends after 6 bytes, within the preamble"},
        {"\x93NUMPY\x01\x00\x02\x00{", 11, "the file ends after 11 bytes, within the preamble"},
        {"\x93NUMPY\x01\x00\xff\xff{}\n\n", 14, "the header length is 65535, but only 4 bytes follow it"},
        {"\x93NUMPY\x02\x00\xff\xff\x00\x00{}\n\n", 16, "the header length is 65535, but only 4 bytes follow it"},
        {"\x93NUMPY\x02\x00\x01\x00\x01\x00{}\n\n", 16, "the header length is 65537; at most 65536 is read"},
        {"\x93NUMPY\x03\x00\xff\xff\xff\xff{}\n\n", 16, "the header length is 4294967295; at most 65536 is read"},
        {"\x93NUMPY\x01\x01\x02\x00{}\n\n", 14, "version 1.1 of .npy is not known"},
        {"\x93NUMPY\x01\x00\x00\x00{}\n\n", 14, "header byte 0: '{' is required, not the end"},
        {"\x93NUMPX\x01\x00\x02\x00{}\n\n", 14, "the header length is"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_bad(scratch_write("bad.npy", cases[i].bytes, cases[i].length), cases[i].message);
    }
}

static void accepts_oddities(void **state)
{
    static const struct {
        unsigned version;
        const char *header;
        size_t data;
        uint32_t rank;
        const char *dtype;
        uint64_t elements;
    } cases[] = {
        {1, HEADER("'<f4'", "False", "()"), 4, 0, "F32", 1},
        {1, HEADER("'<f4'", "False", "( )"), 4, 0, "F32", 1},
        {1, HEADER("'=f4'", "False", "(1,)"), 4, 1, "F32", 1},
        {1, HEADER("'|f4'", "False", "(1,)"), 4, 1, "F32", 1},
        {1, HEADER("'>f2'", "True", "(3,)"), 6, 1, "F16", 3},
        {2, HEADER("\"<f8\"", "False", "(1L, 2L)"), 16, 2, "F64", 2},
        {3, HEADER("'|b1'", "False", "(2, 3,)"), 6, 2, "BOOL", 6},
        {1, HEADER("'<i1'", "False", "(0,)"), 0, 1, "I8", 0},
        {1, HEADER("'>u1'", "False", "(0, 9223372036854775807)"), 0, 2, "U8", 0},
        {1, HEADER("'<u2'", "False", "(1,)"), 2, 1, "U16", 1},
        {1, HEADER("'<i2'", "False", "(1,)"), 2, 1, "I16", 1},
        {1, HEADER("'<i4'", "False", "(1,)"), 4, 1, "I32", 1},
        {1, HEADER("'<u4'", "False", "(1,)"), 4, 1, "U32", 1},
        {1, HEADER("'<i8'", "False", "(1,)"), 8, 1, "I64", 1},
        {1, HEADER("'<u8'", "False", "(1,)"), 8, 1, "U64", 1},
        {1, " { \"shape\":(1,),'fortran_order' : True , 'descr':'|u1' , } \t\r\n", 1, 1, "U8", 1},
        {1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", 1, 1, "U8", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clq_model *model = open_ok(write_npy("odd.npy", cases[i].version, cases[i].header, cases[i].data));
        assert_int_equal(model->kind, CLQ_MODEL_NPY);
        assert_int_equal(model->tensor_count, 1);
        assert_string_equal(model->tensors[0].name, "odd");
        assert_int_equal(clq_model_find(model, "odd"), 0);
        assert_int_equal(model->tensors[0].rank, cases[i].rank);
        assert_string_equal(model->tensors[0].dtype.name, cases[i].dtype);
        assert_int_equal(model->tensors[0].elements, cases[i].elements);
        assert_null(model->warning);
        clq_model_close(&model);
    }
}

static void warns_of_bytes_after_the_array(void **state)
{
    clq_model *model = open_ok(write_npy("tail.npy", 1, HEADER("'<f4'", "False", "(2,)"), 11));
    (void)state;
    assert_non_null(strstr(model->warning, "tail.npy: 3 bytes after the array are ignored"));
    assert_int_equal(model->tensors[0].bytes, 8);
    clq_model_close(&model);
}

static void names_the_tensor_after_the_file(void **state)
{
    static const struct {
        const char *file;
        const char *tensor;
    } cases[] = {{"x.npy", "x"}, {"x", "x"}, {".npy", ".npy"}, {"a.b.npy", "a.b"}, {"\xff.npy", "\xef\xbf\xbd"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clq_model *model = open_ok(write_npy(cases[i].file, 1, HEADER("'|i1'", "False", "(1,)"), 1));
        assert_string_equal(model->tensors[0].name, cases[i].tensor);
        clq_model_close(&model);
    }
}

/* A file of random bytes in the given order, and the same array row-major and little-endian. */
static const char *write_ordered(const uint64_t *shape, uint32_t rank, const char *code, size_t item, int fortran,
                                 int big, uint64_t *seed, unsigned char **want, uint64_t *elements)
{
    char header[400];
    size_t used = (size_t)snprintf(header, sizeof header, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (",
                                   big ? '>' : '<', code, fortran ? "True" : "False");
    unsigned char *bytes = NULL;
    const char *path = NULL;
    *elements = 1;
    for (uint32_t k = 0; k < rank; k++) {
        used += (size_t)snprintf(header + used, sizeof header - used, "%u,", (unsigned)shape[k]);
        *elements *= shape[k];
    }
    used += (size_t)snprintf(header + used, sizeof header - used, ")}\n");
    bytes = malloc(10 + used + *elements * item);
    *want = malloc(*elements * item + 1);
    assert_non_null(bytes);
    assert_non_null(*want);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (unsigned char)(used & 0xFF);
    bytes[9] = (unsigned char)(used >> 8);
    memcpy(bytes + 10, header, used);
    for (uint64_t i = 0; i < *elements; i++) {
        uint64_t place = i; /* in the file */
        const uint64_t value = scratch_random(seed);
        if (fortran) {
            uint64_t rest = i;
            uint64_t at[8];
            place = 0;
            for (uint32_t k = rank; k-- > 0;) {
                at[k] = rest % shape[k];
                rest /= shape[k];
            }
            for (uint32_t k = rank; k-- > 0;) {
                place = place * shape[k] + at[k];
            }
        }
        for (size_t b = 0; b < item; b++) {
            (*want)[i * item + b] = (unsigned char)(value >> (8 * b));
            bytes[10 + used + place * item + (big ? item - 1 - b : b)] = (unsigned char)(value >> (8 * b));
        }
    }
    path = scratch_write("order.npy", bytes, 10 + used + *elements * item);
    free(bytes);
    return path;
}

static void check_chunk(const clq_model *model, const unsigned char *want, size_t item, uint64_t first, uint64_t count)
{
    clq_error error = {0};
    unsigned char *got = malloc(count * item + 2);
    assert_non_null(got);
    memset(got, 0xAA, count * item + 2);
    if (clq_model_read(model, 0, first, count, got + 1, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    if (memcmp(got + 1, want + first * item, count * item) != 0) {
        fail_msg("elements [%u, +%u) differ", (unsigned)first, (unsigned)count);
    }
    assert_int_equal(got[0], 0xAA);
    assert_int_equal(got[count * item + 1], 0xAA);
    free(got);
}

static void reads_any_order_of_axes_and_bytes(void **state)
{
    static const struct {
        const char *code;
        size_t item;
    } types[] = {{"i1", 1}, {"f2", 2}, {"f4", 4}, {"f8", 8}};
    static const struct {
        uint32_t rank;
        uint64_t shape[6];
        int chunks;
    } shapes[] = {
        {0, {0}, 4},
        {1, {17}, 20},
        {2, {1, 9}, 20},
        {2, {9, 1}, 20},
        {2, {7, 5}, 60},
        {2, {300, 70}, 60},
        {2, {3, 5000}, 60},
        {2, {5000, 3}, 60},
        {2, {20000, 30}, 30}, /* columns further apart than what is read over */
        {3, {3, 4, 5}, 80},
        {3, {1, 40, 30}, 40},
        {3, {60, 1, 50}, 40},
        {3, {5000, 4, 6}, 40},
        {3, {4, 5000, 6}, 40},
        {3, {4, 6, 5000}, 40},
        {4, {3, 3, 32, 16}, 40},
        {4, {2, 3000, 2, 9}, 40},
        {6, {2, 3, 1, 4, 2, 3}, 80},
    };
    uint64_t seed = 1;
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        for (size_t t = 0; t < 4; t++) {
            for (int order = 0; order < 4; order++) {
                const size_t item = types[t].item;
                unsigned char *want = NULL;
                uint64_t n = 0;
                clq_model *model = open_ok(write_ordered(shapes[s].shape, shapes[s].rank, types[t].code, item,
                                                         order & 1, order >> 1, &seed, &want, &n));
                assert_int_equal(model->npy_fortran_order, order & 1);
                assert_int_equal(model->npy_big_endian, order >> 1 && item > 1);
                check_chunk(model, want, item, 0, n);
                for (int i = 0; i < shapes[s].chunks; i++) {
                    const uint64_t first = scratch_random(&seed) % (n + 1);
                    const uint64_t longest = i % 2 == 0 ? n - first : (n - first) / 16;
                    check_chunk(model, want, item, first, scratch_random(&seed) % (longest + 1));
                }
                clq_model_close(&model);
                free(want);
            }
        }
    }
}

/* Larger than the scratch memory of the reader, in all of its ways to read. */
static void reads_large_arrays_in_fortran_order(void **state)
{
    static const uint64_t shapes[][2] = {{1500000, 3}, {3, 1500000}, {2100, 2100}, {9000, 501}};
    uint64_t seed = 2;
    (void)state;
    for (size_t s = 0; s < 4; s++) {
        unsigned char *want = NULL;
        uint64_t n = 0;
        clq_model *model = open_ok(write_ordered(shapes[s], 2, "f4", 4, 1, 0, &seed, &want, &n));
        check_chunk(model, want, 4, 0, n);
        check_chunk(model, want, 4, 1, n - 2);
        for (uint64_t part = 0; part < 5; part++) {
            check_chunk(model, want, 4, part * (n / 5), n / 5);
        }
        check_chunk(model, want, 4, shapes[s][1] * 2, shapes[s][1] * (shapes[s][0] / 3));
        clq_model_close(&model);
        free(want);
    }
}

static void refuses_raw_bytes_of_a_hidden_order(void **state)
{
    unsigned char bytes[4];
    clq_error error = {0};
    clq_model *model = open_ok(write_npy("f.npy", 1, HEADER("'<f4'", "True", "(2, 2)"), 16));
    (void)state;
    assert_int_equal(clq_model_read_bytes(model, 0, 0, 4, bytes, &error), CLQ_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "f.npy: bytes in Fortran order or big-endian are read by element only"));
    clq_model_close(&model);
    model = open_ok(write_npy("c.npy", 1, HEADER("'<f4'", "False", "(2, 2)"), 16));
    assert_int_equal(clq_model_read_bytes(model, 0, 4, 4, bytes, NULL), CLQ_OK);
    assert_memory_equal(bytes, "\4\5\6\7", 4);
    clq_model_close(&model);
}

static void tells_a_file_that_shrank(void **state)
{
    const char *path = write_npy("shrinks.npy", 1, HEADER("'<f4'", "True", "(10, 10)"), 400);
    clq_model *model = open_ok(path);
    clq_error error = {0};
    unsigned char bytes[400];
    (void)state;
    assert_int_equal(truncate(path, 200), 0);
    assert_int_equal(clq_model_read(model, 0, 0, 100, bytes, &error), CLQ_IO_ERROR);
    assert_non_null(strstr(error.message, "shrinks.npy: changed while it was read"));
    clq_model_close(&model);
}

static void writes_headers_that_read_back(void **state)
{
    static const char *const dtypes[] = {"F16", "F32", "F64", "I8",  "I16", "I32",
                                         "I64", "U8",  "U16", "U32", "U64", "BOOL"};
    static const uint64_t shape[] = {2, 0, 18446744073709551615u, 7};
    (void)state;
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        for (uint32_t rank = 0; rank <= 4; rank++) {
            const size_t item = clq_file_dtype_from_name(dtypes[d]).bits / 8;
            const size_t data = rank == 0 ? item : rank == 1 ? 2 * item : 0;
            char *header = NULL;
            char *bytes = NULL;
            uint64_t length = 0;
            clq_model *model = NULL;
            assert_int_equal(clq_npy_header(dtypes[d], rank, shape, &header, &length, NULL), CLQ_OK);
            assert_int_equal(length % 64, 0);
            assert_int_equal(header[length - 1], '\n');
            bytes = calloc(1, length + data);
            assert_non_null(bytes);
            memcpy(bytes, header, length);
            model = open_ok(scratch_write("out.npy", bytes, length + data));
            assert_string_equal(model->tensors[0].dtype.name, dtypes[d]);
            assert_int_equal(model->tensors[0].rank, rank);
            for (uint32_t k = 0; k < rank; k++) {
                assert_true(model->tensors[0].shape[k] == shape[k]);
            }
            assert_int_equal(model->tensors[0].offset, length);
            assert_int_equal(model->npy_fortran_order + model->npy_big_endian, 0);
            clq_model_close(&model);
            free(bytes);
            free(header);
        }
    }
}

static void writes_the_header_that_numpy_writes(void **state)
{
    static const uint64_t shape[] = {3, 4};
    static const char want[] = "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    char *header = NULL;
    uint64_t length = 0;
    clq_error error = {0};
    uint64_t long_shape[65];
    (void)state;
    assert_int_equal(clq_npy_header("F32", 2, shape, &header, &length, NULL), CLQ_OK);
    assert_int_equal(length, 128);
    assert_memory_equal(header, want, sizeof want - 1);
    free(header);
    assert_int_equal(clq_npy_header("BF16", 2, shape, &header, &length, &error), CLQ_UNSUPPORTED);
    assert_non_null(strstr(error.message, "elements of BF16 have no type in .npy"));
    assert_null(header);
    for (size_t k = 0; k < 65; k++) {
        long_shape[k] = UINT64_MAX;
    }
    assert_int_equal(clq_npy_header("F32", 65, long_shape, &header, &length, NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_npy_header("F32", 64, long_shape, &header, &length, NULL), CLQ_OK);
    free(header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_headers),
        cmocka_unit_test(refuses_bad_preambles),
        cmocka_unit_test(accepts_oddities),
        cmocka_unit_test(warns_of_bytes_after_the_array),
        cmocka_unit_test(names_the_tensor_after_the_file),
        cmocka_unit_test(reads_any_order_of_axes_and_bytes),
        cmocka_unit_test(reads_large_arrays_in_fortran_order),
        cmocka_unit_test(refuses_raw_bytes_of_a_hidden_order),
        cmocka_unit_test(tells_a_file_that_shrank),
        cmocka_unit_test(writes_headers_that_read_back),
        cmocka_unit_test(writes_the_header_that_numpy_writes),
    };
    return cmocka_run_group_tests_name("npy", tests, scratch_begin, scratch_end);
}

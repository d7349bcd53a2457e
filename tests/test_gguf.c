/* SPDX-License-Identifier: Apache-2.0 */
/* Reading GGUF: what a file holds, and what is refused with which words. */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/gguf.h"
#include "format/gguf_blocks.h"
#include "gguf_file.h"
#include "scratch.h"

static uint64_t seed = 1;

static void open_bad(const char *path, const char *message)
{
    clq_model *model = NULL;
    clq_error error = {0};
    const clq_status got = clq_model_open(path, &model, &error);
    if (got != CLQ_BAD_FILE || strstr(error.message, message) == NULL || strchr(error.message, '\n') != NULL) {
        fail_msg("status %d, message '%s', expected '%s'", (int)got, error.message, message);
    }
    assert_null(model);
    assert_int_equal(clq_model_open(path, &model, NULL), CLQ_BAD_FILE);
}

/* A head; a key of a u32; the entry of a tensor 'a' of 64 f32, and its data. */
#define HEAD(tensors, keys) "r:GGUF w3 q" tensors " q" keys " "
#define KEY "s:k w4 w7 "
#define A "s:a w1 q64 w0 q0 "
#define DATA "@32 z256"

static const struct {
    const char *text, *message;
} refused[] = {
    /* the head */
    {"r:GGUF", "the file has 4 bytes; a GGUF file has at least the 24 of its head"},
    {"r:GGUF w3 q0 z7", "the file has 23 bytes"},
    {"r:GGUF w0 z16", "is of GGUF version 0; version 3 is required"},
    {"r:GGUF w1 z16", "is of GGUF version 1; version 3 is required, which llama.cpp's tools write since 2023"},
    {"r:GGUF w2 z16", "is of GGUF version 2; version 3 is required, which"},
    {"r:GGUF w4 z16", "is of GGUF version 4; version 3 is required"},
    {"r:GGUF w50331648 z16", "is a big-endian GGUF file; a little-endian one is required"},
    {"r:GGUF w3 q1 q0", "the head, byte 24: 1 tensors are announced, and 0 bytes are left of the header"},
    {HEAD("18446744073709551615", "0") A DATA, "18446744073709551615 tensors are announced, and"},
    {HEAD("9223372036854775808", "0") A DATA, "9223372036854775808 tensors are announced"},
    {HEAD("0", "9223372036854775808") KEY, "9223372036854775808 keys are announced, and 17 bytes are left"},
    {HEAD("0", "2") KEY, "the head, byte 24: 2 keys are announced, and 17 bytes are left of the header"},
    /* names of keys */
    {HEAD("0", "1") "q0 w4 w7 z8", "key 1, byte 32: the name of a key has 0 bytes; 1 to 65535 are allowed"},
    {HEAD("0", "1") "q65536 w4 w7 z8", "the name of a key has 65536 bytes; 1 to 65535 are allowed"},
    {HEAD("0", "1") "q18446744073709551615 w4 w7", "the name of a key has 18446744073709551615 bytes"},
    {HEAD("0", "1") "q60 r:k w4 w7", "key 1, byte 32: 60 bytes are required, and the file ends after 9"},
    {HEAD("0", "1") "q2 r:k b0 w4 w7", "key 1, byte 34: the name of a key holds a NUL character"},
    {HEAD("0", "1") "q2 r:k\xff w4 w7", "key 1, byte 34: the name of a key is not valid UTF-8"},
    {HEAD("0", "2") KEY KEY, "key 'k', byte 58: stands twice"},
    /* values */
    {HEAD("0", "1") "s:k w13 z8", "key 'k', byte 37: 13 is not a type of values (0 to 12)"},
    {HEAD("0", "1") "s:k w10 z7", "key 'k', byte 37: 8 bytes are required, and the file ends after 7"},
    {HEAD("0", "1") "s:k w7 b2", "key 'k', byte 38: a bool is 2; 0 or 1 is required"},
    {HEAD("0", "1") "s:k w8 q5 r:abc", "key 'k', byte 45: 5 bytes are required, and the file ends after 3"},
    {HEAD("0", "1") "s:k w8 q18446744073709551615 r:abc", "18446744073709551615 bytes are required"},
    {HEAD("0", "1") "s:k w9 w13 q0", "key 'k', byte 41: 13 is not a type of values"},
    {HEAD("0", "1") "s:k w9 w4 q3 w1 w2", "an array of 3 u32 is announced, and 8 bytes are left of the header"},
    {HEAD("0", "1") "s:k w9 w10 q2305843009213693952 z9", "an array of 2305843009213693952 u64 is announced"},
    {HEAD("0", "1") "s:k w9 w8 q18446744073709551615 z9", "an array of 18446744073709551615 string is announced"},
    {HEAD("0", "1") "s:k w9 w8 q2 s:abc q9 z8", "key 'k', byte 68: 9 bytes are required, and the file ends after 8"},
    {HEAD("0", "1") "s:k w9 w9 q1 w9 q1 w9 q1 w9 q1 w4 q0", "key 'k', byte 85: arrays are nested more than 4 deep"},
    {HEAD("0", "1") "s:k w9 w9 q2 w4 q0 w4 q9", "an array of 9 u32 is announced, and 0 bytes are left"},
    /* alignment */
    {HEAD("0", "1") "s:general.alignment w10 q32", "the alignment is of type u64; u32 is required"},
    {HEAD("0", "1") "s:general.alignment w4 w0", "the alignment is 0; a power of two from 8 to 65536 is required"},
    {HEAD("0", "1") "s:general.alignment w4 w4", "the alignment is 4; a power of two"},
    {HEAD("0", "1") "s:general.alignment w4 w24", "the alignment is 24; a power of two"},
    {HEAD("0", "1") "s:general.alignment w4 w131072", "the alignment is 131072; a power of two"},
    {HEAD("0", "1") "s:general.alignment w4 w2147483648", "the alignment is 2147483648; a power of two"},
    /* entries of tensors */
    {HEAD("1", "0") "q0 w1 q64 w0 q0 " DATA,
     "the entry of tensor 1, byte 32: the name of a tensor has 0 bytes; 1 to 64"},
    {HEAD("1", "0") "q65 w1 q64 w0 q0 " DATA, "the name of a tensor has 65 bytes; 1 to 64 are allowed"},
    {HEAD("1", "0") "q2 b97 b0 w1 q64 w0 q0 " DATA, "the name of a tensor holds a NUL character"},
    {HEAD("1", "0") "s:a\xc3 w1 q64 w0 q0 " DATA, "the name of a tensor is not valid UTF-8"},
    {HEAD("1", "0") "s:a w5 q1 q1 q1 q1 q1 w0 q0 " DATA, "tensor 'a', byte 37: 5 dimensions are announced; at most 4"},
    {HEAD("1", "0") "s:a w4294967295 q64 w0 q0 " DATA, "4294967295 dimensions are announced"},
    {HEAD("1", "0") "s:a w2 q4294967296 q4294967296 w0 q0 " DATA,
     "the number of elements of shape [4294967296, 4294967296] overflows 64 bits"},
    {HEAD("1", "0") "s:a w1 q9223372036854775808 w0 q0 " DATA,
     "the size of shape [9223372036854775808] of F32 overflows 64 bits"},
    {HEAD("1", "0") "s:a w1 q64 w4 q0 " DATA, "tensor 'a', byte 49: type 4 is unknown, and so is its size"},
    {HEAD("1", "0") "s:a w1 q64 w4294967295 q0 " DATA, "type 4294967295 is unknown"},
    {HEAD("1", "0") "s:a w1 q63 w8 q0 " DATA, "rows of shape [63] are not whole blocks of Q8_0, which have 32"},
    {HEAD("1", "0") "s:a w2 q16 q4 w2 q0 " DATA, "rows of shape [4, 16] are not whole blocks of Q4_0, which have 32"},
    {HEAD("1", "0") "s:a w0 w8 q0 " DATA, "rows of shape [] are not whole blocks of Q8_0"},
    {HEAD("1", "0") "s:a w1 q128 w12 q0 " DATA, "rows of shape [128] are not whole blocks of Q4_K, which have 256"},
    {HEAD("2", "0") A "s:b w1 q64 w0", "tensor 'b', byte 82: 8 bytes are required, and the file ends after 0"},
    {HEAD("2", "0") A "s:b w1 q64 w0 q25", "the data reach beyond the file, which holds 0 bytes of data"},
    {HEAD("2", "0") A "s:a w1 q64 w0 q256 @32 z512", "tensor 'a': stands twice in the header"},
    /* where data is */
    {HEAD("1", "0") "s:a w1 q64 w0 q8 " DATA, "data begins at 8, which is not a multiple of the alignment 32"},
    {HEAD("1", "0") "s:a w1 q64 w0 q32 @32 z288", "tensor 'a': data begins at 32, which leaves a gap after 0"},
    {HEAD("2", "0") A "s:b w1 q64 w0 q224 @32 z512",
     "tensor 'b': data begins at 224, before the tensor before it ends, padded, at 256"},
    {HEAD("2", "0") A "s:b w1 q64 w0 q0 @32 z512", "tensor 'b': data begins at 0, before the tensor before it ends"},
    {HEAD("2", "0") "s:a w1 q1 w0 q0 s:b w1 q1 w0 q64 @32 z96", "data begins at 64, which leaves a gap after 32"},
    {HEAD("1", "0") A "@32 z255", "256 bytes at 0 of the data reach beyond the file, which holds 255 bytes of data"},
    {HEAD("1", "0") "s:a w1 q4611686018427387903 w0 q0 " DATA, "18446744073709551612 bytes at 0 of the data reach"},
    {HEAD("1", "0") A "@32 z289", "33 bytes are left over: the tensors end at 320 and the file at 353"},
    {HEAD("0", "1") KEY "@32 z64", "64 bytes are left over: the tensors end at 64 and the file at 128"},
};

static void broken_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *path = gguf_file_write("bad.gguf", refused[i].text, &seed);
        open_bad(path, refused[i].message);
    }
}

/* A right file, cut anywhere, is refused or, where only padding is missing, as it was. */
static void files_that_end_early_are_refused(void **state)
{
    static const char TEXT[] =
        HEAD("2", "3") KEY "s:l w9 w8 q2 s:ab s: s:m w9 w9 q1 w6 q2 w0 w1 " A "s:b w2 q32 q3 w8 q256 @32 d256 d102";
    size_t length = 0;
    unsigned char *memory = gguf_file_make(TEXT, &seed, &length);
    clq_model *model = NULL;
    (void)state;
    for (size_t end = 4; end < length; end++) {
        const char *path = scratch_write("cut.gguf", memory, end);
        assert_int_equal(clq_model_open(path, &model, NULL), CLQ_BAD_FILE);
    }
    assert_int_equal(clq_model_open(scratch_write("cut.gguf", memory, length), &model, NULL), CLQ_OK);
    clq_model_close(&model);
    free(memory);
}

/* Nothing is allocated for what a file only announces, and a header has an end. */
static void long_headers_are_refused(void **state)
{
    const char *path = gguf_file_write("long.gguf", HEAD("0", "1") "s:k w8 q100000000 z1", &seed);
    (void)state;
    assert_int_equal(truncate(path, 100000100), 0);
    open_bad(path, "key 'k', byte 45: the header is longer than the 100000000 bytes that are allowed");
    path = gguf_file_write("long.gguf", HEAD("0", "1") "s:k w9 w0 q99999990 z1", &seed);
    assert_int_equal(truncate(path, 100000100), 0);
    open_bad(path, "an array of 99999990 u8 is announced, and 99999951 bytes are left of the header");
}

static clq_model *open_ok(const char *name, const char *text)
{
    clq_model *model = NULL;
    clq_error error = {0};
    if (clq_model_open(gguf_file_write(name, text, &seed), &model, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    return model;
}

static void values_are_kept_as_text(void **state)
{
    static const char *const WANT[][2] = {
        {"u8", "255"},
        {"i8", "-1"},
        {"u16", "65535"},
        {"i16", "-1"},
        {"u32", "4294967295"},
        {"i32", "-2"},
        {"f32", "1.5"},
        {"bool", "true"},
        {"string", "text"},
        {"none", ""},
        {"array", "array of 2 string"},
        {"deep", "array of 2 array"},
        {"u64", "18446744073709551615"},
        {"i64", "-1"},
        {"f64", "0.5"},
        {"general.alignment", "64"},
    };
    clq_model *model = open_ok(
        "values.gguf",
        HEAD("0", "16") "s:u8 w0 b255 s:i8 w1 b255 s:u16 w2 b255 b255 s:i16 w3 b255 b255 s:u32 w4 w4294967295 "
                        "s:i32 w5 w4294967294 s:f32 w6 w1069547520 s:bool w7 b1 s:string w8 s:text s:none w8 s: "
                        "s:array w9 w8 q2 s:a s: s:deep w9 w9 q2 w4 q1 w5 w9 q1 w0 q3 b1 b2 b3 "
                        "s:u64 w10 q18446744073709551615 s:i64 w11 q18446744073709551615 "
                        "s:f64 w12 q4602678819172646912 s:general.alignment w4 w64");
    const clq_model_shard *shard = &model->shards[0];
    (void)state;
    assert_int_equal(model->kind, CLQ_MODEL_GGUF);
    assert_int_equal(model->tensor_count, 0);
    assert_int_equal(shard->metadata_count, 16);
    for (size_t i = 0; i < 16; i++) {
        assert_string_equal(shard->metadata_keys[i], WANT[i][0]);
        assert_string_equal(shard->metadata_values[i], WANT[i][1]);
    }
    assert_int_equal(model->gguf->alignment, 64);
    assert_int_equal(clq_gguf_number(model, "u16"), 65535);
    assert_int_equal(clq_gguf_number(model, "u32"), 4294967295);
    assert_int_equal(clq_gguf_number(model, "i32"), 0);
    assert_int_equal(clq_gguf_number(model, "missing"), 0);
    clq_model_close(&model);
}

static void tensors_are_row_major(void **state)
{
    static const uint64_t SHAPE[] = {2, 3, 64};
    clq_model *model =
        open_ok("tensors.gguf", HEAD("5", "1") "s:general.alignment w4 w8 s:a w3 q64 q3 q2 w8 q0 s:b w0 w0 q408 "
                                               "s:empty w2 q32 q0 w2 q416 s:c w1 q3 w30 q416 s:d w1 q256 w14 q424 "
                                               "@8 d408 d4 @8 d6 @8 d210");
    (void)state;
    assert_int_equal(model->tensor_count, 5);
    assert_int_equal(model->tensors[0].rank, 3);
    assert_memory_equal(model->tensors[0].shape, SHAPE, sizeof SHAPE);
    assert_string_equal(model->tensors[0].dtype.name, "Q8_0");
    assert_int_equal(model->tensors[0].bytes, 408);
    assert_int_equal(model->tensors[1].rank, 0);
    assert_int_equal(model->tensors[1].bytes, 4);
    assert_int_equal(model->tensors[2].bytes, 0);
    assert_string_equal(model->tensors[3].dtype.name, "BF16");
    assert_int_equal(model->tensors[3].offset - model->tensors[0].offset, 416);
    assert_string_equal(model->tensors[4].dtype.name, "Q6_K");
    assert_int_equal(model->tensors[4].bytes, 210);
    assert_int_equal(clq_gguf_block_of(model, 0), CLQ_BLOCK_Q8_0);
    assert_int_equal(clq_gguf_block_of(model, 2), CLQ_BLOCK_Q4_0);
    assert_int_equal(clq_gguf_block_of(model, 4), CLQ_BLOCK_NONE);
    clq_model_close(&model);
}

/* Scales of either sign, from the least half to the greatest, wherever a part of a tensor begins and ends. */
static void blocks_are_read_from_any_element_on(void **state)
{
    enum { BLOCKS = 5, ELEMENTS = 32 * BLOCKS };
    static const float SCALE[BLOCKS] = {0x1p-24f, -0.5f, 65504.0f, 0.0f, 1.0f};
    clq_model *model =
        open_ok("blocks.gguf",
                HEAD("2", "0") "s:q8 w1 q160 w8 q0 s:q4 w1 q160 w2 q192 @32 b1 b0 d32 b0 b184 d32 b255 b123 d32 "
                               "b0 b0 d32 b0 b60 d32 @32 b1 b0 d16 b0 b184 d16 b255 b123 d16 b0 b0 d16 b0 b60 d16");
    (void)state;
    for (size_t t = 0; t < 2; t++) {
        const size_t block_bytes = t == 0 ? 34 : 18;
        uint8_t raw[BLOCKS * 34];
        float want[ELEMENTS];
        assert_int_equal(clq_model_read_bytes(model, t, 0, model->tensors[t].bytes, raw, NULL), CLQ_OK);
        for (size_t i = 0; i < ELEMENTS; i++) {
            const uint8_t *codes = raw + i / 32 * block_bytes + 2;
            const size_t k = i % 32;
            const int code = t == 0 ? (int8_t)codes[k] : (int)(k < 16 ? codes[k] & 15 : codes[k - 16] >> 4) - 8;
            want[i] = SCALE[i / 32] * (float)code;
        }
        for (size_t first = 0; first < ELEMENTS; first += 7) {
            for (size_t count = 0; first + count <= ELEMENTS; count += 11) {
                float got[ELEMENTS];
                assert_int_equal(clq_gguf_read_reals(model, t, first, count, got, NULL), CLQ_OK);
                assert_memory_equal(got, want + first, count * sizeof *got);
            }
        }
    }
    clq_model_close(&model);
}

static void scales_that_are_no_numbers_are_refused(void **state)
{
    static const char *const HALVES[] = {"b0 b124", "b0 b252", "b1 b124", "b255 b255"};
    (void)state;
    for (size_t i = 0; i < sizeof HALVES / sizeof HALVES[0]; i++) {
        char text[200];
        float reals[64];
        clq_error error = {0};
        clq_model *model = NULL;
        snprintf(text, sizeof text, HEAD("1", "0") "s:a w1 q64 w8 q0 @32 b0 b60 d32 %s d32", HALVES[i]);
        model = open_ok("scales.gguf", text);
        assert_int_equal(clq_gguf_read_reals(model, 0, 0, 32, reals, &error), CLQ_OK);
        assert_int_equal(clq_gguf_read_reals(model, 0, 31, 2, reals, &error), CLQ_BAD_FILE);
        assert_non_null(strstr(error.message, "tensor 'a': block 1 has the scale "));
        clq_model_close(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(files_that_end_early_are_refused),
        cmocka_unit_test(long_headers_are_refused),
        cmocka_unit_test(values_are_kept_as_text),
        cmocka_unit_test(tensors_are_row_major),
        cmocka_unit_test(blocks_are_read_from_any_element_on),
        cmocka_unit_test(scales_that_are_no_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}

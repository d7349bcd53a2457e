/* SPDX-License-Identifier: Apache-2.0 */
/* Every byte of the tensors that engines load (docs/models.md), whatever the memory, interrupted or not. */
#include "check.h"

#include <string.h>
#include <unistd.h>

#include "format/words.h"
#include "format_files.h"
#include "scratch.h"

/* The request that gives these weights their codes. */
static clq_file_request request_for(const char *input, clq_file_format format, const weights *w)
{
    clq_file_request request = formats_request(input, format);
    request.dtype = w->bits == 4 ? CLQ_S4 : CLQ_S8;
    request.preset = w->asymmetric ? CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC : CLQ_PRESET_SYMMETRIC;
    if (w->group != EVERY_ROW) {
        formats_by_group(&request, w->group);
    }
    return request;
}

/* ---- every byte ---- */

static void check_weights(const weights *w, clq_file_format format, void (*add_expected)(parts *, const weights *))
{
    parts have = {.count = 0};
    parts want = {.count = 0};
    witness seen = {.told = ""};
    clq_file_request request;
    parts_add_real(&have, w);
    add_expected(&want, w);
    request = request_for(parts_write("in.safetensors", &have), format, w);
    formats_quantize(&request, &seen);
    parts_check_file(request.output, &want);
    parts_release(&have);
    parts_release(&want);
}

static void int_quantized_has_every_byte(void **state)
{
    static const weights EACH[] = {
        {"m", 5, 7, EVERY_ROW, 8, 0, 0}, {"m", 5, 7, EVERY_ROW, 8, 1, 0},    {"m", 3, 64, 32, 8, 0, 0},
        {"m", 9, 64, 32, 8, 1, 0},       {"m", 4, 1000, EVERY_ROW, 8, 1, 1}, /* zero points of 0 are written */
    };
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        check_weights(&EACH[i], CLQ_FORMAT_COMPRESSED_TENSORS, parts_add_int);
    }
}

static void pack_quantized_has_every_byte(void **state)
{
    static const uint64_t SHAPES[][2] = {{1, 2}, {5, 7}, {8, 64}, {33, 33}, {17, 128}, {7, 31}, {9, 1000}, {3, 4097}};
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        for (int way = 0; way < 8; way++) {
            weights w = {"m.q", SHAPES[i][0], SHAPES[i][1], EVERY_ROW, way & 1 ? 8 : 4, (way & 2) != 0, 0};
            w.group = way & 4 ? 32 : EVERY_ROW;
            if (w.group == EVERY_ROW || w.columns % 32 == 0) {
                check_weights(&w, CLQ_FORMAT_PACK_QUANTIZED, parts_add_pack);
            }
        }
    }
}

/* Tensors in pieces that begin inside rows, words and bytes; and back through dequantize. */
static void bytes_do_not_depend_on_the_memory(void **state)
{
    static const weights EACH[] = {{"m", 3, 300001, EVERY_ROW, 4, 0, 0},
                                   {"m", 2, 131075, EVERY_ROW, 8, 1, 0},
                                   {"m", 1031, 320, 32, 4, 1, 0}, /* more zero points than are held at once */
                                   {"m", 40003, 9, EVERY_ROW, 4, 1, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        const weights *w = &EACH[i];
        parts have = {.count = 0};
        parts want = {.count = 0};
        witness seen = {.told = ""};
        clq_file_request request;
        clq_file_request back;
        clq_error error;
        parts_add_real(&have, w);
        parts_add_pack(&want, w);
        request = request_for(parts_write("in.safetensors", &have), CLQ_FORMAT_PACK_QUANTIZED, w);
        back = formats_request(request.output, CLQ_FORMAT_BY_OUTPUT);
        back.output = scratch_path("back.safetensors");
        for (int little = 0; little < 2; little++) {
            request.memory_bytes = back.memory_bytes = little ? UINT64_C(1) << 20 : UINT64_C(256) << 20;
            formats_quantize(&request, &seen);
            parts_check_file(request.output, &want);
            check_ok(clq_file_dequantize(check_reference(), &back, NULL, NULL, &error), &error, "dequantize");
            parts_check_file(back.output, &have);
        }
        parts_release(&have);
        parts_release(&want);
    }
}

/* Ended again and again wherever it was, it comes to the same bytes. */
static void a_run_is_resumed(void **state)
{
    weights each[] = {{"a", 64, 4000, 32, 4, 1, 0}, {"b", 64, 4000, 32, 4, 1, 0}, {"c", 64, 4000, 32, 4, 1, 0}};
    parts have = {.count = 0};
    parts want = {.count = 0};
    witness seen = {.told = ""};
    clq_file_request request;
    clq_status status = CLQ_CANCELLED;
    clq_error error;
    int runs = 0;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        parts_add_real(&have, &each[i]);
        parts_add_pack(&want, &each[i]);
    }
    request = request_for(parts_write("in.safetensors", &have), CLQ_FORMAT_PACK_QUANTIZED, &each[0]);
    request.memory_bytes = UINT64_C(1) << 20;
    request.resume = 1;
    scratch_remove(request.output);
    while (status == CLQ_CANCELLED && runs < 8) {
        seen.cancelled = 0;
        /* Ranges are found first, in as many bytes as are written then. */
        seen.cancel_at = have.items[0].count * (uint64_t)(4 + runs) + have.items[0].count / 2;
        status = formats_call(&request, &seen, &error);
        runs++;
    }
    check_ok(status, &error, "the last run");
    assert_true(runs >= 2);
    parts_check_file(request.output, &want);
    parts_release(&have);
    parts_release(&want);
}

/* ---- a fault between the codes and the file ---- */

/* What puts codes into words, which the linker has here in its place (CMakeLists.txt). */
uint64_t __real_clq_words_write(const clq_word_run *run, const uint8_t *codes, uint8_t before, uint8_t *bytes);
uint64_t __wrap_clq_words_write(const clq_word_run *run, const uint8_t *codes, uint8_t before, uint8_t *bytes);

static int spoils;

/* One bit, in the middle of a row. */
uint64_t __wrap_clq_words_write(const clq_word_run *run, const uint8_t *codes, uint8_t before, uint8_t *bytes)
{
    const uint64_t count = __real_clq_words_write(run, codes, before, bytes);
    if (spoils && run->at / run->columns == 7) {
        bytes[count / 2] ^= 1;
    }
    return count;
}

static void spoiled_words_are_not_written(void **state)
{
    static const weights EACH[] = {
        {"m", 9, 1000, EVERY_ROW, 4, 0, 0}, {"m", 9, 1001, EVERY_ROW, 4, 1, 0}, {"m", 9, 1001, EVERY_ROW, 8, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        parts have = {.count = 0};
        witness seen = {.told = ""};
        clq_file_request request;
        clq_error error;
        parts_add_real(&have, &EACH[i]);
        request = request_for(parts_write("in.safetensors", &have), CLQ_FORMAT_PACK_QUANTIZED, &EACH[i]);
        parts_release(&have);
        for (int fault = 0; fault < 2; fault++) {
            spoils = fault;
            scratch_remove(request.output);
            request.check = CLQ_CHECK_ALL;
            assert_int_equal(formats_call(&request, &seen, &error), fault ? CLQ_MISMATCH : CLQ_OK);
            assert_int_equal(access(request.output, F_OK) == 0, !fault);
            assert_true(!fault || strstr(error.message, " in words, and the code is ") != NULL);
            request.check = CLQ_CHECK_NONE; /* which does not see it */
            assert_int_equal(formats_call(&request, &seen, &error), CLQ_OK);
        }
        spoils = 0;
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(int_quantized_has_every_byte),      cmocka_unit_test(pack_quantized_has_every_byte),
    cmocka_unit_test(bytes_do_not_depend_on_the_memory), cmocka_unit_test(a_run_is_resumed),
    cmocka_unit_test(spoiled_words_are_not_written),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    code = check_main("formats", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}

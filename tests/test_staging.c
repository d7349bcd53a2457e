/* SPDX-License-Identifier: Apache-2.0 */
/* Staging memory: the same bytes whether the device works in it or has memory of its own, and its refusals. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/staging.h"

enum { ELEMENTS = 10007, ROUNDS = 3 };

/* Bytes from the start: elements, codes, scale, zero point, range, count of non-finite ones. */
enum { AT_CODES = 40064, AT_SCALE = 50112, AT_ZERO_POINT = 50176, AT_RANGE = 50240, AT_COUNT = 50304, BYTES = 50400 };

static clq_operand at(clq_staging *staging, uint64_t bytes, uint64_t size)
{
    const clq_operand operand = {clq_staging_buffer(staging), bytes / size};
    return operand;
}

/* Elements go out and codes come back, several times over the same memory. */
static void round_trip(clq_context *context, int apart, uint8_t *codes)
{
    clq_staging *staging = NULL;
    clq_quantization q;
    clq_error error;
    assert_int_equal(clq_staging_create_as(context, BYTES, apart, &staging, &error), CLQ_OK);
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = ELEMENTS;
    for (int round = 0; round < ROUNDS; round++) {
        float *x = clq_staging_memory(staging);
        const uint8_t *result = (const uint8_t *)clq_staging_memory(staging) + AT_CODES;
        for (int i = 0; i < ELEMENTS; i++) {
            x[i] = (float)(i * (round + 1) % 1001) - 500.0f;
        }
        if (round % 2 == 1) { /* ahead, more than is handed over then */
            assert_int_equal(clq_staging_send(staging, 0, ELEMENTS * sizeof *x + 4, &error), CLQ_OK);
        }
        assert_int_equal(clq_staging_to_device(staging, 0, ELEMENTS * sizeof *x, &error), CLQ_OK);
        assert_int_equal(clq_dynamic_quantize(context, &q, at(staging, 0, 4), at(staging, AT_CODES, 1),
                                              at(staging, AT_SCALE, 4), at(staging, AT_ZERO_POINT, 4),
                                              at(staging, AT_RANGE, 4), at(staging, AT_COUNT, sizeof(clq_nonfinite)),
                                              &error),
                         CLQ_OK);
        assert_int_equal(clq_staging_to_host(staging, AT_CODES, ELEMENTS, &error), CLQ_OK);
        assert_ptr_equal(clq_staging_memory(staging), x);
        memcpy(codes + (size_t)round * ELEMENTS, result, ELEMENTS);
    }
    clq_staging_destroy(&staging);
    assert_null(staging);
}

static void both_ways_give_the_same_bytes(void **state)
{
    uint8_t *want = malloc((size_t)ROUNDS * ELEMENTS);
    uint8_t *got = malloc((size_t)ROUNDS * ELEMENTS);
    clq_context *contexts[2] = {check_reference(), check_device()};
    (void)state;
    assert_true(want != NULL && got != NULL);
    round_trip(contexts[0], 0, want);
    assert_int_not_equal(want[0], want[ELEMENTS - 1]);
    for (int c = 0; c < 2; c++) {
        for (int apart = 0; apart < 2 && contexts[c] != NULL; apart++) {
            memset(got, 0x55, (size_t)ROUNDS * ELEMENTS);
            round_trip(contexts[c], apart, got);
            assert_memory_equal(got, want, (size_t)ROUNDS * ELEMENTS);
        }
    }
    free(want);
    free(got);
    check_needs_device();
}

/* Several parts, and none, may go either way; the memory begins at a page. */
static void parts_go_one_by_one(void **state)
{
    clq_context *device = check_device();
    (void)state;
    for (int way = 0; way < (device != NULL ? 4 : 2); way++) {
        clq_context *context = way < 2 ? check_reference() : device;
        const int apart = way % 2;
        clq_staging *staging = NULL;
        clq_error error;
        assert_int_equal(clq_staging_create_as(context, BYTES, apart, &staging, &error), CLQ_OK);
        assert_true(apart || (uintptr_t)clq_staging_memory(staging) % 4096 == 0);
        assert_int_equal(clq_staging_to_host(staging, 0, 0, &error), CLQ_OK);
        memset(clq_staging_memory(staging), 7, BYTES);
        assert_int_equal(clq_staging_to_device(staging, 0, 100, &error), CLQ_OK);
        assert_int_equal(clq_staging_to_device(staging, 100, BYTES - 100, &error), CLQ_OK);
        assert_int_equal(clq_staging_to_device(staging, BYTES, 0, &error), CLQ_OK);
        assert_int_equal(clq_staging_to_host(staging, 50, 100, &error), CLQ_OK);
        assert_int_equal(clq_staging_to_host(staging, 0, 0, &error), CLQ_OK);
        assert_int_equal(((uint8_t *)clq_staging_memory(staging))[120], 7);
        /* Sent and taken back; sent, and more handed over than that. */
        memset(clq_staging_memory(staging), 8, BYTES);
        assert_int_equal(clq_staging_send(staging, 0, BYTES, &error), CLQ_OK);
        assert_int_equal(clq_staging_to_host(staging, 0, 0, &error), CLQ_OK);
        memset(clq_staging_memory(staging), 9, BYTES);
        assert_int_equal(clq_staging_send(staging, 10, 20, &error), CLQ_OK);
        assert_int_equal(clq_staging_to_device(staging, 0, BYTES, &error), CLQ_OK);
        assert_int_equal(clq_staging_send(staging, 0, 1, &error), CLQ_INVALID_ARGUMENT);
        assert_int_equal(clq_staging_to_host(staging, 0, BYTES, &error), CLQ_OK);
        for (int i = 0; i < BYTES; i++) {
            assert_int_equal(((uint8_t *)clq_staging_memory(staging))[i], 9);
        }
        /* Destroyed while the device has it, and while bytes are on their way. */
        assert_int_equal(clq_staging_to_device(staging, 0, BYTES, &error), CLQ_OK);
        clq_staging_destroy(&staging);
        assert_int_equal(clq_staging_create_as(context, BYTES, apart, &staging, &error), CLQ_OK);
        assert_int_equal(clq_staging_send(staging, 0, BYTES, &error), CLQ_OK);
        clq_staging_destroy(&staging);
    }
}

static void refusals(void **state)
{
    clq_staging *staging = NULL;
    clq_error error;
    (void)state;
    assert_int_equal(clq_staging_create(NULL, 1, &staging, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_staging_create(check_reference(), 1, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_staging_create(check_reference(), 0, &staging, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_staging_create(check_reference(), UINT64_MAX, &staging, &error), CLQ_OUT_OF_MEMORY);
    assert_null(staging);
    assert_int_equal(clq_staging_create(check_reference(), 100, &staging, &error), CLQ_OK);
    assert_int_equal(clq_staging_to_device(NULL, 0, 0, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_staging_to_device(staging, 50, 51, &error), CLQ_INVALID_ARGUMENT);
    assert_string_equal(error.message, "clq_staging_to_device: 51 bytes at 50 do not lie in staging of 100 bytes");
    assert_int_equal(clq_staging_to_host(staging, UINT64_MAX, 2, &error), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_staging_send(staging, 101, 0, &error), CLQ_INVALID_ARGUMENT);
    clq_staging_destroy(&staging);
    clq_staging_destroy(&staging);
    clq_staging_destroy(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(both_ways_give_the_same_bytes),
    cmocka_unit_test(parts_go_one_by_one),
    cmocka_unit_test(refusals),
};

CHECK_MAIN("staging", tests)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context's own scratch memory grows from call to call, ahead of what is needed: where a driver does not give as
 * much, at once or at the first use of it (tests/zoo: gives=N:-5, lazy=N), what is needed is made, and what cannot be
 * done at all is refused, by its own call alone.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "refusal.h"

enum { ROWS = 64 };

/* Every a is 1 and every b 2. */
static clq_operand filled(clq_context *context, uint64_t bytes, int value)
{
    clq_operand made = {NULL, 0};
    unsigned char *values = check_allocate(bytes);
    memset(values, value, bytes);
    ACCEPTED(clq_buffer_create(context, bytes, &made.buffer, e));
    ACCEPTED(clq_buffer_write(made.buffer, 0, values, bytes, e));
    free(values);
    return made;
}

static clq_status multiply(clq_context *context, uint64_t n, uint64_t k, clq_error *error)
{
    clq_gemm_problem p;
    clq_gemm_operands o;
    clq_status status;
    int32_t last[4] = {0, 0, 0, 0};
    clq_gemm_init(&p);
    p.m = ROWS;
    p.n = n;
    p.k = k;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = filled(context, ROWS * k, 1);
    o.b = filled(context, k * n, 2);
    o.c = filled(context, ROWS * n * sizeof *last, 0x55);
    status = clq_gemm(context, &p, &o, error);
    if (status == CLQ_OK) {
        ACCEPTED(clq_buffer_read(o.c.buffer, (ROWS * n - 4) * sizeof *last, last, sizeof last, e));
        for (int i = 0; i < 4; i++) {
            assert_int_equal(last[i], 2 * (int)k);
        }
    }
    clq_buffer_destroy(&o.a.buffer);
    clq_buffer_destroy(&o.b.buffer);
    clq_buffer_destroy(&o.c.buffer);
    return status;
}

static void products_that_need_more_and_more(void **state)
{
    static const uint64_t sizes[] = {512, 768, 1024, 1408, 1440, 64, 1408};
    (void)state;
    if (check_device() != NULL) {
        clq_context *context = NULL;
        ACCEPTED(clq_context_create(check_device_spec(), &context, e));
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            ACCEPTED(multiply(context, sizes[i], sizes[i], e));
        }
        clq_context_destroy(&context);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(products_that_need_more_and_more),
};

CHECK_MAIN("scratch_growth", tests)

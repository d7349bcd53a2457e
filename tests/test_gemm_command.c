/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of `clquant gemm` that no script can reach: what --check says of wrong bytes, and products cut into pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/verbs/gemm_product.h"
#include "format/npy.h"
#include "scratch.h"

static uint64_t seed = 20260211;

/* A .npy file of random bytes. */
static const char *write_array(const char *name, const char *dtype, uint64_t rows, uint64_t columns, uint64_t bytes)
{
    const uint64_t shape[2] = {rows, columns};
    clq_error error = {0};
    char *header = NULL;
    uint64_t header_bytes = 0;
    unsigned char *file = NULL;
    const char *path = NULL;
    assert_int_equal(clq_npy_header(dtype, 2, shape, &header, &header_bytes, &error), CLQ_OK);
    file = malloc((size_t)(header_bytes + bytes));
    assert_non_null(file);
    memcpy(file, header, (size_t)header_bytes);
    for (uint64_t i = 0; i < bytes; i++) {
        file[header_bytes + i] = (unsigned char)scratch_random(&seed);
    }
    path = scratch_write(name, file, (size_t)(header_bytes + bytes));
    free(file);
    free(header);
    return path;
}

/* A product on the reference, loaded and computed. */
static void compute(cli_gemm_job *job, cli_gemm_product *product, const cli_options *options)
{
    clq_error error = {0};
    uint64_t done = 0;
    memset(job, 0, sizeof *job);
    memset(product, 0, sizeof *product);
    job->options = options;
    assert_int_equal(cli_gemm_check_options(options), CLI_OK);
    assert_int_equal(cli_gemm_open(job, &error), CLQ_OK);
    assert_int_equal(cli_gemm_read_values(job, &error), CLQ_OK);
    assert_int_equal(cli_gemm_check_values(job, &error), CLQ_OK);
    assert_int_equal(clq_context_create("reference", &product->context, &error), CLQ_OK);
    assert_int_equal(cli_gemm_load(product, job, 1, &error), CLQ_OK);
    assert_int_equal(cli_gemm_run(product, job, NULL, &done, &error), CLQ_OK);
    assert_int_equal(done, cli_gemm_c_bytes(job));
    assert_int_equal(cli_gemm_verify(product, job, NULL, &done, &error), CLQ_OK);
    assert_int_equal(done, 2 * cli_gemm_c_bytes(job));
}

static void the_first_difference_is_found(void **state)
{
    static const clq_dtype dtypes[] = {CLQ_S8, CLQ_U8, CLQ_S32, CLQ_F32};
    static const uint64_t places[] = {0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 21) + 2};
    const uint64_t count = (1 << 21) + 3;
    unsigned char *x = calloc((size_t)count, 4);
    unsigned char *y = calloc((size_t)count, 4);
    (void)state;
    assert_non_null(x);
    assert_non_null(y);
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        const size_t bytes = clq_dtype_bits(dtypes[d]) / 8;
        assert_int_equal(cli_gemm_first_difference(dtypes[d], x, y, count), UINT64_MAX);
        for (size_t i = sizeof places / sizeof places[0]; i-- > 0;) {
            y[places[i] * bytes + bytes - 1] = 1;
            assert_int_equal(cli_gemm_first_difference(dtypes[d], x, y, count), places[i]);
        }
        assert_int_equal(cli_gemm_first_difference(dtypes[d], x, y, 0), UINT64_MAX);
        memset(y, 0, (size_t)count * 4);
    }
    free(x);
    free(y);
}

/* Put other bytes into C, as a kernel with a fault would, and see what --check makes of it. */
static void check_message(clq_dtype dtype, const void *wrong, uint64_t bytes, const char *expected)
{
    const char *paths[2] = {write_array("a.npy", "I8", 3, 5, 15), write_array("b.npy", "U8", 5, 4, 20)};
    const cli_options options = {.positional = {paths, 2},
                                 .file = {.output = "c.npy"},
                                 .device = "reference",
                                 .gemm = {.dtype_given = 1, .dtype = dtype, .check = 1}};
    cli_gemm_job job;
    cli_gemm_product product;
    clq_error error = {0};
    uint64_t done = 0;
    char *stop = NULL;
    compute(&job, &product, &options);
    assert_int_equal(clq_buffer_write(product.c, 6 * bytes, wrong, bytes, &error), CLQ_OK);
    assert_int_equal(cli_gemm_verify(&product, &job, NULL, &done, &error), CLQ_MISMATCH);
    stop = strstr(error.message, " and ");
    assert_non_null(stop);
    *stop = '\0';
    assert_string_equal(error.message, expected);
    assert_non_null(strstr(stop + 1, "in the reference (kernel reference); nothing was written"));
    cli_gemm_release(&product);
    cli_gemm_job_release(&job);
}

static void a_difference_is_told(void **state)
{
    const int32_t whole = 2000000000;
    const float real = -1.5e30f;
    (void)state;
    check_message(CLQ_S32, &whole, sizeof whole, "--check: C [1, 2] is 2000000000 on reference");
    check_message(CLQ_F32, &real, sizeof real, "--check: C [1, 2] is -1.5e30 (0xf1977617) on reference");
}

/* More rows than a piece of 2^30 products holds, A transposed, and values for each row: the bytes of one call. */
static void pieces_fit_together(void **state)
{
    enum { M = 328, N = 2048, K = 2048 }; /* 256, and 64 or more, which are no rest for the piece before */
    const char *paths[2] = {write_array("a.npy", "U8", K, M, K * M), write_array("b.npy", "I8", K, N, K * N)};
    const char *zero_points = write_array("z.npy", "I16", M, 1, M * 2);
    const cli_options options = {.positional = {paths, 2},
                                 .file = {.output = "c.npy"},
                                 .device = "reference",
                                 .quiet = 1,
                                 .gemm = {.transpose_a = 1, .a_zero_point = zero_points}};
    cli_gemm_job job;
    cli_gemm_product product;
    clq_gemm_operands operands;
    clq_error error = {0};
    clq_buffer *at_once = NULL;
    void *x = NULL;
    void *y = NULL;
    (void)state;
    compute(&job, &product, &options);
    memset(&operands, 0, sizeof operands);
    operands.struct_size = sizeof operands;
    assert_int_equal(clq_buffer_create(product.context, cli_gemm_c_bytes(&job), &at_once, &error), CLQ_OK);
    operands.a.buffer = product.a;
    operands.b.buffer = product.b;
    operands.c.buffer = at_once;
    operands.a_zero_point.buffer = product.values[CLI_GEMM_A_ZERO_POINT];
    assert_int_equal(clq_gemm(product.context, &job.problem, &operands, &error), CLQ_OK);
    assert_int_equal(clq_buffer_map(product.c, &x, &error), CLQ_OK);
    assert_int_equal(clq_buffer_map(at_once, &y, &error), CLQ_OK);
    assert_memory_equal(x, y, cli_gemm_c_bytes(&job));
    clq_buffer_destroy(&at_once);
    cli_gemm_release(&product);
    cli_gemm_job_release(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_difference_is_found),
        cmocka_unit_test(a_difference_is_told),
        cmocka_unit_test(pieces_fit_together),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}

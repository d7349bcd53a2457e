/* SPDX-License-Identifier: Apache-2.0 */
#include "fallible_product.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = FALLIBLE_ROWS, COLUMNS = FALLIBLE_COLUMNS, DEPTH = FALLIBLE_DEPTH };

static const uint64_t bytes_of[FALLIBLE_BUFFERS] = {
    [FALLIBLE_A] = DEPTH * ROWS,
    [FALLIBLE_B] = DEPTH * COLUMNS,
    [FALLIBLE_B_ZERO_POINT] = 4 * COLUMNS,
    [FALLIBLE_C] = 4 * ROWS * COLUMNS,
    [FALLIBLE_C_OF_PACKED] = 4 * ROWS * COLUMNS,
    [FALLIBLE_SUMS] = 4 * ROWS,
};

const char *fallible_device(void)
{
    static char spec[32];
    clq_device_info info;
    clq_context_device(check_device(), &info);
    snprintf(spec, sizeof spec, "%d:%d", (int)info.platform, (int)info.device);
    return spec;
}

clq_gemm_problem fallible_problem(void)
{
    clq_gemm_problem problem;
    clq_gemm_init(&problem);
    problem.m = ROWS;
    problem.n = COLUMNS;
    problem.k = DEPTH;
    problem.a.dtype = CLQ_U8;
    problem.a.transposed = 1;
    problem.b.dtype = CLQ_U8;
    problem.b_zero_point = CLQ_GEMM_PER_COLUMN;
    return problem;
}

static void note(void *cookie, clq_log_level level, const char *message)
{
    fallible_log *log = cookie;
    log->comparisons += strncmp(message, "comparing ", 10) == 0;
    if (level == CLQ_LOG_WARNING) {
        log->warnings++;
        snprintf(log->warning, sizeof log->warning, "%s", message);
    }
}

clq_status fallible_product_begin(fallible_product *p, const char *spec, const char *variant, clq_error *error)
{
    clq_status status;
    memset(p, 0, sizeof *p);
    status = clq_context_create(spec, &p->context, error);
    if (status == CLQ_OK) {
        clq_context_set_log(p->context, note, &p->log);
        status = clq_context_force_variant(p->context, variant, error);
    }
    for (int i = 0; i < FALLIBLE_BUFFERS && status == CLQ_OK; i++) {
        status = clq_buffer_create(p->context, bytes_of[i], &p->buffers[i], error);
    }
    return status;
}

void fallible_product_end(fallible_product *p)
{
    for (int i = 0; i < FALLIBLE_BUFFERS; i++) {
        clq_buffer_destroy(&p->buffers[i]);
    }
    clq_gemm_weights_destroy(&p->weights);
    exported_weights_release(&p->exported);
    clq_context_destroy(&p->context);
}

/* Outputs get other bytes than those of an earlier run. */
static clq_status write_all(fallible_product *p, clq_error *error)
{
    unsigned char bytes[4096];
    clq_status status = CLQ_OK;
    for (int i = 0; i < FALLIBLE_BUFFERS && status == CLQ_OK; i++) {
        assert_true(bytes_of[i] <= sizeof bytes);
        memset(bytes, 0xAA, sizeof bytes);
        for (uint64_t k = 0; i < FALLIBLE_C && k < bytes_of[i]; k++) {
            bytes[k] = (unsigned char)((k + 1) * 2654435761u >> (8 + i));
        }
        status = clq_buffer_write(p->buffers[i], 0, bytes, bytes_of[i], error);
    }
    return status;
}

static clq_status multiply(fallible_product *p, clq_error *error)
{
    const clq_gemm_problem problem = fallible_problem();
    clq_gemm_operands o;
    clq_status status;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a.buffer = p->buffers[FALLIBLE_A];
    o.b.buffer = p->buffers[FALLIBLE_B];
    o.b_zero_point.buffer = p->buffers[FALLIBLE_B_ZERO_POINT];
    o.c.buffer = p->buffers[FALLIBLE_C];
    clq_gemm_weights_destroy(&p->weights);
    status = clq_gemm_weights_create(p->context, &problem, o.b, o.b_zero_point, &p->weights, error);
    if (status == CLQ_OK) {
        status = clq_gemm(p->context, &problem, &o, error);
    }
    if (status == CLQ_OK) {
        exported_weights_release(&p->exported);
        status = exported_weights_exchange(p->context, &problem, EXPORTED_IN_BUFFER, &p->weights, &p->exported, error);
    }
    if (status == CLQ_OK) {
        o.c.buffer = p->buffers[FALLIBLE_C_OF_PACKED];
        o.weights = p->weights;
        status = clq_gemm(p->context, &problem, &o, error);
    }
    if (status == CLQ_OK) {
        const clq_operand sums = {p->buffers[FALLIBLE_SUMS], 0};
        status = clq_gemm_row_sums(p->context, &problem, o.a, sums, error);
    }
    return status;
}

clq_status fallible_product_run(fallible_product *p, fallible_results *results, clq_error *error)
{
    clq_status status = write_all(p, error);
    if (status == CLQ_OK) {
        status = multiply(p, error);
    }
    if (status == CLQ_OK) {
        status = clq_finish(p->context, error);
    }
    if (status == CLQ_OK) {
        status = clq_buffer_read(p->buffers[FALLIBLE_C], 0, results->c, sizeof results->c, error);
    }
    if (status == CLQ_OK) {
        status = clq_buffer_read(p->buffers[FALLIBLE_C_OF_PACKED], 0, results->c_of_packed, sizeof results->c_of_packed,
                                 error);
    }
    if (status == CLQ_OK) {
        status = clq_buffer_read(p->buffers[FALLIBLE_SUMS], 0, results->sums, sizeof results->sums, error);
    }
    return status;
}

void fallible_results_check(const fallible_results *results)
{
    fallible_product p;
    fallible_results want;
    clq_error error;
    check_ok(fallible_product_begin(&p, "reference", NULL, &error), &error, "the product on the reference");
    check_ok(fallible_product_run(&p, &want, &error), &error, "the product on the reference");
    fallible_product_end(&p);
    assert_memory_equal(results->c, want.c, sizeof want.c);
    assert_memory_equal(results->c_of_packed, want.c_of_packed, sizeof want.c_of_packed);
    assert_memory_equal(results->sums, want.sums, sizeof want.sums);
}

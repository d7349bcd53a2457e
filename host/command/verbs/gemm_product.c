/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/verbs/gemm_product.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "command/verbs/report.h"
#include "core/size.h"

/* Multiplications in the first piece: a moment's work for the reference, and for a slow device. */
static const uint64_t REFERENCE_PIECE = UINT64_C(1) << 30;
static const uint64_t DEVICE_PIECE = UINT64_C(1) << 34;

/* What the pieces after it take, by the time of the one before. */
static const double PIECE_SECONDS = 0.5;

enum { LEAST_ROWS = 64, MOST_GROWTH = 16 };

static const uint64_t READ_BYTES = UINT64_C(64) << 20;

static clq_status interrupted(clq_error *error)
{
    return cli_interrupted() ? clq_fail(error, CLQ_CANCELLED, "interrupted: nothing was written") : CLQ_OK;
}

uint64_t cli_gemm_c_bytes(const cli_gemm_job *job)
{
    const clq_gemm_problem *p = &job->problem;
    return p->batch * p->m * p->n * (clq_dtype_bits(p->c.dtype) / 8);
}

static clq_status create(cli_gemm_product *product, const char *name, uint64_t bytes, clq_buffer **buffer,
                         clq_error *error)
{
    char size[32];
    clq_status status;
    if (bytes == 0) {
        return CLQ_OK;
    }
    status = clq_buffer_create(product->context, bytes, buffer, error);
    if (status == CLQ_OUT_OF_MEMORY) {
        clq_format_bytes(size, sizeof size, bytes);
        return clq_fail_in(error, status, "%s needs %s, and is held as a whole", name, size);
    }
    return status;
}

/* The whole array goes straight into memory of the device, or of its driver. */
static clq_status read_matrix(cli_gemm_product *product, const cli_gemm_file *file, clq_buffer **buffer,
                              clq_error *error)
{
    const clq_model_tensor *tensor = &file->model->tensors[0];
    void *memory = NULL;
    CLQ_TRY(create(product, file->name, tensor->bytes, buffer, error));
    if (*buffer == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_buffer_map(*buffer, &memory, error));
    for (uint64_t at = 0; at < tensor->bytes; at += READ_BYTES) {
        CLQ_TRY(interrupted(error));
        CLQ_TRY(clq_model_read(file->model, 0, at, clq_size_min(READ_BYTES, tensor->bytes - at), (char *)memory + at,
                               error));
    }
    return clq_buffer_unmap(*buffer, error);
}

/* Together they may be too much where each of them is not. */
static clq_status check_memory(const cli_gemm_product *product, const cli_gemm_job *job, clq_error *error)
{
    const uint64_t a = job->a.model->tensors[0].bytes;
    const uint64_t b = job->b.model->tensors[0].bytes;
    const uint64_t c = cli_gemm_c_bytes(job);
    uint64_t need = 0;
    clq_device_info info;
    char text[32];
    char have[32];
    clq_context_device(product->context, &info);
    if (!clq_size_add(a, b, &need) || !clq_size_add(need, c, &need)) {
        need = UINT64_MAX;
    }
    clq_format_bytes(text, sizeof text, need);
    clq_format_bytes(have, sizeof have, info.global_memory_bytes);
    if (info.global_memory_bytes > 0 && need > info.global_memory_bytes) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "A, B and C need %s together, and are held as a whole; %s has %s of memory", text, info.name,
                        have);
    }
    return CLQ_OK;
}

static int is_reference(const cli_gemm_product *product)
{
    clq_device_info info;
    clq_context_device(product->context, &info);
    return info.type == CLQ_DEVICE_REFERENCE;
}

static clq_operand whole(clq_buffer *buffer)
{
    const clq_operand operand = {buffer, 0};
    return operand;
}

static int is_kernel_of_gemm(const char *name)
{
    static const char *const NAMES[] = {
#define CLQ_GEMM_KERNEL(identifier, variant, file, kernel, contract) (variant),
#include "kernels.def"
    };
    size_t i = 0;
    while (i < sizeof NAMES / sizeof NAMES[0] && strcmp(NAMES[i], name) != 0) {
        i++;
    }
    return i < sizeof NAMES / sizeof NAMES[0];
}

/*
 * What would run, with B packed where that is possible. A variant of other operations is no reason for the library to
 * refuse; whoever forces one here means this product. Any kernel of products may be called split-k, by what is done
 * around it.
 */
static clq_status plan(cli_gemm_product *product, const cli_gemm_job *job, int *packed, clq_error *error)
{
    const char *forced = job->options->gemm.variant;
    const clq_status status = clq_gemm_plan(product->context, &job->problem, 1, &product->plan, error);
    *packed = status == CLQ_OK;
    if (status != CLQ_UNSUPPORTED ||
        clq_gemm_plan(product->context, &job->problem, 0, &product->plan, NULL) != CLQ_OK) {
        CLQ_TRY(status);
    }
    CLQ_REQUIRE(forced == NULL || strcmp(forced, product->plan.variant) == 0 ||
                    (strcmp("split-k", product->plan.variant) == 0 && is_kernel_of_gemm(forced)),
                "--variant %s: is no kernel of gemm; '%s' would run", forced, product->plan.variant);
    return CLQ_OK;
}

static clq_status pack(cli_gemm_product *product, const cli_gemm_job *job, int keep_b, clq_error *error)
{
    int packed = 0;
    CLQ_TRY(plan(product, job, &packed, error));
    if (packed) {
        CLQ_TRY(clq_gemm_weights_create(product->context, &job->problem, whole(product->b),
                                        whole(product->values[CLI_GEMM_B_ZERO_POINT]), &product->weights, error));
        if (!keep_b) {
            clq_buffer_destroy(&product->b);
        }
    }
    return CLQ_OK;
}

clq_status cli_gemm_load(cli_gemm_product *product, const cli_gemm_job *job, int keep_b, clq_error *error)
{
    CLQ_TRY(check_memory(product, job, error));
    CLQ_TRY(create(product, "C", cli_gemm_c_bytes(job), &product->c, error));
    CLQ_TRY(read_matrix(product, &job->a, &product->a, error));
    CLQ_TRY(read_matrix(product, &job->b, &product->b, error));
    for (int i = 0; i < CLI_GEMM_PARAMETERS; i++) {
        const cli_gemm_values *values = &job->values[i];
        if (values->kind != CLQ_GEMM_ABSENT) {
            CLQ_TRY(create(product, "the parameters", values->count * 4, &product->values[i], error));
            CLQ_TRY(clq_buffer_write(product->values[i], 0, values->memory, values->count * 4, error));
        }
    }
    return pack(product, job, keep_b, error);
}

/* Whole multiples of LEAST_ROWS, and no short rest, for which the library might take another kernel. */
static uint64_t round_rows(uint64_t rows, uint64_t left)
{
    rows = clq_size_max(rows / LEAST_ROWS * LEAST_ROWS, LEAST_ROWS);
    return left < rows + LEAST_ROWS ? left : rows;
}

/* Rows of C computed by the first call. Those of every batch, with parameters of A's rows for each batch, go in one. */
static uint64_t first_rows(const cli_gemm_product *product, const cli_gemm_job *job)
{
    const clq_gemm_problem *p = &job->problem;
    const int by_row = p->a_zero_point == CLQ_GEMM_PER_ROW || p->a_scale == CLQ_GEMM_PER_ROW;
    const uint64_t budget = is_reference(product) ? REFERENCE_PIECE : DEVICE_PIECE;
    uint64_t row = clq_size_max(p->k, 1);
    if (by_row && p->a.batch_stride != 0 && p->batch > 1) {
        return p->m;
    }
    if (!clq_size_multiply(row, p->n, &row) || !clq_size_multiply(row, p->batch, &row)) {
        row = UINT64_MAX;
    }
    return round_rows(budget / row, p->m);
}

static uint64_t next_rows(uint64_t rows, double seconds, uint64_t left)
{
    const double growth = seconds * MOST_GROWTH > PIECE_SECONDS ? PIECE_SECONDS / seconds : MOST_GROWTH;
    return round_rows((uint64_t)((double)rows * growth), left);
}

/* Rows [first, first + rows) of C, for every batch; done when it returns. */
static clq_status multiply(const cli_gemm_product *product, const cli_gemm_job *job, uint64_t first, uint64_t rows,
                           clq_error *error)
{
    clq_gemm_problem p = job->problem;
    clq_gemm_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    p.a.leading_dimension = p.a.transposed ? p.m : p.k;
    p.m = rows;
    o.a = whole(product->a);
    o.a.offset = p.a.transposed ? first : first * p.k;
    o.b = whole(product->b);
    o.c = whole(product->c);
    o.c.offset = first * p.n;
    o.a_zero_point = whole(product->values[CLI_GEMM_A_ZERO_POINT]);
    o.a_zero_point.offset = p.a_zero_point == CLQ_GEMM_PER_ROW ? first : 0;
    o.a_scale = whole(product->values[CLI_GEMM_A_SCALE]);
    o.a_scale.offset = p.a_scale == CLQ_GEMM_PER_ROW ? first : 0;
    o.b_zero_point = whole(product->values[CLI_GEMM_B_ZERO_POINT]);
    o.b_scale = whole(product->values[CLI_GEMM_B_SCALE]);
    o.c_zero_point = whole(product->values[CLI_GEMM_C_ZERO_POINT]);
    o.bias = whole(product->values[CLI_GEMM_BIAS]);
    o.multiplier = whole(product->values[CLI_GEMM_MULTIPLIER]);
    o.shift = whole(product->values[CLI_GEMM_SHIFT]);
    o.weights = product->weights;
    CLQ_TRY(clq_gemm(product->context, &p, &o, error));
    return clq_finish(product->context, error);
}

/*
 * The first piece runs twice, since the first run of a kernel also compiles it and compares it with the reference; the
 * time counts from the second.
 */
clq_status cli_gemm_run(cli_gemm_product *product, const cli_gemm_job *job, cli_progress *progress,
                        uint64_t *done_bytes, clq_error *error)
{
    const uint64_t m = job->problem.m;
    const uint64_t row_bytes = cli_gemm_c_bytes(job) / m;
    uint64_t rows = first_rows(product, job);
    if (!is_reference(product)) {
        CLQ_TRY(multiply(product, job, 0, rows, error));
    }
    product->seconds = 0.0;
    for (uint64_t first = 0; first < m;) {
        struct timespec begun;
        double seconds;
        CLQ_TRY(interrupted(error));
        cli_progress_at(progress, *done_bytes, product->plan.variant);
        clock_gettime(CLOCK_MONOTONIC, &begun);
        CLQ_TRY(multiply(product, job, first, rows, error));
        seconds = cli_seconds_since(&begun);
        product->seconds += seconds;
        *done_bytes += rows * row_bytes;
        first += rows;
        rows = next_rows(rows, seconds, m - first);
    }
    /* The kernel planned before may have been set aside when it was first used. */
    return clq_gemm_plan(product->context, &job->problem, product->weights != NULL, &product->plan, error);
}

void cli_gemm_release(cli_gemm_product *product)
{
    clq_gemm_weights_destroy(&product->weights);
    clq_buffer_destroy(&product->a);
    clq_buffer_destroy(&product->b);
    clq_buffer_destroy(&product->c);
    for (int i = 0; i < CLI_GEMM_PARAMETERS; i++) {
        clq_buffer_destroy(&product->values[i]);
    }
    clq_context_destroy(&product->context);
}

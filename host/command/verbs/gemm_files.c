/* SPDX-License-Identifier: Apache-2.0 */
/* A and B of gemm, and the shapes that follow from theirs. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command/verbs/gemm_job.h"
#include "core/size.h"

enum { SHAPE_BYTES = 120 };

static const clq_model_tensor *tensor_of(const cli_gemm_file *file)
{
    return &file->model->tensors[0];
}

static clq_status open_file(cli_gemm_file *file, const cli_options *options, const char *path, clq_error *error)
{
    const clq_model_tensor *tensor = NULL;
    char shape[SHAPE_BYTES];
    char shown[300];
    clq_printable(shown, sizeof shown, path, strlen(path));
    CLQ_TRY(clq_model_open(path, &file->model, error));
    if (file->model->kind != CLQ_MODEL_NPY) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: %s must be a .npy file", shown, file->name);
    }
    if (file->model->warning != NULL) {
        cli_warning(options, "%s", file->model->warning);
    }
    tensor = tensor_of(file);
    if (tensor->dtype.type != CLQ_S8 && tensor->dtype.type != CLQ_U8) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: %s holds %s; I8 or U8 (int8, uint8) is required", shown, file->name,
                        tensor->dtype.name);
    }
    if (tensor->rank < 2) {
        clq_format_shape(shape, sizeof shape, tensor->rank, tensor->shape);
        return clq_fail(error, CLQ_BAD_FILE, "%s: %s has the shape %s; a matrix, or batches of matrices, is required",
                        shown, file->name, shape);
    }
    file->batch_rank = tensor->rank - 2;
    file->rows = tensor->shape[tensor->rank - (file->transposed ? 1 : 2)];
    file->columns = tensor->shape[tensor->rank - (file->transposed ? 2 : 1)];
    return CLQ_OK;
}

/* Refuse the two shapes, with both of them in front of the rule that they break. */
CLQ_PRINTF(3, 4)
static clq_status refuse(const cli_gemm_job *job, clq_error *error, const char *format, ...)
{
    char a[SHAPE_BYTES];
    char b[SHAPE_BYTES];
    char rule[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    clq_format_shape(a, sizeof a, tensor_of(&job->a)->rank, tensor_of(&job->a)->shape);
    clq_format_shape(b, sizeof b, tensor_of(&job->b)->rank, tensor_of(&job->b)->shape);
    return clq_fail(error, CLQ_BAD_FILE, "A %s%s and B %s%s: %s", a, job->a.transposed ? " transposed" : "", b,
                    job->b.transposed ? " transposed" : "", rule);
}

/* C has the batch dimensions of the operand that has some. */
static clq_status match_batches(cli_gemm_job *job, clq_error *error)
{
    const cli_gemm_file *a = &job->a;
    const cli_gemm_file *b = &job->b;
    const cli_gemm_file *batched = a->batch_rank > 0 ? a : b;
    const size_t bytes = batched->batch_rank * sizeof job->shape[0];
    const uint64_t *shape = tensor_of(batched)->shape;
    if (a->batch_rank > 0 && b->batch_rank > 0 &&
        (a->batch_rank != b->batch_rank || memcmp(shape, tensor_of(b)->shape, bytes) != 0)) {
        return refuse(job, error, "the batch dimensions differ; a matrix without any serves every batch");
    }
    job->rank = batched->batch_rank + 2;
    memcpy(job->shape, shape, bytes);
    job->shape[job->rank - 2] = a->rows;
    job->shape[job->rank - 1] = b->columns;
    job->problem.batch = 1;
    for (uint32_t i = 0; i < batched->batch_rank; i++) {
        if (!clq_size_multiply(job->problem.batch, shape[i], &job->problem.batch)) {
            return refuse(job, error, "the number of batches overflows");
        }
    }
    return CLQ_OK;
}

static clq_status match_shapes(cli_gemm_job *job, clq_error *error)
{
    char shape[SHAPE_BYTES];
    if (job->a.columns != job->b.rows) {
        return refuse(job, error, "K is %" PRIu64 " in A and %" PRIu64 " in B%s", job->a.columns, job->b.rows,
                      job->a.columns == job->b.columns && !job->b.transposed ? " (--transpose-b is for B as [N, K])"
                      : job->a.rows == job->b.rows && !job->a.transposed     ? " (--transpose-a is for A as [K, M])"
                                                                             : "");
    }
    CLQ_TRY(match_batches(job, error));
    for (uint32_t i = 0; i < job->rank; i++) {
        if (job->shape[i] == 0) {
            clq_format_shape(shape, sizeof shape, job->rank, job->shape);
            return refuse(job, error, "C would be %s, without an element", shape);
        }
    }
    return CLQ_OK;
}

/* `batch_stride` 0 would say that all batches share the matrix: without elements it may be any other number. */
static void describe_matrix(clq_matrix *matrix, const cli_gemm_file *file)
{
    matrix->dtype = tensor_of(file)->dtype.type;
    matrix->transposed = file->transposed;
    matrix->batch_stride = file->batch_rank > 0 ? clq_size_max(file->rows * file->columns, 1) : 0;
}

clq_status cli_gemm_open(cli_gemm_job *job, clq_error *error)
{
    const cli_options *options = job->options;
    clq_gemm_problem *p = &job->problem;
    clq_error reason;
    clq_gemm_init(p);
    job->a.name = "A";
    job->a.transposed = options->gemm.transpose_a;
    job->b.name = "B";
    job->b.transposed = options->gemm.transpose_b;
    CLQ_TRY(open_file(&job->a, options, options->positional.items[0], error));
    CLQ_TRY(open_file(&job->b, options, options->positional.items[1], error));
    CLQ_TRY(match_shapes(job, error));
    p->m = job->a.rows;
    p->n = job->b.columns;
    p->k = job->a.columns;
    describe_matrix(&p->a, &job->a);
    describe_matrix(&p->b, &job->b);
    /* Only sizes can be wrong so far, and they come from the files. */
    if (!clq_size_multiply(p->m, p->n, &p->c.batch_stride)) {
        return refuse(job, error, "the size of C overflows");
    }
    if (clq_gemm_check(p, &reason) != CLQ_OK) {
        return refuse(job, error, "%s", reason.message);
    }
    p->c.dtype = cli_gemm_dtype(options);
    return CLQ_OK;
}

void cli_gemm_job_release(cli_gemm_job *job)
{
    clq_model_close(&job->a.model);
    clq_model_close(&job->b.model);
    for (int i = 0; i < CLI_GEMM_PARAMETERS; i++) {
        free(job->values[i].memory);
        job->values[i].memory = NULL;
    }
}

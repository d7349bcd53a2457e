/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/gemm_shapes.h"

#include <string.h>

enum { FORMS = 7 };

/* One shape that is possible. */
typedef struct form {
    uint32_t rank;
    uint64_t shape[CLI_GEMM_MAX_RANK + 2];
    cli_gemm_spread spread;
} form;

static cli_gemm_axis axis_of(const cli_gemm_file *file, clq_gemm_values kind, uint64_t length, uint64_t batches)
{
    cli_gemm_axis axis = {.kind = kind, .length = length, .batches = 1, .transposed = file->transposed};
    if (file->batch_rank > 0) {
        axis.batches = batches;
        axis.batch_rank = file->batch_rank;
        axis.batch_shape = file->model->tensors[0].shape;
    }
    return axis;
}

cli_gemm_axis cli_gemm_rows_of_a(const cli_gemm_job *job)
{
    return axis_of(&job->a, CLQ_GEMM_PER_ROW, job->problem.m, job->problem.batch);
}

cli_gemm_axis cli_gemm_columns_of_b(const cli_gemm_job *job)
{
    return axis_of(&job->b, CLQ_GEMM_PER_COLUMN, job->problem.n, job->problem.batch);
}

cli_gemm_axis cli_gemm_columns_of_c(const cli_gemm_job *job)
{
    cli_gemm_axis axis = cli_gemm_columns_of_b(job);
    axis.batches = 1;
    axis.batch_rank = 0;
    return axis;
}

/* Add the form with the last dimensions `rows` x `columns` (or `columns` alone, when `rows` is 0). */
static void add(form *forms, uint32_t *count, const cli_gemm_axis *axis, int batched, uint64_t rows, uint64_t columns)
{
    form *f = &forms[(*count)++];
    f->rank = batched ? axis->batch_rank : 0;
    if (f->rank > 0) {
        memcpy(f->shape, axis->batch_shape, f->rank * sizeof f->shape[0]);
    }
    if (rows > 0) {
        f->shape[f->rank++] = rows;
    }
    f->shape[f->rank++] = columns;
    f->spread.per_batch = batched;
    f->spread.per_index = 1;
}

/* All forms, without the single value; those without batches first. */
static uint32_t list_forms(const cli_gemm_axis *axis, form forms[FORMS])
{
    const int is_row = axis->kind == CLQ_GEMM_PER_ROW;
    const uint64_t length = axis->length;
    uint32_t count = 0;
    for (int batched = 0; batched <= (axis->batch_rank > 0); batched++) {
        add(forms, &count, axis, batched, 0, length);
        if (is_row || axis->transposed) {
            add(forms, &count, axis, batched, length, 1);
        }
        if (!is_row || axis->transposed) {
            add(forms, &count, axis, batched, 1, length);
        }
    }
    if (axis->batch_rank > 0) {
        add(forms, &count, axis, 1, 1, 1);
        forms[count - 1].spread.per_index = 0;
    }
    return count;
}

static clq_status refuse(const char *option, const clq_model_tensor *tensor, const form *forms, uint32_t count,
                         int whole, clq_error *error)
{
    char given[120];
    char one[120];
    char possible[700] = "";
    clq_format_shape(given, sizeof given, tensor->rank, tensor->shape);
    for (uint32_t i = 0; i < count; i++) {
        const size_t used = strlen(possible);
        clq_format_shape(one, sizeof one, forms[i].rank, forms[i].shape);
        snprintf(possible + used, sizeof possible - used, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", one);
    }
    return clq_fail(error, CLQ_BAD_FILE, "%s: the file has the shape %s; possible is %s%s", option, given,
                    whole       ? ""
                    : count > 1 ? "one value, "
                                : "one value or ",
                    possible);
}

clq_status cli_gemm_match(const cli_gemm_axis *axis, const char *option, const clq_model_tensor *tensor, int whole,
                          cli_gemm_spread *spread, clq_error *error)
{
    form forms[FORMS];
    const uint32_t count = list_forms(axis, forms);
    uint32_t rank = tensor->rank;
    const uint64_t *shape = tensor->shape;
    spread->per_index = 0;
    spread->per_batch = 0;
    if (tensor->elements == 1 && (!whole || axis->length == 1)) {
        return CLQ_OK;
    }
    for (; rank > 0; rank--, shape++) {
        for (uint32_t i = 0; i < count; i++) {
            if (forms[i].rank == rank && memcmp(forms[i].shape, shape, rank * sizeof *shape) == 0) {
                *spread = forms[i].spread;
                return CLQ_OK;
            }
        }
        /* A shared operand's parameters may have been kept with as many dimensions as a batched one has. */
        if (rank <= 2 || shape[0] != 1) {
            break;
        }
    }
    return refuse(option, tensor, forms, count, whole, error);
}

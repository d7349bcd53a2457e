/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/gemm_report.h"

#include <inttypes.h>
#include <string.h>

/* Additions and multiplications of all batches, in 10^9 a second; 0 when the clock saw no time pass. */
static double giga_operations(const cli_gemm_job *job, const cli_gemm_product *product)
{
    const clq_gemm_problem *p = &job->problem;
    const double operations = 2.0 * (double)p->batch * (double)p->m * (double)p->n * (double)p->k;
    return product->seconds > 0.0 ? operations / product->seconds * 1e-9 : 0.0;
}

static void text_member(clq_json_writer *json, const char *key, const char *value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_string(json, value);
}

static void size_member(clq_json_writer *json, const char *key, uint64_t value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_u64(json, value);
}

static void print_json(const cli_gemm_job *job, const cli_gemm_product *product, const char *device)
{
    const clq_gemm_problem *p = &job->problem;
    clq_json_writer json;
    cli_json_begin(&json);
    text_member(&json, "file", job->options->file.output);
    clq_json_writer_key(&json, "shape");
    clq_json_writer_shape(&json, job->rank, job->shape);
    size_member(&json, "m", p->m);
    size_member(&json, "n", p->n);
    size_member(&json, "k", p->k);
    size_member(&json, "batch", p->batch);
    text_member(&json, "a_dtype", clq_dtype_name(p->a.dtype));
    text_member(&json, "b_dtype", clq_dtype_name(p->b.dtype));
    text_member(&json, "dtype", clq_dtype_name(p->c.dtype));
    clq_json_writer_key(&json, "requantize");
    if (cli_gemm_has_codes(job->options)) {
        clq_json_writer_string(&json, cli_gemm_mode_name(p->requantize));
    } else {
        clq_json_writer_null(&json);
    }
    text_member(&json, "variant", product->plan.variant);
    text_member(&json, "reason", product->plan.reason);
    clq_json_writer_key(&json, "checked");
    clq_json_writer_bool(&json, job->options->gemm.check);
    clq_json_writer_key(&json, "seconds");
    clq_json_writer_number(&json, product->seconds);
    clq_json_writer_key(&json, "gops");
    clq_json_writer_number(&json, giga_operations(job, product));
    text_member(&json, "device", device);
    cli_json_end(&json);
}

static void format_matrix(char *out, size_t capacity, const cli_gemm_file *file)
{
    const clq_model_tensor *tensor = &file->model->tensors[0];
    char shape[120];
    clq_format_shape(shape, sizeof shape, tensor->rank, tensor->shape);
    snprintf(out, capacity, "%s %s%s", clq_dtype_name(tensor->dtype.type), shape,
             file->transposed ? " transposed" : "");
}

/* Three digits, and no exponent for large numbers. */
static void format_number(char *out, size_t capacity, double value)
{
    snprintf(out, capacity, value >= 99.5 ? "%.0f" : "%.3g", value);
}

static void print_lines(const cli_gemm_job *job, const cli_gemm_product *product, const char *device)
{
    const clq_gemm_problem *p = &job->problem;
    char path[512];
    char shape[120];
    char a[160];
    char b[160];
    char time[40];
    char rate[40];
    char mode[40] = "";
    clq_printable(path, sizeof path, job->options->file.output, strlen(job->options->file.output));
    clq_format_shape(shape, sizeof shape, job->rank, job->shape);
    format_matrix(a, sizeof a, &job->a);
    format_matrix(b, sizeof b, &job->b);
    if (cli_gemm_has_codes(job->options)) {
        snprintf(mode, sizeof mode, ", requantized by '%s'", cli_gemm_mode_name(p->requantize));
    }
    cli_line(stdout, "%s: %s %s = %s x %s%s", path, clq_dtype_name(p->c.dtype), shape, a, b, mode);
    format_number(time, sizeof time, product->seconds * 1e3);
    format_number(rate, sizeof rate, giga_operations(job, product));
    cli_line(stdout, "%s ms, %s GOPS by '%s' (%s) on %s", time, rate, product->plan.variant, product->plan.reason,
             device);
    if (job->options->gemm.check) {
        cli_line(stdout, "the reference gives the same bytes");
    }
}

void cli_gemm_report(const cli_gemm_job *job, const cli_gemm_product *product)
{
    clq_device_info info;
    clq_context_device(product->context, &info);
    if (job->options->json) {
        print_json(job, product, info.name);
    } else if (!job->options->quiet) {
        print_lines(job, product, info.name);
    }
}

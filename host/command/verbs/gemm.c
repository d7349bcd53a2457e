/* SPDX-License-Identifier: Apache-2.0 */
/* clquant gemm: a product of two int8 matrices from .npy files into a third. */
#include <stdlib.h>
#include <string.h>

#include "command/verbs/gemm_report.h"
#include "command/verbs/report.h"
#include "core/size.h"
#include "format/file.h"
#include "format/npy.h"
#include "format/output_path.h"

typedef struct gemm_run {
    cli_gemm_job job;
    cli_gemm_product product;
    clq_writer *writer;
    cli_progress *progress;
    uint64_t done_bytes;
} gemm_run;

/* Everything that needs no device: what can be refused is refused before anything is opened for writing. */
static clq_status prepare(gemm_run *run, clq_error *error)
{
    const cli_options *options = run->job.options;
    CLQ_TRY(cli_gemm_open(&run->job, error));
    CLQ_TRY(cli_gemm_read_values(&run->job, error));
    CLQ_TRY(cli_gemm_check_values(&run->job, error));
    CLQ_TRY(clq_path_check(options->file.output, run->job.a.model, options->file.replace, error));
    return clq_path_check(options->file.output, run->job.b.model, options->file.replace, error);
}

static clq_status open_device(gemm_run *run, clq_error *error)
{
    const cli_options *options = run->job.options;
    CLQ_TRY(cli_open_device(options, &run->product.context, error));
    CLQ_TRY(cli_bound_device(options, 1, &run->product.context, error));
    if (options->gemm.variant != NULL) {
        const clq_status status = clq_context_force_variant(run->product.context, options->gemm.variant, error);
        return status == CLQ_OK ? CLQ_OK : clq_fail_in(error, status, "--variant %s", options->gemm.variant);
    }
    return CLQ_OK;
}

/* The temporary file of the output tells of a full disk before the work is done. */
static clq_status open_output(gemm_run *run, clq_error *error)
{
    const cli_gemm_job *job = &run->job;
    const clq_dtype dtype = job->problem.c.dtype;
    const char *name = dtype == CLQ_S32 ? "I32" : dtype == CLQ_S8 ? "I8" : dtype == CLQ_U8 ? "U8" : "F32";
    clq_status status = CLQ_OK;
    char *header = NULL;
    uint64_t header_bytes = 0;
    CLQ_TRY_TO(clq_npy_header(name, job->rank, job->shape, &header, &header_bytes, error));
    CLQ_TRY_TO(clq_writer_open(job->options->file.output, header_bytes + cli_gemm_c_bytes(job),
                               job->options->file.replace, &run->writer, error));
    CLQ_TRY_TO(clq_writer_write(run->writer, header, header_bytes, error));
done:
    free(header);
    return status;
}

static clq_status write_output(gemm_run *run, clq_error *error)
{
    const uint64_t step = UINT64_C(64) << 20;
    const uint64_t bytes = cli_gemm_c_bytes(&run->job);
    void *memory = NULL;
    CLQ_TRY(clq_buffer_map(run->product.c, &memory, error));
    for (uint64_t at = 0; at < bytes; at += step) {
        if (cli_interrupted()) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted: nothing was written");
        }
        CLQ_TRY(clq_writer_write(run->writer, (const char *)memory + at, clq_size_min(step, bytes - at), error));
    }
    CLQ_TRY(clq_buffer_unmap(run->product.c, error));
    return clq_writer_commit(&run->writer, error);
}

static clq_status execute(gemm_run *run, clq_error *error)
{
    const cli_gemm_job *job = &run->job;
    const int check = job->options->gemm.check;
    CLQ_TRY(prepare(run, error));
    CLQ_TRY(open_device(run, error));
    CLQ_TRY(open_output(run, error));
    CLQ_TRY(cli_gemm_load(&run->product, job, check, error));
    run->progress = cli_progress_begin(job->options, "gemm", cli_gemm_c_bytes(job) * (check ? 2 : 1));
    CLQ_TRY(cli_gemm_run(&run->product, job, run->progress, &run->done_bytes, error));
    if (check) {
        CLQ_TRY(cli_gemm_verify(&run->product, job, run->progress, &run->done_bytes, error));
    }
    cli_progress_end(&run->progress);
    return write_output(run, error);
}

int cli_gemm(const cli_options *options)
{
    gemm_run run;
    clq_error error;
    clq_status status;
    const int code = cli_gemm_check_options(options);
    if (code != CLI_OK) {
        return code;
    }
    memset(&run, 0, sizeof run);
    run.job.options = options;
    status = execute(&run, &error);
    cli_progress_end(&run.progress);
    if (status == CLQ_OK) {
        cli_gemm_report(&run.job, &run.product);
    }
    clq_writer_abandon(&run.writer);
    cli_close_device(options, &run.product.context);
    cli_gemm_release(&run.product);
    cli_gemm_job_release(&run.job);
    return cli_report_end(status == CLQ_OK ? options->file.output : NULL, status, &error);
}

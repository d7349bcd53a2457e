/* SPDX-License-Identifier: Apache-2.0 */
/* quantize: from a model file or an array to one with quantized tensors. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <string.h>
#include <time.h>

#include "command/verbs/report.h"
#include "model/copy.h"
#include "model/quantize_config.h"
#include "model/quantize_job.h"
#include "model/quantize_output.h"

/*
 * Reasons to stop that are no error of a call: the message is printed where it arises, and the exit code kept here
 * while the status unwinds.
 */
typedef struct quantize_run {
    clq_quantize_job job;
    cli_report_summary summary;
    struct timespec begun;
    int code;             /* CLI_OK, CLI_QUALITY */
    const char *complete; /* OUT, once it is in its place */
} quantize_run;

/* --strict: every float tensor that the options select must be quantized, and every pattern must match something. */
static int check_strict(const clq_quantize_job *job)
{
    const char *idle = clq_model_plan_idle_pattern(job->options, job->model);
    int code = CLI_OK;
    if (idle != NULL) {
        cli_warning(job->options, "no tensor is called like the pattern '%s'", idle);
        code = CLI_QUALITY;
    }
    for (size_t i = 0; i < job->plan->count; i++) {
        const clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        if (!tensor->quantized && tensor->falls_short) {
            cli_warning(job->options, "tensor '%s' is copied: %s", job->model->tensors[i].name, tensor->reason);
            code = CLI_QUALITY;
        }
    }
    if (code == CLI_OK || !job->options->file.strict) {
        return CLI_OK;
    }
    cli_message("--strict: nothing was written, because not all that was selected can be quantized");
    return code;
}

/* Whether OUT can be written, and what an earlier run left of it. */
static clq_status check_output(clq_quantize_job *job, clq_error *error)
{
    const cli_options *options = job->options;
    int replace = options->file.dry_run ? 2 : options->file.replace;
    if (!options->file.dry_run) {
        CLQ_TRY(clq_output_check(job->output, job->model, 2, error));
        CLQ_TRY(clq_checkpoint_find(options, &job->checkpoint, error));
        /* Files that stand under their final names already are compared byte for byte. */
        replace = clq_checkpoint_is_complete(job->checkpoint) ? 2 : replace;
    }
    return clq_output_check(job->output, job->model, replace, error);
}

/* Everything that needs headers and options alone. */
static clq_status prepare(quantize_run *run, clq_error *error)
{
    clq_quantize_job *job = &run->job;
    const cli_options *options = job->options;
    CLQ_TRY(clq_model_open(options->positional.items[0], &job->model, error));
    if (job->model->warning != NULL) {
        cli_warning(options, "%s", job->model->warning);
    }
    CLQ_TRY(clq_output_create(options->file.output, job->model->shard_count, &job->output, error));
    CLQ_TRY(check_output(job, error));
    CLQ_TRY(clq_given_create(options, &job->given, error));
    CLQ_TRY(clq_model_plan_create(options, job->given, job->model, &job->plan, error));
    CLQ_TRY(clq_config_prepare(options, job->plan, job->output, error));
    if (job->checkpoint != NULL) {
        const clq_checkpoint_run checkpoint_run = {options, job->given, job->plan, job->output};
        CLQ_TRY(clq_checkpoint_check(job->checkpoint, &checkpoint_run, error));
    }
    run->code = check_strict(job);
    if (run->code == CLI_OK && job->plan->quantized_count == 0) {
        cli_warning(options, "no tensor is quantized; --verbose tells why each is copied");
    }
    return CLQ_OK;
}

static clq_status open_device(quantize_run *run, clq_error *error)
{
    clq_quantize_job *job = &run->job;
    clq_device_info info;
    CLQ_TRY(cli_open_device(job->options, &job->context, error));
    clq_context_device(job->context, &info);
    snprintf(run->summary.device, sizeof run->summary.device, "%s", info.name);
    CLQ_TRY(clq_quantize_begin(job, error));
    for (size_t i = 0; i < job->plan->count; i++) {
        clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        clq_plan operation;
        if (tensor->quantized) {
            CLQ_TRY(clq_plan_operation(job->context, CLQ_OP_QUANTIZE, &tensor->q, &operation, error));
            memcpy(tensor->variant, operation.variant, sizeof tensor->variant);
        }
    }
    return CLQ_OK;
}

/*
 * The header comes before the data and says how zero points are stored. Where that depends on the data, all ranges are
 * found first; otherwise each tensor's range is found just before it is quantized.
 */
static clq_status lay_out(quantize_run *run, clq_error *error)
{
    clq_quantize_job *job = &run->job;
    const cli_options *options = job->options;
    const int finds_all = !clq_zero_points_known(job->plan, job->given) || options->file.dry_run;
    job->all_bytes = clq_quantize_bytes(job, finds_all, !options->file.dry_run);
    job->progress = cli_progress_begin(options, "quantize", job->all_bytes);
    if (finds_all) {
        CLQ_TRY(clq_find_all(job, error));
    }
    CLQ_TRY(clq_config_check(options, job->plan, error));
    CLQ_TRY(clq_declare_quantized(job->output, options, job->plan, error));
    return clq_output_layout(job->output, &run->summary.bytes_out, error);
}

static clq_status write_tensors(clq_quantize_job *job, clq_error *error)
{
    const clq_checkpoint_run checkpoint_run = {job->options, job->given, job->plan, job->output};
    CLQ_TRY(clq_checkpoint_begin(job->checkpoint, &checkpoint_run, error));
    job->done_bytes = job->all_bytes - clq_quantize_bytes_left(job);
    cli_progress_skip(job->progress, job->done_bytes);
    return clq_quantize_all(job, error);
}

/* --fail-sqnr-below: judged before the output is put in its place. */
static int check_quality(const clq_quantize_job *job)
{
    const clq_model_plan_tensor *worst = NULL;
    for (size_t i = 0; i < job->plan->count && job->options->file.has_minimum_sqnr; i++) {
        const clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        /* Not "below": a tensor without a number fails too. */
        if (tensor->measured && !tensor->errors.exact &&
            !(tensor->errors.sqnr_db >= job->options->file.minimum_sqnr_db) &&
            (worst == NULL || clq_errors_compare(&tensor->errors, &worst->errors) < 0)) {
            worst = tensor;
        }
    }
    if (worst != NULL) {
        char shown[200];
        char sqnr[32];
        const char *name = job->model->tensors[worst->index].name;
        clq_printable(shown, sizeof shown, name, strlen(name));
        cli_format_sqnr(sqnr, sizeof sqnr, &worst->errors);
        cli_message("tensor '%s' has an SQNR of %s, below the %g dB asked for; nothing was written", shown, sqnr,
                    job->options->file.minimum_sqnr_db);
        return CLI_QUALITY;
    }
    return CLI_OK;
}

static clq_status report(quantize_run *run, clq_error *error)
{
    const cli_options *options = run->job.options;
    run->summary.seconds = cli_seconds_since(&run->begun);
    if (options->json) {
        return cli_report_json(run->job.plan, &run->summary, error);
    }
    return options->quiet ? CLQ_OK : cli_report_table(options, run->job.plan, &run->summary, error);
}

static clq_status execute(quantize_run *run, clq_error *error)
{
    clq_quantize_job *job = &run->job;
    const cli_options *options = job->options;
    CLQ_TRY(prepare(run, error));
    run->summary.bytes_in = clq_model_file_bytes(job->model);
    if (run->code != CLI_OK) {
        return options->json ? report(run, error) : CLQ_OK;
    }
    CLQ_TRY(open_device(run, error));
    CLQ_TRY(lay_out(run, error));
    if (!options->file.dry_run) {
        CLQ_TRY(write_tensors(job, error));
        cli_progress_finish(job->progress, "flushing to disk");
        run->code = check_quality(job);
        if (run->code == CLI_OK) {
            CLQ_TRY(clq_checkpoint_commit(job->checkpoint, error));
            run->complete = options->file.output;
        }
        if (run->code == CLI_OK && options->file.config_file != NULL) {
            CLQ_TRY(clq_config_write(options, job->plan, error));
        }
    }
    cli_progress_end(&job->progress);
    return report(run, error);
}

/*
 * Whether what was finished stays when the run fails: if --resume asks for it, and another run would get any further
 * than this one.
 */
static int is_kept(const cli_options *options, clq_status status)
{
    return options->file.resume && status != CLQ_OK && status != CLQ_NONFINITE;
}

int cli_quantize(const cli_options *options)
{
    quantize_run run;
    clq_error error;
    clq_status status;
    int kept;
    memset(&run, 0, sizeof run);
    run.job.options = options;
    if (clq_output_is_npy(options->file.output)) {
        return cli_usage_error("quantize writes a safetensors file, not a .npy: codes need their scales beside them");
    }
    if (options->file.dry_run && options->file.resume) {
        return cli_usage_error("--dry-run writes nothing, so that there is nothing for --resume to continue");
    }
    clock_gettime(CLOCK_MONOTONIC, &run.begun);
    status = execute(&run, &error);
    cli_progress_end(&run.job.progress);
    kept = clq_checkpoint_close(&run.job.checkpoint, is_kept(options, status));
    clq_output_destroy(&run.job.output);
    clq_quantize_end(&run.job);
    clq_context_destroy(&run.job.context);
    clq_model_plan_destroy(&run.job.plan);
    clq_given_destroy(&run.job.given);
    clq_model_close(&run.job.model);
    if (status == CLQ_OK && run.code != CLI_OK) {
        return run.code;
    }
    run.code = cli_report_end(run.complete, status, &error);
    if (status != CLQ_OK && kept) {
        cli_warning(options, "what was finished is kept; --resume continues from there");
    }
    return run.code;
}

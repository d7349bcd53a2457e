/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_quantize: from a model file or an array to one with quantized tensors. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "format/folder.h"
#include "format/gguf.h"
#include "format/npy.h"
#include "format/output_path.h"
#include "model/input_scales.h"
#include "model/nonfinite.h"
#include "model/part_journals.h"
#include "model/plan_check.h"
#include "model/quantize_config.h"
#include "model/quantize_job.h"
#include "model/quantize_output.h"
#include "model/quantize_report.h"
#include "model/report.h"
#include "model/shown.h"

static clq_status check_request(const clq_file_request *request, clq_error *error)
{
    const clq_written written = {
        "safetensors", {".safetensors", CLQ_INDEX_SUFFIX}, ", or --format clquant, which takes any name"};
    CLQ_REQUIRE(request->input != NULL, "quantize: the request has no input");
    CLQ_REQUIRE(request->output != NULL, "quantize: the request has no output");
    CLQ_REQUIRE(request->calibration.kind != CLQ_CALIBRATE_AVERAGE && request->calibration.kind != CLQ_CALIBRATE_MEAN,
                "quantize: an average of ranges is of several batches, which only calibrate looks at");
    CLQ_REQUIRE(!clq_is_npy_name(request->output),
                "quantize writes a safetensors file, not a .npy: codes need their scales beside them");
    CLQ_REQUIRE(!request->dry_run || !request->resume,
                "--dry-run writes nothing, so that there is nothing for --resume to continue");
    CLQ_REQUIRE((request->part == 0) == (request->parts == 0) && request->part <= request->parts &&
                    request->parts <= CLQ_MOST_PARTS,
                "--part %u/%u: the number of a part, from 1 to that of all, at most %d, is required",
                (unsigned)request->part, (unsigned)request->parts, (int)CLQ_MOST_PARTS);
    CLQ_REQUIRE(request->shares == 0 ||
                    (request->parts > 0 && request->own_shares > 0 && request->own_shares <= request->shares &&
                     request->first_share <= request->shares - request->own_shares &&
                     request->shares <= CLQ_MOST_PARTS),
                "--no-shared: parts that write shares %u to %u of %u are required, at most %d of them",
                (unsigned)request->first_share, (unsigned)(request->first_share + request->own_shares),
                (unsigned)request->shares, (int)CLQ_MOST_PARTS);
    CLQ_REQUIRE(request->parts == 0 || !request->dry_run,
                "--dry-run shows the plan of the whole, and a part writes; leave out one of --dry-run and --part");
    if (request->format == CLQ_FORMAT_BY_OUTPUT && !clq_is_gguf_name(request->output) &&
        !clq_request_writes_folder(request)) {
        CLQ_TRY(clq_path_check_ending(request->output, &written, error));
    }
    return CLQ_OK;
}

/* Whether the output can be written, and what an earlier run left of it. */
static clq_status check_output(clq_quantize_job *job, clq_error *error)
{
    const clq_file_request *request = job->request;
    const int there = job->folder == NULL || clq_folder_output_exists(job->folder);
    int is_taken = 0;
    int replace = request->dry_run || job->joined != NULL ? 2 : request->replace;
    CLQ_REQUIRE(request->parts == 0 || clq_part_has_name(clq_output_path(job->output)),
                "--part: the name of the output is too long for files beside it");
    CLQ_TRY(clq_output_refuse_given(job->output, request, error));
    is_taken =
        there && (clq_output_is_there(job->output) || (job->folder != NULL && clq_folder_output_is_taken(job->folder)));
    if (!request->dry_run && job->joined == NULL) {
        CLQ_TRY(there ? clq_output_check(job->output, job->model, 2, error) : CLQ_OK);
        CLQ_TRY(clq_checkpoint_find(request, job->output, is_taken, &job->checkpoint, error));
        /* Files that stand under their final names already are compared byte for byte. */
        replace = clq_checkpoint_is_complete(job->checkpoint)           ? 2
                  : !replace && clq_checkpoint_is_left(job->checkpoint) ? CLQ_NOT_REPLACED_BY_REST
                                                                        : replace;
    }
    if (job->folder != NULL) {
        CLQ_TRY(clq_folder_output_check(job->folder, job->output, replace == 2 && !request->dry_run, error));
    }
    return there ? clq_output_check(job->output, job->model, replace, error) : CLQ_OK;
}

/* The shards that are written here, where others are written elsewhere. */
static clq_status find_share(clq_quantize_job *job, clq_error *error)
{
    size_t first = 0;
    size_t end = 0;
    if (job->request->shares == 0) {
        return CLQ_OK;
    }
    CLQ_REQUIRE(clq_output_is_sharded(job->output),
                "--no-shared: %s would be a single file, and ranks that share no file system write whole shards; "
                "required is a model in shards, and as OUT a folder or a name that ends in .safetensors.index.json",
                clq_show(clq_output_path(job->output)).text);
    clq_shards_of_share(job->request, job->model, &first, &end);
    clq_output_share(job->output, first, end);
    return CLQ_OK;
}

/* Everything that needs headers and the request alone. */
static clq_status prepare(clq_quantize_job *job, clq_error *error)
{
    const clq_file_request *request = job->request;
    CLQ_TRY(clq_job_open_model(job->call, request->input, &job->model, error));
    CLQ_TRY(clq_format_of(request, job->model, &job->format, error));
    CLQ_TRY(clq_folder_output_create(job->call, job->model, job->format->file_suffix, &job->folder, error));
    CLQ_TRY(
        clq_output_create(clq_folder_output_path(job->folder, request), job->model->shard_count, &job->output, error));
    if (job->format->prepare != NULL) {
        CLQ_TRY(job->format->prepare(job->call, job->model, job->output, error));
    }
    CLQ_TRY(find_share(job, error));
    CLQ_TRY(check_output(job, error));
    CLQ_TRY(clq_given_create(request, &job->given, error));
    CLQ_TRY(clq_model_plan_create(request, job->format, job->given, job->model, &job->plan, error));
    job->work = job->plan;
    job->plan->has_share = request->shares > 0;
    clq_shards_of_share(request, job->model, &job->plan->first_shard, &job->plan->end_shard);
    CLQ_TRY(clq_config_prepare(request, job->plan, job->output, error));
    CLQ_TRY(clq_find_input_scales(job->call, job->plan, error));
    if (job->checkpoint != NULL) {
        const clq_checkpoint_run run = {job->call, job->given, job->plan, NULL, job->output};
        CLQ_TRY(clq_checkpoint_compare_ranks(&run, error));
        CLQ_TRY(clq_checkpoint_check(job->checkpoint, &run, error));
    }
    CLQ_TRY(clq_plan_check(job->call, job->plan, error));
    if (job->format->tell != NULL) {
        job->format->tell(job->call, job->plan);
    }
    return CLQ_OK;
}

static clq_status open_device(clq_quantize_job *job, clq_error *error)
{
    CLQ_TRY(clq_job_need_devices(job->call, error));
    CLQ_TRY(clq_quantize_begin(job, error));
    for (size_t i = 0; i < job->plan->count; i++) {
        clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        clq_plan operation;
        if (tensor->quantized && tensor->by_host) {
            snprintf(tensor->variant, sizeof tensor->variant, "host");
        } else if (tensor->quantized) {
            CLQ_TRY(clq_plan_operation(job->call->context, CLQ_OP_QUANTIZE, &tensor->q, &operation, error));
            memcpy(tensor->variant, operation.variant, sizeof tensor->variant);
        }
    }
    return CLQ_OK;
}

/* config.json of a folder tells engines how its weights are to be read. */
static clq_status make_config(clq_quantize_job *job, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *text = NULL;
    size_t bytes = 0;
    if (job->folder != NULL && job->format->config_format != NULL) {
        CLQ_TRY_TO(clq_config_text(job->plan, &text, &bytes, error));
        CLQ_TRY_TO(clq_folder_output_config(job->folder, text, bytes, error));
    }
done:
    free(text);
    return status;
}

static clq_status lay_out(clq_quantize_job *job, clq_error *error)
{
    CLQ_TRY(clq_quantize_find_forms(job, error));
    CLQ_TRY(clq_config_check(job->request, job->plan, error));
    CLQ_TRY(clq_declare_quantized(job->output, job->request, job->plan, error));
    CLQ_TRY(make_config(job, error));
    CLQ_TRY(clq_output_layout(job->output, &job->call->report->bytes_out, error));
    return clq_quantize_place_pieces(job, error);
}

static clq_status write_tensors(clq_quantize_job *job, clq_error *error)
{
    const clq_checkpoint_run run = {job->call, job->given, job->plan, job->work, job->output};
    if (job->folder != NULL) {
        CLQ_TRY(clq_folder_output_begin(job->folder, job->output, error));
    }
    CLQ_TRY(clq_checkpoint_begin(job->checkpoint, &run, error));
    CLQ_TRY(clq_checkpoint_await_begun(job->call, &job->all_begun, error));
    CLQ_TRY(clq_quantize_note_written(job, error));
    job->lanes.done_bytes = job->lanes.all_bytes - clq_quantize_bytes_left(job);
    clq_job_progress_skip(job->call, job->lanes.done_bytes);
    CLQ_TRY(clq_find_shared(job, error));
    CLQ_TRY(clq_quantize_all(job, error));
    clq_job_progress_after(job->call, "flushing to disk");
    return CLQ_OK;
}

static clq_status join_parts(clq_quantize_job *job, clq_error *error)
{
    const clq_checkpoint_run run = {job->call, job->given, job->plan, job->work, job->output};
    if (job->folder != NULL) {
        CLQ_TRY(clq_folder_output_begin(job->folder, job->output, error));
    }
    clq_job_progress_after(job->call, "reading back what the parts wrote");
    CLQ_TRY(clq_checkpoint_join(&run, error));
    clq_job_progress_after(job->call, "flushing to disk");
    return CLQ_OK;
}

/* Judged before the output is put in its place. */
static clq_status check_quality(const clq_quantize_job *job, clq_error *error)
{
    const clq_model_plan_tensor *worst = NULL;
    size_t below = 0;
    char shown[200];
    char sqnr[32] = "-";
    for (size_t i = 0; i < job->plan->count && job->request->has_minimum_sqnr; i++) {
        const clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        /* Not "below": a tensor without a number fails too. */
        if (tensor->measured && !tensor->errors.exact && !(tensor->errors.sqnr_db >= job->request->minimum_sqnr_db)) {
            below += 1;
            worst = worst == NULL || clq_errors_compare(&tensor->errors, &worst->errors) < 0 ? tensor : worst;
        }
    }
    if (worst == NULL) {
        return CLQ_OK;
    }
    if (isfinite(worst->errors.sqnr_db)) {
        snprintf(sqnr, sizeof sqnr, "%.2f dB", worst->errors.sqnr_db);
    }
    clq_printable(shown, sizeof shown, job->model->tensors[worst->index].name,
                  strlen(job->model->tensors[worst->index].name));
    return clq_fail(error, CLQ_REFUSED,
                    "tensor '%s' has an SQNR of %s, below the %g dB asked for%s; nothing was written", shown, sqnr,
                    job->request->minimum_sqnr_db, clq_report_others_below(below).text);
}

/* --nonfinite ignore: they are gone from the output, and nothing else would tell. */
static void tell_nonfinite(const clq_quantize_job *job)
{
    clq_nonfinite_tally tally = {0};
    for (size_t i = 0; i < job->plan->count; i++) {
        const clq_model_plan_tensor *tensor = &job->plan->tensors[i];
        clq_nonfinite_add(&tally, job->model->tensors[i].name, tensor->quantized ? tensor->nonfinite.count : 0);
    }
    if (tally.elements > 0) {
        clq_job_warn(job->call, "NaN or infinite: %s; NaN and -infinity become the lowest code, +infinity the highest",
                     clq_nonfinite_describe(&tally).text);
    }
}

static clq_status put_in_place(clq_quantize_job *job, clq_error *error)
{
    if (job->joined != NULL) {
        CLQ_TRY(clq_checkpoint_await_ranks(job->call, error));
        CLQ_TRY(clq_output_commit(job->output, error));
        clq_checkpoint_remove_parts(job->output);
    } else {
        CLQ_TRY(clq_checkpoint_commit(job->checkpoint, error));
    }
    job->call->report->is_written = 1;
    return job->request->config_file != NULL ? clq_config_write(job->request, job->plan, error) : CLQ_OK;
}

static clq_status execute(clq_quantize_job *job, clq_error *error)
{
    CLQ_TRY(check_request(job->request, error));
    CLQ_TRY(prepare(job, error));
    CLQ_TRY(job->joined != NULL ? CLQ_OK : open_device(job, error));
    CLQ_TRY(clq_quantize_cut(job, error));
    CLQ_TRY(lay_out(job, error));
    if (!job->request->dry_run) {
        CLQ_TRY(job->joined != NULL ? join_parts(job, error) : write_tensors(job, error));
    }
    if (job->work != job->plan) {
        CLQ_TRY(clq_work_merge(job->work, job->plan, error));
    }
    tell_nonfinite(job);
    if (job->request->dry_run) {
        return CLQ_OK;
    }
    if (job->request->parts > 0 && job->joined == NULL) { /* whose tensors may not be whole: `join` judges them */
        CLQ_TRY(clq_checkpoint_finish(job->checkpoint, error));
        job->call->report->is_part_done = 1;
        return CLQ_OK;
    }
    CLQ_TRY(check_quality(job, error));
    return put_in_place(job, error);
}

/*
 * Whether what was finished stays: if the request asks for it, and another run would get any further than this one.
 * After a difference from the reference nothing does: what the sample did not show may be wrong too.
 */
static int is_kept(const clq_job *call, clq_status status)
{
    return call->request->resume && status != CLQ_OK && status != CLQ_NONFINITE && status != CLQ_REFUSED &&
           !atomic_load(&call->check.found);
}

/*
 * Whether what all ranks have written goes with this one, or with the one that joins: as of one process, where another
 * run would end here too. A rank that is interrupted may be so because another one was killed, which is continued.
 */
static int ends_all(const clq_quantize_job *job, clq_status status)
{
    if (job->joined != NULL) {
        return job->call->events.exchange != NULL && status == CLQ_REFUSED;
    }
    return job->all_begun && status != CLQ_OK && status != CLQ_CANCELLED && !is_kept(job->call, status);
}

clq_status clq_quantize_run(clq_job *call, const char *joined, clq_error *error)
{
    clq_status status;
    int dropped;
    clq_quantize_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a run of quantize");
    }
    job->call = call;
    job->request = call->request;
    job->joined = joined;
    status = execute(job, error);
    dropped = ends_all(job, status);
    if (dropped) {
        clq_checkpoint_drop_all(job->output);
    }
    call->report->is_resumable = clq_checkpoint_close(&job->checkpoint, is_kept(call, status));
    clq_output_destroy(&job->output);
    clq_folder_output_close(&job->folder, status, call->report->is_resumable || (job->request->parts > 0 && !dropped));
    clq_quantize_end(job);
    if (job->plan != NULL) {
        /* What is wrong with the call comes first. */
        const clq_status told = clq_quantize_report(job, status == CLQ_OK ? error : NULL);
        status = status == CLQ_OK ? told : status;
    }
    if (job->work != job->plan) {
        clq_work_destroy(&job->work);
    }
    clq_pieces_destroy(&job->pieces);
    clq_model_plan_destroy(&job->plan);
    clq_given_destroy(&job->given);
    clq_model_close(&job->model);
    free(job);
    return status;
}

clq_status clq_file_quantize(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                             clq_file_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_job call;
    clq_status status = clq_job_begin(&call, "quantize", context, request, events, error);
    if (status == CLQ_OK) {
        status = clq_quantize_run(&call, NULL, error);
    }
    return clq_job_end(&call, status, report);
}

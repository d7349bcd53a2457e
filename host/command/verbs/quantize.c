/* SPDX-License-Identifier: Apache-2.0 */
/* quantize: from a model file or an array to one with quantized tensors. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <string.h>
#include <time.h>

#include "command/frame/ranks_place.h"
#include "command/verbs/file_report.h"
#include "command/verbs/plot.h"
#include "command/verbs/report.h"
#include "format/npy.h"

/* --scale and --zero-point, where they are numbers. */
typedef struct given_numbers {
    double scale;
    int32_t zero_point;
} given_numbers;

static clq_file_request make_request(const cli_options *options, given_numbers *numbers)
{
    clq_file_request request = options->file;
    int64_t zero_point = 0;
    request.input = options->positional.items[0];
    request.details = options->json ? CLQ_FILE_PARAMETERS : 0;
    if (options->scale != NULL && clq_parse_double(options->scale, &numbers->scale)) {
        request.scale = &numbers->scale;
        request.scale_count = 1;
    } else {
        request.scale_file = options->scale;
    }
    if (options->zero_point != NULL && clq_parse_i64(options->zero_point, INT32_MIN, INT32_MAX, &zero_point)) {
        numbers->zero_point = (int32_t)zero_point;
        request.zero_point = &numbers->zero_point;
        request.zero_point_count = 1;
    } else {
        request.zero_point_file = options->zero_point;
    }
    return request;
}

/* Of a run that came to its end, or that a gate refused: there is nothing for people before the data was looked at. */
static clq_status print_report(const cli_options *options, const clq_file_report *report, clq_error *error)
{
    if (options->json) {
        cli_report_json(report);
        return CLQ_OK;
    }
    return options->quiet || report->device[0] == '\0' ? CLQ_OK : cli_report_table(options, report, error);
}

/*
 * What the parts have written, put in its place by the first rank, or the first of each file system. What is wrong for
 * one of these is so for all, and the first of all tells it.
 */
static int join_ranks(const cli_options *options, const cli_ranks *ranks, const cli_joined_ranks *made)
{
    const char *output = options->file.output;
    cli_options joining = *options;
    clq_file_request request = options->file;
    clq_error error;
    joining.verb = CLI_VERB_JOIN;
    joining.file.check = CLQ_CHECK_NONE; /* each has written its bytes just now, or compared those of an earlier run */
    joining.positional = (cli_list){&output, 1};
    if (ranks->rank == 0) {
        return cli_join_ranks(&joining, made);
    }
    request.check = CLQ_CHECK_NONE;
    if (cli_call_files(&joining, clq_file_join, &request, NULL, &error) == CLQ_OK) {
        return CLI_OK;
    }
    ranks->hold();
    return cli_report(&error);
}

/* The part that is this rank's: of all ranks, or of those that see the same folder. */
static clq_status take_part(const cli_options *options, const cli_ranks *ranks, clq_file_request *request,
                            cli_rank_place *place, clq_error *error)
{
    CLQ_TRY(cli_find_rank_place(ranks, request->output, options->no_shared, place, error));
    request->part = place->number + 1;
    request->parts = place->count;
    if (!options->no_shared) {
        return CLQ_OK;
    }
    request->first_share = place->before;
    request->own_shares = place->count;
    request->shares = ranks->count;
    if (place->before > 0 && request->config_file != NULL) { /* one is enough, where the first rank sees it */
        request->config_file = NULL;
        request->format = request->format == CLQ_FORMAT_BY_OUTPUT ? CLQ_FORMAT_COMPRESSED_TENSORS : request->format;
    }
    return CLQ_OK;
}

/* Each rank is a part; only the first speaks of what goes well. */
static int quantize_in_ranks(const cli_options *options, cli_ranks *ranks, clq_file_request request)
{
    const cli_options own = cli_options_of_rank(options, ranks);
    cli_rank_place place;
    cli_joined_ranks made = {.device = ""};
    clq_file_report *report = NULL;
    clq_error error;
    clq_status status;
    int code = CLI_OK;
    clock_gettime(CLOCK_MONOTONIC, &made.begun);
    request.details = 0;
    ranks->speaks = 1;
    status = take_part(options, ranks, &request, &place, &error);
    if (status == CLQ_OK) {
        status = cli_call_files(&own, clq_file_quantize, &request, &report, &error);
    }
    if (report != NULL) {
        memcpy(made.device, report->device, sizeof made.device);
    }
    clq_file_report_destroy(&report);
    if (status != CLQ_OK) {
        ranks->hold();
        code = cli_report(&error);
    }
    cli_json_close(options, code);
    cli_flush_output();
    ranks->settle(code);
    ranks->among(place.number == 0);
    if (place.number == 0) {
        code = join_ranks(&own, ranks, &made);
    }
    cli_json_close(options, code);
    cli_flush_output();
    ranks->settle(code);
    return code;
}

int cli_quantize(const cli_options *options)
{
    cli_ranks *ranks = cli_ranks_in_use();
    given_numbers numbers;
    const clq_file_request request = make_request(options, &numbers);
    clq_file_report *report = NULL;
    clq_error error;
    clq_status status;
    int refused;
    int code = cli_check_plot(options);
    if (code != CLI_OK) {
        return code;
    }
    if (clq_is_npy_name(options->file.output)) {
        return cli_usage_error("quantize writes a safetensors file, not a .npy: codes need their scales beside them");
    }
    if (options->file.dry_run && options->file.resume) {
        return cli_usage_error("--dry-run writes nothing, so that there is nothing for --resume to continue");
    }
    if (options->file.dry_run && options->file.has_minimum_sqnr) {
        cli_warning(options, "--fail-sqnr-below judges nothing in a dry run, which measures nothing");
    }
    if (options->plot != NULL && options->file.parts > 0) {
        return cli_usage_error("--plot: a part measures some tensors alone; 'clquant join OUT --plot FILE' draws all");
    }
    if (options->no_shared && ranks == NULL) {
        return cli_usage_error("--no-shared is for the ranks of clquant-mpi, and this is one process");
    }
    if (ranks != NULL) {
        return options->file.parts > 0 || options->file.dry_run
                   ? cli_usage_error("--part and --dry-run are for one process, and this is one of %u", ranks->count)
                   : quantize_in_ranks(options, ranks, request);
    }
    status = cli_call_files(options, clq_file_quantize, &request, &report, &error);
    refused = status == CLQ_REFUSED;
    code = refused ? cli_report(&error) : CLI_OK;
    if (status == CLQ_OK || refused) {
        status = print_report(options, report, &error);
    }
    if (status == CLQ_OK && report->device[0] != '\0') {
        status = cli_plot_sqnr(options, report, &error);
    }
    if (refused && status != CLQ_OK) {
        code = cli_report_late(code, &error);
    } else if (!refused) {
        code = cli_report_end(report != NULL && report->is_written ? options->file.output : NULL, status, &error);
    }
    if (report != NULL && report->is_part_done) {
        cli_note(options, "part %u of %u is done; when all are, 'clquant join' puts the output in its place",
                 (unsigned)options->file.part, (unsigned)options->file.parts);
    }
    if (report != NULL && report->is_resumable) {
        cli_warning(options, "what was finished is kept; --resume continues from there");
    } else if (status == CLQ_CANCELLED && !options->file.resume) {
        cli_warning(options, "a run with --resume from its start keeps what is finished when it is interrupted");
    }
    clq_file_report_destroy(&report);
    return code;
}

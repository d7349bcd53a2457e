/* SPDX-License-Identifier: Apache-2.0 */
/* join: the end of a quantize in parts. */
#include <string.h>

#include "command/verbs/file_report.h"
#include "command/verbs/plot.h"
#include "command/verbs/report.h"

/* The ranks that made the parts, of which the first tells: its device, and the time from the begin. */
static void set_ranks(clq_file_report *report, const cli_joined_ranks *ranks)
{
    if (ranks != NULL) {
        memcpy(report->device, ranks->device, sizeof report->device);
        report->seconds = cli_seconds_since(&ranks->begun);
    }
}

int cli_join(const cli_options *options)
{
    return cli_join_ranks(options, NULL);
}

int cli_join_ranks(const cli_options *options, const cli_joined_ranks *ranks)
{
    clq_file_request request = options->file;
    clq_file_report *report = NULL;
    clq_error error;
    clq_status status;
    int refused;
    int code = cli_check_plot(options);
    if (code != CLI_OK) {
        return code;
    }
    request.output = options->positional.items[0];
    status = cli_call_files(options, clq_file_join, &request, &report, &error);
    refused = status == CLQ_REFUSED;
    code = refused ? cli_report(&error) : CLI_OK;
    if (status == CLQ_OK || refused) {
        set_ranks(report, ranks);
        if (options->json) {
            cli_report_json(report);
        } else if (!options->quiet) {
            status = cli_report_table(options, report, refused ? NULL : &error);
        }
    }
    if (status == CLQ_OK && report->is_written) {
        status = cli_plot_sqnr(options, report, &error);
    }
    if (!refused) {
        code = cli_report_end(report != NULL && report->is_written ? request.output : NULL, status, &error);
    }
    clq_file_report_destroy(&report);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/file_report.h"

#include <inttypes.h>

#include "command/frame/file_events.h"
#include "command/frame/ranks.h"
#include "command/verbs/report.h"

clq_status cli_call_files(const cli_options *options, cli_file_function *function, const clq_file_request *request,
                          clq_file_report **report, clq_error *error)
{
    cli_file_events state;
    clq_status status;
    cli_file_events_begin(&state, options);
    status = function(NULL, request, &state.events, report, error);
    cli_file_events_end(&state);
    return status;
}

/* A rank that fails before all have told each other what they found ends those that wait for it. */
static void fail_alone(const cli_options *options, cli_ranks *ranks, int code)
{
    code = code != CLI_OK ? code : CLI_FAILURE;
    cli_json_close(options, code);
    cli_flush_output();
    ranks->settle(code);
}

int cli_run_files(const cli_options *options, cli_file_function *function, const clq_file_request *request,
                  cli_file_tell *tell)
{
    cli_ranks *ranks = cli_ranks_in_use();
    const int is_first = ranks == NULL || ranks->rank == 0;
    const cli_options own = ranks != NULL ? cli_options_of_rank(options, ranks) : *options;
    clq_file_request share = *request;
    clq_file_report *report = NULL;
    clq_error error;
    clq_status status;
    int is_done = 1;
    int code = CLI_OK;
    if (ranks != NULL) {
        share.part = ranks->rank + 1;
        share.parts = ranks->count;
        ranks->speaks = 1;
    }
    status = cli_call_files(&own, function, &share, &report, &error);
    if (ranks != NULL) {
        is_done = report != NULL && report->is_part_done;
        if (!is_done) {
            ranks->hold();
        }
        ranks->speaks = is_first || !is_done;
    }
    if (is_first || !is_done) {
        code = tell(options, request, report, status, &error);
    }
    clq_file_report_destroy(&report);
    if (!is_done) {
        fail_alone(options, ranks, code);
    }
    return ranks != NULL ? ranks->finish(code) : code;
}

void cli_json_layout(clq_json_writer *json, const clq_layout *layout)
{
    clq_json_writer_key(json, "granularity");
    clq_json_writer_string(json, cli_granularity_name(layout));
    if (cli_has_axis(layout)) {
        clq_json_writer_key(json, "axis");
        clq_json_writer_u64(json, layout->axis);
    }
    if (cli_has_group_size(layout)) {
        clq_json_writer_key(json, "group_size");
        clq_json_writer_u64(json, layout->group_size);
    }
}

void cli_json_check(clq_json_writer *json, const clq_file_report *report)
{
    if (report->check != CLQ_CHECK_SAMPLE && report->check != CLQ_CHECK_ALL) {
        return;
    }
    clq_json_writer_key(json, "check");
    clq_json_writer_string(json, report->check == CLQ_CHECK_ALL ? "all" : "sample");
    if (report->check == CLQ_CHECK_SAMPLE) {
        clq_json_writer_key(json, "check_seed");
        clq_json_writer_u64(json, report->check_seed);
    }
    clq_json_writer_key(json, "checked_elements");
    clq_json_writer_u64(json, report->checked_elements);
    clq_json_writer_key(json, "checked_pieces");
    clq_json_writer_u64(json, report->checked_pieces);
}

void cli_json_copied_files(clq_json_writer *json, const clq_file_report *report)
{
    if (report->copied_files > 0) {
        clq_json_writer_key(json, "copied_files");
        clq_json_writer_u64(json, report->copied_files);
        clq_json_writer_key(json, "copied_file_bytes");
        clq_json_writer_u64(json, report->copied_file_bytes);
    }
}

void cli_print_copied_files(const clq_file_report *report)
{
    char text[64];
    if (report->copied_files > 0) {
        clq_format_bytes(text, sizeof text, report->copied_file_bytes);
        cli_line(stdout, "beside the weights: %" PRIu64 " file%s, %s, as they are", report->copied_files,
                 report->copied_files == 1 ? "" : "s", text);
    }
}

void cli_json_device(clq_json_writer *json, const clq_file_report *report)
{
    clq_json_writer_key(json, "device");
    if (report->device[0] != '\0') {
        clq_json_writer_string(json, report->device);
    } else {
        clq_json_writer_null(json);
    }
}

/* Bytes in a second of work. */
static double rate_of(const clq_file_device *device)
{
    return device->seconds > 0.0 ? (double)device->bytes / device->seconds : 0.0;
}

void cli_json_devices(clq_json_writer *json, const clq_file_report *report)
{
    if (report->device_count == 0) {
        return;
    }
    clq_json_writer_key(json, "devices");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < report->device_count; i++) {
        const clq_file_device *device = &report->devices[i];
        clq_json_writer_open(json, '{');
        clq_json_writer_key(json, "device");
        clq_json_writer_string(json, device->name);
        clq_json_writer_key(json, "bytes");
        clq_json_writer_u64(json, device->bytes);
        clq_json_writer_key(json, "gb_per_second");
        clq_json_writer_number(json, rate_of(device) * 1e-9);
        clq_json_writer_key(json, "busy");
        clq_json_writer_number(json, device->share);
        clq_json_writer_key(json, "set_aside");
        clq_json_writer_bool(json, device->is_set_aside);
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

clq_status cli_devices_table(const clq_file_report *report, clq_error *error)
{
    static const char *const TITLES[] = {"device", "did", "while at work", "at work", ""};
    cli_table *table = NULL;
    clq_status status;
    if (report->device_count == 0) {
        return CLQ_OK;
    }
    table = cli_table_create(5, TITLES, "<>>><");
    for (size_t i = 0; i < report->device_count; i++) {
        const clq_file_device *device = &report->devices[i];
        char text[64];
        cli_table_cell(table, "%s", device->name);
        clq_format_bytes(text, sizeof text, device->bytes);
        cli_table_cell(table, "%s", text);
        cli_table_cell(table, "%.2f GB/s", rate_of(device) * 1e-9);
        cli_table_cell(table, "%.0f%%", 100.0 * device->share);
        cli_table_cell(table, "%s", device->is_set_aside ? "set aside" : "");
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    return status;
}

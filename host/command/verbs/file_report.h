/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that call <clquant/files.h> share: the call, and members of their JSON that reports hold. */
#ifndef CLQ_HOST_COMMAND_VERBS_FILE_REPORT_H
#define CLQ_HOST_COMMAND_VERBS_FILE_REPORT_H

#include "command/frame/cli.h"

typedef clq_status cli_file_function(clq_context *context, const clq_file_request *request,
                                     const clq_file_events *events, clq_file_report **report, clq_error *error);

/* One call, with the device that --device names, progress and messages on stderr, and signals as cancellation. */
clq_status cli_call_files(const cli_options *options, cli_file_function *function, const clq_file_request *request,
                          clq_file_report **report, clq_error *error);

/* Tell what the call found and did, and return the exit code. */
typedef int cli_file_tell(const cli_options *options, const clq_file_request *request, const clq_file_report *report,
                          clq_status status, clq_error *error);

/*
 * All of a verb whose ranks tell each other what they find: the call, in each a part of it, and `tell` in the first, or
 * in a rank that fails alone. Returns the exit code, the same in all. In one process: the call, and `tell`.
 */
int cli_run_files(const cli_options *options, cli_file_function *function, const clq_file_request *request,
                  cli_file_tell *tell);

/* "granularity", with "axis" or "group_size" where there is one. */
void cli_json_layout(clq_json_writer *json, const clq_layout *layout);

/* "check", "check_seed" of a sample, "checked_elements" and "checked_pieces"; nothing when nothing was checked. */
void cli_json_check(clq_json_writer *json, const clq_file_report *report);

/* "copied_files" and "copied_file_bytes" of an output that is a folder; or a line that tells them to people. */
void cli_json_copied_files(clq_json_writer *json, const clq_file_report *report);
void cli_print_copied_files(const clq_file_report *report);

/* "device": null when none was needed. */
/* What each of several devices did; nothing of one. */
void cli_json_devices(clq_json_writer *json, const clq_file_report *report);
clq_status cli_devices_table(const clq_file_report *report, clq_error *error);

void cli_json_device(clq_json_writer *json, const clq_file_report *report);

#endif

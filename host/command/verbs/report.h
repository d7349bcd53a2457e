/* SPDX-License-Identifier: Apache-2.0 */
/* What `quantize` tells on stdout: a table and a summary for people, or one JSON object. */
#ifndef CLQ_HOST_COMMAND_VERBS_REPORT_H
#define CLQ_HOST_COMMAND_VERBS_REPORT_H

#include <time.h>

#include <clquant/files.h>

#include "command/frame/cli.h"

/*
 * Report a failure and return its exit code. One that a signal brought about (runtimes of devices may fail when their
 * work is interrupted) counts as the interruption that it is.
 */
int cli_report_failure(const clq_error *error);

/*
 * The same for a verb that writes OUT, whatever its status, at its very end: stdout is closed. `complete` is the path
 * of OUT once it is in its place, NULL before; what fails from there on, printing included, is told together with it.
 */
int cli_report_end(const char *complete, clq_status status, const clq_error *error);

/*
 * What fails after the verdict of a run is told, and its exit code is the run's only where that has none of its own: a
 * picture that cannot be written hides no difference.
 */
int cli_report_late(int verdict, const clq_error *error);

/* cli_join of what ranks have just made, whose report tells of them too. */
typedef struct cli_joined_ranks {
    char device[sizeof((clq_file_report *)0)->device];
    struct timespec begun;
} cli_joined_ranks;
int cli_join_ranks(const cli_options *options, const cli_joined_ranks *ranks);

/* Digits of a share for "%.*g%%": two, but all of it is 100 and not 1e+02. */
int cli_percent_digits(double percent);

/* Seconds on the monotonic clock since `begun`. */
double cli_seconds_since(const struct timespec *begun);

/*
 * The members "copied", the names of the tensors that were copied, and "copied_details", the same with shape, type and,
 * where there is one, the reason.
 */
void cli_report_json_copied(clq_json_writer *json, const clq_file_report *report);

/* The member "summary", which all verbs that write a file give. */
void cli_report_json_summary(clq_json_writer *json, const clq_file_report *report);

/*
 * One object, in the form that the command promises. What was not found out (by a dry run, or after a
 * refusal by --strict) is null.
 */
void cli_report_json(const clq_file_report *report);

/*
 * The tensors with the largest error first, how many are copied and why, what could be better, and what was done: to be
 * read by people, so all tensors are only listed with --verbose or --dry-run.
 */
clq_status cli_report_table(const cli_options *options, const clq_file_report *report, clq_error *error);

/* What to try for the worst tensor, if its numbers give a reason and the options of this run allow it; else nothing is
 * printed. */
void cli_report_hint(const cli_options *options, const clq_file_report *report);

/* "channel 0", "group 128", "tensor". */
void cli_format_granularity(char *out, size_t capacity, const clq_layout *layout);

/* What options call it: blocks are groups that have an axis. */
const char *cli_granularity_name(const clq_layout *layout);
int cli_has_axis(const clq_layout *layout);
int cli_has_group_size(const clq_layout *layout);

/* "31.42 dB", "exact", "-". */
void cli_format_sqnr(char *out, size_t capacity, const clq_errors *errors);

#endif

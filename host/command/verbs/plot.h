/* SPDX-License-Identifier: Apache-2.0 */
/* --plot: SQNR by layer as a small picture (SVG) that needs nothing else. */
#ifndef CLQ_HOST_COMMAND_VERBS_PLOT_H
#define CLQ_HOST_COMMAND_VERBS_PLOT_H

#include "command/frame/cli.h"

/* Before any work: a message and its exit code where --plot names no place for a picture, or another file; else CLI_OK.
 */
int cli_check_plot(const cli_options *options);

/*
 * Write the picture of the report's measured tensors, in the order of the file, to the file of --plot, which is
 * replaced. Does nothing without --plot. CLQ_REFUSED where no tensor has an SQNR.
 */
clq_status cli_plot_sqnr(const cli_options *options, const clq_file_report *report, clq_error *error);

#endif

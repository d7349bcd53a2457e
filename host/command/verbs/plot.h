/* SPDX-License-Identifier: Apache-2.0 */
/* --plot: small pictures (SVG) that need nothing else: SQNR by layer, histograms of what was calibrated. */
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

/*
 * The same of a report of clq_file_calibrate with CLQ_FILE_WORST: histograms of the worst tensors. CLQ_REFUSED where no
 * tensor has a finite number other than 0.
 */
clq_status cli_plot_histograms(const cli_options *options, const clq_file_report *report, clq_error *error);

/* ---- for these ---- */

enum { CLI_PLOT_WIDTH = 960 }; /* in units of the picture */

/* The head, with what is drawn and of what file; then the elements; then the file of --plot. `text` is released. */
void cli_plot_begin(clq_text *text, int height, const char *title, const cli_options *options);
clq_status cli_plot_end(clq_text *text, const cli_options *options, clq_error *error);

/* A tensor's name, or what fits `columns` of it; 0: as in messages. */
void cli_plot_name(clq_text *text, const char *name, size_t columns);

#endif

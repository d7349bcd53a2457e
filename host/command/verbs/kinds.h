/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of a report by kind of layer: names that differ in numbers alone are one kind, `layers.*.mlp.up_proj`. */
#ifndef CLQ_HOST_COMMAND_VERBS_KINDS_H
#define CLQ_HOST_COMMAND_VERBS_KINDS_H

#include "command/frame/cli.h"

/* What a person reads one by one of tensors that come worst first: of `count` so many; a few more than ten are shown at
 * once rather than by kind. */
size_t cli_worst_rows(size_t count, int all);

/* The rest, in the same order: a line that counts them and a table with a row for each kind, worst first. */
clq_status cli_print_kinds(const clq_file_tensor *const *tensors, size_t count, clq_error *error);

/* The cell of the column beside the SQNR, which has no title: a bar as long as the SQNR is, `most` decibels being all
 * of it. Empty where there is none, or no room for bars. */
void cli_sqnr_bar_cell(cli_table *table, const clq_file_tensor *tensor, double most);

/* The greatest finite SQNR of them. */
double cli_greatest_sqnr(const clq_file_tensor *const *tensors, size_t count);

#endif

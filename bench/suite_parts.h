/* SPDX-License-Identifier: Apache-2.0 */
/* What all measurements of a suite go through, of tensors (suite.c) and of products (suite_products.c). */
#ifndef CLQ_BENCH_SUITE_PARTS_H
#define CLQ_BENCH_SUITE_PARTS_H

#include "memory_space.h"
#include "suite.h"

/* Whether the host and the device have what rows need: CLQ_OUT_OF_MEMORY. */
clq_status bench_suite_check_need(const clq_context *context, const memory_need *need, clq_error *error);

void bench_suite_note(const bench_suite *suite, const char *operation, const char *text);

/* What every group goes through once its rows are ready. */
clq_status bench_suite_measure(const bench_suite *suite, bench_group *group, size_t *failed, clq_error *error);

/* Room for a list of rows, once there is what they `need`; NULL: that has been asked. */
clq_status bench_suite_make_list(const bench_suite *suite, const memory_need *need, size_t bytes, void **list,
                                 clq_error *error);

#endif

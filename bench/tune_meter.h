/* SPDX-License-Identifier: Apache-2.0 */
/* The timing of tables of tuned values: they take turns, and results are compared with the reference first. */
#ifndef CLQ_BENCH_TUNE_METER_H
#define CLQ_BENCH_TUNE_METER_H

#include "tune_problems.h"
#include "tune_search.h"

/* As tune_meter.measure has it; the cookie is a tune_problems. The context has another table afterwards, and asks the
 * problems whether to cancel, which live as long as it does. */
clq_status tune_measure(void *cookie, uint32_t operations, const clq_tuned_value *base, clq_tuned_value *const *tables,
                        size_t count, int rounds, double end, tune_score *scores, double *noise, clq_error *error);

#endif

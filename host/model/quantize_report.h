/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_QUANTIZE_REPORT_H
#define CLQ_HOST_MODEL_QUANTIZE_REPORT_H

#include "model/quantize_job.h"

/* What is known of every tensor of the plan, into the call's report; parameters that it lists are the plan's no more.
 */
clq_status clq_quantize_report(clq_quantize_job *job, clq_error *error);

#endif

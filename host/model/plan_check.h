/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a plan of `quantize` does what was asked for, and what a person should know of it before it is carried out.
 */
#ifndef CLQ_HOST_MODEL_PLAN_CHECK_H
#define CLQ_HOST_MODEL_PLAN_CHECK_H

#include "model/job.h"
#include "model/plan.h"

/*
 * Warns of what is copied against the request. CLQ_REFUSED where nothing would be quantized or a pattern matches no
 * tensor, unless the request has allow_empty, and with `strict` where a selected tensor cannot be quantized.
 */
clq_status clq_plan_check(clq_job *call, const clq_model_plan *plan, clq_error *error);

#endif

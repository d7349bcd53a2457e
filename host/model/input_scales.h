/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_INPUT_SCALES_H
#define CLQ_HOST_MODEL_INPUT_SCALES_H

#include "model/job.h"
#include "model/plan.h"

/*
 * --activations static: the scale of what each quantized module is given, from the file of --ranges, where its range is
 * called MODULE or MODULE.input. CLQ_INVALID_ARGUMENT when there is none for some module, or both.
 */
clq_status clq_find_input_scales(clq_job *job, clq_model_plan *plan, clq_error *error);

#endif

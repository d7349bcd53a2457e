/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_MODEL_LOADER_MESSAGES_H
#define CLQ_HOST_MODEL_LOADER_MESSAGES_H

#include "model/job.h"
#include "model/plan.h"

/* What a person should know of an output that an engine is to load: what was left in float or taken all the same, */
void clq_tell_selection(clq_job *job, const clq_loader_view *view);

/* and where the configuration goes. */
void clq_tell_configuration(clq_job *job, const clq_model_plan *plan);

#endif

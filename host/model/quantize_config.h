/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quantization_config with which readers of compressed-tensors take the output as it is: what they need in
 * config.json, or --emit-config writes to a file.
 */
#ifndef CLQ_HOST_MODEL_QUANTIZE_CONFIG_H
#define CLQ_HOST_MODEL_QUANTIZE_CONFIG_H

#include "model/output.h"
#include "model/plan.h"

/* Before any work: refuse what one configuration cannot describe, and a file of --emit-config that cannot be written.
 */
clq_status clq_config_prepare(const clq_file_request *request, clq_model_plan *plan, const clq_output *output,
                              clq_error *error);

/* Once the zero points are known: refuse one that the codes' type does not hold, where there is a configuration. */
clq_status clq_config_check(const clq_file_request *request, const clq_model_plan *plan, clq_error *error);

/* Write the file of --emit-config, whole or not at all. */
clq_status clq_config_write(const clq_file_request *request, const clq_model_plan *plan, clq_error *error);

/*
 * The text of such a file, {"quantization_config": {...}}, malloc'ed; of a plan whose format has a configuration. Every
 * tensor's zero_point_form is set: after clq_config_check.
 */
clq_status clq_config_text(const clq_model_plan *plan, char **text, size_t *bytes, clq_error *error);

#endif

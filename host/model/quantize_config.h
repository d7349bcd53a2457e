/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --emit-config: the quantization_config with which readers of compressed-tensors (format int-quantized) take the
 * output as it is. What that format can hold: s8 codes of matrices called MODULE.weight, scales per tensor, per row or
 * per group that divides the row, zero points within int8.
 */
#ifndef CLQ_HOST_MODEL_QUANTIZE_CONFIG_H
#define CLQ_HOST_MODEL_QUANTIZE_CONFIG_H

#include "model/output.h"
#include "model/plan.h"

/* Whether config.json of an output that is a folder gets a quantization_config. */
int clq_config_is_for_folder(const clq_file_request *request);

/*
 * Before any work: refuse options that the format cannot express, and have tensors copied that it cannot hold, so that
 * file and configuration agree. Does nothing without --emit-config and for files.
 */
clq_status clq_config_prepare(const clq_file_request *request, clq_model_plan *plan, const clq_output *output,
                              clq_error *error);

/* Once the zero points are known: refuse one that is no int8. */
clq_status clq_config_check(const clq_file_request *request, const clq_model_plan *plan, clq_error *error);

/* Write the file, whole or not at all. */
clq_status clq_config_write(const clq_file_request *request, const clq_model_plan *plan, clq_error *error);

/*
 * The text of such a file, {"quantization_config": {...}}, malloc'ed. Every tensor's zero_point_form is set: after
 * clq_config_check.
 */
clq_status clq_config_text(const clq_model_plan *plan, char **text, size_t *bytes, clq_error *error);

#endif

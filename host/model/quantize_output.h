/* SPDX-License-Identifier: Apache-2.0 */
/* What a quantized file holds: its tensors and its metadata. */
#ifndef CLQ_HOST_MODEL_QUANTIZE_OUTPUT_H
#define CLQ_HOST_MODEL_QUANTIZE_OUTPUT_H

#include "format/facts.h"
#include "model/given.h"
#include "model/output.h"
#include "model/plan.h"

/*
 * Whether the form of every tensor's zero points is known before the data was read: they are given, or fixed by the
 * scheme. If so, the forms are set.
 */
int clq_zero_points_known(clq_model_plan *plan, const clq_given *given);

/* Declare all tensors and the metadata of the output; every tensor's zero_point_form is set. */
clq_status clq_declare_quantized(clq_output *output, const clq_file_request *request, clq_model_plan *plan,
                                 clq_error *error);

/*
 * The value of the metadata entry `clquant` for tensors [first, end) of the plan, malloc'ed. Depends on nothing but the
 * input and the options that decide a byte; what it said of tensors quantized before, the model's `facts`, is kept.
 */
clq_status clq_quantize_metadata(const clq_file_request *request, const clq_model_plan *plan, const clq_facts *facts,
                                 size_t first, size_t end, char **text, clq_error *error);

/* The options as they stand in that entry, every one that decides a byte, as JSON in one line. */
void clq_quantize_describe_options(const clq_file_request *request, const clq_model_plan *plan, clq_text *out);

#endif

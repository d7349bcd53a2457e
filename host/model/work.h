/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces of a plan (pieces.h) as tensors of their own, each with the layout of its rows, its share of the
 * parameters and windows of the output: what goes through the stages of `quantize` and into journals is then the same
 * for a piece as for a tensor.
 */
#ifndef CLQ_HOST_MODEL_WORK_H
#define CLQ_HOST_MODEL_WORK_H

#include "model/output.h"
#include "model/pieces.h"

/* All pieces; those of other owners than `owner` are elsewhere. The plan outlives it. */
clq_status clq_work_create(const clq_model_plan *plan, const clq_pieces *pieces, uint32_t owner, clq_model_plan **work,
                           clq_error *error);

/* Once the tensors of the plan are declared and the output is laid out: their windows. */
clq_status clq_work_place(clq_model_plan *work, clq_output *output, clq_error *error);
void clq_work_destroy(clq_model_plan **work);

/* Bytes of the input that those that are not elsewhere are made of, and of the output that they become. */
void clq_work_count(const clq_model_plan *work, uint64_t *in, uint64_t *out);

/* What was found of the pieces that are not elsewhere becomes what was found of their tensors, with the parameters that
 * pieces have; tensors without any such piece are elsewhere then. */
clq_status clq_work_merge(const clq_model_plan *work, clq_model_plan *plan, clq_error *error);

#endif

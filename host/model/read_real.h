/* SPDX-License-Identifier: Apache-2.0 */
/* Reading elements of files as the types that the library computes with. */
#ifndef CLQ_HOST_MODEL_READ_REAL_H
#define CLQ_HOST_MODEL_READ_REAL_H

#include "format/model.h"

/*
 * Elements [first, first + count) of a tensor of real numbers into `memory`, of clq_real_type: as they are in the file,
 * and those of F64 rounded to f32, here once and for all (docs/numerics.md, section 1).
 */
clq_status clq_read_real(const clq_model *model, size_t index, uint64_t first, uint64_t count, void *memory,
                         clq_error *error);

/* Bytes that all elements take in that type. */
uint64_t clq_real_bytes(const clq_model_tensor *tensor);

#endif

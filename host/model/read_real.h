/* SPDX-License-Identifier: Apache-2.0 */
/* Reading elements of files as the types that the library computes with. */
#ifndef CLQ_HOST_MODEL_READ_REAL_H
#define CLQ_HOST_MODEL_READ_REAL_H

#include "format/model.h"

/* The type of the library that elements of tensor `index` are read as; 0: they are no real numbers. */
clq_dtype clq_read_type(const clq_model *model, size_t index);

/*
 * Elements [first, first + count) of a tensor of real numbers into `memory`, of that type: as they are in the file,
 * those of F64 rounded to f32 (docs/numerics.md, section 1), here once and for all, and those of blocks as f32.
 */
clq_status clq_read_real(const clq_model *model, size_t index, uint64_t first, uint64_t count, void *memory,
                         clq_error *error);

/* Bytes that all elements take in that type. */
uint64_t clq_real_bytes(const clq_model *model, size_t index);

#endif

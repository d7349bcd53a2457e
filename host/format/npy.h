/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's .npy format, versions 1 to 3: reader (used by model.c) and the header of a file to be written. */
#ifndef CLQ_HOST_FORMAT_NPY_H
#define CLQ_HOST_FORMAT_NPY_H

#include "format/model_parts.h"

/* Parse model->shards[0] as .npy and add its one tensor, named `name`. Objects and structures are refused. */
clq_status clq_npy_parse(clq_model *model, const char *name, clq_error *error);

/*
 * The header for a C-order little-endian array, malloc'ed, padded so that the data starts at a multiple of 64. `dtype`
 * is a safetensors name with a NumPy equivalent (BF16 has none: CLQ_UNSUPPORTED).
 */
clq_status clq_npy_header(const char *dtype, uint32_t rank, const uint64_t *shape, char **header,
                          uint64_t *header_bytes, clq_error *error);

/* clq_model_read for a .npy in Fortran order or big-endian; the range was checked. */
clq_status clq_npy_read(const clq_model *model, uint64_t first, uint64_t count, void *memory, clq_error *error);

/* Whether a file of that name is written in this format. */
int clq_is_npy_name(const char *path);

#endif

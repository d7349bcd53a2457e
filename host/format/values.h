/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters in a .npy file: scales, zero points, biases. */
#ifndef CLQ_HOST_FORMAT_VALUES_H
#define CLQ_HOST_FORMAT_VALUES_H

#include "format/model.h"

/* More are not read into memory. */
#define CLQ_MOST_VALUES (UINT64_C(1) << 28)

/*
 * Open a .npy file of parameters that `option` names, in place of a number unless `only_file`. CLQ_BAD_FILE when it is
 * another kind of file or holds no value.
 */
clq_status clq_open_values(const char *option, const char *path, int only_file, clq_model **model, clq_error *error);

#endif

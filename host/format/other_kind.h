/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not read here, told by their first bytes so that a message can call them by their name. */
#ifndef CLQ_HOST_FORMAT_OTHER_KIND_H
#define CLQ_HOST_FORMAT_OTHER_KIND_H

#include <stddef.h>

/* "a PyTorch file (pickle)", "an HDF5 file"; NULL: none that is known. */
const char *clq_other_kind(const unsigned char *start, size_t length);

#endif

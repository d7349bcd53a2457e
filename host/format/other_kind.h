/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not read here, told by their first bytes so that a message can call them by their name. */
#ifndef CLQ_HOST_FORMAT_OTHER_KIND_H
#define CLQ_HOST_FORMAT_OTHER_KIND_H

#include <stddef.h>

typedef struct clq_kind {
    const char *name;   /* "a PyTorch file (pickle)", "an HDF5 file"; NULL: none that is known */
    const char *advice; /* how to come from it to a file that is read: a clause, after a semicolon */
} clq_kind;

clq_kind clq_other_kind(const unsigned char *start, size_t length);

#endif

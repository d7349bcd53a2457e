/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models that another tool quantized, in a format that is not read here: which of their tensors are parameters of codes
 * (scales, zero points, tables), or codes that are kept in a type of real numbers. To quantize these would lose the
 * model. The formats are a table in foreign.c, docs/files.md tells what it knows.
 */
#ifndef CLQ_HOST_FORMAT_FOREIGN_H
#define CLQ_HOST_FORMAT_FOREIGN_H

#include "format/model.h"

typedef enum clq_foreign_role {
    CLQ_FOREIGN_NONE = 0,
    CLQ_FOREIGN_PARAMETER = 1, /* of codes that stand beside it */
    CLQ_FOREIGN_CODES = 2      /* in a type of real numbers, with parameters beside them */
} clq_foreign_role;

typedef struct clq_foreign {
    clq_foreign_role role;
    const char *format; /* as a person calls it; NULL with CLQ_FOREIGN_NONE */
} clq_foreign;

/*
 * What tensor `index` is by its name and by what stands beside it: a name alone says nothing. Codes of integer types
 * are CLQ_FOREIGN_NONE, since nobody takes them for real numbers. CLQ_OUT_OF_MEMORY.
 */
clq_status clq_foreign_find(const clq_model *model, size_t index, clq_foreign *found, clq_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the library knows about each element type. */
#ifndef CLQ_HOST_CORE_DTYPE_H
#define CLQ_HOST_CORE_DTYPE_H

#include <clquant/clquant.h>

typedef struct clq_dtype_facts {
    const char *name;
    uint32_t bits;
    int is_real;
    int is_quantized;   /* may be the target of a quantization */
    int32_t qmin, qmax; /* of integer types */
} clq_dtype_facts;

/* Never NULL: a value that is no dtype has the name "?" and 0 bits. */
const clq_dtype_facts *clq_dtype_facts_of(clq_dtype dtype);

#endif

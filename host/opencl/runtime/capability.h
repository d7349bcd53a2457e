/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_CAPABILITY_H
#define CLQ_HOST_OPENCL_RUNTIME_CAPABILITY_H

#include "opencl/runtime/opencl.h"

/* What kernels beyond OpenCL 1.2 need. */
typedef struct clq_cl_capabilities {
    int avx2, avx512, vnni; /* an x86 CPU device in this process, whose compiler takes inline assembly, has them */
    int khr_dot;            /* cl_khr_integer_dot_product with packed operands */
    char no_vnni[96];       /* why not, for a person; empty when there */
    char no_khr_dot[96];
} clq_cl_capabilities;

/* Whether a list of words with blanks between has this one. */
int clq_cl_has_word(const char *list, const char *word);

void clq_cl_find_capabilities(cl_device_id device, const clq_device_info *info, clq_cl_capabilities *found);

#endif

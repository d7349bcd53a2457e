/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_CAPABILITY_H
#define CLQ_HOST_OPENCL_RUNTIME_CAPABILITY_H

#include "opencl/runtime/opencl.h"

/* The instructions that variants of the product are written for (kernels/instruction/). */
typedef enum clq_cl_instruction {
#define CLQ_GEMM_INSTRUCTION(identifier, variant, file, kernel, options, device_options, reason, contract)             \
    CLQ_CL_##identifier,
#include "kernels.def"
    CLQ_CL_INSTRUCTIONS
} clq_cl_instruction;

/* What kernels beyond OpenCL 1.2 need. Of instructions, why the device has them not, for a person; empty where it has
 * them, or where that is for its compiler to tell. */
typedef struct clq_cl_capabilities {
    int avx2, avx512, vnni; /* an x86 CPU device in this process, whose compiler takes inline assembly, has them */
    char no_vnni[96];
    char lacks[CLQ_CL_INSTRUCTIONS][112];
} clq_cl_capabilities;

/* Whether a list of words with blanks between has this one. */
int clq_cl_has_word(const char *list, const char *word);

/* 1: it has it; 0: it lacks it, or does not say; -1: there is no memory to ask. */
int clq_cl_has_extension(cl_device_id device, const char *name);

void clq_cl_find_capabilities(cl_device_id device, const clq_device_info *info, clq_cl_capabilities *found);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel of a test behind a header of kernels/instruction/, on the OpenCL objects of the test. */
#ifndef CLQ_TESTS_CONTRACT_KERNEL_H
#define CLQ_TESTS_CONTRACT_KERNEL_H

#include "own_opencl.h"

cl_kernel contract_kernel_build(const own_opencl *o, const char *header, const char *text, const char *name,
                                const char *options);

/* A memory object with these bytes. */
cl_mem contract_kernel_memory(const own_opencl *o, const void *bytes, size_t count);

/* Give the kernel these memory objects, run it in work-groups of `group` items, and read the one of `result`. */
void contract_kernel_run(const own_opencl *o, cl_kernel kernel, cl_mem *memory, cl_uint count, size_t items,
                         size_t group, cl_uint result, void *to, size_t bytes);

void contract_kernel_release(cl_kernel kernel, cl_mem *memory, cl_uint count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A program with OpenCL objects of its own on the device under test, and a clquant context over them. */
#ifndef CLQ_TESTS_OWN_OPENCL_H
#define CLQ_TESTS_OWN_OPENCL_H

#include <clquant/opencl.h>

#include "check.h"

enum { OWN_OPENCL_ALIGNMENT = 16 };

typedef struct own_opencl {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_mem memory; /* all buffers lie in it */
    uint64_t used;
    clq_context *clquant;
} own_opencl;

/* check_device() must be there. */
void own_opencl_begin(own_opencl *o, cl_command_queue_properties properties, uint64_t bytes);

/* All buffers must be gone; fails the test when the library kept anything of what it was handed. */
void own_opencl_end(own_opencl *o);

/* A buffer over the next bytes of the memory, behind a gap; `offset` (may be NULL) receives where it begins. */
clq_buffer *own_opencl_carve(own_opencl *o, uint64_t bytes, uint64_t *offset);

/* An operand in a buffer of its own, all zeros. */
clq_operand own_opencl_zeros(clq_context *context, uint64_t bytes);

#endif

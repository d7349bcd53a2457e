/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenCL layer that gives the device under it the habits of others, so that what only works on a CPU that shares
 * its memory fails here. For tests; never installed. The loader puts it in with OPENCL_LAYERS=PATH; CLQ_ZOO lists the
 * habits, separated by blanks:
 *
 *     type=gpu, type=accelerator  what the device says it is
 *     discrete              memory of its own: new buffers hold noise, CL_MEM_USE_HOST_PTR copies when the buffer is
 *                           made, a mapping is a copy that goes back when it is unmapped
 *     late                  a write that blocks has read the host's memory when it returns, and arrives later
 *     group=N               work-groups of at most N items
 *     kernel-group=N        of at most N for every kernel, whatever the device says it has for others
 *     handlers              the compiler takes away the process's signal handlers, as LLVM's do
 *     nan=N                 reads from the Nth on bring NaN in place of all data
 *     fail=FUNCTION:N:CODE  the Nth call of that function fails with this code
 */
#ifndef CLQ_TESTS_ZOO_H
#define CLQ_TESTS_ZOO_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl_layer.h>

typedef struct zoo_habits {
    cl_device_type type; /* 0: its own */
    int discrete, late, handlers;
    size_t nan_from;            /* 0: never */
    size_t group, kernel_group; /* 0: its own */
} zoo_habits;

extern zoo_habits zoo;
extern const cl_icd_dispatch *zoo_below; /* what is under the layer */

/* memory.c */
void zoo_memory_init(cl_icd_dispatch *layer);

/* groups.c; _device_info corrects an answer of the device */
void zoo_groups_init(cl_icd_dispatch *layer);
void zoo_groups_device_info(cl_device_id device, cl_device_info what, void *value);

/* failure.c: read "FUNCTION:N:CODE" and, once all of `layer` is filled in, put the failure before that function.
 * Returns 0 for text that is none, or a function that cannot fail. */
int zoo_failure_init(cl_icd_dispatch *layer, const char *text);

#endif

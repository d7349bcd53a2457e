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
 *     fail-every=N:CODE     every Nth call of any function that can fail does; not together with `fail`
 *     mutate=NAME, =FILE    kernels are changed before they are compiled: by a mutation of fault_programs.c (unfused,
 *                           inexact-divide, worse-divide, wrong-divide, truncate, flush), or by a file whose lines are
 * "OLD tab NEW": every OLD becomes NEW, an empty OLD puts NEW before each source, \n is a newline options=OPTION every
 * program is built with this option too refuse-binaries       clCreateProgramWithBinary fails stale-binaries        it
 * makes a program of another binary that it was given before, with kernels of these names flip-reads=N, flip-writes=N,
 * flip-maps=N  a bit turned over in every Nth read, write, or mapping that is read
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
    int refuse_binaries, stale_binaries;
    size_t flip_reads, flip_writes, flip_maps; /* 0: never */
} zoo_habits;

extern zoo_habits zoo;
extern const cl_icd_dispatch *zoo_below; /* what is under the layer */

/* memory.c */
void zoo_memory_init(cl_icd_dispatch *layer);

/* groups.c; _device_info corrects an answer of the device */
void zoo_groups_init(cl_icd_dispatch *layer);
void zoo_groups_device_info(cl_device_id device, cl_device_info what, void *value);

/* failure.c: read "FUNCTION:N:CODE" and, once all of `layer` is filled in, put the failure before that function; or
 * "N:CODE", before all. Returns 0 for text that is none, or a function that cannot fail. */
int zoo_failure_init(cl_icd_dispatch *layer, const char *text);
int zoo_failure_init_every(cl_icd_dispatch *layer, const char *text);

/* fault_programs.c: a habit each, 0 for text that is none; the options of a build with those that are forced, which may
 * be in `all`. */
void zoo_programs_init(cl_icd_dispatch *layer);
int zoo_programs_mutate(const char *text);
int zoo_programs_force(const char *option);
const char *zoo_programs_options(const char *options, char *all, size_t capacity);

/* fault_transfers.c: put before the transfers of `layer`, once the habits are known */
void zoo_transfers_init(cl_icd_dispatch *layer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/build.h"

#include <stdio.h>

#include "opencl/runtime/program.h"

/*
 * Some compilers print on the process's stderr, where their words look like the program's own: PoCL 3.1 "46 warnings
 * generated." of vectors that are wider than the processor's, which are handed to functions that it inlines. -w is in
 * every version of OpenCL C; errors are still in the log, and warnings of the kernels are for scripts/lint-kernels.sh.
 * It changes nothing that is built, so no key of the cache and no message has it. "1 error generated.", which NVIDIA's
 * and PoCL's print of a build that fails, no option keeps off; the stream is the host program's, in which other threads
 * write, and has a compiler's last words where it ends the process: nothing is put in its place.
 */
cl_int clq_cl_build(cl_program program, cl_device_id device, const char *options)
{
    char all[sizeof((clq_cl_program *)0)->options + sizeof " -w"];
    snprintf(all, sizeof all, "%s -w", options);
    return clBuildProgram(program, 1, &device, all, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One call of one function fails, or every Nth of all of them; or a launch ends the process. */
#include "zoo.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failing_call; /* 0: none yet */
static int is_every;     /* so many, of all functions together */
static cl_int failing_code;
static atomic_int calls;
static cl_icd_dispatch before; /* the layer's functions without failure */

static int is_due(void)
{
    const int call = atomic_fetch_add(&calls, 1) + 1;
    return is_every ? call % failing_call == 0 : call == failing_call;
}

#define CODE_FUNCTION(reported, name, parameters, arguments)                                                           \
    static cl_int CL_API_CALL fail_##name parameters                                                                   \
    {                                                                                                                  \
        return is_due() ? failing_code : before.name arguments;                                                        \
    }
#define COMMAND_FUNCTION(name, parameters, arguments) CODE_FUNCTION(1, name, parameters, arguments)
#define HANDLE_FUNCTION(reported, made, type, name, parameters, arguments)                                             \
    static type CL_API_CALL fail_##name parameters                                                                     \
    {                                                                                                                  \
        if (is_due()) {                                                                                                \
            if (code != NULL) {                                                                                        \
                *code = failing_code;                                                                                  \
            }                                                                                                          \
            return NULL;                                                                                               \
        }                                                                                                              \
        return before.name arguments;                                                                                  \
    }
#include "../opencl_functions.inc"

/* Put the failure before the function, or all of them when that is NULL; returns before how many. */
static int put_before(cl_icd_dispatch *layer, const char *function)
{
    int count = 0;
    before = *layer;
#define CODE_FUNCTION(reported, name, parameters, arguments)                                                           \
    if (function == NULL || strcmp(function, #name) == 0) {                                                            \
        layer->name = fail_##name;                                                                                     \
        count++;                                                                                                       \
    }
#define COMMAND_FUNCTION(name, parameters, arguments) CODE_FUNCTION(1, name, parameters, arguments)
#define HANDLE_FUNCTION(reported, made, type, name, parameters, arguments) CODE_FUNCTION(1, name, parameters, arguments)
#include "../opencl_functions.inc"
    return count;
}

int zoo_failure_init(cl_icd_dispatch *layer, const char *text)
{
    char name[64];
    int code = 0;
    if (failing_call != 0 || sscanf(text, "%63[A-Za-z]:%d:%d", name, &failing_call, &code) != 3) {
        return 0;
    }
    failing_code = code;
    return failing_call > 0 && put_before(layer, name) > 0;
}

int zoo_failure_init_every(cl_icd_dispatch *layer, const char *text)
{
    int code = 0;
    if (failing_call != 0 || sscanf(text, "%d:%d", &failing_call, &code) != 2) {
        return 0;
    }
    is_every = 1;
    failing_code = code;
    return failing_call > 0 && put_before(layer, NULL) > 0;
}

/* ---- launches that end the process ---- */

static char crashing_kernel[128];
static int crashing_code; /* 0: by a signal */
static cl_icd_dispatch without_crash;

static cl_int CL_API_CALL crash_enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                               const size_t *offset, const size_t *global, const size_t *local,
                                               cl_uint count, const cl_event *events, cl_event *event)
{
    char name[256] = "";
    (void)zoo_below->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, NULL);
    if (strcmp(name, crashing_kernel) == 0) {
        if (crashing_code != 0) {
            _exit(crashing_code);
        }
        (void)signal(SIGSEGV, SIG_DFL);
        (void)raise(SIGSEGV);
    }
    return without_crash.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

int zoo_failure_init_crash(cl_icd_dispatch *layer, const char *text)
{
    const int taken =
        crashing_kernel[0] == '\0' ? sscanf(text, "%127[A-Za-z0-9_]:%d", crashing_kernel, &crashing_code) : 0;
    without_crash = *layer;
    layer->clEnqueueNDRangeKernel = crash_enqueue_kernel;
    return taken == 2 || (taken == 1 && strchr(text, ':') == NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One call of one function fails, or every Nth of all of them; or a call, a launch or a build ends the process, does
 * not return, lacks resources, or loses the device; or a device has one process alone. */
#include "zoo.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failing_call; /* 0: none yet */
static int is_every;     /* so many, of all functions together */
static int is_fatal;     /* it ends the process */
static cl_int failing_code;
static atomic_int calls;
static cl_icd_dispatch before; /* the layer's functions without failure */

static cl_int meet(void);

static int is_due(void)
{
    const int call = atomic_fetch_add(&calls, 1) + 1;
    const int due = is_every ? call % failing_call == 0 : call == failing_call;
    if (due && is_fatal) {
        (void)meet();
    }
    return due;
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

/* ---- what ends the process, holds it up, or finds no resources ---- */

/* At launches of a kernel, or at builds of a program that has it; one habit at a time. */
static char fatal_kernel[128];
static int fatal_code;                   /* 0: by a signal */
static zoo_fate fate;                    /* ZOO_ENDS, also of a call */
static _Atomic(cl_command_queue) unread; /* of a launch that is told of by the next read or mapping */
static cl_icd_dispatch without_fatal;

/* What the call gives back, where it comes back. */
static cl_int meet(void)
{
    while (fate == ZOO_HANGS) {
        (void)pause();
    }
    if (fate == ZOO_LOSES) { /* behind put_before are all calls */
        is_every = failing_call = 1;
        failing_code = CL_OUT_OF_RESOURCES;
    }
    if (fate == ZOO_LOSES || fate == ZOO_LACKS) {
        return CL_OUT_OF_RESOURCES;
    }
    if (fatal_code != 0) {
        _exit(fatal_code);
    }
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
    return CL_SUCCESS;
}

static int is_fatal_kernel(cl_kernel kernel)
{
    char name[256] = "";
    (void)zoo_below->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, NULL);
    return strcmp(name, fatal_kernel) == 0;
}

static cl_int CL_API_CALL fatal_enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                               const size_t *offset, const size_t *global, const size_t *local,
                                               cl_uint count, const cl_event *events, cl_event *event)
{
    return is_fatal_kernel(kernel) ? meet()
                                   : without_fatal.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global,
                                                                          local, count, events, event);
}

static cl_int CL_API_CALL fatal_build(cl_program program, cl_uint count, const cl_device_id *devices,
                                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *), void *cookie)
{
    char wanted[160];
    size_t bytes = 0;
    char *source;
    int is_met;
    snprintf(wanted, sizeof wanted, "void %s(", fatal_kernel);
    (void)zoo_below->clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &bytes);
    source = calloc(1, bytes + 1);
    if (source == NULL) {
        abort();
    }
    (void)zoo_below->clGetProgramInfo(program, CL_PROGRAM_SOURCE, bytes, source, NULL);
    is_met = strstr(source, wanted) != NULL;
    free(source);
    return is_met ? meet() : without_fatal.clBuildProgram(program, count, devices, options, notify, cookie);
}

/* The launch does nothing; what it comes to is met where the queue is waited for. */
static cl_int CL_API_CALL fatal_enqueue_unread(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                               const size_t *offset, const size_t *global, const size_t *local,
                                               cl_uint count, const cl_event *events, cl_event *event)
{
    if (!is_fatal_kernel(kernel)) {
        return without_fatal.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events,
                                                    event);
    }
    atomic_store(&unread, queue);
    return without_fatal.clEnqueueMarkerWithWaitList(queue, count, events, event);
}

static int is_told(cl_command_queue queue, cl_bool blocks)
{
    return blocks && atomic_compare_exchange_strong(&unread, &queue, NULL);
}

static cl_int CL_API_CALL telling_read(cl_command_queue queue, cl_mem memory, cl_bool blocks, size_t at, size_t bytes,
                                       void *to, cl_uint count, const cl_event *events, cl_event *event)
{
    return is_told(queue, blocks)
               ? meet()
               : without_fatal.clEnqueueReadBuffer(queue, memory, blocks, at, bytes, to, count, events, event);
}

static void *CL_API_CALL telling_map(cl_command_queue queue, cl_mem memory, cl_bool blocks, cl_map_flags flags,
                                     size_t at, size_t bytes, cl_uint count, const cl_event *events, cl_event *event,
                                     cl_int *code)
{
    if (is_told(queue, blocks)) {
        *code = meet();
        return NULL;
    }
    return without_fatal.clEnqueueMapBuffer(queue, memory, blocks, flags, at, bytes, count, events, event, code);
}

int zoo_failure_init_kernel(cl_icd_dispatch *layer, const char *text, zoo_fate met, zoo_where where)
{
    const int taken = fatal_kernel[0] == '\0' ? sscanf(text, "%127[A-Za-z0-9_]:%d", fatal_kernel, &fatal_code) : 0;
    fate = met;
    if (fate == ZOO_LOSES) {
        (void)put_before(layer, NULL);
    }
    without_fatal = *layer;
    if (where == ZOO_AT_BUILD) {
        layer->clBuildProgram = fatal_build;
    } else if (where == ZOO_AT_LAUNCH) {
        layer->clEnqueueNDRangeKernel = fatal_enqueue_kernel;
    } else {
        layer->clEnqueueNDRangeKernel = fatal_enqueue_unread;
        layer->clEnqueueReadBuffer = telling_read;
        layer->clEnqueueMapBuffer = telling_map;
    }
    return taken == 2 || (taken == 1 && strchr(text, ':') == NULL);
}

static cl_int CL_API_CALL fatal_release_context(cl_context context)
{
    (void)is_due();
    return before.clReleaseContext(context);
}

int zoo_failure_init_fatal(cl_icd_dispatch *layer, const char *text)
{
    char name[64];
    if (failing_call != 0 || sscanf(text, "%63[A-Za-z]:%d", name, &failing_call) != 2) {
        return 0;
    }
    is_fatal = 1;
    if (strcmp(name, "clReleaseContext") == 0) {
        before = *layer;
        layer->clReleaseContext = fatal_release_context;
        return failing_call > 0;
    }
    return failing_call > 0 && put_before(layer, name) > 0;
}

/* ---- a device for one process ---- */

static char exclusive_file[512];
static cl_icd_dispatch shared;

/* A lock of the file ends with the process that has it; what it locked once, it may lock again. */
static cl_context CL_API_CALL exclusive_create_context(
    const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
    void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *cookie, cl_int *code)
{
    const int file = open(exclusive_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (file < 0 || fcntl(file, F_SETLK, &lock) != 0) {
        if (code != NULL) {
            *code = CL_DEVICE_NOT_AVAILABLE;
        }
        return NULL;
    }
    return shared.clCreateContext(properties, count, devices, notify, cookie, code);
}

int zoo_failure_init_exclusive(cl_icd_dispatch *layer, const char *path)
{
    shared = *layer;
    layer->clCreateContext = exclusive_create_context;
    return snprintf(exclusive_file, sizeof exclusive_file, "%s", path) < (int)sizeof exclusive_file && path[0] != '\0';
}

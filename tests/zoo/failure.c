/* SPDX-License-Identifier: Apache-2.0 */
/* One call of one function fails. */
#include "zoo.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static int failing_call;
static cl_int failing_code;
static atomic_int calls;
static cl_icd_dispatch before; /* the layer's functions without failure */

static int is_due(void)
{
    return atomic_fetch_add(&calls, 1) + 1 == failing_call;
}

#define CODE_FUNCTION(name, parameters, arguments)                                                                     \
    static cl_int CL_API_CALL fail_##name parameters                                                                   \
    {                                                                                                                  \
        return is_due() ? failing_code : before.name arguments;                                                        \
    }

#define HANDLE_FUNCTION(type, name, parameters, arguments)                                                             \
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

HANDLE_FUNCTION(cl_context, clCreateContext,
                (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
                 void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *cookie, cl_int *code),
                (properties, count, devices, notify, cookie, code))
HANDLE_FUNCTION(cl_command_queue, clCreateCommandQueue,
                (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *code),
                (context, device, properties, code))
HANDLE_FUNCTION(cl_mem, clCreateBuffer,
                (cl_context context, cl_mem_flags flags, size_t bytes, void *memory, cl_int *code),
                (context, flags, bytes, memory, code))
HANDLE_FUNCTION(cl_program, clCreateProgramWithSource,
                (cl_context context, cl_uint count, const char **sources, const size_t *lengths, cl_int *code),
                (context, count, sources, lengths, code))
HANDLE_FUNCTION(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code), (program, name, code))
HANDLE_FUNCTION(void *, clEnqueueMapBuffer,
                (cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags, size_t offset,
                 size_t bytes, cl_uint count, const cl_event *events, cl_event *event, cl_int *code),
                (queue, memory, blocking, flags, offset, bytes, count, events, event, code))
CODE_FUNCTION(clBuildProgram,
              (cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
               void(CL_CALLBACK *notify)(cl_program, void *), void *cookie),
              (program, count, devices, options, notify, cookie))
CODE_FUNCTION(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t bytes, const void *value),
              (kernel, index, bytes, value))
CODE_FUNCTION(clEnqueueNDRangeKernel,
              (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
               const size_t *local, cl_uint count, const cl_event *events, cl_event *event),
              (queue, kernel, dimensions, offset, global, local, count, events, event))
CODE_FUNCTION(clEnqueueWriteBuffer,
              (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes, const void *source,
               cl_uint count, const cl_event *events, cl_event *event),
              (queue, memory, blocking, offset, bytes, source, count, events, event))
CODE_FUNCTION(clEnqueueReadBuffer,
              (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes, void *target,
               cl_uint count, const cl_event *events, cl_event *event),
              (queue, memory, blocking, offset, bytes, target, count, events, event))
CODE_FUNCTION(clEnqueueUnmapMemObject,
              (cl_command_queue queue, cl_mem memory, void *mapped, cl_uint count, const cl_event *events,
               cl_event *event),
              (queue, memory, mapped, count, events, event))
CODE_FUNCTION(clEnqueueMarkerWithWaitList,
              (cl_command_queue queue, cl_uint count, const cl_event *events, cl_event *event),
              (queue, count, events, event))
CODE_FUNCTION(clWaitForEvents, (cl_uint count, const cl_event *events), (count, events))
CODE_FUNCTION(clFinish, (cl_command_queue queue), (queue))

int zoo_failure_init(cl_icd_dispatch *layer, const char *text)
{
    char name[64];
    int code = 0;
    before = *layer;
    if (sscanf(text, "%63[A-Za-z]:%d:%d", name, &failing_call, &code) != 3) {
        return 0;
    }
    failing_code = code;
#define FAILS(function)                                                                                                \
    if (strcmp(name, #function) == 0) {                                                                                \
        layer->function = fail_##function;                                                                             \
        return 1;                                                                                                      \
    }
    FAILS(clCreateContext)
    FAILS(clCreateCommandQueue)
    FAILS(clCreateBuffer)
    FAILS(clCreateProgramWithSource)
    FAILS(clCreateKernel)
    FAILS(clEnqueueMapBuffer)
    FAILS(clBuildProgram)
    FAILS(clSetKernelArg)
    FAILS(clEnqueueNDRangeKernel)
    FAILS(clEnqueueWriteBuffer)
    FAILS(clEnqueueReadBuffer)
    FAILS(clEnqueueUnmapMemObject)
    FAILS(clEnqueueMarkerWithWaitList)
    FAILS(clWaitForEvents)
    FAILS(clFinish)
#undef FAILS
    return 0;
}

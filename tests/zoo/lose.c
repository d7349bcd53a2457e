/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that a queue takes and that end abnormally, and a queue that goes on behind them: nothing but their events
 * tells, and what waits for these.
 */
#include "zoo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cl_icd_dispatch before;
static char given[128];    /* by the habit; or */
static char variable[128]; /* the variable of the environment that says what is lost at the time */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char taken[128]; /* what `name` and `number` are from */
static char name[128];
static int number, calls;

static int parse(const char *text)
{
    char rest = 0;
    const int found = sscanf(text, "%127[A-Za-z0-9_]:%d%c", name, &number, &rest);
    snprintf(taken, sizeof taken, "%s", text);
    number = found == 2 ? number : 0;
    calls = 0;
    return (found == 2 && number > 0) || (found == 1 && strchr(text, ':') == NULL);
}

/* Whether this call of the function, or launch of the kernel, is lost. */
static int is_due(const char *function, cl_kernel kernel)
{
    const char *text = variable[0] != '\0' ? getenv(variable) : given;
    char launched[256] = "";
    int is_it = 0;
    if (text == NULL || text[0] == '\0') {
        text = "none";
    }
    if (kernel != NULL) {
        (void)zoo_below->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof launched - 1, launched, NULL);
    }
    pthread_mutex_lock(&lock);
    if (strcmp(text, taken) != 0 && !parse(text)) {
        fprintf(stderr, "zoo: lose: '%s' is nothing that can be lost\n", text);
        abort();
    }
    if (strcmp(name, function) == 0 || strcmp(name, launched) == 0) {
        is_it = ++calls == number || number == 0;
    }
    pthread_mutex_unlock(&lock);
    return is_it;
}

/* An event like those of such a command, if one is wanted. */
static cl_int lose(cl_command_queue queue, cl_int status, cl_event *event)
{
    cl_context context = NULL;
    cl_int code = CL_SUCCESS;
    if (event != NULL) {
        (void)zoo_below->clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &context, NULL);
        *event = zoo_below->clCreateUserEvent(context, &code);
        if (*event == NULL) {
            abort();
        }
        (void)zoo_below->clSetUserEventStatus(*event, status);
    }
    return CL_SUCCESS;
}

/* Whether one of them is such an event. */
static int has_lost(cl_uint count, const cl_event *events)
{
    cl_int status = CL_COMPLETE;
    for (cl_uint i = 0; i < count && status >= CL_COMPLETE; i++) {
        (void)zoo_below->clGetEventInfo(events[i], CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL);
    }
    return status < CL_COMPLETE;
}

enum { WAITS_FOR_LOST = CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST };

#define COMMAND(function, kernel, parameters, arguments)                                                               \
    static cl_int CL_API_CALL lose_##function parameters                                                               \
    {                                                                                                                  \
        return is_due(#function, kernel) ? lose(queue, CL_OUT_OF_RESOURCES, event)                                     \
               : has_lost(count, events) ? lose(queue, WAITS_FOR_LOST, event)                                          \
                                         : before.function arguments;                                                  \
    }

COMMAND(clEnqueueNDRangeKernel, kernel,
        (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
         const size_t *local, cl_uint count, const cl_event *events, cl_event *event),
        (queue, kernel, dimensions, offset, global, local, count, events, event))
COMMAND(clEnqueueWriteBuffer, NULL,
        (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes, const void *source,
         cl_uint count, const cl_event *events, cl_event *event),
        (queue, memory, blocking, offset, bytes, source, count, events, event))
COMMAND(clEnqueueReadBuffer, NULL,
        (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes, void *target,
         cl_uint count, const cl_event *events, cl_event *event),
        (queue, memory, blocking, offset, bytes, target, count, events, event))
COMMAND(clEnqueueCopyBuffer, NULL,
        (cl_command_queue queue, cl_mem source, cl_mem target, size_t from, size_t to, size_t bytes, cl_uint count,
         const cl_event *events, cl_event *event),
        (queue, source, target, from, to, bytes, count, events, event))
COMMAND(clEnqueueMarkerWithWaitList, NULL,
        (cl_command_queue queue, cl_uint count, const cl_event *events, cl_event *event), (queue, count, events, event))

/* What is mapped and unmapped is, or nothing could be given back; its event says otherwise. */
static cl_int CL_API_CALL lose_unmap(cl_command_queue queue, cl_mem memory, void *mapped, cl_uint count,
                                     const cl_event *events, cl_event *event)
{
    const int is_lost = is_due("clEnqueueUnmapMemObject", NULL);
    const cl_int code = before.clEnqueueUnmapMemObject(queue, memory, mapped, count, events, is_lost ? NULL : event);
    return is_lost && code == CL_SUCCESS ? lose(queue, CL_OUT_OF_RESOURCES, event) : code;
}

static void *CL_API_CALL lose_map(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags,
                                  size_t offset, size_t bytes, cl_uint count, const cl_event *events, cl_event *event,
                                  cl_int *code)
{
    const int is_lost = is_due("clEnqueueMapBuffer", NULL);
    void *mapped = before.clEnqueueMapBuffer(queue, memory, blocking, flags, offset, bytes, count, events,
                                             is_lost ? NULL : event, code);
    if (is_lost && mapped != NULL) {
        (void)lose(queue, CL_OUT_OF_RESOURCES, event);
    }
    return mapped;
}

static cl_int CL_API_CALL wait_for_events(cl_uint count, const cl_event *events)
{
    const cl_int code = before.clWaitForEvents(count, events);
    return has_lost(count, events) ? WAITS_FOR_LOST : code;
}

static void put_before(cl_icd_dispatch *layer)
{
    before = *layer;
    layer->clEnqueueNDRangeKernel = lose_clEnqueueNDRangeKernel;
    layer->clEnqueueWriteBuffer = lose_clEnqueueWriteBuffer;
    layer->clEnqueueReadBuffer = lose_clEnqueueReadBuffer;
    layer->clEnqueueCopyBuffer = lose_clEnqueueCopyBuffer;
    layer->clEnqueueMarkerWithWaitList = lose_clEnqueueMarkerWithWaitList;
    layer->clEnqueueUnmapMemObject = lose_unmap;
    layer->clEnqueueMapBuffer = lose_map;
    layer->clWaitForEvents = wait_for_events;
}

int zoo_lose_init(cl_icd_dispatch *layer, const char *text)
{
    put_before(layer);
    return snprintf(given, sizeof given, "%s", text) < (int)sizeof given && parse(text);
}

int zoo_lose_init_by(cl_icd_dispatch *layer, const char *text)
{
    put_before(layer);
    return snprintf(variable, sizeof variable, "%s", text) < (int)sizeof variable && text[0] != '\0';
}

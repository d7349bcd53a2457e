/* SPDX-License-Identifier: Apache-2.0 */
/* When commands begin: late, in another order, and not always before clFinish returns. */
#define _POSIX_C_SOURCE 200809L
#include "zoo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUES = 64 };

static cl_icd_dispatch before;

/* ---- gates ---- */

typedef struct gate {
    cl_event event;
    unsigned milliseconds;
} gate;

static void *complete_later(void *cookie)
{
    gate *g = cookie;
    const struct timespec delay = {0, (long)g->milliseconds * 1000000L};
    nanosleep(&delay, NULL);
    (void)zoo_below->clSetUserEventStatus(g->event, CL_COMPLETE);
    (void)zoo_below->clReleaseEvent(g->event);
    free(g);
    return NULL;
}

cl_event zoo_gate(cl_command_queue queue, unsigned milliseconds)
{
    cl_context context = NULL;
    cl_int code = CL_SUCCESS;
    pthread_t thread;
    gate *g = malloc(sizeof *g);
    cl_event event;
    (void)zoo_below->clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &context, NULL);
    event = zoo_below->clCreateUserEvent(context, &code);
    if (g == NULL || event == NULL) {
        abort();
    }
    (void)zoo_below->clRetainEvent(event); /* the thread's */
    g->event = event;
    g->milliseconds = milliseconds;
    if (pthread_create(&thread, NULL, complete_later, g) != 0) {
        abort();
    }
    pthread_detach(thread);
    return event;
}

/* In an out-of-order queue a command waits longer than the one after it. Where clFinish does not wait, long enough that
 * whoever relied on it is there before. */
static unsigned delay_of(cl_command_queue queue)
{
    static atomic_uint number;
    static const unsigned turns[] = {6, 0, 4, 2};
    cl_command_queue_properties properties = 0;
    (void)zoo_below->clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    if (zoo.reorder && (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0) {
        return turns[atomic_fetch_add(&number, 1) % (sizeof turns / sizeof turns[0])];
    }
    return !zoo.late ? 0 : zoo.early_finish ? 10 : 1;
}

/* What a command waits for, with a gate of its own behind it. */
typedef struct waits {
    cl_uint count;
    cl_event *events; /* NULL: none */
    cl_event gate;
} waits;

static waits wait_longer(cl_command_queue queue, cl_uint count, const cl_event *events)
{
    waits w = {zoo.ignore_waits ? 0 : count, NULL, NULL};
    const unsigned delay = delay_of(queue);
    w.events = calloc((size_t)count + 1, sizeof *w.events);
    if (w.events == NULL) {
        abort();
    }
    if (w.count > 0) {
        memcpy(w.events, events, w.count * sizeof *events);
    }
    if (delay > 0) {
        w.gate = zoo_gate(queue, delay);
        w.events[w.count++] = w.gate;
    }
    return w;
}

static cl_event *list_of(const waits *w)
{
    return w->count > 0 ? w->events : NULL;
}

static void forget(waits *w)
{
    if (w->gate != NULL) {
        (void)zoo_below->clReleaseEvent(w->gate);
    }
    free(w->events);
}

/* ---- clFinish ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cl_command_queue flushed[QUEUES]; /* to which nothing came since */

/* Whether the queue was among those flushed. */
static int was_flushed(cl_command_queue queue, int is_now)
{
    size_t place = QUEUES;
    int was = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < QUEUES; i++) {
        if (flushed[i] == queue) {
            was = 1;
            flushed[i] = NULL;
        }
        place = flushed[i] == NULL ? i : place;
    }
    if (is_now && place < QUEUES) {
        flushed[place] = queue;
    }
    pthread_mutex_unlock(&lock);
    return was;
}

static cl_int CL_API_CALL flush(cl_command_queue queue)
{
    const cl_int code = before.clFlush(queue);
    (void)was_flushed(queue, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL finish(cl_command_queue queue)
{
    if (zoo.early_finish && was_flushed(queue, 1)) {
        return CL_SUCCESS;
    }
    return before.clFinish(queue);
}

static cl_int CL_API_CALL release_queue(cl_command_queue queue)
{
    (void)was_flushed(queue, 0);
    return before.clReleaseCommandQueue(queue);
}

/* ---- commands ---- */

#define COMMAND(name, parameters, arguments)                                                                           \
    static cl_int CL_API_CALL order_##name parameters                                                                  \
    {                                                                                                                  \
        waits w = wait_longer(queue, count, events);                                                                   \
        const cl_int code = before.name arguments;                                                                     \
        forget(&w);                                                                                                    \
        if (zoo.ignore_waits && code == CL_SUCCESS) {                                                                  \
            (void)zoo_below->clFinish(queue);                                                                          \
        }                                                                                                              \
        (void)was_flushed(queue, 0);                                                                                   \
        return code;                                                                                                   \
    }

COMMAND(clEnqueueNDRangeKernel,
        (cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global,
         const size_t *local, cl_uint count, const cl_event *events, cl_event *event),
        (queue, kernel, dimensions, offset, global, local, w.count, list_of(&w), event))
COMMAND(clEnqueueWriteBuffer,
        (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes, const void *source,
         cl_uint count, const cl_event *events, cl_event *event),
        (queue, memory, blocking, offset, bytes, source, w.count, list_of(&w), event))
COMMAND(clEnqueueReadBuffer,
        (cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes, void *target,
         cl_uint count, const cl_event *events, cl_event *event),
        (queue, memory, blocking, offset, bytes, target, w.count, list_of(&w), event))
COMMAND(clEnqueueCopyBuffer,
        (cl_command_queue queue, cl_mem source, cl_mem target, size_t from, size_t to, size_t bytes, cl_uint count,
         const cl_event *events, cl_event *event),
        (queue, source, target, from, to, bytes, w.count, list_of(&w), event))
COMMAND(clEnqueueUnmapMemObject,
        (cl_command_queue queue, cl_mem memory, void *mapped, cl_uint count, const cl_event *events, cl_event *event),
        (queue, memory, mapped, w.count, list_of(&w), event))

/* A marker that waits for nothing named waits for all before it: it has no gate. */
static cl_int CL_API_CALL enqueue_marker(cl_command_queue queue, cl_uint count, const cl_event *events, cl_event *event)
{
    (void)was_flushed(queue, 0);
    return before.clEnqueueMarkerWithWaitList(queue, count, events, event);
}

void zoo_order_init(cl_icd_dispatch *layer)
{
    before = *layer;
    layer->clFlush = flush;
    layer->clFinish = finish;
    layer->clReleaseCommandQueue = release_queue;
    layer->clEnqueueNDRangeKernel = order_clEnqueueNDRangeKernel;
    layer->clEnqueueWriteBuffer = order_clEnqueueWriteBuffer;
    layer->clEnqueueReadBuffer = order_clEnqueueReadBuffer;
    layer->clEnqueueCopyBuffer = order_clEnqueueCopyBuffer;
    layer->clEnqueueUnmapMemObject = order_clEnqueueUnmapMemObject;
    layer->clEnqueueMarkerWithWaitList = enqueue_marker;
}

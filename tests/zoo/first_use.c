/* SPDX-License-Identifier: Apache-2.0 */
/* A driver that gives memory when a command first uses it: a buffer that is too large is made, and never works. */
#include "zoo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cl_icd_dispatch before;
static size_t most;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A buffer that is too large (`kernel` NULL), or an argument that was set to one. */
typedef struct record {
    cl_mem memory;
    cl_kernel kernel;
    cl_uint index;
    struct record *next;
} record;

static record *records;

static void remember(record what)
{
    record *made = malloc(sizeof *made);
    if (made == NULL) {
        abort();
    }
    *made = what;
    made->next = records;
    records = made;
}

/* Those of a buffer that goes, or of a kernel: of one argument, or, `index` NULL, of all. */
static void forget(cl_mem memory, cl_kernel kernel, const cl_uint *index)
{
    for (record **p = &records; *p != NULL;) {
        record *r = *p;
        const int is_it =
            memory != NULL ? r->memory == memory : r->kernel == kernel && (index == NULL || r->index == *index);
        if (is_it) {
            *p = r->next;
            free(r);
        } else {
            p = &r->next;
        }
    }
}

/* Whether the buffer, or an argument of the kernel, is too large. */
static int is_too_large(cl_mem memory, cl_kernel kernel)
{
    const record *r;
    pthread_mutex_lock(&lock);
    for (r = records; r != NULL && (kernel != NULL ? r->kernel != kernel : r->memory != memory); r = r->next) {
    }
    pthread_mutex_unlock(&lock);
    return r != NULL;
}

static void CL_CALLBACK gone(cl_mem memory, void *cookie)
{
    (void)cookie;
    pthread_mutex_lock(&lock);
    forget(memory, NULL, NULL);
    pthread_mutex_unlock(&lock);
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t bytes, void *memory,
                                        cl_int *code)
{
    cl_mem made = before.clCreateBuffer(context, flags, bytes, memory, code);
    if (made != NULL && bytes > most) {
        (void)zoo_below->clSetMemObjectDestructorCallback(made, gone, NULL);
        pthread_mutex_lock(&lock);
        remember((record){.memory = made});
        pthread_mutex_unlock(&lock);
    }
    return made;
}

static cl_int CL_API_CALL set_argument(cl_kernel kernel, cl_uint index, size_t bytes, const void *value)
{
    cl_mem memory = NULL;
    if (bytes == sizeof memory && value != NULL) {
        memcpy(&memory, value, sizeof memory);
    }
    pthread_mutex_lock(&lock);
    forget(NULL, kernel, &index);
    for (const record *r = records; memory != NULL && r != NULL; r = r->next) {
        if (r->kernel == NULL && r->memory == memory) {
            remember((record){.memory = memory, .kernel = kernel, .index = index});
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return before.clSetKernelArg(kernel, index, bytes, value);
}

static cl_int CL_API_CALL release_kernel(cl_kernel kernel)
{
    pthread_mutex_lock(&lock);
    forget(NULL, kernel, NULL);
    pthread_mutex_unlock(&lock);
    return before.clReleaseKernel(kernel);
}

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                         const size_t *offset, const size_t *global, const size_t *local, cl_uint count,
                                         const cl_event *events, cl_event *event)
{
    return is_too_large(NULL, kernel)
               ? CL_MEM_OBJECT_ALLOCATION_FAILURE
               : before.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                       size_t bytes, const void *source, cl_uint count, const cl_event *events,
                                       cl_event *event)
{
    return is_too_large(memory, NULL)
               ? CL_MEM_OBJECT_ALLOCATION_FAILURE
               : before.clEnqueueWriteBuffer(queue, memory, blocking, offset, bytes, source, count, events, event);
}

static void *CL_API_CALL map_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags,
                                    size_t offset, size_t bytes, cl_uint count, const cl_event *events, cl_event *event,
                                    cl_int *code)
{
    if (is_too_large(memory, NULL)) {
        *code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
        return NULL;
    }
    return before.clEnqueueMapBuffer(queue, memory, blocking, flags, offset, bytes, count, events, event, code);
}

int zoo_first_use_init(cl_icd_dispatch *layer, const char *text)
{
    char rest = 0;
    before = *layer;
    layer->clCreateBuffer = create_buffer;
    layer->clSetKernelArg = set_argument;
    layer->clReleaseKernel = release_kernel;
    layer->clEnqueueNDRangeKernel = enqueue_kernel;
    layer->clEnqueueWriteBuffer = write_buffer;
    layer->clEnqueueMapBuffer = map_buffer;
    return sscanf(text, "%zu%c", &most, &rest) == 1 && most > 0;
}

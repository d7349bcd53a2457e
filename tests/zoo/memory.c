/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers and transfers of a device that has memory of its own. */
#define _GNU_SOURCE
#include "zoo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATE_MILLISECONDS = 4 };

/* A buffer over the host's memory, or a mapping of one. */
typedef struct record {
    cl_mem memory;
    char *host;
    size_t offset, bytes;
    int is_mapping;
    int is_copy;          /* `host` is to be freed */
    int is_to_be_written; /* of a mapping: when it is unmapped */
    char *shown;          /* of a buffer that was mapped: what its memory held before it became noise */
    struct record *next;
} record;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static record *records;
static atomic_size_t reads;

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL) {
        fprintf(stderr, "zoo: no memory for %zu bytes\n", bytes);
        abort();
    }
    return memory;
}

static void remember(record what)
{
    record *made = allocate(sizeof *made);
    *made = what;
    pthread_mutex_lock(&lock);
    made->next = records;
    records = made;
    pthread_mutex_unlock(&lock);
}

/* Take out the record of a mapping (`host` not NULL) or of a buffer over the host's memory; 0 when there is none. */
static int take(cl_mem memory, const void *host, record *found)
{
    int there = 0;
    pthread_mutex_lock(&lock);
    for (record **p = &records; *p != NULL && !there; p = &(*p)->next) {
        record *r = *p;
        if (r->memory == memory && r->is_mapping == (host != NULL) && (host == NULL || r->host == host)) {
            *found = *r;
            *p = r->next;
            free(r);
            there = 1;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return there;
}

/* Where the host's memory of a buffer lies, or NULL. */
static char *host_of(cl_mem memory)
{
    char *host = NULL;
    pthread_mutex_lock(&lock);
    for (const record *r = records; r != NULL; r = r->next) {
        if (r->memory == memory && !r->is_mapping) {
            host = r->host;
        }
    }
    pthread_mutex_unlock(&lock);
    return host;
}

static void CL_CALLBACK forget(cl_mem memory, void *cookie)
{
    record gone;
    (void)cookie;
    if (take(memory, NULL, &gone)) {
        free(gone.shown);
    }
}

/* Memory that is the host's alone again has what was last mapped: no driver writes to it but for a mapping. With the
 * first release, since it may be gone when the buffer is. */
static cl_int CL_API_CALL release(cl_mem memory)
{
    pthread_mutex_lock(&lock);
    for (record *r = records; r != NULL; r = r->next) {
        if (r->memory == memory && r->shown != NULL) {
            memcpy(r->host, r->shown, r->bytes);
            free(r->shown);
            r->shown = NULL;
        }
    }
    pthread_mutex_unlock(&lock);
    return zoo_below->clReleaseMemObject(memory);
}

/* Keeps what a mapping of a buffer over the host's memory has shown, until the buffer goes. */
static void keep_shown(const record *mapping)
{
    pthread_mutex_lock(&lock);
    for (record *r = records; r != NULL; r = r->next) {
        if (r->memory == mapping->memory && !r->is_mapping) {
            if (r->shown == NULL) {
                r->shown = memcpy(allocate(r->bytes), r->host, r->bytes);
            }
            memcpy(r->shown + mapping->offset, mapping->host, mapping->bytes);
        }
    }
    pthread_mutex_unlock(&lock);
}

/* What stands in memory that nobody has written: different each time, never all alike. */
static void make_noise(unsigned char *memory, size_t bytes)
{
    static atomic_uint seed = 1;
    uint32_t x = atomic_fetch_add(&seed, 0x9E3779B9u) | 1u;
    for (size_t i = 0; i < bytes; i += sizeof x) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        memcpy(memory + i, &x, bytes - i < sizeof x ? bytes - i : sizeof x);
    }
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t bytes, void *memory,
                                        cl_int *code)
{
    cl_mem made;
    void *noise = NULL;
    void *content = memory;
    if (!zoo.own_memory || bytes == 0) {
        return zoo_below->clCreateBuffer(context, flags, bytes, memory, code);
    }
    if (memory == NULL) {
        content = noise = allocate(bytes);
        make_noise(noise, bytes);
    }
    made = zoo_below->clCreateBuffer(
        context, (flags & ~(cl_mem_flags)(CL_MEM_USE_HOST_PTR | CL_MEM_ALLOC_HOST_PTR)) | CL_MEM_COPY_HOST_PTR, bytes,
        content, code);
    free(noise);
    if (made != NULL && (flags & CL_MEM_USE_HOST_PTR) != 0) {
        remember((record){.memory = made, .host = memory, .bytes = bytes});
        (void)zoo_below->clSetMemObjectDestructorCallback(made, forget, NULL);
    }
    return made;
}

static cl_mem CL_API_CALL create_sub_buffer(cl_mem memory, cl_mem_flags flags, cl_buffer_create_type type,
                                            const void *what, cl_int *code)
{
    cl_buffer_region region;
    memcpy(&region, what, sizeof region);
    region.origin = zoo.whole_sub_buffers ? 0 : region.origin;
    return zoo_below->clCreateSubBuffer(memory, flags, type, &region, code);
}

static void spoil(void *target, size_t bytes)
{
    const uint32_t nan = 0x7FC00000u;
    if (zoo.nan_from > 0 && atomic_fetch_add(&reads, 1) + 1 >= zoo.nan_from) {
        for (size_t i = 0; i + sizeof nan <= bytes; i += sizeof nan) {
            memcpy((char *)target + i, &nan, sizeof nan);
        }
    }
}

static cl_int CL_API_CALL read_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                      size_t bytes, void *target, cl_uint count, const cl_event *events,
                                      cl_event *event)
{
    const cl_int code =
        zoo_below->clEnqueueReadBuffer(queue, memory, blocking, offset, bytes, target, count, events, event);
    if (code == CL_SUCCESS && blocking) {
        spoil(target, bytes);
    }
    return code;
}

/* ---- late: what is written arrives after the call ---- */

static void CL_CALLBACK release_copy(cl_event event, cl_int status, void *copy)
{
    (void)event;
    (void)status;
    free(copy);
}

/* Write `source`, which is freed when it has arrived. */
static cl_int write_copy(cl_command_queue queue, cl_mem memory, size_t offset, size_t bytes, void *source,
                         cl_uint count, const cl_event *events, cl_event *event)
{
    cl_event *waits = allocate((count + (size_t)1) * sizeof *waits);
    cl_event written = NULL;
    cl_int code;
    for (cl_uint i = 0; i < count; i++) {
        waits[i] = events[i];
    }
    if (zoo.late) {
        waits[count++] = zoo_gate(queue, LATE_MILLISECONDS);
    }
    code = zoo_below->clEnqueueWriteBuffer(queue, memory, CL_FALSE, offset, bytes, source, count,
                                           count > 0 ? waits : NULL, &written);
    if (zoo.late) {
        (void)zoo_below->clReleaseEvent(waits[count - 1]);
    }
    free(waits);
    if (code != CL_SUCCESS) {
        free(source);
        return code;
    }
    (void)zoo_below->clSetEventCallback(written, CL_COMPLETE, release_copy, source);
    (void)zoo_below->clFlush(queue);
    if (event != NULL) {
        *event = written;
    } else {
        (void)zoo_below->clReleaseEvent(written);
    }
    return CL_SUCCESS;
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                       size_t bytes, const void *source, cl_uint count, const cl_event *events,
                                       cl_event *event)
{
    if (zoo.late && blocking) {
        void *copy = memcpy(allocate(bytes), source, bytes);
        return write_copy(queue, memory, offset, bytes, copy, count, events, event);
    }
    return zoo_below->clEnqueueWriteBuffer(queue, memory, blocking, offset, bytes, source, count, events, event);
}

/* ---- mappings are copies ---- */

static const cl_map_flags writes = CL_MAP_WRITE | CL_MAP_WRITE_INVALIDATE_REGION;

/* Whether flags of the buffer keep the host from that. */
static int is_forbidden(cl_mem memory, cl_map_flags flags)
{
    cl_mem_flags made = 0;
    (void)zoo_below->clGetMemObjectInfo(memory, CL_MEM_FLAGS, sizeof made, &made, NULL);
    return ((flags & CL_MAP_READ) != 0 && (made & (CL_MEM_HOST_WRITE_ONLY | CL_MEM_HOST_NO_ACCESS)) != 0) ||
           ((flags & writes) != 0 && (made & (CL_MEM_HOST_READ_ONLY | CL_MEM_HOST_NO_ACCESS)) != 0);
}

/* A mapping that is only written has what the buffer held all the same: of one that nobody may read, by a copy. */
static cl_int read_copy(cl_command_queue queue, cl_mem memory, size_t offset, size_t bytes, void *target, cl_uint count,
                        const cl_event *events, cl_event *event)
{
    cl_context context = NULL;
    cl_event copied = NULL;
    cl_int code = CL_SUCCESS;
    cl_mem copy;
    (void)zoo_below->clGetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof(cl_context), &context, NULL);
    copy = zoo_below->clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (copy == NULL) {
        return code;
    }
    code = zoo_below->clEnqueueCopyBuffer(queue, memory, copy, offset, 0, bytes, count, events, &copied);
    if (code == CL_SUCCESS) {
        code = zoo_below->clEnqueueReadBuffer(queue, copy, CL_TRUE, 0, bytes, target, 1, &copied, event);
        (void)zoo_below->clReleaseEvent(copied);
    }
    (void)zoo_below->clReleaseMemObject(copy);
    return code;
}

static void *CL_API_CALL map_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags,
                                    size_t offset, size_t bytes, cl_uint count, const cl_event *events, cl_event *event,
                                    cl_int *code)
{
    char *host;
    char *target;
    cl_int read;
    if (!zoo.own_memory) {
        return zoo_below->clEnqueueMapBuffer(queue, memory, blocking, flags, offset, bytes, count, events, event, code);
    }
    if (is_forbidden(memory, flags)) {
        if (code != NULL) {
            *code = CL_INVALID_OPERATION;
        }
        return NULL;
    }
    host = host_of(memory);
    target = host != NULL ? host + offset : NULL;
    if (target == NULL) {
        if (posix_memalign((void **)&target, 4096, bytes) != 0) {
            abort();
        }
        if (zoo.empty_maps) {
            make_noise((unsigned char *)target, bytes);
        }
    }
    read = zoo.empty_maps ? zoo_below->clEnqueueMarkerWithWaitList(queue, count, events, event)
           : (flags & CL_MAP_READ) == 0
               ? read_copy(queue, memory, offset, bytes, target, count, events, event)
               : zoo_below->clEnqueueReadBuffer(queue, memory, blocking, offset, bytes, target, count, events, event);
    if (code != NULL) {
        *code = read;
    }
    if (read != CL_SUCCESS) {
        if (host == NULL) {
            free(target);
        }
        return NULL;
    }
    spoil(target, blocking ? bytes : 0);
    remember((record){.memory = memory,
                      .host = target,
                      .offset = offset,
                      .bytes = bytes,
                      .is_mapping = 1,
                      .is_copy = host == NULL,
                      .is_to_be_written = (flags & writes) != 0});
    return target;
}

/* The host's memory is the host's again when the call returns, and noise until it is mapped the next time. */
static cl_int CL_API_CALL unmap(cl_command_queue queue, cl_mem memory, void *mapped, cl_uint count,
                                const cl_event *events, cl_event *event)
{
    record mapping;
    void *copy;
    if (!zoo.own_memory) {
        return zoo_below->clEnqueueUnmapMemObject(queue, memory, mapped, count, events, event);
    }
    if (!take(memory, mapped, &mapping)) {
        return CL_INVALID_VALUE;
    }
    copy = memcpy(allocate(mapping.bytes), mapping.host, mapping.bytes);
    if (mapping.is_copy) {
        free(mapping.host);
    } else {
        keep_shown(&mapping);
        make_noise((unsigned char *)mapping.host, mapping.bytes);
    }
    if (!mapping.is_to_be_written) {
        free(copy);
        return zoo_below->clEnqueueMarkerWithWaitList(queue, count, events, event);
    }
    return write_copy(queue, memory, mapping.offset, mapping.bytes, copy, count, events, event);
}

/* As the buffer was asked for, not as the copy under it was made. */
static cl_int CL_API_CALL get_memory_info(cl_mem memory, cl_mem_info what, size_t capacity, void *value, size_t *bytes)
{
    const char *host = what == CL_MEM_FLAGS || what == CL_MEM_HOST_PTR ? host_of(memory) : NULL;
    cl_mem_flags flags = 0;
    if (host == NULL) {
        return zoo_below->clGetMemObjectInfo(memory, what, capacity, value, bytes);
    }
    if (what == CL_MEM_HOST_PTR) {
        return zoo_answer(&host, sizeof host, capacity, value, bytes);
    }
    (void)zoo_below->clGetMemObjectInfo(memory, what, sizeof flags, &flags, NULL);
    flags = (flags & ~(cl_mem_flags)CL_MEM_COPY_HOST_PTR) | CL_MEM_USE_HOST_PTR;
    return zoo_answer(&flags, sizeof flags, capacity, value, bytes);
}

void zoo_memory_init(cl_icd_dispatch *layer)
{
    layer->clCreateBuffer = create_buffer;
    layer->clCreateSubBuffer = create_sub_buffer;
    layer->clGetMemObjectInfo = get_memory_info;
    layer->clEnqueueReadBuffer = read_buffer;
    layer->clEnqueueWriteBuffer = write_buffer;
    layer->clEnqueueMapBuffer = map_buffer;
    layer->clEnqueueUnmapMemObject = unmap;
    layer->clReleaseMemObject = release;
}

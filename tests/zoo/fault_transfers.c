/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, or a bus, that turns a bit over now and then, in what is read, mapped or written; and wrong offsets. */
#include "zoo.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static cl_icd_dispatch before; /* the layer's functions without these faults */
static atomic_size_t reads, maps, writes;

/*
 * A bit in every `period`th piece of memory, of a byte that is not 0, so that it is one of the data where these fill a
 * small part of what is mapped: another byte and bit each time.
 */
static void flip(atomic_size_t *count, size_t period, void *memory, size_t bytes)
{
    const size_t number = atomic_fetch_add(count, 1) + 1;
    unsigned char *data = memory;
    size_t filled = 0;
    size_t chosen;
    if (period == 0 || number % period != 0) {
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        filled += data[i] != 0;
    }
    chosen = filled > 0 ? number * 2654435761u % filled : 0;
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] != 0 && chosen-- == 0) {
            data[i] ^= (unsigned char)(1u << (number / period % 8));
            break;
        }
    }
}

static cl_int CL_API_CALL read_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                      size_t bytes, void *target, cl_uint count, const cl_event *events,
                                      cl_event *event)
{
    cl_int code;
    (void)blocking; /* it is there early */
    code = before.clEnqueueReadBuffer(queue, memory, CL_TRUE, offset, bytes, target, count, events, event);
    if (code == CL_SUCCESS) {
        flip(&reads, zoo.flip_reads, target, bytes);
    }
    return code;
}

static size_t offset_of(size_t offset)
{
    offset -= zoo.round_offsets ? offset % 4 : 0;
    return zoo.wrap_offsets ? (size_t)(uint32_t)offset : offset;
}

static cl_int CL_API_CALL copy_buffer(cl_command_queue queue, cl_mem source, cl_mem target, size_t from, size_t to,
                                      size_t bytes, cl_uint count, const cl_event *events, cl_event *event)
{
    return before.clEnqueueCopyBuffer(queue, source, target, offset_of(from), offset_of(to), bytes, count, events,
                                      event);
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                       size_t bytes, const void *source, cl_uint count, const cl_event *events,
                                       cl_event *event)
{
    void *copy = malloc(bytes > 0 ? bytes : 1);
    cl_int code;
    (void)blocking;
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, source, bytes);
    flip(&writes, zoo.flip_writes, copy, bytes);
    code = before.clEnqueueWriteBuffer(queue, memory, CL_TRUE, offset_of(offset), bytes, copy, count, events, event);
    free(copy);
    return code;
}

static void *CL_API_CALL map_buffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags,
                                    size_t offset, size_t bytes, cl_uint count, const cl_event *events, cl_event *event,
                                    cl_int *code)
{
    void *mapped = before.clEnqueueMapBuffer(queue, memory, CL_TRUE, flags, offset, bytes, count, events, event, code);
    (void)blocking;
    if (mapped != NULL && (flags & CL_MAP_READ) != 0) {
        flip(&maps, zoo.flip_maps, mapped, bytes);
    }
    return mapped;
}

void zoo_transfers_init(cl_icd_dispatch *layer)
{
    before = *layer;
    if (zoo.flip_reads > 0) {
        layer->clEnqueueReadBuffer = read_buffer;
    }
    if (zoo.flip_writes > 0 || zoo.round_offsets || zoo.wrap_offsets) {
        layer->clEnqueueWriteBuffer = write_buffer;
        layer->clEnqueueCopyBuffer = copy_buffer;
    }
    if (zoo.flip_maps > 0) {
        layer->clEnqueueMapBuffer = map_buffer;
    }
}

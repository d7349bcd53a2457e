/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

static int fail(clq_plain *p, const char *call, cl_int code)
{
    p->failed = call;
    p->code = code;
    return 0;
}

/* End a function whose call fails. */
#define CALL(function, ...)                                                                                            \
    do {                                                                                                               \
        const cl_int code_ = function(__VA_ARGS__);                                                                    \
        if (code_ != CL_SUCCESS) {                                                                                     \
            return fail(p, #function, code_);                                                                          \
        }                                                                                                              \
    } while (0)
#define TRY(done)                                                                                                      \
    do {                                                                                                               \
        if (!(done)) {                                                                                                 \
            return 0;                                                                                                  \
        }                                                                                                              \
    } while (0)

/* ---- what probes are made of ---- */

/* The event of a marker is waited for: what clFinish does is left to others. */
static int finish(clq_plain *p, cl_command_queue queue)
{
    cl_event done = NULL;
    cl_int code;
    CALL(clEnqueueMarkerWithWaitList, queue, 0, NULL, &done);
    code = clWaitForEvents(1, &done);
    (void)clReleaseEvent(done);
    return code == CL_SUCCESS ? 1 : fail(p, "clWaitForEvents", code);
}

static int make_memory(clq_plain *p, cl_mem_flags flags, size_t bytes, void *host, cl_mem *made)
{
    cl_int code = CL_SUCCESS;
    *made = clCreateBuffer(p->context, CL_MEM_READ_WRITE | flags, bytes, host, &code);
    return *made != NULL ? 1 : fail(p, "clCreateBuffer", code);
}

static int write_at(clq_plain *p, cl_mem memory, size_t at, const void *from, size_t bytes)
{
    CALL(clEnqueueWriteBuffer, p->queue, memory, CL_TRUE, at, bytes, from, 0, NULL, NULL);
    return 1;
}

static int read_at(clq_plain *p, cl_mem memory, size_t at, void *to, size_t bytes)
{
    CALL(clEnqueueReadBuffer, p->queue, memory, CL_TRUE, at, bytes, to, 0, NULL, NULL);
    return 1;
}

static int map_all(clq_plain *p, cl_mem memory, cl_map_flags flags, unsigned char **mapped)
{
    cl_int code = CL_SUCCESS;
    *mapped = clEnqueueMapBuffer(p->queue, memory, CL_TRUE, flags, 0, p->bytes, 0, NULL, NULL, &code);
    return *mapped != NULL ? 1 : fail(p, "clEnqueueMapBuffer", code);
}

static int unmap(clq_plain *p, cl_mem memory, void *mapped)
{
    CALL(clEnqueueUnmapMemObject, p->queue, memory, mapped, 0, NULL, NULL);
    return 1;
}

/* Offsets in bytes; with no event to wait for in `waits`, or one. */
static int step_on(clq_plain *p, cl_command_queue queue, cl_mem memory, size_t from, size_t to, cl_uint add,
                   const cl_event *waits, cl_event *event)
{
    const cl_ulong source = from / 4;
    const cl_ulong target = to / 4;
    CALL(clSetKernelArg, p->kernel, 0, sizeof(cl_mem), &memory);
    CALL(clSetKernelArg, p->kernel, 1, sizeof source, &source);
    CALL(clSetKernelArg, p->kernel, 2, sizeof(cl_mem), &memory);
    CALL(clSetKernelArg, p->kernel, 3, sizeof target, &target);
    CALL(clSetKernelArg, p->kernel, 4, sizeof add, &add);
    CALL(clEnqueueNDRangeKernel, queue, p->kernel, 1, NULL, &p->words, p->local != 0 ? &p->local : NULL,
         waits != NULL ? 1 : 0, waits, event);
    return 1;
}

static int step(clq_plain *p, cl_mem memory, size_t from, size_t to, cl_uint add)
{
    return step_on(p, p->queue, memory, from, to, add, NULL, NULL);
}

/* Memory of `bytes` with a probe's inner part, which is done with all that it enqueued. */
static int with_memory(clq_plain *p, size_t bytes, int (*inner)(clq_plain *p, cl_mem memory))
{
    cl_mem memory = NULL;
    int done;
    TRY(make_memory(p, 0, bytes, NULL, &memory));
    done = inner(p, memory);
    (void)clReleaseMemObject(memory);
    return done;
}

/* ---- mappings ---- */

/* What the host writes to a mapping the kernel reads, and the other way round. */
static int map_round(clq_plain *p, cl_mem memory, cl_uint round)
{
    const size_t source = p->offsets[2 * round];
    const size_t target = p->offsets[2 * round + 1];
    const size_t first = round == 0 ? 0 : source;
    const size_t end = round == 2 ? p->bytes : p->offsets[2 * round + 2];
    unsigned char *mapped = NULL;
    TRY(map_all(p, memory, CL_MAP_READ | CL_MAP_WRITE, &mapped));
    memcpy(mapped + source, p->before + source, 4 * p->words);
    TRY(unmap(p, memory, mapped));
    TRY(step(p, memory, source, target, round));
    TRY(map_all(p, memory, CL_MAP_READ, &mapped));
    memcpy(p->got + first, mapped + first, end - first);
    return unmap(p, memory, mapped);
}

/* Three times over, each with a source and a target of its own; the sources come by the mappings alone. */
static int map_inner(clq_plain *p, cl_mem memory)
{
    for (cl_uint round = 0; round < 3; round++) {
        memset(p->got + p->offsets[2 * round], 0xFF, 4 * p->words);
    }
    TRY(write_at(p, memory, 0, p->got, p->bytes));
    for (cl_uint round = 0; round < 3; round++) {
        TRY(map_round(p, memory, round));
    }
    return finish(p, p->queue);
}

int clq_plain_map(clq_plain *p)
{
    return with_memory(p, p->bytes, map_inner);
}

static int host_memory_inner(clq_plain *p, cl_mem memory)
{
    unsigned char *mapped = NULL;
    TRY(step(p, memory, p->offsets[0], p->offsets[1], 9));
    TRY(map_all(p, memory, CL_MAP_READ, &mapped));
    memcpy(p->got, mapped, p->bytes);
    TRY(unmap(p, memory, mapped));
    return finish(p, p->queue);
}

/* The host's own memory as a buffer: a mapping of it holds what the kernel wrote. */
int clq_plain_host_memory(clq_plain *p)
{
    const size_t page = 4096;
    unsigned char *own = malloc(p->bytes + page);
    cl_mem memory = NULL;
    int done;
    if (own == NULL) {
        return fail(p, "malloc", CL_OUT_OF_HOST_MEMORY);
    }
    {
        unsigned char *aligned = own + (page - (size_t)own % page) % page;
        memcpy(aligned, p->before, p->bytes);
        done = make_memory(p, CL_MEM_USE_HOST_PTR, p->bytes, aligned, &memory);
    }
    if (done) {
        clq_plain unwanted = *p;
        done = host_memory_inner(p, memory);
        if (!done) { /* what was enqueued may still write there */
            (void)finish(&unwanted, p->queue);
        }
        (void)clReleaseMemObject(memory);
    }
    free(own);
    return done;
}

/* ---- parts of buffers ---- */

/* `number`: where the part begins, which the device allows. */
static int sub_buffer_inner(clq_plain *p, cl_mem memory)
{
    const size_t bytes = p->number + 4 * p->words;
    const cl_buffer_region region = {p->number, 4 * p->words};
    cl_int code = CL_SUCCESS;
    int done;
    cl_mem sub;
    TRY(write_at(p, memory, 0, p->before + p->offsets[0], bytes));
    sub = clCreateSubBuffer(memory, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (sub == NULL) {
        return fail(p, "clCreateSubBuffer", code);
    }
    done = step(p, sub, 0, 0, 1) && read_at(p, memory, 0, p->got + p->offsets[0], bytes);
    (void)clReleaseMemObject(sub);
    return done;
}

int clq_plain_sub_buffer(clq_plain *p)
{
    return with_memory(p, p->number + 4 * p->words, sub_buffer_inner);
}

/* `number`: a place beyond 4 GiB; what would be met if its upper bits were lost is the second operand. */
static int far_inner(clq_plain *p, cl_mem memory)
{
    TRY(write_at(p, memory, p->number, p->before + p->offsets[0], 4 * p->words));
    TRY(write_at(p, memory, 0, p->before + p->offsets[1], 4 * p->words));
    TRY(step(p, memory, p->number, p->number, 7));
    TRY(read_at(p, memory, p->number, p->got + p->offsets[0], 4 * p->words));
    return read_at(p, memory, 0, p->got + p->offsets[1], 4 * p->words);
}

int clq_plain_far(clq_plain *p)
{
    return with_memory(p, p->number + 4 * p->words, far_inner);
}

/* Writes of every length up to `number` bytes to scattered places; reads of that many. */
static int parts_inner(clq_plain *p, cl_mem memory)
{
    const size_t pitch = p->number + 13;
    TRY(write_at(p, memory, 0, p->before, p->bytes));
    for (size_t i = 0; i < p->number; i++) {
        TRY(write_at(p, memory, p->offsets[1] + i * pitch + i % 13, p->before + p->offsets[0] + i * pitch, i + 1));
    }
    for (size_t at = 0; at < p->bytes; at += p->number) {
        const size_t left = p->bytes - at;
        TRY(read_at(p, memory, at, p->got + at, left < p->number ? left : p->number));
    }
    return 1;
}

int clq_plain_parts(clq_plain *p)
{
    return with_memory(p, p->bytes, parts_inner);
}

/* From one place of a buffer to another, at odd offsets, behind a kernel. */
static int copy_inner(clq_plain *p, cl_mem memory)
{
    TRY(write_at(p, memory, 0, p->before, p->bytes));
    TRY(step(p, memory, p->offsets[0], p->offsets[1], 5));
    CALL(clEnqueueCopyBuffer, p->queue, memory, memory, p->offsets[1] + 3, p->offsets[2] + 5, 4 * p->words - 11, 0,
         NULL, NULL);
    return read_at(p, memory, 0, p->got, p->bytes);
}

int clq_plain_copy(clq_plain *p)
{
    return with_memory(p, p->bytes, copy_inner);
}

/* ---- the order of commands ---- */

enum { STEPS = CLQ_PLAIN_OPERANDS - 2 };

/*
 * Steps alternate between the queues, each behind the event of the one before; the first waits for a gate, and what it
 * reads comes, by a third queue, before that opens: whoever does not wait reads what was there before.
 */
static int chain(clq_plain *p, cl_mem memory, const cl_command_queue queues[2], cl_event events[STEPS + 1])
{
    for (cl_uint i = 1; i <= STEPS; i++) {
        TRY(step_on(p, queues[i % 2], memory, p->offsets[i - 1], p->offsets[i], i, &events[i - 1], &events[i]));
        CALL(clFlush, queues[i % 2]);
    }
    TRY(write_at(p, memory, p->offsets[0], p->before + p->offsets[0], 4 * p->words));
    TRY(finish(p, p->queue));
    CALL(clSetUserEventStatus, events[0], CL_COMPLETE);
    CALL(clWaitForEvents, 1, &events[STEPS]);
    return 1;
}

static int run_chain(clq_plain *p, cl_mem memory, const cl_command_queue queues[2])
{
    cl_event events[STEPS + 1] = {NULL};
    cl_int code = CL_SUCCESS;
    int done;
    events[0] = clCreateUserEvent(p->context, &code);
    if (events[0] == NULL) {
        return fail(p, "clCreateUserEvent", code);
    }
    done = chain(p, memory, queues, events);
    if (!done) {
        clq_plain unwanted = *p;
        (void)clSetUserEventStatus(events[0], -1); /* whoever waits is let go */
        (void)(finish(&unwanted, queues[0]) && finish(&unwanted, queues[1]));
    }
    for (int i = 0; i <= STEPS; i++) {
        if (events[i] != NULL) {
            (void)clReleaseEvent(events[i]);
        }
    }
    return done;
}

/* A wait list on one queue in order (`number` 0), or out of order (1); from queue to queue (2). */
static int events_inner(clq_plain *p, cl_mem memory)
{
    const cl_command_queue_properties properties = p->number == 1 ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0;
    cl_command_queue queues[2] = {NULL, NULL};
    cl_int code = CL_SUCCESS;
    int done = 1;
    memset(p->got + p->offsets[0], 0xFF, 4 * p->words);
    TRY(write_at(p, memory, 0, p->got, p->bytes));
    TRY(finish(p, p->queue)); /* that it has arrived is known to its own queue alone */
    for (int i = 0; i < (p->number == 2 ? 2 : 1) && done; i++) {
        queues[i] = clCreateCommandQueue(p->context, p->device, properties, &code);
        done = queues[i] != NULL ? 1 : fail(p, "clCreateCommandQueue", code);
    }
    if (done) {
        const cl_command_queue both[2] = {queues[0], queues[1] != NULL ? queues[1] : queues[0]};
        done = run_chain(p, memory, both);
    }
    for (int i = 0; i < 2; i++) {
        if (queues[i] != NULL) {
            (void)clReleaseCommandQueue(queues[i]);
        }
    }
    return done && read_at(p, memory, 0, p->got, p->bytes);
}

int clq_plain_events(clq_plain *p)
{
    return with_memory(p, p->bytes, events_inner);
}

/* ---- programs ---- */

/* Of a program with this option, a step multiplies by something else. */
static const char *const factors[] = {"-DPROBE_FACTOR=5", "-DPROBE_FACTOR=3"};

typedef struct binary {
    const char *options;
    unsigned char *data;
    size_t bytes;
} binary;

static int take_binary(clq_plain *p, cl_program program, binary *of)
{
    CALL(clBuildProgram, program, 1, &p->device, of->options, NULL, NULL);
    CALL(clGetProgramInfo, program, CL_PROGRAM_BINARY_SIZES, sizeof of->bytes, &of->bytes, NULL);
    if (of->bytes == 0) {
        return fail(p, "no binaries of programs", CL_SUCCESS);
    }
    of->data = malloc(of->bytes);
    if (of->data == NULL) {
        return fail(p, "malloc", CL_OUT_OF_HOST_MEMORY);
    }
    CALL(clGetProgramInfo, program, CL_PROGRAM_BINARIES, sizeof of->data, &of->data, NULL);
    return 1;
}

static int compile(clq_plain *p, binary *to)
{
    cl_int code = CL_SUCCESS;
    int done;
    cl_program program = clCreateProgramWithSource(p->context, 1, &p->source, NULL, &code);
    if (program == NULL) {
        return fail(p, "clCreateProgramWithSource", code);
    }
    done = take_binary(p, program, to);
    (void)clReleaseProgram(program);
    return done;
}

static int step_of_program(clq_plain *p, cl_mem memory, cl_program program, const char *options, cl_uint number)
{
    clq_plain other = *p;
    cl_int code = CL_SUCCESS;
    int done;
    CALL(clBuildProgram, program, 1, &p->device, options, NULL, NULL);
    other.kernel = clCreateKernel(program, "probe_step", &code);
    if (other.kernel == NULL) {
        return fail(p, "clCreateKernel", code);
    }
    done = step(&other, memory, p->offsets[number - 1], p->offsets[number], number) && finish(&other, p->queue);
    (void)clReleaseKernel(other.kernel);
    return done ? 1 : fail(p, other.failed, other.code);
}

static int step_of_binary(clq_plain *p, cl_mem memory, const binary *from, cl_uint number)
{
    const unsigned char *data = from->data;
    cl_int code = CL_SUCCESS;
    int done;
    cl_program program = clCreateProgramWithBinary(p->context, 1, &p->device, &from->bytes, &data, NULL, &code);
    if (program == NULL) {
        return fail(p, "clCreateProgramWithBinary", code);
    }
    done = step_of_program(p, memory, program, from->options, number);
    (void)clReleaseProgram(program);
    return done;
}

/*
 * A binary, loaded again in the same context, does what its program does: of two programs with the same kernel, by
 * turns, so that one who takes what was loaded before, because its kernel has that name, does something else.
 */
static int binary_inner(clq_plain *p, cl_mem memory)
{
    binary of[2] = {{factors[0], NULL, 0}, {factors[1], NULL, 0}};
    int done = write_at(p, memory, 0, p->before, p->bytes) && compile(p, &of[0]) && compile(p, &of[1]);
    for (cl_uint number = 1; number <= 3 && done; number++) {
        done = step_of_binary(p, memory, &of[(number - 1) % 2], number);
    }
    free(of[0].data);
    free(of[1].data);
    return done && read_at(p, memory, 0, p->got, p->bytes);
}

int clq_plain_binary(clq_plain *p)
{
    return with_memory(p, p->bytes, binary_inner);
}

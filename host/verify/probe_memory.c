/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of what the host and the device see of the same memory. */
#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/memory.h"
#include "verify/probe_step.h"

enum { WORDS = 5000 };

/* ---- sub-buffers ---- */

/* At the least offset that the device allows, and at 3 times that. */
clq_status clq_verify_probe_sub_buffer(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const struct clq_cl_state *cl = machine->stream.context->cl;
    cl_uint bits = 0;
    cl_buffer_region region;
    cl_mem sub = NULL;
    cl_int code = CL_SUCCESS;
    clq_status status;
    CLQ_CL(clGetDeviceInfo, cl->device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits, NULL);
    region.origin = (size_t)(work->item->of.probe->which) * (bits / 8 > 0 ? bits / 8 : 1);
    region.size = WORDS * 4;
    if (region.origin % 4 != 0) {
        return clq_fail(error, CLQ_UNSUPPORTED, "the device aligns to %u bits", (unsigned)bits);
    }
    (void)clq_verify_probe_operand(work, "memory", CLQ_VERIFY_U32, region.origin / 4 + WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (size_t i = 0; i < region.origin / 4 + WORDS; i++) {
        const uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, 0)[i] = word;
        clq_verify_probe_want(work, 0)[i] = i < region.origin / 4 ? word : 3 * word + 1;
    }
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    /* The arena begins with a guard, which must not move what is aligned: the operand is copied to its beginning. */
    status = clq_verify_step_memory(machine, work, &machine->packed, region.origin + region.size, error);
    if (status != CLQ_OK) {
        return status;
    }
    sub = clCreateSubBuffer(machine->packed.object, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    if (sub == NULL) {
        return clq_cl_fail(error, code, "clCreateSubBuffer");
    }
    status = clq_verify_step(machine, sub, 0, sub, 0, WORDS, 1, error);
    (void)clReleaseMemObject(sub);
    CLQ_TRY(status);
    return clq_verify_step_result(machine, work, &machine->packed, error);
}

/* ---- large offsets ---- */

static clq_status far_away(clq_cl_machine *machine, clq_verify_work *work, cl_mem memory, uint64_t offset_words,
                           clq_error *error)
{
    const cl_command_queue queue = machine->stream.queue;
    CLQ_CL(clEnqueueWriteBuffer, queue, memory, CL_TRUE, (size_t)offset_words * 4, WORDS * 4,
           clq_verify_probe_before(work, 0), 0, NULL, NULL);
    CLQ_CL(clEnqueueWriteBuffer, queue, memory, CL_TRUE, 0, WORDS * 4, clq_verify_probe_before(work, 1), 0, NULL, NULL);
    CLQ_TRY(clq_verify_step(machine, memory, offset_words, memory, offset_words, WORDS, 7, error));
    memcpy(work->arena.got, work->arena.want, (size_t)work->arena.bytes);
    CLQ_CL(clEnqueueReadBuffer, queue, memory, CL_TRUE, (size_t)offset_words * 4, WORDS * 4,
           work->arena.got + work->operands[0].offset_bytes, 0, NULL, NULL);
    CLQ_CL(clEnqueueReadBuffer, queue, memory, CL_TRUE, 0, WORDS * 4, work->arena.got + work->operands[1].offset_bytes,
           0, NULL, NULL);
    return CLQ_OK;
}

/* Beyond 4 GiB of one buffer, and what would be met at its beginning if the upper bits were lost. */
clq_status clq_verify_probe_far(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const clq_context *context = machine->stream.context;
    const uint64_t offset_words = (UINT64_C(1) << 30) + 3;
    const uint64_t bytes = 4 * (offset_words + WORDS);
    cl_mem memory = NULL;
    clq_status status;
    if (bytes > context->device.maximum_allocation_bytes || bytes > context->device.global_memory_bytes / 2 ||
        bytes > SIZE_MAX) {
        return clq_fail(error, CLQ_UNSUPPORTED, "no buffer of more than 4 GiB fits well into the device's memory");
    }
    (void)clq_verify_probe_operand(work, "far", CLQ_VERIFY_U32, WORDS, 1);
    (void)clq_verify_probe_operand(work, "beginning", CLQ_VERIFY_U32, WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (size_t i = 0; i < WORDS; i++) {
        const uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, 0)[i] = word;
        clq_verify_probe_want(work, 0)[i] = 3 * word + 7;
        clq_verify_probe_before(work, 1)[i] = clq_verify_probe_want(work, 1)[i] = ~word;
    }
    if (clq_cl_memory_create(context, CL_MEM_READ_WRITE, bytes, NULL, "a probe", &memory, error) != CLQ_OK) {
        return clq_fail(error, CLQ_UNSUPPORTED, "a buffer of more than 4 GiB is not to be had");
    }
    status = far_away(machine, work, memory, offset_words, error);
    if (status != CLQ_OK && error->opencl_code == CL_MEM_OBJECT_ALLOCATION_FAILURE) {
        status = clq_fail(error, CLQ_UNSUPPORTED, "a buffer of more than 4 GiB is not to be had");
    }
    (void)clReleaseMemObject(memory);
    return status;
}

/* ---- mappings ---- */

static void fill_steps(clq_verify_work *work, uint32_t add)
{
    for (size_t i = 0; i < WORDS; i++) {
        const uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, 0)[i] = word;
        clq_verify_probe_want(work, 1)[i] = 3 * word + add;
    }
}

/* What the host writes to a mapping the kernel reads, and the other way round; three times over. */
clq_status clq_verify_probe_map(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const cl_command_queue queue = machine->stream.queue;
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, WORDS, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_U32, WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    for (uint32_t round = 0; round < 3; round++) {
        const uint64_t bytes = work->arena.bytes;
        cl_int code = CL_SUCCESS;
        void *mapped;
        fill_steps(work, round);
        memcpy(clq_verify_probe_want(work, 0), clq_verify_probe_before(work, 0), WORDS * 4);
        mapped = clEnqueueMapBuffer(queue, machine->arena.object, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, (size_t)bytes,
                                    0, NULL, NULL, &code);
        if (mapped == NULL) {
            return clq_cl_fail(error, code, "clEnqueueMapBuffer");
        }
        memcpy((char *)mapped + work->operands[0].offset_bytes, clq_verify_probe_before(work, 0), WORDS * 4);
        CLQ_CL(clEnqueueUnmapMemObject, queue, machine->arena.object, mapped, 0, NULL, NULL);
        CLQ_TRY(clq_verify_step(machine, machine->arena.object, clq_verify_probe_offset(work, 0), machine->arena.object,
                                clq_verify_probe_offset(work, 1), WORDS, round, error));
        mapped = clEnqueueMapBuffer(queue, machine->arena.object, CL_TRUE, CL_MAP_READ, 0, (size_t)bytes, 0, NULL, NULL,
                                    &code);
        if (mapped == NULL) {
            return clq_cl_fail(error, code, "clEnqueueMapBuffer");
        }
        memcpy(work->arena.got, mapped, (size_t)bytes);
        CLQ_CL(clEnqueueUnmapMemObject, queue, machine->arena.object, mapped, 0, NULL, NULL);
        CLQ_TRY(clq_cl_queue_finish(queue, error));
        if (memcmp(work->arena.got, work->arena.want, (size_t)bytes) != 0) {
            break; /* told as it is */
        }
    }
    return CLQ_OK;
}

static clq_status step_in_host_memory(clq_cl_machine *machine, clq_verify_work *work, cl_mem memory, clq_error *error)
{
    const cl_command_queue queue = machine->stream.queue;
    cl_int code = CL_SUCCESS;
    void *mapped;
    CLQ_TRY(clq_verify_step(machine, memory, clq_verify_probe_offset(work, 0), memory, clq_verify_probe_offset(work, 1),
                            WORDS, 9, error));
    mapped =
        clEnqueueMapBuffer(queue, memory, CL_TRUE, CL_MAP_READ, 0, (size_t)work->arena.bytes, 0, NULL, NULL, &code);
    if (mapped == NULL) {
        return clq_cl_fail(error, code, "clEnqueueMapBuffer");
    }
    memcpy(work->arena.got, mapped, (size_t)work->arena.bytes);
    CLQ_CL(clEnqueueUnmapMemObject, queue, memory, mapped, 0, NULL, NULL);
    return clq_cl_queue_finish(queue, error);
}

/* The host's own memory as a buffer: a mapping of it holds what the kernel wrote. */
clq_status clq_verify_probe_host_memory(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    cl_mem memory = NULL;
    void *own = NULL;
    clq_status status;
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, WORDS, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_U32, WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_steps(work, 9);
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    if (posix_memalign(&own, 4096, (size_t)work->arena.bytes) != 0) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a probe");
    }
    memcpy(own, work->arena.before, (size_t)work->arena.bytes);
    status = clq_cl_memory_create(machine->stream.context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, work->arena.bytes,
                                  own, "a probe", &memory, error);
    if (status == CLQ_OK) {
        status = step_in_host_memory(machine, work, memory, error);
        (void)clReleaseMemObject(memory);
    }
    free(own);
    return status;
}

/* ---- parts and copies ---- */

/* Reads and writes of every length and place up to 67 bytes. */
clq_status clq_verify_probe_offsets(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    enum { PARTS = 67, PITCH = 80 };
    const cl_command_queue queue = machine->stream.queue;
    unsigned char *want;
    (void)clq_verify_probe_operand(work, "memory", CLQ_VERIFY_BYTE, (uint64_t)PARTS * PITCH, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    want = (unsigned char *)clq_verify_probe_want(work, 0);
    for (size_t i = 0; i < PARTS; i++) {
        const size_t at = i * PITCH + i % 13;
        unsigned char part[PARTS];
        for (size_t k = 0; k < i + 1; k++) {
            part[k] = (unsigned char)clq_verify_probe_random(work);
        }
        memcpy(want + at, part, i + 1);
        CLQ_CL(clEnqueueWriteBuffer, queue, machine->arena.object, CL_TRUE, (size_t)work->operands[0].offset_bytes + at,
               i + 1, part, 0, NULL, NULL);
    }
    memcpy(work->arena.got, work->arena.before, (size_t)work->arena.bytes);
    for (size_t at = 0; at < (size_t)PARTS * PITCH; at += PARTS) {
        const size_t left = (size_t)PARTS * PITCH - at;
        const size_t place = (size_t)work->operands[0].offset_bytes + at;
        CLQ_CL(clEnqueueReadBuffer, queue, machine->arena.object, CL_TRUE, place, left < PARTS ? left : PARTS,
               work->arena.got + place, 0, NULL, NULL);
    }
    return CLQ_OK;
}

/* From one place of a buffer to another, at odd offsets, before and behind kernels. */
clq_status clq_verify_probe_copy(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    uint64_t from;
    uint64_t to;
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, WORDS, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_U32, WORDS, 1);
    (void)clq_verify_probe_operand(work, "copy", CLQ_VERIFY_BYTE, 4 * WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_steps(work, 5);
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    CLQ_TRY(clq_verify_step(machine, machine->arena.object, clq_verify_probe_offset(work, 0), machine->arena.object,
                            clq_verify_probe_offset(work, 1), WORDS, 5, error));
    from = work->operands[1].offset_bytes + 3;
    to = work->operands[2].offset_bytes + 5;
    memcpy(work->arena.want + to, work->arena.want + from, 4 * WORDS - 11);
    CLQ_CL(clEnqueueCopyBuffer, machine->stream.queue, machine->arena.object, machine->arena.object, (size_t)from,
           (size_t)to, 4 * WORDS - 11, 0, NULL, NULL);
    return clq_verify_probe_receive(machine, work, error);
}

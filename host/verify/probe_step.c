/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/probe_step.h"

#include <string.h>

#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/launch.h"
#include "opencl/runtime/memory.h"

static void describe(clq_cl_launch *launch, const clq_context *context, cl_mem source, uint64_t from, cl_mem target,
                     uint64_t to, uint64_t words, uint32_t add)
{
    memset(launch, 0, sizeof *launch);
    launch->file = "probe_memory.cl";
    launch->kernel = "probe_step";
    clq_cl_launch_memory(launch, source);
    clq_cl_launch_u64(launch, from);
    clq_cl_launch_memory(launch, target);
    clq_cl_launch_u64(launch, to);
    clq_cl_launch_i32(launch, (int32_t)add);
    launch->dimensions = 1;
    launch->global[0] = (size_t)words;
    clq_cl_launch_groups_of_one(launch, context);
}

clq_status clq_verify_step(clq_cl_machine *machine, cl_mem source, uint64_t from, cl_mem target, uint64_t to,
                           uint64_t words, uint32_t add, clq_error *error)
{
    clq_cl_launch launch;
    describe(&launch, machine->stream.context, source, from, target, to, words, add);
    return clq_cl_launch_enqueue(&launch, &machine->stream, error);
}

clq_status clq_verify_step_on(clq_cl_machine *machine, cl_command_queue queue, cl_mem source, uint64_t from,
                              cl_mem target, uint64_t to, uint64_t words, uint32_t add, cl_uint wait_count,
                              const cl_event *waits, cl_event *event, clq_error *error)
{
    clq_cl_launch launch;
    clq_cl_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.context = machine->stream.context;
    stream.recorder = machine->stream.recorder;
    stream.queue = queue;
    stream.wait_count = wait_count;
    stream.wait_list = waits;
    stream.want_event = 1;
    describe(&launch, machine->stream.context, source, from, target, to, words, add);
    CLQ_TRY(clq_cl_launch_enqueue(&launch, &stream, error));
    *event = stream.last;
    return CLQ_OK;
}

clq_status clq_verify_step_memory(clq_cl_machine *machine, clq_verify_work *work, clq_cl_memory *memory, uint64_t bytes,
                                  clq_error *error)
{
    if (memory->bytes < bytes) {
        if (memory->object != NULL) {
            (void)clReleaseMemObject(memory->object);
        }
        memory->bytes = 0;
        memory->object = NULL;
        CLQ_TRY(clq_cl_memory_create(machine->stream.context, CL_MEM_READ_WRITE, bytes, NULL, "a probe",
                                     &memory->object, error));
        memory->bytes = bytes;
    }
    CLQ_CL(clEnqueueWriteBuffer, machine->stream.queue, memory->object, CL_TRUE, 0, (size_t)bytes,
           clq_verify_probe_before(work, 0), 0, NULL, NULL);
    return CLQ_OK;
}

clq_status clq_verify_step_result(clq_cl_machine *machine, clq_verify_work *work, const clq_cl_memory *memory,
                                  clq_error *error)
{
    const clq_verify_operand *o = &work->operands[0];
    memcpy(work->arena.got, work->arena.want, (size_t)work->arena.bytes);
    CLQ_CL(clEnqueueReadBuffer, machine->stream.queue, memory->object, CL_TRUE, 0,
           (size_t)clq_verify_element_bytes(o->element, o->elements), work->arena.got + o->offset_bytes, 0, NULL, NULL);
    return CLQ_OK;
}

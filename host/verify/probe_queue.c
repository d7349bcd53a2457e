/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of the order of commands, and of programs that come from a binary. */
#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/source.h"
#include "verify/probe_step.h"

enum { WORDS = 20000, STEPS = 6 };

/* Step i goes from operand i to operand i + 1. */
static clq_status lay_out(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const char *const names[] = {"source", "step 1", "step 2", "step 3", "step 4", "step 5", "step 6"};
    for (uint32_t i = 0; i <= STEPS; i++) {
        (void)clq_verify_probe_operand(work, names[i], CLQ_VERIFY_U32, WORDS, i > 0);
    }
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (size_t k = 0; k < WORDS; k++) {
        uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, 0)[k] = word;
        for (uint32_t i = 1; i <= STEPS; i++) {
            word = 3 * word + i;
            clq_verify_probe_want(work, i)[k] = word;
        }
    }
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    /* A write that blocks has read the host's memory: that it has arrived is known to its own queue alone. */
    return clq_cl_queue_finish(machine->stream.queue, error);
}

static clq_status step(clq_cl_machine *machine, clq_verify_work *work, cl_command_queue queue, uint32_t i,
                       cl_uint wait_count, const cl_event *waits, cl_event *event, clq_error *error)
{
    return clq_verify_step_on(machine, queue, machine->arena.object, clq_verify_probe_offset(work, i - 1),
                              machine->arena.object, clq_verify_probe_offset(work, i), WORDS, i, wait_count, waits,
                              event, error);
}

static void release(cl_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i] != NULL) {
            (void)clReleaseEvent(events[i]);
        }
    }
}

/* Steps alternate between the queues, each behind the event of the one before; the first waits for the gate. */
static clq_status chain(clq_cl_machine *machine, clq_verify_work *work, const cl_command_queue queues[2],
                        cl_event events[STEPS + 1], clq_error *error)
{
    for (uint32_t i = 1; i <= STEPS; i++) {
        CLQ_TRY(step(machine, work, queues[i % 2], i, 1, &events[i - 1], &events[i], error));
        CLQ_CL(clFlush, queues[i % 2]);
    }
    CLQ_CL(clSetUserEventStatus, events[0], CL_COMPLETE);
    CLQ_CL(clWaitForEvents, 1, &events[STEPS]);
    return CLQ_OK;
}

static clq_status run_chain(clq_cl_machine *machine, clq_verify_work *work, const cl_command_queue queues[2],
                            clq_error *error)
{
    cl_event events[STEPS + 1] = {NULL};
    cl_int code = CL_SUCCESS;
    clq_status status;
    events[0] = clCreateUserEvent(machine->stream.context->cl->context, &code);
    if (events[0] == NULL) {
        return clq_cl_fail(error, code, "clCreateUserEvent");
    }
    status = chain(machine, work, queues, events, error);
    if (status != CLQ_OK) {
        (void)clSetUserEventStatus(events[0], -1); /* whoever waits is let go */
    }
    for (int i = 0; i < 2; i++) {
        (void)clq_cl_queue_finish(queues[i], NULL);
    }
    release(events, STEPS + 1);
    return status;
}

static clq_status make_queue(const clq_cl_machine *machine, cl_command_queue_properties properties,
                             cl_command_queue *queue, clq_error *error)
{
    const struct clq_cl_state *cl = machine->stream.context->cl;
    cl_command_queue_properties has = 0;
    cl_int code = CL_SUCCESS;
    CLQ_CL(clGetDeviceInfo, cl->device, CL_DEVICE_QUEUE_PROPERTIES, sizeof has, &has, NULL);
    if ((has & properties) != properties) {
        return clq_fail(error, CLQ_UNSUPPORTED, "the device has no out-of-order queues");
    }
    *queue = clCreateCommandQueue(cl->context, cl->device, properties, &code);
    return *queue != NULL ? CLQ_OK : clq_cl_fail(error, code, "clCreateCommandQueue");
}

/* On one queue, in order (`which` 0) or out of order (1). */
clq_status clq_verify_probe_events(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const uint32_t which = work->item->of.probe->which;
    cl_command_queue queues[2] = {NULL, NULL};
    clq_status status;
    CLQ_TRY(make_queue(machine, which ? CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, &queues[0], error));
    queues[1] = queues[0];
    status = lay_out(machine, work, error);
    if (status == CLQ_OK) {
        status = run_chain(machine, work, queues, error);
    }
    (void)clReleaseCommandQueue(queues[0]);
    CLQ_TRY(status);
    return clq_verify_probe_receive(machine, work, error);
}

clq_status clq_verify_probe_two_queues(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    cl_command_queue queues[2] = {NULL, machine->stream.queue};
    clq_status status;
    CLQ_TRY(make_queue(machine, 0, &queues[0], error));
    status = lay_out(machine, work, error);
    if (status == CLQ_OK) {
        status = run_chain(machine, work, queues, error);
    }
    (void)clReleaseCommandQueue(queues[0]);
    CLQ_TRY(status);
    return clq_verify_probe_receive(machine, work, error);
}

/* ---- programs ---- */

static clq_status build(const clq_cl_machine *machine, cl_program program, clq_error *error)
{
    CLQ_CL(clBuildProgram, program, 1, &machine->stream.context->cl->device, "", NULL, NULL);
    return CLQ_OK;
}

/* The program that a binary of another one makes; *binary is malloc'ed. */
static clq_status reload(const clq_cl_machine *machine, cl_program program, unsigned char **binary, cl_program *again,
                         clq_error *error)
{
    const struct clq_cl_state *cl = machine->stream.context->cl;
    const unsigned char *read_only;
    size_t bytes = 0;
    cl_int code = CL_SUCCESS;
    CLQ_CL(clGetProgramInfo, program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL);
    if (bytes == 0) {
        return clq_fail(error, CLQ_UNSUPPORTED, "the device gives no binaries of programs");
    }
    *binary = malloc(bytes);
    if (*binary == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a probe");
    }
    CLQ_CL(clGetProgramInfo, program, CL_PROGRAM_BINARIES, sizeof *binary, binary, NULL);
    read_only = *binary;
    *again = clCreateProgramWithBinary(cl->context, 1, &cl->device, &bytes, &read_only, NULL, &code);
    return *again != NULL ? build(machine, *again, error) : clq_cl_fail(error, code, "clCreateProgramWithBinary");
}

static clq_status launch_reloaded(const clq_cl_machine *machine, const clq_verify_work *work, cl_program program,
                                  clq_error *error)
{
    const cl_mem memory = machine->arena.object;
    const cl_ulong from = clq_verify_probe_offset(work, 0);
    const cl_ulong to = clq_verify_probe_offset(work, 1);
    const cl_uint add = 1;
    const size_t items = WORDS;
    cl_int code = CL_SUCCESS;
    clq_status status = CLQ_OK;
    cl_kernel kernel = clCreateKernel(program, "probe_step", &code);
    if (kernel == NULL) {
        return clq_cl_fail(error, code, "clCreateKernel");
    }
    if (clSetKernelArg(kernel, 0, sizeof(cl_mem), &memory) != CL_SUCCESS ||
        clSetKernelArg(kernel, 1, sizeof from, &from) != CL_SUCCESS ||
        clSetKernelArg(kernel, 2, sizeof(cl_mem), &memory) != CL_SUCCESS ||
        clSetKernelArg(kernel, 3, sizeof to, &to) != CL_SUCCESS ||
        clSetKernelArg(kernel, 4, sizeof add, &add) != CL_SUCCESS) {
        status = clq_cl_fail(error, CL_INVALID_ARG_VALUE, "clSetKernelArg");
    } else {
        code = clEnqueueNDRangeKernel(machine->stream.queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL);
        status = code == CL_SUCCESS ? CLQ_OK : clq_cl_fail(error, code, "clEnqueueNDRangeKernel");
        (void)clq_cl_queue_finish(machine->stream.queue, NULL);
    }
    (void)clReleaseKernel(kernel);
    return status;
}

/* A program's binary, loaded again in the same context, does what the program does. */
clq_status clq_verify_probe_binary(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const struct clq_cl_state *cl = machine->stream.context->cl;
    clq_status status = CLQ_OK;
    char *source = clq_cl_source("probe_memory.cl");
    const char *sources[1];
    unsigned char *binary = NULL;
    cl_program program = NULL;
    cl_program again = NULL;
    cl_int code = CL_SUCCESS;
    if (source == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a probe");
    }
    sources[0] = source;
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, WORDS, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_U32, WORDS, 1);
    CLQ_TRY_TO(clq_verify_probe_arena(work, error));
    for (size_t i = 0; i < WORDS; i++) {
        clq_verify_probe_before(work, 0)[i] = clq_verify_probe_random(work);
        clq_verify_probe_want(work, 1)[i] = 3 * clq_verify_probe_before(work, 0)[i] + 1;
    }
    CLQ_TRY_TO(clq_verify_probe_send(machine, work, error));
    program = clCreateProgramWithSource(cl->context, 1, sources, NULL, &code);
    if (program == NULL) {
        CLQ_TRY_TO(clq_cl_fail(error, code, "clCreateProgramWithSource"));
    }
    CLQ_TRY_TO(build(machine, program, error));
    CLQ_TRY_TO(reload(machine, program, &binary, &again, error));
    CLQ_TRY_TO(launch_reloaded(machine, work, again, error));
    CLQ_TRY_TO(clq_verify_probe_receive(machine, work, error));
done:
    if (again != NULL) {
        (void)clReleaseProgram(again);
    }
    if (program != NULL) {
        (void)clReleaseProgram(program);
    }
    free(binary);
    free(source);
    return status;
}

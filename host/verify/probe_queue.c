/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of the order of commands, and of programs that come from a binary: their operands. */
#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "verify/probe.h"

enum { WORDS = 20000, STEPS = 6, BINARY_STEPS = 3 };

static uint64_t words_of(const clq_cl_machine *machine, uint64_t steps)
{
    return clq_verify_probe_fit(machine, WORDS, 4 * (steps + 1), steps + 1);
}

/* Step i goes from operand i to operand i + 1; every other multiplies by `odd`, the others by 3. */
static clq_status lay_out_steps(clq_verify_work *work, uint64_t words, uint32_t steps, uint32_t odd, clq_error *error)
{
    static const char *const names[] = {"source", "step 1", "step 2", "step 3", "step 4", "step 5", "step 6"};
    for (uint32_t i = 0; i <= steps; i++) {
        (void)clq_verify_probe_operand(work, names[i], CLQ_VERIFY_U32, words, i > 0);
    }
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (size_t k = 0; k < words; k++) {
        uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, 0)[k] = word;
        for (uint32_t i = 1; i <= steps; i++) {
            word = (i % 2 == 1 ? odd : 3) * word + i;
            clq_verify_probe_want(work, i)[k] = word;
        }
    }
    return CLQ_OK;
}

/* On one queue, in order (`which` 0) or out of order (1), or from one to another (2). */
clq_status clq_verify_probe_events(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_events);
    const uint32_t which = work->item->of.probe.question->which;
    const uint64_t words = words_of(machine, STEPS);
    cl_command_queue_properties has = 0;
    CLQ_CL(clGetDeviceInfo, machine->stream.context->cl->device, CL_DEVICE_QUEUE_PROPERTIES, sizeof has, &has, NULL);
    if (which == 1 && (has & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0) {
        return clq_fail(error, CLQ_UNSUPPORTED, "the device has no out-of-order queues");
    }
    CLQ_TRY(lay_out_steps(work, words, STEPS, 3, error));
    return clq_verify_run_plain(machine, work, &plain, words, which, error);
}

clq_status clq_verify_probe_binary(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_binary);
    const uint64_t words = words_of(machine, BINARY_STEPS);
    CLQ_TRY(lay_out_steps(work, words, BINARY_STEPS, 5, error));
    return clq_verify_run_plain(machine, work, &plain, words, 0, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Probes in plain OpenCL (plain.h) on the machine of a case. */
#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/source.h"
#include "verify/probe.h"

static clq_status run(const clq_verify_work *work, clq_plain *p, clq_error *error)
{
    if (work->plain->run(p)) {
        return CLQ_OK;
    }
    if (p->code == CL_SUCCESS) {
        return clq_fail(error, CLQ_UNSUPPORTED, "the device has %s", p->failed);
    }
    if (p->code == CL_OUT_OF_HOST_MEMORY && strcmp(p->failed, "malloc") == 0) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a probe");
    }
    return clq_cl_fail(error, p->code, p->failed);
}

static clq_status run_with_kernel(clq_cl_machine *machine, clq_verify_work *work, clq_plain *p, clq_error *error)
{
    clq_cl_pool *pool = NULL;
    clq_status status;
    char *source = clq_cl_source(CLQ_VERIFY_PLAIN_FILE);
    if (source == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a probe");
    }
    p->source = source;
    status = clq_cl_kernel_borrow(machine->stream.context, CLQ_VERIFY_PLAIN_FILE, "", "probe_step", &pool, &p->kernel,
                                  error);
    if (status == CLQ_OK) {
        status = run(work, p, error);
        clq_cl_kernel_return(pool, p->kernel);
    }
    free(source);
    return status;
}

clq_status clq_verify_run_plain(clq_cl_machine *machine, clq_verify_work *work, const clq_verify_plain *plain,
                                uint64_t words, uint64_t number, clq_error *error)
{
    const struct clq_cl_state *cl = machine->stream.context->cl;
    const clq_cl_recorder *recorder = machine->stream.recorder;
    clq_plain p;
    work->plain = plain;
    work->plain_words = words;
    work->plain_number = number;
    work->plain_local = machine->stream.context->device.type == CLQ_DEVICE_CPU ? 1 : 0;
    CLQ_TRY(clq_verify_probe_require(machine, work->arena.bytes, error));
    clq_verify_probe_keep_inputs(work);
    memcpy(work->arena.got, work->arena.before, (size_t)work->arena.bytes);
    if (recorder != NULL && recorder->withholds) {
        return CLQ_OK;
    }
    memset(&p, 0, sizeof p);
    p.context = cl->context;
    p.device = cl->device;
    p.queue = machine->stream.queue;
    p.bytes = (size_t)work->arena.bytes;
    p.before = work->arena.before;
    p.got = work->arena.got;
    p.words = (size_t)words;
    p.local = work->plain_local;
    p.number = (size_t)number;
    for (size_t i = 0; i < work->operand_count; i++) {
        p.offsets[i] = (size_t)work->operands[i].offset_bytes;
    }
    return run_with_kernel(machine, work, &p, error);
}

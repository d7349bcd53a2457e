/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/machine.h"

#include <string.h>

#include "core/size.h"
#include "opencl/launch/batch.h"
#include "opencl/launch/gemm.h"
#include "opencl/launch/operation.h"
#include "opencl/runtime/error.h"
#include "opencl/runtime/memory.h"

enum { LEAST_MEMORY_BYTES = 256 << 10, TOGETHER_BYTES = 1 << 20, WORKSPACE_OFFSET = 4096, WIDEST_TYPES = 4 };

/* ---- where a trial runs ---- */

clq_status clq_cl_machine_begin(clq_cl_machine *m, clq_context *context, int only_ready, clq_error *error)
{
    cl_int code = CL_SUCCESS;
    memset(m, 0, sizeof *m);
    m->stream.context = context;
    m->tuning = clq_cl_tuning_of(context);
    if (!only_ready) {
        m->stream.queue = clCreateCommandQueue(context->cl->context, context->cl->device, 0, &code);
        if (m->stream.queue == NULL) {
            return clq_cl_fail(error, code, "clCreateCommandQueue");
        }
    }
    return CLQ_OK;
}

static void memory_release(clq_cl_memory *m)
{
    if (m->object != NULL) {
        (void)clReleaseMemObject(m->object);
    }
}

void clq_cl_machine_end(clq_cl_machine *m, clq_status status)
{
    clq_cl_queue_release(m->stream.queue, status);
    memory_release(&m->arena);
    memory_release(&m->workspace);
    memory_release(&m->packed);
}

void clq_cl_machine_needs(clq_cl_machine *m, uint64_t bytes)
{
    m->lacks_bytes = bytes > m->stream.context->device.maximum_allocation_bytes ? bytes : 0;
}

static clq_status memory_make(clq_cl_machine *machine, clq_cl_memory *m, uint64_t bytes, clq_error *error)
{
    static const char what[] = "memory for a trial";
    const clq_context *context = machine->stream.context;
    m->object = NULL;
    machine->refused_bytes = bytes;
    if (machine->stream.queue != NULL) {
        CLQ_TRY(clq_cl_memory_create_now(context, machine->stream.queue, bytes, what, &m->object, error));
    } else {
        CLQ_TRY(clq_cl_memory_create(context, CL_MEM_READ_WRITE, bytes, NULL, what, &m->object, error));
    }
    machine->refused_bytes = 0;
    m->bytes = bytes;
    return CLQ_OK;
}

/* With `room` for more, or as much as a buffer has; a device that says more than it can give, for the case alone. */
static clq_status memory_grow(clq_cl_machine *machine, clq_cl_memory *m, uint64_t bytes, uint64_t room,
                              clq_error *error)
{
    const uint64_t most = machine->stream.context->device.maximum_allocation_bytes;
    const uint64_t wanted = clq_size_max(bytes, clq_size_min(clq_size_max(room, LEAST_MEMORY_BYTES), most));
    clq_error story = {0};
    clq_status status;
    if (wanted <= m->bytes) {
        return CLQ_OK;
    }
    memory_release(m);
    m->bytes = 0;
    clq_cl_machine_needs(machine, bytes);
    status = memory_make(machine, m, wanted, &story);
    if (status == CLQ_OUT_OF_MEMORY && wanted > bytes) {
        return memory_make(machine, m, bytes, error);
    }
    if (status != CLQ_OK && error != NULL) {
        *error = story;
    }
    return status;
}

/* With room behind it where there is: a driver may give the program of another type (f32 for 16 bits, or for 4-bit
 * codes those of 16), which would read and write beyond the buffer, and where that is the process's memory end the
 * process. */
static clq_status reserve_arena(void *cookie, uint64_t bytes, void **arena, clq_error *error)
{
    clq_cl_machine *m = cookie;
    CLQ_TRY(memory_grow(m, &m->arena, bytes, WIDEST_TYPES * bytes, error));
    *arena = m->arena.object;
    return CLQ_OK;
}

static clq_status write_arena(void *cookie, const void *from, uint64_t bytes, clq_error *error)
{
    clq_cl_machine *m = cookie;
    m->written = from;
    CLQ_CL(clEnqueueWriteBuffer, m->stream.queue, m->arena.object, CL_TRUE, 0, (size_t)bytes, from, 0, NULL, NULL);
    return CLQ_OK;
}

static clq_status read_arena(void *cookie, void *to, uint64_t bytes, clq_error *error)
{
    const clq_cl_machine *m = cookie;
    CLQ_CL(clEnqueueReadBuffer, m->stream.queue, m->arena.object, CL_TRUE, 0, (size_t)bytes, to, 0, NULL, NULL);
    return CLQ_OK;
}

int clq_cl_machine_works(clq_context *context)
{
    static const char sent[] = "bytes that come back";
    char came[sizeof sent] = "";
    clq_status status;
    clq_cl_machine m;
    void *arena;
    clq_error *error = NULL; /* what is told is why it was asked */
    CLQ_TRY_TO(clq_cl_machine_begin(&m, context, 0, error));
    CLQ_TRY_TO(reserve_arena(&m, sizeof sent, &arena, error));
    CLQ_TRY_TO(write_arena(&m, sent, sizeof sent, error));
    CLQ_TRY_TO(read_arena(&m, came, sizeof came, error));
done:
    clq_cl_machine_end(&m, status);
    return status == CLQ_OK && memcmp(sent, came, sizeof sent) == 0;
}

clq_status clq_cl_machine_reserve(clq_cl_machine *m, uint64_t bytes, clq_error *error)
{
    if (m->stream.queue != NULL && bytes > 0) {
        CLQ_TRY(memory_grow(m, &m->workspace, WORKSPACE_OFFSET + bytes, 0, error));
    }
    m->stream.workspace = m->workspace.object;
    m->stream.workspace_offset_bytes = WORKSPACE_OFFSET; /* as a caller's memory may have one */
    return CLQ_OK;
}

/* ---- what runs there ---- */

static clq_status run_task(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_cl_machine *m = cookie;
    const clq_task *task = &c->tasks[0];
    clq_decision decision;
    clq_cl_cut cut;
    if (m->as_called) {
        clq_cl_decide_untried(m->tuning, task, m->variant, &decision);
        decision.most_rounds = atomic_load(&m->stream.context->cl->most_rounds);
    } else {
        clq_cl_decide_trial(m->tuning, task, m->variant, c->other_way, &decision);
    }
    clq_cl_cut_make(m->stream.context, task, &decision, &cut);
    CLQ_TRY(clq_cl_machine_reserve(m, cut.workspace_bytes, error));
    return clq_cl_enqueue_operation(&m->stream, &cut, error);
}

/* Its table takes a buffer of its own. */
static clq_status build_batch(clq_cl_machine *m, const clq_batch *batch, clq_cl_batch *device, clq_error *error)
{
    const clq_status status = clq_cl_batch_build(batch, device, error);
    if (status != CLQ_OK) {
        clq_cl_machine_needs(m, clq_cl_table_bytes(&device->table));
    }
    return status;
}

static clq_status run_batch(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_cl_machine *m = cookie;
    clq_status status = CLQ_OK;
    clq_cl_batch *device = NULL;
    clq_batch_form forms[CLQ_TRIAL_TENSORS];
    clq_task tasks[CLQ_TRIAL_TENSORS];
    clq_batch batch;
    memset(&batch, 0, sizeof batch);
    memcpy(tasks, c->tasks, sizeof tasks);
    batch.context = m->stream.context;
    batch.operation = c->tasks[0].operation;
    batch.count = c->count;
    batch.tasks = tasks;
    for (size_t i = 0; i < CLQ_TRIAL_TENSORS; i++) {
        forms[i] = m->form;
    }
    CLQ_TRY_TO(clq_cl_batch_sort(&batch, m->tuning, forms, &device, error));
    device->is_trial = !m->as_called;
    device->keeps_forms = 1; /* what is compared is this one, or there is no room for it */
    CLQ_TRY_TO(build_batch(m, &batch, device, error));
    CLQ_TRY_TO(clq_cl_machine_reserve(m, device->workspace_bytes, error));
    CLQ_TRY_TO(clq_cl_batch_enqueue(&batch, device, &m->stream, error));
done:
    clq_cl_batch_destroy(device);
    return status;
}

clq_status clq_cl_machine_pack(clq_cl_machine *m, const clq_gemm_task *task, clq_gemm_weights *weights,
                               clq_error *error)
{
    const uint64_t bytes = CLQ_CL_MACHINE_PACKED_OFFSET + clq_cl_gemm_packed_of(task).bytes;
    CLQ_TRY(memory_grow(m, &m->packed, bytes, 0, error));
    weights->context = m->stream.context;
    weights->form = CLQ_GEMM_FORM_PANELS;
    weights->object = m->packed.object;
    weights->offset_bytes = CLQ_CL_MACHINE_PACKED_OFFSET;
    return clq_cl_gemm_pack(&m->stream, m->tuning, task, m->packed.object, CLQ_CL_MACHINE_PACKED_OFFSET / 4, error);
}

clq_status clq_cl_machine_decide(clq_cl_machine *m, const clq_trial_case *c, clq_gemm_task *task,
                                 clq_gemm_weights *weights, clq_gemm_decision *decision, clq_error *error)
{
    *task = c->product;
    memset(weights, 0, sizeof *weights);
    if (m->as_called) {
        CLQ_TRY(clq_cl_gemm_decide(m->stream.context, m->variant, task, decision, error));
    } else {
        CLQ_TRY(clq_cl_gemm_decide_trial(m->stream.context, m->tuning, task, m->variant, m->program, c->other_way,
                                         decision, error));
    }
    if (m->packs) {
        CLQ_TRY(clq_cl_machine_pack(m, task, weights, error));
        task->weights = weights;
    }
    return CLQ_OK;
}

static clq_status run_product(void *cookie, const clq_trial_case *c, clq_error *error)
{
    clq_cl_machine *m = cookie;
    clq_gemm_task task;
    clq_gemm_weights weights;
    clq_gemm_decision decision;
    CLQ_TRY(clq_cl_machine_decide(m, c, &task, &weights, &decision, error));
    CLQ_TRY(clq_cl_machine_reserve(m, clq_cl_gemm_workspace_of(&task, &decision, m->packs).bytes, error));
    return clq_cl_gemm_multiply(&m->stream, &task, &decision, error);
}

/* ---- candidates ---- */

clq_trial_candidate clq_cl_machine_candidate(clq_cl_machine *m,
                                             clq_status (*run)(void *cookie, const clq_trial_case *c, clq_error *error))
{
    const uint64_t most = m->stream.context->device.maximum_allocation_bytes;
    const clq_trial_candidate made = {
        m, reserve_arena, write_arena, run, read_arena, clq_size_min(TOGETHER_BYTES, most), NULL};
    return made;
}

clq_trial_candidate clq_cl_machine_for_tasks(clq_cl_machine *machine)
{
    return clq_cl_machine_candidate(machine, run_task);
}

clq_trial_candidate clq_cl_machine_for_batches(clq_cl_machine *machine)
{
    return clq_cl_machine_candidate(machine, run_batch);
}

clq_trial_candidate clq_cl_machine_for_products(clq_cl_machine *machine)
{
    return clq_cl_machine_candidate(machine, run_product);
}

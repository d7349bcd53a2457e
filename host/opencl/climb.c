/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/climb.h"

#include <stdlib.h>
#include <string.h>

#include "opencl/machine.h"
#include "opencl/runtime/error.h"

/* ---- what failures say ---- */

/* Where a driver that launches without waiting first tells that a launch before it has failed: the only wait there is
 * in a trial, and nothing goes before it but what the step has run. */
static const char reading[] = "clEnqueueReadBuffer";

static const char packing_file[] = "gemm_pack.cl";

/* Calls that are about one kernel or its program, or tell of its launches. What the others fail of, memory, queues and
 * what is written, no kernel can help. */
static int is_about_kernel(const char *call)
{
    static const char *const calls[] = {"clBuildProgram", "clCreateKernel",         "clGetKernelWorkGroupInfo",
                                        "clSetKernelArg", "clEnqueueNDRangeKernel", reading};
    size_t i = 0;
    while (i < sizeof calls / sizeof calls[0] && strcmp(call, calls[i]) != 0) {
        i++;
    }
    return i < sizeof calls / sizeof calls[0];
}

/*
 * Whether a code can be a kernel's, and is, since the device goes on without it. Resources are lacking for a kernel
 * that takes more registers or local memory than there are, and for anything on a device that is lost, which then does
 * not move bytes either; what a read fails of is the read's own where no other one works.
 */
static int is_code_of_kernel(const clq_cl_climb *c, cl_int code)
{
    return (clq_cl_is_of_kernel(code) || code == CL_OUT_OF_RESOURCES ||
            code == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST) &&
           clq_cl_machine_works(c->context);
}

/*
 * The compiler refuses the step's file, its work-groups are too large for the device, the driver does not let it be
 * made or run, or no buffer of the device holds what it would be tried on. What fails for want of memory otherwise, or
 * in kernels that others share, is no verdict on it.
 */
static clq_verdict verdict_on(void *cookie, const clq_error *story, const clq_trial_step *step)
{
    const clq_cl_climb *c = cookie;
    /* Packing has gone before: what fails of it now is what A is packed with for this step alone. */
    const int packs_for_it =
        c->product != NULL && c->part != CLQ_GEMM_PACKING && strstr(story->message, packing_file) != NULL;
    const int is_own = step->file == NULL || strstr(story->message, step->file) != NULL || packs_for_it ||
                       strcmp(story->opencl_call, reading) == 0;
    if (story->status == CLQ_BUILD_FAILED && is_own) {
        return CLQ_VERDICT_UNBUILT;
    }
    if (c->lacks_room) {
        return CLQ_VERDICT_NO_ROOM;
    }
    if (story->status != CLQ_DEVICE_ERROR || !is_about_kernel(story->opencl_call)) {
        return CLQ_VERDICT_UNKNOWN;
    }
    if (story->opencl_code == CL_INVALID_WORK_GROUP_SIZE || story->opencl_code == CL_INVALID_WORK_ITEM_SIZE) {
        return CLQ_VERDICT_TOO_LARGE;
    }
    return is_own && is_code_of_kernel(c, story->opencl_code) ? CLQ_VERDICT_UNUSABLE : CLQ_VERDICT_UNKNOWN;
}

/* The kind of notes of what was not ready when calls waited no longer. */
static const char late[] = "late";

static int is_noted(void *cookie, const clq_trial_step *step)
{
    const clq_cl_climb *c = cookie;
    return c->context->trusts_untried ||
           clq_cl_cache_has_verdict(c->context, step->what, clq_cl_binaries_hash(&c->binaries));
}

static void note(void *cookie, const clq_trial_step *step, int is_trusted)
{
    const clq_cl_climb *c = cookie;
    clq_cl_cache_store_verdict(c->context, step->what, clq_cl_binaries_hash(&c->binaries), is_trusted);
    clq_cl_cache_write_note(c->context, late, step->what, NULL);
}

/* ---- the ladder, at once or in a thread ---- */

static clq_status climb_down(clq_cl_climb *c, clq_error *error)
{
    const clq_trial_ladder ladder = {
        c->context, &c->context->cl->verdicts, c, c->next, c->attempt, verdict_on, is_noted, note};
    return clq_trial_settle(&ladder, error);
}

/* A climb with all that it points at, which goes on when the call that wanted it has ended. */
typedef struct climb_job {
    clq_cl_job job;
    clq_cl_climb climb;
    clq_task task;
    clq_quantization q;
    clq_decision decision;
    clq_gemm_task product;
    clq_gemm_problem problem;
    clq_gemm_decision product_decision;
    clq_batch_form form;
} climb_job;

static clq_status run_job(clq_cl_job *job, clq_error *error)
{
    climb_job *j = (climb_job *)job;
    return climb_down(&j->climb, error);
}

/* Trials bring operands of their own: those of the call stay behind. Tables are the context's. NULL: no memory. */
static clq_cl_job *job_of(const clq_cl_climb *c, size_t entry)
{
    climb_job *j = calloc(1, sizeof *j);
    if (j == NULL) {
        return NULL;
    }
    j->job.key = entry;
    j->job.run = run_job;
    j->climb = *c;
    if (c->q != NULL) {
        j->q = *c->q;
        j->form = *c->form;
        j->climb.q = &j->q;
        j->climb.form = &j->form;
    } else if (c->task != NULL) {
        j->task = *c->task;
        j->q = *c->task->q;
        j->task.q = &j->q;
        j->task.extents = NULL;
        memset(j->task.arguments, 0, sizeof j->task.arguments);
        j->climb.task = &j->task;
        j->climb.decision = &j->decision;
    } else {
        j->product = *c->product;
        j->problem = *c->product->problem;
        j->product.problem = &j->problem;
        j->product.weights = NULL;
        memset(j->product.arguments, 0, sizeof j->product.arguments);
        j->climb.product = &j->product;
        j->climb.product_decision = &j->product_decision;
    }
    return &j->job;
}

static void tell_late(const clq_cl_climb *c, const clq_trial_step *step, int was_late)
{
    clq_context *context = c->context;
    if (!was_late) {
        clq_cl_cache_write_note(context, late, step->what, "was not ready when calls waited no longer\n");
    }
    if (atomic_exchange(&context->cl->told_late, 1)) {
        return;
    }
    if (was_late) {
        clq_context_log(context, CLQ_LOG_INFO,
                        "%s on %s: its kernels took longer than calls wait in an earlier run, and are not ready; "
                        "the host computes until they are",
                        step->operation, context->device.name);
    } else {
        clq_context_log(context, CLQ_LOG_INFO,
                        "%s on %s: its kernels are not ready, and calls wait no more than %u s for a compiler; "
                        "the host computes until they are",
                        step->operation, context->device.name, clq_cl_worker_patience(&context->cl->worker));
    }
}

/* Ends: each round finds the step at hand trusted, or a job settles it. What failed is told with the decision that the
 * verdicts make then. */
static clq_status climb_in_thread(clq_cl_climb *c, int *is_late, clq_error *error)
{
    for (;;) {
        clq_trial_step step;
        clq_status status;
        clq_cl_job *job;
        char text[2]; /* that there is one says all */
        int was_late;
        CLQ_TRY(c->next(c, &step, error));
        if (clq_verdict_of(&c->context->cl->verdicts, step.entry) != CLQ_VERDICT_UNKNOWN) {
            return climb_down(c, error); /* which has nothing left to do */
        }
        job = job_of(c, step.entry);
        if (job == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to try a kernel");
        }
        was_late = clq_cl_cache_read_note(c->context, late, step.what, text, sizeof text);
        if (!clq_cl_worker_do(c->context, job, !was_late, &status, error)) {
            tell_late(c, &step, was_late);
            *is_late = 1;
            return CLQ_OK;
        }
        if (status != CLQ_OK) {
            clq_trial_step unused;
            (void)c->next(c, &unused, NULL);
            return status;
        }
    }
}

clq_status clq_cl_climb_down(clq_cl_climb *climb, int *is_late, clq_error *error)
{
    return is_late == NULL || clq_cl_worker_patience(&climb->context->cl->worker) == 0
               ? climb_down(climb, error)
               : climb_in_thread(climb, is_late, error);
}

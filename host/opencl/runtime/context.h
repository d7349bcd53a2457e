/* SPDX-License-Identifier: Apache-2.0 */
/* What a context over OpenCL holds. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_CONTEXT_H
#define CLQ_HOST_OPENCL_RUNTIME_CONTEXT_H

#include <pthread.h>

#include "core/executor.h"
#include "opencl/runtime/cache.h"
#include "opencl/runtime/capability.h"
#include "opencl/runtime/events.h"
#include "opencl/runtime/opencl.h"
#include "opencl/runtime/program.h"
#include "opencl/runtime/tuning.h"
#include "opencl/runtime/worker.h"
#include "trial/verdict.h"

enum { CLQ_CL_ROUNDS_UNKNOWN = 0 };

/* Work-groups that CUDA, where it is behind a driver, takes in a dimension that is not the first; OpenCL has no
 * question for it. */
enum { CLQ_CL_MOST_GROUPS_BEHIND = 65535 };

struct clq_cl_state {
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue; /* in order */
    /* Copies beside it (opencl/runtime/transfer.c), NULL before the first; made under submit_lock. */
    cl_command_queue transfers;
    size_t maximum_group_size;
    size_t maximum_group_items[3]; /* along each dimension */
    size_t most_groups_behind;     /* along each but the first: CLQ_CL_MOST_GROUPS_BEHIND, fewer in tests */
    uint64_t local_bytes;          /* local memory of a work-group */
    uint64_t cache_bytes;          /* of the device's last cache, or a guess */
    clq_cl_capabilities capabilities;

    clq_cl_cache cache;
    clq_cl_programs programs;
    clq_verdicts verdicts;
    clq_cl_tunings tunings;
    clq_cl_worker worker;
    _Atomic(clq_context *) host; /* which serves in the device's place; NULL before it does */
    atomic_uint told_host;       /* bit 1 << operation: that the host serves in place of the device was said */
    atomic_int told_late;        /* that the host serves until kernels are ready was said */
    atomic_ullong packing_bytes; /* of a buffer for the trial of packing, where none has as many; else 0 */
    atomic_ullong most_rounds;   /* of loops of a work-item: UINT64_MAX without an end, or not asked yet (rounds.h) */
    atomic_int forced_variant;   /* as clq_context_force_variant left it; negative: chosen by device */

    /*
     * Orders commands: held while those of one operation go to `queue`, which share `workspace`, and never while a
     * program is built or a kernel tried. What goes to a queue of the caller's takes no lock.
     */
    pthread_mutex_t submit_lock;
    clq_cl_events events; /* of commands in `queue`, and of copies in `transfers` that it waits for */
    cl_mem workspace;
    uint64_t workspace_bytes;

    clq_opencl_allocate_function allocate; /* of the caller's, or NULL (opencl/runtime/memory.c) */
    void *allocate_cookie;
};

/* Make a context for a device, with room for so many verdicts; `opencl` is retained, or NULL to make one. */
clq_status clq_cl_state_create(const clq_executor *executor, size_t verdicts, cl_platform_id platform,
                               cl_device_id device, cl_context opencl, const clq_device_info *info,
                               clq_context **context, clq_error *error);
void clq_cl_state_destroy(clq_context *context);

/* Wait until all that the queue was given is done; whoever waits, waits by this. */
clq_status clq_cl_queue_finish(cl_command_queue queue, clq_error *error);

/* The same of the context's own queue, with all commands in it looked at. */
clq_status clq_cl_state_finish(struct clq_cl_state *cl, clq_error *error);

/* Give back a queue (or NULL) whose work ended with `status`: after a failure it waits for the commands left in it. */
void clq_cl_queue_release(cl_command_queue queue, clq_status status);

#endif

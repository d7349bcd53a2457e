/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the caller's with flags that keep the host's hands off it: its bytes come and go by copies on own->queue.
 */
#ifndef CLQ_TESTS_FLAGGED_MEMORY_H
#define CLQ_TESTS_FLAGGED_MEMORY_H

#include "own_opencl.h"

enum { FLAGGED_KINDS = 3, FLAGGED_INPUTS = 1, FLAGGED_OUTPUTS = 2 };

typedef struct flagged_kind {
    const char *name;
    cl_mem_flags flags;
    int reads, writes; /* of the host, which it allows */
} flagged_kind;

extern const flagged_kind flagged_kinds[FLAGGED_KINDS];
extern const cl_command_queue_properties flagged_orders[2]; /* of queues: in order and not */

/* Memory that kernels read and write. `is_part`: a sub-buffer, which has its flags from what it is a part of. */
cl_mem flagged_memory(const own_opencl *own, cl_mem_flags flags, uint64_t bytes, int is_part);

/* A buffer over such memory with these bytes, which it keeps alive. */
clq_buffer *flagged_buffer(const own_opencl *own, cl_mem_flags flags, const void *bytes, uint64_t count, int is_part);

/* All that the buffer has is as wanted; `what` and `kind` are for the message. */
void flagged_check(const own_opencl *own, const clq_buffer *buffer, const void *want, const char *what,
                   const char *kind);

/* The host serves in place of all kernels from now on. */
void flagged_set_aside(clq_context *context);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_STREAM_H
#define CLQ_HOST_OPENCL_RUNTIME_STREAM_H

#include "core/executor.h"
#include "opencl/runtime/opencl.h"
#include "opencl/runtime/program.h"

struct clq_cl_launch;
struct clq_record;

/* Who wants to see each launch of a stream, as it goes to the queue or fails to; `global` and `local` are as the device
 * gets them, `options` as its compiler does. Not 0: it does not go there, and has failed. */
typedef struct clq_cl_recorder {
    void *cookie;
    int (*launched)(void *cookie, const struct clq_cl_launch *launch, const char *options, const size_t global[3],
                    const size_t local[3]);
    int withholds; /* launches are seen, and do not go to the queue */
} clq_cl_recorder;

/* The commands of one operation going to one queue, each after the one before it. */
typedef struct clq_cl_stream {
    clq_context *context;
    int is_own;             /* the context's own queue */
    cl_command_queue queue; /* NULL: kernels are made ready, and nothing is enqueued */
    int chained;            /* out-of-order queue: wait for `last` */
    cl_uint wait_count;
    const cl_event *wait_list;       /* of the first command */
    cl_event *first_wanted, *wanted; /* where the caller gets the events of the first and the last, or NULL */
    int has_begun;                   /* a command is in the queue */
    cl_event first, last;            /* of the first and the newest command, NULL where none is needed */
    struct clq_record *record;       /* not NULL: launches are kept there, and nothing is enqueued */
    cl_mem workspace;
    uint64_t workspace_offset_bytes;
    clq_cl_binaries *binaries;       /* where those of the commands' programs are noted, or NULL */
    const clq_cl_recorder *recorder; /* NULL: nobody */
    int groups_too_large; /* of the newest launch that failed: its work-groups are beyond what device or kernel have */
    clq_extent scratch;   /* what is used of a caller's workspace, which no operand may overlap; else empty */
} clq_cl_stream;

/* Refuse one place for two events, of which the other would be lost. */
clq_status clq_cl_check_events(const cl_event *first, const cl_event *last, clq_error *error);

/*
 * Open a stream with scratch memory on the order's queue, or on the context's own when `order` is NULL; `operation`
 * is for messages. After success it must be closed with the status of what was enqueued; _close returns that status,
 * or a failure of its own.
 */
clq_status clq_cl_stream_open(clq_cl_stream *stream, clq_context *context, const clq_order *order,
                              const char *operation, uint64_t workspace_bytes, clq_error *error);
clq_status clq_cl_stream_close(clq_cl_stream *stream, clq_status status, clq_error *error);

/* Of a launch; `first` is the first item's number, `local` NULL: left to the runtime. */
typedef struct clq_cl_sizes {
    cl_uint dimensions;
    const size_t *first, *global, *local;
} clq_cl_sizes;

/* A kernel whose arguments are set, behind what the stream has. */
clq_status clq_cl_stream_submit(clq_cl_stream *stream, cl_kernel kernel, const clq_cl_sizes *sizes, clq_error *error);

#endif

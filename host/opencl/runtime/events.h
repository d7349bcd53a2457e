/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands ended with. A command that a queue has taken may end abnormally, and the queue may go on behind it:
 * then what is waited for ends well, and the command's own event alone tells.
 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_EVENTS_H
#define CLQ_HOST_OPENCL_RUNTIME_EVENTS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "opencl/runtime/opencl.h"

/* Wait for a command, whose event goes; what it ended with is a failure of `call`, the function that enqueued it. */
clq_status clq_cl_event_end(cl_event event, const char *call, clq_error *error);

/* A command that was not looked at yet. */
typedef struct clq_cl_command {
    cl_event event;
    const char *call; /* the function that enqueued it */
    uint64_t number;
} clq_cl_command;

/*
 * The commands of an in-order queue that were not looked at, for any number of threads. One that ended abnormally is
 * kept for good: OpenCL leaves open what its context does from then on, and whoever waits for that is told, whichever
 * thread found it.
 */
typedef struct clq_cl_events {
    pthread_mutex_t lock;
    clq_cl_command *commands; /* in the order of their numbers */
    size_t count, capacity;
    uint64_t number;       /* of the newest that was added */
    cl_int lost;           /* what the first one that was lost ended with, or CL_SUCCESS */
    const char *lost_call; /* as `call` */
} clq_cl_events;

/* `_destroy` comes after `_init` also where that failed. */
clq_status clq_cl_events_init(clq_cl_events *events, clq_error *error);
void clq_cl_events_destroy(clq_cl_events *events);

/* A command has gone to the queue, or what is in the queue waits for it; its event goes here. Waits for the command
 * where there is no memory to keep the event, else for nothing. */
void clq_cl_events_add(clq_cl_events *events, cl_event event, const char *call);

/* The newest command that was added: to be asked before a wait, and looked at, with all before it, behind the wait. */
uint64_t clq_cl_events_newest(clq_cl_events *events);

/* Of all commands up to that one, which have ended, of those that were looked at before, and of the one that has waited
 * for them (`event`, which goes, or NULL): CLQ_OK, and `error` is left alone, where none was lost; else what the first
 * one ended with. */
clq_status clq_cl_events_check(clq_cl_events *events, uint64_t newest, cl_event event, const char *call,
                               clq_error *error);

#endif

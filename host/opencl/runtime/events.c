/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/events.h"

#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/error.h"

enum { FIRST_CAPACITY = 256 };

/* Negative where the command ended abnormally. A driver that cannot tell says nothing of the command. */
static cl_int status_of(cl_event event)
{
    cl_int status = CL_QUEUED;
    return clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL) == CL_SUCCESS
               ? status
               : CL_QUEUED;
}

clq_status clq_cl_event_end(cl_event event, const char *call, clq_error *error)
{
    const cl_int code = clWaitForEvents(1, &event);
    const cl_int status = status_of(event);
    (void)clReleaseEvent(event);
    if (status < 0) {
        return clq_cl_fail(error, status, call);
    }
    return code == CL_SUCCESS ? CLQ_OK : clq_cl_fail(error, code, "clWaitForEvents");
}

clq_status clq_cl_events_init(clq_cl_events *events, clq_error *error)
{
    memset(events, 0, sizeof *events);
    pthread_mutex_init(&events->lock, NULL);
    events->commands = malloc(FIRST_CAPACITY * sizeof *events->commands);
    if (events->commands == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    events->capacity = FIRST_CAPACITY;
    return CLQ_OK;
}

void clq_cl_events_destroy(clq_cl_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        (void)clReleaseEvent(events->commands[i].event);
    }
    free(events->commands);
    pthread_mutex_destroy(&events->lock);
}

/* ---- under the lock ---- */

static void lose(clq_cl_events *events, cl_int code, const char *call)
{
    if (events->lost == CL_SUCCESS) {
        events->lost = code;
        events->lost_call = call;
    }
}

/* Look at a command that has ended, though its event may not show it yet, or is waited for; the event goes. */
static void settle(clq_cl_events *events, const clq_cl_command *command)
{
    cl_int status = status_of(command->event);
    if (status > CL_COMPLETE) {
        const cl_int code = clWaitForEvents(1, &command->event);
        status = status_of(command->event);
        if (code != CL_SUCCESS && status >= CL_COMPLETE) {
            lose(events, code, "clWaitForEvents");
        }
    }
    if (status < CL_COMPLETE) {
        lose(events, status, command->call);
    }
    (void)clReleaseEvent(command->event);
}

static void settle_first(clq_cl_events *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        settle(events, &events->commands[i]);
    }
    events->count -= count;
    memmove(events->commands, events->commands + count, events->count * sizeof *events->commands);
}

/* Of all that have ended; and more room where these were less than half. */
static void make_room(clq_cl_events *events)
{
    const size_t wanted = 2 * events->capacity;
    clq_cl_command *grown;
    size_t ended = 0;
    while (ended < events->count && status_of(events->commands[ended].event) <= CL_COMPLETE) {
        ended++;
    }
    if (ended > 0) {
        settle_first(events, ended);
    }
    if (events->count > events->capacity / 2) {
        grown = realloc(events->commands, wanted * sizeof *grown);
        if (grown != NULL) {
            events->commands = grown;
            events->capacity = wanted;
        }
    }
}

/* ---- for callers ---- */

void clq_cl_events_add(clq_cl_events *events, cl_event event, const char *call)
{
    clq_cl_command command = {event, call, 0};
    if (event == NULL) {
        return;
    }
    pthread_mutex_lock(&events->lock);
    command.number = ++events->number;
    if (events->count == events->capacity) {
        make_room(events);
    }
    if (events->count < events->capacity) {
        events->commands[events->count++] = command;
    } else {
        settle(events, &command);
    }
    pthread_mutex_unlock(&events->lock);
}

uint64_t clq_cl_events_newest(clq_cl_events *events)
{
    uint64_t number;
    pthread_mutex_lock(&events->lock);
    number = events->number;
    pthread_mutex_unlock(&events->lock);
    return number;
}

clq_status clq_cl_events_check(clq_cl_events *events, uint64_t newest, cl_event event, const char *call,
                               clq_error *error)
{
    const clq_cl_command last = {event, call, newest};
    size_t count = 0;
    cl_int lost;
    pthread_mutex_lock(&events->lock);
    while (count < events->count && events->commands[count].number <= newest) {
        count++;
    }
    if (count > 0) {
        settle_first(events, count);
    }
    if (event != NULL) {
        settle(events, &last);
    }
    lost = events->lost;
    call = events->lost_call;
    pthread_mutex_unlock(&events->lock);
    if (lost == CL_SUCCESS) {
        return CLQ_OK;
    }
    return clq_fail_in(error, clq_cl_fail(error, lost, call),
                       "a command ended abnormally, and what the context has given since is void");
}

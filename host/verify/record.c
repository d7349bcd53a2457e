/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *copy(const void *from, size_t bytes)
{
    void *to = malloc(bytes > 0 ? bytes : 1);
    if (to != NULL) {
        memcpy(to, from, bytes);
    }
    return to;
}

/* Scratch memory is written before it is read; what else there is, as tables of batches, counts as it is now. */
static unsigned char *contents(const clq_verify_record *record, cl_mem object, size_t bytes)
{
    const clq_cl_machine *m = record->machine;
    unsigned char *found = NULL;
    if (object == m->arena.object || object == m->workspace.object || object == m->packed.object) {
        return NULL;
    }
    found = malloc(bytes > 0 ? bytes : 1);
    if (found != NULL &&
        clEnqueueReadBuffer(m->stream.queue, object, CL_TRUE, 0, bytes, found, 0, NULL, NULL) != CL_SUCCESS) {
        free(found);
        return NULL;
    }
    return found;
}

/* The number of a memory object; CLQ_VERIFY_VALUE where there is no room for one more. */
static int number_of(clq_verify_record *record, cl_mem object)
{
    size_t i = 0;
    clq_verify_memory *m;
    if (object == record->machine->arena.object) {
        return 0; /* also where it was made anew for this case */
    }
    while (i < record->memory_count && record->memories[i].object != object) {
        i++;
    }
    if (i < record->memory_count || i == CLQ_VERIFY_MOST_MEMORIES) {
        return i < record->memory_count ? (int)i : CLQ_VERIFY_VALUE;
    }
    m = &record->memories[record->memory_count++];
    memset(m, 0, sizeof *m);
    m->object = object;
    m->bytes = 0;
    (void)clGetMemObjectInfo(object, CL_MEM_SIZE, sizeof m->bytes, &m->bytes, NULL);
    m->before = contents(record, object, m->bytes);
    return (int)i;
}

static void keep_argument(clq_verify_record *record, const clq_cl_launch *launch, size_t i, clq_verify_argument *to)
{
    const void *value =
        launch->arguments[i].large != NULL ? launch->arguments[i].large : (const void *)launch->arguments[i].value;
    cl_mem object = NULL;
    to->bytes = launch->arguments[i].bytes;
    to->memory = CLQ_VERIFY_VALUE;
    to->value = copy(value, to->bytes);
    record->is_whole &= to->value != NULL;
    if (launch->arguments[i].is_memory) {
        memcpy(&object, value, sizeof object);
        to->memory = object != NULL ? number_of(record, object) : CLQ_VERIFY_NO_MEMORY;
        record->is_whole &= to->memory != CLQ_VERIFY_VALUE;
    }
}

static int keep_launch(void *cookie, const clq_cl_launch *launch, const char *options, const size_t global[3],
                       const size_t local[3])
{
    clq_verify_record *record = cookie;
    clq_verify_launch *to = &record->launches[record->launch_count];
    if (record->launch_count == CLQ_VERIFY_MOST_LAUNCHES) {
        record->is_whole = 0;
        return 0;
    }
    record->launch_count++;
    snprintf(to->file, sizeof to->file, "%s", launch->file);
    snprintf(to->kernel, sizeof to->kernel, "%s", launch->kernel);
    snprintf(to->options, sizeof to->options, "%s", options);
    to->dimensions = launch->dimensions;
    memcpy(to->global, global, sizeof to->global);
    memcpy(to->local, local, sizeof to->local);
    to->argument_count = launch->argument_count;
    for (size_t i = 0; i < launch->argument_count; i++) {
        keep_argument(record, launch, i, &to->arguments[i]);
    }
    return 0;
}

void clq_verify_record_begin(clq_verify_record *record, clq_cl_machine *machine, int withholds)
{
    memset(record, 0, sizeof *record);
    record->machine = machine;
    record->is_whole = 1;
    record->recorder.cookie = record;
    record->recorder.launched = keep_launch;
    record->recorder.withholds = withholds;
    record->before = machine->stream.recorder;
    machine->stream.recorder = &record->recorder;
    record->memory_count = 1; /* the arena, whose bytes are the case's */
}

void clq_verify_record_end(clq_verify_record *record, clq_cl_machine *machine)
{
    machine->stream.recorder = record->before;
}

void clq_verify_record_release(clq_verify_record *record)
{
    for (size_t i = 0; i < record->launch_count; i++) {
        for (size_t k = 0; k < record->launches[i].argument_count; k++) {
            free(record->launches[i].arguments[k].value);
        }
    }
    for (size_t i = 0; i < record->memory_count; i++) {
        free(record->memories[i].before);
    }
    record->launch_count = record->memory_count = 0;
}

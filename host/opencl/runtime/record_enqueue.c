/* SPDX-License-Identifier: Apache-2.0 */
/* Records into their queue: the other way round streams fill them (record.c). */
#include <string.h>

#include "opencl/runtime/record.h"

clq_status clq_cl_record_enqueue(const clq_record *record, cl_uint wait_count, const cl_event *wait_list,
                                 cl_event *first_event, cl_event *event, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_cl_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.context = record->context;
    stream.queue = record->queue;
    stream.chained = record->chained;
    stream.wait_count = wait_count;
    stream.wait_list = wait_list;
    stream.first_wanted = first_event;
    stream.wanted = event;
    for (size_t i = 0; i < record->count && status == CLQ_OK; i++) {
        const clq_cl_recorded *l = &record->launches[i];
        const clq_cl_sizes sizes = {l->dimensions, l->first, l->global, l->local[0] != 0 ? l->local : NULL};
        status = clq_cl_stream_submit(&stream, l->kernel, &sizes, error);
    }
    return clq_cl_stream_close(&stream, status, error);
}

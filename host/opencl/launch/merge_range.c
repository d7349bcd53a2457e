/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/merge_range.h"

#include <stdio.h>
#include <string.h>

clq_status clq_cl_merge_range(clq_cl_stream *stream, const clq_task *task, clq_error *error)
{
    const clq_geometry *g = &task->geometry;
    const clq_span *a = task->arguments;
    const uint64_t numbers[] = {g->rows, g->row, g->segment, g->segments_per_row, g->channels, g->parameters};
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    if (g->elements == 0) { /* then no range is one of data */
        return CLQ_OK;
    }
    launch.file = "merge_range.cl";
    launch.kernel = "merge_range";
    snprintf(launch.options, sizeof launch.options, "-DREAL=%d",
             task->q->real == CLQ_F32   ? 32
             : task->q->real == CLQ_F16 ? 16
                                        : 17);
    clq_cl_launch_memory(&launch, a[CLQ_ARG_X].object);
    clq_cl_launch_u64(&launch, a[CLQ_ARG_X].offset_bytes / (task->q->real == CLQ_F32 ? 4 : 2));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        clq_cl_launch_u64(&launch, numbers[i]);
    }
    clq_cl_launch_memory(&launch, a[CLQ_ARG_RANGE].object);
    clq_cl_launch_u64(&launch, a[CLQ_ARG_RANGE].offset_bytes / 4);
    clq_cl_launch_memory(&launch, a[CLQ_ARG_NONFINITE].object);
    clq_cl_launch_u64(&launch, a[CLQ_ARG_NONFINITE].offset_bytes / sizeof(clq_nonfinite));
    clq_cl_launch_memory(&launch, a[CLQ_ARG_AVERAGING].object);
    clq_cl_launch_u64(&launch, a[CLQ_ARG_AVERAGING].offset_bytes / 4);
    clq_cl_launch_memory(&launch, a[CLQ_ARG_STATE].object);
    clq_cl_launch_u64(&launch, a[CLQ_ARG_STATE].offset_bytes / 4);
    clq_cl_launch_items(&launch, g->parameters);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/launch/choose_parameters.h"

#include <string.h>

/* The places are those of kernels/choose.clh. */
void clq_cl_scheme_numbers(const clq_scheme *s, cl_int integers[16], cl_ulong reals[4])
{
    const cl_int fields[16] = {s->qmin,
                               s->qmax,
                               s->symmetric,
                               s->widen_to_zero,
                               (cl_int)s->zero_point_rule,
                               s->zero_point_fixed,
                               (cl_int)s->zero_point_rounding,
                               s->zero_point_clamp,
                               s->zero_point_min,
                               s->zero_point_max,
                               (cl_int)s->precision,
                               (cl_int)s->degenerate,
                               0,
                               0,
                               0,
                               0};
    memcpy(integers, fields, sizeof fields);
    reals[3] = 0;
    memcpy(&reals[0], &s->divisor, sizeof reals[0]);
    memcpy(&reals[1], &s->minimum_width, sizeof reals[1]);
    memcpy(&reals[2], &s->minimum_scale, sizeof reals[2]);
}

void clq_cl_push_scheme(clq_cl_launch *launch, const clq_scheme *scheme)
{
    cl_int integers[16];
    cl_ulong reals[4];
    clq_cl_scheme_numbers(scheme, integers, reals);
    clq_cl_launch_bytes(launch, integers, sizeof integers);
    clq_cl_launch_bytes(launch, reals, sizeof reals);
}

clq_status clq_cl_choose_parameters(clq_cl_stream *stream, const clq_task *task, clq_error *error)
{
    const clq_span *range = &task->arguments[CLQ_ARG_RANGE];
    const clq_span *scale = &task->arguments[CLQ_ARG_SCALE];
    const clq_span *zero_point = &task->arguments[CLQ_ARG_ZERO_POINT];
    clq_cl_launch launch;
    memset(&launch, 0, sizeof launch);
    if (task->geometry.parameters == 0) {
        return CLQ_OK;
    }
    launch.file = "choose_parameters.cl";
    launch.kernel = "choose_parameters";
    clq_cl_launch_memory(&launch, range->object);
    clq_cl_launch_u64(&launch, range->offset_bytes / 4);
    clq_cl_launch_u64(&launch, task->geometry.parameters);
    clq_cl_push_scheme(&launch, &task->q->scheme);
    clq_cl_launch_memory(&launch, scale->object);
    clq_cl_launch_u64(&launch, scale->offset_bytes / 4);
    clq_cl_launch_memory(&launch, zero_point->object);
    clq_cl_launch_u64(&launch, zero_point->offset_bytes / 4);
    clq_cl_launch_items(&launch, task->geometry.parameters);
    return clq_cl_launch_enqueue(&launch, stream, error);
}

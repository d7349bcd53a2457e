/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs the host to enqueue small operations on a queue where nothing runs meanwhile: by a call, recorded, and
 * as OpenCL alone takes the same kernels. */
#ifndef CLQ_BENCH_LAUNCH_GROUP_H
#define CLQ_BENCH_LAUNCH_GROUP_H

#include "bench.h"

typedef struct launch_group launch_group;

/* CLQ_UNSUPPORTED for a context that has no queue: native, reference, and all in a build without OpenCL. */
clq_status launch_group_create(launch_group **group, clq_context *context, clq_error *error);
bench_group *launch_group_rows(launch_group *group);
void launch_group_destroy(launch_group *group); /* NULL is passed over */

#endif

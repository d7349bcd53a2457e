/* SPDX-License-Identifier: Apache-2.0 */
/* launch_group.c in a build without OpenCL. */
#include "launch_group.h"

clq_status launch_group_create(launch_group **group, clq_context *context, clq_error *error)
{
    clq_device_info info;
    *group = NULL;
    clq_context_device(context, &info);
    return clq_fail(error, CLQ_UNSUPPORTED, "%s has no queue", info.name);
}

bench_group *launch_group_rows(launch_group *group)
{
    (void)group;
    return NULL;
}

void launch_group_destroy(launch_group *group)
{
    (void)group;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A build without OpenCL: no driver is ever loaded. */
#include "command/frame/drivers.h"

clq_status cli_leave_out_drivers(const cli_options *options, const char *cache, clq_error *error)
{
    (void)options;
    (void)cache;
    (void)error;
    return CLQ_OK;
}

clq_status cli_leave_out_silent_drivers(const cli_options *options, clq_error *error)
{
    (void)options;
    (void)error;
    return CLQ_OK;
}

size_t cli_left_out_drivers(const cli_driver **list)
{
    *list = NULL;
    return 0;
}

size_t cli_explain_drivers(const cli_driver **list, const char **place)
{
    *list = NULL;
    *place = NULL;
    return 0;
}

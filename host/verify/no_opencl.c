/* SPDX-License-Identifier: Apache-2.0 */
/* A build without OpenCL: no context is of a device, and there is nobody to ask. */
#include "verify/subject.h"

const clq_verify_subject clq_verify_device = {0};

clq_status clq_verify_add_probes(clq_verify_items *items, const char *skipped, clq_error *error)
{
    (void)items;
    (void)skipped;
    (void)error;
    return CLQ_OK;
}

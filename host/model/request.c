/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <clquant/files.h>

void clq_file_request_init(clq_file_request *request)
{
    memset(request, 0, sizeof *request);
    request->struct_size = sizeof *request;
    request->minimum_rank = -1;
    request->group_size = 128;
    request->preset = CLQ_PRESET_SYMMETRIC;
    request->memory_bytes = UINT64_C(256) << 20;
}

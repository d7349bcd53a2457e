/* SPDX-License-Identifier: Apache-2.0 */
#include "suite_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

clq_status bench_suite_check_need(const clq_context *context, const memory_need *need, clq_error *error)
{
    const uint64_t available = bench_free_memory();
    clq_device_info info;
    clq_context_device(context, &info);
    if (need->host_bytes > available / 4 * 3) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "%" PRIu64 " MiB of memory are needed, %" PRIu64
                        " MiB are free, of which three quarters are used",
                        need->host_bytes >> 20, available >> 20);
    }
    if (info.type == CLQ_DEVICE_REFERENCE) {
        return CLQ_OK;
    }
    if (need->largest_buffer_bytes > info.maximum_allocation_bytes || need->device_bytes > info.global_memory_bytes) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "%" PRIu64 " MiB in one buffer and %" PRIu64 " MiB in all are needed on the device, which has "
                        "%" PRIu64 " and %" PRIu64,
                        need->largest_buffer_bytes >> 20, need->device_bytes >> 20, info.maximum_allocation_bytes >> 20,
                        info.global_memory_bytes >> 20);
    }
    return CLQ_OK;
}

void bench_suite_note(const bench_suite *s, const char *operation, const char *text)
{
    char message[512];
    snprintf(message, sizeof message, "%s: %.400s", operation, text);
    s->note(s->cookie, message);
}

clq_status bench_suite_measure(const bench_suite *s, bench_group *group, size_t *failed, clq_error *error)
{
    size_t wrong = 0;
    const clq_status status = bench_run(group, &s->timing, &wrong, error);
    *failed += wrong;
    s->report(s->cookie, group);
    return status;
}

clq_status bench_suite_make_list(const bench_suite *s, const memory_need *need, size_t bytes, void **list,
                                 clq_error *error)
{
    CLQ_TRY(need != NULL ? bench_suite_check_need(s->context, need, error) : CLQ_OK);
    *list = calloc(1, bytes);
    return *list != NULL ? CLQ_OK : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of rows");
}

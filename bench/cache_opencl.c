/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"
#include "core/executor.h"
#include "opencl/runtime/context.h"

uint64_t bench_device_cache_bytes(const clq_context *context)
{
    return context->cl != NULL ? context->cl->cache_bytes : 0;
}

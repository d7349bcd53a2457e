/* SPDX-License-Identifier: Apache-2.0 */
/* How large the caches are that what is measured must not stay in. */
#ifndef CLQ_BENCH_CACHE_H
#define CLQ_BENCH_CACHE_H

#include <clquant/clquant.h>

/* Of the context's device: what its driver tells, or where the device is the host the processors' if that is more. In
 * bytes; 0 where nobody tells. */
uint64_t bench_cache_bytes(const clq_context *context);

/* The farthest caches of all processors together, each counted once; `folder` is "/sys/devices/system/cpu". */
uint64_t bench_host_cache_bytes(const char *folder);

/* The driver's alone (cache_opencl.c, or cache_none.c in a build without OpenCL). */
uint64_t bench_device_cache_bytes(const clq_context *context);

#endif

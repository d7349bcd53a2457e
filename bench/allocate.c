/* SPDX-License-Identifier: Apache-2.0 */
/* Taking memory, and how much there is to take. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/size.h"

enum { PAGE = 4096 };

clq_status bench_allocate(uint64_t bytes, void **memory, clq_error *error)
{
    const uint64_t rounded = clq_size_divide_up(clq_size_max(bytes, 1), PAGE) * PAGE;
    *memory = NULL;
    if (bytes > SIZE_MAX - PAGE || posix_memalign(memory, PAGE, (size_t)rounded) != 0) {
        *memory = NULL;
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " bytes", bytes);
    }
    memset(*memory, 1, (size_t)rounded);
    return CLQ_OK;
}

/* The number in a file that holds nothing else; UINT64_MAX when there is none ("max"). */
static uint64_t number_in(const char *path)
{
    FILE *file = fopen(path, "r");
    uint64_t value = UINT64_MAX;
    if (file != NULL) {
        if (fscanf(file, "%" SCNu64, &value) != 1) {
            value = UINT64_MAX;
        }
        fclose(file);
    }
    return value;
}

/* Of the whole machine; the kernel counts in what its caches would give back. */
static uint64_t available(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    uint64_t kibibytes = 0;
    uint64_t bytes = UINT64_MAX;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kibibytes) == 1) {
            bytes = kibibytes << 10;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
#ifdef _SC_AVPHYS_PAGES
    if (bytes == UINT64_MAX && sysconf(_SC_AVPHYS_PAGES) > 0) {
        bytes = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    }
#endif
    return bytes;
}

/* A container may have less than its machine. */
uint64_t bench_free_memory(void)
{
    const uint64_t limit = number_in("/sys/fs/cgroup/memory.max");
    const uint64_t used = number_in("/sys/fs/cgroup/memory.current");
    const uint64_t left = limit == UINT64_MAX || used == UINT64_MAX ? UINT64_MAX : limit > used ? limit - used : 0;
    return clq_size_min(left, available());
}

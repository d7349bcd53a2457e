/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/size.h"
#include "gemm_group.h"

enum { MOST_PROCESSORS = 4096, MOST_CACHES = 8 }; /* of each */

/* The first number of a file of sysfs and the letter behind it; 0: there is none. */
static int read_number(const char *folder, unsigned processor, unsigned cache, const char *name, uint64_t *number,
                       char *unit)
{
    char path[512];
    FILE *file = NULL;
    int found = 0;
    *unit = '\0';
    if (snprintf(path, sizeof path, "%s/cpu%u/cache/index%u/%s", folder, processor, cache, name) < (int)sizeof path) {
        file = fopen(path, "r");
    }
    if (file != NULL) {
        found = fscanf(file, "%" SCNu64 "%c", number, unit) >= 1;
        fclose(file);
    }
    return found;
}

/* The bytes of a processor's cache, where it is the first of those that share it, and how far away that is. */
static uint64_t cache_of(const char *folder, unsigned processor, unsigned cache, uint64_t *level)
{
    uint64_t size = 0;
    uint64_t first = 0;
    char unit = '\0';
    char unused = '\0';
    if (!read_number(folder, processor, cache, "level", level, &unused) ||
        !read_number(folder, processor, cache, "shared_cpu_list", &first, &unused) || first != processor ||
        !read_number(folder, processor, cache, "size", &size, &unit)) {
        return 0;
    }
    return size << (unit == 'K' ? 10 : unit == 'M' ? 20 : 0);
}

uint64_t bench_host_cache_bytes(const char *folder)
{
    uint64_t farthest = 0;
    uint64_t bytes = 0;
    for (unsigned processor = 0; processor < MOST_PROCESSORS; processor++) {
        for (unsigned cache = 0; cache < MOST_CACHES; cache++) {
            uint64_t level = 0;
            const uint64_t size = cache_of(folder, processor, cache, &level);
            if (size > 0 && level >= farthest) {
                bytes = level > farthest ? size : bytes + size;
                farthest = level;
            }
        }
    }
    return bytes;
}

uint64_t bench_cache_bytes(const clq_context *context)
{
    const uint64_t host = gemm_computes_here(context) ? bench_host_cache_bytes("/sys/devices/system/cpu") : 0;
    return clq_size_max(host, bench_device_cache_bytes(context));
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif
#include "opencl/runtime/driver.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "opencl/runtime/capability.h"

static int has_icd(cl_platform_id platform)
{
    size_t bytes = 0;
    char *list;
    int found;
    if (clGetPlatformInfo(platform, CL_PLATFORM_EXTENSIONS, 0, NULL, &bytes) != CL_SUCCESS ||
        (list = calloc(1, bytes + 1)) == NULL) {
        return 0;
    }
    found = clGetPlatformInfo(platform, CL_PLATFORM_EXTENSIONS, bytes, list, NULL) == CL_SUCCESS &&
            clq_cl_has_word(list, "cl_khr_icd");
    free(list);
    return found;
}

/*
 * By cl_khr_icd every object of a driver begins with a pointer to the table of the driver's own functions, in which
 * clGetPlatformInfo is the second. The loader and its layers stand before that table and do not change it, and dladdr
 * takes any address: what is no function there, as in drivers of the extension's second version, is not found.
 */
static const char *object_of(cl_platform_id platform, Dl_info *info)
{
    const void *table = NULL;
    const void *functions[2] = {NULL, NULL};
    if (!has_icd(platform)) {
        return NULL;
    }
    memcpy(&table, platform, sizeof table);
    if (table == NULL) {
        return NULL;
    }
    memcpy(functions, table, sizeof functions);
    return (dladdr(functions[1], info) != 0 || dladdr(table, info) != 0) && info->dli_fname != NULL ? info->dli_fname
                                                                                                    : NULL;
}

void clq_cl_driver_file(cl_platform_id platform, char *text, size_t capacity)
{
    Dl_info found;
    struct stat info;
    const char *path = object_of(platform, &found);
    if (path == NULL || stat(path, &info) != 0) {
        snprintf(text, capacity, "driver file unknown\n");
        return;
    }
    snprintf(text, capacity, "driver file %s, %" PRIu64 " bytes of %" PRId64 "\n", path, (uint64_t)info.st_size,
             (int64_t)info.st_mtime);
}

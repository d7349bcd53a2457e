/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenCL as it is found at run time, so that one binary serves machines with it and without.
 *
 * What the program is linked with comes first, whatever it is called: objects of the caller's are its. Then the
 * platform's loader by its soname, of which a process has one: who else has loaded it shares it. It is loaded when it
 * is first asked for, and stays: drivers have threads and exit handlers, and do not survive being unloaded.
 *
 * The table is the only memory of the library that is not some caller's. It holds what is the process's own anyway, the
 * addresses of that one loader's functions; it is written once, and nobody can tell whether it was. A failure is not
 * kept: the next call looks again.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "opencl/runtime/functions.h"

static const char *const libraries[] = {
#if defined(__APPLE__)
    "/System/Library/Frameworks/OpenCL.framework/OpenCL",
#elif defined(__ANDROID__)
    "libOpenCL.so",
    "/vendor/lib64/libOpenCL.so",
    "/vendor/lib/libOpenCL.so",
#else
    "libOpenCL.so.1", "libOpenCL.so", /* vendors of boards ship the second alone */
#endif
};
#if defined(__linux__) && !defined(__ANDROID__)
static const char remedy[] = "install a loader of OpenCL (Debian: ocl-icd-libopencl1)";
#else
static const char remedy[] = "a loader of OpenCL is needed";
#endif

#define ROW(name) {#name, offsetof(clq_cl_functions, name)},
static const struct {
    const char *name;
    size_t offset;
} functions[] = {CLQ_CL_FUNCTIONS(ROW)};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int is_loaded;
static clq_cl_functions loaded;
const clq_cl_functions *const clq_cl = &loaded;

/* The first function that is not there, or NULL. */
static const char *find_functions(void *library, clq_cl_functions *found)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *const address = dlsym(library, functions[i].name);
        if (address == NULL) {
            return functions[i].name;
        }
        memcpy((char *)found + functions[i].offset, &address, sizeof address);
    }
    return NULL;
}

static clq_status find_library(clq_cl_functions *found, clq_error *error)
{
    char story[600] = "";
    if (find_functions(RTLD_DEFAULT, found) == NULL) {
        return CLQ_OK;
    }
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        void *const library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        const char *missing = NULL;
        if (library != NULL && (missing = find_functions(library, found)) == NULL) {
            return CLQ_OK;
        }
        if (story[0] == '\0' && library == NULL) {
            const char *word = dlerror();
            snprintf(story, sizeof story, "%s", word != NULL ? word : libraries[i]);
        } else if (story[0] == '\0') {
            snprintf(story, sizeof story, "%s has no %s, which OpenCL 1.2 has", libraries[i], missing);
        }
        if (library != NULL) {
            (void)dlclose(library); /* nothing of it was called */
        }
    }
    return clq_fail(error, CLQ_NO_DEVICE, "%.400s; %s", story, remedy);
}

clq_status clq_cl_load(clq_error *error)
{
    clq_cl_functions found;
    clq_status status = CLQ_OK;
    if (atomic_load_explicit(&is_loaded, memory_order_acquire)) {
        return CLQ_OK;
    }
    status = find_library(&found, error);
    if (status == CLQ_OK) {
        pthread_mutex_lock(&lock);
        if (!atomic_load_explicit(&is_loaded, memory_order_relaxed)) {
            loaded = found;
            atomic_store_explicit(&is_loaded, 1, memory_order_release);
        }
        pthread_mutex_unlock(&lock);
    }
    return status;
}

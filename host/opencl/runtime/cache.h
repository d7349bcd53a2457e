/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled programs and verdicts on disk. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_CACHE_H
#define CLQ_HOST_OPENCL_RUNTIME_CACHE_H

#include <pthread.h>

#include "core/executor.h"
#include "opencl/runtime/opencl.h"

typedef struct clq_cl_cache {
    char *identity;       /* platform, device and driver with its file, for the entries' keys */
    pthread_mutex_t lock; /* directory; held for as long as it takes to copy it */
    char *directory;      /* NULL: nothing is kept */
} clq_cl_cache;

clq_status clq_cl_cache_init(clq_cl_cache *cache, cl_platform_id platform, const clq_device_info *info,
                             clq_error *error);
void clq_cl_cache_destroy(clq_cl_cache *cache);

clq_status clq_cl_cache_set(clq_context *context, const char *directory, clq_error *error);

/* What was found beside a program, or in its place. */
typedef struct clq_cl_found {
    uint64_t hash;  /* of the program's binary, 0: unknown */
    int is_refused; /* there was a binary, and the driver does not take it */
} clq_cl_found;

/* The program from the cache, built and ready, or NULL: whatever is wrong with an entry is a miss. */
cl_program clq_cl_cache_load(clq_context *context, const char *source, const char *options, clq_cl_found *found);

/* Keep a program that is built; returns the hash of its binary, 0 where nothing is kept. */
uint64_t clq_cl_cache_store(clq_context *context, const char *source, const char *options, cl_program program);

/*
 * Whether an earlier run found that `what` (a kernel, described in words) gives the bytes of the reference on this
 * device with this driver, library, trial, these sources and these very binaries (a hash of theirs; 0: unknown, of
 * which nothing is known), and the note of it, or, where it does not, that there is none any more. Without a cache
 * directory nothing is known and nothing noted.
 */
int clq_cl_cache_has_verdict(const clq_context *context, const char *what, uint64_t binaries);
void clq_cl_cache_store_verdict(const clq_context *context, const char *what, uint64_t binaries, int is_trusted);

/*
 * A file of another kind in the directory: all of it, in a new piece of memory, or NULL; and written so that no reader
 * sees a part. `path` may be NULL, else it receives where the file is.
 */
char *clq_cl_cache_read(const clq_context *context, const char *name, size_t *bytes);
clq_status clq_cl_cache_write(const clq_context *context, const char *name, const char *text, size_t bytes, char *path,
                              size_t capacity, clq_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled programs and verdicts, in a folder, in memory or in both. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_CACHE_H
#define CLQ_HOST_OPENCL_RUNTIME_CACHE_H

#include "core/executor.h"
#include "opencl/runtime/opencl.h"
#include "opencl/runtime/store.h"

typedef struct clq_cl_cache {
    char *identity; /* platform, device and driver with its file, for the entries' keys */
    clq_cl_store store;
} clq_cl_cache;

clq_status clq_cl_cache_init(clq_cl_cache *cache, cl_platform_id platform, const clq_device_info *info,
                             clq_error *error);
void clq_cl_cache_destroy(clq_cl_cache *cache);

clq_status clq_cl_cache_set(clq_context *context, const char *directory, clq_error *error);

/*
 * In memory: what is written from now on; and from an archive of the caller's, which stays where it is, the entries of
 * this device with its driver, and the file `name`. `*taken` grows by how many there are.
 */
void clq_cl_cache_keep(clq_context *context);
clq_status clq_cl_cache_add(clq_context *context, const void *memory, uint64_t bytes, const char *name, uint64_t *taken,
                            clq_error *error);
void clq_cl_cache_export(clq_context *context, void *memory, uint64_t capacity, uint64_t *bytes);

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
 * which nothing is known), and the note of it, or, where it does not, that there is none any more. Where nothing is
 * kept nothing is known and nothing noted.
 */
int clq_cl_cache_has_verdict(const clq_context *context, const char *what, uint64_t binaries);
void clq_cl_cache_store_verdict(const clq_context *context, const char *what, uint64_t binaries, int is_trusted);

/* The text of a note that an earlier run of the same left about `what` (0: there is none), and one to replace it, NULL:
 * none. The kind is a word, the end of a file's name. */
int clq_cl_cache_read_note(const clq_context *context, const char *kind, const char *what, char *text, size_t capacity);
void clq_cl_cache_write_note(const clq_context *context, const char *kind, const char *what, const char *text);

/*
 * A file of another kind beside them: all of it, in a new piece of memory, or NULL; and written so that no reader sees
 * a part. `path` may be NULL, else it receives where the file is.
 */
char *clq_cl_cache_read(const clq_context *context, const char *name, size_t *bytes);
clq_status clq_cl_cache_write(const clq_context *context, const char *name, const char *text, size_t bytes, char *path,
                              size_t capacity, clq_error *error);

#endif

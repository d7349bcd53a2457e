/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept, and by which keys (entry.h): programs by their source and options, verdicts by what was tried, all
 * kernels' sources and the trial, both by the library's version, the device and the driver. A key is lines of text, at
 * the beginning of the file:
 *
 *     library 0.1.0
 *     platform NAME                 and its version, the device, its version and driver's, the driver's file
 *     options BUILD OPTIONS         of a verdict: what was tried, "quantize, grid, f32, s8"
 *     source HASH                   of a verdict: of all kernels' sources
 *     trial HASH                    of a verdict only (trial/hash.h)
 */
#include "opencl/runtime/cache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "opencl/runtime/build.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/driver.h"
#include "opencl/runtime/entry.h"
#include "opencl/runtime/source.h"
#include "trial/hash.h"

/* A copy, for the directory may be changed meanwhile; NULL: there is none. */
static char *directory_of(const clq_context *context)
{
    clq_cl_cache *cache = &context->cl->cache;
    char *copy = NULL;
    pthread_mutex_lock(&cache->lock);
    if (cache->directory != NULL && (copy = malloc(strlen(cache->directory) + 1)) != NULL) {
        memcpy(copy, cache->directory, strlen(cache->directory) + 1);
    }
    pthread_mutex_unlock(&cache->lock);
    return copy;
}

static char *make_key(const clq_context *context, const char *source, const char *options, const char *trial)
{
    const char *identity = context->cl->cache.identity;
    const XXH128_hash_t hash = XXH3_128bits(source, strlen(source));
    const size_t capacity = strlen(identity) + strlen(options) + 256;
    char *key = malloc(capacity);
    if (key != NULL) {
        snprintf(key, capacity, "library %s\n%soptions %s\nsource %016" PRIx64 "%016" PRIx64 "\n%s%s%s",
                 CLQ_VERSION_STRING, identity, options, (uint64_t)hash.high64, (uint64_t)hash.low64,
                 trial != NULL ? "trial " : "", trial != NULL ? trial : "", trial != NULL ? "\n" : "");
    }
    return key;
}

/* An entry with memory of its own; 0: nothing is kept, or there is no memory. `trial` is NULL where none counts. */
static int entry_open(const clq_context *context, const char *kind, const char *source, const char *options,
                      const char *trial, clq_cl_entry *entry)
{
    char *directory = directory_of(context);
    char *key = directory != NULL ? make_key(context, source, options, trial) : NULL;
    *entry = (clq_cl_entry){directory, kind, key};
    if (key == NULL) {
        free(directory);
    }
    return key != NULL;
}

static void entry_close(clq_cl_entry *entry)
{
    free((char *)entry->directory);
    free((char *)entry->key);
}

/* ---- programs ---- */

static unsigned char *binary_of(cl_program program, size_t *bytes)
{
    unsigned char *binary = NULL;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof *bytes, bytes, NULL) != CL_SUCCESS || *bytes == 0 ||
        *bytes > CLQ_CL_ENTRY_BYTES / 2 || (binary = malloc(*bytes)) == NULL) {
        return NULL;
    }
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) != CL_SUCCESS) {
        free(binary);
        return NULL;
    }
    return binary;
}

static cl_program program_from_binary(const struct clq_cl_state *cl, const unsigned char *binary, size_t bytes,
                                      const char *options)
{
    cl_int binary_status = CL_SUCCESS;
    cl_int code = CL_SUCCESS;
    cl_program program = clCreateProgramWithBinary(cl->context, 1, &cl->device, &bytes, &binary, &binary_status, &code);
    if (program != NULL && (code != CL_SUCCESS || binary_status != CL_SUCCESS ||
                            clq_cl_build(program, cl->device, options) != CL_SUCCESS)) {
        (void)clReleaseProgram(program);
        program = NULL;
    }
    return program;
}

/* 0: the driver does not give it. */
static uint64_t hash_of_binary(const unsigned char *binary, size_t bytes)
{
    const uint64_t hash = binary != NULL ? XXH3_64bits(binary, bytes) : 0;
    return binary != NULL && hash == 0 ? 1 : hash;
}

/*
 * The driver is asked for the binary of a program that was loaded, too: what it makes of the bytes is what runs. PoCL
 * 3.1 gives back those that it was given, and of a program built from source the same ones before and after its kernels
 * run, but others in the next process, when its own cache has their machine code. A driver that gives other bytes every
 * time has its kernels tried in every process.
 */
cl_program clq_cl_cache_load(clq_context *context, const char *source, const char *options, clq_cl_found *found)
{
    clq_cl_entry entry;
    size_t bytes = 0;
    unsigned char *binary;
    cl_program program = NULL;
    memset(found, 0, sizeof *found);
    if (!entry_open(context, "program", source, options, NULL, &entry)) {
        return NULL;
    }
    binary = clq_cl_entry_load(context, &entry, &bytes);
    if (binary != NULL) {
        program = program_from_binary(context->cl, binary, bytes, options);
        found->is_refused = program == NULL;
        free(binary);
    }
    if (program != NULL) {
        binary = binary_of(program, &bytes);
        found->hash = hash_of_binary(binary, bytes);
        free(binary);
    }
    entry_close(&entry);
    return program;
}

uint64_t clq_cl_cache_store(clq_context *context, const char *source, const char *options, cl_program program)
{
    clq_cl_entry entry;
    size_t bytes = 0;
    uint64_t hash;
    unsigned char *binary;
    if (!entry_open(context, "program", source, options, NULL, &entry)) {
        return 0;
    }
    binary = binary_of(program, &bytes);
    hash = hash_of_binary(binary, bytes);
    if (binary != NULL) {
        clq_cl_entry_store(context, &entry, binary, bytes);
    }
    free(binary);
    entry_close(&entry);
    return hash;
}

/* ---- verdicts ---- */

/* Of all kernels' sources: a verdict holds for exactly these, and for the trial that found it. */
static void hash_of_sources(char *text, size_t capacity)
{
    uint64_t hash = 0;
    for (const clq_embedded_source *s = clq_embedded_sources; s->name != NULL; s++) {
        hash = XXH3_64bits_withSeed(s->text, s->bytes, hash);
    }
    snprintf(text, capacity, "%016" PRIx64, hash);
}

static int verdict_open(const clq_context *context, const char *what, clq_cl_entry *entry)
{
    char sources[32];
    hash_of_sources(sources, sizeof sources);
    return entry_open(context, "verdict", sources, what, clq_trial_hash(), entry);
}

/* The binaries stand in the contents, not in the key, so that a kernel has one note, which the next one replaces. */
static void write_verdict(char *text, size_t capacity, uint64_t binaries)
{
    snprintf(text, capacity, "gives the bytes of the reference\nbinaries %016" PRIx64 "\n", binaries);
}

int clq_cl_cache_has_verdict(const clq_context *context, const char *what, uint64_t binaries)
{
    char text[96];
    clq_cl_entry entry;
    size_t bytes = 0;
    unsigned char *contents;
    int equal;
    if (binaries == 0 || !verdict_open(context, what, &entry)) {
        return 0;
    }
    write_verdict(text, sizeof text, binaries);
    contents = clq_cl_entry_load(context, &entry, &bytes);
    equal = contents != NULL && bytes == strlen(text) && memcmp(contents, text, bytes) == 0;
    free(contents);
    entry_close(&entry);
    return equal;
}

void clq_cl_cache_store_verdict(const clq_context *context, const char *what, uint64_t binaries, int is_trusted)
{
    char text[96];
    clq_cl_entry entry;
    if (!verdict_open(context, what, &entry)) {
        return;
    }
    write_verdict(text, sizeof text, binaries);
    if (!is_trusted) {
        clq_cl_entry_remove(&entry);
    } else if (binaries != 0) {
        clq_cl_entry_store(context, &entry, text, strlen(text));
    }
    entry_close(&entry);
}

/* ---- other files ---- */

char *clq_cl_cache_read(const clq_context *context, const char *name, size_t *bytes)
{
    char *directory = directory_of(context);
    unsigned char *data = directory != NULL ? clq_cl_file_read(directory, name, bytes) : NULL;
    free(directory);
    return (char *)data;
}

clq_status clq_cl_cache_write(const clq_context *context, const char *name, const char *text, size_t bytes, char *path,
                              size_t capacity, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *directory = directory_of(context);
    const clq_cl_piece whole = {text, bytes};
    if (directory == NULL) {
        return clq_fail(error, CLQ_IO_ERROR, "there is no folder of compiled kernels, beside which this would be kept");
    }
    if (!clq_cl_file_write(directory, name, &whole, 1)) {
        status = clq_fail(error, CLQ_IO_ERROR, "cannot write %.3000s/%s: %s", directory, name, strerror(errno));
    } else if (path != NULL) {
        snprintf(path, capacity, "%s/%s", directory, name);
    }
    free(directory);
    return status;
}

/* ---- the directory ---- */

/* Make the directory and those above it; the last one with mode 0700. */
static int make_directories(const char *directory)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s", directory) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return 0;
    }
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return 0;
        }
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

clq_status clq_cl_cache_set(clq_context *context, const char *directory, clq_error *error)
{
    clq_cl_cache *cache = &context->cl->cache;
    struct stat info;
    char *copy = NULL;
    if (directory != NULL) {
        CLQ_REQUIRE(directory[0] != '\0' && strlen(directory) < 3000,
                    "program cache: the directory's name is empty or too long");
        if (!make_directories(directory) || stat(directory, &info) != 0) {
            return clq_fail(error, CLQ_IO_ERROR, "program cache: cannot make %s: %s", directory, strerror(errno));
        }
        if (!S_ISDIR(info.st_mode)) {
            return clq_fail(error, CLQ_IO_ERROR, "program cache: %s is not a directory", directory);
        }
        if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
            return clq_fail(
                error, CLQ_IO_ERROR,
                "program cache: %s must belong to the user and be writable by no one else (programs are code)",
                directory);
        }
        copy = malloc(strlen(directory) + 1);
        if (copy == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the cache's name");
        }
        memcpy(copy, directory, strlen(directory) + 1);
    }
    pthread_mutex_lock(&cache->lock);
    free(cache->directory);
    cache->directory = copy;
    pthread_mutex_unlock(&cache->lock);
    return CLQ_OK;
}

/* ---- life ---- */

/* Everything that may change what a compiled program means or whether it runs. */
clq_status clq_cl_cache_init(clq_cl_cache *cache, cl_platform_id platform, const clq_device_info *info,
                             clq_error *error)
{
    enum { CAPACITY = 2048 + CLQ_CL_DRIVER_TEXT };
    char platform_version[256] = "";
    size_t used;
    pthread_mutex_init(&cache->lock, NULL);
    (void)clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof platform_version, platform_version, NULL);
    platform_version[sizeof platform_version - 1] = '\0';
    cache->identity = malloc(CAPACITY);
    if (cache->identity == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    used = (size_t)snprintf(
        cache->identity, CAPACITY, "platform %s\nplatform version %s\ndevice %s\nversion %s\ndriver %s\npointer %zu\n",
        info->platform_name, platform_version, info->name, info->version, info->driver, sizeof(void *));
    clq_cl_driver_file(platform, cache->identity + used, CAPACITY - used);
    return CLQ_OK;
}

void clq_cl_cache_destroy(clq_cl_cache *cache)
{
    pthread_mutex_destroy(&cache->lock);
    free(cache->directory);
    free(cache->identity);
}

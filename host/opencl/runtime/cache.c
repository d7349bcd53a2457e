/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled programs on disk. An entry is a file named by the hash of its key; the key (all that may change what the
 * binary means) stands in it in full, and a hash of the binary after it, so that a damaged, cut or foreign entry is
 * seen and counts as a miss. Entries are written beside their place and renamed (temporary.h), so readers need no lock.
 *
 *     "clquant cache 2\n" | u64 key bytes | key | u64 binary bytes | u64 XXH3 of the binary | binary
 *
 * XXH3 finds accidents, not attacks: against those the directory must belong to the user and be writable by no one
 * else.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/temporary.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/source.h"

static const char magic[] = "clquant cache 2\n";
static const char verdict[] = "gives the bytes of the reference\n";

enum { MAGIC_BYTES = sizeof magic - 1, MAXIMUM_ENTRY_BYTES = 64 << 20 };

static char *make_key(const clq_context *context, const char *source, const char *options)
{
    const char *identity = context->cl->cache.identity;
    const XXH128_hash_t hash = XXH3_128bits(source, strlen(source));
    const size_t capacity = strlen(identity) + strlen(options) + 256;
    char *key = malloc(capacity);
    if (key != NULL) {
        snprintf(key, capacity, "library %s\n%soptions %s\nsource %016" PRIx64 "%016" PRIx64 "\n", CLQ_VERSION_STRING,
                 identity, options, (uint64_t)hash.high64, (uint64_t)hash.low64);
    }
    return key;
}

/* What an entry is: the end of its file's name. */
static const char program_entry[] = "program";
static const char verdict_entry[] = "verdict";

/* Each is named by its kind and the hash of its key; while it is written, it has a name that all have in common. */
typedef struct entry_name {
    char text[48];
} entry_name;

static const char temporary_entry[] = ".entry" CLQ_TEMPORARY_SUFFIX;

static entry_name name_of(const char *kind, const char *key)
{
    const XXH128_hash_t hash = XXH3_128bits(key, strlen(key));
    entry_name name;
    snprintf(name.text, sizeof name.text, "%016" PRIx64 "%016" PRIx64 ".%s", (uint64_t)hash.high64,
             (uint64_t)hash.low64, kind);
    return name;
}

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

static int open_folder(const char *directory)
{
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The whole file, or NULL. */
static unsigned char *read_entry(int folder, const char *name, size_t *bytes)
{
    struct stat info;
    unsigned char *data = NULL;
    size_t done = 0;
    /* Without O_NONBLOCK, opening a FIFO would wait for someone to write to it. */
    const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 && info.st_size <= MAXIMUM_ENTRY_BYTES &&
        (data = malloc((size_t)info.st_size)) != NULL) {
        while (done < (size_t)info.st_size) {
            const ssize_t got = read(fd, data + done, (size_t)info.st_size - done);
            if (got <= 0) {
                break;
            }
            done += (size_t)got;
        }
        *bytes = done;
    }
    (void)close(fd);
    return data;
}

static uint64_t take_u64(const unsigned char *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof value);
    return value;
}

/* Where the contents lie in an entry that is whole and has this key, or NULL. */
static const unsigned char *find_contents(const unsigned char *data, size_t bytes, const char *key,
                                          size_t *contents_bytes)
{
    const size_t key_bytes = strlen(key);
    const size_t header = MAGIC_BYTES + 8 + key_bytes + 16;
    const unsigned char *at = data;
    if (bytes < header || memcmp(at, magic, MAGIC_BYTES) != 0) {
        return NULL;
    }
    at += MAGIC_BYTES;
    if (take_u64(at) != key_bytes || memcmp(at + 8, key, key_bytes) != 0) {
        return NULL;
    }
    at += 8 + key_bytes;
    if (take_u64(at) != bytes - header || take_u64(at + 8) != XXH3_64bits(at + 16, bytes - header)) {
        return NULL;
    }
    *contents_bytes = bytes - header;
    return at + 16;
}

static cl_program program_from_binary(const struct clq_cl_state *cl, const unsigned char *binary, size_t bytes,
                                      const char *options)
{
    cl_int binary_status = CL_SUCCESS;
    cl_int code = CL_SUCCESS;
    cl_program program = clCreateProgramWithBinary(cl->context, 1, &cl->device, &bytes, &binary, &binary_status, &code);
    if (program != NULL && (code != CL_SUCCESS || binary_status != CL_SUCCESS ||
                            clBuildProgram(program, 1, &cl->device, options, NULL, NULL) != CL_SUCCESS)) {
        (void)clReleaseProgram(program);
        program = NULL;
    }
    return program;
}

static int write_all(int fd, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        const ssize_t put = write(fd, at, bytes);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return 0;
        }
        at += put;
        bytes -= (size_t)put;
    }
    return 1;
}

/* A piece of a file. */
typedef struct piece {
    const void *data;
    size_t bytes;
} piece;

static int write_file(int folder, const char *name, const piece *pieces, size_t count)
{
    char temporary[sizeof temporary_entry];
    int fd;
    int written = 1;
    int reason;
    memcpy(temporary, temporary_entry, sizeof temporary);
    clq_temporary_remove_left(folder, temporary);
    fd = clq_temporary_make(folder, temporary, 0600);
    if (fd < 0) {
        return 0;
    }
    for (size_t i = 0; i < count && written; i++) {
        written = write_all(fd, pieces[i].data, pieces[i].bytes);
    }
    written = written && renameat(folder, temporary, folder, name) == 0;
    reason = errno;
    if (!written) {
        (void)unlinkat(folder, temporary, 0);
    }
    (void)close(fd); /* the lock is held until here; what closing could tell, the hash in the entry tells as well */
    errno = reason;
    return written;
}

static int write_entry(int folder, const char *name, const char *key, const unsigned char *contents, size_t bytes)
{
    const uint64_t key_bytes = strlen(key);
    const uint64_t numbers[2] = {bytes, XXH3_64bits(contents, bytes)};
    const piece pieces[] = {{magic, MAGIC_BYTES},
                            {&key_bytes, sizeof key_bytes},
                            {key, (size_t)key_bytes},
                            {numbers, sizeof numbers},
                            {contents, bytes}};
    return write_file(folder, name, pieces, sizeof pieces / sizeof pieces[0]);
}

/* The contents of the entry with this key, in a new piece of memory, or NULL. */
static unsigned char *load_entry(const clq_context *context, const char *directory, const char *kind, const char *key,
                                 size_t *bytes)
{
    const entry_name name = name_of(kind, key);
    const int folder = open_folder(directory);
    size_t file_bytes = 0;
    unsigned char *data = NULL;
    const unsigned char *contents = NULL;
    if (folder >= 0) {
        data = read_entry(folder, name.text, &file_bytes);
        (void)close(folder);
    }
    if (data != NULL) {
        contents = find_contents(data, file_bytes, key, bytes);
    }
    clq_context_log(context, CLQ_LOG_DEBUG, "%s cache: %s %s/%s", kind, contents != NULL ? "took" : "no entry",
                    directory, name.text);
    if (contents == NULL) {
        free(data);
        return NULL;
    }
    memmove(data, contents, *bytes);
    return data;
}

static void store_entry(const clq_context *context, const char *directory, const char *kind, const char *key,
                        const unsigned char *contents, size_t bytes)
{
    const entry_name name = name_of(kind, key);
    const int folder = open_folder(directory);
    if (folder < 0 || !write_entry(folder, name.text, key, contents, bytes)) {
        clq_context_log(context, CLQ_LOG_WARNING, "%s cache: cannot write %s/%s: %s", kind, directory, name.text,
                        strerror(errno));
    }
    if (folder >= 0) {
        (void)close(folder);
    }
}

/* ---- programs ---- */

cl_program clq_cl_cache_load(clq_context *context, const char *source, const char *options)
{
    char *directory = directory_of(context);
    char *key = directory != NULL ? make_key(context, source, options) : NULL;
    size_t bytes = 0;
    unsigned char *binary = key != NULL ? load_entry(context, directory, program_entry, key, &bytes) : NULL;
    cl_program program = binary != NULL ? program_from_binary(context->cl, binary, bytes, options) : NULL;
    free(binary);
    free(key);
    free(directory);
    return program;
}

static unsigned char *binary_of(cl_program program, size_t *bytes)
{
    unsigned char *binary = NULL;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof *bytes, bytes, NULL) != CL_SUCCESS || *bytes == 0 ||
        *bytes > MAXIMUM_ENTRY_BYTES / 2 || (binary = malloc(*bytes)) == NULL) {
        return NULL;
    }
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) != CL_SUCCESS) {
        free(binary);
        return NULL;
    }
    return binary;
}

void clq_cl_cache_store(clq_context *context, const char *source, const char *options, cl_program program)
{
    char *directory = directory_of(context);
    char *key = directory != NULL ? make_key(context, source, options) : NULL;
    size_t bytes = 0;
    unsigned char *binary = key != NULL ? binary_of(program, &bytes) : NULL;
    if (binary != NULL) {
        store_entry(context, directory, program_entry, key, binary, bytes);
    }
    free(binary);
    free(key);
    free(directory);
}

/* ---- verdicts ---- */

/* Of all kernels' sources: a verdict holds for exactly these. */
static void hash_of_sources(char *text, size_t capacity)
{
    uint64_t hash = 0;
    for (const clq_embedded_source *s = clq_embedded_sources; s->name != NULL; s++) {
        hash = XXH3_64bits_withSeed(s->text, s->bytes, hash);
    }
    snprintf(text, capacity, "%016" PRIx64, hash);
}

static char *verdict_key(const clq_context *context, const char *what)
{
    char sources[32];
    hash_of_sources(sources, sizeof sources);
    return make_key(context, sources, what);
}

int clq_cl_cache_has_verdict(const clq_context *context, const char *what)
{
    size_t bytes = 0;
    char *directory = directory_of(context);
    char *key = directory != NULL ? verdict_key(context, what) : NULL;
    unsigned char *contents = key != NULL ? load_entry(context, directory, verdict_entry, key, &bytes) : NULL;
    const int equal = contents != NULL && bytes == sizeof verdict - 1 && memcmp(contents, verdict, bytes) == 0;
    free(contents);
    free(key);
    free(directory);
    return equal;
}

void clq_cl_cache_store_verdict(const clq_context *context, const char *what)
{
    char *directory = directory_of(context);
    char *key = directory != NULL ? verdict_key(context, what) : NULL;
    if (key != NULL) {
        store_entry(context, directory, verdict_entry, key, (const unsigned char *)verdict, sizeof verdict - 1);
    }
    free(key);
    free(directory);
}

/* ---- other files ---- */

char *clq_cl_cache_read(const clq_context *context, const char *name, size_t *bytes)
{
    char *directory = directory_of(context);
    const int folder = directory != NULL ? open_folder(directory) : -1;
    unsigned char *data = folder >= 0 ? read_entry(folder, name, bytes) : NULL;
    if (folder >= 0) {
        (void)close(folder);
    }
    free(directory);
    return (char *)data;
}

clq_status clq_cl_cache_write(const clq_context *context, const char *name, const char *text, size_t bytes, char *path,
                              size_t capacity, clq_error *error)
{
    clq_status status = CLQ_OK;
    char *directory = directory_of(context);
    const piece whole = {text, bytes};
    int folder;
    if (directory == NULL) {
        return clq_fail(error, CLQ_IO_ERROR, "there is no folder of compiled kernels, beside which this would be kept");
    }
    folder = open_folder(directory);
    if (folder < 0 || !write_file(folder, name, &whole, 1)) {
        status = clq_fail(error, CLQ_IO_ERROR, "cannot write %.3000s/%s: %s", directory, name, strerror(errno));
    } else if (path != NULL) {
        snprintf(path, capacity, "%s/%s", directory, name);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    free(directory);
    return status;
}

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
    char platform_version[256] = "";
    pthread_mutex_init(&cache->lock, NULL);
    (void)clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof platform_version, platform_version, NULL);
    platform_version[sizeof platform_version - 1] = '\0';
    cache->identity = malloc(1024);
    if (cache->identity == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    snprintf(cache->identity, 1024, "platform %s\nplatform version %s\ndevice %s\nversion %s\ndriver %s\npointer %zu\n",
             info->platform_name, platform_version, info->name, info->version, info->driver, sizeof(void *));
    return CLQ_OK;
}

void clq_cl_cache_destroy(clq_cl_cache *cache)
{
    pthread_mutex_destroy(&cache->lock);
    free(cache->directory);
    free(cache->identity);
}

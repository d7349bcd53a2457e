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

#include "core/hash.h"
#include "core/size.h"
#include "opencl/runtime/build.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/driver.h"
#include "opencl/runtime/entry.h"
#include "opencl/runtime/source.h"
#include "trial/hash.h"

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
    char *key = NULL;
    if (clq_cl_store_has(&context->cl->cache.store, CLQ_CL_PLACES)) {
        key = make_key(context, source, options, trial);
    }
    *entry = (clq_cl_entry){kind, key};
    return key != NULL;
}

static void entry_close(clq_cl_entry *entry)
{
    free((char *)entry->key);
}

/* ---- programs ---- */

enum { MOST_DEVICES = 64 };

/* A program is of all devices of its cl_context, and was built for one: there are as many sizes, and those of the
 * others are 0. PoCL 3.1 tells of what was built alone. */
static unsigned char *binary_of(cl_program program, size_t *bytes)
{
    size_t sizes[MOST_DEVICES];
    unsigned char *binaries[MOST_DEVICES] = {NULL};
    size_t given = 0;
    size_t own = 0;
    size_t built = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof sizes, sizes, &given) != CL_SUCCESS) {
        return NULL;
    }
    given /= sizeof sizes[0];
    for (size_t i = 0; i < given; i++) {
        built += sizes[i] != 0;
        own = sizes[i] != 0 ? i : own;
    }
    if (built != 1 || sizes[own] > CLQ_CL_FILE_BYTES / 2 || (binaries[own] = malloc(sizes[own])) == NULL) {
        return NULL;
    }
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, given * sizeof binaries[0], binaries, NULL) != CL_SUCCESS) {
        free(binaries[own]);
        return NULL;
    }
    *bytes = sizes[own];
    return binaries[own];
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
    clq_cl_store *store = &context->cl->cache.store;
    clq_cl_entry entry;
    size_t bytes = 0;
    unsigned char *binary;
    cl_program program = NULL;
    memset(found, 0, sizeof *found);
    if (!entry_open(context, "program", source, options, NULL, &entry)) {
        return NULL;
    }
    for (int place = 0; place < CLQ_CL_PLACES && program == NULL; place++) {
        binary = clq_cl_entry_load(context, store, (clq_cl_place)place, &entry, &bytes);
        if (binary != NULL) {
            program = program_from_binary(context->cl, binary, bytes, options);
            found->is_refused = program == NULL;
            free(binary);
        }
        if (found->is_refused) {
            clq_cl_entry_forget(store, &entry); /* a file in the folder is written anew when it is compiled */
        }
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
        clq_cl_entry_store(context, &context->cl->cache.store, &entry, binary, bytes);
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
    int equal = 0;
    if (binaries == 0 || !verdict_open(context, what, &entry)) {
        return 0;
    }
    write_verdict(text, sizeof text, binaries);
    for (int place = 0; place < CLQ_CL_PLACES && !equal; place++) {
        size_t bytes = 0;
        unsigned char *contents =
            clq_cl_entry_load(context, &context->cl->cache.store, (clq_cl_place)place, &entry, &bytes);
        equal = contents != NULL && bytes == strlen(text) && memcmp(contents, text, bytes) == 0;
        free(contents);
    }
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
        clq_cl_entry_remove(&context->cl->cache.store, &entry);
    } else if (binaries != 0) {
        clq_cl_entry_store(context, &context->cl->cache.store, &entry, text, strlen(text));
    }
    entry_close(&entry);
}

/* ---- notes ---- */

static int note_open(const clq_context *context, const char *kind, const char *what, clq_cl_entry *entry)
{
    const int is_open = verdict_open(context, what, entry);
    entry->kind = kind;
    return is_open;
}

int clq_cl_cache_read_note(const clq_context *context, const char *kind, const char *what, char *text, size_t capacity)
{
    clq_cl_entry entry;
    int is_there = 0;
    if (!note_open(context, kind, what, &entry)) {
        return 0;
    }
    for (int place = 0; place < CLQ_CL_PLACES && !is_there; place++) {
        size_t bytes = 0;
        unsigned char *contents =
            clq_cl_entry_load(context, &context->cl->cache.store, (clq_cl_place)place, &entry, &bytes);
        is_there = contents != NULL;
        if (is_there) {
            snprintf(text, capacity, "%.*s", (int)clq_size_min(bytes, capacity), (const char *)contents);
        }
        free(contents);
    }
    entry_close(&entry);
    return is_there;
}

void clq_cl_cache_write_note(const clq_context *context, const char *kind, const char *what, const char *text)
{
    clq_cl_entry entry;
    if (!note_open(context, kind, what, &entry)) {
        return;
    }
    if (text != NULL) {
        clq_cl_entry_store(context, &context->cl->cache.store, &entry, text, strlen(text));
    } else {
        clq_cl_entry_remove(&context->cl->cache.store, &entry);
    }
    entry_close(&entry);
}

/* ---- other files ---- */

/* Of two, that of the folder is this machine's own. */
char *clq_cl_cache_read(const clq_context *context, const char *name, size_t *bytes)
{
    clq_cl_store *store = &context->cl->cache.store;
    unsigned char *data = clq_cl_store_read(store, CLQ_CL_IN_FOLDER, name, bytes);
    return (char *)(data != NULL ? data : clq_cl_store_read(store, CLQ_CL_IN_MEMORY, name, bytes));
}

clq_status clq_cl_cache_write(const clq_context *context, const char *name, const char *text, size_t bytes, char *path,
                              size_t capacity, clq_error *error)
{
    clq_cl_store *store = &context->cl->cache.store;
    const clq_cl_piece whole = {text, bytes};
    char where[CLQ_CL_WHERE_BYTES];
    if (!clq_cl_store_keeps(store)) {
        return clq_fail(error, CLQ_IO_ERROR, "there is no folder of compiled kernels, beside which this would be kept");
    }
    if (!clq_cl_store_write(store, name, &whole, 1, where)) {
        return clq_fail(error, CLQ_IO_ERROR, "cannot write %.3100s: %s", where, strerror(errno));
    }
    if (path != NULL) {
        snprintf(path, capacity, "%s", where);
    }
    return CLQ_OK;
}

/* ---- places ---- */

clq_status clq_cl_cache_set(clq_context *context, const char *directory, clq_error *error)
{
    return clq_cl_store_set_folder(&context->cl->cache.store, directory, error);
}

void clq_cl_cache_keep(clq_context *context)
{
    clq_cl_store_set_keeps(&context->cl->cache.store);
}

/* What every key of this device begins with. */
static char *beginning_of_keys(const clq_context *context)
{
    const size_t capacity = strlen(context->cl->cache.identity) + 64;
    char *text = malloc(capacity);
    if (text != NULL) {
        snprintf(text, capacity, "library %s\n%s", CLQ_VERSION_STRING, context->cl->cache.identity);
    }
    return text;
}

/* What is of other devices, drivers and versions would never be asked for. */
clq_status clq_cl_cache_add(clq_context *context, const void *memory, uint64_t bytes, const char *name, uint64_t *taken,
                            clq_error *error)
{
    clq_cl_store *store = &context->cl->cache.store;
    clq_status status = CLQ_OK;
    uint64_t count = 0;
    char *beginning;
    CLQ_TRY(clq_archive_check(memory, bytes, &count, error));
    beginning = beginning_of_keys(context);
    if (beginning == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the keys of compiled programs");
    }
    for (uint64_t i = 0; i < count && status == CLQ_OK; i++) {
        const clq_archive_item item = clq_archive_item_at(memory, i);
        if (!clq_cl_entry_is_of(item.data, item.bytes, beginning) && strcmp(item.name, name) != 0) {
            continue;
        }
        if (clq_cl_store_add(store, &item)) {
            ++*taken;
        } else {
            status = clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of %" PRIu64 " compiled programs", count);
        }
    }
    free(beginning);
    return status;
}

void clq_cl_cache_export(clq_context *context, void *memory, uint64_t capacity, uint64_t *bytes)
{
    clq_cl_store_export(&context->cl->cache.store, memory, capacity, bytes);
}

/* ---- life ---- */

/* Everything that may change what a compiled program means or whether it runs. */
clq_status clq_cl_cache_init(clq_cl_cache *cache, cl_platform_id platform, const clq_device_info *info,
                             clq_error *error)
{
    enum { CAPACITY = 2048 + CLQ_CL_DRIVER_TEXT };
    char platform_version[256] = "";
    size_t used;
    clq_cl_store_init(&cache->store);
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
    clq_cl_store_destroy(&cache->store);
    free(cache->identity);
}

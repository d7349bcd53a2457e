/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and the choice of a device; what is OpenCL's own is in opencl/runtime/context.c. */
#include "engine/context.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native/executor.h"
#include "opencl/executor.h"
#include "reference/executor.h"

enum { MAX_DEVICES = 64 };

/* The two that need no driver, in the order of the list. */
enum { NATIVE, REFERENCE };
static const char *const own_names[CLQ_OWN_DEVICES] = {"native", "reference"};

/* The machine's, which is all that one buffer or many may take. */
static uint64_t host_memory_bytes(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes : INT64_MAX;
}

static void describe_own(int own, clq_device_info *info)
{
    memset(info, 0, sizeof *info);
    info->platform = -1;
    info->device = -1;
    info->type = own == NATIVE ? CLQ_DEVICE_CPU : CLQ_DEVICE_REFERENCE;
    snprintf(info->name, sizeof info->name, "%s", own_names[own]);
    snprintf(info->platform_name, sizeof info->platform_name, "clquant");
    snprintf(info->driver, sizeof info->driver, "%s", CLQ_VERSION_STRING);
    info->compute_units = own == NATIVE ? clq_native_units() : 1;
    info->global_memory_bytes = info->maximum_allocation_bytes = host_memory_bytes();
    info->usable = 1;
    info->in_process = 1;
}

clq_status clq_opencl_available(clq_error *error)
{
    return clq_cl_available(error);
}

clq_status clq_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error)
{
    size_t found = 0;
    CLQ_REQUIRE(count != NULL && (infos != NULL || capacity == 0),
                "clq_devices: count must not be NULL, infos only with capacity 0");
    CLQ_TRY(clq_cl_devices(capacity, infos, &found, error));
    for (int own = 0; own < CLQ_OWN_DEVICES; own++, found++) {
        if (found < capacity) {
            describe_own(own, &infos[found]);
        }
    }
    *count = found;
    return CLQ_OK;
}

static int contains_ignoring_case(const char *text, const char *part)
{
    const size_t length = strlen(part);
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (i < length && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) {
            i++;
        }
        if (i == length) {
            return 1;
        }
    }
    return length == 0;
}

/* A specification other than "auto" asks for a kind of device, for one by its numbers, or for a part of a name. */
static int asks_by_name(const char *spec, int *platform, int *device)
{
    int used = 0;
    *platform = *device = -1;
    return strcmp(spec, "cpu") != 0 && strcmp(spec, "gpu") != 0 &&
           (sscanf(spec, "%9d:%9d%n", platform, device, &used) != 2 || spec[used] != '\0');
}

/* Whether that means this device. */
static int matches(const char *spec, const clq_device_info *info)
{
    int platform;
    int device;
    if (asks_by_name(spec, &platform, &device)) {
        return contains_ignoring_case(info->name, spec) || contains_ignoring_case(info->platform_name, spec);
    }
    if (strcmp(spec, "cpu") == 0) {
        return info->platform >= 0 && info->type == CLQ_DEVICE_CPU;
    }
    if (strcmp(spec, "gpu") == 0) {
        return info->type == CLQ_DEVICE_GPU;
    }
    return info->platform >= 0 && info->platform == platform && info->device == device;
}

static clq_status own_context(int own, clq_context **context, clq_error *error)
{
    CLQ_TRY(own == NATIVE ? clq_native_context_create(context, error)
                          : clq_context_new(&clq_reference_executor, context, error));
    describe_own(own, &(*context)->device);
    return CLQ_OK;
}

enum { LIST_BYTES = 600 };

/* Those devices that `spec` means, NULL: all, for a message. */
static void list_devices(const char *spec, const clq_device_info *infos, size_t count, char list[LIST_BYTES])
{
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < count && used < LIST_BYTES; i++) {
        const clq_device_info *info = &infos[i];
        if (spec != NULL && !matches(spec, info)) {
            continue;
        }
        if (info->platform < 0) {
            used += (size_t)snprintf(list + used, LIST_BYTES - used, "%s%s", used == 0 ? "" : ", ", info->name);
        } else {
            used += (size_t)snprintf(list + used, LIST_BYTES - used, "%s%d:%d %.60s (%.40s%s)", used == 0 ? "" : ", ",
                                     info->platform, info->device, info->name, info->platform_name,
                                     info->usable ? "" : ", not usable");
        }
    }
}

static clq_status no_such_device(const char *spec, const clq_device_info *infos, size_t count, clq_error *error)
{
    static const char *const words[] = {"auto", "cpu", "gpu", "native", "reference"};
    char known[LIST_BYTES];
    clq_error absent;
    list_devices(NULL, infos, count, known);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(spec) == strlen(words[i]) && contains_ignoring_case(spec, words[i]) && strcmp(spec, words[i]) != 0) {
            return clq_fail(error, CLQ_NO_DEVICE, "no device matches '%s'; did you mean '%s'? There are: %s", spec,
                            words[i], known);
        }
    }
    if (clq_cl_available(&absent) != CLQ_OK) {
        return clq_fail(error, CLQ_NO_DEVICE, "no device matches '%.100s'; there are: %s (no OpenCL: %.400s)", spec,
                        known, absent.message);
    }
    return clq_fail(error, CLQ_NO_DEVICE, "no device matches '%.100s'; there are: %s", spec, known);
}

/* A part of a name means one device, or several that are alike: the first, as `infos` has the best first. */
static clq_status check_one(const char *spec, const clq_device_info *infos, size_t first, size_t count,
                            clq_error *error)
{
    int numbers[2];
    char known[LIST_BYTES];
    if (strcmp(spec, "auto") == 0 || !asks_by_name(spec, &numbers[0], &numbers[1])) {
        return CLQ_OK;
    }
    for (size_t i = first + 1; i < count; i++) {
        if (matches(spec, &infos[i]) && (strcmp(infos[i].name, infos[first].name) != 0 ||
                                         strcmp(infos[i].platform_name, infos[first].platform_name) != 0)) {
            list_devices(spec, infos, count, known);
            return clq_fail(error, CLQ_NO_DEVICE,
                            "several devices match '%.100s': %s; more of the name, or P:D, says which", spec, known);
        }
    }
    return CLQ_OK;
}

clq_status clq_context_create(const char *spec, clq_context **context, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_device_info *infos = NULL;
    size_t count = 0;
    CLQ_REQUIRE(context != NULL, "clq_context_create: context is NULL");
    *context = NULL;
    if (spec == NULL || spec[0] == '\0') {
        spec = "auto";
    }
    for (int own = 0; own < CLQ_OWN_DEVICES; own++) {
        if (strcmp(spec, own_names[own]) == 0) {
            return own_context(own, context, error);
        }
    }
    infos = calloc(MAX_DEVICES, sizeof *infos);
    if (infos == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of devices");
    }
    CLQ_TRY_TO(clq_devices(MAX_DEVICES, infos, &count, error));
    count = count < MAX_DEVICES ? count : MAX_DEVICES;
    for (size_t i = 0; i < count; i++) {
        const clq_device_info *info = &infos[i];
        if (strcmp(spec, "auto") == 0 ? !info->usable : !matches(spec, info)) {
            continue;
        }
        CLQ_TRY_TO(check_one(spec, infos, i, count, error));
        if (info->platform < 0) {
            status = own_context(info->type == CLQ_DEVICE_REFERENCE ? REFERENCE : NATIVE, context, error);
        } else if (!info->usable) {
            status = clq_fail(error, CLQ_NO_DEVICE, "device %d:%d %s cannot be used: %s", info->platform, info->device,
                              info->name, info->missing);
        } else {
            status = clq_cl_context_create(info, context, error);
            if (status == CLQ_OK) {
                (*context)->make_host = clq_native_context_create;
            }
        }
        goto done;
    }
    status = no_such_device(spec, infos, count, error);
done:
    free(infos);
    return status;
}

void clq_context_destroy(clq_context **context)
{
    if (context != NULL && *context != NULL) {
        clq_context_release(*context);
        *context = NULL;
    }
}

void clq_context_device(const clq_context *context, clq_device_info *info)
{
    *info = context->device;
}

void clq_context_set_log(clq_context *context, clq_log_function log, void *cookie)
{
    context->log = log;
    context->log_cookie = cookie;
}

void clq_context_set_cancel(clq_context *context, clq_cancel_function is_cancelled, void *cookie)
{
    context->is_cancelled = is_cancelled;
    context->cancel_cookie = cookie;
}

/* What was taken must go back where it came from. */
clq_status clq_context_set_allocator(clq_context *context, clq_allocate_function allocate, clq_release_function release,
                                     void *cookie, clq_error *error)
{
    unsigned long long pieces;
    CLQ_REQUIRE(context != NULL && (allocate == NULL) == (release == NULL),
                "clq_context_set_allocator: context is NULL, or one of two functions");
    pieces = atomic_load(&context->memory.pieces);
    CLQ_REQUIRE(pieces == 0, "clq_context_set_allocator: %llu pieces of memory of the context are in use", pieces);
    context->memory.allocate = allocate;
    context->memory.release = release;
    context->memory.cookie = cookie;
    return CLQ_OK;
}

clq_status clq_context_set_cache(clq_context *context, const char *directory, clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "clq_context_set_cache: context is NULL");
    return context->executor->set_cache(context, directory, error);
}

clq_status clq_context_force_variant(clq_context *context, const char *variant, clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "clq_context_force_variant: context is NULL");
    return context->executor->force_variant(context, variant, error);
}

void clq_context_set_patience(clq_context *context, uint32_t seconds)
{
    if (context->executor->set_patience != NULL) {
        context->executor->set_patience(context, seconds);
    }
}

int clq_context_is_compiling(const clq_context *context)
{
    return context->executor->is_compiling != NULL && context->executor->is_compiling(context);
}

void clq_context_set_emulation(clq_context *context, int emulates)
{
    context->emulates = emulates != 0;
}

void clq_context_set_tile_permission(clq_context *context, int may_ask)
{
    context->asks_no_permission = may_ask == 0;
}

clq_status clq_finish(clq_context *context, clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "clq_finish: context is NULL");
    return context->executor->finish(context, error);
}

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
    info->maximum_allocation_bytes = INT64_MAX;
    info->global_memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    info->usable = 1;
    info->in_process = 1;
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

/* Whether a specification other than "auto" means this device. */
static int matches(const char *spec, const clq_device_info *info)
{
    int platform = 0;
    int device = 0;
    int used = 0;
    if (strcmp(spec, "cpu") == 0) {
        return info->platform >= 0 && info->type == CLQ_DEVICE_CPU;
    }
    if (strcmp(spec, "gpu") == 0) {
        return info->type == CLQ_DEVICE_GPU;
    }
    if (sscanf(spec, "%9d:%9d%n", &platform, &device, &used) == 2 && spec[used] == '\0') {
        return info->platform >= 0 && info->platform == platform && info->device == device;
    }
    return contains_ignoring_case(info->name, spec) || contains_ignoring_case(info->platform_name, spec);
}

static clq_status own_context(int own, clq_context **context, clq_error *error)
{
    CLQ_TRY(own == NATIVE ? clq_native_context_create(context, error)
                          : clq_context_new(&clq_reference_executor, context, error));
    describe_own(own, &(*context)->device);
    return CLQ_OK;
}

static clq_status no_such_device(const char *spec, const clq_device_info *infos, size_t count, clq_error *error)
{
    char known[600] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof known; i++) {
        if (infos[i].platform < 0) {
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used == 0 ? "" : ", ", infos[i].name);
        } else {
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%d:%d %.60s%s", used == 0 ? "" : ", ",
                                     infos[i].platform, infos[i].device, infos[i].name,
                                     infos[i].usable ? "" : " (not usable)");
        }
    }
    return clq_fail(error, CLQ_NO_DEVICE, "no device matches '%.100s'; there are: %s", spec, known);
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
        if (info->platform < 0) {
            status = own_context(info->type == CLQ_DEVICE_REFERENCE ? REFERENCE : NATIVE, context, error);
        } else if (!info->usable) {
            status = clq_fail(error, CLQ_NO_DEVICE, "device %d:%d %s cannot be used: %s", info->platform, info->device,
                              info->name, info->missing);
        } else {
            status = clq_cl_context_create(info, context, error);
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

void clq_context_set_emulation(clq_context *context, int emulates)
{
    context->emulates = emulates != 0;
}

clq_status clq_finish(clq_context *context, clq_error *error)
{
    CLQ_REQUIRE(context != NULL, "clq_finish: context is NULL");
    return context->executor->finish(context, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Several devices: the list that --device makes, and their contexts. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/frame/device_list.h"

#include <stdlib.h>
#include <string.h>

enum { SPEC_BYTES = 256, MOST_DEVICES = 64 };

typedef struct opening {
    const cli_options *options;
    clq_context ***contexts;
    size_t *count;
} opening;

static clq_status add(const opening *o, const char *spec, clq_error *error)
{
    clq_context **larger = realloc(*o->contexts, (*o->count + 1) * sizeof *larger);
    if (larger == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu devices", *o->count + 1);
    }
    *o->contexts = larger;
    larger[*o->count] = NULL;
    CLQ_TRY(cli_open_one_of(o->options, spec, &larger[*o->count], error));
    *o->count += 1;
    return CLQ_OK;
}

/* One that cannot be opened is left out, as long as there are others. */
static clq_status add_all(const opening *o, const char *kind, clq_error *error)
{
    const clq_device_type type = strcmp(kind, "gpu") == 0 ? CLQ_DEVICE_GPU : CLQ_DEVICE_CPU;
    clq_device_info *infos = NULL;
    clq_status status = CLQ_OK;
    const size_t before = *o->count;
    size_t count = 0;
    CLQ_TRY_TO(cli_check_drivers(o->options, error));
    infos = calloc(MOST_DEVICES, sizeof *infos);
    if (infos == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of devices"));
    }
    CLQ_TRY_TO(clq_devices(MOST_DEVICES, infos, &count, error));
    for (size_t i = 0; i < count && i < MOST_DEVICES; i++) {
        char place[32];
        if (infos[i].type != type || infos[i].platform < 0 || !infos[i].usable) {
            continue;
        }
        snprintf(place, sizeof place, "%d:%d", (int)infos[i].platform, (int)infos[i].device);
        status = add(o, place, error);
        if (status == CLQ_NO_DEVICE || status == CLQ_DEVICE_ERROR) {
            cli_warning(o->options, "device %s %s is left out: %s", place, infos[i].name, error->message);
            status = CLQ_OK;
        }
        CLQ_TRY_TO(status);
    }
    if (*o->count == before) {
        CLQ_TRY_TO(clq_fail(error, CLQ_NO_DEVICE,
                            "no usable OpenCL device is a %s, for '%s:all'; 'clquant devices' lists "
                            "what there is",
                            type == CLQ_DEVICE_GPU ? "GPU" : "CPU", kind));
    }
done:
    free(infos);
    return status;
}

static clq_status add_one(const opening *o, const char *spec, clq_error *error)
{
    if (strcmp(spec, "gpu:all") == 0) {
        return add_all(o, "gpu", error);
    }
    if (strcmp(spec, "cpu:all") == 0) {
        return add_all(o, "cpu", error);
    }
    CLQ_REQUIRE(!cli_is_device_list(spec), "--device %s: all devices are those of gpu:all or cpu:all", spec);
    return add(o, spec, error);
}

/* Between commas. */
static clq_status add_list(const opening *o, const char *text, clq_error *error)
{
    for (;;) {
        char spec[SPEC_BYTES];
        const size_t length = strcspn(text, ",");
        CLQ_REQUIRE(length > 0 && length < sizeof spec,
                    "--device: between commas a device is required, of at most %d bytes", SPEC_BYTES - 1);
        memcpy(spec, text, length);
        spec[length] = '\0';
        CLQ_TRY(add_one(o, spec, error));
        if (text[length] == '\0') {
            return CLQ_OK;
        }
        text += length + 1;
    }
}

clq_status cli_open_devices(const cli_options *options, clq_context ***contexts, size_t *count, clq_error *error)
{
    const opening o = {options, contexts, count};
    for (size_t i = 0; i < options->devices.count; i++) {
        CLQ_TRY(add_list(&o, options->devices.items[i], error));
    }
    return options->devices.count > 0 ? CLQ_OK : add_list(&o, options->device, error);
}

void cli_close_devices(clq_context ***contexts, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        clq_context_destroy(&(*contexts)[i]);
    }
    free(*contexts);
    *contexts = NULL;
    *count = 0;
}

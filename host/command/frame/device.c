/* SPDX-License-Identifier: Apache-2.0 */
/* Making the context that --device asks for, with its log and its cache of compiled kernels. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/frame/device_list.h"
#include "command/frame/drivers.h"
#include "command/frame/ranks.h"

enum { COMPILE_SECONDS = 20, MOST_COMPILE_SECONDS = 86400 };

static atomic_int is_left; /* a context that was still compiling */
static atomic_int opened;  /* the thread of signals asks too */

int cli_device_is_of_environment(const cli_options *options)
{
    return options->device == getenv("CLQUANT_DEVICE");
}

clq_status cli_blame_device(const cli_options *options, clq_status status, clq_error *error)
{
    return status == CLQ_NO_DEVICE && cli_device_is_of_environment(options)
               ? clq_fail_in(error, status, "CLQUANT_DEVICE, as --device is not given")
               : status;
}

int cli_device_was_opened(void)
{
    return atomic_load(&opened);
}

/* A compiler cannot be stopped, so that a context in which one is at work is left to the end of the process. */
void cli_close_device(const cli_options *options, clq_context **context)
{
    clq_device_info info;
    if (*context == NULL || !clq_context_is_compiling(*context)) {
        clq_context_destroy(context);
        return;
    }
    clq_context_device(*context, &info);
    if (!cli_is_cancelled(NULL)) {
        cli_warning(
            options,
            "kernels for %s are still being compiled, and are not kept; --device %d:%d waits for them and keeps "
            "them",
            info.name, (int)info.platform, (int)info.device);
    }
    atomic_store(&is_left, 1);
    *context = NULL;
}

int cli_device_is_left(void)
{
    return atomic_load(&is_left);
}

void cli_print_log(void *options, clq_log_level level, const char *message)
{
    if (level <= CLQ_LOG_INFO) { /* of a context: what a person would otherwise wonder about */
        cli_warning(options, "%s", message);
    } else { /* kernels are looked for, compiled, tried */
        cli_progress_prepare();
        cli_note(options, "%s", message);
    }
}

static int join(char *out, size_t capacity, const char *folder, const char *rest)
{
    const int length = snprintf(out, capacity, "%s/%s", folder, rest);
    return length > 0 && (size_t)length < capacity;
}

/* Where compiled kernels are kept; 0 when nowhere. The folder above is made here, the last one by who writes first. */
static int cache_folder(char *out, size_t capacity)
{
    const char *own = getenv("CLQUANT_CACHE_DIR");
    const char *shared = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    char above[4096];
    if (own != NULL) {
        snprintf(out, capacity, "%s", own);
        return own[0] != '\0' && strlen(own) < capacity;
    }
    if (shared != NULL && shared[0] == '/') {
        snprintf(above, sizeof above, "%s", shared);
        if (strlen(shared) >= sizeof above) {
            return 0;
        }
    } else if (home == NULL || home[0] != '/' || !join(above, sizeof above, home, ".cache")) {
        return 0;
    }
    /* It is there already, or the library's attempt to use it tells what is wrong. */
    (void)mkdir(above, 0700);
    return join(out, capacity, above, "clquant");
}

/*
 * A driver that runs out of descriptors while it compiles ends the process (PoCL 3.1 calls abort when its linker
 * fails), and one that cannot be loaded for want of them looks as if there was none. PoCL needs 11 at once.
 */
clq_status cli_check_descriptors(clq_error *error)
{
    enum { NEEDED = 24 };
    int taken[NEEDED];
    int count = 0;
    int reason = 0;
    while (count < NEEDED && (taken[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0) {
        count++;
    }
    reason = errno;
    for (int i = 0; i < count; i++) {
        (void)close(taken[i]);
    }
    if (count < NEEDED && (reason == EMFILE || reason == ENFILE)) {
        return clq_fail(error, CLQ_NO_DEVICE,
                        "OpenCL drivers need up to %d file descriptors to compile, and %d are left: raise 'ulimit -n' "
                        "(--device native needs none)",
                        (int)NEEDED, count);
    }
    return CLQ_OK;
}

void cli_use_cache(clq_context *context)
{
    char folder[4096];
    if (cache_folder(folder, sizeof folder) && access(folder, F_OK) == 0) {
        (void)clq_context_set_cache(context, folder, NULL); /* verbs that compile tell what is wrong with it */
    }
}

clq_status cli_check_drivers(const cli_options *options, clq_error *error)
{
    char folder[4096];
    const int is_kept = cache_folder(folder, sizeof folder);
    CLQ_TRY(cli_check_descriptors(error)); /* a driver that lacks them is not at fault */
    if (is_kept) {
        (void)mkdir(folder, 0700);
    }
    return cli_leave_out_drivers(options, is_kept ? folder : NULL, error);
}

/* Of OpenCL, whether they can be used or not. */
static int has_devices(void)
{
    size_t count = 0;
    clq_error unused;
    return clq_devices(0, NULL, &count, &unused) == CLQ_OK && count > CLQ_OWN_DEVICES;
}

/* A driver that cannot be loaded looks as if there was none. Without OpenCL, nobody loads them. */
static void tell_faults(const cli_options *options)
{
    const cli_driver *drivers = NULL;
    const char *place = NULL;
    const cli_driver *left_out = NULL;
    const size_t count = clq_opencl_available(NULL) == CLQ_OK ? cli_explain_drivers(&drivers, &place) : 0;
    for (size_t i = cli_left_out_drivers(&left_out); i < count; i++) {
        if (drivers[i].fault[0] != '\0') {
            cli_warning(options, "OpenCL driver %s%s%s%s cannot be loaded: %s", drivers[i].library,
                        drivers[i].icd[0] != '\0' ? " (" : "", drivers[i].icd, drivers[i].icd[0] != '\0' ? ")" : "",
                        drivers[i].fault);
        }
    }
}

static clq_status emulate_as_asked(clq_context *context, clq_error *error)
{
    const char *text = getenv("CLQUANT_EMULATE");
    int64_t emulates = 0;
    CLQ_REQUIRE(text == NULL || text[0] == '\0' || clq_parse_i64(text, 0, 1, &emulates),
                "CLQUANT_EMULATE is '%.100s', and 0 or 1 is required", text);
    clq_context_set_emulation(context, (int)emulates);
    return CLQ_OK;
}

/* `auto` has found none. */
static clq_status go_without(const cli_options *options, const char *purpose, clq_context **context, clq_error *error)
{
    clq_device_info info;
    if (purpose != NULL) {
        clq_context_destroy(context);
        return clq_fail(error, CLQ_NO_DEVICE, "there is no usable OpenCL device to %s", purpose);
    }
    clq_context_device(*context, &info);
    cli_warning(options,
                "no usable OpenCL device; computing with %s (see 'clquant devices', or choose it by --device %s)",
                info.name, info.name);
    return CLQ_OK;
}

/* "P:D" of the GPU that is this rank's, where there are several; else what was asked for. */
static const char *device_of_rank(const cli_ranks *ranks, const char *device, char place[32])
{
    enum { MOST = 64 };
    clq_device_info *infos = NULL;
    size_t count = 0;
    size_t gpus = 0;
    if (ranks == NULL || strcmp(device, "auto") != 0 || (infos = calloc(MOST, sizeof *infos)) == NULL) {
        return device;
    }
    if (clq_devices(MOST, infos, &count, NULL) == CLQ_OK) {
        for (size_t i = 0; i < count && i < MOST; i++) {
            if (infos[i].usable && infos[i].type == CLQ_DEVICE_GPU) {
                infos[gpus++] = infos[i];
            }
        }
    }
    if (gpus > 1) {
        const clq_device_info *own = &infos[ranks->local % gpus];
        snprintf(place, 32, "%d:%d", (int)own->platform, (int)own->device);
        device = place;
    }
    free(infos);
    return device;
}

/* What verbs that go through files take, in place of one device. */
static clq_status refuse_list(const char *device, clq_error *error)
{
    return clq_fail(error, CLQ_INVALID_ARGUMENT,
                    "--device %.200s: there is none of that name, and several devices are of "
                    "quantize, dequantize, minmax, compare and calibrate",
                    device);
}

/* `spec`: --device, or one of several; `is_one`: the only one, which messages name. */
static clq_status open_device(const cli_options *options, const char *spec, int is_one, const char *purpose,
                              clq_context **context, clq_error *error)
{
    clq_device_info info;
    clq_error cache_error;
    clq_error absent;
    char folder[4096];
    char name[160];
    char place[32];
    const char *device = spec;
    clq_status status;
    if (strcmp(device, "native") != 0 && strcmp(device, "reference") != 0 &&
        cli_check_drivers(options, error) != CLQ_OK) {
        if (strcmp(device, "auto") != 0 || error->status != CLQ_NO_DEVICE) {
            return error->status;
        }
        cli_warning(options, "%s", error->message);
        device = "native";
    }
    device = device_of_rank(cli_ranks_in_use(), device, place);
    status = clq_context_create(device, context, error);
    if (status != CLQ_OK) {
        if (status == CLQ_NO_DEVICE && !has_devices()) {
            tell_faults(options);
        }
        return is_one && status == CLQ_NO_DEVICE && cli_asks_devices(options)
                   ? refuse_list(device, error)
                   : cli_blame_device(options, status, error);
    }
    atomic_store(&opened, 1);
    status = emulate_as_asked(*context, error);
    if (status != CLQ_OK) {
        clq_context_destroy(context);
        return status;
    }
    /* The log function takes no const cookie; cli_print_log only reads it. */
    clq_context_set_log(*context, cli_print_log, (void *)(uintptr_t)options);
    clq_context_set_cancel(*context, cli_is_cancelled, NULL);
    clq_context_device(*context, &info);
    if (info.platform < 0) { /* which needs no driver, and has nothing to keep */
        if (strcmp(spec, "auto") == 0) {
            if (clq_opencl_available(&absent) != CLQ_OK) {
                cli_warning(options, "no OpenCL: %s", absent.message);
            } else if (strcmp(device, "auto") == 0 && !has_devices()) {
                tell_faults(options);
            }
            return go_without(options, purpose, context, error);
        }
        return CLQ_OK;
    }
    if (cache_folder(folder, sizeof folder) && clq_context_set_cache(*context, folder, &cache_error) != CLQ_OK) {
        cli_warning(options, "compiled kernels are not kept: %s", cache_error.message);
    }
    snprintf(name, sizeof name, "%d:%d %.100s", (int)info.platform, (int)info.device, info.name);
    if (is_one) {
        cli_messages_device(name);
    }
    cli_note(options, "device %s", name);
    return CLQ_OK;
}

/* A device that is far behind this processor, or whose compiler is, makes way for it. */
static clq_status change_to_native(const cli_options *options, const clq_pace *pace, clq_context **context,
                                   clq_error *error)
{
    clq_device_info info;
    clq_context_device(*context, &info);
    cli_close_device(options, context); /* which tells of its compiler */
    if (pace->is_behind) {
        cli_warning(options, "%s: computing with native (--device %d:%d takes the device all the same)", pace->reason,
                    (int)info.platform, (int)info.device);
    }
    cli_messages_device("");
    return open_device(options, "native", 1, NULL, context, error);
}

/* Who names a device gets it; `auto` gets what it is to have in bounded time, by the host if need be. */
clq_status cli_bound_device(const cli_options *options, int is_of_products, clq_context **context, clq_error *error)
{
    const char *text = getenv("CLQUANT_COMPILE_SECONDS");
    int64_t seconds = COMPILE_SECONDS;
    clq_pace pace;
    CLQ_REQUIRE(text == NULL || text[0] == '\0' || clq_parse_i64(text, 0, MOST_COMPILE_SECONDS, &seconds),
                "CLQUANT_COMPILE_SECONDS is '%.100s', and a number from 0 to %d is required", text,
                (int)MOST_COMPILE_SECONDS);
    if (strcmp(options->device, "auto") != 0 || seconds == 0) {
        return CLQ_OK;
    }
    clq_context_set_patience(*context, (uint32_t)seconds);
    if (options->gemm.variant != NULL) { /* which is the device's, and waited for */
        return CLQ_OK;
    }
    CLQ_TRY(clq_context_pace(*context, is_of_products, &pace, error));
    return pace.is_behind || pace.is_late ? change_to_native(options, &pace, context, error) : CLQ_OK;
}

clq_status cli_open_one_of(const cli_options *options, const char *spec, clq_context **context, clq_error *error)
{
    return open_device(options, spec, 0, NULL, context, error);
}

clq_status cli_open_device(const cli_options *options, clq_context **context, clq_error *error)
{
    return open_device(options, options->device, 1, NULL, context, error);
}

clq_status cli_open_opencl(const cli_options *options, const char *purpose, clq_context **context, clq_error *error)
{
    return open_device(options, options->device, 1, purpose, context, error);
}

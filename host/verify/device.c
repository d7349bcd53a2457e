/* SPDX-License-Identifier: Apache-2.0 */
/* Where the cases of a device run: a context without verdicts, a queue and memory, made anew after a failure. */
#include "verify/device.h"

#include <stdio.h>
#include <stdlib.h>

#include <clquant/opencl.h>

#include "verify/record.h"
#include "verify/reproduce.h"
#include "verify/run.h"

typedef struct device_place {
    const clq_verify_hooks *hooks;
    clq_context *context;
    clq_cl_machine machine;
    clq_cl_recorder teller; /* of launches */
    clq_verify_record record;
    clq_error unwanted;
} device_place;

static int tell_launching(void *cookie, const clq_cl_launch *launch, const char *options, const size_t global[3],
                          const size_t local[3])
{
    const clq_verify_hooks *hooks = cookie;
    (void)global;
    (void)local;
    return hooks->launches(hooks->cookie, launch->file, options);
}

/* The context in which cases run from now on. */
static void take_context(device_place *place, clq_context *made)
{
    made->cl->programs.compiles = place->hooks->compiles;
    made->cl->programs.compiles_cookie = place->hooks->cookie;
    place->context = made;
}

/*
 * A context of the call's own over the caller's: of what kernels were set aside nothing is known there, and programs
 * are built from source, since nothing is kept: what is verified is the device's compiler too.
 */
clq_status clq_verify_device_open(clq_context *given, const clq_verify_hooks *hooks, void **place, clq_context **own,
                                  clq_error *error)
{
    device_place *opened = calloc(1, sizeof *opened);
    clq_context *made = NULL;
    clq_status status;
    if (opened == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    status = clq_context_from_opencl(given->cl->context, given->cl->device, &made, error);
    if (status != CLQ_OK) {
        free(opened);
        return status;
    }
    made->device = given->device;
    clq_context_set_log(made, given->log, given->log_cookie);
    clq_context_set_emulation(made, given->emulates);
    clq_context_set_tile_permission(made, !given->asks_no_permission);
    opened->hooks = hooks;
    take_context(opened, made);
    *place = opened;
    *own = made;
    return CLQ_OK;
}

static clq_status begin_machine(device_place *place, clq_error *error)
{
    CLQ_TRY(clq_cl_machine_begin(&place->machine, place->context, 0, error));
    place->teller = (clq_cl_recorder){(void *)(uintptr_t)place->hooks, tell_launching, 0};
    place->machine.stream.recorder = &place->teller;
    return clq_verify_answers(&place->machine, error);
}

clq_status clq_verify_device_begin(void *cookie, const char *reproduce, clq_error *error)
{
    if (reproduce != NULL) {
        CLQ_TRY(clq_verify_make_folder(reproduce, error));
    }
    return begin_machine(cookie, error);
}

/* Drivers may take a whole context for lost after a fault in one kernel: another one is made. */
static clq_status open_own(device_place *place, clq_error *error)
{
    clq_context *lost = place->context;
    clq_context *made = NULL;
    char spec[32];
    if (lost->device.platform < 0) {
        return error->status; /* of the caller's making, over a sub-device: no specification names it */
    }
    snprintf(spec, sizeof spec, "%d:%d", (int)lost->device.platform, (int)lost->device.device);
    CLQ_TRY(clq_context_create(spec, &made, error));
    clq_context_set_log(made, lost->log, lost->log_cookie);
    clq_context_set_emulation(made, lost->emulates);
    clq_context_set_tile_permission(made, !lost->asks_no_permission);
    clq_context_destroy(&lost);
    take_context(place, made);
    return CLQ_OK;
}

/* What the queue and its memory are after a failure is not known: all is made anew. */
clq_status clq_verify_device_recover(void *cookie, clq_error *error)
{
    device_place *place = cookie;
    clq_cl_machine_end(&place->machine, CLQ_DEVICE_ERROR);
    if (begin_machine(place, error) == CLQ_OK) {
        return CLQ_OK;
    }
    clq_cl_machine_end(&place->machine, CLQ_DEVICE_ERROR);
    CLQ_TRY(open_own(place, error));
    return begin_machine(place, error);
}

clq_status clq_verify_device_run(void *cookie, clq_verify_work *work, clq_error *error)
{
    device_place *place = cookie;
    return clq_verify_run(&place->machine, work, error);
}

void clq_verify_device_close(void *cookie, clq_status status)
{
    device_place *place = cookie;
    clq_cl_machine_end(&place->machine, status);
    clq_context_destroy(&place->context);
    free(place);
}

/* Launches are kept of cases that are known to fail alone. */
static clq_status write_launches(device_place *place, clq_verify_work *work, clq_verify_fault *fault, int withholds,
                                 const char *folder, int *is_written, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_verify_record_begin(&place->record, &place->machine, withholds);
    (void)clq_verify_run(&place->machine, work, &place->unwanted);
    clq_verify_record_end(&place->record, &place->machine);
    *is_written = place->record.is_whole && work->arena.before != NULL;
    if (*is_written) {
        fault->record = &place->record;
        fault->refused_bytes = place->machine.refused_bytes;
        status = clq_verify_reproduce(fault, folder, error);
    }
    clq_verify_record_release(&place->record);
    clq_trial_arena_release(&work->arena);
    return status;
}

clq_status clq_verify_device_write_fault(void *cookie, clq_verify_work *work, clq_verify_fault *fault, int withholds,
                                         const char *folder, int *is_written, clq_error *error)
{
    if (fault->built_file == NULL) {
        return write_launches(cookie, work, fault, withholds, folder, is_written, error);
    }
    *is_written = 1;
    return clq_verify_reproduce(fault, folder, error);
}

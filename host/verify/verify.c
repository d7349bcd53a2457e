/* SPDX-License-Identifier: Apache-2.0 */
/* The run over all cases, and what becomes of one that fails. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <clquant/opencl.h>

#include "verify/report.h"
#include "verify/reproduce.h"
#include "verify/run.h"

enum { MOST_FAULTS = 20, PATH_BYTES = 4096 };

typedef struct verify_call {
    clq_context *context; /* where cases run; `own` is the same one */
    clq_context *own;
    const clq_verify_request *request;
    clq_verify_events events;
    double begun;
    clq_verify_items items;
    clq_cl_machine machine;
    clq_verify_work work;
    clq_verify_difference difference;
    clq_verify_report *report;
    clq_error story; /* of the case at work */
    clq_error first; /* of the first case that failed */
    clq_error unwanted;
    int is_kept; /* the case at work: it has a program that was lost before, in the compiler or in a launch */
    clq_cl_recorder teller; /* of launches */
    clq_verify_record record;
    char faults[MOST_FAULTS][CLQ_VERIFY_NAME_BYTES]; /* that have a folder */
    size_t fault_count;
    char folder[PATH_BYTES]; /* of the newest */
} verify_call;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- a device that fails ---- */

static int tell_compiling(void *cookie, const char *file, const char *options)
{
    verify_call *call = cookie;
    const int is_kept = call->events.compiles != NULL && call->events.compiles(call->events.cookie, file, options);
    call->is_kept |= is_kept;
    return is_kept;
}

static int tell_launching(void *cookie, const clq_cl_launch *launch, const char *options, const size_t global[3],
                          const size_t local[3])
{
    verify_call *call = cookie;
    const int is_kept =
        call->events.launches != NULL && call->events.launches(call->events.cookie, launch->file, options);
    (void)global;
    (void)local;
    call->is_kept |= is_kept;
    return is_kept;
}

/* The context in which cases run from now on. */
static void take_context(verify_call *call, clq_context *made)
{
    made->cl->programs.compiles = tell_compiling;
    made->cl->programs.compiles_cookie = call;
    call->own = made;
    call->context = made;
}

/*
 * A context of the call's own over the caller's: of what kernels were set aside nothing is known there, and programs
 * are built from source, since nothing is kept: what is verified is the device's compiler too.
 */
static clq_status share_context(verify_call *call, const clq_context *given, clq_error *error)
{
    clq_context *made = NULL;
    CLQ_TRY(clq_context_from_opencl(given->cl->context, given->cl->device, &made, error));
    made->device = given->device;
    clq_context_set_log(made, given->log, given->log_cookie);
    clq_context_set_emulation(made, given->emulates);
    take_context(call, made);
    return CLQ_OK;
}

static clq_status begin_machine(verify_call *call, clq_error *error)
{
    CLQ_TRY(clq_cl_machine_begin(&call->machine, call->context, 0, error));
    call->teller = (clq_cl_recorder){call, tell_launching, 0};
    call->machine.stream.recorder = &call->teller;
    return clq_verify_answers(&call->machine, error);
}

/* Drivers may take a whole context for lost after a fault in one kernel: another one is made. */
static clq_status open_own(verify_call *call, clq_error *error)
{
    const clq_context *lost = call->context;
    clq_context *made = NULL;
    char spec[32];
    if (lost->device.platform < 0) {
        return error->status; /* of the caller's making: it is not known where it came from */
    }
    snprintf(spec, sizeof spec, "%d:%d", (int)lost->device.platform, (int)lost->device.device);
    CLQ_TRY(clq_context_create(spec, &made, error));
    clq_context_set_log(made, lost->log, lost->log_cookie);
    clq_context_set_emulation(made, lost->emulates);
    clq_context_destroy(&call->own);
    take_context(call, made);
    return CLQ_OK;
}

/* What the queue and its memory are after a failure is not known: all is made anew. */
static clq_status recover(verify_call *call, clq_error *error)
{
    clq_cl_machine_end(&call->machine, CLQ_DEVICE_ERROR);
    if (begin_machine(call, error) == CLQ_OK) {
        return CLQ_OK;
    }
    clq_cl_machine_end(&call->machine, CLQ_DEVICE_ERROR);
    CLQ_TRY(open_own(call, error));
    return begin_machine(call, error);
}

/* ---- one case ---- */

static void judge(verify_call *call, clq_status status, clq_verify_case *c)
{
    if (status == CLQ_OK) {
        if (clq_verify_differ(&call->work, &call->difference)) {
            c->verdict = CLQ_VERIFY_DIFFERS;
            c->difference = &call->difference;
        }
        return;
    }
    c->verdict = status == CLQ_UNSUPPORTED ? CLQ_VERIFY_SKIPPED : CLQ_VERIFY_FAILED;
    c->reason = call->story.message;
    if (c->verdict == CLQ_VERIFY_FAILED && call->first.status == CLQ_OK) {
        call->first = call->story;
    }
}

/* Without memory on the host nothing can be said of the device. */
static int is_of_host(const clq_error *story)
{
    return story->status == CLQ_OUT_OF_MEMORY && story->opencl_code == 0;
}

static clq_status run_item(verify_call *call, const clq_verify_item *item, clq_verify_case *c, clq_error *error)
{
    clq_status status;
    if (item->skipped != NULL) {
        c->verdict = CLQ_VERIFY_SKIPPED;
        c->reason = item->skipped;
        return CLQ_OK;
    }
    memset(&call->story, 0, sizeof call->story);
    call->is_kept = 0;
    status = clq_verify_describe(&call->work, item, call->request->seed, &call->story);
    if (status == CLQ_OK) {
        status = clq_verify_run(&call->machine, &call->work, &call->story);
    }
    if (status != CLQ_OK && is_of_host(&call->story)) {
        *error = call->story;
    } else {
        judge(call, status, c);
    }
    clq_trial_arena_release(&call->work.arena);
    return status != CLQ_OK && is_of_host(&call->story) ? status : CLQ_OK;
}

/* The first case of the call, when the request says so. */
static int is_lost(const verify_call *call)
{
    return call->request->lost != NULL && call->report->case_count == 0;
}

static void judge_lost(verify_call *call, clq_verify_case *c)
{
    memset(&call->story, 0, sizeof call->story);
    (void)clq_fail(&call->story, CLQ_DEVICE_ERROR, "%s", call->request->lost);
    judge(call, CLQ_DEVICE_ERROR, c);
}

/* ---- programs that show a fault ---- */

/* Those that have a folder since before this call: its name is the fault's. */
static void take_faults(verify_call *call)
{
    const clq_verify_report *before = call->request->before;
    for (size_t i = 0; before != NULL && i < before->case_count && call->fault_count < MOST_FAULTS; i++) {
        const char *folder = before->cases[i].reproducer;
        if (folder != NULL) {
            const char *slash = strrchr(folder, '/');
            snprintf(call->faults[call->fault_count++], sizeof call->faults[0], "%s",
                     slash != NULL ? slash + 1 : folder);
        }
    }
}

/* Whether the fault gets a folder: the first case of its kernel, which is the smallest. */
static int is_new_fault(verify_call *call, const clq_verify_item *item)
{
    char *name = call->faults[call->fault_count];
    if (call->request->reproduce == NULL || call->fault_count == MOST_FAULTS) {
        return 0;
    }
    clq_verify_fault_name(item, name);
    for (size_t i = 0; i < call->fault_count; i++) {
        if (strcmp(call->faults[i], name) == 0) {
            return 0;
        }
    }
    call->fault_count++;
    return 1;
}

/* The case once more, while its launches are kept: nothing is kept of the cases that are right. Those of a lost case
 * must not be made. That it fails once more is known, but it has to be described. */
static clq_status write_launches(verify_call *call, const clq_verify_item *item, const clq_verify_fault *fault,
                                 clq_verify_case *c, clq_error *error)
{
    clq_status status = clq_verify_describe(&call->work, item, call->request->seed, error);
    clq_verify_record_begin(&call->record, &call->machine, is_lost(call));
    if (status == CLQ_OK) {
        (void)clq_verify_run(&call->machine, &call->work, &call->unwanted);
    }
    clq_verify_record_end(&call->record, &call->machine);
    if (call->record.is_whole && call->work.arena.before != NULL) {
        status = clq_verify_reproduce(fault, call->folder, error);
        c->reproducer = call->folder;
    }
    clq_verify_record_release(&call->record);
    clq_trial_arena_release(&call->work.arena);
    return status;
}

/* A case that was lost in a compiler would be lost there again. */
static clq_status write_fault(verify_call *call, const clq_verify_item *item, clq_verify_case *c, clq_error *error)
{
    const clq_verify_request *request = call->request;
    const char *name = call->faults[call->fault_count - 1];
    clq_verify_fault fault = {&call->report->device, c,    &call->work, &call->record,
                              call->story.build_log, NULL, NULL,        0};
    if ((size_t)snprintf(call->folder, sizeof call->folder, "%s/%s", request->reproduce, name) >= sizeof call->folder) {
        return clq_fail(error, CLQ_IO_ERROR, "the path of a folder for %s is too long", name);
    }
    if (is_lost(call)) {
        fault.built_file = request->lost_file;
        fault.built_options = request->lost_options;
        fault.limit_seconds = request->lost_seconds;
    }
    if (fault.built_file == NULL) {
        return write_launches(call, item, &fault, c, error);
    }
    c->reproducer = call->folder;
    return clq_verify_reproduce(&fault, call->folder, error);
}

static clq_status reproduce(verify_call *call, const clq_verify_item *item, clq_verify_case *c, clq_error *error)
{
    const int is_fault = c->verdict == CLQ_VERIFY_DIFFERS || c->verdict == CLQ_VERIFY_FAILED;
    if (!is_fault || call->is_kept || !is_new_fault(call, item)) {
        return CLQ_OK;
    }
    if (c->verdict == CLQ_VERIFY_FAILED) {
        CLQ_TRY(recover(call, error));
    }
    return write_fault(call, item, c, error);
}

/* ---- all cases ---- */

static clq_status do_item(verify_call *call, const clq_verify_item *item, clq_error *error)
{
    char name[CLQ_VERIFY_NAME_BYTES];
    char operation[CLQ_VERIFY_OPERATION_BYTES];
    const double begun = seconds_now();
    clq_status status;
    clq_verify_case c;
    memset(&c, 0, sizeof c);
    clq_verify_item_name(item, name);
    clq_verify_item_operation(item, operation);
    c.name = name;
    c.operation = operation;
    if (call->events.begun != NULL) {
        call->events.begun(call->events.cookie, name, call->report);
    }
    if (is_lost(call)) {
        judge_lost(call, &c);
    } else {
        CLQ_TRY(run_item(call, item, &c, error));
    }
    c.seconds = seconds_now() - begun;
    CLQ_TRY(reproduce(call, item, &c, error));
    /* A driver that goes on badly after a failure does so in the case that failed. */
    status = c.verdict == CLQ_VERIFY_FAILED ? recover(call, error) : CLQ_OK;
    if (call->events.ended != NULL) {
        call->events.ended(call->events.cookie, &c);
    }
    call->report->seconds = seconds_now() - call->begun;
    CLQ_TRY(clq_verify_report_add(call->report, &c, error));
    return status;
}

static clq_status do_items(verify_call *call, size_t first, clq_error *error)
{
    for (size_t i = first; i < call->items.count; i++) {
        if (call->events.is_cancelled != NULL && call->events.is_cancelled(call->events.cookie)) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted after %zu of %zu cases", i, call->items.count);
        }
        CLQ_TRY(do_item(call, &call->items.items[i], error));
    }
    return CLQ_OK;
}

static clq_status run_call(verify_call *call, clq_error *error)
{
    const size_t first = call->request->before != NULL ? call->request->before->case_count : 0;
    clq_status status;
    CLQ_TRY(share_context(call, call->context, error));
    CLQ_TRY(clq_verify_items_create(call->context, call->request, &call->items, error));
    CLQ_REQUIRE(first < call->items.count, "clq_verify: the report before has %zu cases, and there are %zu", first,
                call->items.count);
    call->report->planned_count = call->items.count;
    take_faults(call);
    if (call->request->reproduce != NULL) {
        CLQ_TRY(clq_verify_make_folder(call->request->reproduce, error));
    }
    status = begin_machine(call, error);
    if (status == CLQ_OK) {
        status = do_items(call, first, error);
    }
    clq_cl_machine_end(&call->machine, status);
    return status == CLQ_OK ? clq_verify_conclude(call->report, &call->first, error) : status;
}

static clq_status check_call(const clq_context *context, const clq_verify_request *request,
                             const clq_verify_events *events, clq_error *error)
{
    CLQ_REQUIRE(context != NULL && request != NULL, "clq_verify: context and request must not be NULL");
    CLQ_REQUIRE(request->struct_size == sizeof *request,
                "clq_verify: the request has a struct_size of %u, required is %zu: clq_verify_request_init sets it",
                (unsigned)request->struct_size, sizeof *request);
    CLQ_REQUIRE(events == NULL || events->struct_size == sizeof *events,
                "clq_verify: the events have a struct_size of %u, required is %zu", (unsigned)events->struct_size,
                sizeof *events);
    CLQ_REQUIRE((request->lost_file == NULL) == (request->lost_options == NULL) &&
                    (request->lost_file == NULL || request->lost != NULL),
                "clq_verify: lost_file and lost_options must be given together, and with lost");
    CLQ_REQUIRE((unsigned)request->extent <= CLQ_VERIFY_FULL, "clq_verify: %d is no extent", (int)request->extent);
    CLQ_REQUIRE(context->native == NULL,
                "native has no kernels to verify: a context compares each of its loops with the "
                "reference before their first use");
    CLQ_REQUIRE(context->cl != NULL, "the reference is what devices are compared with: there is nothing to verify");
    return CLQ_OK;
}

clq_status clq_verify(clq_context *context, const clq_verify_request *request, const clq_verify_events *events,
                      clq_verify_report **report, clq_error *error)
{
    verify_call *call = NULL;
    clq_verify_report facts;
    clq_status status;
    if (report != NULL) {
        *report = NULL;
    }
    CLQ_TRY(check_call(context, request, events, error));
    call = calloc(1, sizeof *call);
    memset(&facts, 0, sizeof facts);
    facts.device = context->device;
    facts.extent = request->extent;
    facts.seed = request->seed;
    if (call == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    status = clq_verify_report_create(&facts, &call->report, error);
    if (status != CLQ_OK) {
        free(call);
        return status;
    }
    error = error != NULL ? error : &call->unwanted;
    call->begun = seconds_now();
    call->context = context;
    call->request = request;
    if (events != NULL) {
        call->events = *events;
    }
    status = run_call(call, error);
    call->report->seconds = seconds_now() - call->begun;
    clq_verify_items_release(&call->items);
    clq_context_destroy(&call->own);
    if (report != NULL) {
        *report = call->report;
    } else {
        clq_verify_report_destroy(&call->report);
    }
    free(call);
    return status;
}

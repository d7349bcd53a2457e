/* SPDX-License-Identifier: Apache-2.0 */
/* The run over all cases, and what becomes of one that fails. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/error.h"
#include "core/float_mode.h"
#include "core/size.h"
#include "verify/report.h"
#include "verify/reproduce.h"
#include "verify/subject.h"

enum { MOST_FAULTS = 20, PATH_BYTES = 4096 };

typedef struct verify_call {
    const clq_verify_subject *subject;
    void *place;      /* where cases run */
    clq_context *own; /* of the place, at its beginning */
    const clq_verify_request *request;
    clq_verify_events events;
    double begun;
    clq_verify_items items;
    clq_verify_work work;
    clq_verify_difference difference;
    clq_verify_report *report;
    clq_error story; /* of the case at work */
    char reason[sizeof((clq_error *)0)->message + 320];
    clq_error unwanted;
    int is_kept; /* the case at work: it has a program that was lost before, in the compiler or in a launch */
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

/* ---- hooks ---- */

static int tell_compiling(void *cookie, const char *file, const char *options)
{
    verify_call *call = cookie;
    const int is_kept = call->events.compiles != NULL && call->events.compiles(call->events.cookie, file, options);
    call->is_kept |= is_kept;
    return is_kept;
}

static int tell_launching(void *cookie, const char *file, const char *options)
{
    verify_call *call = cookie;
    const int is_kept = call->events.launches != NULL && call->events.launches(call->events.cookie, file, options);
    call->is_kept |= is_kept;
    return is_kept;
}

/* ---- one case ---- */

/* Some compilers (PoCL's) put the source into a file of another name each time: cases that fail for one reason say so.
 */
static void put_line(char *out, size_t capacity, const char *line, size_t length)
{
    const char *path = memchr(line, '/', length);
    const size_t before = path != NULL ? (size_t)(path - line) : length;
    size_t behind = before;
    char text[300];
    if (path == NULL || (before > 0 && line[before - 1] != ' ')) {
        clq_printable(out, capacity, line, length);
        return;
    }
    while (behind < length && line[behind] != ':' && line[behind] != ' ') {
        behind++;
    }
    snprintf(text, sizeof text, "%.*s<kernel>%.*s", (int)before, line, (int)(length - behind), line + behind);
    clq_printable(out, capacity, text, strlen(text));
}

/* Why it failed; of a kernel that the compiler refuses, in the compiler's words. */
static const char *reason_of(verify_call *call)
{
    size_t length = 0;
    const char *line = clq_log_line(call->story.build_log, &length);
    char word[300];
    if (length == 0) {
        return call->story.message;
    }
    put_line(word, sizeof word, line, length);
    snprintf(call->reason, sizeof call->reason, "%s: %s", call->story.message, word);
    return call->reason;
}

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
    c->reason = reason_of(call);
    c->story = c->verdict == CLQ_VERIFY_FAILED ? &call->story : NULL;
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
        status = call->subject->run(call->place, &call->work, &call->story);
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

static int leaves_out(const verify_call *call, clq_verify_case *c)
{
    const char *why = call->events.leaves_out != NULL ? call->events.leaves_out(call->events.cookie) : NULL;
    if (why != NULL) {
        c->verdict = CLQ_VERIFY_SKIPPED;
        c->reason = why;
        c->is_left_out = 1;
    }
    return why != NULL;
}

/* ---- programs that show a fault ---- */

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
    return call->events.is_reproduced == NULL || !call->events.is_reproduced(call->events.cookie, name);
}

/* A case that was lost in a compiler would be lost there again. */
static clq_status write_fault(verify_call *call, const clq_verify_item *item, clq_verify_case *c, clq_error *error)
{
    const clq_verify_request *request = call->request;
    const char *name = call->faults[call->fault_count - 1];
    clq_verify_fault fault = {
        .device = &call->report->device, .what = c, .work = &call->work, .build_log = call->story.build_log};
    int is_written = 0;
    if ((size_t)snprintf(call->folder, sizeof call->folder, "%s/%s", request->reproduce, name) >= sizeof call->folder) {
        return clq_fail(error, CLQ_IO_ERROR, "the path of a folder for %s is too long", name);
    }
    if (is_lost(call)) {
        fault.built_file = request->lost_file;
        fault.built_options = request->lost_options;
        fault.limit_seconds = request->lost_seconds;
    }
    if (fault.built_file == NULL) { /* that it fails once more is known, but it has to be described */
        CLQ_TRY(clq_verify_describe(&call->work, item, request->seed, error));
    }
    CLQ_TRY(
        call->subject->write_fault(call->place, &call->work, &fault, is_lost(call), call->folder, &is_written, error));
    c->reproducer = is_written ? call->folder : NULL;
    return CLQ_OK;
}

/* After a case that failed. */
static clq_status recover(verify_call *call, const clq_verify_case *c, clq_error *error)
{
    const clq_status status = call->subject->recover(call->place, error);
    if (status == CLQ_OK || status == CLQ_OUT_OF_MEMORY) {
        return status;
    }
    return clq_fail_in(error, status, "the device is lost behind %s", c->name);
}

static clq_status reproduce(verify_call *call, const clq_verify_item *item, clq_verify_case *c, clq_error *error)
{
    const int is_fault = c->verdict == CLQ_VERIFY_DIFFERS || c->verdict == CLQ_VERIFY_FAILED;
    if (!is_fault || call->is_kept || !is_new_fault(call, item)) {
        return CLQ_OK;
    }
    if (c->verdict == CLQ_VERIFY_FAILED) {
        CLQ_TRY(recover(call, c, error));
    }
    return write_fault(call, item, c, error);
}

/* ---- all cases ---- */

static clq_status do_item(verify_call *call, size_t number, clq_error *error)
{
    const clq_verify_item *item = &call->items.items[number];
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
    c.number = number;
    if (call->events.begun != NULL) {
        call->events.begun(call->events.cookie, name, number, call->report);
    }
    if (is_lost(call)) {
        judge_lost(call, &c);
    } else if (!leaves_out(call, &c)) {
        CLQ_TRY(run_item(call, item, &c, error));
    }
    c.seconds = seconds_now() - begun;
    status = reproduce(call, item, &c, error);
    /* A driver that goes on badly after a failure does so in the case that failed. */
    status = status == CLQ_OK && c.verdict == CLQ_VERIFY_FAILED ? recover(call, &c, error) : status;
    if (call->events.ended != NULL) {
        call->events.ended(call->events.cookie, &c);
    }
    call->report->seconds = seconds_now() - call->begun;
    CLQ_TRY(clq_verify_report_add(call->report, &c, error));
    return status;
}

static clq_status do_group(verify_call *call, size_t group, size_t first, clq_error *error)
{
    const clq_verify_items *items = &call->items;
    for (size_t i = clq_size_max(items->begins[group], first); i < items->begins[group + 1]; i++) {
        if (call->events.is_cancelled != NULL && call->events.is_cancelled(call->events.cookie)) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted after %zu of %zu cases", call->report->case_count,
                            items->count);
        }
        CLQ_TRY(do_item(call, i, error));
    }
    return CLQ_OK;
}

static clq_status do_groups(verify_call *call, clq_error *error)
{
    for (size_t group = 0;; group++) {
        size_t first = 0;
        if (call->events.next != NULL) {
            group = call->events.next(call->events.cookie, call->report, &first);
        }
        if (group >= call->items.group_count) {
            return CLQ_OK;
        }
        CLQ_TRY(do_group(call, call->items.order[group], first, error));
    }
}

static clq_status do_all(verify_call *call, clq_error *error)
{
    CLQ_TRY(clq_verify_items_create(call->own, call->request, &call->items, error));
    call->report->planned_count = call->items.count;
    call->report->group_count = call->items.group_count;
    CLQ_TRY(call->subject->begin(call->place, call->request->reproduce, error));
    return do_groups(call, error);
}

static clq_status run_call(verify_call *call, clq_context *given, clq_error *error)
{
    const clq_verify_hooks hooks = {call, tell_compiling, tell_launching};
    clq_status status;
    CLQ_TRY(call->subject->open(given, &hooks, &call->place, &call->own, error));
    status = do_all(call, error);
    call->subject->close(call->place, status);
    return status == CLQ_OK ? clq_verify_report_conclude(call->report, error) : status;
}

static clq_status check_call(const clq_context *context, const clq_verify_request *request,
                             const clq_verify_events *events, clq_error *error)
{
    const clq_verify_subject *subject;
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
    subject = clq_verify_subject_of(context);
    CLQ_REQUIRE(subject != NULL, "the reference is what devices are compared with: there is nothing to verify");
    CLQ_REQUIRE(request->reproduce == NULL || subject->write_fault != NULL,
                "programs that show a fault are of OpenCL devices: there are none of %s", context->device.name);
    return CLQ_OK;
}

clq_status clq_verify(clq_context *context, const clq_verify_request *request, const clq_verify_events *events,
                      clq_verify_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
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
    call->subject = clq_verify_subject_of(context);
    call->request = request;
    if (events != NULL) {
        call->events = *events;
    }
    status = run_call(call, context, error);
    clq_verify_report_order(call->report);
    call->report->seconds = seconds_now() - call->begun;
    clq_verify_items_release(&call->items);
    if (report != NULL) {
        *report = call->report;
    } else {
        clq_verify_report_destroy(&call->report);
    }
    free(call);
    return status;
}

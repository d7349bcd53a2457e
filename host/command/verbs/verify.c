/* SPDX-License-Identifier: Apache-2.0 */
/* clquant verify: options become a request, and what clq_verify found on each device becomes a report. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/verbs/verify.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command/verbs/report.h"
#include "format/file.h"

enum { QUICK_SECONDS = 60, STANDARD_SECONDS = 600 }; /* for a device */

typedef enum report_form { NO_REPORT, JSON_REPORT, JUNIT_REPORT, HTML_REPORT } report_form;

typedef struct verify_call {
    cli_options options; /* with the seed, and the device at work */
    cli_verify_result result;
    report_form form;
    clq_writer *writer;
} verify_call;

/* ---- what is asked ---- */

static int ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path);
    return length > strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0;
}

static int check_options(verify_call *call)
{
    cli_options *o = &call->options;
    const char *path = o->verify.report;
    if (o->verify.quick && o->verify.full) {
        return cli_usage_error("--quick and --full cannot both be given");
    }
    if (path != NULL) {
        call->form = ends_in(path, ".json")   ? JSON_REPORT
                     : ends_in(path, ".xml")  ? JUNIT_REPORT
                     : ends_in(path, ".html") ? HTML_REPORT
                                              : NO_REPORT;
        if (call->form == NO_REPORT) {
            return cli_usage_error("--report %s: required is a file that ends in .json, .xml (JUnit) or .html", path);
        }
    }
    if (o->verify.budget == 0 && !o->verify.full) {
        o->verify.budget = o->verify.quick ? QUICK_SECONDS : STANDARD_SECONDS;
    }
    if (!o->verify.seed_given) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        o->seed = ((uint64_t)now.tv_sec << 20) ^ (uint64_t)now.tv_nsec ^ ((uint64_t)getpid() << 10);
        o->seed &= UINT32_MAX; /* short enough to be typed */
    }
    return CLI_OK;
}

/* ---- all devices ---- */

static void add_device(void *cookie, const char *spec)
{
    cli_verify_result *result = cookie;
    if (result->count < CLI_VERIFY_DEVICES) {
        cli_verify_run *run = &result->runs[result->count++];
        snprintf(run->spec, sizeof run->spec, "%.31s", spec);
        run->is_listed = 1;
    }
}

static clq_status find_devices(verify_call *call, clq_error *error)
{
    cli_verify_result *result = &call->result;
    result->runs = calloc(CLI_VERIFY_DEVICES, sizeof *result->runs);
    if (result->runs == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of devices");
    }
    if (strcmp(call->options.device, "all") != 0) {
        snprintf(result->runs[0].spec, sizeof result->runs[0].spec, "%.31s", call->options.device);
        result->count = 1;
        return CLQ_OK;
    }
    CLQ_TRY(cli_verify_devices(&call->options, add_device, result, error));
    if (result->count == 0) {
        return clq_fail(error, CLQ_NO_DEVICE, "there is no usable OpenCL device to verify (see 'clquant devices')");
    }
    return CLQ_OK;
}

static clq_status verify_all(verify_call *call, clq_error *error)
{
    cli_verify_result *result = &call->result;
    const int is_all = strcmp(call->options.device, "all") == 0;
    for (size_t i = 0; i < result->count; i++) {
        cli_verify_run *run = &result->runs[i];
        if (is_all) {
            call->options.device = run->spec;
        }
        cli_verify_device(&call->options, run);
        result->is_cancelled |= (run->status == CLQ_CANCELLED && !run->is_late) || cli_should_end();
        if (result->is_cancelled) {
            result->count = i + 1;
        }
        if (!call->options.json) {
            CLQ_TRY(cli_verify_print(result, run, error));
            cli_flush_output(); /* the next device may take minutes */
        }
    }
    return CLQ_OK;
}

static int code_of_run(const cli_verify_run *run)
{
    const int code = cli_report(&run->error);
    return run->is_late ? CLI_FAILURE : code;
}

/* What counts for more comes later. */
static int weight_of(int code)
{
    static const int codes[] = {CLI_OK, CLI_QUALITY, CLI_FAILURE, CLI_NO_DEVICE, CLI_MISMATCH};
    int weight = 0;
    while (weight < 4 && codes[weight] != code) {
        weight++;
    }
    return codes[weight] == code ? weight : 3;
}

/* All cases were skipped, and not for want of time. */
static int is_of_nothing(const cli_verify_run *run)
{
    const clq_verify_report *report = run->report;
    return run->status == CLQ_OK && report != NULL && report->case_count > 0 &&
           report->counts[CLQ_VERIFY_SKIPPED] == report->case_count;
}

/* A verification of nothing is no success: of a device beside others a warning, of all of them an exit code. */
static int code_of_nothing(cli_verify_result *result)
{
    size_t count = 0;
    int code = CLI_OK;
    for (size_t i = 0; i < result->count; i++) {
        count += is_of_nothing(&result->runs[i]) != 0;
    }
    for (size_t i = 0; i < result->count; i++) {
        cli_verify_run *run = &result->runs[i];
        if (is_of_nothing(run)) {
            (void)clq_fail(&run->error, CLQ_REFUSED, "%s: nothing was verified: all %zu cases were skipped: %s",
                           run->report->device.name, run->report->case_count, run->report->cases[0].reason);
            if (count == result->count) {
                run->status = CLQ_REFUSED;
                code = cli_report(&run->error);
            } else {
                cli_warning(result->options, "%s", run->error.message);
            }
        }
    }
    return code;
}

/* A difference counts for more than a device that failed on another, and that for more than one that was too slow; a
 * run that was broken off for most. */
static int code_of(cli_verify_result *result)
{
    int code = result->is_cancelled ? CLI_OK : code_of_nothing(result);
    for (size_t i = 0; i < result->count; i++) {
        const cli_verify_run *run = &result->runs[i];
        const int is_broken_off = run->status == CLQ_CANCELLED && !run->is_late;
        int own = CLI_OK;
        if (is_broken_off && run->report != NULL && run->report->counts[CLQ_VERIFY_DIFFERS] > 0) {
            own = CLI_MISMATCH;
        } else if (run->status != CLQ_OK && run->status != CLQ_REFUSED && !is_broken_off && !result->is_cancelled) {
            own = code_of_run(run);
        }
        code = weight_of(own) > weight_of(code) ? own : code;
    }
    return result->is_cancelled && cli_interrupted() ? cli_interrupt_code() : code;
}

/* ---- reports ---- */

static clq_status write_report(verify_call *call, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_json_writer json;
    clq_text text = {0};
    char *bytes = NULL;
    size_t length = 0;
    if (call->form == NO_REPORT) {
        return CLQ_OK;
    }
    if (call->form == JSON_REPORT) {
        clq_json_writer_begin(&json, NULL);
        cli_verify_json(&json, &call->result);
        clq_json_writer_end(&json);
        text = json.text;
    } else if (call->form == JUNIT_REPORT) {
        cli_verify_junit(&text, &call->result);
    } else {
        cli_verify_html(&text, &call->result);
    }
    CLQ_TRY_TO(clq_text_take(&text, "the report", &bytes, &length, error));
    CLQ_TRY_TO(clq_writer_write(call->writer, bytes, length, error));
    CLQ_TRY_TO(clq_writer_commit(&call->writer, error));
done:
    clq_text_release(&text);
    free(bytes);
    return status;
}

static int run(verify_call *call)
{
    clq_error error;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(find_devices(call, &error));
    if (call->form != NO_REPORT) { /* a folder that is not there is told before minutes have passed */
        CLQ_TRY_TO(clq_writer_open(call->options.verify.report, 0, 1, &call->writer, &error));
    }
    CLQ_TRY_TO(verify_all(call, &error));
    call->result.code = code_of(&call->result);
    if (write_report(call, &error) != CLQ_OK) {
        call->result.code = cli_report_late(call->result.code, &error);
    }
    if (call->options.json) {
        clq_json_writer json;
        cli_json_begin(&json);
        cli_verify_json(&json, &call->result);
        cli_json_end(&json);
    }
    return call->result.code;
done:
    return cli_report(&error);
}

int cli_verify(const cli_options *options)
{
    clq_error error;
    verify_call *call = calloc(1, sizeof *call);
    int code;
    if (call == NULL) {
        clq_fail(&error, CLQ_OUT_OF_MEMORY, "no memory for the report");
        return cli_report(&error);
    }
    call->options = *options;
    if (options->verify.report == NULL && options->verify.reproduce == NULL) {
        cli_output_is_all();
    }
    call->result.options = &call->options;
    code = check_options(call);
    if (code == CLI_OK) {
        code = run(call);
    }
    for (size_t i = 0; i < call->result.count; i++) {
        clq_verify_report_destroy(&call->result.runs[i].report);
    }
    clq_writer_abandon(&call->writer);
    free(call->result.runs);
    free(call);
    return code;
}

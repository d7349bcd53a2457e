/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* isatty */
#endif
#include <string.h>
#include <unistd.h>

#include "command/frame/drivers.h"
#include "command/frame/width.h"
#include "command/verbs/devices.h"

static const char *type_name(clq_device_type type)
{
    switch (type) {
    case CLQ_DEVICE_REFERENCE:
        return "reference";
    case CLQ_DEVICE_CPU:
        return "cpu";
    case CLQ_DEVICE_GPU:
        return "gpu";
    case CLQ_DEVICE_ACCELERATOR:
        return "accelerator";
    case CLQ_DEVICE_OTHER:
        return "other";
    }
    return "other";
}

static const char *plan_name(int i)
{
    return i < CLQ_OP_COUNT ? clq_operation_name((clq_operation)i) : "gemm";
}

enum { FACT_INDENT = 25 }; /* where values begin */

/* On a terminal long ones go on below themselves; for programs they are one line. */
static void print_fact(const char *title, const char *text)
{
    const size_t room = cli_line_width() > 2 * FACT_INDENT ? cli_line_width() - FACT_INDENT : FACT_INDENT;
    size_t fits;
    while (isatty(STDOUT_FILENO) && cli_text_width(text) > room && (fits = cli_fold(text, room)) > 0) {
        cli_line(stdout, "    %-20s %.*s", title, (int)fits, text);
        text += fits + strspn(text + fits, " ");
        title = "";
    }
    if (text[0] != '\0') {
        cli_line(stdout, "    %-20s %s", title, text);
    }
}

/* Whether an operation before this one has the same reason, which is told once. */
static int is_told(const cli_device_report *report, int i)
{
    for (int before = 0; before < i; before++) {
        if (strcmp(report->plans[before].reason, report->plans[i].reason) == 0) {
            return 1;
        }
    }
    return 0;
}

static void print_plans(const cli_device_report *report)
{
    for (int i = 0; i < CLI_DEVICE_PLANS; i++) {
        const clq_plan *plan = &report->plans[i];
        const char *reason = is_told(report, i) ? "" : plan->reason;
        char text[256];
        snprintf(text, sizeof text, "%s%s%s%s", plan->variant, reason[0] != '\0' ? " (" : "", reason,
                 reason[0] != '\0' ? ")" : "");
        print_fact(plan_name(i), text);
    }
}

static void print_device(const cli_device_report *report)
{
    const clq_device_info *info = &report->info;
    char memory[32];
    char largest[32];
    char text[128];
    cli_line(stdout, "%s  %s  %s%s%s%s", report->spec, type_name(info->type), info->name,
             report->is_auto ? "  [auto]" : "", report->is_selected ? "  [selected]" : "",
             !info->usable || report->problem[0] != '\0' ? "  [not usable]"
             : report->probe_fails                       ? "  [computes nothing]"
                                                         : "");
    print_fact("platform", info->platform_name);
    print_fact("version", info->version);
    print_fact("driver", info->driver);
    if (info->type != CLQ_DEVICE_REFERENCE) {
        clq_format_bytes(memory, sizeof memory, info->global_memory_bytes);
        clq_format_bytes(largest, sizeof largest, info->maximum_allocation_bytes);
        snprintf(text, sizeof text, "%u", (unsigned)info->compute_units);
        print_fact("compute units", text);
        if (info->platform < 0) {
            snprintf(text, sizeof text, "%s, the machine's", memory);
        } else {
            snprintf(text, sizeof text, "%s, one buffer up to %s", memory, largest);
        }
        print_fact("memory", text);
    }
    print_fact("missing", info->missing);
    print_fact("problem", report->problem);
    print_fact("probe", strcmp(report->probe, report->problem) != 0 ? report->probe : "");
    if (report->planned) {
        print_plans(report);
    }
    if (report->planned && info->type != CLQ_DEVICE_REFERENCE) {
        print_fact("before first use",
                   info->platform < 0
                       ? "loops are compared with the reference, which computes where none give its bytes"
                       : "each kernel is compared with the reference; where none gives its bytes, the "
                         "host computes");
    }
}

static void json_text(clq_json_writer *json, const char *key, const char *value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_string(json, value);
}

static void json_plans(clq_json_writer *json, const cli_device_report *report)
{
    clq_json_writer_key(json, "operations");
    clq_json_writer_open(json, '[');
    for (int i = 0; report->planned && i < CLI_DEVICE_PLANS; i++) {
        clq_json_writer_open(json, '{');
        json_text(json, "operation", plan_name(i));
        clq_json_writer_key(json, "variant");
        if (report->plan_status[i] == CLQ_OK) {
            clq_json_writer_string(json, report->plans[i].variant);
        } else {
            clq_json_writer_null(json);
        }
        json_text(json, "reason", report->plans[i].reason);
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

static void json_device(clq_json_writer *json, const cli_device_report *report)
{
    const clq_device_info *info = &report->info;
    clq_json_writer_open(json, '{');
    json_text(json, "spec", report->spec);
    clq_json_writer_key(json, "auto");
    clq_json_writer_bool(json, report->is_auto);
    clq_json_writer_key(json, "selected");
    clq_json_writer_bool(json, report->is_selected);
    json_text(json, "type", type_name(info->type));
    json_text(json, "name", info->name);
    json_text(json, "platform", info->platform_name);
    json_text(json, "version", info->version);
    json_text(json, "driver", info->driver);
    clq_json_writer_key(json, "compute_units");
    clq_json_writer_u64(json, info->compute_units);
    clq_json_writer_key(json, "global_memory_bytes");
    clq_json_writer_u64(json, info->global_memory_bytes);
    clq_json_writer_key(json, "maximum_allocation_bytes");
    clq_json_writer_u64(json, info->maximum_allocation_bytes);
    clq_json_writer_key(json, "usable");
    clq_json_writer_bool(json, info->usable && report->problem[0] == '\0');
    json_text(json, "missing", info->missing[0] != '\0' ? info->missing : report->problem);
    if (report->probed) {
        clq_json_writer_key(json, "probe_passed");
        clq_json_writer_bool(json, !report->probe_fails);
        json_text(json, "probe", report->probe);
    }
    json_plans(json, report);
    clq_json_writer_close(json, '}');
}

/* Why there is no OpenCL device: what the loader is told of, and what is wrong with each. */
typedef struct no_device {
    char reason[sizeof((clq_error *)0)->message + 32];
    const cli_driver *drivers; /* but for those that were left out */
    size_t count;
    const char *place; /* where there is no driver's .icd file, else NULL */
} no_device;

static void find_why_none(no_device *none)
{
    const cli_driver *left_out = NULL;
    const char *place = NULL;
    size_t first;
    clq_error absent;
    memset(none, 0, sizeof *none);
    if (clq_opencl_available(&absent) != CLQ_OK) {
        snprintf(none->reason, sizeof none->reason, "no OpenCL: %s", absent.message);
        return;
    }
    none->count = cli_explain_drivers(&none->drivers, &place);
    none->place = none->count == 0 ? place : NULL;
    snprintf(none->reason, sizeof none->reason, "no OpenCL device was found");
    first = cli_left_out_drivers(&left_out);
    none->drivers += first;
    none->count -= first;
}

static const char *fault_of(const cli_driver *driver)
{
    return driver->fault[0] != '\0' ? driver->fault : "loads, and shows no device";
}

static void print_no_device(void)
{
    no_device none;
    find_why_none(&none);
    cli_line(stdout, "%s", "");
    cli_line(stdout, "%s", none.reason);
    if (none.place != NULL) {
        cli_line(stdout, "    there is no driver's .icd file in %s", none.place);
    }
    for (size_t i = 0; i < none.count; i++) {
        const cli_driver *d = &none.drivers[i];
        cli_line(stdout, "    %s%s%s: %s", d->icd, d->icd[0] != '\0' ? " names " : "", d->library, fault_of(d));
    }
    if (clq_opencl_available(NULL) == CLQ_OK) {
        cli_line(stdout, "install an OpenCL driver (PoCL runs on any CPU); 'clinfo -l' lists what the system offers");
    }
}

static void print_left_out(void)
{
    const cli_driver *drivers = NULL;
    const size_t count = cli_left_out_drivers(&drivers);
    for (size_t i = 0; i < count; i++) {
        cli_line(stdout, "%s", "");
        cli_line(stdout, "left out  driver  %s", drivers[i].library);
        print_fact("named by", drivers[i].icd[0] != '\0' ? drivers[i].icd : "OCL_ICD_VENDORS");
        print_fact("problem", drivers[i].fault);
    }
}

static void json_drivers(clq_json_writer *json, const char *key, const cli_driver *drivers, size_t count)
{
    clq_json_writer_key(json, key);
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        clq_json_writer_open(json, '{');
        json_text(json, "driver", drivers[i].library);
        json_text(json, "icd", drivers[i].icd);
        json_text(json, "problem", fault_of(&drivers[i]));
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

static void json_no_device(clq_json_writer *json, int is_none)
{
    no_device none;
    clq_json_writer_key(json, "no_device");
    if (!is_none) {
        clq_json_writer_null(json);
        return;
    }
    find_why_none(&none);
    clq_json_writer_open(json, '{');
    json_text(json, "reason", none.reason);
    clq_json_writer_key(json, "looked_in");
    if (none.place != NULL) {
        clq_json_writer_string(json, none.place);
    } else {
        clq_json_writer_null(json);
    }
    json_drivers(json, "drivers", none.drivers, none.count);
    clq_json_writer_close(json, '}');
}

void cli_devices_print_json(const cli_device_report *reports, size_t count)
{
    const cli_driver *left_out = NULL;
    size_t left_out_count = cli_left_out_drivers(&left_out);
    clq_json_writer json;
    cli_json_begin(&json);
    json_text(&json, "version", clq_version());
    clq_json_writer_key(&json, "devices");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        json_device(&json, &reports[i]);
    }
    clq_json_writer_close(&json, ']');
    json_drivers(&json, "left_out", left_out, left_out_count);
    json_no_device(&json, count == CLQ_OWN_DEVICES);
    cli_json_end(&json);
}

void cli_devices_print_text(const cli_device_report *reports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            cli_line(stdout, "%s", "");
        }
        print_device(&reports[i]);
    }
    print_left_out();
    if (count == CLQ_OWN_DEVICES) {
        print_no_device();
    }
}

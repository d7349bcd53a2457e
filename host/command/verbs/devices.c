/* SPDX-License-Identifier: Apache-2.0 */
/* clquant devices: every platform and device, what would run there and why, what is missing. */
#include <stdlib.h>
#include <string.h>

#include "command/frame/drivers.h"

/* The operations of a clq_quantization, then gemm. */
enum { PLANS = CLQ_OP_COUNT + 1 };

/* One device with the answers of a context on it. */
typedef struct device_report {
    clq_device_info info;
    char spec[32];
    int is_auto;        /* --device auto takes it */
    int is_selected;    /* the --device of this call, or CLQUANT_DEVICE, takes it */
    int planned;        /* plans are filled in */
    char problem[1024]; /* why they are not, when the device looked usable */
    clq_plan plans[PLANS];
    clq_status plan_status[PLANS];
} device_report;

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

/* What would run, as far as is known before anything was tried, for f32 data, or for a matrix product of a middling
 * layer. */
static clq_status ask_plan(clq_context *context, int i, clq_plan *plan, clq_error *error)
{
    clq_quantization q;
    clq_gemm_problem problem;
    if (i < CLQ_OP_COUNT) {
        clq_quantization_init(&q);
        q.layout.rank = 1;
        q.layout.shape[0] = UINT64_C(1) << 20;
        return clq_plan_operation(context, (clq_operation)i, &q, plan, error);
    }
    clq_gemm_init(&problem);
    problem.m = problem.n = problem.k = 1024;
    problem.c.dtype = CLQ_S8;
    problem.multiplier = CLQ_GEMM_PER_COLUMN;
    return clq_gemm_plan(context, &problem, 1, plan, error);
}

static void plan_device(device_report *report)
{
    clq_context *context = NULL;
    clq_error error;
    if (clq_context_create(report->spec, &context, &error) != CLQ_OK) {
        snprintf(report->problem, sizeof report->problem, "%s", error.message);
        return;
    }
    cli_use_cache(context); /* for what was tuned */
    for (int i = 0; i < PLANS; i++) {
        clq_plan *plan = &report->plans[i];
        report->plan_status[i] = ask_plan(context, i, plan, &error);
        if (report->plan_status[i] != CLQ_OK) {
            snprintf(plan->variant, sizeof plan->variant, "none");
            snprintf(plan->reason, sizeof plan->reason, "%.150s", error.message);
        }
    }
    report->planned = 1;
    clq_context_destroy(&context);
}

/* The report of the device that a specification takes. */
static clq_status find_taken(const char *spec, device_report *reports, size_t count, device_report **taken,
                             clq_error *error)
{
    clq_context *context = NULL;
    clq_device_info info;
    *taken = NULL;
    CLQ_TRY(clq_context_create(spec, &context, error));
    clq_context_device(context, &info);
    clq_context_destroy(&context);
    for (size_t i = 0; i < count; i++) {
        if (reports[i].info.platform == info.platform && reports[i].info.device == info.device) {
            *taken = &reports[i];
        }
    }
    return CLQ_OK;
}

/* Mark what `auto` takes, if anything, and what was asked for. */
static clq_status mark_taken(const char *spec, device_report *reports, size_t count, clq_error *error)
{
    device_report *taken = NULL;
    const clq_status status = find_taken("auto", reports, count, &taken, error);
    if (status == CLQ_OUT_OF_MEMORY) {
        return status;
    }
    if (status == CLQ_OK && taken != NULL) {
        taken->is_auto = 1;
    }
    CLQ_TRY(find_taken(spec, reports, count, &taken, error));
    if (taken != NULL) {
        taken->is_selected = strcmp(spec, "auto") != 0;
    }
    return CLQ_OK;
}

static clq_status collect(device_report **reports, size_t *count, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_device_info *infos = NULL;
    size_t room = 0;
    *reports = NULL;
    *count = 0;
    CLQ_TRY(clq_devices(0, NULL, &room, error));
    infos = calloc(room + 1, sizeof *infos);
    *reports = calloc(room + 1, sizeof **reports);
    if (infos == NULL || *reports == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of %zu devices", room);
        goto done;
    }
    CLQ_TRY_TO(clq_devices(room, infos, count, error));
    *count = *count < room ? *count : room; /* one may have appeared in between */
    for (size_t i = 0; i < *count; i++) {
        device_report *report = &(*reports)[i];
        report->info = infos[i];
        if (infos[i].platform < 0) {
            snprintf(report->spec, sizeof report->spec, "reference");
        } else {
            snprintf(report->spec, sizeof report->spec, "%d:%d", (int)infos[i].platform, (int)infos[i].device);
        }
        if (infos[i].usable) {
            plan_device(report);
        }
    }
done:
    free(infos);
    return status;
}

static void print_fact(const char *title, const char *text)
{
    if (text[0] != '\0') {
        cli_line(stdout, "    %-20s %s", title, text);
    }
}

static void print_plans(const device_report *report)
{
    for (int i = 0; i < PLANS; i++) {
        const clq_plan *plan = &report->plans[i];
        char text[256];
        snprintf(text, sizeof text, "%s%s%s%s", plan->variant, plan->reason[0] != '\0' ? " (" : "", plan->reason,
                 plan->reason[0] != '\0' ? ")" : "");
        print_fact(plan_name(i), text);
    }
}

static void print_device(const device_report *report)
{
    const clq_device_info *info = &report->info;
    char memory[32];
    char largest[32];
    char text[128];
    cli_line(stdout, "%s  %s  %s%s%s%s", report->spec, type_name(info->type), info->name,
             report->is_auto ? "  [auto]" : "", report->is_selected ? "  [selected]" : "",
             info->usable ? "" : "  [not usable]");
    print_fact("platform", info->platform_name);
    print_fact("version", info->version);
    print_fact("driver", info->driver);
    if (info->type != CLQ_DEVICE_REFERENCE) {
        clq_format_bytes(memory, sizeof memory, info->global_memory_bytes);
        clq_format_bytes(largest, sizeof largest, info->maximum_allocation_bytes);
        snprintf(text, sizeof text, "%u", (unsigned)info->compute_units);
        print_fact("compute units", text);
        snprintf(text, sizeof text, "%s, one buffer up to %s", memory, largest);
        print_fact("memory", text);
    }
    print_fact("missing", info->missing);
    print_fact("problem", report->problem);
    if (report->planned) {
        print_plans(report);
    }
    if (report->planned && info->type != CLQ_DEVICE_REFERENCE) {
        print_fact("before first use",
                   "each kernel is compared with the reference; where none gives its bytes, the host "
                   "computes");
    }
}

static void json_text(clq_json_writer *json, const char *key, const char *value)
{
    clq_json_writer_key(json, key);
    clq_json_writer_string(json, value);
}

static void json_plans(clq_json_writer *json, const device_report *report)
{
    clq_json_writer_key(json, "operations");
    clq_json_writer_open(json, '[');
    for (int i = 0; report->planned && i < PLANS; i++) {
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

static void json_device(clq_json_writer *json, const device_report *report)
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
    json_plans(json, report);
    clq_json_writer_close(json, '}');
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

static void json_left_out(clq_json_writer *json)
{
    const cli_driver *drivers = NULL;
    const size_t count = cli_left_out_drivers(&drivers);
    clq_json_writer_key(json, "left_out");
    clq_json_writer_open(json, '[');
    for (size_t i = 0; i < count; i++) {
        clq_json_writer_open(json, '{');
        json_text(json, "driver", drivers[i].library);
        json_text(json, "icd", drivers[i].icd);
        json_text(json, "problem", drivers[i].fault);
        clq_json_writer_close(json, '}');
    }
    clq_json_writer_close(json, ']');
}

static void print_json(const device_report *reports, size_t count)
{
    clq_json_writer json;
    cli_json_begin(&json);
    json_text(&json, "version", clq_version());
    clq_json_writer_key(&json, "devices");
    clq_json_writer_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        json_device(&json, &reports[i]);
    }
    clq_json_writer_close(&json, ']');
    json_left_out(&json);
    clq_json_writer_end(&json);
}

int cli_devices(const cli_options *options)
{
    device_report *reports = NULL;
    size_t count = 0;
    clq_error error;
    clq_status status;
    if (cli_check_descriptors(&error) != CLQ_OK) {
        cli_warning(options, "%s", error.message);
    } else if (cli_check_drivers(options, &error) != CLQ_OK ||
               cli_leave_out_silent_drivers(options, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    status = collect(&reports, &count, &error);
    if (status == CLQ_OK) {
        status = mark_taken(options->device, reports, count, &error);
    }
    if (status != CLQ_OK) {
        free(reports);
        return cli_report(&error);
    }
    if (options->json) {
        print_json(reports, count);
    } else {
        for (size_t i = 0; i < count; i++) {
            if (i > 0) {
                cli_line(stdout, "%s", "");
            }
            print_device(&reports[i]);
        }
        print_left_out();
        if (count == 1) {
            cli_line(stdout, "%s", "");
            cli_line(stdout, "no OpenCL device was found: install an OpenCL driver (PoCL runs on any CPU); 'clinfo -l' "
                             "lists what the system offers");
        }
    }
    free(reports);
    return CLI_OK;
}

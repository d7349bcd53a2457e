/* SPDX-License-Identifier: Apache-2.0 */
/* clquant devices: every platform and device, what would run there and why, what is missing. */
#include <stdlib.h>
#include <string.h>

#include "command/frame/drivers.h"
#include "command/verbs/devices.h"

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

static void plan_device(cli_device_report *report)
{
    clq_context *context = NULL;
    clq_error error;
    if (clq_context_create(report->spec, &context, &error) != CLQ_OK) {
        snprintf(report->problem, sizeof report->problem, "%s", error.message);
        return;
    }
    cli_use_cache(context); /* for what was tuned */
    for (int i = 0; i < CLI_DEVICE_PLANS; i++) {
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

/* Why a kernel was set aside; the first time is the one to know of. */
static void keep_warning(void *cookie, clq_log_level level, const char *message)
{
    cli_device_report *report = cookie;
    if (level == CLQ_LOG_WARNING && report->probe[0] == '\0') {
        snprintf(report->probe, sizeof report->probe, "%s", message);
    }
}

/* What the first call would do: compile a kernel and compare its bytes; without a cache, which might know. */
static void probe_device(cli_device_report *report)
{
    clq_context *context = NULL;
    clq_quantization q;
    clq_plan plan;
    clq_error error;
    clq_status status = clq_context_create(report->spec, &context, &error);
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = UINT64_C(1) << 20;
    if (status == CLQ_OK) {
        clq_context_set_log(context, keep_warning, report);
        clq_context_set_cancel(context, cli_is_cancelled, NULL);
        status = clq_prepare(context, CLQ_OP_MINMAX, &q, &error);
    }
    if (status == CLQ_OK) {
        status = clq_plan_operation(context, CLQ_OP_MINMAX, &q, &plan, &error);
    }
    report->probed = 1;
    report->probe_fails = status != CLQ_OK || plan.by_host;
    if (status != CLQ_OK) {
        snprintf(report->probe, sizeof report->probe, "%s", error.message);
    } else if (!plan.by_host) {
        snprintf(report->probe, sizeof report->probe, "minmax compiles, and gives the reference's bytes (%s)",
                 plan.variant);
    }
    clq_context_destroy(&context);
}

/* The report of the device that a specification takes. */
static clq_status find_taken(const char *spec, cli_device_report *reports, size_t count, cli_device_report **taken,
                             clq_error *error)
{
    clq_context *context = NULL;
    clq_device_info info;
    *taken = NULL;
    CLQ_TRY(clq_context_create(spec, &context, error));
    clq_context_device(context, &info);
    clq_context_destroy(&context);
    for (size_t i = 0; i < count; i++) {
        if (reports[i].info.platform == info.platform && reports[i].info.device == info.device &&
            reports[i].info.type == info.type) {
            *taken = &reports[i];
        }
    }
    return CLQ_OK;
}

/* Mark what `auto` takes, if anything, and what was asked for. */
static clq_status mark_taken(const char *spec, cli_device_report *reports, size_t count, clq_error *error)
{
    cli_device_report *taken = NULL;
    const clq_status status = find_taken("auto", reports, count, &taken, error);
    if (status == CLQ_OUT_OF_MEMORY && error->opencl_code == 0) {
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

static clq_status collect(int probe, cli_device_report **reports, size_t *count, clq_error *error)
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
        cli_device_report *report = &(*reports)[i];
        report->info = infos[i];
        if (infos[i].platform < 0) {
            snprintf(report->spec, sizeof report->spec, "%.31s", infos[i].name);
        } else {
            snprintf(report->spec, sizeof report->spec, "%d:%d", (int)infos[i].platform, (int)infos[i].device);
        }
        if (infos[i].usable) {
            plan_device(report);
        }
        if (infos[i].usable && probe && infos[i].platform >= 0) {
            probe_device(report);
        }
        if (cli_interrupted()) { /* which says nothing of the device */
            CLQ_TRY_TO(clq_fail(error, CLQ_CANCELLED, "interrupted before all devices were looked at"));
        }
    }
done:
    free(infos);
    return status;
}

/* The device that would be taken computes nothing. */
static clq_status judge_probes(const cli_device_report *reports, size_t count, int is_asked, clq_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const cli_device_report *report = &reports[i];
        if (report->probe_fails && (is_asked ? report->is_selected : report->is_auto)) {
            return clq_fail(error, CLQ_NO_DEVICE, "device %s: %.700s", report->spec, report->probe);
        }
    }
    return CLQ_OK;
}

/*
 * What there is is told also where a device that is asked for fails; but not in place of one that is not there. Of what
 * CLQUANT_DEVICE asks other verbs for, that is a warning, and several devices, which some of them take, are none.
 */
static int show(const cli_options *options, cli_device_report *reports, size_t count)
{
    const int is_asked = strcmp(options->device, "auto") != 0;
    clq_error error;
    clq_status status = mark_taken(options->device, reports, count, &error);
    if (status == CLQ_NO_DEVICE && cli_device_is_of_environment(options)) {
        (void)cli_blame_device(options, status, &error);
        if (!cli_is_device_list(options->device)) {
            cli_warning(options, "%s", error.message);
        }
        status = CLQ_OK;
    }
    if ((status == CLQ_OUT_OF_MEMORY && error.opencl_code == 0) || status == CLQ_NO_DEVICE) {
        return cli_report(&error);
    }
    if (options->json) {
        cli_devices_print_json(reports, count);
    } else {
        cli_devices_print_text(reports, count);
    }
    if (status == CLQ_OK) {
        status = judge_probes(reports, count, is_asked, &error);
    }
    return status == CLQ_OK ? CLI_OK : cli_report(&error);
}

int cli_devices(const cli_options *options)
{
    cli_device_report *reports = NULL;
    size_t count = 0;
    clq_error error;
    int code;
    if (cli_check_descriptors(&error) != CLQ_OK) {
        cli_warning(options, "%s", error.message);
    } else if (cli_check_drivers(options, &error) != CLQ_OK ||
               cli_leave_out_silent_drivers(options, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    code = collect(options->probe, &reports, &count, &error) == CLQ_OK ? show(options, reports, count)
                                                                       : cli_report(&error);
    free(reports);
    return code;
}

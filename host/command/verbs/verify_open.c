/* SPDX-License-Identifier: Apache-2.0 */
/* What `verify` asks of OpenCL: a device is opened and verified; or which there are. */
#include <stdlib.h>

#include "command/verbs/verify_child.h"

static clq_status open_device(const cli_verify_part *part, cli_options *own, cli_verify_run *run, clq_context **context)
{
    clq_device_info info;
    clq_status status;
    own->quiet |= part->is_silent;
    own->verbose &= !part->is_another;
    status =
        cli_open_opencl(own, "verify (see 'clquant devices'; --device native verifies native)", context, &run->error);
    own->quiet = part->options->quiet;
    own->verbose = part->options->verbose;
    CLQ_TRY(status);
    clq_context_device(*context, &info);
    if (info.platform >= 0) {
        snprintf(run->spec, sizeof run->spec, "%d:%d", (int)info.platform, (int)info.device);
    }
    return CLQ_OK;
}

void cli_verify_open(const cli_verify_part *part, const clq_verify_events *events, clq_log_function log,
                     cli_verify_run *run)
{
    cli_options own = *part->options;
    clq_context *context = NULL;
    clq_verify_request request;
    clq_verify_request_init(&request);
    request.extent = own.verify.quick ? CLQ_VERIFY_QUICK : own.verify.full ? CLQ_VERIFY_FULL : CLQ_VERIFY_STANDARD;
    request.seed = own.seed;
    request.only = own.verify.only;
    request.reproduce = own.verify.reproduce;
    request.lost = part->lost;
    request.lost_file = part->lost_file;
    request.lost_options = part->lost_options;
    request.lost_seconds = part->lost_seconds;
    run->status = open_device(part, &own, run, &context);
    if (run->status == CLQ_OK) {
        if (log != NULL) {
            clq_context_set_log(context, log, events->cookie);
        }
        run->status = clq_verify(context, &request, events, &run->report, &run->error);
    }
    clq_context_destroy(&context);
}

clq_status cli_verify_list(const cli_options *options, void (*found)(void *cookie, const char *spec), void *cookie,
                           clq_error *error)
{
    clq_device_info *infos = calloc(CLI_VERIFY_DEVICES, sizeof *infos);
    size_t count = 0;
    clq_status status = CLQ_OK;
    if (infos == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of devices");
    }
    CLQ_TRY_TO(cli_check_drivers(options, error));
    CLQ_TRY_TO(clq_devices(CLI_VERIFY_DEVICES, infos, &count, error));
    for (size_t i = 0; i < count && i < CLI_VERIFY_DEVICES; i++) {
        if (infos[i].usable && infos[i].platform >= 0) {
            char spec[32];
            snprintf(spec, sizeof spec, "%d:%d", (int)infos[i].platform, (int)infos[i].device);
            found(cookie, spec);
        }
    }
done:
    free(infos);
    return status;
}

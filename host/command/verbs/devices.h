/* SPDX-License-Identifier: Apache-2.0 */
/* What `clquant devices` finds out, and how it is told. */
#ifndef CLQ_HOST_COMMAND_VERBS_DEVICES_H
#define CLQ_HOST_COMMAND_VERBS_DEVICES_H

#include "command/frame/cli.h"

/* The operations of a clq_quantization, then gemm. */
enum { CLI_DEVICE_PLANS = CLQ_OP_COUNT + 1 };

/* One device with the answers of a context on it. */
typedef struct cli_device_report {
    clq_device_info info;
    char spec[32];
    int is_auto;        /* --device auto takes it */
    int is_selected;    /* the --device of this call, or CLQUANT_DEVICE, takes it */
    int planned;        /* plans are filled in */
    char problem[1024]; /* why they are not, when the device looked usable */
    clq_plan plans[CLI_DEVICE_PLANS];
    clq_status plan_status[CLI_DEVICE_PLANS];
    int probed;      /* --probe: `probe` tells what came of it */
    int probe_fails; /* no kernel compiles there, or gives the reference's bytes */
    char probe[1024];
} cli_device_report;

void cli_devices_print_text(const cli_device_report *reports, size_t count);
void cli_devices_print_json(const cli_device_report *reports, size_t count);

#endif

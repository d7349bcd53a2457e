/* SPDX-License-Identifier: Apache-2.0 */
/* One of several devices that --device asks for. */
#ifndef CLQ_HOST_COMMAND_FRAME_DEVICE_LIST_H
#define CLQ_HOST_COMMAND_FRAME_DEVICE_LIST_H

#include "command/frame/cli.h"

/* As cli_open_device does, for one specification; messages about failures do not name it. */
clq_status cli_open_one_of(const cli_options *options, const char *spec, clq_context **context, clq_error *error);

#endif

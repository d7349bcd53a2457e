/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_ENGINE_STAGING_H
#define CLQ_HOST_ENGINE_STAGING_H

#include "engine/context.h"

/*
 * clq_staging_create with the way of working given: `apart` not 0 is that of devices with memory of their own, which
 * works on every other one too.
 */
clq_status clq_staging_create_as(clq_context *context, uint64_t bytes, int apart, clq_staging **staging,
                                 clq_error *error);

#endif

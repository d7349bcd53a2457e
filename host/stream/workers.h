/* SPDX-License-Identifier: Apache-2.0 */
/* Work on independent things by all cores: what comes of one depends on its number alone. */
#ifndef CLQ_HOST_STREAM_WORKERS_H
#define CLQ_HOST_STREAM_WORKERS_H

#include <stddef.h>

#include "core/error.h"

/* May run in any thread, for each index once. */
typedef clq_status (*clq_work)(void *cookie, size_t index, clq_error *error);

/* Do all from 0 to count - 1, and return when all are done; of failures the one with the least index. Where threads
 * cannot be had, the caller's does what is left. */
clq_status clq_workers_run(size_t count, clq_work work, void *cookie, clq_error *error);

#endif

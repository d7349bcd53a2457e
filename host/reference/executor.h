/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_REFERENCE_EXECUTOR_H
#define CLQ_HOST_REFERENCE_EXECUTOR_H

#include "core/executor.h"

/* Runs operations on host memory, at once and in the calling thread. */
extern const clq_executor clq_reference_executor;

#endif

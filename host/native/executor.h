/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_NATIVE_EXECUTOR_H
#define CLQ_HOST_NATIVE_EXECUTOR_H

#include "core/executor.h"

/* Runs operations on host memory, at once, by the vectors and the threads of this machine. */
extern const clq_executor clq_native_executor;

clq_status clq_native_context_create(clq_context **context, clq_error *error);

/* Threads that it would use. */
uint32_t clq_native_units(void);

#endif

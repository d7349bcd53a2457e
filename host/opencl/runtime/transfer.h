/* SPDX-License-Identifier: Apache-2.0 */
/* Copies to the device beside its operations, as clq_executor has them. */
#ifndef CLQ_HOST_OPENCL_RUNTIME_TRANSFER_H
#define CLQ_HOST_OPENCL_RUNTIME_TRANSFER_H

#include "core/executor.h"

clq_status clq_cl_buffer_send(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                              void **sent, clq_error *error);
clq_status clq_cl_buffer_await(clq_buffer *buffer, void *sent, clq_error *error);
void clq_cl_buffer_drop(clq_buffer *buffer, void *sent);

#endif

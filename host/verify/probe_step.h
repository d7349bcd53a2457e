/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel that probes of memory and of queues are asked with: target[i] = 3 * source[i] + add. */
#ifndef CLQ_HOST_VERIFY_PROBE_STEP_H
#define CLQ_HOST_VERIFY_PROBE_STEP_H

#include "verify/case.h"

/* On the machine's stream; offsets in words. */
clq_status clq_verify_step(clq_cl_machine *machine, cl_mem source, uint64_t from, cl_mem target, uint64_t to,
                           uint64_t words, uint32_t add, clq_error *error);

/* On another queue, behind the events of `waits`; *event receives its own. */
clq_status clq_verify_step_on(clq_cl_machine *machine, cl_command_queue queue, cl_mem source, uint64_t from,
                              cl_mem target, uint64_t to, uint64_t words, uint32_t add, cl_uint wait_count,
                              const cl_event *waits, cl_event *event, clq_error *error);

/* Memory whose first bytes are those of the first operand; those bytes back into `got`, where the rest is as wanted. */
clq_status clq_verify_step_memory(clq_cl_machine *machine, clq_verify_work *work, clq_cl_memory *memory, uint64_t bytes,
                                  clq_error *error);
clq_status clq_verify_step_result(clq_cl_machine *machine, clq_verify_work *work, const clq_cl_memory *memory,
                                  clq_error *error);

#endif

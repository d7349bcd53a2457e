/* SPDX-License-Identifier: Apache-2.0 */
/* Running one case on the device. */
#ifndef CLQ_HOST_VERIFY_RUN_H
#define CLQ_HOST_VERIFY_RUN_H

#include "opencl/machine.h"
#include "verify/case.h"

/* Dynamic quantization by a kernel of its own is a variant beside those of its steps: so much above that of the kernel.
 */
enum { CLQ_VERIFY_FUSED = 100 };

/* Run the described case on the machine: its arena is filled then, and must be released. */
clq_status clq_verify_run(clq_cl_machine *machine, clq_verify_work *work, clq_error *error);

/* Whether the machine's queue still takes commands and its memory gives back what it was given. */
clq_status clq_verify_answers(clq_cl_machine *machine, clq_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One operation on one tensor as executors get it: the description, its geometry, and where the operands lie. */
#ifndef CLQ_HOST_CORE_TASK_H
#define CLQ_HOST_CORE_TASK_H

#include "core/error.h"
#include "core/extent.h"
#include "core/layout.h"
#include "core/strides.h"

/* Where an operand begins: host memory (reference) or a cl_mem (OpenCL), and an offset. */
typedef struct clq_span {
    void *object; /* NULL: the operation does not use this operand */
    uint64_t offset_bytes;
} clq_span;

typedef enum clq_argument {
    CLQ_ARG_X,
    CLQ_ARG_Y,
    CLQ_ARG_CODES,
    CLQ_ARG_SCALE,
    CLQ_ARG_ZERO_POINT,
    CLQ_ARG_RANGE,
    CLQ_ARG_NONFINITE,
    CLQ_ARG_AVERAGING,
    CLQ_ARG_STATE,
    CLQ_ARG_COUNTS,
    CLQ_ARG_COUNT
} clq_argument;

/* Why the host computes in a device's place, and what calls fail with that it cannot serve. */
typedef struct clq_host_cause {
    clq_status status;
    const char *reason;      /* of static storage; NULL: it does not */
    uint64_t required_bytes; /* of one buffer, where none has as many; 0: nothing is known of that */
} clq_host_cause;

/* A call on a queue of the caller's, OpenCL's only. */
typedef struct clq_order {
    const void *launch;        /* a clq_launch */
    struct clq_record *record; /* NULL: run now; else kept there, to be enqueued later */
    int only_checks;           /* it is refused or not, its kernels are made ready, and nothing is enqueued */
} clq_order;

/* One checked operation. */
typedef struct clq_task {
    clq_operation operation;
    const clq_quantization *q;
    clq_geometry geometry;
    int is_strided; /* x, y or codes, as far as the operation has them, are not dense (core/strides.h) */
    clq_span arguments[CLQ_ARG_COUNT];
    const clq_order *order;    /* NULL: on the context's own queue */
    const clq_extent *extents; /* of the operands, as long as the call lasts; NULL in a batch */
} clq_task;

/* The strides of an operand, which is one of x, y and codes. */
const clq_strides *clq_argument_strides(const clq_quantization *q, clq_argument argument);

/* A task for `q`, which has been checked, without operands. */
clq_status clq_task_describe(clq_task *task, clq_operation operation, const clq_quantization *q, clq_error *error);

/* The tensor as the operation goes over it: left is what it reads, x or codes, right what it writes, codes or y, and
 * where it writes no tensor what it reads too. */
void clq_task_runs(const clq_task *task, clq_runs *runs);

/* The same tensor in one of the operations that another is made of. */
clq_task clq_task_step(const clq_task *task, clq_operation operation);

/* Whether two operands whose extents overlap share a byte: elements of one may lie between those of the other. */
int clq_task_overlaps(const clq_task *task, clq_argument left, clq_argument right, const clq_extent *extents);

/* The bytes that an operand of `task` must hold from its offset on; 0 when the operation does not use it. */
uint64_t clq_argument_bytes(const clq_task *task, clq_argument argument);
uint64_t clq_argument_offset_bytes(const clq_task *task, clq_argument argument, uint64_t offset);
uint32_t clq_operation_inputs(clq_operation operation); /* bit 1 << argument; some are both */
uint32_t clq_operation_outputs(clq_operation operation);
int clq_argument_is_used(clq_operation operation, clq_argument argument);
int clq_argument_is_output(clq_operation operation, clq_argument argument);
int clq_argument_is_input(clq_operation operation, clq_argument argument);
const char *clq_argument_name(clq_argument argument);

/* Refuse scratch memory that shares a byte with an operand. */
clq_status clq_task_check_workspace(const clq_task *task, const clq_extent *workspace, clq_error *error);

#endif

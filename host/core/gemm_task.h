/* SPDX-License-Identifier: Apache-2.0 */
/* A checked matrix product in the one form that executors work with. */
#ifndef CLQ_HOST_CORE_GEMM_TASK_H
#define CLQ_HOST_CORE_GEMM_TASK_H

#include "core/task.h"

typedef enum clq_gemm_argument {
    CLQ_GEMM_A,
    CLQ_GEMM_B,
    CLQ_GEMM_C,
    CLQ_GEMM_A_ZERO_POINT,
    CLQ_GEMM_B_ZERO_POINT,
    CLQ_GEMM_C_ZERO_POINT,
    CLQ_GEMM_A_SUMS,
    CLQ_GEMM_BIAS,
    CLQ_GEMM_A_SCALE,
    CLQ_GEMM_B_SCALE,
    CLQ_GEMM_MULTIPLIER,
    CLQ_GEMM_SHIFT,
    CLQ_GEMM_ARGUMENTS
} clq_gemm_argument;

/* Element (row, column) of batch z of a matrix is at z * batch + row * row_stride + column * column_stride. */
typedef struct clq_gemm_strides {
    uint64_t row_stride, column_stride, batch;
} clq_gemm_strides;

/* One checked product. */
typedef struct clq_gemm_task {
    const clq_gemm_problem *problem;
    clq_gemm_strides a, b, c;
    uint64_t a_batches, b_batches;          /* 1 where all batches share the matrix */
    uint64_t k_groups;                      /* into which K is cut, 0 without k_group or K */
    clq_span arguments[CLQ_GEMM_ARGUMENTS]; /* object NULL: absent */
    uint64_t values[CLQ_GEMM_ARGUMENTS];    /* of a parameter: 0, 1, or one for each row, column or group */
    clq_extent extents[CLQ_GEMM_ARGUMENTS]; /* from their first to behind their last byte; empty: absent */
    const clq_gemm_weights *weights;        /* NULL: `b` is as the caller has it */
    uint64_t packed_batches, packed_first;  /* of weights: how many B they hold, and which is the product's first */
    int32_t minimum, maximum;               /* bounds of integer outputs */
    float real_minimum, real_maximum;       /* bounds of real outputs */
    const clq_order *order;                 /* NULL: on the context's own queue */
} clq_gemm_task;

/* How the bytes of packed B lie; the numbers stand in exported weights. */
typedef enum clq_gemm_form {
    CLQ_GEMM_FORM_ROWS = 1,      /* the reference's: codes as they were, then zero points */
    CLQ_GEMM_FORM_PANELS = 2,    /* OpenCL's (opencl/launch/gemm.h) */
    CLQ_GEMM_FORM_OWN_PANELS = 3 /* the native executor's (native/gemm.c) */
} clq_gemm_form;

/* B made ready. */
struct clq_gemm_weights {
    clq_context *context;
    clq_dtype dtype;
    clq_gemm_values zero_point;
    uint64_t n, k, k_group, batches;
    clq_gemm_form form; /* OpenCL: of rows where no kernel of the device packs them; the host alone multiplies these */
    clq_host_cause by_host; /* why, of such */
    uint64_t bytes;
    void *object;          /* as in clq_span */
    uint64_t offset_bytes; /* within it: 0 but for imported weights */
    clq_extent extent;     /* of imported weights, whose memory is the caller's; else empty */
};

/* Where it lies, of executors whose memory is the host's; NULL: B of the task is not packed. */
const void *clq_gemm_packed_memory(const clq_gemm_task *task);

const char *clq_gemm_values_name(clq_gemm_values values); /* "per row" */
const char *clq_gemm_argument_name(clq_gemm_argument argument);

/* The strides of A, B and C and the counts of values; the problem has been checked. */
void clq_gemm_task_init(clq_gemm_task *task, const clq_gemm_problem *problem);

/* Rows and columns as they lie in memory, and the elements from the first of one batch to behind its last, 0 when that
 * overflows; `rows` x `columns` is what the product sees. */
void clq_gemm_stored_shape(const clq_matrix *matrix, uint64_t rows, uint64_t columns, uint64_t *stored_rows,
                           uint64_t *stored_columns);
uint64_t clq_gemm_matrix_extent(const clq_matrix *matrix, uint64_t rows, uint64_t columns);

/* Elements that argument has from its offset on, the bits of one, and the bytes of so many. */
uint64_t clq_gemm_argument_elements(const clq_gemm_task *task, clq_gemm_argument argument);
uint32_t clq_gemm_element_bits(const clq_gemm_task *task, clq_gemm_argument argument);
uint64_t clq_gemm_stored_bytes(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t elements);

/* Products that run together; those without rows are none of them. */
struct clq_gemm_batch {
    clq_context *context; /* holds a reference */
    size_t count;
    clq_gemm_task *tasks;
    clq_gemm_problem *described; /* what their `problem` point at */
    size_t *items;               /* which of the items that were given each is */
    clq_extent *found;           /* a_nonfinite of each whose A is of reals; else empty */
    clq_batch *quantizing;       /* makes the codes of these, which goes before; NULL: there are none */
    clq_buffer **codes;          /* where they are, and what belongs to them, in so many pieces */
    size_t pieces;
    clq_buffer *workspace; /* of `quantizing` on a caller's queue; NULL: it needs none */
    void *prepared;        /* the executor's own, NULL where it has none */
};

/* ---- gemm_extents.c ---- */

/* Refuse an output, or what else is written, such as scratch memory, that shares a byte with another operand. */
clq_status clq_gemm_check_output(const clq_gemm_task *task, clq_gemm_argument output, clq_error *error);
clq_status clq_gemm_check_apart(const clq_gemm_task *task, const char *name, const clq_extent *written,
                                clq_error *error);

/* Whether C of one product shares a byte with that operand of another. */
int clq_gemm_writes_to(const clq_gemm_task *writer, const clq_gemm_task *other, clq_gemm_argument argument);

/* ---- gemm_batch_extents.c ---- */

/* Refuse a product that writes what another one reads or writes. */
clq_status clq_gemm_batch_check(const clq_gemm_batch *batch, clq_error *error);

#endif

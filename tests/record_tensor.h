/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of records share: a launch, its scratch memory, and a tensor of integers whose codes are known. */
#ifndef CLQ_TESTS_RECORD_TENSOR_H
#define CLQ_TESTS_RECORD_TENSOR_H

#include "own_opencl.h"

enum { RECORD_ELEMENTS = 3000 };

typedef struct record_tensor {
    clq_quantization q;
    clq_operands o; /* x, codes and their parameters */
    float x[RECORD_ELEMENTS];
} record_tensor;

void record_tensor_begin(record_tensor *t, clq_context *context, float scale);
void record_tensor_end(record_tensor *t);

/* On the program's queue, without scratch memory; and with what the operation needs, behind an offset. */
clq_launch record_launch(const own_opencl *own);
void record_give_workspace(const own_opencl *own, clq_operation operation, const clq_quantization *q,
                           clq_launch *launch);

int record_is_complete(cl_event event);

#endif

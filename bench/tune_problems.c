/* SPDX-License-Identifier: Apache-2.0 */
#include "tune_problems.h"

#include "core/size.h"

const clq_operation tune_tensor_operations[TUNE_TENSOR_OPERATIONS] = {
    CLQ_OP_MINMAX, CLQ_OP_QUANTIZE, CLQ_OP_DEQUANTIZE, CLQ_OP_FAKE_QUANTIZE, CLQ_OP_DYNAMIC_QUANTIZE, CLQ_OP_HISTOGRAM};
/* The last two are for dynamic quantization, whose form turns on how long a segment is. */
static const char *const tensor_shapes[] = {"4096x1024",       "4096x1024 axis=0", "4096x1024 group=32",
                                            "524288x8 axis=1", "512x8192 axis=0",  "128x32768 axis=0"};

enum { SMALL_ELEMENTS = 1 << 14, DYNAMIC_SHAPES = 2 /* of tensor_shapes */ };

/* Of one that does not fill its histograms the counts may be larger than any memory. */
static int is_measured(clq_operation operation, const bench_shape *shape)
{
    return !shape->is_product && (operation != CLQ_OP_HISTOGRAM || bench_shape_fills_histograms(shape));
}

size_t tune_shapes(const tune_problems *p, clq_operation operation, clq_dtype real, bench_shape *shapes)
{
    size_t count = 0;
    for (size_t i = 0; i < p->shape_count; i++) {
        if (is_measured(operation, &p->shapes[i])) {
            shapes[count++] = p->shapes[i];
        }
    }
    if (p->shapes == NULL && real != CLQ_F32) {
        shapes[count++] = bench_shape_plain(p->elements);
    } else if (p->shapes == NULL) {
        const uint64_t cut = clq_size_max((UINT64_C(4) << 20) / p->elements, 1);
        const size_t others = operation == CLQ_OP_DYNAMIC_QUANTIZE ? 0 : DYNAMIC_SHAPES;
        for (size_t i = 0; i < sizeof tensor_shapes / sizeof tensor_shapes[0] - others; i++) {
            (void)bench_shape_parse(tensor_shapes[i], &shapes[count], NULL); /* those above are right */
            shapes[count].layout.shape[0] = clq_size_max(shapes[count].layout.shape[0] / cut, 1);
            count += (size_t)is_measured(operation, &shapes[count]);
        }
        shapes[count++] = bench_shape_plain(SMALL_ELEMENTS);
    }
    return count;
}

uint32_t tune_measured_operations(const tune_problems *problems)
{
    const uint32_t others = CLQ_TUNABLE_BATCH | CLQ_TUNABLE_GEMM;
    uint32_t measured = problems->shapes == NULL ? others : 0;
    for (size_t k = 0; k < TUNE_TENSOR_OPERATIONS; k++) {
        int tensors = problems->shapes == NULL;
        for (size_t i = 0; i < problems->shape_count; i++) {
            tensors |= is_measured(tune_tensor_operations[k], &problems->shapes[i]);
        }
        measured |= (uint32_t)tensors << tune_tensor_operations[k];
    }
    for (size_t i = 0; i < problems->shape_count; i++) {
        measured |= problems->shapes[i].is_product ? CLQ_TUNABLE_GEMM : 0;
    }
    return measured;
}

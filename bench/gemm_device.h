/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of clquant: clq_gemm in one way on a product that lies on the device. */
#ifndef CLQ_BENCH_GEMM_DEVICE_H
#define CLQ_BENCH_GEMM_DEVICE_H

#include <clquant/clquant.h>

#include "gemm_product.h"

/* A product's matrices on a context's device; the output is shared by its rows. */
typedef struct gemm_device {
    clq_context *context;
    const gemm_product *product;
    clq_buffer *a, *b, *c, *bias, *multiplier, *shift;
    clq_buffer *scale; /* of the most groups that rows have */
} gemm_device;

/* `product` must stay. To be destroyed also on failure. */
clq_status gemm_device_create(gemm_device *device, clq_context *context, const gemm_product *product, clq_error *error);
void gemm_device_destroy(gemm_device *device);

enum { GEMM_LEAST_GROUP = 32 };

/* One way to multiply. */
typedef struct gemm_way {
    clq_dtype output;    /* s8: mode double, a multiplier and a bias for each column; s32: the plain sums */
    const char *variant; /* forced; NULL: the device's choice */
    int packed;          /* B made ready beforehand */
    int calls;           /* enqueued before the wait */
    uint64_t k_group;    /* groups along K of so many, output f32, f16 or bf16; 0: none */
} gemm_way;

typedef struct gemm_row {
    const gemm_device *device;
    gemm_way way;
    clq_gemm_problem problem;
    clq_gemm_operands operands;
    clq_gemm_weights *weights;
    clq_status status;
    clq_error error;  /* of the last failure */
    char variant[48]; /* that runs; empty where none does */
} gemm_row;

void gemm_row_create(gemm_row *row, const gemm_device *device, const gemm_way *way);
void gemm_row_destroy(gemm_row *row);

/* The scale of B with groups along K. A power of two, with which sums stay exact in f32: those of every shape are below
 * 2^24; the largest results are below what f16 has. */
extern const float gemm_group_scale;
clq_status gemm_put_group_scales(clq_context *context, uint64_t count, clq_buffer **buffer, clq_error *error);

/* Whether any of these results of f32, f16 or bf16 is another than its sum times that scale. */
int gemm_reals_differ(clq_dtype type, const void *found, const int32_t *sums, size_t count);

/* For a bench_row, whose cookie is a gemm_row. Packing makes B ready again; its check multiplies with that. */
int gemm_row_spoil(void *cookie);
int gemm_row_run(void *cookie);
int gemm_row_check(void *cookie);
int gemm_row_pack(void *cookie);
int gemm_row_check_packed(void *cookie);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one memory-bound operation on tensors of one type. */
#ifndef CLQ_BENCH_MEMORY_GROUP_H
#define CLQ_BENCH_MEMORY_GROUP_H

#include "memory_case.h"

typedef struct memory_order {
    clq_operation operation;
    clq_dtype real;
    const bench_shape *shapes; /* tensors */
    size_t shape_count;
    const char *const *variants; /* to force beside the device's choice; ends with NULL */
    const bench_peers *peers;    /* NULL: none */
} memory_order;

typedef struct memory_group {
    bench_group group;
    memory_space space;
    memory_case cases[BENCH_MAX_ROWS];
    size_t case_count;
    const bench_peers *peers;
} memory_group;

/* What an order would take. */
memory_need memory_group_need(const clq_context *context, const memory_order *order);

/*
 * Make the rows ready. Every tensor that is cut otherwise than as a whole stands beside the plain one of its size,
 * which is added where the order has none; dynamic quantization beside its two passes.
 */
clq_status memory_group_create(memory_group *group, clq_context *context, const memory_order *order, clq_error *error);
void memory_group_destroy(memory_group *group);

/* Bytes that one element moves, by the formula of docs/benchmarking.md. */
double memory_bytes_of(clq_operation operation, clq_dtype real);

#endif

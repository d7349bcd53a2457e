/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_group.h"
#include "launch_group.h"
#include "memory_group.h"
#include "suite_parts.h"
#include "suite_products.h"

static const uint64_t full_elements = UINT64_C(128) << 20, quick_elements = UINT64_C(1) << 20,
                      cache_elements = UINT64_C(256) << 10;

enum { FULL_BATCH = 10000, QUICK_BATCH = 100, SWEEP_FIRST = 10, SWEEP_LAST = 30, SWEEP_STEP = 2 };

static const char *const names[BENCH_OPERATION_COUNT] = {"minmax",           "quantize",  "dequantize", "fake-quantize",
                                                         "dynamic-quantize", "histogram", "batch",      "gemm",
                                                         "gemm-batch",       "launch"};

const char *bench_operation_name(bench_operation operation)
{
    return names[operation];
}

/* The memory-bound operations of the list, in its order. */
static const clq_operation memory_operations[] = {CLQ_OP_MINMAX,        CLQ_OP_QUANTIZE,         CLQ_OP_DEQUANTIZE,
                                                  CLQ_OP_FAKE_QUANTIZE, CLQ_OP_DYNAMIC_QUANTIZE, CLQ_OP_HISTOGRAM};

enum {
    MEMORY_OPERATIONS = sizeof memory_operations / sizeof memory_operations[0],
    BATCHED_OPERATIONS = MEMORY_OPERATIONS - 1 /* there are no batches of histograms */
};

static int is_asked(const bench_suite *s, bench_operation operation)
{
    return s->operations == 0 || (s->operations >> operation & 1) != 0;
}

/* Memory-bound operations. */

static clq_status measure_order(const bench_suite *s, const memory_order *order, size_t *failed, clq_error *error)
{
    const memory_need need = memory_group_need(s->context, order);
    memory_group *g = NULL;
    clq_status status = bench_suite_make_list(s, NULL, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = memory_group_create(g, s->context, order, error);
        g->group.memory_bytes = need.host_bytes;
        status = status == CLQ_OK ? bench_suite_measure(s, &g->group, failed, error) : status;
        memory_group_destroy(g);
        free(g);
    }
    return status != CLQ_OK ? clq_fail_in(error, status, "%s", clq_operation_name(order->operation)) : CLQ_OK;
}

/* The built-in shapes of a size that the operation has a use for. */
static size_t shapes_of_size(clq_operation operation, uint64_t elements, int cut, bench_shape *shapes)
{
    size_t count = cut ? bench_shapes_of_size(elements, shapes) : 1;
    size_t kept = 1;
    shapes[0] = bench_shape_plain(elements);
    for (size_t i = 1; i < count; i++) {
        if (operation != CLQ_OP_HISTOGRAM || bench_shape_fills_histograms(&shapes[i])) {
            shapes[kept++] = shapes[i];
        }
    }
    return kept;
}

/* The built-in shapes, of half the size as often as memory asks for it. */
static clq_status measure_fitting(const bench_suite *s, memory_order *order, uint64_t elements, int cut, size_t *failed,
                                  clq_error *error)
{
    bench_shape shapes[BENCH_MAX_SHAPES];
    for (;; elements /= 2) {
        memory_need need;
        clq_status status = CLQ_OK;
        order->shapes = shapes;
        order->shape_count = shapes_of_size(order->operation, elements, cut, shapes);
        need = memory_group_need(s->context, order);
        status = bench_suite_check_need(s->context, &need, error);
        if (status == CLQ_OK) {
            return measure_order(s, order, failed, error);
        }
        if (elements <= quick_elements) {
            return clq_fail_in(error, status, "%s of %" PRIu64 " elements", clq_operation_name(order->operation),
                               elements);
        }
        bench_suite_note(s, clq_operation_name(order->operation), "half the size is taken: there is not memory enough");
    }
}

/* f32 in every form, then the types of 16 bits; dynamic quantization also where the tensor fits a cache. */
static clq_status measure_built_in(const bench_suite *s, memory_order *order, size_t *failed, clq_error *error)
{
    static const clq_dtype types[] = {CLQ_F32, CLQ_F16, CLQ_BF16};
    const uint64_t elements = s->quick ? quick_elements : full_elements;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        order->real = types[i];
        CLQ_TRY(measure_fitting(s, order, elements, types[i] == CLQ_F32, failed, error));
        if (order->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
            CLQ_TRY(measure_fitting(s, order, cache_elements, 0, failed, error));
        }
    }
    return CLQ_OK;
}

/* A size that does not fit ends the sweep. */
static clq_status measure_sweep(const bench_suite *s, memory_order *order, size_t *failed, clq_error *error)
{
    for (int shift = SWEEP_FIRST; shift <= (s->quick ? SWEEP_FIRST + SWEEP_STEP : SWEEP_LAST); shift += SWEEP_STEP) {
        const bench_shape shape = bench_shape_plain(UINT64_C(1) << shift);
        memory_need need;
        clq_error reason;
        order->shapes = &shape;
        order->shape_count = 1;
        need = memory_group_need(s->context, order);
        if (bench_suite_check_need(s->context, &need, &reason) != CLQ_OK) {
            char text[512];
            snprintf(text, sizeof text, "ends before %" PRIu64 " elements: %.300s", UINT64_C(1) << shift,
                     reason.message);
            bench_suite_note(s, clq_operation_name(order->operation), text);
            return CLQ_OK;
        }
        CLQ_TRY(measure_order(s, order, failed, error));
    }
    return CLQ_OK;
}

/* The tensors among the shapes that were given. */
static clq_status measure_given(const bench_suite *s, memory_order *order, size_t *failed, clq_error *error)
{
    static const clq_dtype types[] = {CLQ_F32, CLQ_F16, CLQ_BF16};
    bench_shape tensors[BENCH_MAX_SHAPES];
    memory_need need;
    order->shapes = tensors;
    order->shape_count = 0;
    for (size_t i = 0; i < s->shape_count; i++) {
        if (!s->shapes[i].is_product) {
            tensors[order->shape_count++] = s->shapes[i];
        }
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0] && order->shape_count > 0; i++) {
        order->real = types[i];
        need = memory_group_need(s->context, order);
        CLQ_TRY(bench_suite_check_need(s->context, &need, error));
        CLQ_TRY(measure_order(s, order, failed, error));
    }
    return CLQ_OK;
}

/* Batches. */

static clq_status measure_batch(const bench_suite *s, const batch_order *order, size_t *failed, clq_error *error)
{
    const memory_need need = batch_group_need(s->context, order);
    batch_group *g = NULL;
    clq_status status = bench_suite_make_list(s, &need, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = batch_group_create(g, s->context, order, error);
        g->group.memory_bytes = need.host_bytes;
        status = status == CLQ_OK ? bench_suite_measure(s, &g->group, failed, error) : status;
        batch_group_destroy(g);
        free(g);
    }
    return status != CLQ_OK ? clq_fail_in(error, status, "batch of %s", clq_operation_name(order->operation)) : CLQ_OK;
}

/* Small tensors; where not their number is swept, also a large one behind them, which must not hold them up. */
static clq_status measure_batches(const bench_suite *s, size_t *failed, clq_error *error)
{
    const uint64_t last = s->quick ? QUICK_BATCH : FULL_BATCH;
    for (uint64_t count = s->sweep ? 1 : last; count <= last; count *= 10) {
        for (size_t i = 0; i < BATCHED_OPERATIONS; i++) {
            batch_order order = {.operation = memory_operations[i], .count = count};
            CLQ_TRY(measure_batch(s, &order, failed, error));
            if (!s->sweep) {
                order.large = count * BATCH_ELEMENTS;
                CLQ_TRY(measure_batch(s, &order, failed, error));
            }
        }
    }
    return CLQ_OK;
}

static clq_status measure_launches(const bench_suite *s, size_t *failed, clq_error *error)
{
    launch_group *g = NULL;
    clq_status status = launch_group_create(&g, s->context, error);
    if (status == CLQ_OK) {
        status = bench_suite_measure(s, launch_group_rows(g), failed, error);
    }
    launch_group_destroy(g);
    return status != CLQ_OK ? clq_fail_in(error, status, "launch") : CLQ_OK;
}

clq_status bench_suite_run(const bench_suite *s, size_t *failed, clq_error *error)
{
    memory_order order = {.real = CLQ_F32, .variants = s->variants, .peers = s->peers};
    *failed = 0;
    CLQ_TRY(native_start(error));
    for (int i = 0; i < MEMORY_OPERATIONS; i++) {
        if (is_asked(s, (bench_operation)i)) {
            order.operation = memory_operations[i];
            order.real = CLQ_F32;
            CLQ_TRY(s->sweep            ? measure_sweep(s, &order, failed, error)
                    : s->shapes != NULL ? measure_given(s, &order, failed, error)
                                        : measure_built_in(s, &order, failed, error));
        }
    }
    if (is_asked(s, BENCH_BATCH) && s->shapes == NULL) {
        CLQ_TRY(measure_batches(s, failed, error));
    }
    if (is_asked(s, BENCH_GEMM) && (!s->sweep || s->operations != 0)) {
        CLQ_TRY(bench_suite_products(s, failed, error));
    }
    if (is_asked(s, BENCH_GEMM_BATCH) && s->shapes == NULL && (!s->sweep || s->operations != 0)) {
        CLQ_TRY(bench_suite_product_batches(s, failed, error));
    }
    return (s->operations >> BENCH_LAUNCH & 1) != 0 ? measure_launches(s, failed, error) : CLQ_OK;
}

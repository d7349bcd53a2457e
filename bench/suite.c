/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_group.h"
#include "core/size.h"
#include "gemm_batch_group.h"
#include "gemm_decode_group.h"
#include "gemm_group.h"
#include "gemm_shapes.h"
#include "launch_group.h"
#include "memory_group.h"

static const uint64_t full_elements = UINT64_C(128) << 20, quick_elements = UINT64_C(1) << 20,
                      cache_elements = UINT64_C(256) << 10;

/* How long a run may take in a quick run of many calls: where it takes longer, starting them is no part of it. */
static const double quick_seconds = 0.1;

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

/* Memory. */

static clq_status check_need(const clq_context *context, const memory_need *need, clq_error *error)
{
    const uint64_t available = bench_free_memory();
    clq_device_info info;
    clq_context_device(context, &info);
    if (need->host_bytes > available / 4 * 3) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "%" PRIu64 " MiB of memory are needed, %" PRIu64
                        " MiB are free, of which three quarters are used",
                        need->host_bytes >> 20, available >> 20);
    }
    if (info.type == CLQ_DEVICE_REFERENCE) {
        return CLQ_OK;
    }
    if (need->largest_buffer_bytes > info.maximum_allocation_bytes || need->device_bytes > info.global_memory_bytes) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "%" PRIu64 " MiB in one buffer and %" PRIu64 " MiB in all are needed on the device, which has "
                        "%" PRIu64 " and %" PRIu64,
                        need->largest_buffer_bytes >> 20, need->device_bytes >> 20, info.maximum_allocation_bytes >> 20,
                        info.global_memory_bytes >> 20);
    }
    return CLQ_OK;
}

static void note(const bench_suite *s, const char *operation, const char *text)
{
    char message[512];
    snprintf(message, sizeof message, "%s: %.400s", operation, text);
    s->note(s->cookie, message);
}

/* What every group goes through once its rows are ready. */
static clq_status measure(const bench_suite *s, bench_group *group, size_t *failed, clq_error *error)
{
    size_t wrong = 0;
    const clq_status status = bench_run(group, &s->timing, &wrong, error);
    *failed += wrong;
    s->report(s->cookie, group);
    return status;
}

/* Room for a list of rows, once there is what they `need`; NULL: that has been asked. */
static clq_status make_list(const bench_suite *s, const memory_need *need, size_t bytes, void **list, clq_error *error)
{
    CLQ_TRY(need != NULL ? check_need(s->context, need, error) : CLQ_OK);
    *list = calloc(1, bytes);
    return *list != NULL ? CLQ_OK : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of rows");
}

/* Memory-bound operations. */

static clq_status measure_order(const bench_suite *s, const memory_order *order, size_t *failed, clq_error *error)
{
    const memory_need need = memory_group_need(s->context, order);
    memory_group *g = NULL;
    clq_status status = make_list(s, NULL, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = memory_group_create(g, s->context, order, error);
        g->group.memory_bytes = need.host_bytes;
        status = status == CLQ_OK ? measure(s, &g->group, failed, error) : status;
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
        status = check_need(s->context, &need, error);
        if (status == CLQ_OK) {
            return measure_order(s, order, failed, error);
        }
        if (elements <= quick_elements) {
            return clq_fail_in(error, status, "%s of %" PRIu64 " elements", clq_operation_name(order->operation),
                               elements);
        }
        note(s, clq_operation_name(order->operation), "half the size is taken: there is not memory enough");
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
        if (check_need(s->context, &need, &reason) != CLQ_OK) {
            char text[512];
            snprintf(text, sizeof text, "ends before %" PRIu64 " elements: %.300s", UINT64_C(1) << shift,
                     reason.message);
            note(s, clq_operation_name(order->operation), text);
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
        CLQ_TRY(check_need(s->context, &need, error));
        CLQ_TRY(measure_order(s, order, failed, error));
    }
    return CLQ_OK;
}

/* Batches. */

static clq_status measure_batch(const bench_suite *s, const batch_order *order, size_t *failed, clq_error *error)
{
    const memory_need need = batch_group_need(s->context, order);
    batch_group *g = NULL;
    clq_status status = make_list(s, &need, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = batch_group_create(g, s->context, order, error);
        g->group.memory_bytes = need.host_bytes;
        status = status == CLQ_OK ? measure(s, &g->group, failed, error) : status;
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

/* Products. */

/* Of the device's own rows, in seconds of one call. */
static double slowest_of(const bench_group *group)
{
    double slowest = 0.0;
    for (size_t i = 0; i < group->count; i++) {
        const bench_row *row = &group->rows[i];
        slowest = row->role == BENCH_PLAIN && row->median_seconds > slowest ? row->median_seconds : slowest;
    }
    return slowest;
}

static clq_status measure_product_group(const bench_suite *s, const gemm_order *order, double *slowest, size_t *failed,
                                        clq_error *error)
{
    gemm_group *g = NULL;
    clq_status status = make_list(s, NULL, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = gemm_group_create(g, s->context, order, error);
        g->group.memory_bytes = 3 * gemm_product_bytes(&order->product->shape);
        status = status == CLQ_OK ? measure(s, &g->group, failed, error) : status;
        *slowest = slowest_of(&g->group);
        gemm_group_destroy(g);
        free(g);
    }
    return status != CLQ_OK ? clq_fail_in(error, status, "gemm") : CLQ_OK;
}

/* Variants that are slow would hold up everything else, unless someone asks for exactly that. */
static const char *const *variants_for(const bench_suite *s, const gemm_shape *shape)
{
    static const char *const built_in[] = {"cpu", "cpu-avx2", NULL};
    static const char *const none[] = {NULL};
    clq_device_info info;
    clq_context_device(s->context, &info);
    if (info.platform < 0) { /* which has variants of its own */
        return s->variants;
    }
    if (s->variants[0] != NULL) {
        return gemm_shape_suits_variants(shape) || s->shapes != NULL ? s->variants : none;
    }
    return info.type == CLQ_DEVICE_CPU && gemm_shape_suits_variants(shape) ? built_in : none;
}

static clq_status measure_product(const bench_suite *s, const gemm_shape *shape, int a_is_u8, size_t *failed,
                                  clq_error *error)
{
    gemm_product product, neighbour;
    gemm_shape beside;
    const int has_neighbour = gemm_shape_neighbour(shape, &beside);
    gemm_order order = {.product = &product, .calls = 1, .variants = variants_for(s, shape), .peers = s->peers};
    clq_status status = gemm_product_create(&product, shape, a_is_u8, error);
    double slowest = 0.0;
    order.variants_in_groups = order.variants == s->variants;
    memset(&neighbour, 0, sizeof neighbour);
    if (status == CLQ_OK && has_neighbour) {
        status = gemm_product_create(&neighbour, &beside, a_is_u8, error);
        order.neighbour = &neighbour;
    }
    status = status == CLQ_OK ? measure_product_group(s, &order, &slowest, failed, error) : status;
    if (status == CLQ_OK && gemm_shape_is_small(shape) && (!s->quick || slowest * GEMM_MANY_CALLS <= quick_seconds)) {
        order.neighbour = NULL;
        order.calls = GEMM_MANY_CALLS;
        status = measure_product_group(s, &order, &slowest, failed, error);
    }
    gemm_product_destroy(&neighbour);
    gemm_product_destroy(&product);
    return status;
}

/* With weights from memory. */
static clq_status measure_decode(const bench_suite *s, const gemm_shape *shape, size_t *failed, clq_error *error)
{
    const uint64_t bytes = gemm_decode_bytes(shape);
    const memory_need need = {bytes, bytes, gemm_product_bytes(shape)};
    gemm_decode_group *g = NULL;
    clq_status status = make_list(s, &need, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = gemm_decode_group_create(g, s->context, shape, error);
        g->group.memory_bytes = bytes;
        status = status == CLQ_OK ? measure(s, &g->group, failed, error) : status;
        gemm_decode_group_destroy(g);
        free(g);
    }
    return status != CLQ_OK ? clq_fail_in(error, status, "gemm, weights from memory") : CLQ_OK;
}

static clq_status measure_products(const bench_suite *s, size_t *failed, clq_error *error)
{
    gemm_shape shapes[GEMM_MAX_SHAPES];
    size_t count = 0;
    if (s->shapes == NULL) {
        count = s->quick || s->operations == 0 ? gemm_shapes_quick(shapes) : gemm_shapes_default(shapes);
    }
    for (size_t i = 0; i < s->shape_count && count < GEMM_MAX_SHAPES; i++) {
        if (s->shapes[i].is_product) {
            shapes[count++] = (gemm_shape){(size_t)s->shapes[i].m, (size_t)s->shapes[i].n, (size_t)s->shapes[i].k};
        }
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t bytes = 3 * gemm_product_bytes(&shapes[i]); /* host, device, packed */
        const memory_need need = {bytes, bytes / 3, 4 * (uint64_t)shapes[i].m * shapes[i].n};
        CLQ_TRY(check_need(s->context, &need, error));
        CLQ_TRY(measure_product(s, &shapes[i], 0, failed, error));
        CLQ_TRY(measure_product(s, &shapes[i], 1, failed, error));
        if (gemm_decode_suits(&shapes[i]) && !s->quick && s->operations != 0) {
            CLQ_TRY(measure_decode(s, &shapes[i], failed, error));
        }
    }
    return CLQ_OK;
}

static clq_status measure_product_batch(const bench_suite *s, const gemm_batch_order *order, size_t *failed,
                                        clq_error *error)
{
    const uint64_t bytes = gemm_batch_bytes(order);
    const memory_need need = {bytes, bytes / 3, bytes / 4};
    gemm_batch_group *g = NULL;
    clq_status status = make_list(s, &need, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = gemm_batch_group_create(g, s->context, order, error);
        g->group.memory_bytes = bytes;
        status = status == CLQ_OK ? measure(s, &g->group, failed, error) : status;
        gemm_batch_group_destroy(g);
        free(g);
    }
    return status != CLQ_OK ? clq_fail_in(error, status, "batch of products") : CLQ_OK;
}

static clq_status measure_product_batches(const bench_suite *s, size_t *failed, clq_error *error)
{
    gemm_batch_order orders[GEMM_MAX_SHAPES];
    const size_t count = gemm_batch_orders(s->quick || s->operations == 0, orders);
    for (size_t i = 0; i < count; i++) {
        orders[i].peers = s->peers;
        CLQ_TRY(measure_product_batch(s, &orders[i], failed, error));
    }
    return CLQ_OK;
}

static clq_status measure_launches(const bench_suite *s, size_t *failed, clq_error *error)
{
    launch_group *g = NULL;
    clq_status status = launch_group_create(&g, s->context, error);
    if (status == CLQ_OK) {
        status = measure(s, launch_group_rows(g), failed, error);
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
        CLQ_TRY(measure_products(s, failed, error));
    }
    if (is_asked(s, BENCH_GEMM_BATCH) && s->shapes == NULL && (!s->sweep || s->operations != 0)) {
        CLQ_TRY(measure_product_batches(s, failed, error));
    }
    return (s->operations >> BENCH_LAUNCH & 1) != 0 ? measure_launches(s, failed, error) : CLQ_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which products are measured: alone, of few rows with weights from memory, and in batches. */
#include "suite_products.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "gemm_batch_group.h"
#include "gemm_decode_group.h"
#include "gemm_group.h"
#include "gemm_shapes.h"
#include "suite_parts.h"

/* How long a run may take in a quick run of many calls: where it takes longer, starting them is no part of it. */
static const double quick_seconds = 0.1;

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
    clq_status status = bench_suite_make_list(s, NULL, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = gemm_group_create(g, s->context, order, error);
        g->group.memory_bytes = gemm_group_bytes(&order->product->shape);
        status = status == CLQ_OK ? bench_suite_measure(s, &g->group, failed, error) : status;
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

/* With weights from memory, of which there are fewer where there is not memory enough. */
static clq_status decode_bytes(const bench_suite *s, const gemm_shape *shape, uint64_t *all_bytes, memory_need *need,
                               clq_error *error)
{
    *all_bytes = gemm_decode_all_bytes(bench_cache_bytes(s->context));
    for (;; *all_bytes /= 2) {
        const uint64_t bytes = gemm_decode_bytes(shape, *all_bytes);
        clq_status status;
        *need = (memory_need){bytes, bytes, gemm_product_bytes(shape)};
        status = bench_suite_check_need(s->context, need, error);
        if (status == CLQ_OK || *all_bytes <= GEMM_DECODE_LEAST_BYTES) {
            return status;
        }
        bench_suite_note(s, "gemm, weights from memory", "half of them are taken: there is not memory enough");
    }
}

static clq_status measure_decode(const bench_suite *s, const gemm_shape *shape, size_t *failed, clq_error *error)
{
    uint64_t all_bytes = 0;
    memory_need need;
    gemm_decode_group *g = NULL;
    clq_status status = decode_bytes(s, shape, &all_bytes, &need, error);
    status = status == CLQ_OK ? bench_suite_make_list(s, NULL, sizeof *g, (void **)&g, error) : status;
    if (status == CLQ_OK) {
        status = gemm_decode_group_create(g, s->context, shape, all_bytes, error);
        g->group.memory_bytes = need.host_bytes;
        status = status == CLQ_OK ? bench_suite_measure(s, &g->group, failed, error) : status;
        gemm_decode_group_destroy(g);
        free(g);
    }
    return status != CLQ_OK ? clq_fail_in(error, status, "gemm, weights from memory") : CLQ_OK;
}

clq_status bench_suite_products(const bench_suite *s, size_t *failed, clq_error *error)
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
        /* B packed: of the rows, to be exported, and in the buffer that a copy is imported from */
        const uint64_t blobs = 3 * (uint64_t)shapes[i].n * shapes[i].k;
        const memory_need need = {gemm_group_bytes(&shapes[i]), gemm_product_bytes(&shapes[i]) + blobs,
                                  4 * (uint64_t)shapes[i].m * shapes[i].n};
        CLQ_TRY(bench_suite_check_need(s->context, &need, error));
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
    clq_status status = bench_suite_make_list(s, &need, sizeof *g, (void **)&g, error);
    if (status == CLQ_OK) {
        status = gemm_batch_group_create(g, s->context, order, s->peers, error);
        g->group.memory_bytes = bytes;
        status = status == CLQ_OK ? bench_suite_measure(s, &g->group, failed, error) : status;
        gemm_batch_group_destroy(g);
        free(g);
    }
    return status != CLQ_OK ? clq_fail_in(error, status, "batch of products") : CLQ_OK;
}

clq_status bench_suite_product_batches(const bench_suite *s, size_t *failed, clq_error *error)
{
    gemm_batch_order orders[GEMM_MAX_SHAPES];
    const size_t count = gemm_batch_orders(s->quick || s->operations == 0, orders);
    for (size_t i = 0; i < count; i++) {
        CLQ_TRY(measure_product_batch(s, &orders[i], failed, error));
    }
    return CLQ_OK;
}

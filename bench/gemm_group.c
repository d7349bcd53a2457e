/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gemm_shapes.h"

/* Below, reading B and not arithmetic may set the time. Enough of one run that starting threads does not show. */
enum { ROWS_BOUND_BY_READING = 16, READ_BYTES = 1 << 28, DOT_LOOPS = 1 << 20 };

/* Operations of a product from which on groups along K are not measured: their sums are not exact in f32 there. */
#define GROUPS_BELOW 4e9

static int run_dot(void *cookie)
{
    (void)cookie;
    if (native_dot_operations(DOT_LOOPS) <= 0.0) {
        return BENCH_UNSUPPORTED;
    }
    return native_dot(DOT_LOOPS) == 0 ? BENCH_OK : BENCH_FAILED;
}

static int run_read(void *cookie)
{
    const gemm_read *read = cookie;
    const float found = native_read(read->values, read->count, read->passes);
    return memcmp(&found, read->values, sizeof found) != 0;
}

static int run_peer(void *cookie)
{
    const gemm_peer *peer = cookie;
    return peer->gemm == NULL ? BENCH_UNSUPPORTED : peer->peers->gemm_run(peer->gemm, peer->calls);
}

static int spoil_peer(void *cookie)
{
    const gemm_product *p = ((gemm_peer *)cookie)->product;
    memset(p->found, 0xAA, 4 * p->shape.m * p->shape.n);
    return BENCH_OK;
}

static int check_peer(void *cookie)
{
    const gemm_product *p = ((gemm_peer *)cookie)->product;
    return memcmp(p->found, p->sums, 4 * p->shape.m * p->shape.n) != 0;
}

static clq_status add(gemm_group *g, const char *problem, const char *who, bench_row **row, clq_error *error)
{
    *row = bench_add(&g->group, "gemm", problem, g->shape);
    CLQ_REQUIRE(*row != NULL, "more than %d rows at once: give fewer variants", BENCH_MAX_ROWS);
    snprintf((*row)->who, sizeof(*row)->who, "%s", who);
    (*row)->unit = BENCH_OPERATIONS;
    (*row)->work = gemm_shape_operations(&g->product->shape);
    (*row)->elements = g->product->shape.m * g->product->shape.n;
    (*row)->bytes = (double)gemm_product_bytes(&g->product->shape);
    (*row)->calls = g->calls;
    return CLQ_OK;
}

void gemm_roof_dot(bench_row *row)
{
    snprintf(row->who, sizeof row->who, "%s, %d threads", native_dot_name(), native_threads());
    row->work = native_dot_operations(DOT_LOOPS);
    row->calls = 1;
    row->run = run_dot;
    row->role = BENCH_ROOF;
}

clq_status gemm_roof_read(bench_row *row, gemm_read *read, uint64_t bytes, clq_error *error)
{
    snprintf(row->who, sizeof row->who, "read of B, %d threads", native_threads());
    read->count = (size_t)((bytes + 3) / 4);
    read->passes = 1 + (int)(READ_BYTES / bytes);
    CLQ_TRY(bench_allocate(4 * read->count, (void **)&read->values, error));
    row->calls = read->passes;
    row->run = run_read;
    row->cookie = read;
    row->role = BENCH_ROOF;
    return CLQ_OK;
}

static clq_status add_roofs(gemm_group *g, clq_error *error)
{
    const gemm_shape *s = &g->product->shape;
    bench_row *row = NULL;
    CLQ_TRY(add(g, g->problem, "", &row, error));
    gemm_roof_dot(row);
    if (s->m > ROWS_BOUND_BY_READING) {
        return CLQ_OK;
    }
    CLQ_TRY(add(g, g->problem, "", &row, error));
    return gemm_roof_read(row, &g->read, s->k * s->n, error);
}

static clq_status add_ours(gemm_group *g, const gemm_device *device, const gemm_way *way, const char *problem,
                           bench_row **row, clq_error *error)
{
    gemm_row *ours = &g->ours[g->our_count];
    CLQ_TRY(add(g, problem, "clquant", row, error));
    g->our_count++;
    gemm_row_create(ours, device, way);
    snprintf((*row)->way, sizeof(*row)->way, "-> %s%s", clq_dtype_name(way->output),
             way->packed ? "" : ", B not packed");
    if (way->k_group != 0) {
        snprintf((*row)->way, sizeof(*row)->way, "-> %s, groups of %d", clq_dtype_name(way->output), (int)way->k_group);
    }
    snprintf((*row)->variant, sizeof(*row)->variant, "%s", way->variant != NULL ? way->variant : ours->variant);
    (*row)->work = gemm_shape_operations(&device->product->shape);
    (*row)->spoil = gemm_row_spoil;
    (*row)->run = gemm_row_run;
    (*row)->check = gemm_row_check;
    (*row)->cookie = ours;
    (*row)->error = &ours->error;
    return CLQ_OK;
}

/* Nothing but its time is of interest: 0 operations. */
static clq_status add_packing(gemm_group *g, clq_error *error)
{
    const gemm_way way = {CLQ_S8, NULL, 1, 1, 0};
    bench_row *row = NULL;
    CLQ_TRY(add_ours(g, &g->device, &way, g->problem, &row, error));
    snprintf(row->way, sizeof row->way, "packing of B");
    row->run = gemm_row_pack;
    row->check = gemm_row_check_packed;
    row->work = 0.0;
    row->elements = g->product->shape.n * g->product->shape.k;
    return CLQ_OK;
}

/* What becomes of the blob in one way, beside row `beside`; nothing but its time is of interest either. */
static clq_status add_blob_row(gemm_group *g, const char *way, int (*run)(void *cookie), int (*check)(void *cookie),
                               size_t beside, clq_error *error)
{
    bench_row *row = NULL;
    CLQ_TRY(add(g, "packed B", "clquant", &row, error));
    snprintf(row->way, sizeof row->way, "%s", way);
    row->work = 0.0;
    row->elements = g->product->shape.n * g->product->shape.k;
    row->spoil = gemm_blob_spoil;
    row->run = run;
    row->check = check;
    row->cookie = &g->blob;
    row->error = &g->blob.row.error;
    bench_stand_beside(row, beside, g->group.rows[beside].way, 0.0);
    return CLQ_OK;
}

/* Instead of packing, row `packing`: B as bytes that were packed before. A device elsewhere has no copy of C's. */
static clq_status add_blob(gemm_group *g, size_t packing, clq_error *error)
{
    size_t copy = packing;
    CLQ_TRY(gemm_blob_create(&g->blob, &g->device, error));
    if (gemm_computes_here(g->device.context)) {
        copy = g->group.count;
        CLQ_TRY(add_blob_row(g, "copy", gemm_blob_copy, gemm_blob_check_room, packing, error));
        g->group.rows[copy].role = BENCH_COPY;
        snprintf(g->group.rows[copy].who, sizeof g->group.rows[copy].who, "C, %d threads", native_threads());
    }
    CLQ_TRY(add_blob_row(g, "export", gemm_blob_export, gemm_blob_check_room, copy, error));
    CLQ_TRY(add_blob_row(g, "import", gemm_blob_import, gemm_blob_check_product, packing, error));
    return add_blob_row(g, "import of a copy", gemm_blob_import_copied, gemm_blob_check_product, copy, error);
}

/* The neighbour stands as the peer of a problem of its own. */
static clq_status add_neighbour(gemm_group *g, clq_error *error)
{
    const gemm_shape *s = &g->neighbour_device.product->shape;
    const gemm_way way = {CLQ_S8, NULL, 1, g->calls, 0};
    bench_row *row = NULL;
    char beside[40];
    snprintf(beside, sizeof beside, "%s, beside", g->problem);
    CLQ_TRY(add_ours(g, &g->neighbour_device, &way, beside, &row, error));
    snprintf(row->who, sizeof row->who, "%zux%zux%zu", s->m, s->n, s->k);
    row->role = BENCH_PEER;
    CLQ_TRY(add_ours(g, &g->device, &way, beside, &row, error));
    row->target = gemm_neighbour_target();
    return CLQ_OK;
}

static clq_status add_peers(gemm_group *g, const bench_peers *peers, clq_error *error)
{
    const gemm_product *p = g->product;
    const native_product product = {p->shape.m, p->shape.n, p->shape.k, p->a_is_u8, p->a, p->b, p->found};
    for (int i = 0; i < peers->gemm_forms && i < GEMM_MAX_PEERS; i++) {
        bench_row *row = NULL;
        CLQ_TRY(add(g, g->problem, peers->gemm_names[i], &row, error));
        g->peers[g->peer_count] = (gemm_peer){peers, peers->gemm_create(i, &product), p, g->calls};
        row->spoil = spoil_peer;
        row->run = run_peer;
        row->check = check_peer;
        row->cookie = &g->peers[g->peer_count++];
        row->role = BENCH_PEER;
    }
    return CLQ_OK;
}

static clq_status add_ways(gemm_group *g, const char *const *variants, clq_error *error)
{
    const gemm_shape *s = &g->product->shape;
    gemm_way way = {CLQ_S8, NULL, 1, g->calls, 0};
    bench_row *row = NULL;
    CLQ_TRY(add_ours(g, &g->device, &way, g->problem, &row, error));
    row->target = gemm_target(s, NULL, g->calls);
    way.output = CLQ_S32;
    CLQ_TRY(add_ours(g, &g->device, &way, g->problem, &row, error));
    way.output = CLQ_S8;
    for (size_t i = 0; g->calls == 1 && variants[i] != NULL; i++) {
        way.variant = variants[i];
        CLQ_TRY(add_ours(g, &g->device, &way, g->problem, &row, error));
        row->target = gemm_target(s, variants[i], g->calls);
    }
    if (g->calls == 1) {
        way.variant = NULL;
        way.packed = 0;
        CLQ_TRY(add_ours(g, &g->device, &way, g->problem, &row, error));
    }
    return CLQ_OK;
}

/* The same in groups of 128 to the types of 16 bits, beside row `first` of them. */
static clq_status add_narrow_groups(gemm_group *g, const char *variant, size_t first, clq_error *error)
{
    static const clq_dtype types[] = {CLQ_F16, CLQ_BF16};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const gemm_way way = {types[i], variant, 1, 1, 128};
        bench_row *row = NULL;
        CLQ_TRY(add_ours(g, &g->device, &way, g->problem, &row, error));
        bench_stand_beside(row, first, "-> f32", 0.0);
    }
    return CLQ_OK;
}

/* Along K, beside the product without them. */
static clq_status add_groups(gemm_group *g, const char *variant, clq_error *error)
{
    static const int sizes[] = {128, 64, GEMM_LEAST_GROUP};
    const gemm_shape *s = &g->product->shape;
    const size_t first = g->group.count;
    gemm_way way = {CLQ_F32, variant, 1, 1, 0};
    if (s->k % 128 != 0 || gemm_shape_operations(s) >= GROUPS_BELOW) {
        return CLQ_OK;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bench_row *row = NULL;
        way.k_group = (uint64_t)sizes[i];
        CLQ_TRY(add_ours(g, &g->device, &way, g->problem, &row, error));
    }
    return add_narrow_groups(g, variant, first, error);
}

uint64_t gemm_group_bytes(const gemm_shape *s)
{
    /* here, on the device, and B packed for rows; packed as bytes, copied, imported and exported */
    return 3 * gemm_product_bytes(s) + 4 * (uint64_t)s->n * s->k;
}

int gemm_computes_here(const clq_context *context)
{
    clq_device_info info;
    clq_context_device(context, &info);
    return info.type == CLQ_DEVICE_CPU || info.type == CLQ_DEVICE_REFERENCE;
}

clq_status gemm_group_create(gemm_group *g, clq_context *context, const gemm_order *order, clq_error *error)
{
    const gemm_shape *s = &order->product->shape;
    memset(g, 0, sizeof *g);
    g->product = order->product;
    g->calls = order->calls;
    snprintf(g->shape, sizeof g->shape, "%zux%zux%zu", s->m, s->n, s->k);
    snprintf(g->problem, sizeof g->problem, "%s", order->product->a_is_u8 ? "u8" : "s8");
    if (g->calls > 1) {
        snprintf(g->problem + 2, sizeof g->problem - 2, ", %d calls", g->calls);
    }
    CLQ_TRY(gemm_device_create(&g->device, context, order->product, error));
    if (gemm_computes_here(context)) {
        CLQ_TRY(add_roofs(g, error));
    }
    CLQ_TRY(add_ways(g, order->variants, error));
    if (g->calls == 1 && !order->product->a_is_u8) { /* packing does not look at A */
        CLQ_TRY(add_packing(g, error));
        CLQ_TRY(add_blob(g, g->group.count - 1, error));
        CLQ_TRY(add_groups(g, NULL, error));
        for (size_t i = 0; order->variants_in_groups && order->variants[i] != NULL; i++) {
            CLQ_TRY(add_groups(g, order->variants[i], error));
        }
    }
    if (order->neighbour != NULL) {
        CLQ_TRY(gemm_device_create(&g->neighbour_device, context, order->neighbour, error));
        CLQ_TRY(add_neighbour(g, error));
    }
    return order->peers != NULL && gemm_computes_here(context) ? add_peers(g, order->peers, error) : CLQ_OK;
}

void gemm_group_destroy(gemm_group *g)
{
    for (size_t i = 0; i < g->our_count; i++) {
        gemm_row_destroy(&g->ours[i]);
    }
    for (int i = 0; i < g->peer_count; i++) {
        g->peers[i].peers->gemm_destroy(g->peers[i].gemm);
    }
    gemm_blob_destroy(&g->blob);
    gemm_device_destroy(&g->device);
    gemm_device_destroy(&g->neighbour_device);
    free(g->read.values);
}

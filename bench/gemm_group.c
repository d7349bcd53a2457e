/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_group.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gemm_shapes.h"

/* Below, reading B and not arithmetic may set the time. Enough of one run that starting threads does not show. */
enum { ROWS_BOUND_BY_READING = 16, READ_BYTES = 1 << 28, DOT_LOOPS = 1 << 20 };

static int run_dot(void *cookie)
{
    (void)cookie;
    if (native_dot_operations(DOT_LOOPS) <= 0.0) {
        return BENCH_UNSUPPORTED;
    }
    native_dot(DOT_LOOPS);
    return BENCH_OK;
}

static int run_read(void *cookie)
{
    const gemm_read *read = cookie;
    const float found = native_read_max(read->values, read->count, read->passes);
    return memcmp(&found, read->values, sizeof found) != 0;
}

static int run_peer(void *cookie)
{
    gemm_peer *peer = cookie;
    return peer->gemm == NULL ? BENCH_UNSUPPORTED : peer_gemm_run(peer->gemm, peer->calls);
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

__attribute__((format(printf, 2, 3))) static bench_row *add(gemm_group *g, const char *format, ...)
{
    bench_row *row = &g->rows[g->row_count];
    char *label = g->labels[g->row_count];
    va_list arguments;
    if (g->row_count++ == GEMM_MAX_ROWS) {
        fprintf(stderr, "bench_gemm: more than %d rows\n", GEMM_MAX_ROWS);
        exit(1);
    }
    va_start(arguments, format);
    vsnprintf(label, sizeof g->labels[0], format, arguments);
    va_end(arguments);
    memset(row, 0, sizeof *row);
    row->problem = g->problem;
    row->who = label;
    row->work = gemm_shape_operations(&g->product->shape);
    row->calls = g->calls;
    return row;
}

static void add_roofs(gemm_group *g)
{
    const gemm_shape *s = &g->product->shape;
    bench_row *row = add(g, "vpdpbusd, %d threads", native_threads());
    row->work = native_dot_operations(DOT_LOOPS);
    row->calls = 1;
    row->run = run_dot;
    row->role = BENCH_ROOF;
    if (s->m > ROWS_BOUND_BY_READING) {
        return;
    }
    g->read.count = (s->k * s->n + 3) / 4;
    g->read.passes = 1 + (int)(READ_BYTES / (s->k * s->n));
    g->read.values = bench_allocate(4 * g->read.count);
    row = add(g, "read of B, %d threads", native_threads());
    row->calls = g->read.passes;
    row->run = run_read;
    row->cookie = &g->read;
    row->role = BENCH_ROOF;
}

static bench_row *add_ours(gemm_group *g, const gemm_device *device, const gemm_way *way)
{
    gemm_row *ours = &g->ours[g->our_count++];
    bench_row *row = add(g, "clquant -> %s", clq_dtype_name(way->output));
    char *label = g->labels[g->row_count - 1];
    gemm_row_create(ours, device, way);
    if (ours->variant[0] != '\0' || way->variant != NULL) {
        snprintf(label + strlen(label), sizeof g->labels[0] - strlen(label), ", %s",
                 way->variant != NULL ? way->variant : ours->variant);
    }
    snprintf(label + strlen(label), sizeof g->labels[0] - strlen(label), "%s", way->packed ? "" : ", B not packed");
    row->work = gemm_shape_operations(&device->product->shape);
    row->spoil = gemm_row_spoil;
    row->run = gemm_row_run;
    row->check = gemm_row_check;
    row->cookie = ours;
    return row;
}

/* Nothing but its time is of interest: 0 operations. */
static void add_packing(gemm_group *g)
{
    const gemm_way way = {CLQ_S8, NULL, 1, 1};
    bench_row *row = add_ours(g, &g->device, &way);
    snprintf(g->labels[g->row_count - 1], sizeof g->labels[0], "clquant, packing of B");
    row->run = gemm_row_pack;
    row->check = gemm_row_check_packed;
    row->work = 0.0;
}

/* The neighbour stands as the peer of a problem of its own. */
static void add_neighbour(gemm_group *g)
{
    const gemm_shape *s = &g->neighbour_device.product->shape;
    const gemm_way way = {CLQ_S8, NULL, 1, g->calls};
    bench_row *row = add_ours(g, &g->neighbour_device, &way);
    snprintf(g->labels[g->row_count - 1], sizeof g->labels[0], "%zux%zux%zu", s->m, s->n, s->k);
    snprintf(g->beside, sizeof g->beside, "%.30s, beside", g->problem);
    row->problem = g->beside;
    row->role = BENCH_PEER;
    row = add_ours(g, &g->device, &way);
    row->problem = g->beside;
    row->target = gemm_neighbour_target();
}

static void add_peers(gemm_group *g)
{
    static const char *const names[GEMM_PEERS] = {"oneDNN matmul", "oneDNN gemm"};
    const gemm_product *p = g->product;
    const native_product product = {p->shape.m, p->shape.n, p->shape.k, p->a_is_u8, p->a, p->b, p->found};
    for (int i = 0; i < GEMM_PEERS; i++) {
        bench_row *row = add(g, "%s", names[i]);
        g->peers[i] = (gemm_peer){peer_gemm_create((peer_gemm_form)i, &product), p, g->calls};
        row->spoil = spoil_peer;
        row->run = run_peer;
        row->check = check_peer;
        row->cookie = &g->peers[i];
        row->role = BENCH_PEER;
    }
}

static void add_ways(gemm_group *g, const gemm_variants variants)
{
    const gemm_shape *s = &g->product->shape;
    gemm_way way = {CLQ_S8, NULL, 1, g->calls};
    add_ours(g, &g->device, &way)->target = gemm_target(s, NULL, g->calls);
    way.output = CLQ_S32;
    (void)add_ours(g, &g->device, &way);
    way.output = CLQ_S8;
    for (int i = 0; g->calls == 1 && variants[i] != NULL; i++) {
        way.variant = variants[i];
        add_ours(g, &g->device, &way)->target = gemm_target(s, variants[i], g->calls);
    }
    if (g->calls == 1) {
        way.variant = NULL;
        way.packed = 0;
        (void)add_ours(g, &g->device, &way);
    }
}

void gemm_group_create(gemm_group *g, clq_context *context, const gemm_product *product, const gemm_product *neighbour,
                       int calls, const gemm_variants variants)
{
    const gemm_shape *s = &product->shape;
    memset(g, 0, sizeof *g);
    g->product = product;
    g->calls = calls;
    snprintf(g->problem, sizeof g->problem, "%zux%zux%zu %s", s->m, s->n, s->k, product->a_is_u8 ? "u8" : "s8");
    if (calls > 1) {
        snprintf(g->problem + strlen(g->problem), sizeof g->problem - strlen(g->problem), ", %d calls", calls);
    }
    gemm_device_create(&g->device, context, product);
    add_roofs(g);
    add_ways(g, variants);
    if (calls == 1 && !product->a_is_u8) { /* packing does not look at A */
        add_packing(g);
    }
    if (neighbour != NULL) {
        gemm_device_create(&g->neighbour_device, context, neighbour);
        add_neighbour(g);
    }
    add_peers(g);
}

void gemm_group_destroy(gemm_group *g)
{
    for (size_t i = 0; i < g->our_count; i++) {
        gemm_row_destroy(&g->ours[i]);
    }
    for (int i = 0; i < GEMM_PEERS; i++) {
        peer_gemm_destroy(g->peers[i].gemm);
    }
    gemm_device_destroy(&g->device);
    gemm_device_destroy(&g->neighbour_device);
    free(g->read.values);
}

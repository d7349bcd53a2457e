/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_batch_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"

/* What is aimed at: the batch takes no longer than its products one by one. */
static const double batch_limit = 1.0;

enum { BATCH_ROW = 0, CALLS_ROW = 1 };

/* ---- the device's ---- */

static clq_operand at(clq_buffer *buffer, uint64_t offset)
{
    return (clq_operand){buffer, offset};
}

/* Elements of B before an expert's, in the memory of all. */
static uint64_t b_before(const gemm_batch_experts *e, size_t expert)
{
    return (uint64_t)(e->products[expert].b - e->b);
}

static void describe(gemm_batch_set *set, size_t expert)
{
    const gemm_batch_group *g = set->group;
    const gemm_batch_experts *e = &g->experts;
    const native_product *product = &e->products[expert];
    clq_gemm_problem *p = &set->problems[expert];
    clq_gemm_batch_item *item = &set->items[expert];
    clq_gemm_init(p);
    p->m = product->m;
    p->n = product->n;
    p->k = product->k;
    p->a.dtype = e->order.a;
    p->b.dtype = set->b;
    p->c.dtype = e->order.c;
    p->a_scale = gemm_batch_quantizes(&e->order) ? CLQ_GEMM_PER_ROW : CLQ_GEMM_ABSENT;
    item->problem = p;
    item->operands.struct_size = sizeof item->operands;
    item->operands.a = at(g->a, (uint64_t)((const unsigned char *)product->a - e->a));
    item->operands.c = at(g->c, (uint64_t)(product->c - e->found));
    p->k_group = e->order.k_group;
    if (p->k_group != 0) { /* of which every k is a multiple */
        p->b_scale = CLQ_GEMM_PER_GROUP;
        item->operands.b_scale = at(g->scale, b_before(e, expert) / p->k_group);
    }
}

/* An expert's weights as bytes, which the caller frees. */
static clq_status pack(gemm_batch_set *set, size_t expert, void **exported, uint64_t *bytes, clq_error *error)
{
    clq_context *const context = set->group->context;
    const gemm_batch_experts *e = &set->group->experts;
    const native_product *product = &e->products[expert];
    const uint64_t b_bytes = clq_dtype_bytes(set->b, product->n * product->k);
    clq_gemm_problem problem = set->problems[expert];
    clq_gemm_weights *weights = NULL;
    clq_buffer *b = NULL;
    clq_status status = CLQ_OK;
    problem.m = clq_size_max(problem.m, 1);
    CLQ_TRY_TO(clq_buffer_create(context, b_bytes, &b, error));
    CLQ_TRY_TO(clq_buffer_write(
        b, 0, set->b == CLQ_S4 ? (const void *)(e->nibbles + b_before(e, expert) / 2) : product->b, b_bytes, error));
    CLQ_TRY_TO(clq_gemm_weights_create(context, &problem, at(b, 0), at(NULL, 0), &weights, error));
    *bytes = clq_gemm_weights_export_bytes(weights);
    CLQ_TRY_TO(bench_allocate(*bytes, exported, error));
    CLQ_TRY_TO(clq_gemm_weights_export(weights, *exported, *bytes, error));
done:
    clq_gemm_weights_destroy(&weights);
    clq_buffer_destroy(&b);
    return status;
}

/* Weights of all in one buffer, so that they can share launches; calls take the same. */
static clq_status pack_all(gemm_batch_set *set, clq_error *error)
{
    clq_context *const context = set->group->context;
    void *exported[GEMM_EXPERTS] = {NULL};
    uint64_t bytes[GEMM_EXPERTS], offsets[GEMM_EXPERTS];
    uint64_t used = 0;
    clq_status status = CLQ_OK;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        CLQ_TRY_TO(pack(set, i, &exported[i], &bytes[i], error));
        offsets[i] = used;
        used += clq_size_divide_up(bytes[i], CLQ_GEMM_WEIGHTS_ALIGNMENT) * CLQ_GEMM_WEIGHTS_ALIGNMENT;
    }
    CLQ_TRY_TO(clq_buffer_create(context, used, &set->packed, error));
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        clq_gemm_problem problem = set->problems[i];
        problem.m = clq_size_max(problem.m, 1);
        CLQ_TRY_TO(clq_buffer_write(set->packed, offsets[i], exported[i], bytes[i], error));
        CLQ_TRY_TO(clq_gemm_weights_import(context, &problem, at(set->packed, offsets[i]), &set->weights[i], error));
        set->items[i].operands.weights = set->weights[i];
    }
done:
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        free(exported[i]);
    }
    return status;
}

static clq_status make_set(gemm_batch_group *g, gemm_batch_set *set, clq_dtype b, clq_error *error)
{
    set->group = g;
    set->b = b;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        describe(set, i);
    }
    CLQ_TRY(pack_all(set, error));
    return clq_gemm_batch_create(g->context, set->items, GEMM_EXPERTS, &set->batch, error);
}

static void destroy_set(gemm_batch_set *set)
{
    clq_gemm_batch_destroy(&set->batch);
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        clq_gemm_weights_destroy(&set->weights[i]);
    }
    clq_buffer_destroy(&set->packed);
}

static clq_status make_device(gemm_batch_group *g, clq_error *error)
{
    const gemm_batch_experts *e = &g->experts;
    const gemm_batch_order *order = &e->order;
    const uint64_t a_bytes = clq_dtype_bytes(order->a, e->a_count);
    CLQ_TRY(clq_buffer_create(g->context, a_bytes, &g->a, error));
    CLQ_TRY(clq_buffer_write(g->a, 0, e->reals != NULL ? (const void *)e->reals : e->a, a_bytes, error));
    CLQ_TRY(clq_buffer_create(g->context, clq_dtype_bytes(order->c, e->c_count), &g->c, error));
    if (order->k_group != 0) {
        CLQ_TRY(gemm_put_group_scales(g->context, e->b_count / order->k_group, &g->scale, error));
    }
    CLQ_TRY(make_set(g, &g->ours, order->b, error));
    return order->b == CLQ_S4 ? make_set(g, &g->of_s8, CLQ_S8, error) : CLQ_OK;
}

static uint64_t result_bytes(const gemm_batch_group *g)
{
    return clq_dtype_bytes(g->experts.order.c, g->experts.c_count);
}

static int spoil(gemm_batch_group *g)
{
    memset(g->experts.found, 0xAA, (size_t)result_bytes(g));
    return clq_buffer_write(g->c, 0, g->experts.found, result_bytes(g), &g->error) != CLQ_OK;
}

static int spoil_ours(void *cookie)
{
    return spoil(((gemm_batch_set *)cookie)->group);
}

static int run_batch(void *cookie)
{
    gemm_batch_set *set = cookie;
    clq_error *const error = &set->group->error;
    return clq_gemm_batch_run(set->batch, error) != CLQ_OK || clq_finish(set->group->context, error) != CLQ_OK;
}

static int run_calls(void *cookie)
{
    gemm_batch_set *set = cookie;
    gemm_batch_group *g = set->group;
    clq_status status = CLQ_OK;
    for (size_t i = 0; i < GEMM_EXPERTS && status == CLQ_OK; i++) {
        if (set->problems[i].m > 0) {
            status = clq_gemm(g->context, &set->problems[i], &set->items[i].operands, &g->error);
        }
    }
    return clq_finish(g->context, status == CLQ_OK ? &g->error : NULL) != CLQ_OK || status != CLQ_OK;
}

static int check_host(const gemm_batch_group *g)
{
    return memcmp(g->experts.found, g->experts.expected, (size_t)result_bytes(g)) != 0;
}

static int check_ours(void *cookie)
{
    gemm_batch_group *g = ((gemm_batch_set *)cookie)->group;
    return clq_buffer_read(g->c, 0, g->experts.found, result_bytes(g), &g->error) != CLQ_OK || check_host(g);
}

/* ---- a peer's ---- */

/* One after the other: oneDNN 2.6 and 3 have no product of many shapes. */
static int run_peer(void *cookie)
{
    const gemm_batch_peer *peer = cookie;
    int result = BENCH_OK;
    for (size_t i = 0; i < GEMM_EXPERTS && result == BENCH_OK; i++) {
        if (peer->group->experts.products[i].m > 0) {
            result = peer->gemms[i] == NULL ? BENCH_UNSUPPORTED : peer->peers->gemm_run(peer->gemms[i], 1);
        }
    }
    return result;
}

static int spoil_peer(void *cookie)
{
    return spoil(((gemm_batch_peer *)cookie)->group);
}

static int check_peer(void *cookie)
{
    return check_host(((gemm_batch_peer *)cookie)->group);
}

/* ---- rows ---- */

/* "s8 -> s32", "f16 x s4 -> f16, groups of 128": of experts that are measured as s4 only, the type of B stands there.
 */
static void name_problem(const gemm_batch_order *order, clq_dtype b, char *text, size_t capacity)
{
    char with_b[16] = "";
    char groups[24] = "";
    if (order->b == CLQ_S4) {
        (void)snprintf(with_b, sizeof with_b, " x %s", clq_dtype_name(b));
    }
    if (order->k_group != 0) {
        (void)snprintf(groups, sizeof groups, ", groups of %d", (int)order->k_group);
    }
    (void)snprintf(text, capacity, "%s%s -> %s%s", clq_dtype_name(order->a), with_b, clq_dtype_name(order->c), groups);
}

static bench_row *add(gemm_batch_group *g, clq_dtype b, const char *who, const char *way)
{
    const gemm_batch_order *order = &g->experts.order;
    char shape[128], problem[64];
    bench_row *row;
    gemm_batch_name(order, shape, sizeof shape);
    name_problem(order, b, problem, sizeof problem);
    row = bench_add(&g->group, "gemm-batch", problem, shape); /* a handful: there is room */
    snprintf(row->who, sizeof row->who, "%s", who);
    snprintf(row->way, sizeof row->way, "%s", way);
    row->unit = BENCH_OPERATIONS;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = gemm_batch_shape(order, i);
        row->work += gemm_shape_operations(&s);
    }
    row->elements = g->experts.c_count;
    row->bytes = (double)gemm_batch_bytes(order);
    return row;
}

static void add_ours(gemm_batch_set *set, const char *way, int (*run)(void *cookie), const char *variant)
{
    bench_row *row = add(set->group, set->b, "clquant", way);
    snprintf(row->variant, sizeof row->variant, "%s", variant);
    row->spoil = spoil_ours;
    row->run = run;
    row->check = check_ours;
    row->cookie = set;
    row->error = &set->group->error;
}

/* The batch and the calls beside each other, and beside the batch the one of as many codes of s8. */
static clq_status add_sets(gemm_batch_group *g, clq_error *error)
{
    clq_plan plan = {0};
    size_t first = 0; /* with rows */
    CLQ_TRY(clq_gemm_batch_plan(g->ours.batch, &plan, error));
    add_ours(&g->ours, "one batch", run_batch, plan.variant);
    bench_stand_beside(&g->group.rows[BATCH_ROW], CALLS_ROW, "one call each", batch_limit);
    while (g->ours.problems[first].m == 0) { /* ends: no order is without any */
        first++;
    }
    CLQ_TRY(clq_gemm_plan(g->context, &g->ours.problems[first], 1, &plan, error));
    add_ours(&g->ours, "one call each", run_calls, plan.variant);
    bench_stand_beside(&g->group.rows[CALLS_ROW], BATCH_ROW, "one batch", 0.0);
    if (g->of_s8.batch != NULL) {
        CLQ_TRY(clq_gemm_batch_plan(g->of_s8.batch, &plan, error));
        add_ours(&g->of_s8, "one batch", run_batch, plan.variant);
        bench_stand_beside(&g->group.rows[g->group.count - 1], BATCH_ROW, "one batch of s4", 0.0);
    }
    return CLQ_OK;
}

static void add_peers(gemm_batch_group *g, const bench_peers *peers)
{
    for (int form = 0; form < peers->gemm_forms && form < GEMM_MAX_PEERS; form++) {
        gemm_batch_peer *peer = &g->peers[form];
        bench_row *row = add(g, CLQ_S8, peers->gemm_names[form], "one call each");
        peer->group = g;
        peer->peers = peers;
        for (size_t i = 0; i < GEMM_EXPERTS; i++) {
            const native_product *product = &g->experts.products[i];
            peer->gemms[i] = product->m > 0 ? peers->gemm_create(form, product) : NULL;
        }
        row->spoil = spoil_peer;
        row->run = run_peer;
        row->check = check_peer;
        row->cookie = peer;
        row->role = BENCH_PEER;
    }
}

/* Of B, where there are rows. */
static uint64_t bytes_read(const gemm_batch_experts *e)
{
    uint64_t elements = 0;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        elements += e->products[i].m > 0 ? e->products[i].n * e->products[i].k : 0;
    }
    return clq_dtype_bytes(e->order.b, elements);
}

clq_status gemm_batch_group_create(gemm_batch_group *g, clq_context *context, const gemm_batch_order *order,
                                   const bench_peers *peers, clq_error *error)
{
    memset(g, 0, sizeof *g);
    g->context = context;
    CLQ_TRY(gemm_batch_experts_create(&g->experts, order, error));
    CLQ_TRY(make_device(g, error));
    CLQ_TRY(add_sets(g, error));
    if (gemm_computes_here(context)) {
        gemm_roof_dot(add(g, order->b, "", ""));
        CLQ_TRY(gemm_roof_read(add(g, order->b, "", ""), &g->read, bytes_read(&g->experts), error));
        if (peers != NULL && !gemm_batch_quantizes(order) &&
            order->b == CLQ_S8) { /* who have products of these alone */
            add_peers(g, peers);
        }
    }
    return CLQ_OK;
}

void gemm_batch_group_destroy(gemm_batch_group *g)
{
    destroy_set(&g->ours);
    destroy_set(&g->of_s8);
    for (int form = 0; form < GEMM_MAX_PEERS; form++) {
        for (size_t i = 0; i < GEMM_EXPERTS && g->peers[form].peers != NULL; i++) {
            g->peers[form].peers->gemm_destroy(g->peers[form].gemms[i]);
        }
    }
    clq_buffer_destroy(&g->a);
    clq_buffer_destroy(&g->scale);
    clq_buffer_destroy(&g->c);
    free(g->read.values);
    gemm_batch_experts_destroy(&g->experts);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_batch_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/half.h"
#include "core/size.h"
#include "gemm_shapes.h"

/* What is aimed at: the batch takes no longer than its products one by one. */
static const double batch_limit = 1.0;

enum { BATCH_ROW = 0, CALLS_ROW = 1, STEP = 256 /* of n and k */ };

/* ---- which ---- */

size_t gemm_batch_orders(int quick, gemm_batch_order *orders)
{
    static const gemm_shape matrices[][2] = {{{0, 256, 256}, {0, 256, 256}},
                                             {{0, 512, 512}, {0, 512, 512}},
                                             {{0, 1024, 1024}, {0, 1024, 1024}},
                                             {{0, 256, 256}, {0, 1024, 1024}}};
    static const size_t rows[][2] = {{1, 1}, {4, 4}, {0, 16}, {16, 16}, {64, 64}};
    static const clq_dtype types[] = {CLQ_S8, CLQ_F16, CLQ_BF16};
    size_t count = 0;
    for (size_t i = 0; i < sizeof matrices / sizeof matrices[0]; i++) {
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
            const int is_quick = matrices[i][0].n == STEP && rows[k][1] == 16 && rows[k][0] == 0;
            const size_t type_count = is_quick ? 3 : rows[k][0] == 4 ? 1 : 2; /* one of bf16 stands for all */
            for (size_t t = 0; t < type_count && (is_quick || !quick) && count < GEMM_MAX_SHAPES; t++) {
                orders[count] = (gemm_batch_order){.least = matrices[i][0], .most = matrices[i][1], .a = types[t]};
                orders[count].least.m = rows[k][0];
                orders[count++].most.m = rows[k][1];
            }
        }
    }
    return count;
}

static int is_real(const gemm_batch_order *order)
{
    return order->a != CLQ_S8;
}

static size_t of_turn(size_t least, size_t most, size_t step, size_t turn)
{
    return least + turn % ((most - least) / step + 1) * step;
}

static gemm_shape shape_of(const gemm_batch_order *order, size_t expert)
{
    const gemm_shape *least = &order->least;
    const gemm_shape *most = &order->most;
    return (gemm_shape){of_turn(least->m, most->m, 1, 7 * expert), of_turn(least->n, most->n, STEP, expert),
                        of_turn(least->k, most->k, STEP, expert / 4)};
}

static void name_range(char *text, size_t capacity, size_t least, size_t most)
{
    if (least == most) {
        (void)snprintf(text, capacity, "%zu", least);
    } else {
        (void)snprintf(text, capacity, "%zu-%zu", least, most);
    }
}

/* ---- data ---- */

/* Elements of all: of A, B and C. */
static void count_elements(const gemm_batch_order *order, uint64_t *a, uint64_t *b, uint64_t *c)
{
    *a = *b = *c = 0;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = shape_of(order, i);
        *a += s.m * s.k;
        *b += s.n * s.k;
        *c += s.m * s.n;
    }
}

uint64_t gemm_batch_bytes(const gemm_batch_order *order)
{
    uint64_t a, b, c;
    count_elements(order, &a, &b, &c);
    /* B here, packed and exported, packed and imported, and read; of reals twice two bytes */
    return a + (is_real(order) ? 4 * a : 0) + 4 * b + 8 * c;
}

static void fill(void *codes, uint64_t count, uint32_t state)
{
    for (uint64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        ((unsigned char *)codes)[i] = (unsigned char)(state >> 16);
    }
}

/* Rows that quantize to their codes: the largest is 127 times the scale, which is 1. */
static clq_status make_reals(gemm_batch_group *g, clq_error *error)
{
    signed char *codes = (signed char *)g->a;
    CLQ_TRY(bench_allocate(2 * g->a_count, (void **)&g->reals, error));
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = shape_of(&g->order, i);
        for (size_t row = 0; row < s.m; row++, codes += s.k) {
            codes[0] = 127;
        }
    }
    codes = (signed char *)g->a;
    for (uint64_t i = 0; i < g->a_count; i++) {
        codes[i] = codes[i] < -127 ? -127 : codes[i];
        g->reals[i] = g->order.a == CLQ_F16 ? clq_half_from_float(codes[i])
                                            : (uint16_t)(clq_bits_from_float(codes[i]) >> 16); /* 8 bits: exact */
    }
    return CLQ_OK;
}

/* What comes out of a product of reals, in place of its sums. */
static void make_floats(gemm_batch_group *g)
{
    for (uint64_t i = 0; i < g->c_count && is_real(&g->order); i++) {
        const float value = (float)g->sums[i];
        memcpy(&g->sums[i], &value, sizeof value);
    }
}

static clq_status make_host(gemm_batch_group *g, clq_error *error)
{
    uint64_t a = 0, b = 0, c = 0;
    count_elements(&g->order, &g->a_count, &g->b_count, &g->c_count);
    CLQ_TRY(bench_allocate(g->a_count, (void **)&g->a, error));
    CLQ_TRY(bench_allocate(g->b_count, (void **)&g->b, error));
    CLQ_TRY(bench_allocate(4 * g->c_count, (void **)&g->sums, error));
    CLQ_TRY(bench_allocate(4 * g->c_count, (void **)&g->found, error));
    fill(g->a, g->a_count, 1);
    fill(g->b, g->b_count, 2);
    if (is_real(&g->order)) {
        CLQ_TRY(make_reals(g, error));
    }
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = shape_of(&g->order, i);
        native_product exact = {s.m, s.n, s.k, 0, g->a + a, g->b + b, g->sums + c};
        native_gemm(&exact);
        exact.c = g->found + c;
        g->experts[i] = exact;
        a += s.m * s.k;
        b += s.n * s.k;
        c += s.m * s.n;
    }
    make_floats(g);
    return CLQ_OK;
}

/* Of B, where there are rows. */
static uint64_t bytes_read(const gemm_batch_group *g)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        bytes += g->experts[i].m > 0 ? g->experts[i].n * g->experts[i].k : 0;
    }
    return bytes;
}

/* ---- the device's ---- */

static clq_operand at(clq_buffer *buffer, uint64_t offset)
{
    return (clq_operand){buffer, offset};
}

static void describe(gemm_batch_group *g, size_t expert)
{
    const native_product *e = &g->experts[expert];
    clq_gemm_problem *p = &g->problems[expert];
    clq_gemm_batch_item *item = &g->items[expert];
    clq_gemm_init(p);
    p->m = e->m;
    p->n = e->n;
    p->k = e->k;
    if (is_real(&g->order)) {
        p->a.dtype = g->order.a;
        p->a_scale = CLQ_GEMM_PER_ROW;
        p->c.dtype = CLQ_F32;
    }
    item->problem = p;
    item->operands.struct_size = sizeof item->operands;
    item->operands.a = at(g->device_a, (uint64_t)((const unsigned char *)e->a - g->a));
    item->operands.c = at(g->device_c, (uint64_t)(e->c - g->found));
}

/* An expert's weights as bytes, which the caller frees. */
static clq_status pack(gemm_batch_group *g, size_t expert, void **exported, uint64_t *bytes, clq_error *error)
{
    const native_product *e = &g->experts[expert];
    clq_gemm_problem problem = g->problems[expert];
    clq_gemm_weights *weights = NULL;
    clq_buffer *b = NULL;
    clq_status status = CLQ_OK;
    problem.m = clq_size_max(problem.m, 1);
    CLQ_TRY_TO(clq_buffer_create(g->context, e->n * e->k, &b, error));
    CLQ_TRY_TO(clq_buffer_write(b, 0, e->b, e->n * e->k, error));
    CLQ_TRY_TO(clq_gemm_weights_create(g->context, &problem, at(b, 0), at(NULL, 0), &weights, error));
    *bytes = clq_gemm_weights_export_bytes(weights);
    CLQ_TRY_TO(bench_allocate(*bytes, exported, error));
    CLQ_TRY_TO(clq_gemm_weights_export(weights, *exported, *bytes, error));
done:
    clq_gemm_weights_destroy(&weights);
    clq_buffer_destroy(&b);
    return status;
}

/* Weights of all in one buffer, so that they can share launches; calls take the same. */
static clq_status pack_all(gemm_batch_group *g, clq_error *error)
{
    void *exported[GEMM_EXPERTS] = {NULL};
    uint64_t bytes[GEMM_EXPERTS], offsets[GEMM_EXPERTS];
    uint64_t used = 0;
    clq_status status = CLQ_OK;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        CLQ_TRY_TO(pack(g, i, &exported[i], &bytes[i], error));
        offsets[i] = used;
        used += clq_size_divide_up(bytes[i], CLQ_GEMM_WEIGHTS_ALIGNMENT) * CLQ_GEMM_WEIGHTS_ALIGNMENT;
    }
    CLQ_TRY_TO(clq_buffer_create(g->context, used, &g->packed, error));
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        clq_gemm_problem problem = g->problems[i];
        problem.m = clq_size_max(problem.m, 1);
        CLQ_TRY_TO(clq_buffer_write(g->packed, offsets[i], exported[i], bytes[i], error));
        CLQ_TRY_TO(clq_gemm_weights_import(g->context, &problem, at(g->packed, offsets[i]), &g->weights[i], error));
        g->items[i].operands.weights = g->weights[i];
    }
done:
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        free(exported[i]);
    }
    return status;
}

static clq_status make_device(gemm_batch_group *g, clq_error *error)
{
    const uint64_t a_bytes = clq_dtype_bytes(g->order.a, g->a_count);
    CLQ_TRY(clq_buffer_create(g->context, a_bytes, &g->device_a, error));
    CLQ_TRY(clq_buffer_write(g->device_a, 0, is_real(&g->order) ? (const void *)g->reals : g->a, a_bytes, error));
    CLQ_TRY(clq_buffer_create(g->context, 4 * g->c_count, &g->device_c, error));
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        describe(g, i);
    }
    CLQ_TRY(pack_all(g, error));
    return clq_gemm_batch_create(g->context, g->items, GEMM_EXPERTS, &g->batch, error);
}

static int spoil(void *cookie)
{
    gemm_batch_group *g = cookie;
    memset(g->found, 0xAA, 4 * g->c_count);
    return clq_buffer_write(g->device_c, 0, g->found, 4 * g->c_count, &g->error) != CLQ_OK;
}

static int run_batch(void *cookie)
{
    gemm_batch_group *g = cookie;
    return clq_gemm_batch_run(g->batch, &g->error) != CLQ_OK || clq_finish(g->context, &g->error) != CLQ_OK;
}

static int run_calls(void *cookie)
{
    gemm_batch_group *g = cookie;
    clq_status status = CLQ_OK;
    for (size_t i = 0; i < GEMM_EXPERTS && status == CLQ_OK; i++) {
        if (g->problems[i].m > 0) {
            status = clq_gemm(g->context, &g->problems[i], &g->items[i].operands, &g->error);
        }
    }
    return clq_finish(g->context, status == CLQ_OK ? &g->error : NULL) != CLQ_OK || status != CLQ_OK;
}

static int check_host(void *cookie)
{
    const gemm_batch_group *g = cookie;
    return memcmp(g->found, g->sums, 4 * g->c_count) != 0;
}

static int check(void *cookie)
{
    gemm_batch_group *g = cookie;
    return clq_buffer_read(g->device_c, 0, g->found, 4 * g->c_count, &g->error) != CLQ_OK || check_host(g);
}

/* ---- a peer's ---- */

/* One after the other: oneDNN 2.6 and 3 have no product of many shapes. */
static int run_peer(void *cookie)
{
    const gemm_batch_peer *peer = cookie;
    int result = BENCH_OK;
    for (size_t i = 0; i < GEMM_EXPERTS && result == BENCH_OK; i++) {
        if (peer->group->experts[i].m > 0) {
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

static bench_row *add(gemm_batch_group *g, const char *who, const char *way)
{
    char shape[128], problem[32], m[24], n[24], k[24];
    bench_row *row;
    name_range(m, sizeof m, g->order.least.m, g->order.most.m);
    name_range(n, sizeof n, g->order.least.n, g->order.most.n);
    name_range(k, sizeof k, g->order.least.k, g->order.most.k);
    (void)snprintf(shape, sizeof shape, "%d of %sx%sx%s", GEMM_EXPERTS, m, n, k);
    (void)snprintf(problem, sizeof problem, "%s -> %s", clq_dtype_name(g->order.a), is_real(&g->order) ? "f32" : "s32");
    row = bench_add(&g->group, "gemm-batch", problem, shape); /* a handful: there is room */
    snprintf(row->who, sizeof row->who, "%s", who);
    snprintf(row->way, sizeof row->way, "%s", way);
    row->unit = BENCH_OPERATIONS;
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        const gemm_shape s = shape_of(&g->order, i);
        row->work += gemm_shape_operations(&s);
    }
    row->elements = g->c_count;
    row->bytes = (double)gemm_batch_bytes(&g->order);
    return row;
}

static void add_ours(gemm_batch_group *g, const char *way, int (*run)(void *cookie), const char *variant)
{
    bench_row *row = add(g, "clquant", way);
    snprintf(row->variant, sizeof row->variant, "%s", variant);
    row->spoil = spoil;
    row->run = run;
    row->check = check;
    row->cookie = g;
    row->error = &g->error;
}

static void add_peers(gemm_batch_group *g)
{
    const bench_peers *peers = g->order.peers;
    for (int form = 0; form < peers->gemm_forms && form < GEMM_MAX_PEERS; form++) {
        gemm_batch_peer *peer = &g->peers[form];
        bench_row *row = add(g, peers->gemm_names[form], "one call each");
        peer->group = g;
        peer->peers = peers;
        for (size_t i = 0; i < GEMM_EXPERTS; i++) {
            peer->gemms[i] = g->experts[i].m > 0 ? peers->gemm_create(form, &g->experts[i]) : NULL;
        }
        row->spoil = spoil_peer;
        row->run = run_peer;
        row->check = check_peer;
        row->cookie = peer;
        row->role = BENCH_PEER;
    }
}

clq_status gemm_batch_group_create(gemm_batch_group *g, clq_context *context, const gemm_batch_order *order,
                                   clq_error *error)
{
    clq_plan plan = {0};
    size_t first = 0; /* with rows */
    bench_row *row;
    memset(g, 0, sizeof *g);
    g->order = *order;
    g->context = context;
    CLQ_TRY(make_host(g, error));
    CLQ_TRY(make_device(g, error));
    CLQ_TRY(clq_gemm_batch_plan(g->batch, &plan, error));
    add_ours(g, "one batch", run_batch, plan.variant);
    bench_stand_beside(&g->group.rows[BATCH_ROW], CALLS_ROW, "one call each", batch_limit);
    while (g->problems[first].m == 0) { /* ends: no order is without any */
        first++;
    }
    CLQ_TRY(clq_gemm_plan(context, &g->problems[first], 1, &plan, error));
    add_ours(g, "one call each", run_calls, plan.variant);
    bench_stand_beside(&g->group.rows[CALLS_ROW], BATCH_ROW, "one batch", 0.0);
    if (gemm_computes_here(context)) {
        row = add(g, "", "");
        gemm_roof_dot(row);
        row = add(g, "", "");
        CLQ_TRY(gemm_roof_read(row, &g->read, bytes_read(g), error));
        if (order->peers != NULL && !is_real(order)) { /* who have no product that quantizes A */
            add_peers(g);
        }
    }
    return CLQ_OK;
}

void gemm_batch_group_destroy(gemm_batch_group *g)
{
    clq_gemm_batch_destroy(&g->batch);
    for (size_t i = 0; i < GEMM_EXPERTS; i++) {
        clq_gemm_weights_destroy(&g->weights[i]);
    }
    for (int form = 0; form < GEMM_MAX_PEERS; form++) {
        for (size_t i = 0; i < GEMM_EXPERTS && g->peers[form].peers != NULL; i++) {
            g->peers[form].peers->gemm_destroy(g->peers[form].gemms[i]);
        }
    }
    clq_buffer_destroy(&g->packed);
    clq_buffer_destroy(&g->device_a);
    clq_buffer_destroy(&g->device_c);
    free(g->read.values);
    free(g->a);
    free(g->reals);
    free(g->b);
    free(g->sums);
    free(g->found);
}

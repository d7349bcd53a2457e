/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_decode_group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "gemm_group.h"

/* How many times the caches all B of a type are. Bytes of the least B that is no matter of a launch alone; rows up to
 * which reading B sets the time. */
enum { CACHES = 4, LEAST_BYTES = 1 << 22, MOST_ROWS = 8, GROUP = 128 };

static uint64_t bytes_of(const gemm_shape *s, clq_dtype dtype)
{
    return (uint64_t)s->n * s->k * clq_dtype_bits(dtype) / 8;
}

static size_t count_of(const gemm_decode_group *g, clq_dtype dtype)
{
    return (size_t)clq_size_divide_up(g->all_bytes, bytes_of(&g->product.shape, dtype));
}

int gemm_decode_suits(const gemm_shape *s)
{
    return s->m <= MOST_ROWS && bytes_of(s, CLQ_S8) >= LEAST_BYTES && s->n * s->k % 2 == 0;
}

uint64_t gemm_decode_all_bytes(uint64_t cache_bytes)
{
    uint64_t bytes = GEMM_DECODE_LEAST_BYTES;
    while (bytes / CACHES < cache_bytes && bytes < GEMM_DECODE_MOST_BYTES) {
        bytes *= 2;
    }
    return bytes;
}

uint64_t gemm_decode_bytes(const gemm_shape *s, uint64_t all_bytes)
{
    return 5 * all_bytes + 4 * gemm_product_bytes(s);
}

/* ---- rows ---- */

static int outcome_of(clq_status status)
{
    return status == CLQ_OK ? BENCH_OK : status == CLQ_UNSUPPORTED ? BENCH_UNSUPPORTED : BENCH_FAILED;
}

static int run_row(void *cookie)
{
    gemm_decode_row *row = cookie;
    clq_context *const context = row->group->context;
    clq_status finished;
    for (size_t i = 0; i < row->count && row->status == CLQ_OK; i++) {
        row->operands.weights = row->weights[i];
        row->status = clq_gemm(context, &row->problem, &row->operands, &row->error);
    }
    finished = clq_finish(context, row->status == CLQ_OK ? &row->error : NULL);
    return outcome_of(row->status != CLQ_OK ? row->status : finished);
}

static int spoil_row(void *cookie)
{
    gemm_decode_row *row = cookie;
    void *mapped = NULL;
    clq_status status = clq_buffer_map(row->group->c, &mapped, &row->error);
    if (status == CLQ_OK) {
        memset(mapped, 0xAA, clq_buffer_bytes(row->group->c));
        status = clq_buffer_unmap(row->group->c, &row->error);
    }
    return outcome_of(status);
}

static int check_row(void *cookie)
{
    gemm_decode_row *row = cookie;
    const gemm_product *p = &row->group->product;
    void *mapped = NULL;
    int differs = 0;
    clq_status status = clq_buffer_map(row->group->c, &mapped, &row->error);
    if (status == CLQ_OK) {
        differs = row->problem.c.dtype == CLQ_F32 ? gemm_reals_differ(CLQ_F32, mapped, p->sums, p->shape.m * p->shape.n)
                                                  : memcmp(mapped, p->sums, 4 * p->shape.m * p->shape.n) != 0;
        status = clq_buffer_unmap(row->group->c, &row->error);
    }
    return differs ? BENCH_FAILED : outcome_of(status);
}

static int run_read(void *cookie)
{
    const gemm_decode_group *g = cookie;
    const float found = native_read(g->values, g->all_bytes / sizeof *g->values, 1);
    return memcmp(&found, g->values, sizeof found) != 0;
}

static clq_status pack(gemm_decode_row *row)
{
    const gemm_decode_group *g = row->group;
    const clq_operand none = {NULL, 0};
    clq_plan plan;
    row->weights = calloc(row->count, sizeof *row->weights);
    if (row->weights == NULL) {
        return clq_fail(&row->error, CLQ_OUT_OF_MEMORY, "no memory for a list of weights");
    }
    if (clq_gemm_plan(g->context, &row->problem, 1, &plan, NULL) == CLQ_OK) {
        snprintf(row->variant, sizeof row->variant, "%s", plan.variant);
    }
    for (size_t i = 0; i < row->count; i++) {
        CLQ_TRY(
            clq_gemm_weights_create(g->context, &row->problem, row->operands.b, none, &row->weights[i], &row->error));
    }
    return CLQ_OK;
}

static void make_row(gemm_decode_group *g, clq_dtype b, uint64_t k_group)
{
    gemm_decode_row *row = &g->rows[g->count++];
    clq_gemm_problem *p = &row->problem;
    row->group = g;
    row->count = count_of(g, b);
    clq_gemm_init(p);
    p->m = g->product.shape.m;
    p->n = g->product.shape.n;
    p->k = g->product.shape.k;
    p->b.dtype = b;
    row->operands.struct_size = sizeof row->operands;
    row->operands.a.buffer = g->a;
    row->operands.b.buffer = b == CLQ_S4 ? g->nibbles : g->b;
    row->operands.c.buffer = g->c;
    if (k_group != 0) {
        p->c.dtype = CLQ_F32;
        p->k_group = k_group;
        p->b_scale = CLQ_GEMM_PER_GROUP;
        row->operands.b_scale.buffer = g->scale;
    }
    row->status = pack(row);
}

static bench_row *add(gemm_decode_group *g, clq_dtype b)
{
    const gemm_shape *s = &g->product.shape;
    char problem[40];
    bench_row *row;
    snprintf(problem, sizeof problem, "s8 x %s, memory", clq_dtype_name(b));
    row = bench_add(&g->group, "gemm", problem, g->shape); /* of which there is room for many more */
    row->unit = BENCH_OPERATIONS;
    row->work = gemm_shape_operations(s);
    row->elements = s->m * s->n;
    row->bytes = (double)bytes_of(s, b);
    row->calls = (int)count_of(g, b);
    return row;
}

/* B of a type: what its bytes take to be read, and ours, without groups along K and with them. */
static void add_rows(gemm_decode_group *g, clq_dtype b)
{
    const uint64_t groups[] = {0, GROUP};
    const int mebibytes = (int)(g->all_bytes >> 20);
    if (g->values != NULL) {
        bench_row *roof = add(g, b);
        snprintf(roof->who, sizeof roof->who, "read of B, %d threads", native_threads());
        snprintf(roof->way, sizeof roof->way, "of %d MiB", mebibytes);
        roof->run = run_read;
        roof->cookie = g;
        roof->role = BENCH_ROOF;
    }
    for (size_t i = 0; i < 2 && (groups[i] == 0 || g->product.shape.k % groups[i] == 0); i++) {
        bench_row *row = add(g, b);
        gemm_decode_row *ours = &g->rows[g->count];
        make_row(g, b, groups[i]);
        snprintf(row->who, sizeof row->who, "clquant");
        if (groups[i] == 0) {
            snprintf(row->way, sizeof row->way, "-> s32, B of %d MiB", mebibytes);
        } else {
            snprintf(row->way, sizeof row->way, "-> f32, groups of %d, B of %d MiB", GROUP, mebibytes);
        }
        snprintf(row->variant, sizeof row->variant, "%s", ours->variant);
        row->spoil = spoil_row;
        row->run = run_row;
        row->check = check_row;
        row->cookie = ours;
        row->error = &ours->error;
    }
}

/* ---- data ---- */

static clq_status put(clq_context *context, const void *values, size_t bytes, clq_buffer **buffer, clq_error *error)
{
    const clq_status status = clq_buffer_create(context, bytes, buffer, error);
    return status != CLQ_OK ? status : clq_buffer_write(*buffer, 0, values, bytes, error);
}

/* The same codes of B as s8 and as s4. */
static clq_status put_codes(gemm_decode_group *g, clq_error *error)
{
    gemm_product *p = &g->product;
    const size_t count = p->shape.n * p->shape.k;
    native_product exact = {p->shape.m, p->shape.n, p->shape.k, 0, p->a, p->b, p->sums};
    clq_status status;
    unsigned char *nibbles = calloc(1, count / 2);
    if (nibbles == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for codes of 4 bits");
    }
    for (size_t i = 0; i < count; i++) {
        p->b[i] = (int8_t)(((p->b[i] & 15) ^ 8) - 8);
        nibbles[i / 2] |= (unsigned char)((p->b[i] & 15) << i % 2 * 4);
    }
    native_gemm(&exact);
    status = put(g->context, nibbles, count / 2, &g->nibbles, error);
    free(nibbles);
    return status != CLQ_OK ? status : put(g->context, p->b, count, &g->b, error);
}

clq_status gemm_decode_group_create(gemm_decode_group *g, clq_context *context, const gemm_shape *shape,
                                    uint64_t all_bytes, clq_error *error)
{
    memset(g, 0, sizeof *g);
    g->all_bytes = all_bytes;
    g->context = context;
    snprintf(g->shape, sizeof g->shape, "%zux%zux%zu", shape->m, shape->n, shape->k);
    CLQ_TRY(gemm_product_create(&g->product, shape, 0, error));
    CLQ_TRY(put(context, g->product.a, shape->m * shape->k, &g->a, error));
    CLQ_TRY(put_codes(g, error));
    CLQ_TRY(gemm_put_group_scales(context, shape->n * clq_size_divide_up(shape->k, GROUP), &g->scale, error));
    CLQ_TRY(clq_buffer_create(context, 4 * shape->m * shape->n, &g->c, error));
    if (gemm_computes_here(context)) {
        CLQ_TRY(bench_allocate(all_bytes, (void **)&g->values, error));
    }
    add_rows(g, CLQ_S8);
    add_rows(g, CLQ_S4);
    return CLQ_OK;
}

void gemm_decode_group_destroy(gemm_decode_group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        for (size_t j = 0; j < g->rows[i].count && g->rows[i].weights != NULL; j++) {
            clq_gemm_weights_destroy(&g->rows[i].weights[j]);
        }
        free(g->rows[i].weights);
    }
    clq_buffer_destroy(&g->a);
    clq_buffer_destroy(&g->b);
    clq_buffer_destroy(&g->nibbles);
    clq_buffer_destroy(&g->c);
    clq_buffer_destroy(&g->scale);
    gemm_product_destroy(&g->product);
    free(g->values);
}

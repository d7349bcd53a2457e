/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN as a peer: its reorder between reals and s8, and its matrix products of s8 or u8 with s8 weights to s32. */
#include "peer_onednn.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <oneapi/dnnl/dnnl.h>

typedef struct reorder {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t source, target;
} reorder;

static dnnl_data_type_t type_of(clq_dtype dtype)
{
    switch (dtype) {
    case CLQ_F32:
        return dnnl_f32;
    case CLQ_F16:
        return dnnl_f16;
    case CLQ_BF16:
        return dnnl_bf16;
    case CLQ_S8:
        return dnnl_s8;
    default:
        return dnnl_data_type_undef;
    }
}

static int prepare(reorder *r, clq_dtype from, clq_dtype to, void *source, void *target, size_t count, float scale)
{
    /* Rows of 1024, as a matrix would have them. */
    const dnnl_dim_t columns = count % 1024 == 0 ? 1024 : (dnnl_dim_t)count;
    const dnnl_dims_t dims = {(dnnl_dim_t)count / columns, columns};
    dnnl_memory_desc_t read, written;
    return dnnl_engine_create(&r->engine, dnnl_cpu, 0) != dnnl_success ||
           dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(&read, 2, dims, type_of(from), dnnl_ab) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(&written, 2, dims, type_of(to), dnnl_ab) != dnnl_success ||
           dnnl_primitive_attr_create(&r->attributes) != dnnl_success ||
           dnnl_primitive_attr_set_output_scales(r->attributes, 1, 0, &scale) != dnnl_success ||
           dnnl_reorder_primitive_desc_create(&r->description, &read, r->engine, &written, r->engine, r->attributes) !=
               dnnl_success ||
           dnnl_primitive_create(&r->primitive, r->description) != dnnl_success ||
           dnnl_memory_create(&r->source, &read, r->engine, source) != dnnl_success ||
           dnnl_memory_create(&r->target, &written, r->engine, target) != dnnl_success;
}

static void reorder_destroy(void *cookie)
{
    reorder *r = cookie;
    if (r == NULL) {
        return;
    }
    (void)dnnl_memory_destroy(r->source);
    (void)dnnl_memory_destroy(r->target);
    (void)dnnl_primitive_destroy(r->primitive);
    (void)dnnl_primitive_desc_destroy(r->description);
    (void)dnnl_primitive_attr_destroy(r->attributes);
    (void)dnnl_stream_destroy(r->stream);
    (void)dnnl_engine_destroy(r->engine);
    free(r);
}

static void *reorder_create(clq_dtype from, clq_dtype to, void *source, void *target, size_t count, float scale)
{
    reorder *r = calloc(1, sizeof *r);
    if (r != NULL && prepare(r, from, to, source, target, count, scale) != 0) {
        reorder_destroy(r);
        r = NULL;
    }
    return r;
}

static int reorder_run(void *cookie)
{
    const reorder *r = cookie;
    const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, r->source}, {DNNL_ARG_TO, r->target}};
    return dnnl_primitive_execute(r->primitive, r->stream, 2, arguments) != dnnl_success ||
           dnnl_stream_wait(r->stream) != dnnl_success;
}

enum { MATMUL = 0, FUNCTION = 1 }; /* as in gemm_names */

typedef struct product {
    int form;
    native_product operands;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c;
} product;

static int describe_product(const native_product *p, dnnl_memory_desc_t *a, dnnl_memory_desc_t *b,
                            dnnl_memory_desc_t *c, dnnl_format_tag_t b_tag)
{
    const dnnl_dims_t a_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->k};
    const dnnl_dims_t b_dims = {(dnnl_dim_t)p->k, (dnnl_dim_t)p->n};
    const dnnl_dims_t c_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->n};
    return dnnl_memory_desc_init_by_tag(a, 2, a_dims, p->a_is_u8 ? dnnl_u8 : dnnl_s8, dnnl_ab) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(b, 2, b_dims, dnnl_s8, b_tag) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(c, 2, c_dims, dnnl_s32, dnnl_ab) != dnnl_success;
}

/* The weights in the primitive's own layout, in memory of oneDNN's. */
static int reorder_weights(product *g, const dnnl_memory_desc_t *plain)
{
    const dnnl_memory_desc_t *preferred = dnnl_primitive_desc_query_md(g->description, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t conversion = NULL;
    dnnl_memory_t source = NULL;
    int failed = dnnl_memory_create(&source, plain, g->engine, (void *)(uintptr_t)g->operands.b) != dnnl_success ||
                 dnnl_memory_create(&g->b, preferred, g->engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
                 dnnl_reorder_primitive_desc_create(&description, plain, g->engine, preferred, g->engine, NULL) !=
                     dnnl_success ||
                 dnnl_primitive_create(&conversion, description) != dnnl_success;
    if (!failed) {
        const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, g->b}};
        failed = dnnl_primitive_execute(conversion, g->stream, 2, arguments) != dnnl_success ||
                 dnnl_stream_wait(g->stream) != dnnl_success;
    }
    (void)dnnl_primitive_destroy(conversion);
    (void)dnnl_primitive_desc_destroy(description);
    (void)dnnl_memory_destroy(source);
    return failed;
}

static int prepare_product(product *g)
{
    const native_product *p = &g->operands;
    dnnl_memory_desc_t a, b, c, any;
    dnnl_matmul_desc_t operation;
    return dnnl_engine_create(&g->engine, dnnl_cpu, 0) != dnnl_success ||
           dnnl_stream_create(&g->stream, g->engine, dnnl_stream_default_flags) != dnnl_success ||
           describe_product(p, &a, &b, &c, dnnl_ab) != 0 ||
           describe_product(p, &a, &any, &c, dnnl_format_tag_any) != 0 ||
           dnnl_matmul_desc_init(&operation, &a, &any, NULL, &c) != dnnl_success ||
           dnnl_primitive_desc_create(&g->description, &operation, NULL, g->engine, NULL) != dnnl_success ||
           dnnl_primitive_create(&g->primitive, g->description) != dnnl_success ||
           dnnl_memory_create(&g->a, &a, g->engine, (void *)(uintptr_t)p->a) != dnnl_success ||
           dnnl_memory_create(&g->c, &c, g->engine, p->c) != dnnl_success || reorder_weights(g, &b) != 0;
}

static void product_destroy(void *cookie)
{
    product *g = cookie;
    if (g == NULL) {
        return;
    }
    (void)dnnl_memory_destroy(g->a);
    (void)dnnl_memory_destroy(g->b);
    (void)dnnl_memory_destroy(g->c);
    (void)dnnl_primitive_destroy(g->primitive);
    (void)dnnl_primitive_desc_destroy(g->description);
    (void)dnnl_stream_destroy(g->stream);
    (void)dnnl_engine_destroy(g->engine);
    free(g);
}

static void *product_create(int form, const native_product *operands)
{
    product *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return NULL;
    }
    g->form = form;
    g->operands = *operands;
    if (form == MATMUL && prepare_product(g) != 0) {
        product_destroy(g);
        g = NULL;
    }
    return g;
}

static int run_function(const native_product *p)
{
    const dnnl_dim_t m = (dnnl_dim_t)p->m;
    const dnnl_dim_t n = (dnnl_dim_t)p->n;
    const dnnl_dim_t k = (dnnl_dim_t)p->k;
    const int32_t zero = 0;
    const dnnl_status_t status =
        p->a_is_u8 ? dnnl_gemm_u8s8s32('N', 'N', 'F', m, n, k, 1.0f, p->a, k, 0, p->b, n, 0, 0.0f, p->c, n, &zero)
                   : dnnl_gemm_s8s8s32('N', 'N', 'F', m, n, k, 1.0f, p->a, k, 0, p->b, n, 0, 0.0f, p->c, n, &zero);
    return status != dnnl_success;
}

static int product_run(void *cookie, int calls)
{
    product *g = cookie;
    int failed = 0;
    for (int i = 0; i < calls && !failed; i++) {
        if (g->form == FUNCTION) {
            failed = run_function(&g->operands);
        } else {
            const dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_SRC, g->a}, {DNNL_ARG_WEIGHTS, g->b}, {DNNL_ARG_DST, g->c}};
            failed = dnnl_primitive_execute(g->primitive, g->stream, 3, arguments) != dnnl_success;
        }
    }
    return failed || (g->form == MATMUL && dnnl_stream_wait(g->stream) != dnnl_success);
}

static const char *version(void)
{
    static char text[48];
    const dnnl_version_t *found = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", found->major, found->minor, found->patch);
    return text;
}

/* oneDNN does not tell; its OpenMP runtime, which is in the process with it, does. */
static int threads_used(void)
{
    int (*threads)(void) = NULL;
    void *process = dlopen(NULL, RTLD_LAZY);
    int count = 0;
    if (process != NULL) {
        *(void **)&threads = dlsym(process, "omp_get_max_threads");
        count = threads != NULL ? threads() : 0;
        dlclose(process);
    }
    return count;
}

const bench_peers *peer_onednn(void)
{
    static const char *const gemm_names[] = {
        [MATMUL] = "oneDNN matmul", /* the primitive, its weights put into the layout it asks for beforehand */
        [FUNCTION] = "oneDNN gemm"  /* dnnl_gemm_s8s8s32 and dnnl_gemm_u8s8s32, which take B as it is */
    };
    static const bench_peers peers = {.name = version,
                                      .threads = threads_used,
                                      .reorder_name = "oneDNN reorder",
                                      .reorder_create = reorder_create,
                                      .reorder_run = reorder_run,
                                      .reorder_destroy = reorder_destroy,
                                      .gemm_forms = 2,
                                      .gemm_names = gemm_names,
                                      .gemm_create = product_create,
                                      .gemm_run = product_run,
                                      .gemm_destroy = product_destroy};
    return &peers;
}

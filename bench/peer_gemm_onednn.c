/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_gemm_onednn.h"

#include <stdlib.h>

#ifdef CLQ_BENCH_ONEDNN
#include <dlfcn.h>
#include <stdio.h>

#include <oneapi/dnnl/dnnl.h>

struct peer_gemm {
    peer_gemm_form form;
    native_product product;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c;
};

static int describe(const native_product *p, dnnl_memory_desc_t *a, dnnl_memory_desc_t *b, dnnl_memory_desc_t *c,
                    dnnl_format_tag_t b_tag)
{
    const dnnl_dims_t a_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->k};
    const dnnl_dims_t b_dims = {(dnnl_dim_t)p->k, (dnnl_dim_t)p->n};
    const dnnl_dims_t c_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->n};
    return dnnl_memory_desc_init_by_tag(a, 2, a_dims, p->a_is_u8 ? dnnl_u8 : dnnl_s8, dnnl_ab) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(b, 2, b_dims, dnnl_s8, b_tag) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(c, 2, c_dims, dnnl_s32, dnnl_ab) != dnnl_success;
}

/* The weights in the primitive's own layout, in memory of oneDNN's. */
static int reorder_weights(peer_gemm *g, const dnnl_memory_desc_t *plain)
{
    const dnnl_memory_desc_t *preferred = dnnl_primitive_desc_query_md(g->description, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_t source = NULL;
    int failed = dnnl_memory_create(&source, plain, g->engine, (void *)(uintptr_t)g->product.b) != dnnl_success ||
                 dnnl_memory_create(&g->b, preferred, g->engine, DNNL_MEMORY_ALLOCATE) != dnnl_success ||
                 dnnl_reorder_primitive_desc_create(&description, plain, g->engine, preferred, g->engine, NULL) !=
                     dnnl_success ||
                 dnnl_primitive_create(&reorder, description) != dnnl_success;
    if (!failed) {
        const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, g->b}};
        failed = dnnl_primitive_execute(reorder, g->stream, 2, arguments) != dnnl_success ||
                 dnnl_stream_wait(g->stream) != dnnl_success;
    }
    (void)dnnl_primitive_destroy(reorder);
    (void)dnnl_primitive_desc_destroy(description);
    (void)dnnl_memory_destroy(source);
    return failed;
}

static int prepare(peer_gemm *g)
{
    const native_product *p = &g->product;
    dnnl_memory_desc_t a, b, c, any;
    dnnl_matmul_desc_t operation;
    return dnnl_engine_create(&g->engine, dnnl_cpu, 0) != dnnl_success ||
           dnnl_stream_create(&g->stream, g->engine, dnnl_stream_default_flags) != dnnl_success ||
           describe(p, &a, &b, &c, dnnl_ab) != 0 || describe(p, &a, &any, &c, dnnl_format_tag_any) != 0 ||
           dnnl_matmul_desc_init(&operation, &a, &any, NULL, &c) != dnnl_success ||
           dnnl_primitive_desc_create(&g->description, &operation, NULL, g->engine, NULL) != dnnl_success ||
           dnnl_primitive_create(&g->primitive, g->description) != dnnl_success ||
           dnnl_memory_create(&g->a, &a, g->engine, (void *)(uintptr_t)p->a) != dnnl_success ||
           dnnl_memory_create(&g->c, &c, g->engine, p->c) != dnnl_success || reorder_weights(g, &b) != 0;
}

peer_gemm *peer_gemm_create(peer_gemm_form form, const native_product *product)
{
    peer_gemm *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return NULL;
    }
    g->form = form;
    g->product = *product;
    if (form == PEER_GEMM_MATMUL && prepare(g) != 0) {
        peer_gemm_destroy(g);
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

int peer_gemm_run(peer_gemm *g, int calls)
{
    int failed = 0;
    for (int i = 0; i < calls && !failed; i++) {
        if (g->form == PEER_GEMM_FUNCTION) {
            failed = run_function(&g->product);
        } else {
            const dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_SRC, g->a}, {DNNL_ARG_WEIGHTS, g->b}, {DNNL_ARG_DST, g->c}};
            failed = dnnl_primitive_execute(g->primitive, g->stream, 3, arguments) != dnnl_success;
        }
    }
    return failed || (g->form == PEER_GEMM_MATMUL && dnnl_stream_wait(g->stream) != dnnl_success);
}

void peer_gemm_destroy(peer_gemm *g)
{
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

const char *peer_gemm_version(void)
{
    static char text[48];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
    return text;
}

/* oneDNN does not tell; its OpenMP runtime, which is in the process with it, does. */
int peer_gemm_threads(void)
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
#else
peer_gemm *peer_gemm_create(peer_gemm_form form, const native_product *product)
{
    (void)form;
    (void)product;
    return NULL;
}

int peer_gemm_run(peer_gemm *gemm, int calls)
{
    (void)gemm;
    (void)calls;
    return 1;
}

void peer_gemm_destroy(peer_gemm *gemm)
{
    (void)gemm;
}

const char *peer_gemm_version(void)
{
    return "no oneDNN";
}

int peer_gemm_threads(void)
{
    return 0;
}
#endif

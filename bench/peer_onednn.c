/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_onednn.h"

#include <stdlib.h>

#ifdef CLQ_BENCH_ONEDNN
#include <oneapi/dnnl/dnnl.h>

struct peer_reorder {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t source, target;
};

static int prepare(peer_reorder *r, int to_s8, void *source, void *target, size_t count, float scale)
{
    /* Rows of 1024, as a matrix would have them. */
    dnnl_dims_t dims = {(dnnl_dim_t)(count / 1024), 1024};
    dnnl_memory_desc_t real, code;
    return count % 1024 != 0 || dnnl_engine_create(&r->engine, dnnl_cpu, 0) != dnnl_success ||
           dnnl_stream_create(&r->stream, r->engine, dnnl_stream_default_flags) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(&real, 2, dims, dnnl_f32, dnnl_ab) != dnnl_success ||
           dnnl_memory_desc_init_by_tag(&code, 2, dims, dnnl_s8, dnnl_ab) != dnnl_success ||
           dnnl_primitive_attr_create(&r->attributes) != dnnl_success ||
           dnnl_primitive_attr_set_output_scales(r->attributes, 1, 0, &scale) != dnnl_success ||
           dnnl_reorder_primitive_desc_create(&r->description, to_s8 ? &real : &code, r->engine, to_s8 ? &code : &real,
                                              r->engine, r->attributes) != dnnl_success ||
           dnnl_primitive_create(&r->primitive, r->description) != dnnl_success ||
           dnnl_memory_create(&r->source, to_s8 ? &real : &code, r->engine, source) != dnnl_success ||
           dnnl_memory_create(&r->target, to_s8 ? &code : &real, r->engine, target) != dnnl_success;
}

peer_reorder *peer_reorder_create(int to_s8, void *source, void *target, size_t count, float scale)
{
    peer_reorder *r = calloc(1, sizeof *r);
    if (r != NULL && prepare(r, to_s8, source, target, count, scale) != 0) {
        peer_reorder_destroy(r);
        r = NULL;
    }
    return r;
}

int peer_reorder_run(peer_reorder *r)
{
    const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, r->source}, {DNNL_ARG_TO, r->target}};
    return dnnl_primitive_execute(r->primitive, r->stream, 2, arguments) != dnnl_success ||
           dnnl_stream_wait(r->stream) != dnnl_success;
}

void peer_reorder_destroy(peer_reorder *r)
{
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
#else
peer_reorder *peer_reorder_create(int to_s8, void *source, void *target, size_t count, float scale)
{
    (void)to_s8;
    (void)source;
    (void)target;
    (void)count;
    (void)scale;
    return NULL;
}

int peer_reorder_run(peer_reorder *reorder)
{
    (void)reorder;
    return 1;
}

void peer_reorder_destroy(peer_reorder *reorder)
{
    (void)reorder;
}
#endif

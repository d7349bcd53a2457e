/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_work.h"

#include <stdlib.h>
#include <string.h>

#include "refusal.h"

enum { ROWS = MEMORY_WORK_ROWS, COLUMNS = MEMORY_WORK_COLUMNS, DEPTH = MEMORY_WORK_DEPTH, ELEMENTS = ROWS * DEPTH };
enum { HEADROOM = 4096 };

static clq_status quantize(clq_context *context, clq_operand *on, memory_results *r, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_quantization q;
    const uint64_t bytes[6] = {4 * ELEMENTS, ELEMENTS, 4, 4, 8, sizeof(clq_nonfinite)};
    static float x[ELEMENTS];
    clq_operand counts = {NULL, 0};
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(i * 37 % 1001 - 400) * 0.125f;
    }
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = ELEMENTS;
    for (int i = 0; i < 6 && status == CLQ_OK; i++) {
        status = clq_buffer_create(context, bytes[i], &on[i].buffer, error);
    }
    if (status == CLQ_OK &&
        (status = clq_buffer_create(context, 8 * clq_histogram_bins(&q.scheme), &counts.buffer, error)) == CLQ_OK &&
        (status = clq_buffer_write(on[0].buffer, 0, x, sizeof x, error)) == CLQ_OK &&
        (status = clq_dynamic_quantize(context, &q, on[0], on[1], on[2], on[3], on[4], on[5], error)) == CLQ_OK &&
        (status = clq_minmax(context, &q, on[0], on[4], on[5], error)) == CLQ_OK &&
        (status = clq_buffer_read(on[4].buffer, 0, r->range, sizeof r->range, error)) == CLQ_OK) {
        static const unsigned char zeros[sizeof r->counts];
        assert_true(8 * clq_histogram_bins(&q.scheme) <= sizeof r->counts);
        if ((status = clq_buffer_write(counts.buffer, 0, zeros, 8 * clq_histogram_bins(&q.scheme), error)) == CLQ_OK &&
            (status = clq_histogram(context, &q, on[0], on[4], counts, error)) == CLQ_OK &&
            (status = clq_buffer_read(counts.buffer, 0, r->counts, 8 * clq_histogram_bins(&q.scheme), error)) ==
                CLQ_OK &&
            (status = clq_buffer_read(on[1].buffer, 0, r->codes, sizeof r->codes, error)) == CLQ_OK &&
            (status = clq_buffer_read(on[2].buffer, 0, r->scale, sizeof r->scale, error)) == CLQ_OK) {
            status = clq_buffer_read(on[3].buffer, 0, r->zero_point, sizeof r->zero_point, error);
        }
    }
    clq_buffer_destroy(&counts.buffer);
    return status;
}

/* With B packed, as it is, and from bytes that were exported. */
static clq_status multiply(clq_context *context, clq_operand a, memory_results *r, clq_error *error)
{
    const clq_operand none = {NULL, 0};
    clq_status status;
    clq_gemm_problem p;
    clq_gemm_operands o = {0};
    clq_gemm_weights *weights = NULL;
    int8_t b[DEPTH * COLUMNS];
    o.struct_size = sizeof o;
    clq_gemm_init(&p);
    p.m = ROWS;
    p.n = COLUMNS;
    p.k = DEPTH;
    for (int i = 0; i < DEPTH * COLUMNS; i++) {
        b[i] = (int8_t)(i * 29 % 255 - 127);
    }
    o.a = a;
    if ((status = clq_buffer_create(context, sizeof b, &o.b.buffer, error)) == CLQ_OK &&
        (status = clq_buffer_create(context, sizeof r->c, &o.c.buffer, error)) == CLQ_OK &&
        (status = clq_buffer_write(o.b.buffer, 0, b, sizeof b, error)) == CLQ_OK &&
        (status = clq_gemm(context, &p, &o, error)) == CLQ_OK &&
        (status = clq_gemm_weights_create(context, &p, o.b, none, &weights, error)) == CLQ_OK) {
        o.weights = weights;
        if ((status = clq_gemm(context, &p, &o, error)) == CLQ_OK) {
            status = clq_buffer_read(o.c.buffer, 0, r->c, sizeof r->c, error);
        }
    }
    clq_gemm_weights_destroy(&weights);
    clq_buffer_destroy(&o.b.buffer);
    clq_buffer_destroy(&o.c.buffer);
    return status;
}

static clq_status stage(clq_context *context, memory_results *r, clq_error *error)
{
    clq_staging *staging = NULL;
    clq_status status = clq_staging_create(context, ELEMENTS, &staging, error);
    if (status == CLQ_OK) {
        memset(clq_staging_memory(staging), 7, ELEMENTS);
        if ((status = clq_staging_to_device(staging, 0, ELEMENTS, error)) == CLQ_OK &&
            (status = clq_staging_to_host(staging, 0, ELEMENTS, error)) == CLQ_OK) {
            memcpy(r->staged, clq_staging_memory(staging), ELEMENTS);
        }
    }
    clq_staging_destroy(&staging);
    return status;
}

clq_status memory_work(clq_context *context, memory_results *r, clq_error *error)
{
    clq_status status;
    clq_operand on[6];
    memset(on, 0, sizeof on);
    memset(r, 0, sizeof *r);
    if ((status = quantize(context, on, r, error)) == CLQ_OK &&
        (status = multiply(context, on[1], r, error)) == CLQ_OK) {
        status = stage(context, r, error);
    }
    for (int i = 0; i < 6; i++) {
        clq_buffer_destroy(&on[i].buffer);
    }
    return status;
}

void memory_work_check(const char *where, const memory_results *got)
{
    static memory_results want;
    static int is_known;
    if (!is_known) {
        ACCEPTED(memory_work(check_reference(), &want, e));
        is_known = 1;
    }
    if (memcmp(&want, got, sizeof want) != 0) {
        fail_msg("%s: other bytes", where);
    }
}

/* ---- the caller's functions ---- */

/* What was asked for stands before what is given. */
typedef struct mark {
    void *start;
    uint64_t bytes;
} mark;

void *memory_pool_allocate(void *cookie, uint64_t bytes, uint64_t alignment)
{
    memory_pool *p = cookie;
    unsigned char *start, *given;
    mark m;
    assert_true(bytes > 0 && alignment > 0 && (alignment & (alignment - 1)) == 0 && alignment <= HEADROOM);
    if (++p->calls == p->failing) {
        return NULL;
    }
    start = malloc((size_t)bytes + 2 * HEADROOM);
    assert_non_null(start);
    given = start + sizeof m;
    given += (alignment - (uintptr_t)given % alignment) % alignment + (p->misplaces ? 1 : 0);
    m = (mark){start, bytes};
    memcpy(given - sizeof m, &m, sizeof m);
    memset(given, 0xA5, (size_t)bytes);
    p->pieces++;
    p->bytes += bytes;
    p->most = p->bytes > p->most ? p->bytes : p->most;
    return given;
}

void memory_pool_release(void *cookie, void *memory, uint64_t bytes)
{
    memory_pool *p = cookie;
    mark m;
    memcpy(&m, (unsigned char *)memory - sizeof m, sizeof m);
    assert_true(m.bytes == bytes);
    p->pieces--;
    p->bytes -= bytes;
    free(m.start);
}

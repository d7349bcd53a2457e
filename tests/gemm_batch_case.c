/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_batch_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "inputs_gemm.h"
#include "refusal.h"

enum { GUARD_BYTES = 128, ALIGNMENT = 64 };

void gemm_batch_case_init(gemm_batch_case *b, const char *name)
{
    memset(b, 0, sizeof *b);
    b->name = name;
}

void gemm_batch_case_free(gemm_batch_case *b)
{
    for (size_t i = 0; i < b->count; i++) {
        inputs_gemm_free(&b->cases[i]);
    }
}

/* ---- places ---- */

/* In whose buffer the operand lies. */
static size_t owner_of(const gemm_batch_case *b, size_t i)
{
    return b->apart ? i : 0;
}

static void fill_with_pattern(unsigned char *bytes, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(0xA5 + 29 * i + (i >> 8) * 7);
    }
}

/* Where each product's operand begins, one behind the other, and how large the buffers are. */
static void lay_out(gemm_batch_place *p, check_gemm_operand o)
{
    for (size_t i = 0; i < p->b->count; i++) {
        const check_gemm *c = &p->b->cases[i];
        uint64_t *bytes = &p->bytes[owner_of(p->b, i)][o];
        const uint64_t before = check_gemm_bytes(c, o, c->offset[o]);
        const uint64_t size = check_gemm_bytes(c, o, check_gemm_elements(c, o));
        if (size > 0) {
            p->begin[i][o] = (*bytes + GUARD_BYTES + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + before;
            *bytes = p->begin[i][o] + size;
        }
    }
}

static void fill(gemm_batch_place *p, check_gemm_operand o)
{
    for (size_t i = 0; i < p->b->count; i++) {
        if (p->bytes[i][o] > 0) {
            p->bytes[i][o] += GUARD_BYTES;
            p->images[i][o] = malloc((size_t)p->bytes[i][o]);
            assert_non_null(p->images[i][o]);
            fill_with_pattern(p->images[i][o], p->bytes[i][o]);
            ACCEPTED(clq_buffer_create(p->context, p->bytes[i][o], &p->buffers[i][o], e));
        }
    }
    for (size_t i = 0; i < p->b->count; i++) {
        const check_gemm *c = &p->b->cases[i];
        unsigned char *const image = p->images[owner_of(p->b, i)][o]; /* NULL: of no bytes */
        if (c->in[o] != NULL && image != NULL) {
            memcpy(image + p->begin[i][o], c->in[o], (size_t)check_gemm_bytes(c, o, check_gemm_elements(c, o)));
        }
    }
    for (size_t i = 0; i < p->b->count; i++) {
        if (p->bytes[i][o] > 0) {
            ACCEPTED(clq_buffer_write(p->buffers[i][o], 0, p->images[i][o], p->bytes[i][o], e));
        }
    }
}

static clq_operand operand_of(const gemm_batch_place *p, size_t i, check_gemm_operand o)
{
    clq_operand made = {p->buffers[owner_of(p->b, i)][o], 0};
    made.offset = p->begin[i][o] * 8 / check_gemm_element_bits(&p->b->cases[i], o);
    return made;
}

/* All B as batches of one, which are copied into a buffer one behind the other. */
static void pack_together(gemm_batch_place *p)
{
    const check_gemm *first = &p->b->cases[0];
    const uint64_t b_bytes = check_gemm_bytes(first, CHECK_GEMM_B, check_gemm_elements(first, CHECK_GEMM_B));
    const uint64_t zero_bytes = 4 * check_gemm_elements(first, CHECK_GEMM_B_ZERO_POINT);
    clq_gemm_problem own = first->problem;
    clq_operand b = {NULL, 0};
    clq_operand zero_points = {NULL, 0};
    own.batch = p->b->count;
    own.b.batch_stride = own.k * own.n;
    own.c.batch_stride = own.m * own.n;
    ACCEPTED(clq_buffer_create(p->context, b_bytes * p->b->count, &b.buffer, e));
    ACCEPTED(clq_buffer_create(p->context, zero_bytes * p->b->count + 4, &zero_points.buffer, e));
    for (size_t i = 0; i < p->b->count; i++) {
        const check_gemm *c = &p->b->cases[i];
        ACCEPTED(clq_buffer_write(b.buffer, i * b_bytes, c->in[CHECK_GEMM_B], b_bytes, e));
        if (zero_bytes > 0) {
            ACCEPTED(
                clq_buffer_write(zero_points.buffer, i * zero_bytes, c->in[CHECK_GEMM_B_ZERO_POINT], zero_bytes, e));
        }
    }
    ACCEPTED(clq_gemm_weights_create(p->context, &own, b, zero_points, &p->weights[0], e));
    clq_buffer_destroy(&b.buffer);
    clq_buffer_destroy(&zero_points.buffer);
}

static void describe(gemm_batch_place *p, size_t i)
{
    const check_gemm *c = &p->b->cases[i];
    clq_gemm_operands *o = &p->items[i].operands;
    p->problems[i] = c->problem;
    p->items[i].problem = &p->problems[i];
    o->struct_size = sizeof *o;
    if (p->b->is_empty[i]) {
        p->problems[i].m = 0;
        return;
    }
    o->a = operand_of(p, i, CHECK_GEMM_A);
    o->c = operand_of(p, i, CHECK_GEMM_C);
    o->a_zero_point = operand_of(p, i, CHECK_GEMM_A_ZERO_POINT);
    o->c_zero_point = operand_of(p, i, CHECK_GEMM_C_ZERO_POINT);
    o->bias = operand_of(p, i, CHECK_GEMM_BIAS);
    o->a_scale = operand_of(p, i, CHECK_GEMM_A_SCALE);
    o->b_scale = operand_of(p, i, CHECK_GEMM_B_SCALE);
    o->multiplier = operand_of(p, i, CHECK_GEMM_MULTIPLIER);
    o->shift = operand_of(p, i, CHECK_GEMM_SHIFT);
    o->b = operand_of(p, i, CHECK_GEMM_B);
    o->b_zero_point = operand_of(p, i, CHECK_GEMM_B_ZERO_POINT);
    if (p->b->tells && check_gemm_element_bits(c, CHECK_GEMM_A) > 8) {
        o->a_nonfinite = (clq_operand){p->nonfinite, i};
    }
    if (c->sums) {
        o->a_sums = operand_of(p, i, CHECK_GEMM_A_SUMS);
        ACCEPTED(clq_gemm_row_sums(p->context, &p->problems[i], o->a, o->a_sums, e));
        p->problems[i].a_sums = CLQ_GEMM_PER_ROW;
    }
    if (p->b->together) {
        o->weights = p->weights[0];
        p->items[i].weights_batch = i;
    } else if (c->packed) {
        ACCEPTED(clq_gemm_weights_create(p->context, &p->problems[i], o->b, o->b_zero_point, &p->weights[i], e));
        o->weights = p->weights[i];
    }
}

static const clq_nonfinite unknown = {77, 77};

static void forget_nonfinite(gemm_batch_place *p)
{
    for (size_t i = 0; i < GEMM_BATCH_MOST; i++) {
        ACCEPTED(clq_buffer_write(p->nonfinite, i * sizeof unknown, &unknown, sizeof unknown, e));
    }
}

void gemm_batch_place_begin(gemm_batch_place *p, clq_context *context, const gemm_batch_case *b)
{
    memset(p, 0, sizeof *p);
    p->b = b;
    p->context = context;
    for (int o = 0; o < CHECK_GEMM_OPERANDS; o++) {
        lay_out(p, (check_gemm_operand)o);
        fill(p, (check_gemm_operand)o);
    }
    ACCEPTED(clq_buffer_create(context, GEMM_BATCH_MOST * sizeof(clq_nonfinite), &p->nonfinite, e));
    forget_nonfinite(p);
    if (b->together) {
        pack_together(p);
    }
    for (size_t i = 0; i < b->count; i++) {
        describe(p, i);
    }
}

void gemm_batch_place_end(gemm_batch_place *p)
{
    clq_buffer_destroy(&p->nonfinite);
    for (size_t i = 0; i < p->b->count; i++) {
        clq_gemm_weights_destroy(&p->weights[i]);
        for (int o = 0; o < CHECK_GEMM_OPERANDS; o++) {
            clq_buffer_destroy(&p->buffers[i][o]);
            free(p->images[i][o]);
        }
    }
}

void gemm_batch_place_reset(gemm_batch_place *p)
{
    forget_nonfinite(p);
    for (size_t i = 0; i < p->b->count; i++) {
        if (p->bytes[i][CHECK_GEMM_C] > 0) {
            ACCEPTED(clq_buffer_write(p->buffers[i][CHECK_GEMM_C], 0, p->images[i][CHECK_GEMM_C],
                                      p->bytes[i][CHECK_GEMM_C], e));
        }
    }
}

/* ---- results ---- */

/* C of one product as dense rows; in `now` what was there before takes their place. */
static void take_output(const gemm_batch_place *p, size_t i, unsigned char *now, check_gemm_result *got)
{
    const check_gemm *c = &p->b->cases[i];
    const clq_gemm_problem *problem = &c->problem;
    const unsigned char *image = p->images[owner_of(p->b, i)][CHECK_GEMM_C];
    const uint64_t element = check_gemm_bytes(c, CHECK_GEMM_C, 1);
    const size_t row_bytes = (size_t)(problem->n * element);
    unsigned char *dense;
    got->bytes = problem->batch * problem->m * row_bytes;
    got->c = dense = malloc((size_t)got->bytes);
    assert_non_null(dense);
    for (uint64_t z = 0; z < problem->batch; z++) {
        for (uint64_t row = 0; row < problem->m; row++, dense += row_bytes) {
            const uint64_t at = p->begin[i][CHECK_GEMM_C] + element * check_gemm_index(c, CHECK_GEMM_C, z, row, 0);
            memcpy(dense, now + at, row_bytes);
            memcpy(now + at, image + at, row_bytes);
        }
    }
}

static unsigned char *read_all(const gemm_batch_place *p, size_t i, int o)
{
    unsigned char *now = malloc((size_t)p->bytes[i][o]);
    assert_non_null(now);
    ACCEPTED(clq_buffer_read(p->buffers[i][o], 0, now, p->bytes[i][o], e));
    return now;
}

/* NaN and infinities have all bits of the exponent set. */
static int is_finite(const check_gemm *c, uint64_t index)
{
    const clq_dtype dtype = c->problem.a.dtype;
    const uint32_t exponent = dtype == CLQ_F16 ? 0x7C00u : dtype == CLQ_BF16 ? 0x7F80u : 0x7F800000u;
    uint32_t bits = 0;
    const size_t size = clq_dtype_bits(dtype) / 8;
    memcpy(&bits, (const unsigned char *)c->in[CHECK_GEMM_A] + index * size, size); /* little-endian, as tests are */
    return (bits & exponent) != exponent;
}

static clq_nonfinite find_nonfinite(const check_gemm *c)
{
    const clq_gemm_problem *p = &c->problem;
    const uint64_t batches = p->a.batch_stride != 0 ? p->batch : 1;
    clq_nonfinite found = {0, UINT64_MAX};
    for (uint64_t i = 0; i < batches * p->m * p->k; i++) {
        const uint64_t row = i / p->k;
        if (!is_finite(c, check_gemm_index(c, CHECK_GEMM_A, row / p->m, row % p->m, i % p->k))) {
            found.first_index = found.count == 0 ? i : found.first_index;
            found.count++;
        }
    }
    return found;
}

static void check_nonfinite(const gemm_batch_place *p, const char *where)
{
    clq_nonfinite got[GEMM_BATCH_MOST];
    ACCEPTED(clq_buffer_read(p->nonfinite, 0, got, sizeof got, e));
    for (size_t i = 0; i < GEMM_BATCH_MOST; i++) {
        const int is_told = i < p->b->count && p->items[i].operands.a_nonfinite.buffer != NULL;
        const clq_nonfinite want = is_told ? find_nonfinite(&p->b->cases[i]) : unknown;
        if (got[i].count != want.count || got[i].first_index != want.first_index) {
            fail_msg("%s, %s, item %zu of a batch: %llu elements of A are told to be not finite, the first %llu; it "
                     "should be %llu and %llu",
                     p->b->name, where, i, (unsigned long long)got[i].count, (unsigned long long)got[i].first_index,
                     (unsigned long long)want.count, (unsigned long long)want.first_index);
        }
    }
}

void gemm_batch_place_check(gemm_batch_place *p, const char *where, const check_gemm_result *want)
{
    check_nonfinite(p, where);
    unsigned char *now[GEMM_BATCH_MOST] = {NULL};
    for (size_t i = 0; i < p->b->count; i++) {
        for (int o = 0; o < CHECK_GEMM_OPERANDS; o++) {
            if (p->bytes[i][o] == 0) {
                continue;
            }
            if (o == CHECK_GEMM_C) {
                now[i] = read_all(p, i, o);
            } else if (o != CHECK_GEMM_A_SUMS) {
                unsigned char *bytes = read_all(p, i, o);
                if (memcmp(bytes, p->images[i][o], (size_t)p->bytes[i][o]) != 0) {
                    fail_msg("%s, %s: %s was changed", p->b->name, where,
                             check_gemm_operand_name((check_gemm_operand)o));
                }
                free(bytes);
            }
        }
    }
    for (size_t i = 0; i < p->b->count; i++) {
        check_gemm_result got;
        if (!p->b->is_empty[i]) {
            char place[128];
            snprintf(place, sizeof place, "%s, %s, item %zu of a batch", p->b->name, where, i);
            take_output(p, i, now[owner_of(p->b, i)], &got);
            check_gemm_same(&p->b->cases[i], place, &want[i], &got);
            check_gemm_result_free(&got);
        }
    }
    for (size_t i = 0; i < p->b->count; i++) {
        if (now[i] != NULL && memcmp(now[i], p->images[i][CHECK_GEMM_C], (size_t)p->bytes[i][CHECK_GEMM_C]) != 0) {
            fail_msg("%s, %s: bytes outside of the products' C were changed", p->b->name, where);
        }
        free(now[i]);
    }
}

void gemm_batch_case_want(const gemm_batch_case *b, check_gemm_result *want)
{
    for (size_t i = 0; i < b->count; i++) {
        check_gemm c = b->cases[i];
        c.packed = c.sums = 0;
        check_gemm_run(check_reference(), "reference", &c, &want[i]);
    }
}

/* ---- runs ---- */

/* Twice, so that nothing of the first run is needed by the second. */
static void run_on(clq_context *context, const char *where, const gemm_batch_case *b, const check_gemm_result *want)
{
    static gemm_batch_place p;
    clq_gemm_batch *batch = NULL;
    gemm_batch_place_begin(&p, context, b);
    ACCEPTED(clq_gemm_batch_create(context, p.items, b->count, &batch, e));
    memset(p.problems, 0x55, sizeof p.problems); /* they may go */
    for (int turn = 0; turn < 2; turn++) {
        gemm_batch_place_reset(&p);
        ACCEPTED(clq_gemm_batch_run(batch, e));
        ACCEPTED(clq_finish(context, e));
        gemm_batch_place_check(&p, where, want);
    }
    clq_gemm_batch_destroy(&batch);
    assert_null(batch);
    gemm_batch_place_end(&p);
}

void gemm_batch_case_check(gemm_batch_case *b, const char *variant)
{
    check_gemm_result want[GEMM_BATCH_MOST];
    gemm_batch_case_want(b, want);
    run_on(check_reference(), "reference", b, want);
    if (check_device() != NULL) {
        const int before = check_kernels_set_aside();
        ACCEPTED(clq_context_force_variant(check_device(), variant, e));
        run_on(check_device(), variant != NULL ? variant : "device", b, want);
        ACCEPTED(clq_context_force_variant(check_device(), NULL, e));
        if (check_kernels_set_aside() > before) {
            fail_msg("%s: a kernel was set aside", b->name);
        }
    }
    for (size_t i = 0; i < b->count; i++) {
        check_gemm_result_free(&want[i]);
    }
}

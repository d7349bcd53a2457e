/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products where the caller's memory has flags that keep the host from reading it, writing it, or both: the host
 * multiplies, adds rows up and packs in place of the device, and exported weights lie there.
 */
#include <stdlib.h>
#include <string.h>

#include "flagged_memory.h"
#include "refusal.h"

enum { BYTES = 512, GAP = 3, M = 5, N = 6, K = 8 };

static clq_gemm_problem problem_of(void)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = M;
    p.n = N;
    p.k = K;
    p.c.leading_dimension = N + GAP;
    return p;
}

/* The product and the sums of A's rows by the context. */
static void multiply(clq_context *context, const clq_gemm_operands *o, clq_operand sums)
{
    const clq_gemm_problem p = problem_of();
    ACCEPTED(clq_gemm(context, &p, o, e));
    ACCEPTED(clq_gemm_row_sums(context, &p, o->a, sums, e));
    ACCEPTED(clq_finish(context, e));
}

enum { A, B, C, SUMS, MATRICES };

static void fill_matrices(unsigned char bytes[MATRICES][BYTES])
{
    for (int i = 0; i < MATRICES; i++) {
        for (int j = 0; j < BYTES; j++) {
            bytes[i][j] = (unsigned char)(i < C ? j * 29 + 7 * i : 0xAA);
        }
    }
}

static void want_product(unsigned char want[MATRICES][BYTES])
{
    clq_operand place[MATRICES];
    clq_gemm_operands o = {.struct_size = sizeof o};
    fill_matrices(want);
    for (int i = 0; i < MATRICES; i++) {
        place[i].offset = 0;
        ACCEPTED(clq_buffer_wrap(check_reference(), want[i], BYTES, &place[i].buffer, e));
    }
    o.a = place[A];
    o.b = place[B];
    o.c = place[C];
    multiply(check_reference(), &o, place[SUMS]);
    for (int i = 0; i < MATRICES; i++) {
        clq_buffer_destroy(&place[i].buffer);
    }
}

/* B as it is, and as the host packs it. */
static void check_product(const own_opencl *own, size_t kind, int where, unsigned char want[MATRICES][BYTES])
{
    static unsigned char bytes[MATRICES][BYTES];
    const clq_gemm_problem p = problem_of();
    clq_gemm_operands o = {.struct_size = sizeof o};
    clq_gemm_weights *weights = NULL;
    fill_matrices(bytes);
    for (int is_packed = 0; is_packed < 2; is_packed++) {
        clq_operand place[MATRICES];
        for (int i = 0; i < MATRICES; i++) {
            const int has_flag = (where & (i >= C ? FLAGGED_OUTPUTS : FLAGGED_INPUTS)) != 0;
            place[i].offset = 0;
            place[i].buffer = flagged_buffer(own, has_flag ? flagged_kinds[kind].flags : 0, bytes[i], BYTES, i % 2);
        }
        o.a = place[A];
        o.b = place[B];
        o.c = place[C];
        if (is_packed) {
            ACCEPTED(clq_gemm_weights_create(own->clquant, &p, o.b, o.b, &weights, e));
            o.weights = weights;
        }
        multiply(own->clquant, &o, place[SUMS]);
        for (int i = 0; i < MATRICES; i++) {
            flagged_check(own, place[i].buffer, want[i], is_packed ? "gemm, B packed" : "gemm",
                          flagged_kinds[kind].name);
            clq_buffer_destroy(&place[i].buffer);
        }
    }
    clq_gemm_weights_destroy(&weights);
}

static void host_multiplies(void **state)
{
    static unsigned char want[MATRICES][BYTES];
    (void)state;
    want_product(want);
    for (size_t order = 0; order < 2 && check_device() != NULL; order++) {
        own_opencl own;
        own_opencl_begin(&own, flagged_orders[order], 64);
        flagged_set_aside(own.clquant);
        for (size_t kind = 0; kind < FLAGGED_KINDS; kind++) {
            for (int where = kind == 0 ? 0 : FLAGGED_INPUTS; where <= (FLAGGED_INPUTS | FLAGGED_OUTPUTS); where++) {
                check_product(&own, kind, where, want);
            }
        }
        own_opencl_end(&own);
    }
    check_needs_device();
}

/* Exported weights in such memory: imported, exported again, and fetched where the host multiplies for the device. */
static void weights_lie_in_such_memory(void **state)
{
    static unsigned char bytes[MATRICES][BYTES];
    static unsigned char want[MATRICES][BYTES];
    (void)state;
    want_product(want);
    for (size_t kind = 0; kind < FLAGGED_KINDS && check_device() != NULL; kind++) {
        const clq_gemm_problem p = problem_of();
        clq_gemm_operands o = {.struct_size = sizeof o};
        clq_gemm_weights *weights = NULL;
        clq_operand exported = {NULL, 0};
        clq_operand sums;
        void *first;
        void *again;
        uint64_t count;
        own_opencl own;
        own_opencl_begin(&own, 0, 64);
        fill_matrices(bytes);
        o.a.buffer = flagged_buffer(&own, 0, bytes[A], BYTES, 0);
        o.b.buffer = flagged_buffer(&own, flagged_kinds[kind].flags, bytes[B], BYTES, 0);
        o.c.buffer = flagged_buffer(&own, 0, bytes[C], BYTES, 0);
        sums = (clq_operand){flagged_buffer(&own, 0, bytes[SUMS], BYTES, 0), 0};
        ACCEPTED(clq_gemm_weights_create(own.clquant, &p, o.b, o.b, &weights, e));
        count = clq_gemm_weights_export_bytes(weights);
        first = check_allocate(count);
        again = check_allocate(count);
        ACCEPTED(clq_gemm_weights_export(weights, first, count, e));
        clq_gemm_weights_destroy(&weights);
        exported.buffer = flagged_buffer(&own, flagged_kinds[kind].flags, first, count, 0);
        ACCEPTED(clq_gemm_weights_import(own.clquant, &p, exported, &weights, e));
        ACCEPTED(clq_gemm_weights_export(weights, again, count, e));
        assert_memory_equal(again, first, count);
        flagged_set_aside(own.clquant);
        o.weights = weights;
        multiply(own.clquant, &o, sums);
        flagged_check(&own, o.c.buffer, want[C], "gemm, B imported", flagged_kinds[kind].name);
        clq_gemm_weights_destroy(&weights);
        clq_buffer_destroy(&exported.buffer);
        clq_buffer_destroy(&sums.buffer);
        clq_buffer_destroy(&o.a.buffer);
        clq_buffer_destroy(&o.b.buffer);
        clq_buffer_destroy(&o.c.buffer);
        own_opencl_end(&own);
        free(first);
        free(again);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(host_multiplies),
    cmocka_unit_test(weights_lie_in_such_memory),
};

CHECK_MAIN("gemm_host_flags", tests)

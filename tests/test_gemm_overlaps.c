/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands of a matrix product in one piece of memory: refused, with both names, exactly where the output has a byte in
 * common with an input; rows and batches that lie between those of another matrix are as good as apart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_memory.h"
#include "refusal.h"

enum { ROOM = 1 << 16, OPERANDS = 8 };

typedef enum operand { A, B, C, A_ZERO_POINT, B_ZERO_POINT, A_SUMS, BIAS, B_SCALE } operand;

static const char *const names[OPERANDS] = {"a", "b", "c", "a_zero_point", "b_zero_point", "a_sums", "bias", "b_scale"};

/* A product of which every operand begins at some element of one memory. */
typedef struct scene {
    clq_gemm_problem p;
    uint64_t at[OPERANDS]; /* in elements */
} scene;

static uint32_t element_bits(const scene *s, operand which)
{
    return which == A ? 8 : which == B ? clq_dtype_bits(s->p.b.dtype) : which == C ? clq_dtype_bits(s->p.c.dtype) : 32;
}

static clq_gemm_operands operands_of(const scene *s, clq_buffer *memory)
{
    clq_gemm_operands o;
    memset(&o, 0, sizeof o);
    o.struct_size = sizeof o;
    o.a = (clq_operand){memory, s->at[A]};
    o.b = (clq_operand){memory, s->at[B]};
    o.c = (clq_operand){memory, s->at[C]};
    o.a_zero_point = (clq_operand){memory, s->at[A_ZERO_POINT]};
    o.b_zero_point = (clq_operand){memory, s->at[B_ZERO_POINT]};
    o.a_sums = (clq_operand){memory, s->at[A_SUMS]};
    o.bias = (clq_operand){memory, s->at[BIAS]};
    o.b_scale = (clq_operand){memory, s->at[B_SCALE]};
    return o;
}

/* ---- which bytes, one by one ---- */

static void mark(unsigned char *map, const scene *s, operand which, uint64_t element, unsigned char bit)
{
    const uint64_t bits = element_bits(s, which);
    for (uint64_t i = element * bits / 8; 8 * i < (element + 1) * bits; i++) {
        map[i] |= bit;
    }
}

static void mark_matrix(unsigned char *map, const scene *s, operand which, unsigned char bit)
{
    const clq_gemm_problem *p = &s->p;
    const clq_matrix *m = which == A ? &p->a : which == B ? &p->b : &p->c;
    const uint64_t rows = which == B ? p->k : p->m;
    const uint64_t columns = which == A ? p->k : p->n;
    const uint64_t dense = m->transposed ? rows : columns;
    const uint64_t leading = m->leading_dimension != 0 ? m->leading_dimension : dense;
    for (uint64_t z = 0; z < p->batch; z++) {
        for (uint64_t r = 0; r < rows; r++) {
            for (uint64_t c = 0; c < columns; c++) {
                const uint64_t element = m->transposed ? c * leading + r : r * leading + c;
                mark(map, s, which, s->at[which] + z * m->batch_stride + element, bit);
            }
        }
    }
}

static uint64_t values_of(const scene *s, operand which)
{
    const clq_gemm_problem *p = &s->p;
    const uint64_t rows = p->m * (p->a.batch_stride != 0 ? p->batch : 1);
    const uint64_t columns = p->n * (p->b.batch_stride != 0 ? p->batch : 1);
    const clq_gemm_values values = which == A_ZERO_POINT   ? p->a_zero_point
                                   : which == B_ZERO_POINT ? p->b_zero_point
                                   : which == A_SUMS       ? p->a_sums
                                   : which == B_SCALE      ? p->b_scale
                                                           : p->bias;
    return values == CLQ_GEMM_ABSENT       ? 0
           : values == CLQ_GEMM_PER_GROUP  ? columns * ((p->k + p->k_group - 1) / p->k_group)
           : values == CLQ_GEMM_PER_TENSOR ? 1
           : values == CLQ_GEMM_PER_ROW    ? rows
           : which == BIAS                 ? p->n
                                           : columns;
}

/* Bit 1 where the output writes, the others where each input is read; returns the inputs that share a byte with it. */
static unsigned conflicts_of(const scene *s)
{
    unsigned char *map = check_allocate(ROOM);
    unsigned found = 0;
    memset(map, 0, ROOM);
    for (int i = 0; i < OPERANDS; i++) {
        if (i <= C) {
            mark_matrix(map, s, (operand)i, (unsigned char)(1u << i));
        }
        for (uint64_t k = 0; i > C && k < values_of(s, (operand)i); k++) {
            mark(map, s, (operand)i, s->at[i] + k, (unsigned char)(1u << i));
        }
    }
    for (size_t i = 0; i < ROOM; i++) {
        found |= (map[i] & (1u << C)) != 0 ? map[i] & ~(1u << C) : 0;
    }
    free(map);
    return found;
}

/* ---- scenes ---- */

static void throw_matrix(clq_matrix *m, uint64_t rows, uint64_t columns, int is_output)
{
    const uint64_t stored_rows = m->transposed ? columns : rows;
    const uint64_t dense = m->transposed ? rows : columns;
    m->leading_dimension = check_chance(3) ? 0 : dense + check_below(3 * dense + 1);
    if (is_output) {
        const uint64_t leading = m->leading_dimension != 0 ? m->leading_dimension : dense;
        const uint64_t extent = (stored_rows - 1) * leading + dense;
        m->batch_stride = check_chance(2) ? dense + check_below(2) : extent + check_below(2 * extent);
    } else {
        m->batch_stride = check_chance(3) ? 0 : check_below(4 * dense * stored_rows + 1);
    }
}

static scene throw_scene(uint64_t room)
{
    scene s;
    do {
        clq_gemm_init(&s.p);
        s.p.m = 1 + check_below(5);
        s.p.n = 1 + check_below(5);
        s.p.k = check_below(6);
        s.p.batch = 1 + check_below(3);
        s.p.a.transposed = check_chance(2);
        s.p.b.transposed = check_chance(2);
        throw_matrix(&s.p.a, s.p.m, s.p.k, 0);
        throw_matrix(&s.p.b, s.p.k, s.p.n, 0);
        throw_matrix(&s.p.c, s.p.m, s.p.n, 1);
        s.p.a_zero_point = check_chance(2) ? CLQ_GEMM_PER_ROW : CLQ_GEMM_ABSENT;
        s.p.b_zero_point = check_chance(2) ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
        s.p.b.dtype = check_chance(3) ? CLQ_S4 : CLQ_S8; /* rows may begin within a byte */
        if (check_chance(3)) {
            s.p.k_group = 1 + check_below(3);
            s.p.c.dtype = check_chance(2) ? CLQ_F32 : CLQ_F16;
            s.p.b_scale = CLQ_GEMM_PER_GROUP;
            s.p.b_zero_point = check_chance(2) ? CLQ_GEMM_PER_GROUP : s.p.b_zero_point;
        }
        s.p.a_sums = check_chance(2) && s.p.k_group == 0 ? CLQ_GEMM_PER_ROW : CLQ_GEMM_ABSENT;
        s.p.bias = check_chance(2) ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
    } while (clq_gemm_check(&s.p, NULL) != CLQ_OK);
    for (int i = 0; i < OPERANDS; i++) {
        s.at[i] = check_below(8 * room / element_bits(&s, (operand)i));
    }
    s.at[B] -= s.at[B] % (8 / element_bits(&s, B));
    return s;
}

/* Where C may lie, its bytes are those that it has in memory of its own. */
static void check_accepted(clq_context *context, const scene *s, const unsigned char *image)
{
    clq_operand memory = device_memory(context, ROOM, image);
    clq_operand apart = device_memory(context, ROOM, image);
    clq_gemm_operands o = operands_of(s, memory.buffer);
    unsigned char *want, *got;
    o.c.buffer = apart.buffer;
    ACCEPTED(clq_gemm(context, &s->p, &o, e));
    o.c.buffer = memory.buffer;
    ACCEPTED(clq_gemm(context, &s->p, &o, e));
    want = device_memory_read(apart);
    got = device_memory_read(memory);
    assert_memory_equal(want, got, ROOM);
    free(want);
    free(got);
    device_memory_free(&memory);
    device_memory_free(&apart);
}

static void check_refused(clq_context *context, const scene *s, const unsigned char *image, unsigned conflicts)
{
    clq_operand memory = device_memory(context, ROOM, image);
    const clq_gemm_operands o = operands_of(s, memory.buffer);
    unsigned char *got;
    clq_error error;
    int is_named = 0;
    REFUSED(CLQ_INVALID_ARGUMENT, "gemm: c and ", clq_gemm(context, &s->p, &o, e));
    REFUSED(CLQ_INVALID_ARGUMENT, " overlap: ", clq_gemm(context, &s->p, &o, e));
    (void)clq_gemm(context, &s->p, &o, &error);
    for (int i = 0; i < OPERANDS; i++) {
        char part[40];
        snprintf(part, sizeof part, "c and %s overlap", names[i]);
        is_named |= (conflicts & (1u << i)) != 0 && strstr(error.message, part) != NULL;
    }
    assert_true(is_named);
    got = device_memory_read(memory);
    assert_memory_equal(got, image, ROOM);
    free(got);
    device_memory_free(&memory);
}

static void anywhere_on(clq_context *context, int turns)
{
    static const uint64_t rooms[] = {100, 1000, 4000};
    unsigned char *image = check_allocate(ROOM);
    int found[2] = {0, 0};
    for (size_t i = 0; i < ROOM; i++) {
        image[i] = (unsigned char)check_random();
    }
    for (int turn = 0; turn < turns; turn++) {
        const scene s = throw_scene(rooms[turn % 3]);
        const unsigned conflicts = conflicts_of(&s);
        found[conflicts != 0]++;
        if (conflicts == 0) {
            check_accepted(context, &s, image);
        } else {
            check_refused(context, &s, image, conflicts);
        }
    }
    assert_true(found[0] > turns / 10 && found[1] > turns / 10);
    free(image);
}

static void anywhere(void **state)
{
    (void)state;
    anywhere_on(check_reference(), 3000);
    if (check_device() != NULL) {
        anywhere_on(check_device(), 300);
    }
    check_needs_device();
}

/* Columns of one matrix of 4 heads: queries, keys and the products that go between them, row by row. */
static void between_the_rows(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2 && (turn == 0 || check_device() != NULL); turn++) {
        clq_context *context = turn == 0 ? check_reference() : check_device();
        clq_operand memory = device_memory(context, ROOM, NULL);
        scene s = {.at = {0, 8, 4}};
        clq_gemm_operands o;
        clq_gemm_init(&s.p);
        s.p.m = s.p.n = s.p.k = 8;
        s.p.batch = 4;
        s.p.a.leading_dimension = s.p.b.leading_dimension = 4 * 48;
        s.p.b.transposed = 1;
        s.p.a.batch_stride = s.p.b.batch_stride = 48;
        s.p.c.leading_dimension = 48;
        s.p.c.batch_stride = 12;
        o = operands_of(&s, memory.buffer);
        ACCEPTED(clq_gemm(context, &s.p, &o, e));
        o.c.offset--; /* its first four bytes are the last of the keys */
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: c and b overlap", clq_gemm(context, &s.p, &o, e));
        o.c.offset += 2; /* its last four are the next queries */
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: c and a overlap", clq_gemm(context, &s.p, &o, e));
        ACCEPTED(clq_finish(context, e));
        device_memory_free(&memory);
    }
    check_needs_device();
}

static void row_sums(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2 && (turn == 0 || check_device() != NULL); turn++) {
        clq_context *context = turn == 0 ? check_reference() : check_device();
        clq_operand memory = device_memory(context, ROOM, NULL);
        clq_operand sums = memory;
        clq_gemm_problem p;
        clq_gemm_init(&p);
        p.m = 4;
        p.n = 1;
        p.k = 10;
        p.a.leading_dimension = 30; /* rows at bytes 0, 30, 60 and 90; 16 bytes of sums */
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: a_sums and a overlap", clq_gemm_row_sums(context, &p, memory, sums, e));
        sums.offset = 2;
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: a_sums and a overlap", clq_gemm_row_sums(context, &p, memory, sums, e));
        sums.offset = 3;
        ACCEPTED(clq_gemm_row_sums(context, &p, memory, sums, e));
        sums.offset = 4;
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: a_sums and a overlap", clq_gemm_row_sums(context, &p, memory, sums, e));
        sums.offset = 24;
        REFUSED(CLQ_INVALID_ARGUMENT, "gemm: a_sums and a overlap", clq_gemm_row_sums(context, &p, memory, sums, e));
        sums.offset = 25;
        ACCEPTED(clq_gemm_row_sums(context, &p, memory, sums, e));
        ACCEPTED(clq_finish(context, e));
        device_memory_free(&memory);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(anywhere),
    cmocka_unit_test(between_the_rows),
    cmocka_unit_test(row_sums),
};

CHECK_MAIN("gemm_overlaps", tests)

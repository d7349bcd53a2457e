/* SPDX-License-Identifier: Apache-2.0 */
#include "full_gemm.h"

#include <stdlib.h>
#include <string.h>

#include "device_memory.h"

const full_gemm_argument full_gemm_arguments[FULL_GEMM_ARGUMENTS] = {
    {"a", offsetof(clq_gemm_operands, a), 30 + 2 * 7 + 5, 1, FULL_GEMM_MULTIPLY | FULL_GEMM_SUM, 1, 1},
    {"b", offsetof(clq_gemm_operands, b), 25 + 3 * 6 + 5, 1, FULL_GEMM_MULTIPLY | FULL_GEMM_PACK, 1, 1},
    {"c", offsetof(clq_gemm_operands, c), 17 + 2 * 5 + 4, 1, FULL_GEMM_MULTIPLY, 1, 0},
    {"c", offsetof(clq_gemm_operands, c), 17 + 2 * 5 + 4, 4, FULL_GEMM_MULTIPLY, 0, 1},
    {"a_zero_point", offsetof(clq_gemm_operands, a_zero_point), 6, 4, FULL_GEMM_MULTIPLY, 1, 1},
    {"b_zero_point", offsetof(clq_gemm_operands, b_zero_point), 8, 4, FULL_GEMM_MULTIPLY | FULL_GEMM_PACK, 1, 1},
    {"c_zero_point", offsetof(clq_gemm_operands, c_zero_point), 1, 4, FULL_GEMM_MULTIPLY, 1, 0},
    {"a_sums", offsetof(clq_gemm_operands, a_sums), 6, 4, FULL_GEMM_MULTIPLY | FULL_GEMM_SUM, 1, 1},
    {"bias", offsetof(clq_gemm_operands, bias), 4, 4, FULL_GEMM_MULTIPLY, 1, 1},
    {"a_scale", offsetof(clq_gemm_operands, a_scale), 6, 4, FULL_GEMM_MULTIPLY, 0, 1},
    {"b_scale", offsetof(clq_gemm_operands, b_scale), 8, 4, FULL_GEMM_MULTIPLY, 0, 1},
    {"multiplier", offsetof(clq_gemm_operands, multiplier), 4, 4, FULL_GEMM_MULTIPLY, 1, 0},
    {"shift", offsetof(clq_gemm_operands, shift), 4, 4, FULL_GEMM_MULTIPLY, 1, 0},
};

static clq_gemm_problem problem_of(int is_real)
{
    clq_gemm_problem p;
    clq_gemm_init(&p);
    p.m = 3;
    p.n = 4;
    p.k = 5;
    p.batch = 2;
    p.a.leading_dimension = 7;
    p.a.batch_stride = 30;
    p.b.transposed = 1;
    p.b.leading_dimension = 6;
    p.b.batch_stride = 25;
    p.c.dtype = is_real ? CLQ_F32 : CLQ_U8;
    p.c.leading_dimension = 5;
    p.c.batch_stride = 17;
    p.a_zero_point = CLQ_GEMM_PER_ROW;
    p.b_zero_point = CLQ_GEMM_PER_COLUMN;
    p.a_sums = CLQ_GEMM_PER_ROW;
    p.bias = CLQ_GEMM_PER_COLUMN;
    p.a_scale = is_real ? CLQ_GEMM_PER_ROW : CLQ_GEMM_ABSENT;
    p.b_scale = is_real ? CLQ_GEMM_PER_COLUMN : CLQ_GEMM_ABSENT;
    p.multiplier = is_real ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_COLUMN;
    p.c_zero_point = is_real ? CLQ_GEMM_ABSENT : CLQ_GEMM_PER_TENSOR;
    return p;
}

int full_gemm_is_used(const full_gemm *g, size_t argument)
{
    return g->is_real ? full_gemm_arguments[argument].for_reals : full_gemm_arguments[argument].for_codes;
}

clq_operand *full_gemm_operand_of(full_gemm *g, size_t argument)
{
    return (clq_operand *)(void *)((unsigned char *)&g->o + full_gemm_arguments[argument].place);
}

clq_operand full_gemm_filled(clq_context *context, uint64_t bytes)
{
    void *image = check_allocate(bytes);
    clq_operand made;
    memset(image, FULL_GEMM_FILL, (size_t)bytes);
    made = device_memory(context, bytes, image);
    free(image);
    return made;
}

void full_gemm_begin(full_gemm *g, clq_context *context, int is_real)
{
    clq_error error;
    memset(g, 0, sizeof *g);
    g->o.struct_size = sizeof g->o;
    g->context = context;
    g->is_real = is_real;
    g->problem = problem_of(is_real);
    for (size_t i = 0; i < FULL_GEMM_ARGUMENTS; i++) {
        if (full_gemm_is_used(g, i)) {
            *full_gemm_operand_of(g, i) =
                full_gemm_filled(context, full_gemm_arguments[i].elements * full_gemm_arguments[i].bytes);
        }
    }
    check_ok(clq_context_create("reference", &g->other, &error), &error, "clq_context_create");
    g->foreign = full_gemm_filled(g->other, 1000);
}

void full_gemm_end(full_gemm *g)
{
    for (size_t i = 0; i < FULL_GEMM_ARGUMENTS; i++) {
        if (full_gemm_is_used(g, i)) {
            device_memory_free(full_gemm_operand_of(g, i));
        }
    }
    device_memory_free(&g->foreign);
    clq_context_destroy(&g->other);
}

void full_gemm_check_untouched(clq_operand operand)
{
    unsigned char *bytes = device_memory_read(operand);
    for (uint64_t i = 0; i < clq_buffer_bytes(operand.buffer); i++) {
        assert_int_equal(bytes[i], FULL_GEMM_FILL);
    }
    free(bytes);
}

clq_status full_gemm_pack(const full_gemm *g, clq_gemm_weights **weights, clq_error *e)
{
    return clq_gemm_weights_create(g->context, &g->problem, g->o.b, g->o.b_zero_point, weights, e);
}

void full_gemm_for_all(void (*check)(full_gemm *))
{
    for (int i = 0; i < 4; i++) {
        clq_context *context = i < 2 ? check_reference() : check_device();
        if (context != NULL) {
            full_gemm g;
            full_gemm_begin(&g, context, i % 2);
            check(&g);
            full_gemm_end(&g);
        }
    }
    check_needs_device();
}

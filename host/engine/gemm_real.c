/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/gemm_real.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "engine/context.h"

enum { ALIGNMENT = 64 }; /* of parts of the scratch memory: more than any kernel asks of an operand */

int clq_gemm_is_real(const clq_gemm_problem *problem)
{
    return problem->a.dtype == CLQ_F32 || problem->a.dtype == CLQ_F16 || problem->a.dtype == CLQ_BF16;
}

/* Zero points that are all alike are one, and those of 0 none: products are faster without. */
static clq_gemm_values zero_points_of(const clq_gemm_problem *p)
{
    const clq_scheme *scheme = &p->a_scheme;
    return scheme->zero_point_rule != CLQ_ZERO_POINT_FIXED                  ? CLQ_GEMM_PER_ROW
           : scheme->zero_point_fixed != 0 || scheme->zero_point_clamp != 0 ? CLQ_GEMM_PER_TENSOR
                                                                            : CLQ_GEMM_ABSENT;
}

/* Rows of all batches, as three dimensions; groups are along the last one, a row is one or more of them. */
static void describe_a(const clq_gemm_problem *p, clq_quantization *q)
{
    clq_gemm_task task;
    clq_gemm_task_init(&task, p);
    clq_quantization_init(q);
    q->real = p->a.dtype;
    q->scheme = p->a_scheme;
    q->layout.rank = 3;
    q->layout.shape[0] = task.a_batches;
    q->layout.shape[1] = p->m;
    q->layout.shape[2] = p->k;
    q->layout.granularity = CLQ_PER_GROUP;
    q->layout.group_size = p->a_scale == CLQ_GEMM_PER_GROUP ? p->k_group : p->k;
    q->real_strides.stride[0] = task.a_batches > 1 ? task.a.batch : p->m * p->k;
    q->real_strides.stride[1] = task.a.row_stride;
    q->real_strides.stride[2] = task.a.column_stride;
}

clq_status clq_gemm_real_check(const clq_gemm_problem *p, clq_error *error)
{
    const char *name = clq_dtype_name(p->a.dtype);
    clq_quantization q;
    CLQ_REQUIRE(p->a_scheme.dtype == CLQ_S8 || p->a_scheme.dtype == CLQ_U8,
                "gemm: a_scheme quantizes A of %s to %s, s8 and u8 are possible", name,
                clq_dtype_name(p->a_scheme.dtype));
    CLQ_REQUIRE(p->a_scale == CLQ_GEMM_PER_ROW || (p->a_scale == CLQ_GEMM_PER_GROUP && p->k_group != 0),
                "gemm: a_scale is %s (%d), A of %s gets scales per row or, with k_group, per group",
                clq_gemm_values_name(p->a_scale), (int)p->a_scale, name);
    CLQ_REQUIRE(p->a_zero_point == CLQ_GEMM_ABSENT && p->a_sums == CLQ_GEMM_ABSENT,
                "gemm: %s is %s, with A of %s it must be absent: it is found along with the codes",
                p->a_zero_point != CLQ_GEMM_ABSENT ? "a_zero_point" : "a_sums",
                clq_gemm_values_name(p->a_zero_point != CLQ_GEMM_ABSENT ? p->a_zero_point : p->a_sums), name);
    CLQ_REQUIRE(p->a_scale != CLQ_GEMM_PER_GROUP || zero_points_of(p) != CLQ_GEMM_PER_ROW,
                "gemm: a_scheme chooses zero points, which A has per row only: a_scale per group needs one that fixes "
                "them, such as symmetric");
    CLQ_REQUIRE(p->k_group != 0 || p->bias == CLQ_GEMM_ABSENT,
                "gemm: a bias of int32 has the scale of A, which with A of %s is not known: k_group (%" PRIu64
                ", for one group) makes it float",
                name, p->k);
    CLQ_REQUIRE(p->k != 0, "gemm: k is 0, A of %s needs elements to get scales from", name);
    describe_a(p, &q);
    return clq_quantization_check(&q, error);
}

/* The next part of the scratch memory; of sizes that clq_gemm_check bounds, and clq_gemm_batch_reals their sum. */
static uint64_t place(clq_gemm_real *real, uint64_t bytes)
{
    const uint64_t at = real->bytes;
    real->bytes = at + clq_size_divide_up(bytes, ALIGNMENT) * ALIGNMENT;
    return at;
}

void clq_gemm_real_describe(const clq_gemm_problem *problem, uint64_t at, clq_gemm_real *real)
{
    clq_gemm_problem *product = &real->product;
    memset(real, 0, sizeof *real);
    *product = *problem;
    real->bytes = at;
    if (clq_gemm_is_real(problem)) {
        const uint64_t batches = problem->a.batch_stride != 0 ? problem->batch : 1;
        const uint64_t rows = batches * problem->m;
        const uint64_t parameters =
            rows * (problem->a_scale == CLQ_GEMM_PER_GROUP ? clq_size_divide_up(problem->k, problem->k_group) : 1);
        describe_a(problem, &real->q);
        product->a.dtype = problem->a_scheme.dtype;
        product->a.transposed = 0;
        product->a.leading_dimension = 0;
        product->a.batch_stride = problem->a.batch_stride != 0 ? problem->m * problem->k : 0;
        product->a_zero_point = zero_points_of(problem);
        real->nonfinite = place(real, sizeof(clq_nonfinite));
        real->codes = place(real, rows * problem->k);
        real->scale = place(real, 4 * parameters);
        real->zero_point = place(real, 4 * parameters);
        real->range = place(real, 8 * parameters);
    }
}

/* The same of another m. */
static clq_quantization of_rows(const clq_quantization *q, uint64_t rows)
{
    clq_quantization smaller = *q;
    smaller.layout.shape[1] = rows;
    return smaller;
}

/*
 * Scratch memory of quantizing grows with the rows of A but for steps, in which it falls by less than half: twice the
 * largest of each doubling serves those between. The codes of A and the scratch memory of both steps are one workspace
 * on a caller's queue: a product that needs more than a buffer holds is refused there, and smaller ones need no more
 * than that.
 */
clq_status clq_gemm_real_plan(clq_context *context, const clq_gemm_real *real, clq_plan *plan, clq_error *error)
{
    const uint64_t rows = real->product.m;
    const uint64_t most = context->device.maximum_allocation_bytes;
    uint64_t scratch = 0;
    clq_plan quantizing;
    if (real->bytes == 0) {
        return CLQ_OK;
    }
    if (context->cl != NULL && real->bytes > most) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY,
                        "gemm: the codes of A need a buffer of %" PRIu64 " bytes, the largest on %s has %" PRIu64,
                        real->bytes, context->device.name, most);
    }
    for (uint64_t m = 1; m < rows; m *= 2) {
        const clq_quantization q = of_rows(&real->q, m);
        CLQ_TRY(clq_plan_operation(context, CLQ_OP_DYNAMIC_QUANTIZE, &q, &quantizing, error));
        scratch = clq_size_max(scratch, quantizing.workspace_bytes);
    }
    CLQ_TRY(clq_plan_operation(context, CLQ_OP_DYNAMIC_QUANTIZE, &real->q, &quantizing, error));
    scratch = 2 * clq_size_max(scratch, quantizing.workspace_bytes);
    plan->workspace_bytes = clq_size_min(clq_size_max(plan->workspace_bytes, scratch) + real->bytes, most);
    plan->by_host |= quantizing.by_host;
    snprintf(plan->reason + strlen(plan->reason), sizeof plan->reason - strlen(plan->reason),
             "; A is quantized by %.40s", quantizing.variant);
    return CLQ_OK;
}

clq_status clq_gemm_real_prepare(clq_context *context, const clq_gemm_problem *problem, uint64_t m_least,
                                 uint64_t m_greatest, clq_error *error)
{
    clq_gemm_real real;
    if (!clq_gemm_is_real(problem)) {
        return CLQ_OK;
    }
    clq_gemm_real_describe(problem, 0, &real);
    for (uint64_t m = m_least;; m = m <= m_greatest / 2 ? 2 * m : m_greatest) {
        const clq_quantization q = of_rows(&real.q, m);
        CLQ_TRY(clq_prepare(context, CLQ_OP_DYNAMIC_QUANTIZE, &q, error));
        if (m == m_greatest) {
            return CLQ_OK;
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The problem of a matrix product: its defaults, and every rule that holds for it alone. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/dtype.h"
#include "core/float_mode.h"
#include "core/size.h"
#include "engine/gemm_real.h"

/* Sizes that fit the kernels' 32-bit indices of rows and columns with room for padding. */
#define MAXIMUM_DIMENSION (UINT64_C(1) << 31)

/* So many elements of one operand that no size of packed memory overflows. */
#define MAXIMUM_ELEMENTS (UINT64_C(1) << 56)

/* So many k that no sum of 8-bit codes less zero points among them leaves int32 (docs/numerics.md, section 5). */
#define MAXIMUM_GROUP 33025

static clq_status check_matrix(const clq_gemm_problem *p, const char *name, const clq_matrix *matrix, uint64_t rows,
                               uint64_t columns, clq_error *error)
{
    uint64_t stored_rows;
    uint64_t stored_columns;
    uint64_t elements = 0;
    clq_gemm_stored_shape(matrix, rows, columns, &stored_rows, &stored_columns);
    CLQ_REQUIRE(matrix->leading_dimension == 0 || matrix->leading_dimension >= stored_columns,
                "gemm: the leading dimension of %s is %" PRIu64 ", its stored rows have %" PRIu64 " elements", name,
                matrix->leading_dimension, stored_columns);
    if (stored_rows == 0 || stored_columns == 0) {
        return CLQ_OK;
    }
    /* Overlapping batches take little memory, but are packed one by one. */
    CLQ_REQUIRE(stored_rows <= MAXIMUM_ELEMENTS / stored_columns / p->batch,
                "gemm: %s has %" PRIu64 " x %" PRIu64 " x %" PRIu64 " elements, 2^56 are possible", name, p->batch,
                rows, columns);
    elements = clq_gemm_matrix_extent(matrix, rows, columns);
    CLQ_REQUIRE(elements != 0 && clq_size_multiply(p->batch - 1, matrix->batch_stride, &stored_rows) &&
                    clq_size_add(stored_rows, elements, &elements) && elements <= UINT64_MAX / 8,
                "gemm: the size of %s overflows", name);
    return CLQ_OK;
}

/* A parameter is absent, or as one of the two says. */
static clq_status check_one(const char *name, clq_gemm_values values, clq_gemm_values first, clq_gemm_values second,
                            clq_error *error)
{
    CLQ_REQUIRE(values == CLQ_GEMM_ABSENT || values == first || values == second,
                "gemm: %s is %s (%d), it can be absent, %s%s%s%s", name, clq_gemm_values_name(values), (int)values,
                clq_gemm_values_name(first), first == second ? "" : " or ",
                first == second ? "" : clq_gemm_values_name(second),
                values == CLQ_GEMM_PER_GROUP ? " without k_group" : "");
    return CLQ_OK;
}

static clq_status check_types(const clq_gemm_problem *p, clq_error *error)
{
    CLQ_REQUIRE(p->a.dtype == CLQ_S8 || p->a.dtype == CLQ_U8 || clq_gemm_is_real(p),
                "gemm: A is %s, s8, u8, f32, f16 and bf16 are possible", clq_dtype_name(p->a.dtype));
    CLQ_REQUIRE(p->b.dtype == CLQ_S8 || p->b.dtype == CLQ_U8 || p->b.dtype == CLQ_S4 || p->b.dtype == CLQ_U4,
                "gemm: B is %s, s8, u8, s4 and u4 are possible", clq_dtype_name(p->b.dtype));
    if (p->k_group != 0) {
        CLQ_REQUIRE(p->c.dtype == CLQ_F32 || p->c.dtype == CLQ_F16 || p->c.dtype == CLQ_BF16,
                    "gemm: C is %s, with groups along K f32, f16 and bf16 are possible", clq_dtype_name(p->c.dtype));
    } else {
        CLQ_REQUIRE(p->c.dtype == CLQ_S32 || p->c.dtype == CLQ_S8 || p->c.dtype == CLQ_U8 || p->c.dtype == CLQ_F32,
                    "gemm: C is %s, s32, s8, u8 and f32 are possible%s", clq_dtype_name(p->c.dtype),
                    p->c.dtype == CLQ_F16 || p->c.dtype == CLQ_BF16 ? ", this with k_group, which may be k" : "");
    }
    CLQ_REQUIRE(!p->c.transposed, "gemm: C cannot be transposed; exchange A and B instead");
    return CLQ_OK;
}

/* What a problem with k_group says of its parameters. */
static clq_status check_group_values(const clq_gemm_problem *p, clq_error *error)
{
    CLQ_REQUIRE(p->k_group <= MAXIMUM_GROUP,
                "gemm: k_group is %" PRIu64 ", groups along K have at most %d elements, whose sum fits int32",
                p->k_group, MAXIMUM_GROUP);
    CLQ_REQUIRE(p->b_scale == CLQ_GEMM_PER_GROUP, "gemm: b_scale is %s (%d), k_group needs it per group",
                clq_gemm_values_name(p->b_scale), (int)p->b_scale);
    CLQ_REQUIRE(p->a_sums == CLQ_GEMM_ABSENT,
                "gemm: a_sums is %s, with k_group it must be absent: sums of whole rows serve no group",
                clq_gemm_values_name(p->a_sums));
    CLQ_REQUIRE(p->multiplier == CLQ_GEMM_ABSENT && p->c_zero_point == CLQ_GEMM_ABSENT,
                "gemm: an output of %s takes no %s", clq_dtype_name(p->c.dtype),
                p->multiplier != CLQ_GEMM_ABSENT ? "multiplier" : "c_zero_point");
    CLQ_TRY(check_one("a_zero_point", p->a_zero_point, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW, error));
    CLQ_TRY(check_one("bias", p->bias, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_PER_COLUMN, error));
    if (p->b_zero_point != CLQ_GEMM_PER_GROUP) {
        CLQ_TRY(check_one("b_zero_point", p->b_zero_point, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN, error));
    }
    return p->a_scale == CLQ_GEMM_PER_GROUP
               ? CLQ_OK
               : check_one("a_scale", p->a_scale, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW, error);
}

static clq_status check_values(const clq_gemm_problem *p, clq_error *error)
{
    const int is_codes = p->c.dtype == CLQ_S8 || p->c.dtype == CLQ_U8;
    if (p->k_group != 0) {
        return check_group_values(p, error);
    }
    CLQ_TRY(check_one("a_zero_point", p->a_zero_point, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW, error));
    CLQ_TRY(check_one("b_zero_point", p->b_zero_point, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN, error));
    CLQ_TRY(check_one("c_zero_point", p->c_zero_point, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_TENSOR, error));
    CLQ_TRY(check_one("a_sums", p->a_sums, CLQ_GEMM_PER_ROW, CLQ_GEMM_PER_ROW, error));
    CLQ_TRY(check_one("bias", p->bias, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_PER_COLUMN, error));
    CLQ_TRY(check_one("a_scale", p->a_scale, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_ROW, error));
    CLQ_TRY(check_one("b_scale", p->b_scale, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN, error));
    CLQ_TRY(check_one("multiplier", p->multiplier, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_COLUMN, error));
    CLQ_REQUIRE(is_codes == (p->multiplier != CLQ_GEMM_ABSENT), "gemm: an output of %s %s a multiplier",
                clq_dtype_name(p->c.dtype), is_codes ? "needs" : "takes no");
    CLQ_REQUIRE(is_codes || p->c_zero_point == CLQ_GEMM_ABSENT, "gemm: an output of %s takes no c_zero_point",
                clq_dtype_name(p->c.dtype));
    CLQ_REQUIRE(p->c.dtype == CLQ_F32 || (p->a_scale == CLQ_GEMM_ABSENT && p->b_scale == CLQ_GEMM_ABSENT),
                "gemm: a_scale and b_scale are for an output of f32, this is %s", clq_dtype_name(p->c.dtype));
    CLQ_REQUIRE(!is_codes || (p->requantize >= CLQ_REQUANTIZE_DOUBLE && p->requantize <= CLQ_REQUANTIZE_DOUBLE_UP),
                "gemm: %d is no requantize mode", (int)p->requantize);
    return CLQ_OK;
}

static int is_bound(double value, int is_real)
{
    return !isnan(value) &&
           (is_real || isinf(value) || (value >= INT32_MIN && value <= INT32_MAX && rint(value) == value));
}

static clq_status check_bounds(const clq_gemm_problem *p, clq_error *error)
{
    const int is_real = clq_dtype_facts_of(p->c.dtype)->is_real;
    CLQ_REQUIRE(is_bound(p->minimum, is_real) && is_bound(p->maximum, is_real),
                "gemm: the bounds are %g and %g, %s needed", p->minimum, p->maximum,
                is_real ? "numbers are" : "integers of 32 bits or infinities are");
    CLQ_REQUIRE(p->minimum <= p->maximum, "gemm: minimum %g is above maximum %g", p->minimum, p->maximum);
    if (p->c.dtype == CLQ_S8 || p->c.dtype == CLQ_U8) {
        const clq_dtype_facts *facts = clq_dtype_facts_of(p->c.dtype);
        CLQ_REQUIRE(p->minimum <= facts->qmax && p->maximum >= facts->qmin,
                    "gemm: no code of %s lies between minimum %g and maximum %g", clq_dtype_name(p->c.dtype),
                    p->minimum, p->maximum);
    }
    return CLQ_OK;
}

/* Rows of several batches may interleave (a leading dimension that spans them all) or follow each other. */
static clq_status check_output_batches(const clq_gemm_problem *p, clq_error *error)
{
    const uint64_t leading = p->c.leading_dimension != 0 ? p->c.leading_dimension : p->n;
    const uint64_t stride = p->c.batch_stride;
    uint64_t across = 0;
    if (p->batch == 1) {
        return CLQ_OK;
    }
    if (stride >= clq_gemm_matrix_extent(&p->c, p->m, p->n)) {
        return CLQ_OK;
    }
    CLQ_REQUIRE(stride >= p->n && clq_size_multiply(p->batch - 1, stride, &across) &&
                    clq_size_add(across, p->n, &across) && across <= leading,
                "gemm: with a batch stride of %" PRIu64 " the batches of C overlap, %" PRIu64 " is enough", stride,
                clq_gemm_matrix_extent(&p->c, p->m, p->n));
    return CLQ_OK;
}

clq_status clq_gemm_check(const clq_gemm_problem *problem, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE; /* in which nothing is trapped */
    CLQ_REQUIRE(problem != NULL, "gemm: problem is NULL");
    CLQ_REQUIRE(problem->struct_size == sizeof *problem,
                "clq_gemm_problem: struct_size is %" PRIu32 ", %zu is needed (clq_gemm_init sets it)",
                problem->struct_size, sizeof *problem);
    CLQ_REQUIRE(problem->m >= 1 && problem->n >= 1 && problem->batch >= 1,
                "gemm: m, n and batch are %" PRIu64 ", %" PRIu64 " and %" PRIu64 ", each must be at least 1",
                problem->m, problem->n, problem->batch);
    CLQ_REQUIRE(problem->m < MAXIMUM_DIMENSION && problem->n < MAXIMUM_DIMENSION && problem->k < MAXIMUM_DIMENSION &&
                    problem->batch < MAXIMUM_DIMENSION,
                "gemm: m, n, k and batch are %" PRIu64 ", %" PRIu64 ", %" PRIu64 " and %" PRIu64
                ", each must be below 2^31",
                problem->m, problem->n, problem->k, problem->batch);
    CLQ_TRY(check_types(problem, error));
    CLQ_TRY(check_values(problem, error));
    CLQ_TRY(check_bounds(problem, error));
    CLQ_TRY(check_matrix(problem, "A", &problem->a, problem->m, problem->k, error));
    CLQ_TRY(check_matrix(problem, "B", &problem->b, problem->k, problem->n, error));
    CLQ_TRY(check_matrix(problem, "C", &problem->c, problem->m, problem->n, error));
    CLQ_TRY(check_output_batches(problem, error));
    return clq_gemm_is_real(problem) ? clq_gemm_real_check(problem, error) : CLQ_OK;
}

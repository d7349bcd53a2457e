/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for all parameters of gemm together, so that the bytes are the same everywhere. */
#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "command/verbs/gemm_job.h"

typedef struct bounds {
    float least, most;
} bounds;

static bounds bounds_of(const cli_gemm_values *scales)
{
    bounds b = {1.0f, 1.0f};
    if (scales->kind != CLQ_GEMM_ABSENT) {
        b.least = b.most = scales->reals[0];
    }
    for (uint64_t i = 1; scales->kind != CLQ_GEMM_ABSENT && i < scales->count; i++) {
        b.least = fminf(b.least, scales->reals[i]);
        b.most = fmaxf(b.most, scales->reals[i]);
    }
    return b;
}

/* A device may flush a product that is subnormal, and an infinite one times 0 is NaN. */
static clq_status check_scales(const cli_gemm_job *job, clq_error *error)
{
    const bounds a = bounds_of(&job->values[CLI_GEMM_A_SCALE]);
    const bounds b = bounds_of(&job->values[CLI_GEMM_B_SCALE]);
    const float least = a.least * b.least;
    const float most = a.most * b.most;
    CLQ_REQUIRE(least >= FLT_MIN && most <= FLT_MAX,
                "--scale-a times --scale-b: the products are from %g to %g, %g to %g is possible",
                (double)a.least * (double)b.least, (double)a.most * (double)b.most, (double)FLT_MIN, (double)FLT_MAX);
    return CLQ_OK;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The largest |code - zero point| that can occur. In integers: over fmax of converted ones GCC 12 for aarch64 ends with
 * an internal error of its vectorizer. */
static double largest(clq_dtype dtype, const cli_gemm_values *zero_points)
{
    const int64_t least = dtype == CLQ_S8 ? INT8_MIN : 0;
    const int64_t most = dtype == CLQ_S8 ? INT8_MAX : UINT8_MAX;
    int64_t result = 0;
    if (zero_points->kind == CLQ_GEMM_ABSENT) {
        return (double)greater(-least, most);
    }
    for (uint64_t i = 0; i < zero_points->count; i++) {
        const int64_t z = zero_points->integers[i];
        result = greater(result, greater(z - least, most - z));
    }
    return (double)result;
}

static void warn_of_wrapping(const cli_gemm_job *job)
{
    const clq_gemm_problem *p = &job->problem;
    const cli_gemm_values *bias = &job->values[CLI_GEMM_BIAS];
    int64_t most_bias = 0;
    double most;
    for (uint64_t i = 0; i < bias->count; i++) {
        const int64_t value = bias->integers[i];
        most_bias = greater(most_bias, greater(value, -value));
    }
    most = (double)p->k * largest(p->a.dtype, &job->values[CLI_GEMM_A_ZERO_POINT]) *
               largest(p->b.dtype, &job->values[CLI_GEMM_B_ZERO_POINT]) +
           (double)most_bias;
    if (most > INT32_MAX) {
        cli_warning(job->options,
                    "sums over K = %" PRIu64 " may need more than 32 bits with these types, zero points and bias; "
                    "they wrap then",
                    p->k);
    }
}

clq_status cli_gemm_check_values(const cli_gemm_job *job, clq_error *error)
{
    CLQ_TRY(clq_gemm_check(&job->problem, error));
    CLQ_TRY(check_scales(job, error));
    warn_of_wrapping(job);
    return CLQ_OK;
}

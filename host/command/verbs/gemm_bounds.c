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

/* The largest |code - zero point| that can occur. */
static double largest(clq_dtype dtype, const cli_gemm_values *zero_points)
{
    const double least = dtype == CLQ_S8 ? INT8_MIN : 0;
    const double most = dtype == CLQ_S8 ? INT8_MAX : UINT8_MAX;
    double result = fmax(-least, most);
    for (uint64_t i = 0; zero_points->kind != CLQ_GEMM_ABSENT && i < zero_points->count; i++) {
        const double z = zero_points->integers[i];
        const double reach = fmax(fabs(least - z), fabs(most - z));
        result = i == 0 ? reach : fmax(result, reach);
    }
    return result;
}

static void warn_of_wrapping(const cli_gemm_job *job)
{
    const clq_gemm_problem *p = &job->problem;
    const cli_gemm_values *bias = &job->values[CLI_GEMM_BIAS];
    double most_bias = 0.0;
    double most;
    for (uint64_t i = 0; i < bias->count; i++) {
        most_bias = fmax(most_bias, fabs((double)bias->integers[i]));
    }
    most = (double)p->k * largest(p->a.dtype, &job->values[CLI_GEMM_A_ZERO_POINT]) *
               largest(p->b.dtype, &job->values[CLI_GEMM_B_ZERO_POINT]) +
           most_bias;
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

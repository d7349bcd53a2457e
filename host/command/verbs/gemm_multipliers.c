/* SPDX-License-Identifier: Apache-2.0 */
/* From the scales of A, B and C to the multipliers of gemm (docs/numerics.md, sections 6 and 7). */
#include <inttypes.h>
#include <math.h>

#include "command/verbs/accumulators.h"
#include "command/verbs/gemm_job.h"

enum { MAX_SHIFT = 15 }; /* of `clquant multiplier`, too */

/* Sa, Sb of one column, and Sc, each rounded to f32 as scales are. */
typedef struct scales {
    float a, b, c;
} scales;

/* As ONNX QLinearMatMul: each operation in f32. */
static clq_status choose_real(const scales *s, float *real, clq_error *error)
{
    *real = s->a * s->b / s->c;
    CLQ_REQUIRE(isfinite(*real), "%g * %g / %g leaves f32", (double)s->a, (double)s->b, (double)s->c);
    return CLQ_OK;
}

static clq_status choose_q31(double real, clq_requantize_mode mode, int32_t *multiplier, int32_t *shift,
                             clq_error *error)
{
    clq_multiplier chosen;
    CLQ_TRY(clq_multiplier_from_real(real, &chosen, error));
    CLQ_REQUIRE((mode != CLQ_REQUANTIZE_SINGLE && mode != CLQ_REQUANTIZE_SINGLE_AWAY) || chosen.shift <= 30,
                "multiplier is %g, below 2^30 is needed with --requant %s", real, cli_gemm_mode_name(mode));
    *multiplier = chosen.q31;
    *shift = chosen.shift;
    return CLQ_OK;
}

/* The row that `clquant multiplier` marks as the best. */
static clq_status choose_shift(double real, const int32_t *samples, int32_t *multiplier, int32_t *shift,
                               clq_error *error)
{
    clq_multiplier_candidate rows[MAX_SHIFT + 1];
    uint32_t best = 0;
    CLQ_TRY(clq_multiplier_search(real, samples, CLI_ACCUMULATORS, MAX_SHIFT, 31, rows, &best, error));
    *multiplier = (int32_t)rows[best].factor;
    *shift = (int32_t)rows[best].shift;
    return CLQ_OK;
}

static clq_status choose(cli_gemm_job *job, const scales *s, const int32_t *samples, uint64_t i, clq_error *error)
{
    const clq_requantize_mode mode = job->problem.requantize;
    const double real = (double)s->a * (double)s->b / (double)s->c;
    cli_gemm_values *multiplier = &job->values[CLI_GEMM_MULTIPLIER];
    cli_gemm_values *shift = &job->values[CLI_GEMM_SHIFT];
    if (mode == CLQ_REQUANTIZE_FLOAT) {
        return choose_real(s, &multiplier->reals[i], error);
    }
    return mode == CLQ_REQUANTIZE_SHIFT
               ? choose_shift(real, samples, &multiplier->integers[i], &shift->integers[i], error)
               : choose_q31(real, mode, &multiplier->integers[i], &shift->integers[i], error);
}

/* F0 = 0 makes all codes of a column the zero point, which is hardly what was meant. */
static void warn_of_zeros(const cli_gemm_job *job)
{
    const cli_gemm_values *multiplier = &job->values[CLI_GEMM_MULTIPLIER];
    uint64_t zeros = 0;
    for (uint64_t i = 0; job->problem.requantize == CLQ_REQUANTIZE_SHIFT && i < multiplier->count; i++) {
        zeros += multiplier->integers[i] == 0;
    }
    if (zeros > 0) {
        cli_warning(job->options,
                    "--requant shift: F0 is 0 for %" PRIu64 " of %" PRIu64 " multipliers, since Sa * Sb / Sc is too "
                    "small for n up to %d; --multiplier and --shift take others",
                    zeros, multiplier->count, MAX_SHIFT);
    }
}

static void drop(cli_gemm_values *values)
{
    values->kind = CLQ_GEMM_ABSENT;
    values->count = 0;
}

clq_status cli_gemm_multipliers_from_scales(cli_gemm_job *job, clq_error *error)
{
    cli_gemm_values *b = &job->values[CLI_GEMM_B_SCALE];
    const clq_gemm_values kind = b->kind;
    const uint64_t count = b->count;
    int32_t samples[CLI_ACCUMULATORS];
    scales s;
    s.a = job->values[CLI_GEMM_A_SCALE].reals[0];
    s.c = (float)job->options->gemm.scale_c;
    cli_accumulators(samples);
    CLQ_TRY(cli_gemm_values_create(&job->values[CLI_GEMM_MULTIPLIER], kind, count, error));
    if (job->problem.requantize != CLQ_REQUANTIZE_FLOAT) {
        CLQ_TRY(cli_gemm_values_create(&job->values[CLI_GEMM_SHIFT], kind, count, error));
    }
    for (uint64_t i = 0; i < count; i++) {
        clq_status status;
        s.b = b->reals[i];
        status = choose(job, &s, samples, i, error);
        if (status != CLQ_OK && kind == CLQ_GEMM_PER_COLUMN) {
            return clq_fail_in(error, status, "Sa * Sb / Sc of column %" PRIu64, i);
        }
        if (status != CLQ_OK) {
            return clq_fail_in(error, status, "Sa * Sb / Sc");
        }
    }
    warn_of_zeros(job);
    drop(&job->values[CLI_GEMM_A_SCALE]);
    drop(b);
    return CLQ_OK;
}

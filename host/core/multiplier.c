/* SPDX-License-Identifier: Apache-2.0 */
/* Real multipliers as fixed-point ones (docs/numerics.md, sections 6 and 7). */
#include <inttypes.h>
#include <math.h>

#include "core/error.h"
#include "core/float_mode.h"

clq_status clq_multiplier_from_real(double real, clq_multiplier *multiplier, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    int shift = 0;
    int64_t q31;
    CLQ_REQUIRE(multiplier != NULL, "clq_multiplier_from_real: multiplier must not be NULL");
    CLQ_REQUIRE(isfinite(real) && real >= 0.0 && real < 0x1p31,
                "multiplier is %g, a finite number of at least 0 and below 2^31 is needed", real);
    q31 = llround(frexp(real, &shift) * 0x1p31); /* at most 2^31: the fraction is below 1 but may round up to it */
    if (q31 == INT64_C(1) << 31) {
        q31 = shift == 31 ? q31 - 1 : q31 / 2; /* the very last doubles below 2^31 stay below */
        shift = shift == 31 ? shift : shift + 1;
    }
    if (shift < -31 || q31 == 0) {
        q31 = 0;
        shift = 0;
    }
    multiplier->q31 = (int32_t)q31;
    multiplier->shift = (int32_t)shift;
    return CLQ_OK;
}

/* |F*Q - ((F0*Q) >> n)|, the shift rounding down. |F0 * Q| stays below 2^62: see the bound on F0 at the caller. */
static double candidate_error(double real, int64_t factor, uint32_t shift, int32_t sample)
{
    return fabs(real * (double)sample - (double)((factor * sample) >> shift));
}

clq_status clq_multiplier_search(double real, const int32_t *samples, size_t sample_count, uint32_t max_shift,
                                 uint32_t max_bits, clq_multiplier_candidate *rows, uint32_t *best, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    int found = 0;
    CLQ_REQUIRE(samples != NULL && rows != NULL && best != NULL,
                "clq_multiplier_search: samples, rows and best must not be NULL");
    CLQ_REQUIRE(sample_count > 0, "clq_multiplier_search: at least one sample is needed");
    CLQ_REQUIRE(max_shift <= 30, "the largest shift is %" PRIu32 ", at most 30 is possible", max_shift);
    CLQ_REQUIRE(max_bits <= 31, "the limit on the factor's bits is %" PRIu32 ", at most 31 is possible", max_bits);
    /* |Q| <= 2^31, so a factor up to 2^31 keeps the product within int64. */
    CLQ_REQUIRE(isfinite(real) && fabs(real) * ldexp(1.0, (int)max_shift) < 0x1p31,
                "multiplier is %g: its absolute value times 2^%" PRIu32 " must be below 2^31", real, max_shift);
    for (uint32_t n = 0; n <= max_shift; n++) {
        clq_multiplier_candidate *row = &rows[n];
        const int64_t factor = (int64_t)llrint(ldexp(real, (int)n));
        double sum = 0.0;
        row->shift = n;
        row->factor = factor;
        row->maximum_error = 0.0;
        for (size_t i = 0; i < sample_count; i++) {
            const double e = candidate_error(real, factor, n, samples[i]);
            sum += e;
            row->maximum_error = e > row->maximum_error ? e : row->maximum_error;
        }
        row->mean_error = sum / (double)sample_count;
        row->fits = max_bits == 0 || (factor < 0 ? -factor : factor) < INT64_C(1) << max_bits;
        if (row->fits && (!found || row->mean_error < rows[*best].mean_error)) {
            *best = n;
            found = 1;
        }
    }
    CLQ_REQUIRE(found, "no factor for %g has at most %" PRIu32 " bits: the smallest is %" PRId64, real, max_bits,
                rows[0].factor);
    return CLQ_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* int32 accumulators to 8-bit codes on the host, the modes of docs/numerics.md, section 6. */
#include <inttypes.h>
#include <math.h>

#include "core/fixed_point.h"
#include "core/float_mode.h"
#include "reference/reference.h"

static int64_t scaled_double(const clq_requantization *r, int32_t x)
{
    const int32_t left = r->shift > 0 ? r->shift : 0;
    const int32_t right = r->shift < 0 ? -r->shift : 0;
    const int32_t high =
        clq_saturating_rounding_doubling_high_multiply(clq_saturating_left_shift(x, left), r->multiplier);
    return r->mode == CLQ_REQUANTIZE_DOUBLE_UP ? clq_rounding_shift_right(high, right)
                                               : clq_rounding_divide_by_power_of_two(high, right);
}

/* total is 1 to 62; |x * Q| <= 2^62 and the half step adds at most 2^61, so int64 holds the sum. Where ties go away
 * from zero, a negative one is brought below its half. */
static int64_t scaled_single(const clq_requantization *r, int32_t x)
{
    const int32_t total = 31 - r->shift;
    const int64_t product = (int64_t)x * r->multiplier;
    const int64_t down = r->mode == CLQ_REQUANTIZE_SINGLE_AWAY && product < 0 ? 1 : 0;
    return (product + (INT64_C(1) << (total - 1)) - down) >> total;
}

static int64_t scaled_shift(const clq_requantization *r, int32_t x)
{
    return ((int64_t)x * r->multiplier) >> r->shift;
}

/* The f32 product is clamped before it is rounded, so that one beyond int64 saturates. */
static int64_t scaled_float(const clq_requantization *r, int32_t x)
{
    const float product = (float)x * r->real;
    const double low = (double)r->minimum - r->zero_point;
    const double high = (double)r->maximum - r->zero_point;
    const double above = (double)product > low ? (double)product : low; /* NaN, of an infinite multiplier, too */
    const double bounded = above < high ? above : high;
    return llrint(bounded);
}

int32_t clq_reference_requantize(const clq_requantization *r, int32_t x)
{
    int64_t y = 0;
    switch (r->mode) {
    case CLQ_REQUANTIZE_DOUBLE:
    case CLQ_REQUANTIZE_DOUBLE_UP:
        y = scaled_double(r, x);
        break;
    case CLQ_REQUANTIZE_SINGLE:
    case CLQ_REQUANTIZE_SINGLE_AWAY:
        y = scaled_single(r, x);
        break;
    case CLQ_REQUANTIZE_SHIFT:
        y = scaled_shift(r, x);
        break;
    case CLQ_REQUANTIZE_FLOAT:
        y = scaled_float(r, x);
        break;
    }
    y += r->zero_point;
    return y < r->minimum ? r->minimum : y > r->maximum ? r->maximum : (int32_t)y;
}

static clq_status check(const clq_requantization *r, clq_error *error)
{
    const int32_t shift = r->shift;
    CLQ_REQUIRE(r->struct_size == sizeof *r, "clq_requantization: struct_size is %" PRIu32 ", %zu is needed",
                r->struct_size, sizeof *r);
    CLQ_REQUIRE(r->minimum <= r->maximum, "requantize: minimum %" PRId32 " is above maximum %" PRId32, r->minimum,
                r->maximum);
    switch (r->mode) {
    case CLQ_REQUANTIZE_DOUBLE:
    case CLQ_REQUANTIZE_DOUBLE_UP:
        CLQ_REQUIRE(shift >= -31 && shift <= 31, "requantize: shift is %" PRId32 ", -31 to 31 is possible", shift);
        CLQ_REQUIRE(r->multiplier >= 0, "requantize: the multiplier %" PRId32 " is negative", r->multiplier);
        break;
    case CLQ_REQUANTIZE_SINGLE:
    case CLQ_REQUANTIZE_SINGLE_AWAY:
        CLQ_REQUIRE(shift >= -31 && shift <= 30, "requantize: shift is %" PRId32 ", -31 to 30 is possible", shift);
        CLQ_REQUIRE(r->multiplier >= 0, "requantize: the multiplier %" PRId32 " is negative", r->multiplier);
        break;
    case CLQ_REQUANTIZE_SHIFT:
        CLQ_REQUIRE(shift >= 0 && shift <= 62, "requantize: shift is %" PRId32 ", 0 to 62 is possible", shift);
        break;
    case CLQ_REQUANTIZE_FLOAT:
        CLQ_REQUIRE(isfinite(r->real), "requantize: the real multiplier is not finite");
        break;
    default:
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "requantize: %d is no mode", (int)r->mode);
    }
    return CLQ_OK;
}

clq_status clq_requantize(const clq_requantization *r, const int32_t *x, size_t count, int32_t *y, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    CLQ_REQUIRE(r != NULL && (count == 0 || (x != NULL && y != NULL)),
                "clq_requantize: requantization, x and y must not be NULL");
    CLQ_TRY(check(r, error));
    for (size_t i = 0; i < count; i++) {
        y[i] = clq_reference_requantize(r, x[i]);
    }
    return CLQ_OK;
}

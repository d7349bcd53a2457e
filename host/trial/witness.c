/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/find_witnesses.c found, and ties that need no search. */
#include "trial/witness.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* ---- x, scale, zero point: a multiply-add that rounds its product shows, or a product by another rounding ---- */

static const clq_trial_quotient quotients_f32[] = {
#define CLQ_QUOTIENT_F32(x, scale, zero_point) {x, scale, zero_point},
#include "trial/witness_found.h"
};
static const clq_trial_quotient quotients_f16[] = {
#define CLQ_QUOTIENT_F16(x, scale, zero_point) {x, scale, zero_point},
#include "trial/witness_found.h"
};
static const clq_trial_quotient quotients_bf16[] = {
#define CLQ_QUOTIENT_BF16(x, scale, zero_point) {x, scale, zero_point},
#include "trial/witness_found.h"
};

const clq_trial_quotient *clq_trial_quotients(clq_dtype real, size_t *count)
{
    *count = real == CLQ_F32 ? COUNT(quotients_f32) : real == CLQ_F16 ? COUNT(quotients_f16) : COUNT(quotients_bf16);
    return real == CLQ_F32 ? quotients_f32 : real == CLQ_F16 ? quotients_f16 : quotients_bf16;
}

/* ---- x, the greatest: the same where the scale is chosen ---- */

static const clq_trial_range ranges_f32[] = {
#define CLQ_RANGE_F32(x, greatest) {x, greatest},
#include "trial/witness_found.h"
    {0x1p-1f, 0x1.2p+2f}, /* a tie as it is */
};
static const clq_trial_range ranges_f16[] = {
#define CLQ_RANGE_F16(x, greatest) {x, greatest},
#include "trial/witness_found.h"
    {0x1p-1f, 0x1.2p+2f}, /* a tie as it is */
};
static const clq_trial_range ranges_bf16[] = {
#define CLQ_RANGE_BF16(x, greatest) {x, greatest},
#include "trial/witness_found.h"
    {0x1p-1f, 0x1.2p+2f}, /* a tie as it is */
};

_Static_assert(COUNT(ranges_f32) == CLQ_TRIAL_RANGES && COUNT(ranges_f16) == CLQ_TRIAL_RANGES &&
                   COUNT(ranges_bf16) == CLQ_TRIAL_RANGES,
               "one for each number: a range that the search did not find would be zeros");

const clq_trial_range *clq_trial_ranges(clq_dtype real)
{
    return real == CLQ_F32 ? ranges_f32 : real == CLQ_F16 ? ranges_f16 : ranges_bf16;
}

/* ---- scale, zero point: an integer that becomes an f32 toward zero shows, of either sign; then a product ---- */

static const clq_trial_difference differences_f32[] = {
#define CLQ_DIFFERENCE_F32(scale, zero_point) {scale, zero_point},
#include "trial/witness_found.h"
#define CLQ_PRODUCT_F32(scale, zero_point) {scale, zero_point},
#include "trial/witness_found.h"
    {0x1.8p-3f, 2},
};
static const clq_trial_difference differences_f16[] = {
#define CLQ_DIFFERENCE_F16(scale, zero_point) {scale, zero_point},
#include "trial/witness_found.h"
#define CLQ_PRODUCT_F16(scale, zero_point) {scale, zero_point},
#include "trial/witness_found.h"
    {0x1.002p0f, 2},     /* a tie to an even one below */
    {0x1.006p0f, 2},     /* above */
    {0x1p-25f, 2},       /* to 0 */
    {0x1.8p-24f, 2},     /* between subnormal ones */
    {0x1.ffep15f, 2},    /* to infinity */
    {0x1.ffdffep15f, 2}, /* just not */
    {0x1.ffdp-15f, 2},   /* to the least normal one */
};
static const clq_trial_difference differences_bf16[] = {
#define CLQ_DIFFERENCE_BF16(scale, zero_point) {scale, zero_point},
#include "trial/witness_found.h"
#define CLQ_PRODUCT_BF16(scale, zero_point) {scale, zero_point},
#include "trial/witness_found.h"
    {0x1.01p0f, 2}, /* a tie to an even one below */
    {0x1.03p0f, 2}, /* above */
};

const clq_trial_difference *clq_trial_differences(clq_dtype real, size_t *count)
{
    *count = real == CLQ_F32   ? COUNT(differences_f32)
             : real == CLQ_F16 ? COUNT(differences_f16)
                               : COUNT(differences_bf16);
    return real == CLQ_F32 ? differences_f32 : real == CLQ_F16 ? differences_f16 : differences_bf16;
}

/* ---- state, now, averaging: mul_hi that is off by its last bit shows, or a sum without its last bits ---- */

const clq_trial_average clq_trial_averages[CLQ_TRIAL_AVERAGES] = {
#define CLQ_AVERAGE(state, now, averaging) {state, now, averaging},
#include "trial/witness_found.h"
};

const clq_trial_width clq_trial_widths[CLQ_TRIAL_WIDTHS] = {
#define CLQ_WIDTH(lower, upper) {lower, upper},
#include "trial/witness_found.h"
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints host/trial/witness_found.h: scales, zero points, elements and ranges for which an operation gives other bytes
 * once a property of the device, or of kernels/soft_real.clh, that it rests on fails. Those of one table differ in what
 * they show. By which faults they are found stands at `faulty_quotient`, `faulty_product`, `faulty_difference`,
 * `product_of`, `sum_without_rest` and `quotient_without_rest`. The build target `witnesses` writes the file, a test
 * compares it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/dtype.h"
#include "reference/element.h"

enum { WANTED = 4, WANTED_WITH_REST = 1, GREATEST_CODE = 6 }; /* codes that every type has */

static uint64_t state = UINT64_C(88172645463325252);

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static const char *name_of(clq_dtype real)
{
    return real == CLQ_F32 ? "F32" : real == CLQ_F16 ? "F16" : "BF16";
}

/* A number of the real type near `value`, as far as two steps away. */
static float near_real(clq_dtype real, float value)
{
    unsigned char stored[4] = {0};
    uint32_t bits = 0;
    const uint32_t step = (uint32_t)(next_random() % 5);
    clq_store_real(real, stored, 0, value);
    memcpy(&bits, stored, real == CLQ_F32 ? 4 : 2);
    bits += step - 2;
    memcpy(stored, &bits, sizeof stored);
    return clq_load_real(real, stored, 0);
}

/* ---- a multiply-add with two roundings ---- */

/* Eq. 13 of docs/numerics.md where fma rounds the product; a wide scale is brought to [1, 2) as kernels/code.clh does.
 */
static float faulty_quotient(float x, float scale, int is_wide)
{
    int exponent = 0;
    const float m = is_wide ? 2 * frexpf(scale, &exponent) : scale;
    const float t = is_wide ? ldexpf(x, 1 - exponent) : x;
    const float r = 1.0f / m;
    const volatile float y = t * r;
    const volatile float product = m * y;
    const volatile float e = t - product;
    const volatile float correction = e * r;
    return y + correction;
}

/* Out of range for NaN, which the fault makes of a quotient whose reciprocal has no number. */
static int64_t code_of_quotient(clq_rounding rounding, float y, int32_t zero_point)
{
    return isnan(y) ? -1 : clq_round(rounding, y) + zero_point;
}

static int shows_unfused(clq_rounding rounding, float x, float scale, int32_t zero_point, int is_wide)
{
    const int64_t right = code_of_quotient(rounding, x / scale, zero_point);
    const int64_t wrong = code_of_quotient(rounding, faulty_quotient(x, scale, is_wide), zero_point);
    return right != wrong && right >= 0 && right <= GREATEST_CODE && wrong >= 0 && wrong <= GREATEST_CODE;
}

typedef enum kind { NARROW, WIDE_SCALE, WIDE_ZERO_POINT, KINDS } kind;

static float scale_of_kind(kind k)
{
    const float mantissa = 1.0f + (float)(next_random() >> 41) * 0x1p-23f;
    const int exponent = k == WIDE_SCALE ? (int)(next_random() % 25) - 98 : (int)(next_random() % 16) - 12;
    return ldexpf(mantissa, exponent);
}

/* Half of the entries show it where ties go to even, the others where they go away from zero. */
static void find_quotients(clq_dtype real, kind k)
{
    for (int found = 0; found < WANTED;) {
        const clq_rounding rounding = found % 2 == 0 ? CLQ_ROUND_EVEN : CLQ_ROUND_AWAY;
        const int32_t far = (1 << 21) + (int32_t)(next_random() % 1000);
        const int32_t zero_point = k == WIDE_ZERO_POINT ? -far : 0;
        const float tie = (float)(next_random() % GREATEST_CODE) + 0.5f - (float)zero_point;
        const float x = near_real(real, tie * scale_of_kind(k));
        float scale = x / tie;
        scale = clq_float_from_bits(bits_of(scale) + (uint32_t)(next_random() % 9) - 4);
        if (x > 0 && shows_unfused(rounding, x, scale, zero_point, k != NARROW)) {
            printf("CLQ_QUOTIENT_%s(%af, %af, %" PRId32 ") /* %s, ties %s */\n", name_of(real), (double)x,
                   (double)scale, zero_point,
                   k == NARROW       ? "narrow"
                   : k == WIDE_SCALE ? "wide by its scale"
                                     : "wide by its zero point",
                   rounding == CLQ_ROUND_EVEN ? "to even" : "away");
            found++;
        }
    }
}

/*
 * The same where the scale is the one that is chosen for [-greatest, greatest]: 2 * greatest / divisor. Few divisors
 * leave numbers of eight bits near a tie; returns how many were found.
 */
static int find_ranges(clq_dtype real, int divisor, int is_shown)
{
    int found = 0;
    for (int tries = 0; tries < 1000000 && found < WANTED; tries++) {
        const clq_rounding rounding = found % 2 == 0 ? CLQ_ROUND_EVEN : CLQ_ROUND_AWAY;
        const float greatest = near_real(real, scale_of_kind(NARROW));
        const float scale = (float)(2 * (double)greatest / divisor);
        const float tie = (float)(next_random() % GREATEST_CODE) + 0.5f;
        const float x = near_real(real, tie * scale);
        if (x > 0 && x <= greatest && shows_unfused(rounding, x, scale, 0, 0)) {
            if (is_shown) {
                printf("CLQ_RANGE_%s(%af, %af) /* ties %s */\n", name_of(real), (double)x, (double)greatest,
                       rounding == CLQ_ROUND_EVEN ? "to even" : "away");
            }
            found++;
        }
    }
    return found;
}

/* ---- a product by another rounding ---- */

typedef enum product_fault { TOWARD_ZERO, TIES_AWAY, PRODUCT_FAULTS } product_fault;

static const char *const fault_names[] = {"toward zero", "with ties away"};

static float faulty_product(float a, float b, product_fault fault)
{
    const double exact = (double)a * (double)b;
    const float nearest = (float)exact;
    const float away = nextafterf(nearest, copysignf(INFINITY, nearest));
    if (fault == TOWARD_ZERO) {
        return fabs((double)nearest) > fabs(exact) ? nextafterf(nearest, 0.0f) : nearest;
    }
    return fabs((double)away - exact) == fabs(exact - (double)nearest) ? away : nearest;
}

/*
 * x * (1/S), the product next to a tie of the code. Few are ties of f32 as well, so x has few bits. Toward zero shows
 * where ties of the code go away from zero, the other where they go to even.
 */
static void find_reciprocals(clq_dtype real)
{
    for (int fault = 0; fault < PRODUCT_FAULTS;) {
        const clq_rounding rounding = fault == TOWARD_ZERO ? CLQ_ROUND_AWAY : CLQ_ROUND_EVEN;
        const float tie = (float)(next_random() % GREATEST_CODE) + 0.5f;
        const float x = near_real(real == CLQ_F16 ? CLQ_F16 : CLQ_BF16, tie * scale_of_kind(NARROW));
        const float scale = clq_float_from_bits(bits_of(x / tie) + (uint32_t)(next_random() % 9) - 4);
        const float reciprocal = 1.0f / scale;
        if (x > 0 && clq_round(rounding, x * reciprocal) !=
                         clq_round(rounding, faulty_product(x, reciprocal, (product_fault)fault))) {
            printf("CLQ_QUOTIENT_%s(%af, %af, 0) /* narrow, x * (1/S) %s */\n", name_of(real), (double)x, (double)scale,
                   fault_names[fault]);
            fault++;
        }
    }
}

/*
 * The same where the scale is the one that is chosen for [-greatest, greatest]. With a divisor of 3 no number of a
 * 16-bit type shows the second fault, as a trial of all of them tells.
 */
static int find_range_reciprocal(clq_dtype real, int divisor, product_fault fault, int is_shown)
{
    const clq_rounding rounding = fault == TOWARD_ZERO ? CLQ_ROUND_AWAY : CLQ_ROUND_EVEN;
    const clq_dtype type = real == CLQ_F16 ? CLQ_F16 : CLQ_BF16;
    for (int tries = 0; tries < 1000000; tries++) {
        const float greatest = near_real(type, scale_of_kind(NARROW));
        const float scale = (float)(2 * (double)greatest / divisor);
        const float x = near_real(type, ((float)(next_random() % GREATEST_CODE) + 0.5f) * scale);
        const float reciprocal = 1.0f / scale;
        if (x > 0 && x <= greatest &&
            clq_round(rounding, x * reciprocal) != clq_round(rounding, faulty_product(x, reciprocal, fault))) {
            if (is_shown) {
                printf("CLQ_RANGE_%s(%af, %af) /* x * (1/S) %s */\n", name_of(real), (double)x, (double)greatest,
                       fault_names[fault]);
            }
            return 1;
        }
    }
    return 0;
}

/* Whether both faults show. What it draws is drawn again by the search behind it, whose numbers stay what they are. */
static int find_range_reciprocals(clq_dtype real, int divisor, int is_shown)
{
    const uint64_t kept = state;
    const int found = find_range_reciprocal(real, divisor, TIES_AWAY, is_shown) &&
                      find_range_reciprocal(real, divisor, TOWARD_ZERO, is_shown);
    state = kept;
    return found;
}

/* The real of code 3: of a 16-bit type the product is next to a tie between two of its numbers. */
static void find_rounded_products(clq_dtype real)
{
    for (int fault = 0; fault < PRODUCT_FAULTS;) {
        const int32_t difference = 3 + 2 * (int32_t)(next_random() % 3);
        const float scale = ldexpf(1.0f + (float)(next_random() >> 41) * 0x1p-23f, -4);
        uint32_t right = 0;
        uint32_t wrong = 0;
        clq_store_real(real, &right, 0, scale * (float)difference);
        clq_store_real(real, &wrong, 0, faulty_product(scale, (float)difference, (product_fault)fault));
        if (right != wrong) {
            printf("CLQ_PRODUCT_%s(%af, %" PRId32 ") /* %s */\n", name_of(real), (double)scale, 3 - difference,
                   fault_names[fault]);
            fault++;
        }
    }
}

/* Numbers of its own, so that those of other searches stay what they are. */
static void find_apart(void (*find)(clq_dtype real), clq_dtype real)
{
    const uint64_t kept = state;
    state = UINT64_C(88172645463325252);
    find(real);
    state = kept;
}

/* ---- an integer that becomes an f32 toward zero ---- */

static float faulty_difference(int32_t difference)
{
    const float nearest = (float)difference;
    return fabs((double)nearest) > fabs((double)difference) ? nextafterf(nearest, 0.0f) : nearest;
}

/* The real of code 3 shows it; of a 16-bit type where the difference is one below a tie between two of its numbers. */
static void find_differences(clq_dtype real)
{
    const int bits = real == CLQ_F32 ? 31 : real == CLQ_F16 ? 12 : 9;
    for (int found = 0; found < WANTED;) {
        const int32_t magnitude = (int32_t)((next_random() >> (64 - bits)) | 1) << (31 - bits);
        const int32_t difference = (magnitude - (real != CLQ_F32)) * (found % 2 == 0 ? 1 : -1);
        const float scale = 0x1p-20f;
        uint32_t right = 0;
        uint32_t wrong = 0;
        clq_store_real(real, &right, 0, scale * (float)difference);
        clq_store_real(real, &wrong, 0, scale * faulty_difference(difference));
        if (right != wrong) {
            printf("CLQ_DIFFERENCE_%s(%af, %" PRId32 ")\n", name_of(real), (double)scale, 3 - difference);
            found++;
        }
    }
}

/* ---- the upper half of a product with another last bit ---- */

/* |a| * b rounded to 53 bits as kernels/soft_real.clh does it, from the upper half of 126 bits and a sticky bit. */
__extension__ typedef unsigned __int128 wide;

static double product_of(double a, double b, uint64_t flipped, int has_rest)
{
    int exponent_a;
    int exponent_b;
    const wide product =
        (wide)(uint64_t)ldexp(frexp(fabs(a), &exponent_a), 63) * (uint64_t)ldexp(frexp(b, &exponent_b), 63);
    const uint64_t high = ((uint64_t)(product >> 64) ^ flipped) | (has_rest && (uint64_t)product != 0);
    const int shift = __builtin_clzll(high) - 1;
    const uint64_t significand = high << shift;
    const uint64_t rest = significand & 1023;
    const uint64_t up = rest > 512 || (rest == 512 && (significand >> 10 & 1) != 0);
    return copysign(ldexp((double)((significand >> 10) + up), exponent_a + exponent_b - 126 + 64 - shift + 10), a);
}

static float next_mantissa(int bits)
{
    const uint32_t mantissa = (uint32_t)(next_random() >> 40) | 0x800000;
    return (float)(mantissa & (0xFFFFFFu << (24 - bits))) * 0x1p-24f;
}

static void find_averages(void)
{
    for (int found = 0; found < WANTED;) {
        const float state_now = -next_mantissa(24);
        const float now = ldexpf(next_mantissa(8), -50);
        const float averaging = found % 2 == 0 ? 0x1.4p-3f : 0x1.8p-4f;
        const double difference = (double)now - (double)state_now;
        const float right = (float)(state_now + product_of(difference, averaging, 0, 1));
        const float wrong = (float)(state_now + product_of(difference, averaging, 1, 1));
        if (right != wrong) {
            printf("CLQ_AVERAGE(%af, %af, %af)\n", (double)state_now, (double)now, (double)averaging);
            found++;
        }
    }
}

/* ---- what lies below 62 bits ---- */

/* What a sum keeps of its smaller operand without a sticky bit; the larger one is in [1, 2). */
static double without_rest(double small)
{
    return ldexp(trunc(ldexp(small, 62)), -62);
}

static double sum_without_rest(double large, double small)
{
    return large + without_rest(small);
}

/*
 * An average is next to a tie of f32, so that the last bit of what it is made of decides, where c * now is a small
 * `state` away from such a tie, which it reaches by (1 - c) * state. Of random `now` in [1, 2) one that is; returns
 * that state.
 */
static double next_near_tie(float averaging, double most, float *now)
{
    double wanted;
    do {
        double product;
        double unit;
        *now = 2 * next_mantissa(24);
        product = (double)averaging * (double)*now;
        unit = ldexp(1, ilogb(product) - 23);
        wanted = ((floor(product / unit) + 0.5) * unit - product) / (1 - (double)averaging);
    } while (*now < 1 || fabs(wanted) >= most);
    return wanted;
}

static void print_average(float state_now, float now, float averaging, const char *what)
{
    printf("CLQ_AVERAGE(%af, %af, %af) /* the %s is a tie but for its rest */\n", (double)state_now, (double)now,
           (double)averaging, what);
}

/* The difference is a tie of doubles but for the rest. */
static void find_sums(float averaging)
{
    for (int found = 0; found < WANTED_WITH_REST;) {
        float now;
        const double wanted = next_near_tie(averaging, 0x1p-43, &now);
        const float state_now = (float)((floor(wanted * 0x1p52) + 0.5) * 0x1p-52 + copysign(0x1p-67, wanted));
        const double right = (double)now - (double)state_now;
        const double wrong = sum_without_rest((double)now, -(double)state_now);
        const float average = (float)((double)state_now + (double)averaging * right);
        if (right != wrong && average != (float)((double)state_now + (double)averaging * wrong)) {
            print_average(state_now, now, averaging, "difference");
            found++;
        }
    }
}

/* Its product with c is: of the states around that. */
static void find_products(float averaging)
{
    for (int found = 0; found < WANTED_WITH_REST;) {
        float now;
        float state_now = (float)next_near_tie(averaging, 0x1p-39, &now);
        for (int i = 0; i < 1024 && found < WANTED_WITH_REST; i++) {
            const double difference = (double)now - (double)state_now;
            const double right = product_of(difference, (double)averaging, 0, 1);
            const double wrong = product_of(difference, (double)averaging, 0, 0);
            if ((float)((double)state_now + right) != (float)((double)state_now + wrong)) {
                print_average(state_now, now, averaging, "product");
                found++;
            }
            state_now = nextafterf(state_now, i < 512 ? INFINITY : -INFINITY);
        }
    }
}

/* a / b of two numbers in [1, 2), a the larger one, from 63 bits rounded down. */
static double quotient_without_rest(double a, double b)
{
    const uint64_t divisor = (uint64_t)ldexp(b, 52);
    const uint64_t digits = (uint64_t)(((wide)(uint64_t)ldexp(a, 52) << 62) / divisor);
    const uint64_t kept = digits >> 10;
    const uint64_t rest = digits & 1023;
    return ldexp((double)(kept + (rest > 512 || (rest == 512 && kept % 2 != 0))), -52);
}

/*
 * The width over the divisor is a tie of f32 and half a unit of double more, but for the rest: of random upper ends
 * those that leave a lower one, of 24 bits as well, so little above it.
 */
static void find_widths(void)
{
    const double divisor = 1 + 0x1p-40;
    for (int found = 0; found < WANTED_WITH_REST;) {
        const double upper = (double)(2 * next_mantissa(24));
        const double quotient = upper + 0x1p-24 + 0x1p-53;
        const double beyond =
            (upper + 0x1p-24) * 0x1p-40 + 0x1p-53; /* quotient * divisor - upper - 2^-24, but for 2^-93 */
        const double lower = 0x1p-24 + ceil(beyond * 0x1p47) * 0x1p-47;
        const double width = upper + lower;
        if (upper >= 1 && quotient < 2 && (float)(width / divisor) != (float)quotient_without_rest(width, divisor)) {
            printf("CLQ_WIDTH(%af, %af)\n", -lower, upper);
            found++;
        }
    }
}

static void find_of_type(clq_dtype real, int divisor)
{
    for (kind k = NARROW; k < KINDS; k++) {
        if (k != WIDE_SCALE || real != CLQ_F16) { /* an f16 saturates with such a scale, or is 0 */
            find_quotients(real, k);
        }
        if (k == NARROW) {
            find_apart(find_reciprocals, real);
        }
    }
    if (find_ranges(real, divisor, 1) < WANTED || !find_range_reciprocals(real, divisor, 1)) {
        fprintf(stderr, "find_witnesses: no ranges of %s show every fault with a divisor of %d\n", name_of(real),
                divisor);
        exit(1);
    }
    find_differences(real);
    find_apart(find_rounded_products, real);
}

static const char *const tables[] = {
    "QUOTIENT_F32",   "QUOTIENT_F16",    "QUOTIENT_BF16", "RANGE_F32",   "RANGE_F16",    "RANGE_BF16", "DIFFERENCE_F32",
    "DIFFERENCE_F16", "DIFFERENCE_BF16", "PRODUCT_F32",   "PRODUCT_F16", "PRODUCT_BF16", "AVERAGE",    "WIDTH"};
enum { TABLES = sizeof tables / sizeof tables[0] };

static void print_foot(void)
{
    for (int i = 0; i < TABLES; i++) {
        printf("#undef CLQ_%s\n", tables[i]);
    }
}

static void print_head(int divisor)
{
    printf("/* SPDX-License-Identifier: Apache-2.0 */\n"
           "/*\n"
           " * Printed by tests/find_witnesses.c (build target `witnesses`): rows of the tables of "
           "host/trial/witness.c, which\n"
           " * defines one of these macros before it has them.\n"
           " *\n"
           " *     CLQ_QUOTIENT_<type>(x, scale, zero point)     CLQ_RANGE_<type>(x, greatest), for a divisor of %d\n"
           " *     CLQ_DIFFERENCE_<type>(scale, zero point)      CLQ_AVERAGE(state, now, averaging)\n"
           " *     CLQ_PRODUCT_<type>(scale, zero point)         CLQ_WIDTH(lower, upper)\n"
           " */\n"
           "/* clang-format off */\n",
           divisor);
    for (int i = 0; i < TABLES; i++) {
        printf("#ifndef CLQ_%s\n#define CLQ_%s(...)\n#endif\n", tables[i], tables[i]);
    }
}

int main(void)
{
    static const clq_dtype reals[] = {CLQ_F32, CLQ_F16, CLQ_BF16};
    int divisor = 3;
    while (find_ranges(CLQ_BF16, divisor, 0) < WANTED || !find_range_reciprocals(CLQ_BF16, divisor, 0)) {
        divisor += 2;
    }
    print_head(divisor);
    for (int r = 0; r < 3; r++) {
        find_of_type(reals[r], divisor);
    }
    find_averages();
    find_sums(0x1.6a09e6p-4f);
    find_products(0x1.6a09e6p-4f);
    find_widths();
    print_foot();
    return 0;
}

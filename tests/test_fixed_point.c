/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed-point multipliers, requantization and the multiplier search (docs/numerics.md, sections 6 and 7), against
 * computations that share no step with the library's: 128-bit integers, and gemmlowp's published definitions.
 */
#include "check.h"

#include <math.h>
#include <string.h>

#include "oracle.h"

__extension__ typedef __int128 wide;

/* ---- multipliers ---- */

/* Q and shift from the bits of the double: its 53-bit mantissa cut to 31 bits, a half rounding up. */
static clq_multiplier multiplier_by_bits(double real)
{
    clq_multiplier m = {0, 0};
    uint64_t bits;
    uint64_t mantissa;
    int64_t q31;
    int shift;
    memcpy(&bits, &real, sizeof bits);
    mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (bits >> 52 == 0) { /* 0 and subnormals: far below the least shift */
        return m;
    }
    mantissa |= UINT64_C(1) << 52;
    shift = (int)(bits >> 52) - 1022;
    q31 = (int64_t)((mantissa >> 22) + (mantissa >> 21 & 1));
    if (q31 >> 31 != 0) {
        q31 >>= 1;
        shift++;
    }
    if (shift < -31) {
        return m;
    }
    m.q31 = (int32_t)q31;
    m.shift = shift;
    return m;
}

static void check_multiplier(double real)
{
    const clq_multiplier want = multiplier_by_bits(real);
    clq_multiplier got;
    clq_error error;
    check_ok(clq_multiplier_from_real(real, &got, &error), &error, "clq_multiplier_from_real");
    if (got.q31 != want.q31 || got.shift != want.shift) {
        fail_msg("%.17g (%a) gives %d * 2^(%d - 31), want %d * 2^(%d - 31)", real, real, (int)got.q31, (int)got.shift,
                 (int)want.q31, (int)want.shift);
    }
}

static void multipliers(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        check_multiplier(ldexp(1.0 + check_uniform(), (int)check_between(-40, 30)));
    }
    for (int exponent = -70; exponent <= 30; exponent++) {
        for (int step = -8; step <= 8; step++) { /* around powers of two, Q rounding up to 2^31 just below them */
            double real = ldexp(1.0, exponent);
            for (int k = 0; k < step; k++) {
                real = nextafter(real, INFINITY);
            }
            for (int k = 0; k < -step; k++) {
                real = nextafter(real, 0.0);
            }
            check_multiplier(real);
            check_multiplier(ldexp(1.0 - ldexp(1.0 + step * 0x1p-20, -32), exponent)); /* 2^31 - 1/2 and its sides */
            check_multiplier(ldexp(0x1p30 + 0.5 + step * 0x1p-21, exponent - 30));     /* other halves */
        }
    }
    check_multiplier(0.0);
    check_multiplier(0x1p-1074);
    check_multiplier(0x1p-1022);
    check_multiplier(nextafter(0x1p31, 0.0) / 2.0);
}

static void worked_multipliers(void **state)
{
    static const struct {
        double real;
        int32_t q31, shift;
    } rows[] = {
        {1.0, 1 << 30, 1},
        {0.5, 1 << 30, 0},
        {0.75, 1610612736, 0},
        {0x1p-32, 1 << 30, -31},
        {0x1.fffffffffffffp-33, 1 << 30, -31}, /* rounds up to 2^31, then halves into range */
        {0x1.fffffffep-33, 1 << 30, -31},      /* the same, by exactly a half */
        {0x1.fffffffdp-33, 0, 0},              /* 2^31 - 1 at shift -32: below the least shift */
        {0x1.fffffffcp-33, 0, 0},
        {0x1p-33, 0, 0},
        {0.0, 0, 0},
        {1073741824.0, 1 << 30, 31},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clq_multiplier m;
        clq_error error;
        check_ok(clq_multiplier_from_real(rows[i].real, &m, &error), &error, "clq_multiplier_from_real");
        if (m.q31 != rows[i].q31 || m.shift != rows[i].shift) {
            fail_msg("%a gives %d, %d; want %d, %d", rows[i].real, (int)m.q31, (int)m.shift, (int)rows[i].q31,
                     (int)rows[i].shift);
        }
    }
}

/* ---- requantization ---- */

static int32_t accumulator(void)
{
    static const int32_t ends[] = {INT32_MIN, INT32_MIN + 1, INT32_MAX, INT32_MAX - 1, 0, 1, -1, 1 << 30, -(1 << 30)};
    switch (check_below(4)) {
    case 0:
        return ends[check_below(sizeof ends / sizeof ends[0])];
    case 1:
        return (int32_t)check_between(-70000, 70000);
    default:
        return (int32_t)((int64_t)check_below(UINT64_C(1) << 32) + INT32_MIN) >> check_below(31);
    }
}

static clq_requantization random_stage(clq_requantize_mode mode)
{
    clq_requantization s;
    memset(&s, 0, sizeof s);
    s.struct_size = sizeof s;
    s.mode = mode;
    s.multiplier =
        check_chance(8) ? (check_chance(2) ? 1 << 30 : INT32_MAX) : (int32_t)check_between(1 << 30, INT32_MAX);
    if (check_chance(20)) {
        s.multiplier = (int32_t)check_below(3);
    }
    s.shift = (int32_t)check_between(-31, check_chance(2) ? 0 : 30);
    s.real = (float)ldexp(1.0 + check_uniform(), (int)check_between(-30, 5));
    if (mode == CLQ_REQUANTIZE_SHIFT) {
        s.multiplier = check_chance(3) ? accumulator() : (int32_t)check_below(512);
        s.shift = check_chance(3) ? (int32_t)check_between(0, 62) : (int32_t)check_below(16);
    } else if (mode == CLQ_REQUANTIZE_FLOAT && check_chance(10)) {
        s.real = check_chance(2) ? -s.real : 0x1p100f;
    }
    s.zero_point = check_chance(10) ? accumulator() : (int32_t)check_between(-128, 255);
    s.minimum = check_chance(10) ? INT32_MIN : (int32_t)check_between(-128, 0);
    s.maximum = check_chance(10) ? INT32_MAX : (int32_t)check_between(1, 255);
    return s;
}

static void check_stage(const clq_requantization *stage)
{
    enum { N = 64 };
    int32_t x[N];
    int32_t y[N];
    clq_error error;
    for (size_t i = 0; i < N; i++) {
        x[i] = accumulator();
        if (i % 2 == 0 && stage->mode != CLQ_REQUANTIZE_FLOAT && stage->multiplier != 0) {
            /* An accumulator whose scaled value lies at a half: (k + 1/2) * 2^total / Q and its neighbours. */
            const int total = stage->mode == CLQ_REQUANTIZE_SHIFT ? stage->shift : 31 - stage->shift;
            const wide half = (wide)(2 * check_between(-300, 300) + 1) * ((wide)1 << total) / 2 / stage->multiplier;
            const wide near = half + check_between(-2, 2);
            x[i] = near >= INT32_MIN && near <= INT32_MAX ? (int32_t)near : x[i];
        }
    }
    check_ok(clq_requantize(stage, x, N, y, &error), &error, "clq_requantize");
    for (size_t i = 0; i < N; i++) {
        const int32_t want = oracle_requantize(stage, x[i]);
        if (y[i] != want) {
            fail_msg("mode %d, multiplier %d, shift %d, real %a, Z %d, [%d, %d]: %d gives %d, want %d (seed %llu)",
                     (int)stage->mode, (int)stage->multiplier, (int)stage->shift, (double)stage->real,
                     (int)stage->zero_point, (int)stage->minimum, (int)stage->maximum, (int)x[i], (int)y[i], (int)want,
                     (unsigned long long)check_seed());
        }
    }
    check_ok(clq_requantize(stage, x, N, x, &error), &error, "clq_requantize in place");
    assert_memory_equal(x, y, sizeof y);
}

static void every_mode(void **state)
{
    (void)state;
    for (int i = 0; i < 40000; i++) {
        const clq_requantization stage = random_stage((clq_requantize_mode)(i % 6));
        check_stage(&stage);
    }
}

/* With multipliers that powers of two are, ties are frequent: every accumulator of a window, every shift. */
static void every_tie(void **state)
{
    static const clq_requantize_mode modes[] = {CLQ_REQUANTIZE_DOUBLE, CLQ_REQUANTIZE_SINGLE,
                                                CLQ_REQUANTIZE_SINGLE_AWAY, CLQ_REQUANTIZE_DOUBLE_UP};
    (void)state;
    for (size_t mode = 0; mode < sizeof modes / sizeof modes[0]; mode++) {
        for (int32_t shift = -31; shift <= 30; shift++) {
            clq_requantization s;
            memset(&s, 0, sizeof s);
            s.struct_size = sizeof s;
            s.mode = modes[mode];
            s.multiplier = shift % 2 == 0 ? 1 << 30 : 3 << 29;
            s.shift = shift;
            s.minimum = INT32_MIN;
            s.maximum = INT32_MAX;
            for (int32_t i = -600; i <= 600; i++) {
                const int32_t step = shift < -1 ? 1 << (-shift - 1) : 1; /* in units of half a result */
                const int64_t far = (int64_t)i * step;
                const int32_t x = far > INT32_MAX ? INT32_MAX : far < INT32_MIN ? INT32_MIN : (int32_t)far;
                int32_t y = 0;
                clq_error error;
                check_ok(clq_requantize(&s, &x, 1, &y, &error), &error, "clq_requantize");
                assert_int_equal(y, oracle_requantize(&s, x));
            }
        }
    }
}

/* gemmlowp's rounded halves, in figures: the nudge of a negative product differs by one. */
static void published_definition(void **state)
{
    static const struct {
        int32_t a, b;
        int64_t want;
    } rows[] = {
        {INT32_MIN, INT32_MIN, INT32_MAX},
        {INT32_MIN, INT32_MAX, -INT32_MAX},
        {1, 1 << 30, 1},
        {-1, 1 << 30, 0},
        {3, 1 << 30, 2},
        {-3, 1 << 30, -1},
        {0, 77, 0},
        {INT32_MAX, INT32_MAX, INT32_MAX - 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(oracle_high_multiply(rows[i].a, rows[i].b) == rows[i].want);
    }
    assert_true(oracle_divide_away(-1, 1) == -1 && oracle_divide_away(1, 1) == 1 && oracle_divide_away(-3, 2) == -1);
    assert_true(oracle_divide_away(-2, 2) == -1 && oracle_divide_away(INT32_MIN, 31) == -1 &&
                oracle_divide_away(5, 0) == 5);
}

static void activation_range(void **state)
{
    const int32_t x[] = {-1000, -5, 0, 5, 90, 1000};
    const int32_t want[] = {3, 3, 3, 8, 20, 20}; /* ReLU with Z = 3 and an upper end of 20 */
    (void)state;
    for (int mode = 0; mode < 6; mode++) {
        clq_requantization s;
        int32_t y[6];
        clq_error error;
        memset(&s, 0, sizeof s);
        s.struct_size = sizeof s;
        s.mode = (clq_requantize_mode)mode;
        s.multiplier = mode == CLQ_REQUANTIZE_SHIFT ? 256 : 1 << 30;
        s.shift = mode == CLQ_REQUANTIZE_SHIFT ? 8 : 1;
        s.real = 1.0f;
        s.zero_point = 3;
        s.minimum = 3;
        s.maximum = 20;
        check_ok(clq_requantize(&s, x, 6, y, &error), &error, "clq_requantize");
        assert_memory_equal(y, want, sizeof y);
    }
}

/* ---- the search ---- */

static void check_search(double real, const int32_t *samples, size_t count, uint32_t max_shift, uint32_t max_bits)
{
    clq_multiplier_candidate rows[31];
    uint32_t best = 99;
    uint32_t want_best = 99;
    double least = INFINITY;
    clq_error error;
    const clq_status status = clq_multiplier_search(real, samples, count, max_shift, max_bits, rows, &best, &error);
    if (max_bits != 0 && fabs(nearbyint(real)) >= ldexp(1.0, (int)max_bits)) {
        assert_int_equal(status, CLQ_INVALID_ARGUMENT); /* not even n = 0 fits */
        return;
    }
    check_ok(status, &error, "clq_multiplier_search");
    for (uint32_t n = 0; n <= max_shift; n++) {
        const double exact = real * ldexp(1.0, (int)n);
        const int64_t factor = (int64_t)nearbyint(exact);
        const int fits = max_bits == 0 || fabs((double)factor) < ldexp(1.0, (int)max_bits);
        double sum = 0.0;
        double largest = 0.0;
        for (size_t i = 0; i < count; i++) {
            const double e = fabs(real * samples[i] - (double)oracle_divide_down(factor * samples[i], (int)n));
            sum += e;
            largest = fmax(largest, e);
        }
        assert_int_equal(rows[n].shift, n);
        assert_true(rows[n].factor == factor);
        assert_true(rows[n].maximum_error == largest);
        assert_true(rows[n].mean_error == sum / (double)count);
        assert_int_equal(rows[n].fits != 0, fits);
        if (fits && sum / (double)count < least) {
            least = sum / (double)count;
            want_best = n;
        }
    }
    assert_int_equal(best, want_best);
}

static void search(void **state)
{
    int32_t samples[100];
    (void)state;
    for (int turn = 0; turn < 3000; turn++) {
        const size_t count = check_chance(3) ? 1 : 1 + check_below(100);
        const uint32_t max_shift = (uint32_t)check_below(31);
        const double real = ldexp(1.0 + check_uniform(), -1 - (int)check_below(20)) * (check_chance(10) ? -1.0 : 1.0);
        for (size_t i = 0; i < count; i++) {
            samples[i] = accumulator();
        }
        check_search(real, samples, count, max_shift, check_chance(2) ? 0 : (uint32_t)check_between(1, 31));
    }
    samples[0] = -19868;
    check_search(0.008822082202930992, samples, 1, 15, 0);
    check_search(0.008822082202930992, samples, 1, 15, 3);
    check_search(5.4, samples, 1, 15, 2);
    check_search(0.5, samples, 1, 30, 0); /* F0 = 0.5 at n = 0: a tie, to even */
    check_search(1.5, samples, 1, 30, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(multipliers), cmocka_unit_test(worked_multipliers),   cmocka_unit_test(every_mode),
    cmocka_unit_test(every_tie),   cmocka_unit_test(published_definition), cmocka_unit_test(activation_range),
    cmocka_unit_test(search),
};

CHECK_MAIN("fixed-point", tests)

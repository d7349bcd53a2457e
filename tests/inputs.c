/* SPDX-License-Identifier: Apache-2.0 */
#include "inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "strided_case.h"

/* ---- layouts ---- */

typedef struct layout_row {
    uint32_t rank;
    uint64_t shape[4];
    clq_granularity granularity;
    uint32_t axis;
    uint64_t group_size;
} layout_row;

#define FLAT(n)                                                                                                        \
    {                                                                                                                  \
        1, {n}, CLQ_PER_TENSOR, 0, 128                                                                                 \
    }
#define CHANNEL(rank, axis, ...)                                                                                       \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, CLQ_PER_CHANNEL, axis, 128                                                                \
    }
#define GROUP(size, rank, ...)                                                                                         \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, CLQ_PER_GROUP, 0, size                                                                    \
    }
#define BLOCK(axis, size, rank, ...)                                                                                   \
    {                                                                                                                  \
        rank, {__VA_ARGS__}, CLQ_PER_BLOCK, axis, size                                                                 \
    }

static const layout_row layouts[] = {
    {0, {0}, CLQ_PER_TENSOR, 0, 128},
    {0, {0}, CLQ_PER_GROUP, 0, 128},
    FLAT(0),
    FLAT(1),
    FLAT(2),
    FLAT(3),
    FLAT(5),
    FLAT(7),
    FLAT(8),
    FLAT(9),
    FLAT(15),
    FLAT(16),
    FLAT(17),
    FLAT(31),
    FLAT(32),
    FLAT(33),
    FLAT(63),
    FLAT(64),
    FLAT(65),
    FLAT(127),
    FLAT(128),
    FLAT(129),
    FLAT(251),
    FLAT(255),
    FLAT(256),
    FLAT(257),
    FLAT(511),
    FLAT(512),
    FLAT(513),
    FLAT(1023),
    FLAT(1024),
    FLAT(1025),
    FLAT(2047),
    FLAT(2048),
    FLAT(2049),
    FLAT(4093),
    FLAT(4095),
    FLAT(4096),
    FLAT(4097),
    FLAT(16381),
    FLAT(65537),
    {3, {2, 0, 5}, CLQ_PER_TENSOR, 0, 128},
    {4, {3, 5, 2, 7}, CLQ_PER_TENSOR, 0, 128},
    CHANNEL(1, 0, 1),
    CHANNEL(1, 0, 2),
    CHANNEL(1, 0, 17),
    CHANNEL(1, 0, 1025),
    CHANNEL(2, 0, 7, 33),
    CHANNEL(2, 0, 1, 257),
    CHANNEL(2, 0, 257, 1),
    CHANNEL(2, 0, 64, 64),
    CHANNEL(2, 0, 3, 1025),
    CHANNEL(2, 0, 0, 5),
    CHANNEL(2, 0, 5, 0),
    CHANNEL(2, 1, 33, 1),
    CHANNEL(2, 1, 33, 3),
    CHANNEL(2, 1, 129, 5),
    CHANNEL(2, 1, 65, 16),
    CHANNEL(2, 1, 19, 257),
    CHANNEL(2, 1, 1, 100),
    CHANNEL(3, 0, 5, 7, 11),
    CHANNEL(3, 1, 5, 7, 11),
    CHANNEL(3, 2, 5, 7, 11),
    CHANNEL(3, 1, 2, 16, 64),
    CHANNEL(3, 1, 4, 3, 1),
    CHANNEL(4, 0, 3, 5, 2, 7),
    CHANNEL(4, 1, 3, 5, 2, 7),
    CHANNEL(4, 2, 3, 5, 2, 7),
    CHANNEL(4, 3, 3, 5, 2, 7),
    CHANNEL(4, 1, 2, 32, 9, 9),
    CHANNEL(4, 3, 2, 9, 9, 32),
    CHANNEL(2, 0, 600, 27),
    CHANNEL(2, 0, 99, 9),
    CHANNEL(2, 1, 600, 3),
    CHANNEL(2, 1, 37, 576),
    CHANNEL(2, 1, 23, 1030),
    GROUP(1, 1, 7),
    GROUP(1, 2, 5, 33),
    GROUP(3, 1, 1),
    GROUP(3, 1, 100),
    GROUP(3, 2, 9, 10),
    GROUP(3, 3, 2, 5, 9),
    GROUP(16, 1, 16),
    GROUP(16, 2, 5, 48),
    GROUP(16, 2, 5, 47),
    GROUP(32, 1, 4096),
    GROUP(32, 2, 33, 65),
    GROUP(32, 2, 4, 256),
    GROUP(32, 3, 3, 2, 31),
    GROUP(32, 2, 70, 96),
    GROUP(100, 1, 257),
    GROUP(100, 2, 7, 300),
    GROUP(100, 2, 7, 301),
    GROUP(128, 1, 127),
    GROUP(128, 1, 1025),
    GROUP(128, 2, 16, 256),
    GROUP(128, 2, 9, 200),
    GROUP(128, 4, 2, 2, 2, 129),
    GROUP(1000000, 2, 3, 50),
    GROUP(2, 2, 0, 5),
    GROUP(2, 2, 5, 0),
    BLOCK(0, 3, 1, 10),
    BLOCK(0, 2, 2, 7, 5),
    BLOCK(0, 4, 2, 9, 18),
    BLOCK(0, 1000000, 2, 6, 17),
    BLOCK(1, 1, 2, 3, 9),
    BLOCK(1, 3, 3, 5, 7, 1),
    BLOCK(0, 2, 3, 1, 4, 6),
    BLOCK(1, 2, 3, 3, 5, 3),
    BLOCK(2, 2, 4, 2, 3, 5, 4),
    BLOCK(1, 32, 3, 2, 70, 33),
    BLOCK(0, 16, 2, 40, 520),
    BLOCK(0, 2, 2, 0, 5),
    BLOCK(0, 2, 2, 5, 0),
};

size_t inputs_layout_count(void)
{
    return sizeof layouts / sizeof layouts[0];
}

clq_layout inputs_layout(size_t index)
{
    const layout_row *row = &layouts[index];
    clq_layout layout;
    memset(&layout, 0, sizeof layout);
    layout.rank = row->rank;
    for (uint32_t d = 0; d < row->rank; d++) {
        layout.shape[d] = row->shape[d];
    }
    layout.granularity = row->granularity;
    layout.axis = row->axis;
    layout.group_size = row->group_size;
    return layout;
}

clq_layout inputs_layout_small(void)
{
    for (;;) {
        const clq_layout layout = inputs_layout(check_below(inputs_layout_count()));
        uint64_t elements = 0;
        uint64_t parameters = 0;
        (void)clq_layout_count(&layout, &elements, &parameters, NULL);
        if (elements >= 1 && elements <= 300) {
            return layout;
        }
    }
}

clq_layout inputs_layout_flat(uint64_t n)
{
    clq_layout layout;
    memset(&layout, 0, sizeof layout);
    layout.rank = 1;
    layout.shape[0] = n;
    layout.granularity = CLQ_PER_TENSOR;
    layout.group_size = 128;
    return layout;
}

/* ---- types and schemes ---- */

const clq_dtype inputs_real_types[INPUTS_REALS] = {CLQ_F32, CLQ_F16, CLQ_BF16};
const clq_dtype inputs_code_types[INPUTS_CODES] = {CLQ_S8, CLQ_U8, CLQ_S4, CLQ_U4, CLQ_S16, CLQ_U16};

void inputs_scheme(clq_scheme *scheme, clq_dtype dtype, unsigned option)
{
    clq_error error;
    check_ok(clq_scheme_from_preset(CLQ_PRESET_AFFINE, dtype, scheme, &error), &error, "clq_scheme_from_preset");
    scheme->rounding = (option & 1) != 0 ? CLQ_ROUND_AWAY : CLQ_ROUND_EVEN;
    scheme->zero_point_order = (option & 2) != 0 ? CLQ_ZERO_POINT_BEFORE : CLQ_ZERO_POINT_AFTER;
    scheme->arithmetic = (option & 4) != 0 ? CLQ_RECIPROCAL : CLQ_DIVIDE;
}

/* A positive double between 2^first and 2^last, with few bits or with all of them. */
static double positive(int first, int last)
{
    const double value = ldexp(1.0 + check_uniform(), (int)check_between(first, last - 1));
    switch (check_below(3)) {
    case 0:
        return value;
    case 1:
        return (double)(float)value;
    default:
        return ldexp(1.0, (int)check_between(first, last));
    }
}

void inputs_scheme_random(clq_scheme *scheme)
{
    const clq_dtype dtype = inputs_code_types[check_below(INPUTS_CODES)];
    const int32_t low = oracle_type_minimum(dtype);
    const int32_t high = oracle_type_maximum(dtype);
    inputs_scheme(scheme, dtype, (unsigned)check_below(INPUTS_OPTIONS));
    if (check_chance(2)) {
        scheme->qmin = (int32_t)check_between(low, high - 1);
        scheme->qmax = (int32_t)check_between(scheme->qmin + 1, high);
    }
    scheme->symmetric = check_chance(3);
    scheme->widen_to_zero = check_chance(2);
    switch (check_below(4)) {
    case 0:
        scheme->divisor = positive(0, 16);
        break;
    case 1:
        scheme->divisor = 127.5;
        break;
    case 2:
        scheme->divisor = (double)check_between(1, 65536);
        break;
    default:
        scheme->divisor = (double)scheme->qmax - scheme->qmin;
        break;
    }
    scheme->minimum_width = check_chance(3) ? check_chance(2) ? 0.01 : positive(-100, 100) : 0.0;
    scheme->minimum_scale = check_chance(3) ? check_chance(2) ? 0x1p-23 : positive(-100, 100) : 0.0;
    scheme->zero_point_rule = (clq_zero_point_rule)check_below(5);
    scheme->zero_point_fixed =
        check_chance(4) ? (int32_t)check_between(INT32_MIN, INT32_MAX) : (int32_t)check_between(low, high);
    scheme->zero_point_rounding = (clq_zero_point_rounding)check_below(3);
    scheme->zero_point_clamp = check_chance(2);
    scheme->zero_point_min = scheme->qmin;
    scheme->zero_point_max = scheme->qmax;
    if (check_chance(4)) {
        scheme->zero_point_min = (int32_t)check_between(INT32_MIN, INT32_MAX);
        scheme->zero_point_max = (int32_t)check_between(scheme->zero_point_min, INT32_MAX);
    }
    scheme->precision = (clq_parameter_precision)check_below(3);
    scheme->degenerate = (clq_degenerate)check_below(3);
}

int inputs_preset_exists(clq_preset preset, clq_dtype dtype)
{
    return dtype == CLQ_U8 ||
           (preset != CLQ_PRESET_AFFINE_U8 && preset != CLQ_PRESET_CENTERED_U8 && preset != CLQ_PRESET_SNPE);
}

/* ---- parameters ---- */

/* The float `steps` away from zero (negative: towards it, and through it to the other sign). */
static float neighbour(float value, int64_t steps)
{
    const uint32_t sign = oracle_bits(value) & 0x80000000u;
    const int64_t magnitude = (int64_t)(oracle_bits(value) & 0x7FFFFFFFu) + steps;
    return oracle_float(magnitude < 0 ? (sign ^ 0x80000000u) | (uint32_t)-magnitude : sign | (uint32_t)magnitude);
}

static float extreme_scale(void)
{
    const float power = ldexpf(1.0f, (int)check_between(-99, 125));
    switch (check_below(6)) {
    case 0:
        return CLQ_MINIMUM_SCALE;
    case 1:
        return CLQ_MAXIMUM_SCALE;
    case 2:
        return neighbour(CLQ_MAXIMUM_SCALE, -(int64_t)check_below(4));
    case 3:
        return neighbour(CLQ_MINIMUM_SCALE, (int64_t)check_below(4));
    default: /* 2^k, the all-ones mantissa below it, or just above it */
        return neighbour(power, check_between(-2, 2));
    }
}

static int32_t huge_zero_point(void)
{
    static const int64_t centers[] = {INT64_C(1) << 22, INT64_C(1) << 23, INT64_C(1) << 24,
                                      INT64_C(1) << 25, INT64_C(1) << 30, INT64_C(1) << 31};
    const int64_t center = centers[check_below(sizeof centers / sizeof centers[0])];
    int64_t value = center + check_between(-300, 300);
    value = check_chance(2) ? -value : value;
    value = value > INT32_MAX ? INT32_MAX : value;
    return value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

/* Every other one has few bits, so that quotients and products are often ties. */
static float ordinary_scale(void)
{
    const float scale = (float)ldexp(1.0 + check_uniform(), (int)check_between(-20, 3));
    const uint32_t dropped = (uint32_t)check_between(10, 23);
    return check_chance(2) ? scale : oracle_float(oracle_bits(scale) >> dropped << dropped);
}

void inputs_parameters(inputs_parameters_kind kind, const clq_scheme *scheme, uint64_t count, float *scale,
                       int32_t *zero_point)
{
    for (uint64_t p = 0; p < count; p++) {
        scale[p] = ordinary_scale();
        zero_point[p] = (int32_t)check_between(scheme->qmin - 3, (int64_t)scheme->qmax + 3);
        switch (kind) {
        case INPUTS_CHOSEN: {
            const double width = positive(-10, 10);
            const double lo = (check_uniform() - 0.7) * width;
            clq_parameters chosen;
            clq_error error;
            check_ok(clq_choose_parameters(scheme, lo, lo + width, &chosen, &error), &error, "clq_choose_parameters");
            scale[p] = chosen.scale;
            zero_point[p] = chosen.zero_point;
            break;
        }
        case INPUTS_HUGE_ZERO_POINT:
            zero_point[p] = huge_zero_point();
            break;
        case INPUTS_EXTREME_SCALE:
            scale[p] = extreme_scale();
            break;
        default:
            break;
        }
    }
}

static float random_finite(void)
{
    for (;;) {
        const float value = oracle_float((uint32_t)check_random());
        if (isfinite(value)) {
            return value;
        }
    }
}

static float finite_or_largest(double value)
{
    const float narrow = (float)value;
    return isfinite(narrow) ? narrow : copysignf(0x1.fffffep127f, narrow);
}

/*
 * hi - lo over the divisor lies on, or within about 2^-50 of, the midpoint of two floats: where rounding to double
 * first and to float then is seen, and where a division good to less than all bits goes wrong.
 */
static void range_of_tying_scale(double divisor, float *lo, float *hi)
{
    const int exponent = (int)check_between(-60, 60);
    const double middle = (double)(2 * check_between(0x800000, 0xFFFFFF) + 1);
    const double width = middle * divisor;
    const float high = (float)width;
    const double rest = width - (double)high;
    *hi = ldexpf(high, exponent);
    *lo = neighbour(ldexpf(-(float)rest, exponent), rest == 0.0 ? 0 : check_between(-2, 2));
    if (*lo > *hi || !isfinite(*lo)) {
        *lo = 0.0f;
    }
}

/* The scale is a power of two, and lo and hi lie half-way between two of its multiples, or a step beside it. */
static void range_of_tying_zero_point(double divisor, float *lo, float *hi)
{
    const double scale = ldexp(1.0, (int)check_between(-80, 80));
    const double below = (double)check_between(-300, 300) + 0.5;
    *lo = finite_or_largest(below * scale);
    *hi = finite_or_largest((below + divisor) * scale);
    if (check_chance(2)) {
        *lo = neighbour(*lo, check_between(-1, 1));
    }
    if (check_chance(2)) {
        *hi = neighbour(*hi, check_between(-1, 1));
    }
}

/*
 * The scale is a power of two and one end lies about half a unit in the last place of a double below the other: what is
 * left of it in a sum decides whether that truncates to one integer or the next.
 */
static void range_with_a_trace(double divisor, float *lo, float *hi)
{
    const int exponent = (int)check_between(-60, 60);
    const float trace = neighbour(ldexpf(1.0f, exponent - (int)check_between(40, 60)), check_between(-3, 3));
    const float far = finite_or_largest(ldexp(divisor, exponent));
    *lo = check_chance(2) ? -far : -trace;
    *hi = *lo == -far ? trace : far;
}

void inputs_range(double divisor, float *lo, float *hi)
{
    const double magnitude = positive(-140, 127);
    float a = finite_or_largest(magnitude * (check_uniform() - 0.5) * 2.0);
    float b = finite_or_largest(magnitude * (check_uniform() - 0.5) * 2.0);
    switch (check_below(17)) {
    case 0:
        a = random_finite();
        b = random_finite();
        break;
    case 1: /* one-sided from zero */
        a = 0.0f;
        break;
    case 2: /* a constant */
        b = a;
        break;
    case 3:
        a = 0.0f;
        b = 0.0f;
        break;
    case 4: /* subnormals */
        a = oracle_float((uint32_t)check_below(0x900000) | (check_chance(2) ? UINT32_C(0x80000000) : 0));
        b = oracle_float((uint32_t)check_below(0x900000) | (check_chance(2) ? UINT32_C(0x80000000) : 0));
        break;
    case 5: /* the width overflows an f32 */
        a = -finite_or_largest(0x1p127 * (1.0 + check_uniform()));
        b = finite_or_largest(0x1p127 * (1.0 + check_uniform()));
        break;
    case 6: /* far from zero, nearly without width */
        b = neighbour(a, check_between(-3, 3));
        b = isfinite(b) ? b : a;
        break;
    case 7:
    case 8:
        range_of_tying_scale(divisor, &a, &b);
        break;
    case 9:
    case 10:
        range_of_tying_zero_point(divisor, &a, &b);
        break;
    case 11: /* ordinary */
        a = (float)check_normal();
        b = (float)check_normal();
        break;
    case 12: /* both on one side */
        a = fabsf(a);
        b = fabsf(b);
        break;
    case 13: /* ends of very different size */
        b = (float)check_normal();
        break;
    case 14: /* near the bounds of the scale */
        a = 0.0f;
        b = finite_or_largest(ldexp(divisor, check_chance(2) ? -100 : 126) * (1.0 + (check_uniform() - 0.5) * 0x1p-20));
        break;
    case 15:
        range_with_a_trace(divisor, &a, &b);
        break;
    default:
        break;
    }
    a = a == 0.0f ? 0.0f : a; /* clq_minmax never gives -0 */
    b = b == 0.0f ? 0.0f : b;
    *lo = a < b ? a : b;
    *hi = a < b ? b : a;
}

/* ---- elements ---- */

static double clamp_to_f32(double value)
{
    return value > 0x1.fffffep127 ? 0x1.fffffep127 : value < -0x1.fffffep127 ? -0x1.fffffep127 : value;
}

/* The pattern of the real nearest to `value`. */
static uint32_t pattern_of(clq_dtype real, double value)
{
    return oracle_narrow(real, oracle_bits((float)clamp_to_f32(value)));
}

/* `steps` units in the last place away, in either direction through zero. */
static uint32_t stepped(clq_dtype real, uint32_t pattern, int64_t steps)
{
    const uint32_t sign = real == CLQ_F32 ? UINT32_C(0x80000000) : UINT32_C(0x8000);
    int64_t position = (int64_t)(pattern & (sign - 1));
    position = ((pattern & sign) != 0 ? -position : position) + steps;
    return position < 0 ? sign | (uint32_t)-position : (uint32_t)position;
}

static uint32_t special(clq_dtype real)
{
    static const uint32_t singles[] = {0,          1,          0x007FFFFF, 0x00800000, 0x00800001, 0x7F7FFFFF,
                                       0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0x3F800000, 0x3F000000,
                                       0x4B000000, 0x4AFFFFFF, 0x4B7FFFFF, 0x4EFFFFFF, 0x4F000000, 0x7F61B1E6};
    static const uint32_t halves[] = {0,      1,      0x03FF, 0x0400, 0x0401, 0x7BFF, 0x7C00,
                                      0x7C01, 0x7E00, 0x7FFF, 0x3C00, 0x3800, 0x6400, 0x67FF};
    static const uint32_t bfloats[] = {0,      1,      0x007F, 0x0080, 0x0081, 0x7F7F, 0x7F80,
                                       0x7F81, 0x7FC0, 0x7FFF, 0x3F80, 0x3F00, 0x4B00, 0x4F00};
    if (real == CLQ_F32) {
        return singles[check_below(sizeof singles / sizeof singles[0])] | (check_chance(2) ? UINT32_C(0x80000000) : 0);
    }
    return (real == CLQ_F16 ? halves[check_below(sizeof halves / sizeof halves[0])]
                            : bfloats[check_below(sizeof bfloats / sizeof bfloats[0])]) |
           (check_chance(2) ? 0x8000u : 0u);
}

static uint32_t element(inputs_kind kind, const clq_quantization *q, double scale, double zero_point)
{
    const clq_scheme *s = &q->scheme;
    const double middle = ((double)s->qmin + s->qmax) / 2.0 - zero_point;
    const double width = (double)s->qmax - s->qmin;
    switch (kind) {
    case INPUTS_NORMAL:
        return pattern_of(q->real, scale * (middle + check_normal() * width / 3.0));
    case INPUTS_SPREAD:
        return pattern_of(q->real,
                          (check_chance(2) ? 1.0 : -1.0) * ldexp(1.0 + check_uniform(), (int)check_between(-127, 127)));
    case INPUTS_TIES: {
        const double boundary = (double)check_between(s->qmin - 2, (int64_t)s->qmax + 1) + 0.5;
        return stepped(q->real, pattern_of(q->real, (boundary - zero_point) * scale), check_between(-8, 8));
    }
    case INPUTS_SPECIAL:
        return special(q->real);
    case INPUTS_OUTLIER:
        return pattern_of(q->real, scale * check_normal());
    case INPUTS_ZERO:
        return 0;
    default:
        return (uint32_t)check_random() & (q->real == CLQ_F32 ? UINT32_C(0xFFFFFFFF) : UINT32_C(0xFFFF));
    }
}

void inputs_elements(inputs_kind kind, const clq_quantization *q, const float *scale, const int32_t *zero_point,
                     uint64_t n, void *x)
{
    const uint32_t equal = check_chance(3) ? special(q->real) : pattern_of(q->real, 100.0 * check_normal());
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t p = scale != NULL ? oracle_parameter(&q->layout, i) : 0;
        const double s = scale != NULL ? (double)scale[p] : 1.0;
        const double z = zero_point != NULL ? (double)zero_point[p] : 0.0;
        const inputs_kind now = kind == INPUTS_MIXED ? (inputs_kind)check_below(INPUTS_EQUAL) : kind;
        oracle_store_real(q->real, x, i, now == INPUTS_EQUAL ? equal : element(now, q, s, z));
    }
    if (kind == INPUTS_OUTLIER && n > 0) {
        const double far = check_chance(2) ? 3e38 : 1000.0;
        oracle_store_real(q->real, x, check_below(n), pattern_of(q->real, check_chance(2) ? far : -far));
    }
}

void inputs_codes(clq_dtype dtype, uint64_t n, void *codes)
{
    const uint32_t bits = clq_dtype_bits(dtype);
    const uint64_t bytes = (n * bits + 7) / 8;
    unsigned char *p = codes;
    for (uint64_t i = 0; i < bytes; i++) {
        switch (check_below(8)) { /* the ends of the type are frequent */
        case 0:
            p[i] = 0;
            break;
        case 1:
            p[i] = 0xFF;
            break;
        case 2:
            p[i] = bits == 4 ? 0x88 : 0x80;
            break;
        case 3:
            p[i] = bits == 4 ? 0x77 : 0x7F;
            break;
        default:
            p[i] = (unsigned char)check_random();
            break;
        }
    }
}

/* ---- whole cases ---- */

static int has_parameters(clq_operation operation)
{
    return operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_DEQUANTIZE || operation == CLQ_OP_FAKE_QUANTIZE;
}

/* Ranges as they are found, and others; for each a histogram or a state that holds something already. */
static void observer_inputs(check_case *c, uint64_t elements, uint64_t parameters)
{
    float *range = check_allocate(2 * parameters * sizeof *range);
    memset(range, 0, (size_t)parameters * 2 * sizeof *range);
    for (uint64_t i = 0; i < elements; i++) {
        const float x = oracle_float(oracle_widen(c->q.real, oracle_load_real(c->q.real, c->in[CHECK_X], i)));
        float *own = &range[2 * oracle_parameter(&c->q.layout, i)];
        own[0] = isfinite(x) && x < own[0] ? x : own[0];
        own[1] = isfinite(x) && x > own[1] ? x : own[1];
    }
    for (uint64_t p = 0; p < parameters; p++) {
        if (check_chance(4)) {
            inputs_range(255.0, &range[2 * p], &range[2 * p + 1]);
        } else if (check_chance(20)) {
            range[2 * p] = check_chance(2) ? INFINITY : NAN;
            range[2 * p + 1] = check_chance(2) ? -INFINITY : NAN;
        } else if (check_chance(5)) {
            range[2 * p] = range[2 * p + 1] = 0.0f;
        }
    }
    c->in[CHECK_RANGE] = range;
    if (c->operation == CLQ_OP_HISTOGRAM) {
        const uint64_t all = clq_histogram_bins(&c->q.scheme) * parameters;
        uint64_t *counts = check_allocate(all * sizeof *counts);
        for (uint64_t i = 0; i < all; i++) {
            counts[i] = check_chance(50) ? check_random() >> 1 : 0;
        }
        c->in[CHECK_COUNTS] = counts;
    } else {
        static const float constants[] = {0.0f, 0.01f, 1.0f, 0.5f, 0x1p-24f, 0x1p-140f, -1.0f, 2.0f};
        float *averaging = check_allocate(sizeof *averaging);
        float *state = check_allocate(2 * parameters * sizeof *state);
        clq_nonfinite *nonfinite = check_allocate(sizeof *nonfinite);
        *averaging = constants[check_below(sizeof constants / sizeof constants[0])];
        nonfinite->count = check_below(2);
        nonfinite->first_index = 0;
        for (uint64_t p = 0; p < parameters; p++) {
            state[2 * p] = INFINITY;
            state[2 * p + 1] = -INFINITY;
            if (!check_chance(3)) {
                inputs_range(255.0, &state[2 * p], &state[2 * p + 1]);
            }
        }
        c->in[CHECK_AVERAGING] = averaging;
        c->in[CHECK_STATE] = state;
        c->in[CHECK_NONFINITE] = nonfinite;
    }
}

void inputs_case(check_case *c, inputs_parameters_kind parameters_kind, inputs_kind elements_kind)
{
    uint64_t elements = 0;
    uint64_t parameters = 0;
    float *scale = NULL;
    int32_t *zero_point = NULL;
    clq_error error;
    check_ok(clq_layout_count(&c->q.layout, &elements, &parameters, &error), &error, "clq_layout_count");
    memset(c->in, 0, sizeof c->in);
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        c->offset[i] = check_chance(2) ? 0 : check_below(20);
    }
    if (clq_dtype_bits(c->q.scheme.dtype) == 4) {
        c->offset[CHECK_CODES] &= ~UINT64_C(1);
    }
    if (has_parameters(c->operation)) {
        scale = check_allocate(parameters * sizeof *scale);
        zero_point = check_allocate(parameters * sizeof *zero_point);
        inputs_parameters(parameters_kind, &c->q.scheme, parameters, scale, zero_point);
        c->in[CHECK_SCALE] = scale;
        c->in[CHECK_ZERO_POINT] = zero_point;
    }
    if (c->operation == CLQ_OP_CHOOSE_PARAMETERS) {
        float *range = check_allocate(2 * parameters * sizeof *range);
        for (uint64_t p = 0; p < parameters; p++) {
            inputs_range(c->q.scheme.divisor, &range[2 * p], &range[2 * p + 1]);
        }
        c->in[CHECK_RANGE] = range;
    } else if (c->operation == CLQ_OP_DEQUANTIZE) {
        void *codes = check_allocate(check_operand_bytes(c, CHECK_CODES));
        inputs_codes(c->q.scheme.dtype, elements, codes);
        c->in[CHECK_CODES] = codes;
    } else {
        void *x = check_allocate(check_operand_bytes(c, CHECK_X));
        inputs_elements(elements_kind, &c->q, scale, zero_point, elements, x);
        c->in[CHECK_X] = x;
        if (c->operation == CLQ_OP_MERGE_RANGE || c->operation == CLQ_OP_HISTOGRAM) {
            observer_inputs(c, elements, parameters);
        }
    }
    if (strided_is(c)) { /* what lies between is no input */
        strided_spread_inputs(c);
    }
}

void inputs_free(check_case *c)
{
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        void *memory;
        memcpy(&memory, &c->in[i], sizeof memory); /* allocated by inputs_case, const only to the operations */
        free(memory);
        c->in[i] = NULL;
    }
}

void inputs_check(check_case *c, inputs_parameters_kind parameters, inputs_kind elements)
{
    inputs_case(c, parameters, elements);
    check_case_fully(c);
    inputs_free(c);
}

inputs_kind inputs_kind_of_turn(uint64_t turn)
{
    return (inputs_kind)(turn % INPUTS_KINDS);
}

inputs_parameters_kind inputs_parameters_kind_of_turn(uint64_t turn)
{
    return (inputs_parameters_kind)(turn % INPUTS_PARAMETERS_KINDS);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The products that kernels are compared by: they have ragged edges, both types, zero points of every kind, and every
 * requantization; each as it is and with K in slices, which brings in the second kernel of these.
 */
#include <math.h>
#include <string.h>

#include "trial/cases.h"

/*
 * Most have two panels of B, the second ragged, and eighteen groups of four k, the last ragged; one has more batches
 * than panels, which else are as many. FAR: one k, so that sums differ little, which a zero point far away brings back
 * among the codes. DEEP: more k than are summed in f32 (kernels/gemm_cpu.cl), twice; with few rows DEEPER, more than
 * all lanes of a work-group have under way at once, twice (kernels/gemm_gemv_panel.clh); WIDE: more panels than an item
 * packs, one column in the last; both such that the last item that packs has all that one may have
 * (kernels/gemm_pack.cl). PANELS: whole ones; for tall products, which have more tiles than go together over a panel
 * (kernels/gemm_walk.clh), and one column more. WHOLE: groups of four k, so that a whole panel ends where the
 * next begins; EVEN: of steps of 64 k, and of groups and blocks where they are packed; PAST: a little more. STEPS: more
 * k than are staged in local memory at once, twice; TILES: more columns than a work-group's tile has, the last panel
 * ragged; with rows of A that lie at multiples of 16 bytes, since they are packed (kernels/gemm_mma.cl). MANY_GROUPS:
 * of four k along K, more than there are scales kept of (kernels/gemm_fold.clh). UNEVEN: groups along K that are filled
 * up to whole steps (native/product.h), the last one shorter than a step.
 */
enum {
    COLUMNS = 37,
    DEPTH = 70,
    FAR = 1,
    DEEP = 1151,
    DEEPER = 2303,
    WIDE = 481,
    PANELS = 64,
    SHALLOW = 10,
    WHOLE = 12,
    EVEN = 64,
    PAST = 66,
    STEPS = 333,
    TILES = 133,
    MANY_GROUPS = 523,
    UNEVEN = 68
};

enum { TALL_KINDS = 2, GROUP_KINDS = 15, FEW_ROWS = 8 };

/* Of floats one that leaves sums too few bits: kernels/gemm_output.clh goes another way. On either side of 0 with the
 * type whose bounds do not hide it; the furthest takes them out of int32. */
enum { FAR_ZERO_POINT = (1 << 30) + 77, FURTHEST_ZERO_POINT = -INT32_MAX + 99, FAR_ZERO_POINT_FLOAT = (1 << 22) - 3 };

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* ---- inputs ---- */

/* Codes of all values; in deep products rows and columns of the greatest code, whose sums no f32 holds. */
static unsigned char next_code(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t i, uint32_t *state)
{
    const clq_gemm_problem *p = task->problem;
    const clq_dtype dtype = argument == CLQ_GEMM_A ? p->a.dtype : p->b.dtype;
    const unsigned char any = (unsigned char)clq_trial_random(state);
    const int is_extreme = argument == CLQ_GEMM_A ? i / p->k % 3 == 0 : i % p->n % 5 == 0;
    return p->k < DEEP || !is_extreme ? any : dtype == CLQ_S8 ? 0x7F : 0xFF;
}

static int is_single(clq_requantize_mode mode)
{
    return mode == CLQ_REQUANTIZE_SINGLE || mode == CLQ_REQUANTIZE_SINGLE_AWAY;
}

enum { SHIFTS = 12, NO_SHIFT = 6 }; /* of the mode of that name; the one of no bit */

/* For the first vector of columns, no shift to the left; then all there are, and the ends of what is possible; for the
 * last columns at most one by 1, of a sum that is bare (below). */
static int32_t next_shift(const clq_gemm_task *task, uint64_t i)
{
    static const int32_t shifts[] = {4, -10, 0, -1, 1, -9, -11, -12, -31, -13, 30, -10, -2, -8, 31};
    static const int32_t bits[SHIFTS] = {8, 9, 10, 11, 12, 13, [NO_SHIFT] = 0, 20, 31, 32, 40, 62};
    const clq_requantize_mode mode = task->problem->requantize;
    if (task->problem->k == FAR) {
        return 0;
    }
    if (mode == CLQ_REQUANTIZE_SHIFT) {
        return bits[i % SHIFTS];
    }
    return i < 16 ? -(int32_t)(i % 13) : is_single(mode) && i % 15 == 14 ? 29 : shifts[i % COUNT(shifts)];
}

/* A shift by 31 bits leaves something of a sum that is as great as there are, with a great multiplier. */
static int is_far_shift(uint64_t i)
{
    return i >= 16 && i % 15 == 8;
}

/* Of shifts by no bit one has the product 0, which leaves the zero point: others saturate there. */
static int32_t next_multiplier(const clq_gemm_task *task, uint64_t i, uint32_t *state)
{
    const int32_t r = (int32_t)clq_trial_random(state);
    if (task->problem->requantize == CLQ_REQUANTIZE_SHIFT) {
        return i % SHIFTS == NO_SHIFT ? 0 : r % 8 == 0 ? (int32_t)0x80000000 + r : r % 200 - 50;
    }
    return task->problem->k == FAR || is_far_shift(i) ? INT32_MAX
           : r % 8 == 0                               ? r % 1000
           : r % 8 == 1                               ? 1 << 30
                                                      : (1 << 30) + r * 50;
}

/*
 * Columns of B without any product, where it is bias alone that is requantized: sums of products that are as small as
 * codes are rare, and ties among them rarer. By turns a negative tie, and a sum just below one that a first rounding
 * brings up to it, so that each mode gives codes of its own.
 */
static int is_bare(const clq_gemm_problem *p, uint64_t column)
{
    return clq_dtype_bits(p->c.dtype) == 8 && p->requantize != CLQ_REQUANTIZE_FLOAT &&
           p->requantize != CLQ_REQUANTIZE_SHIFT && p->b_zero_point == CLQ_GEMM_ABSENT && p->bias != CLQ_GEMM_ABSENT &&
           p->k == DEPTH && column % 3 == 1;
}

static uint64_t column_of_b(const clq_gemm_problem *p, uint64_t i)
{
    const uint64_t at = p->b.batch_stride > 0 ? i % p->b.batch_stride : i;
    return p->b.transposed ? at / p->k : at % p->n;
}

/* Of single roundings one is the next number above a negative tie: -13 times this is. */
enum { NEXT_TO_TIE_COLUMN = 13, NEXT_TO_TIE_MULTIPLIER = 0x7B13B13B };

/* With a multiplier of 1/2, for codes about the zero point. */
static int32_t bare_sum(const clq_gemm_task *task, uint64_t column)
{
    const int32_t shift = next_shift(task, column);
    const int32_t e = shift < 0 && shift > -20 ? -shift : 0;
    const int32_t turn = (int32_t)(column % 7);
    return column / 3 % 2 == 0 ? -(2 * turn + 1) * (1 << e) : turn * (2 << e) + (1 << e) - 1;
}

/* Powers of two make ties; with a bias far away, sums that are no f32. */
static float next_real(const clq_gemm_task *task, uint32_t *state)
{
    const uint32_t r = clq_trial_random(state);
    if (task->problem->k_group != 0 && r % 96 < 3) { /* each NaN of C is the same one, and bounds let it pass */
        return r % 96 == 0 ? (float)INFINITY : r % 96 == 1 ? -(float)INFINITY : (float)NAN;
    }
    if (task->problem->k == FAR) {
        return r % 2 == 0 ? 0x1p-8f : 0x1.000002p-8f;
    }
    return r % 3 == 0 ? 0x1p-9f : (float)(1 + r % 1000) * 0x1p-14f;
}

/* Mostly small; some over all of int32. */
static int32_t next_integer(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t i, uint32_t *state)
{
    const int32_t small = (int32_t)(clq_trial_random(state) % 512) - 256;
    const uint32_t high = clq_trial_random(state) << 16;
    const int32_t any = (int32_t)(high ^ clq_trial_random(state));
    const int is_float = task->problem->requantize == CLQ_REQUANTIZE_FLOAT;
    const int is_below = is_float && task->problem->c.dtype == CLQ_U8;
    const int32_t far_zero_point = task->problem->c.dtype == CLQ_U8 ? FURTHEST_ZERO_POINT : FAR_ZERO_POINT;
    if (task->problem->k == FAR && argument == CLQ_GEMM_C_ZERO_POINT) {
        return is_below ? -FAR_ZERO_POINT_FLOAT : is_float ? FAR_ZERO_POINT_FLOAT : far_zero_point;
    }
    if (task->problem->k == FAR && argument == CLQ_GEMM_BIAS) {
        return is_float ? (is_below ? 1 << 30 : -(1 << 30)) + small * 64 : -far_zero_point + small / 4;
    }
    return argument == CLQ_GEMM_BIAS && is_far_shift(i) ? (task->problem->c.dtype == CLQ_U8 ? -2000000000 : 2000000000)
           : argument == CLQ_GEMM_BIAS && i % 4 == 3    ? any
           : argument != CLQ_GEMM_C_ZERO_POINT && i % 8 == 5 ? any
                                                             : small;
}

static void fill_operand(const clq_gemm_task *task, clq_gemm_argument argument, unsigned char *to, uint32_t *state)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t elements = clq_gemm_argument_elements(task, argument);
    const int is_matrix = argument == CLQ_GEMM_A || argument == CLQ_GEMM_B;
    const uint64_t count = is_matrix ? clq_gemm_stored_bytes(task, argument, elements) : elements;
    const int is_real = (argument == CLQ_GEMM_BIAS && p->k_group != 0) || argument == CLQ_GEMM_A_SCALE ||
                        argument == CLQ_GEMM_B_SCALE ||
                        (argument == CLQ_GEMM_MULTIPLIER && task->problem->requantize == CLQ_REQUANTIZE_FLOAT);
    for (uint64_t i = 0; i < count; i++) {
        if (argument == CLQ_GEMM_A || argument == CLQ_GEMM_B) {
            to[i] = next_code(task, argument, i, state);
            to[i] = argument == CLQ_GEMM_B && is_bare(p, column_of_b(p, i)) ? 0 : to[i];
        } else if (is_real) {
            const float any = next_real(task, state);
            const float real =
                argument == CLQ_GEMM_B_SCALE && p->k_group != 0 && i == 11 ? (float)NAN : any; /* one in any case */
            memcpy(to + 4 * i, &real, sizeof real);
        } else {
            int32_t value = argument == CLQ_GEMM_MULTIPLIER ? next_multiplier(task, i, state)
                            : argument == CLQ_GEMM_SHIFT    ? next_shift(task, i)
                                                            : next_integer(task, argument, i, state);
            if (argument == CLQ_GEMM_C_ZERO_POINT &&
                (is_bare(p, 1) || (p->requantize == CLQ_REQUANTIZE_SHIFT && p->k == DEPTH))) {
                value = value / 4 + (p->c.dtype == CLQ_U8 ? 128 : 0);
            } else if (argument == CLQ_GEMM_MULTIPLIER && is_bare(p, i)) {
                value = is_single(p->requantize) && i == NEXT_TO_TIE_COLUMN ? NEXT_TO_TIE_MULTIPLIER : 1 << 30;
            } else if (argument == CLQ_GEMM_BIAS && is_bare(p, i)) {
                value = bare_sum(task, i);
            }
            memcpy(to + 4 * i, &value, sizeof value);
        }
    }
}

/* ---- problems ---- */

typedef struct problem_kind {
    clq_dtype a, b, c;
    clq_requantize_mode mode;
    clq_gemm_values a_zero_point, b_zero_point, values, bias;
    int transposed_a, transposed_b;
    uint64_t n, k, batch;
    double minimum, maximum;
    uint64_t k_group;
} problem_kind;

#define NO CLQ_GEMM_ABSENT
#define ONE CLQ_GEMM_PER_TENSOR
#define ROWS CLQ_GEMM_PER_ROW
#define COLS CLQ_GEMM_PER_COLUMN
#define PARTS CLQ_GEMM_PER_GROUP
#define ALL -INFINITY, INFINITY

/* Every type, kind of parameter and output; `values`: of multipliers, or of the scales. The last two are for tall ones.
 */
static const problem_kind kinds[] = {
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_DOUBLE, ONE, NO, COLS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_S8, CLQ_U8, CLQ_U8, CLQ_REQUANTIZE_SINGLE, ROWS, COLS, COLS, NO, 1, 0, COLUMNS, DEPTH, 2, 9, 200, 0},
    {CLQ_U8, CLQ_U8, CLQ_S8, CLQ_REQUANTIZE_SHIFT, ONE, ONE, ONE, COLS, 0, 0, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_FLOAT, ROWS, NO, COLS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, ROWS, COLS, COLS, NO, 1, 0, COLUMNS, EVEN, 2, ALL, 0},
    {CLQ_S8, CLQ_U8, CLQ_F32, 0, ONE, COLS, ONE, COLS, 0, 1, COLUMNS, DEPTH, 2, -3000.0, 1e6, 0},
    {CLQ_U8, CLQ_U8, CLQ_S32, 0, ROWS, NO, NO, COLS, 0, 0, PANELS, DEPTH, 2, -70000.0, 90000.0, 0},
    {CLQ_S8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_DOUBLE, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_FLOAT, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_FLOAT, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_SHIFT, NO, ONE, COLS, NO, 0, 1, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_SINGLE_AWAY, ONE, NO, COLS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_DOUBLE_UP, ONE, NO, COLS, COLS, 1, 0, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_SINGLE, NO, NO, COLS, COLS, 1, 1, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_U8, CLQ_S4, CLQ_S32, 0, ROWS, COLS, NO, COLS, 0, 0, COLUMNS, DEPTH, 2, ALL, 0},
    {CLQ_S8, CLQ_U4, CLQ_S32, 0, ONE, NO, NO, NO, 0, 1, COLUMNS, DEPTH, 3, ALL, 0},
    {CLQ_U8, CLQ_S8, CLQ_S32, 0, ONE, ONE, NO, COLS, 0, 0, COLUMNS, DEEP, 1, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 1, 0, TILES, STEPS, 1, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_DOUBLE_UP, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_F32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, FAR, 1, ALL, 0},
    {CLQ_U8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, PANELS + 1, EVEN, 2, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, PAST, 1, ALL, 0},
    {CLQ_S8, CLQ_U8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, WIDE, SHALLOW, 1, ALL, 0},
    {CLQ_U8, CLQ_S8, CLQ_S32, 0, ROWS, COLS, NO, COLS, 1, 1, PANELS + 1, WHOLE, 1, ALL, 0},
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, PANELS, SHALLOW, 1, ALL, 0},
};

/* The same in groups along K: whole ones, a short last one, and one alone; with whole panels too, behind which the next
 * group's sums of columns begin. Of one k products are so small that many are ties where they become short reals, or
 * beside one. `values`: of A's scales. */
static const problem_kind group_kinds[GROUP_KINDS] = {
    {CLQ_S8, CLQ_S8, CLQ_F32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, DEPTH, 2, ALL, 16},
    {CLQ_U8, CLQ_S4, CLQ_F32, 0, ROWS, PARTS, ROWS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 12},
    {CLQ_S8, CLQ_U8, CLQ_F16, 0, ONE, COLS, PARTS, COLS, 1, 0, COLUMNS, DEPTH, 2, ALL, 16},
    {CLQ_S8, CLQ_U4, CLQ_BF16, 0, ROWS, ONE, ONE, NO, 0, 1, COLUMNS, DEPTH, 2, -3000.0, 9.5, 36},
    {CLQ_U8, CLQ_U8, CLQ_F32, 0, ROWS, PARTS, PARTS, COLS, 0, 0, PANELS - 1, DEPTH, 2, -100.0, 1e6, 4},
    {CLQ_S8, CLQ_S4, CLQ_F16, 0, NO, NO, ROWS, NO, 0, 0, PANELS, DEPTH, 2, ALL, 64},
    {CLQ_U8, CLQ_S8, CLQ_BF16, 0, ONE, PARTS, ONE, COLS, 1, 1, COLUMNS, EVEN, 2, ALL, DEPTH},
    {CLQ_S8, CLQ_S8, CLQ_F32, 0, NO, NO, NO, NO, 0, 1, COLUMNS, MANY_GROUPS, 1, ALL, 4},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, ONE, NO, ONE, NO, 0, 0, TILES, STEPS, 1, ALL, 128},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, NO, NO, NO, NO, 0, 0, PANELS + 1, EVEN, 2, ALL, 32},
    {CLQ_S8, CLQ_S8, CLQ_BF16, 0, NO, NO, NO, NO, 0, 0, COLUMNS, FAR, 2, ALL, 4},
    {CLQ_S8, CLQ_S8, CLQ_F16, 0, NO, NO, NO, NO, 0, 0, COLUMNS, FAR, 2, ALL, 4},
    {CLQ_S8, CLQ_U8, CLQ_F32, 0, ROWS, PARTS, PARTS, COLS, 1, 1, COLUMNS, STEPS, 1, ALL, UNEVEN},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, ROWS, COLS, ROWS, COLS, 1, 1, PANELS + 1, SHALLOW, 1, ALL, 4},
    {CLQ_S8, CLQ_U4, CLQ_F16, 0, NO, PARTS, PARTS, NO, 0, 0, PANELS, SHALLOW, 1, ALL, 8},
};

/* Scales are kept (kernels/gemm_fold.clh) by those whose tiles are one work-item's alone. */
static uint64_t depth_of(const clq_trial_heights *heights, const problem_kind *kind, uint64_t m)
{
    const int keeps_scales = heights->whole != 0 || heights->low == 0;
    return kind->k == DEEP && m <= FEW_ROWS ? DEEPER : kind->k == MANY_GROUPS && !keeps_scales ? DEPTH : kind->k;
}

static void make_problem(clq_gemm_problem *p, const problem_kind *kind, uint64_t m, uint64_t k)
{
    const int is_codes = kind->c == CLQ_S8 || kind->c == CLQ_U8;
    clq_gemm_init(p);
    p->m = m;
    p->n = kind->n;
    p->k = k;
    p->batch = kind->batch;
    p->a.dtype = kind->a;
    p->b.dtype = kind->b;
    p->c.dtype = kind->c;
    p->a.transposed = kind->transposed_a;
    p->b.transposed = kind->transposed_b;
    p->a.batch_stride = kind->batch > 1 ? m * p->k + 3 : 0;
    p->b.batch_stride =
        (kind->a == kind->b || kind->b == CLQ_U4 || kind->k_group == 12) && kind->batch > 1 ? kind->n * p->k + 5 : 0;
    p->c.batch_stride = m * kind->n;
    p->requantize = kind->mode;
    p->a_zero_point = kind->a_zero_point;
    p->b_zero_point = kind->b_zero_point;
    p->bias = kind->bias;
    p->minimum = kind->minimum;
    p->maximum = kind->maximum;
    p->multiplier = is_codes ? kind->values : CLQ_GEMM_ABSENT;
    p->c_zero_point = is_codes ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_ABSENT;
    p->k_group = kind->k_group;
    if (p->k_group != 0) {
        p->a_scale = kind->values;
        p->b_scale = CLQ_GEMM_PER_GROUP;
    } else if (p->c.dtype == CLQ_F32) {
        p->a_scale = kind->values == CLQ_GEMM_PER_COLUMN ? CLQ_GEMM_PER_ROW : kind->values;
        p->b_scale = kind->values;
    }
}

/* One of each list, with more panels than tiles of rows. */
static int has_whole_tiles(const problem_kind *kind)
{
    return kind->n == WIDE || (kind->k_group != 0 && kind->n == TILES);
}

/* Whether codes are the subject, or 4-bit ones of B, short reals, K or groups along it: not where a row is. */
static int is_low(const problem_kind *kind)
{
    return (kind->c != CLQ_S32 && kind->c != CLQ_F32) || clq_dtype_bits(kind->b) == 4 || kind->k == DEEP ||
           kind->k_group == 4;
}

static uint64_t rows_of(const clq_trial_heights *heights, const problem_kind *kind)
{
    return has_whole_tiles(kind) && heights->whole != 0 ? heights->whole
           : is_low(kind) && heights->low != 0          ? heights->low
                                                        : heights->rows;
}

/* Number `kind` of a list, whose last are tall. */
static clq_status describe_kind(const clq_trial_heights *heights, const problem_kind *list, size_t count, size_t kind,
                                clq_trial_case *c)
{
    const uint64_t m = kind + TALL_KINDS < count ? rows_of(heights, &list[kind]) : heights->tall;
    make_problem(&c->problem, &list[kind], m, depth_of(heights, &list[kind], m));
    clq_gemm_task_init(&c->product, &c->problem);
    return CLQ_OK;
}

static void take_way(size_t number, clq_trial_case *c)
{
    c->other_way = number % 2 != 0;
    c->is_behind = (number / 2 + number) % 2 != 0;
}

static clq_status describe_product(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    (void)error;
    take_way(number, c);
    return describe_kind(what, kinds, COUNT(kinds), number / 2, c);
}

static clq_status describe_groups(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    (void)error;
    take_way(number, c);
    return describe_kind(what, group_kinds, GROUP_KINDS, number / 2, c);
}

static int is_sum(const problem_kind *kind)
{
    return kind->c == CLQ_S32 && kind->a_zero_point != CLQ_GEMM_ABSENT;
}

static clq_status describe_sum(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    size_t kind = 0;
    (void)error;
    c->other_way = number % 2 != 0;
    for (size_t met = 0; !is_sum(&kinds[kind]) || met++ < number; kind++) {
    }
    return describe_kind(what, kinds, COUNT(kinds), kind, c);
}

void clq_trial_fill_product(const clq_trial_case *c, uint32_t *state)
{
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_span *span = &c->product.arguments[i];
        if (span->object != NULL && i != CLQ_GEMM_C) {
            fill_operand(&c->product, (clq_gemm_argument)i, (unsigned char *)span->object + span->offset_bytes, state);
        }
    }
}

static void fill_product(const clq_trial_case *c)
{
    uint32_t state = 2463534242u;
    clq_trial_fill_product(c, &state);
}

clq_trial_cases clq_trial_product_cases(const clq_trial_heights *heights)
{
    const size_t problems = COUNT(kinds) - (heights->tall == 0 ? TALL_KINDS : 0);
    const clq_trial_cases cases = {heights, 2 * problems, describe_product, fill_product};
    return cases;
}

clq_trial_cases clq_trial_group_cases(const clq_trial_heights *heights)
{
    const size_t problems = GROUP_KINDS - (heights->tall == 0 ? TALL_KINDS : 0);
    const clq_trial_cases cases = {heights, 2 * problems, describe_groups, fill_product};
    return cases;
}

clq_trial_cases clq_trial_sum_cases(const clq_trial_heights *heights)
{
    clq_trial_cases cases = {heights, 0, describe_sum, fill_product};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        cases.count += is_sum(&kinds[i]) ? 1 : 0;
    }
    return cases;
}

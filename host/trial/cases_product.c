/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The products that kernels are compared by: they have ragged edges, both types, zero points of every kind, and every
 * requantization; each as it is and with K in slices, which brings in the second kernel of these.
 */
#include <math.h>

#include "core/dtype.h"
#include "trial/cases.h"
#include "trial/depths.h"

/*
 * Most have two panels of B, the second ragged, and eighteen groups of four k, the last ragged; one has more batches
 * than panels, which else are as many. FAR: one k, so that sums differ little, which a zero point far away brings back
 * among the codes. DEEP: more k than are summed in f32 (kernels/gemm_cpu.cl), twice; with few rows DEEPER, more than
 * all lanes of a work-group have under way at once, twice (kernels/gemm_gemv_panel.clh); WIDE: more panels than an item
 * packs, one column in the last; both such that the last item that packs has all that one may have
 * (kernels/gemm_pack.cl). PANELS: whole ones; for tall products, which have more tiles than go together over a panel
 * (kernels/gemm_walk.clh), and one column more. WHOLE: groups of four k, so that a whole panel ends where the
 * next begins; EVEN: of steps of 64 k, and of groups and blocks where they are packed; PAST: a little more. STEPS:
 * more k than are staged in local memory at once, twice; TILES: more columns than a work-group's tile has, the last
 * panel ragged; with rows of A that lie at multiples of 16 bytes, since they are packed (kernels/gemm_mma.cl).
 * MANY_GROUPS: of four k along K, more than there are scales kept of (kernels/gemm_fold.clh). UNEVEN: groups along K
 * that are filled up to whole steps (native/product.h), the last one shorter than a step. STEP: where tiles are high,
 * of what has no part in K: a part of a step; STAGED: of what has, with rows of A that lie anywhere, a step more than
 * are read before the first is multiplied, and, in batches, more than an item packs of A; ROUND: two more than are
 * staged at once.
 */
enum {
    COLUMNS = 37,
    DEPTH = 70,
    FAR = CLQ_TRIAL_FAR,
    DEEP = CLQ_TRIAL_DEEP,
    DEEPER = 2303,
    DEEPER_OF_NIBBLES = 2 * DEEPER + 1,
    WIDE = 481,
    PANELS = 64,
    STEP = 22,
    STAGED = 133,
    ROUND = 261,
    SHALLOW = 10,
    WHOLE = 12,
    EVEN = 64,
    PAST = 66,
    STEPS = 333,
    TILES = 133,
    MANY_GROUPS = 523,
    UNEVEN = 68
};

enum { TALL_KINDS = 2, FEW_ROWS = 8 };

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* ---- problems ---- */

typedef struct problem_kind {
    clq_dtype a, b, c;
    clq_requantize_mode mode;
    clq_gemm_values a_zero_point, b_zero_point, values, bias;
    int transposed_a, transposed_b;
    uint64_t n, k, batch;
    double minimum, maximum;
    uint64_t k_group;
    int high;
} problem_kind;

/*
 * How a kind is tried where tiles are high, each of which takes as long as a whole one: by part of a tile in one batch
 * or in all, or by a tile, up to its last column, and a ragged other; as it is alone, or in slices as well. These end
 * in the same sums whatever becomes of them.
 */
enum { PART = 0, PART_IN_BATCHES, PART_IN_SLICES, ROWS_OF_TILES, ROWS_IN_SLICES };

#define NO CLQ_GEMM_ABSENT
#define ONE CLQ_GEMM_PER_TENSOR
#define ROWS CLQ_GEMM_PER_ROW
#define COLS CLQ_GEMM_PER_COLUMN
#define PARTS CLQ_GEMM_PER_GROUP
#define ALL -INFINITY, INFINITY

/* Every type, kind of parameter and output; `values`: of multipliers, or of the scales. The last two are for tall ones.
 */
static const problem_kind kinds[] = {
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, DEPTH, 2, ALL, 0, ROWS_IN_SLICES},
    {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_DOUBLE, ONE, NO, COLS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_U8, CLQ_U8, CLQ_REQUANTIZE_SINGLE, ROWS, COLS, COLS, NO, 1, 0, COLUMNS, DEPTH, 2, 9, 200, 0,
     PART_IN_BATCHES},
    {CLQ_U8, CLQ_U8, CLQ_S8, CLQ_REQUANTIZE_SHIFT, ONE, ONE, ONE, COLS, 0, 0, COLUMNS, DEPTH, 2, ALL, 0,
     PART_IN_BATCHES},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_FLOAT, ROWS, NO, COLS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 0, PART},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, ROWS, COLS, COLS, NO, 1, 0, COLUMNS, EVEN, 2, ALL, 0, ROWS_OF_TILES},
    {CLQ_S8, CLQ_U8, CLQ_F32, 0, ONE, COLS, ONE, COLS, 0, 1, COLUMNS, DEPTH, 2, -3000.0, 1e6, 0, PART},
    {CLQ_U8, CLQ_U8, CLQ_S32, 0, ROWS, NO, NO, COLS, 0, 0, PANELS, DEPTH, 2, -70000.0, 90000.0, 0, ROWS_OF_TILES},
    {CLQ_S8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_DOUBLE, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_FLOAT, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_FLOAT, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_SHIFT, NO, ONE, COLS, NO, 0, 1, COLUMNS, DEPTH, 2, ALL, 0, PART},
    {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_SINGLE_AWAY, ONE, NO, COLS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_DOUBLE_UP, ONE, NO, COLS, COLS, 1, 0, COLUMNS, STAGED, 2, ALL, 0, PART},
    {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_SINGLE, NO, NO, COLS, COLS, 1, 1, COLUMNS, DEPTH, 2, ALL, 0, PART},
    {CLQ_U8, CLQ_S4, CLQ_S32, 0, ROWS, COLS, NO, COLS, 0, 0, COLUMNS, DEPTH, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_U4, CLQ_S32, 0, ONE, NO, NO, NO, 0, 1, COLUMNS, PAST, 3, ALL, 0, PART},
    {CLQ_U8, CLQ_S8, CLQ_S32, 0, ONE, ONE, NO, COLS, 0, 0, COLUMNS, DEEP, 1, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 1, 0, TILES, STEPS, 1, ALL, 0, PART_IN_SLICES},
    {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_DOUBLE_UP, NO, NO, COLS, COLS, 0, 0, COLUMNS, FAR, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_F32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, FAR, 1, ALL, 0, PART},
    {CLQ_U8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, PANELS + 1, EVEN, 2, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, PAST, 1, ALL, 0, PART},
    {CLQ_S8, CLQ_U8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, WIDE, SHALLOW, 1, ALL, 0, PART},
    {CLQ_U8, CLQ_S8, CLQ_S32, 0, ROWS, COLS, NO, COLS, 1, 1, PANELS + 1, WHOLE, 1, ALL, 0, PART},
    {CLQ_S8, CLQ_S8, CLQ_S32, 0, NO, NO, NO, NO, 0, 0, PANELS, SHALLOW, 1, ALL, 0, PART},
};

/* The same in groups along K: whole ones, a short last one, and one alone; with whole panels too, behind which the next
 * group's sums of columns begin. Of one k products are so small that many are ties where they become short reals, or
 * beside one. `values`: of A's scales. Where tiles are high whole ones have rows of A that are aligned (an even place
 * of the list) and that are not, slices have groups of four k, and batches have a B each, or one. */
static const problem_kind group_kinds[] = {
    {CLQ_S8, CLQ_S8, CLQ_F32, 0, NO, NO, NO, NO, 0, 0, COLUMNS, DEPTH, 2, ALL, 16, PART_IN_BATCHES},
    {CLQ_U8, CLQ_S4, CLQ_F32, 0, ROWS, PARTS, ROWS, COLS, 0, 1, COLUMNS, DEPTH, 2, ALL, 12, ROWS_OF_TILES},
    {CLQ_S8, CLQ_U8, CLQ_F16, 0, ONE, COLS, PARTS, COLS, 1, 0, COLUMNS, DEPTH, 2, ALL, 16, PART_IN_BATCHES},
    {CLQ_S8, CLQ_U4, CLQ_BF16, 0, ROWS, ONE, ONE, NO, 0, 1, COLUMNS, DEPTH, 2, -3000.0, 9.5, 36, PART},
    {CLQ_U8, CLQ_U8, CLQ_F32, 0, ROWS, PARTS, PARTS, COLS, 0, 0, PANELS - 1, DEPTH, 2, -100.0, 1e6, 4, PART_IN_SLICES},
    {CLQ_S8, CLQ_S4, CLQ_F16, 0, NO, NO, ROWS, NO, 0, 0, PANELS, DEPTH, 2, ALL, 64, PART},
    {CLQ_U8, CLQ_S8, CLQ_BF16, 0, ONE, PARTS, ONE, COLS, 1, 1, COLUMNS, EVEN, 2, ALL, DEPTH, PART_IN_BATCHES},
    {CLQ_S8, CLQ_S8, CLQ_F32, 0, NO, NO, NO, NO, 0, 1, COLUMNS, MANY_GROUPS, 1, ALL, 4, PART},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, ONE, NO, ONE, NO, 0, 0, TILES, STEPS, 1, ALL, 128, PART},
    {CLQ_S8, CLQ_S8, CLQ_BF16, 0, NO, NO, NO, NO, 0, 0, COLUMNS, FAR, 2, ALL, 4, PART},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, ONE, NO, NO, NO, 0, 0, PANELS + 1, EVEN, 2, ALL, 32, ROWS_OF_TILES},
    {CLQ_S8, CLQ_S8, CLQ_F16, 0, NO, NO, NO, NO, 0, 0, COLUMNS, FAR, 2, ALL, 4, PART},
    {CLQ_S8, CLQ_U8, CLQ_F32, 0, ROWS, PARTS, PARTS, COLS, 1, 1, COLUMNS, STEPS, 1, ALL, UNEVEN, PART},
    {CLQ_U8, CLQ_S8, CLQ_F32, 0, ROWS, COLS, ROWS, COLS, 1, 1, PANELS + 1, SHALLOW, 1, ALL, 4, PART},
    {CLQ_S8, CLQ_U4, CLQ_F16, 0, NO, PARTS, PARTS, NO, 0, 0, PANELS, SHALLOW, 1, ALL, 8, PART},
};

/* Tiles of a work-group, one height for all products. */
static int has_high_tiles(const clq_trial_heights *heights)
{
    return heights->low != 0 && heights->whole == 0;
}

/*
 * Where tiles are high none sums in f32, none keeps scales of groups (kernels/gemm_fold.clh), each of which is a slice
 * of a launch, and what is wide has several tiles across.
 */
static problem_kind where_tiles_are_high(const problem_kind *kind)
{
    problem_kind taken = *kind;
    if (kind->k_group == 4 && kind->k > SHALLOW) {
        taken.k = SHALLOW;
    } else if (kind->k == DEEP) {
        taken.k = STAGED;
    } else if (kind->k == DEPTH || kind->k == STAGED) {
        taken.k = STEP;
    } else if (kind->k == STEPS && kind->k_group == 0) {
        taken.k = ROUND;
    }
    taken.n = kind->n == TILES ? COLUMNS : kind->n == WIDE ? TILES : kind->high == ROWS_OF_TILES ? PANELS : kind->n;
    taken.transposed_a = kind->transposed_a || kind->n == TILES;
    taken.batch = kind->high == PART_IN_BATCHES || kind->high == ROWS_IN_SLICES ? kind->batch : 1;
    return taken;
}

/* The type with as many ends as the 8-bit one. */
static clq_dtype four_bits_of(clq_dtype b)
{
    return b == CLQ_S8 ? CLQ_S4 : b == CLQ_U8 ? CLQ_U4 : b;
}

static void make_problem(clq_gemm_problem *p, const problem_kind *kind, uint64_t m)
{
    const int is_codes = kind->c == CLQ_S8 || kind->c == CLQ_U8;
    clq_gemm_init(p);
    p->m = m;
    p->n = kind->n;
    p->k = kind->k != DEEP || m > FEW_ROWS ? kind->k : clq_dtype_bits(kind->b) == 4 ? DEEPER_OF_NIBBLES : DEEPER;
    p->batch = kind->batch;
    p->a.dtype = kind->a;
    p->b.dtype = kind->b;
    p->c.dtype = kind->c;
    p->a.transposed = kind->transposed_a;
    p->b.transposed = kind->transposed_b;
    p->a.batch_stride = kind->batch > 1 ? m * p->k + 3 : 0;
    p->b.batch_stride =
        (kind->a == kind->b || kind->b == CLQ_U4 || kind->k_group == 12 || kind->k_group == 16) && kind->batch > 1
            ? kind->n * p->k + 5
            : 0;
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
    const int is_part = has_high_tiles(heights) ? kind->high < ROWS_OF_TILES : is_low(kind) && heights->low != 0;
    return has_whole_tiles(kind) && heights->whole != 0 ? heights->whole : is_part ? heights->low : heights->rows;
}

/* Number `kind` of a list, whose last are tall. */
static void describe_kind(const clq_trial_heights *heights, const problem_kind *list, size_t count, size_t kind,
                          clq_trial_case *c)
{
    problem_kind taken = has_high_tiles(heights) ? where_tiles_are_high(&list[kind]) : list[kind];
    taken.b = heights->of_nibbles ? four_bits_of(taken.b) : taken.b;
    make_problem(&c->problem, &taken, kind + TALL_KINDS < count ? rows_of(heights, &taken) : heights->tall);
    clq_gemm_task_init(&c->product, &c->problem);
}

/* As it is, and in slices. */
static size_t ways_of(const clq_trial_heights *heights, const problem_kind *kind)
{
    return !has_high_tiles(heights) || kind->high == PART_IN_SLICES || kind->high == ROWS_IN_SLICES ? 2 : 1;
}

static void describe_number(const clq_trial_heights *heights, const problem_kind *list, size_t count, size_t number,
                            clq_trial_case *c)
{
    size_t kind = 0;
    size_t way = number;
    for (; way >= ways_of(heights, &list[kind]); kind++) {
        way -= ways_of(heights, &list[kind]);
    }
    c->other_way = way != 0;
    c->is_behind = (kind + way) % 2 != 0;
    describe_kind(heights, list, count, kind, c);
}

static clq_status describe_product(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    (void)error;
    describe_number(what, kinds, COUNT(kinds), number, c);
    return CLQ_OK;
}

static clq_status describe_groups(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    (void)error;
    describe_number(what, group_kinds, COUNT(group_kinds), number, c);
    return CLQ_OK;
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
    describe_kind(what, kinds, COUNT(kinds), kind, c);
    return CLQ_OK;
}

static void fill_product(const clq_trial_case *c)
{
    uint32_t state = 2463534242u;
    clq_trial_fill_product(c, &state);
}

static size_t count_of(const clq_trial_heights *heights, const problem_kind *list, size_t count)
{
    size_t cases = 0;
    for (size_t i = 0; i < count - (heights->tall == 0 ? TALL_KINDS : 0); i++) {
        cases += ways_of(heights, &list[i]);
    }
    return cases;
}

clq_trial_cases clq_trial_product_cases(const clq_trial_heights *heights)
{
    const clq_trial_cases cases = {heights, count_of(heights, kinds, COUNT(kinds)), describe_product, fill_product};
    return cases;
}

clq_trial_cases clq_trial_group_cases(const clq_trial_heights *heights)
{
    const clq_trial_cases cases = {heights, count_of(heights, group_kinds, COUNT(group_kinds)), describe_groups,
                                   fill_product};
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

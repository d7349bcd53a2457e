/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix product on the host (docs/numerics.md, sections 5 and 6), as it is written there: zero points are
 * subtracted from the codes, products are summed modulo 2^32, and every element is requantized or scaled. Where groups
 * along K share scales, the sums of each group are scaled by themselves (gemm_groups.c).
 *
 * Tiles of 12 x 64 accumulators stay in the cache and need no memory; a row of B is prepared once for 12 rows of A.
 */
#include <string.h>

#include "core/size.h"
#include "reference/element.h"
#include "reference/gemm_tile.h"
#include "reference/reference.h"

/* B and its zero points, packed or as the caller has them. */
typedef struct source {
    const unsigned char *codes;
    const unsigned char *zero_points; /* NULL: absent */
    clq_gemm_strides strides;
    /* From the zero points of one batch, column and group to the next one's. */
    uint64_t zero_point_batch, zero_point_column, zero_point_group;
    clq_dtype dtype;
} source;

static int32_t load_int(const unsigned char *values, uint64_t i)
{
    int32_t value;
    memcpy(&value, values + 4 * i, sizeof value);
    return value;
}

/* Of packed codes, which have 8 bits each. */
static clq_dtype packed_dtype(clq_dtype dtype)
{
    return dtype == CLQ_S4 ? CLQ_S8 : dtype == CLQ_U4 ? CLQ_U8 : dtype;
}

static source source_of(const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    source s;
    memset(&s, 0, sizeof s);
    s.dtype = p->b.dtype;
    if (p->b_zero_point == CLQ_GEMM_PER_COLUMN) {
        s.zero_point_column = 1;
        s.zero_point_batch = p->n;
    } else if (p->b_zero_point == CLQ_GEMM_PER_GROUP) {
        s.zero_point_group = 1;
        s.zero_point_column = task->k_groups;
        s.zero_point_batch = p->n * task->k_groups;
    }
    s.codes = clq_reference_gemm_at(task, CLQ_GEMM_B);
    s.zero_points = clq_reference_gemm_at(task, CLQ_GEMM_B_ZERO_POINT);
    s.strides = task->b;
    if (task->weights != NULL) {
        const uint64_t codes = p->k * p->n; /* of one B */
        s.codes = clq_gemm_packed_memory(task);
        s.dtype = packed_dtype(p->b.dtype);
        s.strides.row_stride = p->n;
        s.strides.column_stride = 1;
        s.strides.batch = task->b_batches > 1 ? codes : 0;
        s.zero_points = p->b_zero_point == CLQ_GEMM_ABSENT
                            ? NULL
                            : s.codes + task->packed_batches * codes + 4 * task->packed_first * s.zero_point_batch;
        s.codes += task->packed_first * codes;
    }
    return s;
}

static uint32_t b_zero_point(const source *s, uint64_t batch, uint64_t column, uint64_t group)
{
    if (s->zero_points == NULL) {
        return 0;
    }
    return (uint32_t)load_int(s->zero_points, batch * s->zero_point_batch + column * s->zero_point_column +
                                                  group * s->zero_point_group);
}

/* sums += (A[.,k] - Za)(B[k,.] - Zb) for the k from `first` to before `end`, which are of that group. */
static void multiply(const clq_gemm_task *task, const source *s, uint64_t first, uint64_t end, uint64_t group,
                     clq_gemm_tile *t)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t a_batch = task->a_batches > 1 ? t->batch : 0;
    const uint64_t b_batch = task->b_batches > 1 ? t->batch : 0;
    const unsigned char *a = clq_reference_gemm_at(task, CLQ_GEMM_A);
    uint32_t a_zero_points[CLQ_TILE_ROWS];
    uint32_t b_zero_points[CLQ_TILE_COLUMNS];
    uint32_t b_row[CLQ_TILE_COLUMNS] = {0};
    for (uint64_t i = 0; i < t->rows; i++) {
        a_zero_points[i] =
            clq_reference_gemm_value(task, CLQ_GEMM_A_ZERO_POINT, p->a_zero_point, t->row + i, a_batch, p->m, 0);
    }
    for (uint64_t j = 0; j < t->columns; j++) {
        b_zero_points[j] = b_zero_point(s, b_batch, t->column + j, group);
    }
    for (uint64_t k = first; k < end; k++) {
        const uint64_t b_at = b_batch * s->strides.batch + k * s->strides.row_stride;
        for (uint64_t j = 0; j < t->columns; j++) {
            const uint64_t index = b_at + (t->column + j) * s->strides.column_stride;
            b_row[j] = (uint32_t)clq_load_code(s->dtype, s->codes, index) - b_zero_points[j];
        }
        for (uint64_t i = 0; i < t->rows; i++) {
            const uint64_t index =
                a_batch * task->a.batch + (t->row + i) * task->a.row_stride + k * task->a.column_stride;
            const uint32_t value = (uint32_t)clq_load_code(p->a.dtype, a, index) - a_zero_points[i];
            for (int j = 0; j < CLQ_TILE_COLUMNS; j++) {
                t->sums[i][j] += value * b_row[j];
            }
        }
    }
}

/* Values out of bounds, which the caller is told not to give, must not become undefined behaviour. */
int32_t clq_reference_gemm_shift(clq_requantize_mode mode, int32_t shift)
{
    const int32_t least = mode == CLQ_REQUANTIZE_SHIFT ? 0 : -31;
    const int is_single = mode == CLQ_REQUANTIZE_SINGLE || mode == CLQ_REQUANTIZE_SINGLE_AWAY;
    const int32_t most = mode == CLQ_REQUANTIZE_SHIFT ? 62 : is_single ? 30 : 31;
    return shift < least ? least : shift > most ? most : shift;
}

static clq_requantization requantization_of(const clq_gemm_task *task, uint64_t column)
{
    const clq_gemm_problem *p = task->problem;
    const int per_column = p->multiplier == CLQ_GEMM_PER_COLUMN;
    const uint64_t i = per_column ? column : 0;
    clq_requantization r;
    memset(&r, 0, sizeof r);
    r.struct_size = sizeof r;
    r.mode = p->requantize;
    r.zero_point = (int32_t)clq_reference_gemm_value(task, CLQ_GEMM_C_ZERO_POINT, p->c_zero_point, 0, 0, 0, 0);
    r.minimum = task->minimum;
    r.maximum = task->maximum;
    if (p->requantize == CLQ_REQUANTIZE_FLOAT) {
        r.real = clq_float_from_bits((uint32_t)load_int(clq_reference_gemm_at(task, CLQ_GEMM_MULTIPLIER), i));
        return r;
    }
    r.multiplier = load_int(clq_reference_gemm_at(task, CLQ_GEMM_MULTIPLIER), i);
    r.shift = clq_reference_gemm_shift(p->requantize, load_int(clq_reference_gemm_at(task, CLQ_GEMM_SHIFT), i));
    return r;
}

static float dequantized(const clq_gemm_task *task, const clq_reference_column *c, uint64_t row, int32_t sum)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t a_batch = task->a_batches > 1 ? c->batch : 0;
    const uint64_t b_batch = task->b_batches > 1 ? c->batch : 0;
    const uint32_t one = clq_bits_from_float(1.0f);
    const uint32_t a = clq_reference_gemm_value(task, CLQ_GEMM_A_SCALE, p->a_scale, row, a_batch, p->m, one);
    const uint32_t b = clq_reference_gemm_value(task, CLQ_GEMM_B_SCALE, p->b_scale, c->column, b_batch, p->n, one);
    const float scale = clq_float_from_bits(a) * clq_float_from_bits(b);
    const float y = (float)sum * scale;
    return y < task->real_minimum ? task->real_minimum : y > task->real_maximum ? task->real_maximum : y;
}

static int is_codes(const clq_gemm_task *task)
{
    return task->problem->c.dtype == CLQ_S8 || task->problem->c.dtype == CLQ_U8;
}

clq_reference_column clq_reference_gemm_column(const clq_gemm_task *task, uint64_t batch, uint64_t column)
{
    clq_reference_column c;
    memset(&c, 0, sizeof c);
    c.batch = batch;
    c.column = column;
    c.bias = clq_reference_gemm_value(task, CLQ_GEMM_BIAS, task->problem->bias, column, 0, 0, 0);
    if (is_codes(task)) {
        c.requantization = requantization_of(task, column);
    }
    return c;
}

static void store_sum(const clq_gemm_task *task, const clq_reference_column *column, uint64_t row, uint32_t sum)
{
    const clq_span *span = &task->arguments[CLQ_GEMM_C];
    unsigned char *c = (unsigned char *)span->object + span->offset_bytes;
    const uint64_t index = column->batch * task->c.batch + row * task->c.row_stride + column->column;
    const int32_t x = (int32_t)(sum + column->bias);
    if (is_codes(task)) {
        c[index] = (unsigned char)clq_reference_requantize(&column->requantization, x);
    } else if (task->problem->c.dtype == CLQ_F32) {
        clq_store_real(CLQ_F32, c, index, dequantized(task, column, row, x));
    } else {
        const int32_t y = x < task->minimum ? task->minimum : x > task->maximum ? task->maximum : x;
        memcpy(c + 4 * index, &y, sizeof y);
    }
}

static void store(const clq_gemm_task *task, const clq_gemm_tile *t)
{
    for (uint64_t j = 0; j < t->columns; j++) {
        const clq_reference_column column = clq_reference_gemm_column(task, t->batch, t->column + j);
        for (uint64_t i = 0; i < t->rows; i++) {
            store_sum(task, &column, t->row + i, t->sums[i][j]);
        }
    }
}

static void make_tile(const clq_gemm_task *task, const source *s, clq_gemm_tile *t)
{
    const uint64_t k = task->problem->k;
    memset(t->sums, 0, sizeof t->sums);
    multiply(task, s, 0, k, 0, t);
    store(task, t);
}

static void make_tile_by_groups(const clq_gemm_task *task, const source *s, clq_gemm_tile *t)
{
    const clq_gemm_problem *p = task->problem;
    clq_gemm_real_tile real = {{{0.0f}}};
    for (uint64_t group = 0; group < task->k_groups; group++) {
        const uint64_t first = group * p->k_group;
        memset(t->sums, 0, sizeof t->sums);
        multiply(task, s, first, p->k - first < p->k_group ? p->k : first + p->k_group, group, t);
        clq_reference_gemm_add_group(task, t, group, &real);
    }
    clq_reference_gemm_store_real(task, t, &real);
}

uint64_t clq_reference_gemm_tiles(const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    return p->batch * clq_size_divide_up(p->m, CLQ_TILE_ROWS) * clq_size_divide_up(p->n, CLQ_TILE_COLUMNS);
}

void clq_reference_gemm_tile(const clq_gemm_task *task, uint64_t index)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t across = clq_size_divide_up(p->n, CLQ_TILE_COLUMNS);
    const uint64_t down = clq_size_divide_up(p->m, CLQ_TILE_ROWS);
    const source s = source_of(task);
    clq_gemm_tile t;
    t.batch = index / across / down;
    t.row = index / across % down * CLQ_TILE_ROWS;
    t.column = index % across * CLQ_TILE_COLUMNS;
    t.rows = clq_size_min(p->m - t.row, CLQ_TILE_ROWS);
    t.columns = clq_size_min(p->n - t.column, CLQ_TILE_COLUMNS);
    if (p->k_group != 0) {
        make_tile_by_groups(task, &s, &t);
    } else {
        make_tile(task, &s, &t);
    }
}

void clq_reference_gemm(const clq_gemm_task *task)
{
    const uint64_t tiles = clq_reference_gemm_tiles(task);
    for (uint64_t i = 0; i < tiles; i++) {
        clq_reference_gemm_tile(task, i);
    }
}

void clq_reference_gemm_row_sums(const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    const unsigned char *a = clq_reference_gemm_at(task, CLQ_GEMM_A);
    const clq_span *sums = &task->arguments[CLQ_GEMM_A_SUMS];
    for (uint64_t z = 0; z < task->a_batches; z++) {
        for (uint64_t row = 0; row < p->m; row++) {
            uint32_t sum = 0;
            for (uint64_t k = 0; k < p->k; k++) {
                const uint64_t index = z * task->a.batch + row * task->a.row_stride + k * task->a.column_stride;
                sum += (uint32_t)clq_load_code(p->a.dtype, a, index);
            }
            memcpy((unsigned char *)sums->object + sums->offset_bytes + 4 * (z * p->m + row), &sum, sizeof sum);
        }
    }
}

uint64_t clq_reference_gemm_packed_bytes(const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t bytes = task->b_batches * p->k * p->n + 4 * task->values[CLQ_GEMM_B_ZERO_POINT];
    return bytes > 0 ? bytes : 1;
}

void clq_reference_gemm_pack(const clq_gemm_task *task, void *packed)
{
    const clq_gemm_problem *p = task->problem;
    const unsigned char *b = clq_reference_gemm_at(task, CLQ_GEMM_B);
    unsigned char *to = packed;
    for (uint64_t z = 0; z < task->b_batches; z++) {
        for (uint64_t k = 0; k < p->k; k++) {
            for (uint64_t n = 0; n < p->n; n++) {
                const uint64_t index = z * task->b.batch + k * task->b.row_stride + n * task->b.column_stride;
                *to++ = (unsigned char)clq_load_code(p->b.dtype, b, index);
            }
        }
    }
    if (task->values[CLQ_GEMM_B_ZERO_POINT] > 0) {
        memcpy(to, clq_reference_gemm_at(task, CLQ_GEMM_B_ZERO_POINT),
               (size_t)(4 * task->values[CLQ_GEMM_B_ZERO_POINT]));
    }
}

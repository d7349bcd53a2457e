/* SPDX-License-Identifier: Apache-2.0 */
#include "native/gemm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/half.h"
#include "native/product.h"

/*
 * Rows of A that are made ready together stay in the second cache beside some panels. A job is for one such block of
 * rows, or for a part of its columns where there would be too few for the threads; a thread makes rows ready again only
 * where its next job is for others.
 */
enum { ROWS_BYTES = 256 << 10, MOST_ROWS = 256, JOBS_OF_THREAD = 4, LINE_BYTES = 64 };

/* Multiplications that are worth as much as one element of a tensor (tensor.c). */
enum { PRODUCTS_OF_ELEMENT = 32 };

static size_t threads_for(const clq_native_team *team, const clq_gemm_problem *p)
{
    const uint64_t work = clq_size_divide_up(p->k, PRODUCTS_OF_ELEMENT) * p->m * p->n * p->batch;
    return work < team->least ? 1 : team->threads != NULL ? team->threads->wanted : team->parts;
}

void *clq_native_lines(uint64_t bytes)
{
    const uint64_t whole = clq_size_divide_up(bytes, LINE_BYTES) * LINE_BYTES;
    return whole <= SIZE_MAX ? aligned_alloc(LINE_BYTES, (size_t)whole) : NULL;
}

/* ---- B in panels ---- */

/* Where the parts of packed B are: the panels of each batch, then for each column S and Zb', then 0. */
typedef struct packing {
    uint64_t groups, panels, panel_bytes;
    uint64_t numbers; /* of one kind in one batch: padded columns */
    unsigned char *codes;
    uint32_t *sums, *zero_points;
} packing;

static packing packing_of(const clq_gemm_task *task, const void *packed)
{
    const clq_gemm_problem *p = task->problem;
    packing k;
    k.groups = clq_size_divide_up(p->k, CLQ_NATIVE_DEPTH);
    k.panels = clq_size_divide_up(p->n, CLQ_NATIVE_COLUMNS);
    k.panel_bytes = k.groups * CLQ_NATIVE_COLUMNS * CLQ_NATIVE_DEPTH;
    k.numbers = k.panels * CLQ_NATIVE_COLUMNS;
    k.codes = (unsigned char *)(uintptr_t)packed;
    k.sums = (void *)(k.codes + task->b_batches * k.panels * k.panel_bytes);
    k.zero_points = k.sums + task->b_batches * k.numbers;
    return k;
}

uint64_t clq_native_packed_bytes(const clq_gemm_task *task)
{
    const packing k = packing_of(task, NULL);
    return task->b_batches * (k.panels * k.panel_bytes + 2 * sizeof(uint32_t) * k.numbers) + CLQ_NATIVE_BEHIND;
}

static uint32_t word_at(const unsigned char *words, uint64_t i)
{
    uint32_t word;
    memcpy(&word, words + sizeof word * i, sizeof word);
    return word;
}

/* Zb' of a column. */
static uint32_t zero_point_of(const clq_gemm_task *task, uint64_t batch, uint64_t column)
{
    const clq_gemm_problem *p = task->problem;
    const unsigned char *const values = clq_native_gemm_at(task, CLQ_GEMM_B_ZERO_POINT);
    const uint64_t at = p->b_zero_point == CLQ_GEMM_PER_COLUMN ? batch * p->n + column : 0;
    const uint32_t zero_point = values != NULL ? word_at(values, at) : 0;
    const uint32_t moved_by = p->b.dtype == CLQ_U8 ? 128 : 0;
    return zero_point - moved_by;
}

typedef struct pack_work {
    const clq_gemm_task *task;
    packing to;
    size_t parts;
} pack_work;

/* Four k of a whole panel whose columns stand side by side. */
static void pack_group(const unsigned char *line, uint64_t stride, unsigned char flip, unsigned char *restrict group,
                       int64_t *restrict sums)
{
    for (int j = 0; j < CLQ_NATIVE_COLUMNS; j++) {
        int32_t sum = 0;
        for (int i = 0; i < CLQ_NATIVE_DEPTH; i++) {
            const unsigned char code = line[(uint64_t)i * stride + (uint64_t)j] ^ flip;
            group[j * CLQ_NATIVE_DEPTH + i] = code;
            sum += (int8_t)code;
        }
        sums[j] += sum;
    }
}

static void pack_panel(const clq_gemm_task *task, const packing *to, uint64_t batch, uint64_t panel)
{
    const clq_gemm_problem *p = task->problem;
    const unsigned char flip = p->b.dtype == CLQ_U8 ? 0x80 : 0; /* less 128, as s8 */
    const uint64_t first = panel * CLQ_NATIVE_COLUMNS;
    const size_t columns = (size_t)clq_size_min(p->n - first, CLQ_NATIVE_COLUMNS);
    const unsigned char *const b =
        clq_native_gemm_at(task, CLQ_GEMM_B) + batch * task->b.batch + first * task->b.column_stride;
    unsigned char *const codes = to->codes + (batch * to->panels + panel) * to->panel_bytes;
    const int is_whole = columns == CLQ_NATIVE_COLUMNS && task->b.column_stride == 1;
    const uint64_t quick = is_whole ? p->k / CLQ_NATIVE_DEPTH * CLQ_NATIVE_DEPTH : 0;
    int64_t sums[CLQ_NATIVE_COLUMNS] = {0};
    for (uint64_t k = 0; k < quick; k += CLQ_NATIVE_DEPTH) {
        pack_group(b + k * task->b.row_stride, task->b.row_stride, flip, codes + k * CLQ_NATIVE_COLUMNS, sums);
    }
    memset(codes + quick * CLQ_NATIVE_COLUMNS, 0, (size_t)(to->panel_bytes - quick * CLQ_NATIVE_COLUMNS));
    for (size_t j = 0; j < columns; j++) {
        const unsigned char *const column = b + j * task->b.column_stride;
        int64_t sum = 0;
        for (uint64_t k = quick; k < p->k; k++) {
            const unsigned char code = column[k * task->b.row_stride] ^ flip;
            codes[(k / CLQ_NATIVE_DEPTH * CLQ_NATIVE_COLUMNS + j) * CLQ_NATIVE_DEPTH + k % CLQ_NATIVE_DEPTH] = code;
            sum += (int8_t)code;
        }
        sums[j] += sum;
    }
    for (size_t j = 0; j < CLQ_NATIVE_COLUMNS; j++) {
        const uint64_t at = batch * to->numbers + first + j;
        const uint32_t zero_point = j < columns ? zero_point_of(task, batch, first + j) : 0;
        to->zero_points[at] = zero_point;
        to->sums[at] = (uint32_t)sums[j] - (uint32_t)p->k * zero_point;
    }
}

static void run_pack(void *cookie, size_t index)
{
    const pack_work *w = cookie;
    const uint64_t all = w->task->b_batches * w->to.panels;
    const uint64_t size = clq_size_divide_up(all, w->parts);
    for (uint64_t i = size * index; i < clq_size_min(size * (index + 1), all); i++) {
        pack_panel(w->task, &w->to, i / w->to.panels, i % w->to.panels);
    }
}

void clq_native_pack(const clq_native_team *team, const clq_gemm_task *task, void *packed)
{
    const clq_gemm_problem *p = task->problem;
    pack_work w = {task, packing_of(task, packed), 1};
    if (p->n == 0) {
        return;
    }
    w.parts = task->b_batches * p->n * p->k < team->least ? 1 : team->parts;
    clq_threads_run(team->threads, w.parts, run_pack, &w);
    memset((unsigned char *)packed + clq_native_packed_bytes(task) - CLQ_NATIVE_BEHIND, 0, CLQ_NATIVE_BEHIND);
}

/* ---- the product ---- */

typedef struct product_work {
    const clq_gemm_task *task;
    const clq_native_product_loops *loops;
    packing b;
    uint64_t rows, panels;             /* of one job */
    uint64_t row_blocks, panel_blocks; /* of one batch */
    uint64_t jobs;
    _Atomic uint64_t next;
    uint64_t stride;        /* of rows of A made ready */
    unsigned char *scratch; /* of each part: room for sums, rows of A, then what is known of each */
    uint64_t scratch_bytes;
} product_work;

/* Of the column, or of all of them. */
static uint32_t value_of(const clq_gemm_task *task, clq_gemm_argument argument, clq_gemm_values values, uint64_t at,
                         uint32_t absent)
{
    return values == CLQ_GEMM_ABSENT
               ? absent
               : word_at(clq_native_gemm_at(task, argument), values == CLQ_GEMM_PER_TENSOR ? 0 : at);
}

/* What Za' of all rows have in common (docs/numerics.md, eq. 16). */
static uint32_t common_zero_point(const product_work *w)
{
    const clq_gemm_problem *p = w->task->problem;
    return (p->a.dtype == CLQ_S8 ? w->loops->moved_by : 0) +
           (p->a_zero_point == CLQ_GEMM_PER_TENSOR ? word_at(clq_native_gemm_at(w->task, CLQ_GEMM_A_ZERO_POINT), 0)
                                                   : 0);
}

/* How column `j` of the panel becomes codes. */
static void describe_requantization(const clq_gemm_task *task, clq_native_columns *c, size_t j)
{
    const clq_requantization r = clq_reference_gemm_column(task, c->batch, c->first + j).requantization;
    c->mode = r.mode;
    c->minimum = r.minimum;
    c->maximum = r.maximum;
    c->c_zero_point = r.zero_point;
    c->multiplier[j] = r.multiplier;
    c->shift[j] = r.shift;
    c->real[j] = r.real;
}

static void describe_columns(const product_work *w, uint64_t batch, uint64_t panel, clq_native_columns *c)
{
    const clq_gemm_task *task = w->task;
    const clq_gemm_problem *p = task->problem;
    const uint64_t b_batch = task->b_batches > 1 ? batch : 0;
    const uint32_t common = common_zero_point(w);
    const uint32_t one = clq_bits_from_float(1.0f);
    memset(c, 0, sizeof *c);
    c->batch = batch;
    c->first = panel * CLQ_NATIVE_COLUMNS;
    c->count = (size_t)clq_size_min(p->n - c->first, CLQ_NATIVE_COLUMNS);
    memcpy(c->sum, w->b.sums + b_batch * w->b.numbers + c->first, sizeof c->sum);
    memcpy(c->zero_point, w->b.zero_points + b_batch * w->b.numbers + c->first, sizeof c->zero_point);
    for (size_t j = 0; j < c->count; j++) {
        const uint64_t column = c->first + j;
        c->offset[j] = value_of(task, CLQ_GEMM_BIAS, p->bias, column, 0) - common * c->sum[j];
        c->scale[j] = clq_float_from_bits(value_of(task, CLQ_GEMM_B_SCALE, p->b_scale, b_batch * p->n + column, one));
        if (clq_dtype_bits(p->c.dtype) == 8) {
            describe_requantization(task, c, j);
        }
    }
}

static void run_panels(const product_work *w, const clq_native_rows *rows, uint64_t first, uint64_t stop)
{
    const uint64_t b_batch = w->task->b_batches > 1 ? rows->batch : 0;
    for (uint64_t i = first; i < stop; i += CLQ_NATIVE_MOST_PANELS) {
        clq_native_columns columns[CLQ_NATIVE_MOST_PANELS];
        const clq_native_panels panels = {w->b.codes + (b_batch * w->b.panels + i) * w->b.panel_bytes, w->b.panel_bytes,
                                          (size_t)clq_size_min(stop - i, CLQ_NATIVE_MOST_PANELS), columns};
        for (size_t j = 0; j < panels.count; j++) {
            describe_columns(w, rows->batch, i + j, &columns[j]);
        }
        w->loops->multiply_rows(w->task, rows, &panels);
    }
}

static void run_jobs(void *cookie, size_t index)
{
    product_work *w = cookie;
    unsigned char *const scratch = w->scratch + index * w->scratch_bytes;
    unsigned char *const codes = scratch + CLQ_NATIVE_ROOM;
    clq_native_rows rows = {
        .stride = w->stride, .codes = codes, .facts = (void *)(codes + w->rows * w->stride), .room = scratch};
    uint64_t ready = UINT64_MAX;
    uint64_t job;
    while ((job = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed)) < w->jobs) {
        const uint64_t block = job / w->panel_blocks;
        const uint64_t panel = job % w->panel_blocks * w->panels;
        if (block != ready) {
            rows.batch = block / w->row_blocks;
            rows.first = block % w->row_blocks * w->rows;
            rows.stop = clq_size_min(rows.first + w->rows, w->task->problem->m);
            w->loops->pack_rows(w->task, &rows);
            ready = block;
        }
        run_panels(w, &rows, panel, clq_size_min(panel + w->panels, w->b.panels));
    }
}

/* Bytes from row to row: whole lines, and no even number of them, so that rows do not compete for the same places of a
 * cache. */
static uint64_t stride_of(const product_work *w)
{
    const uint64_t codes = clq_size_divide_up(w->task->problem->k, CLQ_NATIVE_CODES) * CLQ_NATIVE_CODES;
    return codes * w->loops->code_bytes / LINE_BYTES % 2 != 0 ? codes * w->loops->code_bytes
                                                              : codes * w->loops->code_bytes + LINE_BYTES;
}

/* How the product is cut, for so many threads. */
static void cut_product(product_work *w, size_t threads)
{
    const clq_gemm_problem *p = w->task->problem;
    const uint64_t tile = w->loops->tile_rows;
    const uint64_t most = clq_size_max(clq_size_min(ROWS_BYTES / w->stride, MOST_ROWS) / tile * tile, tile);
    uint64_t jobs;
    w->row_blocks = clq_size_divide_up(p->m, most);
    w->rows = clq_size_divide_up(clq_size_divide_up(p->m, w->row_blocks), tile) * tile;
    w->row_blocks = clq_size_divide_up(p->m, w->rows);
    jobs = clq_size_divide_up((uint64_t)threads * JOBS_OF_THREAD, clq_size_max(p->batch * w->row_blocks, 1));
    w->panels = clq_size_divide_up(clq_size_divide_up(w->b.panels, threads == 1 ? 1 : jobs), w->loops->tile_panels) *
                w->loops->tile_panels;
    w->panel_blocks = clq_size_divide_up(w->b.panels, w->panels);
    w->jobs = p->batch * w->row_blocks * w->panel_blocks;
}

clq_status clq_native_gemm(const clq_native_loops *loops, const clq_native_team *team, const clq_gemm_task *task,
                           const void *packed, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const size_t threads = threads_for(team, p);
    product_work w;
    void *own = NULL;
    clq_status status = CLQ_OK;
    if (p->m == 0 || p->n == 0 || p->batch == 0) {
        return CLQ_OK;
    }
    memset(&w, 0, sizeof w);
    w.task = task;
    w.loops = loops->product;
    if (packed == NULL) {
        const uint64_t bytes = clq_native_packed_bytes(task);
        own = clq_native_lines(bytes);
        if (own == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "gemm: no memory for B in panels, %llu bytes",
                            (unsigned long long)bytes);
        }
        clq_native_pack(team, task, own);
        packed = own;
    }
    w.b = packing_of(task, packed);
    w.stride = stride_of(&w);
    cut_product(&w, threads);
    w.scratch_bytes = CLQ_NATIVE_ROOM + w.rows * (w.stride + sizeof(clq_native_row));
    w.scratch_bytes = clq_size_divide_up(w.scratch_bytes, LINE_BYTES) * LINE_BYTES;
    w.scratch = clq_native_lines(w.scratch_bytes * threads);
    if (w.scratch == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "gemm: no memory for the rows of %zu threads", threads);
    } else {
        clq_threads_run(team->threads, threads, run_jobs, &w);
    }
    free(w.scratch);
    free(own);
    return status;
}

/* ---- by the reference's tiles ---- */

int clq_native_has_loops(const clq_gemm_problem *problem)
{
    return problem->k_group == 0 && clq_dtype_bits(problem->b.dtype) == 8;
}

typedef struct tiles_work {
    const clq_gemm_task *task;
    uint64_t tiles;
    _Atomic uint64_t next;
} tiles_work;

static void run_tiles(void *cookie, size_t index)
{
    tiles_work *w = cookie;
    uint64_t tile;
    (void)index;
    while ((tile = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed)) < w->tiles) {
        clq_reference_gemm_tile(w->task, tile);
    }
}

void clq_native_gemm_in_tiles(const clq_native_team *team, const clq_gemm_task *task)
{
    tiles_work w = {.task = task, .tiles = clq_reference_gemm_tiles(task)};
    clq_threads_run(team->threads, threads_for(team, task->problem), run_tiles, &w);
}

/* ---- B as it was ---- */

clq_status clq_native_gemm_by_reference(const clq_native_team *team, const clq_gemm_task *task, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const packing from = packing_of(task, clq_gemm_packed_memory(task));
    const unsigned char flip = p->b.dtype == CLQ_U8 ? 0x80 : 0; /* and the same of zero points: 128 */
    const uint64_t bytes = clq_reference_gemm_packed_bytes(task);
    unsigned char *const codes = malloc((size_t)bytes);
    clq_gemm_weights weights = *task->weights;
    clq_gemm_task own = *task;
    uint64_t at = 0;
    if (codes == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "gemm: no memory for B, %llu bytes", (unsigned long long)bytes);
    }
    for (uint64_t i = 0; i < task->b_batches * p->k * p->n; i++) {
        const uint64_t column = i % p->n;
        const uint64_t k = i / p->n % p->k;
        const uint64_t panel = i / p->n / p->k * from.panels + column / CLQ_NATIVE_COLUMNS;
        codes[at++] =
            from.codes[panel * from.panel_bytes +
                       (k / CLQ_NATIVE_DEPTH * CLQ_NATIVE_COLUMNS + column % CLQ_NATIVE_COLUMNS) * CLQ_NATIVE_DEPTH +
                       k % CLQ_NATIVE_DEPTH] ^
            flip;
    }
    for (uint64_t i = 0; i < task->values[CLQ_GEMM_B_ZERO_POINT]; i++) {
        const uint64_t batch = p->n > 0 ? i / p->n : 0;
        const uint32_t zero_point = from.zero_points[batch * from.numbers + (i - batch * p->n)] + flip;
        memcpy(codes + at + i * sizeof zero_point, &zero_point, sizeof zero_point);
    }
    weights.object = codes;
    weights.offset_bytes = 0;
    own.weights = &weights;
    clq_native_gemm_in_tiles(team, &own);
    free(codes);
    return CLQ_OK;
}

/* ---- sums of rows ---- */

typedef struct sums_work {
    const clq_gemm_task *task;
    size_t parts;
} sums_work;

static uint32_t sum_of_row(const unsigned char *codes, uint64_t step, uint64_t count, clq_dtype dtype)
{
    int64_t sum = 0;
    if (dtype == CLQ_U8) {
        for (uint64_t k = 0; k < count; k++) {
            sum += codes[k * step];
        }
    } else {
        for (uint64_t k = 0; k < count; k++) {
            sum += (int8_t)codes[k * step];
        }
    }
    return (uint32_t)sum;
}

static void run_sums(void *cookie, size_t index)
{
    const sums_work *w = cookie;
    const clq_gemm_task *task = w->task;
    const clq_gemm_problem *p = task->problem;
    const uint64_t all = task->a_batches * p->m;
    const uint64_t size = clq_size_divide_up(all, w->parts);
    for (uint64_t i = size * index; i < clq_size_min(size * (index + 1), all); i++) {
        const unsigned char *const codes =
            clq_native_gemm_at(task, CLQ_GEMM_A) + i / p->m * task->a.batch + i % p->m * task->a.row_stride;
        const uint32_t sum = sum_of_row(codes, task->a.column_stride, p->k, p->a.dtype);
        memcpy(clq_native_gemm_at(task, CLQ_GEMM_A_SUMS) + sizeof sum * i, &sum, sizeof sum);
    }
}

void clq_native_row_sums(const clq_native_team *team, const clq_gemm_task *task)
{
    const clq_gemm_problem *p = task->problem;
    sums_work w = {task, 1};
    w.parts = task->a_batches * p->m * p->k < team->least ? 1 : team->parts;
    clq_threads_run(team->threads, w.parts, run_sums, &w);
}

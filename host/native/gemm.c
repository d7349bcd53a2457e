/* SPDX-License-Identifier: Apache-2.0 */
#include "native/gemm.h"

#include <stdatomic.h>
#include <string.h>

#include "core/dtype.h"
#include "core/half.h"
#include "native/product.h"

/*
 * Rows of A that are made ready together stay in the second cache beside some panels. A job is for one such block of
 * rows, or for a part of its columns where there would be too few for the threads; a thread makes rows ready again only
 * where its next job is for others. Each thread has blocks of its own, as long as B is read for rows enough, and takes
 * others' jobs when it has done its own: A is then made ready once, and lines of C, which the thread wrote in the last
 * product too, do not go from one processor's cache to another's.
 */
enum { ROWS_BYTES = 256 << 10, MOST_ROWS = 256, LEAST_ROWS = 128, JOBS_OF_THREAD = 4 };

/* Multiplications that are worth as much as one element of a tensor (tensor.c). */
enum { PRODUCTS_OF_ELEMENT = 32 };

static size_t threads_for(const clq_native_team *team, const clq_gemm_problem *p)
{
    const uint64_t work = clq_size_divide_up(p->k, PRODUCTS_OF_ELEMENT) * p->m * p->n * p->batch;
    return work < team->least ? 1 : team->threads != NULL ? team->threads->wanted : team->parts;
}

/* ---- the product ---- */

typedef struct product_work {
    const clq_gemm_task *task;
    const clq_native_product_loops *loops;
    clq_native_packing b;
    clq_native_depth depth;
    uint64_t rows, panels;             /* of one job */
    uint64_t row_blocks, panel_blocks; /* of one batch */
    uint64_t jobs;
    size_t threads;
    uint64_t stride;        /* of rows of A made ready */
    unsigned char *scratch; /* of each thread: its parts are told by cut_scratch */
    uint64_t scratch_bytes;
} product_work;

/* The jobs that are a thread's own: what it or another takes next. A line of its scratch memory. */
typedef struct own_jobs {
    _Atomic uint64_t next;
    uint64_t stop;
} own_jobs;

_Static_assert(sizeof(own_jobs) <= CLQ_NATIVE_LINE, "a line for them");

static uint32_t word_at(const unsigned char *words, uint64_t i)
{
    uint32_t word;
    memcpy(&word, words + sizeof word * i, sizeof word);
    return word;
}

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
    return (p->a.dtype == CLQ_S8 ? w->loops->moved_s8 : w->loops->moved_u8) +
           (p->a_zero_point == CLQ_GEMM_PER_TENSOR ? word_at(clq_native_gemm_at(w->task, CLQ_GEMM_A_ZERO_POINT), 0)
                                                   : 0);
}

/* How the panel's columns become codes. */
static void describe_requantization(const clq_gemm_task *task, clq_native_columns *c)
{
    const clq_requantization first = clq_reference_gemm_column(task, c->batch, c->first).requantization;
    const unsigned char *const multipliers = clq_native_gemm_at(task, CLQ_GEMM_MULTIPLIER);
    const unsigned char *const shifts = clq_native_gemm_at(task, CLQ_GEMM_SHIFT);
    const int differ = task->problem->multiplier == CLQ_GEMM_PER_COLUMN;
    c->mode = first.mode;
    c->minimum = first.minimum;
    c->maximum = first.maximum;
    c->c_zero_point = first.zero_point;
    for (size_t j = 0; j < c->count; j++) {
        const uint64_t at = differ ? c->first + j : 0;
        if (first.mode == CLQ_REQUANTIZE_FLOAT) {
            c->real[j] = clq_float_from_bits(word_at(multipliers, at));
        } else {
            c->multiplier[j] = (int32_t)word_at(multipliers, at);
            c->shift[j] = clq_reference_gemm_shift(first.mode, (int32_t)word_at(shifts, at));
        }
    }
}

static void begin_columns(const product_work *w, uint64_t batch, uint64_t panel, clq_native_columns *c)
{
    memset(c, 0, sizeof *c);
    c->batch = batch;
    c->first = panel * CLQ_NATIVE_COLUMNS;
    c->count = (size_t)clq_size_min(w->task->problem->n - c->first, CLQ_NATIVE_COLUMNS);
}

/* The numbers of a panel's first part, in packed B. */
static uint64_t numbers_of(const product_work *w, uint64_t batch, uint64_t panel)
{
    const uint64_t b_batch = w->task->b_batches > 1 ? batch : 0;
    return b_batch * w->b.numbers + panel * w->depth.parts * CLQ_NATIVE_COLUMNS;
}

static void describe_columns(const product_work *w, uint64_t batch, uint64_t panel, clq_native_columns *c)
{
    const clq_gemm_task *task = w->task;
    const clq_gemm_problem *p = task->problem;
    const uint64_t b_batch = task->b_batches > 1 ? batch : 0;
    const uint32_t common = common_zero_point(w);
    const uint32_t one = clq_bits_from_float(1.0f);
    begin_columns(w, batch, panel, c);
    memcpy(c->sum, w->b.sums + numbers_of(w, batch, panel), sizeof c->sum);
    memcpy(c->zero_point, w->b.zero_points + numbers_of(w, batch, panel), sizeof c->zero_point);
    for (size_t j = 0; j < c->count; j++) {
        const uint64_t column = c->first + j;
        c->offset[j] = value_of(task, CLQ_GEMM_BIAS, p->bias, column, 0) - common * c->sum[j];
        c->scale[j] = clq_float_from_bits(value_of(task, CLQ_GEMM_B_SCALE, p->b_scale, b_batch * p->n + column, one));
    }
    if (clq_dtype_bits(p->c.dtype) == 8) {
        describe_requantization(task, c);
    }
}

/* With groups along K. The scales of a column lie side by side: `scales` takes those of a part so. */
static void describe_parts(const product_work *w, uint64_t batch, uint64_t panel, float *scales, clq_native_columns *c)
{
    const clq_gemm_task *task = w->task;
    const uint64_t parts = w->depth.parts;
    const uint64_t b_batch = task->b_batches > 1 ? batch : 0;
    const unsigned char *const values = clq_native_gemm_at(task, CLQ_GEMM_B_SCALE);
    const uint32_t nothing = clq_bits_from_float(-0.0f);
    begin_columns(w, batch, panel, c);
    c->part_sums = w->b.sums + numbers_of(w, batch, panel);
    c->part_zero_points = w->b.zero_points + numbers_of(w, batch, panel);
    c->part_scales = scales;
    c->common = common_zero_point(w);
    for (size_t j = 0; j < CLQ_NATIVE_COLUMNS; j++) {
        const uint64_t column = clq_size_min(c->first + j, task->problem->n - 1); /* behind the last, it again */
        const uint64_t at = (b_batch * task->problem->n + column) * parts;
        c->real_bias[j] = clq_float_from_bits(value_of(task, CLQ_GEMM_BIAS, task->problem->bias, column, nothing));
        for (uint64_t part = 0; part < parts; part++) {
            memcpy(scales + part * CLQ_NATIVE_COLUMNS + j, values + sizeof *scales * (at + part), sizeof *scales);
        }
    }
}

static void run_panels(const product_work *w, const clq_native_rows *rows, float *scales, uint64_t first, uint64_t stop)
{
    const int in_groups = w->task->problem->k_group != 0;
    const uint64_t most = in_groups ? w->loops->tile_panels : CLQ_NATIVE_MOST_PANELS;
    const uint64_t b_batch = w->task->b_batches > 1 ? rows->batch : 0;
    for (uint64_t i = first; i < stop; i += most) {
        clq_native_columns columns[CLQ_NATIVE_MOST_PANELS];
        const clq_native_panels panels = {w->b.codes + (b_batch * w->b.panels + i) * w->b.panel_bytes, w->b.panel_bytes,
                                          (size_t)clq_size_min(stop - i, most), columns};
        for (size_t j = 0; j < panels.count; j++) {
            if (in_groups) {
                describe_parts(w, rows->batch, i + j, scales + j * w->depth.parts * CLQ_NATIVE_COLUMNS, &columns[j]);
            } else {
                describe_columns(w, rows->batch, i + j, &columns[j]);
            }
        }
        (in_groups ? w->loops->multiply_parts : w->loops->multiply_rows)(w->task, rows, &panels);
    }
}

/* Scratch memory of a thread: its jobs; room for sums; with groups along K scales of panels; rows of A, and what is
 * known of each; where it is asked for, of each part of each. The bytes of it, and with `memory` where all that is. */
static uint64_t cut_scratch(const product_work *w, unsigned char *memory, clq_native_rows *rows, float **scales)
{
    const clq_gemm_problem *p = w->task->problem;
    const int in_groups = p->k_group != 0;
    const uint64_t scale_bytes =
        in_groups ? w->loops->tile_panels * w->depth.parts * CLQ_NATIVE_COLUMNS * sizeof(float) : 0;
    const uint64_t codes = CLQ_NATIVE_LINE + CLQ_NATIVE_ROOM + scale_bytes; /* whole lines, all of them */
    const uint64_t facts = codes + w->rows * w->stride;
    const uint64_t part_sums = facts + w->rows * sizeof(clq_native_row);
    const int has_sums = in_groups && clq_native_corrects_rows(p);
    if (memory != NULL) {
        rows->stride = w->stride;
        rows->room = memory + CLQ_NATIVE_LINE;
        *scales = (void *)(memory + CLQ_NATIVE_LINE + CLQ_NATIVE_ROOM);
        rows->codes = memory + codes;
        rows->facts = (void *)(memory + facts);
        rows->part_sums = has_sums ? (void *)(memory + part_sums) : NULL;
    }
    return part_sums + (has_sums ? w->rows * w->depth.parts * sizeof(uint32_t) : 0);
}

static own_jobs *jobs_of(const product_work *w, size_t thread)
{
    return (void *)(w->scratch + thread * w->scratch_bytes);
}

static void share_jobs(const product_work *w)
{
    for (size_t i = 0; i < w->threads; i++) {
        own_jobs *jobs = jobs_of(w, i);
        atomic_init(&jobs->next, w->jobs * i / w->threads);
        jobs->stop = w->jobs * (i + 1) / w->threads;
    }
}

static void run_jobs(void *cookie, size_t index)
{
    const product_work *w = cookie;
    clq_native_rows rows;
    float *scales = NULL;
    uint64_t ready = UINT64_MAX;
    (void)cut_scratch(w, w->scratch + index * w->scratch_bytes, &rows, &scales);
    for (size_t i = 0; i < w->threads; i++) {
        own_jobs *jobs = jobs_of(w, (index + i) % w->threads);
        uint64_t job;
        while ((job = atomic_fetch_add_explicit(&jobs->next, 1, memory_order_relaxed)) < jobs->stop) {
            const uint64_t block = job / w->panel_blocks;
            const uint64_t panel = job % w->panel_blocks * w->panels;
            if (block != ready) {
                rows.batch = block / w->row_blocks;
                rows.first = block % w->row_blocks * w->rows;
                rows.stop = clq_size_min(rows.first + w->rows, w->task->problem->m);
                w->loops->pack_rows(w->task, &rows);
                ready = block;
            }
            run_panels(w, &rows, scales, panel, clq_size_min(panel + w->panels, w->b.panels));
        }
    }
}

/* Bytes from row to row: whole lines, and no even number of them, so that rows do not compete for the same places of a
 * cache. The last part need not begin where codes are made ready that many at a time. */
static uint64_t stride_of(const product_work *w)
{
    const uint64_t behind = w->depth.parts > 1 ? CLQ_NATIVE_CODES : 0;
    const uint64_t codes = clq_size_divide_up(w->depth.all + behind, CLQ_NATIVE_CODES) * CLQ_NATIVE_CODES;
    return codes * w->loops->code_bytes / CLQ_NATIVE_LINE % 2 != 0 ? codes * w->loops->code_bytes
                                                                   : codes * w->loops->code_bytes + CLQ_NATIVE_LINE;
}

/* Rows of a block: as many blocks as threads, where there are rows enough. */
static uint64_t rows_of_block(const product_work *w)
{
    const clq_gemm_problem *p = w->task->problem;
    const uint64_t tile = w->loops->tile_rows;
    const uint64_t most = clq_size_max(clq_size_min(ROWS_BYTES / w->stride, MOST_ROWS) / tile * tile, tile);
    const uint64_t wanted = clq_size_divide_up(w->threads, p->batch);
    const uint64_t blocks = clq_size_max(clq_size_divide_up(p->m, most), clq_size_min(wanted, p->m / LEAST_ROWS));
    return clq_size_divide_up(clq_size_divide_up(p->m, blocks), tile) * tile;
}

static void cut_product(product_work *w)
{
    const clq_gemm_problem *p = w->task->problem;
    uint64_t jobs;
    w->rows = rows_of_block(w);
    w->row_blocks = clq_size_divide_up(p->m, w->rows);
    jobs = clq_size_divide_up((uint64_t)w->threads * JOBS_OF_THREAD, p->batch * w->row_blocks);
    w->panels = clq_size_divide_up(clq_size_divide_up(w->b.panels, w->threads == 1 ? 1 : jobs), w->loops->tile_panels) *
                w->loops->tile_panels;
    w->panel_blocks = clq_size_divide_up(w->b.panels, w->panels);
    w->jobs = p->batch * w->row_blocks * w->panel_blocks;
}

clq_status clq_native_gemm(const clq_native_loops *loops, const clq_native_team *team, const clq_gemm_task *task,
                           const void *packed, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t own_bytes = packed == NULL ? clq_native_packed_bytes(task) : 0;
    product_work w;
    void *own = NULL;
    void *scratch = NULL;
    clq_status status = CLQ_OK;
    if (p->m == 0 || p->n == 0 || p->batch == 0) {
        return CLQ_OK;
    }
    memset(&w, 0, sizeof w);
    w.task = task;
    w.loops = loops->product;
    if (packed == NULL) {
        CLQ_TRY(clq_memory_take(team->memory, own_bytes, CLQ_NATIVE_LINE, "B in panels", &own, error));
        clq_native_pack(team, task, own);
        packed = own;
    }
    w.depth = clq_native_depth_of(task);
    w.b = clq_native_packing_of(task, packed);
    w.threads = threads_for(team, p);
    w.stride = stride_of(&w);
    cut_product(&w);
    w.scratch_bytes = clq_size_divide_up(cut_scratch(&w, NULL, NULL, NULL), CLQ_NATIVE_LINE) * CLQ_NATIVE_LINE;
    status = clq_memory_take(team->memory, w.scratch_bytes * w.threads, CLQ_NATIVE_LINE,
                             "the rows of a product's threads", &scratch, error);
    w.scratch = scratch;
    if (status == CLQ_OK) {
        share_jobs(&w);
        clq_threads_run(team->threads, w.threads, run_jobs, &w);
    }
    clq_memory_give(team->memory, scratch, w.scratch_bytes * w.threads);
    clq_memory_give(team->memory, own, own_bytes);
    return status;
}

/* ---- by the reference's tiles ---- */

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

clq_status clq_native_gemm_by_reference(const clq_native_team *team, const clq_gemm_task *task, clq_error *error)
{
    const uint64_t bytes = clq_reference_gemm_packed_bytes(task);
    void *codes = NULL;
    clq_gemm_weights weights = *task->weights;
    clq_gemm_task own = *task;
    CLQ_TRY(clq_memory_take(team->memory, bytes, _Alignof(max_align_t), "B", &codes, error));
    clq_native_unpack(task, codes);
    weights.object = codes;
    weights.offset_bytes = 0;
    own.weights = &weights;
    own.packed_batches = task->b_batches;
    own.packed_first = 0;
    clq_native_gemm_in_tiles(team, &own);
    clq_memory_give(team->memory, codes, bytes);
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

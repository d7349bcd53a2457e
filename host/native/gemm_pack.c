/* SPDX-License-Identifier: Apache-2.0 */
/* B in panels, and out of them again. */
#include <string.h>

#include "core/dtype.h"
#include "native/gemm.h"

clq_native_packing clq_native_packing_of(const clq_gemm_task *task, const void *packed)
{
    const clq_gemm_problem *p = task->problem;
    clq_native_packing k;
    k.depth = clq_native_depth_of(task);
    k.panels = clq_size_divide_up(p->n, CLQ_NATIVE_COLUMNS);
    k.panel_bytes = k.depth.all * CLQ_NATIVE_COLUMNS;
    k.numbers = k.panels * k.depth.parts * CLQ_NATIVE_COLUMNS;
    k.codes = (unsigned char *)(uintptr_t)packed;
    k.sums = (void *)(k.codes + task->packed_batches * k.panels * k.panel_bytes);
    k.zero_points = k.sums + task->packed_batches * k.numbers;
    k.codes += task->packed_first * k.panels * k.panel_bytes;
    k.sums += task->packed_first * k.numbers;
    k.zero_points += task->packed_first * k.numbers;
    return k;
}

uint64_t clq_native_packed_bytes(const clq_gemm_task *task)
{
    const clq_native_packing k = clq_native_packing_of(task, NULL);
    return task->b_batches * (k.panels * k.panel_bytes + 2 * sizeof(uint32_t) * k.numbers) + CLQ_NATIVE_BEHIND;
}

/* What makes s8 of a code of 8 bits, and of its zero point by addition; codes of 4 bits are s8 as they are. */
static unsigned char flip_of(const clq_gemm_task *task)
{
    return task->problem->b.dtype == CLQ_U8 ? 0x80 : 0;
}

/* Zb' of a column in a part. */
static uint32_t zero_point_of(const clq_gemm_task *task, uint64_t batch, uint64_t column, uint64_t part)
{
    const clq_gemm_problem *p = task->problem;
    const unsigned char *const values = clq_native_gemm_at(task, CLQ_GEMM_B_ZERO_POINT);
    const uint64_t line = batch * p->n + column;
    const uint64_t at = p->b_zero_point == CLQ_GEMM_PER_COLUMN  ? line
                        : p->b_zero_point == CLQ_GEMM_PER_GROUP ? line * task->k_groups + part
                                                                : 0;
    uint32_t zero_point = 0;
    if (values != NULL) {
        memcpy(&zero_point, values + sizeof zero_point * at, sizeof zero_point);
    }
    return zero_point - flip_of(task);
}

typedef struct pack_work {
    const clq_gemm_task *task;
    clq_native_packing to;
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

/* `count` codes of a column, from element `at` on, `step` apart, as s8. */
static void load_codes(const clq_gemm_task *task, uint64_t at, uint64_t step, size_t count, unsigned char *restrict to)
{
    const unsigned char *const b = clq_native_gemm_at(task, CLQ_GEMM_B);
    const unsigned char flip = flip_of(task);
    const unsigned char sign = task->problem->b.dtype == CLQ_S4 ? 8 : 0;
    size_t i = 0;
    if (clq_dtype_bits(task->problem->b.dtype) == 8) {
        for (; i < count; i++) {
            to[i] = b[at + i * step] ^ flip;
        }
        return;
    }
    if (step == 1 && at % 2 == 0) { /* two of a byte */
        for (; i + 2 <= count; i += 2) {
            const unsigned char pair = b[(at + i) / 2];
            to[i] = (unsigned char)(((pair & 15) ^ sign) - sign);
            to[i + 1] = (unsigned char)(((pair >> 4) ^ sign) - sign);
        }
    }
    for (; i < count; i++) {
        const uint64_t nibble = at + i * step;
        to[i] = (unsigned char)(((b[nibble / 2] >> (nibble % 2 * 4) & 15) ^ sign) - sign);
    }
}

/* k from `first` to before `stop` of one column; `codes` are its first four of the part. The sum of them. */
static int64_t pack_column(const clq_gemm_task *task, uint64_t column_at, uint64_t first, uint64_t stop,
                           unsigned char *codes)
{
    int64_t sum = 0;
    for (uint64_t k = first; k < stop; k += CLQ_NATIVE_CODES) { /* `first` is a multiple of CLQ_NATIVE_DEPTH */
        const size_t count = (size_t)clq_size_min(stop - k, CLQ_NATIVE_CODES);
        unsigned char some[CLQ_NATIVE_CODES] = {0};
        load_codes(task, column_at + k * task->b.row_stride, task->b.row_stride, count, some);
        for (size_t i = 0; i < CLQ_NATIVE_CODES; i++) {
            sum += (int8_t)some[i];
        }
        for (size_t i = 0; i < count; i += CLQ_NATIVE_DEPTH) {
            memcpy(codes + (k + i) * CLQ_NATIVE_COLUMNS, some + i, CLQ_NATIVE_DEPTH);
        }
    }
    return sum;
}

static void pack_part(const clq_gemm_task *task, const clq_native_packing *to, uint64_t batch, uint64_t panel,
                      uint64_t part)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t first = panel * CLQ_NATIVE_COLUMNS;
    const size_t columns = (size_t)clq_size_min(p->n - first, CLQ_NATIVE_COLUMNS);
    const uint64_t count = clq_native_part_k(task, &to->depth, part);
    const uint64_t ready = clq_native_part_ready(&to->depth, part);
    const uint64_t b_at =
        batch * task->b.batch + first * task->b.column_stride + part * to->depth.k * task->b.row_stride;
    const uint64_t numbers = batch * to->numbers + (panel * to->depth.parts + part) * CLQ_NATIVE_COLUMNS;
    unsigned char *const codes =
        to->codes + (batch * to->panels + panel) * to->panel_bytes + part * to->depth.part * CLQ_NATIVE_COLUMNS;
    const int is_whole = columns == CLQ_NATIVE_COLUMNS && task->b.column_stride == 1 && clq_dtype_bits(p->b.dtype) == 8;
    const uint64_t quick = is_whole ? count / CLQ_NATIVE_DEPTH * CLQ_NATIVE_DEPTH : 0;
    int64_t sums[CLQ_NATIVE_COLUMNS] = {0};
    for (uint64_t k = 0; k < quick; k += CLQ_NATIVE_DEPTH) {
        pack_group(clq_native_gemm_at(task, CLQ_GEMM_B) + b_at + k * task->b.row_stride, task->b.row_stride,
                   flip_of(task), codes + k * CLQ_NATIVE_COLUMNS, sums);
    }
    memset(codes + quick * CLQ_NATIVE_COLUMNS, 0, (size_t)((ready - quick) * CLQ_NATIVE_COLUMNS));
    for (size_t j = 0; j < columns; j++) {
        sums[j] += pack_column(task, b_at + j * task->b.column_stride, quick, count, codes + j * CLQ_NATIVE_DEPTH);
    }
    for (size_t j = 0; j < CLQ_NATIVE_COLUMNS; j++) {
        const uint32_t zero_point = j < columns ? zero_point_of(task, batch, first + j, part) : 0;
        to->zero_points[numbers + j] = zero_point;
        to->sums[numbers + j] = (uint32_t)sums[j] - (uint32_t)count * zero_point;
    }
}

static void run_pack(void *cookie, size_t index)
{
    const pack_work *w = cookie;
    const uint64_t all = w->task->b_batches * w->to.panels;
    const uint64_t size = clq_size_divide_up(all, w->parts);
    for (uint64_t i = size * index; i < clq_size_min(size * (index + 1), all); i++) {
        for (uint64_t part = 0; part < w->to.depth.parts; part++) {
            pack_part(w->task, &w->to, i / w->to.panels, i % w->to.panels, part);
        }
    }
}

void clq_native_pack(const clq_native_team *team, const clq_gemm_task *task, void *packed)
{
    const clq_gemm_problem *p = task->problem;
    pack_work w = {task, clq_native_packing_of(task, packed), 1};
    if (p->n == 0) {
        return;
    }
    w.parts = task->b_batches * p->n * p->k < team->least ? 1 : team->parts;
    clq_threads_run(team->threads, w.parts, run_pack, &w);
    memset((unsigned char *)packed + clq_native_packed_bytes(task) - CLQ_NATIVE_BEHIND, 0, CLQ_NATIVE_BEHIND);
}

/* ---- B as it was ---- */

/* Number `i` of the zero points that the reference keeps behind codes, which are as the caller's. */
static uint32_t zero_point_from(const clq_gemm_task *task, const clq_native_packing *from, uint64_t i)
{
    const clq_gemm_problem *p = task->problem;
    const int by_parts = p->b_zero_point == CLQ_GEMM_PER_GROUP;
    const uint64_t line = by_parts ? i / task->k_groups : i;
    const uint64_t part = by_parts ? i % task->k_groups : 0;
    const uint64_t column = line % p->n;
    const uint64_t panel = column / CLQ_NATIVE_COLUMNS;
    return from->zero_points[line / p->n * from->numbers + (panel * from->depth.parts + part) * CLQ_NATIVE_COLUMNS +
                             column % CLQ_NATIVE_COLUMNS] +
           flip_of(task);
}

static unsigned char code_from(const clq_gemm_task *task, const clq_native_packing *from, uint64_t batch, uint64_t k,
                               uint64_t column)
{
    const uint64_t part = k / from->depth.k;
    const uint64_t at = part * from->depth.part + k % from->depth.k;
    const uint64_t panel = batch * from->panels + column / CLQ_NATIVE_COLUMNS;
    return from->codes[panel * from->panel_bytes + at / CLQ_NATIVE_DEPTH * CLQ_NATIVE_DEPTH * CLQ_NATIVE_COLUMNS +
                       column % CLQ_NATIVE_COLUMNS * CLQ_NATIVE_DEPTH + at % CLQ_NATIVE_DEPTH] ^
           flip_of(task);
}

void clq_native_unpack(const clq_gemm_task *task, unsigned char *to)
{
    const clq_gemm_problem *p = task->problem;
    const clq_native_packing from = clq_native_packing_of(task, clq_gemm_packed_memory(task));
    for (uint64_t i = 0; i < task->b_batches * p->k * p->n; i++) {
        *to++ = code_from(task, &from, i / p->n / p->k, i / p->n % p->k, i % p->n);
    }
    for (uint64_t i = 0; i < task->values[CLQ_GEMM_B_ZERO_POINT] && p->n > 0 && from.depth.parts > 0; i++) {
        const uint32_t zero_point = zero_point_from(task, &from, i);
        memcpy(to + i * sizeof zero_point, &zero_point, sizeof zero_point);
    }
}

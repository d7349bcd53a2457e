/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes the operands of a product share. Rows of one matrix may lie between those of another, as columns of one
 * wider matrix do, and batches of one between those of another: what counts are the rows themselves.
 */
#include "core/gemm_task.h"
#include "core/size.h"

/*
 * `outer` blocks of `inner` rows of `length`, from `first` on; no block overlaps another, and no row. In half bytes
 * from the base of a comparison on, since a row of 4-bit codes may begin and end within a byte.
 */
typedef struct row_set {
    uint64_t first;
    uint64_t outer, outer_stride;
    uint64_t inner, inner_stride;
    uint64_t length;
} row_set;

/* The first of things of `length` a `stride` apart that ends behind `at`. */
static uint64_t first_behind(uint64_t at, uint64_t length, uint64_t stride)
{
    return at < length ? 0 : (at - length) / stride + 1;
}

static int rows_touch(uint64_t count, uint64_t stride, uint64_t length, uint64_t first, uint64_t end)
{
    const uint64_t row = first_behind(first, length, stride);
    return row < count && row * stride < end;
}

/* Whether a row has a part of [first, end), which is not empty. */
static int set_touches(const row_set *s, uint64_t first, uint64_t end)
{
    const uint64_t block_length = (s->inner - 1) * s->inner_stride + s->length;
    if (end <= s->first) {
        return 0;
    }
    first = first > s->first ? first - s->first : 0;
    end -= s->first;
    /* Two rounds at most: what reaches the next block has its first byte. */
    for (uint64_t block = first_behind(first, block_length, s->outer_stride);
         block < s->outer && block * s->outer_stride < end; block++) {
        const uint64_t begin = block * s->outer_stride;
        if (rows_touch(s->inner, s->inner_stride, s->length, first > begin ? first - begin : 0, end - begin)) {
            return 1;
        }
    }
    return 0;
}

/* Packed B is one piece, however B lay. */
static int is_packed(const clq_gemm_task *task, clq_gemm_argument argument)
{
    return argument == CLQ_GEMM_B && task->weights != NULL;
}

/* Batches that lie apart in memory; a parameter is one row, and so are packed weights. */
static uint64_t batches_of(const clq_gemm_task *task, clq_gemm_argument argument)
{
    return is_packed(task, argument) ? 1
           : argument == CLQ_GEMM_A  ? task->a_batches
           : argument == CLQ_GEMM_B  ? task->b_batches
           : argument == CLQ_GEMM_C  ? task->problem->batch
                                     : 1;
}

/* One batch of an operand, as one block; dense rows are one. `base`: a byte before all that are compared. */
static row_set rows_of(const clq_gemm_task *task, clq_gemm_argument argument, uint64_t batch, uint64_t base)
{
    const clq_gemm_problem *p = task->problem;
    const clq_extent *all = &task->extents[argument];
    const uint64_t size = clq_gemm_element_bits(task, argument) / 4;
    row_set s = {2 * (all->first - base), 1, 1, 1, 1, 2 * (all->end - all->first)};
    if (!is_packed(task, argument) && (argument == CLQ_GEMM_A || argument == CLQ_GEMM_B || argument == CLQ_GEMM_C)) {
        const clq_matrix *matrix = argument == CLQ_GEMM_A ? &p->a : argument == CLQ_GEMM_B ? &p->b : &p->c;
        const clq_gemm_strides *strides = argument == CLQ_GEMM_A   ? &task->a
                                          : argument == CLQ_GEMM_B ? &task->b
                                                                   : &task->c;
        const uint64_t rows = argument == CLQ_GEMM_B ? p->k : p->m;
        const uint64_t columns = argument == CLQ_GEMM_A ? p->k : p->n;
        const uint64_t leading = matrix->transposed ? strides->column_stride : strides->row_stride;
        s.first += batch * strides->batch * size;
        s.inner = matrix->transposed ? columns : rows;
        s.inner_stride = leading * size;
        s.length = (matrix->transposed ? rows : columns) * size;
        if (s.inner_stride == s.length) {
            s.length *= s.inner;
            s.inner = 1;
        }
    }
    return s;
}

/* All batches of an output: one after the other, or row by row (clq_gemm_check has seen to that). */
static row_set output_of(const clq_gemm_task *task, clq_gemm_argument output, uint64_t base)
{
    row_set s = rows_of(task, output, 0, base);
    const uint64_t batches = batches_of(task, output);
    const uint64_t stride = clq_size_max(task->c.batch * (clq_gemm_element_bits(task, output) / 4), 1);
    if (batches == 1) {
        return s;
    }
    if (stride >= (s.inner - 1) * s.inner_stride + s.length) {
        s.outer = batches;
        s.outer_stride = stride;
    } else {
        s.outer = s.inner;
        s.outer_stride = s.inner_stride;
        s.inner = batches;
        s.inner_stride = stride;
    }
    return s;
}

static int touches_rows(const row_set *output, const row_set *s)
{
    for (uint64_t row = 0; row < s->inner; row++) {
        const uint64_t first = s->first + row * s->inner_stride;
        if (set_touches(output, first, first + s->length)) {
            return 1;
        }
    }
    return 0;
}

/* Whether that output shares a byte with an operand, of the same product or another. */
static int writes_to(const clq_gemm_task *writer, clq_gemm_argument output, const clq_gemm_task *other,
                     clq_gemm_argument argument)
{
    const clq_extent *written = &writer->extents[output];
    const clq_extent *bytes = &other->extents[argument];
    if (clq_extents_overlap(written, bytes)) {
        const uint64_t base = clq_size_min(written->first, bytes->first);
        const row_set whole = output_of(writer, output, base);
        for (uint64_t batch = 0; batch < batches_of(other, argument); batch++) {
            const row_set s = rows_of(other, argument, batch, base);
            if (touches_rows(&whole, &s)) {
                return 1;
            }
        }
    }
    return 0;
}

int clq_gemm_writes_to(const clq_gemm_task *writer, const clq_gemm_task *other, clq_gemm_argument argument)
{
    return writes_to(writer, CLQ_GEMM_C, other, argument);
}

clq_status clq_gemm_check_output(const clq_gemm_task *task, clq_gemm_argument output, clq_error *error)
{
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_gemm_argument input = (clq_gemm_argument)i;
        if (input != output && writes_to(task, output, task, input)) {
            return clq_extents_refuse("gemm", clq_gemm_argument_name(output), &task->extents[output],
                                      clq_gemm_argument_name(input), &task->extents[input], error);
        }
    }
    return CLQ_OK;
}

clq_status clq_gemm_check_apart(const clq_gemm_task *task, const char *name, const clq_extent *written,
                                clq_error *error)
{
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_gemm_argument argument = (clq_gemm_argument)i;
        const uint64_t batches =
            clq_extents_overlap(written, &task->extents[argument]) ? batches_of(task, argument) : 0;
        for (uint64_t batch = 0; batch < batches; batch++) {
            const uint64_t base = clq_size_min(written->first, task->extents[argument].first);
            const row_set s = rows_of(task, argument, batch, base);
            if (set_touches(&s, 2 * (written->first - base), 2 * (written->end - base))) {
                return clq_extents_refuse("gemm", name, written, clq_gemm_argument_name(argument),
                                          &task->extents[argument], error);
            }
        }
    }
    return CLQ_OK;
}

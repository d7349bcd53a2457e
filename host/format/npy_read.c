/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a .npy that is in Fortran order or big-endian as if it were neither.
 *
 * In Fortran order the first axis is the one that is contiguous in the file. A range of the row-major order is cut into
 * boxes (ranges of indices on each axis):
 *
 *     a part of a row | whole rows | a part of a row        and each part of a row again, on the next axis
 *
 * A box is read plane by plane, a plane being its extent on the axes 0 and 1, and turned in tiles that fit a scratch
 * buffer. Where the pieces lie close together in the file, the gaps are read too: a call costs more than some
 * kilobytes.
 */
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/file.h"
#include "format/npy.h"
#include "format/support.h"

enum {
    MAX_RANK = 64,
    SCRATCH_BYTES = 4 << 20,
    NEAR_BYTES = 16384, /* pieces this close together are read with what lies between them */
    TILE_COLUMNS = 16   /* columns turned at a time: as many streams as a processor prefetches */
};

typedef struct gather {
    const clq_model_shard *shard;
    uint64_t data_offset;
    size_t item;
    uint32_t rank; /* axes longer than 1; the others change nothing */
    uint64_t shape[MAX_RANK];
    uint64_t file_stride[MAX_RANK + 1];
    uint64_t row_stride[MAX_RANK];
    uint64_t first; /* flat row-major index of memory[0] */
    unsigned char *memory;
    uint64_t lo[MAX_RANK], hi[MAX_RANK]; /* the box */
    uint32_t swept;                      /* gaps on axes below this one are read */
    uint64_t at[MAX_RANK];               /* the plane: its place on the axes from 2 on */
    unsigned char *scratch;
    uint64_t window, window_bytes; /* what scratch holds, in bytes of the data */
    clq_error *error;
} gather;

/* out[row * row_stride + column * column_stride] = in[column * pitch + row * item], strides in bytes. */
static inline void turn_items(const unsigned char *in, size_t pitch, unsigned char *out, size_t row_stride,
                              size_t column_stride, size_t rows, size_t columns, size_t item)
{
    for (size_t block = 0; block < columns; block += TILE_COLUMNS) {
        const size_t end = columns - block < TILE_COLUMNS ? columns : block + TILE_COLUMNS;
        for (size_t row = 0; row < rows; row++) {
            for (size_t column = block; column < end; column++) {
                memcpy(out + row * row_stride + column * column_stride, in + column * pitch + row * item, item);
            }
        }
    }
}

/* Sizes of an element as constants, so that each copy is one load and one store. */
static void turn(const gather *g, const unsigned char *in, size_t pitch, uint64_t row, uint64_t column, size_t rows,
                 size_t columns)
{
    const size_t row_stride = (size_t)g->row_stride[0] * g->item;
    const size_t column_stride = (size_t)g->row_stride[1] * g->item;
    uint64_t flat = row * g->row_stride[0] + column * g->row_stride[1];
    unsigned char *out = NULL;
    for (uint32_t k = 2; k < g->rank; k++) {
        flat += g->at[k] * g->row_stride[k];
    }
    out = g->memory + (flat - g->first) * g->item;
    switch (g->item) {
    case 1:
        turn_items(in, pitch, out, row_stride, column_stride, rows, columns, 1);
        break;
    case 2:
        turn_items(in, pitch, out, row_stride, column_stride, rows, columns, 2);
        break;
    case 4:
        turn_items(in, pitch, out, row_stride, column_stride, rows, columns, 4);
        break;
    default:
        turn_items(in, pitch, out, row_stride, column_stride, rows, columns, 8);
        break;
    }
}

/* *bytes = data [position, position + need), read together with what follows it up to `until` where there is room. */
static clq_status fetch(gather *g, uint64_t position, uint64_t need, uint64_t until, const unsigned char **bytes)
{
    if (position < g->window || position + need > g->window + g->window_bytes) {
        const uint64_t wanted = clq_size_min(until - position, SCRATCH_BYTES);
        g->window_bytes = 0;
        CLQ_TRY(clq_file_read(g->shard->fd, g->shard->path, g->data_offset + position, g->scratch, wanted, g->error));
        g->window = position;
        g->window_bytes = wanted;
    }
    *bytes = g->scratch + (position - g->window);
    return CLQ_OK;
}

/* Columns one below the other in a window; `until` is the end of what is worth reading. */
static clq_status gather_near_columns(gather *g, uint64_t position, uint64_t until)
{
    const uint64_t rows = g->hi[0] - g->lo[0];
    const uint64_t pitch = g->shape[0] * g->item;
    const uint64_t fit = (SCRATCH_BYTES - rows * g->item) / pitch + 1;
    for (uint64_t column = g->lo[1]; column < g->hi[1]; column += fit) {
        const uint64_t columns = clq_size_min(g->hi[1] - column, fit);
        const unsigned char *bytes = NULL;
        CLQ_TRY(
            fetch(g, position + (column - g->lo[1]) * pitch, (columns - 1) * pitch + rows * g->item, until, &bytes));
        turn(g, bytes, (size_t)pitch, g->lo[0], column, (size_t)rows, (size_t)columns);
    }
    return CLQ_OK;
}

/* Columns far from each other: a read for each piece, as many as fill a tile. */
static clq_status gather_far_columns(gather *g, uint64_t position)
{
    const uint64_t all_rows = g->hi[0] - g->lo[0];
    const uint64_t fit_rows = clq_size_min(all_rows, SCRATCH_BYTES / (TILE_COLUMNS * g->item));
    const uint64_t fit_columns = SCRATCH_BYTES / (fit_rows * g->item);
    const uint64_t pitch = g->shape[0] * g->item;
    g->window_bytes = 0;
    for (uint64_t row = g->lo[0]; row < g->hi[0]; row += fit_rows) {
        const uint64_t rows = clq_size_min(g->hi[0] - row, fit_rows);
        for (uint64_t column = g->lo[1]; column < g->hi[1]; column += fit_columns) {
            const uint64_t columns = clq_size_min(g->hi[1] - column, fit_columns);
            for (uint64_t i = 0; i < columns; i++) {
                const uint64_t piece = position + (column - g->lo[1] + i) * pitch + (row - g->lo[0]) * g->item;
                CLQ_TRY(clq_file_read(g->shard->fd, g->shard->path, g->data_offset + piece,
                                      g->scratch + i * rows * g->item, rows * g->item, g->error));
            }
            turn(g, g->scratch, (size_t)(rows * g->item), row, column, (size_t)rows, (size_t)columns);
        }
    }
    return CLQ_OK;
}

static clq_status gather_plane(gather *g)
{
    uint64_t begin = g->lo[0] + g->lo[1] * g->file_stride[1];
    uint64_t last = 0;
    for (uint32_t k = 2; k < g->rank; k++) {
        begin += g->at[k] * g->file_stride[k];
    }
    if (g->swept == 0 || g->shape[0] * g->item > SCRATCH_BYTES) {
        return gather_far_columns(g, begin * g->item);
    }
    for (uint32_t k = 0; k < g->rank; k++) {
        last += (k <= g->swept || k < 2 ? g->hi[k] - 1 : g->at[k]) * g->file_stride[k];
    }
    return gather_near_columns(g, begin * g->item, (last + 1) * g->item);
}

/* Read the box lo, hi, in the order of the file. */
static clq_status gather_box(gather *g)
{
    uint32_t k = 2;
    g->swept = 0;
    while (g->swept + 1 < g->rank && ((g->hi[g->swept] - g->lo[g->swept]) * 2 >= g->shape[g->swept] ||
                                      g->file_stride[g->swept + 1] * g->item <= NEAR_BYTES)) {
        g->swept++;
    }
    g->window_bytes = 0;
    memcpy(g->at, g->lo, sizeof g->at);
    do {
        CLQ_TRY(gather_plane(g));
        for (k = 2; k < g->rank; k++) {
            if (++g->at[k] < g->hi[k]) {
                break;
            }
            g->at[k] = g->lo[k];
        }
    } while (k < g->rank);
    return CLQ_OK;
}

/*
 * Read elements [begin, end) of the sub-array that the axes from `axis` on span at the indices chosen so far. As deep
 * as there are axes.
 */
static clq_status gather_range(gather *g, uint32_t axis, uint64_t begin, uint64_t end)
{
    const uint64_t stride = g->row_stride[axis];
    if (begin % stride != 0) {
        const uint64_t row = begin / stride;
        const uint64_t row_end = clq_size_min(end, (row + 1) * stride);
        g->lo[axis] = row;
        g->hi[axis] = row + 1;
        CLQ_TRY(gather_range(g, axis + 1, begin - row * stride, row_end - row * stride));
        begin = row_end;
    }
    if (begin / stride < end / stride) {
        g->lo[axis] = begin / stride;
        g->hi[axis] = end / stride;
        for (uint32_t k = axis + 1; k < g->rank; k++) {
            g->lo[k] = 0;
            g->hi[k] = g->shape[k];
        }
        CLQ_TRY(gather_box(g));
        begin = end / stride * stride;
    }
    if (begin < end) {
        g->lo[axis] = begin / stride;
        g->hi[axis] = begin / stride + 1;
        return gather_range(g, axis + 1, 0, end - begin);
    }
    return CLQ_OK;
}

static void swap_bytes(unsigned char *memory, uint64_t count, size_t item)
{
    for (uint64_t i = 0; i < count; i++, memory += item) {
        for (size_t j = 0; j < item / 2; j++) {
            const unsigned char byte = memory[j];
            memory[j] = memory[item - 1 - j];
            memory[item - 1 - j] = byte;
        }
    }
}

static clq_status read_fortran(gather *g, uint64_t count)
{
    clq_status status = CLQ_OK;
    g->scratch = malloc(SCRATCH_BYTES);
    if (g->scratch == NULL) {
        return clq_fail_memory(g->error, g->shard->path);
    }
    status = gather_range(g, 0, g->first, g->first + count);
    free(g->scratch);
    return status;
}

clq_status clq_npy_read(const clq_model *model, uint64_t first, uint64_t count, void *memory, clq_error *error)
{
    const clq_model_tensor *tensor = &model->tensors[0];
    gather g = {0};
    g.shard = &model->shards[tensor->shard];
    g.data_offset = tensor->offset;
    g.item = tensor->dtype.bits / 8;
    g.first = first;
    g.memory = memory;
    g.error = error;
    if (count == 0) {
        return CLQ_OK;
    }
    for (uint32_t k = 0; k < tensor->rank; k++) {
        if (tensor->shape[k] != 1) {
            g.shape[g.rank++] = tensor->shape[k];
        }
    }
    if (!model->npy_fortran_order || g.rank < 2) {
        CLQ_TRY(
            clq_file_read(g.shard->fd, g.shard->path, g.data_offset + first * g.item, memory, count * g.item, error));
    } else {
        g.file_stride[0] = 1;
        for (uint32_t k = 0; k < g.rank; k++) {
            g.file_stride[k + 1] = g.file_stride[k] * g.shape[k];
        }
        g.row_stride[g.rank - 1] = 1;
        for (uint32_t k = g.rank - 1; k > 0; k--) {
            g.row_stride[k - 1] = g.row_stride[k] * g.shape[k];
        }
        CLQ_TRY(read_fortran(&g, count));
    }
    if (model->npy_big_endian) {
        swap_bytes(memory, count, g.item);
    }
    return CLQ_OK;
}

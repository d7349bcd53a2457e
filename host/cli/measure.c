/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <float.h>
#include <math.h>

#include "real.h"

/* What fill needs to know of the chunk. */
typedef struct measured_chunk {
    const clq_quantization *q;
    cli_chunker whole; /* of the chunk's layout: which parameter serves which element */
    cli_real real;
    const void *memory;
    const uint8_t *codes;
    const float *scale;
    const int32_t *zero_point;
} measured_chunk;

/*
 * y = scale * (code - zero_point) with the subtraction in int32 and the product in f32, as clq_dequantize computes it.
 * The subtraction is done on unsigned numbers, which wrap where a far zero point leaves int32.
 */
static double real_of_code(int32_t code, float scale, int32_t zero_point)
{
    const int32_t difference = (int32_t)((uint32_t)code - (uint32_t)zero_point);
    return (double)(scale * (float)difference);
}

static int32_t nibble_at(const uint8_t *codes, size_t i, int is_signed)
{
    const int32_t nibble = (codes[i / 2] >> (4 * (i % 2))) & 15;
    return is_signed ? (nibble ^ 8) - 8 : nibble;
}

/* Elements [first, first + count), which share a parameter. */
static void dequantize_span(const measured_chunk *chunk, size_t first, size_t count, float scale, int32_t zero_point,
                            double *y)
{
    const clq_dtype dtype = chunk->q->scheme.dtype;
    if (dtype == CLQ_S8) {
        const int8_t *codes = (const int8_t *)chunk->codes + first;
        for (size_t i = 0; i < count; i++) {
            y[i] = real_of_code(codes[i], scale, zero_point);
        }
    } else if (dtype == CLQ_U8) {
        const uint8_t *codes = chunk->codes + first;
        for (size_t i = 0; i < count; i++) {
            y[i] = real_of_code(codes[i], scale, zero_point);
        }
    } else {
        const int is_signed = dtype == CLQ_S4;
        for (size_t i = 0; i < count; i++) {
            y[i] = real_of_code(nibble_at(chunk->codes, first + i, is_signed), scale, zero_point);
        }
    }
}

/*
 * Count what lies beyond the codes by more than half a step, and take out what is not finite. The step is widened by a
 * thousandth, so that the rounding of the scale to f32 does not make an end of the range count as clipped.
 */
static uint64_t inspect_span(const clq_scheme *scheme, float scale, int32_t zero_point, size_t count, double *x,
                             double *y)
{
    const double step = (double)scale;
    const double half = step * 0.501;
    const double upper = step * ((double)scheme->qmax - (double)zero_point) + half;
    const double lower = step * ((double)scheme->qmin - (double)zero_point) - half;
    uint64_t clipped = 0;
    for (size_t i = 0; i < count; i++) {
        const int finite = fabs(x[i]) <= (double)FLT_MAX;
        clipped += (uint64_t)(finite & ((x[i] > upper) | (x[i] < lower)));
        x[i] = finite ? x[i] : 0.0;
        y[i] = finite ? y[i] : 0.0;
    }
    return clipped;
}

static void fill(const void *cookie, size_t first, size_t count, double *x, double *y, cli_counts *counts)
{
    const measured_chunk *chunk = cookie;
    const cli_chunker *whole = &chunk->whole;
    uint64_t row = first / whole->inner;
    uint64_t column = first % whole->inner;
    uint64_t channel = row % whole->channels;
    size_t done = 0;
    cli_real_widen(chunk->real, chunk->memory, first, count, x);
    while (done < count) {
        const uint64_t run = whole->run == whole->inner ? 0 : column / whole->run;
        const uint64_t run_end = run + 1 == whole->runs ? whole->inner : (run + 1) * whole->run;
        const uint64_t parameter = channel * whole->runs + run;
        const size_t left = count - done;
        const size_t span = run_end - column < left ? (size_t)(run_end - column) : left;
        const float scale = chunk->scale[parameter];
        const int32_t zero_point = chunk->zero_point[parameter];
        dequantize_span(chunk, first + done, span, scale, zero_point, y + done);
        counts->clipped += inspect_span(&chunk->q->scheme, scale, zero_point, span, x + done, y + done);
        done += span;
        column += span;
        if (column == whole->inner) {
            column = 0;
            channel = channel + 1 == whole->channels ? 0 : channel + 1;
        }
    }
}

clq_status cli_measure_piece(cli_statistics *statistics, const cli_slot *slot, const cli_piece *piece, clq_error *error)
{
    const uint8_t *memory = slot->memory;
    measured_chunk chunk = {.q = &piece->q, .memory = memory + piece->real, .codes = memory + piece->codes};
    const clq_file_dtype dtype = {.type = piece->q.real};
    chunk.scale = (const float *)(const void *)(memory + piece->scale);
    chunk.zero_point = (const int32_t *)(const void *)(memory + piece->zero_point);
    chunk.real = cli_real_of(&dtype);
    CLQ_TRY(cli_chunker_init(&chunk.whole, &piece->q.layout, 1, error));
    cli_statistics_add(statistics, (size_t)chunk.whole.elements, fill, &chunk);
    return CLQ_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/measure.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/vector.h"
#include "format/real.h"

enum { PIECE = CLQ_STATISTICS_PIECE, SHORT_RUN = 16 };

/*
 * Codes of up to 8 bits as bytes: code = (int8_t)(byte ^ flip) + bias. So one loop reads them all: s8 as they are, u8
 * with the sign bit turned, unpacked s4 with that of their nibble.
 */
typedef struct code_form {
    uint8_t flip;
    int32_t bias;
} code_form;

/* What is made of the elements of one piece of measuring. */
typedef struct workspace {
    float widened[PIECE];
    float y[PIECE];
    float scale[PIECE];
    int32_t zero_point[PIECE];
    uint8_t unpacked[PIECE];
} workspace;

typedef struct measured {
    clq_statistics *statistics;
    const clq_piece *piece;
    clq_chunker whole; /* of the chunk's layout: which parameter serves which element */
    const void *real;
    const uint8_t *codes;
    const float *scale;
    const int32_t *zero_point;
    code_form form;
    workspace *work;
    int nonfinite; /* there may be NaN or infinity */
    int clips;     /* there may be clipped elements */
} measured;

static code_form form_of(clq_dtype dtype)
{
    switch (dtype) {
    case CLQ_U8:
        return (code_form){0x80, 128};
    case CLQ_S4:
        return (code_form){8, -8};
    default:
        return (code_form){0, 0};
    }
}

/*
 * y = scale * (code - zero_point) with the subtraction in int32 and the product in f32, as clq_dequantize computes it.
 * The subtraction is done on unsigned numbers, which wrap where a far zero point leaves int32.
 */
static inline float real_of_code(uint8_t byte, code_form form, float scale, int32_t zero_point)
{
    const uint32_t code = (uint32_t)(int8_t)(byte ^ form.flip);
    return scale * (float)(int32_t)(code - ((uint32_t)zero_point - (uint32_t)form.bias));
}

CLQ_VECTOR_CLONES
static void dequantize_run(const uint8_t *bytes, size_t count, code_form form, float scale, int32_t zero_point,
                           float *y)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = real_of_code(bytes[i], form, scale, zero_point);
    }
}

CLQ_VECTOR_CLONES
static void dequantize_each(const uint8_t *bytes, size_t count, code_form form, const float *scale,
                            const int32_t *zero_point, float *y)
{
    for (size_t i = 0; i < count; i++) {
        y[i] = real_of_code(bytes[i], form, scale[i], zero_point[i]);
    }
}

CLQ_VECTOR_CLONES
static void unpack(const uint8_t *packed, size_t count, uint8_t *bytes)
{
    for (size_t i = 0; i < count / 2; i++) {
        bytes[2 * i] = packed[i] & 15;
        bytes[2 * i + 1] = packed[i] >> 4;
    }
    if (count % 2 != 0) {
        bytes[count - 1] = packed[count / 2] & 15;
    }
}

/* With a parameter for each few elements, these are spread first. */
static void dequantize_short_runs(const measured *m, size_t first, size_t count, const uint8_t *bytes, float *y)
{
    float *scale = m->work->scale;
    int32_t *zero_point = m->work->zero_point;
    size_t done = 0;
    if (m->whole.run == 1) {
        /* The parameters follow one another like the elements, again and again in each band. */
        const uint64_t period = m->whole.channels * m->whole.runs;
        while (done < count) {
            const uint64_t parameter = clq_chunk_parameter_of(&m->whole, first + done);
            const uint64_t left = period - parameter % period;
            const size_t step = left < count - done ? (size_t)left : count - done;
            memcpy(scale + done, m->scale + parameter, step * sizeof *scale);
            memcpy(zero_point + done, m->zero_point + parameter, step * sizeof *zero_point);
            done += step;
        }
    }
    while (done < count) {
        const clq_chunk_run s = clq_chunk_run_at(&m->whole, first + done, count - done);
        for (size_t i = 0; i < s.count; i++) {
            scale[done + i] = m->scale[s.parameter];
            zero_point[done + i] = m->zero_point[s.parameter];
        }
        done += s.count;
    }
    dequantize_each(bytes, count, m->form, scale, zero_point, y);
}

/* Codes of 16 bits: those of s16 with the sign bit turned and the bias taken away, like bytes. */
static void dequantize_wide(const measured *m, size_t first, size_t count, float *y)
{
    const uint16_t *codes = (const uint16_t *)(const void *)m->codes + first;
    const uint32_t flip = m->piece->q.scheme.dtype == CLQ_S16 ? 0x8000u : 0;
    for (size_t done = 0; done < count;) {
        const clq_chunk_run s = clq_chunk_run_at(&m->whole, first + done, count - done);
        const uint32_t zero_point = (uint32_t)m->zero_point[s.parameter] + flip;
        for (size_t i = done; i < done + s.count; i++) {
            y[i] = m->scale[s.parameter] * (float)(int32_t)((codes[i] ^ flip) - zero_point);
        }
        done += s.count;
    }
}

static void dequantize(const measured *m, size_t first, size_t count, float *y)
{
    const uint8_t *bytes = m->codes + first;
    if (clq_dtype_bits(m->piece->q.scheme.dtype) == 16) {
        dequantize_wide(m, first, count, y);
        return;
    }
    if (clq_dtype_bits(m->piece->q.scheme.dtype) == 4) {
        unpack(m->codes + first / 2, count, m->work->unpacked); /* pieces of measuring begin at an even element */
        bytes = m->work->unpacked;
    }
    if (m->whole.run < SHORT_RUN) {
        dequantize_short_runs(m, first, count, bytes, y);
        return;
    }
    for (size_t done = 0; done < count;) {
        const clq_chunk_run s = clq_chunk_run_at(&m->whole, first + done, count - done);
        dequantize_run(bytes + done, s.count, m->form, m->scale[s.parameter], m->zero_point[s.parameter], y + done);
        done += s.count;
    }
}

/*
 * What the codes can express, and half a step more on either side. The step is widened by a thousandth, so that the
 * rounding of the scale to f32 does not make an end of the range count as clipped.
 */
typedef struct bounds {
    double lower, upper;
} bounds;

static bounds bounds_of(const measured *m, uint64_t parameter)
{
    const clq_scheme *scheme = &m->piece->q.scheme;
    const double step = (double)m->scale[parameter];
    const double zero_point = (double)m->zero_point[parameter];
    const double half = fabs(step) * 0.501;
    const double first = step * ((double)scheme->qmin - zero_point);
    const double last = step * ((double)scheme->qmax - zero_point);
    return (bounds){fmin(first, last) - half, fmax(first, last) + half}; /* scales of Q4_0 may be negative */
}

/* Whether any range reaches beyond; else no element needs to be looked at. */
static int any_clips(const measured *m, const float *range)
{
    for (uint64_t i = 0; i < m->piece->chunk.parameters; i++) {
        const bounds b = bounds_of(m, i);
        if ((double)range[2 * i] < b.lower || (double)range[2 * i + 1] > b.upper) {
            return 1;
        }
    }
    return 0;
}

static void count_clipped(const measured *m, size_t first, size_t count, const float *x)
{
    for (size_t done = 0; done < count;) {
        const clq_chunk_run s = clq_chunk_run_at(&m->whole, first + done, count - done);
        const bounds b = bounds_of(m, s.parameter);
        uint64_t clipped = 0;
        for (size_t i = done; i < done + s.count; i++) {
            const double value = (double)x[i];
            clipped += (uint64_t)((fabs(value) <= (double)FLT_MAX) & ((value > b.upper) | (value < b.lower)));
        }
        m->statistics->clipped += clipped;
        done += s.count;
    }
}

static void leave_out_nonfinite(float *x, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) {
            x[i] = 0.0f;
            y[i] = 0.0f;
        }
    }
}

/* Elements [first, first + count), `count` at most PIECE. */
static void measure(const measured *m, size_t first, size_t count)
{
    float *widened = m->work->widened;
    float *y = m->work->y;
    const float *x = (const float *)m->real + first;
    if (m->piece->q.real != CLQ_F32 || m->nonfinite) {
        clq_real_widen_single(m->piece->q.real, m->real, first, count, widened);
        x = widened;
    }
    dequantize(m, first, count, y);
    if (m->clips) {
        count_clipped(m, first, count, x);
    }
    if (m->nonfinite) {
        leave_out_nonfinite(widened, y, count);
    }
    clq_statistics_add_single(m->statistics, x, y, count);
}

clq_status clq_measure_piece(clq_statistics *statistics, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const uint8_t *memory = slot->memory;
    measured m = {.statistics = statistics, .piece = piece};
    clq_nonfinite nonfinite;
    memcpy(&nonfinite, memory + piece->nonfinite, sizeof nonfinite);
    m.real = memory + piece->real;
    m.codes = memory + piece->codes;
    m.scale = (const float *)(const void *)(memory + piece->scale);
    m.zero_point = (const int32_t *)(const void *)(memory + piece->zero_point);
    m.form = form_of(piece->q.scheme.dtype);
    m.nonfinite = nonfinite.count > 0;
    m.clips = any_clips(&m, (const float *)(const void *)(memory + piece->range));
    CLQ_TRY(clq_chunker_init(&m.whole, &piece->q.layout, 1, error));
    m.work = malloc(sizeof *m.work);
    if (m.work == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to measure the error");
    }
    for (uint64_t first = 0; first < piece->chunk.count; first += PIECE) {
        const uint64_t left = piece->chunk.count - first;
        measure(&m, (size_t)first, left < PIECE ? (size_t)left : PIECE);
    }
    free(m.work);
    return CLQ_OK;
}

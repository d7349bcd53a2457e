/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The elements of a sample are gathered in units, each of elements that share a parameter, and many units are one
 * tensor in groups: so they are computed in one call, wherever they are from. By native, where a device of OpenCL is
 * checked; what differs from that, and one unit of each call, is computed by the reference, whose word counts.
 */
#include "stream/check_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/element.h"
#include "stream/check_sample.h"

enum { UNIT = 16, UNITS = 256, ELEMENTS = UNIT * UNITS };

/* Tells what is drawn of units from what is drawn of blocks. */
static const uint64_t DRAW_UNIT = UINT64_C(1) << 63;

/* What is read and written; unit u begins at element u * UNIT. */
typedef struct operands {
    uint8_t real[ELEMENTS * sizeof(float)];
    float scale[UNITS];
    int32_t zero_point[UNITS];
    uint8_t codes[ELEMENTS * sizeof(uint16_t)];
} operands;

struct clq_check_work {
    operands arrays;
    clq_buffer *reference, *native; /* over `arrays`, mapped but while they compute; native may be NULL */
    size_t units;
    uint64_t first[UNITS]; /* element of the piece */
    size_t count[UNITS];
};

static clq_status wrap(clq_context *context, struct clq_check_work *work, clq_buffer **buffer, clq_error *error)
{
    void *memory = NULL;
    CLQ_TRY(clq_buffer_wrap(context, &work->arrays, sizeof work->arrays, buffer, error));
    return clq_buffer_map(*buffer, &memory, error);
}

clq_status clq_check_work_create(const clq_check *check, struct clq_check_work **out, clq_error *error)
{
    struct clq_check_work *work = calloc(1, sizeof *work);
    *out = work;
    if (work == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for --check");
    }
    CLQ_TRY(wrap(check->reference, work, &work->reference, error));
    if (check->native != NULL && wrap(check->native, work, &work->native, NULL) != CLQ_OK) {
        clq_buffer_destroy(&work->native); /* the reference does all */
    }
    return CLQ_OK;
}

void clq_check_work_destroy(struct clq_check_work **work)
{
    if (*work != NULL) {
        clq_buffer_destroy(&(*work)->native);
        clq_buffer_destroy(&(*work)->reference);
        free(*work);
        *work = NULL;
    }
}

/* One piece under comparison. */
typedef struct comparison {
    clq_check *check;
    struct clq_check_work *work;
    const clq_piece *piece;
    const clq_check_place *place;
    clq_operation operation;
    clq_chunker whole; /* of the chunk's layout */
    uint8_t *real, *codes;
    const float *scale;
    const int32_t *zero_point;
    size_t real_bytes; /* of an element */
    size_t code_bytes; /* likewise, where it has whole ones */
    int is_packed;     /* codes have 4 bits */
} comparison;

static uint8_t nibble(const uint8_t *packed, uint64_t i)
{
    return packed[i / 2] >> (i % 2 * 4) & 15;
}

/* The codes of a unit, packed from its own first element. */
static void gather_codes(const comparison *c, uint64_t first, size_t count, uint8_t *out)
{
    if (!c->is_packed) {
        memcpy(out, c->codes + first * c->code_bytes, count * c->code_bytes);
        return;
    }
    memset(out, 0, UNIT / 2);
    for (size_t i = 0; i < count; i++) {
        out[i / 2] |= (uint8_t)(nibble(c->codes, first + i) << (i % 2 * 4));
    }
}

static uint8_t *codes_of_unit(const comparison *c, size_t unit)
{
    return c->work->arrays.codes + (c->is_packed ? unit * UNIT / 2 : unit * UNIT * c->code_bytes);
}

static uint8_t *reals_of_unit(const comparison *c, size_t unit)
{
    return c->work->arrays.real + unit * UNIT * c->real_bytes;
}

/* The first element of the unit that differs, or `count`. */
static size_t first_difference(const comparison *c, size_t unit)
{
    const uint64_t first = c->work->first[unit];
    const size_t count = c->work->count[unit];
    const int reals = c->operation == CLQ_OP_DEQUANTIZE;
    const uint8_t *want = reals ? reals_of_unit(c, unit) : codes_of_unit(c, unit);
    const size_t bytes = reals ? c->real_bytes : c->code_bytes;
    const uint8_t *got = (reals ? c->real : c->codes) + first * bytes;
    size_t i = 0;
    if (!reals && c->is_packed) {
        while (i < count && nibble(want, i) == nibble(c->codes, first + i)) {
            i++;
        }
        return i;
    }
    if (memcmp(want, got, count * bytes) == 0) {
        return count;
    }
    while (memcmp(want + i * bytes, got + i * bytes, bytes) == 0) {
        i++;
    }
    return i;
}

static clq_status tell(const comparison *c, size_t unit, size_t at, clq_error *error)
{
    const uint64_t element = c->work->first[unit] + at;
    const int reals = c->operation == CLQ_OP_DEQUANTIZE;
    const clq_dtype dtype = reals ? c->piece->q.real : c->piece->q.scheme.dtype;
    char place[40];
    char got[CLQ_ELEMENT_BYTES];
    char want[CLQ_ELEMENT_BYTES];
    char text[400];
    snprintf(place, sizeof place, "element %" PRIu64, c->piece->chunk.first + element);
    clq_format_element(got, dtype, reals ? c->real : c->codes, element);
    clq_format_element(want, dtype, reals ? reals_of_unit(c, unit) : codes_of_unit(c, unit), at);
    clq_format_difference(text, sizeof text, place, got, c->check->device, want);
    return clq_check_differ(c->check, c->place, error, "%s", text);
}

/* Units that stand one after the other. */
typedef struct some_units {
    size_t first, stop;
} some_units;

static clq_status compute(const comparison *c, clq_context *context, clq_buffer *buffer, some_units units,
                          clq_error *error)
{
    const uint32_t bits = clq_dtype_bits(c->piece->q.scheme.dtype);
    const uint64_t ahead = units.first * UNIT;
    const clq_operand real = {buffer, offsetof(operands, real) / c->real_bytes + ahead};
    const clq_operand codes = {buffer, offsetof(operands, codes) * 8 / bits + ahead};
    const clq_operand scale = {buffer, offsetof(operands, scale) / sizeof(float) + units.first};
    const clq_operand zero_point = {buffer, offsetof(operands, zero_point) / sizeof(int32_t) + units.first};
    void *memory = NULL;
    clq_status status;
    clq_quantization q = c->piece->q;
    memset(&q.layout, 0, sizeof q.layout);
    q.layout.rank = 1;
    q.layout.shape[0] = (units.stop - units.first) * UNIT;
    q.layout.granularity = CLQ_PER_GROUP;
    q.layout.group_size = UNIT;
    CLQ_TRY(clq_buffer_unmap(buffer, error));
    status = c->operation == CLQ_OP_QUANTIZE ? clq_quantize(context, &q, real, scale, zero_point, codes, error)
                                             : clq_dequantize(context, &q, codes, scale, zero_point, real, error);
    CLQ_TRY(clq_buffer_map(buffer, &memory, status == CLQ_OK ? error : NULL));
    return status;
}

/* The first unit with an element that differs, or the end. */
static size_t first_unit(const comparison *c, some_units units)
{
    size_t unit = units.first;
    while (unit < units.stop && first_difference(c, unit) == c->work->count[unit]) {
        unit++;
    }
    return unit;
}

static int agrees(const comparison *c, clq_context *context, clq_buffer *buffer, some_units units)
{
    return compute(c, context, buffer, units, NULL) == CLQ_OK && first_unit(c, units) == units.stop;
}

/* Whether native computes the same; the reference computes one unit of each turn, which is drawn, so that it is not
 * native alone that is believed. 0: it differs, or native cannot. */
static int native_agrees(const comparison *c)
{
    const struct clq_check_work *work = c->work;
    const uint64_t element = c->piece->chunk.first + work->first[0];
    const size_t drawn = (size_t)(clq_check_draw(c->check, c->piece, DRAW_UNIT | element) % work->units);
    return work->native != NULL && agrees(c, c->check->native, work->native, (some_units){0, work->units}) &&
           agrees(c, c->check->reference, work->reference, (some_units){drawn, drawn + 1});
}

/* What was gathered is computed and compared. */
static clq_status settle(const comparison *c, clq_error *error)
{
    struct clq_check_work *work = c->work;
    if (work->units > 0 && !native_agrees(c)) {
        const some_units all = {0, work->units};
        size_t unit;
        CLQ_TRY(compute(c, c->check->reference, work->reference, all, error));
        unit = first_unit(c, all);
        if (unit < all.stop) {
            return tell(c, unit, first_difference(c, unit), error);
        }
    }
    work->units = 0;
    return CLQ_OK;
}

static clq_status gather(const comparison *c, uint64_t first, size_t count, uint64_t parameter, clq_error *error)
{
    struct clq_check_work *work = c->work;
    const size_t unit = work->units;
    work->first[unit] = first;
    work->count[unit] = count;
    work->arrays.scale[unit] = c->scale[parameter];
    work->arrays.zero_point[unit] = c->zero_point[parameter];
    if (c->operation == CLQ_OP_QUANTIZE) {
        memcpy(reals_of_unit(c, unit), c->real + first * c->real_bytes, count * c->real_bytes);
    } else {
        gather_codes(c, first, count, codes_of_unit(c, unit));
    }
    work->units += 1;
    return work->units == UNITS ? settle(c, error) : CLQ_OK;
}

static clq_status gather_span(const comparison *c, const clq_check_span *span, clq_error *error)
{
    for (uint64_t done = 0; done < span->count;) {
        const clq_chunk_run run = clq_chunk_run_at(&c->whole, span->first + done, (size_t)(span->count - done));
        for (size_t i = 0; i < run.count; i += UNIT) {
            const size_t count = run.count - i < UNIT ? run.count - i : UNIT;
            CLQ_TRY(gather(c, span->first + done + i, count, run.parameter, error));
        }
        done += run.count;
    }
    return CLQ_OK;
}

/* The half byte behind an odd number of 4-bit codes goes to the file too. */
static clq_status compare_rest(const comparison *c, clq_error *error)
{
    const uint64_t count = c->piece->chunk.count;
    const uint8_t rest = c->is_packed && count % 2 != 0 ? nibble(c->codes, count) : 0;
    return rest == 0 || c->operation != CLQ_OP_QUANTIZE
               ? CLQ_OK
               : clq_check_differ(c->check, c->place, error,
                                  "the half byte after element %" PRIu64 " is %d on %s and 0 in the reference",
                                  c->piece->chunk.first + count - 1, rest, c->check->device);
}

clq_status clq_check_compare_values(clq_check *check, const clq_slot *slot, const clq_piece *piece,
                                    clq_operation operation, const clq_check_place *place, clq_error *error)
{
    clq_check_spans spans = clq_check_spans_of(check, piece);
    clq_check_span span;
    comparison c = {.check = check, .work = check->work, .piece = piece, .place = place, .operation = operation};
    c.real = slot->memory + piece->real;
    c.codes = slot->memory + piece->codes;
    c.scale = (const float *)(const void *)(slot->memory + piece->scale);
    c.zero_point = (const int32_t *)(const void *)(slot->memory + piece->zero_point);
    c.real_bytes = clq_dtype_bits(piece->q.real) / 8;
    c.code_bytes = (size_t)clq_dtype_bytes(piece->q.scheme.dtype, 1);
    c.is_packed = clq_dtype_bits(piece->q.scheme.dtype) == 4;
    CLQ_TRY(clq_chunker_init(&c.whole, &piece->q.layout, 1, error));
    while (clq_check_next_span(&spans, &span)) {
        CLQ_TRY(gather_span(&c, &span, error));
        check->values += span.drawn ? span.count : 0;
    }
    CLQ_TRY(settle(&c, error));
    return compare_rest(&c, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/chunk.h"

#include <string.h>

#include "core/size.h"

clq_status clq_chunker_init(clq_chunker *chunker, const clq_layout *layout, uint64_t limit, clq_error *error)
{
    const clq_geometry *g = &chunker->geometry;
    memset(chunker, 0, sizeof *chunker);
    CLQ_REQUIRE(limit > 0, "a chunk must hold at least one element");
    CLQ_TRY(clq_geometry_of(layout, &chunker->geometry, error));
    chunker->whole = *layout;
    chunker->limit = limit;
    chunker->elements = g->elements;
    chunker->parameters = g->parameters;
    chunker->outer = clq_size_divide_up(g->rows, g->channels);
    chunker->channels = g->channels;
    chunker->inner = g->row;
    chunker->run = g->segment;
    chunker->runs = g->segments_per_row;
    return CLQ_OK;
}

int clq_chunks_are_final(const clq_chunker *chunker)
{
    const clq_geometry *g = &chunker->geometry;
    return chunker->elements <= chunker->limit ||
           (clq_geometry_has_bands(g) ? g->band <= chunker->limit
                                      : chunker->outer == 1 && chunker->run <= chunker->limit);
}

uint64_t clq_chunk_parameter_of(const clq_chunker *chunker, uint64_t index)
{
    return clq_geometry_parameter(&chunker->geometry, index);
}

/*
 * How many units of `size` elements a chunk takes when `available` are left: as many as the limit allows, and an even
 * number of odd units when more follow, so that the next chunk starts at an even element too. 0: not even one fits.
 */
static uint64_t whole_units(const clq_chunker *chunker, uint64_t size, uint64_t available)
{
    uint64_t units = clq_size_min(chunker->limit / size, available);
    if (units < available && units > 1 && (chunker->position + units * size) % 2 != 0) {
        units -= 1;
    }
    return units;
}

/* A part of one channel or group: `available` elements that share a parameter. */
static void cut_inside(const clq_chunker *chunker, uint64_t available, clq_chunk *chunk)
{
    chunk->count = clq_size_min(chunker->limit, available);
    if (chunk->count < available && chunk->count > 1 && (chunker->position + chunk->count) % 2 != 0) {
        chunk->count -= 1;
    }
    chunk->parameters = 1;
    chunk->layout.rank = 1;
    chunk->layout.shape[0] = chunk->count;
    chunk->layout.granularity = CLQ_PER_TENSOR;
}

/* The band that holds the next element. */
static clq_band band_of_next(const clq_chunker *chunker)
{
    const uint64_t parameters = chunker->channels * chunker->runs;
    return clq_geometry_band(&chunker->geometry, clq_chunk_parameter_of(chunker, chunker->position) / parameters);
}

/* Whole slabs, or whole bands of one, of which the last may be short. */
static int cut_bands(const clq_chunker *chunker, clq_chunk *chunk)
{
    const clq_geometry *g = &chunker->geometry;
    const uint64_t within = chunker->position % g->slab;
    uint64_t slabs = 0;
    uint64_t bands = 0;
    if (!clq_geometry_has_bands(g) || within % g->band != 0) {
        return 0;
    }
    if (within == 0) {
        slabs = whole_units(chunker, g->slab, (chunker->elements - chunker->position) / g->slab);
    }
    if (slabs == 0) {
        bands = whole_units(chunker, g->band, clq_size_divide_up(g->slab - within, g->band));
    }
    if (slabs + bands == 0) {
        return 0;
    }
    chunk->count = slabs > 0 ? slabs * g->slab : clq_size_min(bands * g->band, g->slab - within);
    chunk->parameters = (slabs * g->bands_per_slab + bands) * g->channels;
    chunk->layout.rank = 3;
    chunk->layout.shape[0] = clq_size_max(slabs, 1);
    chunk->layout.shape[1] = chunk->count / chunk->layout.shape[0] / g->channels;
    chunk->layout.shape[2] = g->channels;
    chunk->layout.granularity = CLQ_PER_BLOCK;
    chunk->layout.axis = 1;
    chunk->layout.group_size = chunker->whole.group_size;
    return 1;
}

/* Whole rows of outer, each with all channels, not beyond one band. */
static int cut_outer(const clq_chunker *chunker, clq_chunk *chunk)
{
    const uint64_t size = chunker->channels * chunker->inner;
    uint64_t units;
    if (chunker->outer == 1 || chunker->position % size != 0) {
        return 0;
    }
    units = whole_units(chunker, size, (band_of_next(chunker).end - chunker->position) / size);
    if (units == 0) {
        return 0;
    }
    chunk->count = units * size;
    chunk->parameters = chunker->channels;
    chunk->layout.rank = 3;
    chunk->layout.shape[0] = units;
    chunk->layout.shape[1] = chunker->channels;
    chunk->layout.shape[2] = chunker->inner;
    chunk->layout.granularity = CLQ_PER_CHANNEL;
    chunk->layout.axis = 1;
    return 1;
}

/* Whole channels, or whole rows with all their groups, not beyond one row of outer. */
static int cut_channels(const clq_chunker *chunker, clq_chunk *chunk)
{
    const uint64_t row = chunker->position / chunker->inner;
    uint64_t units;
    if (chunker->channels == 1 || chunker->position % chunker->inner != 0) {
        return 0;
    }
    units = whole_units(chunker, chunker->inner, chunker->channels - row % chunker->channels);
    if (units == 0) {
        return 0;
    }
    chunk->count = units * chunker->inner;
    chunk->parameters = units * chunker->runs;
    chunk->layout.rank = 2;
    chunk->layout.shape[0] = units;
    chunk->layout.shape[1] = chunker->inner;
    chunk->layout.granularity =
        chunker->runs > 1 || chunker->whole.granularity == CLQ_PER_GROUP ? CLQ_PER_GROUP : CLQ_PER_CHANNEL;
    chunk->layout.axis = 0;
    chunk->layout.group_size = chunker->run;
    return 1;
}

/* Whole groups inside a row; the last of the row may be short. */
static int cut_groups(const clq_chunker *chunker, clq_chunk *chunk)
{
    const uint64_t within = chunker->position % chunker->inner;
    uint64_t units;
    if (chunker->runs == 1 || within % chunker->run != 0) {
        return 0;
    }
    units = whole_units(chunker, chunker->run, chunker->runs - within / chunker->run);
    if (units == 0) {
        return 0;
    }
    chunk->count = clq_size_min(units * chunker->run, chunker->inner - within);
    chunk->parameters = units;
    chunk->layout.rank = 1;
    chunk->layout.shape[0] = chunk->count;
    chunk->layout.granularity = CLQ_PER_GROUP;
    chunk->layout.group_size = chunker->run;
    return 1;
}

int clq_chunker_next(clq_chunker *chunker, clq_chunk *chunk)
{
    const uint64_t position = chunker->position;
    if (position >= chunker->elements) {
        return 0;
    }
    memset(chunk, 0, sizeof *chunk);
    chunk->first = position;
    if (position == 0 && chunker->elements <= chunker->limit) {
        chunk->count = chunker->elements;
        chunk->parameters = chunker->parameters;
        chunk->layout = chunker->whole;
    } else {
        chunk->first_parameter = clq_chunk_parameter_of(chunker, position);
        if (!cut_bands(chunker, chunk) && !cut_outer(chunker, chunk) && !cut_channels(chunker, chunk) &&
            !cut_groups(chunker, chunk)) {
            const uint64_t within = position % chunker->inner;
            const uint64_t end = clq_size_min((within / chunker->run + 1) * chunker->run, chunker->inner);
            cut_inside(chunker, end - within, chunk);
        }
    }
    chunker->position += chunk->count;
    return 1;
}

void clq_nibbles_join(uint8_t *memory, uint64_t count, uint8_t before)
{
    uint8_t carry = before & 0x0F;
    for (uint64_t i = 0; i < count / 2 + 1; i++) {
        const uint8_t byte = i < (count + 1) / 2 ? memory[i] : 0;
        memory[i] = (uint8_t)(carry | (uint8_t)(byte << 4));
        carry = byte >> 4;
    }
}

void clq_nibbles_split(uint8_t *memory, uint64_t count)
{
    const uint64_t bytes = (count + 1) / 2;
    const uint64_t stored = count / 2 + 1;
    for (uint64_t i = 0; i < bytes; i++) {
        const uint8_t next = i + 1 < stored ? memory[i + 1] : 0;
        memory[i] = (uint8_t)(memory[i] >> 4 | (uint8_t)(next << 4));
    }
    if (count % 2 != 0) {
        memory[bytes - 1] &= 0x0F;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a tensor of any size into chunks that are tensors themselves: each chunk is a contiguous run of elements with
 * a layout of its own and a contiguous run of the whole's parameters, so that an operation on the chunk with those
 * parameters does what the operation on the whole would have done there.
 *
 * Pure functions: nothing is read or allocated.
 */
#ifndef CLQ_HOST_STREAM_CHUNK_H
#define CLQ_HOST_STREAM_CHUNK_H

#include "core/layout.h"

typedef struct clq_chunk {
    uint64_t first; /* flat index of the chunk's first element in the whole tensor */
    uint64_t count; /* elements, at least 1 */
    clq_layout layout;
    uint64_t first_parameter; /* index of the chunk's first parameter in the whole */
    uint64_t parameters;
} clq_chunk;

/*
 * The whole seen as outer x channels x inner: flat = (o * channels + c) * inner + i. Elements share a parameter along
 * `inner` in runs of `run`; a row of `inner` has `runs` of them, the last perhaps shorter:
 *
 *     per tensor    1 x 1 x n          run = n
 *     per channel   outer x C x inner  run = inner, parameter c
 *     per group     1 x rows x K       run = group size, parameter row * ceil(K/g) + group
 *     per block     outer x inner x 1  run = 1, parameter c of each band of `outer` (core/layout.h)
 */
typedef struct clq_chunker {
    clq_layout whole;
    clq_geometry geometry; /* of it */
    uint64_t elements, parameters;
    uint64_t outer, channels, inner;
    uint64_t run, runs;
    uint64_t limit;    /* most elements in a chunk */
    uint64_t position; /* first element of the next chunk */
} clq_chunker;

/*
 * Start cutting `layout` into chunks of at most `limit` elements (at least 1). CLQ_INVALID_ARGUMENT for a layout that
 * clq_layout_count refuses.
 */
clq_status clq_chunker_init(clq_chunker *chunker, const clq_layout *layout, uint64_t limit, clq_error *error);

/*
 * The next chunk in the order of the elements; 0 after the last. A tensor within the limit is one chunk with its own
 * layout. Larger ones are cut between whole channels, groups or bands where one fits the limit, else inside one. A
 * chunk starts at an even element whenever such a cut allows it; where it cannot (an odd number of elements in a
 * channel or a group), packed 4-bit codes have to be shifted by one nibble: clq_nibbles_join, clq_nibbles_split.
 */
int clq_chunker_next(clq_chunker *chunker, clq_chunk *chunk);

/*
 * Whether each chunk holds all elements of its parameters, so that a chunk's ranges are those of the whole: channels,
 * groups or bands that fit a chunk, or a tensor that is one chunk.
 */
int clq_chunks_are_final(const clq_chunker *chunker);

/* The parameter that serves element `index` of a layout; the rule that all chunks keep. */
uint64_t clq_chunk_parameter_of(const clq_chunker *chunker, uint64_t index);

/* Elements in a row that share a parameter. */
typedef struct clq_chunk_run {
    uint64_t parameter;
    size_t count;
} clq_chunk_run;

/* Those from element `first` of a layout on, at most `left`. */
static inline clq_chunk_run clq_chunk_run_at(const clq_chunker *chunker, uint64_t first, size_t left)
{
    const uint64_t column = first % chunker->inner;
    const uint64_t run = column / chunker->run;
    const uint64_t run_end = run + 1 == chunker->runs ? chunker->inner : (run + 1) * chunker->run;
    clq_chunk_run found;
    found.parameter = clq_chunk_parameter_of(chunker, first);
    found.count = run_end - column < left ? (size_t)(run_end - column) : left;
    return found;
}

/*
 * Packed 4-bit codes, the even element in the low nibble.
 *
 * clq_nibbles_join: codes[0..count) of a chunk, packed from its own first element, become those of a stream in which
 * the chunk starts at an odd element: `memory` has ceil((count + 1) / 2) bytes, and the low nibble of the first byte is
 * set to `before`, the code that came last.
 *
 * clq_nibbles_split undoes it: drops the first nibble, so that `count` codes start at the low nibble of the first byte.
 */
void clq_nibbles_join(uint8_t *memory, uint64_t count, uint8_t before);
void clq_nibbles_split(uint8_t *memory, uint64_t count);

#endif

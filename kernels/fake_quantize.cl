/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_quantize: y[i] = real of (code of x[i]), in one pass, byte for byte what clq_reference_fake_quantize gives.
 *   source  x  n elements of REAL
 *   target  y  n elements of REAL; may be x itself: each block is read before it is written, by one work-item
 *   mode, qmin, qmax: kernels/code.clh
 */
#include "code.clh"

#define source_t real_t
#define target_t real_t
#define SOURCE_INDEX(i) (i)
#define TARGET_INDEX(i) (i)
#define value_t realv
#define result_t realv
#define load_block(p) VLOAD(0, p)
#define source_vector realv
#define load_block_aligned(p) load_reals(p, 1)
#define load_block_part(p, count) load_real_part(p, count)
#define load_block_at(source, i) VLOAD(0, (source) + (i))
#define load_block_part_at(source, i, count) load_real_part((source) + (i), count)
#define store_block(p, r) VSTORE(r, 0, p)
#define target_vector realv
#define store_block_aligned(p, r) (*(__global realv *)(p) = (r))
#define store_block_part(p, r, count) store_real_part(p, r, count)
#define load_block_apart(p, step, count) load_real_apart(p, step, count)
#define store_block_apart(p, r, step, count) store_real_apart(p, r, step, count)
#define map_t code_map
#define MAPS_OF(call, scales, zero_points) code_maps_of(scales, zero_points, (call)->mode, (call)->qmin, (call)->qmax)
#define map_splat code_map_splat
#define map_mix code_map_mix
#define IS_WIDE(map) ((map).wide)
#define APPLY(call, v, map)                                                                                            \
    reals_again(codes_of_any(float_of_real(v), map, (call)->mode, (call)->qmin, (call)->qmax), map)
#define APPLY_FAST(v, map) reals_again(codes_of(float_of_real(v), map, 0), map)
#define buffered_t real_t
#define BUFFER(p, r) BUFFER_REALS(p, r)
#define TARGET_ELEMENTS(bytes) REALS_IN(bytes)
#define flush_buffer(target, buffer, count, stream) flush_reals(target, buffer, count, stream)
#define STRIP_KERNEL fake_quantize_strip
#define GRID_KERNEL fake_quantize_grid
#define COLUMNS_KERNEL fake_quantize_columns
#define RUNS_KERNEL fake_quantize_runs

static inline realv reals_again(intv codes, const code_map *map)
{
    return real_of_float(reals_of(codes, map->scale, map->zero_point));
}

#include "walk.clh"

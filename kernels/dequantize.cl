/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dequantize: y[i] = S * (codes[i] - Z), byte for byte what clq_reference_dequantize gives.
 *   source  codes  n elements of CODE_BITS, CODE_SIGNED
 *   target  y      n elements of REAL
 *   mode, qmin and qmax are not used
 */
#include "code.clh"

#define source_t code_t
#define target_t real_t
#define SOURCE_INDEX(i) CODE_INDEX(i)
#define TARGET_INDEX(i) (i)
#define value_t intv
#define result_t realv
#define load_block(p) load_codes(p)
#define source_vector codev
#define load_block_aligned(p) load_codes_aligned(p)
#define load_block_part(p, count) load_codes_part(p, count)
#define load_block_at(source, i) load_codes_at(source, i)
#define load_block_part_at(source, i, count) load_codes_part_at(source, i, count)
#define store_block(p, r) VSTORE(r, 0, p)
#define target_vector realv
#define store_block_aligned(p, r) (*(__global realv *)(p) = (r))
#define store_block_part(p, r, count) store_real_part(p, r, count)
#define load_block_apart(p, step, count) load_codes_apart(p, step, count)
#define store_block_apart(p, r, step, count) store_real_apart(p, r, step, count)
#define map_t real_map
#define MAPS_OF(call, scales, zero_points) real_maps_of(scales, zero_points)
#define map_splat real_map_splat
#define map_mix real_map_mix
#define IS_WIDE(map) 0
#define APPLY(call, v, map) APPLY_FAST(v, map)
#define APPLY_FAST(v, map) real_of_float(reals_of(v, (map)->scale, (map)->zero_point))
#define buffered_t real_t
#define BUFFER(p, r) BUFFER_REALS(p, r)
#define TARGET_ELEMENTS(bytes) REALS_IN(bytes)
#define flush_buffer(target, buffer, count, stream) flush_reals(target, buffer, count, stream)
#define STRIP_KERNEL dequantize_strip
#define GRID_KERNEL dequantize_grid
#define COLUMNS_KERNEL dequantize_columns
#define RUNS_KERNEL dequantize_runs

#include "walk.clh"

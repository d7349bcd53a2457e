/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize: codes[i] = code of x[i] with its parameter, byte for byte what clq_reference_quantize gives.
 *   source  x      n elements of REAL
 *   target  codes  n elements of CODE_BITS, CODE_SIGNED
 *   mode, qmin, qmax: kernels/code.clh
 */
#include "code.clh"

#define source_t real_t
#define target_t code_t
#define SOURCE_INDEX(i) (i)
#define TARGET_INDEX(i) CODE_INDEX(i)
#define value_t realv
#define result_t intv
#define load_block(p) VLOAD(0, p)
#define source_vector realv
#define load_block_aligned(p) load_reals(p, 1)
#define load_block_part(p, count) load_real_part(p, count)
#define load_block_at(source, i) VLOAD(0, (source) + (i))
#define load_block_part_at(source, i, count) load_real_part((source) + (i), count)
#define store_block(p, r) store_codes(p, r)
#define target_vector codev
#define store_block_aligned(p, r) store_codes_aligned(p, r)
#define store_block_part(p, r, count) store_codes_part(p, r, count)
#define load_block_apart(p, step, count) load_real_apart(p, step, count)
#define store_block_apart(p, r, step, count) store_codes_apart(p, r, step, count)
#define map_t code_map
#define MAPS_OF(call, scales, zero_points) code_maps_of(scales, zero_points, (call)->mode, (call)->qmin, (call)->qmax)
#define map_splat code_map_splat
#define map_mix code_map_mix
#define IS_WIDE(map) ((map).wide)
#define APPLY(call, v, map) codes_of_any(float_of_real(v), map, (call)->mode, (call)->qmin, (call)->qmax)
#define APPLY_FAST(v, map) codes_of(float_of_real(v), map, 0)
#define buffered_t buffered_code
#define BUFFER(p, r) BUFFER_CODES(p, r)
#define TARGET_ELEMENTS(bytes) CODES_IN(bytes)
#define flush_buffer(target, buffer, count, stream) flush_codes((__global uchar *)(target), buffer, count, stream)
#define STRIP_KERNEL quantize_strip
#define GRID_KERNEL quantize_grid
#define COLUMNS_KERNEL quantize_columns
#define RUNS_KERNEL quantize_runs

#include "walk.clh"

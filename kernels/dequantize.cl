/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dequantize: y[i] = S * (codes[i] - Z), byte for byte what clq_reference_dequantize gives.
 *   source  codes  n elements of CODE_BITS, CODE_SIGNED
 *   target  y      n elements of REAL
 *   mode, qmin and qmax are not used
 */
#include "code.clh"

typedef struct real_map {
    floatv scale;
    intv zero_point;
} real_map;

static inline real_map real_map_of(float scale, int zero_point, int mode, int qmin, int qmax)
{
    real_map map;
    map.scale = (floatv)(scale);
    map.zero_point = (intv)(zero_point);
    return map;
}

static inline void real_map_mix(real_map *map, const real_map *other, intv mask)
{
    map->scale = select(map->scale, other->scale, mask);
    map->zero_point = select(map->zero_point, other->zero_point, mask);
}

#define source_t code_t
#define target_t real_t
#define SOURCE_INDEX(i) CODE_INDEX(i)
#define TARGET_INDEX(i) (i)
#define value_t intv
#define result_t realv
#define load_block(p) load_codes(p)
#define load_block_part(p, count) load_codes_part(p, count)
#define store_block(p, r) VSTORE(r, 0, p)
#define stream_block(p, r) STREAM_STORE(r, (__global realv *)(p))
#define stored_t realv
#define store_block_part(p, r, count) store_real_part(p, r, count)
#define map_t real_map
#define map_of real_map_of
#define map_mix real_map_mix
#define IS_WIDE(map) 0
#define APPLY_FAST(v, map, away) apply(v, map, 0, 0, 0)
#define STRIP_KERNEL dequantize_strip
#define GRID_KERNEL dequantize_grid
#define COLUMNS_KERNEL dequantize_columns

static inline realv apply(intv v, const real_map *map, int mode, int qmin, int qmax)
{
    return real_of_float(reals_of(v, map->scale, map->zero_point));
}

#include "walk.clh"

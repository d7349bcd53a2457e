/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_quantize: y[i] = real of (code of x[i]), in one pass, byte for byte what clq_reference_fake_quantize gives.
 *   source  x  n elements of REAL
 *   target  y  n elements of REAL; may be x itself: each block is read before it is written, by one work-item
 *   mode, qmin, qmax: kernels/code.clh
 */
#include "code.clh"

/* The scale itself joins the map, for the way back. */
typedef struct fake_map {
    code_map code;
    floatv scale;
} fake_map;

static inline fake_map fake_map_of(float scale, int zero_point, int mode, int qmin, int qmax)
{
    fake_map map;
    map.code = code_map_of(scale, zero_point, mode, qmin, qmax);
    map.scale = (floatv)(scale);
    return map;
}

static inline void fake_map_mix(fake_map *map, const fake_map *other, intv mask)
{
    code_map_mix(&map->code, &other->code, mask);
    map->scale = select(map->scale, other->scale, mask);
}

#define source_t real_t
#define target_t real_t
#define SOURCE_INDEX(i) (i)
#define TARGET_INDEX(i) (i)
#define value_t realv
#define result_t realv
#define load_block(p) VLOAD(0, p)
#define load_block_part(p, count) load_real_part(p, count)
#define store_block(p, r) VSTORE(r, 0, p)
#define stream_block(p, r) STREAM_STORE(r, (__global realv *)(p))
#define stored_t realv
#define store_block_part(p, r, count) store_real_part(p, r, count)
#define map_t fake_map
#define map_of fake_map_of
#define map_mix fake_map_mix
#define IS_WIDE(map) ((map).code.wide)
#define APPLY_FAST(v, map, away)                                                                                       \
    real_of_float(reals_of(codes_of(float_of_real(v), &(map)->code, away), (map)->scale, (map)->code.zero_point))
#define STRIP_KERNEL fake_quantize_strip
#define GRID_KERNEL fake_quantize_grid
#define COLUMNS_KERNEL fake_quantize_columns

static inline realv apply(realv v, const fake_map *map, int mode, int qmin, int qmax)
{
    const intv codes = codes_of_any(float_of_real(v), &map->code, mode, qmin, qmax);
    return real_of_float(reals_of(codes, map->scale, map->code.zero_point));
}

#include "walk.clh"

/* SPDX-License-Identifier: Apache-2.0 */
/* How large the tiles of a product are, and which heights of products need programs of their own. */
#ifndef CLQ_HOST_OPENCL_CHOICE_GEMM_TILE_H
#define CLQ_HOST_OPENCL_CHOICE_GEMM_TILE_H

#include "opencl/choice/gemm.h"

/* From so many rows on tiles of 8 never waste an eighth less than tiles of 12 do: all are as high. */
enum { CLQ_GEMM_SAME_TILES_FROM = 88 };

/* Of tiles that a work-group makes: that of all variants but those of matrices, and the lesser one of theirs; rows of
 * such a lesser one for products of few. */
enum { CLQ_GEMM_LEAST_EDGE = 64, CLQ_GEMM_LOW_ROWS = 32 };

/* Of cpu-amx, whose one program makes what rows there are of a tile. */
enum { CLQ_GEMM_AMX_ROWS = 32 };

/* Rows of a tile in registers, 0 where work-groups make tiles. */
uint32_t clq_cl_gemm_tile_rows(const clq_cl_tuning *tuning, clq_variant variant, uint64_t m);

/* Those of work-groups: as many rows as columns, but where a product has few; and which of the variant's programs. */
typedef struct clq_gemm_tile {
    uint32_t rows, columns, place;
} clq_gemm_tile;

clq_gemm_tile clq_cl_gemm_tile_of(const clq_context *context, const clq_cl_tuning *tuning, clq_variant variant,
                                  const clq_gemm_problem *p);

/* Whether a work-group of the variant makes tiles by an instruction that multiplies matrices. */
int clq_cl_gemm_is_of_matrices(clq_variant variant);

/* Work-items that make such a tile of that edge together; 0: the variant has none. */
uint32_t clq_cl_gemm_matrix_items(clq_variant variant, uint32_t edge);

/* Whether the variant has a kernel that adds groups along K up itself, in tiles of that height where work-groups make
 * them. */
int clq_cl_gemm_can_fuse(clq_variant variant, uint32_t tile_height);

/* A height of a product for which the same program multiplies, with a ragged last tile where there can be one. */
uint64_t clq_cl_gemm_trial_rows(const clq_gemm_decision *decision);

/* One of less than a tile; 0: the tile is not so high that it would be any quicker. */
uint64_t clq_cl_gemm_trial_rows_of_part_of_tile(const clq_gemm_decision *decision);

/* One of a whole tile alone; 0: the program is not made for any, or work-groups make tiles. */
uint64_t clq_cl_gemm_trial_rows_of_whole_tiles(const clq_gemm_decision *decision);

/* One of more tiles than go together over a panel (kernels/gemm_walk.clh); 0: the program never has as many. */
uint64_t clq_cl_gemm_trial_rows_of_many_tiles(const clq_gemm_decision *decision);

/* The least height above `m` whose product may need another program than those below; UINT64_MAX: none. */
uint64_t clq_cl_gemm_next_rows(uint64_t m);

#endif

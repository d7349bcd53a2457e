/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of one launch of a gemm kernel, passed by value: read by the kernels and by the host
 * (host/opencl/launch/gemm*.c). 64-bit members first, so that all compilers lay it out alike.
 *
 * The product as the kernels see it, with a' = a + a_code_offset and b' = b - (0 for s8 and s4, 128 for u8, 8 for u4),
 * both of at most 8 bits:
 *
 *     acc[m,n] = sum_k a'[m,k] b'[k,n] + bias[n] - Za'[m] * S[n] - Zb'[n] * R'[m]       modulo 2^32
 *     Za' = Za + a_code_offset             Zb' = Zb - (0, 128 or 8)
 *     S[n] = sum_k b'[k,n] - K * Zb'[n]    R'[m] = sum_k a'[m,k]
 *
 * S and Zb' come with the packed panels; R' from the sums of A's codes: R' = R + K * a_code_offset.
 *
 * Where parts of K share scales (`k_group`, a multiple of 4 unless there is one part), each part is a slice of K with
 * S, Zb' and R' of its own, and K above is its length.
 */
#ifndef CLQ_GEMM_CALL_H
#define CLQ_GEMM_CALL_H

#include "shared.h"

/* Columns in a panel of packed B, and consecutive k in one 32-bit word of it. */
#define PANEL_COLUMNS 32
#define GROUP_DEPTH 4

/* Of B of 4-bit codes a word holds so many groups of four k: the first in the low halves of its bytes. */
#define NIBBLE_GROUPS 2

/* How many values a parameter has: as clq_gemm_values. */
#define VALUES_ABSENT 0
#define VALUES_PER_TENSOR 1
#define VALUES_PER_ROW 2
#define VALUES_PER_COLUMN 3
#define VALUES_PER_GROUP 4

/* `output`: what becomes of an accumulator. PARTIAL: a sum over a part of K, without corrections. */
#define OUTPUT_S32 0
#define OUTPUT_F32 1
#define OUTPUT_DOUBLE 2
#define OUTPUT_SINGLE 3
#define OUTPUT_SHIFT 4
#define OUTPUT_FLOAT 5
#define OUTPUT_PARTIAL 6
#define OUTPUT_SINGLE_AWAY 7
#define OUTPUT_DOUBLE_UP 8
#define OUTPUT_F16 9
#define OUTPUT_BF16 10

typedef struct gemm_call {
    /* A's codes (bytes): a_offset + z * a_batch + m * a_row + k. Packed in tiles, 32-bit words: a_offset + z * a_batch
     * + tile * a_row. */
    call_u64 a_offset, a_row, a_batch;
    /* Words (of 4 codes) of the panels: b_offset + z * b_batch + ((panel * groups) + group) * 32 + column; words of 8
     * codes, for kernels that read 4-bit ones: with pairs of groups in their place. */
    call_u64 b_offset, b_batch;
    /* S at columns_offset + z * columns_batch + part * 32 * panels + n, Zb' at the same place + columns_zero_points
     * (32-bit elements). */
    call_u64 columns_offset, columns_batch, columns_zero_points;
    /* Elements of C: c_offset + z * c_batch + m * c_row + n. */
    call_u64 c_offset, c_row, c_batch;
    /* Parameters, in 32-bit elements. */
    call_u64 a_zero_point_offset, c_zero_point_offset, a_sums_offset, bias_offset;
    call_u64 a_scale_offset, b_scale_offset, multiplier_offset, shift_offset;
    /* Partial sums: slice s of batch z at partial_offset + ((s * batch + z) * m + row) * n + column. */
    call_u64 partial_offset;
    /* With k_group, y of what was summed so far: at reals_offset + (batch * m + row) * n + column. */
    call_u64 reals_offset;
    call_u32 m, n, k, batch;
    call_u32 groups; /* k / GROUP_DEPTH, rounded up */
    /* From one batch's values per row to the next's: m where A has batches of its own, else 0; likewise n for B. */
    call_u32 a_values_batch, b_values_batch;
    call_u32 slices, slice_groups;      /* K is cut into `slices` of `slice_groups` groups, of which this launch */
    call_u32 first_slice;               /* has those from first_slice on */
    call_u32 parts, k_group;            /* of K that share scales, of all slices; and k in each but the last */
    call_u32 begins, ends;              /* whether y begins at 0, and whether it is done then */
    call_u32 tiles_per_item, row_block; /* the walk of gemm_walk.clh */
    call_u32 output;
    call_u32 a_zero_point, a_scale, b_scale, multiplier, bias, c_zero_point; /* VALUES_* */
    call_u32 needs_sums;                                                     /* some Zb' may differ from 0 */
    call_i32 a_code_offset;
    call_u32 a_is_signed; /* as A is: cpu-amx takes a' of either, a_code_offset 0 */
    call_u32 a_flip;      /* 0x80808080 where a' = a + 128 or a - 128, else 0 */
    call_i32 minimum, maximum;
    call_f32 real_minimum, real_maximum;
    /* In a table of products that share a launch: work-groups along the first and the second dimension of a launch of
     * its own, and where those of this product end among all. An even number of words in all: with padding at the end
     * Mesa 22.3 takes the size without it for that of the argument. */
    call_u32 across, down, end;
} gemm_call;

#define GEMM_CALL_BYTES (21 * 8 + 34 * 4)
typedef char gemm_call_is_not_padded[sizeof(gemm_call) == GEMM_CALL_BYTES ? 1 : -1];

#endif

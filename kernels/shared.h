/* SPDX-License-Identifier: Apache-2.0 */
/* What both sides of a launch count on: types of the same size, and constants. The kernels and the host include it. */
#ifndef CLQ_SHARED_H
#define CLQ_SHARED_H

#ifdef __OPENCL_C_VERSION__
typedef ulong call_u64;
typedef uint call_u32;
typedef int call_i32;
typedef float call_f32;
#else
typedef cl_ulong call_u64;
typedef cl_uint call_u32;
typedef cl_int call_i32;
typedef cl_float call_f32;
#endif

/* The build option REAL. */
#define REAL_F32 32
#define REAL_F16 16  /* stored as ushort */
#define REAL_BF16 17 /* likewise */

/* The build option VARIANT: which of a file's kernels to build. */
#define VARIANT_ANY 0
#define VARIANT_STRIP 1
#define VARIANT_GRID 2
#define VARIANT_COLUMNS 3
#define VARIANT_NONE 4
#define VARIANT_RUNS 5

/* Bits of `mode`. */
#define MODE_ROUND_AWAY 1
#define MODE_ZERO_POINT_BEFORE 2
#define MODE_RECIPROCAL 4
#define MODE_STREAM 8 /* the result does not fit a cache */

/* Fields of a scheme: as in clquant/scheme.h. */
#define RULE_FIXED 0
#define RULE_FROM_MAX 1
#define RULE_FROM_MIN 2
#define RULE_LESSER_ERROR 3
#define RULE_FROM_QUOTIENT 4
#define PRECISION_DOUBLE 0
#define PRECISION_SINGLE 2
#define DEGENERATE_UNIT_SCALE 0
#define DEGENERATE_UNIT_WIDTH 1

/* Counters of a histogram in scratch memory: one more than bins, in whole cache lines; and sets of them. */
#define HISTOGRAM_BINS 2048        /* of magnitudes */
#define HISTOGRAM_SIGNED_BINS 4096 /* of numbers with their sign */
#define HISTOGRAM_STRIDE(bins) ((bins) + 16)
#define HISTOGRAM_COPIES 2
/* Sets of them in local memory, of which the grid's kernel needs so much; either kind of bins has about as much. */
#define HISTOGRAM_SETS(bins) (2 * HISTOGRAM_BINS / (bins))
#define HISTOGRAM_LOCAL_BYTES(bins) (HISTOGRAM_SETS(bins) * HISTOGRAM_STRIDE(bins) * 4)
/* What the kernel of columns takes of it where there is as much, and for how many channels that has counters. */
#define HISTOGRAM_GROUP_BYTES 32768
#define HISTOGRAM_GROUP_CHANNELS(bins) (HISTOGRAM_GROUP_BYTES / ((bins)*4))

#endif

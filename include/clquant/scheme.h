/* SPDX-License-Identifier: Apache-2.0 */
/* How a tensor is quantized, and what follows from that without a device: scales, zero points, fixed point. */
#ifndef CLQUANT_SCHEME_H
#define CLQUANT_SCHEME_H

#include <clquant/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The type of an element. */
typedef enum clq_dtype {
    CLQ_F32 = 1,  /* IEEE single precision */
    CLQ_F16 = 2,  /* IEEE half precision */
    CLQ_BF16 = 3, /* the upper half of an f32 */
    CLQ_S8 = 10,  /* two's complement, as all signed ones */
    CLQ_U8 = 11,  /* 0 to 255 */
    CLQ_S4 = 12,  /* two in a byte, the element with the even index in the low nibble */
    CLQ_U4 = 13,  /* likewise */
    CLQ_S16 = 14, /* in the byte order of the machine, as all wider ones */
    CLQ_U16 = 15, /* 0 to 65535 */
    CLQ_S32 = 16  /* of products alone */
} clq_dtype;

CLQ_API const char *clq_dtype_name(clq_dtype dtype); /* "f32", "s8", ...; "?" for no dtype */
CLQ_API uint32_t clq_dtype_bits(clq_dtype dtype);    /* bits of one element; 0 for no dtype */

/* Bytes that hold `count` elements (a last half byte counts as one); UINT64_MAX when that overflows. */
CLQ_API uint64_t clq_dtype_bytes(clq_dtype dtype, uint64_t count);

/* Blocks of GGUF: 32 elements of a row and their scale, a half (docs/numerics.md, section 11). */
typedef enum clq_block_type {
    CLQ_BLOCK_NONE = 0, /* no blocks */
    CLQ_BLOCK_Q8_0 = 1, /* 34 bytes: codes of 8 bits */
    CLQ_BLOCK_Q4_0 = 2  /* 18 bytes: codes of 4 bits */
} clq_block_type;

/* How many elements share one scale and zero point. */
typedef enum clq_granularity {
    CLQ_PER_TENSOR = 0,  /* all of the tensor's */
    CLQ_PER_CHANNEL = 1, /* one parameter for each index of `axis` */
    CLQ_PER_GROUP = 2,   /* `group_size` consecutive elements of the last axis; the last group of a row may be short */
    CLQ_PER_BLOCK = 3 /* groups along any axis: `group_size` consecutive indices of `axis`, the last ones perhaps fewer;
                         the parameters have the tensor's shape with ceil(dimension / group_size) at the axis, as in
                         blocked QuantizeLinear of ONNX. Along the last axis it is CLQ_PER_GROUP */
} clq_granularity;

CLQ_API const char *clq_granularity_name(clq_granularity granularity); /* "channel"; "?" for none */

/* Dimensions that a tensor can have. */
enum { CLQ_MAX_RANK = 8 };

/* The shape of a row-major tensor and which parameter serves which element. Rank 0 is one element. A part of
 * clq_quantization, whose struct_size tells of its size too. */
typedef struct clq_layout {
    uint32_t rank;                /* 0 to CLQ_MAX_RANK */
    uint64_t shape[CLQ_MAX_RANK]; /* the first `rank` count; without strides the last is that of neighbours in memory */
    clq_granularity granularity;  /* (default CLQ_PER_TENSOR) */
    uint32_t axis;                /* CLQ_PER_CHANNEL, CLQ_PER_BLOCK: 0 to rank-1 (default 0) */
    uint64_t group_size;          /* CLQ_PER_GROUP, CLQ_PER_BLOCK: at least 1 (default 128) */
} clq_layout;

/*
 * Where the elements of a tensor lie, in elements of what is stored there, from the operand's offset on: element
 * (i0, i1, ...) at the sum of its indices times the strides. Zeroed: one after the other, without gaps. What lies
 * between them is neither read for a result nor written. Shape, parameters, flat indices (clq_nonfinite) and bytes of
 * results do not depend on it.
 *
 *     columns of an image: shape {rows, columns}, stride {elements from row to row, 1}
 *     NHWC as NCHW:        shape {n, c, h, w}, stride {h*w*c, 1, w*c, c}
 *     NC4HW4:              shape {n, c, h, w}, axis 1, block 4; the strides may stay 0
 *
 * In blocks: index i of `axis` lies at i / block * stride[axis] + i % block * lane. The last block may be ragged: the
 * lanes beyond the shape belong to no element. With all strides 0 blocks are the innermost dimension of a dense tensor.
 *
 * Strides of dimensions with more than one element are at least 1, and nested, in whatever order: each is at least as
 * large as what all smaller ones span, so that no two elements share a place. 4-bit codes: the last dimension has
 * stride 1 and an even number of elements, all other strides are even, and there are no blocks.
 */
typedef struct clq_strides {
    uint64_t stride[CLQ_MAX_RANK]; /* of the first `rank` dimensions; all 0: dense */
    uint32_t axis;                 /* the dimension in blocks */
    uint32_t block;                /* indices of a block; 0 and 1: there are none */
    uint64_t lane;                 /* from one index of a block to the next; not used where all strides are 0 */
} clq_strides;

/* How a quotient becomes an integer. */
typedef enum clq_rounding {
    CLQ_ROUND_EVEN = 0, /* to nearest, ties to even */
    CLQ_ROUND_AWAY = 1  /* to nearest, ties away from zero */
} clq_rounding;

/* Whether the zero point is added after or before rounding. */
typedef enum clq_zero_point_order {
    CLQ_ZERO_POINT_AFTER = 0, /* clamp(round(x/S) + Z) */
    CLQ_ZERO_POINT_BEFORE = 1 /* clamp(round(x/S + Z)) */
} clq_zero_point_order;

/* How x/S is computed. */
typedef enum clq_arithmetic {
    CLQ_DIVIDE = 0,    /* x/S is the correctly rounded f32 quotient */
    CLQ_RECIPROCAL = 1 /* x * (1/S), each rounded to f32 */
} clq_arithmetic;

/* Named schemes; docs/numerics.md gives the formula and the source of each. */
typedef enum clq_preset {
    CLQ_PRESET_AFFINE = 0,                         /* the range as it is, a zero point */
    CLQ_PRESET_AFFINE_U8 = 1,                      /* in u8, the zero point cut off after the point */
    CLQ_PRESET_SCALE_ONLY = 2,                     /* no zero point */
    CLQ_PRESET_SYMMETRIC = 3,                      /* TensorRT; TFLite weights */
    CLQ_PRESET_CENTERED_U8 = 4,                    /* symmetric around 128 */
    CLQ_PRESET_SNPE = 5,                           /* Qualcomm's */
    CLQ_PRESET_ONNX = 6,                           /* QuantizeLinear and DynamicQuantizeLinear */
    CLQ_PRESET_TFLITE = 7,                         /* activations of LiteRT */
    CLQ_PRESET_TORCH = 8,                          /* its observers */
    CLQ_PRESET_COMPRESSED_TENSORS = 9,             /* its symmetric form */
    CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC = 10, /* its other form */
    CLQ_PRESET_COUNT = 11                          /* how many there are */
} clq_preset;

/* How the zero point follows from the range. */
typedef enum clq_zero_point_rule {
    CLQ_ZERO_POINT_FIXED = 0,        /* zero_point_fixed */
    CLQ_ZERO_POINT_FROM_MAX = 1,     /* qmax - hi/S */
    CLQ_ZERO_POINT_FROM_MIN = 2,     /* qmin - lo/S */
    CLQ_ZERO_POINT_LESSER_ERROR = 3, /* of those two the one with the smaller rounding error (TFLite) */
    CLQ_ZERO_POINT_FROM_QUOTIENT = 4 /* qmin - round(lo/S): rounds before it subtracts (PyTorch) */
} clq_zero_point_rule;

/* How a zero point becomes an integer. */
typedef enum clq_zero_point_rounding {
    CLQ_ZERO_POINT_ROUND_EVEN = 0, /* to nearest, ties to even */
    CLQ_ZERO_POINT_ROUND_AWAY = 1, /* to nearest, ties away from zero */
    CLQ_ZERO_POINT_TRUNCATE = 2    /* towards zero */
} clq_zero_point_rounding;

/* Arithmetic in which scale and zero point are computed; both end as f32 and int32. */
typedef enum clq_parameter_precision {
    CLQ_PARAMETERS_DOUBLE = 0,       /* everything in double */
    CLQ_PARAMETERS_SCALE_SINGLE = 1, /* the scale in f32, the zero point in double from that scale */
    CLQ_PARAMETERS_SINGLE = 2        /* everything in f32; but qmin - round(lo/S) (FROM_QUOTIENT) is exact, of integers,
                                        and lo + minimum_width, sums and differences of LESSER_ERROR are double */
} clq_parameter_precision;

/* What a range without width, or with nothing but zero in it, becomes. */
typedef enum clq_degenerate {
    CLQ_DEGENERATE_UNIT_SCALE = 0,   /* zero: S = 1, Z = zero_point_fixed; a constant is widened to hold 0 */
    CLQ_DEGENERATE_UNIT_WIDTH = 1,   /* zero: hi - lo is taken as 1 (ONNX reference) */
    CLQ_DEGENERATE_MINIMUM_SCALE = 2 /* nothing special: minimum_scale or minimum_width catches it */
} clq_degenerate;

/*
 * A numeric scheme: every choice that decides a byte. clq_scheme_from_preset fills one in; each field may
 * then be changed by itself.
 */
typedef struct clq_scheme {
    uint32_t struct_size;                  /* sizeof(clq_scheme), set by clq_scheme_from_preset */
    clq_dtype dtype;                       /* quantized type: s8, u8, s4, u4, s16 or u16 */
    int32_t qmin, qmax;                    /* codes used, within the type: qmin < qmax */
    clq_rounding rounding;                 /* of codes */
    clq_zero_point_order zero_point_order; /* likewise */
    clq_arithmetic arithmetic;             /* likewise */
    /* How parameters follow from a range [lo, hi]: */
    int32_t symmetric;                           /* not 0: hi = max(|lo|, |hi|), lo = -hi */
    int32_t widen_to_zero;                       /* not 0: lo = min(lo, 0), hi = max(hi, 0) */
    double divisor;                              /* S = (hi - lo) / divisor, after widening */
    double minimum_width;                        /* hi is raised to lo + minimum_width (SNPE: 0.01); 0: no minimum */
    double minimum_scale;                        /* S is raised to this (torch: 2^-23); 0: no minimum */
    clq_zero_point_rule zero_point_rule;         /* how Z follows from the range and S */
    int32_t zero_point_fixed;                    /* of CLQ_ZERO_POINT_FIXED, and of a range of zeros */
    clq_zero_point_rounding zero_point_rounding; /* of Z */
    int32_t zero_point_clamp;                    /* not 0: into [zero_point_min, zero_point_max], before rounding */
    int32_t zero_point_min, zero_point_max;      /* for zero_point_clamp */
    clq_parameter_precision precision;           /* of S and Z */
    clq_degenerate degenerate;                   /* ranges that give no scale by themselves */
} clq_scheme;

/*
 * A whole quantization: shape, granularity, types and numbers. Fill in with clq_quantization_init, then
 * set the layout and what else differs.
 */
typedef struct clq_quantization {
    uint32_t struct_size;     /* sizeof(clq_quantization), set by clq_quantization_init */
    clq_dtype real;           /* type of the real side: f32, f16 or bf16 (default f32) */
    clq_layout layout;        /* (default: rank 0, per tensor) */
    clq_scheme scheme;        /* (default: symmetric, s8) */
    clq_strides real_strides; /* of x and y (default: dense) */
    clq_strides code_strides; /* of codes (default: dense) */
} clq_quantization;

/* Set `q` to the defaults given above. */
CLQ_API void clq_quantization_init(clq_quantization *q);

/*
 * Fill `scheme` from a preset. `dtype` 0 takes the preset's own type. CLQ_INVALID_ARGUMENT when the preset
 * does not exist in that type (`affine-u8`, `centered-u8`, `snpe` are u8 only).
 */
CLQ_API clq_status clq_scheme_from_preset(clq_preset preset, clq_dtype dtype, clq_scheme *scheme, clq_error *error);

/* The preset of that name ("affine-u8"), or CLQ_INVALID_ARGUMENT with a list of the names. */
CLQ_API clq_status clq_preset_from_name(const char *name, clq_preset *preset, clq_error *error);
CLQ_API const char *clq_preset_name(clq_preset preset); /* "compressed-tensors"; "?" for no preset */

/* Check all of `q`; CLQ_OK, or CLQ_INVALID_ARGUMENT with the field, what was given and what is required. */
CLQ_API clq_status clq_quantization_check(const clq_quantization *q, clq_error *error);

/*
 * Elements of storage that a tensor spans, from its first element to the last one in memory: what a buffer must hold
 * behind the operand's offset. CLQ_INVALID_ARGUMENT for strides that make elements overlap, or are beyond 63 bits.
 */
CLQ_API clq_status clq_strides_span(const clq_layout *layout, const clq_strides *strides, uint64_t *elements,
                                    clq_error *error);

/* Number of elements, and of scales (= zero points) that `layout` asks for. */
CLQ_API clq_status clq_layout_count(const clq_layout *layout, uint64_t *elements, uint64_t *parameters,
                                    clq_error *error);

/* ------------------------------------------------------------------------------------------------
 * Parameters: pure functions, no context
 * --------------------------------------------------------------------------------------------- */

/* Scales outside this range are refused: below, a device that flushes subnormals could change a result;
 * above, the reciprocal would be subnormal. */
#define CLQ_MINIMUM_SCALE 0x1p-100f
#define CLQ_MAXIMUM_SCALE 0x1p126f

/* Scale and zero point, and what follows from them. */
typedef struct clq_parameters {
    float scale;         /* S, above 0 */
    int32_t zero_point;  /* Z */
    double scale_double; /* the scale before it was rounded to f32 (equal to it where the scheme says f32) */
    double lo, hi;       /* what the codes can express: scale_double * (qmin - Z) and scale_double * (qmax - Z) */
} clq_parameters;

/*
 * Scale and zero point for the range [lo, hi]. A scale outside [CLQ_MINIMUM_SCALE, CLQ_MAXIMUM_SCALE] is moved to
 * the nearer bound. A zero point that does not fit an int32 (a range far from zero and nearly without width) makes
 * the range widen to hold zero. CLQ_INVALID_ARGUMENT when lo > hi or either is not finite.
 */
CLQ_API clq_status clq_choose_parameters(const clq_scheme *scheme, double lo, double hi, clq_parameters *parameters,
                                         clq_error *error);

/* ------------------------------------------------------------------------------------------------
 * Fixed point: pure functions, no context
 * --------------------------------------------------------------------------------------------- */

/* A real multiplier as Q * 2^(shift - 31), 2^30 <= Q < 2^31 (or Q = 0); a positive shift is to the left. */
typedef struct clq_multiplier {
    int32_t q31;   /* Q */
    int32_t shift; /* -31 to 31 */
} clq_multiplier;

/* Source: gemmlowp and TFLite, QuantizeMultiplier. `real` must be finite, not negative and below 2^31. */
CLQ_API clq_status clq_multiplier_from_real(double real, clq_multiplier *multiplier, clq_error *error);

/* How an accumulator is multiplied and rounded (docs/numerics.md, section 6). */
typedef enum clq_requantize_mode {
    CLQ_REQUANTIZE_DOUBLE = 0,      /* two roundings: gemmlowp, TFLite's reference before LiteRT, Arm */
    CLQ_REQUANTIZE_SINGLE = 1,      /* one rounding: ruy */
    CLQ_REQUANTIZE_SHIFT = 2,       /* F0 * x >> n without rounding: hardware prototypes */
    CLQ_REQUANTIZE_FLOAT = 3,       /* f32 multiply: ONNX QLinearMatMul in practice, LiteRT with XNNPACK */
    CLQ_REQUANTIZE_SINGLE_AWAY = 4, /* one rounding, ties away from zero: LiteRT's reference kernels */
    CLQ_REQUANTIZE_DOUBLE_UP = 5    /* two roundings, both with ties upward: LiteRT without a delegate */
} clq_requantize_mode;

/* How an accumulator becomes a code: acc -> clamp(scaled(acc) + zero_point, minimum, maximum). */
typedef struct clq_requantization {
    uint32_t struct_size;     /* sizeof(clq_requantization) */
    clq_requantize_mode mode; /* which of the three below count */
    int32_t multiplier;       /* Q31 (double and single, either kind) or F0 (shift) */
    int32_t shift;            /* double: -31 to 31, single: -31 to 30, positive = left; shift: n, 0 to 62 */
    float real;               /* float: M, finite */
    int32_t zero_point;       /* of the code */
    int32_t minimum, maximum; /* codes: the type's range, narrowed by a fused activation */
} clq_requantization;

/* y[i] = requantize(x[i]) on the host; `y` may be `x`. */
CLQ_API clq_status clq_requantize(const clq_requantization *requantization, const int32_t *x, size_t count, int32_t *y,
                                  clq_error *error);

/* One row of the search for F ~ F0 / 2^n (docs/numerics.md, section 7). */
typedef struct clq_multiplier_candidate {
    uint32_t shift;                   /* n */
    int64_t factor;                   /* F0 = round to even(F * 2^n) */
    double mean_error, maximum_error; /* of |F*Q - ((F0*Q) >> n)| over the samples */
    int32_t fits;                     /* F0 is within the limit on its bits */
} clq_multiplier_candidate;

/*
 * Fill rows[0..max_shift] and set *best to the first row with the least mean error among those that fit (with one
 * sample, mean, maximum and the error are the same). `max_bits` 0: no limit; otherwise F0 < 2^max_bits.
 * max_shift is at most 30, and at least one sample is required.
 */
CLQ_API clq_status clq_multiplier_search(double real, const int32_t *samples, size_t sample_count, uint32_t max_shift,
                                         uint32_t max_bits, clq_multiplier_candidate *rows, uint32_t *best,
                                         clq_error *error);

#ifdef __cplusplus
}
#endif

#endif

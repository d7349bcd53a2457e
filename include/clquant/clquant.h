/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clquant: int8 quantization on any OpenCL device, with a CPU reference that gives the same bytes.
 *
 * One `clq_quantization` describes a tensor and how it is quantized; each operation takes that one
 * description, so what is true of the reference is true of a device:
 *
 *     clq_minmax             the range of every parameter, and a count of NaN and infinity
 *     clq_choose_parameters  range -> scale and zero point
 *     clq_quantize           real -> integer
 *     clq_dequantize         integer -> real
 *     clq_fake_quantize      quantize and dequantize in one pass
 *     clq_dynamic_quantize   minmax, choose_parameters and quantize with nothing read back by the host
 *     clq_merge_range        ranges over several batches
 *     clq_histogram          counts of magnitudes, from which thresholds follow
 *
 * Where they run is told by the context: clq_context_create(&ctx, "auto", &error) takes the best
 * OpenCL device, "reference" the plain C code. The bytes are the same.
 *
 * The API has three parts: functions that need no context (schemes, parameter choice, fixed point),
 * contexts and buffers, and the operations. <clquant/opencl.h> adds the form for programs that own
 * OpenCL objects.
 *
 * Rules that hold everywhere:
 *   - Ownership: what a create function returns, the caller destroys; a destroy function takes the
 *     address of the handle, accepts NULL in it and sets it to NULL. A buffer keeps its context alive.
 *   - Threads: every function may be called from any thread; one context may be used by many threads
 *     at once. A `clq_buffer` may be read by many operations at once and written by one.
 *   - Errors: functions return a `clq_status`. `error` may be NULL; otherwise it is filled when the
 *     status is not CLQ_OK. A call refused for its arguments has touched nothing; after CLQ_DEVICE_ERROR
 *     the contents of output buffers are not specified.
 *   - The library prints nothing, installs no signal handler, has no globals and reads no locale.
 *   - Sizes and offsets are in elements unless the name says `_bytes`.
 *   - Operations are enqueued in the order of the calls; clq_buffer_read and clq_finish wait.
 */
#ifndef CLQUANT_CLQUANT_H
#define CLQUANT_CLQUANT_H

#include <stddef.h>
#include <stdint.h>

#include <clquant/version.h>

#ifndef CLQ_API
#if defined(__GNUC__)
#define CLQ_API __attribute__((visibility("default")))
#else
#define CLQ_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------
 * Errors
 * --------------------------------------------------------------------------------------------- */

/* Values are stable; new ones are only added. */
typedef enum clq_status {
    CLQ_OK = 0,
    CLQ_INVALID_ARGUMENT = 1, /* an argument breaks its contract */
    CLQ_OUT_OF_MEMORY = 2,    /* host or device memory is exhausted */
    CLQ_UNSUPPORTED = 3,      /* legal, but not on this device or in this build */
    CLQ_NO_DEVICE = 20,       /* no device matches the specification */
    CLQ_DEVICE_ERROR = 21,    /* an OpenCL call failed: see opencl_call and opencl_code */
    CLQ_BUILD_FAILED = 22,    /* the device's compiler refused a kernel: see build_log */
    CLQ_MISMATCH = 23,        /* no kernel gives the bytes of the reference on this device */
    CLQ_IO_ERROR = 40,        /* a file could not be read or written */
    CLQ_BAD_FILE = 41,        /* a file breaks its format */
    CLQ_NONFINITE = 42,       /* the data holds NaN or infinity and the policy forbids it */
    CLQ_CANCELLED = 43        /* the caller's cancel flag was set */
} clq_status;

/* The story of a failure. Owned by the caller; a fixed size for the whole of ABI 0. */
typedef struct clq_error {
    clq_status status;
    int32_t opencl_code;  /* 0 when no OpenCL call was involved */
    char opencl_call[48]; /* for example "clEnqueueNDRangeKernel" */
    char message[1000];   /* one line: what was given, what is required */
    char build_log[3048]; /* the start of the compiler's output; empty unless CLQ_BUILD_FAILED */
} clq_error;

/* "invalid argument" for CLQ_INVALID_ARGUMENT; never NULL. */
CLQ_API const char *clq_status_name(clq_status status);

/* The version of the library at run time, as "0.1.0". */
CLQ_API const char *clq_version(void);

/* ------------------------------------------------------------------------------------------------
 * Describing a quantization
 * --------------------------------------------------------------------------------------------- */

typedef enum clq_dtype {
    CLQ_F32 = 1,
    CLQ_F16 = 2,  /* IEEE half precision */
    CLQ_BF16 = 3, /* the upper half of an f32 */
    CLQ_S8 = 10,
    CLQ_U8 = 11,
    CLQ_S4 = 12, /* two in a byte, the element with the even index in the low nibble */
    CLQ_U4 = 13,
    CLQ_S16 = 14,
    CLQ_U16 = 15,
    CLQ_S32 = 16
} clq_dtype;

CLQ_API const char *clq_dtype_name(clq_dtype dtype); /* "f32", "s8", ...; "?" for no dtype */
CLQ_API uint32_t clq_dtype_bits(clq_dtype dtype);    /* bits of one element; 0 for no dtype */

/* Bytes that hold `count` elements (a last half byte counts as one); UINT64_MAX when that overflows. */
CLQ_API uint64_t clq_dtype_bytes(clq_dtype dtype, uint64_t count);

/* How many elements share one scale and zero point. */
typedef enum clq_granularity {
    CLQ_PER_TENSOR = 0,
    CLQ_PER_CHANNEL = 1, /* one parameter for each index of `axis` */
    CLQ_PER_GROUP = 2    /* `group_size` consecutive elements of the last axis; the last group of a row may be short */
} clq_granularity;

enum { CLQ_MAX_RANK = 8 };

/* The shape of a contiguous, row-major tensor and which parameter serves which element. Rank 0 is one element. */
typedef struct clq_layout {
    uint32_t rank; /* 0 to CLQ_MAX_RANK */
    uint64_t shape[CLQ_MAX_RANK];
    clq_granularity granularity; /* (default CLQ_PER_TENSOR) */
    uint32_t axis;               /* CLQ_PER_CHANNEL: 0 to rank-1 (default 0) */
    uint64_t group_size;         /* CLQ_PER_GROUP: at least 1 (default 128) */
} clq_layout;

typedef enum clq_rounding {
    CLQ_ROUND_EVEN = 0, /* to nearest, ties to even */
    CLQ_ROUND_AWAY = 1  /* to nearest, ties away from zero */
} clq_rounding;

typedef enum clq_zero_point_order {
    CLQ_ZERO_POINT_AFTER = 0, /* clamp(round(x/S) + Z) */
    CLQ_ZERO_POINT_BEFORE = 1 /* clamp(round(x/S + Z)) */
} clq_zero_point_order;

typedef enum clq_arithmetic {
    CLQ_DIVIDE = 0,    /* x/S is the correctly rounded f32 quotient */
    CLQ_RECIPROCAL = 1 /* x * (1/S), each rounded to f32 */
} clq_arithmetic;

/* Named schemes; docs/numerics.md gives the formula and the source of each. */
typedef enum clq_preset {
    CLQ_PRESET_AFFINE = 0,
    CLQ_PRESET_AFFINE_U8 = 1,
    CLQ_PRESET_SCALE_ONLY = 2,
    CLQ_PRESET_SYMMETRIC = 3, /* TensorRT; TFLite weights */
    CLQ_PRESET_CENTERED_U8 = 4,
    CLQ_PRESET_SNPE = 5,
    CLQ_PRESET_ONNX = 6,
    CLQ_PRESET_TFLITE = 7,
    CLQ_PRESET_TORCH = 8,
    CLQ_PRESET_COMPRESSED_TENSORS = 9, /* its symmetric form */
    CLQ_PRESET_COMPRESSED_TENSORS_ASYMMETRIC = 10,
    CLQ_PRESET_COUNT = 11
} clq_preset;

/* How the zero point follows from the range. */
typedef enum clq_zero_point_rule {
    CLQ_ZERO_POINT_FIXED = 0,        /* zero_point_fixed */
    CLQ_ZERO_POINT_FROM_MAX = 1,     /* qmax - hi/S */
    CLQ_ZERO_POINT_FROM_MIN = 2,     /* qmin - lo/S */
    CLQ_ZERO_POINT_LESSER_ERROR = 3, /* of those two the one with the smaller rounding error (TFLite) */
    CLQ_ZERO_POINT_FROM_QUOTIENT = 4 /* qmin - round(lo/S): rounds before it subtracts (PyTorch) */
} clq_zero_point_rule;

typedef enum clq_zero_point_rounding {
    CLQ_ZERO_POINT_ROUND_EVEN = 0,
    CLQ_ZERO_POINT_ROUND_AWAY = 1,
    CLQ_ZERO_POINT_TRUNCATE = 2
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
    clq_dtype dtype;    /* quantized type: s8, u8, s4, u4, s16 or u16 */
    int32_t qmin, qmax; /* codes used, within the type: qmin < qmax */
    clq_rounding rounding;
    clq_zero_point_order zero_point_order;
    clq_arithmetic arithmetic;
    /* How parameters follow from a range [lo, hi]: */
    int32_t symmetric;     /* not 0: hi = max(|lo|, |hi|), lo = -hi */
    int32_t widen_to_zero; /* not 0: lo = min(lo, 0), hi = max(hi, 0) */
    double divisor;        /* S = (hi - lo) / divisor, after widening */
    double minimum_width;  /* hi is raised to lo + minimum_width (SNPE: 0.01); 0: no minimum */
    double minimum_scale;  /* S is raised to this (torch: 2^-23); 0: no minimum */
    clq_zero_point_rule zero_point_rule;
    int32_t zero_point_fixed;
    clq_zero_point_rounding zero_point_rounding;
    int32_t zero_point_clamp; /* not 0: into [zero_point_min, zero_point_max], before rounding */
    int32_t zero_point_min, zero_point_max;
    clq_parameter_precision precision;
    clq_degenerate degenerate;
} clq_scheme;

/*
 * A whole quantization: shape, granularity, types and numbers. Fill in with clq_quantization_init, then
 * set the layout and what else differs.
 */
typedef struct clq_quantization {
    uint32_t struct_size; /* sizeof(clq_quantization), set by clq_quantization_init */
    clq_dtype real;       /* type of the real side: f32, f16 or bf16 (default f32) */
    clq_layout layout;    /* (default: rank 0, per tensor) */
    clq_scheme scheme;    /* (default: symmetric, s8) */
} clq_quantization;

/* Set `q` to the defaults given above. */
CLQ_API void clq_quantization_init(clq_quantization *q);

/*
 * Fill `scheme` from a preset. `dtype` 0 takes the preset's own type. CLQ_INVALID_ARGUMENT when the preset
 * does not exist in that type (`affine-u8`, `centered-u8`, `snpe` are u8 only).
 */
CLQ_API clq_status clq_scheme_from_preset(clq_scheme *scheme, clq_preset preset, clq_dtype dtype, clq_error *error);

/* The preset of that name ("affine-u8"), or CLQ_INVALID_ARGUMENT with a list of the names. */
CLQ_API clq_status clq_preset_from_name(const char *name, clq_preset *preset, clq_error *error);
CLQ_API const char *clq_preset_name(clq_preset preset); /* "compressed-tensors"; "?" for no preset */

/* Check all of `q`; CLQ_OK, or CLQ_INVALID_ARGUMENT with the field, what was given and what is required. */
CLQ_API clq_status clq_quantization_check(const clq_quantization *q, clq_error *error);

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

typedef struct clq_parameters {
    float scale;
    int32_t zero_point;
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
    int32_t q31;
    int32_t shift;
} clq_multiplier;

/* Source: gemmlowp and TFLite, QuantizeMultiplier. `real` must be finite, not negative and below 2^31. */
CLQ_API clq_status clq_multiplier_from_real(double real, clq_multiplier *multiplier, clq_error *error);

typedef enum clq_requantize_mode {
    CLQ_REQUANTIZE_DOUBLE = 0, /* two roundings: gemmlowp, TFLite, Arm */
    CLQ_REQUANTIZE_SINGLE = 1, /* one rounding: ruy */
    CLQ_REQUANTIZE_SHIFT = 2,  /* F0 * x >> n without rounding: hardware prototypes */
    CLQ_REQUANTIZE_FLOAT = 3   /* f32 multiply: ONNX QLinearMatMul in practice */
} clq_requantize_mode;

/* One output stage: acc -> clamp(scaled(acc) + zero_point, minimum, maximum). */
typedef struct clq_requantization {
    clq_requantize_mode mode;
    int32_t multiplier; /* Q31 (double, single) or F0 (shift) */
    int32_t shift;      /* double: -31 to 31, single: -31 to 30, positive = left; shift: n, 0 to 62 */
    float real;         /* float: M */
    int32_t zero_point;
    int32_t minimum, maximum; /* codes: the type's range, narrowed by a fused activation */
} clq_requantization;

/* y[i] = requantize(x[i]) on the host; `y` may be `x`. */
CLQ_API clq_status clq_requantize(const clq_requantization *stage, const int32_t *x, size_t count, int32_t *y,
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

/* ------------------------------------------------------------------------------------------------
 * Devices, contexts, buffers
 * --------------------------------------------------------------------------------------------- */

typedef enum clq_device_type {
    CLQ_DEVICE_REFERENCE = 0,
    CLQ_DEVICE_CPU = 1,
    CLQ_DEVICE_GPU = 2,
    CLQ_DEVICE_ACCELERATOR = 3,
    CLQ_DEVICE_OTHER = 4
} clq_device_type;

typedef struct clq_device_info {
    int32_t platform, device; /* numbers as in the specification "P:D"; -1 for the reference */
    clq_device_type type;
    char name[128];
    char platform_name[128];
    char version[128]; /* OpenCL version string; empty for the reference */
    char driver[128];
    uint32_t compute_units;
    uint64_t global_memory_bytes;
    uint64_t maximum_allocation_bytes;
    int32_t usable; /* 0: `missing` says what the library needs and the device lacks */
    char missing[256];
} clq_device_info;

/*
 * Write up to `capacity` devices, best first, the reference last, and set *count to how many there are.
 * `infos` may be NULL when capacity is 0.
 */
CLQ_API clq_status clq_devices(clq_device_info *infos, size_t capacity, size_t *count, clq_error *error);

typedef struct clq_context clq_context;

/*
 * Make a context. `spec`: "auto" or NULL (best GPU, else accelerator, else CPU, else the reference), "reference",
 * "cpu", "gpu", "P:D" (platform and device number) or a part of the device's or the platform's name, in any case.
 * CLQ_NO_DEVICE when nothing matches.
 */
CLQ_API clq_status clq_context_create(clq_context **context, const char *spec, clq_error *error);
CLQ_API void clq_context_destroy(clq_context **context);

/* Facts about the context's device. `info` is filled in; never fails on a live context. */
CLQ_API void clq_context_device(const clq_context *context, clq_device_info *info);

/*
 * Messages for a person: what was built, a cache that cannot be written. NULL (the default) drops them. Set it before
 * the context is shared between threads; the function may then be called from any of them.
 */
typedef enum clq_log_level { CLQ_LOG_WARNING = 1, CLQ_LOG_INFO = 2, CLQ_LOG_DEBUG = 3 } clq_log_level;
typedef void (*clq_log_function)(void *cookie, clq_log_level level, const char *message);
CLQ_API void clq_context_set_log(clq_context *context, clq_log_function log, void *cookie);

/*
 * Keep compiled programs, and what their comparison with the reference found, in `directory` (made when missing, mode
 * 0700); NULL: no cache, which is the default.
 * A directory that others may write to is refused, since programs are code.
 */
CLQ_API clq_status clq_context_set_cache(clq_context *context, const char *directory, clq_error *error);

/* Wait for all that this context was given; reports a failure of any of it. */
CLQ_API clq_status clq_finish(clq_context *context, clq_error *error);

typedef enum clq_operation {
    CLQ_OP_MINMAX = 0,
    CLQ_OP_QUANTIZE = 1,
    CLQ_OP_DEQUANTIZE = 2,
    CLQ_OP_FAKE_QUANTIZE = 3,
    CLQ_OP_CHOOSE_PARAMETERS = 4,
    CLQ_OP_DYNAMIC_QUANTIZE = 5,
    CLQ_OP_MERGE_RANGE = 6,
    CLQ_OP_HISTOGRAM = 7,
    CLQ_OP_COUNT = 8
} clq_operation;

CLQ_API const char *clq_operation_name(clq_operation operation); /* "fake-quantize" */

/* What would run for `q`: the variant's name and why it was chosen. Nothing is compiled or run. */
typedef struct clq_plan {
    char variant[48]; /* as in kernels/kernels.def; "reference" for the reference */
    char reason[160];
    uint64_t workspace_bytes;
} clq_plan;
CLQ_API clq_status clq_plan_operation(clq_context *context, clq_operation operation, const clq_quantization *q,
                                      clq_plan *plan, clq_error *error);

/*
 * Force a variant for this context by its name in kernels/kernels.def (NULL: choose again by device). Meant for
 * tests and benchmarks. CLQ_INVALID_ARGUMENT when there is none of that name; the reference has none.
 */
CLQ_API clq_status clq_context_force_variant(clq_context *context, const char *variant, clq_error *error);

/* Memory where the context's device can use it; host memory for the reference. */
typedef struct clq_buffer clq_buffer;

CLQ_API clq_status clq_buffer_create(clq_context *context, uint64_t bytes, clq_buffer **buffer, clq_error *error);

/*
 * A buffer over the caller's memory, which must stay valid until the buffer is destroyed and is only touched by the
 * caller between clq_buffer_map and clq_buffer_unmap. Costs no copy on the reference and on CPU devices.
 */
CLQ_API clq_status clq_buffer_wrap(clq_context *context, void *memory, uint64_t bytes, clq_buffer **buffer,
                                   clq_error *error);

/*
 * Destroying a mapped buffer unmaps it. A wrapped one waits for the operations of its context, after which the memory
 * is the caller's alone; any other may be destroyed while operations that use it are still to run.
 */
CLQ_API void clq_buffer_destroy(clq_buffer **buffer);
CLQ_API uint64_t clq_buffer_bytes(const clq_buffer *buffer);

/* Copy in or out, after all operations enqueued before; complete when it returns, also for commands on queues of the
 * caller's own. */
CLQ_API clq_status clq_buffer_write(clq_buffer *buffer, uint64_t offset_bytes, const void *memory, uint64_t bytes,
                                    clq_error *error);
CLQ_API clq_status clq_buffer_read(clq_buffer *buffer, uint64_t offset_bytes, void *memory, uint64_t bytes,
                                   clq_error *error);

/*
 * Copy from one buffer to another of the same context, on the device. Enqueued as an operation is, so that it does not
 * wait; neither buffer may be mapped. The two parts must not overlap, in one buffer or in two over the same memory.
 */
CLQ_API clq_status clq_buffer_copy(const clq_buffer *source, uint64_t source_offset_bytes, clq_buffer *target,
                                   uint64_t target_offset_bytes, uint64_t bytes, clq_error *error);

/* Host address of the whole buffer, for reading and writing, until clq_buffer_unmap; waits for operations before. What
 * was written there is in the buffer when clq_buffer_unmap returns, also for commands on queues of the caller's own. */
CLQ_API clq_status clq_buffer_map(clq_buffer *buffer, void **memory, clq_error *error);
CLQ_API clq_status clq_buffer_unmap(clq_buffer *buffer, clq_error *error);

/*
 * Host memory with memory of the device behind it, for data that passes through a device piece by piece. Where the
 * device works in the host's memory (the reference, CPU devices) the two are one and nothing is copied; elsewhere the
 * host memory is pinned.
 *
 * The memory is the host's at first. clq_staging_to_device hands it to the device, which sees what the host has written
 * to [first_byte, first_byte + bytes); further calls hand over more. clq_staging_to_host waits for the operations
 * enqueued before and takes it back: what they have written there can be read. In between the host keeps its hands off.
 * Bytes that were not named in either call are not specified on the side that did not write them last. Take back what
 * operations have written and nothing else: other bytes may be overwritten by what the device's memory happens to hold.
 */
typedef struct clq_staging clq_staging;

CLQ_API clq_status clq_staging_create(clq_context *context, uint64_t bytes, clq_staging **staging, clq_error *error);
CLQ_API void clq_staging_destroy(clq_staging **staging);            /* waits for operations that use it */
CLQ_API void *clq_staging_memory(const clq_staging *staging);       /* aligned to a page */
CLQ_API clq_buffer *clq_staging_buffer(const clq_staging *staging); /* for operands; lives as long as the staging */

/*
 * Optional: begin the copy of these bytes beside the operations under way, from any thread, and return at once. The
 * host keeps its hands off from now on; clq_staging_to_device of the same bytes then copies nothing, and the operations
 * enqueued after it wait for the copy. Does nothing where the two memories are one. One range is on its way at a time:
 * CLQ_INVALID_ARGUMENT for another, or when the device has the memory.
 */
CLQ_API clq_status clq_staging_send(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error);
CLQ_API clq_status clq_staging_to_device(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error);
CLQ_API clq_status clq_staging_to_host(clq_staging *staging, uint64_t first_byte, uint64_t bytes, clq_error *error);

/* ------------------------------------------------------------------------------------------------
 * Operations
 * --------------------------------------------------------------------------------------------- */

/* A buffer and an offset in elements of what is stored there (for s4 and u4 an even one). */
typedef struct clq_operand {
    clq_buffer *buffer;
    uint64_t offset;
} clq_operand;

/* The operands by name; those that an operation does not use are ignored. */
typedef struct clq_operands {
    clq_operand x, y, codes, scale, zero_point, range, nonfinite;
    clq_operand averaging, state, counts; /* of clq_merge_range and clq_histogram */
} clq_operands;

/* Written by clq_minmax for the whole tensor. */
typedef struct clq_nonfinite {
    uint64_t count;       /* elements that are NaN or infinite */
    uint64_t first_index; /* flat index of the first, UINT64_MAX when there is none */
} clq_nonfinite;

/*
 * Shapes, with n elements and p parameters (clq_layout_count):
 *     x, y        n elements of q->real
 *     codes       n elements of q->scheme.dtype
 *     scale       p of float, each within [CLQ_MINIMUM_SCALE, CLQ_MAXIMUM_SCALE]; zero_point  p of int32_t
 *     range       2*p of float: lo and hi of each parameter in turn
 *     nonfinite   1 of clq_nonfinite (an offset counts these)
 *     averaging   1 of float
 *     state       2*p of float, as range; read and written
 *     counts      CLQ_HISTOGRAM_BINS*p of uint64_t; read and written
 * Outputs must not overlap inputs or each other, but `y` of clq_fake_quantize may be `x` itself. What counts are bytes
 * (of 4-bit codes whole ones), whatever buffers lie over them; operands may touch.
 * Scales in a buffer are not checked: one outside its bounds gives unspecified codes and nothing worse.
 * All return CLQ_INVALID_ARGUMENT for a description that clq_quantization_check refuses, a buffer of another context,
 * one too small, or operands that overlap; CLQ_OUT_OF_MEMORY when memory is lacking; CLQ_DEVICE_ERROR or
 * CLQ_BUILD_FAILED when the device fails.
 */

/*
 * range = least and greatest finite element of each parameter's elements; -0 counts as 0; [0, 0] where there is none.
 * NaN and infinities are left out of the range and counted. Reads q->real and q->layout only.
 */
CLQ_API clq_status clq_minmax(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                              clq_operand nonfinite, clq_error *error);

/* scale, zero_point = clq_choose_parameters of each range, computed on the device. */
CLQ_API clq_status clq_choose_parameters_from(clq_context *context, const clq_quantization *q, clq_operand range,
                                              clq_operand scale, clq_operand zero_point, clq_error *error);

/* codes = clamp(round(x / scale) + zero_point), in the order, rounding and arithmetic of q->scheme. NaN becomes qmin.
 */
CLQ_API clq_status clq_quantize(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand scale,
                                clq_operand zero_point, clq_operand codes, clq_error *error);

/* y = scale * (codes - zero_point), the subtraction in int32, the product in f32, then rounded to q->real. */
CLQ_API clq_status clq_dequantize(clq_context *context, const clq_quantization *q, clq_operand codes, clq_operand scale,
                                  clq_operand zero_point, clq_operand y, clq_error *error);

/* y = dequantize(quantize(x)) in one pass. */
CLQ_API clq_status clq_fake_quantize(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand scale,
                                     clq_operand zero_point, clq_operand y, clq_error *error);

/* clq_minmax, clq_choose_parameters_from and clq_quantize in a row; the same bytes, nothing read back. */
CLQ_API clq_status clq_dynamic_quantize(clq_context *context, const clq_quantization *q, clq_operand x,
                                        clq_operand codes, clq_operand scale, clq_operand zero_point, clq_operand range,
                                        clq_operand nonfinite, clq_error *error);

/* ------------------------------------------------------------------------------------------------
 * Calibration: ranges over many batches of data (docs/numerics.md, section 10)
 * --------------------------------------------------------------------------------------------- */

enum { CLQ_HISTOGRAM_BINS = 2048 };

/*
 * Fold the range of one batch into what was seen before: `x`, `range` and `nonfinite` are an input and the outputs of
 * clq_minmax. state = [infinity, -infinity] stands for nothing seen yet; a parameter without a finite element in x, or
 * without any, leaves its state alone. An `averaging` of 0 keeps the least and the greatest; a constant c in (0, 1]
 * moves the state by c * (range - state), after a first batch that sets it. Reads q->real and q->layout only.
 */
CLQ_API clq_status clq_merge_range(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                                   clq_operand nonfinite, clq_operand averaging, clq_operand state, clq_error *error);

/*
 * counts[p][bin] += the number of finite elements of parameter p in that bin: CLQ_HISTOGRAM_BINS bins of equal width of
 * |x| over [0, max(|lo|, |hi|)] of range[p], the same on every device, whatever the order or the number of calls.
 * Greater elements count in the last bin, and all do where that maximum is not finite or below 2^-100. A lo that is NaN
 * is passed over: |hi| alone counts; a hi that is NaN is not finite. Reads q->real and q->layout only.
 */
CLQ_API clq_status clq_histogram(clq_context *context, const clq_quantization *q, clq_operand x, clq_operand range,
                                 clq_operand counts, clq_error *error);

/* Where a method cuts a histogram: [-value, value] keeps the bins [0, bins). */
typedef struct clq_threshold {
    float value;
    uint32_t bins; /* 0 for a histogram without elements, which keeps its whole range */
} clq_threshold;

/*
 * Pure functions without a context. `counts` has CLQ_HISTOGRAM_BINS entries whose sum is below 2^63; `maximum` is the
 * end of their range, max(|lo|, |hi|), finite and not negative. CLQ_INVALID_ARGUMENT for anything else.
 *
 *     percentile   the least edge of a bin with at least `percent` (above 0, to 100) of the elements below it
 *     entropy      TensorRT's published search for the least Kullback-Leibler divergence from `levels` levels
 *     mse          the edge that gives the least mean square error, bins at their centres, with `levels` levels
 *
 * `levels` is the number of codes of [0, value], 2 to 65536: clq_scheme_levels tells it.
 */
CLQ_API clq_status clq_histogram_percentile(const uint64_t *counts, float maximum, double percent,
                                            clq_threshold *threshold, clq_error *error);
CLQ_API clq_status clq_histogram_entropy(const uint64_t *counts, float maximum, uint32_t levels,
                                         clq_threshold *threshold, clq_error *error);
CLQ_API clq_status clq_histogram_mse(const uint64_t *counts, float maximum, uint32_t levels, clq_threshold *threshold,
                                     clq_error *error);

/* What clq_merge_range does to the state of one parameter that has the range [range[0], range[1]] in a batch; a range
 * with lo above hi, or with NaN, is that of no element. */
CLQ_API void clq_range_merge(float state[2], const float range[2], float averaging);

/* range = [lo, hi], each moved into [-threshold, threshold]. */
CLQ_API void clq_range_clip(float range[2], float threshold);

/* Codes for magnitudes: half of the type's (128 for 8 bits), or all when [lo, hi] is one-sided and the scheme not
 * symmetric. */
CLQ_API uint32_t clq_scheme_levels(const clq_scheme *scheme, float lo, float hi);

/*
 * An observer keeps the ranges, and then the histograms, of `parameters` parameters on the device over any number of
 * batches, each in any number of pieces. Nothing is read back before a read function is called. First all data is given
 * to clq_observer_add_range; for histograms then all of it again to clq_observer_add_counts. As the bins are set by the
 * final range, no count ever moves to another bin, and neither order nor batches change the result. The observer keeps
 * its context alive; one thread at a time.
 */
typedef struct clq_observer clq_observer;

/* `averaging` as in clq_merge_range: 0, or the constant of a moving average over batches (PyTorch: 0.01). */
CLQ_API clq_status clq_observer_create(clq_context *context, uint64_t parameters, float averaging,
                                       clq_observer **observer, clq_error *error);
CLQ_API void clq_observer_destroy(clq_observer **observer);

/* Enqueue: fold a piece in, whose parameters are [first, first + those of q->layout) of the observer's. A piece without
 * elements changes nothing. */
CLQ_API clq_status clq_observer_add_range(clq_observer *observer, const clq_quantization *q, clq_operand x,
                                          uint64_t first, clq_error *error);
CLQ_API clq_status clq_observer_add_counts(clq_observer *observer, const clq_quantization *q, clq_operand x,
                                           uint64_t first, clq_error *error);

/* The pieces since the last call were one batch. Needed for a moving average, for which it waits for what was enqueued
 * before; harmless otherwise. */
CLQ_API clq_status clq_observer_end_batch(clq_observer *observer, clq_error *error);

/* Wait, and read: NaN and infinity in the last piece given to clq_observer_add_range; ranges, 2 floats each, [0, 0]
 * where no element was finite; histograms, CLQ_HISTOGRAM_BINS counts each (all 0 before any were added). */
CLQ_API clq_status clq_observer_read_nonfinite(clq_observer *observer, clq_nonfinite *nonfinite, clq_error *error);
CLQ_API clq_status clq_observer_read_ranges(clq_observer *observer, uint64_t first, uint64_t count, float *ranges,
                                            clq_error *error);
CLQ_API clq_status clq_observer_read_counts(clq_observer *observer, uint64_t first, uint64_t count, uint64_t *counts,
                                            clq_error *error);

/* ------------------------------------------------------------------------------------------------
 * Many tensors in one go
 * --------------------------------------------------------------------------------------------- */

/* One tensor of a batch: how it is quantized, and where its operands are. */
typedef struct clq_batch_item {
    const clq_quantization *q;
    clq_operands operands;
} clq_batch_item;

/* One operation over a list of tensors of any sizes and layouts, checked and prepared once, to be run many times. */
typedef struct clq_batch clq_batch;

/*
 * Check every item as the operation of that name would, and prepare a run over all of them in a few launches, which
 * compiles kernels and compares them with the reference; the bytes are those of one call for each item. `items` and
 * what their `q` point at may go afterwards; the buffers must outlive the batch's last run. No item may write what
 * another one reads or writes: such items are refused. Items whose operands lie in the same buffers, with the same
 * types, share launches: put many small tensors into one buffer. An item refused is named by its number in the message.
 * `count` may be 0.
 */
CLQ_API clq_status clq_batch_create(clq_context *context, clq_operation operation, const clq_batch_item *items,
                                    size_t count, clq_batch **batch, clq_error *error);
CLQ_API void clq_batch_destroy(clq_batch **batch); /* runs of it may still be to run */

/* Enqueue the operation on every item. One batch is run by one thread at a time. */
CLQ_API clq_status clq_batch_run(clq_batch *batch, clq_error *error);

/* What would run for the first item ("batch-strip": in one go with others like it), and the batch's scratch memory. */
CLQ_API clq_status clq_batch_plan(clq_batch *batch, clq_plan *plan, clq_error *error);

/* ------------------------------------------------------------------------------------------------
 * Integer matrix multiplication
 * --------------------------------------------------------------------------------------------- */

/*
 * C = output(bias[n] + sum over k of (A[m,k] - Za)(B[k,n] - Zb)), the sum in int32 modulo 2^32 (docs/numerics.md,
 * section 5). It cannot overflow up to K = 131071 for s8 x s8 without zero points and up to K = 33025 for any 8-bit
 * types and zero points within them; a larger K is accepted and wraps. K = 0 gives the bias.
 */

/* One matrix in memory, row-major: element (row, column) is at row * leading_dimension + column. */
typedef struct clq_matrix {
    clq_dtype dtype;
    int32_t transposed;         /* not 0: the memory holds the transpose (A and B only) */
    uint64_t leading_dimension; /* of the memory as stored; 0: its rows are dense */
    uint64_t batch_stride;      /* elements between two batches; 0: one matrix serves all batches (A or B only; its
                                   parameters too) */
} clq_matrix;

/* How many values a parameter of the product has. */
typedef enum clq_gemm_values {
    CLQ_GEMM_ABSENT = 0, /* none: a zero point, bias or sum of 0, a scale of 1 */
    CLQ_GEMM_PER_TENSOR = 1,
    CLQ_GEMM_PER_ROW = 2,   /* m values, for each batch of A where A has its own */
    CLQ_GEMM_PER_COLUMN = 3 /* n values, for each batch of B where B has its own (bias, multiplier, shift: always n) */
} clq_gemm_values;

/* A whole product: shapes, types and numeric mode. Fill in with clq_gemm_init, then set what differs. */
typedef struct clq_gemm_problem {
    uint32_t struct_size;         /* sizeof(clq_gemm_problem), set by clq_gemm_init */
    uint64_t m, n, k;             /* m and n at least 1; k may be 0 */
    uint64_t batch;               /* at least 1 (default 1) */
    clq_matrix a;                 /* m x k, s8 or u8 (default s8) */
    clq_matrix b;                 /* k x n, s8 or u8 (default s8) */
    clq_matrix c;                 /* m x n, s32, s8, u8 or f32 (default s32); its batches must not overlap */
    clq_gemm_values a_zero_point; /* absent, per tensor or per row */
    clq_gemm_values b_zero_point; /* absent, per tensor or per column */
    clq_gemm_values a_sums;       /* absent or per row: the sums of A's rows are known already */
    clq_gemm_values bias;         /* absent or per column */
    /* Output f32: y = (f32)acc * (a_scale * b_scale), each operation rounded to f32. */
    clq_gemm_values a_scale; /* absent, per tensor or per row */
    clq_gemm_values b_scale; /* absent, per tensor or per column */
    /* Output s8 and u8: requantized (docs/numerics.md, section 6). */
    clq_requantize_mode requantize; /* (default CLQ_REQUANTIZE_DOUBLE) */
    clq_gemm_values multiplier;     /* per tensor or per column; `shift` has as many values, and none in mode float */
    clq_gemm_values c_zero_point;   /* absent or per tensor */
    /* Fused activation: bounds of the output, integers but for f32 (default -INFINITY, INFINITY: those of its type).
     * ReLU: the output's zero point, INFINITY. */
    double minimum, maximum;
} clq_gemm_problem;

CLQ_API void clq_gemm_init(clq_gemm_problem *problem);

/* Check all of the problem: CLQ_OK, or CLQ_INVALID_ARGUMENT with the field, what was given and what is required. */
CLQ_API clq_status clq_gemm_check(const clq_gemm_problem *problem, clq_error *error);

/* B made ready for multiplication. May be used by many operations and threads at once; never changes. */
typedef struct clq_gemm_weights clq_gemm_weights;

/*
 * The operands by name; those that the problem calls absent are ignored. Types: a, b, c as the problem says; zero
 * points, sums and bias int32_t; scales float; multiplier int32_t (Q31, or F0 in mode shift) or float (mode float);
 * shift int32_t. Values in these buffers are not checked: those outside the bounds that clq_requantization gives lead
 * to unspecified codes and nothing worse. Zero points are any int32_t.
 */
typedef struct clq_gemm_operands {
    clq_operand a, b, c;
    clq_operand a_zero_point, b_zero_point, c_zero_point;
    clq_operand a_sums; /* of the codes as stored, without zero point */
    clq_operand bias;
    clq_operand a_scale, b_scale;
    clq_operand multiplier, shift;
    const clq_gemm_weights *weights; /* not NULL: used in place of b and b_zero_point */
} clq_gemm_operands;

/*
 * Multiply. No byte of the output may be one of an input, but rows and batches may lie between those of another matrix.
 * Errors as for the other operations; CLQ_UNSUPPORTED when a variant is forced that this device cannot run.
 */
CLQ_API clq_status clq_gemm(clq_context *context, const clq_gemm_problem *problem, const clq_gemm_operands *operands,
                            clq_error *error);

/*
 * Pack B once: panels, column sums and the corrections for its zero points. Reads of the problem n, k, batch, b and
 * b_zero_point; the weights serve every problem that agrees in these and in whether B has batches of its own, whatever
 * its m. The problem is checked as a whole all the same. Returns when the work is done: `b` and `b_zero_point` may
 * change or go afterwards. Keeps the context alive.
 */
CLQ_API clq_status clq_gemm_weights_create(clq_context *context, const clq_gemm_problem *problem, clq_operand b,
                                           clq_operand b_zero_point, clq_gemm_weights **weights, clq_error *error);
CLQ_API void clq_gemm_weights_destroy(clq_gemm_weights **weights); /* operations that use them may still be to run */
CLQ_API uint64_t clq_gemm_weights_bytes(const clq_gemm_weights *weights);

/* What would run: variant, tile and reason, and scratch memory without (`packed` 0) or with packed weights. */
CLQ_API clq_status clq_gemm_plan(clq_context *context, const clq_gemm_problem *problem, int32_t packed, clq_plan *plan,
                                 clq_error *error);

/* sums[row] = sum of the codes of each row of A (m int32_t for each batch of A), for a_sums: worth it where one A meets
 * several B. Reads of the problem m, k, batch and a. */
CLQ_API clq_status clq_gemm_row_sums(clq_context *context, const clq_gemm_problem *problem, clq_operand a,
                                     clq_operand sums, clq_error *error);

#ifdef __cplusplus
}
#endif

#endif

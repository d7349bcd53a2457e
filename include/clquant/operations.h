/* SPDX-License-Identifier: Apache-2.0 */
/* The operations on one tensor, and what would run. */
#ifndef CLQUANT_OPERATIONS_H
#define CLQUANT_OPERATIONS_H

#include <clquant/device.h>
#include <clquant/scheme.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An operation by number, for plans, batches and clq_enqueue. */
typedef enum clq_operation {
    CLQ_OP_MINMAX = 0,            /* clq_minmax */
    CLQ_OP_QUANTIZE = 1,          /* clq_quantize */
    CLQ_OP_DEQUANTIZE = 2,        /* clq_dequantize */
    CLQ_OP_FAKE_QUANTIZE = 3,     /* clq_fake_quantize */
    CLQ_OP_CHOOSE_PARAMETERS = 4, /* clq_choose_parameters_from */
    CLQ_OP_DYNAMIC_QUANTIZE = 5,  /* clq_dynamic_quantize */
    CLQ_OP_MERGE_RANGE = 6,       /* clq_merge_range */
    CLQ_OP_HISTOGRAM = 7,         /* clq_histogram */
    CLQ_OP_COUNT = 8              /* how many there are */
} clq_operation;

CLQ_API const char *clq_operation_name(clq_operation operation); /* "fake-quantize" */

/* What would run for `q`: the variant's name and why it was chosen, by what was tried so far. Nothing is compiled or
 * run. */
typedef struct clq_plan {
    /* As in kernels/kernels.def; of native the set of instructions: "avx2"; "reference" for the reference; "host": in a
     * device's place. */
    char variant[48];
    char reason[160];         /* one line, for a person */
    uint64_t workspace_bytes; /* of scratch memory, which a clq_launch has to bring; 0: none */
    /* Not 0: no kernel of the device is left. Calls on the context's own queue are served by the host, and slowly;
     * those on a queue of the caller's (clquant/opencl.h) are refused. Of a batch: of some of its tensors. Certain once
     * the same was prepared, or has run. */
    int32_t by_host;
} clq_plan;
CLQ_API clq_status clq_plan_operation(clq_context *context, clq_operation operation, const clq_quantization *q,
                                      clq_plan *plan, clq_error *error);

/*
 * Do ahead of time what the first run of `operation` with this description does: compile its kernels, compare them with
 * the reference, and make the context's own scratch memory. Afterwards such a run compiles nothing, makes nothing and
 * waits for nobody. From any thread; runs of what is prepared already go on meanwhile. Fails as the operation would on
 * the context's own queue: CLQ_OK also where the host will serve. Whoever prepares in order to use a queue of their own
 * asks clq_plan_operation afterwards, whose `by_host` tells. The reference has nothing to prepare.
 */
CLQ_API clq_status clq_prepare(clq_context *context, clq_operation operation, const clq_quantization *q,
                               clq_error *error);

/*
 * Force a variant for this context by its name in kernels/kernels.def (NULL: choose again by device). Meant for
 * tests and benchmarks. A call, and a batch when it is created, goes by what is forced when it begins.
 * CLQ_INVALID_ARGUMENT when there is none of that name; the reference has none.
 */
CLQ_API clq_status clq_context_force_variant(clq_context *context, const char *variant, clq_error *error);

/*
 * Not 0: each kernel that is written for an instruction of some devices is built with a function of plain OpenCL C in
 * that instruction's place, so that its variant runs on any device, but only where it is forced: none of these is
 * chosen then. It is slow: for tests, and for telling whether it is the instruction or the kernel that gives wrong
 * bytes. The reason of a plan says it. 0 (the default): the instructions themselves, where the device has them. Call it
 * while no other thread uses the context. Nothing to native and the reference.
 */
CLQ_API void clq_context_set_emulation(clq_context *context, int emulates);

/*
 * Seconds that calls of this context wait in all for kernels to be compiled and compared with the reference. Once they
 * are over, a call on the context's own queue whose kernels are not ready is served by the host, as where a device has
 * no right kernel, with the same bytes; so are the tensors of a batch that is created then, for as long as it lives
 * (its clq_batch_enqueue is refused). A thread of the context's own, which takes none of the program's signals, goes on
 * with the compiler, one program at a time; what it makes is kept in the cache, and calls use it from then on. The log
 * is told once. A call that waits ends at once when it is cancelled (clq_context_set_cancel). Calls on a queue of the
 * caller's, forced variants, clq_prepare and clq_gemm_prepare wait as long as it takes, weights for what packs them.
 * clq_context_destroy, or whatever holds the context last, waits for the program at hand. 0 (the default): without end,
 * and no thread is made. Call it while no other thread uses the context, and what else is set of the context before.
 * Nothing to native and the reference.
 */
CLQ_API void clq_context_set_patience(clq_context *context, uint32_t seconds);

/* Not 0: that thread is at work, so that destroying the context would wait. From any thread. */
CLQ_API int clq_context_is_compiling(const clq_context *context);

/* Whether a device is worth its place beside this processor, as clq_context_pace found. */
typedef struct clq_pace {
    int32_t is_behind; /* not 0: it takes over ten times as long as native, the way there and back not counted */
    int32_t is_late;   /* not 0: its kernels were not ready within the context's patience, and nothing was measured */
    char reason[160];  /* of one that is behind: what was measured, in one line, for a person */
} clq_pace;

/*
 * Measure a small piece of work, there and back, on the context's device and on native: a range to be found, where that
 * leaves a doubt also codes to be made, or with `is_of_products` a product. Copies to the device and from it count; the
 * first round, in which drivers make what they make once, does not. Kernels are compiled for it and compared, within
 * the context's patience (clq_context_set_patience); then it takes milliseconds, on a slow device some seconds. What
 * was found is noted beside the kept programs, for the same device, driver and library, and the next call reads it
 * there; that a device is behind holds for a day, since it may have been busy. Nothing is decided by it: what a program
 * does with a slow device is its own. Contexts of native, the reference and objects of the caller's are never behind.
 * Call it while no other thread uses the context.
 */
CLQ_API clq_status clq_context_pace(clq_context *context, int is_of_products, clq_pace *pace, clq_error *error);

/*
 * Whether this context may ask the system for permission to use the tile registers of the processor (AMX, on Linux:
 * arch_prctl with ARCH_REQ_XCOMP_PERM), which the variant cpu-amx of products and native's amx need. It does so at the
 * first plan or product that would take one; the permission is the process's, for all of its threads, and is not given
 * back.
 * Not 0 (the default): it may. 0: it does not ask, and uses tiles only where the process has the permission already;
 * other variants serve. Call it while no other thread uses the context. Nothing to the reference.
 */
CLQ_API void clq_context_set_tile_permission(clq_context *context, int may_ask);

/* A buffer and an offset in elements of what is stored there (for s4 and u4 an even one). */
typedef struct clq_operand {
    clq_buffer *buffer; /* of the context that runs the operation */
    uint64_t offset;    /* where the operand begins */
} clq_operand;

/* The operands by name; those that an operation does not use are ignored. Zero all, then set `struct_size`. */
typedef struct clq_operands {
    uint32_t struct_size;                                         /* sizeof(clq_operands) */
    clq_operand x, y, codes, scale, zero_point, range, nonfinite; /* shapes and types: below */
    clq_operand averaging, state, counts;                         /* of clq_merge_range and clq_histogram */
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
 *     counts      clq_histogram_bins*p of uint64_t; read and written
 * Outputs must not overlap inputs or each other, but `y` of clq_fake_quantize may be `x` itself. What counts are bytes
 * (of 4-bit codes whole ones), whatever buffers lie over them; operands may touch.
 * Scales in a buffer are not checked: one outside its bounds gives unspecified codes and nothing worse.
 * All return CLQ_INVALID_ARGUMENT for a description that clq_quantization_check refuses, a buffer of another context,
 * one too small, or operands that overlap; CLQ_OUT_OF_MEMORY when memory is lacking; CLQ_DEVICE_ERROR or
 * CLQ_BUILD_FAILED when the device fails. Where no kernel of the device gives the bytes of the reference, which is told
 * to the context's log once, the host computes and the call waits for it; CLQ_MISMATCH when a variant is forced.
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

#ifdef __cplusplus
}
#endif

#endif

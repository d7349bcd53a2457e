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
 *     clq_verify             all of these on a device against the reference, bit for bit
 *
 * Where they run is told by the context: clq_context_create("auto", &ctx, &error) takes the best
 * OpenCL device, "native" this processor without it, "reference" the plain C code. The bytes are the same.
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
 *   - The library prints nothing, installs no signal handler, has no globals but the addresses of OpenCL's functions,
 *     which it loads once in a process, and reads no locale.
 *   - The caller's floating-point environment (rounding, subnormals flushed to zero, traps) changes no
 *     result, and is as it was when a call returns.
 *   - Sizes and offsets are in elements unless the name says `_bytes`.
 *   - Operations are enqueued in the order of the calls; clq_buffer_read and clq_finish wait.
 */
#ifndef CLQUANT_CLQUANT_H
#define CLQUANT_CLQUANT_H

#include <clquant/batch.h>
#include <clquant/calibration.h>
#include <clquant/device.h>
#include <clquant/files.h>
#include <clquant/gemm.h>
#include <clquant/operations.h>
#include <clquant/scheme.h>
#include <clquant/status.h>
#include <clquant/tune.h>
#include <clquant/verify.h>
#include <clquant/version.h>

#endif

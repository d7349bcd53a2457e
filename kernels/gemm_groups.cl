/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products with groups along K, second half (docs/numerics.md, eq. 20a to 20d; reference/gemm_groups.c): corrects the
 * sums of some consecutive parts of K for zero points, y = fma(sum, scale, y) for one after the other, and where these
 * are the last, scales rows, adds the bias, clamps and rounds. The first half is any kernel of the product with
 * `output` PARTIAL, whose slices of K are the parts. Where scratch memory does not hold all of them, y waits there for
 * the next.
 *
 * A work-item serves VECTOR_WIDTH columns of ROWS rows, since the scales of neighbouring columns lie far apart. Rows
 * beyond m are computed as the last one and not stored. Dimensions: ceil(n / VECTOR_WIDTH), ceil(m / ROWS), batch.
 *
 * Build options: VECTOR_WIDTH; ROWS 1 or 4. `call.slices` parts from call.first_slice on are there.
 */
#include "gemm_rows.clh"

#ifndef ROWS
#define ROWS 4
#endif

#define A_NAN 0x7FC00000u

/* Scales of a part of VECTOR_WIDTH columns, those beyond n as the last. */
static inline floatv scales_of(const gemm_call *call, const gemm_memory *memory, ulong batch, uint column, uint count,
                               uint part)
{
    __global const float *from =
        memory->b_scale + call->b_scale_offset + (batch * call->b_values_batch + column) * call->parts + part;
    float lanes[VECTOR_WIDTH];
    for (uint j = 0; j < VECTOR_WIDTH; j++) {
        lanes[j] = from[(ulong)min(j, count - 1) * call->parts];
    }
    return VLOAD(0, lanes);
}

/* The sum of a part, corrected for zero points (kernels/gemm_call.h). */
static inline uintv terms_of(const gemm_call *call, const gemm_memory *memory, ulong batch, uint row, uint part,
                             uintv sums, uintv zero_points)
{
    uintv terms = sums * a_zero_point_of(call, memory, batch, row);
    if (call->needs_sums) {
        const uint depth = min(call->k - part * call->k_group, call->k_group);
        const ulong index = call->a_sums_offset + (batch * call->a_values_batch + row) * call->parts + part;
        terms += zero_points * ((uint)memory->a_sums[index] + depth * (uint)call->a_code_offset);
    }
    return terms;
}

/* A's scale where it has no parts, bias and bounds. */
static inline floatv end_of(const gemm_call *call, const gemm_memory *memory, ulong batch, uint row, floatv bias,
                            floatv y)
{
    const floatv low = (floatv)(call->real_minimum);
    const floatv high = (floatv)(call->real_maximum);
    floatv result = y;
    if (call->a_scale == VALUES_PER_TENSOR || call->a_scale == VALUES_PER_ROW) {
        const ulong index = call->a_scale == VALUES_PER_ROW ? batch * call->a_values_batch + row : 0;
        result = result * (floatv)(memory->a_scale[call->a_scale_offset + index]);
    }
    if (call->bias != VALUES_ABSENT) {
        result = result + bias;
    }
    return result < low ? low : result > high ? high : result;
}

static inline void store_shorts(__global ushort *c, ushortv y, uint count)
{
    ushort lanes[VECTOR_WIDTH];
    if (count == VECTOR_WIDTH) {
        VSTORE(y, 0, c);
    } else {
        VSTORE(y, 0, lanes);
        for (uint j = 0; j < count; j++) {
            c[j] = lanes[j];
        }
    }
}

/* Each NaN as the same one. */
static inline void store_reals(const gemm_call *call, __global uchar *c, ulong index, floatv y, uint count)
{
    const uintv bits = BITCAST(uint)(y);
    const intv is_nan = (bits & 0x7FFFFFFFu) > (uintv)(0x7F800000u);
    if (call->output == OUTPUT_F32) {
        store_words((__global int *)c + index, BITCAST(int)(select(bits, (uintv)(A_NAN), is_nan)), count);
    } else if (call->output == OUTPUT_F16) {
        const uintv half_bits = CONVERT(uint)(half_of_float(y));
        store_shorts((__global ushort *)c + index, CONVERT(ushort)(select(half_bits, (uintv)(0x7E00u), is_nan)), count);
    } else {
        const uintv upper = CONVERT(uint)(bfloat_of_float(y));
        store_shorts((__global ushort *)c + index, CONVERT(ushort)(select(upper, (uintv)(A_NAN >> 16), is_nan)), count);
    }
}

__kernel void gemm_groups(GEMM_PARAMETERS)
{
    const gemm_memory memory = GEMM_MEMORY;
    const uint column = (uint)get_global_id(0) * VECTOR_WIDTH;
    const uint count = min(call.n - column, (uint)VECTOR_WIDTH);
    const uint first_row = (uint)get_global_id(1) * ROWS;
    const ulong batch = get_global_id(2);
    const ulong part_columns = (ulong)((call.n + PANEL_COLUMNS - 1) / PANEL_COLUMNS) * PANEL_COLUMNS;
    floatv y[ROWS];
    floatv bias_here = (floatv)(0.0f);
#pragma unroll
    for (uint r = 0; r < ROWS; r++) {
        const ulong row = min(first_row + r, call.m - 1);
        y[r] = (floatv)(0.0f);
        if (!call.begins) {
            y[r] = BITCAST(float)(
                load_values(partial + call.reals_offset + (batch * call.m + row) * call.n + column, count));
        }
    }
    for (uint slice = 0; slice < call.slices; slice++) {
        const uint part = call.first_slice + slice;
        __global const int *to_sums =
            columns + call.columns_offset + batch * call.columns_batch + part * part_columns + column;
        const uintv sums = BITCAST(uint)(VLOAD(0, to_sums));
        const uintv zero_points = BITCAST(uint)(VLOAD(0, to_sums + call.columns_zero_points));
        const floatv scales = scales_of(&call, &memory, batch, column, count, part);
#pragma unroll
        for (uint r = 0; r < ROWS; r++) {
            const uint row = min(first_row + r, call.m - 1);
            const ulong index = (((ulong)slice * call.batch + batch) * call.m + row) * call.n + column;
            const uintv sum = BITCAST(uint)(load_values(partial + call.partial_offset + index, count)) -
                              terms_of(&call, &memory, batch, row, part, sums, zero_points);
            floatv scale = scales;
            if (call.a_scale == VALUES_PER_GROUP) {
                scale =
                    (floatv)(a_scale[call.a_scale_offset + (batch * call.a_values_batch + row) * call.parts + part]) *
                    scales;
            }
            y[r] = fma(CONVERT(float)(BITCAST(int)(sum)), scale, y[r]);
        }
    }
    if (call.ends && call.bias != VALUES_ABSENT) {
        bias_here = BITCAST(float)(load_values(memory.bias + call.bias_offset + column, count));
    }
#pragma unroll
    for (uint r = 0; r < ROWS; r++) {
        const uint row = first_row + r;
        if (row < call.m && call.ends) {
            store_reals(&call, c, call.c_offset + batch * call.c_batch + row * call.c_row + column,
                        end_of(&call, &memory, batch, row, bias_here, y[r]), count);
        } else if (row < call.m) {
            store_words(partial + call.reals_offset + (batch * call.m + row) * call.n + column, BITCAST(int)(y[r]),
                        count);
        }
    }
}

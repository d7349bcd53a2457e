/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products with groups along K, second half (docs/numerics.md, eq. 20a to 20d; reference/gemm_groups.c): corrects the
 * sums of some consecutive parts of K for zero points, y = fma(sum, scale, y) for one after the other, and where these
 * are the last, scales rows, adds the bias, clamps and rounds. The first half is any kernel of the product with
 * `output` PARTIAL, whose slices of K are the parts. Where scratch memory does not hold all of them, y waits there for
 * the next.
 *
 * A work-item serves VECTOR_WIDTH columns of ROWS rows, since the scales of neighbouring columns lie far apart. Rows
 * beyond m are computed as the last one and not stored. Dimensions: ceil(n / VECTOR_WIDTH), ceil(m / ROWS), batch;
 * work-items beyond them do nothing.
 *
 * Build options: VECTOR_WIDTH; ROWS 1 or 4. `call.slices` parts from call.first_slice on are there.
 */
#include "gemm_groups.clh"

#ifndef ROWS
#define ROWS 4
#endif

__kernel void gemm_groups(GEMM_PARAMETERS)
{
    const gemm_memory memory = GEMM_MEMORY;
    const uint column = (uint)get_global_id(0) * VECTOR_WIDTH;
    const uint count = min(call.n - column, (uint)VECTOR_WIDTH);
    const uint first_row = (uint)get_global_id(1) * ROWS;
    const ulong batch = get_global_id(2);
    floatv y[ROWS];
    floatv bias_here = (floatv)(0.0f);
    if (column >= call.n || first_row >= call.m) {
        return;
    }
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
        const gemm_part_rows rows = gemm_part_rows_of(&call, &memory, batch, part);
        const gemm_part of =
            gemm_part_of(&call, &memory, batch, column, part, scales_of(&call, &memory, batch, column, count, part));
#pragma unroll
        for (uint r = 0; r < ROWS; r++) {
            const uint row = min(first_row + r, call.m - 1);
            const ulong index = (((ulong)slice * call.batch + batch) * call.m + row) * call.n + column;
            const uintv sum = BITCAST(uint)(load_values(partial + call.partial_offset + index, count));
            const gemm_part_row of_row = gemm_part_row_of(&rows, row);
            y[r] = add_part(&of, &rows, &of_row, sum, y[r]);
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

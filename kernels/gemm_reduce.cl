/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split-k, second half: adds the partial sums of all slices of K and gives them their output. The first half is any
 * kernel of the product with `output` PARTIAL. Sums are modulo 2^32, so their order does not matter.
 *
 * Dimensions: ceil(n / VECTOR_WIDTH), m, batch; work-items beyond n and m do nothing. `call.slices` is what the first
 * half had, `output` the real one.
 */
#include "gemm_output.clh"

__kernel void gemm_reduce(GEMM_PARAMETERS)
{
    const gemm_memory memory = GEMM_MEMORY;
    const uint column = (uint)get_global_id(0) * VECTOR_WIDTH;
    const uint row = (uint)get_global_id(1);
    const ulong batch = get_global_id(2);
    const uint count = min(call.n - column, (uint)VECTOR_WIDTH);
    uintv sum = (uintv)(0);
    int tile[VECTOR_WIDTH];
    const gemm_rows rows = {tile, VECTOR_WIDTH, batch, row, 1};
    if (column >= call.n || row >= call.m) {
        return;
    }
    for (uint slice = 0; slice < call.slices; slice++) {
        __global const int *from =
            partial + call.partial_offset + (((ulong)slice * call.batch + batch) * call.m + row) * call.n + column;
        sum += BITCAST(uint)(load_values(from, count));
    }
    VSTORE(BITCAST(int)(sum), 0, tile);
    gemm_write(&call, &memory, 0, column, &rows);
}

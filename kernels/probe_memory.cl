/* SPDX-License-Identifier: Apache-2.0 */
/* What a device makes of memory and work-groups: addresses without alignment, barriers, atomics. */

/* Item i reads and writes a vector that begins at element i, whatever its alignment. */
#define PROBE_VECTORS(type, n)                                                                                         \
    __kernel void probe_load_##type##n(__global uchar *arena, uint from, uint to)                                      \
    {                                                                                                                  \
        const size_t i = get_global_id(0);                                                                             \
        const type##n value = vload##n(0, (__global const type *)(arena + from) + i);                                  \
        vstore##n(value, i, (__global type *)(arena + to));                                                            \
    }                                                                                                                  \
    __kernel void probe_store_##type##n(__global uchar *arena, uint from, uint to)                                     \
    {                                                                                                                  \
        const size_t i = get_global_id(0); /* vectors lie n + 1 elements apart */                                      \
        const type##n value = vload##n(i, (__global const type *)(arena + from));                                      \
        vstore##n(value, 0, (__global type *)(arena + to) + i * (n + 1));                                              \
    }

#ifdef PROBE_TYPE
#define PROBE_VECTORS_(type, n) PROBE_VECTORS(type, n)
PROBE_VECTORS_(PROBE_TYPE, 2)
PROBE_VECTORS_(PROBE_TYPE, 4)
PROBE_VECTORS_(PROBE_TYPE, 8)
PROBE_VECTORS_(PROBE_TYPE, 16)
#else
#ifndef PROBE_FACTOR /* else the last kernel alone */
#define PROBE_FACTOR 3u

/* One work-group after the other folds its items' words in a tree, of any number of items. */
__kernel void probe_tree(__global uint *arena, uint from, uint to)
{
    __local uint words[256];
    const uint item = (uint)get_local_id(0);
    uint left = (uint)get_local_size(0);
    words[item] = arena[from + get_global_id(0)];
    barrier(CLK_LOCAL_MEM_FENCE);
    while (left > 1) {
        const uint half_up = (left + 1) / 2;
        if (item + half_up < left) {
            words[item] = words[item] * 31u + words[item + half_up];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        left = half_up;
    }
    if (item == 0) {
        arena[to + get_group_id(0)] = words[0];
    }
}

/* As probe_loop (probe_loop.cl), in loops of 100 rounds each, one after the other: the last has what is left. */
__kernel void probe_loops(__global uint *arena, uint from, uint steps, uint to)
{
    const size_t item = get_global_id(0);
    const uint rounds = arena[from + item];
    uint made = 0;
    for (uint begin = 0; begin < rounds; begin += 100) {
        const uint stop = min(begin + 100, rounds);
        for (uint i = begin; i < stop; i++) {
            made += arena[steps + (made & 255)];
        }
    }
    arena[to + item] = made;
}

/* Words go round among the items of a group; each round reads what a neighbour wrote in the one before. */
__kernel void probe_ring(__global uint *arena, uint from, uint to)
{
    __local uint words[256];
    const uint item = (uint)get_local_id(0);
    const uint items = (uint)get_local_size(0);
    words[item] = arena[from + get_global_id(0)];
    for (uint round = 0; round < 16; round++) {
        uint next;
        barrier(CLK_LOCAL_MEM_FENCE);
        next = words[(item + 1) % items] * 5u + round;
        barrier(CLK_LOCAL_MEM_FENCE);
        words[item] = next;
    }
    arena[to + get_global_id(0)] = words[item];
}

/* Counters that all items change: the sums do not depend on the order. */
__kernel void probe_atomic(__global uint *arena, uint from, uint to)
{
    const uint word = arena[from + get_global_id(0)];
    atomic_inc((volatile __global uint *)arena + to);
    atomic_add((volatile __global uint *)arena + to + 1, word);
    atomic_min((volatile __global uint *)arena + to + 2, word);
    atomic_max((volatile __global uint *)arena + to + 3, word);
    atomic_xor((volatile __global uint *)arena + to + 4, word);
    atomic_inc((volatile __global uint *)arena + to + 5 + word % 11u);
}

/* The same in local memory, as histograms do. */
__kernel void probe_atomic_local(__global uint *arena, uint from, uint to)
{
    __local uint words[256];
    const uint item = (uint)get_local_id(0);
    const uint items = (uint)get_local_size(0);
    for (uint i = item; i < 16; i += items) {
        words[i] = 0;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint k = 0; k < 32; k++) {
        const uint word = arena[from + (get_group_id(0) * 32 + k) * items + item];
        atomic_inc((volatile __local uint *)words + word % 16u);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = item; i < 16; i += items) {
        arena[to + get_group_id(0) * 16 + i] = words[i];
    }
}

#endif

/* to[i] = 3 * from[i] + add, or another factor: what queues, mappings, copies and binaries are asked with. */
__kernel void probe_step(__global const uint *source, ulong from, __global uint *target, ulong to, uint add)
{
    const size_t i = get_global_id(0);
    target[to + i] = PROBE_FACTOR * source[from + i] + add;
}
#endif

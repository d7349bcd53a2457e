/* SPDX-License-Identifier: Apache-2.0 */
/* How long a device goes round a loop. Each round adds what memory holds, so that no compiler knows the sum. */

/* Work-item i: its rounds stand at from + i, 256 ones at steps; how many it made goes to to + i. */
__kernel void probe_loop(__global uint *arena, uint from, uint steps, uint to)
{
    const size_t item = get_global_id(0);
    const uint rounds = arena[from + item];
    uint made = 0;
    for (uint i = 0; i < rounds; i++) {
        made += arena[steps + (made & 255)];
    }
    arena[to + item] = made;
}

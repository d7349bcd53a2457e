/* SPDX-License-Identifier: Apache-2.0 */
#include "format/xxh64.h"

#include <string.h>

static const uint64_t PRIMES[5] = {UINT64_C(0x9E3779B185EBCA87), UINT64_C(0xC2B2AE3D27D4EB4F),
                                   UINT64_C(0x165667B19E3779F9), UINT64_C(0x85EBCA77C2B2AE63),
                                   UINT64_C(0x27D4EB2F165667C5)};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* Little-endian whatever the machine. In one expression each, of which compilers make one load. */
static uint64_t load32(const unsigned char *from)
{
    return (uint64_t)from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 | (uint64_t)from[3] << 24;
}

static uint64_t load64(const unsigned char *from)
{
    return (uint64_t)from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 | (uint64_t)from[3] << 24 |
           (uint64_t)from[4] << 32 | (uint64_t)from[5] << 40 | (uint64_t)from[6] << 48 | (uint64_t)from[7] << 56;
}

static uint64_t mix(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIMES[1], 31) * PRIMES[0];
}

static void add_stripes(uint64_t lanes[4], const unsigned char *from, size_t stripes)
{
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (size_t i = 0; i < stripes; i++, from += CLQ_XXH64_STRIPE) {
        a = mix(a, load64(from));
        b = mix(b, load64(from + 8));
        c = mix(c, load64(from + 16));
        d = mix(d, load64(from + 24));
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
}

void clq_xxh64_begin(clq_xxh64 *state, uint64_t seed)
{
    memset(state, 0, sizeof *state);
    state->seed = seed;
    state->lanes[0] = seed + PRIMES[0] + PRIMES[1];
    state->lanes[1] = seed + PRIMES[1];
    state->lanes[2] = seed;
    state->lanes[3] = seed - PRIMES[0];
}

void clq_xxh64_add(clq_xxh64 *state, const void *memory, size_t bytes)
{
    const unsigned char *from = memory;
    const size_t waiting = (size_t)(state->bytes % CLQ_XXH64_STRIPE);
    state->bytes += bytes;
    if (waiting > 0) {
        const size_t wanted = CLQ_XXH64_STRIPE - waiting;
        const size_t taken = bytes < wanted ? bytes : wanted;
        memcpy(state->waiting + waiting, from, taken);
        from += taken;
        bytes -= taken;
        if (taken < wanted) {
            return;
        }
        add_stripes(state->lanes, state->waiting, 1);
    }
    add_stripes(state->lanes, from, bytes / CLQ_XXH64_STRIPE);
    if (bytes % CLQ_XXH64_STRIPE > 0) {
        memcpy(state->waiting, from + bytes / CLQ_XXH64_STRIPE * CLQ_XXH64_STRIPE, bytes % CLQ_XXH64_STRIPE);
    }
}

/* Of 32 bytes and more: the lanes in one. */
static uint64_t merge(const uint64_t lanes[4])
{
    uint64_t hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    for (size_t i = 0; i < 4; i++) {
        hash = (hash ^ mix(0, lanes[i])) * PRIMES[0] + PRIMES[3];
    }
    return hash;
}

uint64_t clq_xxh64_result(const clq_xxh64 *state)
{
    const unsigned char *from = state->waiting;
    size_t left = (size_t)(state->bytes % CLQ_XXH64_STRIPE);
    uint64_t hash = state->bytes >= CLQ_XXH64_STRIPE ? merge(state->lanes) : state->seed + PRIMES[4];
    hash += state->bytes;
    for (; left >= 8; left -= 8, from += 8) {
        hash = rotate(hash ^ mix(0, load64(from)), 27) * PRIMES[0] + PRIMES[3];
    }
    if (left >= 4) {
        hash = rotate(hash ^ load32(from) * PRIMES[0], 23) * PRIMES[1] + PRIMES[2];
        from += 4;
        left -= 4;
    }
    for (; left > 0; left--, from++) {
        hash = rotate(hash ^ *from * PRIMES[4], 11) * PRIMES[0];
    }
    hash = (hash ^ hash >> 33) * PRIMES[1];
    hash = (hash ^ hash >> 29) * PRIMES[2];
    return hash ^ hash >> 32;
}

uint64_t clq_xxh64_of(const void *memory, size_t bytes, uint64_t seed)
{
    clq_xxh64 state;
    clq_xxh64_begin(&state, seed);
    clq_xxh64_add(&state, memory, bytes);
    return clq_xxh64_result(&state);
}

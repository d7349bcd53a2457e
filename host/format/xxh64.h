/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XXH64 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md): tells accidents, not attacks. Our own, so that the
 * file layer needs no header that a build without OpenCL would not need.
 */
#ifndef CLQ_HOST_FORMAT_XXH64_H
#define CLQ_HOST_FORMAT_XXH64_H

#include <stddef.h>
#include <stdint.h>

enum { CLQ_XXH64_STRIPE = 32 };

/* The hash of bytes that come in pieces, however they are cut. */
typedef struct clq_xxh64 {
    uint64_t lanes[4];
    uint64_t bytes; /* so far */
    uint64_t seed;
    unsigned char waiting[CLQ_XXH64_STRIPE]; /* the last bytes % 32 of them */
} clq_xxh64;

void clq_xxh64_begin(clq_xxh64 *state, uint64_t seed);
void clq_xxh64_add(clq_xxh64 *state, const void *memory, size_t bytes);
uint64_t clq_xxh64_result(const clq_xxh64 *state);

uint64_t clq_xxh64_of(const void *memory, size_t bytes, uint64_t seed);

#endif

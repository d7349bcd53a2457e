/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <stdatomic.h>

#include "core/tiles.h"
#include "native.h"

#if defined(__x86_64__) && defined(__GNUC__)
/* 16 lanes of 4 products, each with its addition. */
enum { CHAINS = 16, OPERATIONS = CHAINS * 16 * 4 * 2 };

/* As many chains as it takes to hide the latency of one: 16 are enough for two instructions of 5 cycles in each. */
__attribute__((target("avx512f"))) static void dot_thread(void *cookie, int index, int count)
{
    size_t loops = *(const size_t *)cookie;
    (void)index;
    (void)count;
    if (loops == 0) {
        return;
    }
    __asm__ volatile("vpternlogd $0xff, %%zmm16, %%zmm16, %%zmm16\n\t"
                     "vpsrld $7, %%zmm16, %%zmm17\n\t"
                     ".p2align 5\n"
                     "1:\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm0\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm1\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm2\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm3\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm4\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm5\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm6\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm7\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm8\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm9\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm10\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm11\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm12\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm13\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm14\n\t"
                     "vpdpbusd %%zmm16, %%zmm17, %%zmm15\n\t"
                     "dec %0\n\t"
                     "jnz 1b"
                     : "+r"(loops)
                     :
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17");
}

/* Four chains of four products of 16 rows, 16 columns and 64 k; 16 clocks each hide the latency of one, 52. */
enum { TILE_PRODUCTS = 16, TILE_CHAIN = 4, TILE_OPERATIONS = TILE_PRODUCTS * 16 * 16 * 64 * 2 };

static atomic_int tile_faults;

/* Of ones, so that a chain's sums tell how many products there were. */
static void tile_thread(void *cookie, int index, int count)
{
    const size_t loops = *(const size_t *)cookie;
    size_t left = loops;
    const long stride = 64;
    unsigned char shapes[64] = {1};
    unsigned char ones[16 * 64];
    uint32_t sums[16 * 16];
    (void)index;
    (void)count;
    if (loops == 0) {
        return;
    }
    for (int i = 0; i < 8; i++) {
        shapes[16 + 2 * i] = 64;
        shapes[48 + i] = 16;
    }
    memset(ones, 1, sizeof ones);
    __asm__ volatile("ldtilecfg (%1)\n\t"
                     "tileloadd (%2,%4,1), %%tmm4\n\t"
                     "tileloadd (%2,%4,1), %%tmm5\n\t"
                     "tileloadd (%2,%4,1), %%tmm6\n\t"
                     "tileloadd (%2,%4,1), %%tmm7\n\t"
                     ".p2align 5\n"
                     "1:\n\t"
                     ".rept 4\n\t"
                     "tdpbssd %%tmm6, %%tmm4, %%tmm0\n\t"
                     "tdpbssd %%tmm7, %%tmm4, %%tmm1\n\t"
                     "tdpbssd %%tmm6, %%tmm5, %%tmm2\n\t"
                     "tdpbssd %%tmm7, %%tmm5, %%tmm3\n\t"
                     ".endr\n\t"
                     "dec %0\n\t"
                     "jnz 1b\n\t"
                     "tilestored %%tmm3, (%3,%4,1)\n\t"
                     "tilerelease"
                     : "+r"(left)
                     : "r"(shapes), "r"(ones), "r"(sums), "r"(stride)
                     : "cc", "memory");
    for (int i = 0; i < 16 * 16; i++) {
        atomic_fetch_or(&tile_faults, sums[i] != (uint32_t)(loops * TILE_CHAIN * 64));
    }
}

/* Whether there are tiles; the program is its own host, and asks for the permission. */
static int has_tiles(void)
{
    char lacks[120];
    clq_tiles_find(lacks, sizeof lacks);
    return lacks[0] == '\0' && clq_tiles_refusal(1) == NULL;
}

static int has_dot(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni");
}

const char *native_dot_name(void)
{
    return has_tiles() ? "tdpbssd" : "vpdpbusd";
}

double native_dot_operations(size_t loops)
{
    const double of_one = has_tiles() ? (double)TILE_OPERATIONS : has_dot() ? (double)OPERATIONS : 0.0;
    return (double)loops * of_one * native_threads();
}

int native_dot(size_t loops)
{
    atomic_store(&tile_faults, 0);
    native_parallel(has_tiles() ? tile_thread : dot_thread, &loops);
    return atomic_load(&tile_faults) != 0;
}
#else
const char *native_dot_name(void)
{
    return "dot product";
}

double native_dot_operations(size_t loops)
{
    (void)loops;
    return 0.0;
}

int native_dot(size_t loops)
{
    (void)loops;
    return 0;
}
#endif

enum { TILE_ROWS = 8, TILE_COLUMNS = 256 };

static int32_t a_at(const native_product *p, size_t row, size_t k)
{
    const size_t index = row * p->k + k;
    return p->a_is_u8 ? ((const uint8_t *)p->a)[index] : ((const int8_t *)p->a)[index];
}

/* Sums stay in the cache; a row of B serves all rows of the tile. */
static void gemm_tile(const native_product *p, size_t row, size_t rows, size_t column)
{
    const size_t columns = p->n - column < TILE_COLUMNS ? p->n - column : TILE_COLUMNS;
    uint32_t sums[TILE_ROWS][TILE_COLUMNS] = {{0}};
    for (size_t k = 0; k < p->k; k++) {
        const int8_t *b = p->b + k * p->n + column;
        for (size_t i = 0; i < rows; i++) {
            const int32_t a = a_at(p, row + i, k);
            for (size_t j = 0; j < columns; j++) {
                sums[i][j] += (uint32_t)(a * b[j]);
            }
        }
    }
    for (size_t i = 0; i < rows; i++) {
        memcpy(p->c + (row + i) * p->n + column, sums[i], columns * sizeof sums[i][0]);
    }
}

/* Tiles go round among the threads. */
static void gemm_thread(void *cookie, int index, int count)
{
    const native_product *p = cookie;
    size_t tile = 0;
    for (size_t column = 0; column < p->n; column += TILE_COLUMNS) {
        for (size_t row = 0; row < p->m; row += TILE_ROWS) {
            if (tile++ % (size_t)count == (size_t)index) {
                gemm_tile(p, row, p->m - row < TILE_ROWS ? p->m - row : TILE_ROWS, column);
            }
        }
    }
}

void native_gemm(const native_product *product)
{
    native_product own = *product;
    native_parallel(gemm_thread, &own);
}

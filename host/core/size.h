/* SPDX-License-Identifier: Apache-2.0 */
/* Size arithmetic that cannot wrap: each returns 0 and leaves *result alone when the exact value needs more bits. */
#ifndef CLQ_HOST_CORE_SIZE_H
#define CLQ_HOST_CORE_SIZE_H

#include <stdint.h>

static inline int clq_size_add(uint64_t a, uint64_t b, uint64_t *result)
{
    if (a > UINT64_MAX - b) {
        return 0;
    }
    *result = a + b;
    return 1;
}

static inline int clq_size_multiply(uint64_t a, uint64_t b, uint64_t *result)
{
    if (a != 0 && b > UINT64_MAX / a) {
        return 0;
    }
    *result = a * b;
    return 1;
}

/* a / b rounded up; b is not 0. */
static inline uint64_t clq_size_divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static inline uint64_t clq_size_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t clq_size_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif

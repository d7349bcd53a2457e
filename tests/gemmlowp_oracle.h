/* SPDX-License-Identifier: Apache-2.0 */
/* The output stage `double` by gemmlowp's own header, where the build found it. */
#ifndef CLQ_TESTS_GEMMLOWP_ORACLE_H
#define CLQ_TESTS_GEMMLOWP_ORACLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* x * q31 * 2^(shift - 31) with gemmlowp's two roundings; q31 >= 0, shift from -31 to 31. */
int32_t gemmlowp_scaled(int32_t x, int32_t q31, int32_t shift);

/* Its two steps. */
int32_t gemmlowp_high_multiply(int32_t a, int32_t b);
int32_t gemmlowp_divide_by_power_of_two(int32_t x, int32_t exponent);

#ifdef __cplusplus
}
#endif

#endif

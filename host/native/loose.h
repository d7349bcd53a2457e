/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of operands, which may lie anywhere. */
#ifndef CLQ_HOST_NATIVE_LOOSE_H
#define CLQ_HOST_NATIVE_LOOSE_H

#include <stdint.h>

typedef uint16_t __attribute__((aligned(1), may_alias)) loose_half;
typedef uint32_t __attribute__((aligned(1), may_alias)) loose_word;
typedef int32_t __attribute__((aligned(1), may_alias)) loose_int;
typedef float __attribute__((aligned(1), may_alias)) loose_float;

#endif

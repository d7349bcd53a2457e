/* SPDX-License-Identifier: Apache-2.0 */
/* The floating-point environment that the numerics are written for: to nearest, subnormals kept, nothing trapped. */
#ifndef CLQ_HOST_CORE_FLOAT_MODE_H
#define CLQ_HOST_CORE_FLOAT_MODE_H

#if defined(__SSE2__)
#include <xmmintrin.h>
typedef struct clq_float_mode {
    unsigned sse;
    unsigned short x87; /* by whose rounding C libraries read and write decimals */
} clq_float_mode;
#elif defined(__aarch64__)
#include <stdint.h>
typedef uint64_t clq_float_mode; /* FPCR */
#else
#include <fenv.h>
typedef fenv_t clq_float_mode;
#endif

/*
 * At the head of a function: what it computes is computed in that environment, whatever its caller's is, which is there
 * again when it returns. Engines flush subnormals in threads of theirs (OpenCV around a network, PyTorch when it is
 * asked to), and threads that are made there inherit it.
 */
#define CLQ_OWN_FLOAT_MODE                                                                                             \
    __attribute__((unused, cleanup(clq_float_mode_leave))) const clq_float_mode callers_float_mode =                   \
        clq_float_mode_enter()

#if defined(__SSE2__)
/* All but the flags of what happened, and of the x87 rounding and precision. The usual case, that nothing is to be
 * done, takes two loads and comparisons. */
enum { CLQ_SSE_BITS = 0xFFC0, CLQ_SSE_DEFAULT = 0x1F80, CLQ_X87_BITS = 0x0F00, CLQ_X87_DEFAULT = 0x0300 };

static inline clq_float_mode clq_float_mode_enter(void)
{
    clq_float_mode callers;
    callers.sse = _mm_getcsr();
    __asm__ volatile("fnstcw %0" : "=m"(callers.x87));
    if ((callers.sse & CLQ_SSE_BITS) != CLQ_SSE_DEFAULT) {
        _mm_setcsr(CLQ_SSE_DEFAULT);
    }
    if ((callers.x87 & CLQ_X87_BITS) != CLQ_X87_DEFAULT) {
        const unsigned short own = (unsigned short)((callers.x87 & ~CLQ_X87_BITS) | CLQ_X87_DEFAULT);
        __asm__ volatile("fldcw %0" : : "m"(own));
    }
    return callers;
}

static inline void clq_float_mode_leave(const clq_float_mode *callers)
{
    if ((callers->sse & CLQ_SSE_BITS) != CLQ_SSE_DEFAULT) {
        _mm_setcsr(callers->sse);
    }
    if ((callers->x87 & CLQ_X87_BITS) != CLQ_X87_DEFAULT) {
        __asm__ volatile("fldcw %0" : : "m"(callers->x87));
    }
}
#elif defined(__aarch64__)
/* All of it is 0 by default. fesetenv leaves some as they are, by which f16 has no infinities. */
static inline clq_float_mode clq_float_mode_enter(void)
{
    clq_float_mode callers;
    __asm__ volatile("mrs %0, fpcr" : "=r"(callers));
    if (callers != 0) {
        __asm__ volatile("msr fpcr, xzr");
    }
    return callers;
}

static inline void clq_float_mode_leave(const clq_float_mode *callers)
{
    if (*callers != 0) {
        __asm__ volatile("msr fpcr, %0" : : "r"(*callers));
    }
}
#else
static inline clq_float_mode clq_float_mode_enter(void)
{
    clq_float_mode callers;
    fegetenv(&callers);
    fesetenv(FE_DFL_ENV);
    return callers;
}

static inline void clq_float_mode_leave(const clq_float_mode *callers)
{
    fesetenv(callers);
}
#endif

#endif

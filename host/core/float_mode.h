/* SPDX-License-Identifier: Apache-2.0 */
/* The floating-point environment that the numerics are written for: to nearest, subnormals kept, nothing trapped. */
#ifndef CLQ_HOST_CORE_FLOAT_MODE_H
#define CLQ_HOST_CORE_FLOAT_MODE_H

#if defined(__SSE2__)
#include <xmmintrin.h>
typedef unsigned clq_float_mode;
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
/* All but the flags of what happened. The usual case, that nothing is to be done, takes a load and a comparison. */
enum { CLQ_FLOAT_MODE_BITS = 0xFFC0, CLQ_FLOAT_MODE_DEFAULT = 0x1F80 };

static inline clq_float_mode clq_float_mode_enter(void)
{
    const clq_float_mode callers = _mm_getcsr();
    if ((callers & CLQ_FLOAT_MODE_BITS) != CLQ_FLOAT_MODE_DEFAULT) {
        _mm_setcsr(CLQ_FLOAT_MODE_DEFAULT);
    }
    return callers;
}

static inline void clq_float_mode_leave(const clq_float_mode *callers)
{
    if ((*callers & CLQ_FLOAT_MODE_BITS) != CLQ_FLOAT_MODE_DEFAULT) {
        _mm_setcsr(*callers);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "native/loops.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include "native/halves_neon.inc"
/* Before those that have plain C for what is missing. */
#include "native/tile_sdot.inc"

#include "native/counts.inc"
#include "native/elements.inc"
#include "native/product.inc"
#include "native/ranges.inc"

const clq_native_loops *clq_native_loops_dotprod(void)
{
    static const clq_native_loops loops = {"neon-dotprod",
                                           "the processor has Advanced SIMD with dot products",
                                           elements,
                                           ranges_of,
                                           count_elements,
                                           &product_loops,
                                           0};
    return &loops;
}
#else
const clq_native_loops *clq_native_loops_dotprod(void)
{
    return NULL;
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "native/loops.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "native/halves_f16c.inc"
/* Before those that have plain C for what is missing. */
#include "native/tile_madd.inc"

#include "native/counts.inc"
#include "native/elements.inc"
#include "native/product.inc"
#include "native/ranges.inc"

const clq_native_loops *clq_native_loops_avx2(void)
{
    static const clq_native_loops loops = {
        "avx2", "the processor has AVX2, FMA and F16C", elements, ranges_of, count_elements, &product_loops, 0};
    return &loops;
}
#else
const clq_native_loops *clq_native_loops_avx2(void)
{
    return NULL;
}
#endif

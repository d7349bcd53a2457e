/* SPDX-License-Identifier: Apache-2.0 */
#include "native/loops.h"

#if defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) &&               \
    defined(__AVX512DQ__)
#include "native/halves_f16c.inc"
/* Before those that have plain C for what is missing. */
#include "native/tile_vnni.inc"

#include "native/counts.inc"
#include "native/elements.inc"
#include "native/product.inc"
#include "native/ranges.inc"

const clq_native_loops *clq_native_loops_vnni(void)
{
    static const clq_native_loops loops = {
        "avx512-vnni", "the processor has AVX-512 with VNNI", elements, ranges_of, count_elements, &product_loops, 0};
    return &loops;
}
#else
const clq_native_loops *clq_native_loops_vnni(void)
{
    return NULL;
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* For what the compiler takes for any processor of its target. */
#include "native/counts.inc"
#include "native/elements.inc"
#include "native/product.inc"
#include "native/ranges.inc"

const clq_native_loops *clq_native_loops_plain(void)
{
    static const clq_native_loops loops = {"plain",        "C for any processor", elements, ranges_of,
                                           count_elements, &product_loops,        0};
    return &loops;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "native/loops.h"

#if defined(__AMX_TILE__) && defined(__AMX_INT8__) && defined(__AVX512F__)
#include "native/halves_f16c.inc"
/* Before what has plain C for what is missing; each needs the one above. */
#include "native/tile_amx.inc"

#include "native/parts_amx.inc"

#include "native/product.inc"

const clq_native_loops *clq_native_loops_amx(void)
{
    static const clq_native_loops loops = {"amx", "the processor has AMX-INT8", NULL, NULL, NULL, &product_loops, 1};
    return &loops;
}
#else
const clq_native_loops *clq_native_loops_amx(void)
{
    return NULL;
}
#endif

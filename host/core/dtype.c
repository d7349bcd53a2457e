/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dtype.h"

/* One place for the whole library, which cannot be built without this file. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "clquant needs a little-endian host: values in files and packed codes are read and written as they lie in memory"
#endif
#if defined(__SIZEOF_SIZE_T__) && __SIZEOF_SIZE_T__ < 8
#error "clquant needs a 64-bit host: tensors beyond 4 GiB are addressed, and sums are exact in integers of 128 bits"
#endif

const clq_dtype_facts *clq_dtype_facts_of(clq_dtype dtype)
{
    static const clq_dtype_facts none = {"?", 0, 0, 0, 0, 0};
    static const clq_dtype_facts f32 = {"f32", 32, 1, 0, 0, 0};
    static const clq_dtype_facts f16 = {"f16", 16, 1, 0, 0, 0};
    static const clq_dtype_facts bf16 = {"bf16", 16, 1, 0, 0, 0};
    static const clq_dtype_facts s8 = {"s8", 8, 0, 1, -128, 127};
    static const clq_dtype_facts u8 = {"u8", 8, 0, 1, 0, 255};
    static const clq_dtype_facts s4 = {"s4", 4, 0, 1, -8, 7};
    static const clq_dtype_facts u4 = {"u4", 4, 0, 1, 0, 15};
    static const clq_dtype_facts s16 = {"s16", 16, 0, 1, -32768, 32767};
    static const clq_dtype_facts u16 = {"u16", 16, 0, 1, 0, 65535};
    static const clq_dtype_facts s32 = {"s32", 32, 0, 0, INT32_MIN, INT32_MAX};
    switch (dtype) {
    case CLQ_F32:
        return &f32;
    case CLQ_F16:
        return &f16;
    case CLQ_BF16:
        return &bf16;
    case CLQ_S8:
        return &s8;
    case CLQ_U8:
        return &u8;
    case CLQ_S4:
        return &s4;
    case CLQ_U4:
        return &u4;
    case CLQ_S16:
        return &s16;
    case CLQ_U16:
        return &u16;
    case CLQ_S32:
        return &s32;
    }
    return &none;
}

const char *clq_dtype_name(clq_dtype dtype)
{
    return clq_dtype_facts_of(dtype)->name;
}

uint32_t clq_dtype_bits(clq_dtype dtype)
{
    return clq_dtype_facts_of(dtype)->bits;
}

uint64_t clq_dtype_bytes(clq_dtype dtype, uint64_t count)
{
    const uint32_t bits = clq_dtype_bits(dtype);
    if (bits == 4) {
        return count / 2 + count % 2;
    }
    if (count > UINT64_MAX / 8) {
        return UINT64_MAX;
    }
    return count * (bits / 8);
}

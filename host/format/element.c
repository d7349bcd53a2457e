/* SPDX-License-Identifier: Apache-2.0 */
#include "format/element.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/half.h"
#include "format/human.h"
#include "format/real.h"

static void format_real(char out[CLQ_ELEMENT_BYTES], clq_dtype dtype, const void *array, uint64_t i)
{
    char number[40];
    float value;
    uint16_t narrow;
    clq_real_widen_single(dtype, array, (size_t)i, 1, &value);
    clq_format_double(number, sizeof number, (double)value, 1);
    if (dtype == CLQ_F32) {
        snprintf(out, CLQ_ELEMENT_BYTES, "%s (0x%08" PRIx32 ")", number, clq_bits_from_float(value));
    } else {
        memcpy(&narrow, (const char *)array + 2 * i, sizeof narrow);
        snprintf(out, CLQ_ELEMENT_BYTES, "%s (0x%04x)", number, (unsigned)narrow);
    }
}

void clq_format_element(char out[CLQ_ELEMENT_BYTES], clq_dtype dtype, const void *array, uint64_t i)
{
    const uint8_t *bytes = array;
    switch (dtype) {
    case CLQ_S8:
        snprintf(out, CLQ_ELEMENT_BYTES, "%d", ((const int8_t *)array)[i]);
        break;
    case CLQ_U8:
        snprintf(out, CLQ_ELEMENT_BYTES, "%d", bytes[i]);
        break;
    case CLQ_S4:
    case CLQ_U4: {
        const int nibble = bytes[i / 2] >> (i % 2 * 4) & 15;
        snprintf(out, CLQ_ELEMENT_BYTES, "%d", dtype == CLQ_S4 && nibble > 7 ? nibble - 16 : nibble);
        break;
    }
    case CLQ_S16:
        snprintf(out, CLQ_ELEMENT_BYTES, "%d", ((const int16_t *)array)[i]);
        break;
    case CLQ_U16:
        snprintf(out, CLQ_ELEMENT_BYTES, "%d", ((const uint16_t *)array)[i]);
        break;
    case CLQ_S32:
        snprintf(out, CLQ_ELEMENT_BYTES, "%" PRId32, ((const int32_t *)array)[i]);
        break;
    default:
        format_real(out, dtype, array, i);
        break;
    }
}

void clq_format_difference(char *out, size_t capacity, const char *place, const char *got, const char *device,
                           const char *want)
{
    snprintf(out, capacity, "%s is %s on %s and %s in the reference", place, got, device, want);
}

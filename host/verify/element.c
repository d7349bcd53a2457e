/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of operands as bits and as text. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/element.h"
#include "verify/case.h"

/* Bits of one, at most 64. */
static uint32_t width_of(int32_t element)
{
    return element == CLQ_VERIFY_BYTE  ? 8
           : element == CLQ_VERIFY_U32 ? 32
           : element == CLQ_VERIFY_U64 ? 64
                                       : clq_dtype_bits((clq_dtype)element);
}

uint64_t clq_verify_element_bytes(int32_t element, uint64_t count)
{
    return (count * width_of(element) + 7) / 8;
}

uint32_t clq_verify_element_bits(int32_t element, const unsigned char *operand, uint64_t index, uint64_t *value)
{
    const uint32_t bits = width_of(element);
    *value = 0;
    if (bits == 4) {
        *value = operand[index / 2] >> (index % 2 * 4) & 15;
    } else {
        memcpy(value, operand + index * (bits / 8), bits / 8);
    }
    return bits;
}

void clq_verify_element_text(int32_t element, const unsigned char *operand, uint64_t index, char *text, size_t capacity)
{
    char plain[CLQ_ELEMENT_BYTES];
    uint64_t bits = 0;
    const uint32_t width = clq_verify_element_bits(element, operand, index, &bits);
    switch (element) {
    case CLQ_VERIFY_BYTE:
    case CLQ_VERIFY_U32:
        snprintf(text, capacity, "0x%0*" PRIx64, (int)(width / 4), bits);
        break;
    case CLQ_VERIFY_U64:
        snprintf(text, capacity, "%" PRIu64 " (0x%" PRIx64 ")", bits, bits);
        break;
    default:
        clq_format_element(plain, (clq_dtype)element, operand, index);
        snprintf(text, capacity, "%s", plain);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of operands as bits and as text. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/human.h"
#include "reference/element.h"
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

/* Of infinities and NaN there is no shortest decimal. */
static void real_text(float value, uint64_t bits, uint32_t width, char *text, size_t capacity)
{
    char number[32];
    if (value - value != 0.0f) {
        snprintf(number, sizeof number, "%s", value != value ? "NaN" : value > 0.0f ? "inf" : "-inf");
    } else {
        clq_format_double(number, sizeof number, (double)value, 1);
    }
    snprintf(text, capacity, "%s (0x%0*" PRIx64 ")", number, (int)(width / 4), bits);
}

void clq_verify_element_text(int32_t element, const unsigned char *operand, uint64_t index, char *text, size_t capacity)
{
    uint64_t bits = 0;
    const uint32_t width = clq_verify_element_bits(element, operand, index, &bits);
    uint32_t word = (uint32_t)bits;
    int32_t number;
    switch (element) {
    case CLQ_F32:
    case CLQ_F16:
    case CLQ_BF16:
        real_text(clq_load_real((clq_dtype)element, operand, index), bits, width, text, capacity);
        break;
    case CLQ_S32:
        memcpy(&number, &word, sizeof number);
        snprintf(text, capacity, "%" PRId32, number);
        break;
    case CLQ_VERIFY_BYTE:
    case CLQ_VERIFY_U32:
        snprintf(text, capacity, "0x%0*" PRIx64, (int)(width / 4), bits);
        break;
    case CLQ_VERIFY_U64:
        snprintf(text, capacity, "%" PRIu64 " (0x%" PRIx64 ")", bits, bits);
        break;
    default:
        snprintf(text, capacity, "%" PRId32, clq_load_code((clq_dtype)element, operand, index));
    }
}

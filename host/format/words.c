/* SPDX-License-Identifier: Apache-2.0 */
#include "format/words.h"

#include <string.h>

#include "core/size.h"

enum { WORD_BITS = 32, WORD_BYTES = 4, RAISE_8 = 0x80, RAISE_4 = 0x88 };

uint64_t clq_words_count(unsigned bits, uint64_t columns)
{
    return clq_size_divide_up(columns, WORD_BITS / bits);
}

uint64_t clq_words_offset(unsigned bits, uint64_t columns, uint64_t row, uint64_t column)
{
    return row * clq_words_count(bits, columns) * WORD_BYTES + column / (8 / bits);
}

uint64_t clq_words_bytes(const clq_word_run *run)
{
    const uint64_t first = clq_words_offset(run->bits, run->columns, 0, run->column);
    const uint64_t end = run->column + run->count;
    return (end == run->columns ? clq_words_offset(run->bits, run->columns, 1, 0)
                                : clq_size_divide_up(end, 8 / run->bits)) -
           first;
}

static uint8_t nibble_at(const uint8_t *codes, uint64_t i)
{
    return (uint8_t)(i % 2 == 0 ? codes[i / 2] & 15u : codes[i / 2] >> 4);
}

static void write_nibbles(const clq_word_run *run, const uint8_t *codes, uint8_t before, uint8_t *bytes)
{
    uint64_t done = 0; /* codes */
    uint64_t used = 0; /* bytes */
    if (run->column % 2 != 0) {
        bytes[used++] = (uint8_t)(((before & 15u) | (unsigned)nibble_at(codes, run->at) << 4) ^ RAISE_4);
        done = 1;
    }
    if ((run->at + done) % 2 == 0) {
        for (; done + 2 <= run->count; done += 2) {
            bytes[used++] = codes[(run->at + done) / 2] ^ RAISE_4;
        }
    }
    for (; done + 2 <= run->count; done += 2) {
        const unsigned low = nibble_at(codes, run->at + done);
        const unsigned high = nibble_at(codes, run->at + done + 1);
        bytes[used++] = (uint8_t)((low | high << 4) ^ RAISE_4);
    }
    if (done < run->count) {
        bytes[used] = (uint8_t)((nibble_at(codes, run->at + done) ^ RAISE_4) & 15u);
    }
}

uint64_t clq_words_write(const clq_word_run *run, const uint8_t *codes, uint8_t before, uint8_t *bytes)
{
    const uint64_t all = clq_words_bytes(run);
    memset(bytes, 0, (size_t)all);
    if (run->bits == 4) {
        write_nibbles(run, codes, before, bytes);
        return all;
    }
    for (uint64_t i = 0; i < run->count; i++) {
        bytes[i] = codes[run->at + i] ^ RAISE_8;
    }
    return all;
}

void clq_words_read(const clq_word_run *run, const uint8_t *bytes, uint8_t *codes)
{
    const uint64_t odd = run->bits == 4 ? run->column % 2 : 0;
    for (uint64_t i = 0; i < run->count; i++) {
        const uint64_t at = run->at + i;
        if (run->bits == 8) {
            codes[at] = bytes[i] ^ RAISE_8;
        } else {
            const unsigned code = nibble_at(bytes, odd + i) ^ 8u;
            const unsigned shift = at % 2 * 4;
            codes[at / 2] = (uint8_t)((codes[at / 2] & ~(15u << shift)) | code << shift);
        }
    }
}

uint32_t clq_word_of(unsigned bits, uint64_t index, int32_t value)
{
    const uint32_t raised = (uint32_t)(value + (1 << (bits - 1)));
    return raised << (index % (WORD_BITS / bits) * bits);
}

int32_t clq_word_value(unsigned bits, uint64_t index, uint32_t word)
{
    const uint32_t raised = word >> (index % (WORD_BITS / bits) * bits) & ((1u << bits) - 1u);
    return (int32_t)raised - (1 << (bits - 1));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes in words of 32 bits, as pack-quantized has them (docs/files.md): little-endian, the first code in the lowest
 * bits, each raised by half the codes so that it is no negative number. A row of codes has words of its own, the last
 * of them filled up with zero bits. Here are 4 and 8 bits. Pure functions.
 */
#ifndef CLQ_HOST_FORMAT_WORDS_H
#define CLQ_HOST_FORMAT_WORDS_H

#include "core/error.h"

/* Words of a row of `columns` codes. */
uint64_t clq_words_count(unsigned bits, uint64_t columns);

/* Where code `column` of row `row` is in the tensor: the byte, which two codes of 4 bits share. */
uint64_t clq_words_offset(unsigned bits, uint64_t columns, uint64_t row, uint64_t column);

/* Codes [column, column + count) of a row of `columns`; `at` is the first of them in an array of packed codes. */
typedef struct clq_word_run {
    unsigned bits;
    uint64_t columns, column, count, at;
} clq_word_run;

/*
 * Bytes from clq_words_offset of the first code on, with what fills the row up when it ends there; returns how many.
 * `before`: the code that shares the first byte, when `column` is odd.
 */
uint64_t clq_words_write(const clq_word_run *run, const uint8_t *codes, uint8_t before, uint8_t *bytes);

/* Most bytes that writes, and those that clq_words_read looks at. */
uint64_t clq_words_bytes(const clq_word_run *run);

/* The codes again, from such bytes; other codes in `codes` stay as they are. */
void clq_words_read(const clq_word_run *run, const uint8_t *bytes, uint8_t *codes);

/* One number within a word: its bits there, and back. */
uint32_t clq_word_of(unsigned bits, uint64_t index, int32_t value);
int32_t clq_word_value(unsigned bits, uint64_t index, uint32_t word);

#endif

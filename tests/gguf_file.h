/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF files spelled out word by word, right or wrong. */
#ifndef CLQ_TESTS_GGUF_FILE_H
#define CLQ_TESTS_GGUF_FILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of `text`, malloc'ed. Its words, with spaces between:
 *
 *     b1 w2 q3    a number in 1, 4 or 8 bytes, little-endian
 *     s:text      a string with its length before it
 *     r:text      these bytes
 *     z5 d6       zero bytes; bytes that are finite numbers as f32, f16 and bf16, drawn from *seed
 *     @7          zero bytes up to a multiple of 7
 */
unsigned char *gguf_file_make(const char *text, uint64_t *seed, size_t *length);

/* The same in a file of the scratch folder, whose path it returns. */
const char *gguf_file_write(const char *name, const char *text, uint64_t *seed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "gguf_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

typedef struct bytes {
    unsigned char *memory;
    size_t length, capacity;
} bytes;

static void put(bytes *out, const void *more, size_t length)
{
    if (out->memory == NULL || length > out->capacity - out->length) {
        out->capacity = 2 * out->capacity + length + 256;
        out->memory = realloc(out->memory, out->capacity);
        if (out->memory == NULL) {
            fprintf(stderr, "no memory for a file\n");
            exit(1);
        }
    }
    memcpy(out->memory + out->length, more, length);
    out->length += length;
}

static void put_number(bytes *out, uint64_t value, size_t length)
{
    unsigned char raw[8];
    for (size_t i = 0; i < 8; i++) {
        raw[i] = (unsigned char)(value >> (8 * i));
    }
    put(out, raw, length);
}

static void put_data(bytes *out, uint64_t count, uint64_t *seed)
{
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t random = scratch_random(seed);
        put_number(out, i % 2 == 0 ? random : ((random >> 8 & 0x83u) | 0x38u), 1);
    }
}

static void put_word(bytes *out, const char *word, size_t length, uint64_t *seed)
{
    const uint64_t number = strtoull(word + 1, NULL, 10);
    switch (word[0]) {
    case 'b':
        put_number(out, number, 1);
        break;
    case 'w':
        put_number(out, number, 4);
        break;
    case 'q':
        put_number(out, number, 8);
        break;
    case 's':
        put_number(out, length - 2, 8);
        put(out, word + 2, length - 2);
        break;
    case 'r':
        put(out, word + 2, length - 2);
        break;
    case 'z':
        for (uint64_t i = 0; i < number; i++) {
            put(out, "", 1);
        }
        break;
    case 'd':
        put_data(out, number, seed);
        break;
    case '@':
        while (out->length % number != 0) {
            put(out, "", 1);
        }
        break;
    default:
        fprintf(stderr, "a file has no word like %s\n", word);
        exit(1);
    }
}

unsigned char *gguf_file_make(const char *text, uint64_t *seed, size_t *length)
{
    bytes out = {0};
    put(&out, "", 0);
    while (*text != '\0') {
        const size_t word = strcspn(text, " ");
        if (word > 0) {
            put_word(&out, text, word, seed);
        }
        text += word + (text[word] == ' ');
    }
    *length = out.length;
    return out.memory;
}

const char *gguf_file_write(const char *name, const char *text, uint64_t *seed)
{
    size_t length = 0;
    unsigned char *memory = gguf_file_make(text, seed, &length);
    const char *path = scratch_write(name, memory, length);
    free(memory);
    return path;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "format/journal_block.h"
#include "core/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char END[] = "end ";
enum { END_LENGTH = sizeof END - 1 };

int clq_journal_is_end(const char *line)
{
    return strncmp(line, END, END_LENGTH) == 0;
}

uint64_t clq_journal_block_end(char line[CLQ_JOURNAL_END_BYTES], uint64_t number, uint64_t before, const char *text,
                               size_t bytes)
{
    const uint64_t hash = XXH64(text, bytes, before);
    snprintf(line, CLQ_JOURNAL_END_BYTES, "%s%" PRIu64 " %016" PRIx64 "\n", END, number, hash);
    return hash;
}

/*
 * From `position`, the start of a line: the start of the line that ends the block and, in *after, what follows it. 0
 * when there is none.
 */
static int find_end(const char *text, size_t bytes, size_t position, size_t *line, size_t *after)
{
    while (position < bytes) {
        const char *newline = memchr(text + position, '\n', bytes - position);
        if (newline == NULL) {
            return 0;
        }
        *line = position;
        *after = (size_t)(newline - text) + 1;
        if (*after - position > END_LENGTH && memcmp(text + position, END, END_LENGTH) == 0) {
            return 1;
        }
        position = *after;
    }
    return 0;
}

int clq_journal_block_next(const char *text, size_t bytes, clq_journal_block *block)
{
    const uint64_t number = block->end == 0 ? 0 : block->number + 1;
    char expected[CLQ_JOURNAL_END_BYTES];
    size_t line = 0;
    size_t after = 0;
    uint64_t hash;
    if (!find_end(text, bytes, block->end, &line, &after) || line == block->end) {
        return 0;
    }
    /* There is one way to write it, so that nothing has to be parsed. */
    hash = clq_journal_block_end(expected, number, block->hash, text + block->end, line - block->end);
    if (after - line != strlen(expected) || memcmp(text + line, expected, after - line) != 0) {
        return 0;
    }
    block->start = block->end;
    block->bytes = line - block->end;
    block->end = after;
    block->number = number;
    block->hash = hash;
    return 1;
}

int clq_journal_block_follows(const char *text, size_t bytes, size_t start)
{
    size_t line = 0;
    size_t after = 0;
    return find_end(text, bytes, start, &line, &after) && find_end(text, bytes, after, &line, &after);
}

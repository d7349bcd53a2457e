/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of a journal as text (journal.h says what they are): pure functions, no file. */
#ifndef CLQ_HOST_FORMAT_JOURNAL_BLOCK_H
#define CLQ_HOST_FORMAT_JOURNAL_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* The first line, which carries the version of the form. */
#define CLQ_JOURNAL_MAGIC "clquant journal 1\n"

/* Room for the line that ends a block, with a NUL. */
enum { CLQ_JOURNAL_END_BYTES = 64 };

typedef struct clq_journal_block {
    size_t start, bytes; /* its lines, without the one that ends it */
    size_t end;          /* where the next block begins */
    uint64_t number;
    uint64_t hash;
} clq_journal_block;

int clq_journal_is_end(const char *line); /* whether it begins as the line that ends a block */

/* Write the line that ends a block of these bytes, and return its hash. `before` is the hash of the block before. */
uint64_t clq_journal_block_end(char line[CLQ_JOURNAL_END_BYTES], uint64_t number, uint64_t before, const char *text,
                               size_t bytes);

/* Go from one block (at first one of zeros) to the next; 0 when none follows that is whole. */
int clq_journal_block_next(const char *text, size_t bytes, clq_journal_block *block);

/*
 * Whether a block that is not whole, at `start`, has another behind it. Where blocks are written one after the other
 * that is no crash's doing.
 */
int clq_journal_block_follows(const char *text, size_t bytes, size_t start);

#endif

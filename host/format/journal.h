/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a file that is being written: what of it is finished and on disk, so that another run can continue
 * after this one was killed. It stands beside the file as ".NAME.journal" and is locked while it is open, so that one
 * run at a time writes NAME.
 *
 * Lines of text in blocks. A block ends with "end N HASH\n": its number, from 0, and the XXH64 of its text in
 * hexadecimal, seeded with the hash of the block before. Block 0 is the heading: what the run must have in common with
 * one that continues it. A block is written at once and flushed before the next one, so that a crash can damage the
 * last one only; such a block does not count. Any other damage is refused.
 */
#ifndef CLQ_HOST_FORMAT_JOURNAL_H
#define CLQ_HOST_FORMAT_JOURNAL_H

#include <stddef.h>

#include "core/error.h"

typedef struct clq_journal clq_journal;

/* Longest line that clq_journal_add takes, without its end. */
enum { CLQ_JOURNAL_LINE_BYTES = 1000 };

/*
 * Open the journal that an earlier run left beside `path`; NULL in *journal when there is none. One whose run was
 * killed while it wrote the heading tells nothing, and is removed. One that another run has open, and anything that is
 * not a file of this user, is CLQ_INVALID_ARGUMENT; a damaged one, or one of another version, is CLQ_BAD_FILE.
 */
clq_status clq_journal_find(const char *path, clq_journal **journal, clq_error *error);

/*
 * The same to read alone, also while another run has it open: what that has written so far. One without a whole heading
 * tells nothing, and stays.
 */
clq_status clq_journal_peek(const char *path, clq_journal **journal, clq_error *error);

/* Remove what stands at the journal's name, whatever is in it, unless another run has it open. */
clq_status clq_journal_discard(const char *path, clq_error *error);

/* The same also while another run has it open, which must be about to end. */
clq_status clq_journal_drop(const char *path, clq_error *error);

/*
 * Begin a journal for `path`, where there must be none (CLQ_INVALID_ARGUMENT: another run began meanwhile).
 * `heading` is whole lines and is on its way to disk afterwards, not necessarily on it.
 */
clq_status clq_journal_create(const char *path, const char *heading, clq_journal **journal, clq_error *error);

/* Of a journal that was found: its heading, *bytes of text. */
const char *clq_journal_heading(const clq_journal *journal, size_t *bytes);

/* The lines of the blocks after the heading, one by one, not NUL-terminated; 0 after the last. */
int clq_journal_next(clq_journal *journal, const char **line, size_t *length);

/* Before the first line again. */
void clq_journal_rewind(clq_journal *journal);

/* Add a line of printable text to the block that is being made. */
clq_status clq_journal_add(clq_journal *journal, const char *line, clq_error *error);

/*
 * Write the block, if there is a line in it; with `durable` flush it to disk. Lines that tell of data must be added
 * after that data was flushed. For one thread at a time.
 */
clq_status clq_journal_write(clq_journal *journal, int durable, clq_error *error);

/* Close it; it stays. */
void clq_journal_close(clq_journal **journal);

/* Remove it and close it. */
clq_status clq_journal_remove(clq_journal **journal, clq_error *error);

#endif

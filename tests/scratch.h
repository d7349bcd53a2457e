/* SPDX-License-Identifier: Apache-2.0 */
/* A private folder for the files of one test program. What goes wrong here ends the program with a message. */
#ifndef CLQ_TESTS_SCRATCH_H
#define CLQ_TESTS_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

/* Setup and teardown of a cmocka group: make the folder (in $TMPDIR or /tmp), remove it with all that is in it. */
int scratch_begin(void **state);
int scratch_end(void **state);

/* The path of `name` in the folder; valid until scratch_end. */
const char *scratch_path(const char *name);

/* Write a whole file, and return its path. */
const char *scratch_write(const char *name, const void *bytes, size_t length);

/* A whole file, malloc'ed, with a NUL after it; NULL when there is none. */
char *scratch_read(const char *path, size_t *length);

/* Remove a file, or a folder and all that is in it. */
void scratch_remove(const char *path);

/* How many entries of the folder have `part` in their names. */
size_t scratch_count(const char *part);

/* Numbers that are the same in each run: SplitMix64. */
uint64_t scratch_random(uint64_t *state);

#endif

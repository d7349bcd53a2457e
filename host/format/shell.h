/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in messages that a person may paste into a shell. */
#ifndef CLQ_HOST_FORMAT_SHELL_H
#define CLQ_HOST_FORMAT_SHELL_H

#include <stddef.h>

/*
 * The text as one word of a POSIX shell, quoted where need be. 0 and an empty word where it does not fit, or where a
 * line would not show it as it is (what steers terminals is escaped there).
 */
int clq_shell_word(char *out, size_t capacity, const char *text);

/* The same for an option that takes a GLOB: the pattern that this name alone matches. */
int clq_shell_pattern(char *out, size_t capacity, const char *name);

#endif

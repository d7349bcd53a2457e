/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this floor share and nobody else sees. */
#ifndef CLQ_HOST_FORMAT_SUPPORT_H
#define CLQ_HOST_FORMAT_SUPPORT_H

#include "core/error.h"

/*
 * Text for a message, returned by value so that it can stand among the arguments: clq_show_path(path).text. Paths and
 * names are cut, since a name of a megabyte must not push the rule it breaks out of the message.
 */
typedef struct clq_shown {
    char text[260];
} clq_shown;

clq_shown clq_show_path(const char *path);
clq_shown clq_show_name(const char *name);
clq_shown clq_show_size(uint64_t bytes); /* "4.0 MiB" */
clq_shown clq_show_errno(int code);      /* "No space left on device" */

/* Fill `memory` with bytes nobody can foresee (or, without /dev/urandom, that differ from call to call). */
void clq_random_bytes(void *memory, size_t bytes);

/* malloc'ed and NUL-terminated; NULL when memory is exhausted. */
char *clq_copy_text(const char *text, size_t length);

clq_status clq_fail_memory(clq_error *error, const char *path);

/*
 * Make room in `array`, which has room for *capacity items and holds `count`, for one more, by doubling. Returns the
 * array; NULL when memory is exhausted, and then the old array stands.
 */
void *clq_grow(void *array, size_t count, size_t *capacity, size_t item_bytes);

/* What follows the last slash. */
const char *clq_last_part(const char *path);

/* product = the product of the shape; 0 when it needs more than 64 bits. */
int clq_shape_elements(const uint64_t *shape, uint32_t rank, uint64_t *product);

/* Write "[2, 3]" (with "..." when it does not fit). */
clq_shown clq_show_shape(const uint64_t *shape, uint32_t rank);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes and shapes as text. */
#ifndef CLQ_HOST_FORMAT_HUMAN_H
#define CLQ_HOST_FORMAT_HUMAN_H

#include <stddef.h>
#include <stdint.h>

/* The shortest decimal text that reads back as the same value ("0.1", "1e-30"); `single`: as the same float. */
void clq_format_double(char *out, size_t capacity, double value, int single);
void clq_format_bytes(char *out, size_t capacity, uint64_t bytes);                       /* "1.5 MiB" */
void clq_format_shape(char *out, size_t capacity, uint32_t rank, const uint64_t *shape); /* "[64, 3, 7, 7]" */

#endif

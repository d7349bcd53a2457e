/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text that a person wrote. */
#ifndef CLQ_HOST_FORMAT_NUMBERS_H
#define CLQ_HOST_FORMAT_NUMBERS_H

#include <stdint.h>

/* Strict numbers: the whole of `text`, decimal, within the bounds; returns 1 when it is so. */
int clq_parse_i64(const char *text, int64_t minimum, int64_t maximum, int64_t *value);
int clq_parse_u64(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value);
int clq_parse_double(const char *text, double *value);         /* finite, also in the form 0x1p-3 */
int clq_parse_range(const char *text, double *lo, double *hi); /* "LO:HI", lo <= hi */
int clq_parse_size(const char *text, uint64_t *bytes);         /* "256M", "1G", "64Ki": powers of 1024 */

#endif

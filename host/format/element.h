/* SPDX-License-Identifier: Apache-2.0 */
/* Single elements of arrays, and what is said of one that two executors computed differently. */
#ifndef CLQ_HOST_FORMAT_ELEMENT_H
#define CLQ_HOST_FORMAT_ELEMENT_H

#include <clquant/clquant.h>

enum { CLQ_ELEMENT_BYTES = 64 };

/* Element i of an array of any type of the library: "-3", "0.5 (0x3f000000)"; reals with their bits, since two that
 * differ may be written the same way. 4-bit codes are packed. */
void clq_format_element(char out[CLQ_ELEMENT_BYTES], clq_dtype dtype, const void *array, uint64_t i);

/* "PLACE is GOT on DEVICE and WANT in the reference" */
void clq_format_difference(char *out, size_t capacity, const char *place, const char *got, const char *device,
                           const char *want);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Products by a variant whose work-items multiply matrices together, with its instructions emulated. */
#ifndef CLQ_TESTS_MATRIX_PRODUCT_H
#define CLQ_TESTS_MATRIX_PRODUCT_H

#include <stddef.h>

#include "check_gemm.h"

/* Fill the case and run it in such tiles, B as it is; compare with the reference, and free the case. */
void matrix_product_check(const char *variant, check_gemm *c, unsigned rows, unsigned columns);

/* The same, where the plan must speak of these tiles and of that way. */
void matrix_product_check_tiles(const char *variant, check_gemm *c, const char *tile, const char *way);

/* The test is skipped where the device is none of OpenCL, or has no work-groups of so many items with that much local
 * memory; a row of a tile takes so much of it at most. */
enum { MATRIX_PRODUCT_ROW_BYTES = 432 };
void matrix_product_skip_without_groups_of(size_t items, size_t local_bytes);

#endif

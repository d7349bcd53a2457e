/* SPDX-License-Identifier: Apache-2.0 */
/* The products of a suite: alone, and in batches. */
#ifndef CLQ_BENCH_SUITE_PRODUCTS_H
#define CLQ_BENCH_SUITE_PRODUCTS_H

#include "suite.h"

clq_status bench_suite_products(const bench_suite *suite, size_t *failed, clq_error *error);
clq_status bench_suite_product_batches(const bench_suite *suite, size_t *failed, clq_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What can be tuned for a device, and tables of it. No value changes a byte of any result. */
#ifndef CLQUANT_TUNE_H
#define CLQUANT_TUNE_H

#include <clquant/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of clq_tunable.operations beside 1 << clq_operation. */
#define CLQ_TUNABLE_BATCH (UINT32_C(1) << 30)
#define CLQ_TUNABLE_GEMM (UINT32_C(1) << 31)

/* A number that decides how a kernel is built, chosen or launched. */
typedef struct clq_tunable {
    const char *name; /* "walk.lanes" */
    const char *unit;
    const char *meaning;
    uint32_t operations; /* whose time it can change */
    size_t value_count;
    const uint32_t *values; /* that it can have, in order */
} clq_tunable;

#ifdef __cplusplus
}
#endif

#endif

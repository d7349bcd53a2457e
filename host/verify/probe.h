/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small questions to a device about the arithmetic and the memory that kernels rely on. Those of arithmetic are one
 * kernel over arrays, whose answers the host computes as well; the others are functions that do as they like.
 */
#ifndef CLQ_HOST_VERIFY_PROBE_H
#define CLQ_HOST_VERIFY_PROBE_H

#include "opencl/machine.h"

typedef struct clq_verify_probe clq_verify_probe;

#endif

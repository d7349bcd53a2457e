/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_OPENCL_TUNER_H
#define CLQ_HOST_OPENCL_TUNER_H

#include "core/executor.h"

extern const clq_tuner clq_cl_tuner;

#endif
